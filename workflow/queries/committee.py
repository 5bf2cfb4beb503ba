"""The table of a committee session: its dossiers by priority, what is asked, proposed and decided, what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from states.dossier import ADMINISTRATOR, ANIMATOR, TRANSVERSAL
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import (
    CommitteeSession,
    Criterion,
    Dossier,
    Envelope,
    FundingRequest,
    Institution,
    JointOpinion,
    Opinion,
    OpinionScore,
    Organisation,
)
from workflow.queries.grids import by_who_is_seated

VERDICT_ORDER = ("favourable", "with_reservations", "deferred", "unfavourable")
"""Which opinions come first."""
SHOWN = 300

Row = Any
"""A named tuple of the columns of a select."""


@dataclass(frozen=True, slots=True)
class Tabled:
    """A dossier of a session. `mark` is the weighted mean of its binôme's scores, from 0 to 4; lines by funder."""

    id: int
    number: str
    title: str
    carrier: str
    state: str
    verdict: str | None
    body: str
    mark: float | None
    lines: Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Total:
    """What a funder is asked and has proposed and granted in this session, and its envelopes; in cents."""

    funder: str
    asked: int
    proposed: int
    granted: int
    envelope: int
    left: int
    """Of its envelopes, after everything granted so far in the campaign."""


@dataclass(frozen=True)
class Table:
    """A session, its dossiers by priority, and the funders that they ask."""

    meeting: CommitteeSession
    dossiers: Sequence[Tabled]
    totals: Sequence[Total]


def committee_table(session: Session, actor: Actor, session_id: int) -> Table:
    """The table of a session, in six statements: of the reader's instances, or of all for who oversees the territory.

    Raises NotFound for a session of an instance that they do not animate.
    """
    meeting = session.scalar(
        select(CommitteeSession)
        .where(CommitteeSession.id == session_id)
        .options(joinedload(CommitteeSession.instance), joinedload(CommitteeSession.campaign))
    )
    oversees = bool({TRANSVERSAL, ADMINISTRATOR} & actor.roles)
    own = actor.instances(ANIMATOR)
    if meeting is None or not (oversees or meeting.instance_id is None or meeting.instance_id in own):
        raise NotFound("session")
    rows = session.execute(
        select(
            Dossier.id,
            func.coalesce(Dossier.number, "").label("number"),
            Dossier.title,
            Organisation.name.label("carrier"),
            Dossier.state,
            JointOpinion.verdict,
            func.coalesce(JointOpinion.body, "").label("body"),
        )
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .outerjoin(JointOpinion, (JointOpinion.dossier_id == Dossier.id) & JointOpinion.superseded_at.is_(None))
        .where(
            Dossier.session_id == session_id,
            *([] if oversees else [Dossier.instance_id.in_(own)]),
            # Whoever carries a dossier reads it as its carrier.
            Dossier.organisation_id.not_in(actor.organisations),
            # An opinion that is being done again is nobody's but its binôme's.
            Dossier.state.not_in(("assigned", "expert_consulted", "incomplete")),
        )
        .order_by(Dossier.number)
        .limit(SHOWN)
    ).all()
    ids = [row.id for row in rows]
    marks, lines = _marks(session, ids), _lines(session, ids)
    dossiers = [Tabled(*(*row, marks.get(row.id), lines.get(row.id, {}))) for row in rows]
    dossiers.sort(key=lambda one: (_rank(one.verdict), -(one.mark or 0), one.number))
    return Table(meeting, dossiers, _totals(session, meeting.campaign_id, lines))


def _rank(verdict: str | None) -> int:
    return VERDICT_ORDER.index(verdict) if verdict in VERDICT_ORDER else len(VERDICT_ORDER)


def _marks(session: Session, ids: Sequence[int]) -> Mapping[int, float]:
    """The weighted mean of what both members of each binôme scored."""
    rows = session.execute(
        select(
            Opinion.dossier_id,
            func.sum(OpinionScore.score * Criterion.weight),
            func.sum(Criterion.weight),
        )
        .join(OpinionScore, OpinionScore.opinion_id == Opinion.id)
        .join(Criterion, Criterion.id == OpinionScore.criterion_id)
        .where(
            Opinion.dossier_id.in_(ids),
            Opinion.superseded_at.is_(None),
            Opinion.sealed_at.is_not(None),
            by_who_is_seated(),
        )
        .group_by(Opinion.dossier_id)
    )
    return {dossier: float(scored) / float(weights) for dossier, scored, weights in rows}


def _lines(session: Session, ids: Sequence[int]) -> Mapping[int, Mapping[str, Row]]:
    found: dict[int, dict[str, Row]] = {}
    for row in session.execute(
        select(
            FundingRequest.dossier_id,
            func.coalesce(Institution.funder_code, Institution.label).label("funder"),
            FundingRequest.funder_id,
            FundingRequest.asked_cents.label("asked"),
            FundingRequest.proposed_cents.label("proposed"),
            FundingRequest.decision,
            FundingRequest.granted_cents.label("granted"),
            FundingRequest.motive,
        )
        .join(FundingRequest.funder)
        .where(FundingRequest.dossier_id.in_(ids))
        .order_by(Institution.label)
    ):
        found.setdefault(row.dossier_id, {})[row.funder] = row
    return found


def _totals(session: Session, campaign_id: int, lines: Mapping[int, Mapping[str, Row]]) -> list[Total]:
    rows = [row for each in lines.values() for row in each.values()]
    funders = {row.funder: row.funder_id for row in rows}
    envelopes = {
        funder: (int(total), int(granted))
        for funder, total, granted in session.execute(
            select(Envelope.funder_id, func.sum(Envelope.total_cents), func.sum(Envelope.granted_cents))
            .where(Envelope.campaign_id == campaign_id, Envelope.funder_id.in_(funders.values()))
            .group_by(Envelope.funder_id)
        )
    }
    found = []
    for name, funder in sorted(funders.items()):
        own = [row for row in rows if row.funder_id == funder]
        total, granted = envelopes.get(funder, (0, 0))
        found.append(
            Total(
                name,
                sum(row.asked for row in own),
                sum(row.proposed or 0 for row in own),
                sum(row.granted or 0 for row in own),
                total,
                total - granted,
            )
        )
    return found
