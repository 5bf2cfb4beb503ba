"""Delivery: rows of the outbox are claimed, then, with no transaction open, delivered a handful at a time, and marked.

A claim is a lease. A handful is composed together just before it goes and marked together right after, and is as
large as the channel can take in about a second: one message where each takes long. Who is killed between delivery and
mark leaves that handful to go out again once the lease has run out, under the same Message-IDs; nothing else is sent
twice, and nothing is lost.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from threading import Event
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from notifications.channels.base import AddressRefused, Channel, Undelivered
from notifications.compose import Blocked, Dropped
from notifications.compose import compose as compose_mail
from notifications.errors import describe
from workflow.db import Database
from workflow.models import Outbox, RefusedAddress
from workflow.settings import Settings

log = structlog.get_logger(__name__)

BATCH = 100
LEASE = timedelta(minutes=10)
HANDFUL = 1.0
"""Seconds that a handful may take before the next one is begun with a single message again."""
NO_NEW_START = LEASE / 2
"""After this part of the lease no further message of the batch is begun: what is begun must end within it."""

DELAYS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 3 * 60, 6 * 60, 12 * 60, 24 * 60, 24 * 60, 24 * 60)
)
"""Waits after each failed attempt, so that a mail server may be away for a long weekend; then it is given up."""

Clock = Callable[[], datetime]
Composer = Callable[[Session, Settings, Sequence[int], datetime], Iterator[Any]]
"""Makes of each outbox row what a channel sends, or Dropped, or Blocked."""

INTERRUPTED = "interrupted again and again while it was being sent"


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages leased to this process, with the number of this attempt, until `until`: it also names the lease."""

    attempts: Mapping[int, int]
    until: datetime


def _due(now: datetime, kind: ColumnElement[bool]) -> ColumnElement[bool]:
    free = or_(Outbox.leased_until.is_(None), Outbox.leased_until <= now)
    return and_(Outbox.state == "pending", Outbox.next_at <= now, free, kind)


MAILS = Outbox.webhook_id.is_(None)
CALLS = Outbox.webhook_id.is_not(None)


