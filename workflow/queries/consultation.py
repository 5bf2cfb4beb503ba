"""What an expert reads with the question: of the dossier what helps to answer, nothing of what others think."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from workflow.errors import NotFound
from workflow.models import (
    BudgetLine,
    Campaign,
    Commune,
    Consultation,
    Document,
    Dossier,
    Expert,
    FundingRequest,
    Organisation,
)
from workflow.models.instruction import consultation_document

NOT_AWAITED = ("revoked", "handed_over")
"""Questions that count in no list of what is awaited: taken back, or asked of somebody else instead."""


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
    expired: bool
    """Whether its day has passed: what is said now is a note."""
    colleague: str | None
    """Who they proposed to ask instead, while the binôme has not answered."""
    refusal: str | None
    """Why the last one proposed was refused."""
    documents: Sequence[Any]
    """Those that the expert may read: id, filename, media_type, size."""


def question(session: Session, consultation_id: int) -> Question:
    """The question, in two statements. Raises NotFound where nothing can be said to it any more."""
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
            (Consultation.state == "expired").label("expired"),
            Consultation.colleague_name,
            Consultation.colleague_refusal,
        )
        .join(Expert, Expert.id == Consultation.expert_id)
        .join(Dossier, Dossier.id == Consultation.dossier_id)
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .join(Campaign, Campaign.id == Dossier.campaign_id)
        .outerjoin(Commune, Commune.id == Dossier.commune_id)
        .where(
            Consultation.id == consultation_id,
            or_(Consultation.state == "asked", (Consultation.state == "expired") & Consultation.note.is_(None)),
            Dossier.state != "withdrawn",
        )
    ).one_or_none()
    if row is None:
        raise NotFound("consultation")
    documents = session.execute(
        select(Document.id, Document.filename, Document.media_type, Document.size)
        .join(consultation_document, consultation_document.c.document_id == Document.id)
        .where(consultation_document.c.consultation_id == consultation_id)
        .order_by(Document.id)
    ).all()
    return Question(*(*row, documents))


def shown_document(session: Session, consultation_id: int, document_id: int) -> Document:
    """A document that an expert may read with their question. Raises NotFound."""
    found = session.scalar(
        select(Document)
        .join(consultation_document, consultation_document.c.document_id == Document.id)
        .where(consultation_document.c.consultation_id == consultation_id, Document.id == document_id)
    )
    if found is None:
        raise NotFound("document")
    return found
