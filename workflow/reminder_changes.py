"""Which planned reminders change where milestones move: for whom, and from which day to which."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from states.dossier import EVALUATOR
from workflow import reminder_rules
from workflow.models import Dossier, Milestone, PlannedReminder
from workflow.reminder_rules import DOSSIER_DUE, Book
from workflow.turns import EVALUATION_TURN, TURNS

Days = Mapping[tuple[str, Any], date | None]
"""New days by milestone and, where it has one for each, funder."""


@dataclass(frozen=True, slots=True)
class Change:
    """Reminders of one rule at one rung that move together: to whom (a role), how many dossiers, from when to when.

    `after` is None where the milestone is left without a day: they come no more.
    """

    rule: str
    role: str
    rung: int
    dossiers: int
    before: date
    after: date | None


def changed_reminders(session: Session, campaign_id: int, new: Days) -> list[Change]:
    """What moves where the milestones of a campaign get the days in `new`; those not named stay. One row for each
    rule, role and day, however many dossiers."""
    rows = session.execute(
        select(Milestone.code, Milestone.funder_id, Milestone.on).where(Milestone.campaign_id == campaign_id)
    )
    before: dict[tuple[str, Any], date | None] = {(code, funder): on for code, funder, on in rows}
    after = {**before, **new}
    book, days = reminder_rules.book(session), reminder_rules.working_days(session)
    found = session.execute(
        select(
            PlannedReminder.rule_id,
            PlannedReminder.rung,
            PlannedReminder.funder_id,
            PlannedReminder.due_on,
            PlannedReminder.on_day,
            func.count(func.distinct(PlannedReminder.dossier_id)),
        )
        .join(Dossier, Dossier.id == PlannedReminder.dossier_id)
        .where(Dossier.campaign_id == campaign_id, or_(*_touched(book, before, after)))
        .group_by(
            PlannedReminder.rule_id,
            PlannedReminder.rung,
            PlannedReminder.funder_id,
            PlannedReminder.due_on,
            PlannedReminder.on_day,
        )
        .order_by(PlannedReminder.on_day)
    )
    changes = []
    for rule_id, rung, funder_id, due_on, on_day, dossiers in found:
        rule = book.by_id[rule_id]
        code = _milestone(rule) or ""
        due = after.get((code, funder_id)) or after.get((code, None)) or _latest(after, code)
        if due != due_on:
            moved = days.add(due, rung) if due else None
            changes += [Change(rule.label, role, rung, dossiers, on_day, moved) for role in _roles(rule, rung)]
    return changes


def _latest(days: Days, code: str) -> date | None:
    return max((on for (name, _), on in days.items() if name == code and on is not None), default=None)


def _milestone(rule: Any) -> str | None:
    """The milestone that a rule's due days follow."""
    if rule.due != DOSSIER_DUE:
        return str(rule.due)
    turn = EVALUATION_TURN if rule.asked == EVALUATOR else TURNS.get(rule.state)
    return turn.milestone if turn else None


def _touched(book: Book, before: Days, after: Days) -> Iterator[ColumnElement[bool]]:
    codes = {code for (code, funder), on in after.items() if on != before.get((code, funder))}
    yield false()
    for rule in book.by_id.values():
        code = _milestone(rule)
        if code in codes:
            of_rule = PlannedReminder.rule_id == rule.id
            # Dossiers that are due by another day than the milestone's do not move along.
            yield and_(of_rule, PlannedReminder.due_on == _latest(before, code)) if rule.due == DOSSIER_DUE else of_rule


def _roles(rule: Any, rung: int) -> list[str]:
    asked = [rule.asked] if rung in rule.offsets else []
    return list(dict.fromkeys([*asked, *(step["to"] for step in rule.escalation if step["offset"] == rung)]))
