"""What is to be told and what was told: the administrator's page of outgoing messages, and the demo's mailbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from states.words import N_
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import Dossier, MailboxMessage, Outbox, Person, RefusedAddress, Webhook
from workflow.models.outbox import OUTBOX_STATES

STATE_LABELS: Mapping[str, str] = dict(
    zip(OUTBOX_STATES, (N_("En attente"), N_("Envoyé"), N_("Sans objet"), N_("Échec")), strict=True)
)
COUNTED = 1000
"""Counts end here, so that a page costs the same whatever was ever sent."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message, its recipient, and what became of it."""

    id: int
    kind: str
    state: str
    recipient: str
    address: str
    dossier_id: int | None
    number: str | None
    created_at: datetime
    next_at: datetime
    sent_at: datetime | None
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Kept:
    """One message of the demo's mailbox."""

    id: int
    recipient: str
    subject: str
    body: str
    at: datetime


def outgoing(
    session: Session, actor: Actor, state: str | None = None, before: int | None = None, size: int = 50
) -> list[OutgoingMessage]:
    """The newest messages, of one state if it is named, older than the message `before`. One statement.

    Raises Forbidden for anybody but administrators.
    """
    actor.require(ADMINISTRATOR)
    statement = (
        select(
            Outbox.id,
            Outbox.kind,
            Outbox.state,
            func.coalesce(Person.name, Webhook.label, "").label("recipient"),
            func.coalesce(Person.email, Outbox.address, Webhook.url).label("address"),
            Outbox.dossier_id,
            Dossier.number,
            Outbox.created_at,
            Outbox.next_at,
            Outbox.sent_at,
            Outbox.attempts,
            Outbox.error,
        )
        .outerjoin(Person, Person.id == Outbox.person_id)
        .outerjoin(Webhook, Webhook.id == Outbox.webhook_id)
        .outerjoin(Dossier, Dossier.id == Outbox.dossier_id)
        .order_by(Outbox.id.desc())
        .limit(size)
    )
    if state is not None:
        statement = statement.where(Outbox.state == state)
    if before is not None:
        statement = statement.where(Outbox.id < before)
    return [OutgoingMessage(**row._mapping) for row in session.execute(statement)]


def counts(session: Session, actor: Actor) -> dict[str, int]:
    """How many messages are in each state, up to COUNTED of each. One statement.

    Raises Forbidden for anybody but administrators.
    """
    actor.require(ADMINISTRATOR)
    counted = (
        select(func.count())
        .select_from(select(Outbox.id).where(Outbox.state == state).limit(COUNTED).subquery())
        .scalar_subquery()
        .label(state)
        for state in OUTBOX_STATES
    )
    row: Row[Any] = session.execute(select(*counted)).one()
    return dict(row._mapping)


def refused_addresses(session: Session, actor: Actor) -> Sequence[RefusedAddress]:
    """The addresses to which nothing is sent any more, the latest first.

    Raises Forbidden for anybody but administrators.
    """
    actor.require(ADMINISTRATOR)
    return session.scalars(select(RefusedAddress).order_by(RefusedAddress.at.desc()).limit(COUNTED)).all()


def mailbox(
    session: Session, actor: Actor, before: int | None = None, size: int = 50, recipient: str = ""
) -> Sequence[Kept]:
    """The newest messages of the demo's mailbox, older than the message `before`; those whose recipient holds
    `recipient`. One statement.

    Raises Forbidden for anybody but administrators.
    """
    actor.require(ADMINISTRATOR)
    statement = select(*_KEPT).order_by(MailboxMessage.id.desc()).limit(size)
    if before is not None:
        statement = statement.where(MailboxMessage.id < before)
    if recipient:
        statement = statement.where(MailboxMessage.recipient.icontains(recipient, autoescape=True))
    return [Kept(**row._mapping) for row in session.execute(statement)]


def mailbox_message(session: Session, actor: Actor, message_id: int) -> Kept:
    """One message of the demo's mailbox. Raises NotFound, or Forbidden for anybody but administrators."""
    actor.require(ADMINISTRATOR)
    row = session.execute(select(*_KEPT).where(MailboxMessage.id == message_id)).one_or_none()
    if row is None:
        raise NotFound("message")
    return Kept(**row._mapping)


_KEPT = (
    MailboxMessage.id,
    MailboxMessage.recipient,
    MailboxMessage.subject,
    MailboxMessage.body,
    MailboxMessage.at,
)
