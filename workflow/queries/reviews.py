"""What is shown of the mid-term reviews: the list, and one review with its text beside the dossier's file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from states.dossier import ADMINISTRATOR, TRANSVERSAL
from states.review import ELIGIBLE, REVIEW
from workflow.access import Actor, took_part
from workflow.control_grid import seen
from workflow.errors import NotFound
from workflow.models import Dossier, Objective, Organisation, Person, Review, ReviewCriterion, RoleGrant, Sample
from workflow.queries import dossier as files
from workflow.queries.choices import Asked
from workflow.queries.dossier import File
from workflow.reviews import SUMMARY, mark_of

Row = Any
"""A named tuple of the columns of a select."""


def stuck() -> ColumnElement[bool]:
    """Whether the review of the enclosing select can no longer be sealed by those who are named; it selects the
    dossier too, or is within one that does.

    One of them took part since, or may not sign any more and has not; or they are of one institution by now.
    """
    named = Person.id.in_((Review.first_id, Review.second_id))
    unsigned = or_(
        and_(Person.id == Review.first_id, Review.first_signed_at.is_(None)),
        and_(Person.id == Review.second_id, Review.second_signed_at.is_(None)),
    )
    holds = (
        exists()
        .where(RoleGrant.person_id == Person.id, RoleGrant.role.in_(ELIGIBLE), RoleGrant.ended_at.is_(None))
        .correlate(Person)
    )
    kept_out = or_(and_(unsigned, or_(~Person.active, ~holds)), *took_part(Person.id).values())
    institutions = select(func.count(Person.institution_id.distinct())).where(named).correlate(Review).scalar_subquery()
    return and_(
        Review.state == "under_review",
        or_(exists().where(named, kept_out).correlate(Review, Dossier), institutions < 2),
    )


@dataclass(frozen=True)
class Desk:
    """The reviews that a person may know of by state, and the sealed samples that they were drawn in (newest first)."""

    groups: Mapping[str, Sequence[Row]]
    samples: Sequence[Row]

    @property
    def total(self) -> int:
        """How many reviews there are."""
        return sum(map(len, self.groups.values()))


def desk(session: Session, actor: Actor) -> Desk:
    """All reviews for the committee and administrators, one's own for whoever else reviews; in two statements."""
    first, second = aliased(Person), aliased(Person)
    everything = bool(actor.roles & {TRANSVERSAL, ADMINISTRATOR})
    mine: ColumnElement[bool] = or_(Review.first_id == actor.person_id, Review.second_id == actor.person_id)
    rows = session.execute(
        select(
            Review.id,
            Review.state,
            Review.dossier_id,
            Dossier.number,
            Dossier.title,
            Organisation.name.label("carrier"),
            Objective.code.label("objective"),
            first.name.label("first"),
            second.name.label("second"),
            mine.label("mine"),
            Review.first_signed_at,
            Review.second_signed_at,
            Review.recommendation,
        )
        .join(Dossier, Dossier.id == Review.dossier_id)
        .join(Dossier.organisation)
        .outerjoin(Dossier.objective)
        .outerjoin(first, first.id == Review.first_id)
        .outerjoin(second, second.id == Review.second_id)
        .where(true() if everything else mine)
        .order_by(Dossier.number)
    ).all()
    order = {state: place for place, state in enumerate(REVIEW.states)}
    ordered = sorted(rows, key=lambda row: order[row.state])
    samples: Sequence[Row] = ()
    if everything:
        samples = session.execute(
            select(Sample.id, Sample.plan_id, Sample.size, Sample.population_size, Sample.sealed_at)
            .where(Sample.purpose == "review", Sample.sealed_at.is_not(None))
            .order_by(Sample.id.desc())
        ).all()
    return Desk({state: list(part) for state, part in groupby(ordered, lambda row: str(row.state))}, samples)


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion with what the review says on it so far, and the mark of that."""

    criterion: ReviewCriterion
    level: int | None
    justification: str
    mark: str


@dataclass(frozen=True)
class Shown:
    """A review, its text as it stands, and the dossier's file as the reader may see it."""

    review: Review
    file: File
    criteria: Sequence[Judged]
    summary_mark: str
    mark: str
    mine: bool
    stuck: bool
    sample_id: int
    reader_id: int | None

    @property
    def answered(self) -> int:
        """How many criteria are judged and justified."""
        return sum(one.level is not None and bool(one.justification) for one in self.criteria)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.answered == len(self.criteria) and all(getattr(self.review, name) for name in SUMMARY)

    @property
    def signed_by_reader(self) -> bool:
        """Whether the reader signed it as it stands."""
        review = self.review
        signed = {review.first_id: review.first_signed_at, review.second_id: review.second_signed_at}
        return self.mine and signed[self.reader_id] is not None


def show(session: Session, actor: Actor, dossier_id: int) -> Shown:
    """The review of a dossier. Raises NotFound where there is none, or it is not the reader's to know of."""
    file = files.load(session, actor, dossier_id)
    if not file.sees("review"):
        raise NotFound("review")
    row = session.execute(
        select(Review, stuck())
        .join(Dossier, Dossier.id == Review.dossier_id)
        .where(Review.dossier_id == dossier_id)
        .options(
            selectinload(Review.scores),
            joinedload(Review.first).joinedload(Person.institution),
            joinedload(Review.second).joinedload(Person.institution),
        )
    ).first()
    if row is None:
        raise NotFound("review")
    review = row[0]
    scores = {score.criterion_id: score for score in review.scores}
    criteria = []
    for one in session.scalars(
        select(ReviewCriterion).where(ReviewCriterion.grid_id == review.grid_id).order_by(ReviewCriterion.position)
    ):
        score = scores.get(one.id)
        level, justification = (score.level, score.justification) if score else (None, "")
        criteria.append(Judged(one, level, justification, seen(level, justification)))
    return Shown(
        review,
        file,
        criteria,
        seen(*(getattr(review, name) for name in SUMMARY)),
        mark_of(review),
        actor.person_id in (review.first_id, review.second_id),
        bool(row[1]),
        review.sample_id,
        actor.person_id,
    )


def beside(asked: Asked) -> Shown:
    """The same for the page of an act."""
    if asked.dossier_id is None:
        raise NotFound("dossier")
    return show(asked.session, asked.actor, asked.dossier_id)
