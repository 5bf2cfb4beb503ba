"""The grids that everybody fills alike: the next version written, looked at as it will be filled, and published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from states.words import N_
from web import forms, words
from web.context import current_actor, now, see, session
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow.queries import common_grids as query
from workflow.use_cases import common_grids as use_cases
from workflow.use_cases.control_grid import VERDICT_LABELS

pages = Blueprint("grids", __name__, url_prefix="/grilles")

SPARE = 2
"""Empty rows under the items that stand: enough to add one without scripts, and another."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a grid is called, what keeps its version, and what may be answered to an item."""

    title: str
    kept: str
    answers: Mapping[str, str]


WORDS: Mapping[str, Words] = {
    "controle": Words(
        N_("Grille de réalisation des contrôles"),
        N_("Les contrôles déjà annoncés gardent la version avec laquelle ils ont commencé."),
        VERDICT_LABELS,
    )
}
"""The kinds of workflow.common_grids.KINDS, in words."""
CHANGES: Mapping[str, str] = {
    "added": N_("« %(label)s » est ajouté"),
    "removed": N_("« %(label)s » est retiré"),
    "renamed": N_("« %(before)s » devient « %(label)s »"),
    "reworded": N_("« %(label)s » est précisé autrement : « %(before)s » devient « %(after)s »"),
    "moved": N_("« %(label)s » passe de la place %(before)s à la place %(after)s"),
}


@pages.route("/<grid>", methods=("GET", "POST"))
@access("administrator")
def show(grid: str) -> Response:
    """The version in force as a form. Sent, it is first shown as it will be filled; confirmed, it is published."""
    found = query.versions(session(), grid)
    current = found[0].grid if found else None
    outcome, proposal = NOTHING_ASKED, None
    rows: list[Mapping[str, Any]] = (
        [{"label": item.label, "help": item.help} for item in current.items] if current else []
    )
    typed: Mapping[str, Any] = {"seen": current.number if current else 0}
    if request.method == "POST":
        typed = forms.typed()
        sent = typed.get("items")
        rows = use_cases.arranged(sent) if isinstance(sent, Mapping) else []
        raw = {name: value for name, value in forms.sent().items() if name in use_cases.GridForm().fields}
        if "publier" in request.form:
            outcome = attempt(lambda unit: use_cases.publish(unit, current_actor(), grid, raw, now()))
            if outcome.done:
                flash(_("La grille est publiée : elle vaut pour ce qui commence maintenant."), "success")
                return see("admin.grids.show", grid=grid)
        elif "corriger" not in request.form:
            outcome, proposal = _looked_at(grid, raw)
    page = render_template(
        "admin/grid.html",
        grid=grid,
        words=WORDS[grid],
        others=[(name, _(one.title)) for name, one in WORDS.items() if name != grid],
        found=found,
        rows=[*rows, *({} for _row in range(SPARE))],
        typed=typed,
        outcome=outcome,
        problems=_problems(outcome),
        labels=labels(use_cases.GridForm()),
        proposal=proposal,
        answers=words.pairs(WORDS[grid].answers),
        changes=CHANGES,
    )
    return make_response(page, outcome.status)


def _looked_at(grid: str, raw: Mapping[str, Any]) -> tuple[Outcome, use_cases.Proposal | None]:
    found: list[use_cases.Proposal] = []

    def act(unit: Session) -> None:
        found.append(use_cases.propose(unit, current_actor(), grid, raw))

    outcome = attempt(act)
    return outcome, found[0] if found else None


def _problems(outcome: Outcome) -> Mapping[Any, Any]:
    """By row, and under « all » what stands against them all."""
    found = outcome.problems.get("items", {})
    return found if isinstance(found, Mapping) else {"all": found}
