"""The transversal committee: the dossiers that no rule routed, and how every instance stands."""

from flask import Blueprint, render_template, url_for

from web import listing
from web.context import session, today
from web.security import access
from workflow.errors import NotFound
from workflow.queries import board as boards
from workflow.queries import overview as overviews
from workflow.queries.load import ACTIVE

pages = Blueprint("transversal", __name__)


@pages.get("/comite-transversal")
@access("transversal")
def queue() -> str:
    """What waits for the committee first, then all instances of the campaign."""
    campaigns = boards.campaign_list(session())
    wanted = listing.number("campaign")
    default = boards.under_way(campaigns, today())
    campaign = default if wanted is None else next((row for row in campaigns if row.id == wanted), None)
    if campaign is None:
        raise NotFound("campaign")
    found = overviews.overview(session(), campaign.id, today())
    return render_template(
        "transversal/queue.html",
        campaigns=campaigns,
        campaign=campaign,
        found=found,
        active=ACTIVE,
        here=url_for("transversal.queue", campaign=campaign.id),
    )
