"""The campaign's calendar: its picture, what funders accept, proposals and answers, one milestone moved."""

from typing import Any

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from states.dossier import ADMINISTRATOR, ANIMATOR, TRANSVERSAL
from web import errors, forms, harmonised
from web.context import current_actor, now, see, session, today
from web.lanes import picture
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow import campaign_calendar
from workflow.calendars.problem import Conflict, Problem
from workflow.errors import Invalid, NotFound
from workflow.models import Campaign, Institution
from workflow.queries import calendars as query
from workflow.queries.choices import choices
from workflow.use_cases import calendar_moves, calendar_windows, calendars

pages = Blueprint("calendars", __name__, url_prefix="/calendrier")


@pages.get("")
@access("signed_in")
def index() -> Response:
    """The calendar of the campaign that runs."""
    found = query.latest(session(), today())
    if found is None:
        return make_response(render_template("calendars/none.html"))
    return see("calendars.show", campaign_id=found)


@pages.get("/<int:campaign_id>")
@access("signed_in")
def show(campaign_id: int) -> Response:
    """One campaign's calendar."""
    return _page(campaign_id, NOTHING_ASKED, {})


def _page(campaign_id: int, outcome: Outcome, typed: dict[str, Any]) -> Response:
    actor = current_actor()
    found = query.calendar(session(), actor, campaign_id)
    options: dict[str, Any] = {}
    if ADMINISTRATOR in actor.roles:
        options = dict(choices(session(), actor, None, ["institutions"], today()))
    page = render_template(
        "calendars/show.html",
        found=found,
        campaign=found.campaign,
        picture=picture(found.steps, found.closures, today()),
        campaigns=query.campaigns(session()),
        foresees=bool(actor.roles & {ANIMATOR, TRANSVERSAL, ADMINISTRATOR}),
        outcome=outcome,
        typed=typed,
        choices=options,
        labels={
            **labels(calendar_moves.MoveForm()),
            **labels(calendar_windows.ClosureForm(), "closure-"),
            **labels(calendars.AnswerForm(), "answer-"),
        },
    )
    return make_response(page, outcome.status)


@pages.route("/<int:campaign_id>/financeurs/<int:funder_id>", methods=("GET", "POST"))
@access("funder", "administrator")
def windows(campaign_id: int, funder_id: int) -> Response:
    """What a funder can accept."""
    actor = current_actor()
    outcome, typed = NOTHING_ASKED, {}
    if request.method == "POST":
        typed = forms.typed().get("windows", {})
        raw = {"windows": {code: {name: day or None for name, day in row.items()} for code, row in typed.items()}}
        outcome = attempt(lambda unit: calendar_windows.set_windows(unit, actor, campaign_id, funder_id, raw, now()))
        if outcome.done:
            flash(_("Les dates possibles sont enregistrées."), "success")
            return see("calendars.show", campaign_id=campaign_id)
    if funder_id not in actor.funders:
        actor.require(ADMINISTRATOR)
    campaign, funder, rows = query.windows(session(), campaign_id, funder_id)
    page = render_template(
        "calendars/windows.html", campaign=campaign, funder=funder, rows=rows, outcome=outcome, typed=typed
    )
    return make_response(page, outcome.status)


@pages.route("/<int:campaign_id>/proposition", methods=("GET", "POST"))
@access("administrator")
def propose(campaign_id: int) -> Response:
    """The calendar that suits every funder, before it is proposed; or why there is none."""
    outcome, typed = NOTHING_ASKED, {}
    if request.method == "POST":
        typed = forms.typed()
        outcome = attempt(lambda unit: calendars.propose(unit, current_actor(), campaign_id, forms.sent(), now()))
        if outcome.done:
            flash(_("Le calendrier est proposé : chaque financeur est invité à répondre."), "success")
            return see("calendars.show", campaign_id=campaign_id, _anchor="proposition")
    campaign = session().get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("campaign")
    problem, answer = campaign_calendar.proposed(session(), campaign, today())
    found = query.calendar(session(), current_actor(), campaign_id)
    page = render_template(
        "calendars/propose.html",
        campaign=campaign,
        found=found,
        days=None if isinstance(answer, Conflict) else answer.days,
        cost=None if isinstance(answer, Conflict) else answer.cost,
        conflict=_explained(problem, answer) if isinstance(answer, Conflict) else None,
        outcome=outcome,
        typed=typed,
    )
    return make_response(page, outcome.status)


