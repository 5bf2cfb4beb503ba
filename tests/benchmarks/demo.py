"""How fast `binome demo` plays its campaign, each act through the use cases."""

from collections.abc import Callable, Iterator
from datetime import date
from time import perf_counter

from tests.benchmarks.measure import Result
from tests.benchmarks.places import KINDS, Places
from workflow.demo import play

DOSSIERS = 120
SEED = 2027
UNTIL = date(2027, 3, 1)


def measure(places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """A line for each kind of database."""
    for kind in KINDS:
        say(f"the demo on {kind}")
        with places.fresh(kind) as database:
            started = perf_counter()
            played = play(database, dossiers=DOSSIERS, seed=SEED, until=UNTIL)
            seconds = perf_counter() - started
        yield Result(
            "demo",
            f"a demo of {DOSSIERS} dossiers",
            kind,
            {
                "dossiers per second": f"{DOSSIERS / seconds:.1f}",
                "acts per second": f"{played.acts / seconds:.0f}",
                "whole": f"{seconds:.1f} s",
            },
        )
