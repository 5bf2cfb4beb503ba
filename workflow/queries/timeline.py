"""What happened to a dossier, as its journal tells it to each reader."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from states.dossier import ADMINISTRATOR, ANIMATOR, BINOME, CARRIER, CONTROLLER, SYSTEM, TRANSVERSAL
from workflow.access import SEES
from workflow.models import JournalEntry

LONGEST = 400
"""How many entries a page shows at most, the last ones."""

ENTRIES = (
    select(
        JournalEntry.seq,
        JournalEntry.at,
        JournalEntry.actor_name,
        JournalEntry.role,
        JournalEntry.act,
        JournalEntry.from_state,
        JournalEntry.to_state,
        JournalEntry.reason,
        JournalEntry.subject,
    )
    .where(JournalEntry.dossier_id == bindparam("dossier_id"))
    .order_by(JournalEntry.seq.desc())
    .limit(LONGEST)
)
"""The entries of the dossier `dossier_id`."""

_EVERYBODY = SEES["form"]
_INSTRUCTION = frozenset({ANIMATOR, BINOME, TRANSVERSAL})
_CONTROL = frozenset({CARRIER, CONTROLLER, TRANSVERSAL, ADMINISTRATOR})
_AGENTS = _EVERYBODY - {CARRIER}

ACT_READERS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            "create",
            "submit",
            "request_completion",
            "complete",
            "review_pieces",
            "declare_inadmissible",
            "reroute",
            "assign",
            "consult_expert",
            "close_consultations",
            "issue_opinion",
            "reopen_instruction",
            "table",
            "defer",
            "decide_request",
            "fund",
            "refuse",
            "appeal_upheld",
            "cancel_action",
            "evaluate",
            "select_for_control",
            "conclude_control",
            "close",
            "withdraw",
            "attach_document",
            "sign_agreement",
            "record_payment",
            "submit_progress_report",
            "submit_final_report",
            "establish_report_missing",
        ),
        _EVERYBODY,
    ),
    "replace_member": _AGENTS,
    **dict.fromkeys(
        (
            "answer",
            "note",
            "extend",
            "propose_colleague",
            "hand_over",
            "refuse_colleague",
            "decline",
            "expire",
            "revoke",
            "seal_opinion",
            "sign_joint_opinion",
            "name_third",
            "arbitrate",
        ),
        _INSTRUCTION,
    ),
    **dict.fromkeys(("sign_joint_opinion", "name_third"), _INSTRUCTION),
    **dict.fromkeys(("name_reviewers", "sign_review"), SEES["review"]),
    **dict.fromkeys(("join_control", "name_controllers", "write_findings", "sign_findings"), _CONTROL - {CARRIER}),
    **dict.fromkeys(("announce", "send_findings", "reply", "conclude"), _CONTROL),
}
"""Who reads that an act was done. What is not named is read by nobody here: messages have their own thread."""

REASON_READERS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("declare_inadmissible", "appeal_upheld", "cancel_action", "withdraw", "establish_report_missing"), _EVERYBODY
    ),
    **dict.fromkeys(("reroute", "defer", "reopen_instruction"), _AGENTS),
    **dict.fromkeys(("decline", "revoke", "propose_colleague", "refuse_colleague", "arbitrate"), _INSTRUCTION),
}
"""Who reads the reason given with an act."""

_SETTLED = ("fund", "refuse")
"""A carrier learns the decisions of the funders together, once the last one has decided."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline; `who` is None where the reader learns the role alone."""

    at: datetime
    who: str | None
    role: str
    act: str
    reason: str


def timeline(entries: Sequence[Any], roles: Iterable[str]) -> list[Entry]:
    """What a reader who holds `roles` on the dossier may see of `entries` (rows of ENTRIES by number), newest first.

    A carrier reads the roles of the agents, not their names.
    """
    held = frozenset(roles)
    outside = held <= {CARRIER}
    settled = max((entry.seq for entry in entries if entry.act in _SETTLED), default=0)
    return [
        Entry(
            entry.at,
            entry.actor_name if entry.role in (CARRIER, SYSTEM) or not outside else None,
            entry.role,
            entry.act,
            entry.reason if held & REASON_READERS.get(entry.act, frozenset()) else "",
        )
        for entry in reversed(entries)
        if held & ACT_READERS.get(entry.act, frozenset())
        and not (outside and entry.act == "decide_request" and entry.seq > settled)
    ]


def path(entries: Iterable[Any]) -> list[str]:
    """The states that the dossier went through, in their order."""
    steps: list[str] = []
    for entry in entries:
        if entry.to_state and entry.subject.startswith("dossier:") and steps[-1:] != [entry.to_state]:
            steps.append(entry.to_state)
    return steps
