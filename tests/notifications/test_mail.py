"""Mail over a real SMTP server on this machine: headers, text, refusals, encryption, passwords."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from notifications.channels import chosen
from notifications.channels import mail as mail_module
from notifications.channels.base import AddressRefused, Mail, Rejected, Undelivered, Unreachable
from notifications.channels.mail import Server, SmtpChannel, read_url
from notifications.errors import describe
from workflow.settings import Settings

PASSWORD = "le sesame/du:courrier"
MAIL = Mail(
    outbox_id=7,
    identity="0123abcd",
    name="Animatrice Santé",
    address="animatrice@binome.example",
    locale="fr",
    subject="Dossier 2027-0042 : il vient d'arriver, à vérifier",
    body="Bonjour,\n\nUn dossier « d'été » vous attend.\nhttps://binome.example/" + "a" * 200 + "\n.\nFin\n",
    html="<p>Élan</p>",
)


class Server25:
    """What a server hears; `answers` may refuse a command by its name."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, list[str], bytes]] = []
        self.answers: dict[str, str] = {}
        self.sessions: set[int] = set()
        self.tired = False
        """Whether it says goodbye to a connection that already carried a message."""
        self.hangs_up = False
        """Whether it closes the connection in place of the answer to a message."""
        self.stalled: asyncio.Event | None = None
        """What it waits for before it answers a message."""

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.tired and id(session) in self.sessions:
            return "421 enough for one connection"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.sessions.add(id(session))
        if self.stalled:
            await self.stalled.wait()
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.heard.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        if self.hangs_up:
            server.transport.close()
        return "250 OK"

    @property
    def messages(self) -> list[EmailMessage]:
        # With this policy it makes an EmailMessage, which its type does not say.
        return [message_from_bytes(content, policy=default) for *_, content in self.heard]  # type: ignore[misc]


