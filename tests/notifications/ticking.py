"""Ticks without a way out, and what they wrote: for tests that look at who is reminded of what, when."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from threading import Event
from typing import NamedTuple

from sqlalchemy import func, select

from notifications.scheduler import WRITING, take
from workflow.clock import PARIS
from workflow.db import Database
from workflow.models import Outbox, Person, Reminder, ReminderRule
from workflow.settings import settings

DAY = timedelta(days=1)


class Sent(NamedTuple):
    """One reminder in a message."""

    day: date
    who: str
    rule: str
    rung: int


def morning(day: date, hour: int = 9) -> datetime:
    """Half past an hour of Paris."""
    return datetime.combine(day, time(hour, 30), PARIS).astimezone(UTC)


def tick(database: Database, at: datetime) -> list[Sent]:
    """Everything that a tick writes, at an instant; the reminders that went into messages by it."""
    with database.read() as session:
        last = session.scalar(select(func.max(Outbox.id))) or 0
    _, failure = take(WRITING, database, settings(), lambda: at, Event())
    if failure:
        raise failure
    with database.read() as session:
        rows = session.execute(
            select(func.coalesce(Person.email, Reminder.address), ReminderRule.code, Reminder.rung)
            .outerjoin(Person, Person.id == Reminder.person_id)
            .join(ReminderRule, ReminderRule.id == Reminder.rule_id)
            .where(Reminder.outbox_id > last)
            .order_by(Reminder.id)
        ).all()
    day = at.astimezone(PARIS).date()
    return [Sent(day, who.partition("@")[0], rule, rung) for who, rule, rung in rows]


def by_day(database: Database, first: date, days: int, without: Iterable[date] = ()) -> list[Sent]:
    """A tick on the morning of each day, but for some."""
    down = set(without)
    every = (first + n * DAY for n in range(days))
    return [sent for day in every if day not in down for sent in tick(database, morning(day))]


def fates(database: Database) -> list[tuple[str, str, str]]:
    """What became of each reminder: to whom, its state, and why."""
    with database.read() as session:
        rows = session.execute(
            select(func.coalesce(Person.email, Reminder.address), Reminder.state, Reminder.why)
            .outerjoin(Person, Person.id == Reminder.person_id)
            .order_by(Reminder.id)
        ).all()
    return [(who.partition("@")[0], state, why) for who, state, why in rows]
