"""What the forecast reads: waits in the journal, binômes' loads, and what waits now; at any moment of the past too."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workflow import campaigns, reminder_rules
from workflow.calendars.forecast import ASSIGN, INSTRUCT, Forecast, Observed, Waiting, forecast
from workflow.calendars.working_days import WorkingDays
from workflow.clock import PARIS, local_day
from workflow.models import BinomeMember, Campaign, CommitteeSession, Dossier, Instance, JournalEntry

ACTS = ("submit", "assign", "issue_opinion")
LEFT = ("inadmissible", "withdrawn")
"""States in which no opinion comes any more."""
HISTORY = 4
"""How many campaigns are read, the one forecast included: what a page costs does not grow with the years."""
BEFORE = (30, 20, 10)
"""How many working days before its committee a past campaign is forecast anew."""


@dataclass(slots=True)
class Life:
    """What is known of a dossier at some moment: when it was deposited, given to a binôme, and advised on."""

    id: int
    campaign_id: int
    instance: int
    submitted: datetime
    assigned: datetime | None = None
    opined: datetime | None = None
    over: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """One forecast of the past beside what came: for an instance, so many working days before its committee."""

    before: int
    low: float
    middle: float
    high: float
    came: float
    usual: float | None
    """The share of all opinions in time in the campaign before, to compare with; None where there was none."""

    @property
    def held(self) -> bool:
        """Whether what came lies within the interval."""
        return self.low - 1e-9 <= self.came <= self.high + 1e-9


def predict(session: Session, campaign_id: int, instances: Sequence[int], now: datetime) -> Forecast | None:
    """The forecast for a campaign's dossiers in `instances`, as of `now`; None where too little was observed."""
    lives, seats = _history(session, campaign_id, now)
    on = committees(session, campaign_id, instances, local_day(now))
    return _predict(lives, seats, campaign_id, on, now, reminder_rules.working_days(session))


def check(session: Session, campaign_id: int, now: datetime, before: Sequence[int] = BEFORE) -> list[Checked]:
    """What the forecast would have said some working days before the committees of a past campaign, and what came.

    A day at which too little was observed for a forecast has no row.
    """
    on = campaigns.dates(session, campaign_id).get("technical_committee")
    if on is None or on >= local_day(now):
        return []
    days = reminder_rules.working_days(session)
    lives, seats = _history(session, campaign_id, now)
    places = {row.instance: on for row in lives}
    usual = _usual(session, lives, past_campaign(session, campaign_id))
    found = []
    for ahead in before:
        at = datetime.combine(days.add(on, -ahead), time(8), PARIS)
        said = _predict(_as_of(lives, at), seats, campaign_id, places, at, days)
        for share in said.shares if said else ():
            own = [row for row in lives if (row.campaign_id, row.instance) == (campaign_id, share.instance)]
            own = [row for row in own if row.submitted <= at and not (row.over and row.over <= at)]
            came = sum(row.opined is not None and local_day(row.opined) <= on for row in own)
            if own and share.waiting:
                found.append(Checked(ahead, share.low, share.middle, share.high, came / len(own), usual))
    return found


def _usual(session: Session, lives: Sequence[Life], campaign_id: int | None) -> float | None:
    """The share of a campaign's opinions that were in by its committee."""
    on = campaigns.dates(session, campaign_id).get("technical_committee") if campaign_id is not None else None
    own = [row for row in lives if row.campaign_id == campaign_id and row.over is None]
    if on is None or not own:
        return None
    return sum(row.opined is not None and local_day(row.opined) <= on for row in own) / len(own)


def past_campaign(session: Session, campaign_id: int) -> int | None:
    """The campaign before, the one to check forecasts on."""
    this = select(func.min(Dossier.submitted_at)).where(Dossier.campaign_id == campaign_id).scalar_subquery()
    return session.scalar(
        select(Dossier.campaign_id)
        .where(Dossier.submitted_at < this)
        .group_by(Dossier.campaign_id)
        .order_by(func.max(Dossier.submitted_at).desc())
        .limit(1)
    )


def _predict(
    lives: Sequence[Life],
    seats: Mapping[int, Sequence[int]],
    campaign_id: int,
    committees: Mapping[int, date],
    now: datetime,
    days: WorkingDays,
) -> Forecast | None:
    today = local_day(now)
    waiting, in_time, late = [], Counter[int](), Counter[int]()
    for row in lives:
        on = committees.get(row.instance)
        if row.campaign_id != campaign_id or row.over is not None:
            continue
        if row.opined is not None:
            (in_time if on and local_day(row.opined) <= on else late)[row.instance] += 1
            continue
        since = row.assigned or row.submitted
        elapsed = max(days.between(local_day(since), today), 0)
        stage = INSTRUCT if row.assigned else ASSIGN
        members = tuple(seats.get(row.id, ())) if row.assigned else ()
        waiting.append(Waiting(row.id, row.instance, stage, elapsed, members))
    left = {place: days.between(today, on) for place, on in committees.items()}
    return forecast(_observed(lives, seats, now, days), waiting, left, in_time, late, campaign_id)


