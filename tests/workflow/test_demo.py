"""The demonstration: the same for the same seed, alive in every state, sound on both databases."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from states.dossier import STATES
from workflow import access, journal
from workflow.clock import PARIS
from workflow.db import Database
from workflow.demo import ACCOUNTS, Account, NotEmpty, Summary, draws, play
from workflow.demo.cast import siret_of
from workflow.demo.paper import pdf
from workflow.models import (
    BinomeMember,
    Consultation,
    Dossier,
    Envelope,
    FundingRequest,
    JointOpinion,
    JournalEntry,
    LateDeposit,
    Message,
    Mission,
    Organisation,
    Outbox,
    Person,
    Piece,
    Report,
    RoutingStep,
    SamplePlan,
)
from workflow.settings import settings
from workflow.siret import is_siret
from workflow.use_cases import ceremony, offered, passwords

UNTIL = date(2027, 3, 3)
NOW = datetime(2027, 3, 3, 8, tzinfo=UTC)
DOSSIERS = 48
SMALL = 14


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for what is attached, and a quick hasher."""
    path = tmp_path_factory.mktemp("instance")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setenv("BINOME_INSTANCE", str(path))
        settings.cache_clear()
        yield path
    settings.cache_clear()


@pytest.fixture(scope="module")
def told() -> list[tuple[int, int]]:
    """What was heard of the progress."""
    return []


@pytest.fixture(scope="module")
def played(migrated_sqlite_file: Path, folder: Path, told: list[tuple[int, int]]) -> Iterator[tuple[Database, Summary]]:
    """One demonstration, to be looked at and not changed."""
    database = Database(f"sqlite:///{shutil.copyfile(migrated_sqlite_file, folder / 'demo.sqlite3')}")
    yield database, play(database, dossiers=DOSSIERS, seed=1, until=UNTIL, progress=lambda *so_far: told.append(so_far))
    database.dispose()


def small(url: str, seed: int = 7) -> Summary:
    """A short demonstration in the database at `url`."""
    database = Database(url)
    try:
        return play(database, dossiers=SMALL, seed=seed, until=UNTIL)
    finally:
        database.dispose()


@pytest.fixture(scope="module")
def played_small(migrated_sqlite_file: Path, folder: Path) -> Summary:
    """A short demonstration on SQLite, to be compared."""
    return small(f"sqlite:///{shutil.copyfile(migrated_sqlite_file, folder / 'small.sqlite3')}")


def test_the_same_seed_plays_the_same_on_both_databases(played_small: Summary, postgresql_url: str) -> None:
    one, other = played_small, small(postgresql_url)
    assert one == other
    assert sum(one.dossiers.values()) == SMALL


def test_another_seed_plays_something_else(played_small: Summary, sqlite_url: str) -> None:
    assert played_small.head != small(sqlite_url, seed=8).head


def test_every_state_is_there(played: tuple[Database, Summary]) -> None:
    database, summary = played
    assert set(summary.dossiers) == set(STATES)
    assert sum(summary.dossiers.values()) == DOSSIERS
    with database.read() as session:
        for life in (Consultation, Mission):
            states = set(session.scalars(select(life.__table__.c.state)))
            assert states == (
                {"asked", "answered", "declined", "expired", "revoked", "handed_over"}
                if life is Consultation
                else {"drawn", "announced", "findings_sent", "concluded"}
            )


def test_what_may_happen_to_a_dossier_happens(played: tuple[Database, Summary]) -> None:
    with played[0].read() as session:
        acts = set(session.scalars(select(JournalEntry.act)))
        assert acts >= {"appeal_upheld", "reopen_instruction", "defer", "replace_member", "reroute", "cancel_action"}
        assert set(session.scalars(select(JointOpinion.basis))) == {"agreed", "reconciled", "arbitrated"}
        assert set(session.scalars(select(FundingRequest.decision))) == {"pending", "granted", "refused"}
        assert set(session.scalars(select(Report.received))) == {True, False}
        assert set(session.scalars(select(BinomeMember.derogation.is_not(None)))) == {True, False}
        unrouted = select(Dossier.id).where(Dossier.instance_id.is_(None), Dossier.state == "submitted")
        for wanted in (unrouted, select(LateDeposit.id), select(Message.id), select(Piece.id), select(RoutingStep.id)):
            assert session.scalars(wanted).first() is not None
        partial = FundingRequest.granted_cents < FundingRequest.asked_cents
        assert session.scalars(select(FundingRequest.id).where(partial)).first() is not None


