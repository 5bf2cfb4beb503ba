"""Firing: a planned rung whose day has come becomes one reminder for each who still has something to do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from notifications.reminders.asked import Subject, Told, asked, subjects, told_by
from notifications.reminders.diary import Diary, diaries
from notifications.reminders.situation import Situation, load
from workflow import reminder_rules
from workflow.calendars.working_days import WorkingDays
from workflow.clock import local_day
from workflow.models import PlannedReminder, Reminder, ReminderRule
from workflow.reminder_rules import Book

BATCH = 200
INSERT: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

_ANSWERED_BY_EACH = "binome"
"""Of the other roles anybody's act is enough, so that the clock runs while one of them is there."""


def waiting(session: Session, today: date) -> bool:
    """Whether the day of a planned rung has come."""
    return session.scalar(select(PlannedReminder.id).where(PlannedReminder.on_day <= today).limit(1)) is not None


def fire(session: Session, now: datetime) -> tuple[int, int]:
    """Turn a batch of planned rungs into reminders; return how many rungs were taken and reminders written.

    Rungs that another process is turning are left to it. One that nobody needs any more is deleted and leaves nothing.
    """
    today = local_day(now)
    rows = session.execute(
        select(*PlannedReminder.__table__.columns)
        .where(PlannedReminder.on_day <= today)
        .order_by(PlannedReminder.on_day, PlannedReminder.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    if not rows:
        return 0, 0
    book, found = reminder_rules.book(session), load(session, {row.dossier_id for row in rows})
    rungs = [rung for row in rows if (rung := _rung(book, found[row.dossier_id], row, now))]
    days = reminder_rules.working_days(session)
    clocks = diaries(session, _persons(one for rung in rungs for one in rung.asked), today)
    put_off: dict[int, date] = {}
    told = []
    for rung in rungs:
        row = rung.row
        late, away_until = _late(rung, clocks, days, today)
        if away_until and any(step["offset"] == row.rung for step in rung.rule.escalation):
            put_off[row.id] = away_until
        told += [
            (rung, one)
            for one in told_by(rung.rule, rung.dossier, rung.subject, row.rung, row.on_day, rung.asked, late, now)
        ]
    written = _write(session, book, found, told, days, now)
    session.connection().execute(
        delete(PlannedReminder).where(PlannedReminder.id.in_([row.id for row in rows if row.id not in put_off]))
    )
    for planned_id, day in put_off.items():
        session.connection().execute(update(PlannedReminder).where(PlannedReminder.id == planned_id).values(on_day=day))
    return len(rows), written


@dataclass(frozen=True, slots=True)
class Rung:
    """A planned rung that still stands, and who has not done what it is about."""

    row: Any
    rule: ReminderRule
    dossier: Situation
    subject: Subject
    asked: Sequence[Told]


def current(book: Book, dossier: Situation, row: Any, now: datetime) -> Subject | None:
    """What a planned or written reminder is about, where it is still due, on the same day, by a rule in force."""
    if not book.holds(row.rule_id, dossier.state, dossier.instance_id):
        return None
    wanted = (row.consultation_id, row.funder_id, row.due_on)
    return next(
        (
            subject
            for subject in subjects(book.by_id[row.rule_id], dossier, now)
            if (subject.consultation_id, subject.funder_id, subject.due_on) == wanted
        ),
        None,
    )


def _rung(book: Book, dossier: Situation, row: Any, now: datetime) -> Rung | None:
    subject = current(book, dossier, row, now)
    if subject is None or not dossier.reminders_planned:  # changed meanwhile: it is planned anew at the next turn
        return None
    rule = book.by_id[row.rule_id]
    return Rung(row, rule, dossier, subject, asked(rule, dossier, subject, now))


def _late(rung: Rung, clocks: Mapping[int, Diary], days: WorkingDays, today: date) -> tuple[list[Told], date | None]:
    """Who had as many working days as the rung says; and when the next of the others, who were away, will have had."""
    ready_on = {
        one: (clocks[one.person_id].days if one.person_id is not None else days).add(rung.row.due_on, rung.row.rung)
        for one in rung.asked
    }
    late = [one for one, day in ready_on.items() if day <= today]
    if late and rung.rule.asked != _ANSWERED_BY_EACH:
        return list(rung.asked), None
    return late, min((day for day in ready_on.values() if day > today), default=None)


def _persons(told: Iterable[Told]) -> set[int]:
    return {one.person_id for one in told if one.person_id is not None}


def _write(
    session: Session,
    book: Book,
    found: Mapping[int, Situation],
    told: Sequence[tuple[Rung, Told]],
    days: WorkingDays,
    now: datetime,
) -> int:
    today = local_day(now)
    seen = diaries(session, _persons(one for _, one in told), today)
    heard = _heard(session, book, found)
    rows = []
    for rung, one in told:
        row = rung.row
        about = (rung.rule.code, row.dossier_id, row.consultation_id, row.funder_id, row.due_on, *one.who)
        if heard.get(about, row.rung - 1) >= row.rung:
            continue
        diary = seen[one.person_id] if one.person_id is not None else Diary(days)
        rows.append(
            {
                "rule_id": row.rule_id,
                "dossier_id": row.dossier_id,
                "consultation_id": row.consultation_id,
                "funder_id": row.funder_id,
                "rung": row.rung,
                "due_on": row.due_on,
                "due_version": row.due_version,
                "person_id": one.person_id,
                "address": one.address,
                "role": one.role,
                "planned_for": row.on_day,
                "deliver_at": diary.next_instant(today),
                "created_at": now,
                "state": "waiting",
                "why": "",
            }
        )
    if rows:
        insert = INSERT[session.get_bind().dialect.name](Reminder).on_conflict_do_nothing()
        session.connection().execute(insert, rows)
    return len(rows)


def _heard(session: Session, book: Book, ids: Iterable[int]) -> Mapping[tuple[Any, ...], int]:
    """The last rung that each recipient was told of, or is about to be, whatever the version of the due day: one that
    moved away and back is still the same day."""
    heard: dict[tuple[Any, ...], int] = {}
    rows = session.execute(
        select(
            Reminder.rule_id,
            Reminder.dossier_id,
            Reminder.consultation_id,
            Reminder.funder_id,
            Reminder.due_on,
            Reminder.person_id,
            Reminder.address,
            Reminder.rung,
        ).where(Reminder.dossier_id.in_(list(ids)), Reminder.state != "dropped")
    )
    for rule_id, *about, rung in rows:
        key = (book.by_id[rule_id].code, *about)
        heard[key] = max(rung, heard.get(key, rung))
    return heard
