"""`binome pair`: binômes for the dossiers of an instance."""

from pathlib import Path
from typing import Any

import click
from flask_babel import gettext as _

from web.commands.output import answer, as_json, read_file, table
from web.paired import Words, number
from workflow.pairing import file
from workflow.pairing.problem import AIMS, TIME_LIMIT, Cause, Constraint, Solution


@click.group()
def pair() -> None:
    """Form the binômes of an instance."""


@pair.command()
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--aim", type=click.Choice(AIMS), default="fair", show_default=True, help="All aims in order, or the sum."
)
@click.option("--time-limit", type=click.FloatRange(min=0.1), default=TIME_LIMIT, show_default=True, help="Seconds.")
@as_json
def solve(path: Path, aim: str, time_limit: float, as_json: bool) -> None:
    """Find the best binômes for the dossiers of FILE (JSON), or say why there are none for all of them.

    Exit status 1 where there are none, 2 where FILE is malformed.
    """
    problem = read_file(file.read, path)
    # The solver takes longer to import than any other command to run.
    from workflow.pairing.solve import solve as best  # noqa: PLC0415

    found = best(problem, aim, time_limit)
    words = Words(problem)
    answer(_body(words, found), _text(words, found), as_json)
    if found.status not in ("optimal", "feasible"):
        raise SystemExit(1)


def _body(words: Words, found: Solution) -> dict[str, Any]:
    return {
        "status": found.status,
        "pairs": found.pairs,
        "total": found.total,
        "worst": found.worst,
        "max_load": found.max_load,
        "gap": found.gap,
        "causes": [_cause(words, cause) for cause in found.causes],
    }


def _cause(words: Words, cause: Cause) -> dict[str, Any]:
    return {
        "text": words.cause(cause),
        "minimal": cause.minimal,
        "constraints": [_named(row) for row in cause.constraints],
        "asked": cause.asked,
        "available": cause.available,
        "lifts": [{**_named(lift.constraint), "to": lift.to, "text": words.lift(lift)} for lift in cause.lifts],
    }


def _named(row: Constraint) -> dict[str, Any]:
    named = {"kind": row.kind, "dossier": row.dossier, "instructor": row.instructor, "other": row.other}
    return {name: value for name, value in named.items() if value is not None}


def _text(words: Words, found: Solution) -> str:
    if found.status == "unknown":
        return str(_("Rien n'a été trouvé dans le temps donné, ni prouvé impossible : donnez-en davantage."))
    if found.status == "infeasible":
        lines = []
        for cause in found.causes:
            lines.append(_("Aucune solution : %(why)s.", why=words.cause(cause)))
            lines += [_("  Il suffirait de %(lift)s.", lift=words.lift(lift)) for lift in cause.lifts]
        return "\n".join(lines)
    rows = [[dossier, ", ".join(people)] for dossier, people in found.pairs.items()]
    proof = (
        _("Optimal.")
        if found.status == "optimal"
        else _("À %(gap)s %% au plus de l'optimum.", gap=number(round(100 * (found.gap or 0), 2)))
    )
    merits = _(
        "Affinités : %(total)s en tout, %(worst)s pour le dossier le moins bien servi ; charge au plus %(load)s %%.",
        total=number(found.total),
        worst=number(found.worst or 0),
        load=round(100 * found.max_load),
    )
    return f"{table([_('Dossier'), _('Instructeurs')], rows)}\n{merits} {proof}"
