"""What a projection says of the population against the error that can be tolerated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from workflow.sampling import bounds, monetary, projection
from workflow.sampling.errors import BadSampling, call, share
from workflow.sampling.projection import Item, Projection

METHODS: Mapping[str, Callable[..., Projection]] = {
    **{method: partial(projection.rate, method) for method in bounds.UPPER},
    "stringer": monetary.stringer,
    "srs": projection.mean_per_unit,
    "ratio": projection.ratio,
    "mus-standard": monetary.mus_standard,
    "mus-conservative": monetary.mus_conservative,
}
"""The projections by name; the first three take counts, the others a sample."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A projection with its conclusion: see `conclude`; `more_units` only where it is inconclusive.

    `tolerable` is a rate for attributes, else money; without it there is no conclusion.
    """

    projection: Projection
    tolerable: float | None = None
    conclusion: str | None = None
    more_units: int | None = None


def conclude(estimate: float, upper_limit: float, tolerable: float) -> str:
    """Guidance (EGESIF_16-0014-01) 4.12: *material* where the most likely error is above the tolerable one, *not
    material* where the upper limit is below it, else *inconclusive*."""
    if estimate > tolerable:
        return "material"
    return "not material" if upper_limit < tolerable else "inconclusive"


def evaluate(
    method: str, sample: Sequence[Item] | None = None, materiality: float | None = None, **options: Any
) -> Evaluation:
    """The projection of `method` (of METHODS) from its options, and what it says against the tolerable rate.

    `materiality` is that rate. Attributes take a sample, whose units in error are counted, or `errors` and `n`. Where
    it is inconclusive, `more_units` tells how many more units would settle it if errors went on as they were found;
    None where the most likely error is too near the tolerable one. Raises BadSampling.
    """
    if materiality is not None:
        share("materiality", materiality)
    given = {name: value for name, value in options.items() if value is not None}
    if method in bounds.UPPER and sample is not None:
        for option in ("errors", "n"):
            if option in given:
                raise BadSampling("needless", option=option)
        drawn = [item for item in sample if not item.exhaustive]
        if not drawn:
            raise BadSampling("empty_sample")
        given |= {"errors": sum(item.error != 0 for item in drawn), "n": len(drawn)}
    elif sample is not None:
        given["sample"] = sample
    found = call(METHODS[method], given)
    if materiality is None:
        return Evaluation(found)
    tolerable = materiality * (found.inputs.get("book_value") or 1)
    conclusion = conclude(found.estimate, found.upper_limit, tolerable)
    enough = found.enough(tolerable) if conclusion == "inconclusive" else None
    return Evaluation(found, tolerable, conclusion, None if enough is None else enough - found.n)
