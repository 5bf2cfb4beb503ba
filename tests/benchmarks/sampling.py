"""A draw among a million units, against only hashing their identifiers."""

import hashlib
from collections.abc import Callable, Iterator

from tests.benchmarks.measure import Result, interleaved, middle, ratio
from tests.benchmarks.places import Places
from workflow.sampling.draw import first_tickets
from workflow.sampling.select import Request, Unit, draw

UNITS, DRAWN, ROUNDS = 1_000_000, 300, 5
AIM = 1.5


def measure(_places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """The identifiers alone, as a list of texts; then the whole draw of units, sorted into its record's order."""
    names = [f"2027-{number:07}" for number in range(UNITS)]
    units = [Unit(name) for name in names]

    def hashing() -> None:
        for name in names:
            hashlib.sha256(f"graine\n{name}".encode()).hexdigest()

    say(f"a draw of {DRAWN} among {UNITS}")
    works = {
        "draw of identifiers": lambda: first_tickets("graine", names, DRAWN),
        "draw of units": lambda: draw(units, Request("srs", DRAWN, "graine")),
    }
    bare, *taken = interleaved(ROUNDS, hashing, *works.values())
    for what, seconds in zip(works, taken, strict=True):
        value = ratio(seconds, bare)
        figures = {"took": f"{middle(seconds):.2f} s", "hashing": f"{middle(bare):.2f} s"}
        yield Result("sampling", f"{what}, {DRAWN} of {UNITS}", "-", figures, value, f"<= {AIM}", value <= AIM)
