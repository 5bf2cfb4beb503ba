"""Consultations expire the day after they were due, each for itself, and the dossier goes back to its binôme."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from notifications import expiry
from notifications.expiry import expire
from tests.factories import Walk
from tests.notifications.lives import answer_as_expert, consult
from workflow import journal
from workflow.access import Actor
from workflow.models import Consultation, JournalEntry, Outbox, SecretLink
from workflow.use_cases import perform


def states(walk: Walk) -> list[str]:
    with walk.database.read() as session:
        return list(session.scalars(select(Consultation.state).order_by(Consultation.id)))


def test_the_day_after_and_not_before(walk: Walk) -> None:
    walk.assigned()
    consult(walk, days=10)
    assert not expire(walk.database, walk.now + timedelta(days=10))
    assert expire(walk.database, walk.now + timedelta(days=11)) == {"expired": 1}
    assert not expire(walk.database, walk.now + timedelta(days=12))
    assert states(walk) == ["expired"]
    assert walk.state == "assigned"
    with walk.database.read() as session:
        link = session.scalars(select(SecretLink.ended_at).where(SecretLink.purpose == "expert")).one()
        assert link is None, "it takes a note still"
        told = set(session.scalars(select(Outbox.person_id).where(Outbox.kind == "consultations_closed")))
        entry = session.scalars(select(JournalEntry).where(JournalEntry.act == "expire")).one()
        assert list(journal.verify(session)) == []
    assert told == {walk.world.people["instructor 1"], walk.world.people["instructor 2"]}
    assert (entry.role, entry.actor_id) == ("system", None)


def test_one_that_is_still_open_keeps_the_dossier_with_its_expert(walk: Walk) -> None:
    walk.assigned()
    answered, _, open_still = consult(walk), consult(walk, email="b@binome.example"), consult(walk, days=30)
    answer_as_expert(walk, answered, "answer", stance="favourable", answer="Oui")
    assert expire(walk.database, walk.now + timedelta(days=11)) == {"expired": 1}
    assert states(walk) == ["answered", "expired", "asked"]
    assert walk.state == "expert_consulted"
    answer_as_expert(walk, open_still, "answer", stance="favourable", answer="Oui")
    assert walk.state == "assigned"


def test_one_that_fails_stops_no_other(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = [Walk(walk.database, walk.world).assigned() for _ in range(4)]
    ids = [consult(each) for each in walks]

    # It stands for a function of the same signature, and passes all on.
    def perform_with_trouble(session, actor, name, dossier_id, **given):  # type: ignore[no-untyped-def]
        if dossier_id == walks[1].dossier_id:  # it is answered just before
            expert = Actor(None, "Experte", consultation_id=ids[1])
            perform(
                session,
                expert,
                "answer",
                dossier_id,
                now=walk.now,
                raw={"stance": "favourable", "answer": "Oui"},
                subject_id=ids[1],
            )
        if dossier_id == walks[2].dossier_id:
            raise OperationalError("SELECT 1", {}, Exception("database is locked"))
        return perform(session, actor, name, dossier_id, **given)

    monkeypatch.setattr(expiry, "perform", perform_with_trouble)
    assert expire(walk.database, walk.now + timedelta(days=11)) == {"expired": 2, "not_expired": 2}
    assert states(walk) == ["expired", "asked", "asked", "expired"], "nothing of the failed ones is kept"
    assert [each.state for each in walks] == ["assigned", "expert_consulted", "expert_consulted", "assigned"]
    monkeypatch.undo()
    assert expire(walk.database, walk.now + timedelta(days=11)) == {"expired": 2}
