"""Bounds and projections: the guidance's examples, exact enumeration, and what is concluded.

"Guidance": European Commission, Guidance on sampling methods for audit authorities, EGESIF_16-0014-01 of 20.1.2017; its
examples are named by their section. It prints sums and standard deviations, not the units: these samples have the same
ones. What the result does not depend on (single book values, how many units are above the interval) is made up.
"""

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import fmean, variance
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.sampling import bounds, conclusion, monetary, projection, sizes
from workflow.sampling.errors import BadSampling
from workflow.sampling.projection import Item, Projection, Stratum

BOOK = 4_199_882_024


def having(n: int, total: float, sd: float) -> list[float]:
    """n numbers of this sum and standard deviation."""
    apart = sd * math.sqrt((n - 1) / (n - n % 2))
    signs = [1] * (n // 2) + [-1] * (n // 2) + [0] * (n % 2)
    return [total / n + sign * apart for sign in signs]


def units(errors: Sequence[float], value: float, stratum: str = "") -> list[Item]:
    return [Item(f"{stratum}{n}", error, value, stratum) for n, error in enumerate(errors)]


def tainted(rates: Sequence[float], stratum: str = "", value: float = 1000.0) -> list[Item]:
    return units([rate * value for rate in rates], value, stratum)


def known(error: float, value: float, number: int, stratum: str = "") -> list[Item]:
    """Units taken without chance, which together have this error and value."""
    return [Item(f"e{stratum}{n}", error / number, value / number, stratum, True) for n in range(number)]


def test_simple_random_of_the_guidance() -> None:
    # 6.1.1.6: N 3,852, n 53, errors 7,797, sd 758; ratio: book values 661,580, sd of q 755. The printed projections
    # come from an error sum that is not rounded, hence half a euro of it either way.
    asked = {"population": 3852, "book_value": 46_501_186, "confidence": 0.8}
    mean = projection.mean_per_unit(units(having(53, 7797, 758), 661_580 / 53), **asked)
    assert mean.estimate == pytest.approx(566_703, abs=0.5 * 3852 / 53)
    assert mean.precision == pytest.approx(514_169, abs=0.5)
    by_ratio = projection.ratio(units(having(53, 7797, 755), 661_580 / 53), **asked)
    assert by_ratio.estimate == pytest.approx(548_058, abs=0.5 * 46_501_186 / 661_580)
    assert by_ratio.precision == pytest.approx(512_134, abs=0.5)
    assert conclusion.conclude(by_ratio.estimate, by_ratio.upper_limit, 930_024) == "inconclusive"
    # 6.2.1.6, difference estimation.
    difference = projection.mean_per_unit(
        units(having(101, 1_339_765, 162_976), 1e6), population=3852, book_value=BOOK, confidence=0.6
    )
    assert difference.estimate == pytest.approx(51_096_780, abs=0.5)
    assert difference.precision == pytest.approx(52_597_044, abs=0.5)
    assert difference.upper_limit / BOOK == pytest.approx(0.0247, abs=5e-5)


def test_strata_of_the_guidance() -> None:
    # 6.1.2.6: two strata and five units examined whole, with an error of 889.
    strata = {
        "1": Stratum(3582, 43_226_801),
        "2": Stratum(1225, 1_348_417_361),
        "3": Stratum(5, 4_891_157),
    }
    sample = [
        *units(having(90, 11_378, 698), 1_055_043 / 90, "1"),
        *units(having(31, 102_899, 13_012), 35_377_240 / 31, "2"),
        *known(889, 4_891_157, 5, "3"),
    ]
    found = projection.mean_per_unit(sample, strata=strata, confidence=0.8)
    assert found.inputs["book_value"] == 1_396_535_319
    # Printed from averages rounded to 126 and 3,319: 3582 · 126 + 1225 · 3319 + 889.
    assert found.estimate == pytest.approx(4_519_900, abs=0.5 * (3582 + 1225))
    by_ratio = projection.ratio(sample, strata=strata, confidence=0.8)
    assert by_ratio.estimate == pytest.approx(
        4_389_095, abs=0.5 * (43_226_801 / 1_055_043 + 1_348_417_361 / 35_377_240)
    )
    # The guidance's precision, 3,695,304, is for shares in exact proportion: 90.16 and 30.84 instead of 90 and 31.
    share = 121 / 4807
    proportional = 1.282 * math.sqrt(3582 * 698**2 / share + 1225 * 13_012**2 / share)
    assert proportional == pytest.approx(3_695_304, rel=1e-3)
    exact = 1.282 * math.sqrt(3582**2 * 698**2 / 90 + 1225**2 * 13_012**2 / 31)
    assert found.precision == pytest.approx(exact, rel=1e-9)
    assert exact == pytest.approx(proportional, rel=3e-3)
    assert conclusion.conclude(found.estimate, found.upper_limit, 0.02 * 1_396_535_319) == "not material"


def test_monetary_units_of_the_guidance() -> None:
    # 6.3.1.7: 8 units above the interval, 69 others, taintings 1.096, sd 0.09.
    sample = [*known(7_616_805, 786_837_081, 8), *tainted(having(69, 1.096, 0.09))]
    found = monetary.mus_standard(sample, book_value=BOOK, confidence=0.9)
    assert found.estimate == pytest.approx(61_829_809, abs=1)
    assert found.precision == pytest.approx(60_831_129, abs=1)
    assert found.upper_limit == pytest.approx(122_660_937, abs=2)
    assert conclusion.conclude(found.estimate, found.upper_limit, 83_997_640) == "inconclusive"
    # 6.3.2.7: two strata; the units above have an error of 15,460,340.
    strata = {"1": Stratum(5000, 2_506_626_292), "2": Stratum(5000, 1_693_255_732)}
    sample = [
        *known(15_460_340, 2_506_626_292 - 1_643_963_923, 16, "1"),
        *known(0, 1_693_255_732 - 1_059_467_668, 12, "2"),
        *tainted(having(73, 1.0234, math.sqrt(0.000036)), "1"),
        *tainted(having(47, 1.176, math.sqrt(0.0081)), "2"),
    ]
    found = monetary.mus_standard(sample, strata=strata, confidence=0.9)
    assert found.estimate == pytest.approx(65_016_597, abs=1)
    assert found.precision == pytest.approx(22_958_216, abs=1)
    assert found.upper_limit == pytest.approx(87_974_813, abs=1)
    # 6.4.7, by value without statistics: 4 units above (error 80,028), 4 of 32 others, taintings 0.0272.
    sample = [*known(80_028, 12_411_965, 4), *tainted([0.0272, 0, 0, 0])]
    found = monetary.mus_standard(sample, book_value=12_411_965 + 9_619_263, confidence=0.9)
    assert found.estimate == pytest.approx(145_439, abs=1)


def test_the_conservative_approach_of_the_guidance() -> None:
    # 6.3.5.7: 136 planned, 24 units above BV / 136, taintings 1.077. The table of allowances is printed in part only.
    sample = [*known(7_843_574, 1_500_000_000, 24), *tainted([1.077 / 16] * 16 + [0.0] * 96)]
    found = monetary.mus_conservative(sample, book_value=BOOK, n=136, confidence=0.9)
    assert found.inputs["interval"] == pytest.approx(30_881_485, abs=0.5)
    assert found.estimate == pytest.approx(41_102_934, abs=1)
    assert found.inputs["basic_precision"] == pytest.approx(71_336_231, abs=1)
    same = monetary.mus_conservative(sample, book_value=BOOK, interval=BOOK / 136, confidence=0.9)
    assert same.upper_limit == found.upper_limit


def test_allowances_take_the_greatest_tainting_first() -> None:
    # 6.3.5.5 at 90 %: factors 3.89 − 2.30 − 1, 5.32 − 3.89 − 1, 6.68 − 5.32 − 1; 0.25 of an interval of 200,000 alone
    # would allow 29,500 (the text's 29,000 takes 2.31, the worked example 2.30).
    sample = tainted([0.0, 0.1, -0.4, 0.25, 0.2])
    found = monetary.mus_conservative(sample, book_value=1_000_000, interval=200_000, confidence=0.9)
    assert found.inputs["incremental_allowance"] == pytest.approx(200_000 * (0.59 * 0.25 + 0.43 * 0.2 + 0.36 * 0.1))
    assert found.estimate == pytest.approx(200_000 * 0.15)
    assert found.precision == pytest.approx(200_000 * 2.31 + found.inputs["incremental_allowance"])
    alone = monetary.mus_conservative(tainted([0.25, 0.0]), book_value=1_000_000, interval=200_000, confidence=0.9)
    assert alone.inputs["incremental_allowance"] == pytest.approx(29_500)
    drawn = monetary.mus_conservative(
        [*known(10, 400_000, 2), *tainted([0.0] * 3)], book_value=1_000_000, confidence=0.9
    )
    assert (drawn.inputs["interval"], drawn.estimate) == (200_000, 10)


@pytest.mark.parametrize(("slope", "advised"), [(1.0, "ratio"), (0.51, "ratio"), (0.49, "srs"), (-1.0, "srs")])
def test_the_rule_that_chooses_between_mean_and_ratio(slope: float, advised: str) -> None:
    # 6.1.1.3: ratio where COV(E, BV) / VAR(BV) is above half of ΣE / ΣBV. Here ΣE / ΣBV is 0.1 and the rest the slope.
    values = [100.0, 200.0, 300.0, 400.0]
    sample = [Item(str(n), 25 + slope * 0.1 * (value - 250), value) for n, value in enumerate(values)]
    for method in (projection.mean_per_unit, projection.ratio):
        assert method(sample, population=100, book_value=25_000, confidence=0.9).advised == advised


def test_without_values_the_mean_stands_alone() -> None:
    bare = [Item(str(n), error) for n, error in enumerate([0.0, 10.0, 20.0])]
    found = projection.mean_per_unit(bare, population=100, book_value=25_000, confidence=0.9)
    assert (found.estimate, found.advised) == (1000, None)
    with pytest.raises(BadSampling):
        projection.ratio(bare, population=100, book_value=25_000, confidence=0.9)


@given(
    sample=st.lists(
        st.tuples(st.floats(1, 1e4), st.floats(-0.2, 1), st.sampled_from("AB"), st.booleans()), min_size=8, max_size=20
    ),
    data=st.data(),
)
def test_projections_are_what_their_formulas_say(
    sample: list[tuple[float, float, str, bool]], data: st.DataObject
) -> None:
    """A second implementation, stratum by stratum, written from Cochran's textbook formulas."""
    items = [Item(str(n), v * t, v, s, e) for n, (v, t, s, e) in enumerate(sample)]
    strata = {}
    ready = True
    for name in "AB":
        mine = [item for item in items if item.stratum == name]
        extra = data.draw(st.integers(0, 300))
        strata[name] = Stratum(len(mine) + extra, sum(item.value or 0 for item in mine) + 50.0 * extra)
        drawn = [item for item in mine if not item.exhaustive]
        ready = ready and (len(drawn) > 1 or len(mine) + extra == len(mine) - len(drawn))
    if not ready:
        with pytest.raises(BadSampling):
            projection.mean_per_unit(items, strata=strata, confidence=0.9)
        return
    by_mean, by_ratio, by_value = (sum(item.error for item in items if item.exhaustive) for _ in range(3))
    spreads = [0.0, 0.0, 0.0]
    for name, stratum in strata.items():
        drawn = [item for item in items if item.stratum == name and not item.exhaustive]
        apart = [item for item in items if item.stratum == name and item.exhaustive]
        if not drawn:
            continue
        size, n = stratum.population - len(apart), len(drawn)
        book = stratum.book_value - sum(item.value or 0 for item in apart)
        left = 1 - n / size if n > 0.1 * size else 1.0
        ratio = sum(item.error for item in drawn) / sum(item.value or 0 for item in drawn)
        by_mean += size * fmean(item.error for item in drawn)
        by_ratio += book * ratio
        by_value += book * fmean(item.error / (item.value or 1) for item in drawn)
        spreads[0] += size**2 * left * variance([item.error for item in drawn]) / n
        spreads[1] += size**2 * left * variance([item.error - ratio * (item.value or 0) for item in drawn]) / n
        spreads[2] += book**2 * variance([item.error / (item.value or 1) for item in drawn]) / n
    wanted = (by_mean, by_ratio, by_value)
    methods: tuple[Callable[..., Projection], ...] = (
        projection.mean_per_unit,
        projection.ratio,
        monetary.mus_standard,
    )
    for method, estimate, spread in zip(methods, wanted, spreads, strict=True):
        found = method(items, strata=strata, confidence=0.9)
        assert found.estimate == pytest.approx(estimate, rel=1e-9, abs=1e-6)
        assert found.precision == pytest.approx(1.645 * math.sqrt(spread), rel=1e-6, abs=1e-3)


# Bounds


def chance_of_at_most(errors: int, n: int, rate: float) -> float:
    return math.fsum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(errors + 1))


