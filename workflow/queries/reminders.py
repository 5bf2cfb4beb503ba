"""Reminders as people look at them: what they received and why, and the rules that hold where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workflow.access import Actor
from workflow.models import Dossier, Outbox, Reminder, ReminderRule
from workflow.models.reminders import ReminderPreference

Row = Any
"""A named tuple of the columns of a select."""

SHOWN = 100


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule that holds, and whether it is the instance's own, saying something else than the territory's."""

    rule: ReminderRule
    own: bool


def preference(session: Session, person_id: int) -> tuple[int, bool]:
    """The person's hour, and whether they are reminded by mail."""
    row = session.get(ReminderPreference, person_id)
    return (row.hour, row.by_mail) if row else (8, True)


def history(session: Session, actor: Actor) -> Sequence[Row]:
    """The last reminders of the acting person, the newest first: what, on which dossier, as what, when or why not."""
    return session.execute(
        select(
            Reminder.id,
            ReminderRule.label,
            Reminder.rung,
            Reminder.due_on,
            Reminder.role,
            Reminder.state,
            Reminder.why,
            Reminder.created_at,
            Reminder.deliver_at,
            Reminder.decided_at,
            Outbox.state.label("message"),
            Dossier.id.label("dossier_id"),
            Dossier.number,
            Dossier.title,
            func.count().over().label("total"),
        )
        .join(ReminderRule, ReminderRule.id == Reminder.rule_id)
        .join(Dossier, Dossier.id == Reminder.dossier_id)
        .outerjoin(Outbox, Outbox.id == Reminder.outbox_id)
        .where(Reminder.person_id == actor.person_id)
        .order_by(Reminder.id.desc())
        .limit(SHOWN)
    ).all()


def rules(session: Session, instance_id: int | None) -> list[RuleShown]:
    """The rules that hold in an instance (None: in the territory), in the order of a dossier's life as installed."""
    rows = session.scalars(select(ReminderRule).order_by(ReminderRule.id)).all()
    territory = {row.code: row for row in rows if row.instance_id is None}
    own = {row.code: row for row in rows if instance_id is not None and row.instance_id == instance_id}
    return [
        RuleShown(own.get(code, row), code in own and _says(own[code]) != _says(row)) for code, row in territory.items()
    ]


def _says(rule: ReminderRule) -> tuple[Any, ...]:
    return rule.label, rule.active, rule.offsets, rule.escalation
