"""French working days, against an independent reckoning of the holidays and the plain words of the rules."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.calendars.working_days import (
    WorkingDays,
    add_working_days,
    is_working_day,
    next_working_day,
    public_holidays,
    working_days_between,
)

DAYS = st.dates(date(1990, 1, 15), date(2099, 12, 1))
COUNTS = st.integers(1, 300)
FIXED = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))


def easter(year: int) -> date:
    """The Sunday of Easter, by Meeus's method."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@pytest.mark.parametrize("alsace_moselle", [False, True])
def test_holidays_of_every_year(alsace_moselle: bool) -> None:
    for year in range(1990, 2101):
        sunday = easter(year)
        moving = [1, 39] if 2005 <= year <= 2007 else [1, 39, 50]
        expected = {date(year, *day) for day in FIXED} | {sunday + timedelta(days=days) for days in moving}
        if alsace_moselle:
            expected |= {sunday - timedelta(days=2), date(year, 12, 26)}
        assert public_holidays(year, alsace_moselle=alsace_moselle) == expected


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2012, 4, 6), True),  # Good Friday
        (date(2012, 4, 9), False),  # Easter Monday
        (date(2012, 5, 17), False),  # Ascension
        (date(2012, 5, 18), True),
        (date(2012, 5, 19), False),  # Saturday
        (date(2012, 5, 28), False),  # Whit Monday
        (date(2012, 12, 26), True),
    ],
)
def test_known_days(day: date, worked: bool) -> None:
    assert is_working_day(day) is worked


def test_days_of_alsace_and_moselle() -> None:
    assert not is_working_day(date(2012, 4, 6), alsace_moselle=True)
    assert not is_working_day(date(2012, 12, 26), alsace_moselle=True)
    assert add_working_days(date(2012, 4, 5), 1, alsace_moselle=True) == date(2012, 4, 10)


def test_known_sums() -> None:
    assert add_working_days(date(2012, 4, 27), 5) == date(2012, 5, 7)  # over the 1st of May
    assert add_working_days(date(2012, 5, 7), -5) == date(2012, 4, 27)
    assert add_working_days(date(2012, 5, 5), 1) == date(2012, 5, 7)  # from a Saturday
    assert add_working_days(date(2012, 5, 5), 0) == date(2012, 5, 7)


@given(DAYS)
def test_the_next_working_day_is_the_first_one(day: date) -> None:
    found = next_working_day(day)
    assert is_working_day(found)
    assert found >= day
    assert not any(is_working_day(day + timedelta(days=n)) for n in range((found - day).days))


@given(DAYS, COUNTS)
def test_adding_and_counting_undo_each_other(day: date, count: int) -> None:
    later = add_working_days(day, count)
    assert is_working_day(later)
    assert working_days_between(day, later) == count
    assert working_days_between(later, day) == -count
    earlier = add_working_days(day, -count)
    assert is_working_day(earlier)
    start = next_working_day(day)
    assert add_working_days(add_working_days(start, count), -count) == start


@given(DAYS, COUNTS, COUNTS)
def test_sums_add_up(day: date, first: int, second: int) -> None:
    assert add_working_days(add_working_days(day, first), second) == add_working_days(day, first + second)


@given(DAYS, DAYS, st.integers(0, 60))
def test_a_later_start_never_ends_earlier(one: date, other: date, count: int) -> None:
    early, late = sorted((one, other))
    assert add_working_days(early, count) <= add_working_days(late, count)


@given(DAYS, st.integers(0, 400), st.integers(0, 400))
def test_counting_adds_up(day: date, first: int, second: int) -> None:
    middle, end = day + timedelta(days=first), day + timedelta(days=first + second)
    assert working_days_between(day, middle) + working_days_between(middle, end) == working_days_between(day, end)


# Closures


def closures() -> st.SearchStrategy[tuple[tuple[date, date], ...]]:
    """Spells of closed days about the turn of a year, some of them overlapping, some long."""
    spell = st.tuples(st.integers(-300, 300), st.integers(0, 40))
    start = date(2012, 1, 1)
    return st.lists(spell, max_size=4).map(
        lambda spells: tuple((start + timedelta(days=n), start + timedelta(days=n + length)) for n, length in spells)
    )


@given(closures(), st.booleans(), st.integers(-400, 400), st.integers(-90, 90))
def test_closures_are_not_worked(
    closed: tuple[tuple[date, date], ...], alsace_moselle: bool, offset: int, count: int
) -> None:
    working = WorkingDays(closed, alsace_moselle)
    day = date(2012, 1, 1) + timedelta(days=offset)
    around = [day + timedelta(days=number) for number in range(-500, 501)]
    worked = [
        other
        for other in around
        if is_working_day(other, alsace_moselle=alsace_moselle)
        and not any(first <= other <= last for first, last in closed)
    ]
    assert [other for other in around if working.is_worked(other)] == worked
    assert working.within(around[0], around[-1]) == worked
    later, earlier = ([o for o in worked if o > day], [o for o in reversed(worked) if o < day])
    assert working.following(day) == (day if day in worked else later[0])
    expected = later[count - 1] if count > 0 else earlier[-count - 1] if count else working.following(day)
    assert working.add(day, count) == expected
    other = day + timedelta(days=count)
    assert working.between(day, other) == (1 if count >= 0 else -1) * sum(
        min(day, other) < one <= max(day, other) for one in worked
    )


@pytest.mark.parametrize("alsace_moselle", [False, True])
def test_all_days_from_1990_to_2100(alsace_moselle: bool) -> None:
    working = WorkingDays(alsace_moselle=alsace_moselle)
    first, last = date(1990, 1, 1), date(2100, 12, 31)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    worked = [day for day in days if is_working_day(day, alsace_moselle=alsace_moselle)]
    assert working.within(first, last) == worked
    assert working.between(first, last) == len(worked)
    assert [working.add(worked[0], number) for number in range(0, len(worked), 97)] == worked[::97]
    assert [working.add(worked[-1], -number) for number in range(0, len(worked), 97)] == worked[::-97]
