"""Units of work: all or nothing, and no update lost between writers that meet."""

from collections.abc import Callable, Iterator
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.workflow.invariants import AT, add, build, grant, run
from workflow import journal
from workflow.db import Database, is_empty
from workflow.models import Envelope, FundingRequest, JournalEntry, Theme

WRITERS = 6


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def together(works: list[Callable[[], None]]) -> list[BaseException]:
    """Start the works in threads at the same moment; what they raised."""
    barrier, raised = Barrier(len(works)), list[BaseException]()

    def run_one(work: Callable[[], None]) -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [Thread(target=run_one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def note(session: Session, act: str = "act") -> None:
    """Note an act without content."""
    journal.note(session, at=AT, actor_id=None, actor_name="", role="system", act=act, subject="")


def test_a_unit_of_work_is_kept_with_its_entries(database: Database) -> None:
    with database.write() as session:
        session.add(Theme(code="t", label="T"))
        note(session)
    with database.read() as session:
        assert session.scalars(select(Theme.code)).all() == ["t"]
        assert session.scalars(select(JournalEntry.act)).all() == ["act"]


def test_a_unit_of_work_that_fails_leaves_nothing(database: Database) -> None:
    def fail_in_between() -> None:
        with database.write() as session:
            session.add(Theme(code="t", label="T"))
            session.flush()
            note(session)
            raise ZeroDivisionError

    def fail_at_the_end() -> None:
        with database.write() as session:
            session.add_all([Theme(code="t", label="T"), Theme(code="t", label="T")])
            note(session)

    with pytest.raises(ZeroDivisionError):
        fail_in_between()
    with pytest.raises(IntegrityError):
        fail_at_the_end()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Theme)) == 0
        assert journal.head(session) == (0, journal.GENESIS)


def test_what_a_reader_writes_is_not_kept(database: Database) -> None:
    with database.read() as session:
        session.add(Theme(code="t", label="T"))
        session.flush()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Theme)) == 0


def test_a_reader_sees_on_while_a_writer_writes(database: Database) -> None:
    with database.write() as writer:
        writer.add(Theme(code="t", label="T"))
        writer.flush()
        with database.read() as reader:
            assert reader.scalar(select(func.count()).select_from(Theme)) == 0


def test_empty_until_somebody_has_an_account(database: Database) -> None:
    with database.read() as session:
        assert is_empty(session)
    with database.writer.begin() as connection:
        run(connection, add("person", institution_id=None))
    with database.read() as session:
        assert not is_empty(session)


def test_no_update_is_lost(database: Database) -> None:
    with database.writer.begin() as connection:
        build(connection)

    def count_on() -> None:
        for _ in range(5):
            with database.write() as session:
                envelope = session.get_one(Envelope, 1, with_for_update=True)
                envelope.total_cents += 1

    assert together([count_on] * WRITERS) == []
    with database.read() as session:
        assert session.get_one(Envelope, 1).total_cents == 10_000 + 5 * WRITERS


def test_writers_who_race_for_the_last_euros_never_overspend(database: Database) -> None:
    lines = range(100, 100 + WRITERS)
    with database.writer.begin() as connection:
        build(connection)
        for line in lines:
            run(connection, add("dossier", id=line, state="submitted", number=str(line), submitted_at=AT))
            run(connection, add("funding_request", id=line, dossier_id=line, funder_id=1, asked_cents=8_000))

    def take(line: int) -> Callable[[], None]:
        def work() -> None:
            with database.write() as session:
                # As a writer does who looked before: there was enough, whatever came between.
                session.execute(text(grant(line, 4_000, 1)))
                note(session, f"grant {line}")

        return work

    raised = together([take(line) for line in lines])
    assert [type(error) for error in raised] == [IntegrityError] * (WRITERS - 2)
    assert all("ck_envelope_never_overspent" in str(error) for error in raised)
    with database.read() as session:
        granted = session.scalar(select(func.sum(FundingRequest.granted_cents)))
        assert (granted, session.get_one(Envelope, 1).granted_cents) == (8_000, 8_000)
        # The world has one entry.
        assert journal.head(session)[0] == 1 + 2


def test_an_amount_waits_for_the_sealing_of_its_opinion(postgresql_url: str) -> None:
    """A part that is being written and the sealing of its whole wait for each other."""
    database = Database(postgresql_url)
    with database.writer.begin() as connection:
        build(connection)
    with database.writer.connect() as sealing, database.writer.connect() as writing:
        run(sealing, "UPDATE opinion SET verdict = 'favourable', sealed_at = '2027-03-01 10:00:00+00' WHERE id = 1")
        raised: list[BaseException] = []

        def write() -> None:
            try:
                run(writing, "UPDATE opinion_amount SET proposed_cents = 7 WHERE opinion_id = 1")
            except IntegrityError as error:
                raised.append(error)

        thread = Thread(target=write)
        thread.start()
        with database.reader.connect() as watching:
            here = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            waiting = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN ({here})"
            while thread.is_alive() and not watching.execute(text(waiting)).scalar():
                thread.join(0.01)
        sealing.commit()
        thread.join()
        writing.rollback()
    database.dispose()
    assert [str(error.orig).partition(":")[0] for error in raised if isinstance(error, IntegrityError)] == [
        "opinion_sealed"
    ]
