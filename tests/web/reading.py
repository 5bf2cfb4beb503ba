"""Counts the statements that a page reads with."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from workflow.db import Database


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that a block reads with, the beginning of its transaction aside."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(database.reader, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.reader, "before_cursor_execute", note)
