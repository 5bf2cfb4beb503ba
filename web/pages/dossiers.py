"""The page of a dossier, its documents, and the search over all dossiers that a person may read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, current_app, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from states.consultation import CONSULTATION
from states.diagram import Orientation, svg
from states.dossier import (
    ADMINISTRATOR,
    ANIMATOR,
    BINOME,
    CARRIER,
    CONTROLLER,
    DOSSIER,
    EVALUATOR,
    EXPERT,
    FUNDER,
    SYSTEM,
    TRANSVERSAL,
)
from states.facts import Facts
from states.machine import Refusal, decide
from states.words import N_
from web import errors, formats, words
from web.context import current_actor, dossier_url, now, session, today
from web.security import access
from web.services import services
from workflow import files, links
from workflow.access import INSTRUCTOR, Actor
from workflow.errors import NotFound
from workflow.models import Mission
from workflow.queries import dossier as query
from workflow.queries import search as finding
from workflow.queries.dossier import File, NextStep
from workflow.queries.search import Wanted
from workflow.queries.timeline import Entry
from workflow.use_cases import control, evaluation, follow_up, instruction, intake, offered

pages = Blueprint("dossiers", __name__)

# --- acts ---------------------------------------------------------------------------------------------------------

IN_PLACE = frozenset(
    {"send_message", "attach_document", "answer_piece", "decide_request", "sign_agreement", "record_payment"}
)
"""Acts that stand beside what they are about, in its part of the page."""
GRAVE = frozenset({"withdraw", "declare_inadmissible", "cancel_action"})
"""Acts that end a life."""
FORWARD = (
    "submit",
    "complete",
    "edit_draft",
    "issue_opinion",
    "sign_joint_opinion",
    "seal_opinion",
    "save_opinion",
    "assign",
    "table",
    "arbitrate",
    "evaluate",
    "submit_final_report",
    "send_findings",
    "conclude_control",
    "announce",
    "select_for_control",
    "reply",
    "close",
)
"""What brings a dossier on, in the order in which it is proposed first."""
_RANK = {name: rank for rank, name in enumerate(FORWARD)}


@dataclass(frozen=True, slots=True)
class ActLink:
    """An act on offer: where its form is, how much it stands out, and (`reasons`) why not now."""

    name: str
    url: str
    kind: str
    reasons: tuple[Mapping[str, str], ...] = ()


def _act_links(file: File, actor: Actor, *, mine: bool) -> dict[str, ActLink]:
    """Every act that the reader's rights open here, allowed or not, the foremost first."""
    dossier = file.dossier
    answers: dict[str, tuple[str, Refusal | None]] = {
        name: (url_for("acts.on_dossier", dossier_id=dossier.id, act=name), refusal)
        for name, refusal in offered(session(), actor, dossier, dossier, now()).items()
    }
    mission = file.one("mission")
    if mission is not None and file.roles & {CARRIER, CONTROLLER}:
        subject = session().get_one(Mission, mission.id)
        for name, refusal in offered(session(), actor, dossier, subject, now()).items():
            url = url_for("acts.on_mission", dossier_id=dossier.id, subject_id=mission.id, act=name)
            answers[name] = (url, refusal)
        answers.pop("conclude", None)  # done with conclude_control
    ordered = sorted(answers, key=lambda name: (_RANK.get(name, len(_RANK)), name in GRAVE))
    first = next((name for name in ordered if name in _RANK and answers[name][1] is None), None)
    found = {}
    for name in ordered:
        url, refusal = answers[name]
        kind = "primary" if name == first and mine else "danger-quiet" if name in GRAVE else "secondary"
        found[name] = ActLink(name, url, kind, tuple(errors.explain(r) for r in refusal.reasons) if refusal else ())
    return found


# --- the picture of its life ----------------------------------------------------------------------------------------


def life(current: str, path: Sequence[str], orientation: Orientation) -> Markup:
    """The picture of a dossier's life in the reader's language, ready to stand in a page."""
    labels = {state: words.state_label(state) for state in DOSSIER.states}
    title = gettext("La vie du dossier : étape « %(state)s »", state=labels[current])
    return Markup(svg(DOSSIER, labels, current, path, orientation, title))  # noqa: S704 - svg escapes every label


