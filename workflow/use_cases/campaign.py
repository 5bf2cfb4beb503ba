"""A campaign's set-up: the campaign and its milestones, envelopes, committee sessions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, ANIMATOR, FUNDER, TRANSVERSAL
from states.guards import euros
from states.machine import Reason
from states.words import N_
from workflow import campaigns
from workflow.access import Actor
from workflow.calendar_versions import move_due_days
from workflow.calendars.harmonise import harmonise
from workflow.calendars.problem import Conflict, Problem, Window
from workflow.calendars.problem import Milestone as Step
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.forms import Cents, Day, Form, Hour, Reference, Text, read
from workflow.models import (
    CalendarVersion,
    Campaign,
    CommitteeSession,
    Envelope,
    FunderWindow,
    Instance,
    Institution,
    Milestone,
    Objective,
)
from workflow.reference import PTCS
from workflow.reference.reading import Milestone as Template
from workflow.reference.reading import read as read_reference
from workflow.use_cases.notes import note_change, snapshot


class CampaignForm(Form):
    """A new campaign."""

    label = Text(N_("Nom de la campagne"), required=True)
    year = fields.Integer(
        required=True,
        metadata={"label": N_("Année"), "widget": "number"},
        validate=validate.Range(1990, 2100, error=N_("Année entre 1990 et 2100.")),
    )
    first = Day(N_("Premier jour"), required=True)
    last = Day(N_("Dernier jour"), required=True)


class MilestoneDatesForm(Form):
    """The days of a campaign's milestones, by the milestone's id; an empty one has no day yet."""

    dates = fields.Dict(
        keys=fields.Integer(),
        values=Day("", allow_none=True),
        required=True,
        metadata={"label": N_("Dates"), "widget": "dates"},
    )


class EnvelopeForm(Form):
    """What a funder has for a campaign, or for one of its orientations."""

    funder_id = Reference(N_("Financeur"), "funders", required=True)
    campaign_id = Reference(N_("Campagne"), "campaigns", required=True)
    orientation_id = Reference(N_("Orientation"), "orientations", load_default=None, allow_none=True)
    total_cents = Cents(N_("Montant de l'enveloppe"), required=True)


class SessionForm(Form):
    """A committee session; without an instance it is one of the whole territory."""

    campaign_id = Reference(N_("Campagne"), "campaigns", required=True)
    instance_id = Reference(N_("Instance"), "instances", load_default=None, allow_none=True)
    label = Text(N_("Nom de la séance"), required=True)
    on = Day(N_("Date"), required=True)
    starts_at = Hour(N_("Heure"), load_default=None, allow_none=True)
    place = Text(N_("Lieu"), load_default="")


def create_campaign(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Campaign:
    """Create a campaign whose milestones are those of the reference data, each as early as it can be.

    Raises Forbidden, or Invalid: label taken, or too little time between the first and the last day.
    """
    actor.require(ADMINISTRATOR)
    data = read(CampaignForm(), raw)
    if data["last"] <= data["first"]:
        raise Invalid({"last": [N_("Cette date doit venir après le premier jour.")]})
    if session.scalar(select(Campaign.id).where(Campaign.label == data["label"])) is not None:
        raise Invalid({"label": [N_("Ce nom est déjà pris.")]})
    campaign = Campaign(**data, created_at=now)
    session.add(campaign)
    session.flush()
    funders = session.scalars(
        select(Institution.id).where(Institution.funder_code.is_not(None)).order_by(Institution.id)
    ).all()
    add_milestones(session, campaign, read_reference(PTCS).milestone, funders, ())
    after = snapshot(campaign, *data)
    note_change(session, actor, ADMINISTRATOR, "create_campaign", campaign, now, after=after)
    return campaign


def add_milestones(
    session: Session,
    campaign: Campaign,
    templates: Sequence[Template],
    funders: Iterable[int],
    windows: Iterable[FunderWindow],
) -> None:
    """Give a new campaign its milestones, on the days that suit the funders' windows; without these if none do.

    Raises Invalid where the campaign is too short for the gaps.
    """
    problem = Problem(
        campaign.first,
        campaign.last,
        tuple(Step(row.id, row.label, row.after, row.min_gap, row.max_gap, row.per_funder) for row in templates),
        tuple(Window(row.funder_id, row.milestone, row.earliest, row.latest, row.preferred) for row in windows),
        funders=tuple(funders),
    )
    answer = harmonise(problem)
    if isinstance(answer, Conflict):
        answer = harmonise(replace(problem, windows=()))
    if isinstance(answer, Conflict):
        raise Invalid({"last": [N_("Trop peu de temps pour toutes les étapes : reculez le dernier jour.")]})
    positions = {row.id: (position, row) for position, row in enumerate(templates, start=1)}
    campaign.milestones = [
        Milestone(
            code=row.id,
            label=row.label,
            position=position,
            funder_id=funder,
            on=day,
            after=row.after,
            min_gap=row.min_gap,
            max_gap=row.max_gap,
        )
        for (code, funder), day in answer.days.items()
        for position, row in (positions[code],)
    ]
    session.flush()


def has_versions(session: Session, campaign_id: int) -> bool:
    """Whether a campaign's calendar was proposed or moved: from then on every version of it is kept."""
    kept = select(CalendarVersion.id).where(CalendarVersion.campaign_id == campaign_id)
    return session.scalar(kept.limit(1)) is not None


