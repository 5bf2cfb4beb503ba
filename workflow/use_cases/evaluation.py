"""Journey of the evaluation: the grid, a recommendation and its reasons."""

from marshmallow import fields, validate

from states.dossier import DOSSIER
from states.words import N_
from workflow import campaigns
from workflow.acts import Act, Case
from workflow.forms import LONG, Choice, Form, Text
from workflow.models import Evaluation

LEVEL_LABELS = {
    "0": N_("0 – pas du tout"),
    "1": N_("1 – un peu"),
    "2": N_("2 – à moitié"),
    "3": N_("3 – en grande partie"),
    "4": N_("4 – tout à fait"),
}
CRITERION_LABELS = {
    "relevance": N_("Pertinence : l'action répond à un besoin du territoire"),
    "coherence": N_("Cohérence : elle s'articule avec les autres actions et le droit commun"),
    "effectiveness": N_("Efficacité : ce qui était prévu a été fait"),
    "efficiency": N_("Efficience : les moyens étaient à la mesure des résultats"),
    "impact": N_("Impact : elle a changé quelque chose pour les bénéficiaires"),
}
RECOMMENDATION_LABELS = {
    "renew": N_("Renouveler"),
    "renew_with_changes": N_("Renouveler avec des changements"),
    "stop": N_("Ne pas renouveler"),
}


class Level(fields.Integer):
    """A level of the grid, from 0 (not at all) to 4 (fully)."""

    def __init__(self, label: str) -> None:
        super().__init__(
            load_default=None,
            allow_none=True,
            validate=validate.Range(min=0, max=4, error=N_("Un niveau de 0 à 4.")),
            metadata={"label": label, "widget": "radio", "options": LEVEL_LABELS},
        )


class EvaluationForm(Form):
    """The evaluation grid."""

    relevance = Level(CRITERION_LABELS["relevance"])
    coherence = Level(CRITERION_LABELS["coherence"])
    effectiveness = Level(CRITERION_LABELS["effectiveness"])
    efficiency = Level(CRITERION_LABELS["efficiency"])
    impact = Level(CRITERION_LABELS["impact"])
    recommendation = Choice(N_("Recommandation"), RECOMMENDATION_LABELS, load_default=None, allow_none=True)
    body = Text(N_("Motifs"), longest=LONG, load_default="")


def _evaluate(case: Case) -> None:
    case.session.add(Evaluation(dossier_id=case.dossier.id, at=case.now, evaluator_id=case.person_id, **case.data))
    case.due_on = campaigns.dates(case.session, case.dossier.campaign_id).get("control_draw")
    case.details["recommendation"] = case.data["recommendation"]


ACTS = (Act("evaluate", DOSSIER, EvaluationForm, _evaluate),)
