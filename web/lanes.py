"""The picture of a campaign's calendar: a lane for the common milestones and one for each funder, in per cent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from babel.dates import format_date
from flask_babel import get_locale

from workflow.models import Closure
from workflow.queries.admin_campaigns import Step


@dataclass(frozen=True, slots=True)
class Mark:
    """A milestone's day. `tone` is « done », « coming » or « missed » (outside a window)."""

    x: str
    number: int
    level: int
    tone: str
    label: str
    on: date


@dataclass(frozen=True, slots=True)
class Band:
    """A span of days."""

    x: str
    width: str
    missed: bool = False


@dataclass(slots=True)
class Lane:
    """What is common, or one funder's."""

    name: str | None
    marks: list[Mark] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    closed: list[Band] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picture:
    """The lanes, the months above them (`x`, name) and today, where it lies between the first and the last day."""

    lanes: Sequence[Lane]
    months: Sequence[tuple[str, str]]
    today: str | None


_LEVELS = 3
"""Neighbouring marks stand on so many heights, so that their numbers can be read."""


def picture(steps: Sequence[Step], closures: Sequence[Closure], today: date) -> Picture | None:
    """The picture of dated milestones; None where none is dated."""
    days = [step.on for step in steps if step.on]
    days += [day for step in steps for window in step.windows for day in (window.earliest, window.latest)]
    if not days:
        return None
    first, last = min(days).replace(day=1), max(days) + timedelta(days=10)
    span = (last - first).days

    def x(day: date) -> str:
        return f"{100 * (min(max(day, first), last) - first).days / span:.2f}"

    def band(start: date, end: date, *, missed: bool = False) -> Band:
        start, end = max(start, first), min(end + timedelta(days=1), last)
        return Band(x(start), f"{max(100 * (end - start).days / span, 0.4):.2f}", missed)

    numbers = {code: number for number, code in enumerate(dict.fromkeys(step.code for step in steps), start=1)}
    common = Lane(None)
    lanes: dict[object, Lane] = {}
    for step in steps:
        for window in step.windows:
            lanes.setdefault(window.funder_id, Lane(window.funder))
        if step.funder_id is not None:
            lanes.setdefault(step.funder_id, Lane(step.funder))
    for step in steps:
        missed = {window.funder_id for window in step.missed}
        for window in step.windows:
            lanes[window.funder_id].bands.append(
                band(window.earliest, window.latest, missed=window.funder_id in missed)
            )
        if step.on is None:
            continue
        own = [step.funder_id] if step.funder_id is not None else [None, *(row.funder_id for row in step.windows)]
        for funder in own:
            lane = common if funder is None else lanes[funder]
            tone = "missed" if funder in missed else "done" if step.on < today else "coming"
            level = len(lane.marks) % _LEVELS
            lane.marks.append(Mark(x(step.on), numbers[step.code], level, tone, step.name, step.on))
    for closure in closures:
        if closure.last >= first and closure.first <= last:
            for funder, lane in [(None, common), *lanes.items()]:
                if closure.institution_id in (None, funder):
                    lane.closed.append(band(closure.first, closure.last))
    return Picture([common, *lanes.values()], _months(first, last, x), x(today) if first <= today <= last else None)


def _months(first: date, last: date, x: Callable[[date], str]) -> list[tuple[str, str]]:
    months, day = [], first
    step = 1 if (last - first).days < 240 else 3
    while day <= last:
        pattern = "MMM y" if day.month == 1 or day == first else "MMM"
        months.append((x(day), format_date(day, pattern, locale=str(get_locale() or "fr"))))
        month = day.month - 1 + step
        day = date(day.year + month // 12, month % 12 + 1, 1)
    return months
