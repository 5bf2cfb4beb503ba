"""When individual opinions agree. Pure."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

from workflow.grids import apart


class Content(NamedTuple):
    """What an individual opinion says: a verdict, cents by request line, and scores by criterion."""

    author_id: int
    verdict: str | None
    amounts: Mapping[int, int]
    scores: Mapping[int, int]
    sealed: bool = True


def agree(one: Content, other: Content) -> bool:
    """Whether two opinions say the same: verdict, sums, and no criterion two levels or more apart."""
    return (
        one.verdict == other.verdict
        and dict(one.amounts) == dict(other.amounts)
        and not apart(one.scores, other.scores)
    )


def agreeing(opinions: Iterable[Content]) -> tuple[Content, Content] | None:
    """The first two sealed opinions that agree: both of a binôme, or two of three. None where there are none."""
    sealed = [opinion for opinion in opinions if opinion.sealed]
    return next((pair for pair in combinations(sealed, 2) if agree(*pair)), None)
