"""What a control found, as both controllers stand by it. Pure."""

import hashlib
from collections.abc import Iterable
from typing import Any


def mark(mission: Any, answers: Iterable[tuple[Any, ...]], lines: Iterable[tuple[Any, ...]]) -> str:
    """A mark of findings as they were shown, with the carrier's reply: it changes with any of them.

    An answer is its item's id and its parts, a line of the ledger its id and version.
    """
    words = mission.realisation, mission.spending, mission.refused_cents, mission.reply
    return hashlib.sha256(repr((words, sorted(answers), sorted(lines))).encode()).hexdigest()[:16]
