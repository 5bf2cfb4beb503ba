"""What the reviews of a sample say of all actions: a mean with its interval. Pure.

Reviews are few, so that the interval is Student's and not the normal one of the projections of controls.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from workflow.sampling import factors

CONFIDENCE = 0.9
"""How sure the interval is."""
HIGHEST = 4
"""Levels go from 0 to this."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Between what a mean stands for all actions."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean level; without an interval where all reviews say the same, so that nothing shows how far others may be."""

    value: float
    interval: Interval | None


def mean(groups: Mapping[str, tuple[int, Sequence[float]]]) -> Mean | None:
    """The mean over everything, from each group's number of actions and the levels of those reviewed.

    Each group weighs as many as it has actions; one that was reviewed whole is known and adds no doubt. The variance of
    the total is Σ N_h² · (1 − n_h/N_h) · s_h² / n_h (Cochran, Sampling Techniques, 5.3), its degrees of freedom are
    Satterthwaite's (ibid., 5.4). None where a group that was not reviewed whole has fewer than two reviews: nothing can
    be said of its spread.
    """
    total, estimate = sum(size for size, _levels in groups.values()), 0.0
    doubts: list[tuple[float, int]] = []
    for size, levels in groups.values():
        n = len(levels)
        if n < min(2, size):
            return None
        estimate += size * fmean(levels)
        if n < size:
            doubts.append((size**2 * (1 - n / size) * variance(levels) / n, n - 1))
    value, doubt = estimate / total, math.fsum(part for part, _freedom in doubts)
    if not doubts:
        return Mean(value, Interval(value, value))
    if not doubt:
        return Mean(value, None)
    freedom = doubt**2 / math.fsum(part**2 / own for part, own in doubts)
    spread = factors.t(CONFIDENCE, freedom) * math.sqrt(doubt) / total
    return Mean(value, Interval(max(0.0, value - spread), min(float(HIGHEST), value + spread)))
