"""One form and one door for every act: shown from its schema, performed, shown again with what stands against it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from marshmallow import Schema
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.dossier import DOSSIER
from states.facts import Facts
from states.machine import Because, Refusal, decide
from states.review import REVIEW
from web import errors, formats, forms
from web.api.contract import idempotency_key
from web.context import current_actor, dossier_url, is_local, now, session, today, write
from web.security import access
from web.words import done_label
from workflow.access import knows_of, roles_on
from workflow.acts import Act, Part, Subject
from workflow.errors import DomainError, Forbidden, Invalid, NotFound, Refused, Stale
from workflow.models import Consultation, Dossier, Mission, Review
from workflow.queries.beside import BESIDE
from workflow.queries.choices import Asked, choices
from workflow.use_cases import ACTS, offered, once, perform
from workflow.use_cases.evaluation import EvaluationForm

pages = Blueprint("acts", __name__)

_LIVES: Mapping[str, tuple[str, type[Consultation] | type[Mission] | type[Review] | None]] = {
    # life: endpoint of its acts, model of its subjects
    DOSSIER.name: ("acts.on_dossier", None),
    CONSULTATION.name: ("acts.on_consultation", Consultation),
    CONTROL.name: ("acts.on_mission", Mission),
    REVIEW.name: ("acts.on_review", Review),
}
_WANTED: Mapping[str, tuple[str, ...]] = {
    # guard: the fields it wants filled, though the schema alone would do without
    "reason_given": ("reason",),
    "attested": ("attested",),
    "pieces_named": ("pieces",),
    "due_date_ahead": ("due_on",),
    "question_asked": ("question",),
    "answer_given": ("answer",),
    "session_chosen": ("session_id",),
    "payback_stated": ("payback_cents",),
    "opinion_complete": ("verdict", "strengths", "reservations"),
    "grid_filled": tuple(EvaluationForm().fields),
    "visit_date_given": ("visit_on",),
    "realisation_found": ("realisation",),
    "spending_found": ("spending",),
}
_PER_ITEM = {"amounts": "requests", "answers": "pieces"}
"""Widgets that show a field for each entry of a list, and that list."""


@pages.route("/dossiers/<int:dossier_id>/actes/<act>", methods=("GET", "POST"))
@access("signed_in")
def on_dossier(dossier_id: int, act: str) -> Response:
    """An act on a dossier."""
    return _answer(DOSSIER.name, dossier_id, act)


@pages.route("/dossiers/<int:dossier_id>/consultations/<int:subject_id>/actes/<act>", methods=("GET", "POST"))
@access("signed_in")
def on_consultation(dossier_id: int, subject_id: int, act: str) -> Response:
    """An act on one of a dossier's expert consultations."""
    return _answer(CONSULTATION.name, dossier_id, act, subject_id)


@pages.route("/dossiers/<int:dossier_id>/controles/<int:subject_id>/actes/<act>", methods=("GET", "POST"))
@access("signed_in")
def on_mission(dossier_id: int, subject_id: int, act: str) -> Response:
    """An act on a dossier's control mission."""
    return _answer(CONTROL.name, dossier_id, act, subject_id)


@pages.route("/dossiers/<int:dossier_id>/mi-parcours/<int:subject_id>/actes/<act>", methods=("GET", "POST"))
@access("signed_in")
def on_review(dossier_id: int, subject_id: int, act: str) -> Response:
    """An act on the mid-term review of a dossier's action."""
    return _answer(REVIEW.name, dossier_id, act, subject_id)


def _answer(life: str, dossier_id: int, name: str, subject_id: int | None = None) -> Response:
    act = ACTS.get(name)
    if act is None or act.table.name != life:
        raise NotFound("act")
    return _do(act, dossier_id, subject_id) if request.method == "POST" else _show(act, dossier_id, subject_id)


def _show(act: Act, dossier_id: int, subject_id: int | None) -> Response:
    """The act's form; where it may not be done now, why not and what would lift it (409)."""
    dossier, subject = _found(act, dossier_id, subject_id)
    refusal = _refusal(act, dossier, subject)
    _check_right(refusal)
    error = Refused(*refusal.reasons) if refusal else None
    return _page(act, dossier, subject_id, error, dict(request.args), dossier.version, allowed=refusal is None)


def _refusal(act: Act, dossier: Dossier, subject: Subject) -> Refusal | None:
    answers = offered(session(), current_actor(), dossier, subject, now(), {act.name})
    if act.name in answers:
        return answers[act.name]
    roles = roles_on(session(), current_actor(), dossier)
    answer = decide(act.table, subject.state, act.name, roles, Facts(), offered=True)
    return answer if isinstance(answer, Refusal) else None


def _check_right(refusal: Refusal | None) -> None:
    """Raise Forbidden where the act is not this person's: what they typed wrong must not open its page to them."""
    if refusal is not None and refusal.because is Because.ROLE:
        raise Forbidden(*refusal.reasons)


