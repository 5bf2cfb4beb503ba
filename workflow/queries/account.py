"""What a person sees of their own account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from workflow.errors import NotFound
from workflow.models import ApiToken, Instance, Institution, Organisation, Person, RoleGrant


@dataclass(frozen=True, slots=True)
class Held:
    """A role that the person holds, and where (None: the whole territory)."""

    role: str
    scope: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """A person with their roles and the tokens that still work."""

    person: Person
    held: Sequence[Held]
    tokens: Sequence[ApiToken]


def account(session: Session, person_id: int, now: datetime) -> Account:
    """One's own account, in three statements. Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("person")
    scope = func.coalesce(Instance.label, Institution.label, Organisation.name)
    held = session.execute(
        select(RoleGrant.role, scope, RoleGrant.granted_at)
        .outerjoin(RoleGrant.instance)
        .outerjoin(RoleGrant.institution)
        .outerjoin(RoleGrant.organisation)
        .where(RoleGrant.person_id == person_id, RoleGrant.ended_at.is_(None))
        .order_by(RoleGrant.role, scope)
    )
    tokens = session.scalars(
        select(ApiToken)
        .where(
            ApiToken.person_id == person_id,
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
        )
        .order_by(ApiToken.created_at.desc(), ApiToken.id.desc())
    )
    return Account(person, [Held(*row) for row in held], list(tokens))
