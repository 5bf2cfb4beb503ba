"""The journal as an administrator reads it: newest first, filtered, without what a dossier keeps from them.

Filters that no index serves look at a stretch of entries at a time, so that a page costs the same whatever the length
of the journal; the page then offers to look further back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, case, func, literal, select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, CARRIER
from workflow.access import Actor
from workflow.clock import PARIS
from workflow.models import Dossier, JournalEntry, Milestone
from workflow.queries.admin_lists import holds
from workflow.readers import ACT_READERS, REASON_READERS

SIZE = 50
STRETCH = 100_000
"""How many entries a filtered page looks at."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, in entries before the number `before`; days are Paris days."""

    act: str = ""
    person: str = ""
    number: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    @property
    def filters(self) -> bool:
        """Whether entries are looked for that no index leads to."""
        return bool(self.act or self.person)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. `changes` (what, before, after) are told of set-up alone: what a dossier's acts hold is not."""

    seq: int
    at: datetime
    who: str | None
    """None where the reader, who carries the dossier, does not learn it."""
    role: str
    act: str | None
    dossier_id: int | None
    number: str | None
    subject: str
    from_state: str | None
    to_state: str | None
    reason: str
    changes: Sequence[tuple[str, Any, Any]]
    hash: str


@dataclass(frozen=True, slots=True)
class Journal:
    """A page of the journal; `before` leads to the one after it, None where there is none.

    `stretch` is the first number looked at where the page is not full although older entries are left.
    """

    lines: Sequence[Line]
    before: int | None
    stretch: int | None


def journal(session: Session, actor: Actor, wanted: Wanted) -> Journal:
    """One page of the journal, in at most four statements. Raises Forbidden."""
    actor.require(ADMINISTRATOR)
    statement = (
        select(
            JournalEntry.seq,
            JournalEntry.at,
            JournalEntry.actor_name,
            JournalEntry.role,
            JournalEntry.act,
            JournalEntry.dossier_id,
            Dossier.number,
            Dossier.organisation_id,
            JournalEntry.subject,
            JournalEntry.from_state,
            JournalEntry.to_state,
            JournalEntry.reason,
            JournalEntry.hash,
            case((JournalEntry.dossier_id.is_(None), JournalEntry.details)).label("details"),
        )
        .outerjoin(Dossier, Dossier.id == JournalEntry.dossier_id)
        .order_by(JournalEntry.seq.desc())
        .limit(SIZE + 1)
    )
    if wanted.act:
        statement = statement.where(JournalEntry.act == wanted.act)
    if wanted.person:
        statement = statement.where(holds(JournalEntry.actor_name, wanted.person))
    if wanted.number:
        dossier = select(Dossier.id).where(Dossier.number == wanted.number).scalar_subquery()
        statement = statement.where(JournalEntry.dossier_id == dossier)
    top = _top(session, wanted)
    bottom = _last_before(session, _midnight(wanted.since)) if wanted.since else 0
    stretch = max(bottom, top - 1 - STRETCH) if wanted.filters and not wanted.number else bottom
    rows = session.execute(statement.where(JournalEntry.seq < top, JournalEntry.seq > stretch)).all()
    lines = [_line(actor, row) for row in rows[:SIZE]]
    if len(rows) > SIZE:
        return Journal(lines, lines[-1].seq, None)
    return Journal(lines, stretch + 1, stretch + 1) if stretch > bottom else Journal(lines, None, None)


def milestone_labels(session: Session) -> Mapping[str, str]:
    """What milestones are called, by their code: entries name them so."""
    rows = session.execute(select(Milestone.code, func.max(Milestone.label)).group_by(Milestone.code))
    return {row[0]: row[1] for row in rows}


def _top(session: Session, wanted: Wanted) -> int:
    """The number that all entries of the page come before."""
    last = session.scalar(select(func.max(JournalEntry.seq))) or 0
    top = min(last + 1, wanted.before if wanted.before is not None else last + 1)
    if wanted.until is None or wanted.until >= date.max:
        return top
    return min(top, _last_before(session, _midnight(wanted.until + timedelta(days=1))) + 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS).astimezone(UTC) if day.year > 1 else datetime.min.replace(tzinfo=UTC)


def _last_before(session: Session, instant: datetime) -> int:
    """The number of the last entry before `instant`, in one statement: entries lie in the order of their time, so the
    half that holds it is looked for again and again.
    """
    end = select(func.coalesce(func.max(JournalEntry.seq), 0) + 1).scalar_subquery()
    search = select(literal(0, BigInteger).label("low"), end.label("high")).cte("search", recursive=True)
    middle = search.c.low + (search.c.high - search.c.low) // 2
    at = select(JournalEntry.at).where(JournalEntry.seq == middle).scalar_subquery()
    search = search.union_all(
        select(
            case((at < instant, middle), else_=search.c.low),
            case((at < instant, search.c.high), else_=middle),
        ).where(search.c.high - search.c.low > 1)
    )
    return session.scalar(select(func.max(search.c.low))) or 0


def _line(actor: Actor, row: Any) -> Line:
    own = row.organisation_id in actor.organisations
    role = CARRIER if own else ADMINISTRATOR
    told = not own or role in ACT_READERS.get(row.act, frozenset())
    reads_reason = row.dossier_id is None or role in REASON_READERS.get(row.act, frozenset())
    return Line(
        row.seq,
        row.at,
        row.actor_name if not own or row.role == CARRIER else None,
        row.role,
        row.act if told else None,
        row.dossier_id if row.number else None,
        row.number,
        row.subject,
        row.from_state if told else None,
        row.to_state if told else None,
        row.reason if reads_reason else "",
        _changes(row.details),
        row.hash,
    )


def _changes(details: Mapping[str, Any] | None) -> list[tuple[str, Any, Any]]:
    """What changed, of the details of a set-up act (« before » and « after »)."""
    before, after = ((details or {}).get(side) or {} for side in ("before", "after"))
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return []
    return [(name, before.get(name), after.get(name)) for name in {**before, **after}]
