"""What is given to form binômes, and what is found. Identifiers are any text; loads are effort points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

AIMS = ("fair", "total")
"""All aims in their order, or the sum of affinities alone."""
TIME_LIMIT = 30.0
"""Seconds that are taken where nobody says."""


@dataclass(frozen=True, slots=True)
class Instructor:
    """A trained member of the instance: effort points they can take, and at least have to."""

    id: str
    institution: str
    capacity: float
    min_load: float = 0


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is to be instructed: the effort points it costs each of its members, and how many members it takes."""

    id: str
    effort: float = 1
    size: int = 2


@dataclass(frozen=True, slots=True)
class Constraint:
    """A hard rule, for one dossier or instructor (two where a pair is banned).

    Kinds: `cover` (the dossier has its members), `institution` (not too many of one), `conflict` (of interest),
    `pinned`, `banned_pair`, `capacity`, `min_load`.
    """

    kind: str
    dossier: str | None = None
    instructor: str | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Lift:
    """A constraint that, alone, makes everything possible: given up, or the bound that it would need."""

    constraint: Constraint
    to: float | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Constraints that cannot hold together, none of which is needless, and what would lift them.

    `asked` are the effort points that the dossiers among them ask at least of the instructors whose capacity is among
    them, `available` what those have. `minimal` is False where time ran out before all that is needless was found.
    """

    constraints: Sequence[Constraint]
    asked: float | None = None
    available: float | None = None
    lifts: Sequence[Lift] = ()
    minimal: bool = True


@dataclass(frozen=True, slots=True)
class Problem:
    """One question. Affinities by dossier, then instructor; one that is missing is 0.

    `pinned` and `conflicts` hold (dossier, instructor); `banned_pairs` (dossier, instructor, instructor), for every
    dossier where it names none. At most `max_per_institution` members of a dossier are of one institution.
    """

    instructors: Sequence[Instructor]
    dossiers: Sequence[Dossier]
    affinity: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    conflicts: Sequence[tuple[str, str]] = ()
    pinned: Sequence[tuple[str, str]] = ()
    banned_pairs: Sequence[tuple[str | None, str, str]] = ()
    previous: Mapping[str, Sequence[str]] = field(default_factory=dict)
    max_per_institution: int | None = 1


@dataclass(frozen=True, slots=True)
class Solution:
    """What was found: `status` optimal (proved), feasible (valid, at most `gap` from the best), infeasible (proved: see
    `causes`) or unknown (nothing found in time).

    `worst` is the least sum of affinities of a dossier's members, `max_load` the highest load relative to capacity;
    `gap` the greatest relative distance between an aim reached and what was proved of it.
    """

    status: str
    pairs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    total: float = 0
    worst: float | None = None
    max_load: float = 0
    gap: float | None = None
    causes: Sequence[Cause] = ()
