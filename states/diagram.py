"""A life as a picture: Mermaid text for documents, and an SVG that shows where a dossier stands and how it got there.

The SVG carries classes and presentation attributes only (no style, no script, no id), so it can be put several times
into a page under a strict Content-Security-Policy, coloured there by a style sheet, and still looks right alone.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from math import dist
from typing import Literal

from states.table import SAME, Table

Orientation = Literal["row", "column"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the states of a life stand: the `road` in one line, the others beside it.

    `before` is above a row and right of a column, `after` is below and left; the number is the place along the road.
    `way_out` is the state that many states lead to: their arrows are drawn as one discreet line.
    """

    road: tuple[str, ...]
    before: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, float] = field(default_factory=dict)
    way_out: str | None = None

    @property
    def places(self) -> dict[str, tuple[float, int]]:
        """Place along the road and lane (-1 before, 0 the road, 1 after) of each state."""
        return {
            **{state: (float(place), 0) for place, state in enumerate(self.road)},
            **{state: (place, -1) for state, place in self.before.items()},
            **{state: (place, 1) for state, place in self.after.items()},
        }


LAYOUTS: Mapping[str, Layout] = {
    "dossier": Layout(
        road=(
            "draft",
            "submitted",
            "assigned",
            "opinion",
            "funding_decision",
            "follow_up",
            "evaluated",
            "under_control",
            "controlled",
            "closed",
        ),
        before={"inadmissible": 0.5, "incomplete": 1.5, "expert_consulted": 2.5},
        after={"withdrawn": 0, "refused": 4.5, "cancelled": 5.5},
        way_out="withdrawn",
    ),
    "consultation": Layout(
        road=("asked", "answered"),
        before={"declined": 0.5},
        after={"revoked": -0.5, "expired": 0.5, "handed_over": 1.5},
    ),
    "control": Layout(road=("drawn", "announced", "findings_sent", "concluded")),
    "review": Layout(road=("to_review", "under_review", "reviewed")),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """Sizes in px, along the road and across it: of a state, from one state to the next, and between two lanes."""

    along: float
    across: float
    pitch: float
    gap: float
    margin: float
    letters: int
    round_end: int


FRAMES: Mapping[Orientation, Frame] = {
    "row": Frame(along=96, across=52, pitch=118, gap=46, margin=8, letters=13, round_end=20),
    # three lanes in 328 px, the content width of the narrowest phone
    "column": Frame(along=54, across=92, pitch=72, gap=20, margin=6, letters=12, round_end=14),
}

_LINE = 14
_RING = 4
_ARCH_NEAR, _ARCH_FAR = 10, 21
_INK, _QUIET, _FAINT, _WALKED = "#12424a", "#55646b", "#a3b0b5", "#dcecea"
_WIDTHS = {"is-walked": "2.5", "is-plain": "1.4", "is-ahead": "1.2"}
_COLOURS = {"is-current": _INK, "is-walked": _INK, "is-plain": _INK, "is-ahead": _QUIET}


def mermaid(table: Table, labels: Mapping[str, str] | None = None) -> str:
    """Return the table as Mermaid `stateDiagram-v2` text.

    `labels` names states and events; the default is their name.
    """
    named = labels or {}
    lines = ["stateDiagram-v2", "    direction LR"]
    for state in table.states:
        label = named.get(state, state).replace('"', "#quot;")
        lines.append(f'    state "{label}" as {state}')
    lines.append(f"    [*] --> {table.initial}")
    for (source, target), events in _edges(table, reflexive=True).items():
        lines.append(f"    {source} --> {target} : {', '.join(named.get(event, event) for event in events)}")
    lines += [f"    {state} --> [*]" for state in table.states if state in table.terminal]
    return "\n".join(lines) + "\n"


def svg(
    table: Table,
    labels: Mapping[str, str] | None = None,
    current: str | None = None,
    path: Sequence[str] = (),
    orientation: Orientation = "row",
    title: str | None = None,
) -> str:
    """Return the table as a standalone, accessible SVG picture.

    `labels` names states (and, where wanted, events, for the tooltips of arrows); the default is their name.
    `path` is the sequence of states visited, with or without `current` at its end. Without both, the picture shows the
    life itself, all states alike. `title` is its accessible name; the default is the table's name.
    Raises KeyError for a table without a layout and ValueError for a state that the table does not know.
    """
    for state in (*path, *filter(None, [current])):
        if state not in table.states:
            raise ValueError(state)
    walked = tuple(path)
    if current and walked[-1:] != (current,):
        walked += (current,)
    return _Picture(table, labels or {}, current, walked, orientation).draw(title or table.name)


def _edges(table: Table, *, reflexive: bool) -> dict[tuple[str, str], list[str]]:
    """Events by (source, target), in the table's order."""
    edges: dict[tuple[str, str], list[str]] = {}
    for row in table.rows:
        for source in row.sources:
            target = source if row.target == SAME else row.target
            if reflexive or target != source:
                edges.setdefault((source, target), []).append(row.event)
    return edges


class _Picture:
    """One drawing. Works in (along, across) and turns points into (x, y) at the last moment."""

    def __init__(
        self,
        table: Table,
        labels: Mapping[str, str],
        current: str | None,
        walked: tuple[str, ...],
        orientation: Orientation,
    ) -> None:
        self.table, self.labels, self.current, self.walked = table, labels, current, walked
        self.row = orientation == "row"
        self.frame = frame = FRAMES[orientation]
        self.layout = layout = LAYOUTS[table.name]
        self.edges = _edges(table, reflexive=False)
        self.unwalked = "is-ahead" if walked else "is-plain"
        self.steps = {step for step in pairwise(walked) if step in self.edges}
        places = layout.places
        first = min(place for place, _ in places.values())
        lanes = sorted({lane for _, lane in places.values()})
        half_along, half_across = frame.margin + frame.along / 2, frame.margin + frame.across / 2
        self.centre = {
            state: (
                half_along + (place - first) * frame.pitch,
                half_across + lanes.index(lane) * (frame.across + frame.gap),
            )
            for state, (place, lane) in places.items()
        }
        self.length = max(along for along, _ in self.centre.values()) + half_along
        self.breadth = max(across for _, across in self.centre.values()) + half_across

    def draw(self, title: str) -> str:
        """The whole file."""
        width, height = (self.length, self.breadth) if self.row else (self.breadth, self.length)
        shown = self.walked or self.layout.road
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="life life-{"row" if self.row else "column"}" role="img"'
            f' viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}"'
            ' font-family="system-ui, Roboto, \'DejaVu Sans\', sans-serif" font-size="12" text-anchor="middle">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(' → '.join(self.label(state) for state in shown))}</desc>",
            *self.way_out(),
            *(self.edge(step) for step in self.edges if step not in self.steps and step[1] != self.layout.way_out),
            *(self.edge(step) for step in self.edges if step in self.steps),
            *(self.node(state) for state in self.table.states),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def label(self, name: str) -> str:
        """The caller's word for a state or an event."""
        return self.labels.get(name, name)

    # States

    def look(self, state: str) -> str:
        """The class that says how a state is drawn."""
        if state == self.current:
            return "is-current"
        if state in self.walked:
            return "is-walked"
        return self.unwalked

    def node(self, state: str) -> str:
        """A box with its label; a ring round the current state, a tick on those visited before."""
        look, end = self.look(state), state in self.table.terminal
        x, y = self.xy(self.centre[state])
        width, height = (self.frame.along, self.frame.across) if self.row else (self.frame.across, self.frame.along)
        fill = {"is-current": _INK, "is-walked": _WALKED}.get(look, "#ffffff")
        ink = {"is-current": "#ffffff", "is-ahead": _QUIET}.get(look, _INK)
        classes = f"life-node {look}{' is-terminal' if end else ''}"
        radius = self.frame.round_end if end else 6
        box = _rect("life-box", x, y, width, height, radius, fill, "1.2" if look == "is-ahead" else "1.8")
        ring = _rect("life-ring", x, y, width + 2 * _RING, height + 2 * _RING, radius + _RING, "none", "2")
        return (
            f'<g class="{classes}" data-state="{escape(state)}" color="{_COLOURS[look]}">'
            f"<title>{escape(self.label(state))}</title>"
            f"{ring if look == 'is-current' else ''}{box}"
            f"{self.text(state, x, y, width, ink, bold=look == 'is-current')}"
            f"{_tick(x + width / 2 - 9, y - height / 2 + 9) if look == 'is-walked' else ''}</g>"
        )

    def text(self, state: str, x: float, y: float, width: float, ink: str, *, bold: bool) -> str:
        """The label in at most three centred lines, squeezed where a word is wider than its box."""
        lines = textwrap.wrap(
            self.label(state), self.frame.letters, break_long_words=False, max_lines=3, placeholder="…"
        )
        top = y - (len(lines) - 1) * _LINE / 2 + 4
        spans = "".join(
            f'<tspan x="{_n(x)}" y="{_n(top + index * _LINE)}"'
            + (
                f' textLength="{_n(width - 10)}" lengthAdjust="spacingAndGlyphs"'
                if len(line) > self.frame.letters
                else ""
            )
            + f">{escape(line)}</tspan>"
            for index, line in enumerate(lines)
        )
        weight = "700" if bold else "400"
        return f'<text class="life-text" fill="{ink}" font-weight="{weight}">{spans}</text>'

    # Arrows

    def edge(self, step: tuple[str, str]) -> str:
        """One arrow."""
        look = "is-walked" if step in self.steps else self.unwalked
        return self.arrow(look, [self.route(*step)], self.edge_title(step), short=step[1] == self.current)

    def edge_title(self, step: tuple[str, str]) -> str:
        """From, to and, where the caller named them, by which events."""
        events = ", ".join(self.labels[event] for event in self.edges[step] if event in self.labels)
        return f"{self.label(step[0])} → {self.label(step[1])}" + (f" ({events})" if events else "")

    def way_out(self) -> Iterator[str]:
        """The many ways to one side state, as one dashed line from the road."""
        target = self.layout.way_out
        if target is None:
            return
        sources = [source for source, end in self.edges if end == target and source in self.layout.road]
        routes = sorted((self.route(source, target) for source in sources), key=lambda route: -route[0][0])
        title = f"{', '.join(self.label(source) for source in sources)} → {self.label(target)}"
        main, *others = routes
        yield self.arrow(
            f"{self.unwalked} is-way-out", [main, *([a, b] for a, b, *_ in others)], title, short=target == self.current
        )

    def route(self, source: str, target: str) -> list[Point]:
        """The points of an arrow, in (along, across)."""
        (a1, c1), (a2, c2) = self.centre[source], self.centre[target]
        half_a, half_c = self.frame.along / 2, self.frame.across / 2
        if target == self.layout.way_out and a1 != a2:
            return [(a1, c1 + half_c), (a1, c2), (a2 + half_a if a1 > a2 else a2 - half_a, c2)]
        if c1 != c2:
            side = half_c if c2 > c1 else -half_c
            return [(self.port(source, target), c1), (self.port(source, target, arriving=True), c2 - side)]
        span = round((a2 - a1) / self.frame.pitch, 2)
        if span == 1:
            return [(a1 + half_a, c1), (a2 - half_a, c2)]
        if c1 != self.centre[self.layout.road[0]][1]:
            return [(a1 - half_a, c1), (a2 + half_a, c2)]
        # past other states: an arch on the near side for a short cut, under the road for a way back
        side = -1 if span > 0 else 1
        reach = (0.72 if abs(span) == 1 else 0.36) * half_a * (1 if span > 0 else -1)
        edge = c1 + side * half_c
        level = edge + side * (_ARCH_NEAR if abs(span) == 1 else _ARCH_FAR)
        return [(a1 + reach, edge), (a1 + reach, level), (a2 - reach, level), (a2 - reach, edge)]

    def port(self, source: str, target: str, *, arriving: bool = False) -> float:
        """Where along the road a way between two lanes runs: there and back side by side where both exist."""
        a1, a2 = self.centre[source][0], self.centre[target][0]
        low, high = max(a1, a2) - self.frame.along / 2, min(a1, a2) + self.frame.along / 2
        if high - low < 8:
            return a2 if arriving else a1
        if (target, source) not in self.edges:
            return (low + high) / 2
        there = self.table.states.index(source) < self.table.states.index(target)
        apart = min(14, (high - low) * 0.6)
        return (low + high) / 2 + (-apart if there else apart) / 2

    def arrow(self, look: str, routes: list[list[Point]], title: str, *, short: bool) -> str:
        """Lines, the first of which ends in a head, short of the ring of a current state.

        The head is drawn, not a marker: a marker needs an id, and ids clash where a page shows two pictures.
        """
        kind = look.split()[0]
        main, *others = [[self.xy(point) for point in route] for route in routes]
        size = 8.0 if kind == "is-walked" else 6.5
        (x, y) = tip = _towards(main[-1], main[-2], _RING + 1) if short else main[-1]
        (bx, by) = base = _towards(tip, main[-2], size)
        dx, dy = (x - bx) / 2, (y - by) / 2
        head = f"M{_n(x)} {_n(y)}L{_n(bx - dy)} {_n(by + dx)}L{_n(bx + dy)} {_n(by - dx)}Z"
        line = "".join(_line(points) for points in ([*main[:-1], base], *others))
        dashes = ' stroke-dasharray="2 4"' if "is-way-out" in look else ""
        colour = {"is-ahead": _FAINT, "is-plain": _QUIET, "is-walked": _INK}[kind]
        return (
            f'<g class="life-edge {look}" color="{colour}"><title>{escape(title)}</title>'
            f'<path class="life-line" d="{line}" fill="none" stroke="currentColor"'
            f' stroke-width="{_WIDTHS[kind]}"{dashes}/><path class="life-head" d="{head}" fill="currentColor"/></g>'
        )

    def xy(self, point: Point) -> Point:
        """A column is the row turned a quarter to the right."""
        along, across = point
        return (along, across) if self.row else (self.breadth - across, along)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _rect(name: str, x: float, y: float, width: float, height: float, radius: int, fill: str, stroke: str) -> str:
    return (
        f'<rect class="{name}" x="{_n(x - width / 2)}" y="{_n(y - height / 2)}"'
        f' width="{_n(width)}" height="{_n(height)}" rx="{radius}"'
        f' fill="{fill}" stroke="currentColor" stroke-width="{stroke}"/>'
    )


def _tick(x: float, y: float) -> str:
    return (
        f'<path class="life-tick" d="M{_n(x - 4.5)} {_n(y)}l3.2 3.4 5.8-6.8"'
        ' fill="none" stroke="currentColor" stroke-width="2"/>'
    )


def _line(points: list[Point], radius: float = 6) -> str:
    """A polyline with rounded corners, as path data."""
    data = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        # a corner takes at most half of each side, so that two corners of one side do not meet
        (sx, sy), (ex, ey) = (_towards(corner, end, min(radius, dist(corner, end) / 2)) for end in (before, after))
        data += f"L{_n(sx)} {_n(sy)}Q{_n(corner[0])} {_n(corner[1])} {_n(ex)} {_n(ey)}"
    return f"{data}L{_n(points[-1][0])} {_n(points[-1][1])}"


def _towards(start: Point, end: Point, distance: float) -> Point:
    """The point `distance` from `start` on the way to `end`."""
    part = distance / dist(start, end)
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part