def set_milestone_dates(
    session: Session, actor: Actor, campaign_id: int, raw: Mapping[str, Any], now: datetime
) -> Campaign:
    """Set the days of milestones; what dossiers had to do by an old day is now due by the new one.

    Only before a calendar is proposed or a milestone moved: from then on every version is kept. Raises Forbidden,
    NotFound, Refused, or Invalid, with a message per milestone: outside the campaign, or before the one it comes after.
    """
    actor.require(ADMINISTRATOR)
    dates: dict[int, date | None] = read(MilestoneDatesForm(), raw)["dates"]
    campaign = session.get(Campaign, campaign_id, with_for_update={"key_share": True})
    if campaign is None:
        raise NotFound("campaign")
    if has_versions(session, campaign_id):
        raise Refused(
            Reason(
                "calendar_agreed",
                N_("Ce calendrier a été proposé aux financeurs : ses dates ne se saisissent plus librement."),
                N_("Ouvrez la page « Calendrier » pour en proposer un autre ou déplacer une échéance."),
            )
        )
    milestones = {milestone.id: milestone for milestone in campaign.milestones}
    if not dates.keys() <= milestones.keys():
        raise NotFound("milestone")
    before = {_place(row): row.on.isoformat() if row.on else None for row in milestones.values()}
    due_before = campaigns.dates(session, campaign_id)
    for number, day in dates.items():
        if milestones[number].on != day:
            milestones[number].on = day
            milestones[number].version += 1
            milestones[number].moved_at = now
    problems = {str(row.id): problem for row in campaign.milestones if (problem := _misplaced(row, campaign))}
    if problems:
        raise Invalid({"dates": problems})
    session.flush()
    move_due_days(session, campaign_id, due_before, campaigns.dates(session, campaign_id), now)
    after = {_place(row): row.on.isoformat() if row.on else None for row in milestones.values()}
    note_change(session, actor, ADMINISTRATOR, "set_milestone_dates", campaign, now, before=before, after=after)
    return campaign


def _place(milestone: Milestone) -> str:
    return milestone.code if milestone.funder_id is None else f"{milestone.code}:{milestone.funder_id}"


def _misplaced(milestone: Milestone, campaign: Campaign) -> list[str]:
    if milestone.on is None:
        return []
    if not campaign.first <= milestone.on <= campaign.last:
        return [N_("Cette date est hors de la campagne.")]
    earlier = [
        other.on
        for other in campaign.milestones
        if other.code == milestone.after
        and (None in (milestone.funder_id, other.funder_id) or milestone.funder_id == other.funder_id)
    ]
    if any(day is not None and day > milestone.on for day in earlier):
        return [N_("Cette date vient avant celle de l'étape précédente.")]
    return []


