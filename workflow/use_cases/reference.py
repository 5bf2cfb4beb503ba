"""Loads the reference data: what it describes is brought up to date, what it proposes is set up once."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from states.dossier import SYSTEM
from workflow import reminder_rules
from workflow.access import SYSTEM_ACTOR
from workflow.models import (
    Base,
    Campaign,
    Commune,
    FunderWindow,
    Instance,
    Institution,
    Objective,
    ReminderRule,
    Route,
    Theme,
)
from workflow.reference.reading import Reference, read
from workflow.rules import keep_version
from workflow.use_cases import control_grid, review
from workflow.use_cases.campaign import add_milestones
from workflow.use_cases.notes import note_change

T = TypeVar("T", bound=Base)


def load(session: Session, path: Path, now: datetime) -> Mapping[str, int]:
    """Load the file at `path`; return how many rows were created or changed, per table.

    Objectives, themes, instances, institutions and communes are created, or brought up to date by code or label.
    Routes and the campaign are proposals that an administrator edits: they are set up only where there is no route,
    or no campaign of that label. Nothing is deleted. Raises BadReference, and nothing is written then.
    """
    reference = read(path)
    touched: Counter[str] = Counter()
    objectives = _objectives(session, reference, touched)
    themes = _put(session, Theme, "code", ({"code": row.id, "label": row.label} for row in reference.theme), touched)
    instances = _put(
        session,
        Instance,
        "code",
        (
            {
                "code": row.id,
                "label": row.label,
                "theme_id": themes[row.theme].id,
                "animating_institutions": row.animators,
                "per_commune": row.per_commune,
                "to_be_created": row.to_be_created,
            }
            for row in reference.instance
        ),
        touched,
    )
    communes = _put(session, Commune, "label", (row.model_dump() for row in reference.communes), touched)
    funders = _institutions(session, reference, touched)
    _routes(session, reference, objectives, instances, communes, touched)
    if touched["route"]:
        session.flush()
        keep_version(session, None, now)
    _campaign(session, reference, funders, now, touched)
    touched["control_grid"] += control_grid.renew(session, now)
    touched["review_grid"] += review.renew(session, now)
    touched[ReminderRule.__tablename__] += reminder_rules.install(session)
    session.flush()
    touched = +touched
    if touched:
        subject = f"programme:{reference.programme.code}"
        note_change(session, SYSTEM_ACTOR, SYSTEM, "load_reference", subject, now, after=touched)
    return touched


def _put(
    session: Session, model: type[T], by: str, rows: Iterable[Mapping[str, Any]], touched: Counter[str]
) -> dict[str, T]:
    """Create or update rows of `model` that `by` names; return all rows of the table by that name."""
    known = {getattr(row, by): row for row in session.scalars(select(model))}
    for values in rows:
        row = known.get(values[by])
        if row is None:
            known[values[by]] = row = model(**values)
            session.add(row)
        else:
            for name, value in values.items():
                if getattr(row, name) != value:
                    setattr(row, name, value)
        touched[model.__tablename__] += row in session.new or session.is_modified(row)
    session.flush()
    return known


def _objectives(session: Session, reference: Reference, touched: Counter[str]) -> dict[str, Objective]:
    levels: tuple[tuple[str, list[tuple[str, str, str | None]]], ...] = (
        ("orientation", [(row.code, row.label, None) for row in reference.orientation]),
        ("strategic", [(row.code, row.label, row.orientation) for row in reference.strategic_objective]),
        ("operational", [(row.code, row.label, row.strategic_objective) for row in reference.operational_objective]),
    )
    known: dict[str, Objective] = {}
    for level, rows in levels:
        values = [
            {"code": code, "label": label, "level": level, "parent_id": known[parent].id if parent else None}
            for code, label, parent in rows
        ]
        known = _put(session, Objective, "code", values, touched)
    return known


def _institutions(session: Session, reference: Reference, touched: Counter[str]) -> dict[str, Institution]:
    """The institutions; returns the funders by their code."""
    rows = {row.label: {"label": row.label, "kind": row.kind} for row in reference.institution}
    for code in reference.funders:
        label = next((label for label in rows if _names(label, code)), code)
        rows.setdefault(label, {"label": code, "kind": code.lower()})["funder_code"] = code
    _put(session, Institution, "label", rows.values(), touched)
    funders = session.scalars(select(Institution).where(Institution.funder_code.in_(reference.funders)))
    return {funder.funder_code or "": funder for funder in funders}


def _names(label: str, code: str) -> bool:
    """Whether an institution's official label is that of the funder `code`: « CAF » in « … de Valenciennes (CAF) »."""
    return label == code or label.startswith(f"{code} ") or label.endswith(f"({code})")


def _routes(
    session: Session,
    reference: Reference,
    objectives: Mapping[str, Objective],
    instances: Mapping[str, Instance],
    communes: Mapping[str, Commune],
    touched: Counter[str],
) -> None:
    if session.scalar(select(Route.id).limit(1)) is not None:
        return
    for position, row in enumerate(reference.route, start=1):
        session.add(
            Route(
                position=position,
                objective_id=objectives[row.objective].id,
                level=row.level,
                commune_id=communes[row.commune].id if row.commune else None,
                lead_id=instances[row.lead].id,
                basis=row.basis,
                associates=[instances[code] for code in row.associated],
            )
        )
    touched["route"] += len(reference.route)


def _campaign(
    session: Session,
    reference: Reference,
    funders: Mapping[str, Institution],
    now: datetime,
    touched: Counter[str],
) -> None:
    proposed = reference.campaign
    if session.scalar(select(Campaign.id).where(Campaign.label == proposed.label)) is not None:
        return
    campaign = Campaign(
        label=proposed.label,
        year=proposed.year or _year(proposed.label) or proposed.first.year,
        first=proposed.first,
        last=proposed.last,
        created_at=now,
    )
    session.add(campaign)
    session.flush()
    windows = [
        FunderWindow(
            campaign_id=campaign.id,
            funder_id=funders[row.funder].id,
            milestone=row.milestone,
            earliest=row.earliest,
            latest=row.latest,
            preferred=row.preferred,
        )
        for row in reference.funder_window
    ]
    session.add_all(windows)
    add_milestones(session, campaign, reference.milestone, [funder.id for funder in funders.values()], windows)
    touched.update({"campaign": 1, "funder_window": len(windows), "milestone": len(campaign.milestones)})


def _year(label: str) -> int | None:
    found = re.search(r"\b(20\d\d)\b", label)
    return int(found[1]) if found else None
