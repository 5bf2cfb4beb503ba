"""Who is acting, what they are to a dossier, and what they may read. Least right by default."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from states.control import CONTROL
from states.dossier import (
    ADMINISTRATOR,
    ANIMATOR,
    ASSOCIATED,
    BINOME,
    CARRIER,
    CONTROLLER,
    EVALUATOR,
    EXPERT,
    FUNDER,
    REVIEWER,
    SYSTEM,
    TRANSVERSAL,
)
from states.machine import Reason
from states.review import ELIGIBLE
from states.words import N_
from workflow.errors import Forbidden
from workflow.models import (
    AssociatedInstance,
    BinomeMember,
    Consultation,
    Document,
    Dossier,
    Evaluation,
    FundingRequest,
    Interest,
    LocalInterest,
    Mission,
    Opinion,
    Person,
    Review,
    RoleGrant,
)

INSTRUCTOR = "instructor"
"""Member of an instance who may be put in a binôme; reads the instance's dossiers."""

_FUNDED = ("follow_up", "evaluated", "under_control", "controlled", "closed", "cancelled")
_JUDGED = ("evaluated", "under_control", "controlled", "closed")


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in a scope; all scopes None for the whole territory."""

    role: str
    instance_id: int | None = None
    institution_id: int | None = None
    organisation_id: int | None = None


@dataclass(frozen=True)
class Actor:
    """Somebody who acts: a person with grants, an expert who came by a link, or the system."""

    person_id: int | None
    name: str
    grants: tuple[Grant, ...] = ()
    consultation_id: int | None = None
    is_system: bool = False
    locale: str = "fr"
    institution_id: int | None = None
    credentials_version: int = 0
    """Counts password changes; a session opened before the last one is dead."""
    roles: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", frozenset(grant.role for grant in self.grants))

    def instances(self, *roles: str) -> frozenset[int]:
        """Instances in which the person holds one of `roles`."""
        return frozenset(g.instance_id for g in self.grants if g.role in roles and g.instance_id is not None)

    @property
    def organisations(self) -> frozenset[int]:
        """Organisations the person carries dossiers for."""
        return frozenset(g.organisation_id for g in self.grants if g.organisation_id is not None)

    @property
    def funders(self) -> frozenset[int]:
        """Institutions the person decides for."""
        return frozenset(g.institution_id for g in self.grants if g.institution_id is not None)

    def require(self, *roles: str) -> None:
        """Raise Forbidden unless the person holds one of `roles` in some scope."""
        if not self.roles & set(roles):
            raise Forbidden(
                Reason(
                    "role",
                    N_("Vous n'avez pas le rôle qu'il faut pour cette page ou cet acte."),
                    N_("Cet acte revient à : %(roles)s."),
                    {"roles": roles},
                )
            )


SYSTEM_ACTOR = Actor(None, "Binôme", is_system=True)


def load_actor(session: Session, person_id: int) -> Actor | None:
    """The active person `person_id` as an actor, in one statement; None when there is none."""
    rows = session.execute(
        select(
            Person.name,
            Person.locale,
            Person.institution_id.label("own_institution_id"),
            Person.credentials_version,
            RoleGrant.role,
            RoleGrant.instance_id,
            RoleGrant.institution_id,
            RoleGrant.organisation_id,
        )
        .outerjoin(RoleGrant, and_(RoleGrant.person_id == Person.id, RoleGrant.ended_at.is_(None)))
        .where(Person.id == person_id, Person.active)
    ).all()
    if not rows:
        return None
    grants = tuple(Grant(r.role, r.instance_id, r.institution_id, r.organisation_id) for r in rows if r.role)
    first = rows[0]
    return Actor(
        person_id,
        first.name,
        grants,
        locale=first.locale,
        institution_id=first.own_institution_id,
        credentials_version=first.credentials_version,
    )


def roles_on(session: Session, actor: Actor, dossier: Dossier) -> frozenset[str]:
    """What `actor` is to `dossier`, in a few statements. `instructor` is for reading only."""
    if actor.is_system:
        return frozenset({SYSTEM})
    if actor.consultation_id is not None:
        own = select(Consultation.id).where(
            Consultation.id == actor.consultation_id, Consultation.dossier_id == dossier.id
        )
        return frozenset({EXPERT}) if session.scalar(own) else frozenset()
    roles = {CARRIER} if dossier.organisation_id in actor.organisations else set()
    if dossier.state != "draft":
        roles |= actor.roles & {TRANSVERSAL, ADMINISTRATOR, *({CONTROLLER} if dossier.state in _FUNDED else ())}
        if dossier.instance_id is not None:
            roles |= {
                role for role in (ANIMATOR, EVALUATOR, INSTRUCTOR) if dossier.instance_id in actor.instances(role)
            }
        animated = actor.instances(ANIMATOR)
        if animated and ANIMATOR not in roles and session.scalar(associated_among(dossier.id, animated)):
            roles |= {ASSOCIATED, INSTRUCTOR}
        if INSTRUCTOR in actor.roles and session.scalar(_seat(actor, dossier.id)):
            roles.add(BINOME)
        if actor.funders and session.scalar(
            select(FundingRequest.id)
            .where(FundingRequest.dossier_id == dossier.id, FundingRequest.funder_id.in_(actor.funders))
            .limit(1)
        ):
            roles.add(FUNDER)
        may_review = dossier.state in _JUDGED and actor.roles & set(ELIGIBLE)
        if may_review and session.scalar(select(Review.id).where(Review.dossier_id == dossier.id, _reviews(actor))):
            roles.add(REVIEWER)
    return frozenset(roles)


def _reviews(actor: Actor) -> ColumnElement[bool]:
    return or_(Review.first_id == actor.person_id, Review.second_id == actor.person_id)


def associated_among(dossier_id: int, instances: Iterable[int]) -> Select[int]:
    """Which of `instances` are associated to a dossier."""
    return (
        select(AssociatedInstance.instance_id)
        .where(AssociatedInstance.dossier_id == dossier_id, AssociatedInstance.instance_id.in_(instances))
        .order_by(AssociatedInstance.instance_id)
    )


def _seat(actor: Actor, dossier_id: int) -> Select[int]:
    return select(BinomeMember.id).where(
        BinomeMember.dossier_id == dossier_id,
        BinomeMember.person_id == actor.person_id,
        BinomeMember.left_at.is_(None),
    )


def visible(actor: Actor) -> ColumnElement[bool]:
    """The WHERE clause of the dossiers that `actor` may read at all."""
    deposited = Dossier.state != "draft"
    scopes: list[ColumnElement[bool]] = []
    if actor.organisations:
        scopes.append(Dossier.organisation_id.in_(actor.organisations))
    if actor.roles & {TRANSVERSAL, ADMINISTRATOR}:
        scopes.append(deposited)
    instances = actor.instances(ANIMATOR, EVALUATOR, INSTRUCTOR)
    if instances:
        told = exists().where(
            AssociatedInstance.dossier_id == Dossier.id, AssociatedInstance.instance_id.in_(instances)
        )
        scopes.append(and_(deposited, or_(Dossier.instance_id.in_(instances), told)))
    if INSTRUCTOR in actor.roles:
        scopes.append(
            exists().where(
                BinomeMember.dossier_id == Dossier.id,
                BinomeMember.person_id == actor.person_id,
                BinomeMember.left_at.is_(None),
            )
        )
    if actor.funders:
        asked = exists().where(FundingRequest.dossier_id == Dossier.id, FundingRequest.funder_id.in_(actor.funders))
        scopes.append(and_(deposited, asked))
    if CONTROLLER in actor.roles:
        scopes.append(Dossier.state.in_(_FUNDED))
    if EVALUATOR in actor.roles:
        scopes.append(exists().where(Review.dossier_id == Dossier.id, _reviews(actor)))
    return or_(*scopes) if scopes else false()


def involvements(person_id: InstrumentedAttribute[int] | int | None) -> Mapping[str, ColumnElement[bool]]:
    """How a person ever took part in the dossier of the enclosing select: what keeps them from controlling it.

    `person_id` may be a column of the enclosing select. `instructed`, `decided` on a line, `evaluated`, `bound` to its
    carrier by a role or a declared interest, or to its commune, or named to have it `reviewed`.
    """
    reviews = or_(Review.first_id == person_id, Review.second_id == person_id)
    return {**_parts(person_id), "reviewed": _trace(Review.dossier_id == Dossier.id, reviews)}


def took_part(person_id: InstrumentedAttribute[int] | int | None) -> Mapping[str, ColumnElement[bool]]:
    """What keeps a person from reviewing the action half-way through the contract: the same, `controlled` for
    `reviewed`."""
    controls = or_(Mission.controller_id == person_id, Mission.second_id == person_id)
    return {**_parts(person_id), "controlled": _trace(Mission.dossier_id == Dossier.id, controls)}


def _parts(person_id: InstrumentedAttribute[int] | int | None) -> Mapping[str, ColumnElement[bool]]:
    return {
        "instructed": or_(
            _trace(BinomeMember.dossier_id == Dossier.id, BinomeMember.person_id == person_id),
            _trace(Opinion.dossier_id == Dossier.id, Opinion.author_id == person_id),
        ),
        "decided": _trace(FundingRequest.dossier_id == Dossier.id, FundingRequest.decided_by_id == person_id),
        "evaluated": _trace(Evaluation.dossier_id == Dossier.id, Evaluation.evaluator_id == person_id),
        "bound": or_(
            _trace(RoleGrant.organisation_id == Dossier.organisation_id, RoleGrant.person_id == person_id),
            _trace(Interest.organisation_id == Dossier.organisation_id, Interest.person_id == person_id),
            _trace(LocalInterest.commune_id == Dossier.commune_id, LocalInterest.person_id == person_id),
        ),
    }


def _trace(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(*where).correlate(Dossier, Person)


def from_carrier() -> ColumnElement[bool]:
    """Whether somebody of the carrier attached the document of the enclosing select."""
    return (
        exists()
        .where(
            Dossier.id == Document.dossier_id,
            RoleGrant.organisation_id == Dossier.organisation_id,
            RoleGrant.person_id == Document.uploaded_by_id,
        )
        .correlate(Document)
    )


_INSTRUCTION = frozenset({ANIMATOR, BINOME, TRANSVERSAL})
_AGENTS = _INSTRUCTION | {EVALUATOR, FUNDER, CONTROLLER, ADMINISTRATOR, INSTRUCTOR}

SEES: Mapping[str, frozenset[str]] = {
    "form": _AGENTS | {CARRIER, REVIEWER},
    "contact": _INSTRUCTION | {CARRIER, EVALUATOR, FUNDER, CONTROLLER},
    "documents": _INSTRUCTION | {CARRIER, EVALUATOR, FUNDER, CONTROLLER, REVIEWER},
    "messages": frozenset({CARRIER, BINOME, ANIMATOR}),
    "notes": frozenset({BINOME, ANIMATOR}),
    "comments": _INSTRUCTION | {ASSOCIATED},
    "pieces": _INSTRUCTION | {CARRIER},
    "routing": _AGENTS,
    "binome": _AGENTS,
    "consultations": _INSTRUCTION,
    "own_opinion": frozenset({BINOME}),
    "sealed_opinions": _INSTRUCTION,
    "joint_opinion": _AGENTS,
    "proposed": _AGENTS,
    "granted": _AGENTS | {CARRIER, REVIEWER},
    "follow_up": _AGENTS | {CARRIER, REVIEWER},
    "evaluation": _AGENTS | {CARRIER, REVIEWER},
    "control": frozenset({CARRIER, CONTROLLER, TRANSVERSAL, ADMINISTRATOR}),
    "review": frozenset({REVIEWER, TRANSVERSAL, ADMINISTRATOR}),
}
"""Which roles read which part of a dossier. The two individual opinions are shown once both are sealed, and the
joint one and the proposed sums once it is issued, whatever the role: that rule stands in the queries."""


def colleagues(dossier_id: Any, instance_id: Any) -> Select[int, str]:
    """Who instructs a dossier together: id and name of its binôme and of the animators of its instance.

    The ids may be expressions of an enclosing statement.
    """
    seated = select(BinomeMember.person_id).where(BinomeMember.dossier_id == dossier_id, BinomeMember.left_at.is_(None))
    animating = select(RoleGrant.person_id).where(
        RoleGrant.role == ANIMATOR, RoleGrant.instance_id == instance_id, RoleGrant.ended_at.is_(None)
    )
    return (
        select(Person.id, Person.name)
        .where(Person.active, or_(Person.id.in_(seated), Person.id.in_(animating)))
        .order_by(Person.name, Person.id)
    )


def knows_of_mission(roles: Iterable[str], state: str) -> bool:
    """Whether somebody who holds `roles` may know of a control mission: a carrier does once it is announced."""
    return state != CONTROL.initial or CARRIER not in roles


def knows_of(subject: object, roles: Iterable[str]) -> bool:
    """Whether somebody who holds `roles` on a dossier may know of one of its parts that has a life of its own."""
    if isinstance(subject, Mission):
        return knows_of_mission(roles, subject.state)
    return not isinstance(subject, Review) or sees("review", roles)


def sees(part: str, roles: Iterable[str]) -> bool:
    """Whether somebody who holds `roles` on a dossier may read `part` of it."""
    return not SEES[part].isdisjoint(roles)
