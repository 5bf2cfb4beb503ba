"""What every test gets: databases, a deterministic Hypothesis, and no way out to the network."""

import ipaddress
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from tests import postgres
from workflow import db
from workflow.db import Database, migrate

RUN = pytest.StashKey[postgres.Run]()

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60, database=None)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    """The main process opens what the workers share."""
    if not hasattr(config, "workerinput"):
        config.stash[RUN] = postgres.Run()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the shared folder is."""
    node.workerinput["run_folder"] = str(node.config.stash[RUN].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The main process closes what the workers shared, also after a failure or an interruption."""
    if RUN in config.stash:
        config.stash[RUN].close()


# Databases

COMPILED: LRUCache[Any, Any] = LRUCache(3000)
"""The statements that this process has compiled. In service an engine lives as long as its process; here each test has
one, which would compile the same statements anew."""


def engine_of_a_test(url: str, **options: Any) -> Engine:
    """An engine that takes up what those before it have compiled."""
    return create_engine(url, **options).execution_options(compiled_cache=COMPILED)


db.create_engine = engine_of_a_test
for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
    # What is compiled is kept by dialect; all those of a kind speak to the same server or library.
    dialect.__eq__ = lambda self, other: type(self) is type(other)
    dialect.__hash__ = lambda self: hash(type(self))


@pytest.fixture(scope="session")
def run_folder(request: pytest.FixtureRequest) -> Path:
    """The folder that all workers of this run share; removed at the end."""
    workerinput = getattr(request.config, "workerinput", None)
    return Path(workerinput["run_folder"]) if workerinput else request.config.stash[RUN].folder


@pytest.fixture(scope="session")
def postgresql_databases(run_folder: Path) -> Iterator[postgres.Databases]:
    """Makes databases in the run's PostgreSQL cluster."""
    try:
        databases = postgres.Databases(run_folder, migrate)
    except postgres.Missing as missing:
        pytest.fail(str(missing), pytrace=False)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def migrated_sqlite_file(run_folder: Path) -> Path:
    """A migrated SQLite file, made once for all workers, to be copied."""
    file, work = run_folder / "migrated.sqlite3", run_folder / "migrating.sqlite3"
    with postgres.locked(run_folder, "sqlite"):
        if not file.exists():
            work.unlink(missing_ok=True)
            migrate(f"sqlite:///{work}")
            connection = sqlite3.connect(work)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            work.rename(file)
    return file


@pytest.fixture
def postgresql_url(postgresql_databases: postgres.Databases) -> Iterator[str]:
    """A migrated PostgreSQL database of this test alone."""
    with postgresql_databases.fresh(migrated=True) as url:
        yield url


@pytest.fixture
def sqlite_url(migrated_sqlite_file: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of this test alone."""
    return f"sqlite:///{shutil.copyfile(migrated_sqlite_file, tmp_path / 'test.sqlite3')}"


@pytest.fixture
def empty_postgresql_url(postgresql_databases: postgres.Databases) -> Iterator[str]:
    """A PostgreSQL database without a table."""
    with postgresql_databases.fresh(migrated=False) as url:
        yield url


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'empty.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test alone; the test runs once with each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of its own, on each kind."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """A database without a table; the test runs once with each kind."""
    url: str = request.getfixturevalue(f"empty_{request.param}_url")
    return url


# Browser


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium that browser tests drive."""
    path = os.environ.get("BINOME_CHROMIUM") or shutil.which("chromium") or ""
    if not os.access(path, os.X_OK):
        pytest.fail(
            "No Chromium: `apt-get install chromium`, or set BINOME_CHROMIUM to the program's path. "
            "`make test` installs it by itself where it may.",
            pytrace=False,
        )
    return path


# Network

attempts: list[str] = []


def is_local(host: object) -> bool:
    """Whether the host is this machine: loopback, or no host at all."""
    if isinstance(host, bytes):
        host = host.decode()
    if not isinstance(host, str) or host in {"", "localhost"}:
        return host in {None, "", "localhost"}
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_network(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: whoever looks up or calls another machine is refused, and remembered, in case the error is eaten."""
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        # The address of a Unix socket is a path, of an unconnected message None.
        host = args[1][0] if isinstance(args[1], tuple) else None
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if not is_local(host):
        attempts.append(f"{event} {host}")
        raise ConnectionRefusedError(f"tests use no network: {event} {host}")


sys.addaudithook(refuse_network)


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Fails a test that tried to reach another machine, even where the refusal was swallowed."""
    attempts.clear()
    yield
    tried = list(attempts)
    attempts.clear()
    if tried:
        pytest.fail(f"tests use no network: {', '.join(tried)}", pytrace=False)
