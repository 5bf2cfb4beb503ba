"""The best binômes: every dossier covered, then one aim after the other, each as good as the ones before allow.

In order: the highest load relative to capacity is as low as possible; the worst-served dossier (sum of its members'
affinities) as well served as possible; the sum of all affinities as high as possible; the changes against an earlier
solution as few as possible. Each aim is an integer program solved to proof, or until its time is over; what was proved
of it is told. Where all cannot be covered there is no answer but the causes: never a partial one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from time import monotonic

import numpy as np

from workflow.pairing.causes import causes
from workflow.pairing.prices import ask, promising, seat
from workflow.pairing.problem import TIME_LIMIT, Problem, Solution
from workflow.pairing.program import EXACT, Floats, Grid, Mask, Program

_DIGITS = 6
"""Decimals to which efforts and affinities are told apart."""
_MANY = 300_000
"""Possible seats above which only the most promising of each dossier are looked at."""
_PROMISING = 12
_FINEST, _EVENLY = 100_000, 1_000
"""More different relative loads than the first are not told apart one by one, but by as many as the second."""
_SHARE = 0.005
"""To how much of capacities the highest load is narrowed by seating."""


@dataclass
class _Best:
    """The best so far: its chosen columns, and the greatest relative distance from what was proved."""

    x: Mask
    gap: float = 0.0

    def missed(self, reached: float, bound: float) -> None:
        """An aim was reached so far, and `bound` may be possible."""
        self.gap = max(self.gap, abs(bound - reached) / max(abs(bound), 1e-9))


def solve(problem: Problem, aim: str = "fair", time_limit: float = TIME_LIMIT) -> Solution:
    """The binômes for `aim`: fair (the aims in their order) or total (the sum of affinities alone).

    `time_limit` in seconds; finding the causes where there is no solution may take as long again.
    """
    start = monotonic()
    deadline = start + time_limit
    grid = Grid(problem)
    if grid.shape[0] * grid.shape[1] > _MANY and (many := _many(grid, aim)):
        program, best, bound = many
    else:
        program, bound = Program(grid), inf
        first = program.solve(np.zeros(program.number), deadline)
        if first.infeasible:
            return Solution("infeasible", causes=causes(problem, monotonic() + time_limit))
        if first.x is None:
            return Solution("unknown")
        best = _Best(first.x)
    if aim == "total":
        _affinity(program, best, deadline, grid.capacity, None, bound)
    else:
        capacity = _least_load(program, best, start + 0.35 * time_limit)
        served = _best_worst(program, best, start + 0.7 * time_limit, capacity)
        total = _affinity(program, best, deadline, capacity, served, bound)
        if problem.previous:
            _fewest_changes(program, best, deadline, capacity, served, total)
    return _told(program, best)


def _many(grid: Grid, aim: str) -> tuple[Program, _Best, float] | None:
    """Where there are many seats: the program of the most promising ones, a solution, and a bound on affinities.

    None where seating by prices leads nowhere.
    """
    prices, bound = ask(grid)
    seats = seat(grid, prices, grid.capacity)
    if seats is None:
        return None
    if aim == "fair":
        low, high = float((grid.effort * grid.size).sum() / grid.capacity.sum()), 1.0
        while high - low > _SHARE:
            middle = (low + high) / 2
            closer = seat(grid, prices, np.floor(middle * grid.capacity))
            if closer is None:
                low = middle
            else:
                high, seats = middle, closer
    program = Program(grid, promising(grid, prices, _PROMISING) | seats | grid.kept & grid.allowed)
    return program, _Best(seats[program.dossier, program.person]), bound


def _loads(program: Program, x: Mask) -> Floats:
    return np.asarray(program.load @ x.astype(float))


def _relative(program: Program, x: Mask) -> float:
    loads, capacity = _loads(program, x), program.grid.capacity
    return float(np.max(np.divide(loads, capacity, out=np.zeros_like(loads), where=capacity > 0), initial=0.0))


def _served(program: Program, x: Mask) -> Floats:
    """The sum of each dossier's affinities; of none where it takes no member."""
    sums = np.bincount(program.dossier[x], weights=program.affinity[x], minlength=program.grid.shape[0])
    served: Floats = np.where(program.grid.size > 0, sums, inf)
    return served


def _grain(values: Floats) -> float:
    """The greatest number of which all `values` are multiples, to so many decimals."""
    numbers = {
        Fraction(round(float(value), _DIGITS)).limit_denominator(10**_DIGITS) for value in np.unique(abs(values))
    }
    grain = Fraction(0)
    for number in numbers:
        while number:
            grain, number = number, grain % number
    return float(grain) or 1.0


