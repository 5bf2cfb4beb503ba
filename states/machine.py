"""Decides: may this event happen here, by this person, on these facts? `transitions` runs the table.

One shared machine per table and a short-lived `Case` per question. Auto transitions are off (they would bypass
guards) and the case is never added to the machine (that would overwrite its state and keep it alive).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from transitions import EventData, Machine

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.dossier import DOSSIER
from states.facts import OF_THE_ACT, Facts
from states.review import REVIEW
from states.table import Row, Table
from states.words import N_

TABLES: Mapping[str, Table] = {table.name: table for table in (DOSSIER, CONSULTATION, CONTROL, REVIEW)}


class Because(StrEnum):
    """Why an event is refused."""

    ROLE = "role"
    STATE = "state"
    GUARD = "guard"


@dataclass(frozen=True, slots=True)
class Reason:
    """One failed rule: its name, what to say (French message ids), and the values of the placeholders."""

    code: str
    message: str
    remedy: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The event may happen: the state it leads to and the roles in which the person may fire it."""

    event: str
    source: str
    target: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The event may not happen: every failed rule, in the table's order."""

    event: str
    state: str
    because: Because
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class _Case:
    state: str
    facts: Facts
    offered: bool
    failed: tuple[str, ...] = ()
    row: Row | None = None


class _Check:
    """The one condition of a transition: chooses its row, then names every guard that fails."""

    def __init__(self, row: Row, table: Table) -> None:
        self.row = row
        self.when = table.guards[row.when] if row.when else None
        self.guards = tuple(table.guards[name] for name in row.guards)

    def __call__(self, event: EventData) -> bool:
        case = cast(_Case, event.model)
        if case.row is not None or (self.when and not self.when.holds(case.facts)):
            return False
        case.row = self.row
        guards = (guard for guard in self.guards if not (case.offered and OF_THE_ACT & set(guard.reads)))
        case.failed = tuple(guard.name for guard in guards if not guard.holds(case.facts))
        return not case.failed


def _machine(table: Table) -> Machine:
    rows = table.rows + table.acts
    transitions: list[dict[str, Any]] = [
        {"trigger": row.event, "source": list(row.sources), "dest": row.target, "conditions": [_Check(row, table)]}
        for row in rows
    ]
    return Machine(
        None,
        states=list(table.states),
        transitions=transitions,
        initial=None,
        auto_transitions=False,
        send_event=True,
        model_attribute="state",
    )


_MACHINES = {name: _machine(table) for name, table in TABLES.items()}


def decide(
    table: Table, state: str, event: str, roles: Iterable[str], facts: Facts, *, offered: bool = False
) -> Decision | Refusal:
    """Answer whether `event` may happen in `state` by somebody who holds `roles`, on `facts`.

    With `offered`, guards on what the person has yet to type are left out: may the act be offered at all?

    Right comes first (a person without it learns nothing else), then the state, then all guards.
    Raises KeyError for an event or ValueError for a state that the table does not know.
    """
    if state not in table.states:
        raise ValueError(state)
    held = frozenset(roles)
    no_right = lacks_right(table, event, held)
    if no_right:
        return Refusal(event, state, Because.ROLE, (no_right,))
    rows = table.by_event[event]
    here = table.candidates(event, state)
    if not here:
        return Refusal(event, state, Because.STATE, (_wrong_state(rows, state),))
    case = _Case(state, facts, offered)
    if _MACHINES[table.name].events[event].trigger(case):
        row = cast(Row, case.row)
        allowed = tuple(role for role in row.roles if role in held)
        return Decision(event, state, case.state, allowed)
    return Refusal(event, state, Because.GUARD, tuple(_failed(table, name, facts) for name in case.failed))


def reads(table: Table, event: str, state: str, *, offered: bool = False) -> frozenset[str]:
    """Names of the facts that the guards of `event` look at in `state`: all that must be fetched to decide."""
    names = [n for row in table.candidates(event, state) for n in (*row.guards, row.when) if n]
    guards = [table.guards[name] for name in names]
    return frozenset(fact for g in guards if not (offered and OF_THE_ACT & set(g.reads)) for fact in g.reads)


def open_to(table: Table, state: str, roles: Iterable[str]) -> tuple[str, ...]:
    """Events and acts that leave `state` and that one of `roles` may fire, guards aside, in the table's order."""
    held = set(roles)
    return tuple(
        event for event in table.by_event if any(held & set(row.roles) for row in table.candidates(event, state))
    )


def lacks_right(table: Table, event: str, roles: frozenset[str]) -> Reason | None:
    """Why somebody who holds `roles` may not fire `event` in any state; None where they may in some."""
    allowed = tuple(dict.fromkeys(role for row in table.by_event[event] for role in row.roles))
    if not roles.isdisjoint(allowed):
        return None
    return Reason(
        "role",
        N_("Vous n'avez pas le rôle qu'il faut pour cet acte sur ce dossier."),
        N_("Cet acte revient à : %(roles)s."),
        {"roles": allowed},
    )


def _wrong_state(rows: tuple[Row, ...], state: str) -> Reason:
    sources = tuple(dict.fromkeys(source for row in rows for source in row.sources))
    return Reason(
        "state",
        N_("Cet acte n'est pas possible à l'étape « %(state)s »."),
        N_("Il est possible à l'étape : %(sources)s."),
        {"state": state, "sources": sources},
    )


def _failed(table: Table, name: str, facts: Facts) -> Reason:
    guard = table.guards[name]
    return Reason(name, guard.failing, guard.remedy, guard.params(facts))
