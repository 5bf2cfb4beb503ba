"""Sizes of samples: published figures, and a second implementation that knows only sums of chances."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from workflow.sampling import factors, sizes
from workflow.sampling.errors import BadSampling
from workflow.sampling.select import allocate

BOOK = 4_199_882_024


# Published figures. "Guidance": European Commission, Guidance on sampling methods for audit authorities,
# EGESIF_16-0014-01 of 20.1.2017; its examples are named by their section.


@pytest.mark.parametrize(
    ("method", "options", "n"),
    [
        # The usual tables of attributes: 5 % tolerable at 95 %, none, one and two errors.
        ("binomial", {"confidence": 0.95, "materiality": 0.05}, 59),
        ("binomial", {"confidence": 0.95, "materiality": 0.05, "expected": 1}, 93),
        ("binomial", {"confidence": 0.95, "materiality": 0.05, "expected": 2}, 124),
        ("poisson", {"confidence": 0.95, "materiality": 0.05}, 60),
        # AICPA, Audit Guide: Audit Sampling, table A-1 (5 % risk of overreliance).
        ("binomial", {"confidence": 0.95, "materiality": 0.02, "expected_rate": 0.0025}, 236),
        ("binomial", {"confidence": 0.95, "materiality": 0.04, "expected_rate": 0.01}, 156),
        ("binomial", {"confidence": 0.95, "materiality": 0.05, "expected_rate": 0.0175}, 153),
        ("binomial", {"confidence": 0.95, "materiality": 0.05, "expected_rate": 0.0225}, 208),
        ("binomial", {"confidence": 0.95, "materiality": 0.06, "expected_rate": 0.03}, 195),
        ("binomial", {"confidence": 0.95, "materiality": 0.2, "expected_rate": 0.0}, 14),
        # Test values of the R package FSaudit: 60 errors among 1,200, 90 %.
        ("hypergeometric", {"confidence": 0.9, "materiality": 0.05, "population": 1200}, 45),
        ("hypergeometric", {"confidence": 0.9, "materiality": 0.05, "population": 1200, "expected": 1}, 75),
        ("hypergeometric", {"confidence": 0.9, "materiality": 0.05, "population": 1200, "expected": 2}, 102),
        ("binomial", {"confidence": 0.9, "materiality": 0.05, "expected": 2}, 105),
        ("poisson", {"confidence": 0.9, "materiality": 0.05, "expected": 2}, 107),
    ],
)
def test_attributes_of_published_tables(method: str, options: dict[str, Any], n: int) -> None:
    assert sizes.attributes(method, **options).n == n


def test_variables_of_the_guidance() -> None:
    srs = sizes.srs(  # 6.1.1.6
        population=3852, book_value=46_501_186, sd=518, confidence=0.8, tolerable_rate=0.02, expected_rate=0.0124
    )
    assert srs.n == 53
    assert srs.inputs["tolerable_error"] == pytest.approx(930_024, abs=1)
    assert srs.inputs["expected_error"] == pytest.approx(576_615, abs=1)
    strata = sizes.stratified(  # 6.1.2.6: 121, shared 90 and 31
        strata=[(3582, 444), (1225, 9818)],
        book_value=1_396_535_319,
        confidence=0.8,
        tolerable_rate=0.02,
        expected_rate=0.018,
    )
    assert (strata.n, list(strata.strata)) == (121, [90, 31])
    difference = sizes.srs(  # 6.2.1.6
        population=3852, book_value=BOOK, sd=168_397, confidence=0.6, tolerable_rate=0.02, expected_rate=0.007
    )
    assert difference.n == 101
    strata = sizes.stratified(  # 6.2.2.6: 51 (by z 0.842, not the 0.845 that its formula shows), shared 16 and 35
        strata=[(1520, 21_312), (3347, 215_546)],
        book_value=6_440_727_190,
        confidence=0.6,
        tolerable_rate=0.02,
        expected_rate=0.004,
    )
    assert (strata.n, list(strata.strata)) == (51, [16, 35])
    assert float(strata.inputs["sd"] or 0) ** 2 == pytest.approx(32_092_103_451, abs=1)


def test_monetary_units_in_strata() -> None:
    asked = {"confidence": 0.9, "tolerable_rate": 0.02, "expected_rate": 0.004}
    alike = sizes.mus_stratified(strata=[(BOOK / 4, 0.085), (3 * BOOK / 4, 0.085)], **asked)
    assert alike.n == sizes.mus_standard(book_value=BOOK, sd_rate=0.085, **asked).n == 77
    assert list(alike.strata) == [19, 58]
    # σ_rw² = 0.8 · 0.02² + 0.2 · 0.1² = 0.00232, and n = (1.645 / 0.016)² · 0.00232 = 24.5.
    unlike = sizes.mus_stratified(strata=[(800, 0.02), (200, 0.1)], **asked)
    assert float(unlike.inputs["sd_rate"] or 0) ** 2 == pytest.approx(0.00232)
    assert (unlike.n, list(unlike.strata)) == (25, [20, 5])
    assert unlike.inputs["book_value"] == 1000
    for strata in ([], [(0, 0.1)], [(100, 1.1)]):
        with pytest.raises(BadSampling):
            sizes.mus_stratified(strata=strata, **asked)


def test_monetary_units_of_the_guidance() -> None:
    standard = sizes.mus_standard(  # 6.3.1.7
        book_value=BOOK, sd_rate=0.085, confidence=0.9, tolerable_rate=0.02, expected_rate=0.004
    )
    assert standard.n == 77
    conservative = sizes.mus_conservative(  # 6.3.5.7: 136, interval 30,881,485
        book_value=BOOK, confidence=0.9, tolerable_rate=0.02, expected_rate=0.002
    )
    assert conservative.n == 136
    assert conservative.inputs["interval"] == pytest.approx(30_881_485, abs=0.5)
    assert (conservative.inputs["reliability_factor"], conservative.inputs["expansion_factor"]) == (2.31, 1.5)


def test_coefficients_are_those_printed_by_the_guidance() -> None:
    printed = {0.6: 0.842, 0.7: 1.036, 0.8: 1.282, 0.9: 1.645, 0.95: 1.960}  # table 3
    assert {confidence: factors.z(confidence) for confidence in printed} == printed
    printed = {0.99: 4.61, 0.95: 3.0, 0.9: 2.31, 0.85: 1.9, 0.8: 1.61, 0.75: 1.39, 0.7: 1.21, 0.6: 0.92, 0.5: 0.7}
    assert {confidence: factors.basic_factor(confidence) for confidence in printed} == printed  # table 4
    printed = {0: 2.30, 1: 3.89, 12: 17.78, 13: 18.96, 16: 22.45}  # appendix 3, 90 %
    assert {errors: factors.reliability_factor(errors, 0.9) for errors in printed} == printed
    assert [factors.expansion_factor(level) for level in (0.5, 0.82, 0.9, 0.99)] == [1.0, 1.4, 1.5, 1.9]


# A second implementation: exact sums of whole numbers, one n after the other


def rare(method: str, allowed: int, n: int, percent: int, population: int, risk: int) -> bool:
    """Whether at most so many errors among n have at most a chance of `risk` percent, at a rate of `percent`."""
    if method == "binomial":
        ways = sum(math.comb(n, k) * percent**k * (100 - percent) ** (n - k) for k in range(allowed + 1))
        return 100 * ways <= risk * 100**n
    wrong = -(-percent * population // 100)
    ways = sum(math.comb(wrong, k) * math.comb(population - wrong, n - k) for k in range(min(allowed, n) + 1))
    return 100 * ways <= risk * math.comb(population, n)


@given(
    method=st.sampled_from(("binomial", "hypergeometric")),
    confidence=st.sampled_from((50, 80, 90, 95)),
    percent=st.integers(8, 60),
    expected=st.integers(0, 3),
    share=st.sampled_from((None, 1, 3, 5)),
    population=st.integers(1, 150),
)
def test_the_size_is_the_first_that_suffices(
    method: str, confidence: int, percent: int, expected: int, share: int | None, population: int
) -> None:
    limit = population if method == "hypergeometric" else 400
    first = None
    for n in range(1, limit + 1):
        allowed = expected if share is None else -(-share * n // 100)
        if rare(method, allowed, n, percent, population, 100 - confidence):
            first = n
            break
    asked: dict[str, Any] = {"confidence": confidence / 100, "materiality": percent / 100}
    asked |= {"expected": expected} if share is None else {"expected_rate": share / 100}
    if method == "hypergeometric":
        asked["population"] = population
    if first is None and method == "hypergeometric":
        with pytest.raises(BadSampling):
            sizes.attributes(method, **asked)
    else:
        assert sizes.attributes(method, **asked).n == first


@pytest.mark.parametrize("expected", [0.0, 0.004, 0.01, 0.0173])
def test_poisson_takes_a_real_number_of_errors(expected: float) -> None:
    def chance(n: int) -> float:
        return quad(lambda x: x ** (expected * n) * math.exp(-x), n * 0.05, math.inf)[0] / math.gamma(expected * n + 1)

    found = sizes.attributes("poisson", confidence=0.95, materiality=0.05, expected_rate=expected)
    assert chance(found.n) <= 0.05 < chance(found.n - 1)
    assert found.inputs["errors_allowed"] == pytest.approx(expected * found.n)


def test_an_expected_rate_is_rounded_up_to_whole_errors() -> None:
    found = sizes.attributes("binomial", confidence=0.95, materiality=0.05, expected_rate=0.01)
    assert (found.n, found.inputs["errors_allowed"]) == (93, 1)


def test_a_small_population_needs_fewer_and_never_more_than_itself() -> None:
    asked = {"book_value": 1_000_000, "confidence": 0.9, "tolerable_rate": 0.02, "expected_rate": 0.005}
    found = sizes.srs(population=200, sd=300, **asked)
    raw = (200 * 1.645 * 300 / 15_000) ** 2
    assert found.inputs["finite_population_correction"] is True
    assert found.n == math.ceil(raw / (1 + raw / 200)) == 36
    assert sizes.srs(population=200, sd=900_000, **asked).n == 200
    assert sizes.attributes("binomial", confidence=0.95, materiality=0.05, population=40).n == 40
    assert sizes.mus_standard(sd_rate=0.5, population=30, **asked).n == 30
    assert sizes.mus_conservative(population=30, **asked).n == 30


def test_without_statistics_shares_are_reached() -> None:
    found = sizes.non_statistical(population=187, book_value=1_000_000)
    assert (found.n, found.inputs["minimum_value"]) == (10, 100_000)
    assert sizes.non_statistical(population=187, unit_share=0.1).n == 19
    assert sizes.non_statistical(population=200, unit_share=0.07).n == 14


@pytest.mark.parametrize(
    ("method", "options", "code"),
    [
        ("binomial", {"materiality": 0.05, "expected_rate": 0.05}, "expected_too_high"),
        ("binomial", {"materiality": 0.05, "expected_rate": 0.0499999}, "no_size"),
        ("binomial", {"materiality": 1.0}, "out_of_range"),
        ("binomial", {"materiality": math.nan}, "out_of_range"),
        ("binomial", {"materiality": 0.05, "confidence": 95}, "out_of_range"),
        ("binomial", {"materiality": 0.05, "expected": -1}, "out_of_range"),
        ("binomial", {"materiality": 0.05, "confidence": 1 - 2**-53}, "out_of_range"),
        ("binomial", {"materiality": 0.05, "expected": 1, "expected_rate": 0.01}, "needless"),
        ("hypergeometric", {"materiality": 0.05}, "missing"),
        ("hypergeometric", {"materiality": 0.05, "population": 20, "expected": 1}, "no_size"),
        ("srs", {"tolerable_rate": 0.02, "population": 10, "book_value": 1, "sd": 2}, "out_of_range"),
        ("srs", {"tolerable_rate": 0.02, "population": 0, "book_value": 1, "sd": 1}, "out_of_range"),
        ("srs", {"tolerable_rate": 0.02, "population": 10, "book_value": math.inf, "sd": 1}, "out_of_range"),
        (
            "mus-standard",
            {"tolerable_rate": 0.02, "book_value": 1, "sd_rate": 1, "expected_rate": 0.03},
            "expected_too_high",
        ),
        ("mus-standard", {"tolerable_rate": 1e-6, "book_value": 1, "sd_rate": 1}, "no_size"),
        ("mus-conservative", {"tolerable_rate": 0.02, "book_value": 1, "expected_rate": 0.015}, "no_size"),
        (
            "mus-conservative",
            {"tolerable_rate": 0.02, "book_value": 1, "expected_rate": 0.01, "confidence": 0.999},
            "out_of_range",
        ),
    ],
)
def test_what_cannot_be_sized_is_refused(method: str, options: dict[str, Any], code: str) -> None:
    with pytest.raises(BadSampling) as refused:
        sizes.METHODS[method](**{"confidence": 0.95, **options})
    assert refused.value.reasons[0].code == code


# Shares of strata


@given(
    strata=st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1000)), min_size=1, max_size=6),
    minimum=st.integers(0, 3),
    data=st.data(),
)
def test_shares_add_up_keep_their_bounds_and_never_shrink(
    strata: list[tuple[int, float]], minimum: int, data: st.DataObject
) -> None:
    least = sum(min(minimum, units) for units, _weight in strata)
    n = data.draw(st.integers(max(least, 1), max(least, sum(units for units, _weight in strata))))
    shares = allocate(n, strata, minimum)
    assert sum(shares) == n
    assert all(min(minimum, units) <= share <= units for (units, _weight), share in zip(strata, shares, strict=True))
    if n > max(least, 1):
        assert all(less <= more for less, more in zip(allocate(n - 1, strata, minimum), shares, strict=True))


def test_shares_are_in_proportion_or_neymans() -> None:
    assert allocate(10, [(60, 60), (30, 30), (10, 10)], 1) == [6, 3, 1]
    assert allocate(30, [(60, 60 * 1.0), (30, 30 * 4.0), (10, 10 * 12.0)], 1) == [7, 13, 10]
    assert allocate(7, [(53, 53), (24, 24), (23, 23)], 0) == [3, 2, 2]
    assert allocate(8, [(4, 0.0), (12, 0.0)], 0) == [2, 6]
    with pytest.raises(BadSampling):
        allocate(2, [(5, 5), (5, 5), (5, 5)], 1)
    with pytest.raises(BadSampling):
        allocate(16, [(5, 5), (5, 5), (5, 5)], 1)
