"""A table that contradicts itself is refused when it is made."""

from typing import Any

import pytest

from states.guards import GUARDS
from states.table import SAME, Row, Table, TableError

GO, BACK, END = (
    Row("go", ("a",), "b", ("x",)),
    Row("back", ("b",), "a", ("x",), ("attested",)),
    Row("end", ("b",), "c", ("x", "y")),
)
SOUND: dict[str, Any] = {
    "name": "sound",
    "states": ("a", "b", "c"),
    "terminal": frozenset({"c"}),
    "roles": ("x", "y"),
    "rows": (GO, BACK, END),
    "guards": GUARDS,
    "acts": (Row("note", ("a", "b"), SAME, ("y",)),),
}


def test_a_sound_table_is_taken() -> None:
    table = Table(**SOUND)
    assert table.initial == "a"
    assert table.events == ("go", "back", "end")
    assert list(table.by_event) == ["go", "back", "end", "note"]
    assert table.candidates("go", "a") == (GO,)
    assert table.candidates("go", "b") == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": (GO, BACK, END, Row("e", ("a",), "b", ("z",)))}, "e names the unknown role z"),
        ({"rows": (GO, BACK, END, Row("e", ("a",), "d", ("x",)))}, "e names the unknown state d"),
        ({"rows": (GO, BACK, END, Row("e", ("d",), "a", ("x",)))}, "e names the unknown state d"),
        ({"rows": (GO, BACK, END, Row("e", ("a",), "b", ("x",), ("no",)))}, "e names the unknown guard no"),
        (
            {"rows": (GO, BACK, END, Row("e", ("a",), "b", ("x",), when="no"), Row("e", ("a",), "c", ("x",)))},
            "e names the unknown guard no",
        ),
        ({"rows": (GO, BACK, END, Row("e", ("a",), "b", ()))}, "nobody may fire e"),
        ({"rows": (GO, BACK, END), "terminal": frozenset()}, "c is a dead end"),
        ({"rows": (GO, END, Row("stay", ("b",), SAME, ("x",))), "states": ("a", "b", "c", "d")}, "d is a dead end"),
        ({"states": ("a", "b", "c", "d"), "terminal": frozenset({"c", "d"})}, "d cannot be reached"),
        (
            {"rows": (GO, BACK, END, Row("e", ("d",), "a", ("x",))), "states": ("a", "b", "c", "d")},
            "d cannot be reached",
        ),
        ({"terminal": frozenset({"c", "d"})}, "the terminal state d is unknown"),
        ({"rows": (GO, BACK, END, Row("go", ("a",), "c", ("x",)))}, "go has rows that overlap in a"),
        ({"rows": (GO, BACK, END, Row("go", ("a",), "c", ("x",), when="attested"))}, "go has rows that overlap in a"),
        (
            {"rows": (GO, BACK, END, Row("e", ("a",), "c", ("x",), when="attested"))},
            "e has no row for the rest in a",
        ),
        ({"rows": (GO, BACK, END, Row("go", ("b",), "c", ("y",)))}, "go is open to other roles in other rows"),
        ({"acts": (Row("note", ("a",), "b", ("x",)),)}, "the act note changes the state"),
        ({"acts": (Row("go", ("b",), SAME, ("x",)),)}, "go is both an event and an act"),
    ],
)
def test_a_contradiction_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(TableError) as refused:
        Table(**(SOUND | changes))
    assert str(refused.value).startswith("sound: ")
    assert said in str(refused.value)


def test_all_contradictions_are_named_at_once() -> None:
    with pytest.raises(TableError) as refused:
        Table(**(SOUND | {"rows": (GO, BACK, Row("end", ("b",), "d", ("z",)))}))
    for said in ("unknown state d", "unknown role z", "c cannot be reached"):
        assert said in str(refused.value)


def test_rows_chosen_by_a_condition_are_no_overlap() -> None:
    first, rest = Row("e", ("a",), "c", ("x",), when="attested"), Row("e", ("a",), "b", ("x",))
    table = Table(**(SOUND | {"rows": (GO, BACK, END, first, rest)}))
    assert table.candidates("e", "a") == (first, rest)
