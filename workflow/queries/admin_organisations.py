"""Carriers as an administrator sees them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from states.dossier import ADMINISTRATOR, CARRIER
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import Dossier, Organisation, Person, RoleGrant
from workflow.queries.admin_lists import Page, Row, holds, paged

OFFERED = 300
"""How many carriers a field proposes by name; the others are known by their SIRET."""
SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "name": Organisation.name,
    "siret": Organisation.siret,
    "kind": Organisation.kind,
}


def organisations(session: Session, actor: Actor, text: str, kind: str, sort: str, desc: bool, number: int) -> Page:
    """The carriers whose name holds the words of `text`, or whose SIRET begins with it. Two statements.

    Raises Forbidden.
    """
    actor.require(ADMINISTRATOR)
    statement = select(Organisation.id, Organisation.siret, Organisation.name, Organisation.kind, Organisation.email)
    digits = re.sub(r"[\s.]", "", text)
    if digits.isdecimal():
        statement = statement.where(Organisation.siret.startswith(digits, autoescape=True))
    else:
        statement = statement.where(*(holds(Organisation.name, word) for word in text.split()))
    if kind:
        statement = statement.where(Organisation.kind == kind)
    column = SORTS[sort]
    return paged(session, statement, [column.desc() if desc else column.asc(), Organisation.id], number)


@dataclass(frozen=True, slots=True)
class OrganisationFile:
    """A carrier with who may act for it and its newest dossiers."""

    organisation: Organisation
    members: Sequence[Row]
    dossiers: Sequence[Row]


def organisation(session: Session, actor: Actor, organisation_id: int) -> OrganisationFile:
    """One carrier, in three statements. Raises NotFound or Forbidden."""
    actor.require(ADMINISTRATOR)
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound("organisation")
    members = session.execute(
        select(Person.id, Person.name, Person.email)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.role == CARRIER,
            RoleGrant.organisation_id == organisation_id,
            RoleGrant.ended_at.is_(None),
            Person.active,
        )
        .order_by(Person.name, Person.id)
    ).all()
    dossiers = session.execute(
        select(Dossier.id, Dossier.number, Dossier.title, Dossier.state)
        .where(Dossier.organisation_id == organisation_id, Dossier.state != "draft", Dossier.number.is_not(None))
        .order_by(Dossier.id.desc())
        .limit(20)
    ).all()
    return OrganisationFile(found, members, dossiers)


def proposals(session: Session) -> list[str]:
    """The first carriers by name, each with its SIRET, as a field proposes them."""
    rows = session.execute(select(Organisation.name, Organisation.siret).order_by(Organisation.name).limit(OFFERED))
    return [f"{row.name} – {row.siret}" for row in rows]


def named(session: Session, text: str) -> int | None:
    """The carrier that a person names: by a SIRET anywhere in `text`, else by its whole name if one has it."""
    found = re.search(r"(?<!\d)(?:\d[ .]?){13}\d(?!\d)", text, re.ASCII)
    if found:
        digits = re.sub(r"\D", "", found[0])
        return session.scalar(select(Organisation.id).where(Organisation.siret == digits))
    same = session.scalars(
        select(Organisation.id).where(func.lower(Organisation.name) == text.strip().lower()).limit(2)
    ).all()
    return same[0] if len(same) == 1 else None