@given(n=st.integers(1, 60), data=st.data(), confidence=st.sampled_from((0.5, 0.8, 0.9, 0.95, 0.99)))
def test_bounds_leave_exactly_the_risk(n: int, data: st.DataObject, confidence: float) -> None:
    errors = data.draw(st.integers(0, n))
    upper = bounds.binomial(errors, n, confidence)
    if errors == n:
        assert upper == 1
    else:
        assert chance_of_at_most(errors, n, upper) == pytest.approx(1 - confidence, rel=1e-6)
    rare = bounds.poisson(errors, n, confidence)
    tail = math.fsum(math.exp(-rare * n) * (rare * n) ** k / math.factorial(k) for k in range(errors + 1))
    assert rare == 1 or tail == pytest.approx(1 - confidence, rel=1e-6)


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95])
def test_the_hypergeometric_bound_holds_in_every_small_population(confidence: float) -> None:
    """Every sample of every population of 9 units: the bound is under the true rate in at most the risk of them."""
    for n in range(1, 10):
        samples = list(combinations(range(9), n))
        uppers = [bounds.hypergeometric(errors, n, confidence, 9) for errors in range(n + 1)]
        misses = []
        for wrong in range(10):
            found = [sum(unit < wrong for unit in sample) for sample in samples]
            misses.append(sum(uppers[errors] < wrong / 9 - 1e-9 for errors in found) / len(samples))
        assert max(misses) <= 1 - confidence + 1e-9
        # It is the least such bound: one error less, and some population would be missed too often.
        for errors in range(n + 1):
            wrong = round(uppers[errors] * 9)
            found = [sum(unit < wrong for unit in sample) for sample in samples]
            assert wrong == errors or sum(k <= errors for k in found) / len(samples) > 1 - confidence - 1e-9


