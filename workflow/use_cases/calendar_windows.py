"""What bounds a campaign's calendar: the days that each funder can accept, and closures."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from marshmallow import fields
from sqlalchemy import select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, FUNDER
from states.words import N_
from workflow.access import Actor
from workflow.errors import Invalid, NotFound
from workflow.forms import Day, Form, Reference, Text, read
from workflow.models import Campaign, Closure, FunderWindow, Institution
from workflow.reminder_rules import replan
from workflow.use_cases.notes import note_change, snapshot


class WindowForm(Form):
    """What a funder can accept for one milestone; nothing at all where both bounds are empty."""

    earliest = Day(N_("Au plus tôt"), load_default=None, allow_none=True)
    latest = Day(N_("Au plus tard"), load_default=None, allow_none=True)
    preferred = Day(N_("De préférence"), load_default=None, allow_none=True)


class WindowsForm(Form):
    """What a funder can accept, by milestone."""

    windows = fields.Dict(keys=fields.String(), values=fields.Nested(WindowForm()), required=True)


class ClosureForm(Form):
    """Days on which an institution, or without one everybody, is closed."""

    institution_id = Reference(N_("Institution"), "institutions", load_default=None, allow_none=True)
    label = Text(N_("Nom"), required=True)
    first = Day(N_("Premier jour"), required=True)
    last = Day(N_("Dernier jour"), required=True)


def set_windows(
    session: Session, actor: Actor, campaign_id: int, funder_id: int, raw: Mapping[str, Any], now: datetime
) -> None:
    """Set what a funder can accept, by its representative or an administrator.

    Raises Forbidden, NotFound, or Invalid with messages per milestone and field.
    """
    campaign, funder = session.get(Campaign, campaign_id), session.get(Institution, funder_id)
    if campaign is None or funder is None or funder.funder_code is None:
        raise NotFound("campaign")
    role = _for_funder(actor, funder_id)
    windows: dict[str, dict[str, date | None]] = read(WindowsForm(), raw)["windows"]
    known = {row.code for row in campaign.milestones}
    problems = {code: wrong for code, row in windows.items() if (wrong := _wrong_window(row, campaign))}
    if problems or not windows.keys() <= known:
        raise Invalid({"windows": problems})
    rows = {
        row.milestone: row
        for row in session.scalars(
            select(FunderWindow).where(FunderWindow.campaign_id == campaign_id, FunderWindow.funder_id == funder_id)
        )
    }
    before = {code: _bounds(row) for code, row in rows.items()}
    for code, values in windows.items():
        old = rows.get(code)
        if values["earliest"] is None:
            if old is not None:
                session.delete(old)
        elif old is None:
            session.add(FunderWindow(campaign_id=campaign_id, funder_id=funder_id, milestone=code, **values))
        else:
            for name, value in values.items():
                setattr(old, name, value)
    session.flush()
    after = {
        **before,
        **{
            code: " / ".join(map(str, values.values())) if values["earliest"] else None
            for code, values in windows.items()
        },
    }
    note_change(session, actor, role, "set_windows", campaign, now, before=before, after=after, reason=funder.label)


def _bounds(row: FunderWindow) -> str:
    return f"{row.earliest} / {row.latest} / {row.preferred}"


def _wrong_window(row: Mapping[str, date | None], campaign: Campaign) -> dict[str, list[str]]:
    earliest, latest, preferred = row["earliest"], row["latest"], row["preferred"]
    if earliest is None and latest is None and preferred is None:
        return {}
    if earliest is None or latest is None:
        missing = "latest" if earliest is not None else "earliest"
        return {missing: [N_("À remplir.")]}
    if latest < earliest:
        return {"latest": [N_("Cette date doit venir après la première.")]}
    if latest < campaign.first or earliest > campaign.last:
        return {"earliest": [N_("Ces dates sont hors de la campagne.")]}
    if preferred is not None and not earliest <= preferred <= latest:
        return {"preferred": [N_("Cette date doit tomber entre les deux autres.")]}
    return {}


def add_closure(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Closure:
    """Note days on which an institution, or everybody, is closed. Raises Forbidden or Invalid."""
    actor.require(ADMINISTRATOR)
    data = read(ClosureForm(), raw)
    if data["last"] < data["first"]:
        raise Invalid({"last": [N_("Cette date doit venir après la première.")]})
    if data["institution_id"] is not None and session.get(Institution, data["institution_id"]) is None:
        raise Invalid({"institution_id": [N_("Choisissez dans la liste.")]})
    closure = Closure(**data)
    session.add(closure)
    session.flush()
    if closure.institution_id is None:
        replan(session)
    note_change(session, actor, ADMINISTRATOR, "add_closure", closure, now, after=snapshot(closure, *data))
    return closure


def remove_closure(session: Session, actor: Actor, closure_id: int, now: datetime) -> None:
    """Forget a closure. Raises Forbidden or NotFound."""
    actor.require(ADMINISTRATOR)
    closure = session.get(Closure, closure_id)
    if closure is None:
        raise NotFound("closure")
    before = snapshot(closure, "institution_id", "label", "first", "last")
    note_change(session, actor, ADMINISTRATOR, "remove_closure", closure, now, before=before)
    session.delete(closure)
    if closure.institution_id is None:
        replan(session)


def _for_funder(actor: Actor, funder_id: int) -> str:
    if funder_id in actor.funders:
        return FUNDER
    actor.require(ADMINISTRATOR)
    return ADMINISTRATOR
