"""Setting up campaigns: their milestones, envelopes and sessions."""

from typing import Any

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import forms, listing
from web.context import current_actor, now, see, session, today
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow.models import Campaign
from workflow.queries import admin_campaigns as query
from workflow.queries.choices import choices
from workflow.use_cases import campaign as use_cases

pages = Blueprint("campaigns", __name__, url_prefix="/campagnes")


@pages.get("")
@access("administrator")
def index() -> str:
    """Every campaign."""
    return render_template("admin/campaigns.html", campaigns=query.campaigns(session(), current_actor()))


@pages.route("/nouvelle", methods=("GET", "POST"))
@access("administrator")
def create() -> Response:
    """A form for a new campaign."""
    form, outcome = use_cases.CampaignForm(), NOTHING_ASKED
    made: list[Campaign] = []
    if request.method == "POST":
        raw = forms.sent(form)
        outcome = attempt(lambda unit: made.append(use_cases.create_campaign(unit, current_actor(), raw, now())))
        if outcome.done:
            flash(_("La campagne est créée : vérifiez ses dates, puis fixez les enveloppes."), "success")
            return see("admin.campaigns.show", campaign_id=made[0].id)
    page = render_template(
        "admin/campaign_new.html", form=form, labels=labels(form), outcome=outcome, typed=forms.typed(form)
    )
    return make_response(page, outcome.status)


@pages.get("/<int:campaign_id>")
@access("administrator")
def show(campaign_id: int) -> Response:
    """A campaign with all that is set up for it; the form of an envelope holds what the address bar names."""
    chosen = {"funder_id": listing.number("financeur"), "orientation_id": listing.number("orientation")}
    return _page(campaign_id, NOTHING_ASKED, {"envelope": chosen})


def _page(campaign_id: int, outcome: Outcome, typed: dict[str, Any]) -> Response:
    found = query.campaign(session(), current_actor(), campaign_id)
    options: dict[str, Any] = dict(choices(session(), current_actor(), None, ["funders", "instances"], today()))
    page = render_template(
        "admin/campaign.html",
        found=found,
        campaign=found.campaign,
        outcome=outcome,
        typed=typed,
        labels={**labels(use_cases.EnvelopeForm(), "envelope-"), **labels(use_cases.SessionForm(), "session-")},
        choices={**options, "orientations": query.orientations(session())},
    )
    return make_response(page, outcome.status)


@pages.post("/<int:campaign_id>/enveloppes")
@access("administrator")
def set_envelope(campaign_id: int) -> Response:
    """Fix what a funder has for the campaign."""
    raw = {**forms.sent().get("envelope", {}), "campaign_id": campaign_id}
    outcome = attempt(lambda unit: use_cases.set_envelope(unit, current_actor(), raw, now()))
    if outcome.done:
        flash(_("L'enveloppe est enregistrée."), "success")
        return see("admin.campaigns.show", campaign_id=campaign_id, _anchor="enveloppes")
    return _page(campaign_id, outcome.under("envelope"), forms.typed())


@pages.post("/<int:campaign_id>/seances")
@access("administrator")
def create_session(campaign_id: int) -> Response:
    """Create a committee session."""
    raw = {**forms.sent().get("session", {}), "campaign_id": campaign_id}
    outcome = attempt(lambda unit: use_cases.create_session(unit, current_actor(), raw, now()))
    if outcome.done:
        flash(_("La séance est créée."), "success")
        return see("admin.campaigns.show", campaign_id=campaign_id, _anchor="seances")
    return _page(campaign_id, outcome.under("session"), forms.typed())


@pages.route("/<int:campaign_id>/calendrier", methods=("GET", "POST"))
@access("administrator")
def calendar(campaign_id: int) -> Response:
    """The days of the milestones, beside what each funder accepts; once versions are kept, the page that keeps them."""
    if request.method == "GET" and use_cases.has_versions(session(), campaign_id):
        return see("calendars.show", campaign_id=campaign_id)
    outcome, typed = NOTHING_ASKED, {}
    if request.method == "POST":
        typed = forms.typed().get("dates", {})
        raw = {"dates": {name: day or None for name, day in typed.items()}}
        outcome = attempt(lambda unit: use_cases.set_milestone_dates(unit, current_actor(), campaign_id, raw, now()))
        if outcome.done:
            flash(_("Le calendrier est enregistré."), "success")
            return see("admin.campaigns.show", campaign_id=campaign_id)
    campaign, steps = query.calendar(session(), current_actor(), campaign_id)
    page = render_template("admin/calendar.html", campaign=campaign, steps=steps, outcome=outcome, typed=typed)
    return make_response(page, outcome.status)
