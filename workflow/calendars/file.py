"""A calendar to harmonise, read from a TOML file: what is wrong in it is told with its line and its field."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from states.machine import Reason
from states.words import N_
from workflow.calendars import problem
from workflow.calendars.problem import Problem
from workflow.errors import DomainError
from workflow.reference.reading import PROBLEMS

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""The years for which public holidays are known to be right."""


class BadCalendar(DomainError):
    """The file cannot be understood: in which line, at which field, and why."""

    code = "bad_calendar"
    status = 422

    def __init__(self, line: int, field: str, problem: str, **params: object) -> None:
        super().__init__(
            Reason(
                "bad_calendar",
                N_("Ligne %(line)s, champ « %(field)s » : %(problem)s."),
                N_("Corrigez le fichier, puis recommencez."),
                {"line": line, "field": field, "problem": problem % params if params else problem},
            )
        )


def _of_a_known_year(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise PydanticCustomError("year", "year")
    return day


_Day = Annotated[date, AfterValidator(_of_a_known_year)]


class _Row(BaseModel):
    model_config = ConfigDict(strict=True)


class _Span(_Row):
    first: _Day
    last: _Day


class _Milestone(_Row):
    id: str
    label: str = ""
    after: str | None = None
    min_gap: int | None = Field(None, ge=0)
    max_gap: int | None = Field(None, ge=0)
    per_funder: bool = False


class _Window(_Row):
    funder: str
    milestone: str
    earliest: _Day
    latest: _Day
    preferred: _Day | None = None


class _Closure(_Span):
    funder: str | None = None


class _Fixed(_Row):
    milestone: str
    funder: str | None = None
    day: _Day = Field(alias="date")


class _File(_Row):
    campaign: _Span
    milestone: list[_Milestone]
    funder_window: list[_Window] = []
    closure: list[_Closure] = []
    fixed: list[_Fixed] = []


_WRONG = {**PROBLEMS, "model_type": N_("table attendue"), "year": N_("année hors de 1990 à 2100")}


def read(path: Path) -> Problem:
    """The problem that the file at `path` states. Raises BadCalendar; OSError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadCalendar(line, "-", N_("ce n'est pas du texte en UTF-8")) from error
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(text, str(error)) from error
    lines = Lines(text)
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        found = error.errors()[0]
        field = next((part for part in reversed(found["loc"]) if isinstance(part, str)), "-")
        problem = _WRONG.get(found["type"], N_("valeur non valable"))
        raise BadCalendar(lines.of(*found["loc"]), field, problem) from error
    _check(file, lines)
    try:
        return _problem(file)
    except ValueError as error:
        raise BadCalendar(lines.of("campaign", "last"), "last", N_("aucun jour ouvré dans la campagne")) from error


def _not_toml(text: str, message: str) -> BadCalendar:
    place = re.search(r"line (\d+)", message)
    line = int(place[1]) if place else text.count("\n") + 1
    here = (text.splitlines() or [""])[min(line, text.count("\n") + 1) - 1 : line]
    key = _KEY.match(here[0]) if here else None
    return BadCalendar(line, key["key"] if key else "-", N_("ce n'est pas du TOML"))


def _check(file: _File, lines: "Lines") -> None:
    """Find what each row alone does not show. Raises BadCalendar."""
    milestones = {row.id for row in file.milestone}
    funders = {row.funder for row in file.funder_window}
    seen: set[str] = set()
    for number, row in enumerate(file.milestone):
        if row.id in seen:
            raise BadCalendar(
                lines.of("milestone", number, "id"), "id", N_("« %(value)s » est déjà pris"), value=row.id
            )
        seen.add(row.id)
    references = (
        ("milestone", "after", [row.after for row in file.milestone], milestones),
        ("funder_window", "milestone", [row.milestone for row in file.funder_window], milestones),
        ("fixed", "milestone", [row.milestone for row in file.fixed], milestones),
        ("fixed", "funder", [row.funder for row in file.fixed], funders),
    )
    for table, field, values, known in references:
        for number, value in enumerate(values):
            if value is not None and value not in known:
                raise BadCalendar(lines.of(table, number, field), field, N_("« %(value)s » est inconnu"), value=value)
    spans: list[tuple[tuple[str | int, ...], str, str, date, date]] = [
        (("campaign",), "last", "first", file.campaign.first, file.campaign.last),
        *((("closure", n), "last", "first", row.first, row.last) for n, row in enumerate(file.closure)),
        *(
            (("funder_window", n), "latest", "earliest", row.earliest, row.latest)
            for n, row in enumerate(file.funder_window)
        ),
    ]
    for place, field, before, first, last in spans:
        if last < first:
            raise BadCalendar(lines.of(*place, field), field, N_("date avant « %(before)s »"), before=before)


def _problem(file: _File) -> Problem:
    return Problem(
        file.campaign.first,
        file.campaign.last,
        tuple(problem.Milestone(**row.model_dump()) for row in file.milestone),
        tuple(problem.Window(**row.model_dump()) for row in file.funder_window),
        tuple(problem.Fixed(**row.model_dump()) for row in file.fixed),
        tuple(problem.Closure(**row.model_dump()) for row in file.closure),
    )


_TABLE = re.compile(r"\s*\[(?P<many>\[)?\s*(?P<name>[\w.\"'-]+)\s*\]")
_KEY = re.compile(r"""\s*["']?(?P<key>[\w-]+)["']?\s*=""")


class Lines:
    """In which line of a TOML text each table and each of its keys stands."""

    def __init__(self, text: str) -> None:
        self._found: dict[tuple[str | int, ...], int] = {}
        table: tuple[str | int, ...] = ()
        counts: dict[str, int] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _TABLE.match(line):
                name = header["name"].strip("\"'")
                table = (name,)
                self._found.setdefault(table, number)
                if header["many"]:
                    table = (name, counts.get(name, 0))
                    counts[name] = counts.get(name, 0) + 1
                    self._found[table] = number
            elif key := _KEY.match(line):
                self._found.setdefault((*table, key["key"]), number)

    def of(self, *place: str | int) -> int:
        """The line of a key, else of the table that lacks it, else the first."""
        while place and place not in self._found:
            place = place[:-1]
        return self._found.get(place, 1)
