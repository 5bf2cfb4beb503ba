"""The realisation grid of a control: its versions, its answers, and that it is fixed once the findings are sent."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import NOW, Walk, build
from workflow.common_grids import newest
from workflow.control_grid import seen
from workflow.db import Database
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.models import ControlGrid, ControlItem, Mission, RealisationAnswer
from workflow.queries.dossier import File, load
from workflow.use_cases import control_grid

YES = {"verdict": "compliant", "observation": "", "evidence": ""}
GAP = {"verdict": "minor_gap", "observation": "Deux séances de moins", "evidence": "Émargements"}


@pytest.fixture
def walk(database: Database) -> Walk:
    return Walk(database, build(database)).announced()


def items(walk: Walk) -> list[int]:
    with walk.database.read() as session:
        statement = select(ControlItem.id).join(ControlGrid).order_by(ControlGrid.number, ControlItem.position)
        return list(session.scalars(statement))


def fill(walk: Walk, answers: dict[int, Any], who: str = "controller") -> None:
    raw = {str(item): answer for item, answer in answers.items()}
    walk.act(who, "fill_grid", walk.mission_id(), answers=raw)


def stored(walk: Walk) -> dict[int, tuple[str, str, str]]:
    with walk.database.read() as session:
        rows = session.scalars(select(RealisationAnswer))
        return {row.item_id: (row.verdict, row.observation, row.evidence) for row in rows}


def file(walk: Walk, who: str) -> File:
    with walk.database.read() as session:
        return load(session, walk.world.actor(session, who), walk.dossier_id)


def test_another_file_is_another_version_and_a_mission_keeps_its_own(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with walk.database.write() as session:
        assert control_grid.renew(session, NOW) == 0, "the same file makes no version"
    other = tmp_path / "grid.toml"
    other.write_text('[[item]]\nlabel = "Tout"\nhelp = "Vu"\n', encoding="utf-8")
    monkeypatch.setattr(control_grid, "PROPOSED", other)
    with walk.database.write() as session:
        assert control_grid.renew(session, NOW) == 1
    with walk.database.read() as session:
        assert list(session.scalars(select(ControlGrid.number).order_by(ControlGrid.number))) == [1, 2]
        mission = session.scalars(select(Mission)).one()
        grid = newest(session, ControlGrid)
        assert grid is not None
        assert (grid.number, mission.grid_id) == (2, 1)
    assert len(file(walk, "controller").all("grid")) == 8
    with pytest.raises(NotFound):
        fill(walk, {items(walk)[-1]: YES})


def test_answers_are_given_changed_and_taken_back(walk: Walk) -> None:
    first, second, *_ = items(walk)
    fill(walk, {first: YES, second: {"verdict": None}})
    assert stored(walk) == {first: ("compliant", "", "")}
    fill(walk, {first: GAP, second: YES})
    assert stored(walk) == {first: tuple(GAP.values()), second: ("compliant", "", "")}
    fill(walk, {first: {}})
    assert list(stored(walk)) == [second]


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"verdict": "major_gap"}, "observation"),
        ({"observation": "Rien vu"}, "verdict"),
        ({"verdict": "perhaps"}, "verdict"),
    ],
)
def test_what_cannot_be_is_told_beside_its_item(walk: Walk, answer: dict[str, str], field: str) -> None:
    first, second, *_ = items(walk)
    with pytest.raises(Invalid) as caught:
        fill(walk, {first: answer, second: YES})
    assert {int(item): list(found) for item, found in caught.value.fields["answers"].items()} == {first: [field]}
    assert stored(walk) == {}


def test_a_colleague_answering_meanwhile_is_told_and_not_overwritten(walk: Walk) -> None:
    first, second, *_ = items(walk)
    empty = seen(None, "", "")
    fill(walk, {first: {**YES, "seen": empty}})
    untouched = {"seen": empty}
    fill(walk, {first: untouched, second: {**YES, "seen": empty}})
    assert list(stored(walk)) == [first, second], "what I left as I saw it does not undo theirs"
    with pytest.raises(Refused, match="answers_unchanged") as caught:
        fill(walk, {first: {**GAP, "seen": empty}})
    assert caught.value.reasons[0].params == {"items": ("Action réalisée",)}
    assert stored(walk)[first] == ("compliant", "", "")


@pytest.mark.parametrize("who", ["carrier", "instructor 1", "evaluator", "administrator"])
def test_controllers_alone_fill_it(walk: Walk, who: str) -> None:
    with pytest.raises(Forbidden):
        fill(walk, {items(walk)[0]: YES}, who)


def test_a_grid_begun_is_ended_before_the_findings_and_stands_for_them(walk: Walk) -> None:
    first, *others = items(walk)
    fill(walk, {first: GAP})

    def send() -> None:
        walk.found(spending="Vu")

    with pytest.raises(Refused, match=re.escape("grid_whole")):
        send()
    fill(walk, dict.fromkeys(others, YES))
    assert file(walk, "carrier").all("grid") == []
    send()
    assert file(walk, "carrier").all("grid")[0].observation == "Deux séances de moins"
    with pytest.raises(Refused):
        fill(walk, {first: YES})
    walk.act("carrier", "reply", walk.mission_id(), answer="Merci")
    walk.concluded(outcome="none", conclusion="Bien")
    assert walk.state == "controlled"
