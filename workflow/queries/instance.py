"""The life of an instance beside its board: sessions, members with their load, derogations for late deposits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR, EVALUATOR
from workflow.access import INSTRUCTOR
from workflow.models import (
    CommitteeSession,
    Dossier,
    FundingRequest,
    Institution,
    JointOpinion,
    LateDeposit,
    Organisation,
    Person,
    RoleGrant,
)
from workflow.queries.board import PAGE, Row, Scope
from workflow.queries.load import Load, loads

TABLED_SHOWN = 300

# --- sessions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sessions:
    """The instance's sessions (and the territory's) with what is tabled in each, and what waits to be tabled."""

    sessions: Sequence[Row]
    tabled: Mapping[int, Sequence[Row]]
    """By session, of this instance's dossiers; the first TABLED_SHOWN."""
    waiting: Sequence[Row]
    """The first PAGE, with the verdict of their opinion and what it proposes."""


def meetings(session: Session, where: Scope) -> Sequence[Row]:
    """The sessions of a campaign that an instance's dossiers may be tabled in, with how many of them are."""
    return session.execute(
        select(
            CommitteeSession.id,
            CommitteeSession.label,
            CommitteeSession.on.label("on"),
            CommitteeSession.starts_at,
            CommitteeSession.cancelled_at,
            CommitteeSession.place,
            CommitteeSession.instance_id,
            func.count(Dossier.id).label("dossiers"),
        )
        .outerjoin(Dossier, (Dossier.session_id == CommitteeSession.id) & (Dossier.instance_id == where.instance.id))
        .where(
            CommitteeSession.campaign_id == where.campaign.id,
            or_(CommitteeSession.instance_id.is_(None), CommitteeSession.instance_id == where.instance.id),
        )
        .group_by(CommitteeSession.id)
        .order_by(CommitteeSession.on, CommitteeSession.id)
    ).all()


def sessions(session: Session, where: Scope) -> Sessions:
    """The sessions of an instance, what is tabled in them and what waits, in three statements."""
    found = meetings(session, where)
    tabled: dict[int, list[Row]] = {}
    for row in session.execute(
        select(
            Dossier.session_id,
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Organisation.name.label("carrier"),
        )
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .where(Dossier.session_id.in_([meeting.id for meeting in found]), Dossier.instance_id == where.instance.id)
        .order_by(Dossier.session_id, Dossier.number)
        .limit(TABLED_SHOWN)
    ):
        tabled.setdefault(row.session_id, []).append(row)
    return Sessions(found, tabled, _waiting(session, where))


def _waiting(session: Session, where: Scope) -> Sequence[Row]:
    proposed = (
        select(func.sum(FundingRequest.proposed_cents)).where(FundingRequest.dossier_id == Dossier.id).scalar_subquery()
    )
    return session.execute(
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.version,
            Dossier.due_on.label("due"),
            Organisation.name.label("carrier"),
            JointOpinion.verdict,
            proposed.label("proposed"),
        )
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .outerjoin(JointOpinion, (JointOpinion.dossier_id == Dossier.id) & JointOpinion.superseded_at.is_(None))
        .where(
            Dossier.campaign_id == where.campaign.id,
            Dossier.instance_id == where.instance.id,
            Dossier.state == "opinion",
        )
        .order_by(Dossier.due_on, Dossier.id)
        .limit(PAGE)
    ).all()


# --- members, derogations ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of an instance: what they are in it, since when trained, and what they have to instruct."""

    person_id: int
    name: str
    institution: str
    roles: tuple[str, ...]
    grant_id: int | None
    """Their membership as an instructor, where they are one."""
    trained_on: date | None
    capacity: int
    """Effort points in a campaign, as an instructor."""
    load: Load = field(default_factory=Load)


def members(session: Session, instance_id: int, today: date) -> list[Member]:
    """The people of an instance by name, in two statements."""
    rows = session.execute(
        select(
            Person.id,
            Person.name,
            func.coalesce(Institution.funder_code, Institution.label, "").label("institution"),
            RoleGrant.id.label("grant_id"),
            RoleGrant.role,
            RoleGrant.trained_on,
            RoleGrant.capacity,
        )
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(Institution, Institution.id == Person.institution_id)
        .where(
            RoleGrant.instance_id == instance_id,
            RoleGrant.role.in_((ANIMATOR, INSTRUCTOR, EVALUATOR)),
            RoleGrant.ended_at.is_(None),
            Person.active,
        )
        .order_by(Person.name, Person.id, RoleGrant.role)
    ).all()
    people: dict[int, list[Row]] = {}
    for row in rows:
        people.setdefault(row.id, []).append(row)
    held = loads(session, instance_id, today)
    found = []
    for person_id, grants in people.items():
        own = next((grant for grant in grants if grant.role == INSTRUCTOR), None)
        found.append(
            Member(
                person_id,
                grants[0].name,
                grants[0].institution,
                tuple(grant.role for grant in grants),
                own.grant_id if own else None,
                own.trained_on if own else None,
                own.capacity if own else 0,
                held.get(person_id, Load()),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Derogation:
    """A late deposit that was allowed."""

    carrier: str
    until: date
    reason: str
    by: str
    at: datetime


def late_deposits(session: Session, campaign_id: int) -> list[Derogation]:
    """The derogations written for a campaign, the newest first, in one statement."""
    rows = session.execute(
        select(Organisation.name, LateDeposit.until, LateDeposit.reason, Person.name, LateDeposit.at)
        .join(Organisation, Organisation.id == LateDeposit.organisation_id)
        .join(Person, Person.id == LateDeposit.by_id)
        .where(LateDeposit.campaign_id == campaign_id)
        .order_by(LateDeposit.id.desc())
        .limit(PAGE)
    )
    return [Derogation(*row) for row in rows]
