"""What forces a date too far: the shortest walk from one bound over gaps and closures to another that it breaks. Pure.

A date is forced by one thing at a time: the campaign's first day or a bound, then a gap from another date, or a closure
that it falls into. A table says how far each date is forced by so many constraints; the next one follows from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workflow.calendars.problem import Constraint, Problem
from workflow.calendars.system import NOBODY, Numbers, System, system

Cell = tuple[int, int]


@dataclass(frozen=True)
class Steps:
    """What some constraints of a calendar force, one step at a time."""

    constraints: Sequence[Constraint]
    system: System

    @classmethod
    def of(cls, problem: Problem, constraints: Sequence[Constraint]) -> "Steps":
        """The steps of these constraints; closures of everybody among them say which days are counted."""
        return cls(constraints, system(problem, constraints))

    def further(self, table: Numbers, *, bounds: bool) -> Numbers:
        """How far each date is forced from where `table` has them; by the lower bounds too, where `bounds` says so."""
        moved = np.maximum(self.system.pushed(table), self._jumped(table))
        return np.maximum(moved, self.system.low) if bounds else moved

    def cause(self, before: Numbers, cell: Cell, value: int, *, bounds: bool) -> tuple[Constraint, Cell | None]:
        """What forced a date from where `before` had it to `value`, and by which date; by none, if it was its bound."""
        numbers = self.system
        row, column = cell
        if bounds and numbers.low[cell] == value:
            return self.constraints[numbers.low_by[cell]], None
        for edge in np.flatnonzero(numbers.target == row):
            source = int(numbers.source[edge])
            if before[source].max() + numbers.gap[edge] == value:
                return self.constraints[numbers.gap_by[edge]], (source, int(before[source].argmax()))
        return self.constraints[self._jumps[1][column, before[cell]]], cell

    def _jumped(self, table: Numbers) -> Numbers:
        """The table with each date that is shut out moved to the end of one closure."""
        if not len(self.system.shut):
            return table
        days, _ = self._jumps
        inside = np.minimum(table, days.shape[1] - 1)
        moved = np.where(inside == table, days[np.arange(table.shape[1]), inside], table)
        return np.where(self.system.frame.split[:, None], moved, table)

    @cached_property
    def _jumps(self) -> tuple[Numbers, Numbers]:
        """For each column and number the end of the longest closure that it falls into, and which closure that is."""
        numbers = np.arange(len(self.system.frame.days))
        days = np.tile(numbers, (self.system.frame.shape[1], 1))
        by = np.full_like(days, NOBODY)
        for place in np.argsort(self.system.shut[:, 2], kind="stable"):
            column, first, last = self.system.shut[place]
            days[column, first : last + 1] = last + 1
            by[column, first : last + 1] = self.system.shut_by[place]
        return days, by


@dataclass(frozen=True)
class _Reached:
    """How far each date is forced after one more step, and whose step it was."""

    table: Numbers
    steps: Steps
    bounds: bool = False


def shortest(priced: Steps, assumed: Steps, below: int | None) -> list[Constraint] | None:
    """The constraints of a walk that breaks a bound, in its order: the fewest of `priced`, and any of `assumed`.

    None where it takes `below` or more of `priced`, or there is no such walk. Both must count the same days.
    """
    reached = [_Reached(np.zeros_like(priced.system.low), assumed)]
    best: list[Constraint] | None = None
    used = 0
    while below is None or used < below:
        _settle(reached, assumed)
        table = reached[-1].table
        for steps, price in ((assumed, 0), (priced, 1)):
            broken = table > steps.system.high
            if (below is None or used + price < below) and broken.any():
                best, below = _traced(reached, steps, broken), used + price
        further = priced.further(table, bounds=used == 0)
        if np.array_equal(further, table):
            break
        reached.append(_Reached(further, priced, bounds=used == 0))
        used += 1
    return best


def _settle(reached: list[_Reached], assumed: Steps) -> None:
    """Add the steps that cost nothing, until they force no date further or one of them too far."""
    while bool((reached[-1].table <= assumed.system.high).all()):
        further = assumed.further(reached[-1].table, bounds=True)
        if np.array_equal(further, reached[-1].table):
            break
        reached.append(_Reached(further, assumed, bounds=True))


def _traced(reached: list[_Reached], steps: Steps, broken: NDArray[np.bool_]) -> list[Constraint]:
    """What forced a date over the bound that `steps` sets it, in the order of the walk, and that bound."""
    row, column = np.argwhere(broken)[0]
    cell: Cell | None = (int(row), int(column))
    by = steps.system.high_by[row, column]
    walk = [] if by == NOBODY else [steps.constraints[by]]
    for before, after in reversed(list(pairwise(reached))):
        if cell is not None and before.table[cell] != after.table[cell]:
            cause, cell = after.steps.cause(before.table, cell, int(after.table[cell]), bounds=after.bounds)
            walk.append(cause)
    return walk[::-1]
