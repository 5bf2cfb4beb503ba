"""The web application, made from settings and a database; it keeps nothing outside itself."""

from types import TracebackType
from typing import Any

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from web import api, context, errors, languages, logs, pages, security
from web.services import Services
from workflow.db import Database
from workflow.settings import Settings
from workflow.settings import settings as process_settings

ROOM_FOR_FIELDS = 1024 * 1024
"""What a form may weigh besides its files: twenty long texts fit many times."""


LARGEST_ID = 2**63 - 1


class Identifier(IntegerConverter):
    """A number in an address; one that no database holds is an address of nothing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": LARGEST_ID, **options})


class Web(Flask):
    """Flask, with its errors logged like everything else."""

    def log_exception(
        self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None], **_: Any
    ) -> None:
        """Log an unexpected error with its traceback and without secrets."""
        logs.log.error("error", method=request.method, path=logs.redacted(request.path), exc_info=exc_info)


def _limit() -> None:
    """Only a form with files may be as heavy as a file."""
    if request.mimetype != "multipart/form-data":
        request.max_content_length = ROOM_FOR_FIELDS


def create_app(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """An application on `database` (by default the settings' own).

    Raises RuntimeError where the settings lack what they must hold.
    """
    settings = settings or process_settings()
    app = Web("web")
    app.url_map.converters["int"] = Identifier
    app.extensions["binome"] = Services(settings, database or Database(settings.url()))
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_upload_bytes + ROOM_FOR_FIELDS,
        MAX_FORM_MEMORY_SIZE=ROOM_FOR_FIELDS,
        MAX_FORM_PARTS=1000,
    )
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(_limit)
    logs.init(app, demo=settings.demo)
    languages.init(app, settings.locale)
    context.init(app)
    security.init(app)
    errors.init(app)
    for blueprint in pages.BLUEPRINTS:
        app.register_blueprint(blueprint)
    api.init(app)
    return app
