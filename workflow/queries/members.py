"""One instructor of an instance, as its animator describes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from workflow.access import INSTRUCTOR
from workflow.errors import NotFound
from workflow.facts import points_held
from workflow.models import Absence, Competence, Institution, Objective, Person, RoleGrant, Route, Theme
from workflow.models.reference import route_associate
from workflow.use_cases.membership import subject


@dataclass(frozen=True)
class Member:
    """An instructor: points, absences to come, and what they may know, « subject name, label, level » by group.

    Groups are theme, orientation, strategic, operational; the level is None for what they are not said to know.
    """

    grant_id: int
    name: str
    institution: str
    trained_on: date | None
    capacity: int
    held: int
    absences: Sequence[tuple[date, date]]
    subjects: Mapping[str, Sequence[tuple[str, str, int | None]]]


def member(session: Session, instance_id: int, campaign_id: int, grant_id: int, today: date) -> Member:
    """The instructor of that membership, in five statements. Raises NotFound for one of another instance."""
    row = session.execute(
        select(
            Person.id,
            Person.name,
            func.coalesce(Institution.funder_code, Institution.label, "").label("institution"),
            RoleGrant.trained_on,
            RoleGrant.capacity,
            points_held(campaign_id, instance_id).label("held"),
        )
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(Institution, Institution.id == Person.institution_id)
        .where(
            RoleGrant.id == grant_id,
            RoleGrant.role == INSTRUCTOR,
            RoleGrant.instance_id == instance_id,
            RoleGrant.ended_at.is_(None),
        )
    ).first()
    if row is None:
        raise NotFound("role")
    known = {
        subject(one.objective_id, one.theme_id): one.level
        for one in session.scalars(select(Competence).where(Competence.grant_id == grant_id))
    }
    absences = session.execute(
        select(Absence.first, Absence.last)
        .where(Absence.person_id == row.id, Absence.last >= today)
        .order_by(Absence.first)
    ).all()
    return Member(
        grant_id,
        row.name,
        row.institution,
        row.trained_on,
        row.capacity,
        row.held,
        [(one.first, one.last) for one in absences],
        _subjects(session, instance_id, known),
    )


def _subjects(
    session: Session, instance_id: int, known: Mapping[str, int]
) -> Mapping[str, Sequence[tuple[str, str, int | None]]]:
    """All themes; the objectives that routes give to the instance with those above them; and whatever is known."""
    told = select(route_associate.c.route_id).where(route_associate.c.instance_id == instance_id)
    routed = select(Route.objective_id).where(or_(Route.lead_id == instance_id, Route.id.in_(told)))
    strategic = aliased(Objective)
    parents = select(Objective.parent_id).where(Objective.id.in_(routed))
    grandparents = select(strategic.parent_id).where(strategic.id.in_(parents))
    noted = [int(name.partition(":")[2]) for name in known if name.startswith("objective")]
    objectives = session.execute(
        select(Objective.id, Objective.level, Objective.code, Objective.label)
        .where(
            or_(
                Objective.id.in_(routed),
                Objective.id.in_(parents),
                Objective.id.in_(grandparents),
                Objective.id.in_(noted),
            )
        )
        .order_by(Objective.code)
    )
    found: dict[str, list[tuple[str, str, int | None]]] = {
        group: [] for group in ("operational", "strategic", "orientation", "theme")
    }
    for one in objectives:
        name = subject(one.id, None)
        found[one.level].append((name, f"{one.code} – {one.label}", known.get(name)))
    for theme in session.execute(select(Theme.id, Theme.label).order_by(Theme.label)):
        name = subject(None, theme.id)
        found["theme"].append((name, theme.label, known.get(name)))
    return found
