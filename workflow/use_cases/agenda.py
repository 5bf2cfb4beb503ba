"""The link by which a person's calendar elsewhere reads theirs here."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow import links
from workflow.access import Actor
from workflow.models import SecretLink
from workflow.use_cases.notes import note_change
from workflow.use_cases.passwords import SELF

PURPOSE = "agenda"


def live_link(session: Session, person_id: int) -> SecretLink | None:
    """The person's link that works."""
    return session.scalar(
        select(SecretLink)
        .where(SecretLink.purpose == PURPOSE, SecretLink.person_id == person_id, SecretLink.ended_at.is_(None))
        .order_by(SecretLink.id.desc())
        .limit(1)
    )


def reset_link(session: Session, actor: Actor, now: datetime) -> SecretLink:
    """Make a new link for the acting person; the one before works no more."""
    person_id = actor.person_id or 0
    while (old := live_link(session, person_id)) is not None:
        old.ended_at = now
        session.flush()
    link = links.make(session, PURPOSE, {"person_id": person_id}, now)
    note_change(session, actor, SELF, "reset_agenda", link, now)
    return link
