"""Who can form the binôme of a dossier: load, training and conflicts of the instructors of its instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from workflow.access import INSTRUCTOR
from workflow.errors import NotFound
from workflow.models import (
    BinomeMember,
    Institution,
    Interest,
    Person,
    RoleGrant,
)
from workflow.queries.choices import Asked
from workflow.queries.load import Load, loads


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instructor of the dossier's instance, with what speaks for and against them."""

    id: int
    name: str
    institution_id: int | None
    institution: str
    trained_on: date | None
    trained: bool
    interest: str | None
    """What binds them to the carrier, as they declared it; empty for a role held with it; None for nothing."""
    load: Load

    @property
    def eligible(self) -> bool:
        """Whether no rule keeps them out of every pair."""
        return self.trained and self.interest is None


@dataclass(frozen=True)
class Candidates:
    """The instructors of an instance: who is in the binôme, who can be, who cannot."""

    seated: Sequence[Candidate]
    eligible: Sequence[Candidate]
    excluded: Sequence[Candidate]
    suggested: tuple[int, int] | None
    """The two with the least to do, of different institutions."""

    @property
    def heaviest(self) -> int:
        """The greatest load, for the scale of a picture."""
        return max((person.load.active for person in (*self.seated, *self.eligible, *self.excluded)), default=0)


def candidates(asked: Asked) -> Candidates:
    """Who may instruct the dossier, the least loaded first, in three statements."""
    dossier, session = asked.dossier, asked.session
    if dossier is None:
        raise NotFound("dossier")
    carrying = aliased(RoleGrant)
    carries = (
        select(func.count(carrying.id))
        .where(carrying.person_id == Person.id, carrying.organisation_id == dossier.organisation_id)
        .scalar_subquery()
    )
    interest = (
        select(Interest.nature)
        .where(Interest.person_id == Person.id, Interest.organisation_id == dossier.organisation_id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Person.id,
            Person.name,
            Person.institution_id,
            func.coalesce(Institution.funder_code, Institution.label, "").label("institution"),
            RoleGrant.trained_on,
            carries.label("carries"),
            interest.label("interest"),
        )
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(Institution, Institution.id == Person.institution_id)
        .where(
            RoleGrant.role == INSTRUCTOR,
            RoleGrant.instance_id == dossier.instance_id,
            RoleGrant.ended_at.is_(None),
            Person.active,
        )
        .order_by(Person.name, Person.id)
    ).all()
    held = loads(session, dossier.instance_id, asked.today)
    seats = session.scalars(
        select(BinomeMember.person_id).where(BinomeMember.dossier_id == dossier.id, BinomeMember.left_at.is_(None))
    ).all()
    found = [
        Candidate(
            row.id,
            row.name,
            row.institution_id,
            row.institution,
            row.trained_on,
            row.trained_on is not None and row.trained_on <= asked.today,
            row.interest if row.interest is not None else ("" if row.carries else None),
            held.get(row.id, Load()),
        )
        for row in rows
    ]
    free = sorted((one for one in found if one.id not in seats), key=lambda one: (one.load.active, one.load.late))
    eligible = [one for one in free if one.eligible]
    return Candidates(
        [one for one in found if one.id in seats],
        eligible,
        [one for one in free if not one.eligible],
        _lightest_pair(eligible),
    )


def _lightest_pair(eligible: Sequence[Candidate]) -> tuple[int, int] | None:
    first = eligible[0] if eligible else None
    for second in eligible[1:]:
        if first and second.institution_id != first.institution_id:
            return first.id, second.id
    return None