def test_stringers_bound_is_its_sum() -> None:
    taintings = [0.2, 1.0, 0.0, -0.5, 0.35]
    p = [bounds.binomial(errors, 80, 0.95) for errors in range(4)]
    by_hand = p[0] + (p[1] - p[0]) * 1.0 + (p[2] - p[1]) * 0.35 + (p[3] - p[2]) * 0.2
    assert bounds.stringer(taintings, 80, 0.95) == pytest.approx(by_hand)
    assert bounds.stringer([1.0] * 3, 80, 0.95) == pytest.approx(p[3])
    assert bounds.stringer([], 80, 0.95) == p[0]
    with pytest.raises(BadSampling):
        bounds.stringer([1.1], 80, 0.95)
    sample = [*known(500, 100_000, 2), *tainted([0.35, 0.2, 1.0, -0.5, *[0.0] * 76])]
    found = monetary.stringer(sample, book_value=1_100_000, confidence=0.95)
    assert found.upper_limit == pytest.approx(500 + 1_000_000 * by_hand)
    assert found.estimate == pytest.approx(500 + 1_000_000 * (0.35 + 0.2 + 1.0 - 0.5) / 80)
    rates = monetary.stringer(tainted([0.35, 0.2, 1.0, *[0.0] * 77]), confidence=0.95)
    assert rates.upper_limit == pytest.approx(by_hand)


