"""The form of a plan of a draw, by what the draw is for."""

from collections.abc import Mapping, Sequence

from marshmallow import fields, validate

from states.words import N_
from workflow.forms import Choice, Day, Form, Hour, Reference, Text
from workflow.sampling_plans import BEACON_LABELS, METHOD_LABELS, PURPOSES, SELECTION_LABELS, STRATUM_LABELS

FEWEST = 2
"""Participants, and readers of the public value."""


def _labels(labels: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: labels[name] for name in names}


def _method(purpose: str) -> Choice:
    labels = _labels(METHOD_LABELS, PURPOSES[purpose].methods)
    return Choice(N_("Comment tirer"), labels, required=True, metadata={"widget": "radio"})


def _stratum(purpose: str) -> Choice:
    return Choice(
        N_("Groupes"),
        _labels(STRATUM_LABELS, PURPOSES[purpose].strata),
        load_default=None,
        metadata={"help": N_("Seulement pour un tirage dans chaque groupe.")},
    )


class Draw(Form):
    """What every plan of a draw says."""

    selection = Choice(
        N_("Comment choisir"),
        SELECTION_LABELS,
        load_default="tickets",
        metadata={"widget": "radio", "help": N_("La RFC 3797 seulement pour un tirage au hasard simple.")},
    )
    size = fields.Integer(
        required=True,
        validate=validate.Range(min=1, error=N_("Au moins un dossier.")),
        metadata={"label": N_("Nombre de dossiers à tirer"), "widget": "int"},
    )
    reserve = fields.Integer(
        load_default=0,
        validate=validate.Range(0, 1000, error=N_("De 0 à 1 000.")),
        metadata={
            "label": N_("Dossiers de réserve"),
            "widget": "int",
            "help": N_("Pour remplacer ceux qui ne pourront pas être contrôlés ; dans chaque groupe s'il y en a."),
        },
    )
    participants = fields.List(
        fields.Integer(),
        required=True,
        validate=validate.Length(FEWEST, 12, error=N_("De deux à douze personnes.")),
        metadata={
            "label": N_("Qui apporte une phrase secrète"),
            "widget": "checkboxes",
            "choices": "overseers",
            "help": N_("Au moins deux personnes, d'institutions différentes si possible."),
        },
    )
    reveals_on = Day(N_("Phrases à remettre avant le"), required=True)
    reveals_hour = Hour(N_("à (heure)"), required=True)
    beacon = Choice(
        N_("Balise publique"),
        BEACON_LABELS,
        load_default=None,
        metadata={
            "blank": N_("Aucune : un autre tirage public, dit ci-dessous"),
            "help": N_(
                "Un nombre imprévisible, publié sans cesse par des organismes indépendants (League of Entropy). Le"
                " plan en nomme le tour d'après l'heure, et ce tour peut être lu par le serveur, puis confirmé."
            ),
        },
    )
    public_source = Text(
        N_("Tirage public dont le résultat sera ajouté"),
        load_default="",
        metadata={
            "help": N_(
                "Sans balise : un tirage à venir que personne ici ne maîtrise, avec la façon de l'écrire et ce qui"
                " vaudra s'il n'a pas lieu. Par exemple : « Loto du 9 janvier 2027, cinq numéros croissants puis le"
                " numéro Chance, séparés par des espaces ; à défaut le tirage suivant »."
            )
        },
    )
    public_on = Day(N_("Ce tirage public a lieu le"), required=True)
    public_hour = Hour(N_("à partir de (heure)"), required=True)


class PlanForm(Draw):
    """The plan of a draw for control, over one campaign."""

    campaign_id = Reference(N_("Campagne"), "campaigns", required=True)
    method = _method("control")
    stratum = _stratum("control")


class ReviewPlanForm(Draw):
    """The plan of a draw for the mid-term review, over the campaigns that it names; every action drawn can be read."""

    class Meta(Form.Meta):
        """No reserve, and tickets alone."""

        exclude = ("reserve", "selection")

    campaigns = fields.List(
        fields.Integer(),
        required=True,
        validate=validate.Length(1, 20, error=N_("Au moins une campagne.")),
        metadata={
            "label": N_("Campagnes"),
            "widget": "checkboxes",
            "choices": "campaigns",
            "help": N_("Toutes celles sur lesquelles porte la revue, depuis le début du contrat."),
        },
    )
    method = _method("review")
    stratum = _stratum("review")


FORMS: Mapping[str, type[Draw]] = {"control": PlanForm, "review": ReviewPlanForm}
"""The form of a plan by its purpose."""
