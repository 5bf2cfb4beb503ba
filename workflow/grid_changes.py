"""What a version of a grid says otherwise than the one before it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Protocol


class Item(Protocol):
    """What is asked (its label) and what says how to answer (its help)."""

    @property
    def label(self) -> str:
        """A few words."""

    @property
    def help(self) -> str:
        """A sentence."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an item: added, removed, renamed, reworded (its help) or moved; `before` and `after` say it."""

    kind: str
    label: str
    before: str = ""
    after: str = ""


def changes(old: Sequence[Item], new: Sequence[Item]) -> list[Change]:
    """What `new` changes of `old`, in the order of `new`. An item is the same where its label or else its help is."""
    was = {item.label: place for place, item in enumerate(old)}
    same = {place: was[item.label] for place, item in enumerate(new) if item.label in was}
    by_help = {item.help: place for place, item in enumerate(old) if place not in same.values()}
    for place, item in enumerate(new):
        if place not in same and item.help in by_help:
            same[place] = by_help.pop(item.help)
    found = [Change("removed", item.label) for place, item in enumerate(old) if place not in same.values()]
    kept = [same[place] for place in sorted(same)]
    stayed = {
        kept[block.b + n]
        for block in SequenceMatcher(None, sorted(kept), kept, autojunk=False).get_matching_blocks()
        for n in range(block.size)
    }
    for place, item in enumerate(new):
        if place not in same:
            found.append(Change("added", item.label))
            continue
        before = old[same[place]]
        if before.label != item.label:
            found.append(Change("renamed", item.label, before.label, item.label))
        if before.help != item.help:
            found.append(Change("reworded", item.label, before.help, item.help))
        if same[place] not in stayed:
            found.append(Change("moved", item.label, str(same[place] + 1), str(place + 1)))
    return found
