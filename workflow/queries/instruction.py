"""A dossier's desk: what those who instruct it see while they do, and what comes next for each.

The two individual opinions are hidden from each other until both are sealed: the desk holds what the dossier's file
(`workflow.queries.dossier`) lets through.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy.orm import Session

from workflow.access import Actor
from workflow.grids import apart, mark
from workflow.models.instruction import THIRD
from workflow.queries import dossier as files
from workflow.queries.dossier import File, Written
from workflow.queries.progress import MINE, Progress, next_step

Row = Any
"""A named tuple of the columns of a select."""


@dataclass(frozen=True)
class Desk:
    """A dossier as those who instruct it see it while they do."""

    file: File
    progress: Progress
    step: str
    colleague: Row | None
    """The other seat of the binôme."""
    third: Row | None
    """The seat of a third instructor, where one was named."""
    own: Written | None
    opinions: tuple[Written, ...]
    """The sealed individual opinions once two are; until then none."""
    differing: frozenset[Any]
    """Where they differ: « verdict », the ids of request lines, and « criterion-id » for scores too far apart."""
    joint_amounts: Mapping[int, int]

    @property
    def mine(self) -> bool:
        """Whether the next step waits for the reader."""
        return self.step in MINE

    def mark(self, written: Written) -> float | None:
        """The weighted mean of an opinion's scores, from 0 to 4."""
        return mark({row.id: row.weight for row in self.file.all("criteria")}, written.scores)

    @property
    def asked(self) -> Sequence[Row]:
        """The questions put to experts; one that was handed over counts once, as the colleague's."""
        return [row for row in self.file.all("consultations") if row.state != "handed_over"]

    @property
    def answered(self) -> int:
        """How many of these were answered or declined, or need not be any more."""
        return sum(row.state != "asked" for row in self.asked)


def desk(session: Session, actor: Actor, dossier_id: int) -> Desk:
    """The desk of a dossier for whoever may read it. Raises NotFound."""
    file = files.load(session, actor, dossier_id)
    seats = file.all("binome")
    own = next((opinion for opinion in file.opinions if opinion.own), None)
    sealed = tuple(opinion for opinion in file.opinions if opinion.content.sealed_at is not None)
    both = sealed if len(sealed) >= 2 else ()
    progress = files.progress_of(file, actor.person_id)
    differing = frozenset[Any]().union(*(_differing(*pair) for pair in combinations(both, 2)))
    return Desk(
        file,
        progress,
        next_step(progress, actor.person_id),
        next((row for row in seats if row.person_id != actor.person_id and row.seat != THIRD), None),
        next((row for row in seats if row.seat == THIRD), None),
        own,
        both,
        differing,
        {row.request_id: row.proposed_cents for row in file.all("joint_amounts")},
    )


def _differing(one: Written, other: Written) -> frozenset[Any]:
    lines = {line for line in {*one.amounts, *other.amounts} if one.amounts.get(line) != other.amounts.get(line)}
    criteria = {f"criterion-{one}" for one in apart(one.scores, other.scores)}
    return frozenset(lines | criteria | ({"verdict"} if one.content.verdict != other.content.verdict else set()))
