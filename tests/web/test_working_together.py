"""What binôme and animator say among themselves, and the carrier's answers, each accepted or returned with a word."""

import pytest
from sqlalchemy import delete, select

from tests.factories import Walk
from tests.web.conftest import Town
from workflow.errors import Forbidden, Invalid, Refused
from workflow.models import AssociatedInstance, Instance, InternalNote, JournalEntry, Outbox, Piece, RoleGrant, Route

NOTE = "Le loyer me paraît surestimé."


def at(walk: Walk, act: str) -> str:
    return f"/dossiers/{walk.dossier_id}/actes/{act}"


def told(town: Town, walk: Walk, kind: str) -> set[str]:
    with town.database.read() as session:
        rows = select(Outbox.person_id).where(Outbox.dossier_id == walk.dossier_id, Outbox.kind == kind)
        ids = set(session.scalars(rows))
    return {who for who, person_id in town.world.people.items() if person_id in ids}


# --- internal notes -------------------------------------------------------------------------------------------------


def test_a_note_is_written_on_the_desk_and_read_by_binome_and_animator_alone(town: Town) -> None:
    walk = town.walk().assigned()
    desk = f"/instruction/{walk.dossier_id}"
    browser = town.browser("instructor 1")
    form = browser.page(desk).form(at(walk, "write_note"))
    answer = browser.post(at(walk, "write_note"), {**form.fields, "body": NOTE})
    assert answer.location == f"{desk}#notes"
    assert NOTE in browser.page(desk).text
    for reader in ("instructor 2", "animator"):
        assert NOTE in town.browser(reader).page(f"/dossiers/{walk.dossier_id}").text
    for reader in ("carrier", "funder État", "transversal", "administrator", "evaluator", "instructor 3"):
        assert NOTE not in town.browser(reader).page(f"/dossiers/{walk.dossier_id}").text
    assert told(town, walk, "note_mention") == set(), "nobody is named in it"


@pytest.mark.parametrize("who", ["carrier", "funder État", "transversal", "instructor 3"])
def test_nobody_else_writes_a_note(town: Town, who: str) -> None:
    walk = town.walk().assigned()
    with pytest.raises(Forbidden):
        walk.act(who, "write_note", body=NOTE)
    assert town.browser(who).get(at(walk, "write_note")).status_code == 403


def test_who_is_chosen_or_written_with_an_at_sign_is_told_once(town: Town) -> None:
    walk = town.walk().assigned()
    people = town.world.people
    body = "Vu avec @role INSTRUCTOR 2, @Rôle instructor 22 et @Rôle instructor 1."
    walk.act("instructor 1", "write_note", body=body, mentions=[people["animator"]])
    assert told(town, walk, "note_mention") == {"animator", "instructor 2"}
    with town.database.read() as session:
        outbox = select(Outbox.payload).where(Outbox.dossier_id == walk.dossier_id, Outbox.kind == "note_mention")
        assert all("surestimé" not in str(payload) for payload in session.scalars(outbox))
        entry = session.scalars(select(JournalEntry).where(JournalEntry.act == "write_note")).one()
        assert body not in str(entry.details)
    assert "Prévenus : " in town.browser("animator").page(f"/dossiers/{walk.dossier_id}").text


def test_a_stranger_cannot_be_named_and_nothing_typed_is_lost(town: Town) -> None:
    walk = town.walk().assigned()
    browser = town.browser("instructor 1")
    form = browser.page(f"/dossiers/{walk.dossier_id}").form(at(walk, "write_note"))
    sent = {**form.fields, "body": NOTE, "mentions": str(town.world.people["carrier"])}
    answer = browser.post(at(walk, "write_note"), sent)
    assert answer.status_code == 422
    assert NOTE in answer.text
    assert "Choisissez dans la liste." in answer.text
    with town.database.read() as session:
        assert session.scalar(select(InternalNote.id)) is None


