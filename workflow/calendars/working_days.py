"""French working days: Monday to Friday, public holidays and closures excluded. Pure.

Whit Monday of 2005 to 2007 counts as worked, as it then was by law (the day of solidarity).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from holidays import country_holidays

_ALSACE_MOSELLE = "57"


@lru_cache(maxsize=512)
def public_holidays(year: int, *, alsace_moselle: bool = False) -> frozenset[date]:
    """Public holidays of metropolitan France in a year; in Alsace and Moselle, Good Friday and 26 December too."""
    return frozenset(country_holidays("FR", subdiv=_ALSACE_MOSELLE if alsace_moselle else None, years=year))


@lru_cache(maxsize=512)
def _open_days(year: int, alsace_moselle: bool) -> Sequence[int]:
    """The ordinals of a year's days that are neither at a week-end nor a public holiday."""
    free = {day.toordinal() for day in public_holidays(year, alsace_moselle=alsace_moselle)}
    days = range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)
    return tuple(day for day in days if (day - 1) % 7 < 5 and day not in free)


@dataclass(frozen=True)
class WorkingDays:
    """The days on which an institution works: neither at week-ends, nor on public holidays, nor during `closures`.

    Each closure is its first and its last day, both closed. Days are counted from a list per year, made once.
    """

    closures: tuple[tuple[date, date], ...] = ()
    alsace_moselle: bool = False
    _years: dict[int, Sequence[int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def is_worked(self, day: date) -> bool:
        """Whether people work on `day`."""
        return (
            day.weekday() < 5
            and day not in public_holidays(day.year, alsace_moselle=self.alsace_moselle)
            and not any(first <= day <= last for first, last in self.closures)
        )

    def following(self, day: date) -> date:
        """`day` itself when it is worked, else the first working day after it."""
        return self._day(day.year, bisect_left(self._of(day.year), day.toordinal()))

    def add(self, day: date, count: int) -> date:
        """The `count`-th working day after `day` (before it, for a negative count). For zero, `following`."""
        if count > 0:
            return self._day(day.year, bisect_right(self._of(day.year), day.toordinal()) + count - 1)
        return self._day(day.year, bisect_left(self._of(day.year), day.toordinal()) + count)

    def between(self, start: date, end: date) -> int:
        """How many working days come after `start`, up to and with `end`; negative when `end` lies before `start`."""
        if end < start:
            return -self.between(end, start)
        before = bisect_right(self._of(start.year), start.toordinal())
        whole = sum(len(self._of(year)) for year in range(start.year, end.year))
        return whole + bisect_right(self._of(end.year), end.toordinal()) - before

    def within(self, first: date, last: date) -> list[date]:
        """The working days from `first` to `last`, both included."""
        low, high = first.toordinal(), last.toordinal()
        years = range(first.year, last.year + 1)
        return [date.fromordinal(day) for year in years for day in self._of(year) if low <= day <= high]

    def _day(self, year: int, place: int) -> date:
        """The working day at `place` in the list of `year`; places outside go on in the years around."""
        while place < 0:
            year -= 1
            place += len(self._of(year))
        while place >= len(self._of(year)):
            place -= len(self._of(year))
            year += 1
        return date.fromordinal(self._of(year)[place])

    def _of(self, year: int) -> Sequence[int]:
        """The ordinals of the year's working days."""
        days = self._years.get(year)
        if days is None:
            closed = [(first.toordinal(), last.toordinal()) for first, last in self.closures]
            days = self._years[year] = [
                day
                for day in _open_days(year, self.alsace_moselle)
                if not any(first <= day <= last for first, last in closed)
            ]
        return days


_PLAIN: Mapping[bool, WorkingDays] = {here: WorkingDays(alsace_moselle=here) for here in (False, True)}


def is_working_day(day: date, *, alsace_moselle: bool = False) -> bool:
    """Whether people work on `day`."""
    return _PLAIN[alsace_moselle].is_worked(day)


def next_working_day(day: date, *, alsace_moselle: bool = False) -> date:
    """`day` itself when it is worked, else the first working day after it."""
    return _PLAIN[alsace_moselle].following(day)


def add_working_days(day: date, count: int, *, alsace_moselle: bool = False) -> date:
    """The `count`-th working day after `day` (before it, for a negative count). For zero, `next_working_day`."""
    return _PLAIN[alsace_moselle].add(day, count)


def working_days_between(start: date, end: date, *, alsace_moselle: bool = False) -> int:
    """How many working days come after `start`, up to and with `end`; negative when `end` lies before `start`."""
    return _PLAIN[alsace_moselle].between(start, end)
