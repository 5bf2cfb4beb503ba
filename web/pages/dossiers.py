"""The page of a dossier, its documents, and the search over all dossiers that a person may read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from states.dossier import CARRIER, DOSSIER
from web import documents, words
from web import dossier_page as view
from web.context import current_actor, dossier_url, session, today
from web.security import access
from web.services import services
from workflow import links
from workflow.queries import dossier as query
from workflow.queries import search as finding
from workflow.queries.dossier import File
from workflow.queries.search import Wanted

pages = Blueprint("dossiers", __name__)


@pages.get("/dossiers/<int:dossier_id>")
@access("signed_in")
def show(dossier_id: int) -> str:
    """The dossier as the reader may see it: who acts next, then all its parts."""
    actor = current_actor()
    file = query.load(session(), actor, dossier_id)
    step = query.next_step(file, actor)
    acts = view.act_links(file, actor, mine=step is not None and step.mine)
    tracking = file.one("tracking")
    outside = file.reading == {CARRIER}
    return render_template(
        "dossiers/show.html",
        file=file,
        dossier=file.dossier,
        outside=outside,
        step=step,
        who=view.who(file, step) if step else "",
        acts=acts,
        buttons=[act for name, act in acts.items() if not act.reasons and name not in view.IN_PLACE],
        refused=[act for act in acts.values() if act.reasons],
        sections=view.sections(file),
        life={way: view.life(file.dossier.state, file.path, way) for way in ("row", "column")},
        own_funders=actor.funders,
        tracking_url=_tracking_url(tracking.id) if tracking else None,
        labels=view.LABELS,
        revocable=view.revocable(file),
        both_sealed=len([opinion for opinion in file.opinions if opinion.content.sealed_at]) >= 2,
        joint_amounts={row.request_id: row.proposed_cents for row in file.all("joint_amounts")},
        events=[view.event(entry) for entry in file.entries],
        thread=view.thread(file, actor.person_id),
    )


def _tracking_url(link_id: int) -> str | None:
    if "tracking.show" not in current_app.view_functions:
        return None
    return services().settings.base_url + url_for("tracking.show", token=links.token(link_id, "tracking"))


@pages.get("/dossiers/<int:dossier_id>/documents/<int:document_id>")
@access("signed_in")
def document(dossier_id: int, document_id: int) -> Response:
    """An attached file, to be saved."""
    return documents.sent_file(query.document(session(), current_actor(), dossier_id, document_id))


@pages.get("/dossiers/<int:dossier_id>/documents/<int:document_id>/contenu")
@access("signed_in")
def content(dossier_id: int, document_id: int) -> Response:
    """An attached file, to stand in its page."""
    return documents.shown_file(query.document(session(), current_actor(), dossier_id, document_id))


@pages.get("/dossiers/<int:dossier_id>/documents/<int:document_id>/apercu")
@access("signed_in")
def preview(dossier_id: int, document_id: int) -> Response:
    """The page of an attached file: shown where a browser can, with what is known of it."""
    file = query.load(session(), current_actor(), dossier_id)
    shown = documents.listed(file, document_id)
    where = url_for("dossiers.content", dossier_id=dossier_id, document_id=document_id)
    return documents.preview_page("dossiers/document.html", shown.media_type, where, dossier=file.dossier, shown=shown)


@pages.app_template_global("documents_of")
def documents_of(file: File, after: str | None = None) -> list[documents.Listed]:
    """The documents of a dossier, as `ui.document_list` reads them."""
    return documents.documents_of(file, after)


@pages.app_template_global("document_of")
def document_of(file: File, document_id: int) -> documents.Listed:
    """One version of a document, as `ui.cited` reads it."""
    return documents.listed(file, document_id)


@pages.app_template_global("asked_about")
def asked_about(file: File, consultation_id: int) -> list[documents.Listed]:
    """The documents that go with a question to an expert, as `ui.documents_shown` reads them."""
    return documents.asked_about(file, consultation_id)


@pages.get("/dossiers/<int:dossier_id>/consultations/<int:consultation_id>/fichier")
@access("signed_in")
def answer_file(dossier_id: int, consultation_id: int) -> Response:
    """The file that came with an expert's answer, for who may read the answer."""
    return documents.sent_file(query.answer_file(session(), current_actor(), dossier_id, consultation_id))


# --- search ---------------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"\d{4}-\d{4,}")
LONGEST = 120
"""A search text is cut here."""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _wanted() -> Wanted:
    """What the address bar asks for; what it says wrongly is left out."""
    args = request.args
    sort, state = args.get("sort", ""), args.get("state", "")
    key = sort.removeprefix("-")
    known = key in finding.SORTS
    return Wanted(
        text=args.get("q", "").strip()[:LONGEST],
        state=state if state in DOSSIER.states else None,
        instance_id=_number(args.get("instance", "")),
        campaign_id=_number(args.get("campaign", "")),
        late=args.get("late") == "1",
        sort=key if known else "recent",
        descending=sort.startswith("-") if known else True,
        page=_number(args.get("page", "")) or 1,
    )


@pages.get("/recherche")
@access("signed_in")
def search() -> Response | str:
    """The dossiers that a person may read, found by number, carrier or title; a whole number leads to its page."""
    actor, wanted = current_actor(), _wanted()
    if NUMBER.fullmatch(wanted.text) and (found := finding.by_number(session(), actor, wanted.text)) is not None:
        return redirect(dossier_url(found))
    results = finding.search(session(), actor, wanted, today())
    instances, campaigns = finding.options(session())
    kept = {name: value for name, value in request.args.items() if name in FILTERS and value}
    order = ("-" if wanted.descending else "") + wanted.sort
    return render_template(
        "dossiers/search.html",
        query=wanted.text,
        results=results,
        counted=finding.COUNTED,
        filters=[
            {"name": "q", "label": gettext("Numéro, porteur ou titre"), "type": "search"},
            {
                "name": "state",
                "label": gettext("Étape"),
                "type": "select",
                "options": [(state, words.state_label(state)) for state in DOSSIER.states],
            },
            {"name": "instance", "label": gettext("Instance"), "type": "select", "options": instances},
            {"name": "campaign", "label": gettext("Campagne"), "type": "select", "options": campaigns},
            {"name": "late", "label": gettext("Échéance"), "type": "select", "options": [("1", gettext("En retard"))]},
        ],
        values=kept,
        keep={"sort": order} if request.args.get("sort") else {},
        sort=Sort(wanted.sort, wanted.descending, kept),
        pagination={
            "number": results.page,
            "pages": results.pages,
            "total": results.total,
            "prev_url": _page_url(kept, order, results.page - 1) if results.page > 1 else None,
            "next_url": _page_url(kept, order, results.page + 1) if results.page < results.pages else None,
        },
    )


FILTERS = ("q", "state", "instance", "campaign", "late")


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of the list, and the addresses of the others."""

    key: str
    desc: bool
    kept: Mapping[str, str]

    def url(self, key: str) -> str:
        """The list by `key`; turned round where it is so already."""
        turned = "-" if key == self.key and not self.desc else ""
        return _address({**self.kept, "sort": turned + key})


def _page_url(kept: Mapping[str, str], order: str, page: int) -> str:
    return _address({**kept, "sort": order, "page": str(page)})


def _address(parameters: Mapping[str, str]) -> str:
    return f"{url_for('dossiers.search')}?{urlencode(parameters)}"
