"""The controller's pages: the draw and its public record, the missions, the closing of dossiers."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, jsonify, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from states.control import CONTROL
from states.diagram import Orientation, svg
from states.words import N_
from web import errors, listing, words
from web.context import current_actor, now, see, session, today, write
from web.pages.ceremony import STATES as PLAN_STATES
from web.security import access
from workflow.errors import DomainError, NotFound
from workflow.queries import control as controls
from workflow.queries import sampling_plans as plans
from workflow.queries.control import Errand, Inquiry, Record, Row
from workflow.queries.evaluation import campaigns
from workflow.use_cases import control, perform, sampling_plans

pages = Blueprint("controller", __name__)

INVOLVED: Mapping[str, str] = {
    "instructed": N_("Vous avez instruit ce dossier : vous ne pouvez pas le contrôler."),
    "decided": N_("Vous avez décidé d'un financement de cette action : vous ne pouvez pas la contrôler."),
    "evaluated": N_("Vous avez évalué cette action : vous ne pouvez pas la contrôler."),
    "bound": N_("Vous êtes lié au porteur par un rôle ou un intérêt déclaré : vous ne pouvez pas le contrôler."),
    "reviewed": N_("Vous êtes relecteur de cette action à mi-parcours : vous ne pouvez pas la contrôler."),
}
"""What keeps a controller from a dossier (a name of `access.involvements`), in words."""
GROUPS: Mapping[str, str] = {
    "drawn": N_("À commencer"),
    "announced": N_("Annoncés : constats à faire"),
    "findings_sent": N_("Constats envoyés"),
    "concluded": N_("Conclus"),
    "waiting": N_("En attente de l'évaluation"),
    "over": N_("Terminés"),
}
"""The groups of `queries.control.GROUPS`, in words."""
METHOD = "simple random sample: SHA-256 of seed, line feed, number (UTF-8); the smallest tickets are drawn"


def _campaign() -> tuple[Sequence[Row], Row]:
    """All campaigns, and the one that the address names, by default the oldest with something to do."""
    rows, default = campaigns(session())
    wanted = listing.number("campaign")
    chosen = default if wanted is None else next((row for row in rows if row.id == wanted), None)
    if chosen is None:
        raise NotFound("campaign")
    return rows, chosen


def act_url(errand: Errand | Inquiry) -> str | None:
    """Where a mission's next act is done; None where it only waits."""
    task = errand.task
    dossier_id = errand.dossier_id if isinstance(errand, Errand) else errand.mission.dossier_id
    mission_id = errand.id if isinstance(errand, Errand) else errand.mission.id
    if task.act is None:
        return None
    if isinstance(errand, Errand) and errand.state == "announced" and task.act == "sign_findings":
        # What is found comes first, and stands on the page of the mission.
        return url_for("controller.mission", mission_id=mission_id)
    if task.on_mission:
        return url_for("acts.on_mission", dossier_id=dossier_id, subject_id=mission_id, act=task.act)
    return url_for("acts.on_dossier", dossier_id=dossier_id, act=task.act)


# --- the list -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of one dossier that was to be closed; `reasons` why not."""

    number: str
    reasons: tuple[Mapping[str, str], ...] = ()


@pages.get("/controles")
@access("controller")
def index() -> Response:
    """The campaign's draw, the missions, what can be closed."""
    rows, chosen = _campaign()
    return _index(rows, chosen)


def _index(rows: Sequence[Row], chosen: Row, closings: Sequence[Closing] = ()) -> Response:
    sample_id = controls.sample_of(session(), chosen.id)
    sample = controls.record(session(), sample_id, drawn_only=True) if sample_id is not None else None
    closable = controls.closable(session(), chosen.id, listing.page())
    page = render_template(
        "controller/index.html",
        campaigns=rows,
        campaign=chosen,
        sample=sample,
        plans=plans.plans(session(), chosen.id, "control"),
        plan_states=PLAN_STATES,
        population=None if sample else sampling_plans.population_size(session(), "control", [chosen.id]),
        errands=controls.errands(session(), current_actor(), chosen.id, today()),
        groups=GROUPS,
        involved=INVOLVED,
        act_url=act_url,
        outcomes=control.OUTCOME_LABELS,
        closable=closable,
        pagination=listing.pagination(closable.number, closable.pages, closable.total, {"campaign": str(chosen.id)}),
        closed=[closing.number for closing in closings if not closing.reasons],
        refused=[closing for closing in closings if closing.reasons],
        address=url_for("controller.index", campaign=chosen.id),
    )
    return make_response(page, 409 if any(closing.reasons for closing in closings) else 200)


