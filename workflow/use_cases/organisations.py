"""The carriers' organisations, known by their SIRET."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, CARRIER
from states.words import N_
from workflow.access import Actor
from workflow.errors import Invalid, NotFound
from workflow.forms import LONG, Choice, Form, Text, read
from workflow.models import Organisation
from workflow.siret import is_siret
from workflow.use_cases.notes import note_change, snapshot
from workflow.use_cases.people import EmailAddress

KIND_LABELS: Mapping[str, str] = {
    "association": N_("Association"),
    "commune": N_("Commune"),
    "public": N_("Autre organisme public"),
}

_TAKEN = N_("Ce SIRET est déjà celui d'un autre organisme.")
_JOURNALED = ("siret", "name", "kind")
"""Addresses and telephone numbers may be a person's: what they were is not kept for ever."""


class Siret(Text):
    """A SIRET; spaces and dots are dropped."""

    def __init__(self, label: str = N_("SIRET"), **options: Any) -> None:
        super().__init__(label, **options)
        self.validators.append(_check_siret)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return "".join(character for character in text if not character.isspace() and character != ".")


def _check_siret(text: str) -> None:
    if text and not is_siret(text):
        raise ValidationError(N_("SIRET incorrect : quatorze chiffres, à recopier de l'avis de situation."))


class ContactForm(Form):
    """What an organisation's own members may change."""

    name = Text(N_("Nom de l'organisme"), required=True)
    address = Text(N_("Adresse postale"), longest=LONG, load_default="")
    email = EmailAddress(N_("Adresse électronique"), load_default="")
    phone = Text(N_("Téléphone"), longest=30, load_default="")


class OrganisationForm(ContactForm):
    """An organisation, as administrators see it."""

    siret = Siret(required=True)
    kind = Choice(N_("Nature"), KIND_LABELS, required=True)


def create_organisation(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Organisation:
    """Create an organisation. By an administrator. Raises Forbidden, or Invalid: wrong or known SIRET."""
    actor.require(ADMINISTRATOR)
    data = read(OrganisationForm(), raw)
    if session.scalar(select(Organisation.id).where(Organisation.siret == data["siret"])) is not None:
        raise Invalid({"siret": [_TAKEN]})
    organisation = Organisation(**data, created_at=now)
    session.add(organisation)
    _flush(session)
    after = snapshot(organisation, *_JOURNALED)
    note_change(session, actor, ADMINISTRATOR, "create_organisation", organisation, now, after=after)
    return organisation


def update_organisation(
    session: Session, actor: Actor, organisation_id: int, raw: Mapping[str, Any], now: datetime
) -> Organisation:
    """Change an organisation: administrators everything, its own members its name and how to reach it.

    Raises Forbidden, NotFound, or Invalid.
    """
    is_member = organisation_id in actor.organisations
    is_administrator = ADMINISTRATOR in actor.roles
    if not is_member:
        actor.require(ADMINISTRATOR)
    data = read(OrganisationForm() if is_administrator else ContactForm(), raw)
    organisation = session.get(Organisation, organisation_id, with_for_update={"key_share": True})
    if organisation is None:
        raise NotFound("organisation")
    before, contact = snapshot(organisation, *_JOURNALED), snapshot(organisation, "address", "email", "phone")
    for name, value in data.items():
        setattr(organisation, name, value)
    _flush(session)
    after = snapshot(organisation, *_JOURNALED)
    if contact != snapshot(organisation, *contact):
        after["contact"] = "changed"
    role = ADMINISTRATOR if is_administrator else CARRIER
    note_change(session, actor, role, "update_organisation", organisation, now, before=before, after=after)
    return organisation


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise Invalid({"siret": [_TAKEN]}) from error
