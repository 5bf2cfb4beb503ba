"""The harmoniser, against calendars worked out by trying every day; and what it says of known ones."""

from random import Random

from tests.workflow.calendar_cases import Trial, random_problem, smallest_conflict
from workflow.calendars.harmonise import harmonise
from workflow.calendars.problem import Conflict, Problem, Solution, without


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


def test_random_calendars_agree_with_trying_every_day() -> None:
    outcomes = {True: 0, False: 0}
    for seed in range(600):
        problem = random_problem(Random(seed))
        trial = Trial(problem)
        outcomes[trial.feasible] += 1
        if trial.feasible:
            check_solution(trial, harmonise(problem))
        else:
            check_conflict(problem, harmonise(problem))
    assert min(outcomes.values()) > 100
