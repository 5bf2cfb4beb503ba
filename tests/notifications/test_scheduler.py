"""The scheduler: one turn does everything once; the process leads, works and leaves cleanly; a second one stands by."""

import os
import queue
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from threading import Event, Thread
from time import monotonic
from typing import IO

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text

from notifications import scheduler
from notifications.leader import AdvisoryLeader, FileLeader, leader_of
from notifications.scheduler import JOBS, Turns, tick
from tests.factories import DATES, NOW, Walk
from tests.notifications.lives import consult
from workflow.clock import PARIS
from workflow.db import Database
from workflow.models import MailboxMessage, Outbox
from workflow.settings import Settings

DEADLINE = 30.0
"""Seconds that a process may take under the heaviest load."""


def test_one_turn_does_everything_once(walk: Walk, settings: Settings) -> None:
    walk.assigned()
    other = Walk(walk.database, walk.world).assigned()
    consult(other)
    written = 11
    assert tick(walk.database, settings, NOW) == {"sent": written}
    assert not tick(walk.database, settings, NOW)
    morning = datetime.combine(DATES["opinion_deadline"] - timedelta(days=7), time(9), PARIS).astimezone(UTC)
    # Two dossiers recalled to two people each, once the expert who never answered let go of the second; who learns
    # only today that it is their turn is not reminded of it as well.
    assert tick(walk.database, settings, morning) == {"reminded": 2, "expired": 1, "sent": 4}
    assert not tick(walk.database, settings, morning)
    assert tick(walk.database, settings, morning + timedelta(days=6)) == {"reminded": 4, "sent": 4}


def test_no_way_out_is_no_failure(walk: Walk, settings: Settings) -> None:
    walk.submitted()
    assert not tick(walk.database, settings.model_copy(update={"demo": False}), NOW)
    with walk.database.read() as session:
        assert set(session.scalars(select(Outbox.state))) == {"pending"}


def test_an_address_that_cannot_be_read_is_said_at_the_start(database: Database, settings: Settings) -> None:
    wrong = settings.model_copy(update={"smtp_url": SecretStr("http://mail.example")})
    with pytest.raises(ValueError, match="BINOME_SMTP_URL"):
        scheduler.run(database, wrong)


def test_no_turn_is_bound_to_an_hour() -> None:
    assert all(timedelta() < every <= timedelta(minutes=15) for every in JOBS.values())


# Turns


class Seat:
    """A lead that a test gives and takes."""

    def __init__(self, *, taken: bool = False) -> None:
        self.taken = taken

    def held(self) -> bool:
        return not self.taken

    def release(self) -> None:
        """Nothing."""


def test_only_who_leads_works_and_a_failure_ends_no_later_turn(database: Database, settings: Settings) -> None:
    calls: list[str] = []

    def job(*_given: object) -> object:
        calls.append("called")
        raise RuntimeError("somebody@binome.example")

    seat, stop = Seat(taken=True), Event()
    turns = Turns(database, settings, seat, stop)
    turns.take(job)  # type: ignore[arg-type]
    assert calls == []
    seat.taken = False
    turns.take(job)  # type: ignore[arg-type]
    turns.take(job)  # type: ignore[arg-type]
    assert calls == ["called", "called"]
    stop.set()
    turns.take(job)  # type: ignore[arg-type]
    assert len(calls) == 2


# The lead


def test_one_leads_and_the_other_follows_when_it_leaves(database: Database) -> None:
    second_database = Database(database.url)
    first, second = leader_of(database), leader_of(second_database)
    assert [first.held(), second.held(), first.held(), second.held()] == [True, False, True, False]
    first.release()
    assert [second.held(), first.held()] == [True, False]
    second.release()
    second_database.dispose()


def test_the_kind_of_lead_fits_the_database(database: Database) -> None:
    expected = {"sqlite": FileLeader, "postgresql": AdvisoryLeader}[database.writer.dialect.name]
    assert isinstance(leader_of(database), expected)


def test_a_lead_ends_with_its_connection(postgresql_url: str) -> None:
    database, others = Database(postgresql_url), Database(postgresql_url)
    first, second = leader_of(database), leader_of(others)
    assert first.held()
    with others.writer.connect() as connection:
        ended = connection.scalar(
            text("SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        )
    assert ended == 1
    until = monotonic() + DEADLINE
    while not second.held():
        assert monotonic() < until
    assert not first.held(), "the broken connection is noticed, and the lead is gone"
    second.release()
    assert first.held()
    first.release()
    database.dispose()
    others.dispose()


# The process

RUN = """
import sys
from notifications.scheduler import run
from workflow.db import Database
from workflow.settings import settings
database = Database(sys.argv[1])
run(database, settings())
database.dispose()
"""


class Log:
    """The lines that a process writes, as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []
        Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.put(re.sub(r"\x1b\[[0-9;]*m", "", line))

    def wait_for(self, wanted: Callable[[str], bool]) -> str:
        """The next line that is wanted. Fails after the deadline."""
        until = monotonic() + DEADLINE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - monotonic()))
            except queue.Empty:
                pytest.fail(f"the process said only: {self.seen}")
            self.seen.append(line)
            if wanted(line):
                return line


@contextmanager
def process(url: str) -> Iterator[tuple[subprocess.Popen[str], Log]]:
    """A scheduler process on a database; ended at the end."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "BINOME_DATABASE_URL": url}
    command = [sys.executable, "-c", RUN, url]
    running = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    assert running.stdout is not None
    try:
        yield running, Log(running.stdout)
    finally:
        running.kill()
        running.wait()


def test_of_two_processes_one_works_and_both_leave_cleanly(walk: Walk) -> None:
    walk.submitted()
    with process(walk.database.url) as (first, first_log), process(walk.database.url) as (second, second_log):
        pairs = [(first, first_log), (second, second_log)]
        said = [log.wait_for(lambda line: "leading" in line or "standing by" in line) for _, log in pairs]
        assert sorted("leading" in line for line in said) == [False, True]
        (leader, leader_log), (other, other_log) = sorted(pairs, key=lambda pair: "leading" not in pair[1].seen[-1])
        leader_log.wait_for(lambda line: "job=send" in line and "sent=2" in line)
        with walk.database.read() as session:
            assert session.scalar(select(func.count()).select_from(MailboxMessage)) == 2
        other.send_signal(signal.SIGINT)
        other_log.wait_for(lambda line: "stopped" in line)
        assert other.wait(DEADLINE) == 0
        leader.send_signal(signal.SIGTERM)
        leader_log.wait_for(lambda line: "stopped" in line)
        assert leader.wait(DEADLINE) == 0
    said = "".join(leader_log.seen + other_log.seen)
    assert "@" not in said.replace(walk.database.url, ""), "no address in the log"
    assert "Traceback" not in said


def test_a_killed_leader_leaves_the_lead(sqlite_url: str, settings: Settings) -> None:
    database = Database(sqlite_url)
    mine = leader_of(database)
    with process(sqlite_url) as (running, log):
        log.wait_for(lambda line: "leading" in line)
        assert not mine.held()
        running.kill()
        running.wait()
        assert mine.held()
    mine.release()
    database.dispose()
