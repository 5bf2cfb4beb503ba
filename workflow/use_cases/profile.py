"""What people set of their own account: the name shown, the language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from states.machine import Reason
from states.words import N_
from workflow.access import Actor
from workflow.errors import Forbidden
from workflow.forms import Choice, Form, Text, read
from workflow.models import Person
from workflow.use_cases.notes import note_change, snapshot
from workflow.use_cases.passwords import SELF
from workflow.use_cases.people import LOCALES


class ProfileForm(Form):
    """How a person is named, and in which language pages and mails come."""

    name = Text(N_("Nom affiché"), required=True)
    locale = Choice(N_("Langue des pages et des messages"), LOCALES, required=True)


def set_profile(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Person:
    """Set one's own name and language. Raises Invalid, or Forbidden for an actor without an account."""
    data = read(ProfileForm(), raw)
    person = session.get(Person, actor.person_id, with_for_update={"key_share": True}) if actor.person_id else None
    if person is None:
        raise Forbidden(Reason("account", N_("Il faut un compte pour cet acte."), N_("Connectez-vous.")))
    before = snapshot(person, *data)
    person.name, person.locale = data["name"], data["locale"]
    session.flush()
    note_change(session, actor, SELF, "set_profile", person, now, before=before, after=snapshot(person, *data))
    return person
