"""Everything that forming the binômes of an instance looks at, as people read it and as the solver is asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import Select, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from workflow import campaigns
from workflow.access import INSTRUCTOR
from workflow.facts import points_held
from workflow.models import (
    Absence,
    AssociatedInstance,
    BinomeMember,
    Competence,
    Dossier,
    Instance,
    Institution,
    Interest,
    LocalInterest,
    Objective,
    Organisation,
    Person,
    RoleGrant,
    Theme,
)
from workflow.models.instruction import THIRD
from workflow.pairing import problem
from workflow.pairing.effort import NEARNESS, Knowledge, affinity
from workflow.pairing.problem import Problem, Solution
from workflow.reminder_rules import working_days
from workflow.use_cases.membership import subject

INSTRUCTED = ("assigned", "expert_consulted")
AWAY = 0.5
"""Whoever is absent for this share of the working days left until opinions are due is given no new dossier."""
AT_ONCE = 100
"""So many dossiers are looked at together, those due first."""

Seat = tuple[int, int]
"""A dossier and a person, by their ids."""


@dataclass(frozen=True, slots=True)
class Instructor:
    """An instructor of the instance: what they can still take, and what they know."""

    id: int
    grant_id: int
    name: str
    institution: str
    institution_id: int | None
    trained_on: date | None
    capacity: int
    held: int
    """Effort points of the campaign's dossiers on which they sit."""
    away_until: date | None
    """The last day of the absence that keeps them from new dossiers."""
    known: Sequence[tuple[Knowledge, str]]
    """Each competence, and what it is about in words."""

    @property
    def left(self) -> int:
        """Effort points that they have left."""
        return max(0, self.capacity - self.held)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A dossier that lacks its binôme, or one of its members: `leaver_id` can no longer instruct, `stays` can."""

    id: int
    number: str
    title: str
    carrier: str
    organisation_id: int
    version: int
    effort: int
    due: date | None
    about: Mapping[str, int]
    """What it is about, each subject with its nearness."""
    seated: Sequence[int] = ()
    """Who sits in its binôme."""
    leaver_id: int | None = None
    leaver: str = ""
    stays: int | None = None


@dataclass(frozen=True)
class Pool:
    """The instructors of an instance, the dossiers that wait, and what binds the ones to the others."""

    today: date
    people: Sequence[Instructor]
    dossiers: Sequence[Waiting]
    bonds: Mapping[Seat, str]
    """What binds somebody to the carrier of a dossier, as they declared it; empty for a role held with it."""
    more: int = 0
    """How many dossiers wait beyond those that are looked at."""

    @cached_property
    def person(self) -> Mapping[int, Instructor]:
        """The instructors by id."""
        return {one.id: one for one in self.people}

    def kept_out(self, dossier: Waiting, one: Instructor) -> str | None:
        """What keeps somebody out of a dossier's binôme whatever their load: a word, None for nothing."""
        staying = self.person.get(dossier.stays or 0)
        if one.trained_on is None or one.trained_on > self.today:
            return "untrained"
        if (dossier.id, one.id) in self.bonds:
            return "bound"
        if one.away_until:
            return "away"
        if one.id in (dossier.stays, dossier.leaver_id):
            return "seated"
        if staying and staying.institution_id == one.institution_id:
            return "same_institution"
        return None

    def affinity(self, dossier: Waiting, one: Instructor) -> tuple[int, str]:
        """How well somebody knows what a dossier is about, from 0 to 9 points; and what makes it, in words."""
        points, best = affinity((known for known, _label in one.known), dossier.about)
        return points, next((label for known, label in one.known if known == best), "")

    def problem(
        self,
        chosen: Collection[int],
        pins: Collection[Seat],
        bans: Collection[tuple[int, int, int]],
        previous: Mapping[int, Sequence[int]],
    ) -> Problem:
        """The question about the dossiers `chosen`. Capacities are what everybody has left in the campaign, so that the
        load kept low is a share of that; whoever replaces a member sits beside the one who stays."""
        dossiers = [dossier for dossier in self.dossiers if dossier.id in chosen]
        return Problem(
            instructors=[
                problem.Instructor(person_key(one.id), _institution_key(one.institution_id), one.left)
                for one in self.people
            ],
            dossiers=[
                problem.Dossier(_dossier_key(dossier.id), dossier.effort, 1 if dossier.leaver_id else 2)
                for dossier in dossiers
            ],
            affinity={
                _dossier_key(dossier.id): {person_key(one.id): self.affinity(dossier, one)[0] for one in self.people}
                for dossier in dossiers
            },
            conflicts=[
                (_dossier_key(dossier.id), person_key(one.id))
                for dossier in dossiers
                for one in self.people
                if self.kept_out(dossier, one)
            ],
            pinned=[
                (_dossier_key(dossier), person_key(one))
                for dossier, one in pins
                if dossier in chosen and one in self.person
            ],
            banned_pairs=[
                (_dossier_key(dossier), person_key(a), person_key(b))
                for dossier, a, b in bans
                if dossier in chosen and {a, b} <= self.person.keys()
            ],
            previous={
                _dossier_key(dossier): [person_key(one) for one in seats if one in self.person]
                for dossier, seats in previous.items()
                if dossier in chosen
            },
        )

    def names(self) -> Mapping[str, str]:
        """How to call what the question names."""
        return {
            **{_dossier_key(dossier.id): dossier.number for dossier in self.dossiers},
            **{_institution_key(one.institution_id): one.institution for one in self.people},
            **{person_key(one.id): one.name for one in self.people},
        }

    def seats(self, found: Solution) -> Mapping[int, Sequence[int]]:
        """The people of each dossier in an answer."""
        return {int(dossier[1:]): [int(one[1:]) for one in people] for dossier, people in found.pairs.items()}


