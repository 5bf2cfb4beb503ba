"""Outgoing messages: what was given up is tried again when an administrator says so."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from states.machine import Reason
from states.words import N_
from workflow.access import Actor
from workflow.errors import NotFound, Refused
from workflow.models import Outbox, Person, RefusedAddress
from workflow.use_cases.notes import note_change, snapshot


def clear_address(session: Session, actor: Actor, address: str, now: datetime) -> None:
    """Write again to an address that its server refused once; journaled. Raises Forbidden or NotFound."""
    actor.require(ADMINISTRATOR)
    row = session.get(RefusedAddress, address)
    if row is None:
        raise NotFound("address")
    person = session.scalar(select(Person.id).where(func.lower(Person.email) == address))
    subject = f"person:{person}" if person else "refused_address"  # an address is written in the journal by nobody
    note_change(session, actor, ADMINISTRATOR, "clear_address", subject, now, before={"answer": row.answer})
    session.delete(row)


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
