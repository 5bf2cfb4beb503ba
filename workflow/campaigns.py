"""The dates of a campaign, as the acts need them."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from workflow.models import Milestone


def dates(session: Session, campaign_id: int, funder_id: int | None = None) -> Mapping[str, date]:
    """The dated milestones of a campaign by code: the common ones, and those of one funder where it is named.

    A milestone that has a date for each funder is given at its latest date when no funder is named.
    """
    statement = (
        select(Milestone.code, Milestone.on)
        .where(Milestone.campaign_id == campaign_id, Milestone.on.is_not(None))
        .order_by(Milestone.on)
    )
    if funder_id is not None:
        statement = statement.where(or_(Milestone.funder_id.is_(None), Milestone.funder_id == funder_id))
    return {code: on for code, on in session.execute(statement) if on is not None}
