"""Outgoing messages: what became of each; and in the demo, the mailbox that stands for everybody's."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from notifications.outbox import DELAYS
from states.words import N_
from web import listing
from web.context import current_actor, now, see, session
from web.pages.admin_common import attempt
from web.security import access
from web.services import services
from workflow.errors import NotFound
from workflow.queries import outbox as query
from workflow.use_cases import outgoing

pages = Blueprint("messages", __name__, url_prefix="/messages")

SIZE = 50

KIND_LABELS: Mapping[str, str] = {
    "webhook": N_("Appel d'un webhook"),
    "agreement_signed": N_("Convention enregistrée"),
    "appeal_upheld": N_("Recours admis"),
    "arbitrated": N_("Désaccord arbitré"),
    "assigned": N_("Dossier confié au binôme"),
    "assigned_carrier": N_("Instruction commencée"),
    "calendar_changed": N_("Calendrier changé"),
    "calendar_proposed": N_("Calendrier proposé"),
    "cancelled": N_("Action annulée"),
    "closed": N_("Dossier clos"),
    "completed": N_("Compléments reçus"),
    "completion_requested": N_("Compléments demandés"),
    "consultation_answered": N_("Réponse d'un expert"),
    "consultation_asked": N_("Question à un expert"),
    "consultation_declined": N_("Question déclinée par un expert"),
    "consultation_handed_over": N_("Question à un expert confiée à un collègue"),
    "colleague_proposed": N_("Collègue proposé par un expert"),
    "colleague_refused": N_("Collègue d'un expert refusé"),
    "consultation_revoked": N_("Question à un expert retirée"),
    "consultations_closed": N_("Consultations closes"),
    "control_announced": N_("Contrôle annoncé"),
    "control_concluded": N_("Contrôle conclu"),
    "controllers_named": N_("Contrôle confié"),
    "reviewers_named": N_("Revue à mi-parcours confiée"),
    "review_signed": N_("Revue à mi-parcours signée"),
    "deferred": N_("Dossier renvoyé à une autre séance"),
    "digest": N_("Rappels du jour"),
    "dossier_arrived": N_("Dossier arrivé dans l'instance"),
    "dossier_unrouted": N_("Dossier sans instance"),
    "draw_abandoned": N_("Tirage abandonné"),
    "draw_committed": N_("Phrase d'un tirage à remettre"),
    "draw_phrase_due": N_("Part d'un tirage attendue"),
    "draw_planned": N_("Tirage auquel on prend part"),
    "draw_sealed": N_("Échantillon tiré et scellé"),
    "evaluated": N_("Action évaluée"),
    "final_report_received": N_("Bilan final reçu"),
    "findings_answered": N_("Réponse aux constats"),
    "findings_sent": N_("Constats du contrôle"),
    "funded": N_("Financement accordé"),
    "funded_agents": N_("Financement accordé (équipe)"),
    "inadmissible": N_("Dossier irrecevable"),
    "invitation": N_("Invitation"),
    "joint_opinion_signed": N_("Avis commun à signer"),
    "message": N_("Message sur un dossier"),
    "third_named": N_("Troisième instructeur nommé"),
    "pieces_reviewed": N_("Réponses du porteur examinées"),
    "dossier_associated": N_("Dossier dont l'instance est informée"),
    "comment_received": N_("Commentaire d'une instance associée"),
    "note_mention": N_("Note interne adressée à quelqu'un"),
    "consultation_extended": N_("Question à un expert prolongée"),
    "opinion_issued": N_("Avis rendu"),
    "opinion_sealed": N_("Avis scellé par l'autre instructeur"),
    "password_reset": N_("Nouveau mot de passe"),
    "payment_recorded": N_("Versement enregistré"),
    "progress_report_received": N_("Bilan intermédiaire reçu"),
    "receipt": N_("Accusé de réception"),
    "refused": N_("Financement refusé"),
    "reminder_urgent": N_("Rappel urgent"),
    "reopened": N_("Instruction rouverte"),
    "report_missing": N_("Absence de bilan constatée"),
    "report_missing_agents": N_("Absence de bilan constatée (équipe)"),
    "rerouted": N_("Dossier réorienté vers l'instance"),
    "rerouted_away": N_("Dossier réorienté hors de l'instance"),
    "sent_back": N_("Dossier renvoyé d'une instance à l'autre"),
    "rerouted_carrier": N_("Dossier réorienté"),
    "tabled": N_("Dossier inscrit à une séance"),
    "withdrawn": N_("Dossier retiré"),
}
"""What each kind of message is about."""


@pages.get("")
@access("administrator")
def index() -> str:
    """The newest messages, of one state where the address bar names it."""
    state = listing.kept("state").get("state", "")
    state = state if state in query.STATE_LABELS else ""
    rows = query.outgoing(session(), current_actor(), state or None, listing.number("before"), SIZE + 1)
    shown = rows[:SIZE]
    return render_template(
        "admin/messages.html",
        rows=shown,
        state=state,
        states=query.STATE_LABELS,
        kinds=KIND_LABELS,
        counts=query.counts(session(), current_actor()),
        counted=query.COUNTED,
        newest_url=url_for("admin.messages.index", state=state or None) if listing.number("before") else None,
        older_url=url_for("admin.messages.index", state=state or None, before=shown[-1].id)
        if len(rows) > SIZE
        else None,
        demo=services().settings.demo,
        refused=query.refused_addresses(session(), current_actor()),
        days=round(sum(DELAYS, timedelta()) / timedelta(days=1)),
    )


@pages.post("/adresses")
@access("administrator")
def clear_address() -> Response:
    """Write again to an address that was refused."""
    address = request.form.get("address", "")
    attempt(lambda unit: outgoing.clear_address(unit, current_actor(), address, now()))
    flash(_("On écrira de nouveau à cette adresse. Renvoyez les messages qui n'étaient pas arrivés."), "success")
    return see("admin.messages.index", state="failed")


@pages.post("/<int:message_id>/renvoi")
@access("administrator")
def retry(message_id: int) -> Response:
    """Put a failed message back among those to deliver."""
    outcome = attempt(lambda unit: outgoing.retry(unit, current_actor(), message_id, now()))
    if outcome.done:
        flash(_("Le message est remis dans la file : il partira dans la minute."), "success")
    for reason in outcome.reasons:
        flash(f"{reason['failing']} {reason['remedy']}", "danger")
    return see("admin.messages.index", state="failed")


def _require_demo() -> None:
    """Outside the demo mails go to people, and nobody reads them here."""
    if not services().settings.demo:
        raise NotFound("mailbox")


@pages.get("/boite")
@access("administrator")
def mailbox() -> str:
    """The mails of the demo, the newest first."""
    _require_demo()
    kept: dict[str, Any] = listing.kept("recipient")
    recipient = kept.get("recipient", "").strip()[:200]
    before = listing.number("before")
    rows = query.mailbox(session(), current_actor(), before, SIZE + 1, recipient)
    shown = rows[:SIZE]
    return render_template(
        "admin/mailbox.html",
        rows=shown,
        filters=[{"name": "recipient", "label": _("Destinataire"), "type": "search"}],
        values=kept,
        reset_url=url_for("admin.messages.mailbox"),
        newest_url=url_for("admin.messages.mailbox", **kept) if before else None,
        older_url=url_for("admin.messages.mailbox", **kept, before=shown[-1].id) if len(rows) > SIZE else None,
    )


@pages.get("/boite/<int:message_id>")
@access("administrator")
def mail(message_id: int) -> str:
    """One mail of the demo, its links to be followed."""
    _require_demo()
    return render_template("admin/mail.html", mail=query.mailbox_message(session(), current_actor(), message_id))
