"""Committee sessions that change or are called off after they were set."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session

from states.machine import Reason
from states.words import N_
from workflow.access import Actor
from workflow.errors import Invalid, NotFound, Refused
from workflow.forms import LONG, Day, Form, Hour, Text, read
from workflow.models import Campaign, CommitteeSession, Dossier
from workflow.reminder_rules import replan
from workflow.use_cases.campaign import session_role
from workflow.use_cases.notes import note_change, snapshot


class SessionChangeForm(Form):
    """What may change of a session."""

    label = Text(N_("Nom de la séance"), required=True)
    on = Day(N_("Date"), required=True)
    starts_at = Hour(N_("Heure"), load_default=None, allow_none=True)
    place = Text(N_("Lieu"), load_default="")


class CancelForm(Form):
    """Why a session is called off."""

    reason = Text(N_("Motif"), longest=LONG, required=True)


def change_session(
    session: Session, actor: Actor, session_id: int, raw: Mapping[str, Any], now: datetime
) -> CommitteeSession:
    """Change a session's name, day, hour or place. Raises Forbidden, NotFound, Invalid, or Refused once called off."""
    committee, role = _held(session, actor, session_id)
    data = read(SessionChangeForm(), raw)
    campaign = session.get_one(Campaign, committee.campaign_id)
    if not campaign.first <= data["on"] <= campaign.last:
        raise Invalid({"on": [N_("Cette date est hors de la campagne.")]})
    before = snapshot(committee, *data)
    if data["on"] != committee.on:
        _follow(session, committee, data["on"], now)
    for name, value in data.items():
        setattr(committee, name, value)
    committee.sequence += 1
    session.flush()
    note_change(session, actor, role, "change_session", committee, now, before=before, after=snapshot(committee, *data))
    return committee


def _follow(session: Session, committee: CommitteeSession, on: date, now: datetime) -> None:
    """Let what is tabled at a session be due on its new day, where it was due on the old one."""
    tabled = and_(Dossier.session_id == committee.id, Dossier.state == "funding_decision")
    session.execute(
        update(Dossier)
        .where(tabled, Dossier.due_on == committee.on)
        .values(due_on=on, due_version=Dossier.due_version + 1, due_since=now)
    )
    replan(session, tabled)


def cancel_session(session: Session, actor: Actor, session_id: int, raw: Mapping[str, Any], now: datetime) -> None:
    """Call a session off. Raises Forbidden, NotFound, Invalid, or Refused while dossiers wait for it."""
    committee, role = _held(session, actor, session_id)
    reason = read(CancelForm(), raw)["reason"]
    waiting = session.scalars(
        select(func.count())
        .select_from(Dossier)
        .where(Dossier.session_id == committee.id, Dossier.state == "funding_decision")
    ).one()
    if waiting:
        raise Refused(
            Reason(
                "dossiers_tabled",
                N_("%(count)s dossier(s) attendent une décision à cette séance."),
                N_("Changez la date de la séance, ou reportez d'abord ces dossiers."),
                {"count": waiting},
            )
        )
    committee.cancelled_at, committee.sequence = now, committee.sequence + 1
    session.flush()
    note_change(session, actor, role, "cancel_session", committee, now, reason=reason)


def _held(session: Session, actor: Actor, session_id: int) -> tuple[CommitteeSession, str]:
    committee = session.get(CommitteeSession, session_id, with_for_update={"key_share": True})
    if committee is None:
        raise NotFound("session")
    role = session_role(actor, committee.instance_id)
    if committee.cancelled_at is not None:
        raise Refused(Reason("session_cancelled", N_("Cette séance est annulée."), N_("Créez une autre séance.")))
    return committee, role
