"""What is asked of each funder, what it has, and the sessions at which it is decided."""

from datetime import date, datetime, time

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflow.models.base import Base, cents, key, one_of
from workflow.models.calendar import Campaign
from workflow.models.reference import Instance, Institution, Objective

DECISIONS = ("pending", "granted", "refused")


class Envelope(Base):
    """Money of one funder for one campaign and, where wanted, one orientation.

    `granted_cents` is kept by database triggers as the sum of the granted lines, so that no path can overspend.
    """

    __tablename__ = "envelope"
    __table_args__ = (
        CheckConstraint("granted_cents >= 0 AND granted_cents <= total_cents", name="never_overspent"),
        Index(
            "uq_envelope_place",
            "funder_id",
            "campaign_id",
            func.coalesce(text("orientation_id"), 0),
            unique=True,
        ),
    )

    id: Mapped[int] = key()
    funder_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    orientation_id: Mapped[int | None] = mapped_column(ForeignKey("objective.id"))
    total_cents: Mapped[int] = cents()
    granted_cents: Mapped[int] = cents(default=0, server_default=text("0"))

    funder: Mapped[Institution] = relationship()
    orientation: Mapped[Objective | None] = relationship()


class CommitteeSession(Base):
    """A dated meeting at which dossiers are tabled and decided."""

    __tablename__ = "committee_session"

    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    instance_id: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    """None for a session of the whole territory."""
    label: Mapped[str]
    on: Mapped[date] = mapped_column("on_date")
    starts_at: Mapped[time | None]
    """Hour of Paris."""
    place: Mapped[str] = mapped_column(default="")
    sequence: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Counts its changes, so that calendars elsewhere know which is the newest."""
    cancelled_at: Mapped[datetime | None]

    campaign: Mapped[Campaign] = relationship()
    instance: Mapped[Instance | None] = relationship()


class FundingRequest(Base):
    """One line per funder: asked by the carrier, proposed by the binôme, granted by the funder, then paid.

    `paid_cents` is kept by a database trigger as the sum of the payments.
    """

    __tablename__ = "funding_request"
    __table_args__ = (
        UniqueConstraint("dossier_id", "funder_id"),
        one_of("decision", DECISIONS),
        CheckConstraint("asked_cents > 0", name="asked_positive"),
        CheckConstraint("proposed_cents >= 0", name="proposed_positive"),
        CheckConstraint(
            "(decision = 'granted') = (granted_cents IS NOT NULL) AND (granted_cents IS NULL OR granted_cents > 0)",
            name="granted_has_amount",
        ),
        CheckConstraint("granted_cents IS NULL OR granted_cents <= asked_cents", name="within_asked"),
        CheckConstraint("(decision = 'pending') = (decided_at IS NULL)", name="decided_dated"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_signed"),
        CheckConstraint("granted_cents IS NULL OR envelope_id IS NOT NULL", name="granted_on_envelope"),
        CheckConstraint("paid_cents >= 0 AND paid_cents <= coalesce(granted_cents, 0)", name="never_overpaid"),
        Index("ix_funding_request_funder", "funder_id", "decision"),
        Index("ix_funding_request_envelope", "envelope_id", "granted_cents"),
    )

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"))
    funder_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    asked_cents: Mapped[int] = cents()
    proposed_cents: Mapped[int | None] = cents()
    decision: Mapped[str] = mapped_column(default="pending", server_default="pending")
    granted_cents: Mapped[int | None] = cents()
    paid_cents: Mapped[int] = cents(default=0, server_default=text("0"))
    motive: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    envelope_id: Mapped[int | None] = mapped_column(ForeignKey("envelope.id"))

    funder: Mapped[Institution] = relationship()
