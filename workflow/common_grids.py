"""The grids that everybody fills alike, each in versions: which there are, and what says which one is in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.errors import NotFound
from workflow.models import ControlGrid, ControlItem, Mission, ReviewGrid

G = TypeVar("G", ControlGrid, ReviewGrid)


@dataclass(frozen=True, slots=True)
class Kind:
    """The models of a grid's versions and of their items, and the column by which what is filled keeps its version."""

    grid: type[Any]
    item: type[Any]
    kept_by: Any


KINDS: Mapping[str, Kind] = {"controle": Kind(ControlGrid, ControlItem, Mission.grid_id)}
"""Each kind by its name in addresses. A grid has number, made_at, made_by_id, reason, items; an item position, label,
help."""


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises NotFound."""
    if name not in KINDS:
        raise NotFound("grid")
    return KINDS[name]


def newest(session: Session, grid: type[G]) -> G | None:
    """The last version of a kind of grid, the one in force; None where there is none."""
    return session.scalar(select(grid).order_by(grid.number.desc()).limit(1))
