"""A draw that nobody can steer: its plan, the population frozen for it, who takes part, what was read in public."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflow.models.base import Base, cents, key, one_of
from workflow.models.calendar import Campaign
from workflow.models.people import Person

PLAN_METHODS = ("srs", "stratified", "mus")
STRATA = ("funder", "instance", "orientation")
PURPOSES = ("control", "review")
"""What a draw is for: the control of dossiers, or the mid-term review of actions."""


class SamplePlan(Base):
    """A published plan. Its parameters never change; its state only goes on, or ends in `abandoned`.

    `document` is the plan as it was published and hashed (`workflow.sampling.ceremony`). It can be abandoned at any
    time before all secrets are in (then its draw can never be known), and after that only before the public value
    comes to be: so nobody abandons a draw whose result displeases.
    """

    __tablename__ = "sample_plan"
    __table_args__ = (
        one_of("purpose", PURPOSES),
        one_of("method", PLAN_METHODS),
        one_of("stratum", STRATA),
        CheckConstraint("(method = 'stratified') = (stratum IS NOT NULL)", name="stratified_by_something"),
        CheckConstraint("size > 0 AND reserve >= 0 AND size <= population_size", name="size_fits"),
        CheckConstraint("planned_at < reveals_due_at AND reveals_due_at < public_at", name="in_order"),
        CheckConstraint("state NOT IN ('revealed', 'sealed') OR revealed_at IS NOT NULL", name="revealed_dated"),
        CheckConstraint("(state IN ('sealed', 'abandoned')) = (ended_at IS NOT NULL)", name="ended_dated"),
        CheckConstraint("(state = 'abandoned') = (reason <> '')", name="abandoned_for_a_reason"),
        CheckConstraint(
            "state <> 'abandoned' OR revealed_at IS NULL OR ended_at < public_at", name="abandoned_unknown"
        ),
        CheckConstraint(
            "(state = 'sealed') = (public_value IS NOT NULL) AND (state = 'sealed') = (seed IS NOT NULL)",
            name="sealed_with_seed",
        ),
        UniqueConstraint("supersedes_id"),
        *(
            Index(name, column, unique=True, sqlite_where=text(first), postgresql_where=text(first))
            for name, column, first in (
                ("uq_sample_plan_first", "campaign_id", "supersedes_id IS NULL AND purpose = 'control'"),
                ("uq_sample_plan_first_review", "purpose", "supersedes_id IS NULL AND purpose = 'review'"),
            )
        ),
        Index("ix_sample_plan_campaign", "campaign_id"),
        Index("ix_sample_plan_state", "state", "reveals_due_at"),
    )

    id: Mapped[int] = key()
    purpose: Mapped[str] = mapped_column(default="control", server_default=text("'control'"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    """Of several campaigns, which `document` names, the last one."""
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("sample_plan.id"))
    """The plan before it for the same purpose, sealed or abandoned; None for the first: for control of its campaign,
    for review of all, because plans for review may share campaigns."""
    state: Mapped[str] = mapped_column(default="planned")
    """planned, committed, revealed, sealed; or abandoned. Kept by the triggers `plan_starts` and `plan_onward`."""
    method: Mapped[str]
    stratum: Mapped[str | None]
    size: Mapped[int]
    reserve: Mapped[int] = mapped_column(default=0)
    population_size: Mapped[int]
    public_source: Mapped[str]
    public_at: Mapped[datetime]
    reveals_due_at: Mapped[datetime]
    planned_at: Mapped[datetime]
    planned_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    document: Mapped[str]
    plan_hash: Mapped[str] = mapped_column(unique=True)
    revealed_at: Mapped[datetime | None]
    public_value: Mapped[str | None]
    seed: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    selection: Mapped[str] = mapped_column(
        CheckConstraint("selection = 'tickets' OR (selection = 'rfc3797' AND method = 'srs')", "selection_simple"),
        default="tickets",
        server_default="tickets",
    )
    """How a simple draw takes from the population: the smallest tickets, or RFC 3797."""
    beacon: Mapped[str | None] = mapped_column(CheckConstraint("beacon IN ('quicknet', 'default')", "beacon_known"))
    """The chain of `workflow.sampling.beacon` whose round is the public value, where one is."""
    beacon_round: Mapped[int | None] = mapped_column(
        BigInteger, CheckConstraint("(beacon IS NULL) = (beacon_round IS NULL)", "round_of_beacon")
    )

    answer: Mapped["BeaconAnswer | None"] = relationship()
    campaign: Mapped[Campaign] = relationship()
    participants: Mapped[list["PlanParticipant"]] = relationship(order_by="PlanParticipant.rank")
    units: Mapped[list["PlanUnit"]] = relationship(order_by="PlanUnit.number")
    readings: Mapped[list["PlanReading"]] = relationship(order_by="PlanReading.id")

    @property
    def contradiction(self) -> "BeaconAnswer | None":
        """What a beacon answered, where two people read something else: the draw went by them."""
        return self.answer if self.answer and self.public_value not in (None, self.answer.randomness) else None


class PlanUnit(Base):
    """One dossier of the frozen population, with what the draw looks at."""

    __tablename__ = "plan_unit"
    __table_args__ = (UniqueConstraint("plan_id", "number"), CheckConstraint("value_cents >= 0", name="value_counted"))

    plan_id: Mapped[int] = mapped_column(ForeignKey("sample_plan.id"), primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), primary_key=True)
    number: Mapped[str]
    value_cents: Mapped[int] = cents()
    stratum: Mapped[str | None]


class PlanParticipant(Base):
    """Somebody whose secret goes into the seed: first the commitment, then, handed in, the secret itself."""

    __tablename__ = "plan_participant"
    __table_args__ = (
        UniqueConstraint("plan_id", "rank"),
        CheckConstraint("(commitment IS NULL) = (committed_at IS NULL)", name="committed_dated"),
        CheckConstraint("length(commitment) = 64", name="commitment_is_hash"),
        CheckConstraint("(secret IS NULL) = (revealed_at IS NULL)", name="revealed_dated"),
        CheckConstraint("secret IS NULL OR commitment IS NOT NULL", name="committed_first"),
    )

    plan_id: Mapped[int] = mapped_column(ForeignKey("sample_plan.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    rank: Mapped[int]
    commitment: Mapped[str | None]
    committed_at: Mapped[datetime | None]
    secret: Mapped[str | None]
    """Shown to nobody before the draw is sealed."""
    revealed_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()


class PlanReading(Base):
    """What somebody read at the public source; the draw goes by what two people read alike."""

    __tablename__ = "plan_reading"
    __table_args__ = (UniqueConstraint("plan_id", "person_id", "value"),)

    id: Mapped[int] = key()
    plan_id: Mapped[int] = mapped_column(ForeignKey("sample_plan.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    value: Mapped[str]
    at: Mapped[datetime]

    person: Mapped[Person] = relationship()


class BeaconAnswer(Base):
    """The round that a plan names, as a beacon answered it: a proposal, which the draw does not go by."""

    __tablename__ = "beacon_answer"
    __table_args__ = (CheckConstraint("length(randomness) = 64", name="randomness_is_hash"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("sample_plan.id"), primary_key=True)
    round: Mapped[int] = mapped_column(BigInteger)
    randomness: Mapped[str]
    signature: Mapped[str]
    source: Mapped[str]
    """The address that answered."""
    at: Mapped[datetime]
