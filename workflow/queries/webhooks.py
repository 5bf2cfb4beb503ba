"""Webhooks as the administrator sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from workflow.access import Actor
from workflow.models import Outbox, Webhook

LAST = 5
"""How many calls of each are shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A webhook with its last calls, the newest first."""

    webhook: Webhook
    calls: Sequence[Any]


def webhooks(session: Session, actor: Actor) -> list[Shown]:
    """The webhooks that are told of acts. Raises Forbidden for anybody but administrators."""
    actor.require(ADMINISTRATOR)
    rows = session.scalars(select(Webhook).where(Webhook.active).order_by(Webhook.id)).all()
    return [
        Shown(
            row,
            session.execute(
                select(Outbox.id, Outbox.state, Outbox.error, Outbox.sent_at, Outbox.next_at, Outbox.attempts)
                .where(Outbox.webhook_id == row.id)
                .order_by(Outbox.id.desc())
                .limit(LAST)
            ).all(),
        )
        for row in rows
    ]
