"""Every route declares its access, and keeps its word for a visitor."""

import re
from typing import Any

from flask import Flask, url_for

from tests.web.browser import Browser
from tests.web.conftest import Town
from web import security
from web.words import ROLES
from workflow.models.people import HELD_IN

KINDS = {security.PUBLIC, security.SIGNED_IN, security.TOKEN}


def test_every_route_declares_its_access(app: Flask) -> None:
    declared = {endpoint: security.access_of(app, endpoint) for endpoint in app.view_functions}
    assert len(declared) > 10
    for endpoint, who in declared.items():
        assert who in {(kind,) for kind in KINDS} or set(who) <= set(HELD_IN), f"{endpoint}: {who}"


def test_only_the_api_checks_tokens_by_itself(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if security.access_of(app, rule.endpoint) == (security.TOKEN,):
            assert rule.rule.startswith(security.API_PREFIX), rule.rule


def test_nothing_but_what_is_public_answers_a_visitor(app: Flask) -> None:
    browser = Browser(app)
    closed = 0
    for rule in app.url_map.iter_rules():
        if security.access_of(app, rule.endpoint) in {(security.PUBLIC,), (security.TOKEN,)}:
            continue
        url = re.sub(r"<[^>]+>", "1", rule.rule)
        methods = (rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}
        for method in methods:
            answer = browser.client.open(url, method=method)
            assert answer.status_code in (302, 303), f"{method} {url}: {answer.status_code}"
            assert answer.headers["Location"].startswith("/connexion"), f"{method} {url}"
            closed += 1
    assert closed > 5


def test_every_role_has_a_name() -> None:
    assert set(HELD_IN) <= set(ROLES)


EXAMPLES = {"act": "withdraw", "token": "1-x", "filename": "binome.css"}
"""What stands for the parameters of addresses that are no numbers of the test's own dossier."""


def test_every_page_answers_every_role_as_it_declared(town: Town) -> None:
    """Whoever lacks the role is told so; nobody, wherever they come from, meets a page that breaks."""
    walk = town.walk().assigned()
    parameters: dict[str, Any] = {**EXAMPLES, "dossier_id": walk.dossier_id, "campaign_id": town.world.campaign_id}
    refused = met = 0
    with town.database.read() as session:
        roles = {who: town.world.actor(session, who).roles for who in town.world.people}
    for who in ("carrier", "other carrier", *(name for name in roles if "carrier" not in name)):
        browser = town.browser(who)
        for rule in town.app.url_map.iter_rules():
            declared = security.access_of(town.app, rule.endpoint)
            if "GET" not in (rule.methods or ()) or declared == (security.TOKEN,) or rule.endpoint == "static":
                continue
            with town.app.test_request_context():
                url = url_for(rule.endpoint, **{name: parameters.get(name, 1) for name in rule.arguments})
            status = browser.get(url).status_code
            met += 1
            assert status < 500, f"{who}: {url}"
            if set(declared) <= set(HELD_IN) and not roles[who] & set(declared):
                assert status == 403, f"{who}: {url}: {status}"
                refused += 1
    assert met > 20
    assert refused or not any(set(access_of) <= set(HELD_IN) for access_of in _declared(town.app))


def _declared(app: Flask) -> list[tuple[str, ...]]:
    return [security.access_of(app, endpoint) for endpoint in app.view_functions]