def test_who_leaves_the_binome_reads_its_notes_no_more(town: Town) -> None:
    walk = town.walk().assigned()
    people = town.world.people
    walk.act("instructor 1", "write_note", body=NOTE)
    walk.act("animator", "replace_member", leaver_id=people["instructor 1"], newcomer_id=people["instructor 3"])
    assert NOTE not in town.browser("instructor 1").get(f"/dossiers/{walk.dossier_id}").text
    assert NOTE in town.browser("instructor 3").page(f"/instruction/{walk.dossier_id}").text


# --- answers, one by one --------------------------------------------------------------------------------------------


def answered(town: Town) -> tuple[Walk, list[int]]:
    """A dossier of a binôme whose carrier was asked two things and answered both."""
    walk = town.walk().assigned()
    walk.act("instructor 1", "request_completion", pieces=["Comptes 2025", "Devis"], due_on="2026-11-30")
    pieces = [piece.id for piece in rows(town, walk)]
    walk.act("carrier", "complete", answers={str(piece): f"Voici {piece}" for piece in pieces})
    return walk, pieces


def rows(town: Town, walk: Walk) -> list[Piece]:
    with town.database.read() as session:
        found = session.scalars(select(Piece).where(Piece.dossier_id == walk.dossier_id).order_by(Piece.id)).all()
        session.expunge_all()
        return list(found)


def test_each_answer_is_accepted_or_returned_and_what_is_returned_is_asked_again(town: Town) -> None:
    walk, (accounts, quote) = answered(town)
    browser = town.browser("instructor 1")
    page = browser.page(f"/dossiers/{walk.dossier_id}")
    assert any(link.startswith(at(walk, "review_pieces")) for link in page.links)
    form = browser.page(at(walk, "review_pieces")).form(at(walk, "review_pieces"))
    sent = {
        **form.fields,
        f"verdicts-{accounts}": "accepted",
        f"verdicts-{quote}": "returned",
        f"words-{quote}": "Le devis n'est pas signé.",
        "due_on": "2026-12-05",
    }
    assert browser.post(at(walk, "review_pieces"), sent).status_code == 303
    assert walk.state == "incomplete"
    first, second, again = rows(town, walk)
    assert (first.verdict, second.verdict, again.verdict) == ("accepted", "returned", None)
    assert (again.label, again.follows_id, again.answered_at) == ("Devis", quote, None)
    assert second.answer == f"Voici {quote}", "what was answered is kept"
    assert told(town, walk, "pieces_reviewed") == {"carrier"}

    carrier = town.browser("carrier")
    assert "Le devis n'est pas signé." in carrier.page(at(walk, "complete")).text
    assert carrier.page(f"/dossiers/{walk.dossier_id}").text.count("Retournée") == 1
    walk.act("carrier", "complete", answers={str(again.id): "Le devis signé"})
    assert walk.state == "assigned", "it returns to its binôme"
    walk.act("instructor 2", "review_pieces", verdicts={str(again.id): "accepted"})
    assert walk.state == "assigned"
    with pytest.raises(Refused) as refused:
        walk.act("instructor 2", "review_pieces", verdicts={str(again.id): "returned"})
    assert [reason.code for reason in refused.value.reasons] == ["answers_to_review", "due_date_ahead"]


def test_what_is_returned_needs_a_word_and_a_day_and_loses_nothing_typed(town: Town) -> None:
    walk, (accounts, quote) = answered(town)
    browser = town.browser("animator")
    form = browser.page(at(walk, "review_pieces")).form(at(walk, "review_pieces"))
    sent = {
        **form.fields,
        f"verdicts-{accounts}": "accepted",
        f"words-{accounts}": "Merci bien",
        f"verdicts-{quote}": "returned",
    }
    without_day = browser.post(at(walk, "review_pieces"), sent)
    assert without_day.status_code == 409
    assert "Choisissez une date limite à partir de demain." in without_day.text
    without_word = browser.post(at(walk, "review_pieces"), {**sent, "due_on": "2026-12-05"})
    assert without_word.status_code == 422
    for text in ("Dites au porteur ce qui ne va pas.", "Merci bien"):
        assert text in without_word.text
    nothing = browser.post(at(walk, "review_pieces"), form.fields)
    assert "Acceptez ou retournez au moins une réponse." in nothing.text
    assert walk.state == "assigned"
    assert [piece.verdict for piece in rows(town, walk)] == [None, None]