def set_envelope(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Envelope:
    """Create or change the envelope of a funder for a campaign (and an orientation, if one is named).

    By the funder's representative or an administrator. Raises Forbidden, NotFound, Invalid, or Refused when more
    than the new sum is granted already.
    """
    data = read(EnvelopeForm(), raw)
    funder = session.get(Institution, data["funder_id"])
    if funder is None or funder.funder_code is None:
        raise Invalid({"funder_id": [N_("Choisissez dans la liste.")]})
    if funder.id not in actor.funders:
        actor.require(ADMINISTRATOR)
    if session.get(Campaign, data["campaign_id"]) is None:
        raise Invalid({"campaign_id": [N_("Choisissez dans la liste.")]})
    if data["orientation_id"] is not None:
        orientation = session.get(Objective, data["orientation_id"])
        if orientation is None or orientation.level != "orientation":
            raise Invalid({"orientation_id": [N_("Choisissez dans la liste.")]})
    envelope = session.scalar(
        select(Envelope)
        .where(
            Envelope.funder_id == funder.id,
            Envelope.campaign_id == data["campaign_id"],
            Envelope.orientation_id.is_not_distinct_from(data["orientation_id"]),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    before = snapshot(envelope, "total_cents") if envelope else {}
    if envelope is None:
        envelope = Envelope(**data)
        session.add(envelope)
    if (envelope.granted_cents or 0) > data["total_cents"]:
        raise Refused(
            Reason(
                "less_than_granted",
                N_("L'enveloppe ne peut pas descendre sous ce qui est déjà accordé."),
                N_("Fixez au moins %(granted)s."),
                {"granted": euros(envelope.granted_cents)},
            )
        )
    envelope.total_cents = data["total_cents"]
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused(
            Reason(
                "envelope_changed",
                N_("Cette enveloppe vient d'être changée par quelqu'un d'autre."),
                N_("Rouvrez la page, puis recommencez."),
            )
        ) from error
    role = FUNDER if funder.id in actor.funders else ADMINISTRATOR
    after = snapshot(envelope, "total_cents", "funder_id", "campaign_id", "orientation_id")
    note_change(session, actor, role, "set_envelope", envelope, now, before=before, after=after)
    return envelope


def create_session(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> CommitteeSession:
    """Create a committee session: of an instance by its animator, of any by the transversal committee or an
    administrator. Raises Forbidden, or Invalid: outside the campaign.
    """
    data = read(SessionForm(), raw)
    role = session_role(actor, data["instance_id"])
    campaign = session.get(Campaign, data["campaign_id"])
    if campaign is None:
        raise Invalid({"campaign_id": [N_("Choisissez dans la liste.")]})
    if data["instance_id"] is not None and session.get(Instance, data["instance_id"]) is None:
        raise Invalid({"instance_id": [N_("Choisissez dans la liste.")]})
    if not campaign.first <= data["on"] <= campaign.last:
        raise Invalid({"on": [N_("Cette date est hors de la campagne.")]})
    committee = CommitteeSession(**data)
    session.add(committee)
    session.flush()
    note_change(session, actor, role, "create_session", committee, now, after=snapshot(committee, *data))
    return committee


def session_role(actor: Actor, instance_id: int | None) -> str:
    """The role in which a person sets the sessions of an instance (None: of the territory). Raises Forbidden."""
    if instance_id in actor.instances(ANIMATOR):
        return ANIMATOR
    for role in (TRANSVERSAL, ADMINISTRATOR):
        if role in actor.roles:
            return role
    raise Forbidden(
        Reason(
            "role",
            N_("Vous n'animez pas cette instance."),
            N_("Cet acte revient à son animateur, au comité transversal ou à un administrateur."),
        )
    )
