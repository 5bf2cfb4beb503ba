"""Who would have been reminded of what over a campaign, had a rule been in force: told from the journal."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from notifications.reminders.asked import Told, asked, subjects, told_by
from notifications.reminders.diary import HOUR
from notifications.reminders.plan import fall
from notifications.reminders.situation import Situation, load
from states.dossier import EVALUATOR
from workflow import reminder_rules
from workflow.calendars.working_days import WorkingDays
from workflow.clock import PARIS
from workflow.models import Campaign, CommitteeSession, Dossier, JournalEntry, Person, Piece, ReminderRule
from workflow.reminder_rules import RuleLike
from workflow.turns import EVALUATION_TURN, TURNS

BATCH = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One reminder that would have come: the day, to whom, as what, about which dossier, at which rung."""

    day: date
    recipient: str
    role: str
    dossier_id: int
    dossier: str
    rung: int


@dataclass(frozen=True, slots=True)
class Stay:
    """A dossier's time in a state, and by when it was due then."""

    first: datetime
    last: datetime
    due_on: date | None


def last_campaign(session: Session) -> Campaign | None:
    """The latest campaign to which a dossier was submitted."""
    return session.scalar(
        select(Campaign)
        .where(select(Dossier.id).where(Dossier.campaign_id == Campaign.id, Dossier.number.is_not(None)).exists())
        .order_by(Campaign.first.desc())
        .limit(1)
    )


def preview(session: Session, rule: RuleLike, campaign_id: int, now: datetime) -> list[Line]:
    """What `rule` (stored, or only being tried) would have sent until `now`, in the order of days.

    A rule of the territory leaves out the instances that have their own. Milestones count at the days that they have
    now; absences and chosen hours are left out, as they move a reminder and do not make or take one.
    """
    lines: list[Line] = []
    if rule.active:
        days = reminder_rules.working_days(session)
        for ids in _dossiers(session, rule, campaign_id):
            lines += _lines(session, rule, ids, days, now)
    return sorted(lines, key=lambda line: (line.day, line.dossier_id, line.recipient))


def _dossiers(session: Session, rule: RuleLike, campaign_id: int) -> Iterator[Sequence[int]]:
    statement = select(Dossier.id).where(Dossier.campaign_id == campaign_id).order_by(Dossier.id)
    if rule.instance_id is not None:
        statement = statement.where(Dossier.instance_id == rule.instance_id)
    else:
        own = select(ReminderRule.instance_id).where(
            ReminderRule.code == rule.code, ReminderRule.instance_id.is_not(None)
        )
        statement = statement.where(func.coalesce(Dossier.instance_id, 0).not_in(own))
    last = 0
    while ids := session.scalars(statement.where(Dossier.id > last).limit(BATCH)).all():
        yield ids
        last = ids[-1]


def _lines(session: Session, rule: RuleLike, ids: Sequence[int], days: WorkingDays, now: datetime) -> Iterator[Line]:
    found = load(session, ids)
    stays = _stays(session, rule, found, now)
    told = [
        (dossier.id, on_day, one, rung)
        for dossier in found.values()
        for stay in stays.get(dossier.id, ())
        for on_day, one, rung in _told(rule, dossier, stay, days)
    ]
    persons = {one.person_id for _, _, one, _ in told}
    people = session.execute(select(Person.id, Person.name).where(Person.id.in_(persons)))
    names = {row.id: row.name for row in people}
    dossiers = session.execute(select(Dossier.id, Dossier.number).where(Dossier.id.in_(found)))
    numbers = {row.id: row.number or "" for row in dossiers}
    for dossier_id, on_day, one, rung in told:
        recipient = one.address or names.get(one.person_id or 0, "")
        yield Line(on_day, recipient, one.role, dossier_id, numbers[dossier_id], rung)


def _told(rule: RuleLike, dossier: Situation, stay: Stay, days: WorkingDays) -> Iterator[tuple[date, Told, int]]:
    then = replace(dossier, state=rule.state, state_since=stay.first, due_on=stay.due_on, due_since=None)
    for subject in subjects(rule, then, None):
        for rung, on_day in fall(rule, subject, days).items():
            at = datetime.combine(on_day, time(HOUR), PARIS).astimezone(UTC)
            if stay.first <= at < stay.last:
                undone = asked(rule, then, subject, at)
                for one in told_by(rule, then, subject, rung, on_day, undone, undone, at):
                    yield on_day, one, rung


def _stays(
    session: Session, rule: RuleLike, found: Mapping[int, Situation], now: datetime
) -> Mapping[int, Sequence[Stay]]:
    """When each dossier was in the rule's state; the smaller lives' states have other names."""
    entries = session.execute(
        select(JournalEntry.dossier_id, JournalEntry.at, JournalEntry.from_state, JournalEntry.to_state)
        .where(
            JournalEntry.dossier_id.in_(found),
            JournalEntry.from_state.is_distinct_from(JournalEntry.to_state),
            (JournalEntry.from_state == rule.state) | (JournalEntry.to_state == rule.state),
        )
        .order_by(JournalEntry.seq)
    )
    bounds: dict[int | None, list[datetime]] = defaultdict(list)
    for dossier_id, at, _left, entered in entries:
        if (entered == rule.state) == (len(bounds[dossier_id]) % 2 == 0):
            bounds[dossier_id].append(at)
    given = _given_days(session, list(found))
    stays = defaultdict(list)
    for dossier_id, dossier in found.items():
        instants = bounds.get(dossier_id, [])
        for first, last in zip(instants[::2], [*instants[1::2], now], strict=False):
            stays[dossier_id].append(Stay(first, last, _due_then(rule, dossier, given, first)))
    return stays


def _given_days(session: Session, ids: Sequence[int]) -> Mapping[tuple[int, datetime | None], date]:
    """Due days that no milestone says: of a completion by when it was asked, of a decision that of its session."""
    pieces = session.execute(
        select(Piece.dossier_id, Piece.asked_at, func.max(Piece.due_on))
        .where(Piece.dossier_id.in_(ids))
        .group_by(Piece.dossier_id, Piece.asked_at)
    )
    meetings = session.execute(
        select(Dossier.id, CommitteeSession.on)
        .join(CommitteeSession, CommitteeSession.id == Dossier.session_id)
        .where(Dossier.id.in_(ids))
    )
    days: dict[tuple[int, datetime | None], date] = {(key, asked_at): due_on for key, asked_at, due_on in pieces}
    return days | {(key, None): on for key, on in meetings}


def _due_then(
    rule: RuleLike, dossier: Situation, given: Mapping[tuple[int, datetime | None], date], first: datetime
) -> date | None:
    if rule.state == "incomplete":
        return given.get((dossier.id, first))
    if rule.state == "funding_decision" and (dossier.id, None) in given:
        return given[dossier.id, None]
    turn = EVALUATION_TURN if rule.asked == EVALUATOR else TURNS.get(rule.state)
    days = dossier.milestones.get(turn.milestone, ()) if turn and turn.milestone else ()
    return max((day.on for day in days), default=None)
