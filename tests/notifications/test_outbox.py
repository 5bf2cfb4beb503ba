"""Delivery: once each, after commit, tried again with growing waits, given up in the end, and never by two."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier, Event

import pytest
from sqlalchemy import delete, event, select, update

from notifications import outbox
from notifications.channels import chosen
from notifications.channels.base import AddressRefused, Channel, Mail, Rejected, Undelivered, Unreachable
from notifications.channels.mailbox import MailboxChannel
from notifications.compose import REFUSED
from notifications.outbox import BATCH, DELAYS, INTERRUPTED, LEASE, claim, deliver
from tests.factories import NOW, Walk
from workflow import tell
from workflow.db import Database
from workflow.models import MailboxMessage, Outbox, Person, RefusedAddress, SecretLink
from workflow.settings import Settings

MINUTE = timedelta(minutes=1)


class Recorder(Channel):
    """Keeps what was sent; `answer` may raise in its place."""

    def __init__(self, answer: Callable[[Mail], None] = lambda _mail: None) -> None:
        self.sent: list[Mail] = []
        self.closed = 0
        self._answer = answer

    def send(self, mail: Mail) -> None:
        self._answer(mail)
        self.sent.append(mail)

    def close(self) -> None:
        self.closed += 1


class Killed(BaseException):
    """The process ends here."""


def fill(database: Database, number: int) -> None:
    """Put so many invitations of the one person into the outbox."""
    with database.write() as session:
        person, link = session.scalars(select(Person)).one(), session.scalars(select(SecretLink)).one()
        tell.write(
            session,
            (
                {
                    "key": f"invitation:{rank}",
                    "kind": "invitation",
                    "person_id": person.id,
                    "payload": {"link_id": link.id},
                    "created_at": NOW,
                    "next_at": NOW,
                }
                for rank in range(number)
            ),
        )


def states(database: Database) -> Counter[str]:
    with database.read() as session:
        return Counter(session.scalars(select(Outbox.state)))


def rows(database: Database) -> list[Outbox]:
    with database.read() as session:
        return list(session.scalars(select(Outbox).order_by(Outbox.id)))


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of each kind for the whole file: its tests write to few tables, which are emptied."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            file = tmp_path_factory.mktemp("kept") / "kept.sqlite3"
            url = f"sqlite:///{shutil.copyfile(request.getfixturevalue('migrated_sqlite_file'), file)}"
        else:
            url = stack.enter_context(request.getfixturevalue("postgresql_databases").fresh(migrated=True))
        database = Database(url)
        stack.callback(database.dispose)
        yield database


@pytest.fixture
def invited(kept: Database, settings: Settings) -> Database:
    """A database with one person, who is invited for ever."""
    with kept.write() as session:
        for table in (Outbox, RefusedAddress, SecretLink, Person):
            session.execute(delete(table))
        person = Person(email="animatrice@binome.example", name="Animatrice", created_at=NOW)
        session.add(person)
        session.flush()
        session.add(SecretLink(purpose="invitation", person_id=person.id, created_at=NOW))
    return kept


def test_each_message_goes_once_to_the_mailbox(walk: Walk, settings: Settings) -> None:
    walk.submitted()
    with walk.database.write() as session:
        session.execute(update(Person).where(Person.id == walk.world.people["animator"]).values(locale="en"))
    channel = chosen(settings)
    assert isinstance(channel, MailboxChannel)
    first = deliver(walk.database, channel, settings, at(NOW))
    assert first == {"sent": 2}
    assert not deliver(walk.database, channel, settings, at(NOW + MINUTE))
    with walk.database.read() as session:
        kept = session.scalars(select(MailboxMessage).order_by(MailboxMessage.recipient)).all()
    assert [message.recipient for message in kept] == ["animator@binome.example", "carrier@binome.example"]
    # Each reads their own language.
    assert [(message.subject[:13], message.body.split()[0]) for message in kept] == [
        ("File 2027-0001"[:13], "Hello,"),
        ("Dossier 2027-", "Bonjour,"),
    ]
    assert all(message.at == NOW for message in kept)
    assert all(row.sent_at == NOW and row.attempts == 1 and row.leased_until is None for row in rows(walk.database))


def test_no_transaction_is_open_while_a_message_goes(invited: Database, settings: Settings) -> None:
    fill(invited, 2)
    open_now: list[int] = []
    depth = Counter[str]()
    for engine in {id(e): e for e in (invited.reader, invited.writer)}.values():
        event.listen(engine, "begin", lambda _c: depth.update(open=1))
        event.listen(engine, "commit", lambda _c: depth.subtract(open=1))
        event.listen(engine, "rollback", lambda _c: depth.subtract(open=1))
    deliver(invited, Recorder(lambda _mail: open_now.append(depth["open"])), settings, at(NOW))
    assert open_now == [0, 0]


@pytest.mark.parametrize("threads", [2, 4])
def test_two_that_deliver_together_send_each_message_once(invited: Database, settings: Settings, threads: int) -> None:
    number = 3 * BATCH + 1
    fill(invited, number)
    start = Barrier(threads)
    channels = [Recorder() for _ in range(threads)]

    def work(channel: Recorder) -> Counter[str]:
        start.wait()
        return deliver(invited, channel, settings, at(NOW))

    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(work, channels), Counter[str]())
    assert done == {"sent": number}
    sent = [mail.outbox_id for channel in channels for mail in channel.sent]
    assert len(sent) == len(set(sent)) == number
    assert set(states(invited)) == {"sent"}


def test_two_that_claim_together_never_claim_the_same(invited: Database) -> None:
    fill(invited, BATCH + 5)
    start = Barrier(3)

    def work(_: int) -> list[int]:
        start.wait()
        return list(claim(invited, NOW).attempts)

    with ThreadPoolExecutor(3) as pool:
        claimed = [outbox_id for ids in pool.map(work, range(3)) for outbox_id in ids]
    assert len(claimed) == len(set(claimed)) == BATCH + 5


def test_a_kill_between_delivery_and_mark_resends_that_handful_under_its_names(
    invited: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(invited, 5)
    first, second = Recorder(), Recorder()
    real = outbox._Run._mark

    def killed(run: outbox._Run, *given: object) -> None:
        if len(first.sent) == 3:
            raise Killed
        # It passes on what it was given.
        real(run, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(outbox._Run, "_mark", killed)
        with pytest.raises(Killed):
            deliver(invited, first, settings, at(NOW))
    assert first.closed == 1
    assert not deliver(invited, second, settings, at(NOW + LEASE - MINUTE)), "the lease still runs"
    assert deliver(invited, second, settings, at(NOW + LEASE)) == {"sent": 4}
    names = Counter(mail.identity for mail in first.sent + second.sent)
    assert len(names) == 5
    assert {name for name, times in names.items() if times > 1} == {mail.identity for mail in first.sent[1:]}
    assert max(names.values()) == 2
    assert {mail.body for mail in first.sent} <= {mail.body for mail in second.sent}


@pytest.mark.parametrize("seconds", [outbox.HANDFUL / 100, outbox.HANDFUL])
def test_a_slow_channel_has_each_message_marked_at_once(
    invited: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    fill(invited, 2 * BATCH)
    now = 0.0
    unmarked: list[int] = []

    def takes_long(_mail: Mail) -> None:
        nonlocal now
        unmarked.append(len(channel.sent) - states(invited)["sent"])
        now += seconds

    monkeypatch.setattr(outbox, "monotonic", lambda: now)
    channel = Recorder(takes_long)
    assert deliver(invited, channel, settings, at(NOW)) == {"sent": 2 * BATCH}
    # One, two, four … as long as it goes well, and never more than a batch.
    assert max(unmarked) == (0 if seconds == outbox.HANDFUL else BATCH - 1)


def test_a_lease_that_ran_out_marks_nothing_over_the_next_one(invited: Database, settings: Settings) -> None:
    fill(invited, 1)
    taken_over = Recorder()

    def slow(_mail: Mail) -> None:
        deliver(invited, taken_over, settings, at(NOW + LEASE + MINUTE))
        raise Undelivered("421 too late")

    assert deliver(invited, Recorder(slow), settings, at(NOW)) == {"retried": 1}
    last = rows(invited)[-1]
    assert (last.state, last.error, last.attempts) == ("sent", "", 2)
    assert len(taken_over.sent) == 1


def test_a_failure_after_the_lease_leaves_the_next_lease_alone(invited: Database, settings: Settings) -> None:
    fill(invited, 1)
    later = NOW + LEASE

    def slow(_mail: Mail) -> None:
        assert len(claim(invited, later).attempts) == 1
        raise Undelivered("421 too late")

    deliver(invited, Recorder(slow), settings, at(NOW))
    last = rows(invited)[-1]
    assert (last.leased_until, last.attempts, last.error, last.next_at) == (later + LEASE, 2, "", NOW)


def test_a_failure_is_tried_again_after_growing_waits_and_given_up(invited: Database, settings: Settings) -> None:
    fill(invited, 1)
    tried: list[datetime] = []
    now = NOW

    def refuse(_mail: Mail) -> None:
        tried.append(now)
        raise Undelivered("451 later, please")

    for _ in range(len(DELAYS) + 1):
        outcome = deliver(invited, Recorder(refuse), settings, at(now))
        row = rows(invited)[-1]
        if row.state == "pending":
            assert not deliver(invited, Recorder(refuse), settings, at(row.next_at - timedelta(seconds=1)))
            now = row.next_at
    assert outcome == {"failed": 1}
    assert [later - sooner for sooner, later in pairwise(tried)] == list(DELAYS)
    assert list(DELAYS) == sorted(DELAYS)
    assert sum(DELAYS, timedelta()) > timedelta(days=3)
    assert (row.state, row.error, row.sent_at) == ("failed", "451 later, please", None)
    assert not deliver(invited, Recorder(), settings, at(now + timedelta(days=365)))


def test_what_is_rejected_for_good_is_not_tried_again(invited: Database, settings: Settings) -> None:
    fill(invited, 3)

    def reject_first(mail: Mail) -> None:
        if mail.outbox_id == rows(invited)[-3].id:
            raise Rejected("550 no such mailbox")

    assert deliver(invited, Recorder(reject_first), settings, at(NOW)) == {"failed": 1, "sent": 2}
    assert rows(invited)[-3].error == "550 no such mailbox"


def test_an_address_refused_once_is_written_to_no_more(invited: Database, settings: Settings) -> None:
    fill(invited, 2)

    def refuse(mail: Mail) -> None:
        raise AddressRefused("550 no such mailbox", mail.address)

    assert deliver(invited, Recorder(refuse), settings, at(NOW)) == {"failed": 2}
    assert [row.error for row in rows(invited)] == ["550 no such mailbox", REFUSED]
    with invited.read() as session:
        marked = session.scalars(select(RefusedAddress)).one()
        assert marked.answer == "550 no such mailbox"
        assert marked.address == session.scalars(select(Person.email)).one()


def test_out_of_reach_costs_one_attempt_and_leaves_the_others(invited: Database, settings: Settings) -> None:
    fill(invited, 3 * BATCH)
    tried: list[int] = []

    def unreachable(mail: Mail) -> None:
        tried.append(mail.outbox_id)
        raise Unreachable("ConnectionRefusedError")

    assert deliver(invited, Recorder(unreachable), settings, at(NOW)) == {"retried": 1}
    assert len(tried) == 1
    waiting = [row for row in rows(invited) if row.state == "pending"]
    assert len(waiting) == 3 * BATCH
    assert sum(row.attempts for row in waiting) == 1
    assert not any(row.leased_until for row in waiting)
    assert deliver(invited, Recorder(), settings, at(NOW + MINUTE)) == {"sent": 3 * BATCH}


def test_a_message_that_cannot_be_written_stops_no_other(invited: Database, settings: Settings) -> None:
    fill(invited, 2)
    with invited.write() as session:
        ids = session.scalars(select(Outbox.id).order_by(Outbox.id.desc()).limit(2)).all()
        session.execute(update(Outbox).where(Outbox.id == ids[1]).values(kind="nonsense"))
    assert deliver(invited, Recorder(), settings, at(NOW)) == {"retried": 1, "sent": 1}
    assert rows(invited)[-2].error == "TemplateNotFound: fr/nonsense.txt"


def test_a_message_that_kills_is_given_up(invited: Database, settings: Settings) -> None:
    fill(invited, 1)

    def kill(_mail: Mail) -> None:
        raise Killed

    now = NOW
    for _ in range(len(DELAYS) + 1):
        with pytest.raises(Killed):
            deliver(invited, Recorder(kill), settings, at(now))
        now += LEASE
    assert deliver(invited, Recorder(kill), settings, at(now)) == {"failed": 1}
    assert rows(invited)[-1].error == INTERRUPTED


def test_who_left_is_not_written_to(invited: Database, settings: Settings) -> None:
    fill(invited, 1)
    with invited.write() as session:
        session.execute(update(Person).values(active=False))
    channel = Recorder()
    assert deliver(invited, channel, settings, at(NOW)) == {"dropped": 1}
    assert channel.sent == []
    assert rows(invited)[-1].error == "account closed"


def test_a_stop_ends_the_batch_and_gives_the_rest_back(invited: Database, settings: Settings) -> None:
    fill(invited, BATCH)
    stop = Event()
    channel = Recorder(lambda _mail: stop.set())
    assert deliver(invited, channel, settings, at(NOW), stop) == {"sent": 1}
    waiting = [row for row in rows(invited) if row.state == "pending"]
    assert len(waiting) == BATCH - 1
    assert all(row.attempts == 0 and row.leased_until is None for row in waiting)


def test_a_batch_that_takes_too_long_is_given_back_in_time(
    invited: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(invited, 3)
    clock = iter([0.0, 1.0, outbox.NO_NEW_START.total_seconds() + 1, *range(1000, 2000)])
    monkeypatch.setattr(outbox, "monotonic", lambda: next(clock))
    assert deliver(invited, Recorder(), settings, at(NOW)) == {"sent": 3}
    assert [row.attempts for row in rows(invited)[-3:]] == [1, 1, 1]


def test_an_idle_turn_reads_once_and_writes_nothing(invited: Database, settings: Settings) -> None:
    statements: list[str] = []
    for engine in {id(e): e for e in (invited.reader, invited.writer)}.values():
        event.listen(
            engine, "before_cursor_execute", lambda _c, _cur, statement, *_: statements.append(statement.split()[0])
        )
    assert not deliver(invited, Recorder(), settings, at(NOW))
    assert [word for word in statements if word != "BEGIN"] == ["SELECT"]


def test_without_a_way_out_there_is_no_channel(settings: Settings) -> None:
    assert chosen(settings.model_copy(update={"demo": False})) is None