def claim(database: Database, now: datetime, limit: int = BATCH, kind: ColumnElement[bool] = MAILS) -> Claim:
    """Lease up to `limit` messages of a kind (MAILS or CALLS) that are due, until the lease runs out.

    Nobody else gets them meanwhile. The attempt is counted here, so that a message which kills the process is given up
    in the end.
    """
    until = now + LEASE
    with database.read() as session:
        if session.scalar(select(Outbox.id).where(_due(now, kind)).limit(1)) is None:
            return Claim({}, until)
    with database.write() as session:
        rows = session.execute(
            select(Outbox.id, Outbox.attempts)
            .where(_due(now, kind))
            .order_by(Outbox.next_at, Outbox.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        attempts = {row.id: row.attempts + 1 for row in rows}
        session.execute(
            update(Outbox).where(Outbox.id.in_(attempts)).values(leased_until=until, attempts=Outbox.attempts + 1)
        )
    return Claim(attempts, until)


def deliver(
    database: Database,
    channel: Channel[Any],
    settings: Settings,
    clock: Clock,
    stop: Event | None = None,
    compose: Composer = compose_mail,
    kind: ColumnElement[bool] = MAILS,
) -> Counter[str]:
    """Deliver everything of a kind that is due; how many were sent, dropped, retried (later) and failed (for good).

    Ends early, and gives back what it did not begin, when `stop` is set or the channel is out of reach.
    """
    run = _Run(database, channel, settings, clock, stop or Event(), compose)
    try:
        while not run.stop.is_set():
            claimed = claim(database, clock(), kind=kind)
            if not claimed.attempts or not run.batch(claimed):
                break
    finally:
        channel.close()
    return run.done


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of one message: `values` for its row, the `message` that went, an address that was `refused`."""

    outbox_id: int
    attempt: int
    values: Mapping[str, Any]
    failed: bool = False
    everywhere: bool = False
    """Whether no other message would go either."""
    message: Any = None
    refused: str | None = None


@dataclass
class _Run:
    """One run of deliveries, and what it has done so far."""

    database: Database
    channel: Channel[Any]
    settings: Settings
    clock: Clock
    stop: Event
    compose: Composer
    done: Counter[str] = field(default_factory=Counter)
    handful: int = 1
    """How many messages are composed and marked together next."""

    def batch(self, claimed: Claim) -> bool:
        """Deliver a batch; whether it is worth claiming another one."""
        last_start = monotonic() + NO_NEW_START.total_seconds()
        left = list(claimed.attempts)
        reachable = True
        while left and reachable and not self.stop.is_set() and (begun := monotonic()) < last_start:
            results = self._deliver(claimed, left[: self.handful], begun)
            done = {result.outbox_id for result in results}
            left = [outbox_id for outbox_id in left if outbox_id not in done]
            reachable = not any(result.everywhere for result in results)
            at_ease = not any(result.failed for result in results) and monotonic() < begun + HANDFUL
            self.handful = 2 * self.handful if at_ease else 1
        give_back(self.database, claimed, left)
        return reachable

    def _deliver(self, claimed: Claim, ids: Sequence[int], begun: float) -> Sequence["_Result"]:
        """Deliver and mark the first of some messages: all of them, unless one fails or they take too long."""
        results: list[_Result] = []
        try:
            handful = [(outbox_id, made, self._prepared(made)) for outbox_id, made in self._composed(claimed, ids)]
            for outbox_id, composed, prepared in handful:
                results.append(self._send(outbox_id, claimed.attempts[outbox_id], composed, prepared))
                if results[-1].failed or self.stop.is_set() or monotonic() >= begun + HANDFUL:
                    break
        finally:
            self._mark(claimed, results)
        return results

    def _composed(self, claimed: Claim, ids: Sequence[int]) -> Sequence[tuple[int, Any]]:
        """Messages as things stand now, each with what the composer made of it, up to one that it fails on."""
        again = [outbox_id for outbox_id in ids if claimed.attempts[outbox_id] <= len(DELAYS) + 1]
        composed: list[Any] = []
        try:
            with self.database.read() as session:
                composed.extend(self.compose(session, self.settings, again, self.clock()))
        except Exception as error:
            # Whatever is wrong with one message, the others go on, but not in a session that may be broken.
            composed.append(error)
        given_up = [(outbox_id, Blocked(INTERRUPTED)) for outbox_id in ids if outbox_id not in again]
        return [*given_up, *zip(again, composed, strict=False)]

    def _prepared(self, composed: Any) -> Any:
        """What the channel is to send, or what went wrong."""
        if isinstance(composed, Dropped | Blocked | Exception):
            return composed
        try:
            return self.channel.prepare(composed)
        except Exception as error:
            return error

    def _send(self, outbox_id: int, attempt: int, composed: Any, prepared: Any) -> "_Result":
        """Send a message if it is one; what became of it."""
        if isinstance(composed, Dropped):
            return _Result(outbox_id, attempt, {"state": "dropped", "error": composed.why})
        if isinstance(composed, Blocked):
            return _Result(outbox_id, attempt, {"state": "failed", "error": composed.why})
        try:
            if isinstance(prepared, Exception):
                raise prepared
            self.channel.send(prepared)
        except Undelivered as error:
            return _Result(
                outbox_id,
                attempt,
                self._after_failure(attempt, str(error), for_good=error.permanent),
                failed=True,
                everywhere=error.everywhere,
                refused=error.address if isinstance(error, AddressRefused) else None,
            )
        except Exception as error:
            # It is tried again, as the cause may be repaired.
            return _Result(
                outbox_id, attempt, self._after_failure(attempt, describe(error), for_good=False), failed=True
            )
        return _Result(outbox_id, attempt, {"state": "sent", "error": ""}, message=composed)

    def _after_failure(self, attempt: int, why: str, *, for_good: bool) -> dict[str, Any]:
        if for_good or attempt > len(DELAYS):
            return {"state": "failed", "error": why}
        return {"next_at": self.clock() + DELAYS[attempt - 1], "error": why}

    def _mark(self, claimed: Claim, results: Sequence["_Result"]) -> None:
        """Write what became of messages, but for those whose lease ran out: they are somebody else's by now."""
        now = self.clock()
        with self.database.write() as session:
            for values, alike in groupby(results, attrgetter("values")):
                by_id = {result.outbox_id: result for result in alike}
                sent = {"sent_at": now} if values.get("state") == "sent" else {}
                own = session.scalars(
                    update(Outbox)
                    .where(Outbox.id.in_(by_id), Outbox.state == "pending", Outbox.leased_until == claimed.until)
                    .values(**values, **sent, leased_until=None)
                    .returning(Outbox.id)
                )
                for result in map(by_id.__getitem__, own.all()):
                    if result.message is not None:
                        self.channel.record(session, result.message, now)
                    if result.refused is not None:
                        address = result.refused.lower()
                        session.merge(RefusedAddress(address=address, at=now, answer=values["error"]))
        for result in results:
            outcome = result.values.get("state", "retried")
            self.done[outcome] += 1
            error = result.values["error"]
            log.info("message", outbox_id=result.outbox_id, outcome=outcome, attempt=result.attempt, error=error)


def give_back(database: Database, claimed: Claim, ids: Sequence[int]) -> None:
    """End the lease on messages that were not begun."""
    if ids:
        with database.write() as session:
            session.execute(
                update(Outbox)
                .where(Outbox.id.in_(ids), Outbox.state == "pending", Outbox.leased_until == claimed.until)
                .values(leased_until=None, attempts=Outbox.attempts - 1)
            )
