"""The curves of « Quelle taille ? » say what the bounds and the sizes say, at a cost that does not grow."""

import pytest

from workflow.sampling import bounds, sizes
from workflow.sampling.curves import POINTS, Question
from workflow.sampling.monetary import mus_conservative
from workflow.sampling.projection import Item


@pytest.mark.parametrize("population", [1, 8, 37, 120, 2_000])
@pytest.mark.parametrize("by_value", [False, True])
@pytest.mark.parametrize("errors", [0, 1, 2])
def test_a_curve_comes_under_what_is_tolerated_where_it_says(population: int, by_value: bool, errors: int) -> None:
    question = Question(population, 0.9, 0.05, by_value)
    curve = question.curve(min(errors, population), population)
    assert len(curve.points) <= POINTS + 2
    limits = [limit for _n, limit in curve.points]
    assert limits == sorted(limits, reverse=True)
    assert all(0 <= limit <= 1 for limit in limits)
    for n, limit in curve.points:
        # Of units, as many as would be the tolerable share are too many already (`sizes.attributes`).
        within = limit < 0.05
        assert within == (curve.enough is not None and n >= curve.enough), (n, limit, curve.enough)
    assert question.limit(0, population) == 0
    if curve.enough and curve.enough > 1:
        assert {curve.enough - 1, curve.enough} & {n for n, _limit in curve.points}


def test_units_are_judged_by_the_finite_population() -> None:
    question = Question(120, 0.9, 0.05)
    assert question.limit(1, 40) == bounds.hypergeometric(1, 40, 0.9, 120)
    asked = {"confidence": 0.9, "materiality": 0.05, "expected": 1, "population": 120}
    assert question.enough(1) == sizes.attributes("hypergeometric", **asked).n


def test_sums_are_judged_as_the_result_of_the_controls_will_be() -> None:
    question = Question(1_000, 0.9, 0.05, by_value=True)
    sample = [Item("u", 1.0, 1.0)] * 2 + [Item("v", 0.0, 1.0)] * 58
    projected = mus_conservative(sample, confidence=0.9, book_value=500_000.0, n=60)
    assert question.limit(2, 60) * 500_000 == pytest.approx(projected.upper_limit)
    assert question.enough(0) == sizes.mus_conservative(book_value=1e6, confidence=0.9, tolerable_rate=0.05).n


def test_what_nothing_proves_is_not_promised() -> None:
    # One error among eight is more than five in a hundred, even once all eight are examined.
    assert Question(8, 0.9, 0.05).enough(1) is None
    assert Question(8, 0.9, 0.05, by_value=True).enough(1) is None
    assert Question(8, 0.9, 0.05, by_value=True).enough(0) == 8
