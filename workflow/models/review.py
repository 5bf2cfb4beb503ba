"""The mid-term reviews of drawn actions, and the versions of their grid."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from states.review import REVIEW
from workflow.models.base import Base, key, one_of
from workflow.models.people import Person

DIMENSIONS = ("relevance", "coherence", "impact")
RECOMMENDATIONS = ("continue", "adjust", "stop", "extend")
"""What a review recommends to the orientation of its action."""


class ReviewGrid(Base):
    """A version of the review grid, common to all reviews. The database lets nothing of it change."""

    __tablename__ = "review_grid"

    id: Mapped[int] = key()
    number: Mapped[int] = mapped_column(unique=True)
    made_at: Mapped[datetime]

    items: Mapped[list["ReviewCriterion"]] = relationship(order_by="ReviewCriterion.position")


class ReviewCriterion(Base):
    """A criterion of a dimension; `help` says what is asked, `levels` what 0 to 4 mean."""

    __tablename__ = "review_criterion"
    __table_args__ = (one_of("dimension", DIMENSIONS), UniqueConstraint("grid_id", "position"))

    id: Mapped[int] = key()
    grid_id: Mapped[int] = mapped_column(ForeignKey("review_grid.id"))
    position: Mapped[int]
    dimension: Mapped[str]
    label: Mapped[str]
    help: Mapped[str]
    levels: Mapped[list[str]]


class Review(Base):
    """The review of one drawn action, written by two together. `state` is written by `workflow.transition` alone.

    A signature holds for the text as it stands: whoever changes the text takes both away. Sealed, nothing changes.
    """

    __tablename__ = "review"
    __table_args__ = (
        one_of("state", REVIEW.states),
        one_of("recommendation", RECOMMENDATIONS),
        CheckConstraint("(state = 'to_review') = (first_id IS NULL)", name="named_to_begin"),
        CheckConstraint(
            "(first_id IS NULL) = (second_id IS NULL) AND (first_id IS NULL OR first_id <> second_id)",
            name="two_people",
        ),
        CheckConstraint("first_id IS NULL OR grid_id IS NOT NULL", name="has_grid"),
        CheckConstraint("(state = 'reviewed') = (sealed_at IS NOT NULL)", name="sealed_dated"),
        CheckConstraint(
            "sealed_at IS NULL OR (first_signed_at IS NOT NULL AND second_signed_at IS NOT NULL)", name="sealed_signed"
        ),
        CheckConstraint(
            "sealed_at IS NULL OR (recommendation IS NOT NULL AND reason <> '' AND strengths <> ''"
            " AND weaknesses <> '')",
            name="sealed_written",
        ),
        Index("ix_review_state", "state"),
    )

    id: Mapped[int] = key()
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), unique=True)
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("review_grid.id"))
    """The version of the grid that was in force when the reviewers were first named."""
    first_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(default=REVIEW.initial)
    version: Mapped[int] = mapped_column(default=1)
    recommendation: Mapped[str | None]
    reason: Mapped[str] = mapped_column(default="")
    strengths: Mapped[str] = mapped_column(default="")
    weaknesses: Mapped[str] = mapped_column(default="")
    saved_at: Mapped[datetime | None]
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Who last wrote strengths, weaknesses and recommendation."""
    first_signed_at: Mapped[datetime | None]
    second_signed_at: Mapped[datetime | None]
    sealed_at: Mapped[datetime | None]

    first: Mapped[Person | None] = relationship(foreign_keys=[first_id])
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id])
    scores: Mapped[list["ReviewScore"]] = relationship(cascade="all, delete-orphan")


class ReviewScore(Base):
    """What a review says on one criterion; while it is a draft, level or justification may still be missing."""

    __tablename__ = "review_score"
    __table_args__ = (CheckConstraint("level BETWEEN 0 AND 4", name="level_known"),)

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    criterion_id: Mapped[int] = mapped_column(ForeignKey("review_criterion.id"), primary_key=True)
    level: Mapped[int | None]
    justification: Mapped[str]
    saved_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
