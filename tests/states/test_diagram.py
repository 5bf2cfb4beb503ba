"""The pictures: complete, readable by everybody, and nothing in them that a strict page refuses."""

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.diagram import LAYOUTS, Orientation, mermaid, svg
from states.dossier import DOSSIER
from states.review import REVIEW
from states.table import SAME, Table

SVG = "{http://www.w3.org/2000/svg}"
TABLES = (DOSSIER, CONSULTATION, CONTROL, REVIEW)
ORIENTATIONS: tuple[Orientation, ...] = ("row", "column")

each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
each_orientation = pytest.mark.parametrize("orientation", ORIENTATIONS)


def parse(text: str) -> ElementTree.Element:
    """The picture as a tree; it is well formed."""
    return ElementTree.fromstring(text)  # noqa: S314 - our own picture


def groups(root: ElementTree.Element, *classes: str) -> list[ElementTree.Element]:
    """The groups that have all these classes."""
    return [group for group in root.iter(f"{SVG}g") if set(classes) <= set(group.get("class", "").split())]


def title(element: ElementTree.Element) -> str:
    """What a pointer shows on it."""
    return element.findtext(f"{SVG}title") or ""


def moves(table: Table) -> set[tuple[str, str]]:
    """From and to of all that changes the state."""
    return {(source, row.target) for row in table.rows for source in row.sources if row.target not in (SAME, source)}


@each_table
@each_orientation
def test_draws_each_state_and_each_move_once(table: Table, orientation: Orientation) -> None:
    root = parse(svg(table, orientation=orientation))
    nodes = groups(root, "life-node")
    assert sorted(node.get("data-state", "") for node in nodes) == sorted(table.states)
    assert {node.get("data-state") for node in groups(root, "life-node", "is-terminal")} == table.terminal
    single = [title(edge) for edge in groups(root, "life-edge") if "is-way-out" not in edge.get("class", "")]
    way_out = LAYOUTS[table.name].way_out
    assert sorted(single) == sorted(f"{a} → {b}" for a, b in moves(table) if b != way_out)
    assert len(groups(root, "is-way-out")) == (1 if way_out else 0)
    assert all("is-plain" in group.get("class", "") for group in groups(root, "life-node") + groups(root, "life-edge"))


def test_the_way_out_is_one_line_from_the_road() -> None:
    [line] = groups(parse(svg(DOSSIER)), "is-way-out")
    assert title(line) == "draft, submitted, assigned, opinion, funding_decision → withdrawn"
    assert len(line.findall(f"{SVG}path")) == 2


@each_table
@each_orientation
def test_boxes_stay_apart_and_inside(table: Table, orientation: Orientation) -> None:
    root = parse(svg(table, current=table.initial, orientation=orientation))
    _, _, width, height = (float(number) for number in root.get("viewBox", "").split())
    assert (root.get("width"), root.get("height")) == tuple(root.get("viewBox", "").split()[2:])
    if orientation == "column":
        assert width <= 328
    boxes = [
        tuple(float(rect.get(name, "nan")) for name in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SVG}rect")
        if rect.get("class") == "life-box"
    ]
    assert len(boxes) == len(table.states)
    for x, y, w, h in boxes:
        assert x >= 4
        assert y >= 4
        assert x + w <= width - 4
        assert y + h <= height - 4
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(boxes, 2):
        assert x1 + w1 + 10 <= x2 or x2 + w2 + 10 <= x1 or y1 + h1 + 10 <= y2 or y2 + h2 + 10 <= y1
    for d in (path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("class") == "life-line"):
        for px, py in re.findall(r"(-?[\d.]+) (-?[\d.]+)", d):
            assert 0 <= float(px) <= width
            assert 0 <= float(py) <= height


@each_table
@each_orientation
def test_a_strict_page_takes_it(table: Table, orientation: Orientation) -> None:
    text = svg(table, {"draft": "<b>&\"'"}, orientation=orientation, title="<script>&")
    root = parse(text)
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "<script>&"
    assert root[1].tag == f"{SVG}desc"
    used = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert used <= {"svg", "g", "title", "desc", "rect", "path", "text", "tspan"}
    names = {name for element in root.iter() for name in element.keys()}  # noqa: SIM118 - an element, not a dict
    assert not names & {"style", "id", "href"}
    assert not any(name.startswith("on") for name in names)


