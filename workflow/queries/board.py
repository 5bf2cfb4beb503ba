"""What an animator sees of an instance: the board with its counts and lateness, and the list behind it.

Counts come from the index of the board alone and lists are cut in the database, so a page costs about the same
whatever the number of dossiers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal,
    nulls_last,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR, STATES, TERMINAL, TRANSVERSAL
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import (
    BinomeMember,
    Campaign,
    Consultation,
    Dossier,
    FundingRequest,
    Instance,
    Organisation,
    Person,
)
from workflow.queries.consultation import NOT_AWAITED

COLUMNS = tuple(state for state in STATES if state != "draft" and state not in TERMINAL)
"""The states that the board shows as columns; where a life is over, only the count is shown."""
SHOWN = 5
"""How many dossiers a column shows."""
COUNTED = 1000
"""Each state is counted up to here: beyond, an exact number tells nobody more, and reading it would take longer."""
PAGE = 60
TABLED_SHOWN = 300

Row = Any
"""A named tuple of the columns of a select."""


# --- where one is --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scope:
    """The instance and campaign that a page is about, and those that may be chosen instead."""

    instances: Sequence[Row]
    campaigns: Sequence[Row]
    instance: Row
    campaign: Row
    acts: bool
    """Whether the reader animates the instance; else they only look."""


def scope(session: Session, actor: Actor, instance_id: int | None, campaign_id: int | None, today: date) -> Scope:
    """What `actor` may look at, in two statements: by default their first instance, in the campaign under way.

    Raises NotFound for an instance or campaign that they may not choose, or where there is none.
    """
    instances = _instances(session, actor)
    campaigns = campaign_list(session)
    instance = _chosen(instances, instance_id, instances[0] if instances else None, "instance")
    return Scope(
        instances,
        campaigns,
        instance,
        _chosen(campaigns, campaign_id, under_way(campaigns, today), "campaign"),
        instance.id in actor.instances(ANIMATOR),
    )


def _instances(session: Session, actor: Actor) -> Sequence[Row]:
    statement = select(Instance.id, Instance.code, Instance.label).order_by(Instance.label)
    if TRANSVERSAL not in actor.roles:
        statement = statement.where(Instance.id.in_(actor.instances(ANIMATOR)))
    own = actor.instances(ANIMATOR)
    return sorted(session.execute(statement).all(), key=lambda row: row.id not in own)


def campaign_list(session: Session) -> Sequence[Row]:
    """All campaigns, the newest first."""
    statement = select(Campaign.id, Campaign.label, Campaign.first).order_by(Campaign.first.desc(), Campaign.id.desc())
    return session.execute(statement).all()


def under_way(campaigns: Sequence[Row], today: date) -> Row | None:
    """The newest campaign that has begun, else the newest."""
    return next((row for row in campaigns if row.first <= today), campaigns[0] if campaigns else None)


def _chosen(rows: Sequence[Row], wanted: int | None, default: Row | None, what: str) -> Row:
    found = default if wanted is None else next((row for row in rows if row.id == wanted), None)
    if found is None:
        raise NotFound(what)
    return found


# --- the board -----------------------------------------------------------------------------------------------------

_campaign = bindparam("campaign_id", type_=Integer)
_instance = bindparam("instance_id", type_=Integer)
_today = bindparam("today", type_=Date)
_HERE = (Dossier.campaign_id == _campaign, Dossier.instance_id == _instance)


def _count_of(state: str) -> Select[str, int, int]:
    """In the order of the index, so that the late ones come first; what is beyond the cap is not read."""
    counted = select(Dossier.due_on).where(*_HERE, Dossier.state == state).order_by(Dossier.due_on).limit(COUNTED + 1)
    rows = counted.subquery(f"counted_{state}")
    return select(
        literal(state).label("state"),
        func.count().label("dossiers"),
        func.count(case((rows.c.due_on < _today, 1))).label("late"),
    ).select_from(rows)


_COUNTS = union_all(*(_count_of(state) for state in STATES if state != "draft"))


def _first_of(state: str) -> Select[int]:
    """In the order of the index, so that only these rows are read."""
    first = select(Dossier.id).where(*_HERE, Dossier.state == state).order_by(Dossier.due_on).limit(SHOWN)
    return select(first.subquery(f"first_{state}").c.id)


_questions = (
    select(func.count())
    .where(Consultation.dossier_id == Dossier.id, Consultation.state.not_in(NOT_AWAITED))
    .correlate(Dossier)
)
_EXPERTS = (
    _questions.scalar_subquery().label("questions"),
    _questions.where(Consultation.state != "asked").scalar_subquery().label("answers"),
)
"""How many questions were put to experts about a dossier, and how many came back."""

_CARDS = (
    select(
        Dossier.id,
        Dossier.number,
        Dossier.title,
        Dossier.state,
        Dossier.due_on.label("due"),
        Organisation.name.label("carrier"),
        *_EXPERTS,
    )
    .join(Organisation, Organisation.id == Dossier.organisation_id)
    .where(Dossier.id.in_(union_all(*(_first_of(state) for state in COLUMNS))))
    .order_by(Dossier.due_on, Dossier.id)
)
"""Made once: building a statement costs more than running it."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many dossiers stand in a state, and how many of them are late; `more` where there are more than counted."""

    state: str
    count: int = 0
    late: int = 0
    more: bool = False


