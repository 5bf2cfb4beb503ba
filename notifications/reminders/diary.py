"""When somebody may be reminded: their hour, on days on which they work and are there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.calendars.working_days import WorkingDays
from workflow.clock import PARIS, local_day
from workflow.models import Absence, Closure, Person, ReminderPreference
from workflow.reminder_rules import calendar_of

HOUR = 8
"""The hour of Paris for who did not choose one."""

FAR = timedelta(days=3 * 366)
"""Who says that they are away for longer is looked for again by then: a calendar has to end somewhere."""


@dataclass(frozen=True, slots=True)
class Diary:
    """Somebody's working days, and when on them they want to be reminded."""

    days: WorkingDays
    hour: int = HOUR
    by_mail: bool = True

    def next_instant(self, day: date) -> datetime:
        """Their hour on the first day, from `day` on, on which they are there."""
        return datetime.combine(self.days.following(day), time(self.hour), PARIS).astimezone(UTC)

    def open_at(self, now: datetime) -> bool:
        """Whether they may be reminded now: today, from their hour on."""
        return self.next_instant(local_day(now)) <= now


def diaries(session: Session, persons: Iterable[int], today: date) -> Mapping[int, Diary]:
    """The diary of each person, with the closures of everybody, of their institution, and their absences."""
    wanted = set(persons)
    horizon = today + FAR
    general: list[tuple[date, date]] = []
    closed: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for institution, first, last in session.execute(select(Closure.institution_id, Closure.first, Closure.last)):
        (general if institution is None else closed[institution]).append((first, min(last, horizon)))
    away: dict[int, list[tuple[date, date]]] = defaultdict(list)
    absences = select(Absence.person_id, Absence.first, Absence.last).where(Absence.person_id.in_(wanted))
    for person, first, last in session.execute(absences):
        away[person].append((first, min(last, horizon)))
    rows = session.execute(
        select(Person.id, Person.institution_id, ReminderPreference.hour, ReminderPreference.by_mail)
        .outerjoin(ReminderPreference, ReminderPreference.person_id == Person.id)
        .where(Person.id.in_(wanted))
    )
    return {
        person: Diary(
            calendar_of(tuple(sorted({*general, *closed.get(institution or 0, ()), *away[person]}))),
            HOUR if hour is None else hour,
            by_mail is not False,
        )
        for person, institution, hour, by_mail in rows
    }