@each_orientation
def test_shows_where_it_stands_and_how_it_came(orientation: Orientation) -> None:
    path = ["draft", "submitted", "incomplete", "submitted", "submitted", "assigned"]
    labels = {"draft": "Brouillon", "submitted": "Déposé", "submit": "Déposer"}
    text = svg(DOSSIER, labels, "opinion", path, orientation)
    assert text == svg(DOSSIER, labels, "opinion", [*path, "opinion"], orientation)
    root = parse(text)
    assert title(root) == "dossier"
    assert root.findtext(f"{SVG}desc") == "Brouillon → Déposé → incomplete → Déposé → Déposé → assigned → opinion"
    [here] = groups(root, "life-node", "is-current")
    assert here.get("data-state") == "opinion"
    assert [rect.get("class") for rect in here.findall(f"{SVG}rect")] == ["life-ring", "life-box"]
    text_here = here.find(f"{SVG}text")
    assert text_here is not None
    assert text_here.get("font-weight") == "700"
    visited = groups(root, "life-node", "is-walked")
    assert {node.get("data-state") for node in visited} == {"draft", "submitted", "incomplete", "assigned"}
    ticked = [node for node in groups(root, "life-node") if "life-tick" in {child.get("class") for child in node}]
    assert ticked == visited
    assert {title(edge) for edge in groups(root, "life-edge", "is-walked")} == {
        "Brouillon → Déposé (Déposer)",
        "Déposé → incomplete",
        "incomplete → Déposé",
        "Déposé → assigned",
        "assigned → opinion",
    }


def test_every_way_out_that_was_walked_is_drawn() -> None:
    for source in (a for a, b in moves(DOSSIER) if b == "withdrawn"):
        for orientation in ORIENTATIONS:
            root = parse(svg(DOSSIER, current="withdrawn", path=[source], orientation=orientation))
            assert [title(edge) for edge in groups(root, "life-edge", "is-walked")] == [f"{source} → withdrawn"]


@given(st.sampled_from(TABLES), st.sampled_from(ORIENTATIONS), st.data())
def test_any_walk_is_drawn(table: Table, orientation: Orientation, data: st.DataObject) -> None:
    walk = [table.initial]
    for _ in range(data.draw(st.integers(0, 12))):
        ways = sorted(b for a, b in moves(table) if a == walk[-1])
        if not ways:
            break
        walk.append(data.draw(st.sampled_from(ways)))
    root = parse(svg(table, current=walk[-1], path=walk, orientation=orientation))
    drawn = {title(edge) for edge in groups(root, "life-edge", "is-walked")}
    assert drawn == {f"{a} → {b}" for a, b in pairwise(walk)}
    assert len(groups(root, "is-current")) == 1


def test_a_jump_that_the_life_does_not_know_draws_no_arrow() -> None:
    root = parse(svg(DOSSIER, current="closed", path=["draft", "opinion"]))
    assert groups(root, "life-edge", "is-walked") == []
    assert len(groups(root, "life-node", "is-walked")) == 2


@pytest.mark.parametrize(("orientation", "width"), [("row", "86"), ("column", "82")])
def test_long_labels_are_wrapped_squeezed_or_cut(orientation: Orientation, width: str) -> None:
    labels = {"draft": "Décision de financement", "opinion": "anticonstitutionnellement", "closed": "un mot " * 20}
    root = parse(svg(DOSSIER, labels, orientation=orientation))
    nodes = {node.get("data-state"): node for node in groups(root, "life-node")}
    assert [span.text for span in nodes["draft"].iter(f"{SVG}tspan")] == ["Décision de", "financement"]
    [squeezed] = nodes["opinion"].iter(f"{SVG}tspan")
    assert squeezed.get("textLength") == width
    lines = [span.text or "" for span in nodes["closed"].iter(f"{SVG}tspan")]
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert title(nodes["closed"]) == labels["closed"]


@pytest.mark.parametrize(("current", "path"), [("limbo", ()), (None, ("draft", "limbo"))])
def test_an_unknown_state_is_an_error(current: str | None, path: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="limbo"):
        svg(DOSSIER, current=current, path=path)


@each_table
def test_mermaid_says_the_whole_life(table: Table) -> None:
    lines = [line.strip() for line in mermaid(table).splitlines()]
    assert lines[0] == "stateDiagram-v2"
    assert f"[*] --> {table.initial}" in lines
    assert {line.removesuffix(" --> [*]") for line in lines if line.endswith("--> [*]")} == table.terminal
    said = {
        (source, target, event)
        for line in lines
        if " : " in line
        for ends, events in [line.split(" : ")]
        for source, target in [ends.split(" --> ")]
        for event in events.split(", ")
    }
    assert said == {
        (source, source if row.target == SAME else row.target, row.event)
        for row in table.rows
        for source in row.sources
    }


def test_mermaid_takes_labels() -> None:
    text = mermaid(CONTROL, {"drawn": 'Tiré "au sort"', "announce": "Annoncer"})
    assert 'state "Tiré #quot;au sort#quot;" as drawn' in text
    assert "drawn --> announced : Annoncer\n" in text
