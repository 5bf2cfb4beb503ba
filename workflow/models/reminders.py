"""Reminders: the rules, what is planned, what was sent to whom; and when people may be reminded."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from states.dossier import STATES
from workflow.models.base import Base, key, one_of
from workflow.models.dossier import Dossier
from workflow.models.people import Person
from workflow.models.reference import Instance

REMINDER_STATES = ("waiting", "sent", "dropped")

EARLIEST_HOUR, LATEST_HOUR = 6, 20
"""Between which hours of Paris a digest may be wished for."""

_SUBJECT = (
    "rule_id",
    "dossier_id",
    func.coalesce(text("consultation_id"), 0),
    func.coalesce(text("funder_id"), 0),
    "rung",
    "due_version",
)


class ReminderRule(Base):
    """What is recalled to whom. One with an instance stands, there, for the territory's one of the same code.

    A rung is an offset in working days from the due day: −7 before, 0 on it, +1 after.
    """

    __tablename__ = "reminder_rule"
    __table_args__ = (
        one_of("state", STATES),
        Index("uq_reminder_rule_place", "code", func.coalesce(text("instance_id"), 0), unique=True),
    )

    id: Mapped[int] = key()
    code: Mapped[str]
    instance_id: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    label: Mapped[str]
    state: Mapped[str]
    """The state of a dossier in which it still waits."""
    due: Mapped[str]
    """Which due day: « dossier » (its own), « consultation », « visit », « findings », or the code of a milestone."""
    asked: Mapped[str]
    """The role that is reminded."""
    offsets: Mapped[list[int]] = mapped_column(JSON)
    escalation: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """Who else is told when it stays undone: « offset » and « to » (other_member, animator, transversal)."""
    active: Mapped[bool] = mapped_column(default=True)

    instance: Mapped[Instance | None] = relationship()


class PlannedReminder(Base):
    """A rung that is to come. Whom it reaches is seen on its day; it is deleted once it became reminders, or void."""

    __tablename__ = "planned_reminder"
    __table_args__ = (
        Index("uq_planned_reminder_rung", *_SUBJECT, unique=True),
        Index("ix_planned_reminder_day", "on_day", "id"),
        Index("ix_planned_reminder_dossier", "dossier_id"),
    )

    id: Mapped[int] = key()
    rule_id: Mapped[int] = mapped_column(ForeignKey("reminder_rule.id"))
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"))
    consultation_id: Mapped[int | None] = mapped_column(ForeignKey("consultation.id"))
    funder_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    rung: Mapped[int]
    due_on: Mapped[date]
    due_version: Mapped[int]
    on_day: Mapped[date]


class Reminder(Base):
    """One rung for one recipient: it waits for their next digest, was sent in one, or was dropped (and why)."""

    __tablename__ = "reminder"
    __table_args__ = (
        one_of("state", REMINDER_STATES),
        CheckConstraint("(person_id IS NULL) <> (address IS NULL)", name="one_recipient"),
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided_dated"),
        Index(
            "uq_reminder_rung",
            *_SUBJECT,
            func.coalesce(text("person_id"), 0),
            func.coalesce(text("address"), ""),
            unique=True,
        ),
        Index(
            "ix_reminder_waiting",
            "deliver_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_reminder_person", "person_id", "id"),
        Index("ix_reminder_dossier", "dossier_id"),
        Index("ix_reminder_outbox", "outbox_id"),
    )

    id: Mapped[int] = key()
    rule_id: Mapped[int] = mapped_column(ForeignKey("reminder_rule.id"))
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"))
    consultation_id: Mapped[int | None] = mapped_column(ForeignKey("consultation.id"))
    funder_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    rung: Mapped[int]
    due_on: Mapped[date]
    due_version: Mapped[int]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    address: Mapped[str | None]
    role: Mapped[str]
    """As what the recipient is told: the role asked, or the one that the escalation names."""
    planned_for: Mapped[date]
    deliver_at: Mapped[datetime]
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="waiting")
    why: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    outbox_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.id"))

    rule: Mapped[ReminderRule] = relationship()
    dossier: Mapped[Dossier] = relationship()
    person: Mapped[Person | None] = relationship()


class ReminderPreference(Base):
    """When somebody wants the day's digest, and whether by mail at all; without a row, at eight and by mail."""

    __tablename__ = "reminder_preference"
    __table_args__ = (CheckConstraint(f"hour BETWEEN {EARLIEST_HOUR} AND {LATEST_HOUR}", name="hour_of_the_day"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    hour: Mapped[int] = mapped_column(default=8)
    by_mail: Mapped[bool] = mapped_column(default=True)


class Absence(Base):
    """Days on which somebody is away, both ends included: nothing is recalled to them, and their clock waits."""

    __tablename__ = "absence"
    __table_args__ = (CheckConstraint("first <= last", name="bounds_in_order"),)

    id: Mapped[int] = key()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    first: Mapped[date]
    last: Mapped[date]
