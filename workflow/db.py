"""Engines and units of work on SQLite (embedded) and PostgreSQL.

SQLite readers begin DEFERRED and writers IMMEDIATE, so that two read-modify-writes queue instead of losing one.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import OperationalError
from time import monotonic, sleep
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from workflow import journal
from workflow.models import Base

BUSY_TIMEOUT_MS = 5000
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One database, with an engine for reading and one for writing (the same one on PostgreSQL)."""

    def __init__(self, url: str) -> None:
        self.url = url
        if make_url(url).get_backend_name() == "sqlite":
            engine = _sqlite(url)
            self.reader: Engine = engine.execution_options(sqlite_begin="DEFERRED")
            self.writer: Engine = engine.execution_options(sqlite_begin="IMMEDIATE")
        else:
            self.reader = self.writer = create_engine(url, pool_pre_ping=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session to read with; nothing it does is kept."""
        with Session(self.reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit of work: what is done in it is committed with its journal entries, or not at all."""
        with Session(self.writer, expire_on_commit=False) as session:
            yield session
            session.flush()
            journal.seal(session)
            session.commit()

    def dispose(self) -> None:
        """Close all connections."""
        self.reader.dispose()
        self.writer.dispose()


class Rehearsal(Database):
    """Another database's units of work in one transaction that is never committed: each sees what those before did."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self.url, self.reader, self.writer = database.url, database.reader, database.writer
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session to read with."""
        with Session(self._connection, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit of work, which ends in a savepoint."""
        with Session(self._connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
            session.flush()
            journal.seal(session)
            session.commit()


@contextmanager
def rehearsed(database: Database) -> Iterator[Rehearsal]:
    """The database to try something on: all of it is undone at the end."""
    with database.writer.connect() as connection:
        transaction = connection.begin()
        try:
            yield Rehearsal(database, connection)
        finally:
            transaction.rollback()


def _sqlite(url: str) -> Engine:
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        _use_wal(connection)
        for pragma in (
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'IMMEDIATE')}")

    return engine


def _use_wal(connection: Any) -> None:
    """Switch a new file to write-ahead logging. Two processes that do it together refuse each other at once,
    whatever the busy timeout, so one tries again."""
    until = monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except OperationalError:
            if monotonic() > until:
                raise
            sleep(0.01)


def configuration(url: str) -> Config:
    """What Alembic's commands need to know of the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema, creating a SQLite file where there is none."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(configuration(url), "head")


def drift(url: str) -> list[Any]:
    """What the models have and the migrated database at `url` lacks, or the other way round; empty when alike."""
    database = Database(url)
    try:
        with database.reader.connect() as connection, warnings.catch_warnings():
            # SQLite does not say what an index on an expression holds; Alembic warns and leaves those out.
            warnings.filterwarnings("ignore", message=".*expression-based index")
            differences: list[Any] = compare_metadata(MigrationContext.configure(connection), Base.metadata)
            return differences
    finally:
        database.dispose()


def is_empty(session: Session) -> bool:
    """Whether nobody has an account yet."""
    return session.execute(text("SELECT 1 FROM person LIMIT 1")).first() is None
