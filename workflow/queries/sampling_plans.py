"""What is shown of a draw's ceremony: where it stands, what is awaited of whom, and its public record."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from states.words import N_
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import (
    BeaconAnswer,
    Campaign,
    Dossier,
    FundingRequest,
    JournalEntry,
    Organisation,
    Person,
    PlanParticipant,
    PlanReading,
    RoleGrant,
    Sample,
    SamplePlan,
    SampleUnit,
)
from workflow.sampling import record
from workflow.sampling_plans import OVERSEERS, PURPOSES, ceremony, request, units
from workflow.use_cases.sampling_plans import eligible

DRAWN_SHOWN = 400
"""How many drawn dossiers a page lists; the record itself holds them all."""
STEPS = {
    "planned": N_("Chacun s'engage sur une phrase secrète"),
    "committed": N_("Chacun remet sa phrase"),
    "revealed": N_("Le tirage public est lu par deux personnes"),
    "sealed": N_("L'échantillon est tiré et scellé"),
}
"""The steps by the state in which they are awaited (the last: done)."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody who takes part, as everybody may see them; `secret` only once sealed."""

    rank: int
    name: str
    institution: str | None
    mine: bool
    commitment: str | None
    committed_at: datetime | None
    revealed_at: datetime | None
    secret: str | None


@dataclass(frozen=True)
class Ceremony:
    """A plan as the reader may see it now. `awaited` is what the page asks of the reader: commit, reveal or read.

    `readings` are (name, value, at); the value is None as long as the reader has not read it themselves. `own` is what
    they wrote last, `answer` the round that a beacon answered, once it may be read.
    """

    plan: SamplePlan
    document: Mapping[str, Any]
    planned_by: str
    seats: Sequence[Seat]
    readings: Sequence[tuple[str, str | None, datetime]]
    awaited: str | None
    waiting_for: Sequence[str]
    late: bool
    can_abandon: bool
    sample_id: int | None
    earlier_id: int | None
    drawn: Sequence[Any]
    own: str | None
    answer: BeaconAnswer | None

    @property
    def differs(self) -> bool:
        """Whether the reader wrote something else than the beacon answered."""
        return self.answer is not None and self.own not in (None, self.answer.randomness)

    @property
    def mine(self) -> Seat | None:
        """The reader's own seat."""
        return next((seat for seat in self.seats if seat.mine), None)

    @property
    def live(self) -> bool:
        """Whether more is to come."""
        return self.plan.state not in ("sealed", "abandoned")


def show(session: Session, actor: Actor, plan_id: int, now: datetime) -> Ceremony:
    """A plan for one of those who may follow it. Raises NotFound."""
    plan = _load(session, plan_id)
    document = json.loads(plan.document)
    sealed = plan.state == "sealed"
    seats = [
        Seat(
            one.rank,
            named["name"],
            named["institution"],
            one.person_id == actor.person_id,
            one.commitment,
            one.committed_at,
            one.revealed_at,
            one.secret if sealed else None,
        )
        for one, named in zip(plan.participants, document["participants"], strict=True)
    ]
    own = [one.value for one in plan.readings if one.person_id == actor.person_id]
    has_read = bool(own)
    late = plan.state in ("planned", "committed") and now > plan.reveals_due_at
    readable = plan.state == "revealed" and now >= plan.public_at
    mine = next((seat for seat in seats if seat.mine), None)
    awaited = None
    if mine and not late:
        awaited = {"planned": "commit", "committed": "reveal"}.get(plan.state)
        if (awaited == "commit" and mine.commitment) or (awaited == "reveal" and mine.revealed_at):
            awaited = None
    waiting = {
        "planned": [seat.name for seat in seats if seat.commitment is None],
        "committed": [seat.name for seat in seats if seat.revealed_at is None],
    }.get(plan.state, [])
    sample_id = session.scalar(select(Sample.id).where(Sample.plan_id == plan.id)) if sealed else None
    return Ceremony(
        plan,
        document,
        document["planned_by"],
        seats,
        [(one.person.name, one.value if has_read or sealed else None, one.at) for one in plan.readings],
        "read" if readable else awaited,
        waiting,
        late,
        bool(actor.roles & set(PURPOSES[plan.purpose].planners))
        and (plan.state in ("planned", "committed") or (plan.state == "revealed" and now < plan.public_at)),
        sample_id,
        plan.supersedes_id,
        _drawn(session, sample_id) if sample_id else (),
        own[-1] if own else None,
        plan.answer if readable else None,
    )


def _load(session: Session, plan_id: int) -> SamplePlan:
    plan = session.scalar(
        select(SamplePlan)
        .where(SamplePlan.id == plan_id)
        .options(
            joinedload(SamplePlan.campaign),
            joinedload(SamplePlan.answer),
            selectinload(SamplePlan.participants),
            selectinload(SamplePlan.readings).joinedload(PlanReading.person),
        )
    )
    if plan is None:
        raise NotFound("sample_plan")
    return plan


