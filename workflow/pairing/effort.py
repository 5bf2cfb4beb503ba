"""What a dossier costs to instruct, and how well somebody knows what it is about: in points, agreed here. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

AMOUNTS = (5_000_00, 20_000_00, 50_000_00)
"""Sums asked, in cents: each that is reached costs one point more."""
FUNDERS = 3
"""So many funders or more cost one point more: each has its own expectations."""


def estimate(asked_cents: int, funders: int, first: bool) -> int:
    """Effort points of a dossier: 1, and one more for each amount reached, for many funders, for a first request."""
    return 1 + sum(asked_cents >= amount for amount in AMOUNTS) + (funders >= FUNDERS) + first


NEARNESS = {"operational": 3, "strategic": 2, "orientation": 1, "theme": 1}
"""What a level of competence counts for: most where it is about the dossier's own objective."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A competence: an objective or a theme, by any name, at a level from 1 to 3."""

    subject: str
    level: int


def affinity(known: Iterable[Knowledge], about: Mapping[str, int]) -> tuple[int, Knowledge | None]:
    """Points from 0 to 9 for somebody who knows `known`, and the competence they come from.

    `about` are the subjects of a dossier, each with its nearness: its objective, those above it, themes.
    """
    best = max(known, key=lambda one: one.level * about.get(one.subject, 0), default=None)
    points = best.level * about.get(best.subject, 0) if best else 0
    return points, best if points else None
