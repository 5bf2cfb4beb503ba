"""A simple random draw that anyone can replay: each unit's ticket is SHA-256 of seed and identifier.

The smallest tickets are drawn. The result does not depend on the order of the units, and a larger draw with the same
seed keeps the units of the smaller one.
"""

import hashlib
from collections.abc import Iterable
from heapq import nsmallest
from itertools import islice

_CHUNK = 10_000


def ticket(seed: str, unit: str) -> str:
    """The ticket of `unit`: SHA-256, in hexadecimal, of the UTF-8 text « seed, line feed, unit »."""
    return hashlib.sha256(f"{seed}\n{unit}".encode()).hexdigest()


def tickets(seed: str, units: Iterable[str]) -> list[tuple[str, str]]:
    """All (ticket, unit) pairs, smallest ticket first: the first n are a simple random sample of size n."""
    return sorted((ticket(seed, unit), unit) for unit in units)


def first_tickets(seed: str, units: Iterable[str], n: int) -> list[tuple[str, str]]:
    """The first n of `tickets`, for little more than the hashing: most units are above the n smallest met so far."""
    prefix, sha256, highest = f"{seed}\n".encode(), hashlib.sha256, b"\xff" * 33
    left = iter(units)
    best: list[tuple[bytes, str]] = []
    while chunk := list(islice(left, _CHUNK)):
        near = [(digest, unit) for unit in chunk if (digest := sha256(prefix + unit.encode()).digest()) < highest]
        best = nsmallest(n, best + near)
        if best and len(best) == n:
            highest = best[-1][0]
    return [(digest.hex(), unit) for digest, unit in best]


def population_hash(units: Iterable[str]) -> str:
    """SHA-256, in hexadecimal, of the sorted identifiers joined by line feeds: freezes what was drawn from."""
    return hashlib.sha256("\n".join(sorted(units)).encode()).hexdigest()
