"""`binome route`: why a dossier would go where it goes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import aliased

from web.commands.output import answer, as_json, fail, opened
from workflow import routing
from workflow.db import Database
from workflow.models import Commune, Instance
from workflow.models.reference import LEVELS, ORGANISATION_KINDS
from workflow.reference import PTCS, reading
from workflow.routing import Query, Rule
from workflow.rules import load_rules
from workflow.use_cases.intake import plain

_LEVELS = {plain(level): level for level in LEVELS}


@click.group()
def route() -> None:
    """Explain the routing of dossiers to instances."""


@route.command()
@click.option("--objective", required=True, help="Code of an operational objective, for example 224.")
@click.option("--level", type=click.Choice([*LEVELS, "agglomeration"]), help="Territorial level of the action.")
@click.option("--commune", help="Commune of the action.")
@click.option("--kind", type=click.Choice(ORGANISATION_KINDS), help="Kind of carrier.")
@click.option("--asked", type=click.FloatRange(min=0), help="Euros asked of all funders together.")
@click.option("--funder", "funders", multiple=True, help="Code of a funder who is asked; may be repeated.")
@click.option("--text", default="", help="Title and description.")
@click.option(
    "--on", type=click.DateTime(["%Y-%m-%d"]), help="Day of deposit; where it is not said, every rule counts."
)
@as_json
def explain(
    objective: str,
    level: str | None,
    commune: str | None,
    kind: str | None,
    asked: float | None,
    funders: tuple[str, ...],
    text: str,
    on: datetime | None,
    as_json: bool,
) -> None:
    """Say which rule decides, and what the earlier ones of the objective lacked.

    Reads the rules of the database; those of the reference file where there is no database yet.
    """
    query = Query(
        objective,
        _LEVELS[plain(level)] if level else None,
        commune,
        kind,
        None if asked is None else round(100 * asked),
        funders,
        text,
        on.date() if on else None,
    )
    with opened() as database:
        rules, objectives, communes, committees = _known(database)
    if objective not in objectives:
        fail(_("L'objectif %(code)s n'existe pas.", code=objective))
    if commune and commune not in communes:
        fail(_("La commune %(label)s n'existe pas.", label=commune))
    routed, steps = routing.route(rules, query), routing.explain(rules, query)
    lead, *associated = (
        [committees.get((code, commune), code) for code in (routed.rule.lead, *routed.rule.associated)]
        if routed.rule
        else [None]
    )
    told: list[dict[str, Any]] = [
        {"rule": s.rule.position, "lead": s.rule.lead, "matched": s.matched, "why": _(s.message) % s.params}
        for s in steps
    ]
    data = {
        "objective": objective,
        "level": query.level,
        "commune": commune,
        "lead": lead,
        "associated": associated,
        "rule": routed.rule.position if routed.rule else None,
        "reason": routed.reason,
        "steps": told,
    }
    lines = [f"{lead or _('file du comité technique transversal')} ({routed.reason})"]
    lines += [f"  {_('règle')} {step['rule']} → {step['lead']} : {step['why']}" for step in told]
    answer(data, "\n".join(lines), as_json)


Committees = Mapping[tuple[str | None, str | None], str]
"""Local committees, by the instance that they belong to and their commune."""


def _known(database: Database) -> tuple[list[Rule], set[str], set[str], Committees]:
    """The rules, the codes of operational objectives and the communes, of the database or of the reference file; and
    the local committees.
    """
    committees: dict[tuple[str | None, str | None], str] = {}
    parent = aliased(Instance)
    try:
        with database.read() as session:
            rules = load_rules(session)
            local = (
                select(parent.code, Commune.label, Instance.code)
                .join(parent, parent.id == Instance.parent_id)
                .join(Commune, Commune.id == Instance.commune_id)
            )
            committees = {(of, commune): code for of, commune, code in session.execute(local)}
    except (OperationalError, ProgrammingError):
        rules = []
    file = reading.read(PTCS)
    if not rules:
        rules = [
            Rule(rank, r.objective, r.lead, r.level, r.commune, tuple(r.associated))
            for rank, r in enumerate(file.route, start=1)
        ]
    return rules, {o.code for o in file.operational_objective}, {c.label for c in file.communes}, committees
