"""The ceremony of a draw: its plan, and the page that several people follow while each does their part."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from states.words import N_
from web import errors, forms, listing, sizing
from web.context import current_actor, now, see, session
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow import clock
from workflow.errors import Invalid, NotFound
from workflow.models import SamplePlan
from workflow.queries import sampling_plans as plans
from workflow.queries.evaluation import campaigns
from workflow.queries.sampling_plans import Ceremony
from workflow.sampling import beacon
from workflow.sampling_plans import METHOD_LABELS, PURPOSES, SELECTION_LABELS, STRATUM_LABELS
from workflow.use_cases import ceremony as steps
from workflow.use_cases import sampling_plans as use_cases
from workflow.use_cases.plan_forms import FORMS

pages = Blueprint("ceremony", __name__, url_prefix="/controles/plans")
NO_CHANGE = 204
Step = Callable[[Session, Any, int, Mapping[str, Any], Any], SamplePlan]


@dataclass(frozen=True, slots=True)
class Words:
    """What the pages of a draw say by its purpose: its title, its home (label, endpoint, roles), who may give it up,
    that there is an earlier one, and what it leads to (label, endpoint of a page about its sample)."""

    title: str
    home: tuple[str, str, tuple[str, ...]]
    planner: str
    earlier: str
    result: tuple[str, str]


WORDS: Mapping[str, Words] = {
    "control": Words(
        N_("Tirage au sort des contrôles"),
        (N_("Contrôles"), "controller.index", ("controller",)),
        N_("un contrôleur"),
        N_(
            "Cette campagne a déjà un plan (tirage n° %(id)s) : le nouveau le nommera, et ne tirera que parmi les"
            " dossiers qui ne l'ont pas encore été."
        ),
        (N_("Résultat des contrôles"), "results.result"),
    ),
    "review": Words(
        N_("Tirage au sort de la revue à mi-parcours"),
        (N_("Mi-parcours"), "midterm.index", ("transversal", "administrator")),
        N_("le comité transversal ou un administrateur"),
        N_(
            "La revue a déjà un plan (tirage n° %(id)s) : le nouveau le nommera, et ne tirera que parmi les actions"
            " qui ne l'ont pas encore été."
        ),
        (N_("Synthèse par orientation"), "midterm.synthesis"),
    ),
}
STATES: Mapping[str, tuple[str, str]] = {
    # state: its words, its tone
    "planned": (N_("Engagements en cours"), "work"),
    "committed": (N_("Remise des phrases"), "work"),
    "revealed": (N_("Attend le tirage public"), "work"),
    "sealed": (N_("Scellé"), "done"),
    "abandoned": (N_("Abandonné"), "neutral"),
}


@pages.get("")
@access("controller", "transversal", "administrator")
def index() -> str:
    """All plans, newest first."""
    return render_template("ceremony/index.html", plans=plans.plans(session()), states=STATES, purposes=PURPOSES)


def _campaign() -> Any:
    """The campaign that the address bar names, else the one to control."""
    rows, default = campaigns(session())
    wanted = listing.number("campaign")
    chosen = default if wanted is None else next((row for row in rows if row.id == wanted), None)
    if chosen is None:
        raise NotFound("campaign")
    return chosen


@pages.route("/nouveau", methods=("GET", "POST"))
@access("controller")
def plan() -> Response:
    """The form of a plan; sent, the plan is published."""
    chosen = _campaign()
    population = use_cases.population_size(session(), "control", [chosen.id])
    return planning(
        "control",
        {"campaign_id": chosen.id},
        {"method": "srs", "selection": "tickets", "reserve": "0", **listing.kept("method", "size")},
        kicker=chosen.label,
        action=url_for("ceremony.plan", campaign=chosen.id),
        back_url=url_for("controller.index", campaign=chosen.id),
        earlier=plans.plans(session(), chosen.id, "control"),
        population=population,
        told=ngettext(
            "%(num)s dossier financé, en suivi ou évalué, peut être tiré.",
            "%(num)s dossiers financés, en suivi ou évalués, peuvent être tirés.",
            population,
        ),
        nothing=_("Aucun dossier de cette campagne ne peut être tiré : ni en suivi, ni évalué, ou tous déjà tirés."),
        choices={},
        size_url=url_for("ceremony.size", campaign=chosen.id),
    )


_WHAT = ("campaigns", "method", "stratum", "selection")
_HOW = (
    *("size", "reserve", "participants"),
    *("reveals_on", "reveals_hour", "beacon", "public_source", "public_on", "public_hour"),
)


def planning(
    purpose: str,
    fixed: Mapping[str, Any],
    proposed: Mapping[str, Any],
    choices: Mapping[str, Any],
    size_url: str | None = None,
    **shown: Any,
) -> Response:
    """The form of a plan for `purpose`; sent, the plan is published.

    `fixed` is what the page says itself of the plan, `proposed` what stands in the form before anything is typed,
    `size_url` where sizes are explained.
    """
    form, outcome = FORMS[purpose](), NOTHING_ASKED
    made: list[SamplePlan] = []
    if request.method == "POST":
        raw = {**forms.sent(form), **fixed}
        outcome = attempt(lambda unit: made.append(use_cases.plan(unit, current_actor(), raw, now(), purpose)))
        if outcome.done:
            flash(_("Le plan est publié au journal : plus rien n'en changera."), "success")
            return see("ceremony.show", plan_id=made[0].id)
    page = render_template(
        "ceremony/plan.html",
        words=WORDS[purpose],
        form=form,
        fields=(_WHAT, _HOW),
        labels=labels(form),
        outcome=outcome,
        typed=forms.typed(form) if request.method == "POST" else proposed,
        choices={"overseers": plans.overseers(session()), **choices},
        size_url=size_url,
        **shown,
    )
    return make_response(page, outcome.status)


@pages.get("/taille")
@access("controller", "transversal", "administrator")
def size() -> Response:
    """What a sample of each size would say; the picture is asked again as a slider moves."""
    chosen = _campaign()
    population, cents = plans.frame(session(), chosen.id)
    form, outcome, found = sizing.SizingForm(), NOTHING_ASKED, None
    asked = sizing.default(population) | {name: request.args[name] for name in form.fields if name in request.args}
    if population:
        try:
            found = sizing.answer(asked, population, cents)
        except Invalid as error:
            outcome = Outcome(error.status, errors.messages(error.fields))
    page = render_template(
        "ceremony/size.html",
        campaign=chosen,
        population=population,
        form=form,
        labels=labels(form),
        outcome=outcome,
        typed=asked,
        found=found,
        drawn=sizing.DRAWN,
        percent=sizing.percent,
        found_words=sizing.found,
    )
    return make_response(page, outcome.status)


@pages.get("/<int:plan_id>")
@access("controller", "transversal", "administrator")
def show(plan_id: int) -> Response:
    """Where a ceremony stands; asked by the page itself (`seen`), an answer without a page where nothing is new."""
    found = plans.show(session(), current_actor(), plan_id, now())
    if request.args.get("seen") == _seen(found):
        return make_response("", NO_CHANGE)
    return _page(found, NOTHING_ASKED)


def _seen(found: Ceremony) -> str:
    """What a reader has seen, short enough for an address."""
    counts = (
        sum(seat.commitment is not None for seat in found.seats),
        sum(seat.revealed_at is not None for seat in found.seats),
        len(found.readings),
    )
    return "-".join(
        map(
            str, (found.plan.state, *counts, found.awaited or "nothing", int(found.late), int(found.answer is not None))
        )
    )


def _page(found: Ceremony, outcome: Outcome) -> Response:
    fields: dict[str, str] = {}
    for form in (steps.CommitForm(), steps.RevealForm(), steps.ReadingForm(), steps.AbandonForm()):
        fields |= labels(form)
    seen = _seen(found)
    page = render_template(
        "ceremony/show.html",
        found=found,
        plan=found.plan,
        document=found.document,
        steps=[
            {"key": name, "label": _(label), "done": found.plan.state == "sealed" or name in _before(found.plan.state)}
            for name, label in plans.STEPS.items()
        ],
        states=STATES,
        words=WORDS[found.plan.purpose],
        methods=METHOD_LABELS,
        strata=STRATUM_LABELS,
        selections=SELECTION_LABELS,
        round_url=beacon.address(found.plan.beacon, found.plan.beacon_round or 0) if found.plan.beacon else None,
        outcome=outcome,
        typed=forms.typed() if request.method == "POST" else {},
        labels=fields,
        due_on=clock.local_day(found.plan.reveals_due_at),
        public_on=clock.local_day(found.plan.public_at),
        suggestion=secrets.token_hex(16),
        poll=url_for("ceremony.show", plan_id=found.plan.id, seen=seen) if found.live else None,
        shown=plans.DRAWN_SHOWN,
    )
    return make_response(page, outcome.status)


def _before(state: str) -> tuple[str, ...]:
    order = tuple(plans.STEPS)
    return order[: order.index(state)] if state in order else ()


def _done(plan_id: int, step: Step, told: str) -> Response:
    raw = forms.sent()
    outcome = attempt(lambda unit: step(unit, current_actor(), plan_id, raw, now()))
    if outcome.done:
        flash(told, "success")
        return see("ceremony.show", plan_id=plan_id)
    return _page(plans.show(session(), current_actor(), plan_id, now()), outcome)


@pages.post("/<int:plan_id>/engagement")
@access("controller", "transversal", "administrator")
def commit(plan_id: int) -> Response:
    """Commit to a phrase."""
    return _done(plan_id, steps.commit, _("Votre engagement est au journal. Gardez votre phrase."))


@pages.post("/<int:plan_id>/phrase")
@access("controller", "transversal", "administrator")
def reveal(plan_id: int) -> Response:
    """Hand in the phrase."""
    return _done(plan_id, steps.reveal, _("Votre phrase est remise ; personne ne la lira avant la fin."))


@pages.post("/<int:plan_id>/lecture")
@access("controller", "transversal", "administrator")
def read(plan_id: int) -> Response:
    """Tell what was read at the public source."""
    return _done(plan_id, steps.read_public, _("Le résultat que vous avez lu est au journal."))


@pages.post("/<int:plan_id>/abandon")
@access("controller", "transversal", "administrator")
def abandon(plan_id: int) -> Response:
    """Give the plan up."""
    return _done(plan_id, steps.abandon, _("Le plan est abandonné ; le journal dit pourquoi."))


@pages.get("/<int:plan_id>/plan.json")
@access("controller", "transversal", "administrator")
def document(plan_id: int) -> Response:
    """The plan, byte for byte what was hashed."""
    return _file(plans.published(session(), plan_id)[0], "application/json", f"plan-{plan_id}.json")


@pages.get("/<int:plan_id>/population.txt")
@access("controller", "transversal", "administrator")
def population(plan_id: int) -> Response:
    """The frozen population, byte for byte what was hashed."""
    return _file(plans.published(session(), plan_id)[1], "text/plain", f"population-{plan_id}.txt")


def _file(text: str, kind: str, name: str) -> Response:
    answer = make_response(text)
    answer.headers["Content-Type"] = f"{kind}; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@pages.get("/<int:plan_id>/proces-verbal.json")
@access("controller", "transversal", "administrator")
def record(plan_id: int) -> Response:
    """The public record of a sealed draw: `binome sample verify` replays it."""
    text = json.dumps(plans.public_record(session(), plan_id), ensure_ascii=False, indent=1)
    return _file(text, "application/json", f"tirage-plan-{plan_id}.json")
