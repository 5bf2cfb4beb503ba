"""Places the milestones of a campaign, each as early as its gaps and its earliest day allow. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from workflow.calendars.working_days import add_working_days, next_working_day


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone to place; gaps are working days after each milestone coded `after` (of the same funder, if any)."""

    code: str
    funder: int | None = None
    after: str | None = None
    min_gap: int | None = None
    max_gap: int | None = None
    earliest: date | None = None

    def follows(self, other: "Step") -> bool:
        """Whether `other` is one of the milestones that this one comes after."""
        return other.code == self.after and (None in (self.funder, other.funder) or self.funder == other.funder)


def place(steps: Sequence[Step], first: date) -> Mapping[Step, date]:
    """The earliest working day of each step from `first` that respects every gap; latest days are not looked at.

    Raises ValueError where gaps contradict each other.
    """
    days = {step: next_working_day(max(first, step.earliest or first)) for step in steps}
    pairs = [(before, step) for step in steps for before in steps if step.follows(before)]
    for _ in range(len(steps) + 1):
        known = dict(days)
        for before, step in pairs:
            days[step] = max(days[step], add_working_days(days[before], step.min_gap or 0))
        for before, step in pairs:
            if step.max_gap is not None:
                days[before] = max(days[before], add_working_days(days[step], -step.max_gap))
        if days == known:
            return days
    raise ValueError("the gaps between milestones contradict each other")
