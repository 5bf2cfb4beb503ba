"""Reminders: what is due soon, or was due, is recalled 7 days and 1 day before and the day after, once each.

Each is an outbox row under a key of its own (what, which dossier, due when, which of the three, to whom), so that
nothing is written twice, whatever runs when. A scheduler that was down finds what it missed, and of several reminders
about one due day only the latest is written. A row that waits is looked at again when it goes out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    SQLColumnExpression,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from workflow.clock import PARIS, local_day
from workflow.models import BinomeMember, Dossier, Opinion, Outbox, Person, Report, RoleGrant

OFFSETS = (-1, 1, 7)
"""Days before the due day, the latest first; -1 is the day after."""

HOUR = time(8)
"""Reminders wait for this hour of Paris: nobody is woken by one."""

Standing = Select[str, int, int, date | None, int, datetime]

_BATCH = 200
_INSERT: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to be reminded of: in which state of a dossier it is due, and from whom."""

    name: str
    state: str
    person_id: SQLColumnExpression[int]
    told_at: SQLColumnExpression[datetime]
    """When the person was told of the due day: a reminder for that day or before would say it twice."""
    joins: tuple[tuple[Any, ColumnElement[bool]], ...]
    still_to_do: ColumnElement[bool]

    @property
    def offset(self) -> ColumnElement[int]:
        """Which reminder is the latest to fall on or before `today`."""
        horizons = [(Dossier.due_on <= _horizon(offset), offset) for offset in OFFSETS]
        return case(*horizons, else_=None)

    @property
    def key(self) -> ColumnElement[str]:
        """The reminder's unique name."""
        parts = (Dossier.id, Dossier.due_on, self.offset, self.person_id)
        key: ColumnElement[str] = literal(f"remind:{self.name}")
        for part in parts:
            key = key + literal(":") + cast(part, Text)
        return key

    @property
    def standing(self) -> Standing:
        """The reminders that make sense on a day, written before or not."""
        statement: Standing = select(
            self.key.label("key"),
            Dossier.id.label("dossier_id"),
            self.person_id.label("person_id"),
            Dossier.due_on.label("due_on"),
            self.offset.label("offset"),
            self.told_at.label("told_at"),
        ).select_from(Dossier)
        for target, condition in self.joins:
            statement = statement.join(target, condition)
        return statement.where(
            Dossier.state == self.state, Dossier.due_on <= _horizon(OFFSETS[-1]), Person.active, self.still_to_do
        )


def _horizon(offset: int) -> ColumnElement[date]:
    return bindparam(f"horizon_{OFFSETS.index(offset)}", type_=Date)


def _horizons(today: date) -> dict[str, date]:
    return {f"horizon_{place}": today + timedelta(days=offset) for place, offset in enumerate(OFFSETS)}


_CARRIERS = (
    (
        RoleGrant,
        and_(
            RoleGrant.role == "carrier",
            RoleGrant.organisation_id == Dossier.organisation_id,
            RoleGrant.ended_at.is_(None),
        ),
    ),
    (Person, Person.id == RoleGrant.person_id),
)
_other = aliased(BinomeMember)


def _sealed(member: Any) -> ColumnElement[bool]:
    return exists().where(
        Opinion.dossier_id == member.dossier_id,
        Opinion.author_id == member.person_id,
        Opinion.sealed_at.is_not(None),
        Opinion.superseded_at.is_(None),
    )


_other_is_awaited = exists().where(
    _other.dossier_id == BinomeMember.dossier_id,
    _other.left_at.is_(None),
    _other.person_id != BinomeMember.person_id,
    ~_sealed(_other),
)

RULES = (
    Rule(
        "opinion",
        "assigned",
        BinomeMember.person_id,
        case((BinomeMember.since > Dossier.state_since, BinomeMember.since), else_=Dossier.state_since),
        (
            (BinomeMember, and_(BinomeMember.dossier_id == Dossier.id, BinomeMember.left_at.is_(None))),
            (Person, Person.id == BinomeMember.person_id),
        ),
        # Who sealed an opinion waits for the other; once both did, the two have to issue it.
        or_(~_sealed(BinomeMember), ~_other_is_awaited),
    ),
    Rule("completion", "incomplete", Person.id, Dossier.state_since, _CARRIERS, literal(True)),
    Rule(
        "report",
        "follow_up",
        Person.id,
        Dossier.state_since,
        _CARRIERS,
        ~exists().where(Report.dossier_id == Dossier.id, Report.kind == "final"),
    ),
)

KINDS: Mapping[str, Rule] = {f"{rule.name}_{when}": rule for rule in RULES for when in ("due", "overdue")}
"""The kinds of message, and the rule that each comes from."""

_UNWRITTEN = {
    rule.name: rule.standing.where(~exists().where(Outbox.key == rule.key).correlate_except(Outbox)) for rule in RULES
}
_STANDS = {
    rule.name: rule.standing.where(
        Dossier.id == bindparam("dossier_id", type_=Integer), rule.key == bindparam("key", type_=Text)
    )
    for rule in RULES
}


def find(session: Session, today: date, now: datetime) -> list[dict[str, Any]]:
    """The outbox rows of the reminders that fall on `today` or fell before and are not written yet.

    One statement for each rule, whatever the number of dossiers.
    """
    goes_at = max(now, datetime.combine(today, HOUR, PARIS))
    return [
        {
            "key": found.key,
            "kind": f"{rule.name}_{'overdue' if found.offset < 0 else 'due'}",
            "person_id": found.person_id,
            "dossier_id": found.dossier_id,
            "payload": {"due_on": found.due_on.isoformat()},
            "created_at": now,
            "next_at": goes_at,
        }
        for rule in RULES
        for found in session.execute(_UNWRITTEN[rule.name], _horizons(today))
        if found.due_on and found.due_on - timedelta(days=found.offset) > local_day(found.told_at)
    ]


def due(session: Session, today: date, now: datetime) -> int:
    """Write the reminders that fall on `today` or fell before; return how many were new."""
    rows = find(session, today, now)
    insert = _INSERT[session.get_bind().dialect.name]
    written = 0
    for batch in _batches(rows):
        # Another scheduler may have just written one: it must not take the others down with it.
        statement = insert(Outbox).values(batch).on_conflict_do_nothing(index_elements=["key"]).returning(Outbox.id)
        written += len(session.scalars(statement).all())
    return written


def _batches(rows: Sequence[dict[str, Any]]) -> list[Sequence[dict[str, Any]]]:
    return [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]


def stands(session: Session, row: Outbox, now: datetime) -> bool:
    """Whether a written reminder still makes sense: undone, due on the same day, and the latest about it."""
    rule = KINDS[row.kind]
    given = {**_horizons(local_day(now)), "dossier_id": row.dossier_id, "key": row.key}
    return session.execute(_STANDS[rule.name], given).first() is not None
