"""The reference data, to be read: objectives, instances, institutions, communes."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from web.context import session
from web.security import access
from workflow.queries import admin_reference as query

pages = Blueprint("reference", __name__, url_prefix="/referentiel")


def _page(template: str, rows: Any) -> str:
    tabs = [
        (_("Objectifs"), "admin.reference.objectives"),
        (_("Instances"), "admin.reference.instances"),
        (_("Institutions"), "admin.reference.institutions"),
        (_("Communes"), "admin.reference.communes"),
    ]
    return render_template(
        f"admin/{template}.html",
        rows=rows,
        tabs=[(label, url_for(endpoint), endpoint == request.endpoint) for label, endpoint in tabs],
    )


@pages.get("/objectifs")
@access("administrator")
def objectives() -> str:
    """The tree of objectives."""
    return _page("objectives", query.objectives(session()))


@pages.get("/instances")
@access("administrator")
def instances() -> str:
    """The instances by theme, with who animates them."""
    return _page("instances", query.themes(session()))


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
