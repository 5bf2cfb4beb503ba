"""The tests' own tools do what they promise."""

import socket
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import conftest, postgres


def tables(url: str) -> list[str]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    return sa.inspect(engine).get_table_names()


def test_a_database_is_migrated(database_url: str) -> None:
    assert "alembic_version" in tables(database_url)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_database_belongs_to_one_test(database_url: str, turn: int) -> None:
    assert "mark_of_one_test" not in tables(database_url)
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE mark_of_one_test (turn INTEGER)"))
    assert "mark_of_one_test" in tables(database_url)


def test_a_database_that_is_given_again_is_as_a_new_one(postgresql_databases: postgres.Databases) -> None:
    add = sa.text("INSERT INTO theme (code, label) VALUES (md5(random()::text), '') RETURNING id")
    with postgresql_databases.fresh(migrated=True) as former:
        left_open = sa.create_engine(former, poolclass=sa.NullPool).connect()
        rows = [left_open.execute(add).scalar_one() for _ in range(2)]
        left_open.commit()
        left_open.execute(add)
    with postgresql_databases.fresh(migrated=True) as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM theme")).scalar_one() == 0
            assert connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
            assert [connection.execute(add).scalar_one() for _ in range(2)] == rows == [1, 2]
        with pytest.raises(sa.exc.OperationalError):
            left_open.execute(add)
        with pytest.raises(sa.exc.OperationalError, match="does not exist"):
            tables(former)
    left_open.invalidate()
    left_open.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE theme ADD COLUMN mark INTEGER",
        "ALTER TABLE theme ALTER COLUMN label DROP NOT NULL",
        "ALTER TABLE journal DISABLE TRIGGER ALL",
        "CREATE FUNCTION mark() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX mark ON theme (label)",
        "ALTER TABLE theme DROP CONSTRAINT uq_theme_code",
    ],
)
def test_a_database_whose_schema_was_changed_is_not_given_again(
    postgresql_databases: postgres.Databases, change: str
) -> None:
    identity = sa.text("SELECT oid FROM pg_database WHERE datname = current_database()")
    given = []
    for statement in (change, "SELECT 1", "SELECT 1"):
        with postgresql_databases.fresh(migrated=True) as url:
            engine = sa.create_engine(url, poolclass=sa.NullPool)
            with engine.begin() as connection:
                given.append(connection.execute(identity).scalar_one())
                connection.execute(sa.text(statement))
    assert given[0] != given[1] == given[2]


def test_an_empty_database_has_no_table(empty_database_url: str) -> None:
    assert tables(empty_database_url) == []


def test_another_machine_is_out_of_reach() -> None:
    with pytest.raises(ConnectionRefusedError, match="tests use no network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(ConnectionRefusedError, match="tests use no network"):
        socket.getaddrinfo("example.org", 80)
    assert conftest.attempts == ["socket.getaddrinfo 192.0.2.1", "socket.getaddrinfo example.org"]
    conftest.attempts.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", b"127.0.0.2", "", None])
def test_this_machine_is_in_reach(host: str | bytes | None) -> None:
    assert conftest.is_local(host)


def test_missing_postgresql_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(Path, "glob", lambda *_: iter([]))
    with pytest.raises(postgres.Missing, match="apt-get install postgresql"):
        postgres.binaries()


def test_the_end_of_a_run_stops_its_cluster() -> None:
    run = postgres.Run()
    databases = postgres.Databases(run.folder, lambda url: None)
    with databases.fresh(migrated=False) as url:
        assert tables(url) == []
    server = int((run.folder / "postgresql" / "data" / "postmaster.pid").read_text().split()[0])
    databases.close()
    run.close()
    assert not Path(f"/proc/{server}").exists()
    assert not run.folder.exists()
