"""How a dossier's page says what it shows: acts on offer, the picture of its life, the order of its parts, labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from flask_babel import gettext
from markupsafe import Markup

from states.consultation import CONSULTATION
from states.diagram import Orientation, svg
from states.dossier import (
    ADMINISTRATOR,
    ANIMATOR,
    ASSOCIATED,
    BINOME,
    CARRIER,
    CONTROLLER,
    DOSSIER,
    EVALUATOR,
    EXPERT,
    FUNDER,
    REVIEWER,
    SYSTEM,
    TRANSVERSAL,
)
from states.facts import Facts
from states.machine import Refusal, decide
from states.words import N_
from web import errors, words
from web.context import now, session
from workflow.access import INSTRUCTOR, Actor
from workflow.models import Mission
from workflow.queries.dossier import File, NextStep
from workflow.queries.timeline import Entry
from workflow.use_cases import (
    control,
    documents,
    draft,
    evaluation,
    experts,
    follow_up,
    instruction,
    offered,
    organisations,
)

# --- acts ---------------------------------------------------------------------------------------------------------

IN_PLACE = frozenset(
    {
        "send_message",
        "write_note",
        "comment",
        "attach_document",
        "answer_piece",
        "decide_request",
        "sign_agreement",
        "record_payment",
    }
)
"""Acts that stand beside what they are about, in its part of the page."""
GRAVE = frozenset({"withdraw", "declare_inadmissible", "cancel_action"})
"""Acts that end a life."""
FORWARD = (
    "submit",
    "complete",
    "review_pieces",
    "edit_draft",
    "issue_opinion",
    "sign_joint_opinion",
    "seal_opinion",
    "save_opinion",
    "assign",
    "table",
    "arbitrate",
    "name_third",
    "evaluate",
    "submit_final_report",
    "send_findings",
    "fill_grid",
    "enter_expense",
    "write_findings",
    "sign_findings",
    "conclude_control",
    "announce",
    "select_for_control",
    "reply",
    "close",
)
"""What brings a dossier on, in the order in which it is proposed first."""
_RANK = {name: rank for rank, name in enumerate(FORWARD)}


DOORS: Mapping[str, str] = {"edit_draft": "carrier.resume"}
"""Acts that have a page of their own instead of one form."""


def act_url(dossier_id: int, act: str) -> str:
    """Where an act on a dossier is done."""
    own = DOORS.get(act)
    if own in current_app.view_functions:
        return url_for(own, dossier_id=dossier_id)
    return url_for("acts.on_dossier", dossier_id=dossier_id, act=act)


@dataclass(frozen=True, slots=True)
class ActLink:
    """An act on offer: where its form is, how much it stands out, and (`reasons`) why not now."""

    name: str
    url: str
    kind: str
    reasons: tuple[Mapping[str, str], ...] = ()


def act_links(file: File, actor: Actor, *, mine: bool) -> dict[str, ActLink]:
    """Every act that the reader's rights open here, allowed or not, the foremost first."""
    dossier = file.dossier
    answers: dict[str, tuple[str, Refusal | None]] = {
        name: (act_url(dossier.id, name), refusal)
        for name, refusal in offered(session(), actor, dossier, dossier, now()).items()
    }
    mission = file.one("mission")
    if mission is not None and file.roles & {CARRIER, CONTROLLER, TRANSVERSAL, ADMINISTRATOR}:
        subject = session().get_one(Mission, mission.id)
        for name, refusal in offered(session(), actor, dossier, subject, now()).items():
            url = url_for("acts.on_mission", dossier_id=dossier.id, subject_id=mission.id, act=name)
            answers[name] = (url, refusal)
        answers.pop("conclude", None)  # done with conclude_control
        answers.pop("strike_expense", None)  # done on the page of enter_expense
    ordered = sorted(answers, key=lambda name: (_RANK.get(name, len(_RANK)), name in GRAVE))
    first = next((name for name in ordered if name in _RANK and answers[name][1] is None), None)
    found = {}
    for name in ordered:
        url, refusal = answers[name]
        kind = "primary" if name == first and mine else "danger-quiet" if name in GRAVE else "secondary"
        found[name] = ActLink(name, url, kind, tuple(errors.explain(r) for r in refusal.reasons) if refusal else ())
    return found


COMMENTED = DOSSIER.by_event["comment"][0].sources
"""States in which an associated instance may comment."""


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
    "comments",
    "notes",
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
        "comments",
        "notes",
        "messages",
        "reports",
        "evaluation",
    ),
    FUNDER: ("lines", "opinions", "form", "budget", "documents", "reports", "evaluation"),
    CONTROLLER: ("control", "lines", "reports", "evaluation", "budget", "documents", "form", "opinions"),
    EVALUATOR: ("reports", "evaluation", "form", "lines", "budget", "documents", "opinions"),
    REVIEWER: ("reports", "evaluation", "form", "lines", "budget", "documents"),
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
        "comments": bool(file.all("comments")) or (ASSOCIATED in file.roles and file.dossier.state in COMMENTED),
        "notes": file.sees("notes") and file.dossier.state != "draft",
        "messages": file.sees("messages") and file.dossier.state != "draft",
    }
    foremost = next(order for role, order in ORDER.items() if role in file.reading)
    rest = tuple(name for name in _STANDARD if name not in foremost)
    return [name for name in (*foremost, *rest) if filled[name]]


def who(file: File, step: NextStep) -> str:
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
    "review_pieces": "check",
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


def event(entry: Entry) -> dict[str, Any]:
    role = words.role_label(entry.role)
    return {
        "at": entry.at,
        "label": words.done_label(entry.act),
        "who": entry.who or role,
        "role": role if entry.who and entry.role != SYSTEM else "",
        "reason": entry.reason,
        "icon": _ICONS.get(entry.act),
    }


LABELS: Mapping[str, Mapping[str, str]] = {
    "account": {**draft.ACCOUNTS["expense"], **draft.ACCOUNTS["income"]},
    "document": documents.DOCUMENT_LABELS,
    "level": draft.LEVEL_LABELS,
    "need": draft.NEED_LABELS,
    "organisation": organisations.KIND_LABELS,
    "verdict": instruction.VERDICT_LABELS,
    "stance": experts.STANCE_LABELS,
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


def revocable(file: File) -> frozenset[int]:
    """The consultations whose question the reader may take back."""
    return frozenset(
        row.id
        for row in file.all("consultations")
        if not isinstance(decide(CONSULTATION, row.state, "revoke", file.roles, Facts(), offered=True), Refusal)
    )


def thread(file: File, person_id: int | None) -> list[dict[str, Any]]:
    """The messages; a carrier reads the roles of the agents, not their names."""
    outside = file.reading == {CARRIER}
    return [
        {
            "at": row.at,
            "who": words.role_label(row.role) if outside and row.role != CARRIER else row.name,
            "text": row.body,
            "mine": row.author_id == person_id,
        }
        for row in file.all("messages")
    ]


def notes(file: File, person_id: int | None) -> list[dict[str, Any]]:
    """What those who instruct say among themselves, each with whom it names."""
    named: dict[int, list[str]] = {}
    for row in file.all("mentions"):
        named.setdefault(row.note_id, []).append(row.name)
    return [
        {
            "at": row.at,
            "who": row.name,
            "text": row.body,
            "mine": row.author_id == person_id,
            "told": named.get(row.id, []),
        }
        for row in file.all("notes")
    ]
