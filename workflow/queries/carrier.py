"""What a carrier's pages show: their dossiers and whose turn it is, the calls they may answer, whom they may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, UnaryExpression, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from states.dossier import CARRIER, TERMINAL, TRANSVERSAL
from states.words import N_
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import (
    Campaign,
    Dossier,
    Institution,
    LateDeposit,
    Milestone,
    Mission,
    Objective,
    Organisation,
    Report,
)
from workflow.queries.choices import Asked
from workflow.queries.dossier import File, NextStep, load
from workflow.turns import turn_of

PAGE = 20

_SETTLED = select(Report.id).where(Report.dossier_id == Dossier.id, Report.kind == "final").exists()
_AWAITED = (Mission.state == "findings_sent", Mission.replied_at.is_(None))
_REPLY_DUE = (
    select(Mission.reply_due_on).where(Mission.dossier_id == Dossier.id, *_AWAITED).correlate(Dossier).scalar_subquery()
)
_MINE = or_(
    Dossier.state.in_(("draft", "incomplete")),
    and_(Dossier.state == "follow_up", ~_SETTLED),
    _REPLY_DUE.is_not(None),
)
_DUE: ColumnElement[date | None] = func.coalesce(_REPLY_DUE, Dossier.due_on)
_URGENCY = case((_MINE, 0), (Dossier.state.in_(TERMINAL), 2), else_=1)

SORTS: Mapping[str, Any] = {
    "urgency": _URGENCY,
    "due": _DUE,
    "title": Dossier.title,
    "state": Dossier.state,
    "number": Dossier.number,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dossiers are listed. `sort` is a key of SORTS; `page` counts from 1."""

    state: str | None = None
    campaign_id: int | None = None
    organisation_id: int | None = None
    mine: bool = False
    sort: str = "urgency"
    descending: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class Carried:
    """One dossier of the list, and its next step (None where its life is over)."""

    id: int
    number: str | None
    title: str
    state: str
    organisation: str
    campaign: str
    step: NextStep | None


@dataclass(frozen=True, slots=True)
class Carrying:
    """One page of a carrier's dossiers; `awaiting` of them all wait for the carrier, `late` of these are late."""

    rows: Sequence[Carried]
    total: int
    everything: int
    awaiting: int
    late: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE))


def carrying(session: Session, actor: Actor, wanted: Wanted, today: date) -> Carrying:
    """One page of the dossiers of the organisations that `actor` carries for, in two statements."""
    own = Dossier.organisation_id.in_(actor.organisations)
    chosen = _chosen(wanted)
    counted = session.execute(
        select(
            func.count().label("everything"),
            func.count(case((chosen, 1))).label("total"),
            func.count(case((_MINE, 1))).label("awaiting"),
            func.count(case((and_(_MINE, today > _DUE), 1))).label("late"),
        )
        .select_from(Dossier)
        .where(own)
    ).one()
    page = min(max(1, wanted.page), max(1, -(-counted.total // PAGE)))
    rows = session.execute(
        _rows().where(own, chosen).order_by(*_order(wanted)).limit(PAGE).offset((page - 1) * PAGE)
    ).all()
    return Carrying(
        [_carried(row) for row in rows], counted.total, counted.everything, counted.awaiting, counted.late, page
    )


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.due_on,
            Dossier.instance_id,
            Organisation.name.label("organisation"),
            Campaign.label.label("campaign"),
            _SETTLED.label("settled"),
            _REPLY_DUE.label("reply_due"),
        )
        .join(Dossier.organisation)
        .join(Dossier.campaign)
    )


def _chosen(wanted: Wanted) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [Dossier.id.is_not(None)]
    if wanted.state:
        conditions.append(Dossier.state == wanted.state)
    if wanted.campaign_id:
        conditions.append(Dossier.campaign_id == wanted.campaign_id)
    if wanted.organisation_id:
        conditions.append(Dossier.organisation_id == wanted.organisation_id)
    if wanted.mine:
        conditions.append(_MINE)
    return and_(*conditions)


def _order(wanted: Wanted) -> list[UnaryExpression[Any]]:
    column = SORTS[wanted.sort]
    first = (column.desc() if wanted.descending else column.asc()).nulls_last()
    return [first, _DUE.asc().nulls_last(), Dossier.id.desc()]


def _carried(row: Any) -> Carried:
    return Carried(row.id, row.number, row.title, row.state, row.organisation, row.campaign, _next_step(row))


def _next_step(row: Any) -> NextStep | None:
    turn = turn_of(row.state, final_report_settled=row.settled)
    if turn is None:
        return None
    if row.reply_due is not None:
        return NextStep(CARRIER, N_("Répondre aux constats du contrôle"), row.reply_due, mine=True)
    if row.state == "submitted" and row.instance_id is None:
        return NextStep(TRANSVERSAL, N_("Choisir l'instance qui instruira le dossier"), row.due_on, mine=False)
    return NextStep(turn.role, turn.task, row.due_on, mine=turn.role == CARRIER)


# --- calls --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """A campaign's call. `late` are the organisations of the reader that may deposit after the deadline, until when."""

    campaign_id: int
    label: str
    opens: date | None
    deadline: date | None
    late: Mapping[int, date]

    def is_open(self, today: date) -> bool:
        """Whether everybody may deposit."""
        return self.opens is not None and self.deadline is not None and self.opens <= today <= self.deadline

    def takes(self, today: date) -> bool:
        """Whether the reader may deposit, be it by a derogation."""
        return self.is_open(today) or bool(self.late)


def calls(session: Session, actor: Actor, today: date) -> list[Call]:
    """The calls that are open to `actor`, and those still to open, the nearest deadline first; in two statements."""
    dates = session.execute(
        select(
            Campaign.id,
            Campaign.label,
            func.max(case((Milestone.code == "call_opens", Milestone.on))).label("opens"),
            func.max(case((Milestone.code == "deposit_deadline", Milestone.on))).label("deadline"),
        )
        .join(Milestone, Milestone.campaign_id == Campaign.id)
        .where(Milestone.code.in_(("call_opens", "deposit_deadline")))
        .group_by(Campaign.id, Campaign.label)
    ).all()
    late: dict[int, dict[int, date]] = {}
    for row in session.execute(
        select(LateDeposit.campaign_id, LateDeposit.organisation_id, LateDeposit.until).where(
            LateDeposit.organisation_id.in_(actor.organisations), LateDeposit.until >= today
        )
    ):
        known = late.setdefault(row.campaign_id, {})
        known[row.organisation_id] = max(row.until, known.get(row.organisation_id, row.until))
    found = [Call(row.id, row.label, row.opens, row.deadline, late.get(row.id, {})) for row in dates]
    coming = [call for call in found if call.takes(today) or (call.opens is not None and call.opens > today)]
    return sorted(coming, key=lambda call: (not call.takes(today), call.deadline or date.max, call.campaign_id))


def organisations(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """The organisations that `actor` carries for."""
    rows = session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.id.in_(actor.organisations))
        .order_by(Organisation.name, Organisation.id)
    )
    return [(row.id, row.name) for row in rows]


