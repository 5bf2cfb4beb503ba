"""What follows a grant: agreements, payments; and what a funder's act shows beside its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func
from sqlalchemy.orm import Session

from states.dossier import FUNDER
from workflow.access import Actor
from workflow.errors import NotFound
from workflow.models import Agreement, Dossier, FundingRequest, Organisation
from workflow.queries import dossier as files
from workflow.queries.choices import Asked
from workflow.queries.dossier import Line
from workflow.queries.funding import Filters, Listed, Row, envelopes_of, lines, listed, paying
from workflow.use_cases.follow_up import PAYMENT_LABELS
from workflow.use_cases.instruction import VERDICT_LABELS

_LEFT = FundingRequest.granted_cents - FundingRequest.paid_cents
STAGES: Mapping[str, ColumnElement[bool]] = {
    "agreement": and_(Agreement.id.is_(None), Dossier.state.not_in(("cancelled", "closed"))),
    "payment": and_(Agreement.id.is_not(None), _LEFT > 0, Dossier.state.not_in(("cancelled", "closed"))),
    "settled": _LEFT == 0,
    "over": and_(_LEFT > 0, Dossier.state.in_(("cancelled", "closed"))),
}
"""Where a granted line stands: without its agreement, not wholly paid, settled, or over before it was."""
SORTS: Mapping[str, Any] = {
    "number": Dossier.number,
    "carrier": Organisation.name,
    "granted": FundingRequest.granted_cents,
    "left": _LEFT,
}


@dataclass(frozen=True)
class Grants:
    """A page of granted lines, and over all of them the sums and how many stand where."""

    listed: Listed
    granted: int
    paid: int
    stages: Mapping[str, int]


def grants(session: Session, actor: Actor, campaign_id: int, wanted: Filters) -> Grants:
    """The granted lines of the reader's institutions in a campaign, in three statements."""
    statement = (
        lines(actor)
        .outerjoin(Agreement, Agreement.request_id == FundingRequest.id)
        .add_columns(
            Agreement.reference,
            Agreement.signed_on,
            case(*((where, name) for name, where in STAGES.items()), else_="").label("stage"),
        )
        .where(Dossier.campaign_id == campaign_id, FundingRequest.decision == "granted")
    )
    sums = session.execute(
        statement.with_only_columns(
            func.coalesce(func.sum(FundingRequest.granted_cents), 0).label("granted"),
            func.coalesce(func.sum(FundingRequest.paid_cents), 0).label("paid"),
            *(func.count(case((where, 1))).label(name) for name, where in STAGES.items()),
        )
    ).one()
    if wanted.stage in STAGES:
        statement = statement.where(STAGES[wanted.stage])
    page = listed(session, statement, wanted, SORTS, "number")
    counts = sums._mapping
    return Grants(page, int(sums.granted), int(sums.paid), {name: int(counts[name]) for name in STAGES})


@dataclass(frozen=True)
class Deciding:
    """A funder's own lines of one dossier, what is left to pay each, and what the binôme advises."""

    lines: Sequence[Line]
    left: Mapping[int, int | None]
    """By line, what its envelope still holds; None where no envelope pays it."""
    joint: Row | None

    @property
    def verdicts(self) -> Mapping[str, str]:
        """What each verdict is called (message ids)."""
        return VERDICT_LABELS

    @property
    def payments(self) -> Mapping[str, str]:
        """What each kind of payment is called (message ids)."""
        return PAYMENT_LABELS


def deciding(asked: Asked) -> Deciding:
    """What a funder's act on a dossier shows beside its form."""
    if asked.dossier is None:
        raise NotFound("dossier")
    file = files.load(asked.session, asked.actor, asked.dossier.id)
    objective = file.dossier.objective
    own = [line for line in file.lines if line.funder_id in asked.actor.funders] if FUNDER in file.roles else []
    envelopes = envelopes_of(asked.session, asked.actor, file.dossier.campaign_id)
    left = {row.id: int(row.total - row.granted) for row in envelopes}
    orientation = objective.code[:1] if objective else None
    paid_by = {line.id: paying(envelopes, line.funder_id, orientation) for line in own}
    return Deciding(
        own,
        {line: left[envelope] if envelope is not None else None for line, envelope in paid_by.items()},
        file.one("joint"),
    )
