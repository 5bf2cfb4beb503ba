"""What a channel is: it takes one message out of the process, or says why it could not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Mail:
    """One message, ready to go. `identity` is the same each time that the same outbox row is composed."""

    outbox_id: int
    identity: str
    name: str
    address: str
    locale: str
    subject: str
    body: str
    html: str
    """The same text as a page."""
    unsubscribe: str = ""
    """The address that stops messages of this kind, where they can be stopped."""


class Undelivered(Exception):
    """The message did not go. The text holds no secret and no address."""

    permanent = False
    """Whether another attempt would end the same."""
    everywhere = False
    """Whether no other message would go either."""


class Rejected(Undelivered):
    """This message will never be taken."""

    permanent = True


class AddressRefused(Rejected):
    """The recipient's server takes nothing for `address`."""

    def __init__(self, why: str, address: str) -> None:
        super().__init__(why)
        self.address = address


class Unreachable(Undelivered):
    """Nothing can be delivered for now."""

    everywhere = True


Message = TypeVar("Message")


class Channel(Generic[Message]):
    """A way out. One is made for each run of deliveries, and closed after it."""

    def prepare(self, message: Message) -> Any:
        """What `send` is given of a message; made before the first of a handful goes. Raises Undelivered."""
        return message

    def send(self, prepared: Any) -> None:
        """Take a message out of the process; outside of any transaction. Raises Undelivered."""

    def record(self, session: Session, message: Message, now: datetime) -> None:
        """Write what the channel keeps of it, in the transaction that marks the message as sent."""

    def close(self) -> None:
        """Let go of what is open."""
