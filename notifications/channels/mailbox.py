"""The demo's mailbox: a message is kept in the database, where the administrator's page shows it."""

from datetime import datetime

from sqlalchemy.orm import Session

from notifications.channels.base import Channel, Mail
from workflow.models import MailboxMessage
from workflow.settings import Settings


class MailboxChannel(Channel[Mail]):
    """Keeps each message in the transaction that marks it as sent: exactly once."""

    def __init__(self, settings: Settings) -> None:
        """Nothing to set."""

    def record(self, session: Session, message: Mail, now: datetime) -> None:
        """Keep the message."""
        session.add(
            MailboxMessage(
                outbox_id=message.outbox_id,
                recipient=message.address,
                subject=message.subject,
                body=message.body,
                at=now,
            )
        )
