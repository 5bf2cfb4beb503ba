"""What is to be told, written with the act and delivered after commit; and the demo's mailbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from workflow.models.base import Base, key, one_of

OUTBOX_STATES = ("pending", "sent", "dropped", "failed")


class Outbox(Base):
    """One message to one recipient. `key` is unique: the same message is written, and sent, once."""

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("state", OUTBOX_STATES),
        CheckConstraint("(person_id IS NULL) <> (address IS NULL)", name="one_recipient"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_dated"),
        Index(
            "ix_outbox_pending",
            "next_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_outbox_dossier", "dossier_id"),
        Index("ix_outbox_state", "state", "id"),
    )

    id: Mapped[int] = key()
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    """The name of the message's template."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    address: Mapped[str | None]
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossier.id"))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="pending", server_default="pending")
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    next_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="", server_default="")


class MailboxMessage(Base):
    """A mail of the demo: kept here instead of being sent."""

    __tablename__ = "mailbox_message"

    id: Mapped[int] = key()
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"), unique=True)
    recipient: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime]
