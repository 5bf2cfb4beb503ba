"""The frame of an instance's pages: which instance and campaign, and the parts that one goes between."""

from typing import Any

from flask import make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import listing
from web.context import current_actor, session, today
from workflow.queries import board


def scope() -> board.Scope:
    """The instance and campaign that the request is about. Raises NotFound for those that the reader may not see."""
    return board.scope(session(), current_actor(), listing.number("instance"), listing.number("campaign"), today())


def here(where: board.Scope) -> dict[str, Any]:
    """The parameters that say where one is, for links to other parts."""
    return {"instance": where.instance.id, "campaign": where.campaign.id}


def page(template: str, where: board.Scope, status: int = 200, *, part: str = "", **values: Any) -> Response:
    """A page of an instance: each has the same choice of instance and campaign, and the same parts.

    `part` is the endpoint of the part that it belongs to, where that is not its own.
    """
    tabs = [
        (_("Tableau"), "animator.board"),
        (_("Liste"), "animator.dossiers"),
        (_("Binômes"), "binomes.show"),
        (_("Séances"), "animator.sessions"),
        (_("Membres"), "animator.members"),
        (_("Grille"), "grids.show"),
        (_("Accord"), "grids.agreement"),
        (_("Rappels"), "reminders.rules"),
        *([(_("Dépôts tardifs"), "animator.late_deposits")] if where.acts else []),
    ]
    place = here(where)
    return make_response(
        render_template(
            f"animator/{template}.html",
            where=where,
            here=place,
            tabs=[
                (label, url_for(endpoint, **place), endpoint == (part or request.endpoint)) for label, endpoint in tabs
            ],
            **values,
        ),
        status,
    )
