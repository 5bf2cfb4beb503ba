"""Publishing a version of a grid that everybody fills alike: what was begun with an earlier one keeps that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import fields, validate
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from states.machine import Reason
from states.words import N_
from workflow.access import Actor
from workflow.common_grids import kind_of, newest
from workflow.errors import Invalid, Refused
from workflow.forms import LONG, Form, Text, read
from workflow.grid_changes import Change, changes
from workflow.use_cases.notes import note_change

MOST = 30
"""Items of a grid."""


class ItemForm(Form):
    """What is verified, and by what."""

    label = Text(N_("Point"), required=True)
    help = Text(N_("Ce qui le montre"), longest=LONG, required=True)


class GridForm(Form):
    """The items in their order, why they change, and the version that was shown (0 for none)."""

    items = fields.List(
        fields.Nested(ItemForm),
        required=True,
        validate=validate.Length(1, MOST, error=N_("Une grille compte de 1 à 30 points.")),
        metadata={"label": N_("Points")},
    )
    reason = Text(N_("Motif du changement"), longest=LONG, required=True)
    seen = fields.Integer(required=True, metadata={"widget": "hidden"})

    def load(self, data: Any, **options: Any) -> Any:
        """Rows may come numbered, as pages send them."""
        if isinstance(data, Mapping) and isinstance(data.get("items"), Mapping):
            data = {**data, "items": arranged(data["items"])}
        return super().load(data, **options)


def arranged(rows: Mapping[str, Any]) -> list[Any]:
    """The rows of a page's form as its `place`s order them, without those that are empty or ticked to go."""
    found = [
        row if isinstance(row, Mapping) else {}
        for _, row in sorted(rows.items(), key=lambda row: (len(row[0]), row[0]))
    ]

    def key(numbered: tuple[int, Mapping[str, Any]]) -> tuple[int, int]:
        own, row = numbered
        typed = str(row.get("place", ""))
        place = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 6 else own
        # Whoever is moved to a place gets it; whoever stood there makes room.
        return place, (place > own) - (place < own)

    kept = [one for one in enumerate(found, start=1) if not one[1].get("remove")]
    ordered = [{name: row.get(name, "") for name in ("label", "help")} for _, row in sorted(kept, key=key)]
    return [row for row in ordered if any(row.values())]


@dataclass(frozen=True, slots=True)
class Proposed:
    """An item of a version that is not published yet."""

    label: str
    help: str


@dataclass(frozen=True)
class Proposal:
    """The version that would be published: its number, its items, and what it changes of the last."""

    number: int
    items: Sequence[Proposed]
    changes: Sequence[Change]
    reason: str


def propose(session: Session, actor: Actor, name: str, raw: Mapping[str, Any]) -> Proposal:
    """The next version of the grid `name` (of common_grids.KINDS), to be looked at. Administrators only.

    Raises Forbidden, NotFound, Invalid, or Refused where a version came since the one that was shown.
    """
    actor.require(ADMINISTRATOR)
    last = newest(session, kind_of(name).grid)
    data = read(GridForm(), raw)
    labels = [row["label"].casefold() for row in data["items"]]
    twice = {
        place: {"label": [N_("Ce point y est déjà.")]} for place, one in enumerate(labels) if one in labels[:place]
    }
    if twice:
        raise Invalid({"items": twice})
    number = last.number if last else 0
    if data["seen"] != number:
        raise _changed(number)
    items = [Proposed(row["label"], row["help"]) for row in data["items"]]
    found = changes(last.items if last else [], items)
    if not found:
        raise Invalid({"items": [N_("Rien ne change : modifiez, ajoutez, déplacez ou retirez un point.")]})
    return Proposal(number + 1, items, found, data["reason"])


def _changed(number: int) -> Refused:
    return Refused(
        Reason(
            "grid_unchanged",
            N_("La grille a été changée entre-temps : la version %(number)s est en vigueur."),
            N_("Notez ce que vous avez saisi, rouvrez la grille et comparez."),
            {"number": number},
        )
    )


def publish(session: Session, actor: Actor, name: str, raw: Mapping[str, Any], now: datetime) -> int:
    """Make the proposal a version, for what begins from now on; its number. Raises what `propose` raises."""
    proposal, kind = propose(session, actor, name, raw), kind_of(name)
    grid = kind.grid(
        number=proposal.number,
        made_at=now,
        made_by_id=actor.person_id,
        reason=proposal.reason,
        items=[
            kind.item(position=place, label=item.label, help=item.help)
            for place, item in enumerate(proposal.items, start=1)
        ],
    )
    session.add(grid)
    try:
        session.flush()
    except IntegrityError as error:
        # Somebody published at the same instant: the number is taken.
        raise _changed(proposal.number) from error
    told = [f"{change.kind} : {change.label}" for change in proposal.changes]
    note_change(
        session,
        actor,
        ADMINISTRATOR,
        "publish_grid",
        grid,
        now,
        before={"number": proposal.number - 1},
        after={"number": proposal.number, "changes": told},
        reason=proposal.reason,
    )
    return proposal.number