def _dossier_key(number: int) -> str:
    return f"d{number}"


def person_key(number: int) -> str:
    """A person's name in the question."""
    return f"p{number}"


def _institution_key(number: int | None) -> str:
    return f"i{number or 0}"


def pool(session: Session, instance_id: int, campaign_id: int, today: date, dossier_id: int | None = None) -> Pool:
    """The instructors of an instance and the dossiers that wait (or the one named), in eight statements."""
    until = campaigns.dates(session, campaign_id).get("opinion_deadline")
    people = _people(session, instance_id, campaign_id, today, until)
    found, more = _dossiers(session, instance_id, campaign_id, [one.id for one in people], dossier_id)
    return Pool(today, people, found, _bonds(session, instance_id, found), more)


def _people(session: Session, instance_id: int, campaign_id: int, today: date, until: date | None) -> list[Instructor]:
    rows = session.execute(
        select(
            Person.id,
            RoleGrant.id.label("grant_id"),
            Person.name,
            func.coalesce(Institution.funder_code, Institution.label, "").label("institution"),
            Person.institution_id,
            RoleGrant.trained_on,
            RoleGrant.capacity,
            points_held(campaign_id, instance_id).label("held"),
        )
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(Institution, Institution.id == Person.institution_id)
        .where(*_instructs(instance_id))
        .order_by(Person.name, Person.id)
    ).all()
    known: dict[int, list[tuple[Knowledge, str]]] = {}
    for row in session.execute(
        select(Competence.grant_id, Competence.objective_id, Competence.theme_id, Competence.level)
        .add_columns(func.coalesce(Objective.label, Theme.label).label("label"))
        .outerjoin(Objective, Objective.id == Competence.objective_id)
        .outerjoin(Theme, Theme.id == Competence.theme_id)
        .where(Competence.grant_id.in_([row.grant_id for row in rows]))
        .order_by(Competence.level.desc(), Competence.id)
    ):
        one = Knowledge(subject(row.objective_id, row.theme_id), row.level)
        known.setdefault(row.grant_id, []).append((one, row.label))
    away = _away(session, [row.id for row in rows], today, until)
    return [Instructor(*row, away.get(row.id), tuple(known.get(row.grant_id, ()))) for row in rows]


def _instructs(instance_id: int) -> tuple[Any, ...]:
    return (
        RoleGrant.role == INSTRUCTOR,
        RoleGrant.instance_id == instance_id,
        RoleGrant.ended_at.is_(None),
        Person.active,
    )


def _away(session: Session, people: Sequence[int], today: date, until: date | None) -> dict[int, date]:
    """The last day of their absences, of those who are absent too long before `until`."""
    if until is None or until < today:
        return {}
    absences = session.execute(
        select(Absence.person_id, Absence.first, Absence.last).where(
            Absence.person_id.in_(people), Absence.first <= until, Absence.last >= today
        )
    ).all()
    left = working_days(session).within(today, until) if absences else []
    missed: dict[int, set[date]] = {}
    last: dict[int, date] = {}
    for one, start, end in absences:
        missed.setdefault(one, set()).update(day for day in left if start <= day <= end)
        last[one] = max(end, last.get(one, end))
    return {one: last[one] for one, gone in missed.items() if gone and len(gone) >= AWAY * len(left)}


