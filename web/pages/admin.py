"""The administrator's index, and the sections that it leads to."""

from flask import Blueprint, render_template

from web.context import current_actor, now, session, today
from web.pages import (
    admin_campaigns,
    admin_grids,
    admin_journal,
    admin_messages,
    admin_organisations,
    admin_people,
    admin_reference,
    admin_routes,
    admin_webhooks,
)
from web.security import access
from web.services import services
from workflow.queries.admin_home import attention

pages = Blueprint("admin", __name__, url_prefix="/administration")

for section in (
    admin_campaigns.pages,
    admin_routes.pages,
    admin_webhooks.pages,
    admin_reference.pages,
    admin_grids.pages,
    admin_organisations.pages,
    admin_people.pages,
    admin_messages.pages,
    admin_journal.pages,
):
    pages.register_blueprint(section)


@pages.get("")
@access("administrator")
def index() -> str:
    """What needs the administrator, then the sections."""
    return render_template(
        "admin/index.html",
        found=attention(session(), current_actor(), now(), today()),
        demo=services().settings.demo,
    )