def _least_load(program: Program, best: _Best, deadline: float) -> Floats:
    """Capacities that keep the highest relative load as low as possible.

    A load is a multiple of the efforts' grain, so that the highest relative load is one of finitely many numbers; a
    bound that is rounded down to the grain for each person tells more than the fraction.
    """
    grid = program.grid
    grain = _grain(grid.effort)

    def capacity(highest: float) -> Floats:
        whole: Floats = np.floor(highest * grid.capacity / grain + 1e-6) * grain
        rounded: Floats = np.minimum(whole, grid.capacity)
        return rounded

    reached = _relative(program, best.x)
    needed = float((grid.effort * grid.size).sum())
    lowest = needed / float(grid.capacity.sum()) if needed else 0.0
    if program.whole:
        lowest = program.least_load(min(deadline, monotonic() + (deadline - monotonic()) / 2)) or lowest
    highest = _steps(grid, grain, lowest, reached)
    highest = highest[[capacity(step).sum() >= needed - EXACT for step in highest]]
    low, high = 0, max(len(highest) - 1, 0)
    stride = 1
    while low < high and monotonic() < deadline:
        middle = min(low + stride - 1, (low + high) // 2)
        answer = program.solve(np.zeros(program.number), deadline, capacity=capacity(highest[middle]))
        if answer.x is not None:
            best.x, reached = answer.x, _relative(program, answer.x)
            high = min(middle, int(np.searchsorted(highest, reached - EXACT)))
        elif answer.infeasible and program.whole:
            low, stride = middle + 1, 2 * stride
        else:
            break
    if low < high:
        best.missed(reached, float(highest[low]))
    return capacity(reached)


def _steps(grid: Grid, grain: float, lowest: float, reached: float) -> Floats:
    """The relative loads that there can be between two of them; evenly spread ones where they would be too many."""
    of = [k for k in np.unique(grid.capacity) if k > 0]
    if sum(of) / grain > _FINEST:
        return np.linspace(lowest, reached, _EVENLY)
    loads = [np.arange(1, int(k / grain + EXACT) + 1) * grain / k for k in of]
    steps = np.unique(np.round(np.concatenate(loads), 12)) if loads else np.zeros(0)
    return steps[(steps >= lowest - EXACT) & (steps <= reached + EXACT)]


def _best_worst(program: Program, best: _Best, deadline: float, capacity: Floats) -> float:
    """How well the worst-served dossier can be served."""
    grid = program.grid
    reached = float(_served(program, best.x).min(initial=inf))
    bound = float(np.where(grid.size > 0, grid.best_sums(grid.affinity), inf).min(initial=inf))
    grain = _grain(grid.affinity)
    tried = ceiling = bound
    while ceiling - reached > max(grain / 2, EXACT * abs(bound)) and monotonic() < deadline:
        until = monotonic() + (deadline - monotonic()) / 3
        answer = program.solve(np.zeros(program.number), until, capacity=capacity, served=tried)
        if answer.x is not None:
            best.x, reached = answer.x, float(_served(program, answer.x).min())
        else:
            ceiling = tried - grain
            if answer.infeasible and program.whole:
                bound = ceiling
        tried = (reached + ceiling) / 2 if ceiling - reached > 1.5 * grain else ceiling
    if bound - reached > max(grain / 2, EXACT * abs(bound)):
        best.missed(reached, bound)
    return reached


def _affinity(
    program: Program, best: _Best, deadline: float, capacity: Floats, served: float | None, bound: float
) -> float:
    """The sum of all affinities, as great as it can be; `bound` holds for those seats too that are not looked at."""
    served = None if served is None or served == inf else served
    reached = float(program.affinity[best.x].sum())
    answer = program.solve(program.affinity, deadline, capacity=capacity, served=served)
    if answer.x is not None and answer.value >= reached:
        best.x, reached = answer.x, float(program.affinity[answer.x].sum())
    if bound == inf:
        bound = answer.bound if answer.x is not None else float(program.grid.best_sums(program.grid.affinity).sum())
    if bound - reached > EXACT * max(1.0, abs(reached)) * 10:
        best.missed(reached, bound)
    return reached


def _fewest_changes(
    program: Program, best: _Best, deadline: float, capacity: Floats, served: float, total: float
) -> None:
    """As many of the earlier solution's members as can stay."""
    kept = program.kept.astype(float)
    reached = float(kept[best.x].sum())
    answer = program.solve(
        kept, deadline, capacity=capacity, served=None if served == inf else served, least_affinity=total
    )
    if answer.x is not None and answer.value >= reached:
        best.x, reached = answer.x, float(kept[answer.x].sum())
    bound = answer.bound if answer.x is not None else float(kept.sum())
    if bound - reached > EXACT * max(1.0, reached) * 10:
        best.missed(reached, bound)


def _told(program: Program, best: _Best) -> Solution:
    problem = program.grid.problem
    seats: dict[str, list[str]] = {dossier.id: [] for dossier in problem.dossiers}
    for dossier, person in zip(program.dossier[best.x], program.person[best.x], strict=True):
        seats[problem.dossiers[dossier].id].append(problem.instructors[person].id)
    pairs: dict[str, Sequence[str]] = dict(seats)
    served = float(_served(program, best.x).min(initial=inf))
    return Solution(
        status="optimal" if best.gap == 0 else "feasible",
        pairs=pairs,
        total=round(float(program.affinity[best.x].sum()), _DIGITS),
        worst=None if served == inf else round(served, _DIGITS),
        max_load=_relative(program, best.x),
        gap=best.gap,
    )
