"""A database, settings with a key, and channels that a test can look into."""

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.factories import Walk, World, build
from tests.postgres import Databases
from workflow import settings as settings_module
from workflow.db import Database
from workflow.models import Base
from workflow.settings import Settings

TABLES = [table.name for table in Base.metadata.sorted_tables]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The process's settings in demo; tokens are signed with a key of this test."""
    monkeypatch.setenv("BINOME_SECRET_KEY", "a key of this test alone")
    monkeypatch.setenv("BINOME_BASE_URL", "https://binome.example/")
    monkeypatch.setenv("BINOME_MAIL_FROM", "binome@binome.example")
    monkeypatch.setenv("BINOME_DEMO", "1")
    monkeypatch.delenv("BINOME_SMTP_URL", raising=False)
    settings_module.settings.cache_clear()
    yield settings_module.settings()
    settings_module.settings.cache_clear()


@dataclass(frozen=True)
class Built:
    """A database with people and reference data: the file, or the address, and who is in it."""

    place: str
    world: World


@pytest.fixture(scope="session")
def built_sqlite(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The SQLite file to copy."""
    file = shutil.copyfile(migrated_sqlite_file, tmp_path_factory.mktemp("built") / "built.sqlite3")
    world = fill(f"sqlite:///{file}")
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return Built(str(file), world)


@pytest.fixture(scope="session")
def built_postgresql(postgresql_databases: Databases) -> Iterator[Built]:
    """The PostgreSQL database that tests share one after the other: copying one takes half a second."""
    with postgresql_databases.fresh(migrated=True) as url:
        world = fill(url)
        database = Database(url)
        keep_as_base(database)
        database.dispose()
        yield Built(url, world)


def keep_as_base(database: Database) -> None:
    """Keep what a PostgreSQL database holds, for `as_built_postgresql` to go back to."""
    with database.writer.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA base")
        for table in TABLES:
            connection.exec_driver_sql(f"CREATE TABLE base.{table} AS TABLE {table}")


def fill(url: str) -> World:
    database = Database(url)
    world = build(database)
    database.dispose()
    return world


def copied_sqlite(built: Built, folder: Path) -> Database:
    """A copy of the SQLite database."""
    return Database(f"sqlite:///{shutil.copyfile(built.place, folder / 'copy.sqlite3')}")


def as_built_postgresql(built: Built) -> Database:
    """The PostgreSQL database as it was built, without asking its triggers."""
    database = Database(built.place)
    with database.writer.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in TABLES:
            connection.exec_driver_sql(f"DELETE FROM {table}")
            connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM base.{table}")
    return database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with people and reference data and nothing else; the test runs once with each kind."""
    built: Built = request.getfixturevalue(f"built_{request.param}")
    database = copied_sqlite(built, tmp_path) if request.param == "sqlite" else as_built_postgresql(built)
    yield database
    database.dispose()


@pytest.fixture
def world(request: pytest.FixtureRequest, database: Database, settings: Settings) -> World:
    """Who and what is in the database."""
    kind = make_url(database.url).get_backend_name()
    built: Built = request.getfixturevalue(f"built_{kind}")
    return built.world


@pytest.fixture
def walk(database: Database, world: World) -> Walk:
    """A dossier to walk."""
    return Walk(database, world)
