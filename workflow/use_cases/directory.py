"""The directory of experts: who may be asked about what, what they declared, who is asked no more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, ANIMATOR
from states.words import N_
from workflow.access import Actor
from workflow.errors import Invalid, NotFound
from workflow.forms import Form, Reference, Text, read
from workflow.models import Expert, ExpertInterest, Organisation
from workflow.use_cases.notes import note_change, snapshot
from workflow.use_cases.people import EmailAddress

EDITORS = (ADMINISTRATOR, ANIMATOR)
"""Who may change the directory."""
_TAKEN = N_("Cette adresse est déjà celle d'un expert de l'annuaire.")


class ExpertForm(Form):
    """Somebody who may be asked."""

    name = Text(N_("Nom ou fonction"), required=True)
    email = EmailAddress(N_("Adresse électronique"), required=True)
    subject = Text(N_("Sujets"), load_default="")


class ExpertInterestForm(Form):
    """An organisation about whose dossiers an expert is not asked."""

    organisation_id = Reference(N_("Organisme"), "organisations", required=True)


def entry(session: Session, name: str, email: str, now: datetime) -> Expert | None:
    """The expert of that address, or a new one of that name; None where there is none and no name is given."""
    expert = session.scalar(select(Expert).where(Expert.email == email))
    if expert is None and name:
        expert = Expert(name=name, email=email, subject="", created_at=now)
        session.add(expert)
        session.flush()
    return expert


def add_expert(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Expert:
    """Add somebody to the directory. Raises Forbidden, or Invalid: the address is there already."""
    role = _edits(actor)
    expert = Expert(**read(ExpertForm(), raw), created_at=now)
    _keep(session, expert)
    note_change(session, actor, role, "add_expert", expert, now, after=snapshot(expert, "subject"))
    return expert


def update_expert(session: Session, actor: Actor, expert_id: int, raw: Mapping[str, Any], now: datetime) -> Expert:
    """Change what is known of an expert. Raises Forbidden, NotFound, or Invalid: the address is another's.

    The journal tells that a name or an address changed, not what it was: that is not kept for ever.
    """
    role = _edits(actor)
    data = read(ExpertForm(), raw)
    expert = _expert(session, expert_id)
    before, personal = snapshot(expert, "subject"), snapshot(expert, "name", "email")
    for name, value in data.items():
        setattr(expert, name, value)
    _keep(session, expert)
    after = snapshot(expert, "subject")
    if personal != snapshot(expert, *personal):
        after["contact"] = "changed"
    note_change(session, actor, role, "update_expert", expert, now, before=before, after=after)
    return expert


def declare(session: Session, actor: Actor, expert_id: int, raw: Mapping[str, Any], now: datetime) -> None:
    """Note an expert's interest in an organisation. Raises Forbidden, NotFound, or Invalid: unknown, or noted."""
    role = _edits(actor)
    number = read(ExpertInterestForm(), raw)["organisation_id"]
    expert = _expert(session, expert_id)
    if session.get(Organisation, number) is None:
        raise Invalid({"organisation_id": [N_("Aucun organisme connu sous ce nom ou ce SIRET.")]})
    if _interest(session, expert_id, number) is not None:
        raise Invalid({"organisation_id": [N_("Ce lien est déjà noté.")]})
    session.add(ExpertInterest(expert_id=expert_id, organisation_id=number))
    session.flush()
    note_change(session, actor, role, "declare_interest", expert, now, after={"organisation_id": number})


def withdraw_interest(session: Session, actor: Actor, expert_id: int, organisation_id: int, now: datetime) -> None:
    """Take back an expert's interest in an organisation. Raises Forbidden or NotFound."""
    role = _edits(actor)
    expert = _expert(session, expert_id)
    found = _interest(session, expert_id, organisation_id)
    if found is None:
        raise NotFound("interest")
    session.delete(found)
    note_change(session, actor, role, "withdraw_interest", expert, now, before={"organisation_id": organisation_id})


def retire(session: Session, actor: Actor, expert_id: int, now: datetime) -> None:
    """Offer an expert to nobody any more; what they were asked goes on and stays. Raises Forbidden or NotFound."""
    _set_retired(session, actor, expert_id, now, now)


def bring_back(session: Session, actor: Actor, expert_id: int, now: datetime) -> None:
    """Offer a retired expert again. Raises Forbidden or NotFound."""
    _set_retired(session, actor, expert_id, None, now)


def _set_retired(session: Session, actor: Actor, expert_id: int, since: datetime | None, now: datetime) -> None:
    role = _edits(actor)
    expert = _expert(session, expert_id)
    if (expert.retired_at is None) == (since is None):
        return
    expert.retired_at = since
    note_change(session, actor, role, "retire_expert" if since else "bring_back_expert", expert, now)


def _edits(actor: Actor) -> str:
    """The role in which the actor changes the directory. Raises Forbidden."""
    actor.require(*EDITORS)
    return next(role for role in EDITORS if role in actor.roles)


def _expert(session: Session, expert_id: int) -> Expert:
    expert = session.get(Expert, expert_id, with_for_update={"key_share": True})
    if expert is None:
        raise NotFound("expert")
    return expert


def _interest(session: Session, expert_id: int, organisation_id: int) -> ExpertInterest | None:
    return session.scalar(
        select(ExpertInterest).where(
            ExpertInterest.expert_id == expert_id, ExpertInterest.organisation_id == organisation_id
        )
    )


def _keep(session: Session, expert: Expert) -> None:
    """Write an expert. Raises Invalid where the address is another's."""
    same = select(Expert.id).where(Expert.email == expert.email)
    with session.no_autoflush:
        taken = session.scalar(same.where(Expert.id != expert.id) if expert.id else same)
    if taken is not None:
        raise Invalid({"email": [_TAKEN]})
    session.add(expert)
    try:
        session.flush()
    except IntegrityError as error:
        raise Invalid({"email": [_TAKEN]}) from error
