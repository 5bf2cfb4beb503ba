"""The carriers: found, added, changed."""

from typing import Any

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import forms, listing, words
from web.context import current_actor, now, see, session
from web.pages.admin_common import NOTHING_ASKED, attempt, labels
from web.security import access
from workflow.models import Organisation
from workflow.queries import admin_organisations as query
from workflow.use_cases import organisations as use_cases

pages = Blueprint("organisations", __name__, url_prefix="/organismes")


@pages.get("")
@access("administrator")
def index() -> str:
    """The carriers as a list that filters, sorts and pages in the address bar."""
    kept = listing.kept("q", "kind")
    sort = listing.Sort.asked(query.SORTS, "name", kept)
    kind = kept.get("kind", "")
    found = query.organisations(
        session(),
        current_actor(),
        kept.get("q", "")[:200],
        kind if kind in use_cases.KIND_LABELS else "",
        sort.key,
        sort.desc,
        listing.page(),
    )
    return render_template(
        "admin/organisations.html",
        found=found,
        sort=sort,
        kinds=use_cases.KIND_LABELS,
        filters=[
            {"name": "q", "label": _("Nom ou SIRET"), "type": "search"},
            {
                "name": "kind",
                "label": _("Nature"),
                "type": "select",
                "options": words.pairs(use_cases.KIND_LABELS),
            },
        ],
        values=kept,
        keep={"sort": sort.word},
        reset_url=url_for("admin.organisations.index"),
        pagination=listing.pagination(found.number, found.pages, found.total, {**kept, "sort": sort.word}),
    )


@pages.route("/nouveau", methods=("GET", "POST"))
@access("administrator")
def create() -> Response:
    """A form for a new carrier."""
    form, outcome = use_cases.OrganisationForm(), NOTHING_ASKED
    made: list[Organisation] = []
    if request.method == "POST":
        raw = forms.sent(form)
        outcome = attempt(lambda unit: made.append(use_cases.create_organisation(unit, current_actor(), raw, now())))
        if outcome.done:
            flash(_("L'organisme est ajouté : invitez maintenant une personne qui déposera pour lui."), "success")
            return see("admin.organisations.show", organisation_id=made[0].id)
    page = render_template(
        "admin/organisation_new.html", form=form, labels=labels(form), outcome=outcome, values=forms.typed(form)
    )
    return make_response(page, outcome.status)


@pages.route("/<int:organisation_id>", methods=("GET", "POST"))
@access("administrator")
def show(organisation_id: int) -> Response:
    """A carrier with its people and dossiers, and the form that changes it."""
    form, outcome = use_cases.OrganisationForm(), NOTHING_ASKED
    if request.method == "POST":
        raw = forms.sent(form)
        outcome = attempt(
            lambda unit: use_cases.update_organisation(unit, current_actor(), organisation_id, raw, now())
        )
        if outcome.done:
            flash(_("L'organisme est enregistré."), "success")
            return see("admin.organisations.show", organisation_id=organisation_id)
    found = query.organisation(session(), current_actor(), organisation_id)
    held: dict[str, Any] = {name: getattr(found.organisation, name) for name in form.fields}
    page = render_template(
        "admin/organisation.html",
        found=found,
        organisation=found.organisation,
        kinds=use_cases.KIND_LABELS,
        form=form,
        labels=labels(form),
        outcome=outcome,
        values=held if outcome.done else forms.typed(form),
    )
    return make_response(page, outcome.status)
