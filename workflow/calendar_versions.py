"""Versions of a campaign's calendar: kept, put in the place of the one before, and told to everybody concerned."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR, CONTROLLER, EVALUATOR, FUNDER, TRANSVERSAL
from states.machine import Reason
from states.words import N_
from workflow import campaign_calendar, campaigns
from workflow.access import Actor
from workflow.campaign_calendar import Days
from workflow.errors import NotFound, Refused
from workflow.models import (
    BinomeMember,
    CalendarDate,
    CalendarVersion,
    Campaign,
    Dossier,
    FunderWindow,
    Milestone,
    Person,
    Report,
    RoleGrant,
)
from workflow.reminder_rules import replan
from workflow.tell import write
from workflow.turns import EVALUATION_TURN, TURNS


def locate(session: Session, campaign_id: int, *, lock: bool = False) -> Campaign:
    """The campaign, for no other act to change meanwhile where `lock` says so. Raises NotFound."""
    campaign = session.get(Campaign, campaign_id, with_for_update={"key_share": True} if lock else None)
    if campaign is None:
        raise NotFound("campaign")
    return campaign


def locked(session: Session, version_id: int) -> tuple[CalendarVersion, Campaign]:
    """A version and its campaign, for no other act to change meanwhile. Raises NotFound."""
    version = session.get(CalendarVersion, version_id)
    if version is None:
        raise NotFound("calendar_version")
    campaign = locate(session, version.campaign_id, lock=True)
    session.refresh(version)
    return version, campaign


def must_be_proposed(version: CalendarVersion) -> None:
    """Raises Refused where a version is decided."""
    if version.state != "proposed":
        raise Refused(
            Reason(
                "not_proposed",
                N_("Ce calendrier n'est plus une proposition : il est adopté, remplacé ou abandonné."),
                N_("Ouvrez le calendrier de la campagne pour voir où il en est."),
            )
        )


def in_state(session: Session, campaign: Campaign, state: str) -> Sequence[CalendarVersion]:
    """The campaign's versions in a state."""
    return session.scalars(
        select(CalendarVersion).where(CalendarVersion.campaign_id == campaign.id, CalendarVersion.state == state)
    ).all()


def replace_adopted(session: Session, campaign: Campaign) -> None:
    """Let go of the adopted version."""
    for earlier in in_state(session, campaign, "adopted"):
        earlier.state = "replaced"
    session.flush()


def begin(session: Session, campaign: Campaign) -> None:
    """Keep the days that the campaign was created with as its first version, where none is kept yet."""
    if _next_number(session, campaign) == 1 and any(row.on for row in campaign.milestones):
        first = CalendarVersion(
            campaign_id=campaign.id,
            number=1,
            kind="proposed",
            state="adopted",
            made_at=campaign.created_at,
            adopted_at=campaign.created_at,
        )
        _keep(session, first, campaign_calendar.days(campaign))


def _next_number(session: Session, campaign: Campaign) -> int:
    last = select(func.coalesce(func.max(CalendarVersion.number), 0)).where(CalendarVersion.campaign_id == campaign.id)
    return session.scalars(last).one() + 1


def keep_version(
    session: Session,
    campaign: Campaign,
    actor: Actor,
    kind: str,
    state: str,
    reason: str,
    days: Days,
    now: datetime,
) -> CalendarVersion:
    """Keep a new version with its days."""
    version = CalendarVersion(
        campaign_id=campaign.id,
        number=_next_number(session, campaign),
        kind=kind,
        state=state,
        reason=reason,
        made_at=now,
        made_by_id=actor.person_id,
    )
    if state == "adopted":
        version.adopted_at, version.adopted_by_id = now, actor.person_id
    return _keep(session, version, days)


def _keep(session: Session, version: CalendarVersion, days: Days) -> CalendarVersion:
    version.dates = [CalendarDate(code=code, funder_id=funder, on=on) for (code, funder), on in days.items()]
    session.add(version)
    session.flush()
    return version


def apply(session: Session, campaign: Campaign, days: Days, now: datetime) -> list[tuple[Milestone, date | None]]:
    """Give the campaign its new days, and dossiers what is due by them; the milestones that moved, and from when."""
    due_before = campaigns.dates(session, campaign.id)
    changed = []
    for row in campaign.milestones:
        on = days.get((row.code, row.funder_id), row.on)
        if on != row.on:
            changed.append((row, row.on))
            row.on, row.version, row.moved_at = on, row.version + 1, now
    session.flush()
    move_due_days(session, campaign.id, due_before, campaigns.dates(session, campaign.id), now)
    return changed


