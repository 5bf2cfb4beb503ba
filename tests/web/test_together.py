"""One act on several dossiers: a result for each, what one is refused takes nothing from the others."""

import pytest
from sqlalchemy import select

from tests.factories import Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from workflow.models import InternalNote, Message

HERE = "/ensemble"


def form(browser: Browser, act: str, *walks: Walk) -> dict[str, str]:
    ticked = "".join(f"&dossier={walk.dossier_id}" for walk in walks)
    return browser.page(f"{HERE}?act={act}{ticked}&next=/instruction").form(HERE).fields


def send(browser: Browser, fields: dict[str, str], *walks: Walk, **typed: str) -> str:
    answer = browser.post(HERE, {**fields, "dossier": [str(walk.dossier_id) for walk in walks], **typed})
    assert answer.status_code == 200
    return answer.text


def sealed(town: Town) -> Walk:
    walk = town.walk().assigned()
    amounts = {str(line): 1_000_00 for line in walk.lines().values()}
    for who in ("instructor 1", "instructor 2"):
        walk.act(who, "seal_opinion", verdict="favourable", strengths="Bien", reservations="", amounts=amounts)
    return walk


def test_an_instructor_issues_several_opinions_and_reads_why_one_was_not(town: Town) -> None:
    ready, other, early = sealed(town), sealed(town), town.walk().assigned()
    browser = town.browser("instructor 1")
    bar = next(one for one in browser.page("/instruction").forms if one.action == HERE)
    assert {"dossier", "act"} <= bar.names
    text = send(browser, form(browser, "issue_opinion", ready, other, early), ready, other, early)
    assert (ready.state, other.state, early.state) == ("opinion", "opinion", "assigned")
    assert "2 dossiers traités." in text
    assert "1 dossier n'a pas pu l'être" in text
    assert "ne sont pas encore scellés (0 sur 2)." in text


def test_an_animator_tables_several_dossiers_at_once(town: Town) -> None:
    walks = [town.walk().opinion() for _ in range(3)]
    browser = town.browser("animator")
    assert HERE in {one.action for one in browser.page("/instance/dossiers").forms}
    send(browser, form(browser, "table", *walks), *walks, session_id=str(town.world.session_id))
    assert [walk.state for walk in walks] == ["funding_decision"] * 3


def test_what_is_typed_wrong_is_said_once_beside_its_field_and_nothing_is_done(town: Town) -> None:
    walks = [town.walk().assigned() for _ in range(2)]
    browser = town.browser("instructor 1")
    fields = form(browser, "request_completion", *walks)
    sent = {**fields, "dossier": [str(walk.dossier_id) for walk in walks], "pieces": "Statuts", "due_on": "demain"}
    answer = browser.post(HERE, sent)
    assert answer.status_code == 422
    assert "Date attendue" in answer.text
    assert "Statuts" in answer.text
    assert [walk.state for walk in walks] == ["assigned"] * 2
    text = send(browser, fields, *walks, pieces="Statuts", due_on="2020-01-01")
    assert text.count("Choisissez une date limite à partir de demain.") == 2


def test_a_form_sent_twice_does_nothing_twice(town: Town) -> None:
    walks = [town.walk().assigned() for _ in range(2)]
    browser = town.browser("instructor 1")
    fields = form(browser, "send_message", *walks)
    for _ in range(2):
        assert "2 dossiers traités." in send(browser, fields, *walks, body="Bonjour")
    # One goes back, types something else and sends: that is new, and must not be taken for done.
    assert "2 dossiers traités." in send(browser, fields, *walks, body="Bonjour encore")
    with town.database.read() as session:
        bodies = session.scalars(select(Message.body).order_by(Message.id)).all()
    assert bodies == ["Bonjour"] * 2 + ["Bonjour encore"] * 2


def test_a_dossier_that_changed_since_it_was_ticked_is_left_alone(town: Town) -> None:
    walk, other = sealed(town), sealed(town)
    browser = town.browser("instructor 1")
    fields = form(browser, "issue_opinion", walk, other)
    walk.act("animator", "set_effort", effort=3)
    text = send(browser, fields, walk, other)
    assert (walk.state, other.state) == ("assigned", "opinion")
    assert "1 dossier traité." in text


@pytest.mark.parametrize(("who", "act"), [("carrier", "write_note"), ("instructor 3", "issue_opinion")])
def test_nobody_does_together_what_they_may_not_do_alone(town: Town, who: str, act: str) -> None:
    walk = sealed(town)
    browser = town.browser(who)
    send(browser, form(browser, act, walk), walk, body="Une note")
    assert walk.state == "assigned"
    with town.database.read() as session:
        assert session.scalar(select(InternalNote.id)) is None


def test_dossiers_one_does_not_know_of_are_not_shown(town: Town) -> None:
    walk = town.walk().assigned()
    browser = town.browser("funder CAF")
    other = town.browser("novice")
    assert "Ateliers" in browser.page(f"{HERE}?act=send_message&dossier={walk.dossier_id}").text
    draft = town.walk().draft()
    assert "Aucun dossier choisi" in other.page(f"{HERE}?act=send_message&dossier={draft.dossier_id}").text
    assert "Aucun dossier choisi" in other.page(f"{HERE}?act=send_message&dossier=x&dossier=").text
    assert browser.get(f"{HERE}?act=assign&dossier={walk.dossier_id}").status_code == 404
