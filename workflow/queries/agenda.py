"""What a person's calendar elsewhere holds: their tasks, the sessions that concern them, the milestones."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, ANIMATOR, CARRIER, EVALUATOR, TRANSVERSAL
from workflow.access import INSTRUCTOR, Actor
from workflow.errors import NotFound
from workflow.models import Campaign, CommitteeSession, Dossier, FundingRequest, Instance, Milestone
from workflow.queries.home import Task, awaiting
from workflow.turns import TURNS

Row = Any
"""A named tuple of the columns of a select."""

KEPT = timedelta(days=60)
"""How long what is past, or was cancelled, stays."""
MOST = 500
"""How many due days of an instance's dossiers are given, the next ones first."""


def tasks(session: Session, actor: Actor, today: date) -> Sequence[tuple[Task, Row]]:
    """What awaits a person by a day, each with its dossier's version of that day and since when it waits."""
    found = [task for task in awaiting(session, actor, today).tasks if task.due_on]
    rows = session.execute(
        select(Dossier.id, Dossier.due_version, Dossier.state_since).where(
            Dossier.id.in_([task.dossier_id for task in found])
        )
    )
    versions = {row.id: row for row in rows}
    return [(task, versions[task.dossier_id]) for task in found]


def sessions(session: Session, actor: Actor, today: date) -> Sequence[Row]:
    """The sessions of a person's instances, the territory's, and those at which their institution decides."""
    statement = _sessions(today)
    if not actor.roles & {TRANSVERSAL, ADMINISTRATOR}:
        decides = exists().where(
            Dossier.session_id == CommitteeSession.id,
            FundingRequest.dossier_id == Dossier.id,
            FundingRequest.funder_id.in_(actor.funders),
        )
        own = CommitteeSession.instance_id.in_(actor.instances(ANIMATOR, INSTRUCTOR, EVALUATOR))
        everybodys = CommitteeSession.instance_id.is_(None) & bool(actor.roles - {CARRIER})
        statement = statement.where(or_(own, everybodys, decides))
    return session.execute(statement).all()


def _sessions(today: date) -> Any:
    return (
        select(
            CommitteeSession.id,
            CommitteeSession.label,
            CommitteeSession.on.label("on"),
            CommitteeSession.starts_at,
            CommitteeSession.place,
            CommitteeSession.sequence,
            CommitteeSession.cancelled_at,
            Campaign.created_at,
            Instance.label.label("instance"),
        )
        .join(Campaign, Campaign.id == CommitteeSession.campaign_id)
        .outerjoin(CommitteeSession.instance)
        .where(CommitteeSession.on >= today - KEPT)
        .order_by(CommitteeSession.on, CommitteeSession.id)
    )


def milestones(session: Session, actor: Actor, today: date) -> Sequence[Row]:
    """The dated milestones that are common, or the person's institution's own."""
    return session.execute(
        select(
            Milestone.id,
            Milestone.label,
            Milestone.on.label("on"),
            Milestone.version,
            Campaign.id.label("campaign_id"),
            Campaign.label.label("campaign"),
            Campaign.created_at,
        )
        .join(Milestone.campaign)
        .where(
            Milestone.on >= today - KEPT,
            or_(Milestone.funder_id.is_(None), Milestone.funder_id.in_(actor.funders)),
        )
        .order_by(Milestone.on, Milestone.id)
    ).all()


def instances(session: Session, actor: Actor) -> Sequence[Instance]:
    """The instances whose calendar a person may follow."""
    statement = select(Instance).order_by(Instance.label)
    if not actor.roles & {TRANSVERSAL, ADMINISTRATOR}:
        statement = statement.where(Instance.id.in_(actor.instances(ANIMATOR, INSTRUCTOR, EVALUATOR)))
    return session.scalars(statement).all()


def instance(
    session: Session, actor: Actor, instance_id: int, today: date
) -> tuple[Instance, Sequence[Row], Sequence[Row]]:
    """An instance, its sessions, and the due days of its dossiers. Raises NotFound for whoever may not follow it."""
    found = next((row for row in instances(session, actor) if row.id == instance_id), None)
    if found is None:
        raise NotFound("instance")
    meetings = session.execute(
        _sessions(today).where(or_(CommitteeSession.instance_id == instance_id, CommitteeSession.instance_id.is_(None)))
    ).all()
    dossiers = session.execute(
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.due_on,
            Dossier.due_version,
            Dossier.state_since,
        )
        .where(
            Dossier.instance_id == instance_id,
            Dossier.state.in_(set(TURNS) - {"draft"}),
            Dossier.due_on >= today - KEPT,
        )
        .order_by(Dossier.due_on, Dossier.id)
        .limit(MOST)
    ).all()
    return found, meetings, dossiers