# Conclusions


@pytest.mark.parametrize(
    ("estimate", "upper", "conclusion_"),
    [(1, 1.9, "not material"), (1, 2, "inconclusive"), (2, 5, "inconclusive"), (2.1, 5, "material")],
)
def test_the_conclusion_of_the_guidance(estimate: float, upper: float, conclusion_: str) -> None:
    assert conclusion.conclude(estimate, upper, 2) == conclusion_


@pytest.mark.parametrize("method", ["binomial", "poisson", "hypergeometric"])
def test_a_sample_as_planned_concludes_and_one_unit_less_does_not(method: str) -> None:
    asked: dict[str, Any] = {"confidence": 0.95, "population": 1000 if method == "hypergeometric" else None}
    for errors in range(4):
        n = sizes.smallest(method, 0.95, 0.05, 0.0, errors, asked["population"])[0]
        told = [conclusion.evaluate(method, materiality=0.05, errors=errors, n=size, **asked) for size in (n, n - 1)]
        assert [one.conclusion for one in told] == ["not material", "inconclusive"]


def test_more_attributes_settle_it() -> None:
    found = conclusion.evaluate("binomial", materiality=0.05, confidence=0.95, errors=1, n=60)
    assert (found.conclusion, found.more_units) == ("inconclusive", 93)
    settled = conclusion.evaluate("binomial", materiality=0.05, confidence=0.95, errors=3, n=153)
    assert settled.conclusion == "not material"
    short = conclusion.evaluate("binomial", materiality=0.05, confidence=0.95, errors=3, n=152)
    assert short.conclusion == "inconclusive"
    never = conclusion.evaluate("binomial", materiality=0.05, confidence=0.95, errors=3, n=60)
    assert (never.conclusion, never.more_units) == ("inconclusive", None)
    assert conclusion.evaluate("binomial", confidence=0.95, errors=3, n=60).conclusion is None
    assert conclusion.evaluate("binomial", materiality=0.05, confidence=0.95, errors=4, n=60).conclusion == "material"


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("srs", {"population": 100_000, "book_value": 1e8}),
        ("ratio", {"population": 100_000, "book_value": 1e8}),
        ("mus-standard", {"book_value": 1e8}),
        ("mus-conservative", {"book_value": 1e8}),
        ("stringer", {"book_value": 1e8}),
    ],
)
def test_as_many_more_units_like_those_found_settle_it(method: str, asked: dict[str, Any]) -> None:
    sample = tainted([*[0.3] * 3, *[0.0] * 57])
    if method == "ratio":  # a ratio of one value for all would have no more spread than the mean
        sample = [Item(item.id, item.error, 800.0 if n % 2 else 1200.0) for n, item in enumerate(sample)]
    found = conclusion.evaluate(method, sample, 0.025, confidence=0.9, **asked)
    assert found.conclusion == "inconclusive"
    more = found.more_units or 0
    assert more > 0
    times = math.ceil((60 + more) / 60)
    settled = conclusion.evaluate(method, sample * times, 0.025, confidence=0.9, **asked)
    assert settled.conclusion == "not material"
    if times > 2:
        short = conclusion.evaluate(method, sample * (times - 2), 0.025, confidence=0.9, **asked)
        assert short.conclusion == "inconclusive"
    hopeless = conclusion.evaluate(method, sample, found.projection.estimate / 1e8, confidence=0.9, **asked)
    assert (hopeless.conclusion, hopeless.more_units) == ("inconclusive", None)


