"""One committee session: its table and minutes; changed, or called off."""

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import forms, pdf
from web.context import current_actor, now, see, session
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow.errors import NotFound
from workflow.models import CommitteeSession
from workflow.queries.committee import committee_table
from workflow.use_cases import sessions
from workflow.use_cases.campaign import session_role
from workflow.use_cases.instruction import VERDICT_LABELS

pages = Blueprint("sessions", __name__, url_prefix="/seances")


@pages.route("/<int:session_id>", methods=("GET", "POST"))
@access("animator", "transversal", "administrator")
def show(session_id: int) -> Response:
    """The form of a session; sent, it is changed."""
    outcome = NOTHING_ASKED
    if request.method == "POST":
        raw = forms.sent()
        outcome = attempt(lambda unit: sessions.change_session(unit, current_actor(), session_id, raw, now()))
        if outcome.done:
            flash(_("La séance est modifiée ; les agendas qui la suivent seront mis à jour."), "success")
            return see("sessions.show", session_id=session_id)
    return _page(session_id, outcome)


@pages.post("/<int:session_id>/annulation")
@access("animator", "transversal", "administrator")
def cancel(session_id: int) -> Response:
    """Call a session off."""
    raw = forms.sent()
    outcome = attempt(lambda unit: sessions.cancel_session(unit, current_actor(), session_id, raw, now()))
    if outcome.done:
        flash(_("La séance est annulée."), "success")
        return see("sessions.show", session_id=session_id)
    return _page(session_id, outcome)


@pages.get("/<int:session_id>/tableau")
@access("animator", "transversal", "administrator")
def table(session_id: int) -> str:
    """The session's dossiers by priority, for the meeting."""
    return _table(session_id, minutes=False)


@pages.get("/<int:session_id>/compte-rendu")
@access("animator", "transversal", "administrator")
def minutes(session_id: int) -> str:
    """What each funder decided on each dossier, with its motives."""
    return _table(session_id, minutes=True)


@pages.get("/<int:session_id>/compte-rendu.pdf")
@access("animator", "transversal", "administrator")
def minutes_pdf(session_id: int) -> Response:
    """The minutes as a PDF; where this machine makes none, the page, which can be printed."""
    found = committee_table(session(), current_actor(), session_id)
    page = render_template("documents/minutes.html", found=found, verdicts=VERDICT_LABELS, made_at=now())
    try:
        return pdf.sent_pdf(page, f"compte-rendu-{found.meeting.on.isoformat()}-{session_id}.pdf")
    except pdf.NoPdf:
        flash(_("Ce serveur ne sait pas faire de PDF : imprimez cette page à la place."), "warning")
        return see("sessions.minutes", session_id=session_id)


def _table(session_id: int, *, minutes: bool) -> str:
    found = committee_table(session(), current_actor(), session_id)
    return render_template("animator/committee.html", found=found, verdicts=VERDICT_LABELS, minutes=minutes)


def _page(session_id: int, outcome: Outcome) -> Response:
    meeting = session().get(CommitteeSession, session_id)
    if meeting is None:
        raise NotFound("session")
    session_role(current_actor(), meeting.instance_id)
    page = render_template(
        "animator/session.html",
        meeting=meeting,
        outcome=outcome,
        typed=forms.typed(),
        labels=labels(sessions.SessionChangeForm()),
    )
    return make_response(page, outcome.status)
