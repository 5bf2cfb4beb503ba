"""The round of a beacon that a draw waits for is fetched once it is there, as a proposal that people confirm.

Never in a page's request, nor with a transaction open. Where no server answers, nothing else stops: people type what
they read.
"""

import urllib.request
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from http.client import HTTPException
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any
from urllib.error import HTTPError, URLError

import structlog
from sqlalchemy import select

from notifications.errors import describe
from notifications.reminders.fire import INSERT
from workflow.db import Database
from workflow.models import BeaconAnswer, SamplePlan
from workflow.sampling import beacon

log = structlog.get_logger(__name__)

TIMEOUT = 5.0
"""Seconds that one server may take."""
AGAIN = timedelta(minutes=1)
"""How soon a round that nobody answered is asked for again."""
_tried: dict[tuple[str, int], datetime] = {}
"""When this process last asked in vain, by chain and round."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """An answer that sends elsewhere is none."""

    def redirect_request(self, *_given: Any) -> None:
        """Go nowhere."""


_OPENER = urllib.request.build_opener(_Stay)


def fetch(base: str, chain: str, number: int) -> beacon.Round:
    """A round from one server. Raises OSError, HTTPException or BadAnswer."""
    answers: Queue[bytes | Exception] = Queue(1)
    # A server that sends a byte now and then would hold whoever waits for the end of a header.
    Thread(target=_ask, args=(beacon.address(chain, number, base), answers), daemon=True).start()
    try:
        answer = answers.get(timeout=TIMEOUT)
    except Empty:
        raise TimeoutError("too slow") from None
    if isinstance(answer, Exception):
        raise answer
    return beacon.check(chain, number, answer)


def _ask(address: str, answers: "Queue[bytes | Exception]") -> None:
    """Put what a server answers, or what went wrong."""
    asked = urllib.request.Request(address, headers={"User-Agent": "binome"})  # noqa: S310 - settings allow https alone
    try:
        with _OPENER.open(asked, timeout=TIMEOUT) as answer:
            content = answer.read(beacon.LARGEST_ANSWER + 1)
        answers.put(content if len(content) <= beacon.LARGEST_ANSWER else beacon.BadAnswer("too long"))
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        answers.put(error)


def read(database: Database, servers: str, now: datetime, stop: Event) -> Counter[str]:
    """Fetch the rounds that draws wait for, from the first of `servers` (separated by commas) that answers well."""
    bases = [base for base in map(str.strip, servers.split(",")) if base]
    with database.read() as session:
        waiting = session.execute(
            select(SamplePlan.id, SamplePlan.beacon, SamplePlan.beacon_round).where(
                SamplePlan.state == "revealed",
                SamplePlan.public_at <= now,
                SamplePlan.beacon.is_not(None),
                ~select(BeaconAnswer.plan_id).where(BeaconAnswer.plan_id == SamplePlan.id).exists(),
            )
        ).all()
    done: Counter[str] = Counter()
    for plan_id, chain, number in waiting if bases else ():
        place = (str(chain), int(number or 0))
        if stop.is_set() or now < beacon.comes_at(*place) or now < _tried.get(place, now - AGAIN) + AGAIN:
            continue
        found = _first(bases, *place)
        if found is None:
            _tried[place] = now
            done["unanswered"] += 1
            continue
        base, answered = found
        with database.write() as session:
            row = {
                "plan_id": plan_id,
                "round": answered.number,
                "randomness": answered.randomness,
                "signature": answered.signature,
                "source": beacon.address(*place, base),
                "at": now,
            }
            insert = INSERT[session.get_bind().dialect.name](BeaconAnswer)
            still = session.get(SamplePlan, plan_id, with_for_update={"key_share": True})
            if still is not None and still.state == "revealed":
                session.execute(insert.values([row]).on_conflict_do_nothing(index_elements=["plan_id"]))
                done["rounds"] += 1
    return done


def _first(bases: Sequence[str], chain: str, number: int) -> tuple[str, beacon.Round] | None:
    for base in bases:
        try:
            return base, fetch(base, chain, number)
        except (OSError, URLError, HTTPException, ValueError) as error:
            log.warning("beacon", server=base, chain=chain, round=number, error=describe(error))
    return None
