"""Campaigns, their milestones, what each funder can accept, and every version of a calendar."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflow.models.base import Base, key, one_of
from workflow.models.people import Person
from workflow.models.reference import Institution

VERSION_KINDS = ("proposed", "moved")
"""How a version came to be: proposed to the funders, or one milestone moved."""

VERSION_STATES = ("proposed", "adopted", "replaced", "abandoned")


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
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """Counts the days that it had: a reminder about one day is not one about the next."""
    moved_at: Mapped[datetime | None]
    """When it got its day, where it had another one before."""

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


class Closure(Base):
    """Days on which an institution is closed, or (without one) on which nobody works; both ends included."""

    __tablename__ = "closure"
    __table_args__ = (CheckConstraint("first <= last", name="bounds_in_order"),)

    id: Mapped[int] = key()
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"), index=True)
    label: Mapped[str]
    first: Mapped[date]
    last: Mapped[date]

    institution: Mapped[Institution | None] = relationship()


class CalendarVersion(Base):
    """One calendar of a campaign, as it was proposed or as a move made it. At most one is adopted, one proposed."""

    __tablename__ = "calendar_version"
    __table_args__ = (
        one_of("kind", VERSION_KINDS),
        one_of("state", VERSION_STATES),
        CheckConstraint("(state IN ('adopted', 'replaced')) = (adopted_at IS NOT NULL)", name="adopted_dated"),
        UniqueConstraint("campaign_id", "number"),
        *(
            Index(
                f"uq_calendar_version_{state}",
                "campaign_id",
                unique=True,
                sqlite_where=text(f"state = '{state}'"),
                postgresql_where=text(f"state = '{state}'"),
            )
            for state in ("proposed", "adopted")
        ),
    )

    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    number: Mapped[int]
    kind: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    adopted_at: Mapped[datetime | None]
    adopted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    campaign: Mapped[Campaign] = relationship()
    made_by: Mapped[Person | None] = relationship(foreign_keys=[made_by_id])
    adopted_by: Mapped[Person | None] = relationship(foreign_keys=[adopted_by_id])
    dates: Mapped[list["CalendarDate"]] = relationship(back_populates="version", order_by="CalendarDate.id")
    answers: Mapped[list["CalendarAnswer"]] = relationship(back_populates="version")


class CalendarDate(Base):
    """The day of a milestone in a version of the calendar; `funder_id` where each funder has its own."""

    __tablename__ = "calendar_date"
    __table_args__ = (
        Index("uq_calendar_date_place", "version_id", "code", func.coalesce(text("funder_id"), 0), unique=True),
    )

    id: Mapped[int] = key()
    version_id: Mapped[int] = mapped_column(ForeignKey("calendar_version.id"))
    code: Mapped[str]
    funder_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    on: Mapped[date | None] = mapped_column("on_date")

    version: Mapped[CalendarVersion] = relationship(back_populates="dates")
    funder: Mapped[Institution | None] = relationship()


class CalendarAnswer(Base):
    """What a funder says of a proposed calendar: accepted, or a change asked in words. The last one counts."""

    __tablename__ = "calendar_answer"
    __table_args__ = (
        UniqueConstraint("version_id", "funder_id"),
        CheckConstraint("accepted OR message <> ''", name="change_in_words"),
    )

    id: Mapped[int] = key()
    version_id: Mapped[int] = mapped_column(ForeignKey("calendar_version.id"))
    funder_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    accepted: Mapped[bool]
    message: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]

    version: Mapped[CalendarVersion] = relationship(back_populates="answers")
    funder: Mapped[Institution] = relationship()
    person: Mapped[Person] = relationship()
