"""Who comes to the API: a personal token, its scopes, and nothing else; cookies are not looked at."""

from flask import g, request
from werkzeug.wrappers import Response

from states.machine import Reason
from states.words import N_
from web import context, errors
from workflow.access import Actor
from workflow.errors import Forbidden
from workflow.use_cases.tokens import SCOPES, Bearer, actor_of_token

READING = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_TOKEN = 200

_MISSING = Reason(
    "token_missing",
    N_("Il faut un jeton personnel pour cette adresse."),
    N_("Créez-en un sur la page « Mon compte » et envoyez-le : Authorization: Bearer …"),
)
_UNKNOWN = Reason(
    "token_unknown",
    N_("Ce jeton est inconnu, révoqué ou expiré."),
    N_("Créez-en un nouveau sur la page « Mon compte »."),
)


def check() -> Response | None:
    """Let in whoever shows a token that may do what is asked; else 401, or Forbidden for a scope that it lacks."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    if kind.lower() != "bearer" or not secret:
        return _who(_MISSING, 'Bearer realm="Binome"')
    bearer = actor_of_token(context.session(), secret, context.now()) if len(secret) <= LONGEST_TOKEN else None
    if bearer is None:
        return _who(_UNKNOWN, 'Bearer realm="Binome", error="invalid_token"')
    scope = "read" if request.method in READING else "write"
    if scope not in bearer.scopes:
        raise Forbidden(
            Reason(
                "scope",
                N_("Ce jeton ne porte pas le droit « %(scope)s »."),
                N_("Créez un jeton qui le porte sur la page « Mon compte »."),
                {"scope": SCOPES[scope]},
            )
        )
    g.bearer = bearer
    return None


def _who(reason: Reason, challenge: str) -> Response:
    answer = errors.respond(401, "unauthorized", (reason,))
    answer.headers["WWW-Authenticate"] = challenge
    return answer


def bearer() -> Bearer:
    """The token that let this request in."""
    found: Bearer = g.bearer
    return found


def actor() -> Actor:
    """The person whose token this is."""
    return bearer().actor


def person_id() -> int:
    """Their id; a token always belongs to a person."""
    return actor().person_id or 0
