"""Where there are too many seats for an exact answer: prices per effort point, and dossiers seated one by one by them.

Each instructor asks a price, which rises where more is wanted of them than they have (Lagrange's relaxation of the
capacities, by subgradients: Held, Wolfe and Crowder, 1974). Prices bound what any solution can reach.
"""

from math import inf

import numpy as np

from workflow.pairing.program import Floats, Grid, Mask

_TURNS = 40


def ask(grid: Grid) -> tuple[Floats, float]:
    """Prices per effort point, and the sum of affinities that no solution can exceed."""
    prices, best, lowest = np.zeros(grid.shape[1]), np.zeros(grid.shape[1]), inf
    step = float(np.abs(grid.affinity).max(initial=1.0)) / 10
    capacity = np.minimum(grid.capacity, float((grid.effort * grid.size).sum()))
    for turn in range(_TURNS):
        asked = grid.affinity - grid.effort[:, None] * prices[None, :]
        bound = float(grid.best_sums(asked).sum() + prices @ capacity)
        if bound < lowest:
            lowest, best = bound, prices
        most = int(grid.size.max(initial=1))
        wanted = np.argpartition(-np.where(grid.allowed, asked, -inf), most - 1, axis=1)[:, :most]
        points = np.bincount(wanted.ravel(), weights=np.repeat(grid.effort, most), minlength=grid.shape[1])
        over = (points - capacity) / max(float(np.abs(points - capacity).max()), 1.0)
        prices = np.maximum(0.0, prices + step * over / (1 + turn / 4))
    return best, lowest


def promising(grid: Grid, prices: Floats, number: int) -> Mask:
    """For each dossier the seats of the `number` instructors who are worth most at their prices."""
    worth = np.where(grid.allowed, grid.affinity - grid.effort[:, None] * prices[None, :], -inf)
    number = min(number, grid.shape[1])
    chosen = np.zeros(grid.shape, dtype=bool)
    chosen[np.arange(grid.shape[0])[:, None], np.argpartition(-worth, number - 1, axis=1)[:, :number]] = True
    return chosen


def seat(grid: Grid, prices: Floats, capacity: Floats) -> Mask | None:
    """Members for every dossier, the largest efforts first, within `capacity`; None where this way leads nowhere."""
    if grid.least.any() or (grid.pinned & ~grid.allowed).any():
        return None
    left = capacity - grid.effort @ grid.pinned
    seats = grid.pinned.copy()
    bans = grid.bans()
    for dossier in np.lexsort((grid.allowed.sum(axis=1), -grid.effort)):
        effort, most = grid.effort[dossier], int(grid.crowd[dossier])
        members = list(np.flatnonzero(seats[dossier]))
        worth = grid.affinity[dossier] - effort * prices
        free = np.flatnonzero(grid.allowed[dossier] & (left >= effort - 1e-6) & ~seats[dossier])
        for person in free[np.argsort(-worth[free], kind="stable")]:
            if len(members) >= grid.size[dossier]:
                break
            crowd = sum(grid.institution[other] == grid.institution[person] for other in members)
            banned = any(
                {one, two} <= {person, *members} and where in (None, dossier) and person in (one, two)
                for where, one, two in bans
            )
            if crowd < most and not banned:
                members.append(person)
                left[person] -= effort
        if len(members) != grid.size[dossier] or left.min(initial=0) < -1e-6:
            return None
        seats[dossier, members] = True
    return seats
