"""The routing rules, as the pure router reads them."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.models import Commune, Instance, Objective, Route
from workflow.models.reference import route_associate
from workflow.routing import Rule


def load_rules(session: Session) -> list[Rule]:
    """All rules in the order of their positions, in two statements."""
    told: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for route_id, code, instance_id in session.execute(
        select(route_associate.c.route_id, Instance.code, Instance.id)
        .join(Instance, Instance.id == route_associate.c.instance_id)
        .order_by(Instance.code)
    ):
        told[route_id].append((code, instance_id))
    rows = session.execute(
        select(
            Route.id,
            Route.position,
            Objective.code.label("objective"),
            Instance.code.label("lead"),
            Instance.id.label("lead_id"),
            Route.level,
            Commune.label.label("commune"),
        )
        .join(Route.objective)
        .join(Route.lead)
        .outerjoin(Route.commune)
        .order_by(Route.position)
    )
    return [
        Rule(
            row.position,
            row.objective,
            row.lead,
            row.level,
            row.commune,
            tuple(code for code, _ in told[row.id]),
            row.lead_id,
            tuple(instance_id for _, instance_id in told[row.id]),
        )
        for row in rows
    ]
