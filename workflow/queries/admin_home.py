"""What needs an administrator: whatever stands still until they act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, ANIMATOR
from workflow.access import Actor
from workflow.models import (
    Campaign,
    Dossier,
    Envelope,
    Instance,
    Institution,
    Milestone,
    Organisation,
    Outbox,
    Person,
    RoleGrant,
    SecretLink,
)

SHOWN = 5
COUNTED = 1000
"""Counts end here, so that the page costs the same whatever the size of the territory."""
STUCK = timedelta(minutes=15)
"""A message that should have left so long ago: nobody delivers."""

Row = Any
"""A named tuple of the columns of a select."""


@dataclass(frozen=True, slots=True)
class Attention:
    """What waits for an administrator; counts end at COUNTED."""

    unrouted: Sequence[Row]
    """The first SHOWN of `unrouted_count`."""
    unrouted_count: int
    failed: int
    stuck: int
    invited: int
    expired: int
    """Of those invited, who has no link any more to come in by."""
    unanimated: Sequence[Row]
    """Instances that nobody animates, with how many dossiers wait in each."""
    campaigns: Sequence[Row]
    """Campaigns not over yet, with their milestones without a day and the funders without an envelope."""

    @property
    def unready(self) -> list[Row]:
        """The campaigns not over yet that lack something."""
        return [row for row in self.campaigns if row.undated or row.lacking]


def attention(session: Session, actor: Actor, now: datetime, today: date) -> Attention:
    """What waits for an administrator, in four statements. Raises Forbidden."""
    actor.require(ADMINISTRATOR)
    unrouted = and_(Dossier.state == "submitted", Dossier.instance_id.is_(None))
    reachable = exists().where(
        SecretLink.person_id == Person.id,
        SecretLink.purpose == "invitation",
        SecretLink.ended_at.is_(None),
        SecretLink.expires_at > now,
    )
    invited = and_(Person.password_hash.is_(None), Person.active)
    counted = {
        "unrouted_count": select(Dossier.id).where(unrouted),
        "failed": select(Outbox.id).where(Outbox.state == "failed"),
        "stuck": select(Outbox.id).where(Outbox.state == "pending", Outbox.next_at < now - STUCK),
        "invited": select(Person.id).where(invited),
        "expired": select(Person.id).where(invited, ~reachable),
    }
    counts = session.execute(
        select(
            *(
                select(func.count()).select_from(of.limit(COUNTED).subquery()).scalar_subquery().label(name)
                for name, of in counted.items()
            )
        )
    ).one()
    first = session.execute(
        select(Dossier.id, Dossier.number, Dossier.title, Organisation.name.label("carrier"), Dossier.due_on)
        .join(Dossier.organisation)
        .where(unrouted)
        .order_by(Dossier.due_on, Dossier.id)
        .limit(SHOWN)
    ).all()
    return Attention(first, **counts._mapping, unanimated=_unanimated(session), campaigns=_running(session, today))


def _unanimated(session: Session) -> Sequence[Row]:
    """Instances to be created are not missed before a dossier goes to them."""
    animated = exists().where(
        RoleGrant.instance_id == Instance.id,
        RoleGrant.role == ANIMATOR,
        RoleGrant.ended_at.is_(None),
        RoleGrant.person_id == Person.id,
        Person.active,
    )
    waiting = (
        select(func.count())
        .where(Dossier.instance_id == Instance.id, Dossier.state == "submitted")
        .correlate(Instance)
        .scalar_subquery()
    )
    missing = select(Instance.id, Instance.label, Instance.to_be_created, waiting.label("waiting")).where(~animated)
    rows = session.execute(missing.order_by(Instance.label)).all()
    return [row for row in rows if row.waiting or not row.to_be_created]


def _running(session: Session, today: date) -> Sequence[Row]:
    undated = (
        select(func.count(case((Milestone.on.is_(None), 1))))
        .where(Milestone.campaign_id == Campaign.id)
        .scalar_subquery()
    )
    has_envelope = exists().where(Envelope.funder_id == Institution.id, Envelope.campaign_id == Campaign.id)
    lacking = (
        select(func.count()).select_from(Institution).where(Institution.funder_code.is_not(None), ~has_envelope)
    ).correlate(Campaign)
    return session.execute(
        select(
            Campaign.id,
            Campaign.label,
            Campaign.first,
            Campaign.last,
            undated.label("undated"),
            lacking.scalar_subquery().label("lacking"),
        )
        .where(Campaign.last >= today)
        .order_by(Campaign.first.desc(), Campaign.id.desc())
    ).all()