_REPORTING = "follow_up"
"""The state in which the turn passes on, with another due day, once the final report is in."""


def move_due_days(
    session: Session, campaign_id: int, before: Mapping[str, date], after: Mapping[str, date], now: datetime
) -> None:
    """Let dossiers be due by the new day of a milestone where they were by the old one; reminders are planned anew."""
    reported = select(Report.id).where(Report.dossier_id == Dossier.id, Report.kind == "final").exists()
    turns = [
        *((Dossier.state == state, turn) for state, turn in TURNS.items() if state != _REPORTING),
        (and_(Dossier.state == _REPORTING, ~reported), TURNS[_REPORTING]),
        (and_(Dossier.state == _REPORTING, reported), EVALUATION_TURN),
    ]
    for waiting, turn in turns:
        code = turn.milestone
        if code is not None and before.get(code) != after.get(code):
            session.execute(
                update(Dossier)
                .where(
                    Dossier.campaign_id == campaign_id,
                    waiting,
                    Dossier.due_on.is_not_distinct_from(before.get(code)),
                )
                .values(due_on=after.get(code), due_version=Dossier.due_version + 1, due_since=now)
            )
    replan(session, Dossier.campaign_id == campaign_id)


def name_of(row: Milestone) -> str:
    """A milestone's label, with its funder's code where it is the funder's own."""
    if row.funder is None:
        return row.label
    return f"{row.label} – {row.funder.funder_code or row.funder.label}"


def _key(code: str, funder_id: Any) -> str:
    return code if funder_id is None else f"{code}:{funder_id}"


def dated(days: Days) -> dict[str, str]:
    """Days as plain JSON, by milestone."""
    return {_key(code, funder): str(on or "") for (code, funder), on in days.items()}


def days_after(changed: Iterable[tuple[Milestone, date | None]]) -> Days:
    """The days of milestones that moved."""
    return {(row.code, row.funder_id): row.on for row, _before in changed}


def asked_funders(campaign: Campaign) -> Any:
    """The funders that have windows in the campaign."""
    return select(FunderWindow.funder_id).where(FunderWindow.campaign_id == campaign.id)


def holders(*where: Any) -> Any:
    """The active persons who hold such a role."""
    return (
        select(RoleGrant.person_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(RoleGrant.ended_at.is_(None), Person.active, *where)
        .distinct()
    )


_OVER = ("inadmissible", "refused", "withdrawn", "cancelled", "closed")


def concerned(campaign: Campaign) -> Any:
    """Whoever works by the campaign's calendar: its agents, the binômes and the carriers of its living dossiers."""
    living = and_(Dossier.campaign_id == campaign.id, Dossier.state.not_in(_OVER))
    seats = (
        select(BinomeMember.person_id)
        .join(Dossier, Dossier.id == BinomeMember.dossier_id)
        .where(BinomeMember.left_at.is_(None), living)
    )
    agents = (ANIMATOR, EVALUATOR, FUNDER, TRANSVERSAL, CONTROLLER)
    return select(Person.id).where(
        Person.active,
        or_(
            Person.id.in_(holders(RoleGrant.role.in_(agents))),
            Person.id.in_(seats),
            Person.id.in_(holders(RoleGrant.organisation_id.in_(select(Dossier.organisation_id).where(living)))),
        ),
    )


def tell_everybody(
    session: Session,
    version: CalendarVersion,
    campaign: Campaign,
    changed: Sequence[tuple[Milestone, date | None]],
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Tell everybody concerned once, of all milestones that moved together."""
    if changed:
        payload = {
            "reason": reason,
            "changes": [
                {"label": name_of(row), "before": before.isoformat() if before else None, "after": str(row.on)}
                for row, before in changed
            ],
        }
        tell(session, version, "calendar_changed", session.scalars(concerned(campaign)), payload, actor, now)


def tell(
    session: Session,
    version: CalendarVersion,
    kind: str,
    persons: Iterable[int],
    payload: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    """Write one message to each of `persons`, but for whoever acts."""
    campaign = session.get_one(Campaign, version.campaign_id)
    write(
        session,
        [
            {
                "key": f"calendar:{version.id}:{kind}:{person}",
                "kind": kind,
                "person_id": person,
                "address": None,
                "dossier_id": None,
                "payload": {**payload, "campaign": campaign.label, "campaign_id": campaign.id},
                "created_at": now,
                "next_at": now,
            }
            for person in sorted(set(persons) - {actor.person_id})
        ],
    )
