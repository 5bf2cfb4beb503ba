"""From the errors found to those of the population: projected error, precision and upper limit, by method.

"Guidance" is EGESIF_16-0014-01, the Commission's guidance on sampling methods for audit authorities. Money is in one
unit (euros as a rule); positive errors are what was declared too much. What was not drawn at random (`exhaustive`:
above the interval, or forced) counts with its own error and is projected on nothing.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import covariance, fmean, variance
from typing import Any

from workflow.sampling import bounds, factors
from workflow.sampling.errors import BadSampling, count, money
from workflow.sampling.sizes import CORRECTED_FROM, LARGEST, corrected, smallest, whole


@dataclass(frozen=True, slots=True)
class Item:
    """An examined unit: its error and book value in money, its stratum, and whether it was taken without chance."""

    id: str
    error: float
    value: float | None = None
    stratum: str = ""
    exhaustive: bool = False

    @property
    def book(self) -> float:
        """The book value, where the method needs one."""
        if self.value is None:
            raise BadSampling("no_book_value")
        return self.value

    @property
    def tainting(self) -> float:
        """Error over book value."""
        if not self.book:
            raise BadSampling("zero_value", id=self.id)
        return self.error / self.book


@dataclass(frozen=True, slots=True)
class Stratum:
    """What a stratum of the population holds, exhaustive units included: units and book value."""

    population: int
    book_value: float


@dataclass(frozen=True, slots=True)
class Projection:
    """The most likely error, the precision around it and the upper limit: rates for attributes, else money.

    `n` is the units drawn at random; `enough(tolerable)` the number that would bring the upper limit under a tolerable
    error if the errors went on as they were found, None where none would. `advised` is what the guidance's rule
    prefers of mean per unit (`srs`) and `ratio`.
    """

    estimate: float
    precision: float
    upper_limit: float
    n: int
    enough: Callable[[float], int | None]
    inputs: Mapping[str, Any]
    source: str
    advised: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What was drawn at random in one stratum, and the units and book value that it stands for."""

    items: Sequence[Item]
    population: int
    book_value: float


@dataclass(frozen=True, slots=True)
class Split:
    """A sample by stratum, the error of what was not drawn at random, and the book value of everything."""

    parts: Sequence[Part]
    known_error: float
    book_value: float

    @property
    def items(self) -> list[Item]:
        return [item for part in self.parts for item in part.items]


def split(sample: Sequence[Item], strata: Mapping[str, Stratum]) -> Split:
    """Share a sample among strata, each with what of it is not exhaustive. Raises BadSampling.

    Each stratum needs two units drawn at random, where it is not exhaustive altogether.
    """
    by_stratum: dict[str, list[Item]] = {name: [] for name in strata}
    for item in sample:
        # Where there is one stratum without a name, all are in it.
        name = "" if "" in strata else item.stratum
        if name not in strata:
            raise BadSampling("unknown_stratum", stratum=name)
        by_stratum[name].append(item)
    parts = []
    for name, items in by_stratum.items():
        drawn = [item for item in items if not item.exhaustive]
        apart = [item for item in items if item.exhaustive]
        units = strata[name].population - len(apart)
        value = strata[name].book_value - math.fsum(item.book for item in apart)
        # Sums of cents, in floating point, may leave a trifle.
        if units < len(drawn) or value < -1e-9 * strata[name].book_value:
            raise BadSampling("sample_above_population")
        if units and len(drawn) < 2:
            raise BadSampling("too_few", stratum=name or "—")
        if units:
            parts.append(Part(drawn, units, value))
    known = math.fsum(item.error for item in sample if item.exhaustive)
    return Split(parts, known, math.fsum(stratum.book_value for stratum in strata.values()))


def described(
    sample: Sequence[Item], strata: Mapping[str, Stratum] | None, population: int | None, book_value: float | None
) -> Split:
    """Share a sample among the strata given, or else take it as one of so many units and this book value."""
    if strata is not None:
        for option, given in (("population", population), ("book_value", book_value)):
            if given is not None:
                raise BadSampling("needless", option=option)
        return split(sample, strata)
    if book_value is None:
        raise BadSampling("missing", option="book_value")
    if population is None:
        raise BadSampling("missing", option="population")
    count("population", population)
    money("book_value", book_value)
    return split(sample, {"": Stratum(population, book_value)})


def least(n: int, fits: Callable[[int], bool]) -> int | None:
    """The least number above n that fits, where all above one that fits do; None where none under LARGEST does."""
    high = n + 1
    while not fits(high):
        if high > LARGEST:
            return None
        n, high = high, 2 * high
    while high - n > 1:
        middle = (n + high) // 2
        n, high = (n, middle) if fits(middle) else (middle, high)
    return high


# Attributes


