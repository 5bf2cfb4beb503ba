"""A campaign's calendar as everybody sees it: milestones, what funders accept, closures, versions and answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from states.dossier import CARRIER
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import CalendarVersion, Campaign, Closure, FunderWindow, Institution
from workflow.queries.admin_campaigns import Step, steps

Row = Any
"""A named tuple of the columns of a select."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One milestone whose day a version changes."""

    label: str
    before: date | None
    after: date | None


@dataclass(frozen=True, slots=True)
class Told:
    """A version of the calendar, and what it changed against the one that it followed (for a proposal: against now)."""

    version: CalendarVersion
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class CampaignCalendar:
    """All that the page of a campaign's calendar shows. Carriers are shown the days alone."""

    campaign: Campaign
    steps: Sequence[Step]
    closures: Sequence[Closure]
    proposed: Told | None
    versions: Sequence[Told]
    funders: Sequence[Row]
    """Those that have windows, each with its answer to what is proposed (accepted, message) or none."""


def latest(session: Session, today: date) -> int | None:
    """The campaign that runs, else the last one; None where there is none."""
    runs = (Campaign.first <= today) & (Campaign.last >= today)
    return session.scalar(select(Campaign.id).order_by(runs.desc(), Campaign.first.desc(), Campaign.id.desc()).limit(1))


def campaigns(session: Session) -> Sequence[Row]:
    """Every campaign, the newest first."""
    return session.execute(
        select(Campaign.id, Campaign.label).order_by(Campaign.first.desc(), Campaign.id.desc())
    ).all()


def calendar(session: Session, actor: Actor, campaign_id: int) -> CampaignCalendar:
    """A campaign's calendar, in a fixed number of statements. Raises NotFound."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("campaign")
    agent = bool(actor.roles - {CARRIER})
    found = steps(session, campaign_id)
    versions = (
        session.scalars(
            select(CalendarVersion)
            .where(CalendarVersion.campaign_id == campaign_id)
            .options(
                selectinload(CalendarVersion.dates),
                selectinload(CalendarVersion.answers),
                joinedload(CalendarVersion.made_by),
                joinedload(CalendarVersion.adopted_by),
            )
            .order_by(CalendarVersion.number)
        ).all()
        if agent
        else []
    )
    told = _told(found, versions)
    proposed = next((row for row in told if row.version.state == "proposed"), None)
    return CampaignCalendar(
        campaign,
        found if agent else [_bare(step) for step in found],
        _closures(session, campaign) if agent else [],
        proposed,
        told[::-1],
        _funders(session, campaign_id, proposed.version if proposed else None) if agent else [],
    )


def _bare(step: Step) -> Step:
    return Step(
        step.id,
        step.code,
        step.label,
        step.funder_id,
        step.funder,
        step.on,
        step.after,
        step.min_gap,
        step.max_gap,
    )


def _told(found: Sequence[Step], versions: Sequence[CalendarVersion]) -> list[Told]:
    names = {(step.code, step.funder_id): step.name for step in found}
    stands: Mapping[Any, date | None] = {}
    told = []
    for version in versions:
        days = {(row.code, row.funder_id): row.on for row in version.dates}
        before = {(step.code, step.funder_id): step.on for step in found} if version.state == "proposed" else stands
        differences = [
            Difference(names[place], before.get(place), on)
            for place, on in days.items()
            if place in names and before and before.get(place) != on
        ]
        told.append(Told(version, differences))
        if version.adopted_at is not None:
            stands = days
    return told


def _closures(session: Session, campaign: Campaign) -> Sequence[Closure]:
    return session.scalars(
        select(Closure)
        .where(Closure.last >= campaign.first, Closure.first <= campaign.last)
        .options(joinedload(Closure.institution))
        .order_by(Closure.first, Closure.id)
    ).all()


def _funders(session: Session, campaign_id: int, proposed: CalendarVersion | None) -> Sequence[Row]:
    answers = {row.funder_id: row for row in proposed.answers} if proposed else {}
    rows = session.execute(
        select(Institution.id, func.coalesce(Institution.funder_code, Institution.label).label("label"))
        .where(Institution.id.in_(select(FunderWindow.funder_id).where(FunderWindow.campaign_id == campaign_id)))
        .order_by("label")
    ).all()
    return [(row.id, row.label, answers.get(row.id)) for row in rows]


def windows(session: Session, campaign_id: int, funder_id: int) -> tuple[Campaign, Institution, Sequence[Row]]:
    """What a funder can accept, one row a milestone that is common or its own, in the calendar's order.

    Raises NotFound.
    """
    campaign, funder = session.get(Campaign, campaign_id), session.get(Institution, funder_id)
    if campaign is None or funder is None or funder.funder_code is None:
        raise NotFound("campaign")
    rows = {
        row.milestone: row
        for row in session.scalars(
            select(FunderWindow).where(FunderWindow.campaign_id == campaign_id, FunderWindow.funder_id == funder_id)
        )
    }
    own = [step for step in steps(session, campaign_id) if step.funder_id in (None, funder_id)]
    return campaign, funder, [(step, rows.get(step.code)) for step in own]
