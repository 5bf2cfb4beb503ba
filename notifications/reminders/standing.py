"""Whether written reminders still make sense, looked at again before they go."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.reminders.asked import also_told, asked, subjects
from notifications.reminders.fire import current
from notifications.reminders.situation import Situation, load
from states.words import N_
from workflow import reminder_rules
from workflow.models import Person, ReminderRule

WHY: Mapping[str, str] = {
    "done": N_("C'était fait, ou ne vous revenait plus."),
    "moved": N_("L'échéance ou la règle avait changé."),
    "superseded": N_("Un rappel plus récent sur la même échéance l'a remplacé."),
    "account_closed": N_("Le compte était fermé."),
    "no_mail": N_("Vous ne souhaitez pas de rappel par courriel : il n'est montré qu'ici."),
}
"""Why a reminder was not sent: the code that is kept, and the words for it."""


def fallen(session: Session, reminders: Iterable[Any], now: datetime) -> dict[int, str]:
    """Of written reminders those that are not to be sent any more, by id, with the reason's code."""
    rows: Sequence[Any] = list(reminders)
    book, found = reminder_rules.book(session), load(session, {row.dossier_id for row in rows})
    active = set(
        session.scalars(select(Person.id).where(Person.id.in_({row.person_id for row in rows}), Person.active))
    )
    gone = {}
    for row in rows:
        dossier, rule = found[row.dossier_id], book.by_id[row.rule_id]
        subject = current(book, dossier, row, now)
        if row.person_id is not None and row.person_id not in active:
            gone[row.id] = "account_closed"
        elif subject is None:
            gone[row.id] = "moved" if _other_day(rule, dossier, row, now) else "done"
        else:
            late = asked(rule, dossier, subject, now)
            told = [*late]
            if late and row.role in reminder_rules.ESCALATED:
                told += also_told(row.role, dossier, subject, late, now)
            if (row.person_id, row.address) not in {one.who for one in told}:
                gone[row.id] = "done"
    return gone


def _other_day(rule: ReminderRule, dossier: Situation, row: Any, now: datetime) -> bool:
    """Whether the same thing is still to do, by another day or another rule."""
    return dossier.state == rule.state and any(
        (subject.consultation_id, subject.funder_id) == (row.consultation_id, row.funder_id)
        for subject in subjects(rule, dossier, now)
    )


def latest(reminders: Iterable[Any], code: Mapping[int, str]) -> set[int]:
    """The ids of the reminders that are the last rung about their due day for their recipient."""
    last: dict[tuple[Any, ...], Any] = {}
    for row in reminders:
        about = (code[row.rule_id], row.dossier_id, row.consultation_id, row.funder_id, row.person_id, row.address)
        if about not in last or (row.due_version, row.rung) > (last[about].due_version, last[about].rung):
            last[about] = row
    return {row.id for row in last.values()}
