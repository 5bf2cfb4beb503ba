"""The reference data, to be read: objectives, instances, institutions, communes."""

from typing import Any

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import forms
from web.context import current_actor, now, see, session, today
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt
from web.security import access
from workflow.queries import admin_reference as query
from workflow.queries.choices import choices
from workflow.use_cases import local_committees

pages = Blueprint("reference", __name__, url_prefix="/referentiel")


def _page(template: str, rows: Any, **more: Any) -> str:
    tabs = [
        (_("Objectifs"), "admin.reference.objectives"),
        (_("Instances"), "admin.reference.instances"),
        (_("Institutions"), "admin.reference.institutions"),
        (_("Communes"), "admin.reference.communes"),
    ]
    return render_template(
        f"admin/{template}.html",
        rows=rows,
        **more,
        tabs=[(label, url_for(endpoint), endpoint == request.endpoint) for label, endpoint in tabs],
    )


@pages.get("/objectifs")
@access("administrator")
def objectives() -> str:
    """The tree of objectives."""
    return _page("objectives", query.objectives(session()))


@pages.get("/instances")
@access("administrator")
def instances() -> Response:
    """The instances by theme, with who animates them."""
    return _instances(NOTHING_ASKED)


@pages.post("/instances/<int:instance_id>/comites")
@access("administrator")
def open_committee(instance_id: int) -> Response:
    """Open the local committee of a commune."""
    outcome = attempt(
        lambda unit: local_committees.open_committee(unit, current_actor(), instance_id, forms.sent(), now())
    )
    if not outcome.done:
        return _instances(outcome, instance_id)
    flash(_("Le comité local est ouvert : invitez maintenant qui l'animera."), "success")
    return see("admin.reference.instances")


def _instances(outcome: Outcome, asked_of: int | None = None) -> Response:
    """The page; `asked_of` is the instance whose form was sent."""
    page = _page(
        "instances",
        query.themes(session()),
        communes=choices(session(), current_actor(), None, ["communes"], today())["communes"],
        outcome=outcome,
        asked_of=asked_of,
        typed=forms.typed(),
    )
    return make_response(page, outcome.status)


@pages.get("/institutions")
@access("administrator")
def institutions() -> str:
    """The partners."""
    return _page("institutions", query.institutions(session()))


@pages.get("/communes")
@access("administrator")
def communes() -> str:
    """The communes."""
    return _page("communes", query.communes(session()))
