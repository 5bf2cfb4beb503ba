"""Accounts as an administrator sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from states.dossier import ADMINISTRATOR
from states.words import N_
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import (
    Commune,
    Instance,
    Institution,
    Interest,
    LocalInterest,
    LoginAttempt,
    Organisation,
    Person,
    RoleGrant,
    SecretLink,
)
from workflow.queries.admin_lists import Page, Row, holds, paged

STATUS_LABELS: Mapping[str, str] = {
    "active": N_("Ouvert"),
    "invited": N_("Invitation en attente"),
    "closed": N_("Fermé"),
}
_STATUS: Mapping[str, Any] = {
    "active": and_(Person.active, Person.password_hash.is_not(None)),
    "invited": and_(Person.active, Person.password_hash.is_(None)),
    "closed": ~Person.active,
}
SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "name": Person.name,
    "created": Person.created_at,
}
_SCOPE = func.coalesce(Instance.label, Institution.funder_code, Institution.label, Organisation.name)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `sort` is a key of SORTS; `page` counts from 1."""

    text: str = ""
    role: str = ""
    status: str = ""
    sort: str = "name"
    desc: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class People:
    """One page of accounts, with the roles of each person."""

    page: Page
    roles: Mapping[int, Sequence[Row]]


def status(active: bool, accepted: bool) -> str:
    """How an account stands: a key of STATUS_LABELS."""
    return "closed" if not active else "active" if accepted else "invited"


def people(session: Session, actor: Actor, wanted: Wanted) -> People:
    """One page of the accounts that match, in three statements. Raises Forbidden."""
    actor.require(ADMINISTRATOR)
    statement = select(
        Person.id,
        Person.name,
        Person.email,
        Person.active,
        Person.password_hash.is_not(None).label("accepted"),
        Person.created_at,
        func.coalesce(Institution.funder_code, Institution.label).label("institution"),
    ).outerjoin(Person.institution)
    statement = statement.where(
        *(or_(holds(Person.name, word), holds(Person.email, word)) for word in wanted.text.split())
    )
    if wanted.role:
        statement = statement.where(
            exists().where(
                RoleGrant.person_id == Person.id, RoleGrant.role == wanted.role, RoleGrant.ended_at.is_(None)
            )
        )
    if wanted.status:
        statement = statement.where(_STATUS[wanted.status])
    column = SORTS[wanted.sort]
    order = [column.desc() if wanted.desc else column.asc(), Person.id]
    page = paged(session, statement, order, wanted.page)
    return People(page, _roles(session, [row.id for row in page.rows]))


def _roles(session: Session, ids: Sequence[int]) -> Mapping[int, Sequence[Row]]:
    roles: dict[int, list[Row]] = {}
    for row in session.execute(
        select(RoleGrant.person_id, RoleGrant.role, _SCOPE.label("scope"))
        .outerjoin(RoleGrant.instance)
        .outerjoin(RoleGrant.institution)
        .outerjoin(RoleGrant.organisation)
        .where(RoleGrant.person_id.in_(ids), RoleGrant.ended_at.is_(None))
        .order_by(RoleGrant.person_id, RoleGrant.role, _SCOPE)
    ):
        roles.setdefault(row.person_id, []).append(row)
    return roles


@dataclass(frozen=True, slots=True)
class PersonFile:
    """One account with its roles, held and ended, and its declared interests."""

    person: Row
    held: Sequence[Row]
    ended: Sequence[Row]
    interests: Sequence[Row]
    last_seen: datetime | None
    """When they last signed in."""
    link: Row | None
    """The newest invitation of somebody who has not come in: sent when, good until when."""

    @property
    def status(self) -> str:
        """A key of STATUS_LABELS."""
        return status(self.person.active, self.person.accepted)


def person(session: Session, actor: Actor, person_id: int) -> PersonFile:
    """One account, in five statements. Raises NotFound or Forbidden."""
    actor.require(ADMINISTRATOR)
    found = session.execute(
        select(
            Person.id,
            Person.name,
            Person.email,
            Person.locale,
            Person.active,
            Person.created_at,
            Person.password_hash.is_not(None).label("accepted"),
            Institution.label.label("institution"),
        )
        .outerjoin(Person.institution)
        .where(Person.id == person_id)
    ).one_or_none()
    if found is None:
        raise NotFound("person")
    grants = session.execute(
        select(
            RoleGrant.id,
            RoleGrant.role,
            RoleGrant.instance_id,
            _SCOPE.label("scope"),
            RoleGrant.trained_on,
            RoleGrant.granted_at,
            RoleGrant.ended_at,
        )
        .outerjoin(RoleGrant.instance)
        .outerjoin(RoleGrant.institution)
        .outerjoin(RoleGrant.organisation)
        .where(RoleGrant.person_id == person_id)
        .order_by(RoleGrant.role, _SCOPE, RoleGrant.id)
    ).all()
    organisations = (
        select(Organisation.name.label("about"), Interest.nature, Interest.declared_at)
        .join(Organisation, Organisation.id == Interest.organisation_id)
        .where(Interest.person_id == person_id)
    )
    communes = (
        select(Commune.label, LocalInterest.nature, LocalInterest.declared_at)
        .join(Commune, Commune.id == LocalInterest.commune_id)
        .where(LocalInterest.person_id == person_id)
    )
    interests: Any = session.execute(union_all(organisations, communes).order_by("about")).all()
    seen = session.scalar(
        select(LoginAttempt.at)
        .where(LoginAttempt.email == found.email, LoginAttempt.succeeded)
        .order_by(LoginAttempt.at.desc())
        .limit(1)
    )
    link = session.execute(
        select(SecretLink.created_at, SecretLink.expires_at, SecretLink.ended_at)
        .where(SecretLink.person_id == person_id, SecretLink.purpose == "invitation")
        .order_by(SecretLink.id.desc())
        .limit(1)
    ).first()
    return PersonFile(
        found,
        [row for row in grants if row.ended_at is None],
        [row for row in grants if row.ended_at is not None],
        interests,
        seen,
        link,
    )