def _explained(problem: Problem, conflict: Conflict) -> dict[str, Any]:
    """A conflict in words, its funders named."""
    names = {
        funder: row.funder_code or row.label
        for funder in problem.dated_funders
        if (row := session().get(Institution, funder)) is not None
    }
    words = harmonised.Words(problem, lambda funder: names.get(funder, "–"))
    return {
        "why": words.conflict(conflict),
        "moves": [words.relaxation(move) for move in conflict.relaxations],
        "funders": {
            row.funder: names[row.funder]
            for row in conflict.constraints
            if row.kind == "window" and row.funder in names
        },
    }


@pages.post("/<int:campaign_id>/versions/<int:version_id>/reponse/<int:funder_id>")
@access("funder")
def answer(campaign_id: int, version_id: int, funder_id: int) -> Response:
    """A funder's answer to a proposal."""
    raw = forms.sent().get("answer", {})
    outcome = attempt(lambda unit: calendars.answer(unit, current_actor(), version_id, funder_id, raw, now()))
    if outcome.done:
        flash(_("Votre réponse est enregistrée."), "success")
        return see("calendars.show", campaign_id=campaign_id, _anchor="proposition")
    return _page(campaign_id, outcome.under("answer"), forms.typed())


@pages.post("/<int:campaign_id>/versions/<int:version_id>/adoption")
@access("administrator")
def adopt(campaign_id: int, version_id: int) -> Response:
    """Make a proposal the campaign's calendar."""
    raw = forms.sent().get("adopt", {})
    outcome = attempt(lambda unit: calendars.adopt(unit, current_actor(), version_id, raw, now()))
    if outcome.done:
        flash(_("Le calendrier est adopté ; les personnes concernées en sont averties."), "success")
        return see("calendars.show", campaign_id=campaign_id)
    return _page(campaign_id, outcome.under("adopt"), forms.typed())


@pages.post("/<int:campaign_id>/versions/<int:version_id>/abandon")
@access("administrator")
def abandon(campaign_id: int, version_id: int) -> Response:
    """Give up a proposal."""
    outcome = attempt(lambda unit: calendars.abandon(unit, current_actor(), version_id, forms.sent(), now()))
    if outcome.done:
        flash(_("La proposition est abandonnée."), "success")
        return see("calendars.show", campaign_id=campaign_id)
    return _page(campaign_id, outcome, forms.typed())


@pages.get("/<int:campaign_id>/deplacement")
@access("administrator")
def consequences(campaign_id: int) -> Response:
    """What moving one milestone would bring about."""
    return _move_page(campaign_id, NOTHING_ASKED, request.args.to_dict())


@pages.post("/<int:campaign_id>/deplacement")
@access("administrator")
def move(campaign_id: int) -> Response:
    """Move one milestone."""
    raw = forms.sent()
    outcome = attempt(lambda unit: calendar_moves.move(unit, current_actor(), campaign_id, raw, now()))
    if outcome.done:
        flash(_("L'échéance est déplacée ; les personnes concernées en sont averties."), "success")
        return see("calendars.show", campaign_id=campaign_id)
    return _move_page(campaign_id, outcome, raw)


def _move_page(campaign_id: int, outcome: Outcome, raw: dict[str, Any]) -> Response:
    asked = {name: raw[name] for name in ("milestone_id", "on") if raw.get(name)}
    try:
        problem, found = calendar_moves.consequences(session(), current_actor(), campaign_id, asked, now())
    except Invalid as error:
        return _page(campaign_id, Outcome(error.status, errors.messages(error.fields)), raw)
    calendar = query.calendar(session(), current_actor(), campaign_id)
    page = render_template(
        "calendars/move.html",
        campaign=calendar.campaign,
        step=next(step for step in calendar.steps if str(step.id) == str(asked["milestone_id"])),
        asked=asked,
        found=None if isinstance(found, Conflict) else found,
        conflict=_explained(problem, found) if isinstance(found, Conflict) else None,
        outcome=outcome,
        typed=raw,
    )
    return make_response(page, outcome.status)


@pages.post("/<int:campaign_id>/fermetures")
@access("administrator")
def add_closure(campaign_id: int) -> Response:
    """Note days of closure."""
    raw = forms.sent().get("closure", {})
    outcome = attempt(lambda unit: calendar_windows.add_closure(unit, current_actor(), raw, now()))
    if outcome.done:
        flash(_("La fermeture est enregistrée."), "success")
        return see("calendars.show", campaign_id=campaign_id, _anchor="fermetures")
    return _page(campaign_id, outcome.under("closure"), forms.typed())


@pages.post("/<int:campaign_id>/fermetures/<int:closure_id>/suppression")
@access("administrator")
def remove_closure(campaign_id: int, closure_id: int) -> Response:
    """Forget days of closure."""
    attempt(lambda unit: calendar_windows.remove_closure(unit, current_actor(), closure_id, now()))
    flash(_("La fermeture est supprimée."), "success")
    return see("calendars.show", campaign_id=campaign_id, _anchor="fermetures")
