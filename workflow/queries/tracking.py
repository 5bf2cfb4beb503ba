"""What anybody who holds a dossier's tracking link may know of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import Session

from states.dossier import BINOME
from workflow import links
from workflow.models import Dossier, FundingRequest, Institution
from workflow.queries.bundle import Bundle
from workflow.queries.dossier import SETTLED
from workflow.queries.timeline import ENTRIES, path
from workflow.turns import Turn, turn_of

_PARTS = Bundle(
    {
        "entries": ENTRIES,
        "lines": select(
            FundingRequest.id,
            Institution.label.label("funder"),
            FundingRequest.decision,
            FundingRequest.granted_cents,
        )
        .join(FundingRequest.funder)
        .where(FundingRequest.dossier_id == bindparam("dossier_id", type_=Integer)),
    }
)
_INSIDE = {"expert_consulted": "assigned"}
"""Steps that stay inside the instruction, and what is said of them outside."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What one funder decided; `granted` in cents, None for a refusal."""

    funder: str
    granted: int | None


@dataclass(frozen=True, slots=True)
class Tracked:
    """A dossier as its tracking page shows it: no content, no names, no opinions."""

    number: str | None
    title: str
    state: str
    since: datetime
    turn: Turn | None
    due_on: date | None
    path: Sequence[str]
    decisions: Sequence[Decided]


def tracked(session: Session, token: str, now: datetime) -> Tracked:
    """The dossier that the token of a tracking link opens, in three statements. Raises NotFound."""
    link = links.follow(session, "tracking", token, now)
    row = session.execute(
        select(Dossier.id, Dossier.number, Dossier.title, Dossier.state, Dossier.state_since, Dossier.due_on).where(
            Dossier.id == link.dossier_id
        )
    ).one()
    parts = _PARTS.read(session, dossier_id=row.id)
    state = _INSIDE.get(row.state, row.state)
    turn = turn_of(state)
    settled = row.state in SETTLED
    return Tracked(
        number=row.number,
        title=row.title,
        state=state,
        since=row.state_since,
        turn=turn,
        # the day by which an expert must answer is not said outside
        due_on=row.due_on if turn and not (turn.role == BINOME and row.state != state) else None,
        path=_outside(path(parts["entries"])),
        decisions=[
            Decided(line.funder, line.granted_cents)
            for line in parts["lines"]
            if settled and line.decision != "pending"
        ],
    )


def _outside(steps: Sequence[str]) -> list[str]:
    told: list[str] = []
    for step in (_INSIDE.get(step, step) for step in steps):
        if told[-1:] != [step]:
            told.append(step)
    return told
