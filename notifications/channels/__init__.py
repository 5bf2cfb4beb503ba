"""The ways out, and which one an installation uses."""

from collections.abc import Callable

from notifications.channels.base import Channel, Mail
from notifications.channels.mail import SmtpChannel
from notifications.channels.mailbox import MailboxChannel
from workflow.settings import Settings

CHANNELS: tuple[tuple[Callable[[Settings], bool], Callable[[Settings], Channel[Mail]]], ...] = (
    (lambda settings: bool(settings.smtp_url.get_secret_value()), SmtpChannel),
    (lambda settings: settings.demo, MailboxChannel),
)
"""When each channel is used, and how it is made; the first that fits is taken."""


def chosen(settings: Settings) -> Channel[Mail] | None:
    """The channel of this installation; None where no way out is set: messages then wait in the outbox.

    Raises ValueError for an SMTP address that cannot be read.
    """
    return next((make(settings) for fits, make in CHANNELS if fits(settings)), None)
