"""The result of a campaign's controls: what the sample says of the whole, to read and to save."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, flash, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from states.words import N_
from web import pdf
from web.context import now, see, session
from web.security import access
from web.spreadsheet import Euros, Rate, Sheet, sent_xlsx
from workflow.queries import control_result as query
from workflow.queries.control_result import Result, Share
from workflow.sampling_plans import METHOD_LABELS

pages = Blueprint("results", __name__)

CONCLUSIONS: Mapping[str, str] = {
    "not material": N_("Les erreurs restent sous le seuil"),
    "material": N_("Les erreurs dépassent le seuil"),
    "inconclusive": N_("L'échantillon ne permet pas de conclure"),
}
"""The conclusions of `sampling.conclusion.conclude`, in words."""


@pages.get("/controles/tirages/<int:sample_id>/resultat")
@access("controller", "transversal", "administrator")
def result(sample_id: int) -> str:
    """Errors found, projected with their interval, and the conclusion."""
    return render_template("controller/result.html", **_shown(sample_id))


@pages.get("/controles/tirages/<int:sample_id>/resultat.pdf")
@access("controller", "transversal", "administrator")
def result_pdf(sample_id: int) -> BaseResponse:
    """The report as a PDF; where this machine makes none, the page, which can be printed."""
    page = render_template("documents/control_result.html", made_at=now(), **_shown(sample_id))
    try:
        return pdf.sent_pdf(page, f"controles-{sample_id}.pdf")
    except pdf.NoPdf:
        flash(_("Ce serveur ne sait pas faire de PDF : imprimez cette page à la place."), "warning")
        return see("results.result", sample_id=sample_id)


def _shown(sample_id: int) -> dict[str, Any]:
    return {
        "found": query.result(session(), sample_id),
        "confidence": query.CONFIDENCE,
        "tolerable": query.TOLERABLE,
        "methods": METHOD_LABELS,
    }


@pages.get("/controles/tirages/<int:sample_id>/resultat.xlsx")
@access("controller", "transversal", "administrator")
def result_xlsx(sample_id: int) -> Response:
    """All of it as a spreadsheet, a sheet for each table of the page."""
    return sent_xlsx(_sheets(query.result(session(), sample_id)), f"controles-{sample_id}.xlsx")


def _sheets(found: Result) -> Iterator[Sheet]:
    yield Sheet(_("Synthèse"), {_("Mesure"): 45, found.campaign: 45}, _summary(found))
    for title, head, shares in (
        (_("Par strate"), _("Strate"), found.strata),
        (_("Par financeur"), _("Financeur"), found.funders),
        (_("Par instance"), _("Instance"), found.instances),
    ):
        if shares:
            yield _shares(title, head, shares)
    columns = {
        _("Dossier"): 16,
        _("Action"): 45,
        _("Instance"): 35,
        _("Accordé"): 15,
        _("Imputé à l'action"): 15,
        _("Dépenses refusées"): 15,
        _("Part refusée"): 12,
    }
    yield Sheet(
        _("Actions contrôlées"),
        columns,
        [
            (one.number, one.title, one.instance, Euros(one.granted), *_found(one.charged, one.refused, one.tainting))
            for one in found.drawn
        ],
    )
    columns = {_("Campagne"): 45, _("Dossiers contrôlés"): 15, _("Dossiers tirés"): 15, _("Part refusée"): 12}
    yield Sheet(
        _("Campagnes précédentes"),
        columns,
        [(one.campaign, one.controlled, one.drawn, _rate(one.rate)) for one in found.earlier],
    )


def _found(charged: int, refused: int, tainting: float | None) -> tuple[Euros | None, Euros | None, Rate | None]:
    """What is not controlled yet is empty."""
    return (None, None, None) if tainting is None else (Euros(charged), Euros(refused), Rate(tainting))


def _rate(part: float | None) -> Rate | None:
    return None if part is None else Rate(part)


def _summary(found: Result) -> Iterator[tuple[Any, ...]]:
    yield _("Méthode"), _(METHOD_LABELS[found.method])
    yield _("Dossiers de la campagne"), found.population
    yield _("Dossiers tirés"), len(found.drawn)
    yield _("Dossiers contrôlés"), len(found.examined)
    yield _("Accordé à toute la campagne"), Euros(found.book_value)
    if found.evaluation is None or not found.book_value:
        yield _("Conclusion"), _("Trop peu de constats pour conclure")
        return
    projection, tolerable = found.evaluation.projection, found.evaluation.tolerable or 0.0
    yield (
        _("Erreur la plus probable"),
        Euros(100 * projection.estimate),
        Rate(100 * projection.estimate / found.book_value),
    )
    limit = _("Limite haute, sûre à %(confidence)s %%", confidence=round(100 * query.CONFIDENCE))
    yield limit, Euros(100 * projection.upper_limit), Rate(100 * projection.upper_limit / found.book_value)
    yield _("Erreur tolérable"), Euros(100 * tolerable), Rate(query.TOLERABLE)
    yield _("Conclusion"), _(CONCLUSIONS[str(found.evaluation.conclusion)])
    yield _("Source"), projection.source


def _shares(title: str, head: str, shares: Sequence[Share]) -> Sheet:
    columns = {head: 45, _("Dossiers contrôlés"): 15, _("Accordé"): 15, _("Refusé"): 15, _("Part refusée"): 12}
    rows = [(one.label, one.dossiers, Euros(one.granted), Euros(one.error), Rate(one.rate)) for one in shares]
    return Sheet(title, columns, rows)


@pages.get("/controles/tirages/<int:sample_id>/resultat.csv")
@access("controller", "transversal", "administrator")
def result_csv(sample_id: int) -> Response:
    """The drawn dossiers with what was found, for a spreadsheet; sums in euros."""
    text = io.StringIO()
    rows = csv.writer(text, delimiter=";")
    rows.writerow(("dossier", "instance", "accordé", "imputé", "refusé", "part refusée"))
    for one in query.result(session(), sample_id).drawn:
        known = one.tainting is not None
        rows.writerow(
            (
                one.number,
                harmless(one.instance),
                _euros(one.granted),
                _euros(one.charged) if known else "",
                _euros(one.refused) if known else "",
                f"{one.tainting:.4f}".replace(".", ",") if one.tainting is not None else "",
            )
        )
    # Spreadsheets take UTF-8 for what it is only where it says so.
    answer = Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="controles-{sample_id}.csv"'
    return answer


def _euros(cents: int) -> str:
    return f"{cents / 100:.2f}".replace(".", ",")


def harmless(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
