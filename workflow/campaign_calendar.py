"""A campaign's calendar as a problem for the harmoniser: proposed from the funders' windows, or with one date moved."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.calendars.harmonise import harmonise
from workflow.calendars.problem import Closure, Conflict, Fixed, Milestone, Place, Problem, Solution, Window
from workflow.models import Campaign, FunderWindow
from workflow.models import Closure as ClosureRow

Days = Mapping[Place, date | None]
"""The day of each milestone, by its code and the funder whose it is."""


def days(campaign: Campaign) -> Days:
    """The days that the campaign has, in the calendar's order."""
    return {(row.code, row.funder_id): row.on for row in campaign.milestones}


def problem(session: Session, campaign: Campaign, today: date) -> Problem:
    """What the campaign's calendar must respect. A day that is past stays what it was.

    Funders are institutions' ids.
    """
    milestones = {row.code: row for row in campaign.milestones}
    own = {row.code for row in campaign.milestones if row.funder_id is not None}
    windows = session.scalars(
        select(FunderWindow).where(FunderWindow.campaign_id == campaign.id).order_by(FunderWindow.id)
    )
    closures = session.scalars(
        select(ClosureRow)
        .where(ClosureRow.last >= campaign.first, ClosureRow.first <= campaign.last)
        .order_by(ClosureRow.first, ClosureRow.id)
    )
    return Problem(
        campaign.first,
        campaign.last,
        tuple(
            Milestone(row.code, row.label, row.after, row.min_gap, row.max_gap, row.code in own)
            for row in milestones.values()
        ),
        tuple(
            Window(row.funder_id, row.milestone, row.earliest, row.latest, row.preferred)
            for row in windows
            if row.milestone in milestones
        ),
        tuple(Fixed(code, on, funder) for (code, funder), on in days(campaign).items() if on and on < today),
        tuple(Closure(row.first, row.last, row.institution_id) for row in closures),
        tuple(dict.fromkeys(row.funder_id for row in campaign.milestones if row.funder_id is not None)),
    )


def proposed(session: Session, campaign: Campaign, today: date) -> tuple[Problem, Solution | Conflict]:
    """The calendar that suits every funder's windows, or why there is none."""
    asked = problem(session, campaign, today)
    return asked, harmonise(asked)


def moved(
    session: Session, campaign: Campaign, place: Place, day: date, today: date
) -> tuple[Problem, Solution | Conflict]:
    """The calendar with one date set to `day`, every other one as near as can be to the day that it has.

    What a funder cannot accept already, as things stand, is not held against the move; nor is what is past.
    """
    asked, now = problem(session, campaign, today), days(campaign)
    anyone = asked.dated_funders[0] if asked.dated_funders else 0
    kept = tuple(
        replace(window, preferred=None)
        for window in asked.windows
        if all(
            on is None or window.earliest <= on <= window.latest
            for (code, funder), on in now.items()
            if code == window.milestone and funder in (None, window.funder)
        )
    )
    wishes = tuple(
        Window(anyone if funder is None else funder, code, asked.first, asked.last, on)
        for (code, funder), on in now.items()
        if on is not None and (code, funder) != place
    )
    fixed = tuple(row for row in asked.fixed if (row.milestone, row.funder) != place)
    code, funder = place
    return asked, harmonise(replace(asked, windows=kept + wishes, fixed=(*fixed, Fixed(code, day, funder))))
