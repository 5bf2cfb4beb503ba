"""The dates nearest to what funders prefer, exactly: a least cut through questions "not before that day?". Pure.

Only the first and the last date of a milestone bind other milestones; in between, each funder's date is the best that
it can be on its own. So what remains to decide is, for each milestone and day, whether its first date and whether its
last date come on that day or later. A yes implies others (the gaps), and costs or saves something (the preferences).
A least cut answers at the least cost and, of all answers at that cost, with the fewest yes: each date is the earliest
that it can be.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workflow.calendars.problem import Problem
from workflow.calendars.system import Numbers, System


@dataclass(frozen=True)
class Row:
    """The dates of a milestone, a line each, over the days from `start`: what each day costs, whether it is `open`."""

    start: int
    cost: Numbers
    open: NDArray[np.bool_]
    best: Numbers

    @property
    def after(self) -> Numbers:
        """For each date and day the next open day from there; one past the end where there is none."""
        end = self.open.shape[1]
        return np.minimum.accumulate(np.where(self.open, np.arange(end), end)[:, ::-1], axis=1)[:, ::-1]

    @property
    def before(self) -> Numbers:
        """For each date and day the last open day up to there; -1 where there is none."""
        return np.maximum.accumulate(np.where(self.open, np.arange(self.open.shape[1]), -1), axis=1)

    def price(self, days: Numbers) -> Numbers:
        """What all dates cost together, on each column of `days`."""
        return np.asarray(np.take_along_axis(self.cost, days, axis=1).sum(axis=0))

    def between(self, first: int, last: int) -> Numbers:
        """The best day of each date from `first` to `last`."""
        return np.clip(self.best, self.after[:, first], self.before[:, last])


def nearest(problem: Problem, system: System, least: Numbers, greatest: Numbers) -> tuple[Numbers, int]:
    """The cheapest table of dates, the earliest of several, and its cost.

    `least` and `greatest` are those of `system`, which holds all constraints of the problem.
    """
    wanted = _wanted(problem, system)
    if not len(wanted):
        return least, 0
    cut = Cut(
        np.stack([least.min(axis=1), least.max(axis=1)]).ravel(),
        np.stack([greatest.min(axis=1), greatest.max(axis=1)]).ravel(),
    )
    count = len(least)
    for first, row in enumerate(_rows(system, wanted, least, greatest)):
        last = first + count
        after, best = row.after, row.best[:, None]
        starts = np.arange(cut.low[first], cut.high[first] + 1) - row.start
        ends = np.arange(cut.low[last], cut.high[last] + 1) - row.start
        cut.imply(first, last, after[:, starts].max(axis=0) + row.start)
        if not system.frame.split[first]:
            cut.imply(last, first, ends + row.start)
        cut.charge(first, row.price(np.maximum(best, after[:, starts])))
        cut.charge(last, row.price(np.minimum(best, row.before[:, ends])))
    for source, target, gap in zip(system.source, system.target, system.gap, strict=True):
        last = source + count
        cut.imply(last, target, np.arange(cut.low[last], cut.high[last] + 1) + gap)
    spans = cut.least().reshape(2, count)
    table, cost = np.empty_like(least), 0
    for number, row in enumerate(_rows(system, wanted, least, greatest)):
        chosen = row.between(*(spans[:, number] - row.start))
        table[number] = chosen + row.start
        cost += int(row.price(chosen[:, None])[0])
    return table, cost


def _wanted(problem: Problem, system: System) -> Numbers:
    """The row, the column and the day of each preference."""
    frame = system.frame
    wanted = [
        (row, column, frame.days.on_or_after(window.preferred))
        for window in problem.windows
        if window.preferred is not None
        for row, column in frame.cells(window.milestone, window.funder)
    ]
    return np.array(wanted, dtype=np.int64).reshape(-1, 3)


def _rows(system: System, wanted: Numbers, least: Numbers, greatest: Numbers) -> Iterator[Row]:
    for number, split in enumerate(system.frame.split):
        lines = slice(None) if split else slice(1)  # the common date stands once for all its columns
        first, last = least[number, lines, None], greatest[number, lines, None]
        days = np.arange(first.min(), last.max() + 1)
        cost = np.zeros((len(first), len(days)), dtype=np.int64)
        here = wanted[wanted[:, 0] == number]
        np.add.at(cost, here[:, 1], np.abs(days - here[:, 2:]))
        allowed = (first <= days) & (days <= last)
        if split:
            allowed &= system.next_open[:, days] == days
        yield Row(int(days[0]), cost, allowed, np.where(allowed, cost, np.iinfo(np.int64).max).argmin(axis=1))


class Cut:
    """Numbers from `low` to `high` to choose, each a chain of questions: is it at least this?"""

    def __init__(self, low: Numbers, high: Numbers) -> None:
        self.low, self.high = low, high
        self._offset = np.concatenate([[0], np.cumsum(high - low)])
        self._source, self._sink = int(self._offset[-1]), int(self._offset[-1]) + 1
        self._arcs: list[Numbers] = []
        self._implications: list[Numbers] = []
        for number, span in enumerate(high - low):
            chain = self._offset[number] + np.arange(1, span)
            self._implications.append(np.stack([chain, chain - 1]))

    def imply(self, number: int, other: int, values: Numbers) -> None:
        """Where `number` is at least its low, its low + 1, …, `other` is at least each of `values` in turn."""
        held = np.flatnonzero(values[1:] > self.low[other])
        consequences = self._offset[other] + values[1:][held] - self.low[other] - 1
        self._implications.append(np.stack([self._offset[number] + held, consequences]))

    def charge(self, number: int, costs: Numbers) -> None:
        """`number` costs the first of `costs` at its low, the second one above, …"""
        steps = np.diff(costs)
        nodes = self._offset[number] + np.arange(len(steps))
        for more, ends in ((steps > 0, (nodes, self._sink)), (steps < 0, (self._source, nodes))):
            arcs = np.stack(np.broadcast_arrays(*ends, np.abs(steps)))
            self._arcs.append(arcs[:, more])

    def least(self) -> Numbers:
        """The cheapest choice, of several the one with the least numbers."""
        # Slow to import, and of use only where somebody prefers a date.
        from scipy.sparse import csr_array  # noqa: PLC0415
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow  # noqa: PLC0415

        tail, head, cost = np.concatenate(self._arcs, axis=1)
        implying, implied = np.unique(np.concatenate(self._implications, axis=1), axis=1)
        never = int(cost[tail == self._source].sum()) + 1
        if never > np.iinfo(np.int32).max // 2:
            raise OverflowError("preferences too far away")
        capacity = np.concatenate([np.minimum(cost, never), np.full(len(implying), never)]).astype(np.int32)
        ends = np.concatenate([tail, implying]), np.concatenate([head, implied])
        network = csr_array((capacity, ends), shape=(self._sink + 1, self._sink + 1))
        left = csr_array(network - maximum_flow(network, self._source, self._sink).flow)
        left.eliminate_zeros()
        yes: Numbers = np.zeros(self._sink + 1, dtype=np.int64)
        yes[breadth_first_order(left, self._source, return_predecessors=False)] = 1
        counted = np.concatenate([[0], np.cumsum(yes)])
        return np.asarray(self.low + counted[self._offset[1:]] - counted[self._offset[:-1]])
