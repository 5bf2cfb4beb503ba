"""The expert's page: opened by the link alone, it shows the question and the action, and takes one answer."""

from datetime import timedelta

from sqlalchemy import select, update

from tests.factories import Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from workflow import links
from workflow.models import Consultation, Expert, SecretLink

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
    walk.act("instructor 1", "consult_expert", expert_id=expert, question=QUESTION, due_on=due)
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
    empty = browser.post(url, {**form.fields, "answer": ""})
    assert empty.status_code == 409
    assert "vide" in Page(empty.text).text
    too_long = browser.post(url, {**form.fields, "answer": "x" * 6000})
    assert too_long.status_code == 422
    assert "x" * 6000 in too_long.text
    sent = browser.post(url, {**form.fields, "answer": "Oui, avec un suivi."})
    assert sent.status_code == 303
    assert "transmise" in browser.page(sent.headers["Location"]).text
    assert (consultation(town).state, consultation(town).answer) == ("answered", "Oui, avec un suivi.")
    assert walk.state == "assigned"
    assert browser.get(url).status_code == 404
    assert browser.post(url, {"act": "answer", "answer": "Non"}).status_code == 404
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
        answer = Browser(town.app).post(address(town), {"act": act, "reason": "x", "answer": "x"})
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
    Browser(town.app).post(first, {"act": "answer", "answer": "La première"})
    assert consultation(town).state == "asked", "the second is still open"
    assert second.state == "expert_consulted"


def test_a_withdrawn_dossier_asks_nothing_more(town: Town) -> None:
    consulted(town).act("carrier", "withdraw", reason="Abandon")
    assert Browser(town.app).get(address(town)).status_code == 404


def test_a_forged_form_is_refused(town: Town) -> None:
    consulted(town)
    answer = Browser(town.app).client.post(address(town), data={"act": "answer", "answer": "x"})
    assert answer.status_code == 400
    assert consultation(town).state == "asked"
