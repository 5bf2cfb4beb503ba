"""What a territory agreed on, as administrators read it: objectives, instances, partners, communes, rules, carriers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from states.dossier import ANIMATOR
from workflow.errors import NotFound
from workflow.models import (
    Commune,
    Instance,
    Institution,
    Objective,
    Person,
    RoleGrant,
    Route,
    RoutingStep,
    RoutingVersion,
    Theme,
)
from workflow.models.reference import route_associate

Row = Any
"""A named tuple of the columns of a select."""
VERSIONS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Node:
    """An objective and those under it; `rules` of an operational one lead somewhere."""

    code: str
    label: str
    children: Sequence["Node"]
    rules: int


def objectives(session: Session) -> Sequence[Node]:
    """The three-level tree with how many rules each operational objective has, in one statement."""
    rules = select(func.count()).where(Route.objective_id == Objective.id).correlate(Objective).scalar_subquery()
    rows = session.execute(
        select(Objective.id, Objective.parent_id, Objective.code, Objective.label, rules.label("rules")).order_by(
            Objective.code
        )
    ).all()
    under: dict[int | None, list[Row]] = {}
    for row in rows:
        under.setdefault(row.parent_id, []).append(row)

    def nodes(parent: int | None) -> list[Node]:
        return [Node(row.code, row.label, nodes(row.id), row.rules) for row in under.get(parent, [])]

    return nodes(None)


@dataclass(frozen=True, slots=True)
class ThemeInstances:
    """A theme with its instances; `animators` are people by instance."""

    label: str
    instances: Sequence[Row]
    animators: Mapping[int, Sequence[Row]]


def themes(session: Session) -> Sequence[ThemeInstances]:
    """The themes, their instances, and who animates each, in two statements."""
    animators: dict[int, list[Row]] = {}
    for person in session.execute(
        select(RoleGrant.instance_id, Person.id, Person.name)
        .join(RoleGrant.person)
        .where(RoleGrant.role == ANIMATOR, RoleGrant.ended_at.is_(None), Person.active)
        .order_by(Person.name, Person.id)
    ):
        animators.setdefault(person.instance_id or 0, []).append(person)
    instances: dict[str, list[Row]] = {}
    for row in session.execute(
        select(
            Theme.label.label("theme"),
            Instance.id,
            Instance.code,
            Instance.label,
            Instance.animating_institutions,
            Instance.per_commune,
            Instance.to_be_created,
        )
        .join(Instance, Instance.theme_id == Theme.id)
        .order_by(Theme.code, Instance.label)
    ):
        instances.setdefault(row.theme, []).append(row)
    return [ThemeInstances(theme, rows, animators) for theme, rows in instances.items()]


def institutions(session: Session) -> Sequence[Row]:
    """The partners, funders first, with how many accounts belong to each, in one statement."""
    people = (
        select(func.count()).where(Person.institution_id == Institution.id, Person.active).correlate(Institution)
    ).scalar_subquery()
    return session.execute(
        select(
            Institution.id, Institution.label, Institution.kind, Institution.funder_code, people.label("people")
        ).order_by(Institution.funder_code.is_(None), Institution.label)
    ).all()


def communes(session: Session) -> Sequence[Row]:
    """The communes, in one statement."""
    return session.execute(
        select(Commune.id, Commune.label, Commune.local_security_council, Commune.urban_renewal_agreement).order_by(
            Commune.label
        )
    ).all()


# --- rules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A routing rule as people read it."""

    id: int
    position: int
    objective_id: int | None
    code: str
    objective: str
    level: str | None
    commune_id: int | None
    commune: str | None
    lead_id: int
    lead: str
    basis: str
    kind: str | None
    least_cents: int | None
    most_cents: int | None
    funders: Sequence[str]
    keywords: Sequence[str]
    starts_on: date | None
    ends_on: date | None
    associated: Sequence[Row]


def rules(session: Session) -> list[RuleRow]:
    """All rules in their order, in two statements."""
    told: dict[int, list[Row]] = {}
    for row in session.execute(
        select(route_associate.c.route_id, Instance.id, Instance.label)
        .join(Instance, Instance.id == route_associate.c.instance_id)
        .order_by(Instance.label)
    ):
        told.setdefault(row.route_id, []).append(row)
    lead = aliased(Instance)
    rows: Any = session.execute(
        select(
            Route.id,
            Route.position,
            Route.objective_id,
            func.coalesce(Objective.code, "").label("code"),
            func.coalesce(Objective.label, "").label("objective"),
            Route.level,
            Route.commune_id,
            Commune.label.label("commune"),
            Route.lead_id,
            lead.label.label("lead"),
            Route.basis,
            Route.kind,
            Route.least_cents,
            Route.most_cents,
            Route.funders,
            Route.keywords,
            Route.starts_on,
            Route.ends_on,
        )
        .outerjoin(Route.objective)
        .join(lead, lead.id == Route.lead_id)
        .outerjoin(Route.commune)
        .order_by(Route.position)
    )
    return [RuleRow(**row._mapping, associated=told.get(row.id, ())) for row in rows]


def funder_codes(session: Session) -> list[tuple[str, str]]:
    """The codes of funders with their names, to choose from."""
    rows = session.execute(
        select(Institution.funder_code, Institution.label)
        .where(Institution.funder_code.is_not(None))
        .order_by(Institution.label)
    )
    return [(code or "", label) for code, label in rows]


def instance_labels(session: Session) -> Mapping[str, str]:
    """The names of instances by code."""
    return {row.code: row.label for row in session.execute(select(Instance.code, Instance.label))}


def routing_versions(session: Session) -> Sequence[Row]:
    """Every version of the rules, the newest first: number, when, by whom, and how many dossiers it routed."""
    routed = select(func.count()).where(RoutingStep.version_id == RoutingVersion.id).scalar_subquery()
    return session.execute(
        select(
            RoutingVersion.number,
            RoutingVersion.made_at,
            func.coalesce(Person.name, "").label("by"),
            routed.label("dossiers"),
        )
        .outerjoin(Person, Person.id == RoutingVersion.made_by_id)
        .order_by(RoutingVersion.number.desc())
        .limit(VERSIONS_SHOWN)
    ).all()


def routing_version(session: Session, number: int) -> RoutingVersion:
    """A version of the rules. Raises NotFound."""
    found = session.scalar(select(RoutingVersion).where(RoutingVersion.number == number))
    if found is None:
        raise NotFound("routing_version")
    return found
