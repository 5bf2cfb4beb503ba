"""The criteria by which an instance's instructors judge, and how far they agree."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import forms
from web.context import current_actor, now, see, session, today
from web.instance_page import here, page, scope
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt
from web.security import access
from workflow.access import INSTRUCTOR
from workflow.errors import NotFound
from workflow.models import Instance
from workflow.queries import board
from workflow.queries import grids as query
from workflow.use_cases import grids as use_cases

pages = Blueprint("grids", __name__)

SPARE = 2
"""Empty rows under the criteria that stand: enough to add one without scripts, and another."""


@pages.route("/instance/grille", methods=("GET", "POST"))
@access("animator", "transversal")
def show() -> Response:
    """The grid in force as a form; sent, it is a new version."""
    where = scope()
    outcome = NOTHING_ASKED
    if request.method == "POST":
        raw = forms.sent()
        outcome = attempt(lambda unit: use_cases.save_grid(unit, current_actor(), where.instance.id, raw, now()))
        if outcome.done:
            flash(_("La grille est enregistrée : les prochains binômes jugeront avec elle."), "success")
            return see("grids.show", **here(where))
    found = query.grids(session(), where.instance.id)
    return page(
        "grid",
        where,
        outcome.status,
        found=found,
        rows=_typed() if outcome.status != 200 else _rows(found),
        outcome=outcome,
        problems=_problems(outcome),
        most=use_cases.HEAVIEST,
    )


def _rows(found: query.Grids) -> list[dict[str, Any]]:
    criteria: Sequence[Any] = found.current.criteria if found.current else ()
    rows = [{"label": row.label, "weight": row.weight, "levels": row.levels} for row in criteria]
    return [*(rows or map(dict, use_cases.proposed())), *({} for _row in range(SPARE))]


def _typed() -> list[dict[str, Any]]:
    """The rows as they were typed, in their order, those without anything left out: as the problems count them."""
    sent = forms.typed().get("criteria")
    rows = use_cases.numbered(sent) if isinstance(sent, Mapping) else []
    return [*(row for row in rows if isinstance(row, dict)), *({} for _row in range(SPARE))]


def _problems(outcome: Outcome) -> Mapping[str, Any]:
    """By row, and under « criteria » what stands against them all."""
    found = outcome.problems.get("criteria", {})
    return found if isinstance(found, Mapping) else {"all": found}


@pages.get("/instance/accord")
@access("animator", "transversal")
def agreement() -> Response:
    """How far the instance's instructors agree; only its animator reads who is severe."""
    where = scope()
    found = query.agreement(session(), where.instance.id, where.campaign.id)
    return page("agreement", where, found=found, named=where.acts)


@pages.get("/instruction/accord")
@access("instructor")
def own_agreement() -> str:
    """The same to an instructor, for each of their instances: themself among the others, who are not named."""
    actor = current_actor()
    campaign = board.under_way(board.campaign_list(session()), today())
    if campaign is None:
        raise NotFound("campaign")
    return render_template(
        "instructor/agreement.html",
        campaign=campaign,
        found=[
            (session().get_one(Instance, one).label, query.agreement(session(), one, campaign.id))
            for one in sorted(actor.instances(INSTRUCTOR))
        ],
        reader=actor.person_id,
    )
