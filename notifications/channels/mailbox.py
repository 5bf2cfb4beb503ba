"""The demo's mailbox: a message is kept in the database, where the administrator's page shows it."""

from datetime import datetime

from sqlalchemy.orm import Session

from notifications.channels.base import Channel, Mail
from workflow.models import MailboxMessage
from workflow.settings import Settings


class MailboxChannel(Channel):
    """Keeps each message in the transaction that marks it as sent: exactly once."""

    def __init__(self, settings: Settings) -> None:
        """Nothing to set."""

    def record(self, session: Session, mail: Mail, now: datetime) -> None:
        """Keep the message."""
        session.add(
            MailboxMessage(
                outbox_id=mail.outbox_id, recipient=mail.address, subject=mail.subject, body=mail.body, at=now
            )
        )
