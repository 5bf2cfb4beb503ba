"""A database, settings with a key, and channels that a test can look into."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import Walk, World, build
from workflow import settings as settings_module
from workflow.db import Database
from workflow.settings import Settings


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


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database, of each kind."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """People and reference data."""
    return build(database)


@pytest.fixture
def walk(database: Database, world: World) -> Walk:
    """A dossier to walk."""
    return Walk(database, world)


@pytest.fixture(scope="session")
def built_sqlite(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """A SQLite file with people and reference data, to be copied by tests that need many dossiers but one database."""
    file = tmp_path_factory.mktemp("built") / "built.sqlite3"
    shutil.copyfile(migrated_sqlite_file, file)
    database = Database(f"sqlite:///{file}")
    world = build(database)
    with database.writer.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.dispose()
    return file, world
