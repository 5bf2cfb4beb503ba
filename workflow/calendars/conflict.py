"""Why no calendar exists: few constraints that cannot hold together, and how far a funder would have to move. Pure.

Closures of everybody change what a gap means. They are taken into account by sets, small sets first; for each set, the
shortest walk that breaks a bound is a candidate.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, combinations, islice

import numpy as np

from workflow.calendars.problem import Conflict, Constraint, Problem, Relaxation, without
from workflow.calendars.system import system
from workflow.calendars.walk import Steps, shortest

_SETS = 200
"""How many sets of closures are looked at; then all closures at once."""


def explain(problem: Problem) -> Conflict:
    """The smallest conflict found of a problem that has no solution, and what would lift it."""
    constraints = list(problem.constraints)
    kept = _irreducible(problem, _smallest(problem, constraints))
    relaxations = [_relaxation(problem, without(constraints, row), row) for row in kept if row.kind == "window"]
    return Conflict(tuple(kept), _missing(problem, kept), tuple(relaxations))


def _feasible(problem: Problem, constraints: Sequence[Constraint]) -> bool:
    return system(problem, constraints).least() is not None


def _smallest(problem: Problem, constraints: Sequence[Constraint]) -> list[Constraint]:
    everybodys = [row for row in constraints if _everybodys(row)]
    best = _circle(problem)
    others = [row for row in constraints if not _everybodys(row)]

    @cache
    def priced(closed: tuple[Constraint, ...]) -> Steps:
        return Steps.of(problem, [*others, *closed])

    for assumed in _sets([row for row in constraints if row.kind != "window"], everybodys):
        below = None if best is None else len(best) - len(assumed)
        if below is not None and below < 1:
            continue
        closed = tuple(row for row in assumed if _everybodys(row))
        walk = shortest(priced(closed), Steps.of(problem, assumed), below)
        if walk is None:
            continue
        found = list(dict.fromkeys([*walk, *assumed]))
        # Days that a closure frees may break a greatest gap that holds once it counts: no conflict of this calendar.
        if len(closed) == len(everybodys) or not _feasible(problem, list(dict.fromkeys([*found, *everybodys]))):
            best = found
    if best is None:
        raise ValueError("the problem has a solution")
    return best


def _everybodys(row: Constraint) -> bool:
    return row.kind == "closure" and row.funder is None


def _sets(reusable: Sequence[Constraint], closures: Sequence[Constraint]) -> Iterator[Sequence[Constraint]]:
    """Sets of constraints to take as given, small ones first, and all closures of everybody in any case."""
    sizes = (combinations(reusable, size) for size in range(len(reusable)))
    yield from islice(map(list, chain.from_iterable(sizes)), _SETS)
    yield closures


def _circle(problem: Problem) -> list[Constraint] | None:
    """The smallest set of gaps that contradict each other whatever the dates are."""
    gaps = {(row.milestone, row.bound): row for row in problem.constraints if row.kind == "gap"}
    dated = {milestone for milestone, _ in problem.places}
    by_id = {row.id: row for row in problem.milestones if row.id in dated}
    found = []
    for milestone in by_id.values():
        path = [milestone]
        while (before := by_id.get(path[-1].after or "")) is not None and before not in path:
            path.append(before)
        if before == milestone and any(row.min_gap for row in path):
            found.append([gaps[row.id, "min_gap"] for row in path])
        if milestone.after in by_id and milestone.max_gap is not None and (milestone.min_gap or 0) > milestone.max_gap:
            found.append([gaps[milestone.id, "min_gap"], gaps[milestone.id, "max_gap"]])
    return min(found, key=len, default=None)


def _irreducible(problem: Problem, constraints: Sequence[Constraint]) -> list[Constraint]:
    """The constraints without those that the rest contradicts itself without; what is left keeps its order."""
    kept, known = list(constraints), None
    while kept != known:
        known = kept
        for row in sorted(known, key=lambda row: row.kind != "closure"):
            rest = without(kept, row)
            if not _feasible(problem, rest):
                kept = rest
    return kept


def _missing(problem: Problem, constraints: Sequence[Constraint]) -> int:
    """By how many working days constraints fail that cannot hold together."""
    numbers = system(problem, constraints)
    table = numbers.opened(numbers.low)
    for _ in range(len(constraints) * len(table) + 1):
        further = numbers.opened(numbers.pushed(table))
        if np.array_equal(further, table):
            return int((table - numbers.high).max())
        table = further
    return int(numbers.gap.sum())  # gaps that contradict each other push on for ever


def _relaxation(problem: Problem, others: Sequence[Constraint], row: Constraint) -> Relaxation:
    """How far a bound must move for the whole calendar to hold with the others."""
    numbers = system(problem, others)
    table = numbers.least() if row.bound == "latest" else numbers.greatest()
    to = None if table is None else numbers.frame.date_at(table, (row.milestone or "", row.funder))
    return Relaxation(row, to)
