"""What the reviews of a sample say of all actions: a mean with its interval, by the projections of draws. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflow.sampling.errors import BadSampling
from workflow.sampling.projection import Item, Stratum, mean_per_unit

CONFIDENCE = 0.9
"""How sure the interval is."""
HIGHEST = 4
"""Levels go from 0 to this."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean level, and between what it stands for all actions."""

    value: float
    low: float
    high: float


def mean(groups: Mapping[str, tuple[int, Sequence[float]]]) -> Mean | None:
    """The mean over everything, from each group's number of actions and the levels of those reviewed.

    Each group weighs as many as it has actions (`projection.mean_per_unit`); one that was reviewed whole is known and
    adds no doubt. None where a group that was not has fewer than two reviews: nothing can be said of its spread.
    """
    sample = [
        Item(f"{name}-{place}", level, 1.0, name, exhaustive=len(levels) == size)
        for name, (size, levels) in groups.items()
        for place, level in enumerate(levels)
    ]
    strata = {name: Stratum(size, float(size)) for name, (size, _levels) in groups.items()}
    total = sum(size for size, _levels in groups.values())
    try:
        found = mean_per_unit(sample, confidence=CONFIDENCE, strata=strata)
    except BadSampling:
        return None
    value, spread = found.estimate / total, found.precision / total
    return Mean(value, max(0.0, value - spread), min(float(HIGHEST), value + spread))