@dataclass(frozen=True)
class Board:
    """The dossiers of an instance in a campaign: how many in each state, and the first of each."""

    counts: Mapping[str, Count]
    cards: Mapping[str, Sequence[Row]]

    @property
    def total(self) -> int:
        """How many dossiers there are."""
        return sum(count.count for count in self.counts.values())

    @property
    def late(self) -> int:
        """How many are late."""
        return sum(count.late for count in self.counts.values())

    @property
    def more(self) -> bool:
        """Whether there are more than are counted."""
        return any(count.more for count in self.counts.values())


def board(session: Session, where: Scope, today: date) -> Board:
    """The board of an instance, in two statements."""
    here = {"campaign_id": where.campaign.id, "instance_id": where.instance.id}
    counts = {
        row.state: Count(
            row.state,
            min(row.dossiers, COUNTED),
            min(row.late, COUNTED) if row.state not in TERMINAL else 0,
            row.dossiers > COUNTED,
        )
        for row in session.execute(_COUNTS, {**here, "today": today})
        if row.dossiers
    }
    cards: dict[str, list[Row]] = {state: [] for state in COLUMNS}
    for row in session.execute(_CARDS, here):
        cards[row.state].append(row)
    return Board(counts, cards)


# --- the list ------------------------------------------------------------------------------------------------------

SORTS: Mapping[str, ColumnElement[Any] | Any] = {
    "due": Dossier.due_on,
    "number": Dossier.number,
    "title": Dossier.title,
    "state": Dossier.state,
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to, and its order."""

    state: str = ""
    late: bool = False
    text: str = ""
    session_id: int | None = None
    sort: str = "due"
    desc: bool = False
    page: int = 1


@dataclass(frozen=True)
class Listed:
    """One page of a list: its rows, the names of each dossier's binôme, and how many rows there are in all."""

    rows: Sequence[Row]
    members: Mapping[int, Sequence[str]]
    total: int
    number: int
    pages: int


def listed(session: Session, where: Scope, wanted: Filters, today: date) -> Listed:
    """A page of the instance's dossiers, in three statements."""
    conditions = [
        Dossier.campaign_id == where.campaign.id,
        Dossier.instance_id == where.instance.id,
        *_narrowed(wanted, today),
    ]
    total = session.scalar(select(func.count()).select_from(Dossier).where(*conditions)) or 0
    pages = max(1, -(-total // PAGE))
    number = min(max(1, wanted.page), pages)
    column = SORTS.get(wanted.sort, Dossier.due_on)
    order = (nulls_last(column.desc() if wanted.desc else column.asc()), Dossier.id)
    ids = select(Dossier.id).where(*conditions).order_by(*order).limit(PAGE).offset((number - 1) * PAGE)
    asked = (
        select(func.sum(FundingRequest.asked_cents)).where(FundingRequest.dossier_id == Dossier.id).scalar_subquery()
    )
    rows = session.execute(
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.due_on.label("due"),
            Organisation.name.label("carrier"),
            asked.label("asked"),
            *_EXPERTS,
        )
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .where(Dossier.id.in_(select(ids.subquery().c.id)))
        .order_by(*order)
    ).all()
    return Listed(rows, _members_of(session, [row.id for row in rows]), total, number, pages)


def _narrowed(wanted: Filters, today: date) -> list[ColumnElement[bool]]:
    conditions = [Dossier.state == wanted.state if wanted.state in STATES else Dossier.state != "draft"]
    if wanted.late:
        conditions += [Dossier.due_on < today, Dossier.state.not_in(TERMINAL)]
    if wanted.text:
        conditions.append(Dossier.search_text.contains(wanted.text, autoescape=True))
    if wanted.session_id is not None:
        conditions.append(Dossier.session_id == wanted.session_id)
    return conditions


def _members_of(session: Session, dossier_ids: Sequence[int]) -> Mapping[int, Sequence[str]]:
    members: dict[int, list[str]] = {}
    rows = session.execute(
        select(BinomeMember.dossier_id, Person.name)
        .join(Person, Person.id == BinomeMember.person_id)
        .where(BinomeMember.dossier_id.in_(dossier_ids), BinomeMember.left_at.is_(None))
        .order_by(BinomeMember.seat)
    )
    for dossier_id, name in rows:
        members.setdefault(dossier_id, []).append(name)
    return members
