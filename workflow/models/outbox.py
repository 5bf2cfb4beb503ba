"""What is to be told, written with the act and delivered after commit; webhooks; and the demo's mailbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from workflow.models.base import Base, key, one_of

OUTBOX_STATES = ("pending", "sent", "dropped", "failed")


class Outbox(Base):
    """One message to one recipient. `key` is unique: the same message is written, and sent, once."""

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("state", OUTBOX_STATES),
        CheckConstraint(
            "(CASE WHEN person_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN address IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN webhook_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_recipient",
        ),
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
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhook.id"))
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossier.id"))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="pending", server_default="pending")
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    next_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="", server_default="")


class Webhook(Base):
    """An address of another program that is told of acts. Its secret is made from the secret key, not kept here."""

    __tablename__ = "webhook"

    id: Mapped[int] = key()
    label: Mapped[str]
    url: Mapped[str]
    acts: Mapped[list[str]]
    """The acts it is told of; none named: all."""
    active: Mapped[bool] = mapped_column(default=True)
    secret_version: Mapped[int] = mapped_column(default=1)
    journal_seq: Mapped[int] = mapped_column(BigInteger)
    """The last journal entry that it was told of, or passed over."""
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class RefusedAddress(Base):
    """A mail address that a server refused for good: nothing more is sent there until somebody corrects it."""

    __tablename__ = "refused_address"

    address: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    answer: Mapped[str]


class MailboxMessage(Base):
    """A mail of the demo: kept here instead of being sent."""

    __tablename__ = "mailbox_message"

    id: Mapped[int] = key()
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"), unique=True)
    recipient: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime]