def rate(method: str, *, confidence: float, errors: int, n: int, population: int | None = None) -> Projection:
    """The rate of error, from `errors` among `n`: exact bounds (`bounds.py`), the precision being what they add.

    `method` is binomial, hypergeometric (which needs `population`, in units) or poisson. ISA 530; guidance 7.9.
    """
    upper = bounds.UPPER[method](errors, n, confidence, population)

    def enough(tolerable: float) -> int | None:
        try:
            return smallest(method, confidence, tolerable, errors / n, population=population, start=n + 1)[0]
        except BadSampling:
            return None

    inputs = {"confidence": confidence, "errors": errors, "n": n, "population": population}
    source = "ISA 530; EGESIF_16-0014-01, 7.9"
    return Projection(errors / n, upper - errors / n, upper, n, enough, inputs, source)


# Variables


def normal(
    parts: Split,
    estimate: float,
    variances: Sequence[float],
    confidence: float,
    source: str,
    population: int | None = None,
) -> Projection:
    """Estimate and variances of each part's projected error, as the normal distribution has it.

    With `population`, the finite population correction √(1 − n/N) is applied to a part of which more than
    CORRECTED_FROM was drawn.
    """
    coefficient = factors.z(confidence)
    n = len(parts.items)
    shares = [len(part.items) / part.population if population else 0.0 for part in parts.parts]
    left = [1 - share if share > CORRECTED_FROM else 1.0 for share in shares]
    plain = coefficient * math.sqrt(math.fsum(variances))
    precision = coefficient * math.sqrt(math.fsum(v * share for v, share in zip(variances, left, strict=True)))

    def enough(tolerable: float) -> int | None:
        if tolerable <= estimate:
            return None
        raw = n * (plain / (tolerable - estimate)) ** 2
        if population:
            raw = min(corrected(raw, population)[0], population)
        return max(n + 1, whole(raw)) if raw <= LARGEST else None

    inputs = {
        "confidence": confidence,
        "book_value": parts.book_value,
        "n": n,
        "z": coefficient,
        "known_error": parts.known_error,
        "finite_population_correction": min(left, default=1.0) < 1,
        "parts": [
            {
                "n": len(part.items),
                **({"population": part.population} if population else {}),
                "book_value": part.book_value,
            }
            for part in parts.parts
        ],
    }
    advised = _advised(parts.items) if population else None
    return Projection(estimate, precision, estimate + precision, n, enough, inputs, source, advised)


def _advised(items: Sequence[Item]) -> str | None:
    """Ratio where COV(E, BV) / VAR(BV) > (ΣE / ΣBV) / 2, else mean per unit: guidance 6.1.1.3. None without values."""
    if len(items) < 2 or any(item.value is None for item in items):
        return None
    values, errors = [item.book for item in items], [item.error for item in items]
    spread = variance(values)
    slope = covariance(errors, values) / spread if spread else 0.0
    return "ratio" if slope > math.fsum(errors) / math.fsum(values) / 2 else "srs"


def mean_per_unit(
    sample: Sequence[Item],
    *,
    confidence: float,
    population: int | None = None,
    book_value: float | None = None,
    strata: Mapping[str, Stratum] | None = None,
) -> Projection:
    """EE = Σ N_h · mean error, SE = z · √(Σ N_h² · s_h² / n_h): guidance 6.1.1.3-4 and 6.1.2.3-4.

    The guidance writes the precision of strata for shares in proportion to N_h; this one (Cochran, Sampling Techniques,
    5.3) is the same for those and holds for any. `population` and `book_value` are those of everything; with `strata`
    they stand there, by name. The limit is a normal one: where values differ widely it holds less often than it says,
    and a draw by value is the better one.
    """
    parts = described(sample, strata, population, book_value)
    units = sum(part.population for part in parts.parts)
    projected = [part.population * fmean(item.error for item in part.items) for part in parts.parts]
    variances = [
        part.population**2 * variance(item.error for item in part.items) / len(part.items) for part in parts.parts
    ]
    estimate = parts.known_error + math.fsum(projected)
    return normal(parts, estimate, variances, confidence, "EGESIF_16-0014-01, 6.1.1.3 and 6.1.1.4", units)


def ratio(
    sample: Sequence[Item],
    *,
    confidence: float,
    population: int | None = None,
    book_value: float | None = None,
    strata: Mapping[str, Stratum] | None = None,
) -> Projection:
    """EE = Σ BV_h · ΣE / ΣBV, SE as for the mean per unit of q = E − (ΣE / ΣBV) · BV: guidance 6.1.1.3-4, 6.1.2.3-4."""
    parts = described(sample, strata, population, book_value)
    units = sum(part.population for part in parts.parts)
    estimate, variances = parts.known_error, []
    for part in parts.parts:
        books = math.fsum(item.book for item in part.items)
        if not books:
            raise BadSampling("zero_value", id=part.items[0].id)
        slope = math.fsum(item.error for item in part.items) / books
        estimate += part.book_value * slope
        spread = variance(item.error - slope * item.book for item in part.items)
        variances.append(part.population**2 * spread / len(part.items))
    return normal(parts, estimate, variances, confidence, "EGESIF_16-0014-01, 6.1.1.3 and 6.1.1.4", units)
