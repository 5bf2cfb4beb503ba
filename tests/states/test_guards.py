"""Each guard by name: where it fails and holds, what it says, and which facts it looks at."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.dossier import DOSSIER
from states.facts import Facts
from states.guards import APPEAL_MONTHS, GUARDS, months_after
from states.review import REVIEW
from tests.states.examples import FAILING, HOLDING, TODAY

each_guard = pytest.mark.parametrize("name", GUARDS)


def facts_of(example: dict[str, Any]) -> Facts:
    """The example, on the day of the examples."""
    return Facts(**({"today": TODAY} | example))


class Watched:
    """Facts that remember which of them were read."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.read = facts, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self.facts, name)


def test_every_guard_has_its_examples() -> None:
    assert set(FAILING) == set(HOLDING) == set(GUARDS)
    assert all(FAILING.values())
    assert all(HOLDING.values())


def test_every_guard_is_used_by_a_life() -> None:
    rows = [row for table in (DOSSIER, CONSULTATION, CONTROL, REVIEW) for row in table.rows + table.acts]
    assert {name for row in rows for name in (*row.guards, row.when) if name} == set(GUARDS)


@each_guard
def test_fails_and_holds(name: str) -> None:
    guard = GUARDS[name]
    assert guard.name == name
    for example in FAILING[name]:
        assert not guard.holds(facts_of(example)), example
    for example in HOLDING[name]:
        assert guard.holds(facts_of(example)), example


@each_guard
def test_says_what_is_wrong_and_what_to_do(name: str) -> None:
    guard = GUARDS[name]
    assert guard.failing.endswith(".")
    assert guard.remedy.endswith(".")
    assert guard.failing != guard.remedy
    placeholders = set(re.findall(r"%\((\w+)\)s", guard.failing + guard.remedy))
    for example in FAILING[name]:
        params = guard.params(facts_of(example))
        assert set(params) == placeholders
        assert "%(" not in guard.failing % params + guard.remedy % params


@each_guard
def test_looks_at_the_facts_that_it_declares(name: str) -> None:
    guard, read = GUARDS[name], set[str]()
    for example in FAILING[name] + HOLDING[name]:
        watched = Watched(facts_of(example))
        # It stands for Facts, and watches what is read.
        guard.holds(watched)  # type: ignore[arg-type]
        # As above.
        guard.params(watched)  # type: ignore[arg-type]
        read |= watched.read
    assert read == set(guard.reads)


@pytest.mark.parametrize(
    ("name", "example", "said"),
    [
        ("budget_balanced", {"expenses": 1_234_567_89, "incomes": 5}, "1 234 567,89 € de dépenses et 0,05 € de"),
        ("within_granted", {"amount": 1, "granted": 0, "paid": 150}, "(-1,50 €)"),
        ("members_trained", FAILING["members_trained"][0], "entrée : Instructeur 1."),
        ("pieces_answered", FAILING["pieces_answered"][0], "Statuts, RIB"),
        ("opinions_sealed", {"sealed_opinions": 1}, "1 sur 2"),
    ],
)
def test_says_it_with_the_figures(name: str, example: dict[str, Any], said: str) -> None:
    guard = GUARDS[name]
    assert said in guard.failing % guard.params(facts_of(example))


# months_after


def slow_months_after(day: date, months: int) -> date:
    """The definition, step by step: one month at a time, then back to the last day that exists."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    for number in range(day.day, 27, -1):
        try:
            return date(year, month, number)
        except ValueError:
            continue
    return date(year, month, day.day)


@given(st.dates(max_value=date(9900, 12, 31)), st.integers(0, 60))
def test_months_after_is_its_definition(day: date, months: int) -> None:
    assert months_after(day, months) == slow_months_after(day, months)


@given(st.dates(max_value=date(9900, 12, 31)), st.dates(max_value=date(9900, 12, 31)), st.integers(0, 60))
def test_a_later_notification_never_ends_earlier(one: date, other: date, months: int) -> None:
    first, last = sorted((one, other))
    assert months_after(first, months) <= months_after(last, months)


@pytest.mark.parametrize(
    ("day", "end"),
    [
        ("2025-12-31", "2026-02-28"),
        ("2027-12-31", "2028-02-29"),
        ("2026-12-30", "2027-02-28"),
        ("2026-12-28", "2027-02-28"),
        ("2026-07-31", "2026-09-30"),
        ("2026-10-31", "2026-12-31"),
        ("2026-11-30", "2027-01-30"),
        ("2028-02-29", "2028-04-29"),
        ("9999-10-31", "9999-12-31"),
    ],
)
def test_the_appeal_ends_on_the_last_day_that_exists(day: str, end: str) -> None:
    assert months_after(date.fromisoformat(day), APPEAL_MONTHS) == date.fromisoformat(end)
