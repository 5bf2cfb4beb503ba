"""A problem in numbers: working days counted from 0, bounds and gaps between them. Pure.

Dates form a table: a row per milestone that has dates, a column per funder; a common milestone holds the same number in
each column. A gap says that every date of one row comes at least so many days after the latest date of another; a
greatest gap says it backwards, with a negative number. Of all tables that respect this one is the least, each of its
dates the least that there is, and one the greatest.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workflow.calendars.days import Days
from workflow.calendars.problem import Closure, Constraint, Funder, Milestone, Place, Problem
from workflow.calendars.working_days import WorkingDays

Numbers = NDArray[np.int64]
NOBODY = -1
"""Stands among constraints for the campaign's own first and last day."""
_NEVER = np.iinfo(np.int64).min // 2


@dataclass(frozen=True)
class Frame:
    """Which date stands where in a table; rows that are `split` have a date per funder, the others one for all."""

    days: Days
    rows: Mapping[str, int]
    columns: Mapping[Funder, int]
    split: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """Of a table."""
        return len(self.rows), max(len(self.columns), 1)

    def cells(self, milestone: str, funder: Funder | None) -> Iterable[tuple[int, int]]:
        """The dates that a row of the problem names. The date of a common milestone stands in its first column."""
        row = self.rows.get(milestone)
        if row is None:
            return ()
        if not self.split[row]:
            return ((row, 0),)
        wanted = self.columns if funder is None else self.columns.keys() & {funder}
        return ((row, self.columns[name]) for name in wanted)

    def date_at(self, table: Numbers, place: Place) -> date:
        """The date that a table holds for a place."""
        ((row, column),) = self.cells(*place)
        return self.days.worked[int(table[row, column])]


@dataclass(frozen=True)
class System:
    """Dates to find: the bounds `low` and `high` of each, and gaps from rows `source` to rows `target`.

    `shut` holds a column, a first and a last number: dates of that column in rows that are split avoid them. What ends
    in `_by` names the constraints behind, by their places in the list that the system was made of.
    """

    frame: Frame
    low: Numbers
    low_by: Numbers
    high: Numbers
    high_by: Numbers
    source: Numbers
    target: Numbers
    gap: Numbers
    gap_by: Numbers
    shut: Numbers
    shut_by: Numbers

    def opened(self, table: Numbers) -> Numbers:
        """The table with each date moved on to the first day on which it is not shut out."""
        if not len(self.shut):
            return table
        inside = np.minimum(table, self.next_open.shape[1] - 1)
        moved = np.where(inside == table, self.next_open[np.arange(table.shape[1]), inside], table)
        return np.where(self.frame.split[:, None], moved, table)

    def pushed(self, table: Numbers) -> Numbers:
        """The table with each date moved on to where the gaps want it, given the others as they are."""
        reach: Numbers = np.full(len(table), _NEVER)
        np.maximum.at(reach, self.target, table.max(axis=1)[self.source] + self.gap)
        return np.asarray(np.maximum(table, reach[:, None]))

    def least(self) -> Numbers | None:
        """The least table, None where there is none."""
        table = self.opened(self.low)
        while bool((table <= self.high).all()):
            moved = self.opened(self.pushed(table))
            if np.array_equal(moved, table):
                return table
            table = moved
        return None

    def greatest(self) -> Numbers | None:
        """The greatest table, None where there is none."""
        top = np.int64(len(self.frame.days) - 1)
        column, first, last = self.shut.T
        mirrored = replace(
            self,
            low=top - self.high,
            high=top - self.low,
            source=self.target,
            target=self.source,
            shut=np.stack([column, top - last, top - first], axis=1),
        )
        least = mirrored.least()
        return None if least is None else top - least

    @cached_property
    def next_open(self) -> Numbers:
        """For each column and number the next number that is not shut; one past the end where there is none."""
        end = len(self.frame.days)
        table = np.tile(np.arange(end), (self.frame.shape[1], 1))
        for column, first, last in self.shut:
            table[column, first : last + 1] = end
        return np.minimum.accumulate(table[:, ::-1], axis=1)[:, ::-1]


def system(problem: Problem, constraints: Sequence[Constraint]) -> System:
    """The dates of `problem` under those of its constraints that are given."""
    frame = _frame(problem, constraints)
    low, low_by = _tightest(frame, constraints, lambda row: row.earliest, frame.days.on_or_after, 0, 1)
    high, high_by = _tightest(
        frame, constraints, lambda row: row.latest, frame.days.on_or_before, len(frame.days) - 1, -1
    )
    source, target, gap, gap_by = _columns(4, _gaps(frame, constraints)).T
    shut = _columns(4, _shut(frame, constraints))
    return System(frame, low, low_by, high, high_by, source, target, gap, gap_by, shut[:, :3], shut[:, 3])


def _frame(problem: Problem, constraints: Iterable[Constraint]) -> Frame:
    closures = [row.source for row in constraints if isinstance(row.source, Closure) and row.funder is None]
    working = WorkingDays(tuple((row.first, row.last) for row in closures), problem.alsace_moselle)
    funders = problem.dated_funders
    dated = [milestone for milestone in problem.milestones if funders or not milestone.per_funder]
    return Frame(
        Days(problem.first, problem.last, working),
        {milestone.id: row for row, milestone in enumerate(dated)},
        {funder: column for column, funder in enumerate(funders)},
        np.array([milestone.per_funder for milestone in dated], dtype=bool),
    )


def _tightest(
    frame: Frame,
    constraints: Sequence[Constraint],
    bound: Callable[[Constraint], date | None],
    number: Callable[[date], int],
    widest: int,
    sign: int,
) -> tuple[Numbers, Numbers]:
    """The bound of each date that leaves it the least room (the greatest for `sign` 1), and who says so."""
    table, by = np.full(frame.shape, widest), np.full(frame.shape, NOBODY)
    said = _columns(
        4,
        (
            (row, column, number(day), place)
            for place, constraint in enumerate(constraints)
            if (day := bound(constraint)) is not None
            for row, column in frame.cells(constraint.milestone or "", constraint.funder)
        ),
    )
    said = said[said[:, 2] * sign > widest * sign]
    rows, columns, numbers, places = said[np.argsort(said[:, 2] * sign, kind="stable")].T
    table[rows, columns], by[rows, columns] = numbers, places  # of several for one date the last, the tightest, stays
    for common in np.flatnonzero(~frame.split):
        table[common], by[common] = table[common, 0], by[common, 0]
    return table, by


def _gaps(frame: Frame, constraints: Iterable[Constraint]) -> Iterable[tuple[int, int, int, int]]:
    for place, constraint in enumerate(constraints):
        if not isinstance(milestone := constraint.source, Milestone):
            continue
        before, after = frame.rows.get(milestone.after or ""), frame.rows.get(milestone.id)
        if before is None or after is None:
            continue
        if constraint.bound == "min_gap":
            yield before, after, milestone.min_gap or 0, place
        else:
            yield after, before, -(milestone.max_gap or 0), place


def _shut(frame: Frame, constraints: Iterable[Constraint]) -> Iterable[tuple[int, int, int, int]]:
    end = len(frame.days) - 1
    for place, constraint in enumerate(constraints):
        closure = constraint.source
        if isinstance(closure, Closure) and closure.funder in frame.columns:
            first = max(frame.days.on_or_after(closure.first), 0)
            last = min(frame.days.on_or_before(closure.last), end)
            if first <= last:
                yield frame.columns[closure.funder], first, last, place


def _columns(width: int, rows: Iterable[tuple[int, ...]]) -> Numbers:
    return np.array(list(rows), dtype=np.int64).reshape(-1, width)
