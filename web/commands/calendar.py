"""`binome calendar`: one calendar for all funders."""

from pathlib import Path
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from web import formats
from web.commands.output import answer, as_json, read_file, table
from web.harmonised import Words
from workflow.calendars import file
from workflow.calendars.harmonise import harmonise as solve
from workflow.calendars.problem import Closure, Conflict, Constraint, Fixed, Milestone, Problem, Solution, Window


@click.group()
def calendar() -> None:
    """Compute the calendar of a campaign."""


@calendar.command()
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def harmonise(path: Path, as_json: bool) -> None:
    """Find the dates that suit every funder of FILE (TOML), or say which constraints cannot hold together.

    Exit status 1 where there is no such calendar, 2 where FILE is malformed.
    """
    problem = read_file(file.read, path)
    words = Words(problem)
    found = solve(problem)
    if isinstance(found, Solution):
        answer(_dates(problem, found), _table(problem, words, found), as_json)
        return
    lifted = [f"  {words.relaxation(move)}" for move in found.relaxations]
    answer(_conflict(found), "\n".join([_("Aucun calendrier : %(why)s.", why=words.conflict(found)), *lifted]), as_json)
    raise SystemExit(1)


def _dates(problem: Problem, found: Solution) -> dict[str, Any]:
    dates: dict[str, Any] = {row.id: {} for row in problem.milestones}
    for (milestone, funder), day in found.days.items():
        if funder is None:
            dates[milestone] = day
        else:
            dates[milestone][funder] = day
    return {"feasible": True, "dates": dates, "cost": found.cost}


def _table(problem: Problem, words: Words, found: Solution) -> str:
    rows = [[words.milestone(step), str(funder or ""), formats.day(day)] for (step, funder), day in found.days.items()]
    cost = ngettext(
        "%(num)s jour ouvré d'écart avec les préférences.",
        "%(num)s jours ouvrés d'écart avec les préférences.",
        found.cost,
    )
    return table([_("Étape"), _("Financeur"), _("Date")], rows) + f"\n{cost}"


def _conflict(found: Conflict) -> dict[str, Any]:
    return {
        "feasible": False,
        "conflict": [{**_named(row), "kind": row.kind, **_stated(row)} for row in found.constraints],
        "missing": found.missing,
        "relaxations": [{**_named(move.constraint), "to": move.to} for move in found.relaxations],
    }


def _named(row: Constraint) -> dict[str, Any]:
    return {"funder": row.funder, "milestone": row.milestone, "bound": row.bound}


def _stated(row: Constraint) -> dict[str, Any]:
    """What the constraint's row in the file says."""
    match row.source:
        case Milestone() as step:
            return {"after": step.after, "days": (step.min_gap or 0) if row.bound == "min_gap" else step.max_gap}
        case Fixed(day=day):
            return {"date": day}
        case Closure(first, last):
            return {"first": first, "last": last}
        case Window() as window:
            return {"date": window.earliest if row.bound == "earliest" else window.latest}
