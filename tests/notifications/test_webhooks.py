"""Webhooks: what they are told, how it is signed, where it never goes, and that it goes once or is tried again."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from notifications import webhooks
from notifications.channels.base import Rejected, Undelivered
from notifications.outbox import CALLS, deliver
from notifications.webhooks import Call, WebhookChannel, is_public, signature
from tests.factories import NOW, Walk
from workflow.errors import Forbidden, Invalid, NotFound
from workflow.models import Outbox, Webhook
from workflow.settings import Settings
from workflow.use_cases.webhooks import create_webhook, renew_secret, secret, stop_webhook


class Program(HTTPServer):
    """Another program: keeps what it hears, and answers `status`."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?a=1"


class _Handler(BaseHTTPRequestHandler):
    server: Program

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def program() -> Iterator[Program]:
    program = Program()
    thread = threading.Thread(target=program.serve_forever, args=(0.01,))
    thread.start()
    yield program
    program.shutdown()
    thread.join()
    program.server_close()


def hook(walk: Walk, url: str, *acts: str) -> Webhook:
    """A webhook told of `acts`, or of everything."""
    with walk.database.write() as session:
        administrator = walk.world.actor(session, "administrator")
        return create_webhook(session, administrator, {"label": "Tableau", "url": url, "acts": list(acts)}, NOW)


def tell(walk: Walk, settings: Settings, after: timedelta = timedelta()) -> Any:
    now = walk.now + after
    while True:
        with walk.database.write() as session:
            if not webhooks.queue(session, now):
                break
    channel = WebhookChannel(allow=lambda _address: True)
    return deliver(walk.database, channel, settings, lambda: now, None, webhooks.compose, CALLS)


def test_acts_are_told_once_signed_and_without_names(walk: Walk, settings: Settings, program: Program) -> None:
    row = hook(walk, program.url)
    walk.assigned()
    assert tell(walk, settings) == {"sent": 2}
    assert not tell(walk, settings)
    told = [json.loads(body) for _path, _headers, body in program.heard]
    assert [call["act"] for call in told] == ["submit", "assign"]
    assert told[1]["to"] == "assigned"
    assert told[1]["dossier"]["id"] == walk.dossier_id
    path, headers, body = program.heard[0]
    assert path == "/hook?a=1"
    assert b"Association" not in body
    assert b"R\xc3\xb4le" not in body
    signed = f"sha256={signature(secret(row), headers['X-Binome-Timestamp'], body)}"
    assert headers["X-Binome-Signature"] == signed
    assert headers["X-Binome-Timestamp"] == str(int(walk.now.timestamp()))
    assert len({headers["X-Binome-Delivery"] for _path, headers, _body in program.heard}) == 2


def test_only_what_was_asked_for_and_from_then_on(walk: Walk, settings: Settings, program: Program) -> None:
    walk.submitted()
    hook(walk, program.url, "assign")
    walk.assigned()
    assert tell(walk, settings) == {"sent": 1}
    assert json.loads(program.heard[0][2])["act"] == "assign"


def test_what_fails_is_tried_again_under_the_same_name(walk: Walk, settings: Settings, program: Program) -> None:
    hook(walk, program.url, "submit")
    walk.submitted()
    program.status = 500
    assert tell(walk, settings) == {"retried": 1}
    program.status = 302
    assert tell(walk, settings, timedelta(minutes=2)) == {"retried": 1}
    program.status = 200
    assert tell(walk, settings, timedelta(hours=1)) == {"sent": 1}
    assert len({headers["X-Binome-Delivery"] for _path, headers, _body in program.heard}) == 1
    assert len({headers["X-Binome-Timestamp"] for _path, headers, _body in program.heard}) == 3


def test_who_wants_no_more_is_left_alone(walk: Walk, settings: Settings, program: Program) -> None:
    hook(walk, program.url, "submit")
    walk.submitted()
    program.status = 410
    assert tell(walk, settings) == {"failed": 1}
    with walk.database.read() as session:
        assert session.scalars(select(Outbox.error).where(Outbox.webhook_id.is_not(None))).one() == "HTTP 410"


def test_a_webhook_that_was_stopped_hears_nothing(walk: Walk, settings: Settings, program: Program) -> None:
    row = hook(walk, program.url)
    walk.submitted()
    with walk.database.write() as session:
        webhooks.queue(session, walk.now)
    with walk.database.write() as session:
        administrator = walk.world.actor(session, "administrator")
        old = secret(row)
        assert secret(renew_secret(session, administrator, row.id, NOW)) != old
        stop_webhook(session, administrator, row.id, NOW)
        with pytest.raises(NotFound):
            stop_webhook(session, administrator, row.id, NOW)
        with pytest.raises(Forbidden):
            renew_secret(session, walk.world.actor(session, "animator"), row.id, NOW)
    assert tell(walk, settings) == {"dropped": 1}
    assert program.heard == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.1",
        "224.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "fe80::1%eth0",
        "fd00::1",
        "2002:0a00:0001::",
    ],
)
def test_no_private_address_is_called(program: Program, address: str) -> None:
    assert not is_public(address)
    channel = WebhookChannel(look_up=lambda _host, _port: ["93.184.216.34", address])
    with pytest.raises(Rejected, match="public"):
        channel.send(Call(1, "x", program.url, b"{}"))
    assert program.heard == []


def test_a_public_address_is_one() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_a_program_that_is_away_is_tried_again(program: Program) -> None:
    channel = WebhookChannel(look_up=lambda _host, _port: ["127.0.0.1"], allow=lambda _address: True)
    with pytest.raises(Undelivered) as raised:
        channel.send(Call(1, "x", "https://other.example:1/", b"{}"))
    assert not raised.value.permanent
    with pytest.raises(Undelivered):  # speaks no TLS
        channel.send(Call(1, "x", program.url.replace("http:", "https:"), b"{}"))


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example", "https://", "https://user:word@a.example", "notes", "https://a.example:port", "https://["],
)
def test_an_address_that_is_none_is_told_beside_its_field(walk: Walk, url: str) -> None:
    with pytest.raises(Invalid) as refused:
        hook(walk, url)
    assert list(refused.value.fields) == ["url"]
