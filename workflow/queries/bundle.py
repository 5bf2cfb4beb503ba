"""Several small reads in one statement: the rows of each part as JSON, told apart by the part's name.

A page about one dossier reads twenty tables; twenty round trips would cost more than the reading.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Date, Select, Text, literal_column, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from workflow.models.base import Instant

Row = Any
"""A named tuple of the columns of a part's select."""


class _JsonArray(FunctionElement[str]):
    """Its arguments as the text of a JSON array."""

    inherit_cache = True
    type = Text()


@compiles(_JsonArray)
def _sqlite(element: _JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **options)})"


@compiles(_JsonArray, "postgresql")
def _postgresql(element: _JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_build_array({compiler.process(element.clauses, **options)}) AS TEXT)"


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _parsed(value: Any) -> Any:
    """A list or an object, which SQLite keeps as its text."""
    return json.loads(value) if isinstance(value, str) else value


_READ: tuple[tuple[type[TypeEngine[Any]], Callable[[Any], Any]], ...] = (
    (Boolean, bool),
    (Date, date.fromisoformat),
    (Instant, _instant),
    (JSON, _parsed),
)
"""What JSON cannot hold, or SQLite has no type for."""


def _reader(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    return next((read for known, read in _READ if isinstance(kind, known)), None)


class Bundle:
    """The selects of `parts` as one statement. Column names must be unique within a part, types known; JSON
    columns hold lists or objects.

    Make it once and read it with the parameters of its selects.
    """

    def __init__(self, parts: Mapping[str, Select[*tuple[Any, ...]]]) -> None:
        arms: list[Select[*tuple[Any, ...]]] = []
        self._makers: dict[str, Callable[..., Row]] = {}
        self._readers: dict[str, list[tuple[int, Callable[[Any], Any]]]] = {}
        for name, part in parts.items():
            rows = part.subquery(f"part_{name}")
            columns = list(rows.c)
            arms.append(select(literal_column(f"'{name}'").label("part"), _JsonArray(*columns).label("content")))
            self._makers[name] = namedtuple(name, [column.key for column in columns])
            found = [(index, _reader(column.type)) for index, column in enumerate(columns)]
            self._readers[name] = [(index, read) for index, read in found if read]
        self.statement = union_all(*arms)

    def read(self, session: Session, **parameters: Any) -> dict[str, list[Row]]:
        """Every part's rows, in the order of their first column."""
        found: dict[str, list[Row]] = {name: [] for name in self._makers}
        for part, content in session.connection().execute(self.statement, parameters):
            values = json.loads(content)
            for index, read in self._readers[part]:
                if values[index] is not None:
                    values[index] = read(values[index])
            found[part].append(self._makers[part](*values))
        for rows in found.values():
            rows.sort(key=lambda row: (row[0] is None, row[0]))
        return found
