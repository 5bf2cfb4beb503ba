"""What the scores of a criteria grid mean together. Pure."""

from collections.abc import Iterable, Mapping

HIGHEST = 4
"""Scores go from 0 to this one."""
APART = 2
"""Two scores of one criterion that differ by so many levels or more are a difference to be talked over."""


def mark(weights: Mapping[int, int], scores: Mapping[int, int]) -> float | None:
    """The weighted mean of the scores given, from 0 to 4; None where none is. Both are by criterion."""
    given = {criterion: weights[criterion] for criterion in scores if criterion in weights}
    total = sum(given.values())
    return sum(weight * scores[criterion] for criterion, weight in given.items()) / total if total else None


def apart(one: Mapping[int, int], other: Mapping[int, int]) -> Iterable[int]:
    """The criteria that both score, so differently that it counts."""
    return [criterion for criterion in one.keys() & other.keys() if abs(one[criterion] - other[criterion]) >= APART]