# --- the page -------------------------------------------------------------------------------------------------------

_STANDARD = (
    "pieces",
    "opinions",
    "lines",
    "reports",
    "evaluation",
    "control",
    "consultations",
    "form",
    "budget",
    "documents",
    "messages",
)
ORDER: Mapping[str, tuple[str, ...]] = {
    # reader: the parts of the page in the order of what they need
    CARRIER: ("pieces", "control", "messages", "lines", "reports", "evaluation", "form", "budget", "documents"),
    BINOME: (
        "form",
        "budget",
        "documents",
        "consultations",
        "opinions",
        "lines",
        "pieces",
        "messages",
        "reports",
        "evaluation",
    ),
    FUNDER: ("lines", "opinions", "form", "budget", "documents", "reports", "evaluation"),
    CONTROLLER: ("control", "lines", "reports", "evaluation", "budget", "documents", "form", "opinions"),
    EVALUATOR: ("reports", "evaluation", "form", "lines", "budget", "documents", "opinions"),
    ANIMATOR: _STANDARD,
    TRANSVERSAL: _STANDARD,
    ADMINISTRATOR: _STANDARD,
    INSTRUCTOR: _STANDARD,
}


def sections(file: File) -> list[str]:
    """The parts that the reader may read and that hold something, in the order of the foremost of their roles."""
    instructed = file.dossier.state in ("assigned", "expert_consulted")
    filled = {
        "pieces": bool(file.all("pieces")),
        "opinions": bool(file.opinions or file.one("joint")) or (file.sees("sealed_opinions") and instructed),
        "lines": bool(file.lines),
        "reports": bool(file.all("reports")),
        "evaluation": bool(file.all("evaluation")),
        "control": bool(file.all("mission")),
        "consultations": bool(file.all("consultations")),
        "form": True,
        "budget": bool(file.all("budget")),
        "documents": file.sees("documents"),
        "messages": file.sees("messages") and file.dossier.state != "draft",
    }
    foremost = next(order for role, order in ORDER.items() if role in file.reading)
    rest = tuple(name for name in _STANDARD if name not in foremost)
    return [name for name in (*foremost, *rest) if filled[name]]


@pages.get("/dossiers/<int:dossier_id>")
@access("signed_in")
def show(dossier_id: int) -> str:
    """The dossier as the reader may see it: who acts next, then all its parts."""
    actor = current_actor()
    file = query.load(session(), actor, dossier_id)
    step = query.next_step(file, actor)
    acts = _act_links(file, actor, mine=step is not None and step.mine)
    tracking = file.one("tracking")
    outside = file.reading == {CARRIER}
    return render_template(
        "dossiers/show.html",
        file=file,
        dossier=file.dossier,
        outside=outside,
        step=step,
        who=_who(file, step) if step else "",
        acts=acts,
        buttons=[act for name, act in acts.items() if not act.reasons and name not in IN_PLACE],
        refused=[act for act in acts.values() if act.reasons],
        sections=sections(file),
        life={way: life(file.dossier.state, file.path, way) for way in ("row", "column")},
        own_funders=actor.funders,
        tracking_url=_tracking_url(tracking.id) if tracking else None,
        labels=LABELS,
        revocable=_revocable(file),
        both_sealed=len([opinion for opinion in file.opinions if opinion.content.sealed_at]) == 2,
        joint_amounts={row.request_id: row.proposed_cents for row in file.all("joint_amounts")},
        events=[_event(entry) for entry in file.entries],
        attached=[_attached(file.dossier.id, row) for row in file.all("documents")],
        thread=[
            {
                "at": row.at,
                "who": words.role_label(row.role) if outside and row.role != CARRIER else row.name,
                "text": row.body,
                "mine": row.author_id == actor.person_id,
            }
            for row in file.all("messages")
        ],
    )


