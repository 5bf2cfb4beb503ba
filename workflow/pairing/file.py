"""A question of binômes, read from a JSON file: what is wrong in it is told with its field."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from states.machine import Reason
from states.words import N_
from workflow.errors import DomainError
from workflow.pairing import problem
from workflow.pairing.problem import Problem
from workflow.reference.reading import PROBLEMS


class BadPairing(DomainError):
    """The file cannot be understood: at which field, and why."""

    code = "bad_pairing"
    status = 422

    def __init__(self, field: str, problem: str, **params: object) -> None:
        super().__init__(
            Reason(
                "bad_pairing",
                N_("Champ « %(field)s » : %(problem)s."),
                N_("Corrigez le fichier, puis recommencez."),
                {"field": field, "problem": problem % params if params else problem},
            )
        )


_Number = Annotated[float, Field(allow_inf_nan=False)]
_Points = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(strict=True)


class _Instructor(_Row):
    id: str
    institution: str
    capacity: _Points
    min_load: _Points = 0


class _Dossier(_Row):
    id: str
    effort: _Points = 1
    size: int | None = Field(None, ge=1)


class _File(_Row):
    size: int = Field(2, ge=1)
    instructors: list[_Instructor]
    dossiers: list[_Dossier]
    affinity: dict[str, dict[str, _Number]] = {}
    conflicts: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []
    pinned: list[Annotated[list[str], Field(min_length=2)]] = []
    banned_pairs: list[Annotated[list[str], Field(min_length=2, max_length=3)]] = []
    previous: dict[str, list[str]] = {}
    max_per_institution: int | None = Field(1, ge=1)


def read(path: Path) -> Problem:
    """The problem that a file describes. Raises BadPairing.

    A pin is a dossier and one instructor or more; a banned pair two instructors, for every dossier, or a dossier and
    two. Whoever is in the earlier solution and not among the instructors has left.
    """
    try:
        raw = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise BadPairing(f"{error.lineno}:{error.colno}", N_("ce n'est pas du JSON")) from error
    except UnicodeDecodeError as error:
        raise BadPairing("1:1", N_("le texte n'est pas en UTF-8")) from error
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "."
        raise BadPairing(field, PROBLEMS.get(first["type"], N_("valeur inattendue"))) from error
    return _problem(file)


def _problem(file: _File) -> Problem:
    people = [problem.Instructor(row.id, row.institution, row.capacity, row.min_load) for row in file.instructors]
    dossiers = [problem.Dossier(row.id, row.effort, row.size or file.size) for row in file.dossiers]
    known_people = set(_once("instructors", (row.id for row in people)))
    known_dossiers = set(_once("dossiers", (row.id for row in dossiers)))

    def person(field: str, name: str) -> str:
        return _known(field, name, known_people)

    def dossier(field: str, name: str) -> str:
        return _known(field, name, known_dossiers)

    return Problem(
        instructors=people,
        dossiers=dossiers,
        affinity={
            dossier("affinity", name): {person(f"affinity.{name}", who): value for who, value in row.items()}
            for name, row in file.affinity.items()
        },
        conflicts=[(dossier("conflicts", row[0]), person("conflicts", row[1])) for row in file.conflicts],
        pinned=[(dossier("pinned", row[0]), person("pinned", who)) for row in file.pinned for who in row[1:]],
        banned_pairs=[
            (
                dossier("banned_pairs", row[0]) if len(row) == 3 else None,
                person("banned_pairs", row[-2]),
                person("banned_pairs", row[-1]),
            )
            for row in file.banned_pairs
        ],
        previous={
            name: [who for who in row if who in known_people]
            for name, row in file.previous.items()
            if name in known_dossiers
        },
        max_per_institution=file.max_per_institution,
    )


def _once(field: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            raise BadPairing(f"{field}.{place}.id", N_("« %(name)s » y est deux fois"), name=name)
        seen.add(name)
        yield name


def _known(field: str, name: str, known: set[str]) -> str:
    if name not in known:
        raise BadPairing(field, N_("« %(name)s » n'est pas dans le fichier"), name=name)
    return name
