"""The stage: plays many lives together, in the order of time, each act in a unit of work of its own."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from workflow.access import Actor
from workflow.acts import Case
from workflow.calendars.working_days import add_working_days
from workflow.clock import PARIS, local_day
from workflow.db import Database
from workflow.use_cases import perform

Life = Iterator[datetime]
"""Something that happens over time: it acts, then yields the instant at which it goes on."""

_OPENS, _CLOSES = 8 * 60 + 30, 18 * 60
_PAUSE = timedelta(minutes=7)


def load(name: str) -> Mapping[str, Any]:
    """One of the data files of the demonstration."""
    with (Path(__file__).parent / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


class Stage:
    """Holds the clock, the chance and the database of one demonstration; it begins `begins` working days after
    `until` (before it, when negative), and nothing happens from `until` on.
    """

    def __init__(self, database: Database, seed: int, until: date, begins: int) -> None:
        self.database, self.until = database, until
        self.rng = Random(seed)  # noqa: S311 - a demonstration that can be played again, not a secret
        self.end = datetime.combine(until, time(), PARIS)
        self.now = self.at(begins)
        self.acts = 0
        self.texts: Mapping[str, Sequence[str]] = load("texts")
        self._waiting: list[tuple[datetime, int, Life]] = []
        self._order = count()

    @property
    def soon(self) -> datetime:
        """The next moment at which the same people can act again."""
        return self.now + _PAUSE

    @property
    def today(self) -> date:
        """The day it is on the stage."""
        return local_day(self.now)

    def day(self, offset: int) -> date:
        """The day that lies `offset` working days after the last one (before it, when negative)."""
        return add_working_days(self.until, offset)

    def at(self, offset: int, hour: int = 9) -> datetime:
        """An hour of the day that lies `offset` working days after the last one."""
        return datetime.combine(self.day(offset), time(hour), PARIS)

    def say(self, kind: str) -> str:
        """One of the texts of a kind."""
        return self.rng.choice(self.texts[kind])

    def act(self, actor: Actor, name: str, dossier_id: int, subject_id: int | None = None, **raw: Any) -> Case:
        """Perform one act now. Raises what `perform` raises."""
        self.acts += 1
        with self.database.write() as session:
            return perform(session, actor, name, dossier_id, now=self.now, raw=raw, subject_id=subject_id)

    def instants(self, first: datetime, last: datetime, number: int) -> list[datetime]:
        """So many instants in working hours, spread between two instants with some chance."""
        step = max(last - first, timedelta()) / number
        return sorted(self._office(first + step * (rank + self.rng.uniform(0.15, 0.85))) for rank in range(number))

    def _office(self, at: datetime) -> datetime:
        """Some time in working hours of that day, or of the working day before it."""
        day = add_working_days(local_day(at) + timedelta(days=1), -1)
        minute = self.rng.randrange(_OPENS, _CLOSES)
        return datetime.combine(day, time(minute // 60, minute % 60, self.rng.randrange(60)), PARIS)

    def add(self, life: Life) -> None:
        """Let a life begin, now."""
        self._wait(life)

    def run(self, tick: Callable[[datetime], None]) -> None:
        """Play all lives up to the end; `tick` hears each instant before something happens at it."""
        while self._waiting:
            self.now, _, life = heappop(self._waiting)
            tick(self.now)
            self._wait(life)

    def _wait(self, life: Life) -> None:
        when = next(life, None)
        if when is not None and when < self.end:
            heappush(self._waiting, (max(when, self.now), next(self._order), life))
