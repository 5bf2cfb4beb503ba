"""Whose turn it is in each state, and by which milestone of the campaign."""

from collections.abc import Mapping
from dataclasses import dataclass

from states.dossier import ANIMATOR, BINOME, CARRIER, CONTROLLER, EVALUATOR, EXPERT, FUNDER
from states.words import N_


@dataclass(frozen=True, slots=True)
class Turn:
    """Who must act in a state, what they must do (French message id), and the milestone that says by when."""

    role: str
    task: str
    milestone: str | None


TURNS: Mapping[str, Turn] = {
    "draft": Turn(CARRIER, N_("Terminer et déposer le dossier"), "deposit_deadline"),
    "submitted": Turn(ANIMATOR, N_("Vérifier la recevabilité et affecter un binôme"), "completeness_deadline"),
    "incomplete": Turn(CARRIER, N_("Répondre aux demandes de pièces"), None),
    "assigned": Turn(BINOME, N_("Instruire et rendre l'avis"), "opinion_deadline"),
    "expert_consulted": Turn(EXPERT, N_("Répondre à la question posée"), None),
    "opinion": Turn(ANIMATOR, N_("Inscrire le dossier à une séance"), "technical_committee"),
    "funding_decision": Turn(FUNDER, N_("Décider de chaque demande"), "funder_decision"),
    "follow_up": Turn(CARRIER, N_("Réaliser l'action et envoyer le bilan final"), "final_report"),
    "evaluated": Turn(CONTROLLER, N_("Contrôler ou clore le dossier"), "control_draw"),
    "under_control": Turn(CONTROLLER, N_("Mener le contrôle"), "control_end"),
    "controlled": Turn(CONTROLLER, N_("Clore le dossier"), "control_end"),
}
"""States without an entry are over. In follow_up the turn passes to the evaluator once the final report is in."""

EVALUATION_TURN = Turn(EVALUATOR, N_("Évaluer l'action"), "control_draw")
"""The turn of a followed-up dossier whose final report is settled."""


def turn_of(state: str, *, final_report_settled: bool = False) -> Turn | None:
    """Whose turn it is in `state`; None where the life is over."""
    return EVALUATION_TURN if state == "follow_up" and final_report_settled else TURNS.get(state)
