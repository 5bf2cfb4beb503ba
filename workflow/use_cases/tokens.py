"""Personal tokens of the API: made once, shown once, kept as a hash."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from states.machine import Reason
from states.words import N_
from workflow.access import Actor, load_actor
from workflow.errors import Forbidden, NotFound
from workflow.forms import Form, Text, read
from workflow.models import ApiToken
from workflow.use_cases.notes import note_change, snapshot
from workflow.use_cases.passwords import SELF

SCOPES: Mapping[str, str] = {"read": N_("Lire"), "write": N_("Agir")}
"""What a token may be used for."""

PREFIX = "binome_"
"""Begins every token, so that one left in a file is found by those who search for secrets."""


class TokenForm(Form):
    """A new token."""

    label = Text(N_("Nom du jeton"), required=True)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(list(SCOPES), error=N_("Choisissez dans la liste."))),
        required=True,
        validate=validate.Length(min=1, error=N_("Choisissez au moins un droit.")),
        metadata={"label": N_("Droits"), "widget": "checkboxes", "options": SCOPES},
    )
    days = fields.Integer(
        load_default=90,
        validate=validate.Range(1, 365, error=N_("De 1 à 365 jours.")),
        metadata={"label": N_("Durée en jours"), "widget": "number"},
    )


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who came with a token, and what the token may be used for."""

    actor: Actor
    token_id: int
    scopes: frozenset[str]


def create_token(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> tuple[ApiToken, str]:
    """Make a token of the acting person; returns its row and the secret, which is kept nowhere.

    Raises Invalid, or Forbidden for an actor without an account.
    """
    data = read(TokenForm(), raw)
    if actor.person_id is None:
        raise Forbidden(Reason("account", N_("Il faut un compte pour cet acte."), N_("Connectez-vous.")))
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        person_id=actor.person_id,
        label=data["label"],
        token_hash=_hash(secret),
        scopes=sorted(set(data["scopes"])),
        created_at=now,
        expires_at=now + timedelta(days=data["days"]),
    )
    session.add(token)
    session.flush()
    after = snapshot(token, "label", "scopes", "expires_at")
    note_change(session, actor, SELF, "create_token", token, now, after=after)
    return token, secret


def revoke_token(session: Session, actor: Actor, token_id: int, now: datetime) -> ApiToken:
    """Revoke one's own token (an administrator: anybody's). Raises NotFound, also for somebody else's."""
    token = session.get(ApiToken, token_id, with_for_update=True, populate_existing=True)
    is_own = token is not None and token.person_id == actor.person_id
    if token is None or token.revoked_at is not None or not (is_own or ADMINISTRATOR in actor.roles):
        raise NotFound("token")
    token.revoked_at = now
    session.flush()
    role = SELF if is_own else ADMINISTRATOR
    note_change(session, actor, role, "revoke_token", token, now, after=snapshot(token, "label", "revoked_at"))
    return token


def actor_of_token(session: Session, secret: str, now: datetime) -> Bearer | None:
    """Who a secret belongs to, in two statements; None for one that is unknown, revoked or expired."""
    token = session.scalar(
        select(ApiToken).where(
            ApiToken.token_hash == _hash(secret), ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
        )
    )
    actor = load_actor(session, token.person_id) if token else None
    return Bearer(actor, token.id, frozenset(token.scopes)) if token and actor else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
