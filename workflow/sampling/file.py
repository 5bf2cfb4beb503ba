"""Populations and examined samples, read from CSV files: what is wrong is told with its line.

UTF-8, with or without a byte order mark; a header; comma or semicolon between cells (a semicolon in the header
decides); decimal point or comma, with or without spaces between thousands. The identifier is in the column `id`, or
the first one.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from workflow.sampling.errors import BadSampling
from workflow.sampling.projection import Item, Stratum
from workflow.sampling.select import Unit
from workflow.sampling.watch import Along, unwatched

_SPACES = re.compile(r"\s")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "oui", "yes", "true", "vrai", "x"), True),
    **dict.fromkeys(("", "0", "non", "no", "false", "faux"), False),
}
_FORBIDDEN = frozenset("\t\n\r\0")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a file: its number and its cells by column."""

    line: int
    id: str
    cells: Mapping[str, str]

    def number(self, column: str) -> Decimal:
        """The number in a column, exactly as written. Raises BadSampling, also where a float would round it."""
        text = _SPACES.sub("", self.cells[column]).replace(",", ".")
        if _NUMBER.fullmatch(text) and Decimal(repr(float(text))) == Decimal(text):
            return Decimal(text)
        raise BadSampling("not_a_number", line=self.line, column=column, found=self.cells[column])

    def amount(self, column: str) -> Decimal:
        """The number in a column, not negative."""
        number = self.number(column)
        if number < 0:
            raise BadSampling("negative", line=self.line, column=column, found=self.cells[column])
        return number

    def count(self, column: str) -> int:
        """The whole number in a column, not negative."""
        number = self.amount(column)
        if number != int(number):
            raise BadSampling("not_a_number", line=self.line, column=column, found=self.cells[column])
        return int(number)

    def flag(self, column: str) -> bool:
        """Whether a column says yes."""
        flag = _FLAGS.get(self.cells[column].lower())
        if flag is None:
            raise BadSampling("not_a_flag", line=self.line, column=column, found=self.cells[column])
        return flag


@dataclass(frozen=True, slots=True)
class Table:
    """A file: its header and its rows, identifiers unique."""

    header: list[str]
    rows: list[Row]

    def column(self, name: str) -> str:
        """`name`, where the file has such a column. Raises BadSampling."""
        if name not in self.header:
            raise BadSampling("no_column", column=name, header=self.header)
        return name


def table(path: Path, key: str = "id", along: Along = unwatched) -> Table:
    """The lines of a file, named by the column `key` or else the first; empty ones are left out. Raises BadSampling."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSampling("not_utf8", line=content.count(b"\n", 0, error.start) + 1) from error
    lines = _lines(text)
    _line, names = next(lines, (1, [""]))
    place = names.index(key) if key in names else 0
    rows: list[Row] = []
    seen: set[str] = set()
    for line, cells in along(lines):
        if len(cells) != len(names):
            raise BadSampling("cells", line=line, found=len(cells), wanted=len(names))
        name = cells[place]
        if not name or _FORBIDDEN & set(name):
            raise BadSampling("bad_id", line=line)
        if name in seen:
            raise BadSampling("twice", line=line, id=name)
        seen.add(name)
        rows.append(Row(line, name, dict(zip(names, cells, strict=True))))
    if not rows:
        raise BadSampling("no_unit")
    return Table(names, rows)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    delimiter = ";" if ";" in text.split("\n", 1)[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadSampling("not_csv", line=reader.line_num) from error


def population(
    path: Path, value: str | None = None, stratum: str | None = None, along: Along = unwatched
) -> list[Unit]:
    """The units of a file, with their value and stratum where columns are named for them. Raises BadSampling."""
    found = table(path, along=along)
    if value is not None:
        found.column(value)
    if stratum is not None:
        found.column(stratum)
    return [
        Unit(
            row.id,
            None if value is None else row.amount(value),
            None if stratum is None else row.cells[stratum],
        )
        for row in along(found.rows)
    ]


def identifiers(path: Path) -> list[str]:
    """The identifiers of a file. Raises BadSampling."""
    return [row.id for row in table(path).rows]


def sample(path: Path, along: Along = unwatched) -> list[Item]:
    """The examined units of a file: columns `error`, or `value` and `audited` (what was found right).

    `value` (the book value), `stratum` and `exhaustive` (yes for what was not drawn at random: above the interval, or
    forced) are optional. Raises BadSampling.
    """
    found = table(path, along=along)
    source = "audited" if "audited" in found.header and "error" not in found.header else found.column("error")
    if source == "audited":
        found.column("value")
    items = []
    for row in along(found.rows):
        value = row.amount("value") if "value" in found.header else None
        error = row.number("error") if source == "error" else (value or 0) - row.amount("audited")
        if value is not None and error > value:
            raise BadSampling("error_above_value", line=row.line, error=error, value=value)
        items.append(
            Item(
                row.id,
                float(error),
                None if value is None else float(value),
                row.cells.get("stratum", ""),
                row.flag("exhaustive") if "exhaustive" in found.header else False,
            )
        )
    return items


def strata(path: Path) -> dict[str, Stratum]:
    """The strata of a population: the name in the column `stratum`, `population` (units), `value` (book value)."""
    found = table(path, "stratum")
    for name in ("stratum", "population", "value"):
        found.column(name)
    return {row.id: Stratum(row.count("population"), float(row.amount("value"))) for row in found.rows}