class FreePort(Controller):
    """A server on a port that was free."""

    def __init__(self, handler: Server25, **options: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self) -> None:
        """The first call that tells whether the server is up."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        socket.create_connection(("127.0.0.1", self.port)).close()


@contextmanager
def serving(handler: Server25, **options: Any) -> Iterator[FreePort]:
    controller = FreePort(handler, **options)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop(no_assert=True)


@pytest.fixture
def heard() -> Server25:
    return Server25()


@pytest.fixture
def server(heard: Server25) -> Iterator[FreePort]:
    with serving(heard) as controller:
        yield controller


def channel_to(settings: Settings, url: str) -> SmtpChannel:
    channel = chosen(settings.model_copy(update={"smtp_url": SecretStr(url)}))
    assert isinstance(channel, SmtpChannel), "an SMTP address goes before the demo's mailbox"
    return channel


def hand(channel: SmtpChannel, mail: Mail) -> None:
    channel.send(channel.prepare(mail))


@pytest.fixture
def channel(settings: Settings, server: FreePort) -> Iterator[SmtpChannel]:
    channel = channel_to(settings, f"smtp://127.0.0.1:{server.port}")
    yield channel
    channel.close()


def test_a_mail_arrives_as_it_was_written(channel: SmtpChannel, heard: Server25) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    hand(channel, MAIL)
    (sender, recipients, content), (message,) = heard.heard[0], heard.messages
    assert (sender, recipients) == ("binome@binome.example", ["animatrice@binome.example"])
    assert str(message["From"]) == "Binôme <binome@binome.example>"
    assert str(message["To"]) == "Animatrice Santé <animatrice@binome.example>"
    assert message["Subject"] == MAIL.subject
    assert message["Message-ID"] == "<0123abcd@binome.example>"
    assert before <= message["Date"].datetime <= datetime.now(UTC)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<notifications.binome.example>"
    assert message.get_content_type() == "multipart/alternative"
    text, page = message.iter_parts()
    assert text.get_content_charset() == page.get_content_charset() == "utf-8"
    assert text.get_content().replace("\r\n", "\n") == MAIL.body
    assert (page.get_content_type(), page.get_content().strip()) == ("text/html", MAIL.html)
    assert content.isascii()
    assert max(map(len, content.splitlines())) < 100


def test_a_digest_can_be_stopped(channel: SmtpChannel, heard: Server25) -> None:
    stop = "https://binome.example/desabonnement/1-x"
    hand(channel, replace(MAIL, unsubscribe=stop))
    (message,) = heard.messages
    assert message["List-Unsubscribe"] == f"<{stop}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_connection_serves_a_run(channel: SmtpChannel, heard: Server25) -> None:
    for _ in range(3):
        hand(channel, MAIL)
    assert len(heard.messages) == 3
    assert {message["Message-ID"] for message in heard.messages} == {"<0123abcd@binome.example>"}
    assert len(heard.sessions) == 1


def test_a_connection_that_was_closed_is_opened_again(channel: SmtpChannel, heard: Server25) -> None:
    hand(channel, MAIL)
    assert channel._client is not None
    assert channel._client.sock is not None
    channel._client.sock.close()
    hand(channel, MAIL)
    assert len(heard.messages) == 2


def test_a_server_that_takes_one_message_per_connection_gets_all(channel: SmtpChannel, heard: Server25) -> None:
    heard.tired = True
    for _ in range(3):
        hand(channel, MAIL)
    assert len(heard.messages) == 3


def test_a_connection_lost_in_the_content_is_no_reason_to_send_it_again_at_once(
    channel: SmtpChannel, heard: Server25
) -> None:
    hand(channel, MAIL)
    heard.hangs_up = True
    with pytest.raises(Unreachable, match="closed"):
        hand(channel, MAIL)
    assert len(heard.messages) == 2


@pytest.mark.parametrize(
    ("command", "answer", "kind"),
    [
        ("RCPT", "550 no <animatrice@binome.example> here", AddressRefused),
        ("RCPT", "451 greylisted, come back", Undelivered),
        ("DATA", "554 not wanted", Rejected),
        ("DATA", "452 disk full", Undelivered),
    ],
)
def test_a_refusal_is_for_good_or_for_now(
    channel: SmtpChannel, heard: Server25, command: str, answer: str, kind: type[Undelivered]
) -> None:
    heard.answers[command] = answer
    with pytest.raises(Undelivered) as raised:
        hand(channel, MAIL)
    assert type(raised.value) is kind
    assert str(raised.value) == answer.replace("animatrice@binome.example", "***@***")
    heard.answers.clear()
    hand(channel, MAIL)
    assert len(heard.messages) == 1


def test_a_server_that_is_away_is_out_of_reach(settings: Settings, heard: Server25) -> None:
    with serving(heard) as server:
        port = server.port
    channel = channel_to(settings, f"smtp://someone:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{port}")
    with pytest.raises(Unreachable, match="ConnectionRefusedError"):
        hand(channel, MAIL)
    channel.close()


def test_a_server_that_leaves_in_the_middle_is_out_of_reach(channel: SmtpChannel, heard: Server25) -> None:
    heard.answers["RCPT"] = "421 closing"
    with pytest.raises(Unreachable, match=r"421|closed|disconnect"):
        hand(channel, MAIL)
    heard.answers.clear()
    hand(channel, MAIL)
    assert len(heard.messages) == 1


def test_a_server_that_is_too_slow_is_left(
    channel: SmtpChannel, heard: Server25, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_module, "TIMEOUT", 0.3)
    heard.stalled = asyncio.Event()
    with pytest.raises(Unreachable, match=r"TimeoutError|timed out"):
        hand(channel, MAIL)
    heard.stalled = None
    hand(channel, MAIL)
    assert len(heard.messages) == 1, "what it was too slow for it was not given a second time at once"


@pytest.mark.parametrize("address", ["no address", "a@b\r\nBcc: c@d", ""])
def test_what_cannot_be_a_recipient_is_rejected(channel: SmtpChannel, heard: Server25, address: str) -> None:
    with pytest.raises(Rejected):
        hand(channel, Mail(1, "1", "", address, "fr", "Sujet", "Texte", "<p>Texte</p>"))
    assert heard.heard == []


def test_a_subject_cannot_hold_a_header(channel: SmtpChannel, heard: Server25) -> None:
    with pytest.raises(Rejected, match="ValueError"):
        hand(channel, Mail(1, "1", "", "a@b.example", "fr", "Sujet\nBcc: c@d.example", "Texte", "<p>Texte</p>"))
    assert heard.heard == []


# Passwords and encryption


def check(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    known = isinstance(given, LoginPassword) and (given.login, given.password) == (b"binome", PASSWORD.encode())
    return AuthResult(success=known, handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file, "-out", file.with_suffix(".crt")],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


@pytest.fixture
def tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's context; the client trusts its certificate."""
    real = ssl.create_default_context
    monkeypatch.setattr(mail_module.ssl, "create_default_context", lambda: real(cafile=certificate.with_suffix(".crt")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def url(controller: FreePort, scheme: str, password: str) -> str:
    quoted = password.replace("/", "%2F").replace(":", "%3A").replace(" ", "%20")
    return f"{scheme}://binome:{quoted}@127.0.0.1:{controller.port}"


def test_starttls_is_used_where_it_is_offered(settings: Settings, heard: Server25, tls: ssl.SSLContext) -> None:
    options = {"tls_context": tls, "require_starttls": True, "authenticator": check, "auth_required": True}
    with serving(heard, **options) as controller:
        channel = channel_to(settings, url(controller, "smtp", PASSWORD))
        hand(channel, MAIL)
        assert channel._client is not None
        assert isinstance(channel._client.sock, ssl.SSLSocket)
        channel.close()
    assert len(heard.messages) == 1


def test_smtps_is_encrypted_from_the_start(settings: Settings, heard: Server25, tls: ssl.SSLContext) -> None:
    with serving(heard, ssl_context=tls, authenticator=check, auth_require_tls=False) as controller:
        channel = channel_to(settings, url(controller, "smtps", PASSWORD))
        hand(channel, MAIL)
        channel.close()
    assert len(heard.messages) == 1


def test_a_wrong_password_is_out_of_reach_and_not_repeated(
    settings: Settings, heard: Server25, tls: ssl.SSLContext
) -> None:
    with (
        serving(heard, tls_context=tls, authenticator=check, auth_required=True) as controller,
        pytest.raises(Unreachable, match="535") as raised,
    ):
        hand(channel_to(settings, url(controller, "smtp", "guessed wrong")), MAIL)
    assert "guessed" not in str(raised.value)
    assert heard.heard == []


def test_an_unknown_certificate_is_refused(settings: Settings, heard: Server25, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with (
        serving(heard, tls_context=context) as controller,
        pytest.raises(Unreachable, match="certificate verify failed"),
    ):
        hand(channel_to(settings, url(controller, "smtp", PASSWORD)), MAIL)
    assert heard.heard == []


def test_a_password_never_goes_over_an_open_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Open(mail_module._Line):
        def __init__(self, *_given: object, **_options: object) -> None:
            self.esmtp_features = {"auth": "PLAIN"}
            self.closed = False

        def ehlo_or_helo_if_needed(self) -> None:
            """A server without STARTTLS."""

        def has_extn(self, opt: str) -> bool:
            return opt in self.esmtp_features

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr(mail_module, "_Line", Open)
    with pytest.raises(Unreachable, match="no encryption"):
        mail_module._open_plain(Server("smtp", "mail.binome.example", 25, "binome", PASSWORD))
    assert mail_module._open_plain(Server("smtp", "mail.binome.example", 25, "", ""))
    assert mail_module._open_plain(Server("smtp", "127.0.0.1", 25, "binome", PASSWORD))


# Addresses of servers, and errors


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("smtp", "mail.example", 25, "", "")),
        ("smtps://mail.example", Server("smtps", "mail.example", 465, "", "")),
        ("smtp://a%40b:p%2Fq%3A@mail.example:587/", Server("smtp", "mail.example", 587, "a@b", "p/q:")),
        ("smtp://[::1]:2525", Server("smtp", "::1", 2525, "", "")),
    ],
)
def test_the_address_of_a_server(url: str, server: Server) -> None:
    assert read_url(url) == server


@pytest.mark.parametrize(
    "url", ["mail.example", "http://user:sesame@mail.example", "smtp://u:sesame@h:port", "smtp://", "smtp://u:sésame@h"]
)
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="BINOME_SMTP_URL") as raised:
        read_url(url)
    assert "sesame" not in str(raised.value)


def test_an_error_is_kept_without_secrets() -> None:
    token = "12-" + "a1" * 20
    told = describe(f"said {PASSWORD} of <someone@binome.example> at /expert/{token}\nsecond line", (PASSWORD, ""))
    assert told == "said *** of <***@***> at /expert/***"
    assert len(describe("x" * 1000)) == 300
