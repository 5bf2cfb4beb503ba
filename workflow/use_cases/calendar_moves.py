"""One milestone of a campaign moved: its consequences first, then the act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marshmallow import fields
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from states.machine import Reason
from states.words import N_
from workflow import campaign_calendar, campaigns, clock
from workflow.access import Actor
from workflow.calendar_versions import (
    apply,
    begin,
    concerned,
    dated,
    days_after,
    keep_version,
    locate,
    name_of,
    replace_adopted,
    tell_everybody,
)
from workflow.calendars.problem import Conflict, Place, Problem
from workflow.campaign_calendar import Days
from workflow.errors import Invalid, Refused
from workflow.forms import Day, Form, Reference, read
from workflow.models import (
    BinomeMember,
    CalendarVersion,
    Campaign,
    Dossier,
)
from workflow.reminder_changes import Change, changed_reminders
from workflow.turns import TURNS
from workflow.use_cases.calendars import ReasonForm
from workflow.use_cases.notes import note_change


class MoveForm(Form):
    """One milestone to move."""

    milestone_id = Reference(N_("Échéance"), "milestones", required=True)
    on = Day(N_("Nouvelle date"), required=True)


class MoveDoneForm(MoveForm, ReasonForm):
    """The move once its consequences were seen: `seen` is the fingerprint of the calendar that was shown."""

    seen = fields.String(required=True)


@dataclass(frozen=True, slots=True)
class Changed:
    """One milestone that moves, or got its first day."""

    label: str
    before: date | None
    after: date


@dataclass(frozen=True, slots=True)
class Redue:
    """Dossiers whose due day moves: how many wait for whom, how many are late by then, how many people it touches."""

    state: str
    before: date
    after: date
    dossiers: int
    late: int
    persons: int


@dataclass(frozen=True, slots=True)
class Consequences:
    """What one move would bring about."""

    changed: Sequence[Changed]
    redue: Sequence[Redue]
    reminded: Sequence[Change]
    told: int
    seen: str


def fingerprint(campaign: Campaign) -> str:
    """Names the calendar as it stands, so that a move is not confirmed upon another one."""
    return "-".join(str(row.version) for row in campaign.milestones)


def consequences(
    session: Session, actor: Actor, campaign_id: int, raw: Mapping[str, Any], now: datetime
) -> tuple[Problem, Consequences | Conflict]:
    """What moving one milestone would bring about, or why it cannot move there.

    Raises Forbidden, NotFound, or Invalid.
    """
    actor.require(ADMINISTRATOR)
    campaign, place, day = _asked_move(session, campaign_id, read(MoveForm(), raw))
    today = clock.local_day(now)
    asked, found = campaign_calendar.moved(session, campaign, place, day, today)
    if isinstance(found, Conflict):
        return asked, found
    changed = [row for row in campaign.milestones if row.on != found.days[row.code, row.funder_id]]
    return asked, Consequences(
        [Changed(name_of(row), row.on, found.days[row.code, row.funder_id]) for row in changed],
        _redue(session, campaign, found.days, today),
        changed_reminders(session, campaign.id, found.days),
        len(session.scalars(concerned(campaign)).all()),
        fingerprint(campaign),
    )


def move(session: Session, actor: Actor, campaign_id: int, raw: Mapping[str, Any], now: datetime) -> CalendarVersion:
    """Move one milestone and what must move with it, as one act; everybody concerned is told once.

    Raises Forbidden, NotFound, Invalid, or Refused: impossible, or another calendar than the one shown.
    """
    actor.require(ADMINISTRATOR)
    data = read(MoveDoneForm(), raw)
    campaign, place, day = _asked_move(session, campaign_id, data, lock=True)
    if data["seen"] != fingerprint(campaign):
        raise Refused(
            Reason(
                "calendar_changed",
                N_("Le calendrier a changé depuis que ces conséquences ont été montrées."),
                N_("Regardez-les de nouveau, puis confirmez."),
            )
        )
    _asked, found = campaign_calendar.moved(session, campaign, place, day, clock.local_day(now))
    if isinstance(found, Conflict):
        raise Refused(
            Reason(
                "no_calendar",
                N_("Cette échéance ne peut pas être déplacée à cette date."),
                N_("Choisissez une autre date."),
            )
        )
    begin(session, campaign)
    replace_adopted(session, campaign)
    version = keep_version(session, campaign, actor, "moved", "adopted", data["reason"], found.days, now)
    before = dated(campaign_calendar.days(campaign))
    changed = apply(session, campaign, found.days, now)
    note_change(
        session,
        actor,
        ADMINISTRATOR,
        "move_milestone",
        version,
        now,
        before={name: before[name] for name in dated(days_after(changed))},
        after=dated(days_after(changed)),
        reason=data["reason"],
    )
    tell_everybody(session, version, campaign, changed, data["reason"], actor, now)
    return version


def _asked_move(
    session: Session, campaign_id: int, data: Mapping[str, Any], *, lock: bool = False
) -> tuple[Campaign, Place, date]:
    campaign = locate(session, campaign_id, lock=lock)
    milestone = next((row for row in campaign.milestones if row.id == data["milestone_id"]), None)
    if milestone is None:
        raise Invalid({"milestone_id": [N_("Choisissez dans la liste.")]})
    if not campaign.first <= data["on"] <= campaign.last:
        raise Invalid({"on": [N_("Cette date est hors de la campagne.")]})
    return campaign, (milestone.code, milestone.funder_id), data["on"]


def _redue(session: Session, campaign: Campaign, days: Days, today: date) -> list[Redue]:
    before = campaigns.dates(session, campaign.id)
    after: dict[str, date] = {}
    for (code, _funder_id), on in days.items():
        if on is not None:
            after[code] = max(on, after.get(code, on))
    found = []
    for state, turn in TURNS.items():
        old, new = before.get(turn.milestone or ""), after.get(turn.milestone or "")
        if old is None or new is None or old == new:
            continue
        waiting = and_(Dossier.campaign_id == campaign.id, Dossier.state == state, Dossier.due_on == old)
        count = session.scalars(select(func.count()).select_from(Dossier).where(waiting)).one()
        if count:
            late = count if new < today <= old else 0
            persons = session.scalars(
                select(func.count(func.distinct(BinomeMember.person_id)))
                .join(Dossier, Dossier.id == BinomeMember.dossier_id)
                .where(waiting, BinomeMember.left_at.is_(None))
            ).one()
            found.append(Redue(state, old, new, count, late, persons))
    return found
