"""The criteria grid of an instance with its earlier versions, and how far its instructors agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased, selectinload

from workflow.grids import APART
from workflow.models import BinomeMember, Criterion, Dossier, Opinion, OpinionGrid, OpinionScore, Person
from workflow.models.instruction import THIRD


@dataclass(frozen=True)
class Grids:
    """The grid in force (None where there is none yet) and every version: number, when, by whom, dossiers judged."""

    current: OpinionGrid | None
    versions: Sequence[tuple[int, datetime, str, int]]


def grids(session: Session, instance_id: int) -> Grids:
    """The grids of an instance, the newest first, in three statements."""
    current = session.scalar(
        select(OpinionGrid)
        .where(OpinionGrid.instance_id == instance_id)
        .order_by(OpinionGrid.number.desc())
        .limit(1)
        .options(selectinload(OpinionGrid.criteria))
    )
    judged = select(func.count()).where(Dossier.grid_id == OpinionGrid.id).scalar_subquery()
    rows = session.execute(
        select(OpinionGrid.number, OpinionGrid.made_at, func.coalesce(Person.name, ""), judged)
        .outerjoin(Person, Person.id == OpinionGrid.made_by_id)
        .where(OpinionGrid.instance_id == instance_id)
        .order_by(OpinionGrid.number.desc())
    )
    return Grids(current, [(number, at, who, count) for number, at, who, count in rows])


@dataclass(frozen=True, slots=True)
class OnCriterion:
    """How two members score one criterion: pairs of scores, their mean, mean distance, and how many are far apart."""

    label: str
    pairs: int
    mean: float
    distance: float
    apart: int


@dataclass(frozen=True, slots=True)
class Severity:
    """How somebody's scores lie against the instance's means, criterion by criterion: below 0, more severe."""

    person_id: int
    name: str
    scores: int
    against_mean: float


@dataclass(frozen=True)
class Agreement:
    """How far the instructors of an instance agree, over the dossiers whose two opinions are sealed."""

    dossiers: int
    same_verdict: int
    criteria: Sequence[OnCriterion]
    people: Sequence[Severity]
    """By name."""


def by_who_is_seated() -> ColumnElement[bool]:
    """Whether the author of an `Opinion` is one of the two of its dossier's binôme now."""
    return (
        select(BinomeMember.id)
        .where(
            BinomeMember.dossier_id == Opinion.dossier_id,
            BinomeMember.person_id == Opinion.author_id,
            BinomeMember.left_at.is_(None),
            BinomeMember.seat != THIRD,
        )
        .exists()
    )


def agreement(session: Session, instance_id: int, campaign_id: int) -> Agreement:
    """The agreement of an instance in a campaign, in two statements. A dossier with an unsealed opinion is left out."""
    other, seat = aliased(Opinion), aliased(BinomeMember)
    sealed_by_both = (
        select(func.count())
        .select_from(other)
        .join(seat, (seat.dossier_id == other.dossier_id) & (seat.person_id == other.author_id))
        .where(
            other.dossier_id == Opinion.dossier_id,
            other.superseded_at.is_(None),
            other.sealed_at.is_not(None),
            seat.left_at.is_(None),
            seat.seat != THIRD,
        )
        .scalar_subquery()
    )
    here = (
        Dossier.instance_id == instance_id,
        Dossier.campaign_id == campaign_id,
        Opinion.superseded_at.is_(None),
        by_who_is_seated(),
        sealed_by_both == 2,
    )
    opinions: Any = session.execute(
        select(Opinion.dossier_id, Opinion.author_id, Person.name, Opinion.verdict)
        .join(Dossier, Dossier.id == Opinion.dossier_id)
        .join(Person, Person.id == Opinion.author_id)
        .where(*here)
    ).all()
    scores: Any = session.execute(
        select(Opinion.dossier_id, Opinion.author_id, Criterion.label, OpinionScore.score)
        .join(Opinion, Opinion.id == OpinionScore.opinion_id)
        .join(Dossier, Dossier.id == Opinion.dossier_id)
        .join(Criterion, Criterion.id == OpinionScore.criterion_id)
        .where(*here)
        .order_by(Criterion.position, Criterion.id)
    ).all()
    verdicts: dict[int, list[str]] = {}
    for row in opinions:
        verdicts.setdefault(row.dossier_id, []).append(row.verdict)
    given: dict[str, dict[int, dict[int, int]]] = {}
    for row in scores:
        given.setdefault(row.label, {}).setdefault(row.dossier_id, {})[row.author_id] = row.score
    return Agreement(
        len(verdicts),
        sum(len(set(both)) == 1 for both in verdicts.values()),
        [_criterion(label, dossiers) for label, dossiers in given.items()],
        _severities({row.author_id: row.name for row in opinions}, given),
    )


def _criterion(label: str, dossiers: Mapping[int, Mapping[int, int]]) -> OnCriterion:
    """Versions of a grid are one criterion where its label is the same."""
    pairs = [tuple(scores.values()) for scores in dossiers.values() if len(scores) == 2]
    distances = [abs(one - other) for one, other in pairs]
    everything = [score for scores in dossiers.values() for score in scores.values()]
    return OnCriterion(
        label,
        len(pairs),
        fmean(everything),
        fmean(distances) if distances else 0.0,
        sum(distance >= APART for distance in distances),
    )


def _severities(names: Mapping[int, str], given: Mapping[str, Mapping[int, Mapping[int, int]]]) -> list[Severity]:
    off: dict[int, list[float]] = {}
    for dossiers in given.values():
        mean = fmean(score for scores in dossiers.values() for score in scores.values())
        for scores in dossiers.values():
            for person, score in scores.items():
                off.setdefault(person, []).append(score - mean)
    found = [Severity(person, names[person], len(values), fmean(values)) for person, values in off.items()]
    return sorted(found, key=lambda one: one.name)
