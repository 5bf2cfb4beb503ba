"""The journal's chain, and that every change of the past shows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from tests.workflow.test_db import together
from workflow import journal
from workflow.db import Database
from workflow.models import JournalEntry

AT = datetime(2027, 3, 28, 0, 30, 0, 123456, tzinfo=UTC)
COUNT = 8
FORGED = "f" * 64


def note(database: Database, count: int = 1, **values: Any) -> None:
    """Note `count` acts in one unit of work."""
    with database.write() as session:
        for number in range(count):
            entry = {
                "at": AT + timedelta(minutes=number),
                "actor_id": None,
                "actor_name": "Animatrice Santé",
                "role": "animator",
                "act": f"act {number}",
                "subject": f"dossier:{number}",
                "details": {"rank": number},
            }
            journal.note(session, **{**entry, **values})


def flaws(database: Database, head: tuple[int, str] | None = None) -> list[tuple[int, str]]:
    """What `verify` finds."""
    with database.read() as session:
        return [(flaw.seq, flaw.kind) for flaw in journal.verify(session, head)]


def head(database: Database) -> tuple[int, str]:
    """The journal's head."""
    with database.read() as session:
        return journal.head(session)


def open_for_tampering(url: str) -> Database:
    """A database whose triggers somebody dropped."""
    database = Database(url)
    with database.writer.begin() as connection:
        of_table = " ON journal" if connection.dialect.name == "postgresql" else ""
        for event in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER journal_{event}_journal_append_only{of_table}"))
    return database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with its triggers."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def open_database(database_url: str) -> Iterator[Database]:
    """A database with a journal of eight entries and without its triggers."""
    database = open_for_tampering(database_url)
    note(database, COUNT)
    yield database
    database.dispose()


def tamper(database: Database, *statements: str) -> None:
    """Run SQL behind the journal's back."""
    with database.writer.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount


def found_after(database: Database, statements: list[str], expected: tuple[int, str] | None) -> set[tuple[int, str]]:
    """What `verify` finds after the statements, which are then rolled back."""
    with database.writer.connect() as connection, Session(connection) as session:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount == 1
        found = {(flaw.seq, flaw.kind) for flaw in journal.verify(session, expected)}
        connection.rollback()
    return found


def rehash(connection: Connection, seq: int) -> str:
    """Give an entry the hash that its content now has; what a careful forger does."""
    row = connection.execute(select(JournalEntry.__table__).where(JournalEntry.seq == seq)).one()
    new = journal.digest(row._asdict(), row.previous_hash)
    connection.execute(text("UPDATE journal SET hash = :new WHERE seq = :seq"), {"new": new, "seq": seq})
    return new


# The chain


def test_an_empty_journal_is_sound(database: Database) -> None:
    assert head(database) == (0, "0" * 64)
    assert flaws(database) == []
    assert flaws(database, (0, "0" * 64)) == []


def test_entries_are_chained(database: Database) -> None:
    note(database, 2)
    note(database, 1)
    with database.read() as session:
        entries = session.scalars(select(JournalEntry).order_by(JournalEntry.seq)).all()
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert [entry.previous_hash for entry in entries] == [journal.GENESIS, entries[0].hash, entries[1].hash]
    assert head(database) == (3, entries[2].hash)
    assert flaws(database, head(database)) == []


def test_a_unit_of_work_without_acts_adds_nothing(database: Database) -> None:
    with database.write():
        pass
    assert head(database)[0] == 0


def test_the_digest_is_the_documented_one() -> None:
    """Written out once more, so that a change of the format that old journals are hashed in is noticed."""
    entry = {
        "seq": 1,
        "at": AT.astimezone(ZoneInfo("Europe/Paris")),
        "actor_id": 7,
        "actor_name": "Animatrice Santé",
        "role": "animator",
        "act": "assign",
        "dossier_id": 3,
        "dossier_version": 2,
        "subject": "dossier:3",
        "from_state": "submitted",
        "to_state": "assigned",
        "reason": "",
        "details": {"b": [1, None, True], "a": "é"},
    }
    assert journal.digest(entry, journal.GENESIS) == "1b3cb5c78b7e88911e2b57d98f0d82d7d6f073517c246d093bf03e058ccf0961"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aé 1", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(details=st.dictionaries(st.text("aé 1", max_size=3), JSON, max_size=3), minutes=st.integers(-800, 800))
