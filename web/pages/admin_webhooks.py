"""Webhooks: other programs that are told of acts on dossiers."""

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import forms
from web.context import current_actor, now, see, session
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from web.words import done_label
from workflow.journal import NEWSWORTHY
from workflow.models import Webhook
from workflow.queries import webhooks as query
from workflow.queries.outbox import STATE_LABELS
from workflow.use_cases import webhooks as use_cases

SNIPPET = """\
import hashlib, hmac, time

def is_ours(secret, headers, body):
    stamp = headers["X-Binome-Timestamp"]
    right = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    given = headers["X-Binome-Signature"].removeprefix("sha256=")
    return hmac.compare_digest(right, given) and abs(time.time() - int(stamp)) < 300
"""
"""How another program checks a call."""

pages = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@pages.route("", methods=("GET", "POST"))
@access("administrator")
def index() -> Response:
    """The webhooks with their last calls; the form of another one."""
    outcome, made = NOTHING_ASKED, list[Webhook]()
    if request.method == "POST":
        raw = forms.sent(use_cases.WebhookForm())
        outcome = attempt(lambda unit: made.append(use_cases.create_webhook(unit, current_actor(), raw, now())))
    return _page(outcome, made[0] if made else None)


def _page(outcome: Outcome, made: Webhook | None) -> Response:
    page = render_template(
        "admin/webhooks.html",
        rows=query.webhooks(session(), current_actor()),
        states=STATE_LABELS,
        acts=[(act, done_label(act)) for act in NEWSWORTHY],
        outcome=outcome,
        typed={} if made else forms.typed(use_cases.WebhookForm()),
        labels=labels(use_cases.WebhookForm()),
        made=made,
        snippet=SNIPPET,
        secret=use_cases.secret(made) if made else None,
    )
    return make_response(page, outcome.status)


@pages.post("/<int:webhook_id>/secret")
@access("administrator")
def renew(webhook_id: int) -> Response:
    """A new secret, shown in this answer and never again."""
    made: list[Webhook] = []
    outcome = attempt(lambda unit: made.append(use_cases.renew_secret(unit, current_actor(), webhook_id, now())))
    return _page(outcome, made[0] if made else None)


@pages.post("/<int:webhook_id>/arret")
@access("administrator")
def stop(webhook_id: int) -> Response:
    """Tell a webhook nothing more."""
    attempt(lambda unit: use_cases.stop_webhook(unit, current_actor(), webhook_id, now()))
    flash(_("Le webhook est arrêté."), "success")
    return see("admin.webhooks.index")
