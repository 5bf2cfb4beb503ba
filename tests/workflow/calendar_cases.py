"""Small random calendars, and what they ask, worked out from the plain words of the rules by trying every day."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from itertools import combinations
from random import Random

from workflow.calendars.problem import Closure, Constraint, Fixed, Milestone, Place, Problem, Window
from workflow.calendars.working_days import is_working_day

FUNDERS = ("CAF", "État", "Région")


def random_problem(random: Random, span: int = 11, milestones: int = 4, windows: int = 5) -> Problem:
    """A calendar of `span` days, often without solution: common and own dates, gaps of both kinds, closures."""
    first = date(2012, 4, 2) + timedelta(days=random.randrange(700))  # Easter and May: many public holidays
    while not any(is_working_day(first + timedelta(days=n)) for n in range(span)):
        first += timedelta(days=1)

    def day(low: int = 0, high: int = span - 1) -> date:
        return first + timedelta(days=random.randint(low, high))

    def spell(longest: int) -> tuple[date, date]:
        start = random.randint(-2, span)
        return first + timedelta(days=start), first + timedelta(days=start + random.randint(0, longest))

    names = [f"m{number}" for number in range(random.randint(1, milestones))]
    steps = []
    for number, name in enumerate(names):
        chained = random.random() < 0.85
        before = random.choice(names) if random.random() < 0.08 else names[max(number - random.choice((1, 1, 2)), 0)]
        after = before if chained and (number or before != name or random.random() < 0.1) else None
        least = random.choice((None, 0, 0, 1, 1, 2, 3)) if after else None
        most = (least or 0) + random.randint(-1, 3) if after and random.random() < 0.4 else None
        steps.append(Milestone(name, "", after, least, None if most is None else max(most, 0), random.random() < 0.5))
    funders = FUNDERS[: random.choice((1, 2, 2, 3))]
    accepted = []
    for _ in range(random.randint(0, windows)):
        earliest, latest = spell(span) if random.random() < 0.8 else (day(-3, span + 2),) * 2
        preferred = day(-4, span + 3) if random.random() < 0.6 else None
        accepted.append(Window(random.choice(funders), random.choice(names), earliest, latest, preferred))
    fixed = [
        Fixed(random.choice(names), day(-1, span) if random.random() < 0.2 else day(), random.choice((None, *funders)))
        for _ in range(random.choice((0, 0, 0, 1, 1, 2)))
    ]
    closures = [
        Closure(*spell(random.choice((0, 1, 4))), random.choice((None, *funders)))
        for _ in range(random.choice((0, 0, 1, 2, 3)))
    ]
    last = first + timedelta(days=span - 1)
    return Problem(first, last, tuple(steps), tuple(accepted), tuple(fixed), tuple(closures))


class Trial:
    """A problem under some of its constraints, solved by trying every working day for every date."""

    def __init__(self, problem: Problem, constraints: Collection[Constraint] | None = None) -> None:
        self.problem = problem
        self.kept = list(problem.constraints) if constraints is None else list(constraints)
        span = (problem.last - problem.first).days
        days = (problem.first + timedelta(days=number) for number in range(span + 1))
        self.days = [day for day in days if self.is_worked(day)]
        funders = list(dict.fromkeys(window.funder for window in problem.windows))
        self.places: list[Place] = [
            (milestone.id, funder)
            for milestone in problem.milestones
            for funder in (funders if milestone.per_funder else [None])
        ]

    def is_worked(self, day: date) -> bool:
        """Whether the calendar counts `day`."""
        return is_working_day(day) and not any(
            isinstance(row.source, Closure) and row.funder is None and row.source.first <= day <= row.source.last
            for row in self.kept
        )

    def names(self, row: Constraint | Window, place: Place) -> bool:
        """Whether a window or a fixed date names this date."""
        return row.milestone == place[0] and (place[1] is None or row.funder in (None, place[1]))

    def forbids(self, row: Constraint, place: Place, day: date) -> bool:
        """Whether a bound, a fixed date or a funder's closure keeps a date from falling on `day`."""
        match row.source:
            case Window() as window if self.names(row, place):
                return day < window.earliest if row.bound == "earliest" else day > window.latest
            case Fixed() as fixed if self.names(row, place):
                return day != fixed.day
            case Closure() as closure if closure.funder is not None and closure.funder == place[1]:
                return closure.first <= day <= closure.last
        return False

    @cached_property
    def choices(self) -> list[list[int]]:
        """For each date the numbers of the days that it may have, gaps left aside."""
        return [
            [n for n, day in enumerate(self.days) if not any(self.forbids(row, place, day) for row in self.kept)]
            for place in self.places
        ]

    @cached_property
    def rules(self) -> list[list[tuple[int, int, int]]]:
        """For each date what ties it to those up to it: a date, and the least and greatest number of days after it."""
        rules: list[list[tuple[int, int, int]]] = [[] for _ in self.places]
        for row in self.kept:
            if not isinstance(step := row.source, Milestone):
                continue
            least, most = (step.min_gap or 0, 999) if row.bound == "min_gap" else (-999, step.max_gap or 0)
            for before, (milestone, _) in enumerate(self.places):
                for after, (other, _) in enumerate(self.places):
                    if (milestone, other) == (step.after, step.id):
                        rules[max(before, after)].append(
                            (before, least, most) if before <= after else (after, -most, -least)
                        )
        return rules

    def calendars(self) -> Iterator[tuple[date, ...]]:
        """Every calendar that respects the constraints, the earliest in the file's order first."""
        return (tuple(self.days[number] for number in numbers) for numbers in self._extended([]))

    def _extended(self, begun: list[int]) -> Iterator[list[int]]:
        if len(begun) == len(self.places):
            yield begun
            return
        for number in self.choices[len(begun)]:
            numbers = [*begun, number]
            if all(least <= number - numbers[other] <= most for other, least, most in self.rules[len(begun)]):
                yield from self._extended(numbers)

    @property
    def feasible(self) -> bool:
        """Whether there is a calendar."""
        return all(self.choices) and next(self.calendars(), None) is not None

    def cost(self, calendar: Sequence[date]) -> int:
        """How many working days the dates lie from the preferences."""
        return sum(
            self.distance(day, window.preferred)
            for place, day in zip(self.places, calendar, strict=True)
            for window in self.problem.windows
            if window.preferred is not None and self.names(window, place)
        )

    def distance(self, day: date, preferred: date) -> int:
        """Working days between a date and a preference; one that is not worked stands for the next day that is."""
        while not self.is_worked(preferred):
            preferred += timedelta(days=1)
        start, end = sorted((day, preferred))
        return sum(self.is_worked(start + timedelta(days=number)) for number in range((end - start).days))

    def best(self) -> tuple[int, tuple[date, ...]] | None:
        """The least cost and the earliest calendar at that cost; None where there is no calendar."""
        return min(((self.cost(calendar), calendar) for calendar in self.calendars()), default=None)


def smallest_conflict(problem: Problem, below: int) -> int:
    """The size of a smallest set of constraints that cannot hold together, also with all closures; at most `below`."""
    constraints = list(problem.constraints)
    closures = [row for row in constraints if row.kind == "closure"]
    for size in range(1, below):
        for rows in combinations(constraints, size):
            if not Trial(problem, rows).feasible and not Trial(problem, dict.fromkeys([*rows, *closures])).feasible:
                return size
    return below
