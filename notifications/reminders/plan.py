"""Planning: for each dossier whose state, due day or rules changed, the rungs that are to come, as rows."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from notifications.reminders.asked import Subject, subjects
from notifications.reminders.situation import Situation, load
from workflow import reminder_rules
from workflow.calendars.working_days import WorkingDays
from workflow.clock import local_day
from workflow.models import Dossier, PlannedReminder
from workflow.reminder_rules import Book, RuleLike
from workflow.turns import TURNS

BATCH = 200

_UNPLANNED = text("NOT dossier.reminders_planned")
"""In the words of the partial index, as SQLite asks: it would look at every dossier for any others."""


def waiting(session: Session) -> bool:
    """Whether a dossier's reminders have to be planned."""
    return session.scalar(select(Dossier.id).where(_UNPLANNED).limit(1)) is not None


def plan(session: Session, now: datetime) -> int:
    """Plan the reminders of a batch of dossiers anew; return how many dossiers it were.

    Dossiers that somebody else is planning or working on are left to the next turn.
    """
    ids = session.scalars(
        select(Dossier.id)
        .where(_UNPLANNED)
        .order_by(Dossier.id)
        .limit(BATCH)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    if ids:
        reminder_rules.install(session)
        session.execute(delete(PlannedReminder).where(PlannedReminder.dossier_id.in_(ids)))
        book, days = reminder_rules.book(session), reminder_rules.working_days(session)
        rows = [row for dossier in load(session, ids).values() for row in planned(dossier, book, days, now)]
        if rows:
            session.connection().execute(insert(PlannedReminder).inline(), rows)
        session.connection().execute(update(Dossier).where(Dossier.id.in_(ids)).values(reminders_planned=True))
    return len(ids)


def planned(dossier: Situation, book: Book, days: WorkingDays, now: datetime) -> Iterator[dict[str, Any]]:
    """The rows of one dossier: all rungs to come and, of those gone by, the latest for each who is told."""
    if dossier.state not in TURNS:
        return
    for rule in book.in_force(dossier.state, dossier.instance_id):
        for subject in subjects(rule, dossier, now):
            for rung, on_day in _still_to_fire(rule, subject, days, local_day(now)):
                yield {
                    "rule_id": rule.id,
                    "dossier_id": dossier.id,
                    "consultation_id": subject.consultation_id,
                    "funder_id": subject.funder_id,
                    "rung": rung,
                    "due_on": subject.due_on,
                    "due_version": subject.version,
                    "on_day": on_day,
                }


def fall(rule: RuleLike, subject: Subject, days: WorkingDays) -> dict[int, date]:
    """The day of each rung that comes after the one on which it became due then: who is asked was told of it."""
    told_on = local_day(subject.since)
    on_days = {rung: days.add(subject.due_on, rung) for rung in reminder_rules.rungs(rule)}
    return {rung: on_day for rung, on_day in on_days.items() if on_day > told_on}


def _still_to_fire(rule: RuleLike, subject: Subject, days: WorkingDays, today: date) -> Iterable[tuple[int, date]]:
    on_days = fall(rule, subject, days)
    audiences = [rule.offsets, *([step["offset"]] for step in rule.escalation)]
    latest = {
        max((rung for rung in audience if rung in on_days and on_days[rung] <= today), default=None)
        for audience in audiences
    }
    return [(rung, on_day) for rung, on_day in on_days.items() if on_day > today or rung in latest]
