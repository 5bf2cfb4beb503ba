"""A dossier: what the carrier deposits, where it was routed, what was asked, answered, attached and said."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from states.dossier import STATES
from workflow.models.base import Base, cents, key, one_of
from workflow.models.calendar import Campaign
from workflow.models.reference import LEVELS, Commune, Instance, Objective, Organisation

NEED = ("first", "renewed")
SIDES = ("expense", "income")
PIECE_VERDICTS = ("accepted", "returned")
DOCUMENT_KINDS = ("statutes", "accounts", "bank_details", "quote", "report", "other")


class Dossier(Base):
    """One action proposed by one carrier for one campaign.

    `state` is written by `workflow.transition` alone. `version` counts the acts that a page must have seen.
    """

    __tablename__ = "dossier"
    __table_args__ = (
        one_of("state", STATES),
        one_of("level", LEVELS),
        one_of("need", NEED),
        CheckConstraint("(state = 'draft') = (submitted_at IS NULL) OR state = 'withdrawn'", name="submitted_dated"),
        CheckConstraint("(number IS NULL) = (submitted_at IS NULL)", name="submitted_numbered"),
        CheckConstraint("ends_on >= starts_on", name="period_in_order"),
        CheckConstraint("beneficiaries >= 0", name="beneficiaries_counted"),
        Index("ix_dossier_board", "campaign_id", "instance_id", "state", "due_on", "id"),
        Index("ix_dossier_organisation", "organisation_id", "state"),
        Index("ix_dossier_due", "state", "due_on"),
        Index("ix_dossier_session", "session_id"),
        Index(
            "ix_dossier_unplanned",
            "id",
            sqlite_where=text("NOT reminders_planned"),
            postgresql_where=text("NOT reminders_planned"),
        ),
    )

    id: Mapped[int] = key()
    number: Mapped[str | None] = mapped_column(unique=True)
    """Given at deposit: year and rank, « 2027-0042 »."""
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    instance_id: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    """The lead instance; none while nothing matched and the transversal committee has not routed it."""
    session_id: Mapped[int | None] = mapped_column(ForeignKey("committee_session.id"))
    state: Mapped[str] = mapped_column(default="draft")
    version: Mapped[int] = mapped_column(default=1)
    state_since: Mapped[datetime]
    due_on: Mapped[date | None]
    """The day by which whoever's turn it is must act in this state."""
    due_version: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Counts the due days that it had: a reminder about one is not one about the next."""
    due_since: Mapped[datetime | None]
    """When it became that day, where it moved after the state began: rungs before then are no longer recalled."""
    reminders_planned: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether its reminders are planned for its state and due day as they stand."""
    effort: Mapped[int] = mapped_column(
        CheckConstraint("effort BETWEEN 1 AND 20", name="effort_counted"), default=1, server_default=text("1")
    )
    """Effort points that instructing it costs each member: estimated at deposit, then what the animator says."""
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("opinion_grid.id"))
    """The version of the instance's criteria that was in force when its binôme was formed."""
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    submitted_at: Mapped[datetime | None]
    notified_at: Mapped[datetime | None]
    """When the carrier was last told an inadmissibility or a refusal; appeals count from it."""
    # the form
    title: Mapped[str] = mapped_column(default="")
    objective_id: Mapped[int | None] = mapped_column(ForeignKey("objective.id"))
    level: Mapped[str | None]
    commune_id: Mapped[int | None] = mapped_column(ForeignKey("commune.id"))
    need: Mapped[str | None]
    summary: Mapped[str] = mapped_column(default="")
    public: Mapped[str] = mapped_column(default="")
    beneficiaries: Mapped[int | None]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    partners: Mapped[str] = mapped_column(default="")
    indicators: Mapped[str] = mapped_column(default="")
    attested: Mapped[bool] = mapped_column(default=False)
    typed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What was typed in a step and is not valid yet, per step, so that nothing typed is lost."""
    search_text: Mapped[str] = mapped_column(default="")
    """Number, carrier and title without accents, in lower case."""

    campaign: Mapped[Campaign] = relationship()
    organisation: Mapped[Organisation] = relationship()
    instance: Mapped[Instance | None] = relationship()
    objective: Mapped[Objective | None] = relationship()
    commune: Mapped[Commune | None] = relationship()


class BudgetLine(Base):
    """A line of the action's budget; `account` is the two-digit class of the chart of accounts (60, 61, 74, …)."""

    __tablename__ = "budget_line"
    __table_args__ = (one_of("side", SIDES), CheckConstraint("amount_cents > 0", name="amount_positive"))

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), index=True)
    side: Mapped[str]
    account: Mapped[str]
    label: Mapped[str]
    amount_cents: Mapped[int] = cents()


