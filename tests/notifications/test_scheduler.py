"""The scheduler: one tick does everything once; a process works and leaves cleanly, beside another one or alone."""

import os
import queue
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from threading import Event, Thread
from time import monotonic
from typing import IO, Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event, func, select

from notifications import scheduler
from notifications.scheduler import STEPS, take, tick
from tests.factories import DATES, NOW, Walk
from tests.notifications.lives import consult
from workflow.calendars.working_days import add_working_days
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
    assert tick(walk.database, settings, NOW) == {"planned": 2, "sent": written}
    assert not tick(walk.database, settings, NOW)
    morning = datetime.combine(add_working_days(DATES["opinion_deadline"], -7), time(9), PARIS).astimezone(UTC)
    # The expert who never answered let go of the second dossier: who learns only today that it is their turn is not
    # reminded of it as well. Of the first one's two rungs since, each of the two people gets the last.
    assert tick(walk.database, settings, morning) == {
        "expired": 1,
        "planned": 1,
        "rungs": 2,
        "reminded": 4,
        "reached": 2,
        "sent": 4,
    }
    assert not tick(walk.database, settings, morning)
    later = datetime.combine(add_working_days(DATES["opinion_deadline"], -1), time(9), PARIS).astimezone(UTC)
    assert tick(walk.database, settings, later) == {"rungs": 2, "reminded": 4, "reached": 2, "sent": 2}


def test_no_way_out_is_no_failure(walk: Walk, settings: Settings) -> None:
    walk.submitted()
    assert tick(walk.database, settings.model_copy(update={"demo": False}), NOW) == {"planned": 1}
    with walk.database.read() as session:
        assert set(session.scalars(select(Outbox.state))) == {"pending"}


def test_an_address_that_cannot_be_read_is_said_at_the_start(database: Database, settings: Settings) -> None:
    wrong = settings.model_copy(update={"smtp_url": SecretStr("http://mail.example")})
    with pytest.raises(ValueError, match="BINOME_SMTP_URL"):
        scheduler.run(database, wrong)


# Steps


def test_a_step_that_fails_keeps_no_later_one_from_its_turn(database: Database, settings: Settings) -> None:
    done: list[str] = []

    def fails(*_given: object) -> Counter[str]:
        done.append("fails")
        raise RuntimeError("somebody@binome.example")

    def works(*_given: object) -> Counter[str]:
        done.append("works")
        return Counter(worked=1, idle=0)

    counted, failure = take((fails, works), database, settings, lambda: NOW, Event())
    assert done == ["fails", "works"]
    assert counted == {"worked": 1}
    assert isinstance(failure, RuntimeError)
    stop = Event()
    stop.set()
    assert take((works,), database, settings, lambda: NOW, stop) == (Counter(), None)


def test_one_look_for_each_step_where_nothing_is_due(walk: Walk, settings: Settings) -> None:
    walk.assigned()
    tick(walk.database, settings, NOW)
    seen: list[tuple[str, Any]] = []
    event.listen(
        walk.database.reader, "before_cursor_execute", lambda _c, _cur, words, given, *_: seen.append((words, given))
    )
    assert not tick(walk.database, settings, NOW)
    asked = [(words, given) for words, given in seen if not words.startswith("BEGIN DEFERRED")]
    assert len(asked) == len(STEPS)
    assert all(words.startswith("SELECT") for words, _ in asked)
    if walk.database.reader.dialect.name == "sqlite":
        with walk.database.reader.connect() as connection:
            for words, given in asked:
                for *_, how in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", given).all():
                    assert "SCAN" not in how or "INDEX" in how or how == "SCAN webhook", f"{words}: {how}"


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


def test_two_processes_share_the_work_and_both_leave_cleanly(walk: Walk) -> None:
    walk.submitted()
    with process(walk.database.url) as (first, first_log), process(walk.database.url) as (second, second_log):
        for log in (first_log, second_log):
            log.wait_for(lambda line: "started" in line)
        until = monotonic() + DEADLINE
        while kept(walk.database) < 2:
            assert monotonic() < until
        second.send_signal(signal.SIGINT)
        second_log.wait_for(lambda line: "stopped" in line)
        assert second.wait(DEADLINE) == 0
        first.send_signal(signal.SIGTERM)
        first_log.wait_for(lambda line: "stopped" in line)
        assert first.wait(DEADLINE) == 0
    said = "".join(first_log.seen + second_log.seen)
    assert kept(walk.database) == 2
    assert "@" not in said.replace(walk.database.url, ""), "no address in the log"
    assert "Traceback" not in said


def kept(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(MailboxMessage)) or 0
