"""How every command answers: JSON or words on standard output, refusals on standard error with exit status 1."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from web import errors
from workflow.db import Database
from workflow.errors import DomainError
from workflow.sampling.watch import Along, unwatched
from workflow.settings import settings

T = TypeVar("T")
_LONG = 50_000
"""Lines of a file that take no second."""
_STEP = 5_000

as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
"""The option that every command that answers something takes."""


def answer(data: Any, text: str, as_json: bool) -> None:
    """Write what a command found: `data` as JSON, or `text` for people."""
    click.echo(json.dumps(data, ensure_ascii=False, default=str) if as_json else text)


def fail(message: str) -> None:
    """Say on standard error why nothing was done, and end with status 1."""
    click.echo(message, err=True)
    raise SystemExit(1)


def read_file(read: Callable[[Path], T], path: Path) -> T:
    """What `read` makes of a file; where it refuses, why is told and the exit status is 2."""
    try:
        return read(path)
    except DomainError as error:
        reason = errors.explain(error.reasons[0])
        click.echo(f"{path} : {reason['message']} {reason['remedy']}", err=True)
        raise SystemExit(2) from error


@contextmanager
def watching(label: str, path: Path, passes: int) -> Iterator[Along]:
    """Watch how far work is that goes so many times through the lines of a file: a bar on standard error.

    Only where somebody sees it, and the file is long enough to wait for.
    """
    lines = path.read_bytes().count(b"\n") if sys.stderr.isatty() else 0
    if lines < _LONG:
        yield unwatched
        return
    with click.progressbar(length=passes * lines, label=label, file=sys.stderr, show_eta=True) as bar:

        def along(rows: Iterable[T], /) -> Iterable[T]:
            for number, row in enumerate(rows, start=1):
                yield row
                if number % _STEP == 0:
                    bar.update(_STEP)

        yield along


def table(headers: list[str], rows: list[list[str]]) -> str:
    """Columns of text, each as wide as its widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(headers, *rows, strict=True)]
    lines = [headers, ["─" * width for width in widths], *rows]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


@contextmanager
def opened() -> Iterator[Database]:
    """The settings' database, closed at the end."""
    database = Database(settings().url())
    try:
        yield database
    finally:
        database.dispose()
