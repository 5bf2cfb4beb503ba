"""Reads a file of reference data: its shape and its inner references are checked before anything is written."""

import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from states.machine import Reason
from states.words import N_
from workflow.errors import DomainError
from workflow.models.reference import LEVELS


class BadReference(DomainError):
    """The file of reference data is wrong: which table, which row (from 1) and which field, and why."""

    code = "bad_reference"
    status = 422

    def __init__(self, table: str, row: int | None, field: str, problem: str) -> None:
        super().__init__(
            Reason(
                "bad_reference",
                N_("Données de référence : table « %(table)s », ligne %(row)s, champ « %(field)s » : %(problem)s."),
                N_("Corrigez le fichier, puis recommencez ; rien n'a été changé."),
                {"table": table, "row": row or "-", "field": field, "problem": problem},
            )
        )

    def __str__(self) -> str:
        reason = self.reasons[0]
        return reason.message % reason.params


class Programme(BaseModel):
    """The programme that the file describes."""

    code: str


class Orientation(BaseModel):
    """First level of objectives."""

    code: str
    label: str


class StrategicObjective(Orientation):
    """Second level."""

    orientation: str


class OperationalObjective(Orientation):
    """Third level: what a dossier answers to."""

    strategic_objective: str


class Theme(BaseModel):
    """A theme of instances."""

    id: str
    label: str


class Instance(Theme):
    """A thematic instance."""

    theme: str
    animators: list[str]
    to_be_created: bool = False
    per_commune: bool = False


class Institution(BaseModel):
    """A partner."""

    label: str
    kind: str


class Commune(BaseModel):
    """A commune of the territory."""

    label: str
    local_security_council: bool = False
    urban_renewal_agreement: bool = False


class OtherCommunes(BaseModel):
    """Communes that the source does not describe."""

    labels: list[str] = []


class Route(BaseModel):
    """A routing rule; its place in the file is its position."""

    objective: str
    lead: str
    level: str | None = None
    commune: str | None = None
    associated: list[str] = []
    basis: str = ""


class Campaign(BaseModel):
    """The proposed campaign."""

    label: str
    first: date
    last: date
    year: int | None = None


class Milestone(BaseModel):
    """A milestone of every campaign."""

    id: str
    label: str
    after: str | None = None
    min_gap: int | None = Field(None, ge=0)
    max_gap: int | None = Field(None, ge=0)
    per_funder: bool = False


class FunderWindow(BaseModel):
    """What a funder can accept for a milestone."""

    funder: str
    milestone: str
    earliest: date
    latest: date
    preferred: date | None = None


class Reference(BaseModel):
    """The whole file. Tables that the application has no use for are left aside."""

    programme: Programme
    orientation: list[Orientation]
    strategic_objective: list[StrategicObjective]
    operational_objective: list[OperationalObjective]
    theme: list[Theme]
    instance: list[Instance]
    institution: list[Institution]
    commune: list[Commune]
    communes_not_in_text: OtherCommunes = OtherCommunes()
    route: list[Route]
    campaign: Campaign
    milestone: list[Milestone]
    funder_window: list[FunderWindow]

    @property
    def funders(self) -> list[str]:
        """Codes of the institutions that fund, in the order of the file."""
        return list(dict.fromkeys(window.funder for window in self.funder_window))

    @property
    def communes(self) -> list[Commune]:
        """All communes, described or not."""
        return [*self.commune, *(Commune(label=label) for label in self.communes_not_in_text.labels)]


PROBLEMS = {
    "missing": N_("manque"),
    "string_type": N_("texte attendu"),
    "list_type": N_("liste attendue"),
    "bool_type": N_("oui ou non attendu"),
    "bool_parsing": N_("oui ou non attendu"),
    "int_type": N_("nombre entier attendu"),
    "int_parsing": N_("nombre entier attendu"),
    "date_type": N_("date attendue"),
    "date_from_datetime_parsing": N_("date attendue"),
    "greater_than_equal": N_("nombre négatif"),
}
"""What pydantic finds wrong, in words."""


def read(path: Path) -> Reference:
    """Read and check the file at `path`. Raises BadReference; OSError where there is none."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadReference(path.name, None, "-", str(error)) from error
    try:
        reference = Reference.model_validate(raw)
    except ValidationError as error:
        raise _first_problem(error) from error
    _check(reference)
    return reference


def _first_problem(error: ValidationError) -> BadReference:
    problem = error.errors()[0]
    table, *place = problem["loc"]
    row = next((part + 1 for part in place if isinstance(part, int)), None)
    field = next((part for part in place if isinstance(part, str)), "-")
    return BadReference(str(table), row, field, PROBLEMS.get(problem["type"], N_("valeur non valable")))


def _check(reference: Reference) -> None:
    operational = _unique(reference.operational_objective, "operational_objective", "code")
    strategic = _unique(reference.strategic_objective, "strategic_objective", "code")
    orientations = _unique(reference.orientation, "orientation", "code")
    themes = _unique(reference.theme, "theme", "id")
    instances = _unique(reference.instance, "instance", "id")
    communes = _unique(reference.communes, "commune", "label")
    _unique(reference.institution, "institution", "label")
    milestones = _unique(reference.milestone, "milestone", "id")
    _known(reference.strategic_objective, "strategic_objective", "orientation", orientations)
    _known(reference.operational_objective, "operational_objective", "strategic_objective", strategic)
    _known(reference.instance, "instance", "theme", themes)
    _known(reference.route, "route", "objective", operational)
    _known(reference.route, "route", "lead", instances)
    _known(reference.route, "route", "associated", instances)
    _known(reference.route, "route", "level", set(LEVELS))
    _known(reference.route, "route", "commune", communes)
    _known(reference.milestone, "milestone", "after", milestones)
    _known(reference.funder_window, "funder_window", "milestone", milestones)
    for number, window in enumerate(reference.funder_window, start=1):
        if window.latest < window.earliest:
            raise BadReference("funder_window", number, "latest", N_("date avant « earliest »"))
    if reference.campaign.last <= reference.campaign.first:
        raise BadReference("campaign", None, "last", N_("date avant « first »"))


def _unique(rows: Iterable[BaseModel], table: str, field: str) -> set[str]:
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        value = getattr(row, field)
        if value in seen:
            raise BadReference(table, number, field, N_("« %(value)s » est déjà pris") % {"value": value})
        seen.add(value)
    return seen


def _known(rows: Iterable[BaseModel], table: str, field: str, known: set[str]) -> None:
    for number, row in enumerate(rows, start=1):
        value = getattr(row, field)
        for name in value if isinstance(value, list) else [value]:
            if name is not None and name not in known:
                raise BadReference(table, number, field, N_("« %(value)s » est inconnu") % {"value": name})
