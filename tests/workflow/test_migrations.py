"""The migrations give what the models say, on both databases, whole or not at all."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from alembic import command
from sqlalchemy import Connection, MetaData, create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from tests.workflow.invariants import AT, DAY, add
from workflow import db
from workflow.migrations import triggers
from workflow.models import Base

SQLITE_SCHEMA = "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE '%alembic%'"
POSTGRESQL_SCHEMA = (
    """SELECT table_name || '.' || column_name,
              concat_ws(' ', data_type, is_nullable, column_default, is_identity)
       FROM information_schema.columns WHERE table_schema = :schema AND table_name <> 'alembic_version'""",
    """SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = CAST(:schema AS regnamespace) AND conname NOT LIKE 'alembic%'""",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = :schema AND indexname NOT LIKE 'alembic%'",
)


def sqlite_schema(connection: Connection) -> dict[str, set[str]]:
    """Each table's and index's definition, as the set of its lines: the order of constraints says nothing.

    Nor do the quotes around a rebuilt table's name and the brackets around its defaults; nor that a column which was
    added has no line of its own and holds its key itself.
    """
    rows = connection.execute(text(SQLITE_SCHEMA)).all()
    plain = [(name, re.sub(r"DEFAULT \((.*?)\)", r"DEFAULT \1", (sql or "").replace('"', ""))) for name, sql in rows]
    plain = [
        (
            name,
            re.sub(
                r"(\w+) (\w+) (CONSTRAINT \w+) (REFERENCES \w+ \(\w+\))"
                r"( CONSTRAINT \w+ CHECK \((?:[^()]|\([^()]*\))*\))?",
                r"\1 \2\5\n\3 FOREIGN KEY(\1) \4",
                sql,
            ),
        )
        for name, sql in plain
    ]
    lines = [
        (name, re.sub(r", (?=\w+ (?:INTEGER|BIGINT|TEXT|DATE|DATETIME|BOOLEAN|JSON)\b)", "\n", sql))
        for name, sql in plain
    ]
    return {name: {line.strip(" \t,") for line in sql.splitlines()} for name, sql in lines}


def postgresql_schema(connection: Connection, schema: str) -> dict[str, str]:
    """Each column's, constraint's and index's definition."""
    rows = [row for query in POSTGRESQL_SCHEMA for row in connection.execute(text(query), {"schema": schema})]
    return {name.removeprefix(f"{schema}."): sql.replace(f"{schema}.", "") for name, sql in rows}


def test_nothing_drifts(database_url: str) -> None:
    assert db.drift(database_url) == []


def test_drift_is_seen(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_dossier_board"))
        connection.execute(text("ALTER TABLE person ADD COLUMN stray INTEGER"))
    engine.dispose()
    assert {difference[0] for difference in db.drift(database_url)} == {"add_index", "remove_column"}


def test_sqlite_is_what_the_models_create(sqlite_url: str) -> None:
    migrated, created = create_engine(sqlite_url), create_engine("sqlite://")
    with migrated.connect() as one, created.connect() as other:
        Base.metadata.create_all(other)
        assert sqlite_schema(one) == sqlite_schema(other)
    migrated.dispose()
    created.dispose()


def test_postgresql_is_what_the_models_create(postgresql_url: str) -> None:
    engine = create_engine(postgresql_url)
    with engine.connect() as connection:
        migrated = postgresql_schema(connection, "public")
        connection.execute(text("CREATE SCHEMA other"))
        connection.execute(text("SET search_path TO other"))
        Base.metadata.create_all(connection)
        created = postgresql_schema(connection, "other")
        connection.rollback()
    engine.dispose()
    assert len(migrated) > 500
    assert migrated == created


def test_a_second_upgrade_changes_nothing(database_url: str) -> None:
    engine = create_engine(database_url)
    names = "sqlite_master" if engine.dialect.name == "sqlite" else "pg_class"
    with engine.connect() as connection:
        before = connection.execute(text(f"SELECT count(*) FROM {names}")).scalar()
    db.migrate(database_url)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {names}")).scalar() == before
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0014"]
    engine.dispose()


def test_every_trigger_is_there(database_url: str) -> None:
    engine = create_engine(database_url)
    listing = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }[engine.dialect.name]
    with engine.connect() as connection:
        found = set(connection.execute(text(listing)).scalars())
    engine.dispose()
    made = [statement.split()[2] for statement in triggers.statements(engine.dialect.name) if " TRIGGER " in statement]
    assert found == set(made)
    assert len(found) == len(made)
    assert {f"journal_{event}_journal_append_only" for event in ("update", "delete")} <= found


def test_names_fit_postgresql() -> None:
    names = [statement.split()[2] for statement in triggers.statements("postgresql")]
    assert max(map(len, names)) <= 63


