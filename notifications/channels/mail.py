"""Mail over SMTP. One connection serves a run of deliveries and is opened again when the server closed it."""

import smtplib
import ssl
from binascii import b2a_qp
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr
from functools import partial
from typing import Any
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


class _Line(smtplib.SMTP):
    """A connection that knows whether the content of a message was begun: before, nothing can have gone."""

    begun = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the content, as smtplib does."""
        self.begun = True
        return super().data(msg)


class _TlsLine(_Line, smtplib.SMTP_SSL):
    """The same, encrypted from the start."""


def _open_plain(server: Server) -> _Line:
    """STARTTLS is used where it is offered. A password never goes over an open line to another machine."""
    client = _Line(server.host, server.port, timeout=TIMEOUT)
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


def _open_tls(server: Server) -> _Line:
    return _TlsLine(server.host, server.port, timeout=TIMEOUT, context=ssl.create_default_context())


OPEN: Mapping[str, Callable[[Server], _Line]] = {"smtp": _open_plain, "smtps": _open_tls}


class _Policy(EmailPolicy):
    """Headers are parsed where people's words are in them. The others are plain, short, and set once: parsing and
    folding them all the same takes the library longer than all else here."""

    def header_max_count(self, name: str) -> None:
        """No header is set twice."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """A header as it is kept in a message."""
        return super().header_store_parse(name, value) if name in ("To", "Subject") else (name, value)

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        """A header as a message gives it."""
        return value


_POLICY = _Policy(linesep="\r\n", refold_source="none")
_BOUNDARY = "=_binome"
"""No quoted-printable text holds « =_ » (RFC 2045, 6.7)."""


def write(mail: Mail, sender: str, at: datetime) -> EmailMessage:
    """The message as it goes over the line: text and page, marked as sent by a machine, always under one name."""
    domain = sender.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=_POLICY)
    message["From"] = formataddr((SENDER, sender))
    message["To"] = Address(mail.name, addr_spec=mail.address)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail.identity}@{domain}>"
    message["List-Id"] = f"<notifications.{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["Content-Language"] = mail.locale
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = f'multipart/alternative; boundary="{_BOUNDARY}"'
    for subtype, text in (("plain", mail.body), ("html", mail.html)):
        part = EmailMessage(policy=_POLICY)
        part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(b2a_qp(text.encode()).decode())
        message.attach(part)
    return message


@dataclass(frozen=True, slots=True)
class Written:
    """A message ready for the line: its lines, but where the address is not ASCII (RFC 6531 decides how it is written)
    the message itself."""

    address: str
    content: bytes | EmailMessage


class SmtpChannel(Channel[Mail]):
    """Hands messages to the SMTP server of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._server = read_url(settings.smtp_url.get_secret_value())
        self._sender = settings.mail_from
        self._client: _Line | None = None
        self._describe = partial(describe, secrets=(self._server.password, self._server.user))

    def prepare(self, message: Mail) -> Written:
        """The message as it goes over the line. Raises Rejected."""
        try:
            written = write(message, self._sender, datetime.now(UTC))
            return Written(message.address, written.as_bytes() if message.address.isascii() else written)
        except Exception as error:
            # The library's parser of addresses fails in many ways; what is no message now never will be.
            raise Rejected(self._describe(error)) from None

    def send(self, prepared: Written) -> None:
        """Hand the message in. Raises Undelivered, after which the next message gets a new connection."""
        reused = self._client is not None
        try:
            self._hand_in(prepared)
        except (smtplib.SMTPException, OSError) as error:
            if not (reused and self._client and not self._client.begun and _answer(error) is None):
                raise self._undelivered(error, prepared.address) from None
            # The server closed the connection since the last message; this one gets a new connection.
            self._drop()
            self.send(prepared)

    def close(self) -> None:
        """Say goodbye to the server."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.quit()
            except (smtplib.SMTPException, OSError):
                client.close()

    def _hand_in(self, written: Written) -> None:
        """Hand a message in, over the connection that is open or a new one."""
        client = self._client or self._open()
        client.begun = False
        if isinstance(written.content, bytes):
            client.sendmail(self._sender, [written.address], written.content)
        else:
            client.send_message(written.content, self._sender, [written.address])

    def _open(self) -> _Line:
        self._client = client = OPEN[self._server.scheme](self._server)
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
