"""French first, English second: which language a request is answered in."""

from flask import Flask, has_request_context, request, session
from flask_babel import Babel

from web.context import signed_in

LANGUAGES = ("fr", "en")


def choose(default: str) -> str:
    """The language asked for in this browser, else the person's own, else the browser's, else `default`."""
    if not has_request_context():
        return default
    asked = session.get("lang")
    if asked in LANGUAGES:
        return str(asked)
    person = signed_in()
    if person is not None:
        return person.locale
    return request.accept_languages.best_match(LANGUAGES, default) or default


def _remember() -> None:
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        session["lang"] = asked


def init(app: Flask, default: str) -> None:
    """Answer the requests of `app` in the reader's language; `?lang=en` changes it for this browser."""
    Babel(
        app,
        default_locale=default,
        default_timezone="Europe/Paris",
        default_translation_directories="translations",
        locale_selector=lambda: choose(default),
    )
    app.before_request(_remember)
