"""The campaigns of the demonstration: their calendars, sessions and envelopes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from workflow.demo.cast import Cast
from workflow.demo.stage import Stage
from workflow.models import Institution
from workflow.use_cases.campaign import create_campaign, create_session, set_envelope, set_milestone_dates

LABEL = "Programmation annuelle %(year)s"
_BEFORE, _AFTER = 5, 60
_ROUND = 5_000_00


def open_year(stage: Stage, cast: Cast, plans: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Create the campaign `name` (previous or current) with its dated milestones; its id and year."""
    offsets = plans["calendar"][name]
    year = stage.day(plans["calendar"]["current"]["funder_decision"]).year - (name == "previous")
    raw = {
        "label": LABEL % {"year": year},
        "year": year,
        "first": stage.day(offsets["call_opens"] - _BEFORE).isoformat(),
        "last": stage.day(offsets["control_end"] + _AFTER).isoformat(),
    }
    with stage.database.write() as session:
        campaign = create_campaign(session, cast.administrator, raw, stage.now)
        dates = {}
        for milestone in campaign.milestones:
            funder = session.get(Institution, milestone.funder_id) if milestone.funder_id else None
            later = plans["decides_after"][funder.funder_code] if funder else 0
            dates[milestone.id] = stage.day(offsets[milestone.code] + later).isoformat()
        set_milestone_dates(session, cast.administrator, campaign.id, {"dates": dates}, stage.now)
    return campaign.id, year


def call_sessions(stage: Stage, cast: Cast, plans: Mapping[str, Any], name: str, campaign_id: int) -> None:
    """Set the days of every instance's sessions, and of the steering committee's."""
    with stage.database.write() as session:
        for label, offset in plans["sessions"][name]:
            for team in cast.teams.values():
                raw = {
                    "campaign_id": campaign_id,
                    "instance_id": team.instance_id,
                    "label": label,
                    "on": stage.day(offset).isoformat(),
                }
                create_session(session, team.animator, raw, stage.now)
        raw = {
            "campaign_id": campaign_id,
            "label": "Comité de pilotage",
            "on": stage.day(plans["calendar"][name]["steering_committee"]).isoformat(),
        }
        create_session(session, cast.transversal[0], raw, stage.now)


Purse = tuple[int, str, str]
"""What pays: campaign, funder's code, and the orientation it is for (empty for a general envelope)."""


def fill_envelopes(
    stage: Stage,
    cast: Cast,
    plans: Mapping[str, Any],
    campaign_id: int,
    asked: Iterable[tuple[str, str, int]],
    orientations: Mapping[str, int],
    funders: Mapping[str, int],
) -> dict[Purse, int]:
    """Set each funder's envelopes by what will be asked: (funder, orientation, cents). What each holds, by purse."""
    rows = plans["envelope"]
    apart = {(row["funder"], row["orientation"]) for row in rows if "orientation" in row}
    sums: Counter[tuple[str, str]] = Counter()
    for funder, orientation, cents in asked:
        sums[funder, orientation if (funder, orientation) in apart else ""] += cents
    purses: dict[Purse, int] = {}
    with stage.database.write() as session:
        for row in rows:
            funder, orientation = row["funder"], row.get("orientation", "")
            total = (int(sums[funder, orientation] * row["share"]) // _ROUND + 1) * _ROUND
            raw = {
                "funder_id": funders[funder],
                "campaign_id": campaign_id,
                "orientation_id": orientations.get(orientation),
                "total_cents": total,
            }
            set_envelope(session, cast.administrator, raw, stage.now)
            purses[campaign_id, funder, orientation] = total
    return purses
