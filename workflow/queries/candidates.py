"""Who can form the binôme of a dossier: load, competence, training and conflicts of the instructors of its instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from workflow.errors import NotFound
from workflow.queries.binomes import Instructor, pool
from workflow.queries.choices import Asked
from workflow.queries.load import Load, loads


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instructor of the dossier's instance, with what speaks for and against them."""

    person: Instructor
    kept_out: str | None
    """What keeps them out (`workflow.queries.binomes.Pool.kept_out`); `full`: too few effort points left."""
    bond: str
    """What binds them to the carrier, as they declared it."""
    affinity: int
    because: str
    load: Load

    @property
    def id(self) -> int:
        """The person's id."""
        return self.person.id

    @property
    def eligible(self) -> bool:
        """Whether no rule keeps them out of every pair: an absence is told, and left to the animator."""
        return self.kept_out in (None, "away", "same_institution")


@dataclass(frozen=True)
class Candidates:
    """The instructors of an instance: who is in the binôme, who can be, who cannot."""

    effort: int
    seated: Sequence[Candidate]
    eligible: Sequence[Candidate]
    excluded: Sequence[Candidate]
    suggested: tuple[int, int] | None
    """The two of different institutions who know the subject best, and of those the two with the least to do."""

    @property
    def heaviest(self) -> int:
        """The greatest load, for the scale of a picture."""
        return max((person.load.active for person in (*self.seated, *self.eligible, *self.excluded)), default=0)


def candidates(asked: Asked) -> Candidates:
    """Who may instruct the dossier, the least loaded first, in nine statements."""
    dossier, session = asked.dossier, asked.session
    if dossier is None or dossier.instance_id is None:
        raise NotFound("dossier")
    around = pool(session, dossier.instance_id, dossier.campaign_id, asked.today, dossier.id)
    waiting = around.dossiers[0]
    held = loads(session, dossier.instance_id, asked.today)
    found = []
    for one in around.people:
        word = around.kept_out(waiting, one)
        if word is None and one.left < waiting.effort:
            word = "full"
        points, because = around.affinity(waiting, one)
        bond = around.bonds.get((waiting.id, one.id), "")
        found.append(Candidate(one, word, bond, points, because, held.get(one.id, Load())))
    free = sorted(
        (one for one in found if one.id not in waiting.seated), key=lambda one: (one.load.active, one.load.late)
    )
    eligible = [one for one in free if one.eligible]
    return Candidates(
        dossier.effort,
        [one for one in found if one.id in waiting.seated],
        eligible,
        [one for one in free if not one.eligible],
        _best_pair([one for one in eligible if one.kept_out is None]),
    )


def _best_pair(eligible: Sequence[Candidate]) -> tuple[int, int] | None:
    pairs = [
        (first, second)
        for first, second in combinations(eligible, 2)
        if first.person.institution_id != second.person.institution_id
    ]
    if not pairs:
        return None
    # Of equals, the first pair: the least loaded stand first.
    first, second = max(pairs, key=lambda pair: pair[0].affinity + pair[1].affinity)
    return first.id, second.id