def test_the_journal_is_sound_and_tells_no_future(played: tuple[Database, Summary]) -> None:
    database, summary = played
    with database.read() as session:
        assert list(journal.verify(session, summary.head)) == []
        instants = session.scalars(select(JournalEntry.at).order_by(JournalEntry.seq)).all()
    assert instants == sorted(instants)
    assert instants[-1] < datetime.combine(UNTIL, time(), PARIS)


def test_envelopes_hold_what_was_granted(played: tuple[Database, Summary]) -> None:
    with played[0].read() as session:
        rows = session.execute(
            select(FundingRequest.envelope_id, func.sum(FundingRequest.granted_cents))
            .where(FundingRequest.granted_cents.is_not(None))
            .group_by(FundingRequest.envelope_id)
        )
        sums = {row[0]: row[1] for row in rows}
        envelopes = session.scalars(select(Envelope)).all()
    assert sums == {envelope.id: envelope.granted_cents for envelope in envelopes if envelope.granted_cents}
    assert all(envelope.granted_cents <= envelope.total_cents for envelope in envelopes)


def test_only_recent_messages_are_still_to_be_delivered(played: tuple[Database, Summary]) -> None:
    recent = datetime.combine(UNTIL, time(), PARIS) - timedelta(days=2)
    with played[0].read() as session:
        states = session.execute(
            select(Outbox.state, Outbox.created_at < recent, func.count()).group_by(
                Outbox.state, Outbox.created_at < recent
            )
        ).all()
    counts = {(state, bool(old)): number for state, old, number in states}
    assert set(counts) == {("sent", True), ("pending", False)}
    assert counts["pending", False] < 40


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.email.partition("@")[0])
def test_each_account_signs_in_and_has_something_to_do(played: tuple[Database, Summary], account: Account) -> None:
    database = played[0]
    with database.read() as session:
        person = session.scalars(select(Person).where(Person.email == account.email)).one()
        assert passwords.HASHER.verify(person.password_hash or "", account.password)
        passwords.check_strength(account.password, person.email, person.name)
        actor = access.load_actor(session, person.id)
        assert actor is not None
        dossiers = session.scalars(select(Dossier).where(access.visible(actor))).all()
        everyday = {"send_message", "attach_document", "withdraw", "sign_agreement", "record_payment"}
        possible = {
            act
            for dossier in dossiers
            for act, refusal in offered(session, actor, dossier, dossier, NOW).items()
            if refusal is None and act not in everyday
        }
    assert possible


def test_progress_is_told_to_the_end(played: tuple[Database, Summary], told: list[tuple[int, int]]) -> None:
    total = told[-1][1]
    assert told[-1] == (total, total)
    assert len(told) > 100
    assert told == sorted(told)
    assert {pair[1] for pair in told} == {total}


def test_a_database_with_people_is_refused(played: tuple[Database, Summary]) -> None:
    database, summary = played
    with pytest.raises(NotEmpty) as refused:
        play(database, dossiers=1, seed=1, until=UNTIL)
    assert "démonstration" in refused.value.reasons[0].message
    with database.read() as session:
        assert journal.head(session) == summary.head


def test_organisations_are_valid_and_fictitious(played: tuple[Database, Summary]) -> None:
    with played[0].read() as session:
        sirets = session.scalars(select(Organisation.siret)).all()
    assert len(set(sirets)) == len(sirets) > 10
    assert all(is_siret(siret) and siret.startswith("0000") for siret in [*sirets, siret_of(9999)])


def test_documents_are_whole_pages() -> None:
    page = pdf("RIB (exemple)")
    assert page.startswith(b"%PDF-1.4")
    assert page[int(page.split()[-2]) :].startswith(b"xref")
    assert pdf("RIB (exemple)") == page != pdf("Statuts")


class Undone(Exception):
    """What was tried is not kept."""


def test_a_draw_is_under_way_and_can_be_led_to_its_end(played: tuple[Database, Summary]) -> None:
    with suppress(Undone), played[0].write() as session:
        plan = session.scalars(select(SamplePlan).where(SamplePlan.state == "planned")).one()
        missing = [seat.person_id for seat in plan.participants if seat.commitment is None]
        assert missing == [plan.planned_by_id]
        assert NOW < plan.reveals_due_at < plan.public_at
        actors = [access.load_actor(session, seat.person_id) or access.SYSTEM_ACTOR for seat in plan.participants]
        phrase = {"phrase": draws.PHRASE}
        for actor in actors:
            if actor.person_id in missing:
                ceremony.commit(session, actor, plan.id, phrase, NOW)
        for actor in actors:
            ceremony.reveal(session, actor, plan.id, phrase, NOW)
        for actor in actors[:2]:
            ceremony.read_public(session, actor, plan.id, {"value": "0" * 64}, plan.public_at)
        assert plan.state == "sealed"
        raise Undone
