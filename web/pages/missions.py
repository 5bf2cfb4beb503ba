"""The letters of a control: announcement, provisional findings, conclusion; as pages and as PDF. Its tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from states.control import CONTROL
from states.words import N_
from web import pdf
from web.context import current_actor, see, session
from web.security import access
from web.spreadsheet import Euros, Rate, Sheet, sent_xlsx
from workflow.errors import NotFound
from workflow.ledger import WHOLE
from workflow.queries import control as controls
from workflow.queries.dossier import File
from workflow.use_cases.control import OUTCOME_LABELS
from workflow.use_cases.control_grid import VERDICT_LABELS

pages = Blueprint("missions", __name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter is called, the state from which it is there, and the acts that sent it."""

    title: str
    since: str
    acts: frozenset[str]


LETTERS: Mapping[str, Letter] = {
    "annonce": Letter(N_("Annonce du contrôle"), "announced", frozenset({"announce"})),
    "constats": Letter(N_("Constats provisoires"), "findings_sent", frozenset({"send_findings"})),
    "conclusion": Letter(N_("Conclusion du contrôle"), "concluded", frozenset({"conclude", "conclude_control"})),
}


def letters_of(state: str) -> list[tuple[str, str]]:
    """The letters sent so far of a control in `state`: kind and title."""
    so_far = CONTROL.states[: CONTROL.states.index(state) + 1]
    return [(kind, _(letter.title)) for kind, letter in LETTERS.items() if letter.since in so_far]


pages.add_app_template_global(letters_of)


@pages.get("/controles/<int:mission_id>/lettres/<kind>")
@access("carrier", "controller", "transversal", "administrator")
def letter(mission_id: int, kind: str) -> str:
    """A letter that was sent, as a page."""
    return render_template("controller/letter.html", **_read(mission_id, kind))


@pages.get("/controles/<int:mission_id>/lettres/<kind>.pdf")
@access("carrier", "controller", "transversal", "administrator")
def letter_pdf(mission_id: int, kind: str) -> Response:
    """The same as a PDF; where this machine makes none, the page, which can be printed."""
    page = render_template("documents/letter.html", **_read(mission_id, kind))
    try:
        return pdf.sent_pdf(page, f"controle-{mission_id}-{kind}.pdf")
    except pdf.NoPdf:
        flash(_("Ce serveur ne sait pas faire de PDF : imprimez cette page à la place."), "warning")
        return see("missions.letter", mission_id=mission_id, kind=kind)


def _read(mission_id: int, kind: str) -> dict[str, Any]:
    """What a letter is made of. Raises NotFound where it was not sent, or is not the reader's to read."""
    file: File = controls.file_of(session(), current_actor(), mission_id)
    mission = file.one("mission")
    if mission is None or kind not in dict(letters_of(mission.state)):
        raise NotFound("letter")
    letter = LETTERS[kind]
    return {
        "file": file,
        "mission": mission,
        "kind": kind,
        "title": _(letter.title),
        "sent_at": next((entry.at for entry in file.entries if entry.act in letter.acts), None),
        "items": controls.items_of(session(), mission_id) if kind == "annonce" else (),
        "outcomes": OUTCOME_LABELS,
    }


@pages.get("/controles/<int:mission_id>/tableaux.xlsx")
@access("carrier", "controller", "transversal", "administrator")
def tables(mission_id: int) -> Response:
    """The ledger and the grid of a control as a spreadsheet, to whoever reads them."""
    file: File = controls.file_of(session(), current_actor(), mission_id)
    if not file.ledger and not file.grid_begun:
        raise NotFound("control")
    return sent_xlsx(_sheets(file), f"controle-{file.dossier.number}.xlsx")


def _sheets(file: File) -> Iterator[Sheet]:
    columns = {
        _("Date de la dépense"): 14,
        _("Libellé"): 40,
        _("Justificatif"): 18,
        _("Montant"): 14,
        _("Part imputée"): 11,
        _("Accepté"): 14,
        _("Refusé"): 14,
        _("Motif du refus"): 50,
    }
    lines = file.all("ledger")
    rows: list[tuple[Any, ...]] = [
        (
            line.spent_on,
            line.label,
            line.voucher,
            Euros(line.amount_cents),
            Rate(line.share / WHOLE),
            Euros(line.accepted_cents),
            Euros(line.refused_cents),
            line.reason,
        )
        for line in lines
    ]
    if sums := file.ledger:
        told = _("Total"), None, Euros(sums.declared), None, Euros(sums.accepted), Euros(sums.refused)
        rows.append((None, *told))
        rows.append((None, _("Taux d'erreur"), None, None, None, None, Rate(sums.error_rate or 0.0)))
    yield Sheet(_("Registre des dépenses"), columns, rows)
    columns = {
        _("Point vérifié"): 30,
        _("À vérifier"): 50,
        _("Constat"): 16,
        _("Observation"): 50,
        _("Preuves vues"): 40,
    }
    yield Sheet(
        _("Grille de réalisation"),
        columns,
        [
            (
                item.label,
                item.help,
                _(VERDICT_LABELS[item.verdict]) if item.verdict else None,
                item.observation,
                item.evidence,
            )
            for item in file.all("grid")
        ],
    )
