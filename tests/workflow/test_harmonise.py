"""The harmoniser, against calendars worked out by trying every day; and what it says of known ones."""

from datetime import date
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from tests.workflow.calendar_cases import Trial, random_problem, smallest_conflict
from workflow.calendars.harmonise import harmonise
from workflow.calendars.problem import Closure, Conflict, Fixed, Milestone, Problem, Solution, Window, without


def check_solution(trial: Trial, answer: Solution | Conflict) -> None:
    """The answer is the cheapest calendar and the earliest of those, as trying every day finds it."""
    best = trial.best()
    assert best is not None
    assert isinstance(answer, Solution)
    assert list(answer.days) == trial.places
    assert (answer.cost, tuple(answer.days.values())) == best


def check_conflict(problem: Problem, answer: Solution | Conflict) -> None:
    """The answer's constraints cannot hold together, each is needed, none could do with fewer; so do the moves."""
    assert isinstance(answer, Conflict)
    assert answer.missing > 0
    assert not Trial(problem, answer.constraints).feasible
    assert all(Trial(problem, without(answer.constraints, row)).feasible for row in answer.constraints)
    assert (
        len(answer.constraints) == smallest_conflict(problem, below=min(len(answer.constraints), 4))
        or len(answer.constraints) > 4
    )
    assert [move.constraint for move in answer.relaxations] == [r for r in answer.constraints if r.kind == "window"]
    for move in answer.relaxations:
        rest = Trial(problem, without(problem.constraints, move.constraint))
        named = [number for number, place in enumerate(rest.places) if rest.names(move.constraint, place)]
        days = [calendar[named[0]] for calendar in rest.calendars()]
        nearest = min if move.constraint.bound == "latest" else max
        assert move.to == nearest(days, default=None)


@pytest.mark.parametrize("batch", range(4))
def test_random_calendars_agree_with_trying_every_day(batch: int) -> None:
    outcomes = {True: 0, False: 0}
    for seed in range(500 * batch, 500 * (batch + 1)):
        problem = random_problem(Random(seed))
        trial = Trial(problem)
        outcomes[trial.feasible] += 1
        if trial.feasible:
            check_solution(trial, harmonise(problem))
        else:
            check_conflict(problem, harmonise(problem))
    assert min(outcomes.values()) > 80


def test_larger_calendars_agree_with_an_integer_program() -> None:
    outcomes = {True: 0, False: 0}
    for seed in range(120):
        problem = random_problem(Random(f"large {seed}"), span=60, milestones=6, windows=5)
        wanted, found = programmed(problem), harmonise(problem)
        outcomes[wanted is not None] += 1
        if wanted is None:
            assert isinstance(found, Conflict)
        else:
            assert isinstance(found, Solution)
            assert (found.cost, list(found.days.values())) == wanted
    assert min(outcomes.values()) > 10


def programmed(problem: Problem) -> tuple[int, list[date]] | None:
    """The least cost and the earliest calendar at that cost, by an integer program with a yes or no per date and day.

    Of the calendars at the least cost the earliest has the least sum of day numbers: were another's date earlier, the
    earlier of both dates, milestone by milestone, would be a calendar too.
    """
    trial = Trial(problem)
    count, days = len(trial.places), len(trial.days)
    if not count:
        return 0, []
    if not all(trial.choices):
        return None
    numbers = np.arange(days)
    cost = np.zeros((count, days))
    for number, place in enumerate(trial.places):
        for window in problem.windows:
            if window.preferred is not None and trial.names(window, place):
                cost[number] += [trial.distance(day, window.preferred) for day in trial.days]
    allowed = np.zeros((count, days))
    for number, choice in enumerate(trial.choices):
        allowed[number, choice] = 1
    rows, low, high = [], [], []
    for number in range(count):
        rows.append(np.eye(count)[number][:, None] * np.ones(days))
        low.append(1)
        high.append(1)
    for number, rules in enumerate(trial.rules):
        for other, least, most in rules:
            row = np.zeros((count, days))
            row[number] += numbers
            row[other] -= numbers
            rows.append(row)
            low.append(least)
            high.append(most)
    answer = milp(
        (cost * count * days + numbers).ravel(),
        integrality=np.ones(count * days),
        bounds=Bounds(0, allowed.ravel()),
        constraints=LinearConstraint(np.stack(rows).reshape(len(rows), -1), low, high),
        options={"mip_rel_gap": 0},
    )
    if answer.x is None:
        return None
    chosen = answer.x.reshape(count, days).argmax(axis=1)
    return int(cost[np.arange(count), chosen].sum()), [trial.days[number] for number in chosen]


