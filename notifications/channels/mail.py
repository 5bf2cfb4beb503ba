"""Mail over SMTP. One connection serves a run of deliveries and is opened again when the server closed it."""

import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from functools import partial
from urllib.parse import unquote, urlsplit

from notifications.channels.base import AddressRefused, Channel, Mail, Rejected, Undelivered, Unreachable
from notifications.errors import describe
from workflow.settings import Settings

TIMEOUT = 20.0
"""Seconds that a server may take for one answer."""
GOODBYE = 421
"""The answer of a server that closes the connection."""
SENDER = "Binôme"


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in."""

    scheme: str
    host: str
    port: int
    user: str
    password: str


def read_url(url: str) -> Server:
    """The server behind an smtp:// or smtps:// address. Raises ValueError, which does not repeat the address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("BINOME_SMTP_URL cannot be read") from None
    if parts.scheme not in PORTS or not host:
        raise ValueError("BINOME_SMTP_URL must be smtp://[user:password@]host[:port] or smtps://…")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise ValueError("BINOME_SMTP_URL: user and password must be plain ASCII")  # smtplib sends nothing else
    return Server(parts.scheme, host, port or PORTS[parts.scheme], user, password)


PORTS: Mapping[str, int] = {"smtp": 25, "smtps": 465}


def _open_plain(server: Server) -> smtplib.SMTP:
    """STARTTLS is used where it is offered. A password never goes over an open line to another machine."""
    client = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
    try:
        client.ehlo_or_helo_if_needed()
        if client.has_extn("starttls"):
            client.starttls(context=ssl.create_default_context())
        elif server.user and server.host not in ("localhost", "127.0.0.1", "::1"):
            raise Unreachable("the server offers no encryption: the password was not sent")
    except BaseException:
        client.close()
        raise
    return client


def _open_tls(server: Server) -> smtplib.SMTP:
    return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT, context=ssl.create_default_context())


OPEN: Mapping[str, Callable[[Server], smtplib.SMTP]] = {"smtp": _open_plain, "smtps": _open_tls}


def write(mail: Mail, sender: str, at: datetime) -> EmailMessage:
    """The message as it goes over the line: text and page, marked as sent by a machine, always under one name."""
    domain = sender.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = Address(SENDER, addr_spec=sender)
    message["To"] = Address(mail.name, addr_spec=mail.address)
    message["Subject"] = mail.subject
    message["Date"] = at
    message["Message-ID"] = f"<{mail.identity}@{domain}>"
    message["List-Id"] = f"<notifications.{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["Content-Language"] = mail.locale
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(mail.body, charset="utf-8", cte="quoted-printable")
    if mail.html:
        message.add_alternative(mail.html, subtype="html", charset="utf-8", cte="quoted-printable")
    return message


class SmtpChannel(Channel[Mail]):
    """Hands messages to the SMTP server of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._server = read_url(settings.smtp_url.get_secret_value())
        self._sender = settings.mail_from
        self._client: smtplib.SMTP | None = None
        self._describe = partial(describe, secrets=(self._server.password, self._server.user))

    def send(self, message: Mail) -> None:
        """Hand the message in. Raises Undelivered, after which the next message gets a new connection."""
        try:
            written = write(message, self._sender, datetime.now(UTC))
        except Exception as error:
            # The library's parser of addresses fails in many ways; what is no message now never will be.
            raise Rejected(self._describe(error)) from None
        try:
            self._live().send_message(written, self._sender, [message.address])
        except (smtplib.SMTPException, OSError) as error:
            raise self._undelivered(error, message.address) from None

    def close(self) -> None:
        """Say goodbye to the server."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.quit()
            except (smtplib.SMTPException, OSError):
                client.close()

    def _live(self) -> smtplib.SMTP:
        """A connection on which the server still answers."""
        try:
            if self._client is not None and self._client.noop()[0] == 250:
                return self._client
        except (smtplib.SMTPException, OSError):
            pass
        self._drop()
        client = OPEN[self._server.scheme](self._server)
        self._client = client
        if self._server.user:
            client.login(self._server.user, self._server.password)
        return client

    def _drop(self) -> None:
        """Leave a server that may not answer any more."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _undelivered(self, error: Exception, address: str) -> Undelivered:
        """What a failure means: a 5xx about recipient or content is for good; what is not about this message alone
        ends the connection."""
        answer = _answer(error)
        if answer is None:
            self._drop()
            # An address with accents, on a server that takes none.
            kind = Rejected if isinstance(error, smtplib.SMTPNotSupportedError) else Unreachable
            return kind(self._describe(error))
        code, words = answer
        why = self._describe(f"{code} {words.decode('utf-8', 'replace')}")
        if not 500 <= code < 600:
            return Undelivered(why)
        return AddressRefused(why, address) if isinstance(error, smtplib.SMTPRecipientsRefused) else Rejected(why)


def _answer(error: Exception) -> tuple[int, bytes] | None:
    """What the server said about this one message; None where it said nothing, or goodbye."""
    answer: tuple[int, bytes] | None = None
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answer = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPDataError):
        answer = (error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b"")
    return None if answer and answer[0] == GOODBYE else answer
