"""The append-only, hash-chained record of everything that happened. The database refuses changes to it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workflow.models.base import Base


class JournalEntry(Base):
    """One act: who, in which role, what, on what, from, to, reason, when; and the chain."""

    __tablename__ = "journal"
    __table_args__ = (
        UniqueConstraint("previous_hash"),
        Index("ix_journal_dossier", "dossier_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    actor_name: Mapped[str]
    role: Mapped[str]
    act: Mapped[str]
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossier.id"))
    dossier_version: Mapped[int | None]
    subject: Mapped[str]
    """What it was done on, as « table:id »."""
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    reason: Mapped[str]
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
