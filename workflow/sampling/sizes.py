"""How many units to examine. Every function returns the size with the inputs it used and the source of its formula.

Confidences and rates are shares between 0 and 1, book values and standard deviations money in one unit (euros as a
rule). All raise BadSampling. "Guidance" is EGESIF_16-0014-01, the Commission's guidance on sampling methods for audit
authorities.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from workflow.sampling import factors
from workflow.sampling.errors import BadSampling, count, money, need, share
from workflow.sampling.select import allocate

LARGEST = 10_000_000
"""No larger sample is looked for."""
CORRECTED_FROM = 0.1
"""Share of the population above which the finite population correction is applied; below, the guidance's examples do
without it."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many units, what it was computed from, and the formula's source. `strata` tells how many of each."""

    n: int
    inputs: Mapping[str, float | int | bool | None]
    source: str
    strata: Sequence[int] = field(default=())


# Attributes


def _binomial(allowed: float, n: int, rate: float, _population: int | None) -> float:
    from scipy.special import betaincc  # noqa: PLC0415

    return float(betaincc(allowed + 1, n - allowed, rate)) if allowed < n else 1.0


def _poisson(allowed: float, n: int, rate: float, _population: int | None) -> float:
    from scipy.special import gammaincc  # noqa: PLC0415

    return float(gammaincc(allowed + 1, n * rate))


def _hypergeometric(allowed: float, n: int, rate: float, population: int | None) -> float:
    from scipy.stats import hypergeom  # noqa: PLC0415

    units = population or 0
    return float(hypergeom.cdf(allowed, units, whole(rate * units), n))


_AT_MOST: Mapping[str, Callable[[float, int, float, int | None], float]] = {
    "binomial": _binomial,
    "hypergeometric": _hypergeometric,
    "poisson": _poisson,
}
"""The chance of at most so many errors among n at a rate of error."""


def attributes(
    method: str,
    *,
    confidence: float,
    materiality: float,
    expected: int | None = None,
    expected_rate: float | None = None,
    population: int | None = None,
) -> Size:
    """The smallest n such that at most k errors among n have at most the chance 1 − confidence at the tolerable rate.

    ISA 530, appendix 2; guidance 7.9. `method` is binomial, hypergeometric (`population` units, of which
    ⌈materiality · population⌉ in error) or poisson. k is `expected` (0 where nothing is), or ⌈expected_rate · n⌉; with
    poisson the real expected_rate · n, through the gamma distribution. Never more than the population.
    """
    share("confidence", confidence)
    share("materiality", materiality)
    if expected is not None and expected_rate is not None:
        raise BadSampling("needless", option="expected_rate")
    rate = expected_rate or 0.0
    need("expected_rate", rate, "[0 ; 1[", 0 <= rate < 1)
    count("expected", expected or 0, 0)
    if population is None and method == "hypergeometric":
        raise BadSampling("missing", option="population")
    if population is not None:
        count("population", population)
    if rate >= materiality:
        raise BadSampling("expected_too_high")
    n, errors = smallest(method, confidence, materiality, rate, expected, population)
    inputs: dict[str, float | int | bool | None] = {
        "confidence": confidence,
        "materiality": materiality,
        "expected": expected,
        "expected_rate": expected_rate,
        "population": population,
        "errors_allowed": errors,
    }
    return Size(min(n, population or n), inputs, "ISA 530, appendix 2; EGESIF_16-0014-01, 7.9")


def smallest(
    method: str,
    confidence: float,
    materiality: float,
    rate: float,
    expected: int | None = None,
    population: int | None = None,
    start: int = 1,
) -> tuple[int, float]:
    """The smallest n from `start` on that `attributes` asks for, and the errors allowed in it. Raises BadSampling."""
    # A chance of 1 − 0.9 is meant to be 0.1, which floating point misses by a little.
    risk = (1 - confidence) * (1 + 1e-12)

    def allowed(n: int) -> float:
        if expected is not None:
            return expected
        return rate * n if method == "poisson" else whole(rate * n)

    def first(low: int, high: int) -> int | None:
        """The first n from low to high that suffices.

        With n the chance falls, with the errors allowed it rises: where those of `low` are too likely even among
        `high`, nothing in between suffices.
        """
        if not _AT_MOST[method](allowed(low), high, materiality, population) <= risk:
            return None
        if low == high:
            return low
        middle = (low + high) // 2
        return first(low, middle) or first(middle + 1, high)

    largest = min(population or 0, LARGEST) if method == "hypergeometric" else LARGEST
    n = first(start, largest) if start <= largest else None
    if n is None:
        raise BadSampling("no_size")
    return n, allowed(n)


