"""The expert's page: opened by the link alone, it shows the question and the action, and takes one answer."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import select, update

from tests.factories import NOW, Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from workflow import links
from workflow.errors import Invalid, Refused
from workflow.models import Consultation, Document, Dossier, Expert, ExpertInterest, Outbox, SecretLink

QUESTION = "Le protocole est-il adapté ?"
SECRET = "Ce que pense un instructeur"


def consulted(town: Town) -> Walk:
    """A dossier whose expert is asked, with one opinion sealed beside."""
    walk = town.walk().assigned()
    amounts = {str(line): 1_357_00 for line in walk.lines().values()}
    walk.act("instructor 1", "seal_opinion", verdict="deferred", strengths=SECRET, amounts=amounts)
    with town.database.read() as session:
        expert = session.scalars(select(Expert.id)).one()
    due = (walk.now + timedelta(days=20)).date().isoformat()
    walk.act("instructor 1", "consult_expert", expert_ids=[expert], question=QUESTION, due_on=due)
    return walk


def address(town: Town) -> str:
    """The mailed address of the last question."""
    with town.database.read() as session:
        link = session.scalars(
            select(SecretLink.id).where(SecretLink.purpose == "expert").order_by(SecretLink.id)
        ).all()
    return f"/expert/{links.token(link[-1], 'expert')}"


def consultation(town: Town) -> Consultation:
    with town.database.read() as session:
        return session.scalars(select(Consultation).order_by(Consultation.id.desc())).first() or Consultation()


def test_the_link_shows_the_question_and_the_action_and_nothing_else(town: Town) -> None:
    consulted(town)
    answer = Browser(town.app).get(address(town))
    assert answer.status_code == 200
    page = Page(answer.text)
    for text in (
        QUESTION,
        "Ateliers sans alcool",
        "Des ateliers pour les jeunes",
        "Jeunes de 16",
        "Association Exemple",
    ):
        assert text in page.text
    assert "10 000" in page.text.replace("\u202f", " "), "the cost of the action"
    for text in (SECRET, "357", "Rôle instructor", "différer"):
        assert text not in page.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "noindex" in answer.text


def test_an_answer_is_sent_once(town: Town) -> None:
    walk = consulted(town)
    browser, url = Browser(town.app), address(town)
    form = browser.page(url).form(url)
    empty = browser.post(url, {**form.fields, "stance": "favourable", "answer": ""})
    assert empty.status_code == 409
    assert "vide" in Page(empty.text).text
    too_long = browser.post(url, {**form.fields, "stance": "favourable", "answer": "x" * 6000})
    assert too_long.status_code == 422
    assert "x" * 6000 in too_long.text
    sent = browser.post(url, {**form.fields, "stance": "favourable", "answer": "Oui, avec un suivi."})
    assert sent.status_code == 303
    assert "transmise" in browser.page(sent.headers["Location"]).text
    assert (consultation(town).state, consultation(town).answer) == ("answered", "Oui, avec un suivi.")
    assert walk.state == "assigned"
    assert browser.get(url).status_code == 404
    assert browser.post(url, {"act": "answer", "stance": "favourable", "answer": "Non"}).status_code == 404
    assert consultation(town).answer == "Oui, avec un suivi."


def test_declining_needs_a_reason(town: Town) -> None:
    walk = consulted(town)
    browser, url = Browser(town.app), address(town)
    assert browser.post(url, {"act": "decline", "reason": " "}).status_code == 409
    sent = browser.post(url, {"act": "decline", "reason": "Hors de mon domaine"})
    assert sent.status_code == 303
    assert "ne pouvez pas répondre" in browser.page(sent.headers["Location"]).text
    assert (consultation(town).state, consultation(town).reason) == ("declined", "Hors de mon domaine")
    assert walk.state == "assigned"


def test_the_link_opens_no_other_act(town: Town) -> None:
    consulted(town)
    for act in ("revoke", "expire", "issue_opinion", "", "answer2"):
        typed = {"act": act, "reason": "x", "stance": "favourable", "answer": "x"}
        answer = Browser(town.app).post(address(town), typed)
        assert answer.status_code == 200
        assert consultation(town).state == "asked"


def test_a_dead_link_says_what_to_do_and_not_why(town: Town) -> None:
    consulted(town)
    for token in ("1-abc", "x", "999999999999999999999-a", "1-" + "0" * 40, "merci2", "1-é"):
        for answer in (Browser(town.app).get(f"/expert/{token}"), Browser(town.app).post(f"/expert/{token}")):
            assert answer.status_code == 404
            assert "Que faire ?" in answer.text
            assert QUESTION not in answer.text
            assert "noindex" in answer.headers["X-Robots-Tag"]


def test_a_link_of_another_kind_or_ended_is_dead(town: Town) -> None:
    walk = consulted(town)
    url = address(town)
    with town.database.write() as session:
        tracking = links.make(session, "tracking", {"dossier_id": walk.dossier_id}, walk.now)
        other = links.token(tracking.id, "tracking")
    assert Browser(town.app).get(f"/expert/{other}").status_code == 404
    walk.act("instructor 2", "revoke", consultation(town).id, reason="Trouvé")
    assert Browser(town.app).get(url).status_code == 404


def test_a_question_closed_behind_the_link_is_dead(town: Town) -> None:
    walk = consulted(town)
    url = address(town)
    walk.act("instructor 2", "revoke", consultation(town).id, reason="Trouvé")
    with town.database.write() as session:
        session.execute(update(SecretLink).values(ended_at=None))
    assert Browser(town.app).get(url).status_code == 404


def test_one_link_answers_its_own_question_only(town: Town) -> None:
    consulted(town)
    first = address(town)
    second = consulted(town)
    Browser(town.app).post(first, {"act": "answer", "stance": "favourable", "answer": "La première"})
    assert consultation(town).state == "asked", "the second is still open"
    assert second.state == "expert_consulted"


def test_a_withdrawn_dossier_asks_nothing_more(town: Town) -> None:
    consulted(town).act("carrier", "withdraw", reason="Abandon")
    assert Browser(town.app).get(address(town)).status_code == 404


def test_a_forged_form_is_refused(town: Town) -> None:
    consulted(town)
    answer = Browser(town.app).client.post(address(town), data={"act": "answer", "stance": "favourable", "answer": "x"})
    assert answer.status_code == 400
    assert consultation(town).state == "asked"


# --- several, documents, more time, too late -----------------------------------------------------------------------


def expert(town: Town, name: str) -> int:
    with town.database.write() as session:
        row = Expert(name=name, email=f"{name.lower()}@binome.example", subject="Santé", created_at=NOW)
        session.add(row)
        session.flush()
        return row.id


def due(walk: Walk, days: int) -> str:
    return (walk.now + timedelta(days=days)).date().isoformat()


def test_several_are_asked_at_once_each_by_a_link_of_their_own(town: Town) -> None:
    walk = town.walk().assigned()
    asked = [expert(town, name) for name in ("Experte-A", "Experte-B")]
    there = f"/dossiers/{walk.dossier_id}/actes/consult_expert"
    browser = town.browser("instructor 1")
    fields = browser.page(there).form(there).fields
    data = {**fields, "question": QUESTION, "due_on": due(walk, 20), "expert_ids": [str(one) for one in asked]}
    assert browser.post(there, data).status_code == 303
    with town.database.read() as session:
        rows = session.scalars(select(Consultation).order_by(Consultation.id)).all()
        mails = session.scalars(select(Outbox).where(Outbox.kind == "consultation_asked")).all()
    assert [row.expert_id for row in rows] == asked
    assert {mail.address for mail in mails} == {"experte-a@binome.example", "experte-b@binome.example"}
    assert len({mail.payload["link_id"] for mail in mails}) == 2
    assert not any("each" in mail.payload for mail in mails), "nobody's message holds another's link"
    Browser(town.app).post(address(town), {"act": "answer", "stance": "unfavourable", "answer": "Non, risque réel"})
    desk = browser.page(f"/instruction/{walk.dossier_id}").text
    assert "1 question(s) close(s) sur 2" in desk
    assert "Défavorable" in desk
    first = f"/expert/{links.token(mails[0].payload['link_id'], 'expert')}"
    assert "risque réel" not in Browser(town.app).page(first).text


def test_one_with_an_interest_among_several_is_refused(town: Town) -> None:
    walk = town.walk().assigned()
    asked = [expert(town, name) for name in ("Experte-A", "Experte-B")]
    with town.database.write() as session:
        session.add(ExpertInterest(expert_id=asked[1], organisation_id=town.world.organisation_id))
    with pytest.raises(Refused):
        walk.act("instructor 1", "consult_expert", expert_ids=asked, question=QUESTION, due_on=due(walk, 20))
    with pytest.raises(Invalid):
        walk.act("instructor 1", "consult_expert", expert_ids=[999], question=QUESTION, due_on=due(walk, 20))


def test_an_answer_takes_a_stance(town: Town) -> None:
    consulted(town)
    url = address(town)
    missing = Browser(town.app).post(url, {"act": "answer", "answer": "Oui"})
    assert missing.status_code == 422
    assert "Oui" in missing.text
    odd = Browser(town.app).post(url, {"act": "answer", "stance": "perhaps", "answer": "Oui"})
    assert odd.status_code == 422
    assert consultation(town).state == "asked"


def test_an_expert_reads_the_documents_chosen_and_no_other(town: Town) -> None:
    walk = town.walk().submitted()
    browser = town.browser("carrier")
    there = f"/dossiers/{walk.dossier_id}/actes/attach_document"
    for name in ("choisi.pdf", "garde.pdf"):
        fields = browser.page(there).form(there).fields
        file = (BytesIO(b"%PDF-1.4 " + name.encode()), name)
        assert browser.post(there, {**fields, "kind": "quote", "file": file}).status_code == 303
    people = town.world.people
    walk.act("animator", "assign", first_id=people["instructor 1"], second_id=people["instructor 2"])
    with town.database.read() as session:
        chosen, kept = session.scalars(select(Document.id).order_by(Document.id)).all()
    asked = {"expert_ids": [expert(town, "Experte-A")], "question": QUESTION, "due_on": due(walk, 20)}
    walk.act("instructor 1", "consult_expert", documents=[chosen], **asked)
    url = address(town)
    text = Browser(town.app).page(url).text
    assert "choisi.pdf" in text
    assert "garde.pdf" not in text
    sent = Browser(town.app).get(f"{url}/documents/{chosen}")
    assert sent.data == b"%PDF-1.4 choisi.pdf"
    sent.close()
    assert Browser(town.app).get(f"{url}/documents/{kept}").status_code == 404
    with pytest.raises(Invalid):
        walk.act("instructor 1", "consult_expert", documents=[chosen + 99], **asked)


def test_more_time_is_given_and_told(town: Town, at: Callable[[datetime], None]) -> None:
    walk = consulted(town)
    there = f"/dossiers/{walk.dossier_id}/consultations/{consultation(town).id}/actes/extend"
    browser = town.browser("instructor 2")
    fields = browser.page(there).form(there).fields
    assert browser.post(there, {**fields, "due_on": due(walk, 10)}).status_code == 422
    assert browser.post(there, {**fields, "due_on": due(walk, 40)}).status_code == 303
    assert consultation(town).due_on.isoformat() == due(walk, 40)
    with town.database.read() as session:
        dossier = session.get_one(Dossier, walk.dossier_id)
        mail = session.scalars(select(Outbox).where(Outbox.kind == "consultation_extended")).one()
    assert dossier.due_on == date.fromisoformat(due(walk, 40))
    assert mail.address == "expert@binome.example"
    at(walk.now + timedelta(days=30))
    assert Browser(town.app).get(address(town)).status_code == 200
    with pytest.raises(Refused):  # it is not over yet
        walk.later(days=30).act_as_system("expire", consultation(town).id)


def test_what_comes_too_late_is_kept_as_a_note_and_waits_for_nobody(town: Town, at: Callable[[datetime], None]) -> None:
    walk = consulted(town)
    walk.later(days=30).act_as_system("expire", consultation(town).id)
    assert walk.state == "assigned"
    at(walk.now)
    browser, url = Browser(town.app), address(town)
    page = browser.page(url)
    assert "comme une note" in page.text
    assert browser.post(url, {"act": "answer", "stance": "favourable", "answer": "Oui"}).status_code == 409
    assert browser.post(url, {**page.form(url).fields, "answer": "Trop tard, mais oui"}).status_code == 303
    found = consultation(town)
    assert (found.state, found.answer, found.note) == ("expired", None, "Trop tard, mais oui")
    assert walk.state == "assigned"
    assert browser.get(url).status_code == 404, "one note is all"
    desk = town.browser("instructor 2").page(f"/instruction/{walk.dossier_id}").text
    assert "Note reçue après l'échéance" in desk


# --- a file, a colleague -------------------------------------------------------------------------------------------

ANSWER = {"act": "answer", "stance": "favourable", "answer": "Oui, voir la note jointe"}


def test_a_file_is_read_by_who_reads_the_answer_and_by_nobody_else(town: Town) -> None:
    walk = consulted(town)
    first = address(town)
    expert_id = expert(town, "Experte-A")
    walk.act("instructor 1", "consult_expert", expert_ids=[expert_id], question=QUESTION, due_on=due(walk, 20))
    number = consultation(town).id
    sent = Browser(town.app).post(address(town), {**ANSWER, "file": (BytesIO(b"%PDF-1.4 note"), "note.pdf")})
    assert sent.status_code == 303
    there = f"/dossiers/{walk.dossier_id}/consultations/{number}/fichier"
    for who in ("instructor 1", "instructor 2", "animator", "transversal"):
        browser = town.browser(who)
        assert there in browser.page(f"/dossiers/{walk.dossier_id}").links
        answer = browser.get(there)
        assert (answer.data, answer.headers["Cache-Control"]) == (b"%PDF-1.4 note", "no-store")
        assert "attachment" in answer.headers["Content-Disposition"]
        answer.close()
    assert there in town.browser("instructor 1").page(f"/instruction/{walk.dossier_id}").links
    for who in ("carrier", "instructor 3", "evaluator", "funder État", "controller", "administrator", "other carrier"):
        assert town.browser(who).get(there).status_code == 404, who
    assert Browser(town.app).get(there).status_code == 302
    assert "note.pdf" not in Browser(town.app).page(first).text, "the other expert knows of nothing"
    other = town.walk().submitted()
    assert town.browser("animator").get(there.replace("/1/", f"/{other.dossier_id}/", 1)).status_code == 404


def test_a_refused_file_says_why_and_loses_nothing_typed(town: Town) -> None:
    consulted(town)
    url = address(town)
    refused = Browser(town.app).post(url, {**ANSWER, "file": (BytesIO(b"MZ"), "note.pdf")})
    assert refused.status_code == 422
    page = Page(refused.text)
    assert "ne correspond pas à son nom" in page.text
    assert "choisissez-le de nouveau" in page.text
    assert page.form(url).fields["stance"] == "favourable"
    assert ANSWER["answer"] in page.text
    assert consultation(town).state == "asked"
    page = town.browser("instructor 1").page(f"/dossiers/{consultation(town).dossier_id}")
    assert not [link for link in page.links if link.endswith("/fichier")]
    nothing = town.browser("instructor 1").get(f"/dossiers/1/consultations/{consultation(town).id}/fichier")
    assert nothing.status_code == 404


def test_a_colleague_is_proposed_accepted_and_answers_by_a_link_of_their_own(town: Town) -> None:
    walk = consulted(town)
    first, browser = address(town), Browser(town.app)
    proposal = {
        "act": "propose_colleague",
        "colleague_name": "Collègue",
        "colleague_email": "pas une adresse",
        "reason": "C'est son métier",
    }
    wrong = browser.post(first, proposal)
    assert wrong.status_code == 422
    fields = next(form for form in Page(wrong.text).forms if "colleague_name" in form.names).fields
    assert (fields["colleague_name"], fields["colleague_email"]) == ("Collègue", "pas une adresse")
    assert Page(wrong.text).text.count("C'est son métier") == 1, "kept, and not in the other form"
    sent = browser.post(first, proposal | {"colleague_email": "collegue@binome.example"})
    assert "qui vous proposez" in browser.page(sent.headers["Location"]).text
    pending = browser.page(first)
    assert "Vous avez proposé Collègue" in pending.text
    assert "colleague_name" not in {name for form in pending.forms for name in form.names}

    acts = f"/dossiers/{walk.dossier_id}/consultations/{consultation(town).id}/actes"
    assert f"{acts}/hand_over" not in town.browser("animator").page(f"/dossiers/{walk.dossier_id}").links
    member = town.browser("instructor 2")
    for page in (f"/dossiers/{walk.dossier_id}", f"/instruction/{walk.dossier_id}"):
        text = member.page(page).text
        assert "Propose de laisser répondre Collègue" in text
        assert "C'est son métier" in text
    form = member.page(f"{acts}/hand_over").form(f"{acts}/hand_over")
    assert member.post(f"{acts}/hand_over", form.fields).status_code == 303
    assert browser.get(first).status_code == 404, "the former link stops at once"
    assert browser.post(first, ANSWER).status_code == 404
    second = address(town)
    page = browser.page(second)
    assert QUESTION in page.text
    assert "Experte addictologie" not in page.text
    assert browser.post(second, ANSWER).status_code == 303
    text = member.page(f"/dossiers/{walk.dossier_id}").text
    assert "Confiée à un collègue" in text
    assert "à la place de Experte addictologie" in text
    assert "1 question(s) close(s) sur 1" in member.page(f"/instruction/{walk.dossier_id}").text
    assert "Réponses d'experts : 1/1" in member.page("/instruction").text
    assert walk.state == "assigned"


def test_a_refused_colleague_is_told_with_the_reason_on_the_link(town: Town) -> None:
    walk = consulted(town)
    url, number = address(town), consultation(town).id
    proposal = {"colleague_name": "Collègue", "colleague_email": "carrier@binome.example", "reason": "C'est son métier"}
    assert Browser(town.app).post(url, {"act": "propose_colleague", **proposal}).status_code == 303
    there = f"/dossiers/{walk.dossier_id}/consultations/{number}/actes"
    member = town.browser("instructor 1")
    against = member.get(f"{there}/hand_over")
    assert against.status_code == 409
    assert "intérêt déclaré avec le porteur" in against.text
    fields = member.page(f"{there}/refuse_colleague").form(f"{there}/refuse_colleague").fields
    assert member.post(f"{there}/refuse_colleague", fields | {"reason": ""}).status_code == 409
    assert member.post(f"{there}/refuse_colleague", fields | {"reason": "Il porte l'action"}).status_code == 303
    page = Browser(town.app).page(url)
    assert "Il porte l'action" in page.text
    assert "carrier@binome.example" not in town.browser("animator").page(f"/dossiers/{walk.dossier_id}").text
    assert Browser(town.app).post(url, ANSWER).status_code == 303
