"""Lists in pages whose cost does not grow: matches are counted up to a point only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

PAGE = 25
COUNTED = 1000
"""Matches are counted up to here: who finds more has to say more."""

Row = Any
"""A named tuple of the columns of a select."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `total` stops at COUNTED; `more` says that there are more."""

    rows: Sequence[Row]
    total: int
    more: bool
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE))


def paged(session: Session, statement: Select[*tuple[Any, ...]], order: Sequence[Any], number: int) -> Page:
    """One page of the rows of `statement`, in two statements."""
    counted = statement.with_only_columns(literal(1), maintain_column_froms=True).limit(COUNTED + 1).subquery()
    total = session.scalar(select(func.count()).select_from(counted)) or 0
    number = min(max(1, number), max(1, -(-min(total, COUNTED) // PAGE)))
    rows = session.execute(statement.order_by(*order).limit(PAGE).offset((number - 1) * PAGE)).all()
    return Page(rows, min(total, COUNTED), total > COUNTED, number)


def holds(column: InstrumentedAttribute[str], word: str) -> ColumnElement[bool]:
    """Whether a text holds `word`, whatever the case; SQLite does not know that of letters with an accent."""
    forms = {word, word.lower(), word.upper(), word.capitalize()}
    return or_(*(column.icontains(form, autoescape=True) for form in sorted(forms)))
