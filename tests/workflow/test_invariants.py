"""What must never be is refused by the database itself, whoever writes; what stands next to it passes."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import CheckConstraint, Connection, text
from sqlalchemy.exc import IntegrityError

from tests.workflow.invariant_cases import CASES
from tests.workflow.invariants import Case, Statement, add, build, gone, grant, run, to
from workflow.db import Database
from workflow.migrations import triggers
from workflow.models import Base


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the world, shared by this module's tests: each rolls back what it did."""
    if request.param == "sqlite":
        source = request.getfixturevalue("migrated_sqlite_file")
        file = tmp_path_factory.mktemp("invariants") / "world.sqlite3"
        file.write_bytes(source.read_bytes())
        yield from _with_world(f"sqlite:///{file}")
    else:
        with request.getfixturevalue("postgresql_databases").fresh(migrated=True) as url:
            yield from _with_world(url)


def _with_world(url: str) -> Iterator[Database]:
    database = Database(url)
    with database.writer.begin() as connection:
        build(connection)
    yield database
    database.dispose()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A transaction in the world, rolled back at the end."""
    with database.writer.connect() as connection:
        yield connection
        connection.rollback()


def refused(connection: Connection, statement: Statement) -> str:
    """The message with which the database refuses the statement."""
    with pytest.raises(IntegrityError) as caught, connection.begin_nested():
        run(connection, statement)
    return str(caught.value.orig)


def names(message: str) -> set[str]:
    """The constraints that an error's message can mean: SQLite names an index's columns instead of itself."""
    columns = message.partition("UNIQUE constraint failed: ")[2].split(", ")
    table = columns[0].partition(".")[0]
    indexes = Base.metadata.tables[table].indexes if table in Base.metadata.tables else ()
    return {
        *re.findall(r"\b(?:ck|uq)_\w+", message),
        "_".join(("uq", table, *(column.partition(".")[2] for column in columns))),
        *(str(index.name) for index in indexes if [str(column) for column in index.columns] == columns),
    }


@pytest.mark.parametrize("case", CASES, ids=[f"{case.name}-{n}" for n, case in enumerate(CASES)])
def test_refused_and_its_neighbour_taken(connection: Connection, case: Case) -> None:
    for statement in case.given:
        run(connection, statement)
    message = refused(connection, case.refused)
    if case.name.startswith(("ck_", "uq_")):
        assert case.name in names(message)
    else:
        assert message.startswith(f"{case.name}: ")
    run(connection, case.allowed)


def test_no_rule_is_without_a_case() -> None:
    tables = Base.metadata.sorted_tables
    checks = {str(c.name) for table in tables for c in table.constraints if isinstance(c, CheckConstraint)}
    indexes = {str(index.name) for table in tables for index in table.indexes if index.unique}
    refusals = {refusal.name for refusal in triggers.REFUSALS}
    assert checks | indexes | refusals <= {case.name for case in CASES}


def test_postgresql_refuses_to_empty_the_journal(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with database.writer.connect() as connection:
        assert refused(connection, "TRUNCATE journal").startswith("journal_append_only: ")
    database.dispose()


def test_no_insert_replaces_a_journal_entry(database: Database) -> None:
    if database.writer.dialect.name == "postgresql":
        statement = "INSERT INTO journal SELECT * FROM journal ON CONFLICT (seq) DO UPDATE SET reason = 'other'"
    else:
        statement = "INSERT OR REPLACE INTO journal SELECT * FROM journal"
    with database.writer.connect() as connection:
        assert refused(connection, statement).startswith("journal_append_only: ")


def totals(connection: Connection, table: str, column: str) -> list[int]:
    """The kept totals of the rows 1 to 3."""
    return list(connection.execute(text(f"SELECT {column} FROM {table} WHERE id <= 3 ORDER BY id")).scalars())


def test_an_envelope_follows_its_lines(connection: Connection) -> None:
    def granted() -> list[int]:
        return totals(connection, "envelope", "granted_cents")

    run(connection, grant(1, 400, 1))
    run(connection, grant(2, 300, 2))
    run(connection, grant(3, 200, 1))
    assert granted() == [600, 300, 0]
    run(connection, to("funding_request", 1, envelope_id=3, granted_cents=450))
    assert granted() == [200, 300, 450]
    run(connection, "UPDATE funding_request SET granted_cents = granted_cents - 50")
    assert granted() == [150, 250, 400]
    run(connection, "UPDATE funding_request SET envelope_id = 1 WHERE funder_id = 1")
    assert granted() == [550, 250, 0]
    run(
        connection,
        "UPDATE funding_request SET decision = 'refused', granted_cents = NULL, envelope_id = NULL WHERE id = 1",
    )
    assert granted() == [150, 250, 0]
    run(connection, gone("funding_request", 3))
    assert granted() == [0, 250, 0]


def test_a_line_follows_its_payments(connection: Connection) -> None:
    def paid() -> list[int]:
        return totals(connection, "funding_request", "paid_cents")

    for line, envelope in ((1, 1), (2, 2), (3, 1)):
        run(connection, grant(line, 1_000, envelope))
    run(connection, add("payment", id=1, kind="advance", request_id=1, amount_cents=100))
    run(connection, add("payment", id=2, kind="balance", request_id=1, amount_cents=200))
    run(connection, add("payment", id=3, kind="advance", request_id=2, amount_cents=50))
    assert paid() == [300, 50, 0]
    run(connection, "UPDATE payment SET amount_cents = amount_cents + 1")
    assert paid() == [302, 51, 0]
    run(connection, to("payment", 2, request_id=2, amount_cents=10))
    assert paid() == [101, 61, 0]
    run(connection, gone("payment", 1))
    assert paid() == [0, 61, 0]


def test_references_hold(connection: Connection) -> None:
    assert "foreign key" in refused(connection, to("dossier", 1, organisation_id=99)).lower()
    assert "foreign key" in refused(connection, gone("person", 1)).lower()
