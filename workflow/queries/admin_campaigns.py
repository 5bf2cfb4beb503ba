"""Campaigns as an administrator sets them up: milestones, funders' windows, envelopes, sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, func, null, select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, STATES
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import (
    Campaign,
    CommitteeSession,
    Dossier,
    Envelope,
    FunderWindow,
    FundingRequest,
    Instance,
    Institution,
    Milestone,
    Objective,
)
from workflow.queries.choices import Option

Row = Any
"""A named tuple of the columns of a select."""

_SHORT = func.coalesce(Institution.funder_code, Institution.label)
_OVER = ("draft", "inadmissible", "withdrawn")
"""States in which nothing is asked (any more)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone; `funder` where each has its own day. `windows` say when which funder can."""

    id: int
    code: str
    label: str
    funder_id: int | None
    funder: str | None
    on: date | None
    after: str | None
    min_gap: int | None
    max_gap: int | None
    windows: Sequence[Row] = ()

    @property
    def name(self) -> str:
        """The label, with the funder's where the day is its own."""
        return f"{self.label} – {self.funder}" if self.funder else self.label

    @property
    def missed(self) -> list[Row]:
        """The windows that the day does not fall in."""
        return [row for row in self.windows if self.on and not row.earliest <= self.on <= row.latest]


@dataclass(frozen=True, slots=True)
class Purse:
    """What one funder has for a campaign, and what stands against it, in cents."""

    funder_id: int
    funder: str
    envelopes: Sequence[Row]
    asked: int
    proposed: int
    granted: int

    @property
    def total(self) -> int:
        """All its envelopes together."""
        return sum(row.total for row in self.envelopes)


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """All that an administrator sets up for a campaign."""

    campaign: Row
    steps: Sequence[Step]
    purses: Sequence[Purse]
    sessions: Sequence[Row]
    states: Sequence[Row]
    """How many dossiers stand in each state, in the order of a dossier's life."""


def campaigns(session: Session, actor: Actor) -> Sequence[Row]:
    """Every campaign, the newest first, in one statement. Raises Forbidden."""
    actor.require(ADMINISTRATOR)
    steps = (
        select(
            Milestone.campaign_id,
            func.count().label("steps"),
            func.count(case((Milestone.on.is_(None), 1))).label("undated"),
        )
        .group_by(Milestone.campaign_id)
        .subquery()
    )
    money = (
        select(Envelope.campaign_id, func.sum(Envelope.total_cents).label("total"))
        .group_by(Envelope.campaign_id)
        .subquery()
    )
    return session.execute(
        select(
            Campaign.id,
            Campaign.label,
            Campaign.first,
            Campaign.last,
            func.coalesce(steps.c.steps, 0).label("steps"),
            func.coalesce(steps.c.undated, 0).label("undated"),
            money.c.total.label("total"),
        )
        .outerjoin(steps, steps.c.campaign_id == Campaign.id)
        .outerjoin(money, money.c.campaign_id == Campaign.id)
        .order_by(Campaign.first.desc(), Campaign.id.desc())
    ).all()


def campaign(session: Session, actor: Actor, campaign_id: int) -> CampaignFile:
    """One campaign, in eight statements. Raises NotFound or Forbidden."""
    found = _campaign(session, actor, campaign_id)
    counts = session.execute(
        select(Dossier.state, func.count().label("count")).where(Dossier.campaign_id == campaign_id).group_by("state")
    )
    return CampaignFile(
        found,
        steps(session, campaign_id),
        _purses(session, actor, campaign_id),
        _sessions(session, campaign_id),
        sorted(counts, key=lambda row: list(STATES).index(row.state)),
    )


def calendar(session: Session, actor: Actor, campaign_id: int) -> tuple[Row, Sequence[Step]]:
    """A campaign and its milestones with the funders' windows, in three statements. Raises NotFound or Forbidden."""
    return _campaign(session, actor, campaign_id), steps(session, campaign_id)


def orientations(session: Session) -> list[Option]:
    """The orientations that an envelope may be kept for."""
    rows = session.execute(
        select(Objective.id, Objective.code, Objective.label)
        .where(Objective.level == "orientation")
        .order_by(Objective.code)
    )
    return [(row.id, f"{row.code} – {row.label}") for row in rows]


