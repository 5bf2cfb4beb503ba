"""The animator's board and a dossier's page at a thousand dossiers and at a hundred thousand: time and statements."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from tests.benchmarks import seed
from tests.benchmarks.measure import Result, interleaved, middle, ratio
from tests.benchmarks.places import KINDS, Places
from tests.benchmarks.visitor import Request, application, cookie, environment
from tests.web.reading import counted

FEW, MANY = 1_000, 100_000
ROUNDS, EACH = 25, 4
AIM = 1.3
PAGES = {
    # what: address, most statements
    "the animator's board": ("/instance", 8),
    "a dossier's page": ("/dossiers/{dossier}", 12),
    "the animator's list of 60": ("/instance/dossiers", None),
    "a search by a carrier's name": ("/recherche?q=modele+7", None),
}


def measure(places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """A line for each page on each kind of database."""
    for kind in KINDS:
        yield from _measured(kind, places, say)


def _measured(kind: str, places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    with ExitStack() as stack:
        found = []
        for number in (FEW, MANY):
            say(f"{number} dossiers into {kind}")
            database = stack.enter_context(places.fresh(kind))
            seeded = seed.fill(database, number)
            stack.enter_context(environment(database.url, places.folder))
            found.append((seeded, database, application(database)))
        for what, (address, most) in PAGES.items():
            say(f"{what} on {kind}")
            requests, statements, lengths = [], [], []
            for seeded, database, app in found:
                opinions = seeded.led["opinion"]
                path = address.format(dossier=opinions[len(opinions) // 2])
                request = Request(app, path, cookie(app, seeded.world, "animator"))
                request()
                with counted(database) as run:
                    lengths.append(len(request()))
                statements.append(len(run))
                requests.append(request)
            few, many = interleaved(ROUNDS, *(_several(request) for request in requests))
            value = ratio(many, few)
            yield Result(
                "pages",
                what,
                kind,
                {
                    f"at {FEW:,}": f"{middle(few, EACH) * 1e3:.1f} ms",
                    f"at {MANY:,}": f"{middle(many, EACH) * 1e3:.1f} ms",
                    "statements": f"{statements[0]} and {statements[1]}" + (f" (aim ≤ {most})" if most else ""),
                    "length": f"{lengths[0] / 1000:.0f} and {lengths[1] / 1000:.0f} kB",
                },
                value,
                f"≤ {AIM}",
                value <= AIM and (most is None or max(statements) <= most),
            )


def _several(request: Request) -> Callable[[], None]:
    def work() -> None:
        for _ in range(EACH):
            request()

    return work
