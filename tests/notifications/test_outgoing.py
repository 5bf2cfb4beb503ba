"""The administrator's page of outgoing messages: what is read, and a failed one tried again."""

from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import event, select, update

from notifications.channels.mailbox import MailboxChannel
from notifications.outbox import deliver
from tests.factories import NOW, Walk
from workflow.errors import Forbidden, NotFound, Refused
from workflow.models import JournalEntry, Outbox, Person, RefusedAddress
from workflow.queries import outbox as queries
from workflow.settings import Settings
from workflow.use_cases import outgoing


@pytest.fixture
def delivered(walk: Walk, settings: Settings) -> Walk:
    """A deposited dossier whose two messages are in the mailbox, and one message that failed."""
    walk.submitted()
    deliver(walk.database, MailboxChannel(settings), settings, lambda: NOW, Event())
    walk.act("animator", "declare_inadmissible", reason="Hors du territoire.")
    with walk.database.write() as session:
        session.execute(
            update(Outbox).where(Outbox.kind == "inadmissible").values(state="failed", error="550 no", attempts=11)
        )
    return walk


def test_messages_are_listed_newest_first_and_by_state(delivered: Walk) -> None:
    with delivered.database.read() as session:
        administrator = delivered.world.actor(session, "administrator")
        listed = queries.outgoing(session, administrator)
        assert [message.kind for message in listed] == ["inadmissible", "dossier_arrived", "receipt"]
        failed = queries.outgoing(session, administrator, "failed")
        assert [(message.address, message.number, message.error) for message in failed] == [
            ("carrier@binome.example", "2027-0001", "550 no")
        ]
        assert [message.kind for message in queries.outgoing(session, administrator, before=listed[0].id, size=1)] == [
            "dossier_arrived"
        ]
        assert queries.counts(session, administrator) == {"pending": 0, "sent": 2, "dropped": 0, "failed": 1}
        assert set(queries.STATE_LABELS) == set(queries.counts(session, administrator))


def test_the_mailbox_is_listed_and_read(delivered: Walk) -> None:
    with delivered.database.read() as session:
        administrator = delivered.world.actor(session, "administrator")
        kept = queries.mailbox(session, administrator)
        assert [message.recipient for message in kept] == ["animator@binome.example", "carrier@binome.example"]
        assert queries.mailbox(session, administrator, before=kept[0].id) == kept[1:]
        assert queries.mailbox_message(session, administrator, kept[0].id) == kept[0]
        with pytest.raises(NotFound):
            queries.mailbox_message(session, administrator, 10**9)


def test_each_list_is_one_statement(delivered: Walk) -> None:
    seen: list[str] = []
    event.listen(
        delivered.database.reader, "before_cursor_execute", lambda _c, _cur, statement, *_: seen.append(statement)
    )
    with delivered.database.read() as session:
        administrator = delivered.world.actor(session, "administrator")
        for read in (queries.outgoing, queries.counts, queries.mailbox):
            seen.clear()
            read(session, administrator)
            assert len(seen) == 1


def test_a_failed_message_is_tried_again_and_journaled(delivered: Walk, settings: Settings) -> None:
    later = NOW + timedelta(days=5)
    with delivered.database.write() as session:
        failed = session.scalars(select(Outbox.id).where(Outbox.state == "failed")).one()
        outgoing.retry(session, delivered.world.actor(session, "administrator"), failed, later)
    with delivered.database.read() as session:
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.seq.desc())).first()
        assert entry is not None
        assert (entry.act, entry.subject, entry.role) == ("retry_message", f"outbox:{failed}", "administrator")
        assert entry.details["before"] == {"state": "failed", "attempts": 11}
    assert deliver(delivered.database, MailboxChannel(settings), settings, lambda: later) == {"sent": 1}


def test_an_address_that_was_refused_is_written_to_again(delivered: Walk) -> None:
    with delivered.database.write() as session:
        administrator, animator = (delivered.world.actor(session, who) for who in ("administrator", "animator"))
        email = session.scalars(select(Person.email).where(Person.id == animator.person_id)).one()
        session.add(RefusedAddress(address=email, at=NOW, answer="550 no"))
        session.flush()
        assert [row.address for row in queries.refused_addresses(session, administrator)] == [email]
        with pytest.raises(Forbidden):
            outgoing.clear_address(session, animator, email, NOW)
        with pytest.raises(NotFound):
            outgoing.clear_address(session, administrator, "other@binome.example", NOW)
        outgoing.clear_address(session, administrator, email, NOW)
        session.flush()
        assert queries.refused_addresses(session, administrator) == []
    with delivered.database.read() as session:
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.seq.desc())).first()
        assert entry is not None
        assert (entry.act, entry.subject) == ("clear_address", f"person:{animator.person_id}")
        assert email not in str(entry.details)


def test_only_a_failed_message_and_only_by_an_administrator(delivered: Walk) -> None:
    with delivered.database.read() as session:
        administrator, animator = (delivered.world.actor(session, who) for who in ("administrator", "animator"))
        sent = session.scalars(select(Outbox.id).where(Outbox.state == "sent")).first()
        assert sent is not None
        with pytest.raises(Refused, match="not_failed"):
            outgoing.retry(session, administrator, sent, NOW)
        with pytest.raises(NotFound):
            outgoing.retry(session, administrator, 10**9, NOW)
        for refused in (
            lambda: outgoing.retry(session, animator, sent, NOW),
            lambda: queries.outgoing(session, animator),
            lambda: queries.counts(session, animator),
            lambda: queries.mailbox(session, animator),
            lambda: queries.mailbox_message(session, animator, 1),
        ):
            with pytest.raises(Forbidden):
                refused()
