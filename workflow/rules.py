"""The routing rules between the database and the pure router, and every version of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from workflow.models import Commune, Dossier, FundingRequest, Instance, Institution, Objective, Route, RoutingVersion
from workflow.models.reference import route_associate
from workflow.routing import Query, Rule, Step


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
        select(Route, Objective.code, Instance.code, Commune.label)
        .outerjoin(Route.objective)
        .join(Route.lead)
        .outerjoin(Route.commune)
        .order_by(Route.position)
    )
    return [
        Rule(
            row.position,
            objective,
            lead,
            row.level,
            commune,
            tuple(code for code, _ in told[row.id]),
            row.lead_id,
            tuple(instance_id for _, instance_id in told[row.id]),
            row.kind,
            row.least_cents,
            row.most_cents,
            tuple(row.funders),
            tuple(row.keywords),
            row.starts_on,
            row.ends_on,
        )
        for row, objective, lead, commune in rows
    ]


def localised(session: Session, rule: Rule, commune_id: int | None) -> tuple[int, list[int]]:
    """The instances to which a rule sends an action of a commune: lead and associated ones, in one statement.

    A local committee of the commune takes the place of the instance that it belongs to.
    """
    local: dict[int | None, int] = {}
    if commune_id is not None:
        rows = session.execute(
            select(Instance.parent_id, Instance.id).where(
                Instance.parent_id.in_((rule.lead_id, *rule.associated_ids)), Instance.commune_id == commune_id
            )
        )
        local = {row.parent_id: row.id for row in rows}
    return local.get(rule.lead_id, rule.lead_id), [local.get(one, one) for one in rule.associated_ids]


def keep_version(session: Session, by_id: int | None, now: datetime) -> RoutingVersion:
    """Keep the rules as they stand now as the next version."""
    number = session.scalar(select(func.max(RoutingVersion.number))) or 0
    version = RoutingVersion(
        number=number + 1, made_at=now, made_by_id=by_id, rules=[_plain(rule) for rule in load_rules(session)]
    )
    session.add(version)
    session.flush()
    return version


def _plain(rule: Rule) -> dict[str, Any]:
    """A rule as plain JSON, in codes; what it does not ask is left out."""
    told = {name: value for name, value in asdict(rule).items() if value not in (None, ()) and "_id" not in name}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in told.items()}


def trail(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What each rule said, as it is kept with a dossier."""
    return [
        {"rule": step.rule.position, "lead": step.rule.lead, "matched": step.matched, "why": step.message % step.params}
        for step in steps
    ]


def deposited() -> Select[Any]:
    """Every dossier that was deposited and not withdrawn, the newest first: what routing looks at in each."""
    asked = select(func.sum(FundingRequest.asked_cents)).where(FundingRequest.dossier_id == Dossier.id)
    return (
        select(Dossier, asked.scalar_subquery())
        .where(Dossier.submitted_at.is_not(None), Dossier.state != "withdrawn")
        .order_by(Dossier.id.desc())
    )


def query_of(dossier: Dossier, asked: int | None, funders: Sequence[str], on: date | None) -> Query:
    """What routing looks at in a dossier: what is asked in all, of whom, and the day that counts."""
    return Query(
        objective=dossier.objective.code if dossier.objective else "",
        level=dossier.level,
        commune=dossier.commune.label if dossier.commune else None,
        kind=dossier.organisation.kind,
        asked=asked,
        funders=tuple(funders),
        text=f"{dossier.title} {dossier.summary}",
        on=on,
    )


def funders_asked(session: Session, dossier_ids: Sequence[int]) -> dict[int, list[str]]:
    """The codes of the funders of whom dossiers ask something."""
    found: dict[int, list[str]] = {}
    for dossier_id, code in session.execute(
        select(FundingRequest.dossier_id, Institution.funder_code)
        .join(Institution, Institution.id == FundingRequest.funder_id)
        .where(FundingRequest.dossier_id.in_(dossier_ids))
    ):
        found.setdefault(dossier_id, []).append(code or "")
    return found
