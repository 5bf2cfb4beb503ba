"""What is known of dossiers as far as reminders ask: by when what is due, who is asked, and what was done when.

Everything is kept with its time, so that the same answers serve today and a day of the last campaign.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR, CARRIER, CONTROLLER, EVALUATOR, FUNDER, TRANSVERSAL
from workflow.models import (
    BinomeMember,
    Consultation,
    Dossier,
    Expert,
    FundingRequest,
    LateDeposit,
    Milestone,
    Mission,
    Opinion,
    Person,
    Report,
    RoleGrant,
)

AT_ONCE = 1000
"""How many ids one statement names."""


@dataclass(frozen=True, slots=True)
class Span:
    """What somebody was or did from an instant to another; None: until now, or never."""

    person_id: int
    first: datetime
    last: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether it was so at an instant."""
        return self.first <= at and (self.last is None or at < self.last)


Grants = Mapping[tuple[str, int | None], Sequence[Span]]
"""Who holds a role, by role and scope. Closed accounts are left out."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A question put to an expert."""

    id: int
    address: str
    due_on: date
    version: int
    first: datetime
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Control:
    """What is known of the control mission."""

    controller_id: int | None
    second_id: int | None
    visit_on: date | None
    found_at: datetime | None
    reply_due_on: date | None
    version: int
    replied_at: datetime | None
    concluded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Day:
    """The day of a milestone, of a funder's own where it has one; and how many it had."""

    funder_id: int | None
    on: date
    version: int
    moved_at: datetime | None


@dataclass
class Situation:
    """One dossier."""

    id: int
    campaign_id: int
    organisation_id: int
    instance_id: int | None
    state: str
    state_since: datetime
    due_on: date | None
    due_version: int
    due_since: datetime | None
    reminders_planned: bool
    grants: Grants
    milestones: Mapping[str, Sequence[Day]]
    late_until: date | None = None
    members: list[Span] = field(default_factory=list)
    sealed: list[Span] = field(default_factory=list)
    lines: dict[int, datetime | None] = field(default_factory=dict)
    """Each funder that is asked for money, and when it decided."""
    final_report_at: datetime | None = None
    consultations: list[Asking] = field(default_factory=list)
    control: Control | None = None

    def holders(self, role: str, scope: int | None, at: datetime) -> list[Span]:
        """Who held a role at an instant."""
        return [span for span in self.grants.get((role, scope), ()) if span.holds(at)]


def load(session: Session, ids: Iterable[int]) -> dict[int, Situation]:
    """The situations of dossiers, by id, in a fixed number of statements for each thousand."""
    found: dict[int, Situation] = {}
    for wanted in batches(ids):
        found |= _load(session, wanted)
    return found


def batches(ids: Iterable[int]) -> Iterator[list[int]]:
    """Ids in lists that a statement can name."""
    rest = iter(ids)
    while batch := list(islice(rest, AT_ONCE)):
        yield batch


def _load(session: Session, wanted: list[int]) -> dict[int, Situation]:
    rows: Sequence[Any] = session.execute(
        select(
            Dossier.id,
            Dossier.campaign_id,
            Dossier.organisation_id,
            Dossier.instance_id,
            Dossier.state,
            Dossier.state_since,
            Dossier.due_on,
            Dossier.due_version,
            Dossier.due_since,
            Dossier.reminders_planned,
        ).where(Dossier.id.in_(wanted))
    ).all()
    milestones = _milestones(session, {row.campaign_id for row in rows})
    lines = _rows(session, FundingRequest.dossier_id, FundingRequest.funder_id, FundingRequest.decided_at, wanted)
    grants = _grants(session, rows, {line[1] for line in lines})
    late = _late(session, rows)
    found = {
        row.id: Situation(
            **row._mapping, grants=grants, milestones=milestones[row.campaign_id], late_until=late.get(_place(row))
        )
        for row in rows
    }
    for dossier_id, funder_id, decided_at in lines:
        found[dossier_id].lines[funder_id] = decided_at
    _fill(session, found, wanted)
    return found


def _place(row: Any) -> tuple[int, int]:
    return row.campaign_id, row.organisation_id


def _rows(session: Session, key: Any, *columns: Any) -> Sequence[Any]:
    *selected, wanted = columns
    return session.execute(select(key, *selected).where(key.in_(wanted))).all()