def _observed(
    lives: Sequence[Life], seats: Mapping[int, Sequence[int]], now: datetime, days: WorkingDays
) -> list[Observed]:
    """Every wait, the loads at its beginning counted from the binômes' open dossiers at that moment."""
    starts: dict[int, list[datetime]] = defaultdict(list)
    ends: dict[int, list[datetime]] = defaultdict(list)
    for row in lives:
        if row.assigned:
            for person in seats.get(row.id, ()):
                insort(starts[person], row.assigned)
                if done := row.opined or row.over:
                    insort(ends[person], done)
    found = []
    for row in lives:
        broken_off = row.over or now
        end = row.assigned or broken_off
        span = max(days.between(local_day(row.submitted), local_day(end)), 0)
        found.append(Observed(ASSIGN, span, row.assigned is not None))
        if row.assigned:
            load = max(
                (
                    bisect_right(starts[person], row.assigned) - bisect_left(ends[person], row.assigned)
                    for person in seats.get(row.id, ())
                ),
                default=1,
            )
            end = row.opined or broken_off
            span = max(days.between(local_day(row.assigned), local_day(end)), 0)
            found.append(Observed(INSTRUCT, span, row.opined is not None, max(load, 1)))
    return found


def _as_of(lives: Sequence[Life], at: datetime) -> list[Life]:
    """What was known at a moment."""

    def by(moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment <= at else None

    return [
        Life(row.id, row.campaign_id, row.instance, row.submitted, by(row.assigned), by(row.opined), by(row.over))
        for row in lives
        if row.submitted <= at
    ]


def _history(session: Session, campaign_id: int, now: datetime) -> tuple[list[Life], Mapping[int, Sequence[int]]]:
    """The dossiers of a campaign and of the ones just before it, and who sits in their binômes."""
    this = session.get_one(Campaign, campaign_id)
    read = session.scalars(
        select(Campaign.id)
        .where(Campaign.first <= this.first)
        .order_by((Campaign.id == campaign_id).desc(), Campaign.first.desc())
        .limit(HISTORY)
    ).all()
    return _lives(session, read, now), _seats(session, read)


def _lives(session: Session, read: Sequence[int], now: datetime) -> list[Life]:
    rows = session.execute(
        select(
            Dossier.id,
            Dossier.campaign_id,
            Dossier.instance_id,
            Dossier.submitted_at,
            Dossier.state,
            Dossier.state_since,
        )
        .where(Dossier.campaign_id.in_(read), Dossier.submitted_at.is_not(None), Dossier.instance_id.is_not(None))
        .order_by(Dossier.id)
    )
    lives: dict[int, Life] = {}
    for row in rows:
        over = row.state_since if row.state in LEFT else None
        lives[row.id] = Life(row.id, row.campaign_id, row.instance_id, row.submitted_at, over=over)
    entries = session.execute(
        select(JournalEntry.dossier_id, JournalEntry.act, JournalEntry.at)
        .join(Dossier, Dossier.id == JournalEntry.dossier_id)
        .where(Dossier.campaign_id.in_(read), JournalEntry.act.in_(ACTS), JournalEntry.at <= now)
        .order_by(JournalEntry.seq)
    )
    for dossier_id, act, at in entries:
        life = lives.get(dossier_id or 0)
        if life is None:
            continue
        if act == "assign" and life.assigned is None:
            life.assigned = at
        elif act == "issue_opinion":
            life.opined, life.assigned = life.opined or at, life.assigned or at
    return list(lives.values())


def _seats(session: Session, read: Sequence[int]) -> Mapping[int, Sequence[int]]:
    seats: dict[int, list[int]] = defaultdict(list)
    rows = session.execute(
        select(BinomeMember.dossier_id, BinomeMember.person_id)
        .join(Dossier, Dossier.id == BinomeMember.dossier_id)
        .where(Dossier.campaign_id.in_(read), BinomeMember.left_at.is_(None))
    )
    for dossier_id, person_id in rows:
        seats[dossier_id].append(person_id)
    return seats


def committees(session: Session, campaign_id: int, instances: Sequence[int], today: date) -> dict[int, date]:
    """The campaign's day of committees while it is to come; then the next session of each instance."""
    common = campaigns.dates(session, campaign_id).get("technical_committee")
    rows = session.execute(
        select(Instance.id, func.min(CommitteeSession.on))
        .outerjoin(
            CommitteeSession,
            (CommitteeSession.instance_id == Instance.id)
            & (CommitteeSession.campaign_id == campaign_id)
            & (CommitteeSession.on >= today)
            & CommitteeSession.cancelled_at.is_(None),
        )
        .where(Instance.id.in_(instances))
        .group_by(Instance.id)
        .order_by(Instance.id)
    )
    found = {place: common if common and common >= today else on or common for place, on in rows}
    return {place: on for place, on in found.items() if on is not None}
