"""French working days: Monday to Friday, public holidays excluded. Pure.

Whit Monday of 2005 to 2007 counts as worked, as it then was by law (the day of solidarity).
"""

from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

_ALSACE_MOSELLE = "57"
_DAY = timedelta(days=1)


@lru_cache(maxsize=512)
def public_holidays(year: int, *, alsace_moselle: bool = False) -> frozenset[date]:
    """Public holidays of metropolitan France in a year; in Alsace and Moselle, Good Friday and 26 December too."""
    return frozenset(country_holidays("FR", subdiv=_ALSACE_MOSELLE if alsace_moselle else None, years=year))


def is_working_day(day: date, *, alsace_moselle: bool = False) -> bool:
    """Whether people work on `day`."""
    return day.weekday() < 5 and day not in public_holidays(day.year, alsace_moselle=alsace_moselle)


def next_working_day(day: date, *, alsace_moselle: bool = False) -> date:
    """`day` itself when it is worked, else the first working day after it."""
    while not is_working_day(day, alsace_moselle=alsace_moselle):
        day += _DAY
    return day


def add_working_days(day: date, count: int, *, alsace_moselle: bool = False) -> date:
    """The `count`-th working day after `day` (before it, for a negative count). For zero, `next_working_day`."""
    if count == 0:
        return next_working_day(day, alsace_moselle=alsace_moselle)
    step = _DAY if count > 0 else -_DAY
    for _ in range(abs(count)):
        day += step
        while not is_working_day(day, alsace_moselle=alsace_moselle):
            day += step
    return day


def working_days_between(start: date, end: date, *, alsace_moselle: bool = False) -> int:
    """How many working days come after `start`, up to and with `end`; negative when `end` lies before `start`."""
    if end < start:
        return -working_days_between(end, start, alsace_moselle=alsace_moselle)
    days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(is_working_day(day, alsace_moselle=alsace_moselle) for day in days)
