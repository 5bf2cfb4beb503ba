"""The follow-up of a funded action: agreements, payments, reports, evaluation."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflow.models.base import Base, cents, key, one_of
from workflow.models.people import Person

PAYMENT_KINDS = ("advance", "instalment", "balance")
REPORT_KINDS = ("progress", "final")
CRITERIA = ("relevance", "coherence", "effectiveness", "efficiency", "impact")
"""The evaluation grid: the usual criteria of public policy evaluation, each from 0 to 4."""
RECOMMENDATIONS = ("renew", "renew_with_changes", "stop")


class Agreement(Base):
    """The agreement or award order on one granted line."""

    __tablename__ = "agreement"

    id: Mapped[int] = key()
    request_id: Mapped[int] = mapped_column(ForeignKey("funding_request.id"), unique=True)
    reference: Mapped[str]
    signed_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Payment(Base):
    """A payment on one granted line."""

    __tablename__ = "payment"
    __table_args__ = (one_of("kind", PAYMENT_KINDS), CheckConstraint("amount_cents > 0", name="amount_positive"))

    id: Mapped[int] = key()
    request_id: Mapped[int] = mapped_column(ForeignKey("funding_request.id"), index=True)
    kind: Mapped[str]
    amount_cents: Mapped[int] = cents()
    paid_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Report(Base):
    """A progress or final report of the carrier; `received` is false where a final one was never sent."""

    __tablename__ = "report"
    __table_args__ = (
        one_of("kind", REPORT_KINDS),
        CheckConstraint("received OR kind = 'final'", name="only_final_is_missed"),
        Index(
            "uq_report_final",
            "dossier_id",
            unique=True,
            sqlite_where=text("kind = 'final'"),
            postgresql_where=text("kind = 'final'"),
        ),
        Index("ix_report_dossier", "dossier_id"),
    )

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"))
    kind: Mapped[str]
    received: Mapped[bool] = mapped_column(default=True)
    narrative: Mapped[str]
    beneficiaries: Mapped[int | None]
    spent_cents: Mapped[int | None] = cents()
    indicators: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Evaluation(Base):
    """The reasoned judgement on an action: the grid, a recommendation and its reasons."""

    __tablename__ = "evaluation"
    __table_args__ = (
        one_of("recommendation", RECOMMENDATIONS),
        *(CheckConstraint(f"{criterion} BETWEEN 0 AND 4", name=f"{criterion}_level") for criterion in CRITERIA),
    )

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), unique=True)
    relevance: Mapped[int]
    coherence: Mapped[int]
    effectiveness: Mapped[int]
    efficiency: Mapped[int]
    impact: Mapped[int]
    recommendation: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime]
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("person.id"))

    evaluator: Mapped[Person] = relationship()
