"""The binôme, what each of its members thinks, what they say together, and the experts they ask."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from states.consultation import CONSULTATION
from workflow.models.base import Base, cents, key, one_of
from workflow.models.dossier import Document
from workflow.models.people import Person
from workflow.models.reference import Institution

VERDICTS = ("favourable", "with_reservations", "unfavourable", "deferred")
STANCES = ("favourable", "with_reservations", "unfavourable", "cannot_say")
"""What an expert may think of the point that they are asked about."""
THIRD = 3
"""The seat of an instructor who is named where the two opinions differ."""
JOINT_BASES = ("agreed", "reconciled", "arbitrated")


class BinomeMember(Base):
    """A seat (1 or 2, or THIRD) of a dossier's binôme, until `left_at`. The institution is the one at that time."""

    __tablename__ = "binome_member"
    __table_args__ = (
        CheckConstraint("seat IN (1, 2, 3)", name="seat_known"),
        Index(
            "uq_binome_member_seat",
            "dossier_id",
            "seat",
            unique=True,
            sqlite_where=text("left_at IS NULL"),
            postgresql_where=text("left_at IS NULL"),
        ),
        Index(
            "uq_binome_member_person",
            "dossier_id",
            "person_id",
            unique=True,
            sqlite_where=text("left_at IS NULL"),
            postgresql_where=text("left_at IS NULL"),
        ),
        # One of two members of the same institution needs a derogation.
        Index(
            "uq_binome_member_institution",
            "dossier_id",
            "institution_id",
            unique=True,
            sqlite_where=text("left_at IS NULL AND coalesce(derogation, '') = ''"),
            postgresql_where=text("left_at IS NULL AND coalesce(derogation, '') = ''"),
        ),
        Index("ix_binome_member_person", "person_id", "left_at"),
        Index("ix_binome_member_dossier", "dossier_id"),
    )

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"))
    seat: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    derogation: Mapped[str | None]
    """Why two members of one institution were allowed."""
    since: Mapped[datetime]
    left_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()
    institution: Mapped[Institution | None] = relationship()


class OpinionGrid(Base):
    """A version of the criteria by which an instance's instructors judge. It stays as it was made."""

    __tablename__ = "opinion_grid"
    __table_args__ = (UniqueConstraint("instance_id", "number"),)

    id: Mapped[int] = key()
    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"))
    number: Mapped[int]
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    criteria: Mapped[list["Criterion"]] = relationship(order_by="Criterion.position")


class Criterion(Base):
    """A criterion of a grid: how much it counts, and what its levels 0 to 4 mean."""

    __tablename__ = "criterion"
    __table_args__ = (
        CheckConstraint("weight BETWEEN 1 AND 5", name="weight_known"),
        UniqueConstraint("grid_id", "position"),
    )

    id: Mapped[int] = key()
    grid_id: Mapped[int] = mapped_column(ForeignKey("opinion_grid.id"))
    position: Mapped[int]
    label: Mapped[str]
    weight: Mapped[int]
    levels: Mapped[list[str]]