FIRST, LAST = date(2012, 1, 2), date(2012, 3, 30)


def calendar(*windows: Window, steps: tuple[Milestone, ...] = (), **more: Any) -> Solution | Conflict:
    """The answer for a deposit and, at least 25 working days later, an opinion."""
    plain = (Milestone("deposit", "Dépôt"), Milestone("opinion", "Instruction", "deposit", 25))
    return harmonise(Problem(FIRST, LAST, steps or plain, windows, **more))


def rows(found: Solution | Conflict) -> list[tuple[str, str | None, Any, str | None]]:
    assert isinstance(found, Conflict)
    return [(row.kind, row.milestone, row.funder, row.bound) for row in found.constraints]


def test_what_is_missing_is_counted_and_what_would_lift_it_named() -> None:
    found = calendar(
        Window("CAF", "deposit", date(2012, 1, 10), date(2012, 1, 20)),
        Window("État", "opinion", date(2012, 1, 10), date(2012, 2, 6)),
    )
    assert rows(found) == [
        ("window", "deposit", "CAF", "earliest"),
        ("gap", "opinion", None, "min_gap"),
        ("window", "opinion", "État", "latest"),
    ]
    assert isinstance(found, Conflict)
    assert found.missing == 6
    assert [move.to for move in found.relaxations] == [date(2012, 1, 2), date(2012, 2, 14)]


def test_no_single_move_helps_where_two_conflicts_stand() -> None:
    found = calendar(
        Window("CAF", "deposit", date(2012, 1, 10), date(2012, 1, 20)),
        Window("État", "deposit", date(2012, 1, 24), date(2012, 1, 26)),
        Window("Région", "opinion", date(2012, 1, 3), date(2012, 1, 4)),
        Window("CAVM", "opinion", date(2012, 2, 27), date(2012, 3, 4)),
    )
    assert isinstance(found, Conflict)
    assert {move.to for move in found.relaxations} == {None}


def test_a_window_of_closed_days_alone_has_no_date() -> None:
    holidays = Window("CAF", "deposit", date(2012, 2, 18), date(2012, 2, 19))
    ends = [("window", "deposit", "CAF", bound) for bound in ("earliest", "latest")]
    assert rows(calendar(holidays)) == ends
    bridge = Window("CAF", "deposit", date(2012, 2, 20), date(2012, 2, 24))
    found = rows(calendar(bridge, closures=(Closure(date(2012, 2, 20), date(2012, 2, 24)),)))
    assert ("closure", None, None, None) in found
    assert len(found) == 3


def test_a_date_fixed_on_a_day_off_is_a_conflict_of_its_own() -> None:
    sunday = Fixed("deposit", date(2012, 1, 8))
    assert rows(calendar(fixed=(sunday,))) == [("fixed", "deposit", None, None)]


def test_steps_in_a_circle_contradict_each_other() -> None:
    circle = (Milestone("a", after="b", min_gap=1), Milestone("b", after="a"))
    assert rows(calendar(steps=circle)) == [("gap", "a", None, "min_gap"), ("gap", "b", None, "min_gap")]


def test_a_funders_closure_forbids_only_its_own_dates() -> None:
    steps = (Milestone("common"), Milestone("own", after="common", min_gap=0, per_funder=True))
    windows = [Window(name, "own", FIRST, LAST) for name in ("CAF", "État")]
    found = calendar(*windows, steps=steps, closures=(Closure(date(2012, 1, 2), date(2012, 1, 4), "CAF"),))
    assert isinstance(found, Solution)
    assert [str(day) for day in found.days.values()] == ["2012-01-02", "2012-01-05", "2012-01-02"]


def test_a_preference_on_a_day_off_stands_for_the_next_day() -> None:
    found = calendar(Window("CAF", "deposit", FIRST, LAST, date(2012, 1, 14)))
    assert isinstance(found, Solution)
    assert (found.cost, str(found.days["deposit", None])) == (0, "2012-01-16")
