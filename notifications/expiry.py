"""Consultations whose due day has passed expire; the dossier then goes back to its binôme by itself."""

from collections import Counter
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from notifications.errors import describe
from workflow.access import SYSTEM_ACTOR
from workflow.clock import local_day
from workflow.db import Database
from workflow.errors import DomainError
from workflow.models import Consultation
from workflow.use_cases import perform

log = structlog.get_logger(__name__)


def expire(database: Database, now: datetime) -> Counter[str]:
    """Let every overdue consultation expire, each in a unit of work of its own; return how many expired and failed.

    One that is refused (it was answered meanwhile) or fails is left for the next time and stops no other.
    """
    with database.read() as session:
        overdue = session.execute(
            select(Consultation.id, Consultation.dossier_id)
            .where(Consultation.state == "asked", Consultation.due_on < local_day(now))
            .order_by(Consultation.id)
        ).all()
    done: Counter[str] = Counter()
    for consultation_id, dossier_id in overdue:
        try:
            with database.write() as session:
                perform(session, SYSTEM_ACTOR, "expire", dossier_id, now=now, subject_id=consultation_id)
            done["expired"] += 1
        except (DomainError, SQLAlchemyError) as error:
            log.warning("expiry", consultation_id=consultation_id, error=describe(error))
            done["not_expired"] += 1
    return done