def _drawn(session: Session, sample_id: int) -> Sequence[Any]:
    return session.execute(
        select(
            Dossier.number,
            SampleUnit.dossier_id,
            SampleUnit.rank,
            SampleUnit.ticket,
            Dossier.title,
            Organisation.name.label("carrier"),
        )
        .join(Dossier, Dossier.id == SampleUnit.dossier_id)
        .join(Dossier.organisation)
        .where(SampleUnit.sample_id == sample_id, SampleUnit.drawn)
        .order_by(SampleUnit.rank)
        .limit(DRAWN_SHOWN)
    ).all()


def public_record(session: Session, plan_id: int) -> dict[str, Any]:
    """The record of a sealed plan, from which alone `binome sample verify` replays it. Raises NotFound."""
    plan = _load(session, plan_id)
    if plan.seed is None:
        raise NotFound("sample_plan")
    return record.make(units(plan.units), request(plan, plan.seed), ceremony(plan, _readers(session, plan)))


def _readers(session: Session, plan: SamplePlan) -> Mapping[int, str]:
    """The names under which the public value was read: people may change theirs since, a record does not change."""
    entries = session.execute(
        select(JournalEntry.actor_id, JournalEntry.actor_name, JournalEntry.details).where(
            JournalEntry.dossier_id.is_(None),
            JournalEntry.subject == f"sample_plan:{plan.id}",
            JournalEntry.act == "read_public_value",
        )
    )
    return {
        entry.actor_id: entry.actor_name
        for entry in entries
        if entry.actor_id is not None and entry.details["value"] == plan.public_value
    }


def published(session: Session, plan_id: int) -> tuple[str, str]:
    """The two texts whose SHA-256 are a plan's hash and its population's: the plan, the population. Raises NotFound."""
    plan = _load(session, plan_id)
    return plan.document, "\n".join(sorted(map(record.line, units(plan.units))))


def plans(session: Session, campaign_id: int | None = None, purpose: str | None = None) -> Sequence[Any]:
    """All plans, or those of a campaign or purpose, newest first: what a list shows of each."""
    statement = (
        select(
            SamplePlan.id,
            SamplePlan.purpose,
            SamplePlan.campaign_id,
            Campaign.label.label("campaign"),
            SamplePlan.state,
            SamplePlan.size,
            SamplePlan.population_size,
            SamplePlan.planned_at,
            SamplePlan.public_at,
        )
        .join(SamplePlan.campaign)
        .order_by(SamplePlan.id.desc())
    )
    if campaign_id is not None:
        statement = statement.where(SamplePlan.campaign_id == campaign_id)
    if purpose is not None:
        statement = statement.where(SamplePlan.purpose == purpose)
    return session.execute(statement).all()


def frame(session: Session, campaign_id: int) -> tuple[int, int]:
    """How many dossiers a new plan would draw from, and all that was granted to them, in cents."""
    granted = (
        select(func.sum(FundingRequest.granted_cents))
        .where(FundingRequest.dossier_id == Dossier.id)
        .correlate(Dossier)
        .scalar_subquery()
    )
    number, cents = session.execute(
        select(func.count(), func.coalesce(func.sum(granted), 0)).where(*eligible(PURPOSES["control"], [campaign_id]))
    ).one()
    return number, int(cents)


def overseers(session: Session) -> Sequence[tuple[int, str, str]]:
    """Who may take part in a ceremony: id, name and institution."""
    holding = select(RoleGrant.person_id).where(RoleGrant.role.in_(OVERSEERS), RoleGrant.ended_at.is_(None))
    found = session.scalars(
        select(Person)
        .where(Person.active, Person.id.in_(holding))
        .options(joinedload(Person.institution))
        .order_by(Person.name, Person.id)
    )
    return [(one.id, one.name, one.institution.label if one.institution else "") for one in found]


def awaited_of(session: Session, person_id: int | None, now: datetime) -> Sequence[int]:
    """The plans that wait for a person's commitment or phrase, or to have the public value read by one who may."""
    seat = (PlanParticipant.plan_id == SamplePlan.id) & (PlanParticipant.person_id == person_id)
    reading = select(PlanReading.id).where(PlanReading.plan_id == SamplePlan.id, PlanReading.person_id == person_id)
    in_time = SamplePlan.reveals_due_at >= now
    return session.scalars(
        select(SamplePlan.id)
        .outerjoin(PlanParticipant, seat)
        .where(
            or_(
                and_(
                    SamplePlan.state == "planned",
                    PlanParticipant.rank > 0,
                    PlanParticipant.commitment.is_(None),
                    in_time,
                ),
                and_(
                    SamplePlan.state == "committed", PlanParticipant.rank > 0, PlanParticipant.secret.is_(None), in_time
                ),
                and_(SamplePlan.state == "revealed", SamplePlan.public_at <= now, ~reading.exists()),
            )
        )
        .order_by(SamplePlan.id)
    ).all()
