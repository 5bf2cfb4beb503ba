"""What samples of each size would say: the upper limit of what is in error, by the errors that are found.

All limits are shares of the whole. All raise BadSampling.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workflow.sampling import bounds, sizes
from workflow.sampling.errors import BadSampling
from workflow.sampling.monetary import allowances
from workflow.sampling.projection import least

POINTS = 20
"""At most so many points make a curve, so that it costs the same at any size."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The limits with so many errors: points (n, limit), and the least n that keeps them within what is tolerated.

    `enough` is None where not even the whole population does.
    """

    errors: int
    points: Sequence[tuple[int, float]]
    enough: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a sample: how sure to be, and of how little error, among how many units.

    `by_value`: drawn by value, limits by the conservative approach of MUS, each error being the whole of a unit of mean
    value. Else each unit is drawn alike, limits being those of the hypergeometric distribution.
    """

    population: int
    confidence: float
    tolerable: float
    by_value: bool = False

    def limit(self, errors: int, n: int) -> float:
        """The greatest share of error that so many errors among n leave possible."""
        if not self.by_value:
            return bounds.hypergeometric(errors, n, self.confidence, self.population)
        if n >= self.population:
            return errors / self.population
        basic, incremental = allowances([1.0] * errors, self.confidence)
        return min(1.0, (errors + basic + incremental) / n)

    def enough(self, errors: int) -> int | None:
        """The least n with which so many errors still say that less than the tolerable share is in error."""
        if self.by_value:
            n = least(errors, lambda size: self.limit(errors, size) < self.tolerable)
            if n is not None and n <= self.population:
                return n
            return self.population if self.limit(errors, self.population) < self.tolerable else None
        try:
            return sizes.attributes(
                "hypergeometric",
                confidence=self.confidence,
                materiality=self.tolerable,
                expected=errors,
                population=self.population,
            ).n
        except BadSampling:
            return None

    def curve(self, errors: int, largest: int) -> Curve:
        """The limits from as few units as errors to `largest`, denser where they fall fast, and around `enough`."""
        enough = self.enough(errors)
        first = min(max(1, errors), largest)
        at = {round(first * (largest / first) ** (step / (POINTS - 1))) for step in range(POINTS)}
        at |= {n for n in (enough - 1, enough) if first <= n <= largest} if enough else set()
        return Curve(errors, [(n, self.limit(errors, n)) for n in sorted(at)], enough)
