"""What an act is: its life, its input, its effect; and the case on which it is being performed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from marshmallow import Schema
from sqlalchemy.orm import Session

from states.facts import Facts
from states.table import Table
from workflow.access import Actor
from workflow.clock import local_day
from workflow.errors import Invalid
from workflow.forms import Form
from workflow.models import Consultation, Dossier, Mission, Review

Part = Consultation | Mission | Review
"""What has a smaller life beside its dossier's."""
Subject = Dossier | Part


@dataclass
class Case:
    """One act under way: who does what, on which locked dossier, with which input; and what it leads to.

    Effects write the domain rows, `details` go to the journal, `tellings` become outbox rows.
    """

    session: Session
    actor: Actor
    roles: frozenset[str]
    dossier: Dossier
    subject: Subject
    now: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    target: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    payload: dict[str, Any] = field(default_factory=dict)
    """What the messages about this act need besides the dossier (texts, sums, links)."""
    due_on: date | None = None
    """The day by which the next act is due, where the campaign's calendar does not say it."""
    result: Any = None
    followed: list[str] = field(default_factory=list)
    """The system's events that it led to at once."""

    @property
    def today(self) -> date:
        """The Paris day on which the act happens."""
        return local_day(self.now)

    @property
    def person_id(self) -> int:
        """The acting person's id; Invalid for actors without an account (they have no such act)."""
        if self.actor.person_id is None:
            raise Invalid({"_schema": ["person"]})
        return self.actor.person_id


def _nothing(case: Case) -> None:
    """The effect of an act that only changes the state."""


@dataclass(frozen=True)
class Act:
    """An event or act of a life: its input schema and its effect. Who and when stand in the table."""

    name: str
    table: Table
    form: type[Schema] = Form
    effect: Callable[[Case], None] = _nothing
    versioned: bool = True
    """Whether it counts as a change that other open pages must have seen."""
    quiet: bool = False
    """Too frequent and too small to be journaled (a draft being typed)."""
