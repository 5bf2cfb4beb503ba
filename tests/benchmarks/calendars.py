"""How long a harmonised calendar takes, at the sizes promised."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random
from time import perf_counter

from tests.benchmarks.measure import Result, middle
from tests.benchmarks.places import Places
from workflow.calendars.harmonise import harmonise
from workflow.calendars.problem import Closure, Milestone, Problem, Solution, Window
from workflow.calendars.working_days import WorkingDays

FIRST, LAST = date(2027, 1, 4), date(2028, 12, 29)
SIZES = ((30, 1.0), (300, 10.0))
"""Numbers of funders, and the seconds that their calendar of 40 milestones may take."""


def problem(funders: int, milestones: int = 40, *, possible: bool = True) -> Problem:
    """A calendar of two years: a third of the milestones per funder, a window with a preference for each of those.

    Not `possible`: one funder's last window closes before its first one allows.
    """
    random = Random(f"{funders}×{milestones}")
    days = WorkingDays()
    steps = tuple(
        Milestone(f"m{n}", f"Étape {n}", f"m{n - 1}" if n else None, 5 if n else None, 40, n % 3 == 2)
        for n in range(milestones)
    )
    windows = []
    for funder in range(funders):
        for step in range(2, milestones, 3):
            middle = days.add(FIRST, 11 * step + random.randint(-3, 3))
            spread = random.randint(15, 40)
            windows.append(
                Window(
                    f"F{funder}",
                    f"m{step}",
                    middle - timedelta(days=spread),
                    middle + timedelta(days=spread),
                    middle + timedelta(days=random.randint(-spread, spread)),
                )
            )
    if not possible:
        late = windows[-1]
        windows[-1] = Window(late.funder, late.milestone, FIRST, days.add(FIRST, 5 * int(late.milestone[1:]) - 3))
    closures = (Closure(date(2027, 8, 2), date(2027, 8, 13)), Closure(date(2028, 5, 2), date(2028, 5, 5), "F1"))
    return Problem(FIRST, LAST, steps, tuple(windows), (), closures)


def measure(_where: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """Solve calendars that have a solution, and explain those that have none."""
    for funders, limit in SIZES:
        for possible in (True, False):
            say(f"calendar of {funders} funders")
            asked = problem(funders, possible=possible)
            seconds = []
            for _ in range(3):
                started = perf_counter()
                found = harmonise(asked)
                seconds.append(perf_counter() - started)
            if isinstance(found, Solution) is not possible:
                raise AssertionError("the calendar is not of the kind to be measured")
            what = f"{'calendar' if possible else 'conflict'}, {funders} funders × 40 milestones"
            took = middle(seconds)
            yield Result("calendars", what, "-", {}, took, f"< {limit:g} s", took < limit)
