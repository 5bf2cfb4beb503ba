"""Transitions per second through the one door, against the bare transaction of the statements that write them.

The act is declare_inadmissible, which updates one dossier, notes one journal entry and tells one person. The bare
transaction runs the same UPDATE and the two same INSERTs, with values made beforehand, through the driver alone on the
same database. A second one also runs the reads of the act: what any program must ask that checks before it writes.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Connection, event

from tests.benchmarks import seed
from tests.benchmarks.measure import Result, interleaved, middle, ratio
from tests.benchmarks.places import KINDS, Places
from workflow import journal
from workflow.access import Actor
from workflow.db import Database
from workflow.use_cases import perform

EVENT = "declare_inadmissible"
RAW = {"reason": "L'action ne relève d'aucun objectif du programme."}
EACH = 50
ROUNDS = 15
AIM = 0.5
WRITES = ("UPDATE", "INSERT")

Statement = tuple[str, Any]


def measure(places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """Two lines for each kind of database."""
    for kind in KINDS:
        say(f"transitions on {kind}")
        with places.fresh(kind) as database:
            # A round does an act and two bare transactions, each on dossiers of its own; the first warms up.
            number = 3 * EACH * (ROUNDS + 1)
            yield from _measured(kind, database, seed.fill(database, number, states=("submitted",), share=1))


def _measured(kind: str, database: Database, seeded: seed.Seeded) -> Iterator[Result]:
    waiting = iter(seeded.led["submitted"])
    with database.read() as session:
        actor = seeded.world.actor(session, "animator")

    def acts() -> None:
        for dossier_id in islice(waiting, EACH):
            act(database, actor, dossier_id)

    acts()
    recorded = [record(database, actor, dossier_id) for dossier_id in islice(waiting, 2 * EACH * (ROUNDS + 1))]
    with database.writer.connect() as connection:
        connection.rollback()  # the driver's connection is all that is wanted
        half = len(recorded) // 2
        bare, whole = Bare(connection, recorded[:half], reads=False), Bare(connection, recorded[half:], reads=True)
        bare.repeat()
        whole.repeat()
        ours, writes, everything = interleaved(ROUNDS, acts, bare.repeat, whole.repeat)
    value = ratio(writes, ours)
    yield Result(
        "transitions",
        "an act against its bare writes",
        kind,
        {
            "acts per second": f"{1 / middle(ours, EACH):.0f}",
            "act": f"{middle(ours, EACH) * 1e6:.0f} µs",
            "bare writes": f"{middle(writes, EACH) * 1e6:.0f} µs",
            "statements": str(len(recorded[0])),
        },
        value,
        f"≥ {AIM}",
        value >= AIM,
    )
    yield Result(
        "transitions",
        "an act against its bare writes and reads",
        kind,
        {"bare writes and reads": f"{middle(everything, EACH) * 1e6:.0f} µs"},
        ratio(everything, ours),
    )


def act(database: Database, actor: Actor, dossier_id: int) -> None:
    """The act, in a unit of work of its own."""
    with database.write() as session:
        perform(session, actor, EVENT, dossier_id, now=seed.NOW, raw=RAW, version=seed.ENTRIES)


def record(database: Database, actor: Actor, dossier_id: int) -> list[Statement]:
    """The statements of the act with the values that the driver is given; the act itself is undone."""
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append((statement, values[0] if isinstance(values, list) else values))

    event.listen(database.writer, "before_cursor_execute", note)
    try:
        with database.write() as session:
            perform(session, actor, EVENT, dossier_id, now=seed.NOW, raw=RAW, version=seed.ENTRIES)
            session.flush()
            journal.seal(session)
            session.rollback()
    finally:
        event.remove(database.writer, "before_cursor_execute", note)
    return seen


class Bare:
    """Runs recorded transactions through the driver, `EACH` at a time."""

    def __init__(self, connection: Connection, recorded: list[list[Statement]], *, reads: bool) -> None:
        self._driver: Any = connection.connection.driver_connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._left = [[one for one in whole if reads or one[0].startswith(WRITES)] for whole in recorded]

    def repeat(self) -> None:
        """Run the next transactions, behind the journal's end as it is now."""
        cursor = self._driver.cursor()
        seq = cursor.execute("SELECT max(seq) FROM journal").fetchone()[0]
        self._driver.commit()
        for _ in range(EACH):
            seq += 1
            statements = [(text, _chained(text, values, seq)) for text, values in self._left.pop()]
            cursor = self._driver.cursor()
            if self._sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            for text, values in statements:
                cursor.execute(text, values)
                if cursor.description:
                    cursor.fetchall()
            if self._sqlite:
                cursor.execute("COMMIT")
            else:
                self._driver.commit()
            cursor.close()


def _chained(statement: str, values: Any, seq: int) -> Any:
    """The values of a journal entry at another place of the chain; others as they are."""
    if not statement.startswith("INSERT INTO journal"):
        return values
    before, after = f"{seq - 1:064x}", f"{seq:064x}"
    if isinstance(values, Mapping):
        return {**values, "seq": seq, "previous_hash": before, "hash": after}
    return (seq, *values[1:-2], before, after)
