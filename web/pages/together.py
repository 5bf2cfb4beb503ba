"""One act on several dossiers: asked once, done on each by itself, with a result for each."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import Blueprint, make_response, render_template, request
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from web import errors, forms
from web.context import current_actor, is_local, now, session, today, write
from web.security import access
from workflow.access import visible
from workflow.errors import DomainError, Invalid, NotFound
from workflow.forms import read
from workflow.models import Dossier, Organisation
from workflow.queries.choices import choices
from workflow.use_cases import ACTS, once, perform

pages = Blueprint("together", __name__)

MOST = 50
"""Dossiers at a time."""
EACH: Mapping[str, tuple[str, ...]] = {
    # act: what is asked for it, the same for every dossier
    "issue_opinion": (),
    "table": ("session_id",),
    "request_completion": ("pieces", "due_on"),
    "send_message": ("body",),
    "write_note": ("body",),
}
INSTRUCTORS = ("issue_opinion", "request_completion", "send_message", "write_note")
ANIMATORS = ("table", "request_completion", "send_message", "write_note")

Row = Any
"""A named tuple of the columns of a select."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the act on one dossier: `problems` says in words what stood against it, none where it was done."""

    dossier: Row
    problems: Sequence[str]


@pages.route("/ensemble", methods=("GET", "POST"))
@access("signed_in")
def show() -> Response:
    """The act's form above the dossiers that were ticked; sent, what became of each."""
    name = request.values.get("act", "")
    if name not in EACH:
        raise NotFound("act")
    rows = _ticked()
    if request.method == "GET" or not rows:
        return _page(name, rows, {}, {})
    schema = ACTS[name].form()
    raw = {field: value for field, value in forms.sent(schema).items() if field in EACH[name]}
    try:
        read(schema, raw)
    except Invalid as error:
        return _page(name, rows, forms.typed(schema), errors.messages(error.fields), error.status)
    results = [_done(name, row, raw) for row in rows]
    page = render_template("together/results.html", act=name, results=results, back=_back())
    return make_response(page)


def _ticked() -> Sequence[Row]:
    """The dossiers that were ticked, as far as the reader may know of them, by due day."""
    ids = {int(text) for text in request.values.getlist("dossier") if text.isascii() and text.isdecimal()}
    return (
        session()
        .execute(
            select(
                Dossier.id,
                Dossier.number,
                Dossier.title,
                Dossier.state,
                Dossier.version,
                Organisation.name.label("carrier"),
            )
            .join(Organisation, Organisation.id == Dossier.organisation_id)
            .where(Dossier.id.in_(sorted(ids)[:MOST]), visible(current_actor()))
            .order_by(Dossier.due_on, Dossier.id)
        )
        .all()
    )


def _page(
    name: str, rows: Sequence[Row], values: Mapping[str, Any], problems: Mapping[str, Any], status: int = 200
) -> Response:
    schema = ACTS[name].form()
    first = session().get(Dossier, rows[0].id) if rows else None
    wanted = [key for field in EACH[name] if (key := schema.fields[field].metadata.get("choices"))]
    page = render_template(
        "together/form.html",
        act=name,
        rows=rows,
        schema=schema,
        fields=EACH[name],
        values=values,
        errors=problems,
        choices=choices(session(), current_actor(), first, wanted, today()) if first else {},
        key=request.form.get("key") or uuid4().hex,
        counted=ngettext("%(num)s dossier", "%(num)s dossiers", len(rows)),
        back=_back(),
    )
    return make_response(page, status)


def _back() -> str:
    target = request.values.get("next")
    return target if target and is_local(target) else "/"


def _done(name: str, row: Row, raw: Mapping[str, Any]) -> Result:
    """Do the act on one dossier in a unit of work of its own: what one is refused takes nothing from the others.

    A form that is sent twice does nothing twice.
    """
    actor = current_actor()
    # What is typed anew in the same form is another request, not the first one again.
    content = json.dumps([request.form.get("key", ""), name, raw], sort_keys=True, default=str)
    key = f"{hashlib.sha256(content.encode()).hexdigest()}-{row.id}"
    seen = request.form.get(f"version-{row.id}", "")
    version = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0
    try:
        with write() as unit:
            if actor.person_id is None or once.claim(unit, actor.person_id, key, name, now()) is None:
                perform(unit, actor, name, row.id, now=now(), raw=raw, version=version)
    except DomainError as error:
        told = [errors.explain(reason) for reason in error.reasons]
        beside = errors.messages(getattr(error, "fields", {}))
        return Result(row, [*(f"{one['message']} {one['remedy']}" for one in told), *_texts(beside)])
    return Result(row, ())


def _texts(messages: Any) -> list[str]:
    if isinstance(messages, Mapping):
        return [text for inner in messages.values() for text in _texts(inner)]
    return [str(text) for text in messages] if isinstance(messages, list) else [str(messages)]
