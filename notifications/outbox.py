"""Delivery: rows of the outbox are claimed, delivered after the claim is committed, and marked one by one.

A claim is a lease. Who is killed between delivery and mark leaves one message that goes out again once the lease has
run out, under the same Message-ID; nothing else is sent twice, and nothing is lost.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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

BATCH = 20
LEASE = timedelta(minutes=10)
NO_NEW_START = LEASE / 2
"""After this part of the lease no further message of the batch is begun: what is begun must end within it."""

DELAYS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 3 * 60, 6 * 60, 12 * 60, 24 * 60, 24 * 60, 24 * 60)
)
"""Waits after each failed attempt, so that a mail server may be away for a long weekend; then it is given up."""

Clock = Callable[[], datetime]
Composer = Callable[[Session, Settings, int, datetime], Any]
"""Makes what a channel sends of an outbox row, or Dropped, or Blocked."""

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

    def batch(self, claimed: Claim) -> bool:
        """Deliver a batch; whether it is worth claiming another one."""
        last_start = monotonic() + NO_NEW_START.total_seconds()
        left = list(claimed.attempts)
        out_of_reach = False
        while left and not out_of_reach and not self.stop.is_set() and monotonic() < last_start:
            out_of_reach = self._one(claimed, left.pop(0))
        give_back(self.database, claimed, left)
        return not out_of_reach

    def _one(self, claimed: Claim, outbox_id: int) -> bool:
        """Deliver and mark one message; whether the others cannot go either."""
        attempt = claimed.attempts[outbox_id]
        message: Any = None
        refused: str | None = None
        out_of_reach = False
        try:
            message, values = self._send(outbox_id, attempt)
        except Undelivered as error:
            out_of_reach = error.everywhere
            refused = error.address if isinstance(error, AddressRefused) else None
            values = self._after_failure(attempt, str(error), for_good=error.permanent)
        except Exception as error:
            # Whatever is wrong with one message, the others go on; it is tried again as the cause may be repaired.
            values = self._after_failure(attempt, describe(error), for_good=False)
        self._mark(claimed, outbox_id, values, message, refused)
        outcome = values.get("state", "retried")
        self.done[outcome] += 1
        log.info("message", outbox_id=outbox_id, outcome=outcome, attempt=attempt, error=values["error"])
        return out_of_reach

    def _send(self, outbox_id: int, attempt: int) -> tuple[Any, dict[str, Any]]:
        """Compose a message as things stand now and send it; the message that went, and what to write in its row."""
        if attempt > len(DELAYS) + 1:
            return None, {"state": "failed", "error": INTERRUPTED}
        with self.database.read() as session:
            composed = self.compose(session, self.settings, outbox_id, self.clock())
        if isinstance(composed, Dropped):
            return None, {"state": "dropped", "error": composed.why}
        if isinstance(composed, Blocked):
            return None, {"state": "failed", "error": composed.why}
        self.channel.send(composed)
        return composed, {"state": "sent", "sent_at": self.clock(), "error": ""}

    def _after_failure(self, attempt: int, why: str, *, for_good: bool) -> dict[str, Any]:
        if for_good or attempt > len(DELAYS):
            return {"state": "failed", "error": why}
        return {"next_at": self.clock() + DELAYS[attempt - 1], "error": why}

    def _mark(
        self, claimed: Claim, outbox_id: int, values: Mapping[str, Any], message: Any, refused: str | None
    ) -> None:
        """Write what became of a message, unless its lease ran out and it is somebody else's by now."""
        with self.database.write() as session:
            own = session.scalar(
                update(Outbox)
                .where(Outbox.id == outbox_id, Outbox.state == "pending", Outbox.leased_until == claimed.until)
                .values(**values, leased_until=None)
                .returning(Outbox.id)
            )
            if own is not None and message is not None:
                self.channel.record(session, message, self.clock())
            if own is not None and refused is not None:
                session.merge(RefusedAddress(address=refused.lower(), at=self.clock(), answer=values["error"]))


def give_back(database: Database, claimed: Claim, ids: Sequence[int]) -> None:
    """End the lease on messages that were not begun."""
    if ids:
        with database.write() as session:
            session.execute(
                update(Outbox)
                .where(Outbox.id.in_(ids), Outbox.state == "pending", Outbox.leased_until == claimed.until)
                .values(leased_until=None, attempts=Outbox.attempts - 1)
            )
