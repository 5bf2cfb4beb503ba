"""`binome states`: the lives, as a table, as Mermaid, as a picture."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from states import diagram
from states.machine import TABLES
from states.table import SAME, Row, Table
from web.commands.output import answer, as_json, table


@click.group()
def states() -> None:
    """Show the lives of a dossier, of a consultation, of a control, of a mid-term review."""


@states.command()
@click.option("--machine", type=click.Choice(list(TABLES)), default="dossier", show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "mermaid", "svg"]), default="table", show_default=True)
@as_json
def show(machine: str, form: str, as_json: bool) -> None:
    """Write one life."""
    life = TABLES[machine]
    answer(_as_data(life), _FORMATS[form](life), as_json)


def _as_data(life: Table) -> dict[str, Any]:
    return {
        "machine": life.name,
        "initial": life.initial,
        "states": list(life.states),
        "terminal": [state for state in life.states if state in life.terminal],
        "events": [_row(row) for row in life.rows],
        "acts": [_row(row) for row in life.acts],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "event": row.event,
        "from": list(row.sources),
        "to": None if row.target == SAME else row.target,
        "roles": list(row.roles),
        "guards": list(row.guards),
        "when": row.when,
    }


def _as_table(life: Table) -> str:
    rows = [
        [
            row.event,
            ", ".join(row.sources),
            "=" if row.target == SAME else row.target,
            ", ".join(row.roles),
            ", ".join([*([f"[{row.when}]"] if row.when else []), *row.guards]),
        ]
        for row in life.rows
    ]
    return table(["event", "from", "to", "who", "needs"], rows)


_FORMATS: Mapping[str, Callable[[Table], str]] = {"table": _as_table, "mermaid": diagram.mermaid, "svg": diagram.svg}
