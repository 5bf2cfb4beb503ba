"""Coming in, going out, and the links that work once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, url_for
from sqlalchemy import func, select

from notifications.compose import LINKS
from tests.web.browser import Browser
from tests.web.conftest import PASSWORD
from tests.web.pages import Page
from workflow import clock, links
from workflow.db import Database
from workflow.models import ApiToken, Outbox, Person, SecretLink

NEW = "sept navires oranges chantent"


@pytest.fixture
def link(database: Database) -> Callable[..., str]:
    """Makes a link of a purpose for a person; returns its token."""

    def make(purpose: str, who: Person, age: timedelta = timedelta(0)) -> str:
        with database.write() as session:
            return links.token(links.make(session, purpose, {"person_id": who.id}, clock.now() - age).id, purpose)

    return make


def test_sign_in_and_out(browser: Browser, person: Callable[..., Person]) -> None:
    someone = person(name="Animatrice Santé")
    form = browser.page("/connexion").form("/connexion")
    assert set(form.fields) == {"csrf_token", "email", "password"}
    answer = browser.post("/connexion", {"email": f" {someone.email.upper()} ", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Animatrice Santé" in browser.get("/compte").text
    assert browser.get("/connexion").status_code == 302
    assert browser.post("/deconnexion").headers["Location"] == "/connexion"
    assert browser.get("/compte").status_code == 302


@pytest.mark.parametrize("account", ["known", "unknown"])
def test_a_wrong_password_says_no_more_than_an_unknown_address(
    browser: Browser, person: Callable[..., Person], account: str
) -> None:
    email = person().email if account == "known" else "nobody@binome.test"
    answer = browser.post("/connexion", {"email": email, "password": "wrong"})
    assert answer.status_code == 401
    assert "Adresse ou mot de passe incorrect." in answer.text
    assert Page(answer.text).form("/connexion").fields["email"] == email
    assert "wrong" not in answer.text


def test_too_many_attempts_are_not_heard(browser: Browser, person: Callable[..., Person]) -> None:
    email = person().email
    answers = [browser.post("/connexion", {"email": email, "password": "wrong"}).status_code for _ in range(5)]
    assert answers == [401] * 5
    refused = browser.post("/connexion", {"email": email, "password": PASSWORD})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60
    assert "Attendez" in refused.text


@pytest.mark.parametrize(
    "data", [{}, {"email": "a" * 5000, "password": "b" * 5000}, {"email": "\ud800\x00", "password": "\x00"}]
)
def test_odd_input_at_sign_in_is_only_wrong(browser: Browser, data: dict[str, str]) -> None:
    sent = {name: value.encode("utf-8", "replace") for name, value in data.items()}
    assert browser.post("/connexion", sent).status_code == 401


def test_forgotten_passwords_answer_the_same_for_everybody(
    browser: Browser, person: Callable[..., Person], database: Database
) -> None:
    someone = person()
    known = browser.post("/mot-de-passe-oublie", {"email": someone.email})
    unknown = browser.post("/mot-de-passe-oublie", {"email": "nobody@binome.test"})
    assert known.status_code == unknown.status_code == 200
    assert Page(known.text).text == Page(unknown.text).text
    with database.read() as session:
        assert session.scalars(select(Outbox.person_id)).all() == [someone.id]


def test_a_link_is_used_up_by_the_choice_not_by_the_reading(
    app: Flask, person: Callable[..., Person], link: Callable[..., str]
) -> None:
    someone = person()
    url = f"/mot-de-passe/{link('reset', someone)}"
    other = Browser(app).sign_in(someone)
    browser = Browser(app)
    assert browser.get(url).status_code == browser.get(url).status_code == 200
    assert browser.post(url, {"password": NEW, "again": NEW}).status_code == 303
    assert browser.get("/compte").status_code == 200, "the one who chose it is signed in"
    assert other.get("/compte").status_code == 302, "earlier sessions are over"
    assert Browser(app).get(url).status_code == 404
    assert Browser(app).post(url, {"password": NEW, "again": NEW}).status_code == 404
    assert Browser(app).post("/connexion", {"email": someone.email, "password": NEW}).status_code == 303


def test_an_invitation_opens_the_account(
    browser: Browser, person: Callable[..., Person], link: Callable[..., str]
) -> None:
    someone = person()
    url = f"/invitation/{link('invitation', someone)}"
    assert browser.page(url).h1 == ["Bienvenue dans Binôme"]
    answer = browser.post(url, {"password": NEW, "again": NEW})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"password": NEW, "again": "autre chose"}, "différents"),
        ({"password": "court", "again": "court"}, "Douze caractères"),
        ({"password": "motdepasse123", "again": "motdepasse123"}, "se devine"),
        ({}, "Douze caractères"),
    ],
)
def test_a_bad_choice_is_said_and_leaves_the_link(
    browser: Browser, person: Callable[..., Person], link: Callable[..., str], typed: dict[str, str], said: str
) -> None:
    url = f"/invitation/{link('invitation', person())}"
    answer = browser.post(url, typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert browser.get(url).status_code == 200


def test_dead_links_look_alike(browser: Browser, person: Callable[..., Person], link: Callable[..., str]) -> None:
    someone = person()
    old = link("reset", someone, timedelta(hours=2))
    other_purpose = link("invitation", someone)
    forged = "1-" + "0" * 40
    texts = set()
    for token in (old, other_purpose, forged, "x", "1", "-", "é" * 50):
        answer = browser.get(f"/mot-de-passe/{token}")
        assert answer.status_code == 404
        texts.add(Page(answer.text).text)
    assert len(texts) == 1


def test_the_account_page_shows_roles_and_changes_name_and_language(
    as_person: Callable[[Person], Browser], person: Callable[..., Person], database: Database
) -> None:
    someone = person("administrator")
    browser = as_person(someone)
    page = browser.page("/compte")
    assert "Administrateur" in page.text
    assert page.form("/compte/profil").fields["name"] == "administrator"
    assert browser.post("/compte/profil", {"name": "Directrice", "locale": "en"}).status_code == 303
    assert '<html lang="en">' in browser.get("/compte").text
    wrong = browser.post("/compte/profil", {"name": "", "locale": "xx"})
    assert wrong.status_code == 422
    with database.read() as session:
        kept = session.get_one(Person, someone.id)
        assert (kept.name, kept.locale) == ("Directrice", "en")


def test_changing_the_password_ends_the_other_sessions(app: Flask, person: Callable[..., Person]) -> None:
    someone = person()
    here, there = Browser(app).sign_in(someone), Browser(app).sign_in(someone)
    wrong = here.post("/compte/mot-de-passe", {"current": "no", "password": NEW, "again": NEW})
    assert wrong.status_code == 422
    assert "actuel incorrect" in wrong.text
    right = here.post("/compte/mot-de-passe", {"current": PASSWORD, "password": NEW, "again": NEW})
    assert right.status_code == 303
    assert here.get("/compte").status_code == 200
    assert there.get("/compte").status_code == 302


def test_a_token_is_shown_once_and_revoked_by_its_owner(
    app: Flask, person: Callable[..., Person], database: Database
) -> None:
    someone = person()
    browser = Browser(app).sign_in(someone)
    assert browser.post("/compte/jetons", {"label": ""}).status_code == 422
    made = browser.post("/compte/jetons", {"label": "Tableau de bord", "scopes": "read", "days": "30"})
    assert made.status_code == 200
    assert made.text.count("binome_") == 1
    assert "binome_" not in browser.get("/compte").text
    with database.read() as session:
        token = session.scalars(select(ApiToken)).one()
    assert token.scopes == ["read"]
    stranger = Browser(app).sign_in(person())
    assert stranger.post(f"/compte/jetons/{token.id}/revoquer").status_code == 404
    assert browser.post(f"/compte/jetons/{token.id}/revoquer").status_code == 303
    assert "Tableau de bord" not in browser.get("/compte").text


def test_nothing_happens_when_someone_only_looks(
    app: Flask, person: Callable[..., Person], link: Callable[..., str], database: Database
) -> None:
    someone = person()
    token = link("invitation", someone)
    browser = Browser(app)
    for url in ("/connexion", "/mot-de-passe-oublie", f"/invitation/{token}"):
        browser.get(url)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Outbox)) == 0
        assert session.scalars(select(SecretLink.ended_at)).all() == [None]


def test_mailed_links_lead_to_their_pages(app: Flask) -> None:
    pages = {"invitation": "auth.accept", "reset": "auth.reset"}
    mailed = {link.purpose: link.path for link in LINKS.values()}
    with app.test_request_context():
        assert {purpose: url_for(page, token="x") for purpose, page in pages.items()} == {
            purpose: f"/{mailed[purpose]}/x" for purpose in pages
        }
