"""The row type of every life, and what is checked of any table when it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from states.guards import Guard

SAME = "="
"""Target of an event that leaves the state as it is."""


class TableError(ValueError):
    """A table that contradicts itself. Raised at import, so it never reaches a user."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a life: who may fire `event` from `sources`, what it needs, where it leads.

    `when` names a guard that chooses between rows of one event and source; the rows are read in order.
    """

    event: str
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    guards: tuple[str, ...] = ()
    when: str | None = None


@dataclass(frozen=True)
class Table:
    """A whole life: its states in order, its `rows` between states and its `acts` inside a state.

    Raises TableError when a state cannot be reached or left, a name is unknown, or two rows overlap.
    """

    name: str
    states: tuple[str, ...]
    terminal: frozenset[str]
    roles: tuple[str, ...]
    rows: tuple[Row, ...]
    guards: Mapping[str, Guard]
    acts: tuple[Row, ...] = ()
    by_event: Mapping[str, tuple[Row, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_event: dict[str, tuple[Row, ...]] = {}
        for row in self.rows + self.acts:
            by_event[row.event] = (*by_event.get(row.event, ()), row)
        object.__setattr__(self, "by_event", by_event)
        problems = list(_problems(self))
        if problems:
            raise TableError(f"{self.name}: " + "; ".join(problems))

    @property
    def initial(self) -> str:
        """The first state, in which a life begins."""
        return self.states[0]

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the events that lead from state to state, in the table's order."""
        return tuple(dict.fromkeys(row.event for row in self.rows))

    def candidates(self, event: str, state: str) -> tuple[Row, ...]:
        """Rows of `event` that leave `state`, in order."""
        return tuple(row for row in self.by_event[event] if state in row.sources)


def _problems(table: Table) -> Iterable[str]:
    known = set(table.states)
    for row in table.rows + table.acts:
        for state in {*row.sources, row.target} - {SAME} - known:
            yield f"{row.event} names the unknown state {state}"
        for role in set(row.roles) - set(table.roles):
            yield f"{row.event} names the unknown role {role}"
        for guard in {*row.guards, *filter(None, [row.when])} - set(table.guards):
            yield f"{row.event} names the unknown guard {guard}"
        if not row.roles:
            yield f"nobody may fire {row.event}"
    for row in table.acts:
        if row.target != SAME:
            yield f"the act {row.event} changes the state"
        if row.event in {r.event for r in table.rows}:
            yield f"{row.event} is both an event and an act"
    yield from _overlaps(table)
    yield from _unreachable(table, known)
    for state in table.states:
        leaves = any(state in row.sources and row.target not in (SAME, state) for row in table.rows)
        if not leaves and state not in table.terminal:
            yield f"{state} is a dead end"
    for state in table.terminal - known:
        yield f"the terminal state {state} is unknown"


def _overlaps(table: Table) -> Iterable[str]:
    """Of several rows of one event and source only the last goes without `when`: it is the rest."""
    for event, rows in table.by_event.items():
        if len({frozenset(row.roles) for row in rows}) > 1:
            yield f"{event} is open to other roles in other rows"
        for state in table.states:
            here = [row for row in rows if state in row.sources]
            if any(row.when is None for row in here[:-1]):
                yield f"{event} has rows that overlap in {state}"
            if here and here[-1].when is not None:
                yield f"{event} has no row for the rest in {state}"


def _unreachable(table: Table, known: set[str]) -> Iterable[str]:
    reached = {table.initial}
    grown = True
    while grown:
        more = {row.target for row in table.rows if reached & set(row.sources)} - {SAME} - reached
        reached |= more
        grown = bool(more)
    for state in known - reached:
        yield f"{state} cannot be reached"
