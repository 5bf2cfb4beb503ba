"""The world served over HTTP to a real browser, and people who walk through it."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import select
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from notifications.channels.mailbox import MailboxChannel
from notifications.outbox import deliver
from tests import factories
from tests.browser.visitor import SIZES, Visitor
from tests.web import conftest as web
from tests.web.conftest import PASSWORD, at, compiled_templates, make_app, quick_hashes, world_file
from workflow.models import MailboxMessage, Person
from workflow.use_cases import passwords

__all__ = ["at", "compiled_templates", "make_app", "quick_hashes", "world_file"]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """The application logs its requests itself."""


class Served:
    """One server for each worker; what it serves is the application of the test that runs."""

    def __init__(self) -> None:
        self.app: Flask | None = None
        self.server: BaseWSGIServer = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Silent)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """The address that it listens on."""
        return f"http://127.0.0.1:{self.server.port}"

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer with the application of the test that runs."""
        assert self.app, "nothing is served between tests"
        return self.app(environ, start_response)

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="package")
def served() -> Iterator[Served]:
    """The server."""
    served = Served()
    yield served
    served.close()


@pytest.fixture(scope="package")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """One browser for each worker."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def town(
    make_app: Callable[..., Flask],
    world_file: tuple[Path, factories.World],
    tmp_path: Path,
    at: Callable[[datetime], None],
    served: Served,
) -> Iterator[web.Town]:
    """The world on SQLite as a demo, at the time at which it begins, served."""
    at(factories.NOW)
    file, world = world_file
    url = f"sqlite:///{shutil.copyfile(file, tmp_path / 'town.sqlite3')}"
    app = make_app(url, again=True, BASE_URL=served.url, DEMO="1")
    served.app = app
    yield web.Town(app, world)
    served.app = None


@pytest.fixture
def size() -> str:
    """Agents sit at a desk; the tests of people who hold a phone say so. Each page is looked at in both sizes."""
    return "desk"


@pytest.fixture
def arrive(
    chromium: Browser, town: web.Town, served: Served, size: str, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Visitor]]:
    """Brings people in, each in a browser context of their own: `arrive("animator")`, or `arrive()` for a visitor.

    The width is that of the `size` fixture. At the end of the test every page must have been found sound.
    """
    width, height = SIZES[size]
    inside: list[Visitor] = []
    test = re.sub(r"\W+", "-", request.node.name).strip("-")

    def bring(who: str | None = None, *, scripts: bool = True) -> Visitor:
        context = chromium.new_context(
            base_url=served.url,
            viewport={"width": width, "height": height},
            locale="fr-FR",
            timezone_id="Europe/Paris",
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        if who:
            cookie = town.browser(who).client.get_cookie("binome", domain="localhost")
            assert cookie
            context.add_cookies([{"name": "binome", "value": cookie.value, "url": served.url}])
        visitor = Visitor(context.new_page(), f"{test}-{len(inside)}", size=size, scripts=scripts)
        inside.append(visitor)
        return visitor

    yield bring
    for visitor in inside:
        visitor.leave()
    problems = [problem for visitor in inside for problem in visitor.problems]
    assert not problems, "\n".join(problems)


@pytest.fixture
def with_password(town: web.Town, quick_hashes: None) -> Callable[[str], str]:
    """Gives one of the world's people a password, the same for all, and tells their address."""

    def give(who: str) -> str:
        with town.database.write() as session:
            person = session.get_one(Person, town.world.people[who])
            person.password_hash = passwords.hash_password(PASSWORD)
            return person.email

    return give


def deliver_all(town: web.Town) -> dict[str, str]:
    """Deliver what waits into the demo's mailbox; the bodies of the mails by address, one after the other."""
    settings = town.app.extensions["binome"].settings
    deliver(town.database, MailboxChannel(settings), settings, lambda: factories.NOW, threading.Event())
    mails: dict[str, str] = {}
    with town.database.read() as session:
        for mail in session.scalars(select(MailboxMessage).order_by(MailboxMessage.id)):
            mails[mail.recipient] = f"{mails.get(mail.recipient, '')}\n{mail.body}"
    return mails
