"""From the errors found to those of the population, where units were drawn by value (MUS), and Stringer's bound.

As in `projection.py`; "guidance" is EGESIF_16-0014-01.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, variance

from workflow.sampling import bounds, factors
from workflow.sampling.errors import BadSampling, count, money
from workflow.sampling.projection import Item, Projection, Split, Stratum, described, least, normal, split


def _by_value(sample: Sequence[Item], strata: Mapping[str, Stratum] | None, book_value: float | None) -> Split:
    """The sample by stratum. How many units there are need not be known: what is drawn by value stands for a value."""
    return described(sample, strata, None if strata else max(1, len(sample)), book_value)


def mus_standard(
    sample: Sequence[Item],
    *,
    confidence: float,
    book_value: float | None = None,
    strata: Mapping[str, Stratum] | None = None,
) -> Projection:
    """EE = EE_e + Σ BV_hs / n_hs · Σ E/BV, SE = z · √(Σ BV_hs² / n_hs · s_rh²): guidance 6.3.1.4-5 and 6.3.2.4-5."""
    parts = _by_value(sample, strata, book_value)
    estimate, variances = parts.known_error, []
    for part in parts.parts:
        rates = [item.tainting for item in part.items]
        estimate += part.book_value * fmean(rates)
        variances.append(part.book_value**2 * variance(rates) / len(rates))
    return normal(parts, estimate, variances, confidence, "EGESIF_16-0014-01, 6.3.1.4 and 6.3.1.5")


def allowances(taintings: Sequence[float], confidence: float) -> tuple[float, float]:
    """Basic precision and incremental allowance of the conservative approach, in intervals: guidance 6.3.5.5."""
    found = sorted(taintings, reverse=True)
    reliability = [factors.reliability_factor(errors, confidence) for errors in range(len(found) + 1)]
    incremental = math.fsum((reliability[j + 1] - reliability[j] - 1) * tainting for j, tainting in enumerate(found))
    return factors.basic_factor(confidence), incremental


def mus_conservative(
    sample: Sequence[Item],
    *,
    confidence: float,
    book_value: float,
    interval: float | None = None,
    n: int | None = None,
) -> Projection:
    """EE = EE_e + SI · Σ E/BV, SE = SI · RF(0) + Σ (RF(j) − RF(j−1) − 1) · SI · (E/BV)_j: guidance 6.3.5.4-5.

    The taintings stand in descending order, understatements lessen the estimate alone. SI is `interval`, or
    book_value / `n` (the size planned, as in the guidance's example); else what was drawn at random shares what of the
    book value is not exhaustive, as `select.draw` does it.
    """
    parts = _by_value(sample, None, book_value)
    drawn = parts.items
    if not drawn:
        raise BadSampling("empty_sample")
    if interval is None:
        count("n", 1 if n is None else n)
        interval = book_value / n if n else sum(part.book_value for part in parts.parts) / len(drawn)
    elif n is not None:
        raise BadSampling("needless", option="n")
    money("interval", interval)
    step = interval
    taintings = [item.tainting for item in drawn]
    found = [tainting for tainting in taintings if tainting > 0]
    basic, allowance = (step * part for part in allowances(found, confidence))
    estimate = parts.known_error + step * math.fsum(taintings)
    mean = fmean(found) if found else 0.0

    def upper(size: int) -> float:
        """With so many units, as many of them in error as now and equally tainted."""
        errors = len(found) * size / len(drawn)
        widening = factors.exact_factor(errors, confidence) - factors.exact_factor(0, confidence) - errors
        return estimate + step * len(drawn) / size * (factors.basic_factor(confidence) + mean * widening)

    def enough(tolerable: float) -> int | None:
        return least(len(drawn), lambda size: upper(size) < tolerable) if estimate < tolerable else None

    inputs = {
        "confidence": confidence,
        "book_value": book_value,
        "n": len(drawn),
        "interval": step,
        "known_error": parts.known_error,
        "reliability_factor": factors.basic_factor(confidence),
        "basic_precision": basic,
        "incremental_allowance": allowance,
    }
    precision = basic + allowance
    source = "EGESIF_16-0014-01, 6.3.5.4 and 6.3.5.5"
    return Projection(estimate, precision, estimate + precision, len(drawn), enough, inputs, source)


def stringer(sample: Sequence[Item], *, confidence: float, book_value: float | None = None) -> Projection:
    """Stringer's bound (`bounds.stringer`) over the book value that is not exhaustive, and what is known of the rest.

    The estimate is the mean tainting of what was drawn by value; understatements lessen it, but not the bound. Without
    `book_value` all figures are rates of it, and nothing may be exhaustive.
    """
    rates = book_value is None and not any(item.exhaustive for item in sample)
    parts = split(sample, {"": Stratum(len(sample), 1.0)}) if rates else _by_value(sample, None, book_value)
    drawn = parts.items
    if not drawn:
        raise BadSampling("empty_sample")
    value = sum(part.book_value for part in parts.parts)
    taintings = [item.tainting for item in drawn]
    found = [tainting for tainting in taintings if tainting > 0]
    estimate = parts.known_error + value * fmean(taintings)
    bound = parts.known_error + value * bounds.stringer(taintings, len(drawn), confidence)
    mean = fmean(found) if found else 0.0

    def upper(size: int) -> float:
        """With so many units, as many of them in error as now and equally tainted."""
        none, some = (bounds.binomial(errors, size, confidence) for errors in (0.0, len(found) * size / len(drawn)))
        return parts.known_error + value * (none + mean * (some - none))

    def enough(tolerable: float) -> int | None:
        return least(len(drawn), lambda size: upper(size) < tolerable) if estimate < tolerable else None

    inputs = {
        "confidence": confidence,
        "book_value": book_value,
        "n": len(drawn),
        "known_error": parts.known_error,
        "errors": len(found),
    }
    return Projection(estimate, bound - estimate, bound, len(drawn), enough, inputs, "Stringer, ASA Proceedings, 1963")
