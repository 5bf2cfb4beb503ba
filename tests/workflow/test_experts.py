"""The experts' use cases on both databases: a file with the answer, a question handed over, the directory."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import NOW, Walk, build
from workflow import files
from workflow.access import Actor
from workflow.db import Database
from workflow.errors import Forbidden, Invalid, Refused
from workflow.models import Consultation, Expert, ExpertInterest, Interest, JournalEntry, Outbox, SecretLink
from workflow.queries import experts as query
from workflow.use_cases import directory, perform

QUESTION = "Le protocole est-il adapté ?"
COLLEAGUE = {"colleague_name": "Collègue", "colleague_email": "Collegue@Binome.example", "reason": "C'est son métier"}
PDF = files.Upload("note.pdf", b"%PDF-1.4 note")


@pytest.fixture
def walk(database: Database) -> Walk:
    return Walk(database, build(database)).assigned()


def ask(walk: Walk, days: int = 20, **asked: Any) -> int:
    asked = asked or {"expert_ids": [the_expert(walk).id]}
    due = (walk.now + timedelta(days=days)).date().isoformat()
    made: int = walk.act("instructor 1", "consult_expert", question=QUESTION, due_on=due, **asked).result.id
    return made


def the_expert(walk: Walk, email: str = "expert@binome.example") -> Expert:
    with walk.database.read() as session:
        return session.scalars(select(Expert).where(Expert.email == email)).one()


def as_expert(walk: Walk, name: str, question: int, **raw: Any) -> None:
    actor = Actor(None, "Experte", consultation_id=question)
    with walk.database.write() as session:
        perform(session, actor, name, walk.dossier_id, now=walk.now, raw=raw, subject_id=question)


def questions(walk: Walk) -> list[Consultation]:
    with walk.database.read() as session:
        return list(session.scalars(select(Consultation).order_by(Consultation.id)))


def journaled(walk: Walk, act: str) -> JournalEntry:
    with walk.database.read() as session:
        return session.scalars(select(JournalEntry).where(JournalEntry.act == act)).one()


def mails(walk: Walk, kind: str) -> list[Outbox]:
    with walk.database.read() as session:
        return list(session.scalars(select(Outbox).where(Outbox.kind == kind).order_by(Outbox.id)))


# --- a file with the answer ------------------------------------------------------------------------------------------


def test_a_file_comes_with_an_answer_and_the_journal_knows_its_hash(walk: Walk) -> None:
    number = ask(walk)
    as_expert(walk, "answer", number, stance="favourable", answer="Oui", file=PDF)
    found = questions(walk)[0]
    assert (found.file_name, found.file_type, found.file_size) == ("note.pdf", "application/pdf", len(PDF.content))
    assert journaled(walk, "answer").details == {"filename": "note.pdf", "sha256": found.file_sha256}
    assert files.path_of(str(found.file_sha256)).read_bytes() == PDF.content


def test_a_file_may_come_with_a_late_note_too(walk: Walk) -> None:
    number = ask(walk)
    walk.later(days=30).act_as_system("expire", number)
    as_expert(walk, "note", number, answer="Trop tard", file=PDF)
    assert questions(walk)[0].file_name == "note.pdf"


@pytest.mark.parametrize("file", [files.Upload("note.pdf", b"MZ"), files.Upload("note.exe", b"MZ"), "note.pdf"])
def test_a_file_that_is_not_accepted_leaves_the_question_open(walk: Walk, file: object) -> None:
    number = ask(walk)
    with pytest.raises(Invalid) as refused:
        as_expert(walk, "answer", number, stance="favourable", answer="Oui", file=file)
    assert list(refused.value.fields) == ["file"]
    assert questions(walk)[0].state == "asked"


# --- to a colleague --------------------------------------------------------------------------------------------------


def test_a_question_passes_to_a_colleague_once_the_binome_says_yes(walk: Walk) -> None:
    number = ask(walk)
    as_expert(walk, "propose_colleague", number, **COLLEAGUE)
    assert walk.state == "expert_consulted"
    assert {mail.person_id for mail in mails(walk, "colleague_proposed")} == {
        walk.world.people[who] for who in ("instructor 1", "instructor 2")
    }
    assert journaled(walk, "propose_colleague").reason == COLLEAGUE["reason"]
    walk.act("instructor 2", "hand_over", number)
    first, second = questions(walk)
    assert (first.state, first.colleague_name, first.colleague_email) == ("handed_over", None, None)
    assert (second.state, second.question, second.due_on) == ("asked", first.question, first.due_on)
    assert (second.handed_from_id, second.expert_id) == (number, the_expert(walk, "collegue@binome.example").id)
    assert walk.state == "expert_consulted", "the colleague's answer is awaited"
    with walk.database.read() as session:
        links = {link.consultation_id: link.ended_at for link in session.scalars(select(SecretLink))}
    assert links[first.id] is not None
    assert links[second.id] is None
    (told,), (asked,) = mails(walk, "consultation_handed_over"), mails(walk, "consultation_asked")[1:]
    assert (told.address, asked.address) == ("expert@binome.example", "collegue@binome.example")
    assert "link_id" not in told.payload
    assert "colleague" not in told.payload
    assert journaled(walk, "hand_over").details == {"expert": "Collègue", "consultation": second.id}
    as_expert(walk, "answer", second.id, stance="favourable", answer="Oui")
    assert walk.state == "assigned"


def test_the_colleague_reads_the_same_documents_and_the_directory_keeps_one_entry(walk: Walk) -> None:
    known = ask(walk, expert_email="collegue@binome.example", expert_name="Autre nom")
    walk.act("instructor 1", "revoke", known, reason="Autre point d'abord")
    with walk.database.write() as session:
        case = perform(
            session,
            walk.world.actor(session, "carrier"),
            "attach_document",
            walk.dossier_id,
            now=walk.now,
            raw={"kind": "quote", "file": PDF},
        )
        document = case.result.id
    number = ask(walk, expert_ids=[the_expert(walk).id], documents=[document])
    as_expert(walk, "propose_colleague", number, **COLLEAGUE)
    walk.act("instructor 1", "hand_over", number)
    with walk.database.read() as session:
        last = session.get_one(Consultation, questions(walk)[-1].id)
        assert [row.id for row in last.documents] == [document]
        assert last.expert.name == "Autre nom"


def test_a_refusal_is_told_with_its_word_and_the_expert_may_go_on(walk: Walk) -> None:
    number = ask(walk)
    for word in ("Trop proche du porteur", "Pas disponible"):
        as_expert(walk, "propose_colleague", number, **COLLEAGUE)
        walk.act("instructor 1", "refuse_colleague", number, reason=word)
        found = questions(walk)[0]
        assert (found.state, found.colleague_email, found.colleague_refusal) == ("asked", None, word)
    told = mails(walk, "colleague_refused")
    assert [mail.payload["reason"] for mail in told] == ["Trop proche du porteur", "Pas disponible"]
    as_expert(walk, "decline", number, reason="Personne d'autre")
    assert walk.state == "assigned"


@pytest.mark.parametrize(
    ("act", "raw"),
    [("answer", {"stance": "favourable", "answer": "Oui"}), ("decline", {"reason": "Non"}), ("expire", {})],
)
def test_who_was_proposed_is_forgotten_however_the_question_ends(walk: Walk, act: str, raw: Mapping[str, Any]) -> None:
    number = ask(walk)
    as_expert(walk, "propose_colleague", number, **COLLEAGUE)
    with pytest.raises(Refused, match="no_colleague_proposed"):
        as_expert(walk, "propose_colleague", number, **COLLEAGUE)
    if act == "expire":
        walk.later(days=30).act_as_system(act, number)
    else:
        as_expert(walk, act, number, **raw)
    found = questions(walk)[0]
    assert (found.colleague_name, found.colleague_email, found.colleague_why) == (None, None, None)
    with pytest.raises(Refused):
        walk.act("instructor 1", "hand_over", number)


def test_a_proposal_needs_somebody_else_and_a_word(walk: Walk) -> None:
    number = ask(walk)
    with pytest.raises(Invalid) as own:
        as_expert(walk, "propose_colleague", number, **{**COLLEAGUE, "colleague_email": "expert@binome.example"})
    assert list(own.value.fields) == ["colleague_email"]
    with pytest.raises(Refused, match="reason_given"):
        as_expert(walk, "propose_colleague", number, **{**COLLEAGUE, "reason": " "})
    with pytest.raises(Refused, match="colleague_proposed"):
        walk.act("instructor 1", "hand_over", number)
    as_expert(walk, "propose_colleague", number, **COLLEAGUE)
    for who in ("animator", "instructor 3"):
        with pytest.raises(Forbidden):
            walk.act(who, "hand_over", number)


def test_a_colleague_bound_to_the_carrier_is_refused(walk: Walk) -> None:
    """By the directory, or as a person of that address who declared an interest, or who carries."""
    number = ask(walk)
    carrier, world = walk.world.organisation_id, walk.world
    with walk.database.write() as session:
        bound = directory.entry(session, "Liée", "liee@binome.example", NOW)
        assert bound is not None
        session.add(ExpertInterest(expert_id=bound.id, organisation_id=carrier))
        session.add(
            Interest(
                person_id=world.people["novice"], organisation_id=carrier, nature="Ancien salarié", declared_at=NOW
            )
        )
    for email in ("liee@binome.example", "novice@binome.example", "carrier@binome.example"):
        as_expert(walk, "propose_colleague", number, **{**COLLEAGUE, "colleague_email": email})
        with pytest.raises(Refused, match="colleague_without_conflict"):
            walk.act("instructor 1", "hand_over", number)
        walk.act("instructor 1", "refuse_colleague", number, reason="Lien avec le porteur")
    with pytest.raises(Refused, match="expert_without_conflict"):
        ask(walk, expert_email="carrier@binome.example", expert_name="Le porteur lui-même")


def test_a_colleague_who_has_the_question_or_is_retired_is_refused(walk: Walk) -> None:
    number = ask(walk)
    other = ask(walk, expert_email="collegue@binome.example", expert_name="Collègue")
    as_expert(walk, "propose_colleague", number, **COLLEAGUE)
    with pytest.raises(Refused, match="colleague_not_asked"):
        walk.act("instructor 1", "hand_over", number)
    walk.act("instructor 1", "revoke", other, reason="Il répondra pour l'autre")
    edit(walk, "retire", the_expert(walk, "collegue@binome.example").id)
    with pytest.raises(Refused, match="colleague_not_retired"):
        walk.act("instructor 1", "hand_over", number)
    edit(walk, "bring_back", the_expert(walk, "collegue@binome.example").id)
    walk.act("instructor 1", "hand_over", number)


def test_nothing_is_handed_over_on_the_last_day_or_once_the_dossier_is_withdrawn(walk: Walk) -> None:
    number = ask(walk, days=5)
    as_expert(walk, "propose_colleague", number, **COLLEAGUE)
    walk.later(days=5)
    with pytest.raises(Refused, match="time_for_colleague"):
        walk.act("instructor 1", "hand_over", number)
    due = (walk.now + timedelta(days=9)).date().isoformat()
    walk.act("instructor 1", "extend", number, due_on=due)
    walk.act("carrier", "withdraw", reason="Abandon")
    with pytest.raises(Refused, match="still_instructed"):
        walk.act("instructor 1", "hand_over", number)


# --- the directory ---------------------------------------------------------------------------------------------------


def edit(walk: Walk, name: str, *given: Any, who: str = "animator") -> Any:
    with walk.database.write() as session:
        return getattr(directory, name)(session, walk.world.actor(session, who), *given, walk.now)


def read(walk: Walk, text: str = "", *, retired: bool | None = False) -> query.Directory:
    with walk.database.read() as session:
        return query.directory(session, walk.world.actor(session, "instructor 1"), text, retired, 1)


def test_an_address_stands_once_in_the_directory(walk: Walk) -> None:
    made = edit(walk, "add_expert", {"name": "Architecte", "email": "A@b.example", "subject": "Locaux"})
    with pytest.raises(Invalid) as twice:
        edit(walk, "add_expert", {"name": "Autre", "email": "a@B.example"}, who="administrator")
    assert list(twice.value.fields) == ["email"]
    with pytest.raises(Invalid):
        edit(walk, "update_expert", made.id, {"name": "Architecte", "email": "expert@binome.example"})
    edit(walk, "update_expert", made.id, {"name": "Architecte", "email": "c@b.example", "subject": "Accès"})
    kept = journaled(walk, "update_expert")
    assert kept.details == {"before": {"subject": "Locaux"}, "after": {"subject": "Accès", "contact": "changed"}}
    for who in ("instructor 1", "transversal", "carrier"):
        with pytest.raises(Forbidden):
            edit(walk, "retire", made.id, who=who)


def test_interests_are_noted_once_and_taken_back(walk: Walk) -> None:
    number, carrier = the_expert(walk).id, walk.world.organisation_id
    edit(walk, "declare", number, {"organisation_id": carrier})
    assert [row.name for row in read(walk).interests[number]] == ["Association Exemple"]
    for wrong in (carrier, 0):
        with pytest.raises(Invalid):
            edit(walk, "declare", number, {"organisation_id": wrong})
    with pytest.raises(Refused, match="expert_without_conflict"):
        ask(walk)
    edit(walk, "withdraw_interest", number, carrier)
    ask(walk)
    assert journaled(walk, "withdraw_interest").subject == f"expert:{number}"


def test_a_retired_expert_is_asked_no_more_and_what_they_were_asked_goes_on(walk: Walk) -> None:
    number = ask(walk)
    edit(walk, "retire", the_expert(walk).id)
    edit(walk, "retire", the_expert(walk).id)
    assert journaled(walk, "retire_expert").role == "animator"
    for named in ({"expert_ids": [the_expert(walk).id]}, {"expert_email": "expert@binome.example"}):
        with pytest.raises(Refused, match="expert_not_retired"):
            ask(walk, **named)
    assert read(walk).page.rows == []
    for asked in (True, None):
        assert [row.name for row in read(walk, retired=asked).page.rows] == ["Experte addictologie"]
    as_expert(walk, "answer", number, stance="favourable", answer="Oui")
    edit(walk, "bring_back", the_expert(walk).id)
    ask(walk)


def test_the_directory_counts_questions_and_says_in_how_many_days_half_are_answered(walk: Walk) -> None:
    number = the_expert(walk).id
    assert read(walk, "addicto").asked == {}
    for days in (1, 9, 3, 4):
        question = ask(walk)
        walk.later(days=days)
        as_expert(walk, "answer", question, stance="favourable", answer="Oui")
    late = ask(walk, days=2)
    walk.later(days=3).act_as_system("expire", late)
    ask(walk)
    assert read(walk, "ADDICTIONS").asked[number] == query.Asked(asked=6, answered=4, expired=1, open=1, days=4)
    assert read(walk, "parentalité").page.rows == []
