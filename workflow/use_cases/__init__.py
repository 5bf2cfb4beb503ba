"""The use cases, one file per journey, and the two doors that every surface uses: `perform` and `offered`."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from states.machine import TABLES, Refusal
from workflow import transition
from workflow.access import Actor
from workflow.acts import Act, Case, Subject
from workflow.models import Dossier
from workflow.use_cases import (
    completion,
    control,
    control_grid,
    control_ledger,
    decision,
    documents,
    evaluation,
    experts,
    follow_up,
    instruction,
    intake,
    review,
    seating,
    thread,
)

ACTS: Mapping[str, Act] = {
    act.name: act
    for family in (
        *(intake, completion, documents, seating, instruction, experts, thread),
        *(decision, follow_up, evaluation, control, control_grid, control_ledger, review),
    )
    for act in family.ACTS
}
"""Every event and act of the four lives."""

_NAMED = {event for table in TABLES.values() for event in table.by_event}
if set(ACTS) != _NAMED:
    raise RuntimeError(f"acts and tables differ: {sorted(set(ACTS) ^ _NAMED)}")


def perform(
    session: Session,
    actor: Actor,
    name: str,
    dossier_id: int,
    *,
    now: datetime,
    raw: Mapping[str, Any] | None = None,
    version: int | None = None,
    subject_id: int | None = None,
) -> Case:
    """Perform one act in the current unit of work; see `workflow.transition.fire`."""
    return transition.fire(
        session, ACTS, actor, name, dossier_id, now=now, raw=raw, version=version, subject_id=subject_id
    )


def offered(
    session: Session,
    actor: Actor,
    dossier: Dossier,
    subject: Subject,
    now: datetime,
    only: Collection[str] | None = None,
) -> dict[str, Refusal | None]:
    """What `actor` could do on `subject` as it stands, and for the rest why not; see `workflow.transition`."""
    return transition.offered(session, ACTS, actor, dossier, subject, now, only)
