"""The samples drawn over funded dossiers, the missions of control, and what they note."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from states.control import CONTROL
from workflow.control_grid import VERDICTS
from workflow.models.base import Base, cents, key, one_of
from workflow.models.people import Person

OUTCOMES = ("none", "recommendation", "payback")


class Sample(Base):
    """A draw: population (hashed), size, seed. Sealed, the database lets nothing of it change.

    It comes from a plan and its ceremony; without one it is a simple random draw, of which a campaign has one at most.
    """

    __tablename__ = "sample"
    __table_args__ = (
        CheckConstraint("size > 0 AND size <= population_size", name="size_fits"),
        Index(
            "uq_sample_without_plan",
            "campaign_id",
            unique=True,
            sqlite_where=text("plan_id IS NULL"),
            postgresql_where=text("plan_id IS NULL"),
        ),
        Index("ix_sample_campaign", "campaign_id"),
    )

    id: Mapped[int] = key()
    purpose: Mapped[str] = mapped_column(
        CheckConstraint("purpose = 'control' OR (purpose = 'review' AND plan_id IS NOT NULL)", "purpose_known"),
        default="control",
        server_default=text("'control'"),
    )
    """That of its plan. What is said of control looks at samples for control alone."""
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("sample_plan.id"), unique=True)
    seed: Mapped[str]
    size: Mapped[int]
    population_size: Mapped[int]
    population_hash: Mapped[str]
    drawn_at: Mapped[datetime]
    drawn_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    sealed_at: Mapped[datetime | None]

    units: Mapped[list["SampleUnit"]] = relationship(order_by="SampleUnit.rank", back_populates="sample")


class SampleUnit(Base):
    """One dossier of the population, with its ticket: SHA-256 of seed and number; the smallest are drawn."""

    __tablename__ = "sample_unit"
    __table_args__ = (UniqueConstraint("sample_id", "rank"), Index("ix_sample_unit_dossier", "dossier_id", "drawn"))

    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), primary_key=True)
    rank: Mapped[int]
    ticket: Mapped[str]
    drawn: Mapped[bool]

    sample: Mapped[Sample] = relationship(back_populates="units")


class Mission(Base):
    """The control of one drawn dossier. `state` is written by `workflow.transition` alone."""

    __tablename__ = "mission"
    __table_args__ = (
        one_of("state", CONTROL.states),
        one_of("outcome", OUTCOMES),
        CheckConstraint("refused_cents >= 0", name="refused_positive"),
        CheckConstraint("(state = 'concluded') = (concluded_at IS NOT NULL)", name="concluded_dated"),
        CheckConstraint("(state = 'concluded') = (outcome IS NOT NULL)", name="concluded_has_outcome"),
        Index("ix_mission_state", "state"),
    )

    id: Mapped[int] = key()
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), unique=True)
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("control_grid.id"))
    """The version of the realisation grid that was in force when the control was announced."""
    controller_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    second_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"),
        CheckConstraint(
            "second_id IS NULL OR (controller_id IS NOT NULL AND second_id <> controller_id)", "two_people"
        ),
    )
    state: Mapped[str] = mapped_column(default="drawn")
    version: Mapped[int] = mapped_column(default=1)
    visit_on: Mapped[date | None]
    realisation: Mapped[str] = mapped_column(default="")
    spending: Mapped[str] = mapped_column(default="")
    refused_cents: Mapped[int] = cents(default=0)
    reply_due_on: Mapped[date | None]
    reply: Mapped[str | None]
    replied_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    payback_cents: Mapped[int | None] = mapped_column(
        BigInteger, CheckConstraint("payback_cents IS NULL OR (outcome = 'payback' AND payback_cents > 0)", "paid_back")
    )
    conclusion: Mapped[str] = mapped_column(default="")
    concluded_at: Mapped[datetime | None]

    controller: Mapped[Person | None] = relationship(foreign_keys=[controller_id])
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id])
    answers: Mapped[list["RealisationAnswer"]] = relationship(cascade="all, delete-orphan")


class ControlGrid(Base):
    """A version of the realisation grid, common to all controls. The database lets nothing of it change."""

    __tablename__ = "control_grid"

    id: Mapped[int] = key()
    number: Mapped[int] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Who published it; nobody where it comes from the reference file."""
    reason: Mapped[str] = mapped_column(default="", server_default="")

    items: Mapped[list["ControlItem"]] = relationship(order_by="ControlItem.position")


class ControlItem(Base):
    """What is verified of an action's realisation; `help` says by what."""

    __tablename__ = "control_item"
    __table_args__ = (UniqueConstraint("grid_id", "position"),)

    id: Mapped[int] = key()
    grid_id: Mapped[int] = mapped_column(ForeignKey("control_grid.id"))
    position: Mapped[int]
    label: Mapped[str]
    help: Mapped[str]


class RealisationAnswer(Base):
    """What a control found on one item of its grid. Fixed like the ledger."""

    __tablename__ = "realisation_answer"
    __table_args__ = (
        one_of("verdict", VERDICTS),
        CheckConstraint("verdict = 'compliant' OR observation <> ''", name="gap_observed"),
    )

    mission_id: Mapped[int] = mapped_column(ForeignKey("mission.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("control_item.id"), primary_key=True)
    verdict: Mapped[str]
    observation: Mapped[str]
    evidence: Mapped[str]


class LedgerLine(Base):
    """One voucher read by a control: what of it is charged to the action, accepted and refused.

    `share` is the allocation key in hundredths of a percent. Once the findings are sent, the database lets no line
    come, change or go.
    """

    __tablename__ = "ledger_line"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint("share BETWEEN 0 AND 10000", name="share_known"),
        CheckConstraint("accepted_cents >= 0 AND refused_cents >= 0", name="parts_positive"),
        CheckConstraint("accepted_cents + refused_cents = (amount_cents * share + 5000) / 10000", name="parts_whole"),
        CheckConstraint("refused_cents = 0 OR reason <> ''", name="refusal_reasoned"),
        Index("ix_ledger_line_mission", "mission_id"),
    )

    id: Mapped[int] = key()
    mission_id: Mapped[int] = mapped_column(ForeignKey("mission.id"))
    spent_on: Mapped[date]
    label: Mapped[str]
    voucher: Mapped[str]
    amount_cents: Mapped[int] = cents()
    share: Mapped[int]
    accepted_cents: Mapped[int] = cents()
    refused_cents: Mapped[int] = cents()
    reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[datetime]