def whole(amount: float) -> int:
    """`amount` rounded up, after what floating point added to it."""
    return math.ceil(round(amount, 9))


# Variables


def _margin(book_value: float, tolerable_rate: float, expected_rate: float) -> tuple[float, float]:
    """Tolerable and expected error, in money (guidance 5.3)."""
    money("book_value", book_value)
    share("tolerable_rate", tolerable_rate)
    need("expected_rate", expected_rate, "[0 ; 1[", 0 <= expected_rate < 1)
    if expected_rate >= tolerable_rate:
        raise BadSampling("expected_too_high")
    return tolerable_rate * book_value, expected_rate * book_value


def corrected(raw: float, population: int) -> tuple[float, bool]:
    """A size after the finite population correction n / (1 + n / N), and whether it was applied (guidance, note 25)."""
    applies = raw > CORRECTED_FROM * population
    return (raw / (1 + raw / population) if applies else raw), applies


def _rounded(raw: float, population: int | None) -> int:
    n = max(1, whole(min(raw, LARGEST + 1)))
    if population is None and n > LARGEST:
        raise BadSampling("no_size")
    return min(n, population or n)


def stratified(
    *,
    strata: Sequence[tuple[int, float]],
    book_value: float,
    confidence: float,
    tolerable_rate: float,
    expected_rate: float = 0.0,
) -> Size:
    """n = (N · z · σ_w / (TE − AE))², σ_w² = Σ N_h/N · σ_h², shared in proportion to N_h: guidance 6.1.2.2.

    `strata` are (N_h units, σ_h standard deviation of their errors in money), those examined whole left out;
    `book_value` is that of everything. TE and AE are the tolerable and the expected rate times the book value.
    """
    tolerable, expected = _margin(book_value, tolerable_rate, expected_rate)
    for units, sd in strata:
        count("population", units)
        need("sd", sd, "[0 ; book_value]", 0 <= sd <= book_value)
    population = sum(units for units, _sd in strata)
    variance = math.fsum(units / population * sd**2 for units, sd in strata)
    coefficient = factors.z(confidence)
    raw = (population * coefficient * math.sqrt(variance) / (tolerable - expected)) ** 2
    raw, applied = corrected(raw, population)
    n = _rounded(raw, population)
    inputs: dict[str, float | int | bool | None] = {
        "population": population,
        "book_value": book_value,
        "sd": math.sqrt(variance),
        "confidence": confidence,
        "tolerable_rate": tolerable_rate,
        "expected_rate": expected_rate,
        "z": coefficient,
        "tolerable_error": tolerable,
        "expected_error": expected,
        "finite_population_correction": applied,
    }
    shares = allocate(n, [(units, units) for units, _sd in strata], 0)
    return Size(n, inputs, "EGESIF_16-0014-01, 6.1.2.2", shares)


def srs(
    *,
    population: int,
    book_value: float,
    sd: float,
    confidence: float,
    tolerable_rate: float,
    expected_rate: float = 0.0,
) -> Size:
    """n = (N · z · σ / (TE − AE))²: mean per unit and difference, guidance 6.1.1.2 and 6.2.1.2.

    `sd` is the standard deviation of the errors of single units, in money: of earlier years or of a pilot sample.
    """
    size = stratified(
        strata=[(population, sd)],
        book_value=book_value,
        confidence=confidence,
        tolerable_rate=tolerable_rate,
        expected_rate=expected_rate,
    )
    return Size(size.n, {**size.inputs, "sd": sd}, "EGESIF_16-0014-01, 6.1.1.2")


def mus_standard(
    *,
    book_value: float,
    sd_rate: float,
    confidence: float,
    tolerable_rate: float,
    expected_rate: float = 0.0,
    population: int | None = None,
) -> Size:
    """n = (z · BV · σ_r / (TE − AE))²: monetary unit sampling, standard approach, guidance 6.3.1.2.

    `sd_rate` is the standard deviation of the error rates (error over book value) in a sample drawn by value.
    """
    need("sd_rate", sd_rate, "[0 ; 1]", 0 <= sd_rate <= 1)
    tolerable, expected = _margin(book_value, tolerable_rate, expected_rate)
    coefficient = factors.z(confidence)
    if population is not None:
        count("population", population)
    n = _rounded((coefficient * book_value * sd_rate / (tolerable - expected)) ** 2, population)
    inputs: dict[str, float | int | bool | None] = {
        "book_value": book_value,
        "sd_rate": sd_rate,
        "confidence": confidence,
        "tolerable_rate": tolerable_rate,
        "expected_rate": expected_rate,
        "population": population,
        "z": coefficient,
        "tolerable_error": tolerable,
        "expected_error": expected,
        "interval": book_value / n,
    }
    return Size(n, inputs, "EGESIF_16-0014-01, 6.3.1.2")


