"""The page of the realisation grid: the next version is written, looked at, published; what was begun keeps its own."""

import pytest
from sqlalchemy import select

from tests.factories import NOW
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from workflow.common_grids import newest
from workflow.grid_changes import Change, changes
from workflow.models import ControlGrid, JournalEntry, Mission
from workflow.use_cases import control_grid
from workflow.use_cases.common_grids import Proposed, arranged

GRID = "/administration/grilles/controle"


def items(*labels: str) -> list[Proposed]:
    return [Proposed(label, f"Vu à {label.lower()}") for label in labels]


def versions(town: Town) -> list[list[str]]:
    with town.database.read() as session:
        grids = session.scalars(select(ControlGrid).order_by(ControlGrid.number))
        return [[item.label for item in grid.items] for grid in grids]


def form(town: Town, browser: Browser) -> dict[str, str]:
    """The form as it is opened, its longer texts too."""
    with town.database.read() as session:
        grid = newest(session, ControlGrid)
        assert grid
        helps = {f"items-{n}-help": item.help for n, item in enumerate(grid.items)}
    return browser.page(GRID).form(GRID).fields | helps


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (items("A", "B", "C"), []),
        (items("A", "C"), [Change("removed", "B")]),
        (items("A", "B", "D", "C"), [Change("added", "D")]),
        (items("C", "A", "B"), [Change("moved", "C", "3", "1")]),
        ([*items("A", "B"), Proposed("Z", "Vu à c")], [Change("renamed", "Z", "C", "Z")]),
        ([*items("A", "B"), Proposed("C", "Autre")], [Change("reworded", "C", "Vu à c", "Autre")]),
        (items("D"), [Change("removed", one) for one in "ABC"] + [Change("added", "D")]),
    ],
)
def test_what_a_version_changes_is_told(new: list[Proposed], expected: list[Change]) -> None:
    assert changes(items("A", "B", "C"), new) == expected


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        ({"0": {"place": "1"}, "1": {"place": "2"}, "2": {"place": "1"}}, "cab"),
        ({"0": {"place": "3"}, "1": {"place": "2"}, "2": {"place": "3"}}, "bca"),
        ({"0": {"place": "x"}, "1": {"place": "9" * 9}, "2": {"place": ""}}, "abc"),
        ({"0": {"remove": "1"}, "1": {}, "2": {}}, "bc"),
        ({"0": {}, "10": {}, "2": {}}, "acb"),
    ],
)
def test_rows_go_where_they_are_sent(rows: dict[str, dict[str, str]], order: str) -> None:
    named = {n: {"label": letter, **row} for letter, (n, row) in zip("abc", rows.items(), strict=True)}
    assert "".join(row["label"] for row in arranged({**named, "99": {"label": "", "help": ""}})) == order


def test_a_version_is_written_looked_at_and_published(any_town: Town) -> None:
    walk = any_town.walk().announced()
    browser = any_town.browser("administrator")
    assert GRID in browser.page("/administration").links
    fields = form(any_town, browser)
    before = versions(any_town)
    assert fields["items-0-label"] == before[0][0]
    unchanged = browser.post(GRID, {**fields, "reason": "Essai"})
    assert unchanged.status_code == 422
    assert "Rien ne change" in Page(unchanged.text).text
    typed = {**fields, "items-0-label": "Action tenue", "items-1-remove": "1", "items-8-label": "Locaux"}
    wrong = browser.post(GRID, typed)
    assert wrong.status_code == 422
    shown = Page(wrong.text)
    assert shown.form(GRID).fields["items-7-label"] == "Locaux", "nothing typed is lost"
    look = browser.post(GRID, {**typed, "items-8-help": "Bail ou convention", "items-8-place": "1", "reason": "Retour"})
    assert look.status_code == 200
    shown = Page(look.text)
    for said in (
        "« Locaux » est ajouté",
        "« Public touché » est retiré",
        "« Action réalisée » devient « Action tenue »",
        "Bail ou convention",
        "Écart majeur",
    ):
        assert said in shown.text, said
    assert versions(any_town) == before, "looking publishes nothing"
    sent = shown.form(GRID).fields
    back = browser.post(GRID, {**sent, "corriger": "1"})
    assert Page(back.text).form(GRID).fields["items-0-label"] == "Locaux"
    assert browser.post(GRID, {**sent, "publier": "1"}).status_code == 303
    assert versions(any_town)[1] == ["Locaux", "Action tenue", *before[0][2:]]
    late = browser.post(GRID, {**sent, "publier": "1"})
    assert late.status_code == 409
    assert "changée entre-temps : la version 2" in Page(late.text).text
    text = browser.page(GRID).text
    for said in ("Motif : Retour", "Elle sert pour 1 dossier.", "Elle sert pour 0 dossier."):
        assert said in text, said
    with any_town.database.write() as session:
        mission = session.scalars(select(Mission).where(Mission.dossier_id == walk.dossier_id)).one()
        assert mission.grid_id == session.scalars(select(ControlGrid.id).where(ControlGrid.number == 1)).one()
        note = session.scalars(select(JournalEntry).where(JournalEntry.act == "publish_grid")).one()
        assert (note.reason, note.actor_id) == ("Retour", any_town.world.people["administrator"])
        assert control_grid.renew(session, NOW) == 0, "what was published is not taken back by the file"


def test_the_same_point_twice_is_said_at_its_place(town: Town) -> None:
    town.walk().announced()
    browser = town.browser("administrator")
    fields = form(town, browser)
    answer = browser.post(GRID, {**fields, "items-1-label": fields["items-0-label"].upper(), "reason": "Essai"})
    assert answer.status_code == 422
    assert "Ce point y est déjà" in Page(answer.text).text


@pytest.mark.parametrize("who", ["controller", "transversal", "animator", "carrier"])
def test_nobody_else_writes_it(town: Town, who: str) -> None:
    assert town.browser(who).get(GRID).status_code == 403
    assert town.browser(who).post(GRID, {"publier": "1"}).status_code == 403


def test_an_unknown_grid_is_not_found(town: Town) -> None:
    assert town.browser("administrator").get("/administration/grilles/autre").status_code == 404
