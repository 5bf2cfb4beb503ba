"""Campaigns, their milestones, and what each funder can accept."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflow.models.base import Base, key
from workflow.models.reference import Institution


class Campaign(Base):
    """One yearly call: its calendar, envelopes and dossiers. `first` and `last` bound every date."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("first < last", name="bounds_in_order"),)

    id: Mapped[int] = key()
    label: Mapped[str] = mapped_column(unique=True)
    year: Mapped[int]
    first: Mapped[date]
    last: Mapped[date]
    created_at: Mapped[datetime]

    milestones: Mapped[list["Milestone"]] = relationship(order_by="Milestone.position", back_populates="campaign")


class Milestone(Base):
    """A dated step of a campaign. Gaps are working days after the milestone `after`; `funder` for its own date."""

    __tablename__ = "milestone"
    __table_args__ = (
        Index("uq_milestone_place", "campaign_id", "code", func.coalesce(text("funder_id"), 0), unique=True),
    )

    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    code: Mapped[str]
    label: Mapped[str]
    position: Mapped[int]
    funder_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    on: Mapped[date | None] = mapped_column("on_date")
    after: Mapped[str | None] = mapped_column("after_code")
    min_gap: Mapped[int | None]
    max_gap: Mapped[int | None]

    campaign: Mapped[Campaign] = relationship(back_populates="milestones")
    funder: Mapped[Institution | None] = relationship()


class FunderWindow(Base):
    """What a funder can accept for a milestone of a campaign."""

    __tablename__ = "funder_window"
    __table_args__ = (CheckConstraint("earliest <= latest", name="bounds_in_order"),)

    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    funder_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    milestone: Mapped[str]
    earliest: Mapped[date]
    latest: Mapped[date]
    preferred: Mapped[date | None]

    funder: Mapped[Institution] = relationship()
