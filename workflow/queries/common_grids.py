"""A grid that everybody fills alike, with all its versions and what each changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from workflow.common_grids import kind_of
from workflow.grid_changes import Change, changes
from workflow.models import Person


@dataclass(frozen=True)
class Version:
    """A version: the grid, who made it (empty: the reference file), what it changed, and how many keep it."""

    grid: Any
    by: str
    changes: Sequence[Change]
    kept_by: int


def versions(session: Session, name: str) -> list[Version]:
    """The versions of the grid `name` (of common_grids.KINDS), the newest first, in two statements. Raises NotFound."""
    kind = kind_of(name)
    keepers = select(func.count()).where(kind.kept_by == kind.grid.id).scalar_subquery()
    rows: Any = session.execute(
        select(kind.grid, func.coalesce(Person.name, ""), keepers)
        .outerjoin(Person, Person.id == kind.grid.made_by_id)
        .order_by(kind.grid.number.desc())
        .options(selectinload(kind.grid.items))
    ).all()
    told = [changes(old[0].items, new[0].items) for new, old in pairwise(rows)]
    return [Version(grid, by, change, kept) for (grid, by, kept), change in zip(rows, [*told, []], strict=False)]
