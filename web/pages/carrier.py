"""A carrier's own pages: their dossiers, the deposit form in steps, the receipt, answers kept before they are sent."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from states.dossier import STATES
from states.machine import Refusal
from states.words import N_
from web import deposit_form, errors, forms, listing, words
from web.context import current_actor, now, see, session, today, write
from web.pages.acts import show_again
from web.security import access
from web.services import services
from workflow import files, links
from workflow.errors import Invalid, NotFound, Stale
from workflow.forms import Form, Reference, read
from workflow.queries import carrier as query
from workflow.queries.choices import choices
from workflow.queries.dossier import File, next_step
from workflow.use_cases import ACTS, documents, intake, offered, perform
from workflow.use_cases.draft import ACCOUNTS, STEP_LABELS, STEPS, is_fixed, problems, tidied

pages = Blueprint("carrier", __name__)

FILTERS = ("state", "campaign", "organisation", "mine")


@pages.get("/mes-dossiers")
@access("carrier")
def index() -> str:
    """The dossiers of my organisations, what awaits me first; and the calls that I may answer."""
    actor, kept = current_actor(), listing.kept(*FILTERS)
    sort = listing.Sort.asked(query.SORTS, "urgency", kept)
    state = kept.get("state")
    wanted = query.Wanted(
        state=state if state in STATES else None,
        campaign_id=listing.number("campaign"),
        organisation_id=listing.number("organisation"),
        mine=bool(kept.get("mine")),
        sort=sort.key,
        descending=sort.desc,
        page=listing.page(),
    )
    found = query.carrying(session(), actor, wanted, today())
    calls = query.calls(session(), actor, today())
    return render_template(
        "carrier/index.html",
        found=found,
        rows=found.rows,
        open_calls=[call for call in calls if call.takes(today())],
        next_call=next((call for call in calls if not call.takes(today())), None),
        organisations=query.organisations(session(), actor),
        campaigns=query.campaigns(session()),
        states=[(name, words.state_label(name)) for name in STATES],
        values=kept,
        sort=sort,
        page=listing.pagination(found.page, found.pages, found.total, {**kept, "sort": sort.word}),
    )


# --- a new dossier --------------------------------------------------------------------------------------------------


class NewDraft(Form):
    """For whom, and in which campaign."""

    organisation_id = Reference(N_("Organisme qui porte l'action"), "organisations", required=True)
    campaign_id = Reference(N_("Appel à projets"), "campaigns", required=True)


@pages.route("/mes-dossiers/nouveau", methods=("GET", "POST"))
@access("carrier")
def new() -> Response | tuple[str, int] | str:
    """Choose the organisation and the call, then begin the form."""
    actor = current_actor()
    calls = [call for call in query.calls(session(), actor, today()) if call.takes(today())]
    own = query.organisations(session(), actor)
    values: Mapping[str, Any] = request.args
    wrong: Mapping[str, Any] = {}
    if request.method == "POST":
        values = forms.typed()
        try:
            data = read(NewDraft(), forms.sent())
            if data["campaign_id"] not in {call.campaign_id for call in calls}:
                raise Invalid({"campaign_id": [N_("Cet appel n'est pas ouvert.")]})
            with write() as unit:
                dossier_id = intake.create(unit, actor, data["organisation_id"], data["campaign_id"], now()).id
            return see("carrier.form", dossier_id=dossier_id, step=next(iter(STEPS)))
        except Invalid as error:
            wrong = errors.messages(error.fields)
    page = render_template(
        "carrier/new.html",
        calls=calls,
        organisations=own,
        values=values,
        errors=wrong,
        labels={name: gettext(field.metadata["label"]) for name, field in NewDraft().fields.items()},
    )
    return (page, 422) if wrong else page


# --- the form ---------------------------------------------------------------------------------------------------------

_LISTS = {"action": ("communes",)}
_READ = {"level": intake.LEVEL_LABELS, "need": intake.NEED_LABELS}
_TURNS = {"next": 1, "previous": -1}


@pages.get("/mes-dossiers/<int:dossier_id>/formulaire")
@access("carrier")
def resume(dossier_id: int) -> Response:
    """The first step that is not done."""
    file = _draft(dossier_id)
    steps = deposit_form.progress(file, problems(session(), file.dossier))
    return see("carrier.form", dossier_id=dossier_id, step=next(step.key for step in steps if not step.done))


@pages.route("/mes-dossiers/<int:dossier_id>/formulaire/<step>", methods=("GET", "POST"))
@access("carrier")
def form(dossier_id: int, step: str) -> Response | tuple[str, int] | str:
    """A step of the deposit form: shown, or saved with everything that was typed, wrong or not."""
    if step not in STEPS:
        raise NotFound("step")
    return _save(dossier_id, step) if request.method == "POST" else _show(_draft(dossier_id), step)


def _draft(dossier_id: int) -> File:
    file = query.own(session(), current_actor(), dossier_id)
    if file.dossier.state != "draft":
        raise NotFound("draft")
    return file


def _save(dossier_id: int, step: str) -> Response | tuple[str, int]:
    sent = MultiDict(list(request.form.items(multi=True)))
    go, search = sent.pop("go", "next"), sent.pop("search", "")
    if go == "enter":  # the key, in any field: a search is asked for where one was typed
        go = "search" if search.strip() else "next"
    typed = forms.fold(sent, keep_empty=True)
    try:
        with write() as unit:
            case = perform(
                unit,
                current_actor(),
                "edit_draft",
                dossier_id,
                now=now(),
                raw={"step": step, "values": typed},
                version=forms.seen_version(),
            )
    except Stale as error:
        file = query.own(session(), current_actor(), dossier_id)
        if file.dossier.state != "draft":
            raise
        return _show(file, step, typed, error), 409
    if go == "leave":
        flash(gettext("Brouillon enregistré. Vous pouvez le reprendre quand vous voulez."), "success")
        return see("carrier.index")
    if go == "search":
        return see("carrier.form", dossier_id=dossier_id, step=step, search=search, _anchor="f-search")
    if go == "lines":
        return see("carrier.form", dossier_id=dossier_id, step=step, _anchor="budget")
    if case.result and go == "next":
        return see("carrier.form", dossier_id=dossier_id, step=step)
    names = list(STEPS)
    place = min(max(0, names.index(step) + _TURNS.get(go, 1)), len(names) - 1)
    return see("carrier.form", dossier_id=dossier_id, step=names[place])


def _show(file: File, step: str, typed: Mapping[str, Any] | None = None, stale: Stale | None = None) -> str:
    dossier = file.dossier
    wrong = problems(session(), dossier)
    steps = deposit_form.progress(file, wrong)
    here = next(found for found in steps if found.key == step)
    saved = deposit_form.standing(file, step)
    values = {**saved, **tidied(typed or {})}
    chosen = request.args.get("objective_id", values.get("objective_id"))
    funders = query.funders(session(), dossier.campaign_id)
    lists: dict[str, Any] = dict(choices(session(), current_actor(), dossier, _LISTS.get(step, ()), today()))
    goals = query.goals(session()) if step in ("action", "attestation") else []
    search = request.args.get("search", "")
    named = {
        "commune_id": dict(lists.get("communes", ())),
        "objective_id": {goal.id: goal.label for goal in goals},
        "funder": {funder.id: funder.short for funder in funders},
    }
    names = list(STEPS)
    place = names.index(step)
    budget = values if step == "budget" else deposit_form.standing(file, "budget")
    return render_template(
        f"carrier/steps/{step}.html",
        dossier=dossier,
        file=file,
        step=here,
        steps=steps,
        title=gettext(STEP_LABELS[step]),
        schema=STEPS[step](),
        values={**values, "objective_id": chosen} if step == "action" else values,
        errors=errors.messages(wrong.get(step, {})) if stale is None else {},
        labels=deposit_form.labels(step, funders),
        version=stale.version if stale else dossier.version,
        stale=stale,
        differences=deposit_form.differences(file, step, typed or {}, named) if stale else [],
        previous=names[place - 1] if place else None,
        following=names[place + 1] if place + 1 < len(names) else None,
        lists=lists,
        goals=deposit_form.grouped(goals, search, chosen),
        search=search,
        funders=funders,
        accounts={side: [(code, gettext(text)) for code, text in listed.items()] for side, listed in ACCOUNTS.items()},
        sides={side: deposit_form.lines(budget, side) for side in deposit_form.SIDES},
        side_labels={side: gettext(text) for side, text in deposit_form.SIDES.items()},
        spare=deposit_form.SPARE_LINES,
        totals=deposit_form.totals(budget),
        asked=deposit_form.asked(values),
        total_asked=deposit_form.total_asked(values),
        subsidies=deposit_form.subsidies(budget),
        fixed=is_fixed(session(), dossier.organisation_id) if step == "organisation" else False,
        **(_last(file, steps) if step == "attestation" else {}),
    )


def _last(file: File, steps: list[deposit_form.Step]) -> dict[str, Any]:
    """What the last step shows besides: everything that was answered, and what stands against the deposit."""
    refusal: Refusal | None = offered(session(), current_actor(), file.dossier, file.dossier, now()).get("submit")
    return {
        "answers": {key: deposit_form.standing(file, key) for key in STEPS},
        "unfinished": [step for step in steps if step.missing or step.errors],
        "obstacles": deposit_form.obstacles(file, refusal),
        "ready": refusal is None,
        "read": {name: dict(words.pairs(options) or ()) for name, options in _READ.items()},
        "document_kinds": words.pairs(documents.DOCUMENT_LABELS),
        "accepted": ", ".join(files.ACCEPTED),
        "requests_total": sum(line.asked for line in file.lines),
        "receipt_url": url_for("carrier.receipt", dossier_id=file.dossier.id),
    }


# --- after the deposit ------------------------------------------------------------------------------------------


@pages.get("/mes-dossiers/<int:dossier_id>/recu")
@access("carrier")
def receipt(dossier_id: int) -> str:
    """What was deposited, under which number, and what comes next."""
    file = query.own(session(), current_actor(), dossier_id)
    if file.dossier.number is None:
        raise NotFound("receipt")
    tracking = file.one("tracking")
    path = url_for("tracking.show", token=links.token(tracking.id, "tracking")) if tracking else None
    return render_template(
        "carrier/receipt.html",
        file=file,
        dossier=file.dossier,
        step=next_step(file, current_actor()),
        total=sum(line.asked for line in file.lines),
        tracking_url=services().settings.base_url.rstrip("/") + path if path else None,
    )


@pages.post("/mes-dossiers/<int:dossier_id>/reponses")
@access("carrier")
def keep_answers(dossier_id: int) -> Response:
    """Keep the answers to a completion request without sending them; files are attached at once."""
    sent = forms.sent()
    answers, attached = (found if isinstance(found, dict) else {} for found in (sent.get("answers"), sent.get("files")))
    try:
        with write() as unit:
            for piece_id in sorted({*answers, *attached}):
                _keep_answer(unit, dossier_id, piece_id, answers.get(piece_id, ""), attached.get(piece_id))
    except Invalid as error:
        return show_again(ACTS["complete"], dossier_id, None, error)
    flash(gettext("Vos réponses sont gardées. Elles ne sont pas encore envoyées."), "success")
    return redirect(url_for("acts.on_dossier", dossier_id=dossier_id, act="complete"), 303)


def _keep_answer(unit: Session, dossier_id: int, piece_id: str, answer: str, file: Any) -> None:
    """Keep one answer, with its file where there is one. Raises Invalid as the form of all answers shows it."""
    raw: dict[str, Any] = {"piece_id": piece_id, "answer": answer}
    try:
        if file is not None:
            attached = {"kind": "other", "file": file}
            kept = perform(unit, current_actor(), "attach_document", dossier_id, now=now(), raw=attached).result
            raw |= {"document_id": kept.id, "answer": answer or kept.filename}
        perform(unit, current_actor(), "answer_piece", dossier_id, now=now(), raw=raw)
    except Invalid as error:
        shown = {"file": "files"}
        raise Invalid(
            {shown.get(name, "answers"): {piece_id: texts} for name, texts in error.fields.items()}
        ) from error
