"""The routing rules: in order, changed, moved, tried on a case and on past dossiers, and what is wrong with them."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from web import forms, listing, words
from web.context import current_actor, now, see, session, today, write
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow import routing
from workflow.errors import NotFound
from workflow.models import Route
from workflow.models.reference import LEVELS
from workflow.queries import admin_reference as query
from workflow.queries.choices import choices
from workflow.rules import load_rules
from workflow.use_cases import routes as use_cases
from workflow.use_cases.organisations import KIND_LABELS

pages = Blueprint("routes", __name__, url_prefix="/orientation")


@pages.get("")
@access("administrator")
def index() -> str:
    """All rules in their order, and what they say of a case that the address bar describes."""
    rules, pure = query.rules(session()), load_rules(session())
    asked = listing.kept("objectif", "echelle", "commune", "porteur", "somme", "financeur", "texte")
    communes = [row.label for row in query.communes(session())]
    tree = query.objectives(session())
    leaves = [leaf.code for node in tree for strategic in node.children for leaf in strategic.children]
    return render_template(
        "admin/routes.html",
        rules=rules,
        tree=tree,
        levels=[(level, level) for level in LEVELS],
        communes=[(label, label) for label in communes],
        kinds=words.pairs(KIND_LABELS),
        funders=query.funder_codes(session()),
        asked=asked,
        steps=_explained(rules, pure, asked) if asked.get("objectif") else None,
        gaps=routing.gaps(pure, leaves, LEVELS, communes),
        unreachable=routing.unreachable(pure, leaves, LEVELS, communes),
        versions=query.routing_versions(session()),
    )


def _explained(
    rules: list[query.RuleRow], pure: list[routing.Rule], asked: dict[str, str]
) -> list[tuple[query.RuleRow, bool, str]]:
    by_position = {rule.position: rule for rule in rules}
    digits = "".join(character for character in asked.get("somme", "") if character.isdecimal())
    case = routing.Query(
        asked["objectif"],
        asked.get("echelle"),
        asked.get("commune"),
        kind=asked.get("porteur"),
        asked=100 * int(digits) if digits and len(digits) < 10 else None,
        funders=(asked["financeur"],) if asked.get("financeur") else (),
        text=asked.get("texte", ""),
        on=today(),
    )
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


_NAMED = {
    "objective": "objective_id",
    "level": "level",
    "commune": "commune_id",
    "kind": "kind",
    "least": "least_cents",
    "most": "most_cents",
    "funders": "funders",
    "keywords": "keywords",
    "starts_on": "starts_on",
    "ends_on": "ends_on",
}
"""What a kept rule may ask, and the field that says it in words."""


class _OnlyTried(Exception):
    """A change that was only tried: nothing of it is kept."""


def _try(act: Callable[[Session], object]) -> tuple[Outcome, use_cases.Replay | None]:
    """What a change of the rules would do to past dossiers; nothing is written."""
    found: list[use_cases.Replay] = []

    def tried(unit: Session) -> None:
        found.append(use_cases.replay(unit, act))
        raise _OnlyTried

    try:
        return attempt(tried), None
    except _OnlyTried:
        return NOTHING_ASKED, found[0]


def _page(
    rule: query.RuleRow | None, outcome: Outcome, values: dict[str, Any], replay: use_cases.Replay | None = None
) -> Response:
    form = use_cases.RouteForm() if rule else use_cases.NewRouteForm()
    lists = ["objectives", "communes", "instances"]
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
        funders=query.funder_codes(session()),
        replay=replay,
        leads=query.instance_labels(session()) if replay else {},
    )
    return make_response(page, outcome.status)


@pages.get("/versions/<int:number>")
@access("administrator")
def version(number: int) -> str:
    """The rules as they stood in a version."""
    return render_template(
        "admin/routes_version.html",
        version=query.routing_version(session(), number),
        labels={rule: labels(use_cases.RouteForm())[field] for rule, field in _NAMED.items()},
        leads=query.instance_labels(session()),
    )


@pages.route("/nouvelle", methods=("GET", "POST"))
@access("administrator")
def create() -> Response:
    """A form for a new rule."""
    form, outcome = use_cases.NewRouteForm(), NOTHING_ASKED
    made: list[Route] = []
    replay = None
    if request.method == "POST":
        raw = _sent(form)

        def act(unit: Session) -> None:
            made.append(use_cases.add_route(unit, current_actor(), raw, now()))

        if "essayer" in request.form:
            outcome, replay = _try(act)
        else:
            outcome = attempt(act)
            if outcome.done:
                flash(_("La règle est ajoutée."), "success")
                return see("admin.routes.index", _anchor=f"regle-{made[0].id}")
    return _page(None, outcome, forms.typed(form), replay)


def _sent(form: use_cases.RouteForm) -> dict[str, Any]:
    """What was sent, but for the button that only tries."""
    return {name: value for name, value in forms.sent(form).items() if name != "essayer"}


@pages.route("/<int:route_id>", methods=("GET", "POST"))
@access("administrator")
def change(route_id: int) -> Response:
    """A rule, to change, move or delete it."""
    form, outcome = use_cases.RouteForm(), NOTHING_ASKED
    replay = None
    if request.method == "POST":
        raw = _sent(form)

        def act(unit: Session) -> object:
            return use_cases.change_route(unit, current_actor(), route_id, raw, now())

        if "essayer" in request.form:
            outcome, replay = _try(act)
        else:
            outcome = attempt(act)
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
        "kind": rule.kind,
        "least_cents": rule.least_cents,
        "most_cents": rule.most_cents,
        "funders": rule.funders,
        "keywords": "\n".join(rule.keywords),
        "starts_on": rule.starts_on,
        "ends_on": rule.ends_on,
    }
    return _page(rule, outcome, forms.typed(form) if request.method == "POST" else held, replay)


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
