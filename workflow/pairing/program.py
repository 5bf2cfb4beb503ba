"""Forming binômes as an integer program: a yes or no for each dossier and instructor, solved by HiGHS through scipy."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from workflow.pairing.problem import Constraint, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Row = tuple[sparse.csr_array[np.float64], Any, Any]
"""Rows of coefficients, and the bounds below and above of each."""

EXACT = 1e-7
"""Relative distance at which the solver holds a value for proved."""
_SLACK = 1e-6
"""What a row may be off by: the solver's own tolerance."""
_OPTIMAL, _INFEASIBLE = 0, 2


class Grid:
    """A problem as arrays, a line per dossier and a column per instructor, in their order.

    `without` names hard rules that are given up.
    """

    def __init__(self, problem: Problem, without: Collection[Constraint] = ()) -> None:
        self.problem, self.without = problem, frozenset(without)
        self.row = {dossier.id: place for place, dossier in enumerate(problem.dossiers)}
        self.column = {person.id: place for place, person in enumerate(problem.instructors)}
        self.shape = len(self.row), len(self.column)
        self.effort = np.array([dossier.effort for dossier in problem.dossiers], dtype=float)
        self.size = np.array([dossier.size for dossier in problem.dossiers], dtype=np.int64)
        self.most = self.size.astype(float)
        self.capacity = np.array([person.capacity for person in problem.instructors], dtype=float)
        self.least = np.array([person.min_load for person in problem.instructors], dtype=float)
        institutions = {person.institution: None for person in problem.instructors}
        number = {name: place for place, name in enumerate(institutions)}
        self.institution = np.array([number[person.institution] for person in problem.instructors], dtype=np.int64)
        self.crowd = np.full(len(self.row), problem.max_per_institution or len(self.column), dtype=np.int64)
        self.affinity = np.zeros(self.shape)
        for dossier, row in problem.affinity.items():
            for person, value in row.items():
                self.affinity[self.row[dossier], self.column[person]] = value
        self.allowed = np.ones(self.shape, dtype=bool)
        for dossier, person in problem.conflicts:
            self.allowed[self.row[dossier], self.column[person]] = False
        self.pinned = np.zeros(self.shape, dtype=bool)
        for dossier, person in problem.pinned:
            self.pinned[self.row[dossier], self.column[person]] = True
        self.kept = np.zeros(self.shape, dtype=bool)
        for dossier, people in problem.previous.items():
            for person in people:
                self.kept[self.row[dossier], self.column[person]] = True
        self._give_up()

    def _give_up(self) -> None:
        for rule in self.without:
            dossier, person = self.row.get(rule.dossier or "", -1), self.column.get(rule.instructor or "", -1)
            match rule.kind:
                case "cover":
                    self.size[dossier], self.most[dossier] = 0, np.inf
                case "institution":
                    self.crowd[dossier] = len(self.column)
                case "conflict":
                    self.allowed[dossier, person] = True
                case "pinned":
                    self.pinned[dossier, person] = False
                case "capacity":
                    self.capacity[person] = np.inf
                case "min_load":
                    self.least[person] = 0

    def bans(self) -> Sequence[tuple[int | None, int, int]]:
        """Pairs that may not sit together, in the dossier named or in any."""
        return [
            (self.row[dossier] if dossier is not None else None, self.column[one], self.column[other])
            for dossier, one, other in self.problem.banned_pairs
            if Constraint("banned_pair", dossier, one, other) not in self.without
        ]

    def best_sums(self, affinity: Floats) -> Floats:
        """For each dossier the greatest sum of affinities of members who may sit together; -inf where none may.

        Pins, bans and capacities are not looked at: an upper bound.
        """
        able = self.allowed & (self.effort[:, None] <= self.capacity[None, :] + _SLACK)
        values = np.where(able, affinity, -np.inf)
        order = np.argsort(-values, axis=1, kind="stable")
        sums = np.zeros(self.shape[0])
        taken = np.zeros(self.shape[0], dtype=np.int64)
        count = np.zeros((self.shape[0], int(self.institution.max(initial=0)) + 1), dtype=np.int64)
        rows = np.arange(self.shape[0])
        for rank in range(self.shape[1]):
            person = order[:, rank]
            place = self.institution[person]
            takes = (taken < self.size) & (count[rows, place] < self.crowd) & np.isfinite(values[rows, person])
            sums[takes] += values[rows, person][takes]
            taken[takes] += 1
            count[rows[takes], place[takes]] += 1
            if (taken >= self.size).all():
                break
        return np.where(taken >= self.size, sums, -np.inf)

    def best_beside(self) -> Floats:
        """For each seat of a dossier of two the greatest affinity of whoever may sit beside; 0 where nobody does.

        Infinite where a dossier takes more than two: an upper bound.
        """
        values = np.where(self.allowed | self.pinned, self.affinity, -np.inf)
        beside = np.full(self.shape, np.inf)
        beside[self.size == 1] = 0
        apart = (self.size == 2) & (self.crowd == 1)
        for place in np.unique(self.institution):
            here = self.institution == place
            others = np.max(values[:, ~here], axis=1, initial=-np.inf)
            beside[np.ix_(apart, here)] = others[apart][:, None]
        return beside


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run of the solver found: chosen columns (none where `x` is None), its value, and what was proved."""

    x: Mask | None
    infeasible: bool = False
    value: float = 0
    bound: float = 0


class Program:
    """The rows that every solution keeps, over the columns of `among` (all that are allowed where it is None)."""

    def __init__(self, grid: Grid, among: Mask | None = None) -> None:
        self.grid, self.whole = grid, among is None
        chosen = grid.allowed if among is None else grid.allowed & among
        if not grid.least.any():
            chosen = chosen & (grid.size > 0)[:, None]
        chosen = chosen | grid.pinned
        self.dossier, self.person = (found.astype(np.int64) for found in np.nonzero(chosen))
        self.number = len(self.dossier)
        self.columns = np.arange(self.number)
        # A pin against a conflict, both in force, leaves no solution.
        self.contradiction = bool((grid.pinned & ~grid.allowed).any())
        self.affinity = grid.affinity[self.dossier, self.person]
        self.kept = grid.kept[self.dossier, self.person]
        self._beside = grid.best_beside()[self.dossier, self.person]
        self._cover = self._rows(self.dossier, np.ones(self.number), grid.shape[0])
        self.load = self._rows(self.person, grid.effort[self.dossier], grid.shape[1])
        self._served = self._rows(self.dossier, self.affinity, grid.shape[0])
        self._fixed: list[Row] = [(self._cover, grid.size, grid.most), *self._institutions(), *self._bans()]

    def solve(
        self,
        gain: Floats,
        deadline: float,
        *,
        capacity: Floats | None = None,
        served: float | None = None,
        least_affinity: float | None = None,
    ) -> Answer:
        """Columns with the greatest sum of `gain`: within `capacity`, every dossier's affinities summing to `served` or
        more, all of them to `least_affinity` or more; until `deadline` (time.monotonic).
        """
        left = deadline - monotonic()
        if self.contradiction:
            return Answer(None, infeasible=True)
        if left <= 0:
            return Answer(None)
        grid = self.grid
        rows: list[Row] = [
            *self._fixed,
            (self.load, grid.least - _SLACK, grid.capacity if capacity is None else capacity),
        ]
        if served is not None:
            rows.append((self._served, np.where(grid.size > 0, served - _SLACK, -np.inf), np.inf))
        if least_affinity is not None:
            rows.append((sparse.csr_array(self.affinity[None, :]), least_affinity - _SLACK, np.inf))
        pinned = grid.pinned[self.dossier, self.person].astype(float)
        able = np.ones(self.number)
        if served is not None:
            # The rows say it too, but not to the solver's relaxation: a seat is of use only beside a good enough other.
            able[self.affinity + self._beside < served - _SLACK] = 0
            able = np.maximum(able, pinned)
        return self._run(-gain, rows, Bounds(pinned, able), left)

    def least_load(self, deadline: float) -> float | None:
        """The highest load relative to capacity that parts of members would give at least; None where nothing goes."""
        capacity = np.where(np.isfinite(self.grid.capacity), self.grid.capacity, 1e9)
        if self.contradiction or deadline <= monotonic():
            return None
        wide = [
            (sparse.csr_array(sparse.hstack([table, sparse.csr_array((table.shape[0], 1))])), low, high)
            for table, low, high in (*self._fixed, (self.load, self.grid.least - _SLACK, np.inf))
        ]
        share = sparse.hstack([self.load, sparse.csr_array(-capacity[:, None])])
        wide.append((sparse.csr_array(share), -np.inf, 0))
        pinned = self.grid.pinned[self.dossier, self.person].astype(float)
        found = milp(
            np.append(np.zeros(self.number), 1),
            constraints=[LinearConstraint(*row) for row in wide],
            bounds=Bounds(np.append(pinned, 0), 1),
            options={"time_limit": max(deadline - monotonic(), 0.01)},
        )
        return float(found.fun or 0.0) if found.status == _OPTIMAL else None

    def _run(self, cost: Floats, rows: Sequence[Row], bounds: Bounds, left: float) -> Answer:
        if self.number == 0:
            possible = not self.grid.size.any() and not (self.grid.least > 0).any()
            return Answer(np.zeros(0, dtype=bool) if possible else None, infeasible=not possible)
        found = milp(
            cost,
            constraints=[LinearConstraint(*row) for row in rows],
            integrality=np.ones(self.number, dtype=np.int64),
            bounds=bounds,
            options={"time_limit": left, "mip_rel_gap": EXACT / 10},
        )
        if found.status == _INFEASIBLE:
            return Answer(None, infeasible=True)
        bound = -(found.fun or 0.0) if found.mip_dual_bound is None else -found.mip_dual_bound
        if found.x is None:
            return Answer(None, bound=bound)
        return Answer(found.x > 0.5, value=-float(found.fun or 0.0), bound=float(bound))

    def _rows(self, of: Ints, values: Floats, number: int) -> sparse.csr_array:
        return sparse.csr_array((values, (of, self.columns)), shape=(number, self.number))

    def _institutions(self) -> list[Row]:
        """At most so many of one institution, where a dossier could have more."""
        places = int(self.grid.institution.max(initial=0)) + 1
        which, row, count = np.unique(
            self.dossier * places + self.grid.institution[self.person], return_inverse=True, return_counts=True
        )
        most = self.grid.crowd[which // places]
        bound = np.flatnonzero((count > most) & (most < self.grid.most[which // places]))
        if not len(bound):
            return []
        table = self._rows(row.astype(np.int64), np.ones(self.number), len(which))
        return [(sparse.csr_array(table[bound]), -np.inf, most[bound])]

    def _bans(self) -> list[Row]:
        bans = self.grid.bans()
        seats = zip(self.dossier.tolist(), self.person.tolist(), strict=True) if bans else ()
        at = {seat: place for place, seat in enumerate(seats)}
        pairs = [
            (at[row, one], at[row, other])
            for dossier, one, other in bans
            for row in ([dossier] if dossier is not None else range(self.grid.shape[0]))
            if (row, one) in at and (row, other) in at
        ]
        if not pairs:
            return []
        ends = np.array(pairs).ravel()
        table = sparse.csr_array(
            (np.ones(len(ends)), (np.repeat(np.arange(len(pairs)), 2), ends)), shape=(len(pairs), self.number)
        )
        return [(table, -np.inf, 1)]