class RoutingStep(Base):
    """One routing of a dossier: to which instance, by which rule or person, and why."""

    __tablename__ = "routing_step"

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), index=True)
    instance_id: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    reason: Mapped[str]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("routing_version.id"))
    """The version of the rules that decided; none where a person did, or before versions were kept."""
    trail: Mapped[list[Any]] = mapped_column(JSON, default=list, server_default=text("'[]'"))
    """What each rule about the objective said, up to the one that won: rule, lead, matched, why."""

    instance: Mapped[Instance | None] = relationship()


class AssociatedInstance(Base):
    """An instance that is told of a dossier that another one leads."""

    __tablename__ = "associated_instance"

    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"), primary_key=True)


class Piece(Base):
    """A missing piece or precision that was asked for, and its answer."""

    __tablename__ = "piece"
    __table_args__ = (CheckConstraint("(answered_at IS NULL) = (answer IS NULL)", name="answered_dated"),)

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), index=True)
    label: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    due_on: Mapped[date]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    verdict: Mapped[str | None] = mapped_column(one_of("verdict", PIECE_VERDICTS))
    word: Mapped[str | None] = mapped_column(
        CheckConstraint("verdict <> 'returned' OR coalesce(word, '') <> ''", name="returned_with_word")
    )
    """What is said to the carrier about the answer; of one that is returned, why."""
    judged_at: Mapped[datetime | None] = mapped_column(
        CheckConstraint(
            "(judged_at IS NULL) = (verdict IS NULL) AND (verdict IS NULL OR answer IS NOT NULL)", name="judged_whole"
        )
    )
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"))
    """The demand whose answer was returned, and which this one puts again."""


class Document(Base):
    """A file attached to a dossier; its bytes lie in the instance folder under their SHA-256.

    A new version is a document of its own that names the one it replaces; what refers to that one keeps it.
    """

    __tablename__ = "document"
    __table_args__ = (
        one_of("kind", DOCUMENT_KINDS),
        CheckConstraint("size > 0", name="size_positive"),
        Index("uq_document_replaces_id", "replaces_id", unique=True),
    )

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), index=True)
    kind: Mapped[str]
    filename: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    uploaded_at: Mapped[datetime]
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    """The version before it; each has one after it at most."""


class Message(Base):
    """A message between carrier and binôme (or animator)."""

    __tablename__ = "message"

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime]


class InternalNote(Base):
    """What those who instruct a dossier say among themselves: its binôme and the animators of its instance."""

    __tablename__ = "internal_note"

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body: Mapped[str]
    at: Mapped[datetime]


class NoteMention(Base):
    """Somebody whom a note names, and who is told of it."""

    __tablename__ = "note_mention"

    note_id: Mapped[int] = mapped_column(ForeignKey("internal_note.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)


class InstanceComment(Base):
    """What an associated instance says of a dossier, by its animator."""

    __tablename__ = "instance_comment"

    id: Mapped[int] = key()
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"), index=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body: Mapped[str]
    at: Mapped[datetime]


class LateDeposit(Base):
    """A derogation written by an animator: this carrier may deposit after the deadline, until a day."""

    __tablename__ = "late_deposit"

    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    reason: Mapped[str]
    until: Mapped[date]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class NumberSeries(Base):
    """The last rank given to a dossier in a campaign."""

    __tablename__ = "number_series"
    __table_args__ = (CheckConstraint("last >= 0", name="last_counted"),)

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    last: Mapped[int] = mapped_column(server_default=text("0"))
