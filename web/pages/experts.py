"""The directory of experts: found, added, changed, retired."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from states.words import N_
from web import forms, listing, words
from web.context import current_actor, now, see, session
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow.models import Expert
from workflow.queries import admin_organisations as carriers
from workflow.queries import experts as query
from workflow.use_cases import directory as use_cases

pages = Blueprint("experts", __name__, url_prefix="/experts")

STATUSES: Mapping[str, str] = {"active": N_("Peuvent être consultés"), "retired": N_("Retirés de l'annuaire")}
NO_CARRIER = 0
"""The number of no carrier: what was typed names none, and the use case says so."""


def _edits() -> bool:
    return not current_actor().roles.isdisjoint(use_cases.EDITORS)


@pages.get("")
@access("animator", "administrator", "instructor")
def index() -> str:
    """The experts by name, with their subjects, conflicts and what they were asked."""
    kept = listing.kept("q", "status")
    retired = {"active": False, "retired": True}.get(kept.get("status", ""))
    found = query.directory(session(), current_actor(), kept.get("q", "")[:200], retired, listing.page())
    page = found.page
    return render_template(
        "experts/index.html",
        found=found,
        page=page,
        never=query.NEVER_ASKED,
        edits=_edits(),
        filters=[
            {"name": "q", "label": _("Nom ou sujet"), "type": "search"},
            {"name": "status", "label": _("Annuaire"), "type": "select", "options": words.pairs(STATUSES)},
        ],
        values=kept,
        reset_url=url_for("experts.index"),
        pagination=listing.pagination(page.number, page.pages, page.total, kept),
    )


@pages.route("/nouveau", methods=("GET", "POST"))
@access("animator", "administrator")
def create() -> Response:
    """A form for a new expert."""
    form, outcome = use_cases.ExpertForm(), NOTHING_ASKED
    made: list[Expert] = []
    if request.method == "POST":
        raw = forms.sent()
        outcome = attempt(lambda unit: made.append(use_cases.add_expert(unit, current_actor(), raw, now())))
        if outcome.done:
            flash(_("L'expert est dans l'annuaire : notez maintenant ses liens d'intérêt, s'il en a."), "success")
            return see("experts.show", expert_id=made[0].id)
    page = render_template("experts/new.html", labels=labels(form), outcome=outcome, values=forms.typed())
    return make_response(page, outcome.status)


@pages.get("/<int:expert_id>")
@access("animator", "administrator", "instructor")
def show(expert_id: int) -> Response:
    """One expert; for those who may change the directory, the forms that do."""
    return _page(expert_id, NOTHING_ASKED)


def _page(expert_id: int, outcome: Outcome) -> Response:
    found = query.expert(session(), current_actor(), expert_id)
    form = use_cases.ExpertForm()
    typed: dict[str, Any] = forms.typed()
    page = render_template(
        "experts/show.html",
        found=found,
        expert=found.expert,
        edits=_edits(),
        outcome=outcome,
        labels=labels(form) | labels(use_cases.ExpertInterestForm(), "interest-"),
        values=typed if "name" in typed else {name: getattr(found.expert, name) for name in form.fields},
        typed=typed,
        proposals=carriers.proposals(session()) if _edits() else [],
    )
    return make_response(page, outcome.status)


def _answer(expert_id: int, outcome: Outcome, done: str) -> Response:
    """Back to the expert, with what was done or what stands against it."""
    if not outcome.done:
        return _page(expert_id, outcome)
    flash(done, "success")
    return see("experts.show", expert_id=expert_id)


@pages.post("/<int:expert_id>")
@access("animator", "administrator")
def update(expert_id: int) -> Response:
    """Change what is known of the expert."""
    raw = forms.sent()
    outcome = attempt(lambda unit: use_cases.update_expert(unit, current_actor(), expert_id, raw, now()))
    return _answer(expert_id, outcome, _("La fiche est enregistrée."))


@pages.post("/<int:expert_id>/interets")
@access("animator", "administrator")
def declare(expert_id: int) -> Response:
    """Note an interest in an organisation, named or by its SIRET."""
    part = forms.sent().get("interest")
    text = str(part.get("organisation", "")) if isinstance(part, Mapping) else ""
    raw = {"organisation_id": carriers.named(session(), text) or NO_CARRIER} if text else {}
    outcome = attempt(lambda unit: use_cases.declare(unit, current_actor(), expert_id, raw, now()))
    return _answer(expert_id, outcome.under("interest"), _("Le lien d'intérêt est noté."))


@pages.post("/<int:expert_id>/interets/<int:organisation_id>/fin")
@access("animator", "administrator")
def withdraw(expert_id: int, organisation_id: int) -> Response:
    """Take an interest back."""
    outcome = attempt(
        lambda unit: use_cases.withdraw_interest(unit, current_actor(), expert_id, organisation_id, now())
    )
    return _answer(expert_id, outcome, _("Le lien d'intérêt est retiré."))


@pages.post("/<int:expert_id>/retrait")
@access("animator", "administrator")
def retire(expert_id: int) -> Response:
    """Offer the expert to nobody any more."""
    outcome = attempt(lambda unit: use_cases.retire(unit, current_actor(), expert_id, now()))
    return _answer(expert_id, outcome, _("L'expert est retiré de l'annuaire."))


@pages.post("/<int:expert_id>/retour")
@access("animator", "administrator")
def bring_back(expert_id: int) -> Response:
    """Offer the expert again."""
    outcome = attempt(lambda unit: use_cases.bring_back(unit, current_actor(), expert_id, now()))
    return _answer(expert_id, outcome, _("L'expert est de nouveau dans l'annuaire."))
