"""The campaign's calendar: what each funder can accept, proposals and answers, adoption, one date moved."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import fields
from sqlalchemy import select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, FUNDER
from states.machine import Reason
from states.words import N_
from workflow import campaign_calendar, clock
from workflow.access import Actor
from workflow.calendar_versions import (
    apply,
    asked_funders,
    begin,
    dated,
    days_after,
    holders,
    in_state,
    keep_version,
    locate,
    locked,
    must_be_proposed,
    replace_adopted,
    tell,
    tell_everybody,
)
from workflow.calendars.problem import Conflict
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.forms import LONG, Form, Text, read
from workflow.models import CalendarAnswer, CalendarVersion, FunderWindow, Institution, RoleGrant
from workflow.use_cases.notes import note_change, snapshot


class ReasonForm(Form):
    """Why, in words."""

    reason = Text(N_("Motif"), longest=LONG, load_default="")


class AnswerForm(Form):
    """What a funder says of a proposal."""

    accepted = fields.Boolean(required=True, metadata={"label": N_("Réponse")})
    message = Text(N_("Ce qu'il faudrait changer"), longest=LONG, load_default="")


def propose(session: Session, actor: Actor, campaign_id: int, raw: Mapping[str, Any], now: datetime) -> CalendarVersion:
    """Propose to the funders the calendar that suits all their windows; it takes the place of an earlier proposal.

    Raises Forbidden, NotFound, or Refused where there is no such calendar (its page says why).
    """
    actor.require(ADMINISTRATOR)
    campaign = locate(session, campaign_id, lock=True)
    reason = read(ReasonForm(), raw)["reason"]
    _asked, found = campaign_calendar.proposed(session, campaign, clock.local_day(now))
    if isinstance(found, Conflict):
        raise Refused(
            Reason(
                "no_calendar",
                N_("Aucun calendrier ne convient à tous les financeurs."),
                N_("Demandez à un financeur d'élargir une des dates citées, puis recommencez."),
            )
        )
    begin(session, campaign)
    for earlier in in_state(session, campaign, "proposed"):
        earlier.state = "abandoned"
    session.flush()
    version = keep_version(session, campaign, actor, "proposed", "proposed", reason, found.days, now)
    note_change(session, actor, ADMINISTRATOR, "propose_calendar", version, now, after=dated(found.days), reason=reason)
    asked = session.scalars(holders(RoleGrant.role == FUNDER, RoleGrant.institution_id.in_(asked_funders(campaign))))
    tell(session, version, "calendar_proposed", asked, {"reason": reason}, actor, now)
    return version


def answer(
    session: Session, actor: Actor, version_id: int, funder_id: int, raw: Mapping[str, Any], now: datetime
) -> None:
    """Accept a proposed calendar for a funder, or ask for a change in words; the last answer counts.

    Raises Forbidden (only the funder's own representative answers), NotFound, Invalid, or Refused once it is decided.
    """
    version = session.get(CalendarVersion, version_id, with_for_update={"key_share": True})
    if version is None:
        raise NotFound("calendar_version")
    if funder_id not in actor.funders:
        raise Forbidden(
            Reason("role", N_("Vous ne représentez pas ce financeur."), N_("Seul son représentant répond pour lui."))
        )
    data = read(AnswerForm(), raw)
    if not data["accepted"] and not data["message"]:
        raise Invalid({"message": [N_("Dites ce qu'il faudrait changer.")]})
    must_be_proposed(version)
    given = session.scalar(
        select(CalendarAnswer).where(CalendarAnswer.version_id == version.id, CalendarAnswer.funder_id == funder_id)
    )
    before = snapshot(given, "accepted", "message") if given else {}
    if given is None:
        given = CalendarAnswer(version_id=version.id, funder_id=funder_id)
        session.add(given)
    given.accepted, given.message, given.at = data["accepted"], data["message"], now
    given.person_id = actor.person_id or 0
    session.flush()
    note_change(
        session,
        actor,
        FUNDER,
        "answer_calendar",
        version,
        now,
        before=before,
        after={**snapshot(given, "accepted", "message"), "funder_id": funder_id},
    )


def adopt(session: Session, actor: Actor, version_id: int, raw: Mapping[str, Any], now: datetime) -> CalendarVersion:
    """Make a proposed calendar the campaign's; without every funder's consent a reason is asked.

    Raises Forbidden, NotFound, Invalid, or Refused once it is decided.
    """
    actor.require(ADMINISTRATOR)
    version, campaign = locked(session, version_id)
    reason = read(ReasonForm(), raw)["reason"]
    must_be_proposed(version)
    if lacking(session, version) and not reason:
        raise Invalid({"reason": [N_("Tous les financeurs n'ont pas accepté : dites pourquoi l'adopter quand même.")]})
    replace_adopted(session, campaign)
    version.state, version.adopted_at, version.adopted_by_id = "adopted", now, actor.person_id
    changed = apply(session, campaign, {(row.code, row.funder_id): row.on for row in version.dates}, now)
    note_change(
        session, actor, ADMINISTRATOR, "adopt_calendar", version, now, after=dated(days_after(changed)), reason=reason
    )
    tell_everybody(session, version, campaign, changed, reason, actor, now)
    return version


def abandon(session: Session, actor: Actor, version_id: int, raw: Mapping[str, Any], now: datetime) -> None:
    """Give up a proposal. Raises Forbidden, NotFound, or Refused once it is decided."""
    actor.require(ADMINISTRATOR)
    version, _campaign_of_it = locked(session, version_id)
    reason = read(ReasonForm(), raw)["reason"]
    must_be_proposed(version)
    version.state = "abandoned"
    note_change(session, actor, ADMINISTRATOR, "abandon_calendar", version, now, reason=reason)


def lacking(session: Session, version: CalendarVersion) -> list[Institution]:
    """The funders that have windows in the campaign and did not accept the version."""
    accepted = select(CalendarAnswer.funder_id).where(CalendarAnswer.version_id == version.id, CalendarAnswer.accepted)
    asked = select(FunderWindow.funder_id).where(FunderWindow.campaign_id == version.campaign_id)
    return list(
        session.scalars(
            select(Institution)
            .where(Institution.id.in_(asked), Institution.id.not_in(accepted))
            .order_by(Institution.label)
        )
    )
