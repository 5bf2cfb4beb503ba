"""Who takes part in a draw and has not done their part is reminded once, the day before it is due."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from notifications.reminders.fire import INSERT
from workflow.clock import local_day
from workflow.models import Absence, Outbox, Person, PlanParticipant, ReminderPreference, SamplePlan
from workflow.plan_messages import row

BEFORE = timedelta(days=1)
KIND = "draw_phrase_due"


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(
        or_(
            and_(SamplePlan.state == "planned", PlanParticipant.commitment.is_(None)),
            and_(SamplePlan.state == "committed", PlanParticipant.secret.is_(None)),
        ),
        SamplePlan.reveals_due_at > now,
        SamplePlan.reveals_due_at <= now + BEFORE,
    )


def _awaited(now: datetime) -> Select[SamplePlan, int]:
    """The plans and persons to remind."""
    today = local_day(now)
    away = select(Absence.id).where(
        Absence.person_id == PlanParticipant.person_id, Absence.first <= today, Absence.last >= today
    )
    seat = cast(SamplePlan.id, String) + ":" + cast(PlanParticipant.person_id, String)
    told = select(Outbox.id).where(Outbox.key == literal(f"{KIND}:sample_plan:") + seat)
    return (
        select(SamplePlan, PlanParticipant.person_id)
        .join(PlanParticipant, PlanParticipant.plan_id == SamplePlan.id)
        .join(Person, Person.id == PlanParticipant.person_id)
        .outerjoin(ReminderPreference, ReminderPreference.person_id == Person.id)
        .where(
            _due(now),
            Person.active,
            func.coalesce(ReminderPreference.by_mail, True),
            ~away.exists(),
            ~told.exists(),
        )
        .order_by(SamplePlan.id, PlanParticipant.rank)
    )


def waiting(session: Session, now: datetime) -> bool:
    """Whether somebody is to be reminded."""
    return session.execute(_awaited(now).limit(1)).first() is not None


def remind(session: Session, now: datetime) -> int:
    """Write the reminders that are due; return how many. Who wants no reminders by mail, or is away, gets none.

    Any number of processes may do it at once: the messages' keys are unique.
    """
    found = session.execute(_awaited(now)).all()
    mails = [row(plan, KIND, person, now, committed=plan.state == "committed") for plan, person in found]
    if mails:
        insert = INSERT[session.get_bind().dialect.name](Outbox)
        session.execute(insert.values(mails).on_conflict_do_nothing(index_elements=["key"]))
    return len(mails)
