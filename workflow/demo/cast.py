"""The people of the demonstration: who they are, in which instances, and their organisations."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.access import SYSTEM_ACTOR, Actor, load_actor
from workflow.clock import local_day
from workflow.models import Expert, ExpertInterest, Instance, Institution, RoleGrant, Route
from workflow.use_cases.membership import describe_member
from workflow.use_cases.notes import note_change
from workflow.use_cases.organisations import create_organisation
from workflow.use_cases.passwords import SELF, end_links, hash_password
from workflow.use_cases.people import declare_interest, invite

PASSWORD = "binome-demo-2027"  # noqa: S105 - every account of the demonstration has it, and says so
"""The password of every account of the demonstration."""


_USUAL = 120
"""Dossiers for which the first instructor of an instance has `_POINTS` effort points, each next one 5 less."""
_POINTS = 60


@dataclass(frozen=True, slots=True)
class Carrier:
    """An organisation and who deposits for it."""

    organisation_id: int
    name: str
    actor: Actor


@dataclass(frozen=True)
class Team:
    """The people of one instance. Its instructors are trained; each comes from another institution."""

    instance_id: int
    code: str
    animator: Actor
    evaluator: Actor
    instructors: Sequence[Actor]


@dataclass
class Cast:
    """Everybody who plays."""

    administrator: Actor
    transversal: Sequence[Actor]
    controllers: Sequence[Actor]
    carriers: Sequence[Carrier]
    teams: Mapping[str, Team]
    funders: Mapping[str, Actor]
    experts: Sequence[tuple[int, str]]
    interests: frozenset[tuple[int, int]]
    """(person, organisation) pairs of declared interests."""
    expert_interests: frozenset[tuple[int, int]]
    load: dict[int, int] = field(default_factory=dict)
    """How many dossiers each instructor was given."""

    def team_of(self, instance_id: int | None) -> Team:
        """The team of an instance."""
        return next(team for team in self.teams.values() if team.instance_id == instance_id)

    def is_free(self, actor: Actor, organisation_id: int) -> bool:
        """Whether a person declared no interest in an organisation."""
        return (actor.person_id, organisation_id) not in self.interests


def email_of(name: str, domain: str) -> str:
    """« Animatrice Santé » → « animatrice.sante@… »."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = "".join(c if c.isalnum() else " " for c in plain).split()
    return f"{'.'.join(words)}@{domain}"


def siret_of(number: int) -> str:
    """The SIRET of the fictitious organisation `number`: no real one starts with so many zeros."""
    return _checked(_checked(f"0000{number:04d}") + "0001")


