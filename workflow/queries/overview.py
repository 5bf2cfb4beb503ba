"""A campaign as the transversal committee sees it: what no rule routed, and how each instance stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from states.dossier import TERMINAL
from workflow.models import (
    Dossier,
    Instance,
    Organisation,
    RoutingStep,
)
from workflow.queries.board import PAGE, Count, Row


@dataclass(frozen=True)
class Overview:
    """A campaign seen from above: what no rule routed, and how each instance stands."""

    unrouted: Sequence[Row]
    """The first PAGE."""
    waiting: int
    """How many there are in all."""
    instances: Sequence[Row]
    counts: Mapping[int, Mapping[str, Count]]


def overview(session: Session, campaign_id: int, today: date) -> Overview:
    """All instances of a campaign, and the dossiers without one, in three statements."""
    reason = (
        select(RoutingStep.reason)
        .where(RoutingStep.dossier_id == Dossier.id)
        .order_by(RoutingStep.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    unrouted = session.execute(
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.due_on.label("due"),
            Dossier.submitted_at,
            Organisation.name.label("carrier"),
            reason.label("reason"),
        )
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .where(Dossier.campaign_id == campaign_id, Dossier.instance_id.is_(None), Dossier.state == "submitted")
        .order_by(Dossier.due_on, Dossier.id)
        .limit(PAGE)
    ).all()
    counts: dict[int, dict[str, Count]] = {}
    waiting = 0
    for row in session.execute(
        select(
            Dossier.instance_id,
            Dossier.state,
            func.count().label("dossiers"),
            func.count(case((Dossier.due_on < today, 1))).label("late"),
        )
        .where(Dossier.campaign_id == campaign_id)
        .group_by(Dossier.instance_id, Dossier.state)
    ):
        if row.instance_id is None:
            waiting += row.dossiers if row.state == "submitted" else 0
            continue
        late = row.late if row.state not in TERMINAL else 0
        counts.setdefault(row.instance_id, {})[row.state] = Count(row.state, row.dossiers, late)
    instances = session.execute(select(Instance.id, Instance.code, Instance.label).order_by(Instance.label)).all()
    return Overview(unrouted, waiting, instances, counts)
