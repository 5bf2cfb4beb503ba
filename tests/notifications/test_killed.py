"""A tick killed at every commit boundary and during SMTP, started again: all is sent, nothing under two Message-IDs."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, make_url, select, update

from notifications.outbox import LEASE
from tests.factories import DATES, Walk
from tests.notifications.conftest import Built, as_built_postgresql, copied_sqlite, fill, keep_as_base
from tests.notifications.lives import consult
from tests.notifications.test_mail import Server25, serving
from tests.notifications.test_reminders import PAIR, on
from tests.notifications.ticking import morning
from tests.postgres import Databases
from workflow.clock import local_day
from workflow.db import Database
from workflow.models import Dossier, Outbox, PlannedReminder, Reminder
from workflow.settings import Settings

ROOT = Path(__file__).parents[2]
DUE = DATES["opinion_deadline"]
AT = morning(on(-7))


@dataclass
class Ticks:
    """The program that does ticks, and the mail server that hears them."""

    program: "subprocess.Popen[str]"
    heard: Server25
    smtp: str

    def tick(
        self, database: Database, at: datetime, place: str = "commit", when: str = "before", number: int = 0
    ) -> int:
        """One tick in another process; its exit status."""
        assert self.program.stdin
        assert self.program.stdout
        task = {"url": database.url, "at": at.isoformat(), "smtp": self.smtp}
        self.program.stdin.write(json.dumps({**task, "place": place, "when": when, "number": number}) + "\n")
        self.program.stdin.flush()
        return int(self.program.stdout.readline())


@pytest.fixture(scope="module")
def program() -> Iterator["subprocess.Popen[str]"]:
    """The program; it ends with its input."""
    environment = {**os.environ, "BINOME_SECRET_KEY": "a key of this test alone", "BINOME_DEMO": "1"}
    command = [sys.executable, "-m", "tests.notifications.killing"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        yield running


@pytest.fixture
def ticks(program: "subprocess.Popen[str]", settings: Settings) -> Iterator[Ticks]:
    """The program and a mail server."""
    heard = Server25()
    with serving(heard) as controller:
        yield Ticks(program, heard, f"smtp://127.0.0.1:{controller.port}")


def live(database: Database, built: Built) -> None:
    """Two dossiers with opinions due, one of which an expert keeps waiting; nothing to send yet."""
    Walk(database, built.world).assigned()
    consult(Walk(database, built.world).assigned())
    with database.write() as session:
        session.execute(update(Outbox).values(state="dropped"))


@pytest.fixture(scope="module")
def lived_sqlite(built_sqlite: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The SQLite file to copy."""
    database = copied_sqlite(built_sqlite, tmp_path_factory.mktemp("lived"))
    live(database, built_sqlite)
    database.dispose()
    file = make_url(database.url).database or ""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Built(file, built_sqlite.world)


@pytest.fixture(scope="module")
def lived_postgresql(built_postgresql: Built, postgresql_databases: Databases) -> Iterator[Built]:
    """The PostgreSQL database to go back to."""
    with postgresql_databases.fresh(migrated=True) as url:
        built = Built(url, fill(url))
        database = Database(url)
        live(database, built)
        keep_as_base(database)
        database.dispose()
        yield built


@pytest.fixture(params=["sqlite", "postgresql"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Database]:
    """Gives the database as it was before the tick."""
    lived: Built = request.getfixturevalue(f"lived_{request.param}")
    return lambda: copied_sqlite(lived, tmp_path) if request.param == "sqlite" else as_built_postgresql(lived)


def identities(heard: Server25) -> dict[str, set[str]]:
    """The Message-IDs that each address was sent to."""
    found = defaultdict(set)
    for message in heard.messages:
        found[message["To"].addresses[0].addr_spec].add(message["Message-ID"])
    heard.heard.clear()
    return found


def left(database: Database) -> list[int]:
    """How much is not done: dossiers unplanned, rungs whose day has come, reminders and messages that wait."""
    waiting = (
        select(Dossier.id).where(~Dossier.reminders_planned),
        select(PlannedReminder.id).where(PlannedReminder.on_day <= local_day(AT)),
        select(Reminder.id).where(Reminder.state == "waiting"),
        select(Outbox.id).where(Outbox.state == "pending"),
    )
    with database.read() as session:
        return [session.scalars(select(func.count()).select_from(rows.subquery())).one() for rows in waiting]


@pytest.mark.parametrize("place", ["commit", "mail"])
def test_whoever_is_killed_where_ever_is_made_up_for(again: Callable[[], Database], ticks: Ticks, place: str) -> None:
    database = again()
    assert ticks.tick(database, AT) == 0
    expected = identities(ticks.heard)
    assert set(expected) == {f"{who}@binome.example" for who in PAIR}
    assert {len(ids) for ids in expected.values()} == {2}, "the digest, and that the expert let go of the other dossier"
    deaths = 0
    for when in ("before", "after"):
        for number in count(1):
            database.dispose()
            database = again()
            status = ticks.tick(database, AT, place, when, number)
            if status == 0:
                break
            assert status == -signal.SIGKILL
            deaths += 1
            assert ticks.tick(database, AT + LEASE + timedelta(minutes=1)) == 0
            assert identities(ticks.heard) == expected, f"killed {when} {place} {number}"
            assert left(database) == [0, 0, 0, 0]
        identities(ticks.heard)
    database.dispose()
    assert deaths == {"commit": 2 * 8, "mail": 2 * 4}[place], "expiry, plan, firing, digests, claim, three marks"
