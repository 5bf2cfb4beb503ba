"""Coefficients of confidence, as the Commission's guidance on sampling (EGESIF_16-0014-01, 20.1.2017) prints them.

The printed tables are what the formulas below give, rounded as the guidance rounds them; so any confidence has its
coefficient, and the worked examples come out to the euro.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist

from workflow.sampling.errors import BadSampling, share

EXPANSION: Mapping[float, float] = {
    0.50: 1.0,
    0.60: 1.1,
    0.70: 1.2,
    0.75: 1.25,
    0.80: 1.3,
    0.85: 1.4,
    0.90: 1.5,
    0.95: 1.6,
    0.99: 1.9,
}
"""Expansion factors for expected errors, by confidence (6.3.5.2, table 5)."""


def z(confidence: float) -> float:
    """The two-sided normal quantile to three decimals: 1.282 at 80 %, 1.645 at 90 %, 1.960 at 95 % (5.3, table 3)."""
    share("confidence", confidence)
    return round(NormalDist().inv_cdf((1 + confidence) / 2), 3)


def t(confidence: float, freedom: float) -> float:
    """The two-sided quantile of Student's t with so many degrees of freedom, which need not be whole."""
    from scipy.special import stdtrit  # noqa: PLC0415

    share("confidence", confidence)
    return float(stdtrit(freedom, (1 + confidence) / 2))


def basic_factor(confidence: float) -> float:
    """Reliability factor of no error, for the size and the basic precision: 2.31 at 90 % (6.3.5.2, table 4).

    It is −ln(1 − confidence), rounded up to two decimals.
    """
    share("confidence", confidence)
    return math.ceil(-100 * math.log1p(-confidence) - 1e-9) / 100


def reliability_factor(errors: int, confidence: float) -> float:
    """Reliability factor of so many errors, for the incremental allowances: 2.30, 3.89, 5.32 at 90 % (appendix 3).

    It is the upper Poisson limit λ, P(X ≤ errors | λ) = 1 − confidence, rounded to two decimals.
    """
    return round(exact_factor(errors, confidence), 2)


def exact_factor(errors: float, confidence: float) -> float:
    """The upper Poisson limit λ itself, also for errors that are no whole number (the gamma quantile)."""
    from scipy.special import gammaincinv  # noqa: PLC0415

    share("confidence", confidence)
    return float(gammaincinv(errors + 1, confidence))


def expansion_factor(confidence: float) -> float:
    """How much more than itself an expected error weighs: that of the next confidence in the table (EXPANSION)."""
    for level, factor in EXPANSION.items():
        if confidence <= level:
            return factor
    raise BadSampling("out_of_range", option="confidence", found=confidence, wanted="≤ 0,99")
