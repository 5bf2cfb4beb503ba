"""Accounts: who is invited, which roles they hold in which scope, what interests they declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, ANIMATOR
from states.machine import Reason
from states.words import N_
from workflow.access import Actor
from workflow.clock import local_day
from workflow.errors import Invalid, NotFound, Refused
from workflow.forms import SHORT, Choice, Day, Form, Reference, Text, read
from workflow.models import (
    ApiToken,
    Commune,
    Dossier,
    Instance,
    Institution,
    Interest,
    LocalInterest,
    Mission,
    Organisation,
    Person,
    RoleGrant,
    SecretLink,
)
from workflow.models.people import HELD_IN
from workflow.use_cases.notes import note_change, snapshot
from workflow.use_cases.passwords import LOCK, SELF, end_links, normalised, send_link

ROLE_LABELS: Mapping[str, str] = {
    "carrier": N_("Porteur"),
    "animator": N_("Animateur d'instance"),
    "instructor": N_("Instructeur"),
    "evaluator": N_("Évaluateur"),
    "funder": N_("Représentant d'un financeur"),
    "controller": N_("Contrôleur"),
    "transversal": N_("Comité technique transversal"),
    "administrator": N_("Administrateur"),
}
"""The roles that a person may hold, as pages name them."""

LOCALES: Mapping[str, str] = {"fr": "Français", "en": "English"}

_SCOPES: Mapping[str, type[Instance] | type[Institution] | type[Organisation]] = {
    "instance_id": Instance,
    "institution_id": Institution,
    "organisation_id": Organisation,
}


_EMAIL = validate.Email(error=N_("Adresse électronique attendue."))


def _check_email(text: str) -> None:
    if text:
        _EMAIL(text)


class EmailAddress(Text):
    """A mail address, kept in lower case."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, metadata={"widget": "email"}, **options)
        self.validators.append(_check_email)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return normalised(super()._deserialize(value, attr, data, **kwargs))


class RoleForm(Form):
    """A role, and the scope it is held in."""

    role = Choice(N_("Rôle"), ROLE_LABELS, required=True)
    instance_id = Reference(N_("Instance"), "instances", load_default=None, allow_none=True)
    institution_id = Reference(N_("Institution"), "institutions", load_default=None, allow_none=True)
    organisation_id = Reference(N_("Organisme"), "organisations", load_default=None, allow_none=True)
    trained_on = Day(N_("Formé le"), load_default=None, allow_none=True)


class InvitationForm(Form):
    """A new account."""

    email = EmailAddress(N_("Adresse électronique"), required=True)
    name = Text(N_("Nom"), required=True)
    locale = Choice(N_("Langue"), LOCALES, load_default="fr")
    institution_id = Reference(N_("Institution"), "institutions", load_default=None, allow_none=True)
    roles = fields.List(fields.Nested(RoleForm), load_default=list, metadata={"label": N_("Rôles"), "widget": "roles"})


class TrainingForm(Form):
    """The day of the entry training; empty where there was none."""

    trained_on = Day(N_("Formé le"), required=True, allow_none=True)


class InterestForm(Form):
    """An interest in an organisation or in a commune; of oneself when no person is named."""

    person_id = Reference(N_("Personne"), "people", load_default=None, allow_none=True)
    organisation_id = Reference(N_("Organisme"), "organisations", load_default=None, allow_none=True)
    commune_id = Reference(N_("Commune"), "communes", load_default=None, allow_none=True)
    nature = Text(N_("Nature du lien"), required=True, longest=SHORT)


@dataclass(frozen=True, slots=True)
class Invited:
    """A new account and the link by which its owner chooses a password."""

    person: Person
    link: SecretLink


