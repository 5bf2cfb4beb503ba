"""Journal notes about changes that are no act of a dossier: what a row held before and what it holds after."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Protocol

from sqlalchemy.orm import Session

from workflow import journal
from workflow.access import Actor


class Row(Protocol):
    """A row of any table that has an id."""

    __tablename__: Any

    @property
    def id(self) -> Any:
        """The primary key."""


def snapshot(row: object, *names: str) -> dict[str, Any]:
    """The attributes `names` of a row, as plain JSON."""
    values = ((name, getattr(row, name)) for name in names)
    return {name: value.isoformat() if isinstance(value, date | datetime | time) else value for name, value in values}


def note_change(
    session: Session,
    actor: Actor,
    role: str,
    act: str,
    row: Row | str,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Note that `actor`, in `role`, did `act` on a flushed row (or on « table:id »); only what changed is kept."""
    before, after = before or {}, after or {}
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    journal.note(
        session,
        at=now,
        actor_id=actor.person_id,
        actor_name=actor.name,
        role=role,
        act=act,
        subject=row if isinstance(row, str) else f"{row.__tablename__}:{row.id}",
        reason=reason,
        details={
            side: {name: values[name] for name in names if name in values}
            for side, values in (("before", before), ("after", after))
            if values
        },
    )
