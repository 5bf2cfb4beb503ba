"""The campaigns of the demonstration: their calendars, sessions and envelopes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Any

from sqlalchemy import select

from workflow.demo.cast import Cast
from workflow.demo.stage import Stage
from workflow.models import Campaign, Institution
from workflow.use_cases.calendar_windows import set_windows
from workflow.use_cases.calendars import adopt, answer, propose
from workflow.use_cases.campaign import create_campaign, create_session, set_envelope

LABEL = "Programmation annuelle %(year)s"
_BEFORE, _AFTER = 5, 60
_OPEN, _WIDER = 25, 12
"""For how many working days a funder accepts a date, and by how many the second one begins earlier."""
_ROUND = 5_000_00


def open_year(stage: Stage, cast: Cast, plans: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Create the campaign `name`, one of the plans' calendars, with its dated milestones; its id and year."""
    offsets, names = plans["calendar"][name], list(plans["calendar"])
    year = stage.day(plans["calendar"]["current"]["funder_decision"]).year + names.index(name) - names.index("current")
    raw = {
        "label": LABEL % {"year": year},
        "year": year,
        "first": stage.day(offsets["call_opens"] - _BEFORE).isoformat(),
        "last": stage.day(offsets["control_end"] + _AFTER).isoformat(),
    }
    with stage.database.write() as session:
        campaign = create_campaign(session, cast.administrator, raw, stage.now)
        codes = {row.id: row.funder_code for row in session.scalars(select(Institution))}
        for code, accepted in _windows(stage, campaign, offsets, plans["decides_after"], codes).items():
            funder = next(number for number, name_of in codes.items() if name_of == code)
            set_windows(session, cast.funders[code], campaign.id, funder, {"windows": accepted}, stage.now)
        version = propose(session, cast.administrator, campaign.id, {}, stage.now)
        for code, actor in cast.funders.items():
            funder = next(number for number, name_of in codes.items() if name_of == code)
            answer(session, actor, version.id, funder, {"accepted": True}, stage.now)
        adopt(session, cast.administrator, version.id, {}, stage.now)
    return campaign.id, year


def _windows(
    stage: Stage,
    campaign: Campaign,
    offsets: Mapping[str, int],
    decides_after: Mapping[str, int],
    codes: Mapping[int, str | None],
) -> Mapping[str, dict[str, dict[str, str]]]:
    """What each funder accepts, by its code: its own dates, and in turn two funders bound each common one.

    The earliest days that they leave are those of the plan.
    """
    windows: dict[str, dict[str, dict[str, str]]] = {code: {} for code in decides_after}
    turn = cycle(decides_after)
    for milestone in campaign.milestones:
        if milestone.funder_id is not None:
            code = str(codes[milestone.funder_id])
            bounds = {code: offsets[milestone.code] + decides_after[code]}
        else:
            bounds = {next(turn): offsets[milestone.code], next(turn): offsets[milestone.code] - _WIDER}
        for code, earliest in bounds.items():
            windows[code][milestone.code] = {
                "earliest": stage.day(earliest).isoformat(),
                "latest": stage.day(earliest + _OPEN).isoformat(),
            }
    return windows


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
