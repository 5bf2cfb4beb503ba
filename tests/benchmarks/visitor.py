"""Applications on a database to measure, and requests of a signed-in person, made once and sent again and again."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.factories import World
from web.app import create_app
from workflow.db import Database
from workflow.settings import settings


@contextmanager
def environment(url: str, instance: Path) -> Iterator[dict[str, str]]:
    """The settings of an installation on the database at `url`, in the environment; returned too, for a process."""
    values = {"BINOME_DATABASE_URL": url, "BINOME_INSTANCE": str(instance), "BINOME_SECRET_KEY": "k" * 40}
    os.environ.update(values)
    settings.cache_clear()
    try:
        yield dict(os.environ)
    finally:
        for name in values:
            os.environ.pop(name, None)
        settings.cache_clear()


def application(database: Database) -> Flask:
    """The application on `database`, in the settings of the environment; it logs nothing but errors."""
    app = create_app(database=database)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return app


def cookie(app: Flask, world: World, who: str) -> str:
    """The Cookie header of one of the world's people who is signed in."""
    # Declared on the interface of secure cookies only, which is the one in use.
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined,unused-ignore]
    signed = signer.dumps({"_user_id": f"{world.people[who]}:1", "_fresh": True})
    return f"{app.config['SESSION_COOKIE_NAME']}={signed}"


class Request:
    """A GET of one page; call it to send it."""

    def __init__(self, app: Flask, path: str, cookie: str) -> None:
        self._app = app
        self._environ = EnvironBuilder(path, headers=[("Cookie", cookie)]).get_environ()

    def __call__(self) -> str:
        """The page. Raises RuntimeError where the answer is another than 200."""
        body, status, _ = run_wsgi_app(self._app, dict(self._environ), buffered=True)
        if not status.startswith("200"):
            raise RuntimeError(f"{self._environ['PATH_INFO']}: {status}")
        return b"".join(body).decode()