def _do(act: Act, dossier_id: int, subject_id: int | None) -> Response:
    """Perform the act and go on (303), or show the form again with what stands against it and what was typed.

    A script that asks for JSON is told the same in JSON; with an Idempotency-Key, the act is done once.
    """
    raw = forms.sent(act.form())
    try:
        with write() as unit:
            overtaken = _once(unit, act, dossier_id, subject_id, raw)
    except (Invalid, Refused, Stale) as error:
        if errors.wants_json():
            raise
        if _as_typed(act):
            told = gettext("Pas enregistré : enregistrez le brouillon vous-même pour voir ce qu'il faut corriger.")
            return Response(told, error.status, mimetype="text/plain")
        return show_again(act, dossier_id, subject_id, error)
    if _as_typed(act):
        kept = gettext("Brouillon enregistré le %(moment)s", moment=formats.moment(now()))
        return Response(kept, mimetype="text/plain")
    target = _next() or _dossier_or_home(dossier_id)
    if errors.wants_json():
        return jsonify(done=f"{done_label(act.name)}.", overtaken=overtaken, next=target)
    flash(f"{done_label(act.name)}.", "success")
    return redirect(target, 303)


def _once(unit: Session, act: Act, dossier_id: int, subject_id: int | None, raw: Mapping[str, Any]) -> list[str]:
    """Perform the act, unless the request carries a key by which it was done before.

    What others had changed meanwhile and was left to them, by its names: what `fill_grid` says of itself.
    """
    actor, key = current_actor(), idempotency_key(required=False)
    if key and actor.person_id is not None:
        content = json.dumps([request.path, raw], sort_keys=True, default=repr)
        known = once.claim(unit, actor.person_id, key, hashlib.sha256(content.encode()).hexdigest(), now())
        if known:
            return list(known.body["overtaken"])
    version = forms.seen_version()
    case = perform(unit, actor, act.name, dossier_id, now=now(), raw=raw, version=version, subject_id=subject_id)
    overtaken = case.details.get("overtaken", [])
    if key and actor.person_id is not None:
        once.keep(unit, actor.person_id, key, once.Answer(200, {"overtaken": overtaken}))
    return list(overtaken)


def _as_typed(act: Act) -> bool:
    """Whether a page saves a draft while it is being typed, and wants a word beside it instead of the next page."""
    return act.quiet and "HX-Request" in request.headers


def show_again(act: Act, dossier_id: int, subject_id: int | None, error: Invalid | Refused | Stale) -> Response:
    """The act's form with what stands against it and what was typed. Raises Forbidden where it is not theirs."""
    dossier, subject = _found(act, dossier_id, subject_id)
    _check_right(_refusal(act, dossier, subject))
    version = error.version if isinstance(error, Stale) else forms.seen_version()
    return _page(act, dossier, subject_id, error, forms.typed(act.form()), version, allowed=True)


def _dossier_or_home(dossier_id: int) -> str:
    """Where one is led after an act: it may have handed the dossier to people among whom one is not."""
    dossier = session().get(Dossier, dossier_id)
    readable = dossier is not None and roles_on(session(), current_actor(), dossier)
    return dossier_url(dossier_id) if readable else url_for("home.index")


def _found(act: Act, dossier_id: int, subject_id: int | None) -> tuple[Dossier, Subject]:
    """The dossier and what the act is done on. Raises NotFound where the person is nothing to them."""
    dossier = session().get(Dossier, dossier_id)
    roles = roles_on(session(), current_actor(), dossier) if dossier else frozenset()
    if dossier is None or not roles:
        raise NotFound("dossier")
    model = _LIVES[act.table.name][1]
    if model is None:
        return dossier, dossier
    subject = session().get(model, subject_id)
    if not isinstance(subject, Part) or subject.dossier_id != dossier.id or not knows_of(subject, roles):
        raise NotFound(act.table.name)
    return dossier, subject


def _next() -> str | None:
    target = request.values.get("next")
    return target if is_local(target) else None


def _lists(form: Schema) -> list[str]:
    """The lists that a form offers choices from."""
    named = [
        field.metadata.get("choices") or _PER_ITEM.get(field.metadata.get("widget", ""))
        for field in form.fields.values()
    ]
    return [name for name in named if name]


def _page(
    act: Act,
    dossier: Dossier,
    subject_id: int | None,
    error: DomainError | None,
    values: Mapping[str, Any],
    version: int,
    *,
    allowed: bool,
) -> Response:
    form = act.form()
    asked = Asked(session(), current_actor(), dossier, today())
    where: dict[str, Any] = {"subject_id": subject_id} if subject_id is not None else {}
    page = render_template(
        [f"acts/{act.name}.html", "acts/generic.html"],
        dossier=dossier,
        act=act.name,
        form=form,
        values=values,
        labels={name: gettext(field.metadata.get("label", "")) for name, field in form.fields.items()},
        errors=errors.messages(error.fields) if isinstance(error, Invalid) else {},
        reasons=[errors.explain(reason) for reason in error.reasons] if isinstance(error, Refused) else [],
        changes=[errors.change(done) for done in error.changes] if isinstance(error, Stale) else [],
        needed={
            name for row in act.table.by_event[act.name] for guard in row.guards for name in _WANTED.get(guard, ())
        },
        choices=choices(session(), current_actor(), dossier, _lists(form), today()) if allowed else {},
        beside=BESIDE[act.name](asked) if allowed and act.name in BESIDE else None,
        subject_id=subject_id,
        has_files=any(field.metadata.get("widget") == "file" for field in form.fields.values()),
        version=version,
        action=url_for(_LIVES[act.table.name][0], dossier_id=dossier.id, act=act.name, **where),
        back_url=_next() or dossier_url(dossier.id),
        next=_next(),
        allowed=allowed,
    )
    return make_response(page, error.status if error else 200)
