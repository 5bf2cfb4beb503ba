"""A dossier, and what an act led to, as the API writes them."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext

from workflow.access import Actor
from workflow.acts import Case
from workflow.control_grid import seen
from workflow.models import Consultation, Document, Dossier
from workflow.queries.dossier import File, next_step


def outcome(event: str, dossier: Dossier, case: Case | None = None) -> dict[str, Any]:
    """What an act led to, as plain JSON, to be kept and answered again."""
    made = case.result if case else None
    return {
        "dossier_id": dossier.id,
        "number": dossier.number,
        "state": dossier.state,
        "version": dossier.version,
        "event": event,
        "follow_ups": list(case.followed) if case else [],
        "created_id": made.id if isinstance(made, Document | Consultation) else None,
    }


def _amounts(amounts: Mapping[int, int]) -> list[dict[str, int]]:
    return [{"request_id": line, "proposed_cents": cents} for line, cents in sorted(amounts.items())]


def _opinions(file: File) -> list[dict[str, Any]]:
    return [
        {
            "author": o.author,
            "own": o.own,
            "content": o.content,
            "amounts": _amounts(o.amounts),
            "scores": [
                {"criterion": row.label, "score": o.scores[row.id]}
                for row in file.all("criteria")
                if row.id in o.scores
            ],
        }
        for o in file.opinions
    ]


def _joint(file: File) -> dict[str, Any] | None:
    joint = file.one("joint")
    if joint is None:
        return None
    return {
        **joint._asdict(),
        "amounts": _amounts({row.request_id: row.proposed_cents for row in file.all("joint_amounts")}),
        "signatures": [row.name for row in file.all("signatures")],
    }


def _control(file: File) -> dict[str, Any] | None:
    mission = file.one("mission")
    if mission is None:
        return None
    grid = [
        {
            **item._asdict(),
            "observation": item.observation or "",
            "evidence": item.evidence or "",
            "seen": seen(item.verdict, item.observation, item.evidence),
        }
        for item in file.all("grid")
    ]
    return {**mission._asdict(), "grid": grid, "ledger": file.all("ledger"), "totals": file.ledger}


_PARTS: Mapping[str, tuple[str, Callable[[File], Any]]] = {
    # part of the answer: name in access.SEES, what it holds
    "contact": ("contact", lambda file: file.dossier.organisation),
    "routing": ("routing", lambda file: file.all("routing")),
    "pieces": ("pieces", lambda file: file.all("pieces")),
    "documents": ("documents", lambda file: file.all("documents")),
    "messages": ("messages", lambda file: file.all("messages")),
    "binome": ("binome", lambda file: file.all("binome")),
    "consultations": ("consultations", lambda file: file.all("consultations")),
    "opinions": ("sealed_opinions", _opinions),
    "joint_opinion": ("joint_opinion", _joint),
    "reports": ("follow_up", lambda file: file.all("reports")),
    "evaluation": ("evaluation", lambda file: file.one("evaluation")),
    "control": ("control", _control),
}


def shown(file: File, actor: Actor) -> dict[str, Any]:
    """The content of `dossier_outputs.Dossier` for one reader."""
    dossier, step = file.dossier, next_step(file, actor)
    turn = {"role": step.role, "task": gettext(step.task), "due_on": step.due_on, "mine": step.mine} if step else None
    form = {name: getattr(dossier, name) for name in _FORM}
    return {
        **{name: getattr(dossier, name) for name in _HEAD},
        "roles": sorted(file.roles),
        "path": file.path,
        "next": turn,
        "form": {**form, "objective_code": dossier.objective.code if dossier.objective else None},
        "budget": file.all("budget"),
        "requests": file.lines,
        "meeting": file.one("meeting"),
        **{name: read(file) if file.sees(part) else None for name, (part, read) in _PARTS.items()},
    }


_HEAD = (
    "id",
    "number",
    "state",
    "version",
    "campaign",
    "organisation",
    "instance",
    "state_since",
    "due_on",
    "created_at",
    "submitted_at",
)
_FORM = (
    "title",
    "objective_id",
    "level",
    "commune_id",
    "need",
    "summary",
    "public",
    "beneficiaries",
    "starts_on",
    "ends_on",
    "partners",
    "indicators",
    "attested",
)
