"""The digest: what waits for somebody becomes one message of their working day, and what is due today one of its own.

Whoever is put together here is locked meanwhile, so that of several processes one writes the day's message.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from notifications.reminders.diary import Diary, diaries
from notifications.reminders.fire import INSERT
from notifications.reminders.situation import batches
from notifications.reminders.standing import fallen, latest
from workflow import reminder_rules
from workflow.clock import local_day
from workflow.models import Expert, Outbox, Person, Reminder
from workflow.models.base import Instant

BATCH = 100
"""Persons at a time."""

DIGEST, URGENT = "digest", "reminder_urgent"

_DUE = (Reminder.state == "waiting", Reminder.deliver_at <= bindparam("now", type_=Instant()))


def waiting(session: Session, now: datetime) -> bool:
    """Whether somebody's reminders are due to go."""
    return session.scalar(select(Reminder.id).where(*_DUE).limit(1), {"now": now}) is not None


def persons(session: Session, now: datetime) -> int:
    """Write the messages of a batch of persons; return how many persons it were."""
    found = session.execute(
        select(Person.id)
        .where(Person.id.in_(select(Reminder.person_id).where(*_DUE)))
        .order_by(Person.id)
        .limit(BATCH)
        .with_for_update(key_share=True, skip_locked=True),
        {"now": now},
    )
    ids = found.scalars().all()
    if ids:
        _put_together(session, diaries(session, ids, local_day(now)), Reminder.person_id, now)
    return len(ids)


def experts(session: Session, now: datetime) -> int:
    """Write the messages of a batch of experts, who have an address and no account; return how many it were."""
    found = session.execute(
        select(Expert.email)
        .where(Expert.email.in_(select(Reminder.address).where(*_DUE)))
        .order_by(Expert.id)
        .limit(BATCH)
        .with_for_update(key_share=True, skip_locked=True),
        {"now": now},
    )
    addresses = found.scalars().all()
    if addresses:
        diary = Diary(reminder_rules.working_days(session))
        _put_together(session, dict.fromkeys(addresses, diary), Reminder.address, now)
    return len(addresses)


def _put_together(session: Session, them: Mapping[Any, Diary], column: Any, now: datetime) -> None:
    """Decide all that waits for these recipients by now: none of it is left due."""
    rows = session.execute(
        select(*Reminder.__table__.columns).where(
            column.in_(them), Reminder.state == "waiting", Reminder.deliver_at <= now
        )
    ).all()
    today = local_day(now)
    fates: dict[int, dict[str, Any]] = {}
    own: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        own[getattr(row, column.key)].append(row)
    open_now = {who for who, diary in them.items() if diary.open_at(now)}
    for who in own.keys() - open_now:
        _put_off(fates, own.pop(who), them[who].next_instant(today))
    _drop(session, fates, own, now)
    mails, contents = _messages(session, own, them, fates, now)
    written = _write(session, mails)
    for key, content in contents.items():
        for row in content:
            if key in written:
                fates[row.id] = {"state": "sent", "decided_at": now, "outbox_id": written[key]}
    for who, content in own.items():  # another message of today stands already
        left = [row for row in content if row.id not in fates]
        _put_off(fates, left, them[who].next_instant(today + timedelta(days=1)))
    _decide(session, fates)


def _put_off(fates: dict[int, dict[str, Any]], rows: Sequence[Any], until: datetime) -> None:
    fates.update({row.id: {"deliver_at": until} for row in rows})


def _drop(session: Session, fates: dict[int, dict[str, Any]], own: Mapping[Any, list[Any]], now: datetime) -> None:
    """Leave out what no longer stands, and of several rungs about one due day all but the last."""
    rows = [row for content in own.values() for row in content]
    codes = {rule_id: rule.code for rule_id, rule in reminder_rules.book(session).by_id.items()}
    gone = fallen(session, rows, now)
    last = latest((row for row in rows if row.id not in gone), codes)
    for content in own.values():
        for row in content:
            why = gone.get(row.id) or ("" if row.id in last else "superseded")
            if why:
                fates[row.id] = {"state": "dropped", "why": why, "decided_at": now}
        content[:] = [row for row in content if row.id not in fates]


def _messages(
    session: Session,
    own: Mapping[Any, list[Any]],
    them: Mapping[Any, Diary],
    fates: dict[int, dict[str, Any]],
    now: datetime,
) -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
    """The outbox rows, and the reminders of each by its key."""
    today = local_day(now)
    mails, contents = [], {}
    for who, content in own.items():
        if not them[who].by_mail:
            fates.update({row.id: {"state": "dropped", "why": "no_mail", "decided_at": now} for row in content})
            continue
        urgent = [row for row in content if row.due_on == today]
        usual = [row for row in content if row.due_on != today]
        for kind, part in ((URGENT, urgent), (DIGEST, usual)):
            if part:
                mark = f":{min(row.id for row in part)}" if kind == URGENT else ""
                mail = _mail(kind, f"{kind}:{who}:{today}{mark}", part, them[who], now)
                mails.append(mail)
                contents[mail["key"]] = part
    return mails, contents


def _mail(kind: str, key: str, part: Sequence[Any], diary: Diary, now: datetime) -> dict[str, Any]:
    first, today = part[0], local_day(now)
    return {
        "key": key,
        "kind": kind,
        "person_id": first.person_id,
        "address": first.address,
        "payload": {"day": today.isoformat(), "late": _came_late(part, diary, today)},
        "created_at": now,
        "next_at": now,
    }


def _came_late(part: Sequence[Any], diary: Diary, today: date) -> bool:
    """Whether one of them should have come before the recipient's last working day."""
    return any(diary.days.between(row.planned_for, today) > 1 for row in part)


def _write(session: Session, mails: Sequence[dict[str, Any]]) -> Mapping[str, int]:
    if not mails:
        return {}
    insert = INSERT[session.get_bind().dialect.name](Outbox)
    statement = insert.values(mails).on_conflict_do_nothing(index_elements=["key"]).returning(Outbox.key, Outbox.id)
    return {row.key: row.id for row in session.execute(statement)}


def _decide(session: Session, fates: Mapping[int, Mapping[str, Any]]) -> None:
    grouped: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for reminder_id, values in fates.items():
        grouped[tuple(values.items())].append(reminder_id)
    for fate, ids in grouped.items():
        for some in batches(ids):
            session.connection().execute(update(Reminder).where(Reminder.id.in_(some)).values(dict(fate)))