def test_what_is_noted_is_read_back(database: Database, details: dict[str, Any], minutes: int) -> None:
    at = (AT + timedelta(minutes=minutes)).astimezone(ZoneInfo("Europe/Paris"))
    note(database, details=details, at=at, reason="d'où « là »\n")
    with database.read() as session:
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.seq.desc()).limit(1)).one()
        assert (entry.details, entry.at, entry.reason) == (details, at, "d'où « là »\n")
        assert list(journal.verify(session, (entry.seq, entry.hash))) == []


def test_details_are_kept_as_json_has_them(database: Database) -> None:
    note(database, details={"amounts": {2: 1, 10: 2}, "pair": (1, 2)})
    with database.read() as session:
        assert session.scalars(select(JournalEntry.details)).one() == {"amounts": {"2": 1, "10": 2}, "pair": [1, 2]}
    assert flaws(database) == []


@pytest.mark.parametrize("details", [{"at": AT}, {"sum": float("nan")}])
def test_details_that_are_no_json_are_refused_where_they_are_noted(database: Database, details: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)), database.read() as session:
        journal.note(session, at=AT, actor_id=None, actor_name="", role="system", act="a", subject="", details=details)


def test_writers_at_the_same_time_make_one_chain(database: Database) -> None:
    def write() -> None:
        for _ in range(5):
            note(database, 3)

    assert together([write] * 6) == []
    last = head(database)
    assert last[0] == 90
    assert flaws(database, last) == []


# Changes of the past

CHANGES = {
    "at": "'2027-03-28 00:30:00.123457+00:00'",
    "actor_name": "'x'",
    "role": "'x'",
    "act": "'x'",
    "dossier_version": "9",
    "subject": "'x'",
    "from_state": "'x'",
    "to_state": "'x'",
    "reason": "'x'",
    "details": """'{"x": 1}'""",
    "hash": f"'{FORGED}'",
    "previous_hash": f"'{FORGED}'",
}


def test_a_change_of_any_column_of_any_entry_is_found(open_database: Database) -> None:
    last = head(open_database)
    for column, value in CHANGES.items():
        for seq in (1, 4, COUNT):
            change = f"UPDATE journal SET {column} = {value} WHERE seq = {seq}"
            assert found_after(open_database, [change], None) == {(seq, "changed")}, (column, seq)
            assert found_after(open_database, [change], last) == {(seq, "changed")}, (column, seq)
    assert flaws(open_database, last) == []


def test_every_hashed_column_is_tried() -> None:
    references = {"actor_id", "dossier_id"}
    columns = {column.name for column in JournalEntry.__table__.columns}
    assert columns - {"seq"} - references == set(CHANGES)


def test_a_change_with_its_hash_made_anew_is_found(open_database: Database) -> None:
    with open_database.writer.begin() as connection:
        connection.execute(text("UPDATE journal SET reason = 'x' WHERE seq = 4"))
        rehash(connection, 4)
    assert flaws(open_database) == [(4, "changed")]


def test_a_rewritten_end_is_found_by_the_head(open_database: Database) -> None:
    last = head(open_database)
    with open_database.writer.begin() as connection:
        connection.execute(text("UPDATE journal SET reason = 'x' WHERE seq = 6"))
        for seq in range(6, COUNT + 1):
            new = rehash(connection, seq)
            connection.execute(
                text("UPDATE journal SET previous_hash = :new WHERE seq = :next"), {"new": new, "next": seq + 1}
            )
    assert flaws(open_database) == []
    assert flaws(open_database, last) == [(COUNT, "changed")]


def test_removed_entries_are_found(open_database: Database) -> None:
    tamper(open_database, "DELETE FROM journal WHERE seq IN (1, 4, 5)")
    assert flaws(open_database) == [(1, "removed"), (4, "removed"), (5, "removed")]


