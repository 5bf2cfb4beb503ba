"""Times things against each other in one run, and says what came out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

Work = Callable[[], object]


@dataclass(frozen=True)
class Result:
    """One measured line: what, on which database, the figures behind it, and what it is judged by against its aim."""

    part: str
    what: str
    on: str
    figures: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    aim: str = ""
    met: bool | None = None


def interleaved(rounds: int, *works: Work) -> list[list[float]]:
    """Seconds that each of `works` took in each round. They take turns, so that a noisy machine disturbs all alike."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for place, work in enumerate(works):
            started = perf_counter()
            work()
            seconds[place].append(perf_counter() - started)
    return seconds


def ratio(some: list[float], others: list[float]) -> float:
    """The median over the rounds of `some` to `others` of the same round."""
    return median(one / other for one, other in zip(some, others, strict=True))


def middle(seconds: list[float], number: int = 1) -> float:
    """The median time of one of `number` things that a round did."""
    return median(seconds) / number
