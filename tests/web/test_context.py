"""What pages are given: language, navigation, sums and dates in words."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from tests.web.browser import Browser
from tests.web.conftest import Town
from web import context, formats
from web.security import access
from workflow.access import Actor, Grant
from workflow.models import Person


@pytest.mark.parametrize(
    ("cents", "french", "english"),
    [
        (125050, "1\u202f250,50\u202f€", "€1,250.50"),
        (100, "1\u202f€", "€1"),
        (0, "0\u202f€", "€0"),
        (-5, "-0,05\u202f€", "-€0.05"),
        (10_000_000_000_00, "10\u202f000\u202f000\u202f000\u202f€", "€10,000,000,000"),
        (None, "–", "–"),
    ],
)
def test_sums(app: Flask, cents: int | None, french: str, english: str) -> None:
    for lang, expected in (("fr", french), ("en", english)):
        with app.test_request_context(headers={"Accept-Language": lang}):
            assert formats.euros(cents) == expected


def test_days_and_moments_are_those_of_paris(app: Flask) -> None:
    late = datetime(2027, 6, 30, 22, 30, tzinfo=UTC)
    with app.test_request_context(headers={"Accept-Language": "fr"}):
        assert formats.day(date(2027, 1, 1)) == "1er janvier 2027"
        assert formats.moment(late) == "1er juillet 2027 à 00:30"
        assert formats.day(None) == formats.moment(None) == "–"
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert formats.day(date(2027, 1, 1)) == "1 January 2027"
        assert formats.moment(late) == "1 July 2027, 00:30"


@pytest.mark.parametrize(
    ("asked", "browser_says", "seen"),
    [(None, "", "fr"), (None, "en-GB,en;q=0.8", "en"), (None, "de", "fr"), ("en", "fr", "en"), ("xx", "en", "en")],
)
def test_the_language_of_a_visitor(browser: Browser, asked: str | None, browser_says: str, seen: str) -> None:
    url = f"/connexion?lang={asked}" if asked else "/connexion"
    page = browser.get(url, headers={"Accept-Language": browser_says}).text
    assert f'<html lang="{seen}">' in page


def test_the_language_asked_for_is_remembered_and_else_it_is_the_persons(
    as_person: Callable[[Person], Browser], person: Callable[..., Person]
) -> None:
    browser = as_person(person(locale="en"))
    assert '<html lang="en">' in browser.get("/compte", headers={"Accept-Language": "fr"}).text
    assert '<html lang="fr">' in browser.get("/compte?lang=fr").text
    assert '<html lang="fr">' in browser.get("/compte").text


def test_the_navigation_holds_what_the_roles_open_and_what_exists(app: Flask) -> None:
    for _label, endpoint, _roles in context.NAV:
        if endpoint not in app.view_functions:
            app.add_url_rule(f"/essai/{endpoint}", endpoint, access("signed_in")(lambda: ""))
    carrier = Actor(1, "Porteur", (Grant("carrier", organisation_id=1),))
    with app.test_request_context("/compte"):
        assert [item.label for item in context.nav(carrier)] == ["Accueil", "Mes dossiers", "Calendrier", "Recherche"]
        everything = Actor(1, "Toutes", tuple(Grant(role) for _, _, roles in context.NAV for role in roles))
        assert len(context.nav(everything)) == len(context.NAV)
        assert context.nav(None) == []


def test_what_is_read_is_read_in_one_session_closed_with_the_request(app: Flask) -> None:
    with app.test_request_context():
        first = context.session()
        assert context.session() is first
        with context.write() as unit:
            assert unit is not first
        assert context.session() is not first
        app.do_teardown_appcontext()


def test_nothing_is_kept_of_a_block_that_fails(town: Town) -> None:
    someone = town.world.people["animator"]
    with town.app.test_request_context():
        with suppress(ZeroDivisionError), context.write() as unit:
            unit.get_one(Person, someone).name = "Autre"
            raise ZeroDivisionError
        assert context.session().get_one(Person, someone).name == "Rôle animator"


def test_the_instant_is_the_same_all_through_a_request(app: Flask) -> None:
    with app.test_request_context():
        assert context.now() is context.now()
        assert context.now().tzinfo is not None
