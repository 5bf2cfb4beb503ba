"""The evaluator's page: reports that await an evaluation, reports that never came, what is evaluated."""

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from web import listing
from web.context import current_actor, session, today
from web.security import access
from workflow.errors import NotFound
from workflow.models.follow_up import CRITERIA
from workflow.queries import evaluation
from workflow.use_cases.evaluation import RECOMMENDATION_LABELS

pages = Blueprint("evaluator", __name__)

HIGHEST = 4 * len(CRITERIA)
"""The sum of a grid that is full marks throughout."""


@pages.get("/evaluations")
@access("evaluator", "instructor")
def index() -> str:
    """The actions that the reader may evaluate, as evaluator of their instances or member of their binômes."""
    rows, newest = evaluation.campaigns(session())
    wanted = listing.number("campaign")
    chosen = newest if wanted is None else next((row for row in rows if row.id == wanted), None)
    if chosen is None:
        raise NotFound("campaign")
    kept = listing.kept("instance")
    kind = request.args.get("list", "waiting")
    kind = kind if kind in evaluation.KINDS else "waiting"
    parameters = {"campaign": str(chosen.id), "list": kind, **kept}
    sort = listing.Sort.asked(evaluation.SORTS, "due", parameters)
    found = evaluation.desk(
        session(),
        current_actor(),
        chosen.id,
        evaluation.Filters(kind, listing.number("instance"), sort.key, sort.desc, listing.page()),
        today(),
    )
    return render_template(
        "evaluator/index.html",
        campaigns=rows,
        campaign=chosen,
        kind=kind,
        found=found,
        sort=sort,
        highest=HIGHEST,
        recommendations=RECOMMENDATION_LABELS,
        filters=[
            {
                "name": "instance",
                "label": _("Instance"),
                "type": "select",
                "options": [(row.id, row.label) for row in found.instances],
            }
        ],
        values=kept,
        keep={"campaign": str(chosen.id), "list": kind, "sort": sort.word},
        pagination=listing.pagination(found.number, found.pages, found.counts[kind], {**parameters, "sort": sort.word}),
        address=request.full_path.rstrip("?"),
    )