@pages.post("/controles/clore")
@access("controller")
def close() -> Response:
    """Close the dossiers that the form names, each in a unit of work of its own."""
    rows, chosen = _campaign()
    ids = [
        int(text)
        for text in request.form.getlist("dossier")[: controls.PAGE]
        if text.isascii() and text.isdecimal() and len(text) < 18
    ]
    numbers = controls.named(session(), current_actor(), ids)
    closings = [_close(dossier_id, number) for dossier_id, number in numbers.items()]
    done = [closing for closing in closings if not closing.reasons]
    if len(done) < len(closings):
        return _index(rows, chosen, closings)
    if done:
        told = ngettext(
            "Dossier clos : %(names)s.",
            "%(num)s dossiers clos : %(names)s.",
            len(done),
            names=", ".join(numbers.values()),
        )
        flash(told, "success")
    else:
        flash(_("Aucun dossier n'était coché : rien n'est clos."), "warning")
    return see("controller.index", campaign=chosen.id)


def _close(dossier_id: int, number: str) -> Closing:
    seen = request.form.get(f"version-{dossier_id}", "")
    version = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0
    try:
        with write() as unit:
            perform(unit, current_actor(), "close", dossier_id, now=now(), version=version)
    except DomainError as error:
        return Closing(number, tuple(errors.explain(reason) for reason in error.reasons))
    return Closing(number)


# --- the draw -------------------------------------------------------------------------------------------------------


@pages.get("/controles/tirages/<int:sample_id>")
@access("controller", "transversal", "administrator")
def sample(sample_id: int) -> Response:
    """A sealed draw: its record, what was drawn, and how a stranger checks it; with a plan, the page of that."""
    found = controls.record(session(), sample_id, drawn_only=True)
    if found.plan_id is not None:
        return see("ceremony.show", plan_id=found.plan_id)
    return make_response(render_template("controller/sample.html", sample=found, shown=controls.RECORD_SHOWN))


@pages.get("/controles/tirages/<int:sample_id>/json")
@access("controller", "transversal", "administrator")
def sample_json(sample_id: int) -> Response:
    """The public record of a draw as JSON."""
    record = controls.record(session(), sample_id)
    if record.plan_id is not None:
        return see("ceremony.record", plan_id=record.plan_id)
    answer = jsonify(
        {
            "campaign": record.campaign,
            "method": METHOD,
            "seed": record.seed,
            "size": record.size,
            "population_size": record.population_size,
            "population_hash": record.population_hash,
            "drawn_at": record.drawn_at.isoformat(),
            "drawn_by": record.drawn_by,
            "sealed_at": record.sealed_at.isoformat(),
            "units": [
                {"number": unit.number, "rank": unit.rank, "ticket": unit.ticket, "drawn": bool(unit.drawn)}
                for unit in record.units
            ],
        }
    )
    return _saved(answer, record, "json")


@pages.get("/controles/tirages/<int:sample_id>/csv")
@access("controller", "transversal", "administrator")
def sample_csv(sample_id: int) -> Response:
    """The public record of a draw as CSV: a line for each dossier of the population, by rank."""
    record = controls.record(session(), sample_id)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("number", "rank", "ticket", "drawn"))
    rows.writerows((unit.number, unit.rank, unit.ticket, int(unit.drawn)) for unit in record.units)
    return _saved(Response(text.getvalue(), content_type="text/csv; charset=utf-8"), record, "csv")


def _saved(answer: Response, record: Record, kind: str) -> Response:
    answer.headers["Content-Disposition"] = f'attachment; filename="tirage-{record.id}.{kind}"'
    return answer


# --- a mission ------------------------------------------------------------------------------------------------------


def _life(state: str, orientation: Orientation) -> Markup:
    labels: dict[str, Any] = {name: words.state_label(name) for name in CONTROL.states}
    path = CONTROL.states[: CONTROL.states.index(state) + 1]
    title = _("Le contrôle : étape « %(state)s »", state=labels[state])
    return Markup(svg(CONTROL, labels, state, path, orientation, title))  # noqa: S704 - svg escapes every label


@pages.get("/controles/<int:mission_id>")
@access("controller")
def mission(mission_id: int) -> str:
    """A mission: where it stands, what the carrier declared, findings, reply, conclusion."""
    found = controls.inquiry(session(), current_actor(), mission_id, today())
    return render_template(
        "controller/mission.html",
        found=found,
        mission=found.mission,
        file=found.file,
        dossier=found.file.dossier,
        life={way: _life(found.mission.state, way) for way in ("row", "column")},
        url=act_url(found),
        ready=found.mission.state != "announced" or found.file.anything_found,
        involved=[INVOLVED[name] for name in found.involved],
        outcomes=control.OUTCOME_LABELS,
    )