def mus_stratified(
    *,
    strata: Sequence[tuple[float, float]],
    confidence: float,
    tolerable_rate: float,
    expected_rate: float = 0.0,
    population: int | None = None,
) -> Size:
    """n = (z · BV · σ_rw / (TE − AE))², σ_rw² = Σ BV_h/BV · σ_rh², shared in proportion to BV_h: guidance 6.3.2.2.

    `strata` are (BV_h book value, σ_rh standard deviation of the error rates), those examined whole left out.
    """
    for value, sd_rate in strata:
        money("book_value", value)
        need("sd_rate", sd_rate, "[0 ; 1]", 0 <= sd_rate <= 1)
    book_value = math.fsum(value for value, _sd_rate in strata)
    variance = math.fsum(value / book_value * sd_rate**2 for value, sd_rate in strata)
    size = mus_standard(
        book_value=book_value,
        sd_rate=math.sqrt(variance),
        confidence=confidence,
        tolerable_rate=tolerable_rate,
        expected_rate=expected_rate,
        population=population,
    )
    shares = allocate(size.n, [(size.n, value) for value, _sd_rate in strata], 0)
    return Size(size.n, size.inputs, "EGESIF_16-0014-01, 6.3.2.2", shares)


def mus_conservative(
    *,
    book_value: float,
    confidence: float,
    tolerable_rate: float,
    expected_rate: float = 0.0,
    population: int | None = None,
) -> Size:
    """n = BV · RF / (TE − AE · EF): monetary unit sampling, conservative approach, guidance 6.3.5.2.

    RF is the reliability factor of no error, EF the expansion factor, which counts only where errors are expected.
    """
    tolerable, expected = _margin(book_value, tolerable_rate, expected_rate)
    factor = factors.basic_factor(confidence)
    expansion = factors.expansion_factor(confidence) if expected else None
    margin = tolerable - expected * (expansion or 0)
    if margin <= 0:
        raise BadSampling("no_size")
    if population is not None:
        count("population", population)
    n = _rounded(book_value * factor / margin, population)
    inputs: dict[str, float | int | bool | None] = {
        "book_value": book_value,
        "confidence": confidence,
        "tolerable_rate": tolerable_rate,
        "expected_rate": expected_rate,
        "population": population,
        "reliability_factor": factor,
        "expansion_factor": expansion,
        "tolerable_error": tolerable,
        "expected_error": expected,
        "interval": book_value / n,
    }
    return Size(n, inputs, "EGESIF_16-0014-01, 6.3.5.2")


def non_statistical(
    *,
    population: int,
    book_value: float | None = None,
    unit_share: float = 0.05,
    value_share: float = 0.10,
) -> Size:
    """The least a sample without statistics may be: shares of the units and of the expenditure, both to be reached.

    By default 5 % and 10 %: article 127(1) of Regulation (EU) 1303/2013, guidance 6.4.3. The expenditure to reach is
    among the inputs.
    """
    count("population", population)
    share("unit_share", unit_share)
    share("value_share", value_share)
    if book_value is not None:
        money("book_value", book_value)
    inputs: dict[str, float | int | bool | None] = {
        "population": population,
        "book_value": book_value,
        "unit_share": unit_share,
        "value_share": value_share,
        "minimum_value": None if book_value is None else value_share * book_value,
    }
    return Size(whole(unit_share * population), inputs, "EGESIF_16-0014-01, 6.4.3")


METHODS: Mapping[str, Callable[..., Size]] = {
    **{method: partial(attributes, method) for method in _AT_MOST},
    "srs": srs,
    "stratified": stratified,
    "mus-standard": mus_standard,
    "mus-stratified": mus_stratified,
    "mus-conservative": mus_conservative,
    "non-statistical": non_statistical,
}
"""The methods by name; each takes only its own options, by name."""
