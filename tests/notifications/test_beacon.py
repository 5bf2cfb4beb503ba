"""A public round is fetched once it is there: what is wrong, slow or too long is no answer, and nothing else stops."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from notifications import beacon as reading
from notifications.scheduler import tick
from tests.factories import Walk
from tests.workflow.test_beacon import signed
from tests.workflow.test_sampling_plans import READ_AT, Stage
from workflow.db import Database
from workflow.models import BeaconAnswer, SamplePlan
from workflow.sampling import beacon
from workflow.settings import Settings

CHAIN = "quicknet"


class Server(ThreadingHTTPServer):
    """Answers what a test tells it to; `asked` are the addresses it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.answer: Callable[[Handler, int], None] = right
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One question."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.answer(self, int(self.path.rsplit("/", 1)[1]))

    def log_message(self, *_given: object) -> None:
        """Say nothing."""

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def right(handler: Handler, number: int) -> None:
    handler.send(json.dumps(signed(CHAIN, number)).encode())


def another_round(handler: Handler, number: int) -> None:
    right(handler, number + 1)


def tampered(handler: Handler, number: int) -> None:
    handler.send(json.dumps({**signed(CHAIN, number), "randomness": "0" * 64}).encode())


def oversized(handler: Handler, number: int) -> None:
    handler.send(json.dumps({**signed(CHAIN, number), "padding": "x" * beacon.LARGEST_ANSWER}).encode())


def missing(handler: Handler, _number: int) -> None:
    handler.send(b"{}", 404)


def elsewhere(handler: Handler, number: int) -> None:
    if handler.path.startswith("/there"):
        right(handler, number)
    else:
        handler.send(b"", 302, Location=f"/there{handler.path}")


def dripping(handler: Handler, number: int) -> None:
    handler.send(b"")
    try:
        for letter in json.dumps(signed(CHAIN, number)).encode():
            handler.wfile.write(bytes([letter]))
            handler.wfile.flush()
            time.sleep(0.01)
    except OSError:
        pass


def dripping_headers(handler: Handler, _number: int) -> None:
    try:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.01)
    except OSError:
        pass


def silent(handler: Handler, _number: int) -> None:
    time.sleep(1)
    handler.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """No round was asked for before, and nobody is waited for long."""
    monkeypatch.setattr(reading, "_tried", {})
    monkeypatch.setattr(reading, "TIMEOUT", 0.3)


@pytest.fixture
def waiting(walk: Walk) -> Database:
    """A draw whose phrases are all in, and whose round has come."""
    walk.funded()
    Walk(walk.database, walk.world).funded()
    Stage(walk.database, walk.world, []).planned(beacon=CHAIN, public_source=None).committed().revealed()
    return walk.database


def answers(database: Database) -> list[BeaconAnswer]:
    with database.read() as session:
        return list(session.scalars(select(BeaconAnswer)))


def test_the_round_is_fetched_once_and_only_proposed(waiting: Database, server: Server) -> None:
    for _ in range(2):
        reading.read(waiting, server.url, READ_AT, Event())
    (found,) = answers(waiting)
    assert len(server.asked) == 1
    told = signed(CHAIN, found.round)
    assert (found.randomness, found.signature) == (told["randomness"], told["signature"])
    assert found.source == server.url + server.asked[0]
    with waiting.read() as session:
        plan = session.scalars(select(SamplePlan)).one()
        assert (plan.state, plan.beacon_round, plan.readings) == ("revealed", found.round, [])


def test_a_sound_answer_is_taken(server: Server) -> None:
    assert reading.fetch(server.url, CHAIN, 7).signature == signed(CHAIN, 7)["signature"]


@pytest.mark.parametrize(
    "answer",
    [another_round, tampered, oversized, missing, elsewhere, dripping, dripping_headers, silent],
    ids=lambda one: one.__name__,
)
def test_what_is_no_sound_answer_is_none(server: Server, answer: Callable[[Handler, int], None]) -> None:
    server.answer = answer
    with pytest.raises((OSError, HTTPException, beacon.BadAnswer)):
        reading.fetch(server.url, CHAIN, 7)
    assert len(server.asked) == 1


def test_a_round_that_nobody_answers_is_asked_for_again_but_not_at_once(waiting: Database, server: Server) -> None:
    server.answer = tampered
    assert reading.read(waiting, server.url, READ_AT, Event())["unanswered"] == 1
    assert not answers(waiting)
    server.answer = right
    reading.read(waiting, server.url, READ_AT + timedelta(seconds=5), Event())
    assert not answers(waiting)
    reading.read(waiting, server.url, READ_AT + timedelta(minutes=1), Event())
    assert len(answers(waiting)) == 1


def test_the_next_server_is_asked_where_the_first_does_not_answer(waiting: Database, server: Server) -> None:
    reading.read(waiting, f"http://127.0.0.1:9, {server.url}", READ_AT, Event())
    assert len(answers(waiting)) == 1


def test_nothing_is_asked_before_the_round_or_where_nobody_wants_it(
    waiting: Database, server: Server, settings: Settings
) -> None:
    with waiting.read() as session:
        plan = session.scalars(select(SamplePlan)).one()
    reading.read(waiting, server.url, plan.public_at - timedelta(seconds=1), Event())
    reading.read(waiting, "", READ_AT, Event())
    assert settings.beacon == ""
    tick(waiting, settings, READ_AT)
    assert (server.asked, answers(waiting)) == ([], [])


def test_a_tick_fetches(waiting: Database, server: Server, settings: Settings) -> None:
    assert tick(waiting, settings.model_copy(update={"beacon": server.url}), READ_AT)["rounds"] == 1


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("", True),
        ("https://api.drand.sh", True),
        ("https://api.drand.sh, https://drand.cloudflare.com", True),
        ("http://127.0.0.1:8080", True),
        ("http://api.drand.sh", False),
        ("file:///etc/passwd", False),
        ("api.drand.sh", False),
        ("http://127.0.0.1.example.org", False),
    ],
)
def test_only_https_is_taken_from_afar(text: str, sound: bool) -> None:
    if sound:
        assert Settings(beacon=text).beacon == text
    else:
        with pytest.raises(ValidationError):
            Settings(beacon=text)
