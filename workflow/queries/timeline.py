"""What happened to a dossier, as its journal tells it to each reader."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from states.dossier import CARRIER, SYSTEM
from workflow.models import JournalEntry
from workflow.readers import ACT_READERS, REASON_READERS

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