def _who(file: File, step: NextStep) -> str:
    """Whose turn it is, by name where the reader may know it."""
    dossier = file.dossier
    names: Mapping[str, Sequence[str]] = {
        CARRIER: [dossier.organisation.name],
        ANIMATOR: [dossier.instance.label] if dossier.instance else [],
        BINOME: [row.name for row in file.all("binome")],
        FUNDER: [line.funder for line in file.lines if line.decision == "pending"],
        EXPERT: [row.name for row in file.all("consultations") if row.state == "asked"],
    }
    known = ", ".join(names.get(step.role, ()))
    role = words.role_label(step.role)
    return gettext("%(role)s : %(names)s", role=role, names=known) if known else role


_ICONS = {
    "submit": "inbox",
    "attach_document": "file",
    "request_completion": "question",
    "complete": "check",
    "assign": "people",
    "replace_member": "people",
    "seal_opinion": "lock",
    "consult_expert": "question",
    "issue_opinion": "check-circle",
    "table": "calendar",
    "decide_request": "euro",
    "fund": "check-circle",
    "refuse": "stop",
    "declare_inadmissible": "stop",
    "record_payment": "euro",
    "sign_agreement": "edit",
    "select_for_control": "eye",
    "close": "check-circle",
    "withdraw": "cross",
    "cancel_action": "cross",
}


def _event(entry: Entry) -> dict[str, Any]:
    role = words.role_label(entry.role)
    return {
        "at": entry.at,
        "label": words.done_label(entry.act),
        "who": entry.who or role,
        "role": role if entry.who and entry.role != SYSTEM else "",
        "reason": entry.reason,
        "icon": _ICONS.get(entry.act),
    }


def _size(octets: int) -> str:
    return str(gettext("%(size)s Ko", size=max(1, round(octets / 1000))))


def _attached(dossier_id: int, row: Any) -> dict[str, str]:
    kind = gettext(intake.DOCUMENT_LABELS[row.kind])
    size = _size(row.size)
    return {
        "name": row.filename,
        "url": url_for("dossiers.document", dossier_id=dossier_id, document_id=row.id),
        "detail": f"{kind} · {size} · {formats.moment(row.uploaded_at)}",
    }


LABELS: Mapping[str, Mapping[str, str]] = {
    "account": {**intake.ACCOUNTS["expense"], **intake.ACCOUNTS["income"]},
    "document": intake.DOCUMENT_LABELS,
    "level": intake.LEVEL_LABELS,
    "need": intake.NEED_LABELS,
    "organisation": intake.KIND_LABELS,
    "verdict": instruction.VERDICT_LABELS,
    "payment": follow_up.PAYMENT_LABELS,
    "criterion": evaluation.CRITERION_LABELS,
    "recommendation": evaluation.RECOMMENDATION_LABELS,
    "outcome": control.OUTCOME_LABELS,
    "basis": {
        "agreed": N_("Les deux avis concordent"),
        "reconciled": N_("Texte commun"),
        "arbitrated": N_("Arbitrage de l'animateur"),
    },
}
"""What stored values are called (message ids), by kind."""


def _revocable(file: File) -> frozenset[int]:
    """The consultations whose question the reader may take back."""
    return frozenset(
        row.id
        for row in file.all("consultations")
        if not isinstance(decide(CONSULTATION, row.state, "revoke", file.roles, Facts(), offered=True), Refusal)
    )


def _tracking_url(link_id: int) -> str | None:
    if "tracking.show" not in current_app.view_functions:
        return None
    return services().settings.base_url + url_for("tracking.show", token=links.token(link_id, "tracking"))


@pages.get("/dossiers/<int:dossier_id>/documents/<int:document_id>")
@access("signed_in")
def document(dossier_id: int, document_id: int) -> Response:
    """An attached file, to be saved: never shown inside our own pages."""
    found = query.document(session(), current_actor(), dossier_id, document_id)
    path = files.path_of(found.sha256)
    if not path.is_file():
        raise NotFound("document")
    return send_file(path.resolve(), found.media_type, as_attachment=True, download_name=found.filename, etag=False)


# --- search ---------------------------------------------------------------------------------------------------------

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
    if wanted.text and (found := finding.by_number(session(), actor, wanted.text)) is not None:
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
