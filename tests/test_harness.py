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
