"""« Quelle taille ? »: what a sample would say at each size, in words, as a picture and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.numbers import format_percent
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from marshmallow import fields, validate

from states.words import N_
from web.formats import euros
from workflow.errors import Invalid
from workflow.forms import Choice, Form, Percent, read
from workflow.queries.control_result import CONFIDENCE, TOLERABLE
from workflow.sampling.curves import Curve, Question

UNITS = {
    "dossiers": N_("Au hasard, simple ou dans chaque groupe : on parle de dossiers"),
    "euros": N_("Selon les sommes accordées : on parle d'euros"),
}
DRAWN = (0, 1, 2)
"""The errors found whose curves are always drawn."""
MOST_ERRORS = 5
ROWS = 8
"""Sizes in the table, besides the one that is asked about."""


class SizingForm(Form):
    """What is asked: how sure to be, of how little, with how many dossiers."""

    by = Choice(N_("Comment tirer"), UNITS, required=True, metadata={"widget": "radio"})
    confidence = fields.Integer(
        required=True,
        validate=validate.Range(50, 99, error=N_("De 50 à 99 %.")),
        metadata={"label": N_("Confiance, en %"), "min": 50, "max": 99, "step": 1},
    )
    tolerable = Percent(
        N_("Erreur tolérée, en %"),
        required=True,
        validate=validate.Range(50, 30_00, error=N_("De 0,5 à 30 %.")),
    )
    errors = fields.Integer(
        required=True,
        validate=validate.Range(0, MOST_ERRORS, error=N_("De 0 à 5.")),
        metadata={"label": N_("Erreurs que l'on s'attend à trouver"), "min": 0, "max": MOST_ERRORS, "step": 1},
    )
    size = fields.Integer(
        required=True,
        validate=validate.Range(1, error=N_("Au moins un dossier.")),
        metadata={"label": N_("Dossiers contrôlés"), "min": 1, "step": 1},
    )


def default(population: int) -> dict[str, str]:
    """What is asked before anybody asked anything: as the result of the controls will be judged."""
    question = Question(population, CONFIDENCE, TOLERABLE)
    return {
        "by": "dossiers",
        "confidence": f"{100 * CONFIDENCE:.0f}",
        "tolerable": f"{100 * TOLERABLE:g}",
        "errors": "0",
        "size": str(question.enough(0) or population),
    }


def percent(share: float) -> str:
    """A share as « 5,6 % »."""
    return format_percent(share, "#,##0.#\u00a0%" if str(get_locale()) == "fr" else "#,##0.#%", locale=get_locale())


@dataclass(frozen=True)
class Sizing:
    """The answer. Places in the picture are percentages of its width and height."""

    question: Question
    n: int
    expected: int
    total_cents: int
    curves: Sequence[Curve]
    widest: int
    highest: float

    @property
    def found(self) -> Curve:
        """The curve of the errors that are expected."""
        return next(curve for curve in self.curves if curve.errors == self.expected)

    @property
    def suffices(self) -> bool:
        """Whether the size does."""
        return self.found.enough is not None and self.n >= self.found.enough

    def x(self, n: float) -> float:
        """The place of a size."""
        return 100 * n / self.widest

    def y(self, share: float) -> float:
        """The place of a limit; what is above the picture is outside it."""
        return 100 - 100 * share / self.highest

    def line(self, curve: Curve) -> str:
        """A curve as the points of a polyline."""
        return " ".join(f"{self.x(n):.2f},{max(-1000, self.y(limit)):.2f}" for n, limit in curve.points)

    def sum(self, share: float) -> str:
        """A share of what was granted, in whole euros."""
        return euros(100 * round(share * self.total_cents / 100))

    def limit(self, errors: int, n: int | None = None) -> str:
        """The limit as people say it: « 5,6 % », or « 12 300 € (2,1 %) »."""
        share = self.question.limit(errors, n or self.n)
        told = percent(share)
        return f"{self.sum(share)} ({told})" if self.question.by_value else told

    def sentence(self, errors: int) -> str:
        """What can be said once so many errors are found."""
        share = self.question.limit(errors, self.n)
        controlled = ngettext("%(num)s dossier contrôlé", "%(num)s dossiers contrôlés", self.n)
        told = {"n": controlled, "found": found(errors), "sure": percent(self.question.confidence)}
        if self.question.by_value:
            told_by_value: str = _(
                "Avec %(n)s et %(found)s, on peut dire, sûr à %(sure)s, que %(sum)s au plus sont mal dépensés,"
                " soit %(rate)s des %(total)s accordés.",
                **told,
                sum=self.sum(share),
                rate=percent(share),
                total=euros(self.total_cents),
            )
            return told_by_value
        told_by_unit: str = _(
            "Avec %(n)s et %(found)s, on peut dire, sûr à %(sure)s, que %(rate)s des dossiers au plus sont erronés"
            " (%(count)s sur %(population)s).",
            **told,
            rate=percent(share),
            count=round(share * self.question.population),
            population=self.question.population,
        )
        return told_by_unit

    def needed(self, curve: Curve) -> str:
        """How many dossiers so many errors ask for."""
        if curve.enough is None:
            return str(_("même tout contrôler ne suffirait pas"))
        return str(ngettext("%(num)s dossier", "%(num)s dossiers", curve.enough))

    def rows(self) -> list[tuple[str, ...]]:
        """The picture as a table: sizes, and the limit with each number of errors."""
        step = max(1, self.widest // ROWS)
        shown = sorted({self.n, self.widest, *range(step, self.widest, step)})
        return [
            (str(n), *(self.limit(curve.errors, n) if curve.errors <= n else "–" for curve in self.curves))
            for n in shown
        ]


def found(errors: int) -> str:
    """So many errors found, in words."""
    if errors == 0:
        return str(_("aucune erreur trouvée"))
    return str(ngettext("%(num)s erreur trouvée", "%(num)s erreurs trouvées", errors))


def answer(raw: Mapping[str, Any], population: int, total_cents: int) -> Sizing:
    """The answer to what a SizingForm asks, of a campaign's dossiers. Raises Invalid."""
    asked = read(SizingForm(), raw)
    n, expected = asked["size"], asked["errors"]
    if n > population:
        raise Invalid({"size": [_("Il n'y en a que %(population)s en tout.", population=population)]})
    if expected > n:
        raise Invalid({"errors": [N_("Pas plus d'erreurs que de dossiers contrôlés.")]})
    question = Question(population, asked["confidence"] / 100, asked["tolerable"] / 100_00, asked["by"] == "euros")
    drawn = sorted({errors for errors in (*DRAWN, expected) if errors <= population})
    enough = [question.enough(errors) or population for errors in drawn]
    # The picture ends where nothing more happens: else all of it would stand in a corner.
    widest = min(population, max(2 * max(enough), 2 * n, 20))
    return Sizing(
        question,
        n,
        expected,
        total_cents,
        [question.curve(errors, widest) for errors in drawn],
        widest,
        min(1.0, max(3 * question.tolerable, 1.25 * question.limit(expected, n))),
    )
