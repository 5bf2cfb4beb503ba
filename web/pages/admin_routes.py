"""The routing rules: in order, changed, moved, tried."""

from typing import Any

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import forms, listing
from web.context import current_actor, now, see, session, today, write
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow import routing
from workflow.errors import NotFound
from workflow.models import Route
from workflow.models.reference import LEVELS
from workflow.queries import admin_reference as query
from workflow.queries.choices import choices
from workflow.use_cases import routes as use_cases

pages = Blueprint("routes", __name__, url_prefix="/orientation")


@pages.get("")
@access("administrator")
def index() -> str:
    """All rules in their order, and what they say of a case that the address bar describes."""
    rules = query.rules(session())
    asked = listing.kept("objectif", "echelle", "commune")
    return render_template(
        "admin/routes.html",
        rules=rules,
        tree=query.objectives(session()),
        levels=[(level, level) for level in LEVELS],
        communes=[(row.label, row.label) for row in query.communes(session())],
        asked=asked,
        steps=_explained(rules, asked) if asked.get("objectif") else None,
    )


def _explained(rules: list[query.RuleRow], asked: dict[str, str]) -> list[tuple[query.RuleRow, bool, str]]:
    by_position = {rule.position: rule for rule in rules}
    pure = [routing.Rule(rule.position, rule.code, rule.lead, rule.level, rule.commune) for rule in rules]
    case = routing.Query(asked["objectif"], asked.get("echelle"), asked.get("commune"))
    return [
        (
            by_position[step.rule.position],
            step.matched,
            _(step.message) % step.params if step.params else _(step.message),
        )
        for step in routing.explain(pure, case)
    ]


def _rule(route_id: int) -> query.RuleRow:
    found = next((rule for rule in query.rules(session()) if rule.id == route_id), None)
    if found is None:
        raise NotFound("route")
    return found


def _page(rule: query.RuleRow | None, outcome: Outcome, values: dict[str, Any]) -> Response:
    form = use_cases.RouteForm() if rule else use_cases.NewRouteForm()
    lists = ["operational_objectives", "communes", "instances"]
    options: dict[str, Any] = dict(choices(session(), current_actor(), None, lists, today()))
    page = render_template(
        "admin/route.html",
        rule=rule,
        form=form,
        labels=labels(form),
        outcome=outcome,
        values=values,
        choices=options,
        associable=[pair for pairs in options["instances"].values() for pair in pairs],
    )
    return make_response(page, outcome.status)


@pages.route("/nouvelle", methods=("GET", "POST"))
@access("administrator")
def create() -> Response:
    """A form for a new rule."""
    form, outcome = use_cases.NewRouteForm(), NOTHING_ASKED
    made: list[Route] = []
    if request.method == "POST":
        raw = forms.sent(form)
        outcome = attempt(lambda unit: made.append(use_cases.add_route(unit, current_actor(), raw, now())))
        if outcome.done:
            flash(_("La règle est ajoutée."), "success")
            return see("admin.routes.index", _anchor=f"regle-{made[0].id}")
    return _page(None, outcome, forms.typed(form))


@pages.route("/<int:route_id>", methods=("GET", "POST"))
@access("administrator")
def change(route_id: int) -> Response:
    """A rule, to change, move or delete it."""
    form, outcome = use_cases.RouteForm(), NOTHING_ASKED
    if request.method == "POST":
        raw = forms.sent(form)
        outcome = attempt(lambda unit: use_cases.change_route(unit, current_actor(), route_id, raw, now()))
        if outcome.done:
            flash(_("La règle est enregistrée."), "success")
            return see("admin.routes.index", _anchor=f"regle-{route_id}")
    rule = _rule(route_id)
    held = {
        "objective_id": rule.objective_id,
        "level": rule.level,
        "commune_id": rule.commune_id,
        "lead_id": rule.lead_id,
        "associated": [row.id for row in rule.associated],
        "basis": rule.basis,
    }
    return _page(rule, outcome, held if outcome.done else forms.typed(form))


@pages.post("/<int:route_id>/place")
@access("administrator")
def move(route_id: int) -> Response:
    """Move a rule to another place."""
    raw = forms.sent()
    outcome = attempt(lambda unit: use_cases.move_route(unit, current_actor(), route_id, raw, now()))
    if outcome.done:
        flash(_("La règle est déplacée."), "success")
        return see("admin.routes.index", _anchor=f"regle-{route_id}")
    return _page(_rule(route_id), outcome, {"position": forms.typed().get("position")})


@pages.post("/<int:route_id>/suppression")
@access("administrator")
def delete(route_id: int) -> Response:
    """Delete a rule."""
    with write() as unit:
        use_cases.delete_route(unit, current_actor(), route_id, now())
    flash(_("La règle est supprimée ; les suivantes remontent d'une place."), "success")
    return see("admin.routes.index")
