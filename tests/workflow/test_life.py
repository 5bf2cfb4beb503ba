"""A whole life, on both databases, through the one door."""

from sqlalchemy import select

from tests.factories import Walk, build
from workflow import journal
from workflow.db import Database
from workflow.models import Envelope, JournalEntry, Outbox


def test_a_dossier_goes_from_draft_to_closed(database: Database) -> None:
    walk = Walk(database, build(database)).closed()
    assert walk.state == "closed"
    with database.read() as session:
        entries = session.scalars(
            select(JournalEntry).where(JournalEntry.dossier_id == walk.dossier_id).order_by(JournalEntry.seq)
        ).all()
        path = [
            entry.to_state for entry in entries if entry.from_state != entry.to_state and entry.subject[:7] == "dossier"
        ]
        assert path == [
            "draft",
            "submitted",
            "assigned",
            "opinion",
            "funding_decision",
            "follow_up",
            "evaluated",
            "under_control",
            "controlled",
            "closed",
        ]
        assert list(journal.verify(session)) == []
        assert sorted(session.scalars(select(Envelope.granted_cents))) == [0, 0, 2_500_00]
        kinds = set(session.scalars(select(Outbox.kind)))
        assert {"receipt", "dossier_arrived", "assigned", "tabled", "funded", "control_announced", "closed"} <= kinds
