"""A control worked on without network: the worker, the page that stands in, what is sent when the network is back."""

from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.factories import NOW, Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from web import security
from workflow.models import LedgerLine, RoleGrant

SECOND = "controller 2"
LINE = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": "100,01"}
SESSION = "/hors-connexion/session"


def act_url(walk: Walk, act: str) -> str:
    return f"/dossiers/{walk.dossier_id}/controles/{walk.mission_id()}/actes/{act}"


def send(browser: Browser, url: str, key: str, **fields: Any) -> TestResponse:
    """As the script does: for a JSON answer, with a key of the request."""
    return browser.post(url, fields, headers={"Accept": "application/json", "Idempotency-Key": key})


def labels(town: Town) -> list[str]:
    with town.database.read() as session:
        return list(session.scalars(select(LedgerLine.label).order_by(LedgerLine.id)))


# --- what a device fetches ------------------------------------------------------------------------------------------


def test_the_worker_stands_at_the_root_and_is_asked_for_anew(town: Town) -> None:
    answer = Browser(town.app).get("/travailleur.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert 'addEventListener("fetch"' in answer.text
    assert "worker-src 'self'" in security.POLICY.split("; ")


def test_the_page_that_stands_in_names_nobody(town: Town) -> None:
    name = "Rôle controller"
    browser = town.browser("controller")
    page = browser.page("/hors-connexion")
    assert "Contrôles emportés" in page.text
    assert name not in page.text


def test_a_token_is_given_to_whose_session_it_is(town: Town) -> None:
    nobody = Browser(town.app).get(SESSION)
    assert nobody.json is not None
    assert nobody.json["person"] is None
    answer = town.browser("controller").get(SESSION)
    assert answer.json is not None
    assert answer.json["person"] == town.world.people["controller"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_token_opens_a_form_and_without_it_nothing_is_done(town: Town) -> None:
    walk = town.walk().announced()
    browser = town.browser("controller")
    token = (browser.get(SESSION).json or {})["csrf_token"]
    headers = {"Accept": "application/json", "Idempotency-Key": "k"}
    url = act_url(walk, "enter_expense")
    refused = browser.client.post(url, data=LINE, headers=headers)
    assert refused.status_code == 400
    assert (refused.json or {})["error"] == "csrf"
    done = browser.client.post(url, data=LINE, headers={**headers, "X-CSRFToken": token})
    assert done.status_code == 200
    assert labels(town) == ["Tables"]


def test_scripts_and_what_is_kept_stand_on_controllers_pages_alone(town: Town) -> None:
    for who, there in (("controller", True), ("animator", False)):
        text = town.browser(who).get("/").text
        assert ('id="kept"' in text) == there
        assert ("/static/offline.js" in text) == there


def test_a_control_is_offered_to_be_taken_along_while_it_can_be_worked_on_by_who_does(town: Town) -> None:
    walk = town.walk().drawn()
    page = f"/controles/{walk.mission_id()}"

    def offered(who: str) -> bool:
        return "data-carry-pages" in town.browser(who).get(page).text

    assert not offered("controller")
    walk.act("controller", "select_for_control")
    walk.act(SECOND, "join_control", walk.mission_id())
    walk.act("controller", "announce", walk.mission_id(), visit_on="2027-01-10")
    assert offered("controller")
    assert offered(SECOND)
    with town.database.write() as session:
        session.add(RoleGrant(person_id=town.world.people["instructor 3"], role="controller", granted_at=NOW))
    assert not offered("instructor 3")


# --- what it sends --------------------------------------------------------------------------------------------------


def test_what_is_sent_again_is_done_once(any_town: Town) -> None:
    walk = any_town.walk().announced()
    browser, url = any_town.browser("controller"), act_url(walk, "enter_expense")
    first, again = (send(browser, url, "one", **LINE, next=url) for _ in range(2))
    assert (first.status_code, first.json) == (200, again.json)
    assert first.json == {"done": "Dépense enregistrée au registre.", "overtaken": [], "next": url}
    assert labels(any_town) == ["Tables"]
    other = send(browser, url, "one", **{**LINE, "label": "Chaises"})
    assert other.status_code == 422, "a key is for one request"
    assert send(browser, url, "two", **LINE).status_code == 200
    assert labels(any_town) == ["Tables"] * 2
    assert send(browser, url, "with space", **LINE).status_code == 422


def test_what_was_refused_may_be_sent_again_under_its_key(town: Town) -> None:
    walk = town.walk().announced()
    browser, url = town.browser("controller"), act_url(walk, "enter_expense")
    wrong = send(browser, url, "one", **{**LINE, "amount_cents": "0"})
    assert wrong.status_code == 422
    assert wrong.json is not None
    assert list(wrong.json["fields"]) == ["amount_cents"]
    assert send(browser, url, "one", **LINE).status_code == 200


def test_to_remove_a_line_that_a_colleague_removed_is_done(any_town: Town) -> None:
    walk = any_town.walk().announced()
    url = act_url(walk, "strike_expense")
    for line in (LINE, {**LINE, "label": "Chaises"}):
        walk.act("controller", "enter_expense", walk.mission_id(), **line)
    for who in ("controller", SECOND):
        answer = send(any_town.browser(who), url, "one", line_id=1, seen=1)
        assert (answer.status_code, (answer.json or {})["done"]) == (200, "Dépense retirée du registre.")
    assert labels(any_town) == ["Chaises"]
    changed = send(any_town.browser("controller"), act_url(walk, "enter_expense"), "two", **LINE, line_id=1, seen=1)
    assert changed.status_code == 404


def test_the_key_of_one_person_is_not_that_of_another(town: Town) -> None:
    walk = town.walk().announced()
    url = act_url(walk, "enter_expense")
    for who in ("controller", SECOND):
        assert send(town.browser(who), url, "one", **LINE).status_code == 200
    assert labels(town) == ["Tables"] * 2


@pytest.mark.parametrize(("who", "status"), [("animator", 403), ("carrier", 403), ("other carrier", 404)])
def test_who_may_not_do_it_may_not_by_script(town: Town, who: str, status: int) -> None:
    walk = town.walk().announced()
    answer = send(town.browser(who), act_url(walk, "enter_expense"), "one", **{**LINE, "amount_cents": "0"})
    assert answer.status_code == status
    assert "fields" not in (answer.json or {})
    assert labels(town) == []


def test_a_session_that_ended_does_nothing(town: Town) -> None:
    walk = town.walk().announced()
    answer = send(Browser(town.app), act_url(walk, "enter_expense"), "one", **LINE)
    assert answer.headers["Location"].startswith("/connexion")
    assert labels(town) == []


def test_what_a_colleague_answered_elsewhere_in_the_grid_stands_and_is_named(town: Town) -> None:
    walk = town.walk().announced()
    url = act_url(walk, "fill_grid")
    mine = town.browser("controller")
    form = mine.page(url).form(url).fields
    theirs = town.browser(SECOND)
    there = {**theirs.page(url).form(url).fields, "answers-1-verdict": "compliant"}
    assert send(theirs, url, "theirs", **there).status_code == 200
    answer = send(mine, url, "mine", **form, **{"answers-2-verdict": "compliant"})
    assert (answer.json or {})["overtaken"] == ["Action réalisée"]
    again = send(mine, url, "mine", **form, **{"answers-2-verdict": "compliant"})
    assert again.json == answer.json
    clash = send(mine, url, "third", **form, **{"answers-1-verdict": "unverifiable"})
    assert clash.status_code == 409
    assert (clash.json or {})["reasons"][0]["code"] == "answers_unchanged"
    fields = mine.page(url).form(url).fields
    assert (fields["answers-1-verdict"], fields["answers-2-verdict"]) == ("compliant", "compliant")