def _campaign(session: Session, actor: Actor, campaign_id: int) -> Row:
    actor.require(ADMINISTRATOR)
    statement = select(Campaign.id, Campaign.label, Campaign.year, Campaign.first, Campaign.last)
    found = session.execute(statement.where(Campaign.id == campaign_id)).one_or_none()
    if found is None:
        raise NotFound("campaign")
    return found


def steps(session: Session, campaign_id: int) -> list[Step]:
    """A campaign's milestones in its order, with the funders' windows, in two statements."""
    windows = session.execute(
        select(
            FunderWindow.milestone,
            FunderWindow.funder_id,
            _SHORT.label("funder"),
            FunderWindow.earliest,
            FunderWindow.latest,
            FunderWindow.preferred,
        )
        .join(FunderWindow.funder)
        .where(FunderWindow.campaign_id == campaign_id)
        .order_by(FunderWindow.earliest, FunderWindow.id)
    ).all()
    rows = session.execute(
        select(
            Milestone.id,
            Milestone.code,
            Milestone.label,
            Milestone.funder_id,
            _SHORT.label("funder"),
            Milestone.on,
            Milestone.after,
            Milestone.min_gap,
            Milestone.max_gap,
        )
        .outerjoin(Milestone.funder)
        .where(Milestone.campaign_id == campaign_id)
        .order_by(Milestone.position, Institution.label, Milestone.id)
    )
    return [
        Step(
            *row,
            windows=[
                window
                for window in windows
                if window.milestone == row.code and row.funder_id in (None, window.funder_id)
            ],
        )
        for row in rows
    ]


def _proposed(actor: Actor) -> ColumnElement[Any]:
    """What is proposed is a secret of the dossiers that the reader carries."""
    own = actor.organisations
    column = FundingRequest.proposed_cents
    return case((Dossier.organisation_id.in_(own), null()), else_=column) if own else column.expression


def _purses(session: Session, actor: Actor, campaign_id: int) -> list[Purse]:
    sums = {
        row.funder_id: row
        for row in session.execute(
            select(
                FundingRequest.funder_id,
                func.sum(FundingRequest.asked_cents).label("asked"),
                func.sum(_proposed(actor)).label("proposed"),
            )
            .join(Dossier, Dossier.id == FundingRequest.dossier_id)
            .where(Dossier.campaign_id == campaign_id, Dossier.state.not_in(_OVER))
            .group_by(FundingRequest.funder_id)
        )
    }
    envelopes = session.execute(
        select(
            Envelope.id,
            Envelope.funder_id,
            Envelope.orientation_id,
            Objective.label.label("orientation"),
            Envelope.total_cents.label("total"),
            Envelope.granted_cents.label("granted"),
        )
        .outerjoin(Envelope.orientation)
        .where(Envelope.campaign_id == campaign_id)
        .order_by(Envelope.orientation_id.is_not(None), Objective.code)
    ).all()
    funders = session.execute(
        select(Institution.id, _SHORT.label("label")).where(Institution.funder_code.is_not(None)).order_by("label")
    )
    purses = []
    for funder in funders:
        own = [row for row in envelopes if row.funder_id == funder.id]
        held = sums.get(funder.id)
        asked, proposed = (int(held.asked or 0), int(held.proposed or 0)) if held else (0, 0)
        purses.append(Purse(funder.id, funder.label, own, asked, proposed, sum(row.granted for row in own)))
    return purses


def _sessions(session: Session, campaign_id: int) -> Sequence[Row]:
    dossiers = (
        select(func.count()).where(Dossier.session_id == CommitteeSession.id).correlate(CommitteeSession)
    ).scalar_subquery()
    return session.execute(
        select(
            CommitteeSession.id,
            CommitteeSession.label,
            CommitteeSession.on,
            CommitteeSession.starts_at,
            CommitteeSession.cancelled_at,
            CommitteeSession.place,
            Instance.label.label("instance"),
            dossiers.label("dossiers"),
        )
        .outerjoin(CommitteeSession.instance)
        .where(CommitteeSession.campaign_id == campaign_id)
        .order_by(CommitteeSession.on, CommitteeSession.id)
    ).all()
