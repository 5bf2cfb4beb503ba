"""The journal: read, filtered, and its chain checked."""

import re
from collections.abc import Mapping
from datetime import date
from functools import partial
from itertools import islice
from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from states.words import N_
from web import formats, listing, words
from web.context import current_actor, session
from web.security import access
from workflow import journal as chain
from workflow.queries import admin_journal as query

pages = Blueprint("journal", __name__, url_prefix="/journal")

FILTERS = ("act", "person", "number", "since", "until")
MOST_CHECKED = 50_000
"""Longer journals are checked from the command line: nobody waits so long for a page."""
FLAWS_SHOWN = 100

FLAW_LABELS: Mapping[str, str] = {
    "changed": N_("entrée %(seq)s modifiée après coup"),
    "removed": N_("entrée %(seq)s supprimée"),
    "reordered": N_("entrée %(seq)s déplacée"),
    "truncated": N_("entrée %(seq)s coupée de la fin"),
}
SUBJECT_LABELS: Mapping[str, str] = {
    "api_token": N_("Jeton de l'API"),
    "campaign": N_("Campagne"),
    "committee_session": N_("Séance"),
    "consultation": N_("Consultation d'expert"),
    "control_grid": N_("Grille de réalisation des contrôles"),
    "dossier": N_("Dossier"),
    "envelope": N_("Enveloppe"),
    "expert": N_("Expert"),
    "interest": N_("Lien d'intérêt"),
    "local_interest": N_("Lien d'intérêt avec une commune"),
    "late_deposit": N_("Dérogation de dépôt"),
    "mission": N_("Mission de contrôle"),
    "review": N_("Revue à mi-parcours"),
    "organisation": N_("Organisme"),
    "outbox": N_("Message sortant"),
    "person": N_("Compte"),
    "programme": N_("Données de référence"),
    "role_grant": N_("Rôle"),
    "route": N_("Règle d'orientation"),
    "sample": N_("Tirage au sort"),
}
FIELD_LABELS: Mapping[str, str] = {
    "active": N_("compte ouvert"),
    "associated": N_("instances associées"),
    "attempts": N_("essais"),
    "basis": N_("fondement"),
    "campaign_id": N_("campagne"),
    "commune_id": N_("commune"),
    "contact": N_("coordonnées"),
    "first": N_("premier jour"),
    "funder_id": N_("financeur"),
    "instance_id": N_("instance"),
    "institution_id": N_("institution"),
    "kind": N_("nature"),
    "label": N_("nom"),
    "last": N_("dernier jour"),
    "lead_id": N_("instance chef de file"),
    "level": N_("échelle"),
    "locale": N_("langue"),
    "name": N_("nom"),
    "nature": N_("nature du lien"),
    "objective_id": N_("objectif"),
    "on": N_("date"),
    "organisation_id": N_("organisme"),
    "orientation_id": N_("orientation"),
    "person_id": N_("personne"),
    "place": N_("lieu"),
    "position": N_("place"),
    "role": N_("rôle"),
    "state": N_("état"),
    "subject": N_("sujets"),
    "total_cents": N_("montant"),
    "trained_on": N_("formé le"),
    "year": N_("année"),
}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def subject(text: str) -> str:
    """« table:id » as people read it."""
    table, _colon, number = text.partition(":")
    label = _(SUBJECT_LABELS[table]) if table in SUBJECT_LABELS else table
    return f"{label} {_('n°')} {number}" if number.isdecimal() else label


def value(name: str, held: Any) -> str:
    """A value of the journal as people read it."""
    if held is None or held == "":
        return formats.DASH
    if isinstance(held, bool):
        return str(_("oui") if held else _("non"))
    if isinstance(held, list):
        return ", ".join(value(name, item) for item in held) or formats.DASH
    if name.endswith("_cents") and isinstance(held, int):
        return formats.euros(held)
    if name == "role":
        return words.role_label(str(held))
    if day := _day(str(held)):
        return formats.day(day)
    return f"{_('n°')} {held}" if name.endswith("_id") else str(held)


def _field(name: str, milestones: Mapping[str, str]) -> str:
    """What a changed field is called: one of a row, or a milestone (« code:funder » where each funder has its day)."""
    if name in FIELD_LABELS:
        return str(_(FIELD_LABELS[name]))
    code, _colon, funder = name.partition(":")
    label = milestones.get(code, code)
    return str(_("%(label)s, financeur n° %(number)s", label=label, number=funder)) if funder else label


@pages.get("")
@access("administrator")
def index() -> Response:
    """The newest entries that the filters let through."""
    return _page()


def _page(**values: Any) -> Response:
    kept: dict[str, Any] = listing.kept(*FILTERS)
    act = kept.get("act", "")
    wanted = query.Wanted(
        act=act if act in words.ACTS else "",
        person=kept.get("person", "").strip()[:200],
        number=kept.get("number", "").strip()[:50],
        since=_day(kept.get("since", "")),
        until=_day(kept.get("until", "")),
        before=listing.number("before"),
    )
    found = query.journal(session(), current_actor(), wanted)
    acts = sorted(((name, words.done_label(name)) for name in words.ACTS), key=lambda pair: pair[1])
    seq, digest = chain.head(session())
    page = render_template(
        "admin/journal.html",
        found=found,
        subject=subject,
        field=partial(_field, milestones=query.milestone_labels(session())),
        value=value,
        filters=[
            {"name": "act", "label": _("Acte"), "type": "select", "options": acts},
            {"name": "person", "label": _("Nom de la personne"), "type": "search"},
            {"name": "number", "label": _("Numéro de dossier"), "type": "search"},
            {"name": "since", "label": _("Depuis le"), "type": "date"},
            {"name": "until", "label": _("Jusqu'au"), "type": "date"},
        ],
        values=kept,
        reset_url=url_for("admin.journal.index"),
        newest_url=url_for("admin.journal.index", **kept) if wanted.before is not None else None,
        older_url=url_for("admin.journal.index", **kept, before=found.before) if found.before else None,
        seq=seq,
        head=f"{seq}:{digest}",
        too_long=seq > MOST_CHECKED,
        **{"checked": None, "problems": {}, "expected": "", **values},
    )
    return make_response(page, 422 if values.get("problems") else 200)


@pages.post("/verification")
@access("administrator")
def verify() -> Response:
    """Read the whole chain, and the head noted earlier where one is given; say whether it is sound."""
    expected = request.form.get("expected", "").strip()
    given = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", expected, re.ASCII)
    if expected and not given:
        problem = _("Une tête s'écrit : numéro, deux-points, puis 64 chiffres ou lettres de a à f.")
        return _page(problems={"expected": [problem]}, expected=expected)
    if chain.head(session())[0] > MOST_CHECKED:
        return _page()
    head = (int(given[1]), given[2]) if given else None
    flaws = list(islice(chain.verify(session(), head), FLAWS_SHOWN + 1))
    told = [_(FLAW_LABELS[flaw.kind]) % {"seq": flaw.seq} for flaw in flaws[:FLAWS_SHOWN]]
    return _page(checked={"flaws": told, "more": len(flaws) > FLAWS_SHOWN}, expected=expected)
