"""The funding request line that an act is about, and the envelope that pays for it."""

from sqlalchemy import or_, select

from states.machine import Reason
from states.words import N_
from workflow.acts import Case
from workflow.errors import Forbidden, NotFound
from workflow.models import Envelope, FundingRequest, Objective


def own_line(case: Case) -> FundingRequest:
    """The line named by `request_id`, locked. Raises NotFound, or Forbidden when another funder decides on it."""
    line = case.session.scalar(
        select(FundingRequest)
        .where(FundingRequest.id == case.data["request_id"], FundingRequest.dossier_id == case.dossier.id)
        .with_for_update(key_share=True)
    )
    if line is None:
        raise NotFound("request")
    if line.funder_id not in case.actor.funders:
        raise Forbidden(
            Reason(
                "other_funder",
                N_("Cette ligne est celle d'un autre financeur."),
                N_("Chaque financeur décide seul de sa ligne."),
            )
        )
    return line


def envelope_for(case: Case, line: FundingRequest) -> Envelope | None:
    """The envelope that pays `line`, locked: the funder's for the dossier's orientation, else its general one."""
    orientation_code = (case.dossier.objective.code if case.dossier.objective else "")[:1]
    orientation = select(Objective.id).where(Objective.code == orientation_code).scalar_subquery()
    return case.session.scalar(
        select(Envelope)
        .where(
            Envelope.funder_id == line.funder_id,
            Envelope.campaign_id == case.dossier.campaign_id,
            or_(Envelope.orientation_id.is_(None), Envelope.orientation_id == orientation),
        )
        .order_by(Envelope.orientation_id.is_(None))
        .limit(1)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
