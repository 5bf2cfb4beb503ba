"""The working days of a campaign, numbered from 0. Pure."""

from bisect import bisect_left, bisect_right
from datetime import date

from workflow.calendars.working_days import WorkingDays


class Days:
    """The days from `first` to `last` that are worked, by their number. Days outside have numbers that go on."""

    def __init__(self, first: date, last: date, working: WorkingDays) -> None:
        self.first, self.last, self.working = first, last, working
        self.worked: list[date] = working.within(first, last)

    def __len__(self) -> int:
        return len(self.worked)

    def on_or_after(self, day: date) -> int:
        """The number of `day`, or of the next working day."""
        if day > self.last:
            return len(self) + self.working.between(self.last, day) - self.working.is_worked(day)
        if day < self.first:
            here = self.working.is_worked(day) - self.working.is_worked(self.first)
            return -self.working.between(day, self.first) - here
        return bisect_left(self.worked, day)

    def on_or_before(self, day: date) -> int:
        """The number of `day`, or of the last working day before it."""
        if self.first <= day <= self.last:
            return bisect_right(self.worked, day) - 1
        return self.on_or_after(day) - (not self.working.is_worked(day))