def campaigns(session: Session) -> list[tuple[int, str]]:
    """Every campaign, the newest first."""
    rows = session.execute(select(Campaign.id, Campaign.label).order_by(Campaign.year.desc(), Campaign.id.desc()))
    return [(row.id, row.label) for row in rows]


# --- one dossier ----------------------------------------------------------------------------------------------------


def own(session: Session, actor: Actor, dossier_id: int) -> File:
    """A dossier that `actor` carries, with its parts. Raises NotFound for any other."""
    file = load(session, actor, dossier_id)
    if CARRIER not in file.roles:
        raise NotFound("dossier")
    return file


def beside(asked: Asked) -> File:
    """What stands beside a carrier's act: the dossier as whoever does it may read it."""
    if asked.dossier_id is None:
        raise NotFound("dossier")
    return load(asked.session, asked.actor, asked.dossier_id)


@dataclass(frozen=True, slots=True)
class Funder:
    """Whom money may be asked of; `until` is their own last day of deposit, where they have one."""

    id: int
    short: str
    label: str
    until: date | None


def funders(session: Session, campaign_id: int) -> list[Funder]:
    """The funders, with the deposit dates of their own in a campaign."""
    until = (
        select(func.max(Milestone.on))
        .where(
            Milestone.campaign_id == campaign_id,
            Milestone.funder_id == Institution.id,
            Milestone.code == "deposit_deadline",
        )
        .scalar_subquery()
    )
    rows = session.execute(
        select(Institution.id, func.coalesce(Institution.funder_code, Institution.label), Institution.label, until)
        .where(Institution.funder_code.is_not(None))
        .order_by(Institution.label)
    )
    return [Funder(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Goal:
    """An operational objective with those above it, each « code – label »."""

    id: int
    orientation: str
    strategic: str
    label: str


def goals(session: Session) -> list[Goal]:
    """The operational objectives in the order of their codes."""
    strategic, orientation = aliased(Objective), aliased(Objective)
    rows = session.execute(
        select(
            Objective.id,
            orientation.code,
            orientation.label,
            strategic.code,
            strategic.label,
            Objective.code,
            Objective.label,
        )
        .join(strategic, strategic.id == Objective.parent_id)
        .join(orientation, orientation.id == strategic.parent_id)
        .where(Objective.level == "operational")
        .order_by(Objective.code)
    )
    return [Goal(row[0], *(f"{row[place]} – {row[place + 1]}" for place in (1, 3, 5))) for row in rows]
