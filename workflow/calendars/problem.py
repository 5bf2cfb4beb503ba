"""What a harmonised calendar is asked, and the two answers that there are. Pure."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from workflow.calendars.working_days import WorkingDays

Funder = Hashable
"""How the caller names a funder: a code, a number; never None, which stands for the common date."""
Place = tuple[str, Funder | None]
"""A date of the calendar: its milestone, and its funder where the milestone has a date per funder."""
Kind = Literal["window", "gap", "fixed", "closure"]
Bound = Literal["earliest", "latest", "min_gap", "max_gap"]


@dataclass(frozen=True, slots=True)
class Milestone:
    """A step. Each of its dates comes `min_gap` to `max_gap` working days after each date of `after`.

    Without `min_gap` it may fall on the same day, never before; gaps without `after` bind nothing.
    """

    id: str
    label: str = ""
    after: str | None = None
    min_gap: int | None = None
    max_gap: int | None = None
    per_funder: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """What a funder accepts for a milestone: for its own date where it has one, else for the common date."""

    funder: Funder
    milestone: str
    earliest: date
    latest: date
    preferred: date | None = None


@dataclass(frozen=True, slots=True)
class Fixed:
    """A date that is set already. Without funder: each date of the milestone."""

    milestone: str
    day: date
    funder: Funder | None = None


@dataclass(frozen=True, slots=True)
class Closure:
    """Days, from `first` to `last`, that nobody works; with a funder, days that its own dates avoid, though worked."""

    first: date
    last: date
    funder: Funder | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that may be given up: a bound of a window, a gap, a fixed date or a closure.

    `source` is the row of the problem that states it, `row` its place among its like. The lower bound of a gap holds
    the plain order of the two milestones too.
    """

    kind: Kind
    row: int
    source: Window | Milestone | Fixed | Closure
    bound: Bound | None = None

    @property
    def milestone(self) -> str | None:
        """The milestone that it binds; a closure names none."""
        if isinstance(self.source, Milestone):
            return self.source.id
        return None if isinstance(self.source, Closure) else self.source.milestone

    @property
    def funder(self) -> Funder | None:
        """The funder whose constraint it is, None where it is everybody's."""
        return None if isinstance(self.source, Milestone) else self.source.funder

    @property
    def earliest(self) -> date | None:
        """The first day that it allows, where it says one."""
        if isinstance(self.source, Window):
            return self.source.earliest if self.bound == "earliest" else None
        return self.source.day if isinstance(self.source, Fixed) else None

    @property
    def latest(self) -> date | None:
        """The last day that it allows, where it says one."""
        if isinstance(self.source, Window):
            return self.source.latest if self.bound == "latest" else None
        return self.source.day if isinstance(self.source, Fixed) else None


@dataclass(frozen=True, slots=True)
class Problem:
    """A calendar to harmonise. `first` and `last` bound every date; rows count in the order given.

    A milestone that is `per_funder` has a date for each funder that has a window, and for each of `funders`.
    Raises ValueError where a row names a milestone that is not there, an id stands twice, or no day is worked at all.
    """

    first: date
    last: date
    milestones: tuple[Milestone, ...]
    windows: tuple[Window, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    closures: tuple[Closure, ...] = ()
    funders: tuple[Funder, ...] = ()
    alsace_moselle: bool = False

    def __post_init__(self) -> None:
        known = {milestone.id for milestone in self.milestones}
        named = {window.milestone for window in self.windows} | {fixed.milestone for fixed in self.fixed}
        named |= {milestone.after for milestone in self.milestones if milestone.after is not None}
        if len(known) < len(self.milestones) or not known.issuperset(named):
            raise ValueError("a milestone is missing or stands twice")
        if self.last < WorkingDays(alsace_moselle=self.alsace_moselle).following(self.first):
            raise ValueError("no working day between the first and the last day")

    @property
    def dated_funders(self) -> tuple[Funder, ...]:
        """The funders that have dates of their own, in the order in which they first appear."""
        return tuple(dict.fromkeys((*self.funders, *(window.funder for window in self.windows))))

    @property
    def places(self) -> Iterator[Place]:
        """Every date to find, in the order in which the earliest is wanted."""
        funders = self.dated_funders
        for milestone in self.milestones:
            yield from ((milestone.id, funder) for funder in (funders if milestone.per_funder else (None,)))

    @property
    def constraints(self) -> Iterator[Constraint]:
        """Everything that could be given up; the campaign's bounds and the preferences are no such thing."""
        for row, window in enumerate(self.windows):
            yield Constraint("window", row, window, "earliest")
            yield Constraint("window", row, window, "latest")
        for row, milestone in enumerate(self.milestones):
            if milestone.after is not None:
                yield Constraint("gap", row, milestone, "min_gap")
                if milestone.max_gap is not None:
                    yield Constraint("gap", row, milestone, "max_gap")
        yield from (Constraint("fixed", row, fixed) for row, fixed in enumerate(self.fixed))
        yield from (Constraint("closure", row, closure) for row, closure in enumerate(self.closures))


@dataclass(frozen=True, slots=True)
class Solution:
    """The harmonised calendar: a working day for each place, and how many working days preferences are missed by."""

    days: Mapping[Place, date]
    cost: int


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The least move of one bound of a window that makes the whole calendar possible; None where no move does."""

    constraint: Constraint
    to: date | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why there is no calendar: constraints that cannot hold together, though any one given up lets the rest hold.

    They stand in the order of the reasoning, from what pushes a date back to what stops it; `missing` is by how many
    working days it fails.
    """

    constraints: tuple[Constraint, ...]
    missing: int
    relaxations: tuple[Relaxation, ...]


def without(constraints: Iterable[Constraint], dropped: Constraint) -> list[Constraint]:
    """The constraints but one."""
    return [constraint for constraint in constraints if constraint != dropped]
