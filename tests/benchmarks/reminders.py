"""A tick with 1,000 rungs due, among a million that are planned against among ten thousand."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from itertools import count
from threading import Event

from sqlalchemy import func, insert, literal, select, update

from notifications.scheduler import WRITING, take
from tests.benchmarks import seed
from tests.benchmarks.measure import Result, interleaved, middle, ratio
from tests.benchmarks.places import KINDS, Places
from tests.notifications.ticking import morning
from workflow.calendars.working_days import add_working_days
from workflow.db import Database
from workflow.models import Dossier, PlannedReminder, ReminderRule
from workflow.settings import settings

AIM = 1.3
DUE = 1_000
FEW, MANY = (10_000, 1), (125_000, 8)
"""Dossiers, and planned rungs of each."""
ROUNDS = 5
FIRST = date(2027, 1, 4)
FAR = date(2029, 1, 8)


def measure(places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """One line for each kind of database."""
    for kind in KINDS:
        with ExitStack() as stack:
            turns = []
            for dossiers, each in (FEW, MANY):
                say(f"{dossiers * each:,} planned reminders on {kind}")
                database = stack.enter_context(places.fresh(kind))
                seed.fill(database, dossiers, states=("assigned",))
                plan(database, each)
                turns.append(Turns(database))
                turns[-1].take()  # warms up
            say(f"ticks on {kind}")
            few, many = interleaved(ROUNDS, *(turn.take for turn in turns))
            assert [turn.reminded for turn in turns] == [2 * DUE * (ROUNDS + 1)] * 2, "both members of each binôme"
        value = ratio(many, few)
        figures = {
            f"{dossiers * each:,} planned": f"{middle(seconds) * 1000:.0f} ms"
            for (dossiers, each), seconds in ((FEW, few), (MANY, many))
        }
        yield Result("reminders", f"a tick with {DUE:,} due", kind, figures, value, f"≤ {AIM}", value <= AIM)


def plan(database: Database, each: int) -> None:
    """For each dossier so many rungs far ahead; and for each tick that comes as many dossiers with one that is due."""
    with database.write() as session:
        session.execute(update(Dossier).values(due_on=FAR, reminders_planned=True))
        rule = select(ReminderRule.id).where(ReminderRule.code == "opinion").scalar_subquery()
        columns = ["rule_id", "dossier_id", "rung", "due_on", "due_version", "on_day"]
        for rung in range(each):
            rows = select(rule, Dossier.id, literal(rung), literal(FAR), Dossier.due_version, literal(FAR))
            session.execute(insert(PlannedReminder).from_select(columns, rows))
        first = session.scalars(select(func.min(Dossier.id))).one()
        for turn in range(ROUNDS + 1):
            rows = select(rule, Dossier.id, literal(-7), literal(FAR), Dossier.due_version, literal(day(turn)))
            start = first + turn * DUE
            rows = rows.where(Dossier.id >= start, Dossier.id < start + DUE)
            session.execute(insert(PlannedReminder).from_select(columns, rows))
    with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def day(turn: int) -> date:
    """The day of a tick."""
    return add_working_days(FIRST, turn)


class Turns:
    """Ticks on a database, a day after the other: all but the delivery, which is measured elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database, self._turns, self.reminded = database, count(), 0

    def take(self) -> None:
        """The next tick. Raises what a step raised."""
        at = morning(day(next(self._turns)))
        done, failure = take(WRITING, self._database, settings(), lambda: at, Event())
        if failure:
            raise failure
        self.reminded += done["reminded"]