def test_a_removed_entry_is_found_when_the_others_moved_up(open_database: Database) -> None:
    tamper(open_database, "DELETE FROM journal WHERE seq = 1")
    for seq in range(2, COUNT + 1):
        tamper(open_database, f"UPDATE journal SET seq = {seq - 1} WHERE seq = {seq}")
    assert flaws(open_database) == [(1, "removed")]
    tamper(open_database, "DELETE FROM journal WHERE seq = 3")
    for seq in range(4, COUNT):
        tamper(open_database, f"UPDATE journal SET seq = {seq - 1} WHERE seq = {seq}")
    # Nothing tells whether the third went or the second was written anew.
    assert flaws(open_database) == [(1, "removed"), (2, "changed")]


def test_reordered_entries_are_found(open_database: Database) -> None:
    for old, new in ((3, -1), (5, 3), (-1, 5)):
        tamper(open_database, f"UPDATE journal SET seq = {new} WHERE seq = {old}")
    assert flaws(open_database) == [(seq, "reordered") for seq in (3, 4, 5, 6)]


def test_a_truncated_end_is_found_by_the_head(open_database: Database) -> None:
    last = head(open_database)
    tamper(open_database, f"DELETE FROM journal WHERE seq > {COUNT - 2}")
    assert flaws(open_database) == []
    assert flaws(open_database, last) == [(COUNT - 1, "truncated"), (COUNT, "truncated")]
    tamper(open_database, "DELETE FROM journal")
    assert len(flaws(open_database, last)) == COUNT


def test_entries_after_the_head_are_no_flaw(open_database: Database) -> None:
    earlier = head(open_database)
    note(open_database, 2)
    assert flaws(open_database, earlier) == []


@pytest.mark.parametrize(
    "change",
    ["at = 'never'", "at = 5", "details = '{'", "reason = x'ff'", "reason = CAST(x'ff' AS TEXT)", "hash = 7"],
)
def test_what_sqlite_cannot_read_any_more_is_changed(sqlite_url: str, change: str) -> None:
    database = open_for_tampering(sqlite_url)
    note(database, COUNT)
    last = head(database)
    tamper(database, f"UPDATE journal SET {change} WHERE seq = 4")
    assert flaws(database, last) == [(4, "changed")]
    database.dispose()


def test_a_journal_longer_than_one_reading(open_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_CHUNK", 3)
    assert flaws(open_database, head(open_database)) == []
    tamper(open_database, "UPDATE journal SET reason = 'x' WHERE seq IN (3, 7)", "DELETE FROM journal WHERE seq = 4")
    assert flaws(open_database) == [(3, "changed"), (4, "removed"), (7, "changed")]


def swap(one: int, other: int) -> list[str]:
    """Exchange the numbers of two entries."""
    return [f"UPDATE journal SET seq = {new} WHERE seq = {old}" for old, new in ((one, -1), (other, one), (-1, other))]


TAMPERINGS: dict[str, Callable[[int, int, str], list[str]]] = {
    "change": lambda one, _, column: [f"UPDATE journal SET {column} = {CHANGES[column]} WHERE seq = {one}"],
    "remove": lambda one, _, __: [f"DELETE FROM journal WHERE seq = {one}"],
    "swap": lambda one, other, _: swap(one, other),
    "move": lambda one, other, _: [f"UPDATE journal SET seq = {COUNT + other} WHERE seq = {one}"],
}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(TAMPERINGS)),
    one=st.integers(1, COUNT),
    other=st.integers(1, COUNT),
    column=st.sampled_from(sorted(CHANGES)),
)
def test_any_tampering_with_one_entry_is_found(
    open_database: Database, kind: str, one: int, other: int, column: str
) -> None:
    last = head(open_database)
    if kind == "swap" and one == other:
        other = one % COUNT + 1
    expected = {
        "change": {(one, "changed")},
        "remove": {(one, "removed" if one < COUNT else "truncated")},
        "swap": {(one, "reordered"), (other, "reordered")},
        "move": {(one, "removed")},
    }[kind]
    found = found_after(open_database, TAMPERINGS[kind](one, other, column), last)
    assert expected <= found
    if kind in {"change", "remove"}:
        assert expected == found