def test_a_census_has_no_precision_left_to_want() -> None:
    sample = units([0.0, 5.0, 10.0], 100.0)
    found = projection.mean_per_unit(sample, population=3, book_value=300, confidence=0.9)
    assert (found.estimate, found.precision) == (15, 0)
    whole = [Item(item.id, item.error, item.value, "", True) for item in sample]
    found = projection.ratio(whole, population=3, book_value=300, confidence=0.9)
    assert (found.estimate, found.precision) == (15, 0)


@pytest.mark.parametrize(
    ("method", "sample", "asked", "code"),
    [
        ("srs", units([1, 2], 10), {"book_value": 100}, "missing"),
        ("srs", units([1, 2], 10), {"population": 10}, "missing"),
        ("srs", units([1, 2], 10), {"population": 1, "book_value": 100}, "sample_above_population"),
        ("srs", units([1], 10), {"population": 10, "book_value": 100}, "too_few"),
        ("srs", units([1, 2], 10), {"population": 10, "book_value": 100, "interval": 3}, "needless"),
        ("srs", units([1, 2], 10), {"population": 10, "strata": {"": Stratum(10, 100)}}, "needless"),
        ("srs", units([1, 2], 10, "X"), {"strata": {"A": Stratum(10, 100)}}, "unknown_stratum"),
        ("ratio", units([0, 0], 0), {"population": 10, "book_value": 100}, "zero_value"),
        ("mus-standard", units([0, 0], 0), {"book_value": 100}, "zero_value"),
        ("mus-standard", known(1, 200, 2), {"book_value": 100}, "sample_above_population"),
        ("mus-conservative", known(1, 20, 2), {"book_value": 100}, "empty_sample"),
        ("mus-conservative", units([1, 2], 10), {"book_value": 100, "n": 3, "interval": 3}, "needless"),
        ("stringer", known(1, 20, 2), {}, "missing"),
        ("stringer", known(1, 20, 2), {"book_value": 100}, "empty_sample"),
        ("binomial", units([1, 2], 10), {"errors": 3}, "needless"),
        ("binomial", known(1, 20, 2), {}, "empty_sample"),
        ("binomial", None, {"n": 3}, "missing"),
        ("binomial", None, {"n": 3, "errors": 4}, "out_of_range"),
        ("hypergeometric", None, {"n": 3, "errors": 1}, "missing"),
        ("hypergeometric", None, {"n": 3, "errors": 1, "population": 2}, "sample_above_population"),
        ("srs", None, {"population": 10, "book_value": 100}, "missing"),
    ],
)
def test_what_cannot_be_projected_is_refused(
    method: str, sample: list[Item] | None, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadSampling) as refused:
        conclusion.evaluate(method, sample, 0.05, confidence=0.9, **asked)
    assert refused.value.reasons[0].code == code
