"""The mid-term review: its draws, each action's review, and the synthesis per orientation, to read and to save."""

import csv
import io
from typing import Any

from flask import Blueprint, Response, flash, make_response, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from states.diagram import Orientation, svg
from states.review import REVIEW
from web import pdf, words
from web.context import current_actor, now, see, session
from web.pages.ceremony import STATES as PLAN_STATES
from web.pages.ceremony import planning
from web.pages.results import harmless
from web.security import access
from workflow.models.review import DIMENSIONS
from workflow.queries import midterm as query
from workflow.queries import reviews
from workflow.queries import sampling_plans as plans
from workflow.queries.evaluation import campaigns
from workflow.review_means import CONFIDENCE
from workflow.sampling_plans import METHOD_LABELS
from workflow.use_cases.review import DIMENSION_LABELS, RECOMMENDATION_LABELS
from workflow.use_cases.sampling_plans import population_size

pages = Blueprint("midterm", __name__, url_prefix="/mi-parcours")

TONES = {"continue": "success", "extend": "success", "adjust": "warning", "stop": "danger"}
"""How each recommendation is coloured."""


@pages.get("")
@access("transversal", "administrator", "evaluator")
def index() -> str:
    """The draws and all reviews, for the committee and administrators; one's own reviews for an evaluator."""
    actor = current_actor()
    steering = bool(actor.roles & {"transversal", "administrator"})
    return render_template(
        "midterm/index.html",
        steering=steering,
        desk=reviews.desk(session(), actor),
        plans=plans.plans(session(), purpose="review") if steering else (),
        plan_states=PLAN_STATES,
        recommendations=RECOMMENDATION_LABELS,
        tones=TONES,
    )


@pages.route("/tirage", methods=("GET", "POST"))
@access("transversal", "administrator")
def plan() -> BaseResponse:
    """The form of a plan of draw; sent, the plan is published."""
    rows, _default = campaigns(session())
    population = population_size(session(), "review", [row.id for row in rows])
    return planning(
        "review",
        {},
        {
            "method": "stratified",
            "stratum": "orientation",
            "campaigns": [str(row.id) for row in rows if population_size(session(), "review", [row.id])],
        },
        {"campaigns": [(row.id, row.label) for row in rows]},
        kicker=_("Revue à mi-parcours"),
        action=url_for("midterm.plan"),
        back_url=url_for("midterm.index"),
        earlier=plans.plans(session(), purpose="review"),
        population=population,
        told=ngettext(
            "Une action évaluée peut être tirée, sur l'ensemble des campagnes.",
            "%(num)s actions évaluées peuvent être tirées, sur l'ensemble des campagnes.",
            population,
        ),
        nothing=_("Aucune action n'est encore évaluée, ou toutes ont déjà été tirées."),
    )


@pages.get("/<int:dossier_id>")
@access("transversal", "administrator", "evaluator")
def review(dossier_id: int) -> str:
    """The review of one action: where it stands, its text, and the file beside."""
    found = reviews.show(session(), current_actor(), dossier_id)
    return render_template(
        "midterm/review.html",
        found=found,
        review=found.review,
        file=found.file,
        dossier=found.file.dossier,
        life={way: _life(found.review.state, way) for way in ("row", "column")},
        **_words(),
    )


def _life(state: str, orientation: Orientation) -> Markup:
    labels: dict[str, Any] = {name: words.state_label(name) for name in REVIEW.states}
    path = REVIEW.states[: REVIEW.states.index(state) + 1]
    title = _("La revue : étape « %(state)s »", state=labels[state])
    return Markup(svg(REVIEW, labels, state, path, orientation, title))  # noqa: S704 - svg escapes every label


def _words() -> dict[str, Any]:
    return {"dimensions": DIMENSION_LABELS, "recommendations": RECOMMENDATION_LABELS, "tones": TONES}


pages.add_app_template_global(_words, "review_words")


# --- the synthesis ----------------------------------------------------------------------------------------------------


@pages.get("/syntheses/<int:sample_id>")
@access("transversal", "administrator")
def synthesis(sample_id: int) -> str:
    """What the reviews of a sample say, per orientation and of the whole territory."""
    return render_template("midterm/synthesis.html", **_shown(sample_id))


@pages.get("/syntheses/<int:sample_id>.pdf")
@access("transversal", "administrator")
def synthesis_pdf(sample_id: int) -> BaseResponse:
    """The same as a PDF; where this machine makes none, the page, which can be printed."""
    page = render_template("documents/midterm.html", made_at=now(), **_shown(sample_id))
    try:
        return pdf.sent_pdf(page, f"mi-parcours-{sample_id}.pdf")
    except pdf.NoPdf:
        flash(_("Ce serveur ne sait pas faire de PDF : imprimez cette page à la place."), "warning")
        return see("midterm.synthesis", sample_id=sample_id)


def _shown(sample_id: int) -> dict[str, Any]:
    return {
        "found": query.synthesis(session(), sample_id),
        "confidence": CONFIDENCE,
        "methods": METHOD_LABELS,
        **_words(),
    }


@pages.get("/syntheses/<int:sample_id>.csv")
@access("transversal", "administrator")
def synthesis_csv(sample_id: int) -> Response:
    """The sealed reviews, a line each, for a spreadsheet."""
    text = io.StringIO()
    rows = csv.writer(text, delimiter=";")
    heads = [str(_(DIMENSION_LABELS[name])) for name in DIMENSIONS]
    rows.writerow(("dossier", "action", "orientation", *heads, "recommandation", "motif", "forces", "limites"))
    for one in query.synthesis(session(), sample_id).territory.reviews:
        rows.writerow(
            (
                one.number,
                harmless(one.title),
                harmless(one.orientation),
                *(f"{one.means[name]:.2f}".replace(".", ",") for name in DIMENSIONS),
                _(RECOMMENDATION_LABELS[one.recommendation]),
                *(harmless(part) for part in (one.reason, one.strengths, one.weaknesses)),
            )
        )
    # Spreadsheets take UTF-8 for what it is only where it says so.
    answer = make_response("\ufeff" + text.getvalue())
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="mi-parcours-{sample_id}.csv"'
    return answer