def test_an_answer_is_reviewed_once_and_of_ones_own_dossier(town: Town) -> None:
    walk, (accounts, _) = answered(town)
    other, (strange, _) = answered(town)
    walk.act("instructor 1", "review_pieces", verdicts={str(accounts): "accepted"})
    for piece in (accounts, strange):
        with pytest.raises(Invalid) as invalid:
            walk.act("instructor 1", "review_pieces", verdicts={str(piece): "accepted"})
        assert invalid.value.fields["verdicts"] == {str(piece): ["Cette réponse a déjà été examinée."]}
    assert [piece.verdict for piece in rows(town, other)] == [None, None]


@pytest.mark.parametrize("who", ["carrier", "funder État", "transversal", "instructor 3"])
def test_nobody_else_reviews_answers(town: Town, who: str) -> None:
    walk, (accounts, _) = answered(town)
    with pytest.raises(Forbidden):
        walk.act(who, "review_pieces", verdicts={str(accounts): "accepted"})


# --- associated instances -------------------------------------------------------------------------------------------


def associated(town: Town) -> Walk:
    """A dossier to whose instance another is associated, which « novice » animates."""
    walk = town.walk().submitted()
    with town.database.write() as session:
        other = session.scalars(select(Instance.id).where(Instance.id != town.world.instance_id).limit(1)).one()
        session.execute(delete(AssociatedInstance).where(AssociatedInstance.dossier_id == walk.dossier_id))
        session.add(AssociatedInstance(dossier_id=walk.dossier_id, instance_id=other))
        grant = {"person_id": town.world.people["novice"], "role": "animator", "instance_id": other}
        session.add(RoleGrant(**grant, granted_at=walk.now))
    people = town.world.people
    walk.act("animator", "assign", first_id=people["instructor 1"], second_id=people["instructor 2"])
    return walk


def test_an_associated_instance_comments_and_those_who_instruct_read_it(town: Town) -> None:
    walk = associated(town)
    browser = town.browser("novice")
    here = f"/dossiers/{walk.dossier_id}"
    form = browser.page(here).form(at(walk, "comment"))
    assert browser.post(at(walk, "comment"), {**form.fields, "body": NOTE}).location == f"{here}#comments"
    for reader in ("novice", "animator", "instructor 1", "transversal"):
        assert NOTE in town.browser(reader).page(here).text
    for reader in ("carrier", "funder État", "instructor 3"):
        assert NOTE not in town.browser(reader).page(here).text
    assert told(town, walk, "comment_received") == {"animator", "instructor 1", "instructor 2"}


def test_an_associated_instance_does_nothing_else_and_reads_no_notes(town: Town) -> None:
    walk = associated(town)
    walk.act("instructor 1", "write_note", body=NOTE)
    assert NOTE not in town.browser("novice").page(f"/dossiers/{walk.dossier_id}").text
    for act, raw in (("write_note", {"body": "x"}), ("declare_inadmissible", {"reason": "x"}), ("arbitrate", {})):
        with pytest.raises(Forbidden):
            walk.act("novice", act, **raw)
    for who in ("animator", "instructor 1", "carrier", "transversal"):
        with pytest.raises(Forbidden):
            walk.act(who, "comment", body="x")


def test_associated_animators_are_told_of_a_deposit(town: Town) -> None:
    with town.database.write() as session:
        route = session.scalars(select(Route).where(Route.objective_id == town.world.objective_id).limit(1)).one()
        other = session.scalars(select(Instance).where(Instance.id != route.lead_id).limit(1)).one()
        route.associates = [other]
        grant = {"person_id": town.world.people["novice"], "role": "animator", "instance_id": other.id}
        session.add(RoleGrant(**grant, granted_at=town.walk().now))
    walk = town.walk().submitted()
    assert told(town, walk, "dossier_associated") == {"novice"}