class Opinion(Base):
    """The individual opinion of a member. Sealed, its content is fixed; superseded, it no longer counts."""

    __tablename__ = "opinion"
    __table_args__ = (
        one_of("verdict", VERDICTS),
        CheckConstraint("sealed_at IS NULL OR verdict IS NOT NULL", name="sealed_has_verdict"),
        Index("ix_opinion_dossier", "dossier_id"),
        Index(
            "uq_opinion_author",
            "dossier_id",
            "author_id",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    verdict: Mapped[str | None]
    strengths: Mapped[str] = mapped_column(default="")
    reservations: Mapped[str] = mapped_column(default="")
    saved_at: Mapped[datetime]
    sealed_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]

    author: Mapped[Person] = relationship()
    amounts: Mapped[list["OpinionAmount"]] = relationship(cascade="all, delete-orphan")
    scores: Mapped[list["OpinionScore"]] = relationship(cascade="all, delete-orphan")


class OpinionScore(Base):
    """How an individual opinion judges one criterion of the dossier's grid."""

    __tablename__ = "opinion_score"
    __table_args__ = (CheckConstraint("score BETWEEN 0 AND 4", name="score_known"),)

    opinion_id: Mapped[int] = mapped_column(ForeignKey("opinion.id"), primary_key=True)
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"), primary_key=True)
    score: Mapped[int]


class OpinionAmount(Base):
    """What an individual opinion proposes on one funding request."""

    __tablename__ = "opinion_amount"
    __table_args__ = (CheckConstraint("proposed_cents >= 0", name="proposed_positive"),)

    opinion_id: Mapped[int] = mapped_column(ForeignKey("opinion.id"), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("funding_request.id"), primary_key=True)
    proposed_cents: Mapped[int] = cents()


class JointOpinion(Base):
    """What the binôme advises together: agreed, reconciled with both signatures, or arbitrated by the animator."""

    __tablename__ = "joint_opinion"
    __table_args__ = (
        one_of("verdict", VERDICTS),
        one_of("basis", JOINT_BASES),
        Index(
            "uq_joint_opinion_current",
            "dossier_id",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"))
    basis: Mapped[str]
    verdict: Mapped[str]
    body: Mapped[str]
    written_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    written_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]

    written_by: Mapped[Person] = relationship()
    amounts: Mapped[list["JointAmount"]] = relationship(cascade="all, delete-orphan")
    signatures: Mapped[list["JointSignature"]] = relationship(cascade="all, delete-orphan")


class JointAmount(Base):
    """What a joint opinion proposes on one funding request."""

    __tablename__ = "joint_amount"
    __table_args__ = (CheckConstraint("proposed_cents >= 0", name="proposed_positive"),)

    joint_id: Mapped[int] = mapped_column(ForeignKey("joint_opinion.id"), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("funding_request.id"), primary_key=True)
    proposed_cents: Mapped[int] = cents()


class JointSignature(Base):
    """A member's signature under a joint opinion."""

    __tablename__ = "joint_signature"

    joint_id: Mapped[int] = mapped_column(ForeignKey("joint_opinion.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    at: Mapped[datetime]


class Expert(Base):
    """Somebody who may be asked. No account: the mailed link is the key."""

    __tablename__ = "expert"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[int] = key()
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[str]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    """Since when nobody is offered to ask them."""


class ExpertInterest(Base):
    """An expert's declared interest in an organisation: a conflict for its dossiers."""

    __tablename__ = "expert_interest"
    __table_args__ = (UniqueConstraint("expert_id", "organisation_id"),)

    id: Mapped[int] = key()
    expert_id: Mapped[int] = mapped_column(ForeignKey("expert.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))


consultation_document = Table(
    "consultation_document",
    Base.metadata,
    Column("consultation_id", ForeignKey("consultation.id"), primary_key=True),
    Column("document_id", ForeignKey("document.id"), primary_key=True),
)


class Consultation(Base):
    """One question put to one expert. `state` is written by `workflow.transition` alone."""

    __tablename__ = "consultation"
    __table_args__ = (
        one_of("state", CONSULTATION.states),
        CheckConstraint("(state = 'answered') = (answer IS NOT NULL)", name="answered_has_answer"),
        CheckConstraint("(state = 'asked') = (ended_at IS NULL)", name="ended_dated"),
        one_of("stance", STANCES),
        CheckConstraint("note IS NULL OR state = 'expired'", name="note_after_expiry"),
        CheckConstraint(
            "(colleague_email IS NULL) = (colleague_name IS NULL)"
            " AND (colleague_email IS NULL) = (colleague_why IS NULL)"
            " AND (colleague_email IS NULL OR state = 'asked')",
            name="colleague_while_asked",
        ),
        CheckConstraint(
            "(file_sha256 IS NULL) = (file_name IS NULL) AND (file_sha256 IS NULL) = (file_type IS NULL)"
            " AND (file_sha256 IS NULL) = (file_size IS NULL)",
            name="file_whole",
        ),
        CheckConstraint("file_sha256 IS NULL OR answer IS NOT NULL OR note IS NOT NULL", name="file_with_answer"),
        UniqueConstraint("handed_from_id"),
        Index("ix_consultation_due", "state", "due_on"),
        Index("ix_consultation_expert", "expert_id"),
    )

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), index=True)
    expert_id: Mapped[int] = mapped_column(ForeignKey("expert.id"))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    question: Mapped[str]
    due_on: Mapped[date]
    asked_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="asked")
    version: Mapped[int] = mapped_column(default=1)
    answer: Mapped[str | None]
    reason: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    stance: Mapped[str | None]
    note: Mapped[str | None]
    """What the expert says after the day has passed."""
    noted_at: Mapped[datetime | None]
    file_name: Mapped[str | None]
    file_type: Mapped[str | None]
    file_size: Mapped[int | None]
    file_sha256: Mapped[str | None]
    """The file that came with the answer or the note; its bytes lie with the documents', under this hash."""
    colleague_name: Mapped[str | None]
    colleague_email: Mapped[str | None]
    colleague_why: Mapped[str | None]
    """Who the expert proposes to ask instead, until the binôme has said yes or no: nothing is kept of a refused one."""
    colleague_refusal: Mapped[str | None]
    """Why the last one proposed was refused."""
    handed_from_id: Mapped[int | None] = mapped_column(ForeignKey("consultation.id"))
    """The question of the expert who handed it to this one."""

    expert: Mapped[Expert] = relationship()
    documents: Mapped[list[Document]] = relationship(secondary=consultation_document)
    """What the expert may read of the dossier's."""