def _fill(session: Session, found: Mapping[int, Situation], wanted: list[int]) -> None:
    """Who instructs, what was sealed, reported, asked of experts and controlled."""
    Seat = BinomeMember  # noqa: N806 - a short name for a class
    for key, *span in _rows(session, Seat.dossier_id, Seat.person_id, Seat.since, Seat.left_at, wanted):
        found[key].members.append(Span(*span))
    sealed = select(Opinion.dossier_id, Opinion.author_id, Opinion.sealed_at, Opinion.superseded_at).where(
        Opinion.dossier_id.in_(wanted), Opinion.sealed_at.is_not(None)
    )
    for key, *span in session.execute(sealed):
        found[key].sealed.append(Span(*span))
    reports = select(Report.dossier_id, Report.at).where(Report.dossier_id.in_(wanted), Report.kind == "final")
    for key, at in session.execute(reports):
        found[key].final_report_at = at
    asked = (
        select(
            Consultation.dossier_id,
            Consultation.id,
            Expert.email,
            Consultation.due_on,
            Consultation.version,
            Consultation.asked_at,
            Consultation.ended_at,
        )
        .join(Expert, Expert.id == Consultation.expert_id)
        .where(Consultation.dossier_id.in_(wanted))
        .order_by(Consultation.id)
    )
    for row in session.execute(asked):
        found[row[0]].consultations.append(Asking(*row[1:]))
    missions = _rows(
        session,
        Mission.dossier_id,
        Mission.controller_id,
        Mission.second_id,
        Mission.visit_on,
        Mission.found_at,
        Mission.reply_due_on,
        Mission.version,
        Mission.replied_at,
        Mission.concluded_at,
        wanted,
    )
    for key, *control in missions:
        found[key].control = Control(*control)


def _milestones(session: Session, campaigns: set[int]) -> Mapping[int, Mapping[str, Sequence[Day]]]:
    days: dict[int, dict[str, list[Day]]] = {campaign: defaultdict(list) for campaign in campaigns}
    rows = session.execute(
        select(
            Milestone.campaign_id,
            Milestone.code,
            Milestone.funder_id,
            Milestone.on,
            Milestone.version,
            Milestone.moved_at,
        ).where(Milestone.campaign_id.in_(campaigns), Milestone.on.is_not(None))
    )
    for campaign_id, code, funder_id, on, version, moved_at in rows:
        if on is not None:
            days[campaign_id][code].append(Day(funder_id, on, version, moved_at))
    return days


def _grants(session: Session, rows: Sequence[Any], funders: set[int]) -> Grants:
    scoped = {
        CARRIER: (RoleGrant.organisation_id, {row.organisation_id for row in rows}),
        ANIMATOR: (RoleGrant.instance_id, {row.instance_id for row in rows}),
        EVALUATOR: (RoleGrant.instance_id, {row.instance_id for row in rows}),
        FUNDER: (RoleGrant.institution_id, funders),
    }
    scope = func.coalesce(RoleGrant.organisation_id, RoleGrant.instance_id, RoleGrant.institution_id)
    held = (
        select(RoleGrant.role, scope, RoleGrant.person_id, RoleGrant.granted_at, RoleGrant.ended_at, RoleGrant.id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(Person.active)
    )
    # One part for each role, each with its index: with OR between them every grant would be looked at.
    parts = [held.where(RoleGrant.role == role, column.in_(ids)) for role, (column, ids) in scoped.items()]
    parts += [held.where(RoleGrant.role == role) for role in (TRANSVERSAL, CONTROLLER)]
    found = sorted(session.execute(union_all(*parts)).all(), key=lambda row: row.id)
    grants: dict[tuple[str, int | None], list[Span]] = defaultdict(list)
    for role, place, person_id, granted_at, ended_at, _ in found:
        grants[role, place].append(Span(person_id, granted_at, ended_at))
    return grants


def _late(session: Session, rows: Sequence[Any]) -> Mapping[tuple[int, int], date]:
    """Until when carriers may deposit after the deadline, by campaign and organisation."""
    drafts = [row for row in rows if row.state == "draft"]
    if not drafts:
        return {}
    found = session.execute(
        select(LateDeposit.campaign_id, LateDeposit.organisation_id, func.max(LateDeposit.until))
        .where(LateDeposit.organisation_id.in_({row.organisation_id for row in drafts}))
        .group_by(LateDeposit.campaign_id, LateDeposit.organisation_id)
    )
    return {(campaign, organisation): until for campaign, organisation, until in found}
