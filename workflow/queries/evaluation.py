"""What those who evaluate see: reports that await them, reports that never came, what is evaluated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, nulls_last, or_, select
from sqlalchemy.orm import Session

from states.dossier import EVALUATOR
from workflow.access import INSTRUCTOR, Actor
from workflow.models import (
    BinomeMember,
    BudgetLine,
    Campaign,
    Dossier,
    Evaluation,
    Instance,
    Organisation,
    Report,
)
from workflow.models.follow_up import CRITERIA

PAGE = 50
_JUDGED = ("evaluated", "under_control", "controlled", "closed")
FUNDED = ("follow_up", *_JUDGED)
_OPEN = tuple(state for state in FUNDED if state != "closed")

Row = Any
"""A named tuple of the columns of a select."""


def campaigns(session: Session) -> tuple[Sequence[Row], Row | None]:
    """All campaigns, the newest first; and the oldest with actions to evaluate, control or close, else the newest."""
    left = select(Dossier.id).where(Dossier.campaign_id == Campaign.id, Dossier.state.in_(_OPEN)).exists()
    rows = session.execute(
        select(Campaign.id, Campaign.label, left.label("left")).order_by(Campaign.first.desc(), Campaign.id.desc())
    ).all()
    return rows, next((row for row in reversed(rows) if row.left), rows[0] if rows else None)


_SETTLED = select(Report.id).where(Report.dossier_id == Dossier.id, Report.kind == "final").correlate(Dossier).exists()
_GRID = sum((getattr(Evaluation, criterion) for criterion in CRITERIA), literal(0))
SORTS: Mapping[str, Any] = {
    "due": Dossier.due_on,
    "number": Dossier.number,
    "carrier": Organisation.name,
    "report": Report.at,
    "grid": _GRID,
}


def _kinds(today: date) -> dict[str, ColumnElement[bool]]:
    followed = Dossier.state == "follow_up"
    late = and_(Dossier.due_on.is_not(None), Dossier.due_on < today)
    return {
        "waiting": and_(followed, _SETTLED),
        "late": and_(followed, ~_SETTLED, late),
        "coming": and_(followed, ~_SETTLED, ~late),
        "done": Dossier.state.in_(_JUDGED),
    }


KINDS = ("waiting", "late", "coming", "done")
"""To be evaluated; without the final report though it is overdue; not yet due; evaluated."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to (`kind` is one of KINDS), and its order."""

    kind: str = "waiting"
    instance_id: int | None = None
    sort: str = "due"
    desc: bool = False
    page: int = 1


@dataclass(frozen=True)
class Desk:
    """How many actions of each kind; one page of one kind; and the instances to choose from."""

    counts: Mapping[str, int]
    rows: Sequence[Row]
    number: int
    pages: int
    instances: Sequence[Row]


def _mine(actor: Actor) -> ColumnElement[bool]:
    """The dossiers that the reader may evaluate: those of their instances, and those of their binômes."""
    scopes: list[ColumnElement[bool]] = []
    if instances := actor.instances(EVALUATOR):
        scopes.append(Dossier.instance_id.in_(instances))
    if INSTRUCTOR in actor.roles:
        seat = BinomeMember.dossier_id == Dossier.id, BinomeMember.person_id == actor.person_id
        scopes.append(select(BinomeMember.id).where(*seat, BinomeMember.left_at.is_(None)).exists())
    return or_(*scopes) if scopes else false()


def desk(session: Session, actor: Actor, campaign_id: int, wanted: Filters, today: date) -> Desk:
    """The reader's actions of a campaign, in three statements."""
    here = [Dossier.campaign_id == campaign_id, Dossier.state.in_(FUNDED), _mine(actor)]
    instances = session.execute(
        select(Instance.id, Instance.label)
        .where(select(Dossier.id).where(*here, Dossier.instance_id == Instance.id).exists())
        .order_by(Instance.label)
    ).all()
    if wanted.instance_id is not None:
        here.append(Dossier.instance_id == wanted.instance_id)
    kinds = _kinds(today)
    counted = session.execute(
        select(*(func.count(case((where, 1))).label(name) for name, where in kinds.items())).where(*here)
    ).one()
    counts = {name: int(counted._mapping[name]) for name in KINDS}
    pages = max(1, -(-counts[wanted.kind] // PAGE))
    number = min(max(1, wanted.page), pages)
    column = SORTS.get(wanted.sort, Dossier.due_on)
    planned = (
        select(func.sum(BudgetLine.amount_cents))
        .where(BudgetLine.dossier_id == Dossier.id, BudgetLine.side == "expense")
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.due_on,
            Organisation.name.label("carrier"),
            Instance.label.label("instance"),
            Dossier.beneficiaries.label("planned"),
            planned.label("planned_cents"),
            Report.received,
            Report.at.label("reported_at"),
            Report.beneficiaries.label("reached"),
            Report.spent_cents,
            Evaluation.recommendation,
            Evaluation.at.label("evaluated_at"),
            _GRID.label("grid"),
        )
        .join(Dossier.organisation)
        .outerjoin(Dossier.instance)
        .outerjoin(Report, and_(Report.dossier_id == Dossier.id, Report.kind == "final"))
        .outerjoin(Evaluation, Evaluation.dossier_id == Dossier.id)
        .where(*here, kinds[wanted.kind])
        .order_by(nulls_last(column.desc() if wanted.desc else column.asc()), Dossier.id)
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    ).all()
    return Desk(counts, rows, number, pages, instances)
