"""Webhooks: addresses of other programs that are told of acts on dossiers; added, stopped, their secret renewed."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import fields, validate
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from states.words import N_
from workflow.access import Actor
from workflow.errors import Invalid, NotFound
from workflow.forms import Form, Text, read
from workflow.journal import NEWSWORTHY
from workflow.models import JournalEntry, Webhook
from workflow.settings import settings
from workflow.use_cases.notes import note_change, snapshot

MOST = 20
"""How many webhooks there may be at once."""


class WebhookForm(Form):
    """A new webhook."""

    label = Text(N_("Nom"), required=True)
    url = Text(N_("Adresse"), required=True)
    acts = fields.List(
        fields.String(validate=validate.OneOf(NEWSWORTHY, error=N_("Choisissez dans la liste."))),
        load_default=list,
        metadata={"label": N_("Actes à signaler"), "widget": "checkboxes"},
    )


def secret(webhook: Webhook) -> str:
    """What signs the calls of a webhook: made from the secret key, so that the database holds nothing to steal."""
    name = f"webhook:{webhook.id}:{webhook.secret_version}".encode()
    return hmac.new(settings().key().encode(), name, hashlib.sha256).hexdigest()


def create_webhook(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Webhook:
    """Add a webhook, told of what happens from now on. Raises Forbidden or Invalid."""
    actor.require(ADMINISTRATOR)
    data = read(WebhookForm(), raw)
    wrong = _wrong_url(data["url"])
    if wrong:
        raise Invalid({"url": [wrong]})
    if session.scalars(select(func.count()).select_from(Webhook).where(Webhook.active)).one() >= MOST:
        raise Invalid({"label": [N_("Vingt adresses au plus : arrêtez-en une d'abord.")]})
    head = session.scalars(select(func.coalesce(func.max(JournalEntry.seq), 0))).one()
    webhook = Webhook(**data, journal_seq=head, created_at=now, created_by_id=actor.person_id)
    session.add(webhook)
    session.flush()
    note_change(session, actor, ADMINISTRATOR, "create_webhook", webhook, now, after=snapshot(webhook, *data))
    return webhook


def _wrong_url(url: str) -> str | None:
    """What is wrong with an address (French message id). Whether it leads to a private machine is seen when called."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return N_("Adresse illisible.")
    schemes = ("https", "http") if settings().demo else ("https",)
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        return N_("Une adresse qui commence par https:// est attendue.")
    if parts.username or parts.password:
        return N_("L'adresse ne doit pas contenir de mot de passe.")
    return None


def stop_webhook(session: Session, actor: Actor, webhook_id: int, now: datetime) -> None:
    """Tell a webhook nothing more. Raises Forbidden or NotFound."""
    webhook = _held(session, actor, webhook_id)
    webhook.active = False
    session.flush()
    note_change(session, actor, ADMINISTRATOR, "stop_webhook", webhook, now)


def renew_secret(session: Session, actor: Actor, webhook_id: int, now: datetime) -> Webhook:
    """Sign with a new secret from now on. Raises Forbidden or NotFound."""
    webhook = _held(session, actor, webhook_id)
    webhook.secret_version += 1
    session.flush()
    note_change(session, actor, ADMINISTRATOR, "renew_webhook_secret", webhook, now)
    return webhook


def _held(session: Session, actor: Actor, webhook_id: int) -> Webhook:
    actor.require(ADMINISTRATOR)
    webhook = session.get(Webhook, webhook_id, with_for_update=True)
    if webhook is None or not webhook.active:
        raise NotFound("webhook")
    return webhook
