"""What a funder sees: its envelopes, the lines that await its decision, those of a session, and what follows a grant.

Of a dossier that the reader carries, nothing proposed is shown: they read it as its carrier.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, null, nulls_last, or_, select
from sqlalchemy.orm import Session

from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import (
    Campaign,
    CommitteeSession,
    Dossier,
    Envelope,
    FundingRequest,
    Instance,
    Institution,
    JointOpinion,
    Objective,
    Organisation,
)
from workflow.queries.choices import Options

PAGE = 50
TABLED_SHOWN = 300
"""How many lines of one session are shown at once."""

Row = Any
"""A named tuple of the columns of a select."""

_SHORT = func.coalesce(Institution.funder_code, Institution.label)
_ORIENTATION = func.substr(Objective.code, 1, 1)
_OVER = ("draft", "inadmissible", "withdrawn")
"""States in which nothing is asked (any more)."""
_AWAITED = and_(FundingRequest.decision == "pending", Dossier.state == "funding_decision")
_JOINT = and_(
    JointOpinion.dossier_id == Dossier.id,
    JointOpinion.superseded_at.is_(None),
    JointOpinion.issued_at.is_not(None),
)


def _secret(actor: Actor, column: Any) -> Any:
    """The column, empty where the reader carries the dossier."""
    own = actor.organisations
    return case((Dossier.organisation_id.in_(own), null()), else_=column) if own else column


# --- envelopes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Purse:
    """An envelope and what stands against it, in cents; `id` None for requests that no envelope pays.

    `proposed` counts every issued proposal; `waiting` lines are tabled, of which `to_grant` is proposed.
    """

    id: int | None
    funder_id: int
    funder: str
    orientation_id: int | None
    orientation_code: str | None
    orientation: str | None
    total: int = 0
    granted: int = 0
    asked: int = 0
    proposed: int = 0
    waiting: int = 0
    to_grant: int = 0

    @property
    def left(self) -> int:
        """What may still be granted."""
        return self.total - self.granted


def envelopes_of(session: Session, actor: Actor, campaign_id: int) -> Sequence[Row]:
    """The envelopes of the reader's institutions in a campaign, in one statement."""
    return session.execute(
        select(
            Envelope.id,
            Envelope.funder_id,
            _SHORT.label("funder"),
            Envelope.orientation_id,
            Objective.code.label("orientation_code"),
            Objective.label.label("orientation"),
            Envelope.total_cents.label("total"),
            Envelope.granted_cents.label("granted"),
        )
        .join(Envelope.funder)
        .outerjoin(Envelope.orientation)
        .where(Envelope.funder_id.in_(actor.funders), Envelope.campaign_id == campaign_id)
        .order_by(Institution.label, Envelope.orientation_id.is_not(None), Objective.code)
    ).all()


def paying(envelopes: Iterable[Row], funder_id: int, orientation: str | None) -> int | None:
    """The envelope that pays a line: its orientation's, else the general one (as `workflow.lines.envelope_for`)."""
    own = {row.orientation_code: row.id for row in envelopes if row.funder_id == funder_id}
    return own.get(orientation, own.get(None))


def purses(session: Session, actor: Actor, campaign_id: int) -> list[Purse]:
    """The envelopes of the reader's institutions in a campaign, in two statements; those that lack come last."""
    envelopes = envelopes_of(session, actor, campaign_id)
    proposed = _secret(actor, FundingRequest.proposed_cents)
    rows = session.execute(
        select(
            FundingRequest.funder_id,
            _ORIENTATION.label("orientation"),
            func.max(_SHORT).label("funder"),
            func.sum(FundingRequest.asked_cents).label("asked"),
            func.coalesce(func.sum(proposed), 0).label("proposed"),
            func.count(case((_AWAITED, 1))).label("waiting"),
            func.coalesce(func.sum(case((_AWAITED, proposed))), 0).label("to_grant"),
        )
        .join(FundingRequest.funder)
        .join(Dossier, Dossier.id == FundingRequest.dossier_id)
        .outerjoin(Dossier.objective)
        .where(
            FundingRequest.funder_id.in_(actor.funders),
            Dossier.campaign_id == campaign_id,
            Dossier.state.not_in(_OVER),
        )
        .group_by(FundingRequest.funder_id, _ORIENTATION)
    ).all()
    sums: dict[tuple[int | None, int], dict[str, Any]] = {}
    names: dict[int, str] = {}
    for row in rows:
        names[row.funder_id] = row.funder
        place = paying(envelopes, row.funder_id, row.orientation), row.funder_id
        held = sums.setdefault(place, dict.fromkeys(("asked", "proposed", "waiting", "to_grant"), 0))
        for name in held:
            held[name] += int(getattr(row, name))
    found = [Purse(**row._mapping, **sums.get((row.id, row.funder_id), {})) for row in envelopes]
    lacking = [(funder, held) for (envelope, funder), held in sums.items() if envelope is None]
    return found + [replace(Purse(None, funder, names[funder], None, None, None), **held) for funder, held in lacking]


