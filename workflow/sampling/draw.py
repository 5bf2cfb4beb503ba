"""A simple random draw that anyone can replay: each unit's ticket is SHA-256 of seed and identifier.

The smallest tickets are drawn. The result does not depend on the order of the units, and a larger draw with the same
seed keeps the units of the smaller one.
"""

import hashlib
from collections.abc import Iterable
from heapq import nsmallest


def ticket(seed: str, unit: str) -> str:
    """The ticket of `unit`: SHA-256, in hexadecimal, of the UTF-8 text « seed, line feed, unit »."""
    return hashlib.sha256(f"{seed}\n{unit}".encode()).hexdigest()


def tickets(seed: str, units: Iterable[str]) -> list[tuple[str, str]]:
    """All (ticket, unit) pairs, smallest ticket first: the first n are a simple random sample of size n."""
    return sorted((ticket(seed, unit), unit) for unit in units)


def first_tickets(seed: str, units: Iterable[str], n: int) -> list[tuple[str, str]]:
    """The first n of `tickets`, for little more than the hashing: a heap holds the n smallest met so far."""
    return nsmallest(n, ((ticket(seed, unit), unit) for unit in units))


def population_hash(units: Iterable[str]) -> str:
    """SHA-256, in hexadecimal, of the sorted identifiers joined by line feeds: freezes what was drawn from."""
    return hashlib.sha256("\n".join(sorted(units)).encode()).hexdigest()
