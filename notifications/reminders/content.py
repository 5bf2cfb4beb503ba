"""What a digest says: the reminders in it that still stand, by what there is to do."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.messages import one_line
from notifications.reminders.standing import fallen
from workflow import links, reminder_rules
from workflow.clock import local_day
from workflow.models import Dossier, Institution, Organisation, Reminder, ReminderRule, SecretLink

SHOWN = 25
"""How many entries of a group a message lists."""


def content(session: Session, outbox_id: int, base: str, now: datetime) -> dict[str, Any]:
    """What the text of a digest may name: `count` entries in `groups`; none where nothing is left to do.

    A group holds one thing to do (`rule`, its `label`), and whether it is the recipient's (`own`) or somebody else's
    that stays undone; what it has beyond the first `SHOWN` is counted in `more`. Entries come by due day, each with
    its `link`, its `role` and `rung` (why it was sent), and `left`, the working days until it is due (negative: since).
    """
    rows = standing(session, outbox_id, now)
    days, today = reminder_rules.working_days(session), local_day(now)
    groups: dict[tuple[bool, str], dict[str, Any]] = {}
    for row in rows:
        own = row.role not in reminder_rules.ESCALATED or row.role == row.asked or row.instance_id is None
        empty = {"own": own, "rule": row.code, "label": row.label, "entries": [], "more": 0}
        group = groups.setdefault((own, row.code), empty)
        if len(group["entries"]) < SHOWN:
            group["entries"].append(_entry(row, base) | {"left": days.between(today, row.due_on)})
        else:
            group["more"] += 1
    ordered = sorted(groups.values(), key=lambda group: (not group["own"], group["entries"][0]["due_on"]))
    return {"count": len(rows), "groups": ordered}


def standing(session: Session, outbox_id: int, now: datetime) -> list[Any]:
    """The reminders in a message that are still to be done, by due day."""
    rows = session.execute(
        select(
            Reminder.id,
            Reminder.rule_id,
            Reminder.dossier_id,
            Reminder.consultation_id,
            Reminder.funder_id,
            Reminder.due_on,
            Reminder.rung,
            Reminder.role,
            Reminder.person_id,
            Reminder.address,
            ReminderRule.code,
            ReminderRule.label,
            ReminderRule.asked,
            Dossier.number,
            Dossier.title,
            Dossier.instance_id,
            Organisation.name.label("carrier"),
            Institution.label.label("funder"),
            SecretLink.id.label("link_id"),
        )
        .join(ReminderRule, ReminderRule.id == Reminder.rule_id)
        .join(Dossier, Dossier.id == Reminder.dossier_id)
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .outerjoin(Institution, Institution.id == Reminder.funder_id)
        .outerjoin(
            SecretLink,
            (SecretLink.consultation_id == Reminder.consultation_id)
            & (SecretLink.purpose == "expert")
            & SecretLink.ended_at.is_(None),
        )
        .where(Reminder.outbox_id == outbox_id)
        .order_by(Reminder.due_on, Reminder.id)
    ).all()
    gone = fallen(session, rows, now)
    return [row for row in rows if row.id not in gone]


def _entry(row: Any, base: str) -> dict[str, Any]:
    link = f"dossiers/{row.dossier_id}"
    if row.address is not None and row.link_id is not None:
        link = f"expert/{links.token(row.link_id, 'expert')}"
    return {
        "number": row.number or "",
        "title": one_line(row.title),
        "carrier": one_line(row.carrier),
        "funder": row.funder or "",
        "due_on": row.due_on,
        "rung": row.rung,
        "role": row.role,
        "link": f"{base}/{link}",
    }
