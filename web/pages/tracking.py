"""The page behind a dossier's private link: where it stands, for whoever was given the link, without an account."""

from collections.abc import Mapping

from flask import Blueprint, make_response, render_template
from werkzeug.wrappers import Response

from states.words import N_
from web.context import now, session
from web.dossier_page import life
from web.security import access
from workflow.queries.tracking import tracked

pages = Blueprint("tracking", __name__)

PLAIN: Mapping[str, tuple[str, str]] = {
    # state: what it means, what comes next
    "draft": (
        N_("Le dossier est en préparation : il n'est pas encore déposé."),
        N_("Le porteur le termine et le dépose."),
    ),
    "submitted": (
        N_("Le dossier est bien reçu."),
        N_("L'animateur vérifie qu'il est complet et recevable, puis le confie à deux instructeurs."),
    ),
    "incomplete": (
        N_("Il manque des pièces ou des précisions."),
        N_("Le porteur répond aux demandes ; l'examen reprend ensuite."),
    ),
    "inadmissible": (N_("Le dossier n'est pas recevable."), N_("Le motif a été écrit au porteur, avec les recours.")),
    "assigned": (
        N_("Le dossier est examiné par deux instructeurs d'institutions différentes."),
        N_("Ils rendent ensemble un avis, que les financeurs reçoivent."),
    ),
    "opinion": (N_("L'examen est terminé."), N_("Le dossier est inscrit à une séance des financeurs.")),
    "funding_decision": (
        N_("Les financeurs examinent la demande."),
        N_("Chacun décide de sa part ; les décisions sont communiquées ensemble."),
    ),
    "follow_up": (
        N_("L'action est financée."),
        N_("Le porteur la réalise, puis envoie son bilan final."),
    ),
    "refused": (N_("Aucun financeur n'a retenu la demande."), N_("Le porteur a deux mois pour un recours.")),
    "evaluated": (N_("L'action est évaluée."), N_("Le dossier sera clos, ou contrôlé s'il est tiré au sort.")),
    "under_control": (N_("L'action est contrôlée."), N_("Le porteur est entendu avant toute conclusion.")),
    "controlled": (N_("Le contrôle est terminé."), N_("Le dossier sera clos.")),
    "closed": (N_("Le dossier est clos."), N_("Plus rien n'est attendu de personne.")),
    "withdrawn": (N_("Le porteur a retiré son dossier."), N_("Plus rien n'est attendu de personne.")),
    "cancelled": (N_("L'action est annulée."), N_("Plus rien n'est attendu de personne.")),
}


@pages.get("/suivi/<token>")
@access("public")
def show(token: str) -> Response:
    """Where a dossier stands. Neither kept nor indexed, and its address goes to nobody."""
    dossier = tracked(session(), token, now())
    meaning, coming = PLAIN[dossier.state]
    response = make_response(
        render_template(
            "tracking/show.html",
            dossier=dossier,
            meaning=meaning,
            coming=coming,
            life=life(dossier.state, dossier.path, "column"),
        )
    )
    response.headers.update(
        {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )
    return response
