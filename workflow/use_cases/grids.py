"""The criteria grid by which an instance's instructors judge: each change is a new version, earlier ones stay."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR
from states.words import N_
from workflow.access import Actor
from workflow.errors import Invalid, NotFound
from workflow.forms import Form, Text, read
from workflow.grids import HIGHEST
from workflow.models import Criterion, Instance, OpinionGrid
from workflow.use_cases.notes import note_change

PROPOSED = Path(__file__).parent.parent / "reference" / "grid.toml"
MOST = 20
"""Criteria of a grid."""
HEAVIEST = 5


class CriterionForm(Form):
    """What is judged, how much it counts, and what each level means."""

    label = Text(N_("Critère"), required=True)
    weight = fields.Integer(
        required=True,
        validate=validate.Range(1, HEAVIEST, error=N_("Entre 1 et 5.")),
        metadata={"label": N_("Poids"), "widget": "number"},
    )
    levels = fields.List(
        Text("", required=True),
        required=True,
        validate=validate.Length(equal=HIGHEST + 1, error=N_("Dites ce que veut dire chaque niveau, de 0 à 4.")),
        metadata={"label": N_("Niveaux")},
    )


class GridForm(Form):
    """The criteria in their order."""

    criteria = fields.List(
        fields.Nested(CriterionForm),
        required=True,
        validate=validate.Length(1, MOST, error=N_("Une grille compte de 1 à 20 critères.")),
        metadata={"label": N_("Critères")},
    )

    def load(self, data: Any, **options: Any) -> Any:
        """Rows and levels may come numbered, as pages send them; rows left empty are none."""
        if isinstance(data, Mapping) and isinstance(data.get("criteria"), Mapping):
            data = {**data, "criteria": numbered(data["criteria"])}
        return super().load(data, **options)


def numbered(rows: Mapping[str, Any]) -> list[Any]:
    """The rows of a page's form in their order, levels too; those left empty are none."""
    return [row for row in map(_row, _ordered(rows)) if row]


def _ordered(numbered: Mapping[str, Any]) -> list[Any]:
    return [value for _number, value in sorted(numbered.items(), key=lambda item: (len(item[0]), item[0]))]


def _row(row: Any) -> Any:
    if not isinstance(row, Mapping) or not isinstance(row.get("levels", {}), Mapping):
        return row
    levels = {str(level): "" for level in range(HIGHEST + 1)} | dict(row.get("levels", {}))
    if not row.get("label") and not any(levels.values()):
        return None
    return {**row, "levels": _ordered(levels)}


def save_grid(session: Session, actor: Actor, instance_id: int, raw: Mapping[str, Any], now: datetime) -> OpinionGrid:
    """A new version of an instance's grid, by its animator: for binômes that are formed from now on.

    Raises Forbidden, NotFound or Invalid.
    """
    actor.require(ANIMATOR)
    if instance_id not in actor.instances(ANIMATOR):
        raise NotFound("instance")
    criteria = read(GridForm(), raw)["criteria"]
    labels = [row["label"].casefold() for row in criteria]
    twice = {
        place: {"label": [N_("Ce critère y est déjà.")]} for place, one in enumerate(labels) if one in labels[:place]
    }
    if twice:
        raise Invalid({"criteria": twice})
    session.scalars(select(Instance.id).where(Instance.id == instance_id).with_for_update(key_share=True)).one()
    last = session.scalar(select(func.max(OpinionGrid.number)).where(OpinionGrid.instance_id == instance_id)) or 0
    grid = OpinionGrid(
        instance_id=instance_id,
        number=last + 1,
        made_at=now,
        made_by_id=actor.person_id,
        criteria=[Criterion(position=place, **row) for place, row in enumerate(criteria, start=1)],
    )
    session.add(grid)
    session.flush()
    after = {"number": grid.number, "criteria": [f"{row['label']} ({row['weight']})" for row in criteria]}
    note_change(session, actor, ANIMATOR, "save_grid", grid, now, before={"number": last}, after=after)
    return grid


@cache
def proposed() -> tuple[Mapping[str, Any], ...]:
    """The criteria that an instance without a grid begins with."""
    return tuple(tomllib.loads(PROPOSED.read_text(encoding="utf-8"))["criterion"])
