"""The rules of reminders: those that come with the product, those in force in an instance, and when to plan anew."""

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR, BINOME, CARRIER, CONTROLLER, EVALUATOR, EXPERT, FUNDER, TRANSVERSAL
from workflow.calendars.working_days import WorkingDays
from workflow.models import Closure, Dossier, ReminderRule
from workflow.settings import settings
from workflow.turns import TURNS

DEFAULTS = Path(__file__).parent / "reference" / "reminders.toml"

DOSSIER_DUE, CONSULTATION_DUE, VISIT_DUE, FINDINGS_DUE = "dossier", "consultation", "visit", "findings"
"""Due days that are no milestone's: the dossier's own, a consultation's, that for which a control was announced, that
of the reply to its findings."""

OTHER_MEMBER = "other_member"
"""Whoever instructs together with somebody who is asked."""

ASKED = (CARRIER, ANIMATOR, BINOME, EXPERT, FUNDER, EVALUATOR, CONTROLLER, TRANSVERSAL)
"""Roles that a rule may ask."""

ESCALATED = (OTHER_MEMBER, ANIMATOR, TRANSVERSAL)
"""Who may be told of what stays undone."""

_INSERT: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Escalation(BaseModel):
    """Who else is told, how many working days from the due day."""

    offset: int
    to: Literal["other_member", "animator", "transversal"]


class Default(BaseModel):
    """A rule of the file."""

    code: str
    label: str
    state: str
    due: str
    asked: Literal["carrier", "animator", "binome", "expert", "funder", "evaluator", "controller", "transversal"]
    offsets: list[int]
    escalation: list[Escalation] = []


class _File(BaseModel):
    rule: list[Default]


class RuleLike(Protocol):
    """What a rule says, stored or only being tried."""

    code: Any
    instance_id: Any
    active: Any
    state: Any
    due: Any
    asked: Any
    offsets: Any
    escalation: Any


@cache
def defaults() -> Sequence[Default]:
    """The rules that a new territory starts with."""
    return _File.model_validate(tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))).rule


def install(session: Session) -> int:
    """Give the territory the rules that it lacks; return how many. What somebody edited stays as it is."""
    known = set(session.scalars(select(ReminderRule.code).where(ReminderRule.instance_id.is_(None))))
    missing = [rule.model_dump() | {"active": True} for rule in defaults() if rule.code not in known]
    if missing:
        # Two processes may do it together.
        session.execute(_INSERT[session.get_bind().dialect.name](ReminderRule).on_conflict_do_nothing(), missing)
    return len(missing)


@dataclass(frozen=True)
class Book:
    """All rules, as read at once."""

    by_id: Mapping[int, ReminderRule]
    territory: Mapping[str, Sequence[ReminderRule]]
    own: Mapping[tuple[int, str], ReminderRule]
    """Rules of an instance, by instance and code."""

    def in_force(self, state: str, instance_id: int | None) -> list[ReminderRule]:
        """The active rules for dossiers of an instance in `state`."""
        rules = (
            self.own.get((instance_id, rule.code), rule) if instance_id is not None else rule
            for rule in self.territory.get(state, ())
        )
        return [rule for rule in rules if rule.active and rule.state == state]

    def holds(self, rule_id: int, state: str, instance_id: int | None) -> bool:
        """Whether the rule is in force for such a dossier."""
        return any(rule.id == rule_id for rule in self.in_force(state, instance_id))


def book(session: Session) -> Book:
    """Read all rules, in one statement."""
    rules = session.scalars(select(ReminderRule).order_by(ReminderRule.id)).all()
    territory = defaultdict(list)
    for rule in rules:
        if rule.instance_id is None:
            territory[rule.state].append(rule)
    own = {(rule.instance_id, rule.code): rule for rule in rules if rule.instance_id is not None}
    return Book({rule.id: rule for rule in rules}, territory, own)


def rungs(rule: RuleLike) -> list[int]:
    """All offsets of a rule at which somebody is told, in order."""
    return sorted({*rule.offsets, *(step["offset"] for step in rule.escalation)})


def replan(session: Session, *where: ColumnElement[bool]) -> None:
    """Have the reminders of the dossiers that `where` names planned anew at the next tick; of all without it.

    To be called whenever a day or a rule changes that planned reminders come from. Dossiers whose life is over have
    none.
    """
    session.execute(
        update(Dossier)
        .where(Dossier.state.in_(TURNS), Dossier.reminders_planned, *where)
        .values(reminders_planned=False)
        .execution_options(synchronize_session=False)
    )


def working_days(session: Session) -> WorkingDays:
    """The days on which people work here: public holidays and the closures of everybody are not worked."""
    closures = session.execute(select(Closure.first, Closure.last).where(Closure.institution_id.is_(None))).all()
    return calendar_of(tuple(sorted((first, last) for first, last in closures)))


def calendar_of(closures: tuple[tuple[Any, Any], ...]) -> WorkingDays:
    """The working days around `closures`; made once of each kind, as a calendar counts its years once."""
    return _calendar(closures, settings().alsace_moselle)


@lru_cache(maxsize=4096)
def _calendar(closures: tuple[tuple[Any, Any], ...], alsace_moselle: bool) -> WorkingDays:
    return WorkingDays(closures, alsace_moselle)
