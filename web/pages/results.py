"""The result of a campaign's controls: what the sample says of the whole, to read and to save."""

import csv
import io
from typing import Any

from flask import Blueprint, Response, flash, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from web import pdf
from web.context import now, see, session
from web.security import access
from workflow.queries import control_result as query
from workflow.sampling_plans import METHOD_LABELS

pages = Blueprint("results", __name__)


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
