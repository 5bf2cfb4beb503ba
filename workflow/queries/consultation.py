"""What an expert reads with the question: of the dossier what helps to answer, nothing of what others think."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workflow.errors import NotFound
from workflow.models import BudgetLine, Campaign, Commune, Consultation, Dossier, Expert, FundingRequest, Organisation


@dataclass(frozen=True, slots=True)
class Question:
    """An open question, and the action that it is about. Sums are cents."""

    id: int
    dossier_id: int
    expert: str
    question: str
    due_on: date
    number: str
    title: str
    summary: str
    public: str
    beneficiaries: int | None
    starts_on: date | None
    ends_on: date | None
    partners: str
    indicators: str
    level: str | None
    commune: str | None
    carrier: str
    campaign: str
    expenses: int
    asked: int


def question(session: Session, consultation_id: int) -> Question:
    """The question, in one statement. Raises NotFound where it is not open any more."""
    expenses = (
        select(func.coalesce(func.sum(BudgetLine.amount_cents), 0))
        .where(BudgetLine.dossier_id == Dossier.id, BudgetLine.side == "expense")
        .scalar_subquery()
    )
    asked = (
        select(func.coalesce(func.sum(FundingRequest.asked_cents), 0))
        .where(FundingRequest.dossier_id == Dossier.id)
        .scalar_subquery()
    )
    row: Any = session.execute(
        select(
            Consultation.id,
            Consultation.dossier_id,
            Expert.name,
            Consultation.question,
            Consultation.due_on,
            Dossier.number,
            Dossier.title,
            Dossier.summary,
            Dossier.public,
            Dossier.beneficiaries,
            Dossier.starts_on,
            Dossier.ends_on,
            Dossier.partners,
            Dossier.indicators,
            Dossier.level,
            Commune.label,
            Organisation.name,
            Campaign.label,
            expenses,
            asked,
        )
        .join(Expert, Expert.id == Consultation.expert_id)
        .join(Dossier, Dossier.id == Consultation.dossier_id)
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .join(Campaign, Campaign.id == Dossier.campaign_id)
        .outerjoin(Commune, Commune.id == Dossier.commune_id)
        .where(Consultation.id == consultation_id, Consultation.state == "asked")
    ).one_or_none()
    if row is None:
        raise NotFound("consultation")
    return Question(*row)
