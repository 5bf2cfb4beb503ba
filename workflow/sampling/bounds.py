"""Exact one-sided upper bounds of a rate of error. All rates and confidences are shares; all raise BadSampling."""

from collections.abc import Callable, Mapping, Sequence

from workflow.sampling import factors
from workflow.sampling.errors import BadSampling, count, need, share


def _checked(errors: float, n: int, confidence: float) -> None:
    share("confidence", confidence)
    count("n", n)
    need("errors", errors, f"[0 ; {n}]", 0 <= errors <= n)


def binomial(errors: float, n: int, confidence: float, population: int | None = None) -> float:
    """The rate at which at most so many errors among n have the chance 1 − confidence (Clopper and Pearson, 1934).

    `errors` need not be whole (the beta quantile is continuous); `population` is not used.
    """
    from scipy.special import betaincinv  # noqa: PLC0415

    _checked(errors, n, confidence)
    return float(betaincinv(errors + 1, n - errors, confidence)) if errors < n else 1.0


def poisson(errors: float, n: int, confidence: float, population: int | None = None) -> float:
    """The same, errors being rare: the upper Poisson limit over n, at most 1 (guidance, appendix 3)."""
    _checked(errors, n, confidence)
    return min(1.0, factors.exact_factor(errors, confidence) / n)


def hypergeometric(errors: float, n: int, confidence: float, population: int | None = None) -> float:
    """The greatest share of error of a finite population that the sample leaves possible.

    Drawn without putting back, at most so many errors among n have more than the chance 1 − confidence up to there
    (Buonaccorsi, 1987).
    """
    from scipy.stats import hypergeom  # noqa: PLC0415

    _checked(errors, n, confidence)
    if population is None:
        raise BadSampling("missing", option="population")
    count("population", population)
    if n > population:
        raise BadSampling("sample_above_population")
    risk = (1 - confidence) * (1 + 1e-12)
    low, high = int(errors), population - n + int(errors)
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeom.cdf(errors, population, middle, n) > risk:
            low = middle
        else:
            high = middle - 1
    return low / population


UPPER: Mapping[str, Callable[[float, int, float, int | None], float]] = {
    "binomial": binomial,
    "hypergeometric": hypergeometric,
    "poisson": poisson,
}
"""The bounds by name."""


def stringer(taintings: Sequence[float], n: int, confidence: float) -> float:
    """Stringer's bound of the mean tainting: p(0) + Σ (p(j) − p(j−1)) · t_j, the t_j in descending order.

    K. W. Stringer, Practical aspects of statistical sampling in auditing, ASA Proceedings of the Business and Economic
    Statistics Section, 1963. `taintings` are those of the units in error (error over book value, at most 1; what is
    not positive counts as 0) among n drawn by value; p(j) is the binomial upper bound of j errors among n.
    """
    ordered = sorted((tainting for tainting in taintings if tainting > 0), reverse=True)
    need("tainting", max(ordered, default=0), "≤ 1", max(ordered, default=0) <= 1)
    bounds = [binomial(errors, n, confidence) for errors in range(len(ordered) + 1)]
    return bounds[0] + sum((bounds[j + 1] - bounds[j]) * tainting for j, tainting in enumerate(ordered))
