"""Every route says who may come in; what comes in is checked, and what goes out is guarded."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.web.browser import Browser
from tests.web.conftest import PASSWORD
from web import logs, security
from workflow.db import Database
from workflow.models import Person

SECRET = "12-" + "a" * 40


def test_a_route_without_declared_access_is_an_error(app: Flask) -> None:
    app.add_url_rule("/oubli", "forgotten_declaration", lambda: "seen")
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(security.Undeclared):
        app.test_client().get("/oubli")


def test_access_needs_a_name() -> None:
    with pytest.raises(security.Undeclared):
        security.access()


def test_headers_stand_on_pages_errors_and_redirects(browser: Browser) -> None:
    for url in ("/connexion", "/nulle-part", "/compte"):
        headers = browser.get(url).headers
        assert headers["Content-Security-Policy"] == security.POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


def test_the_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in security.POLICY
    assert "default-src 'none'" in security.POLICY


def test_over_https_cookies_are_secure_and_browsers_told_to_stay(
    make_app: Callable[..., Flask], sqlite_url: str
) -> None:
    app = make_app(sqlite_url, BASE_URL="https://binome.test", PROXIES="1")
    answer = app.test_client().get("/connexion", headers={"X-Forwarded-Proto": "https"})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-binome=")
    assert all(flag in cookie for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_without_a_proxy_nobody_may_say_where_they_come_from(app: Flask) -> None:
    with app.test_request_context(
        environ_base={"REMOTE_ADDR": "127.0.0.1"}, headers={"X-Forwarded-For": "203.0.113.9"}
    ):
        assert security.remote_address() == "127.0.0.1"


def test_static_files_are_kept_a_year_under_an_address_that_changes_with_them(browser: Browser) -> None:
    page = browser.get("/connexion").text
    address = next(part for part in page.split('"') if part.startswith("/static/binome.css?v="))
    with browser.client.get(address) as answer:
        assert "max-age=31536000" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("url", ["/connexion", "/mot-de-passe-oublie", "/deconnexion", "/invitation/1-a"])
def test_a_form_without_its_token_is_refused_in_words(app: Flask, url: str) -> None:
    answer = app.test_client().post(url, data={"email": "a@b.fr"})
    assert answer.status_code == 400
    assert "formulaire" in answer.text


def test_visitors_are_led_to_sign_in_and_back(browser: Browser, person: Callable[..., Person]) -> None:
    someone = person()
    answer = browser.get("/compte?x=1")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/connexion?next=/compte?x%3D1"
    form = {"email": someone.email, "password": PASSWORD, "next": "/compte?x=1"}
    assert browser.post("/connexion", form).headers["Location"] == "/compte?x=1"


@pytest.mark.parametrize(
    "target", ["https://elsewhere.test/", "//elsewhere.test", "/\\elsewhere.test", "/\t/elsewhere.test", "elsewhere"]
)
def test_nobody_is_led_elsewhere(browser: Browser, person: Callable[..., Person], target: str) -> None:
    answer = browser.post("/connexion", {"email": person().email, "password": PASSWORD, "next": target})
    assert answer.headers["Location"] == "/"


def test_a_session_ends_with_the_credentials_it_was_opened_with(
    as_person: Callable[[Person], Browser], person: Callable[..., Person], database: Database
) -> None:
    someone = person()
    browser = as_person(someone)
    assert browser.get("/compte").status_code == 200
    with database.write() as session:
        session.get_one(Person, someone.id).credentials_version += 1
    assert browser.get("/compte").status_code == 302


def test_a_closed_account_has_no_session(
    as_person: Callable[[Person], Browser], person: Callable[..., Person], database: Database
) -> None:
    someone = person()
    browser = as_person(someone)
    with database.write() as session:
        session.get_one(Person, someone.id).active = False
    assert browser.get("/compte").status_code == 302


@pytest.mark.parametrize("identifier", ["", "1", "x:1", "1:x", "1:", ":1", "999999:1", "٣:1", "9" * 30 + ":1"])
def test_a_forged_session_is_nobody(app: Flask, identifier: str) -> None:
    browser = Browser(app)
    with browser.client.session_transaction() as session:
        session["_user_id"] = identifier
    assert browser.get("/compte").status_code == 302


def test_signing_in_drops_what_the_session_held_but_the_language(
    browser: Browser, person: Callable[..., Person]
) -> None:
    browser.get("/connexion?lang=en")
    with browser.client.session_transaction() as session:
        session["planted"] = "before"
    browser.post("/connexion", {"email": person().email, "password": PASSWORD})
    with browser.client.session_transaction() as session:
        assert "planted" not in session
        assert "csrf_token" not in session
        assert session["lang"] == "en"


def test_too_much_is_refused_in_words(browser: Browser) -> None:
    answer = browser.post("/mot-de-passe-oublie", {"email": "x" * 1_100_000})
    assert answer.status_code == 413
    assert "taille" in answer.text


def test_logs_hold_no_secret(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    browser.get(f"/mot-de-passe/{SECRET}")
    browser.post("/connexion", {"email": "who@binome.test", "password": "tell nobody"})
    written = capsys.readouterr().err
    assert '"path": "/mot-de-passe/…"' in written or "/mot-de-passe/\\u2026" in written
    assert SECRET not in written
    assert "tell nobody" not in written
    assert "who@binome.test" not in written


def test_unexpected_errors_are_logged_without_secrets(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    @security.access("public")
    def broken(token: str) -> str:
        raise ZeroDivisionError(len(token))

    app.add_url_rule("/casse/<token>", "broken", broken)
    answer = Browser(app).get(f"/casse/{SECRET}")
    written = capsys.readouterr().err
    assert answer.status_code == 500
    assert "enregistrée" in answer.text
    assert "ZeroDivisionError" in written
    assert SECRET not in written


def test_redaction_knows_links_and_tokens() -> None:
    assert logs.redacted(f"/a/{SECRET}/b") == "/a/…/b"
    assert logs.redacted("/x/binome_" + "Z" * 43) == "/x/…"
    assert logs.redacted("/dossiers/12") == "/dossiers/12"