def _checked(digits: str) -> str:
    """`digits` with the check digit that makes them pass Luhn's test."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[::-2])
    total = sum(doubled) + sum(int(digit) for digit in digits[-2::-2])
    return f"{digits}{-total % 10}"


class _Casting:
    """Invites people once each, with all their roles."""

    def __init__(self, session: Session, people: Mapping[str, Any], now: datetime) -> None:
        self.session, self.people, self.now = session, people, now
        self.trained_on = (local_day(now) - timedelta(days=20)).isoformat()
        labels = {row.label: row.id for row in session.scalars(select(Institution))}
        self.institutions = {short: labels[label] for short, label in people["institutions"].items()}
        codes = select(Institution.funder_code, Institution.id).where(Institution.funder_code.is_not(None))
        self.funders = {str(code): number for code, number in session.execute(codes)}
        self.instances = {row.code: row.id for row in session.scalars(select(Instance))}
        self.password_hash = hash_password(PASSWORD)
        self.by = SYSTEM_ACTOR
        self.roles: dict[str, list[dict[str, Any]]] = {}
        self.institution_of: dict[str, int | None] = {}
        self.ids: dict[str, int] = {}

    def give(self, name: str, institution: str | None, role: str, **scope: Any) -> str:
        """Note that `name` will hold a role."""
        self.institution_of.setdefault(name, self.institutions[institution] if institution else None)
        self.roles.setdefault(name, []).append({"role": role, **scope})
        return name

    def invite_all(self) -> None:
        """Invite everybody noted so far; each chooses the password."""
        for name, roles in self.roles.items():
            raw = {
                "email": email_of(name, self.people["domain"]),
                "name": name,
                "institution_id": self.institution_of[name],
                "roles": roles,
            }
            person = invite(self.session, self.by, raw, self.now).person
            person.password_hash = self.password_hash
            end_links(self.session, person, self.now)
            note_change(self.session, Actor(person.id, name), SELF, "use_invitation", person, self.now)
            self.session.flush()
            self.ids[name] = person.id
        self.roles.clear()

    def actor(self, name: str) -> Actor:
        """Somebody invited, as an actor."""
        actor = load_actor(self.session, self.ids[name])
        if actor is None:
            raise LookupError(name)
        return actor

    def actors(self, rows: Iterable[Mapping[str, str]]) -> list[Actor]:
        """Those of several rows of the data file."""
        return [self.actor(row["name"]) for row in rows]


def assemble(session: Session, people: Mapping[str, Any], now: datetime, dossiers: int) -> Cast:
    """Create everybody, with their roles, organisations, declared interests, and what they bring to so many dossiers.

    The reference data must be there.
    """
    casting = _Casting(session, people, now)
    administrator = people["administrator"]
    casting.give(administrator["name"], administrator["institution"], "administrator")
    casting.invite_all()
    casting.by = casting.actor(administrator["name"])
    teams = _teams(casting)
    for role in ("controller", "transversal"):
        for row in people[role]:
            casting.give(row["name"], row["institution"], role)
    for row in people["funder"]:
        casting.give(row["name"], row["code"], "funder", institution_id=casting.funders[row["code"]])
    home = casting.instances[people["home"]]
    for row in people["novice"]:
        casting.give(row["name"], row["institution"], "instructor", instance_id=home)
    organisations = _organisations(casting)
    casting.invite_all()
    _describe(casting, teams, dossiers)
    interests = {
        _declare(casting, row["person"], organisations[row["organisation"]], row["nature"])
        for row in people["interest"]
    }
    experts, expert_interests = _experts(casting, organisations)
    return Cast(
        administrator=casting.by,
        transversal=casting.actors(people["transversal"]),
        controllers=casting.actors(people["controller"]),
        carriers=[
            Carrier(organisations[row["name"]], row["name"], casting.actor(row["person"]))
            for row in people["organisation"]
        ],
        teams={
            code: Team(
                casting.instances[code],
                code,
                casting.actor(animator),
                casting.actor(evaluator),
                [casting.actor(name) for name in instructors],
            )
            for code, (animator, evaluator, instructors) in teams.items()
        },
        funders={row["code"]: casting.actor(row["name"]) for row in people["funder"]},
        experts=experts,
        interests=frozenset(interests),
        expert_interests=expert_interests,
    )


def _teams(casting: _Casting) -> dict[str, tuple[str, str, list[str]]]:
    """Give every instance its people: the instructor of an institution for a theme is one person."""
    instructors: dict[tuple[str, str], str] = {}
    teams = {}
    for row in casting.people["team"]:
        for code in row["instances"]:
            scope = {"instance_id": casting.instances[code]}
            names = []
            for institution in row["instructors"]:
                gender = ("Instructrice", "Instructeur")[len(instructors) % 2]
                name = instructors.setdefault((institution, row["theme"]), f"{gender} {institution} {row['theme']}")
                names.append(casting.give(name, institution, "instructor", trained_on=casting.trained_on, **scope))
            (animator, its), (evaluator, other) = row["animator"], row["evaluator"]
            casting.give(animator, its, "animator", **scope)
            casting.give(evaluator, other, "evaluator", **scope)
            teams[code] = (animator, evaluator, names)
    return teams


def _describe(casting: _Casting, teams: Mapping[str, tuple[str, str, list[str]]], dossiers: int) -> None:
    """Say what each instructor brings: the more dossiers are played the more points, and objectives they share out."""
    scale = max(1.0, dossiers / _USUAL)
    routed: dict[int, list[int]] = {}
    for lead, objective in casting.session.execute(select(Route.lead_id, Route.objective_id).distinct()):
        if objective is not None:
            routed.setdefault(lead, []).append(objective)
    for code, (_animator, _evaluator, names) in teams.items():
        instance = casting.session.get_one(Instance, casting.instances[code])
        objectives = sorted(routed.get(instance.id, ()))
        for rank, name in enumerate(names):
            levels = {f"objective:{one}": 3 - (place + rank) % len(names) for place, one in enumerate(objectives)}
            grant = casting.session.scalars(
                select(RoleGrant.id).where(
                    RoleGrant.person_id == casting.ids[name],
                    RoleGrant.role == "instructor",
                    RoleGrant.instance_id == instance.id,
                )
            ).one()
            raw = {
                "capacity": int(scale * (_POINTS - 5 * rank)),
                "levels": {f"theme:{instance.theme_id}": 1}
                | {known: level for known, level in levels.items() if level > 0},
            }
            describe_member(casting.session, casting.by, grant, raw, casting.now)


def _organisations(casting: _Casting) -> dict[str, int]:
    """Create the organisations, and note who carries for them; ids by name."""
    found = {}
    for number, row in enumerate(casting.people["organisation"], start=1):
        raw = {
            "siret": siret_of(number),
            "name": row["name"],
            "kind": row.get("kind", "association"),
            "address": f"{number} rue de l'Exemple",
            "email": email_of(f"contact {row['name']}", casting.people["domain"]),
        }
        organisation = create_organisation(casting.session, casting.by, raw, casting.now)
        found[row["name"]] = organisation.id
        casting.give(row["person"], None, "carrier", organisation_id=organisation.id)
    return found


def _declare(casting: _Casting, name: str, organisation_id: int, nature: str) -> tuple[int, int]:
    raw = {"organisation_id": organisation_id, "nature": nature}
    declare_interest(casting.session, casting.actor(name), raw, casting.now)
    return casting.ids[name], organisation_id


def _experts(
    casting: _Casting, organisations: Mapping[str, int]
) -> tuple[list[tuple[int, str]], frozenset[tuple[int, int]]]:
    """The experts' directory: (id, name) of each, and who has an interest in which organisation."""
    rows = [
        Expert(
            name=row["name"],
            email=email_of(row["name"], casting.people["domain"]),
            subject=row["subject"],
            created_at=casting.now,
        )
        for row in casting.people["expert"]
    ]
    casting.session.add_all(rows)
    casting.session.flush()
    ids = {row.name: row.id for row in rows}
    pairs = [(ids[row["expert"]], organisations[row["organisation"]]) for row in casting.people["expert_interest"]]
    casting.session.add_all(ExpertInterest(expert_id=expert, organisation_id=other) for expert, other in pairs)
    return [(row.id, row.name) for row in rows], frozenset(pairs)
