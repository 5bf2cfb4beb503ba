"""Every route declares its access, and keeps its word for a visitor."""

import re

from flask import Flask

from tests.web.browser import Browser
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
