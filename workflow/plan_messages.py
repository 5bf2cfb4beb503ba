"""What those who take part in a draw are told: rows of the outbox, written with the step that makes them true.

No message holds a phrase, nor who failed to give theirs.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workflow.clock import PARIS
from workflow.models import SamplePlan
from workflow.tell import write


def row(plan: SamplePlan, kind: str, person_id: int, now: datetime, **details: Any) -> dict[str, Any]:
    """One message about a plan: a person is told of a kind once. `plan.campaign` is read."""
    due = plan.reveals_due_at.astimezone(PARIS)
    common: Mapping[str, Any] = {
        "plan_id": plan.id,
        "campaign": plan.campaign.label,
        "due_on": due.date().isoformat(),
        "due_hour": f"{due:%H:%M}",
    }
    return {
        "key": f"{kind}:sample_plan:{plan.id}:{person_id}",
        "kind": kind,
        "person_id": person_id,
        "address": None,
        "dossier_id": None,
        "payload": {**common, **details},
        "created_at": now,
        "next_at": now,
    }


def tell(
    session: Session,
    plan: SamplePlan,
    kind: str,
    acting_id: int | None,
    now: datetime,
    persons: Iterable[int],
    **details: Any,
) -> None:
    """Write one message to each of `persons`, but for whoever acts."""
    write(session, [row(plan, kind, person, now, **details) for person in sorted(set(persons) - {acting_id})])