def _dossiers(
    session: Session, instance_id: int, campaign_id: int, able: Sequence[int], dossier_id: int | None
) -> tuple[list[Waiting], int]:
    gone = (
        select(BinomeMember.id)
        .where(
            BinomeMember.dossier_id == Dossier.id,
            BinomeMember.left_at.is_(None),
            BinomeMember.seat != THIRD,
            BinomeMember.person_id.not_in(able),
        )
        .exists()
    )
    strategic, orientation = aliased(Objective), aliased(Objective)
    wanted = (
        Dossier.instance_id == instance_id,
        Dossier.campaign_id == campaign_id,
        Dossier.id == dossier_id
        if dossier_id
        else or_(Dossier.state == "submitted", Dossier.state.in_(INSTRUCTED) & gone),
    )
    rows = session.execute(
        select(
            Dossier.id,
            func.coalesce(Dossier.number, "").label("number"),
            Dossier.title,
            Organisation.name.label("carrier"),
            Dossier.organisation_id,
            Dossier.version,
            Dossier.effort,
            Dossier.due_on.label("due"),
            Dossier.objective_id,
            strategic.id.label("strategic_id"),
            orientation.id.label("orientation_id"),
            func.count().over().label("all"),
        )
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .outerjoin(Objective, Objective.id == Dossier.objective_id)
        .outerjoin(strategic, strategic.id == Objective.parent_id)
        .outerjoin(orientation, orientation.id == strategic.parent_id)
        .where(*wanted)
        .order_by(Dossier.due_on, Dossier.id)
        .limit(AT_ONCE)
    ).all()
    ids = [row.id for row in rows]
    themes = _themes(session, instance_id, ids)
    seats: dict[int, list[Any]] = {}
    for seat in session.execute(
        select(BinomeMember.dossier_id, BinomeMember.person_id, Person.name, BinomeMember.seat)
        .join(Person, Person.id == BinomeMember.person_id)
        .where(BinomeMember.dossier_id.in_(ids), BinomeMember.left_at.is_(None))
    ):
        seats.setdefault(seat.dossier_id, []).append(seat)
    found = []
    for row in rows:
        sitting = seats.get(row.id, ())
        pair = [seat for seat in sitting if seat.seat != THIRD]
        leaver = next((seat for seat in pair if seat.person_id not in able), None)
        about = {
            f"objective:{row.objective_id}": NEARNESS["operational"],
            f"objective:{row.strategic_id}": NEARNESS["strategic"],
            f"objective:{row.orientation_id}": NEARNESS["orientation"],
            **{f"theme:{theme}": NEARNESS["theme"] for theme in themes.get(row.id, ())},
        }
        found.append(
            Waiting(
                *row[:8],
                about=about,
                seated=[seat.person_id for seat in sitting],
                leaver_id=leaver.person_id if leaver else None,
                leaver=leaver.name if leaver else "",
                stays=next((seat.person_id for seat in pair if seat is not leaver), None) if leaver else None,
            )
        )
    return found, max(0, rows[0].all - len(rows)) if rows else 0


def _themes(session: Session, instance_id: int, ids: Sequence[int]) -> Mapping[int, Sequence[int]]:
    """The themes of each dossier: that of the instance which leads it, and those of the associated ones."""
    told = (
        select(AssociatedInstance.dossier_id, Instance.theme_id)
        .join(Instance, Instance.id == AssociatedInstance.instance_id)
        .where(AssociatedInstance.dossier_id.in_(ids))
    )
    lead = select(null(), Instance.theme_id).where(Instance.id == instance_id)
    found: dict[int, list[int]] = {dossier: [] for dossier in ids}
    rows: Any = session.execute(union_all(told, lead))
    for dossier, theme in rows:
        for one in [dossier] if dossier else ids:
            found[one].append(theme)
    return found


def _bonds(session: Session, instance_id: int, dossiers: Sequence[Waiting]) -> Mapping[Seat, str]:
    """What binds instructors of the instance to dossiers: a role with the carrier, ended or not, or an interest in it
    or in the commune.
    """
    ids = [dossier.id for dossier in dossiers]
    instructors = select(RoleGrant.person_id).join(Person).where(*_instructs(instance_id))

    def bound(model: Any, nature: Any, on: Any) -> Select[Any]:
        return (
            select(Dossier.id, model.person_id.label("one"), nature.label("nature"))
            .join(model, on)
            .where(Dossier.id.in_(ids), model.person_id.in_(instructors))
        )

    rows: Any = session.execute(
        union_all(
            bound(RoleGrant, literal(""), RoleGrant.organisation_id == Dossier.organisation_id),
            bound(Interest, Interest.nature, Interest.organisation_id == Dossier.organisation_id),
            bound(LocalInterest, LocalInterest.nature, LocalInterest.commune_id == Dossier.commune_id),
        )
    )
    bonds: dict[Seat, str] = {}
    for row in rows:
        place = row.id, row.one
        bonds[place] = row.nature or bonds.get(place, "")
    return bonds
