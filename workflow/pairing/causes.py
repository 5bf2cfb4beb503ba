"""Why dossiers cannot all be covered: a smallest set of hard rules that cannot hold together, and what would lift it.

A set from which no member can be left out (an irreducible infeasible subset: Chinneck and Dravnieks, 1991), found by
leaving out halves (QuickXplain: Junker, 2004).
"""

from collections.abc import Callable, Sequence
from time import monotonic

import numpy as np

from workflow.pairing.problem import Cause, Constraint, Lift, Problem
from workflow.pairing.program import Grid, Program

Possible = Callable[[Sequence[Constraint]], bool]


class _OutOfTime(Exception):
    pass


def causes(problem: Problem, deadline: float) -> Sequence[Cause]:
    """One smallest cause of a problem that has no solution, found until `deadline` (time.monotonic)."""
    rules = _rules(problem)
    everything = frozenset(rules)

    def possible(held: Sequence[Constraint]) -> bool:
        answer = _solved(problem, everything - set(held), deadline)
        if answer is None:
            raise _OutOfTime
        return answer

    try:
        least = [rule for rule in rules if rule.kind == "min_load"]
        others = [rule for rule in rules if rule.kind != "min_load"]
        # Least loads can only fail for want of dossiers: they are looked at where all else holds.
        if least and possible(others):
            core = [*_smallest(possible, others, least)]
            core += [*_smallest(possible, core, others)]
        else:
            # Which rules are left out first decides which cause is found: the one that names the fewest people is told.
            orders = (others, sorted(others, key=lambda rule: rule.kind == "capacity"))
            core = min((_smallest(possible, [], order) for order in orders), key=_length)
    except _OutOfTime:
        return [Cause(rules, minimal=False)]
    asked, available = _points(problem, core, deadline)
    return [Cause(core, asked, available, _lifts(problem, core, everything, deadline))]


def _rules(problem: Problem) -> list[Constraint]:
    """Every hard rule, those first that are looked at last."""
    crowded = problem.max_per_institution is not None
    return [
        *(Constraint("cover", row.id) for row in problem.dossiers if row.size),
        *(Constraint("capacity", instructor=row.id) for row in problem.instructors),
        *(Constraint("institution", row.id) for row in problem.dossiers if crowded and row.size > 1),
        *(Constraint("conflict", dossier, person) for dossier, person in dict.fromkeys(problem.conflicts)),
        *(Constraint("pinned", dossier, person) for dossier, person in dict.fromkeys(problem.pinned)),
        *(Constraint("banned_pair", *row) for row in dict.fromkeys(problem.banned_pairs)),
        *(Constraint("min_load", instructor=row.id) for row in problem.instructors if row.min_load > 0),
    ]


def _solved(problem: Problem, without: frozenset[Constraint] | set[Constraint], deadline: float) -> bool | None:
    """Whether there is a solution without some rules; None where time runs out."""
    program = Program(Grid(problem, without))
    answer = program.solve(np.zeros(program.number), deadline)
    return None if answer.x is None and not answer.infeasible else not answer.infeasible


def _smallest(possible: Possible, held: Sequence[Constraint], rules: Sequence[Constraint]) -> list[Constraint]:
    """A smallest part of `rules` that cannot hold beside `held`; none where `held` alone cannot."""
    if not rules or not possible(held):
        return []
    if len(rules) == 1:
        return list(rules)
    first, second = rules[: len(rules) // 2], rules[len(rules) // 2 :]
    late = _smallest(possible, [*held, *first], second)
    return [*_smallest(possible, [*held, *late], first), *late]


def _length(core: Sequence[Constraint]) -> tuple[int, int]:
    return sum(rule.kind == "capacity" for rule in core), len(core)


def _points(problem: Problem, core: Sequence[Constraint], deadline: float) -> tuple[float | None, float | None]:
    """The effort points asked at least of the people whose capacity counts, and those that they have."""
    people = {rule.instructor for rule in core if rule.kind == "capacity"}
    if not people:
        return None, None
    held = [rule for rule in core if rule.kind != "capacity"]
    program = Program(Grid(problem, frozenset(_rules(problem)) - set(held)))
    theirs = np.array([row.id in people for row in problem.instructors])[program.person]
    cost = np.where(theirs, program.grid.effort[program.dossier], 0.0)
    answer = program.solve(-cost, deadline)
    available = sum(row.capacity for row in problem.instructors if row.id in people)
    return (None if answer.x is None else float(cost[answer.x].sum())), available


def _lifts(
    problem: Problem, core: Sequence[Constraint], everything: frozenset[Constraint], deadline: float
) -> Sequence[Lift]:
    """The members of the cause that, given up alone, make all else possible; a capacity with what it must become."""
    found = []
    for rule in core:
        if rule.kind == "cover" or monotonic() > deadline or not _solved(problem, {rule}, deadline):
            continue
        found.append(Lift(rule, _needed(problem, rule, deadline) if rule.kind == "capacity" else None))
    return found


def _needed(problem: Problem, rule: Constraint, deadline: float) -> float | None:
    """The capacity that would do."""
    program = Program(Grid(problem, {rule}))
    theirs = program.person == program.grid.column[rule.instructor or ""]
    cost = np.where(theirs, program.grid.effort[program.dossier], 0.0)
    answer = program.solve(-cost, deadline)
    return None if answer.x is None else float(cost[answer.x].sum())
