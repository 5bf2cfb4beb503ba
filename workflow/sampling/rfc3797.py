"""RFC 3797, Publicly Verifiable Nominations Committee Random Selection: the published standard for a public draw.

MD5, as the RFC says: nothing secret depends on it, only that nobody can choose the sources of the key.
"""

from collections.abc import Iterable, Sequence
from hashlib import md5

from workflow.sampling.errors import BadSampling

LARGEST_POOL = 65_535


def key(sources: Iterable[Iterable[int]]) -> str:
    """The key (RFC 3797, 4): each source's numbers in ascending order, each followed by a point, and a slash."""
    return "".join("".join(f"{number}." for number in sorted(source)) + "/" for source in sources)


def select(key: str, pool: Sequence[str], n: int) -> list[tuple[str, str]]:
    """The first n of `pool` (at most 65 535, in its published order), each with its MD5: RFC 3797, section 4.

    The i-th (from 0) is the one at place MD5(i ‖ key ‖ i) modulo what is left, i being written on two bytes, big end
    first. Raises BadSampling.
    """
    if len(pool) > LARGEST_POOL:
        raise BadSampling("too_large")
    left = list(pool)
    chosen = []
    for index in range(n):
        edge = index.to_bytes(2, "big")
        digest = md5(edge + key.encode() + edge, usedforsecurity=False).hexdigest()
        chosen.append((digest, left.pop(int(digest, 16) % len(left))))
    return chosen
