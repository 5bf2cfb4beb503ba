"""The instructor's pages: what awaits them, and the desk on which a dossier is instructed."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from states.dossier import BINOME
from states.words import N_
from web import dossier_page, listing
from web.context import current_actor, now, session, today
from web.pages.together import INSTRUCTORS
from web.security import access
from workflow.errors import NotFound
from workflow.queries import instruction, own_list
from workflow.queries.dossier import File
from workflow.queries.progress import STEPS
from workflow.use_cases import offered
from workflow.use_cases.instruction import JointForm, OpinionForm

pages = Blueprint("instructor", __name__)

GROUP_LABELS: Mapping[str, str] = {
    "a-instruire": N_("À instruire"),
    "avis-rendus": N_("Avis rendus"),
    "en-suivi": N_("En suivi"),
    "termines": N_("Terminés"),
}


@pages.app_template_global("dossier_labels")
def dossier_labels() -> Mapping[str, Mapping[str, str]]:
    """What the parts of a dossier are called, for pages that show them beside something else."""
    return dossier_page.LABELS


@pages.app_template_global("dossier_notes")
def dossier_notes(file: File) -> list[dict[str, Any]]:
    """The internal notes of a dossier, as `ui.messages_thread` reads them."""
    return dossier_page.notes(file, current_actor().person_id)


@pages.get("/instruction")
@access("instructor")
def index() -> str:
    """My dossiers and what I must do next, by due date."""
    group = request.args.get("part", "a-instruire")
    if group not in own_list.GROUPS:
        raise NotFound("part")
    found = own_list.own_list(session(), current_actor(), group, listing.page(), today())
    tabs = [
        (
            _(label),
            url_for("instructor.index", part=name),
            name == group,
            sum(found.counts.get(state, 0) for state in own_list.GROUPS[name]),
        )
        for name, label in GROUP_LABELS.items()
    ]
    return render_template(
        "instructor/index.html",
        found=found,
        tabs=tabs,
        group=group,
        steps=STEPS,
        together=INSTRUCTORS,
        pagination=listing.pagination(found.number, found.pages, found.total, {"part": group}),
    )


@pages.get("/instruction/<int:dossier_id>")
@access("instructor")
def work(dossier_id: int) -> str:
    """The dossier beside what its binôme writes. Only for its two members."""
    actor = current_actor()
    desk = instruction.desk(session(), actor, dossier_id)
    if BINOME not in desk.file.roles:
        raise NotFound("dossier")
    dossier = desk.file.dossier
    return render_template(
        "instructor/work.html",
        desk=desk,
        dossier=dossier,
        steps=STEPS,
        acts=offered(session(), actor, dossier, dossier, now()),
        opinion_form=OpinionForm(),
        joint_form=JointForm(),
        here=url_for("instructor.work", dossier_id=dossier_id),
    )
