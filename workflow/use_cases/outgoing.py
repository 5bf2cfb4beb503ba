"""Outgoing messages: what was given up is tried again when an administrator says so."""

from datetime import datetime

from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from states.machine import Reason
from states.words import N_
from workflow.access import Actor
from workflow.errors import NotFound, Refused
from workflow.models import Outbox
from workflow.use_cases.notes import note_change, snapshot


def retry(session: Session, actor: Actor, outbox_id: int, now: datetime) -> Outbox:
    """Put a failed message back among those to deliver, with all its attempts; journaled.

    Raises Forbidden, NotFound, or Refused where the message has not failed.
    """
    actor.require(ADMINISTRATOR)
    row = session.get(Outbox, outbox_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("message")
    if row.state != "failed":
        raise Refused(
            Reason(
                "not_failed",
                N_("Ce message n'est pas en échec."),
                N_("Seul un message dont l'envoi a échoué se renvoie."),
            )
        )
    before = snapshot(row, "state", "attempts")
    row.state, row.attempts, row.next_at, row.leased_until = "pending", 0, now, None
    session.flush()
    note_change(
        session,
        actor,
        ADMINISTRATOR,
        "retry_message",
        row,
        now,
        before=before,
        after=snapshot(row, "state", "attempts"),
    )
    return row
