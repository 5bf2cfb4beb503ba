"""What pages and transitions ask of the database is counted: as much for sixty rows as for three."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from states.dossier import STATES
from tests import factories
from tests.benchmarks import seed
from tests.web.browser import Browser
from tests.web.reading import counted
from workflow.acts import Case
from workflow.db import Database
from workflow.models import Person

FEW, MANY = 3, 60
"""Dossiers in each state."""

Crowds = tuple[tuple[Path, seed.Seeded], tuple[Path, seed.Seeded]]


@pytest.fixture(scope="module")
def crowds(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Crowds:
    """A database with few dossiers and one with many, all of one instance and one carrier."""
    folder = tmp_path_factory.mktemp("crowds")

    def made(number: int) -> tuple[Path, seed.Seeded]:
        file = copyfile(migrated_sqlite_file, folder / f"{number}.sqlite3")
        database = Database(f"sqlite:///{file}")
        dossiers = number * len(STATES)
        seeded = seed.fill(database, dossiers, share=1, per_carrier=dossiers + 1)
        database.dispose()
        return file, seeded

    return made(FEW), made(MANY)


PAGES: Mapping[str, tuple[str, int]] = {
    # address: who reads it, how many statements at most
    "/": ("animator", 10),
    "/instance": ("animator", 8),
    "/instance/dossiers": ("animator", 8),
    "/instance/seances": ("animator", 8),
    "/instance/membres": ("animator", 8),
    "/instance/binomes": ("animator", 12),
    "/instance/depots-tardifs": ("animator", 8),
    "/experts": ("animator", 8),
    "/comite-transversal": ("transversal", 8),
    "/recherche?q=action": ("transversal", 8),
    "/mes-dossiers": ("busy carrier", 8),
    "/instruction": ("busy member", 8),
    "/enveloppes": ("funder CAF", 8),
    "/enveloppes/suivi": ("funder CAF", 8),
    "/evaluations": ("evaluator", 8),
    "/controles": ("controller", 8),
    "/controles/plans/taille": ("controller", 8),
    "/administration": ("administrator", 8),
    "/administration/journal": ("administrator", 8),
    "/administration/messages": ("administrator", 8),
    "/dossiers/{opinion}": ("animator", 12),
    "/dossiers/{follow_up}": ("busy carrier", 12),
    "/dossiers/{closed}": ("transversal", 12),
}


@pytest.mark.parametrize("address", PAGES)
def test_a_page_costs_the_same_at_three_rows_and_at_sixty(
    crowds: Crowds, make_app: Callable[..., Flask], at: Callable[[Any], None], address: str
) -> None:
    at(seed.NOW)
    who, most = PAGES[address]
    costs = []
    for file, seeded in crowds:
        app = make_app(f"sqlite:///{file}")
        database: Database = app.extensions["binome"].database
        with database.read() as session:
            browser = Browser(app).sign_in(session.get_one(Person, seeded.world.people[who]))
        first = {state: numbers[0] for state, numbers in seeded.led.items()}
        with counted(database) as statements:
            browser.page(address.format(**first))
        costs.append(len(statements))
    assert costs[0] == costs[1] <= most, costs


# --- transitions -----------------------------------------------------------------------------------------------------


@contextmanager
def written(database: Database) -> Iterator[list[str]]:
    """The statements of the units of work in a block, the beginnings of their transactions aside."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(database.writer, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.writer, "before_cursor_execute", note)


class Counted(factories.Walk):
    """A walk that counts what each act costs, the loading of its actor included."""

    def __init__(self, database: Database, world: factories.World) -> None:
        super().__init__(database, world)
        self.costs: dict[str, int] = {}

    def act(self, who: str, name: str, subject_id: int | None = None, **raw: Any) -> Case:
        """Perform one act and note its cost; of two of a kind, the last one's."""
        with written(self.database) as statements:
            case = super().act(who, name, subject_id, **raw)
        self.costs[name] = len(statements)
        return case


MOST: Mapping[str, int] = {
    "edit_draft": 15,
    "submit": 25,
    "assign": 15,
    "seal_opinion": 16,
    "issue_opinion": 24,
    "table": 11,
    "decide_request": 20,
    "submit_final_report": 11,
    "evaluate": 11,
    "declare_inadmissible": 7,
}
"""Of a dossier that asks two funders. The last one, with the loading of who acts: read and lock the dossier, update it,
find whom to tell, tell them, read the journal's end, write the entry. A deposit adds up what is asked, to estimate its
effort; an assignment locks both memberships, whose effort points it spends."""


def test_a_transition_costs_the_same_among_few_dossiers_and_among_many(crowds: Crowds, tmp_path: Path) -> None:
    found = []
    for file, seeded in crowds:
        database = Database(f"sqlite:///{copyfile(file, tmp_path / file.name)}")
        walk = Counted(database, seeded.world)
        walk.evaluated()
        walk.submitted().act("animator", "declare_inadmissible", reason="Hors objectifs")
        found.append(walk.costs)
        database.dispose()
    assert found[0] == found[1]
    assert {name: cost for name, cost in found[0].items() if cost > MOST[name]} == {}