def invite(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Invited:
    """Create an account with its roles, and mail an invitation. By an administrator, or the system (first account).

    Raises Forbidden, or Invalid: the address has an account, a role without its scope.
    """
    role = _administers(actor)
    data = read(InvitationForm(), raw)
    roles = data.pop("roles")
    if session.scalar(select(Person.id).where(Person.email == data["email"])) is not None:
        raise Invalid({"email": [N_("Cette adresse a déjà un compte.")]})
    if data["institution_id"] is not None and session.get(Institution, data["institution_id"]) is None:
        raise Invalid({"institution_id": [N_("Choisissez dans la liste.")]})
    person = Person(**data, created_at=now)
    session.add(person)
    try:
        session.flush()
    except IntegrityError as error:
        raise Invalid({"email": [N_("Cette adresse a déjà un compte.")]}) from error
    note_change(session, actor, role, "invite", person, now, after=snapshot(person, "locale", "institution_id"))
    for place, wanted in enumerate(roles):
        try:
            _grant(session, actor, role, person, wanted, now)
        except Invalid as error:
            raise Invalid({"roles": {place: error.fields}}) from error
    return Invited(person, send_link(session, person, "invitation", "invitation", now))


def invite_again(session: Session, actor: Actor, person_id: int, now: datetime) -> Invited:
    """Mail a new invitation to somebody who has not chosen a password yet; the earlier link dies.

    Raises Forbidden, NotFound, or Refused when they already came in.
    """
    role = _administers(actor)
    person = _person(session, person_id)
    if person.password_hash is not None or not person.active:
        raise Refused(
            Reason(
                "already_accepted",
                N_("Cette personne a déjà choisi son mot de passe, ou son compte est fermé."),
                N_("Elle peut demander elle-même un nouveau mot de passe."),
            )
        )
    end_links(session, person, now)
    note_change(session, actor, role, "invite_again", person, now)
    return Invited(person, send_link(session, person, "invitation", "invitation", now))


def grant_role(session: Session, actor: Actor, person_id: int, raw: Mapping[str, Any], now: datetime) -> RoleGrant:
    """Give a person a role in a scope. Raises Forbidden, NotFound, Invalid, or Refused when they hold it already."""
    role = _administers(actor)
    data = read(RoleForm(), raw)
    return _grant(session, actor, role, _person(session, person_id), data, now)


def end_role(session: Session, actor: Actor, grant_id: int, now: datetime) -> RoleGrant:
    """End a role. Raises Forbidden, NotFound, or Refused for the last administrator's."""
    role = _administers(actor)
    grant = session.get(RoleGrant, grant_id)
    if grant is not None and grant.role == ADMINISTRATOR:
        _spare_last_administrator(session, grant.person_id)
    if grant is not None:
        session.refresh(grant, with_for_update=LOCK)
    if grant is None or grant.ended_at is not None:
        raise NotFound("role")
    grant.ended_at = now
    session.flush()
    note_change(session, actor, role, "end_role", grant, now, before=snapshot(grant, "person_id", "role", *_SCOPES))
    return grant


def record_training(session: Session, actor: Actor, grant_id: int, raw: Mapping[str, Any], now: datetime) -> RoleGrant:
    """Record the entry training of a member of an instance; by an administrator or the instance's animator.

    Raises Forbidden, NotFound, or Invalid for a day to come.
    """
    grant = session.get(RoleGrant, grant_id)
    is_animator = grant is not None and grant.instance_id in actor.instances(ANIMATOR)
    role = ANIMATOR if is_animator else _administers(actor)
    if grant is None or grant.instance_id is None or grant.ended_at is not None:
        raise NotFound("role")
    trained_on = read(TrainingForm(), raw)["trained_on"]
    if trained_on is not None and trained_on > local_day(now):
        raise Invalid({"trained_on": [N_("Cette date est dans l'avenir.")]})
    before = snapshot(grant, "trained_on")
    grant.trained_on = trained_on
    session.flush()
    after = snapshot(grant, "trained_on")
    note_change(session, actor, role, "record_training", grant, now, before=before, after=after)
    return grant


def deactivate(session: Session, actor: Actor, person_id: int, now: datetime) -> Person:
    """Close an account: its sessions, links and tokens die; what the person did stays.

    Raises Forbidden, NotFound, or Refused for the last administrator.
    """
    role = _administers(actor)
    _spare_last_administrator(session, person_id)
    person = _person(session, person_id)
    person.active = False
    person.credentials_version += 1
    end_links(session, person, now)
    session.execute(
        update(ApiToken).where(ApiToken.person_id == person.id, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    )
    session.flush()
    note_change(session, actor, role, "deactivate", person, now, before={"active": True}, after={"active": False})
    return person


_ABOUT: Mapping[str, type[Organisation] | type[Commune]] = {"organisation_id": Organisation, "commune_id": Commune}
"""What one may have an interest in."""


def declare_interest(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Interest | LocalInterest:
    """Declare one's own interest in an organisation or a commune (for somebody else: administrators). A second one in
    the same replaces the first.

    Raises Forbidden or Invalid.
    """
    data = read(InterestForm(), raw)
    person_id = data["person_id"] if data["person_id"] is not None else actor.person_id
    role = SELF if person_id == actor.person_id is not None else _administers(actor)
    if person_id is None or session.get(Person, person_id, with_for_update=LOCK) is None:
        raise Invalid({"person_id": [N_("Choisissez dans la liste.")]})
    named = [name for name in _ABOUT if data[name] is not None]
    if len(named) != 1:
        raise Invalid({"organisation_id": [N_("Choisissez un organisme, ou bien une commune.")]})
    about = named[0]
    if session.get(_ABOUT[about], data[about]) is None:
        raise Invalid({about: [N_("Choisissez dans la liste.")]})
    interest: Interest | LocalInterest | None
    if about == "commune_id":
        local = LocalInterest.person_id == person_id, LocalInterest.commune_id == data[about]
        interest = session.scalar(select(LocalInterest).where(*local))
    else:
        own = Interest.person_id == person_id, Interest.organisation_id == data[about]
        interest = session.scalar(select(Interest).where(*own))
    before = snapshot(interest, "nature") if interest else {}
    if interest is None:
        kept = LocalInterest if about == "commune_id" else Interest
        interest = kept(**{"person_id": person_id, about: data[about]})
        session.add(interest)
    interest.nature, interest.declared_at = data["nature"], now
    session.flush()
    after = snapshot(interest, "nature") if before else snapshot(interest, "person_id", about, "nature")
    note_change(session, actor, role, "declare_interest", interest, now, before=before, after=after)
    return interest


def _administers(actor: Actor) -> str:
    """The role in which `actor` administers accounts. Raises Forbidden."""
    if actor.is_system:
        return "system"
    actor.require(ADMINISTRATOR)
    return ADMINISTRATOR


def _person(session: Session, person_id: int) -> Person:
    person = session.get(Person, person_id, with_for_update=LOCK, populate_existing=True)
    if person is None:
        raise NotFound("person")
    return person


def _grant(
    session: Session, actor: Actor, by: str, person: Person, data: Mapping[str, Any], now: datetime
) -> RoleGrant:
    held_in = HELD_IN[data["role"]]
    wrong = {
        column: [N_("À remplir.") if column == held_in else N_("Ce rôle n'a pas cette portée.")]
        for column in _SCOPES
        if (data[column] is not None) != (column == held_in)
    }
    if wrong:
        raise Invalid(wrong)
    if held_in is not None:
        scope = session.get(_SCOPES[held_in], data[held_in])
        if scope is None or (data["role"] == "funder" and not getattr(scope, "funder_code", None)):
            raise Invalid({held_in: [N_("Choisissez dans la liste.")]})
    if data["trained_on"] is not None and data["trained_on"] > local_day(now):
        raise Invalid({"trained_on": [N_("Cette date est dans l'avenir.")]})
    grant = RoleGrant(person_id=person.id, granted_at=now, **data)
    held = select(RoleGrant.id).where(
        RoleGrant.person_id == person.id,
        RoleGrant.role == data["role"],
        RoleGrant.ended_at.is_(None),
        *(getattr(RoleGrant, column).is_not_distinct_from(data[column]) for column in _SCOPES),
    )
    if session.scalar(held) is not None:
        raise Refused(
            Reason(
                "role_held",
                N_("Cette personne a déjà ce rôle."),
                N_("Choisissez un autre rôle ou une autre portée."),
            )
        )
    controls = select(Mission.id).where(
        or_(Mission.controller_id == person.id, Mission.second_id == person.id),
        Mission.state != "concluded",
        Mission.dossier_id == Dossier.id,
        Dossier.organisation_id == data["organisation_id"],
    )
    if data["organisation_id"] is not None and session.scalar(controls.limit(1)) is not None:
        raise Refused(
            Reason(
                "controller_carries_not",
                N_("Cette personne contrôle un dossier de cet organisme."),
                N_("Attendez la conclusion de son contrôle, ou faites nommer un autre contrôleur."),
            )
        )
    session.add(grant)
    session.flush()
    note_change(session, actor, by, "grant_role", grant, now, after=snapshot(grant, "person_id", *data))
    return grant


def _spare_last_administrator(session: Session, person_id: int) -> None:
    """Refuse to leave the territory without an administrator.

    It locks all administrators, in one order, and must come before any other lock on a person.
    """
    holders = session.scalars(
        select(RoleGrant.person_id)
        .join(Person)
        .where(RoleGrant.role == ADMINISTRATOR, RoleGrant.ended_at.is_(None), Person.active)
        .order_by(RoleGrant.id)
        .with_for_update(key_share=True)
    ).all()
    if set(holders) == {person_id}:
        raise Refused(
            Reason(
                "last_administrator",
                N_("C'est le dernier administrateur."),
                N_("Donnez d'abord ce rôle à quelqu'un d'autre."),
            )
        )