def envelope_choices(session: Session, actor: Actor) -> dict[str, Options]:
    """What the form of an envelope offers: the reader's institutions, the campaigns, the orientations."""
    funders = session.execute(
        select(Institution.id, Institution.label)
        .where(Institution.id.in_(actor.funders), Institution.funder_code.is_not(None))
        .order_by(Institution.label)
    )
    campaigns = session.execute(select(Campaign.id, Campaign.label).order_by(Campaign.first.desc()))
    orientations = session.execute(
        select(Objective.id, Objective.code, Objective.label)
        .where(Objective.level == "orientation")
        .order_by(Objective.code)
    )
    return {
        "funders": [(row.id, row.label) for row in funders],
        "campaigns": [(row.id, row.label) for row in campaigns],
        "orientations": [(row.id, f"{row.code} – {row.label}") for row in orientations],
    }


# --- lines to decide -----------------------------------------------------------------------------------------------

SORTS: Mapping[str, Any] = {
    "session": CommitteeSession.on,
    "number": Dossier.number,
    "carrier": Organisation.name,
    "asked": FundingRequest.asked_cents,
    "proposed": FundingRequest.proposed_cents,
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of lines is narrowed to, and its order. `stage` is a key of STAGES, for granted lines."""

    session_id: int | None = None
    instance_id: int | None = None
    late: bool = False
    stage: str = ""
    sort: str = "session"
    desc: bool = False
    page: int = 1


@dataclass(frozen=True)
class Listed:
    """One page of a list, and how many rows there are in all."""

    rows: Sequence[Row]
    total: int
    number: int
    pages: int


def lines(actor: Actor) -> Select[*tuple[Any, ...]]:
    """The lines of the reader's institutions, with their dossier."""
    return (
        select(
            FundingRequest.id,
            FundingRequest.dossier_id,
            FundingRequest.funder_id,
            _SHORT.label("funder"),
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.due_on,
            Organisation.name.label("carrier"),
            Instance.label.label("instance"),
            CommitteeSession.id.label("session_id"),
            CommitteeSession.label.label("session"),
            CommitteeSession.on.label("session_on"),
            FundingRequest.asked_cents.label("asked"),
            _secret(actor, FundingRequest.proposed_cents).label("proposed"),
            _secret(actor, JointOpinion.verdict).label("verdict"),
            _secret(actor, JointOpinion.body).label("opinion"),
            FundingRequest.decision,
            FundingRequest.granted_cents.label("granted"),
            FundingRequest.paid_cents.label("paid"),
            FundingRequest.motive,
            _ORIENTATION.label("orientation"),
        )
        .select_from(FundingRequest)
        .join(FundingRequest.funder)
        .join(Dossier, Dossier.id == FundingRequest.dossier_id)
        .join(Dossier.organisation)
        .outerjoin(Dossier.objective)
        .outerjoin(Dossier.instance)
        .outerjoin(CommitteeSession, CommitteeSession.id == Dossier.session_id)
        .outerjoin(JointOpinion, _JOINT)
        .where(FundingRequest.funder_id.in_(actor.funders))
    )


def listed(
    session: Session, statement: Select[*tuple[Any, ...]], wanted: Filters, sorts: Mapping[str, Any], default: str
) -> Listed:
    """A page of a statement's rows, in two statements."""
    counted = statement.with_only_columns(literal(1)).order_by(None).subquery()
    total = session.scalar(select(func.count()).select_from(counted)) or 0
    pages = max(1, -(-total // PAGE))
    number = min(max(1, wanted.page), pages)
    column = sorts.get(wanted.sort, sorts[default])
    order = nulls_last(column.desc() if wanted.desc else column.asc())
    rows = session.execute(
        statement.order_by(order, Dossier.number, FundingRequest.id).limit(PAGE).offset((number - 1) * PAGE)
    ).all()
    return Listed(rows, total, number, pages)


def awaited(session: Session, actor: Actor, campaign_id: int, wanted: Filters, today: date) -> Listed:
    """A page of the lines that await the reader's decision, in two statements."""
    statement = lines(actor).where(_AWAITED, Dossier.campaign_id == campaign_id)
    if wanted.session_id is not None:
        statement = statement.where(Dossier.session_id == wanted.session_id)
    if wanted.instance_id is not None:
        statement = statement.where(Dossier.instance_id == wanted.instance_id)
    if wanted.late:
        statement = statement.where(Dossier.due_on < today)
    sorts = {**SORTS, "proposed": _secret(actor, FundingRequest.proposed_cents)}
    return listed(session, statement, wanted, sorts, "session")


@dataclass(frozen=True)
class Agenda:
    """The sessions at which lines await the reader, how many and how much; and the instances they come from."""

    sessions: Sequence[Row]
    instances: Sequence[Row]


def agenda(session: Session, actor: Actor, campaign_id: int) -> Agenda:
    """What awaits the reader in a campaign, session by session, in two statements."""
    mine = (FundingRequest.funder_id.in_(actor.funders), _AWAITED, Dossier.campaign_id == campaign_id)
    sessions = session.execute(
        select(
            CommitteeSession.id,
            CommitteeSession.label,
            CommitteeSession.on.label("on"),
            CommitteeSession.place,
            Instance.label.label("instance"),
            func.count().label("lines"),
            func.coalesce(func.sum(_secret(actor, FundingRequest.proposed_cents)), 0).label("proposed"),
        )
        .join(Dossier, Dossier.session_id == CommitteeSession.id)
        .join(FundingRequest, FundingRequest.dossier_id == Dossier.id)
        .outerjoin(CommitteeSession.instance)
        .where(*mine)
        .group_by(CommitteeSession.id, CommitteeSession.label, CommitteeSession.on, CommitteeSession.place, "instance")
        .order_by(CommitteeSession.on, CommitteeSession.id)
    ).all()
    instances = session.execute(
        select(Instance.id, Instance.label)
        .where(
            select(FundingRequest.id)
            .join(Dossier, Dossier.id == FundingRequest.dossier_id)
            .where(*mine, Dossier.instance_id == Instance.id)
            .exists()
        )
        .order_by(Instance.label)
    ).all()
    return Agenda(sessions, instances)


# --- a session -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sitting:
    """A session as a funder sees it: its lines to decide and decided, and the envelopes that pay them.

    `paying` maps each line to its envelope's id (None where there is none). `more` says that lines were cut off.
    """

    meeting: Row
    to_decide: Sequence[Row]
    decided: Sequence[Row]
    envelopes: Sequence[Row]
    paying: Mapping[int, int | None]
    more: bool


def sitting(session: Session, actor: Actor, session_id: int) -> Sitting:
    """A session with the reader's lines, in three statements. Raises NotFound."""
    meeting = session.execute(
        select(
            CommitteeSession.id,
            CommitteeSession.label,
            CommitteeSession.on.label("on"),
            CommitteeSession.place,
            CommitteeSession.campaign_id,
            Campaign.label.label("campaign"),
            Instance.label.label("instance"),
        )
        .join(Campaign, Campaign.id == CommitteeSession.campaign_id)
        .outerjoin(CommitteeSession.instance)
        .where(CommitteeSession.id == session_id)
    ).first()
    if meeting is None:
        raise NotFound("session")
    rows = session.execute(
        lines(actor)
        .where(Dossier.session_id == session_id, or_(_AWAITED, FundingRequest.decision != "pending"))
        .order_by(FundingRequest.decision != "pending", Dossier.number, FundingRequest.id)
        .limit(TABLED_SHOWN + 1)
    ).all()
    envelopes = envelopes_of(session, actor, meeting.campaign_id)
    shown = rows[:TABLED_SHOWN]
    return Sitting(
        meeting,
        [row for row in shown if row.decision == "pending"],
        [row for row in shown if row.decision != "pending"],
        envelopes,
        {row.id: paying(envelopes, row.funder_id, row.orientation) for row in shown},
        len(rows) > TABLED_SHOWN,
    )


def own_lines(session: Session, actor: Actor, ids: Iterable[int]) -> Mapping[int, Row]:
    """The reader's lines among `ids`, by id, whatever became of them."""
    return {row.id: row for row in session.execute(lines(actor).where(FundingRequest.id.in_(list(ids))))}