def test_it_says_nothing(empty_database_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    db.migrate(empty_database_url)
    assert capfd.readouterr() == ("", "")


def test_an_upgrade_that_fails_leaves_nothing(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = triggers.statements

    def broken(dialect: str, *revisions: str) -> Iterator[str]:
        yield from whole(dialect, *revisions)
        yield "CREATE NONSENSE"

    with monkeypatch.context() as patch:
        patch.setattr(triggers, "statements", broken)
        with pytest.raises(Exception, match="NONSENSE"):
            db.migrate(empty_database_url)
    engine = create_engine(empty_database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    db.migrate(empty_database_url)
    assert db.drift(empty_database_url) == []


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_an_upgrade_keeps_what_is_there(empty_database_url: str) -> None:
    command.upgrade(db.configuration(empty_database_url), "0001")
    old, engine = MetaData(), create_engine(empty_database_url)
    old.reflect(engine)
    rows: dict[str, dict[str, object]] = {
        "person": {"email": "p@example.org", "locale": "fr"},
        "organisation": {"kind": "association", "siret": "73282932000074"},
        "campaign": {"last": date(2027, 12, 31)},
        "milestone": {"on_date": DAY},
        "committee_session": {},
        "dossier": {"state": "submitted", "number": "2027-1", "submitted_at": AT, "title": "Élan, d'ici"},
        "outbox": {"person_id": 1, "state": "pending"},
        "secret_link": {"purpose": "tracking", "dossier_id": 1},
    }
    with engine.begin() as connection:
        for name, values in rows.items():
            connection.execute(add(name, old, **{"id": 1, **values}))
        before = [connection.execute(select(old.tables[name])).all() for name in rows]
    db.migrate(empty_database_url)
    with engine.begin() as connection:
        assert [connection.execute(select(old.tables[name])).all() for name in rows] == before
        with pytest.raises(IntegrityError, match="dossier_number_fixed"):
            connection.execute(text("UPDATE dossier SET number = '2027-2'"))
    engine.dispose()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_draws_made_before_reviews_are_for_control_and_stay_sealed(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.upgrade(db.configuration(empty_database_url), "0011")
    old, engine = MetaData(), create_engine(empty_database_url)
    old.reflect(engine)
    instants = {"planned_at": AT, "reveals_due_at": AT + timedelta(days=1), "public_at": AT + timedelta(days=2)}
    rows: tuple[tuple[str, dict[str, object]], ...] = (
        ("person", {"id": 1, "email": "p@example.org", "locale": "fr"}),
        ("organisation", {"id": 1, "kind": "association", "siret": "73282932000074"}),
        ("campaign", {"id": 1, "last": date(2027, 12, 31)}),
        ("dossier", {"id": 1, "state": "submitted", "number": "2027-1", "submitted_at": AT}),
        ("institution", {"id": 1}),
        ("funding_request", {"decision": "refused", "decided_at": AT, "decided_by_id": 1}),
        ("sample_plan", {"id": 1, "state": "planned", "method": "srs", "reason": "", **instants}),
        ("plan_unit", {}),
        ("plan_participant", {}),
        ("sample", {"id": 1, "plan_id": 1}),
        ("sample_unit", {"drawn": True}),
        ("mission", {"id": 1, "state": "drawn", "controller_id": 1}),
    )
    with engine.begin() as connection:
        for name, values in rows:
            connection.execute(add(name, old, **values))
        connection.execute(text("UPDATE sample SET sealed_at = '2027-03-01 10:00:00+00'"))
        before = [connection.execute(select(old.tables[name])).all() for name, _ in rows]
        # As it was before reviews.
        with monkeypatch.context() as patch:
            starts = triggers.Refusal("plan_starts", "as it was", "sample_plan", ("INSERT",), since="then")
            patch.setattr(triggers, "REFUSALS", (starts,))
            for statement in triggers.statements(engine.dialect.name, "then"):
                connection.exec_driver_sql(statement)
    db.migrate(empty_database_url)
    early = add("sample_plan", old, **{**dict(rows)["sample_plan"], "id": 2, "plan_hash": "2", "supersedes_id": 1})
    with pytest.raises(IntegrityError, match="plan_starts: a plan begins"), engine.begin() as connection:
        connection.execute(early)
    with engine.begin() as connection:
        assert [connection.execute(select(old.tables[name])).all() for name, _ in rows] == before
        for table in ("sample_plan", "sample"):
            assert connection.execute(text(f"SELECT purpose FROM {table}")).scalars().all() == ["control"]
    with engine.begin() as connection:
        connection.execute(text("UPDATE mission SET spending = 'y'"))
        connection.execute(text("UPDATE mission SET controller_id = NULL"))
    for name, statement in (
        ("plan_fixed", "UPDATE sample_plan SET size = 2"),
        ("plan_onward", "UPDATE sample_plan SET state = 'revealed'"),
        ("plan_population_fixed", "DELETE FROM plan_unit"),
        ("sample_sealed", "UPDATE sample SET seed = 'z'"),
        ("controller_steers_not", "UPDATE mission SET controller_id = 1"),
    ):
        with pytest.raises(IntegrityError, match=name), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    command = [sys.executable, "-c", "import sys; from workflow.db import migrate; migrate(sys.argv[1])"]
    running = [subprocess.Popen([*command, empty_database_url], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(process.communicate()[1], process.returncode) for process in running]
    assert ends == [("", 0), ("", 0)]
    assert db.drift(empty_database_url) == []


def test_a_folder_is_made_for_a_new_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("base") / "50%" / "deeper" / "binome.sqlite3"
    db.migrate(f"sqlite:///{file}")
    assert file.exists()
