"""What the servers write of their work, on standard error. Never forms, passwords, or the tokens in addresses."""

import logging
import re
import sys
import time
from typing import Any

import structlog
from flask import Flask, g, request
from werkzeug.wrappers import Response

TOKEN_SHAPE = re.compile(r"\d+-[0-9a-f]{40}|binome_[\w-]{20,}")
log = structlog.get_logger("binome")


def configure(*, demo: bool) -> None:
    """Log lines for people in the demo, JSON elsewhere."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if demo else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def redacted(path: str) -> str:
    """A path without the secrets that mailed links carry."""
    return TOKEN_SHAPE.sub("…", path)


def _start() -> None:
    g.started = time.perf_counter()


def _line(response: Response) -> Response:
    if request.endpoint == "static":
        return response
    user = g.get("_login_user")  # where Flask-Login keeps whom it loaded; asking it would load somebody now
    log.info(
        "request",
        method=request.method,
        path=redacted(request.path),
        status=response.status_code,
        ms=round(1000 * (time.perf_counter() - g.started), 1) if "started" in g else None,
        person=user.actor.person_id if user is not None and user.is_authenticated else None,
    )
    return response


def init(app: Flask, *, demo: bool) -> None:
    """One line for each request but those for static files."""
    configure(demo=demo)
    app.before_request(_start)
    app.after_request(_line)
