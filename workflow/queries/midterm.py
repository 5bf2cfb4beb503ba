"""The synthesis of the mid-term reviews: what a sample says of each orientation, and of the whole territory."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from workflow.errors import NotFound
from workflow.models import (
    Dossier,
    Objective,
    PlanUnit,
    Review,
    ReviewCriterion,
    ReviewScore,
    Sample,
    SamplePlan,
    SampleUnit,
)
from workflow.models.review import DIMENSIONS, RECOMMENDATIONS
from workflow.review_means import HIGHEST, Mean, mean

Row = Any
"""A named tuple of the columns of a select."""


@dataclass(frozen=True)
class Reviewed:
    """A sealed review: its action, its mean level by dimension, and what it comes to."""

    dossier_id: int
    number: str
    title: str
    orientation: str
    means: Mapping[str, float]
    levels: Mapping[str, Sequence[int]]
    recommendation: str
    reason: str
    strengths: str
    weaknesses: str


@dataclass(frozen=True)
class Part:
    """An orientation, or the whole territory: N actions, how many drawn and reviewed, and what the reviews say.

    `means` is None for a dimension of which too few reviews speak; `levels` counts the levels 0 to 4 given to the
    criteria of each dimension.
    """

    label: str
    population: int
    drawn: int
    reviews: Sequence[Reviewed]
    means: Mapping[str, Mean | None]

    @property
    def reviewed(self) -> int:
        """How many are reviewed and sealed."""
        return len(self.reviews)

    @property
    def levels(self) -> Mapping[str, Sequence[int]]:
        """How often each level was given, by dimension."""
        counts = {name: Counter(level for one in self.reviews for level in one.levels[name]) for name in DIMENSIONS}
        return {name: [found[level] for level in range(HIGHEST + 1)] for name, found in counts.items()}

    @property
    def recommendations(self) -> Mapping[str, int]:
        """How many reviews recommend what."""
        counts = Counter(one.recommendation for one in self.reviews)
        return {name: counts[name] for name in RECOMMENDATIONS}


@dataclass(frozen=True)
class Synthesis:
    """What the reviews of a sample say. `missing` names the orientations that keep the whole from being estimated."""

    sample_id: int
    plan_id: int
    campaigns: Sequence[str]
    method: str
    orientations: Sequence[Part]
    territory: Part
    missing: Sequence[str]

    @property
    def complete(self) -> bool:
        """Whether every drawn action is reviewed."""
        return self.territory.reviewed == self.territory.drawn


def synthesis(session: Session, sample_id: int) -> Synthesis:
    """The synthesis of a sealed sample for review, in four statements. Raises NotFound."""
    row = session.execute(
        select(SamplePlan)
        .join(Sample, Sample.plan_id == SamplePlan.id)
        .where(Sample.id == sample_id, Sample.purpose == "review", Sample.sealed_at.is_not(None))
    ).first()
    if row is None:
        raise NotFound("sample")
    plan: SamplePlan = row[0]
    population = _population(session, sample_id, plan.id)
    reviews = _reviews(session, sample_id, {unit.dossier_id: unit.orientation for unit in population})
    labels = sorted({unit.orientation for unit in population})
    sizes = {label: [unit for unit in population if unit.orientation == label] for label in labels}
    orientations = []
    for label, units in sizes.items():
        own = [one for one in reviews if one.orientation == label]
        orientations.append(_part(label, units, own, {"": (len(units), own)}))
    strata: dict[str, tuple[int, Sequence[Reviewed]]] = {"": (len(population), reviews)}
    if plan.method == "stratified":
        strata = {part.label: (part.population, part.reviews) for part in orientations}
    missing = [part.label for part in orientations if part.reviewed < min(2, part.population)]
    return Synthesis(
        sample_id,
        plan.id,
        json.loads(plan.document)["campaigns"],
        plan.method,
        orientations,
        _part("", population, reviews, strata),
        missing if plan.method == "stratified" else (),
    )


def _part(
    label: str, units: Sequence[Row], reviews: Sequence[Reviewed], strata: Mapping[str, tuple[int, Sequence[Reviewed]]]
) -> Part:
    means = {
        name: mean({group: (size, [one.means[name] for one in found]) for group, (size, found) in strata.items()})
        for name in DIMENSIONS
    }
    return Part(label, len(units), sum(bool(unit.drawn) for unit in units), reviews, means)


def _population(session: Session, sample_id: int, plan_id: int) -> Sequence[Row]:
    """Every action of the frozen population: whether it was drawn, and its orientation (as frozen, where it was)."""
    strategic, orientation = aliased(Objective), aliased(Objective)
    return session.execute(
        select(
            SampleUnit.dossier_id,
            SampleUnit.drawn,
            func.coalesce(PlanUnit.stratum, orientation.label, "–").label("orientation"),
        )
        .join(PlanUnit, (PlanUnit.dossier_id == SampleUnit.dossier_id) & (PlanUnit.plan_id == plan_id))
        .join(Dossier, Dossier.id == SampleUnit.dossier_id)
        .outerjoin(Dossier.objective)
        .outerjoin(strategic, strategic.id == Objective.parent_id)
        .outerjoin(orientation, orientation.id == strategic.parent_id)
        .where(SampleUnit.sample_id == sample_id)
    ).all()


def _reviews(session: Session, sample_id: int, orientations: Mapping[int, str]) -> list[Reviewed]:
    """The sealed reviews of a sample, by number."""
    sealed = Review.sample_id == sample_id, Review.sealed_at.is_not(None)
    levels: dict[int, dict[str, list[int]]] = {}
    for score in session.execute(
        select(ReviewScore.review_id, ReviewCriterion.dimension, ReviewScore.level)
        .join(ReviewCriterion, ReviewCriterion.id == ReviewScore.criterion_id)
        .join(Review, Review.id == ReviewScore.review_id)
        .where(*sealed)
        .order_by(ReviewCriterion.position)
    ):
        levels.setdefault(score.review_id, {name: [] for name in DIMENSIONS})[score.dimension].append(score.level or 0)
    rows = session.execute(
        select(
            Review.id,
            Review.dossier_id,
            Dossier.number,
            Dossier.title,
            Review.recommendation,
            Review.reason,
            Review.strengths,
            Review.weaknesses,
        )
        .join(Dossier, Dossier.id == Review.dossier_id)
        .where(*sealed)
        .order_by(Dossier.number)
    )
    return [
        Reviewed(
            row.dossier_id,
            row.number or "",
            row.title,
            orientations[row.dossier_id],
            {name: sum(found) / len(found) for name, found in levels[row.id].items()},
            levels[row.id],
            row.recommendation or "",
            row.reason,
            row.strengths,
            row.weaknesses,
        )
        for row in rows
    ]
