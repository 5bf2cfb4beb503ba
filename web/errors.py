"""What a refusal looks like: one body for pages and API, with reasons, remedies and their values in words."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from flask import Flask, jsonify, make_response, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from states.machine import Reason
from states.words import N_
from web import formats, words
from web.context import ask_no_more
from web.security import API_PREFIX
from workflow.errors import Change, DomainError, Invalid, Stale

TITLES: Mapping[int, str] = {
    400: N_("Demande incompréhensible"),
    401: N_("Connexion nécessaire"),
    403: N_("Accès refusé"),
    404: N_("Page introuvable"),
    405: N_("Action impossible à cette adresse"),
    409: N_("Cet acte n'est pas possible pour le moment"),
    410: N_("Cette page n'existe plus"),
    413: N_("Envoi trop lourd"),
    415: N_("Format non accepté"),
    422: N_("Certaines réponses sont à corriger"),
    429: N_("Trop d'essais"),
    500: N_("Une erreur est survenue"),
    503: N_("Service momentanément indisponible"),
}
_EXPLAINED: Mapping[int, tuple[str, str]] = {
    # status of an error that no rule of the domain raised: what happened, what to do
    400: (N_("Le serveur n'a pas compris la demande."), N_("Revenez à la page précédente et recommencez.")),
    404: (N_("Aucune page n'existe à cette adresse."), N_("Vérifiez l'adresse ou cherchez par numéro.")),
    405: (N_("Cette adresse n'accepte pas cette action."), N_("Revenez à la page précédente et recommencez.")),
    413: (
        N_("Ce que vous avez envoyé dépasse la taille acceptée."),
        N_("Allégez le fichier ou raccourcissez le texte, puis recommencez."),
    ),
    415: (N_("Ce format n'est pas accepté."), N_("Envoyez un formulaire ou du JSON.")),
    500: (
        N_("L'erreur est enregistrée ; rien n'a été modifié."),
        N_("Recommencez dans un moment ; si elle demeure, prévenez l'administrateur."),
    ),
    503: (N_("La base de données est occupée ou arrêtée."), N_("Recommencez dans un moment.")),
}
_FORGERY = Reason(
    "csrf",
    N_("Ce formulaire n'est plus valable : la page est restée ouverte trop longtemps, ou votre session a changé."),
    N_("Revenez à la page précédente, rechargez-la, puis recommencez."),
)

# --- in words ---------------------------------------------------------------------------------------------------

_NAMES: Mapping[str, Callable[[str], str]] = {
    "roles": words.role_label,
    "role": words.role_label,
    "state": words.state_label,
    "sources": words.state_label,
    "fields": words.field_label,
}
"""Placeholders whose values are names of ours."""


def in_words(name: str, value: object) -> str:
    """The value of a placeholder, as people write it."""
    if value is None:
        return "—"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(in_words(name, item) for item in value) or "—"
    if isinstance(value, datetime):
        return formats.moment(value)
    if isinstance(value, date):
        return formats.day(value)
    return _NAMES[name](str(value)) if name in _NAMES else str(value)


def explain(reason: Reason) -> dict[str, str]:
    """A reason in the reader's language: its code, what fails and what would lift it."""
    values = {name: in_words(name, value) for name, value in reason.params.items()}
    message, remedy = (gettext(text) % values if values else gettext(text) for text in (reason.message, reason.remedy))
    return {"code": reason.code, "message": message, "failing": message, "remedy": remedy}


def messages(fields: Any) -> Any:
    """Messages per field in the reader's language, nested as the input; every key a text.

    Of a mapping's entry only the message is kept, not whether its key or its value is wrong.
    """
    if isinstance(fields, Mapping):
        if fields and set(fields) <= {"key", "value"}:
            return messages([text for part in fields.values() for text in (part if isinstance(part, list) else [part])])
        return {str(name): messages(inner) for name, inner in fields.items()}
    if isinstance(fields, list | tuple):
        return [gettext(text) if isinstance(text, str) else messages(text) for text in fields]
    return [gettext(str(fields))]


def change(done: Change) -> dict[str, Any]:
    """An act done since a page was opened, for people (`label`) and programs (`act`)."""
    role = words.role_label(done.role)
    return {
        "at": done.at,
        "who": f"{done.who} ({role})" if done.who else role,
        "label": words.done_label(done.act),
        "act": done.act,
    }


def describe(error: DomainError) -> dict[str, Any]:
    """The body of a refusal: error, status, message, reasons; and fields, version and changes where it has them."""
    reasons = [explain(reason) for reason in error.reasons]
    body: dict[str, Any] = {
        "error": error.code,
        "status": error.status,
        "message": gettext(TITLES.get(error.status, TITLES[409])),
        "reasons": [{name: reason[name] for name in ("code", "message", "remedy")} for reason in reasons],
    }
    if isinstance(error, Invalid):
        body["fields"] = messages(error.fields)
    if isinstance(error, Stale):
        body["version"] = error.version
        body["changes"] = [
            {"at": done.at.isoformat(), "who": done.who, "role": done.role, "act": done.act} for done in error.changes
        ]
    return body


def wants_json() -> bool:
    """Whether the one who asks is a program."""
    accepted = request.accept_mimetypes
    best = accepted.best_match(("text/html", "application/json"), "text/html")
    return request.path.startswith(API_PREFIX) or (best == "application/json" and not accepted.accept_html)


# --- answers ----------------------------------------------------------------------------------------------------


def respond(status: int, code: str, reasons: tuple[Reason, ...], body: dict[str, Any] | None = None) -> Response:
    """The answer of a refusal: a page for people, `body` as JSON for programs."""
    explained = [explain(reason) for reason in reasons]
    title = gettext(TITLES.get(status, TITLES[500]))
    if wants_json():
        plain = [{name: reason[name] for name in ("code", "message", "remedy")} for reason in explained]
        answer = body or {"error": code, "status": status, "message": title, "reasons": plain}
        return make_response(jsonify(answer), status)
    return make_response(render_template("errors/error.html", title=title, reasons=explained, status=status), status)


def _domain(error: DomainError) -> Response:
    return respond(error.status, error.code, error.reasons, describe(error))


def _forgery(_error: CSRFError) -> Response:
    return respond(400, _FORGERY.code, (_FORGERY,))


def _busy(_error: OperationalError) -> Response:
    answer = _plain(503, "unavailable")
    answer.headers["Retry-After"] = "5"
    return answer


def _out_of_bounds(_error: Exception) -> Response:
    """A number or text that no column holds: nothing of ours makes one, so it was typed into an address or forged."""
    return _plain(400, "out_of_bounds")


def _http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400 or error.response is not None:
        return make_response(error.get_response())
    answer = _plain(error.code, error.name.lower().replace(" ", "_"))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            answer.headers[name] = value
    return answer


def _plain(status: int, code: str) -> Response:
    if status >= 500:
        ask_no_more()
    message, remedy = _EXPLAINED.get(status, _EXPLAINED[400 if status < 500 else 500])
    return respond(status, code, (Reason(code, message, remedy),))


def init(app: Flask) -> None:
    """Answer every error of `app` in words."""
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(CSRFError, _forgery)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(DataError, _out_of_bounds)
    app.register_error_handler(OverflowError, _out_of_bounds)
    app.register_error_handler(HTTPException, _http)
