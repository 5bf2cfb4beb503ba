"""What the grids that everybody shares have in common: their versions, and answers that several give together."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields
from sqlalchemy.orm import Session

from states.machine import Reason
from states.words import N_
from workflow.common_grids import G, newest
from workflow.errors import Refused
from workflow.forms import Form
from workflow.models import ControlItem, ReviewCriterion


def renewed(
    session: Session, grid: type[G], item: type[ControlItem] | type[ReviewCriterion], proposed: Path, now: datetime
) -> int:
    """Make a version of a grid where the last one says something else than its file; how many were made."""
    rows: list[dict[str, Any]] = tomllib.loads(proposed.read_text(encoding="utf-8"))["item"]
    last = newest(session, grid)
    if last and [{name: getattr(one, name) for name in rows[0]} for one in last.items] == rows:
        return 0
    items = [item(position=place, **row) for place, row in enumerate(rows, start=1)]
    session.add(grid(number=last.number + 1 if last else 1, made_at=now, items=items))
    return 1


class Answers(fields.Dict):
    """An answer by item: {item id: answer}."""

    def __init__(self, label: str, answer: type[Form]) -> None:
        super().__init__(keys=fields.Integer(), values=fields.Nested(answer), required=True, metadata={"label": label})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            found = error.messages
            if not isinstance(found, Mapping):
                raise
            raise ValidationError({name: parts.get("value", parts) for name, parts in found.items()}) from error


def refuse_clashes(items: Sequence[str]) -> None:
    """Raise Refused where a colleague answered to `items` meanwhile: nobody's answer is overwritten unseen."""
    if items:
        raise Refused(
            Reason(
                "answers_unchanged",
                N_("Un collègue a répondu entre-temps à : %(items)s."),
                N_("Notez ce que vous avez saisi sur ces points, puis rouvrez la grille et comparez."),
                {"items": tuple(items)},
            )
        )
