"""What a dossier's page may read, part by part: the select of each, and what of `access.SEES` opens it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from states.dossier import CARRIER
from workflow.access import colleagues, from_carrier
from workflow.models import (
    Agreement,
    AssociatedInstance,
    BinomeMember,
    BudgetLine,
    CommitteeSession,
    Consultation,
    ControlItem,
    Criterion,
    Document,
    Dossier,
    Evaluation,
    Expert,
    FundingRequest,
    Instance,
    InstanceComment,
    Institution,
    InternalNote,
    JointAmount,
    JointOpinion,
    JointSignature,
    LedgerLine,
    Message,
    Mission,
    NoteMention,
    Opinion,
    OpinionAmount,
    OpinionScore,
    Payment,
    Person,
    Piece,
    RealisationAnswer,
    Report,
    RoutingStep,
    RoutingVersion,
    SecretLink,
)
from workflow.models.instruction import THIRD, consultation_document
from workflow.queries.timeline import ENTRIES

_ID = bindparam("dossier_id", type_=Integer)
_READER = bindparam("reader", type_=Integer)
_EARLY = bindparam("early", type_=Integer)
_SHORT = func.coalesce(Institution.funder_code, Institution.label, type_=Institution.label.type)


def _seated(author: Any) -> ColumnElement[bool]:
    return (
        select(BinomeMember.id)
        .where(BinomeMember.dossier_id == _ID, BinomeMember.person_id == author, BinomeMember.left_at.is_(None))
        .exists()
    )


def _shown() -> ColumnElement[bool]:
    """The standing opinions that the reader may read: their own, and the sealed ones once two are.

    A third instructor judges alone: they read none before they have sealed theirs.
    """
    other = aliased(Opinion)
    sealed = (
        select(func.count())
        .where(
            other.dossier_id == _ID,
            other.superseded_at.is_(None),
            other.sealed_at.is_not(None),
            _seated(other.author_id),
        )
        .scalar_subquery()
    )
    judging = (
        select(BinomeMember.id)
        .where(
            BinomeMember.dossier_id == _ID,
            BinomeMember.person_id == _READER,
            BinomeMember.left_at.is_(None),
            BinomeMember.seat == THIRD,
            ~select(other.id)
            .where(
                other.dossier_id == _ID,
                other.author_id == _READER,
                other.superseded_at.is_(None),
                other.sealed_at.is_not(None),
            )
            .exists(),
        )
        .exists()
    )
    return and_(
        Opinion.dossier_id == _ID,
        Opinion.superseded_at.is_(None),
        _seated(Opinion.author_id),
        or_(Opinion.author_id == _READER, and_(Opinion.sealed_at.is_not(None), sealed >= 2, ~judging)),
    )


def _joint() -> ColumnElement[bool]:
    """The standing joint opinion, once issued; before, for those who make it (`early`)."""
    return and_(
        JointOpinion.dossier_id == _ID,
        JointOpinion.superseded_at.is_(None),
        or_(JointOpinion.issued_at.is_not(None), _EARLY == 1),
    )


PARTS: Mapping[str, tuple[str | None, Select[*tuple[Any, ...]]]] = {
    "entries": (None, ENTRIES),
    "budget": (
        "form",
        select(BudgetLine.id, BudgetLine.side, BudgetLine.account, BudgetLine.label, BudgetLine.amount_cents).where(
            BudgetLine.dossier_id == _ID
        ),
    ),
    "lines": (
        None,
        select(
            FundingRequest.id,
            FundingRequest.funder_id,
            _SHORT.label("funder"),
            FundingRequest.asked_cents,
            FundingRequest.proposed_cents,
            FundingRequest.decision,
            FundingRequest.granted_cents,
            FundingRequest.paid_cents,
            FundingRequest.motive,
            FundingRequest.decided_at,
        )
        .join(FundingRequest.funder)
        .where(FundingRequest.dossier_id == _ID),
    ),
    "agreements": (
        "follow_up",
        select(Agreement.id, Agreement.request_id, Agreement.reference, Agreement.signed_on)
        .join(FundingRequest, FundingRequest.id == Agreement.request_id)
        .where(FundingRequest.dossier_id == _ID),
    ),
    "payments": (
        "follow_up",
        select(Payment.id, Payment.request_id, Payment.kind, Payment.amount_cents, Payment.paid_on)
        .join(FundingRequest, FundingRequest.id == Payment.request_id)
        .where(FundingRequest.dossier_id == _ID),
    ),
    "routing": (
        "routing",
        select(
            RoutingStep.id,
            RoutingStep.reason,
            RoutingStep.at,
            Instance.label.label("instance"),
            RoutingStep.trail,
            RoutingVersion.number.label("version"),
        )
        .outerjoin(RoutingStep.instance)
        .outerjoin(RoutingVersion, RoutingVersion.id == RoutingStep.version_id)
        .where(RoutingStep.dossier_id == _ID),
    ),
    "told": (
        "routing",
        select(Instance.label)
        .join(AssociatedInstance, AssociatedInstance.instance_id == Instance.id)
        .where(AssociatedInstance.dossier_id == _ID),
    ),
    "pieces": (
        "pieces",
        select(
            Piece.id,
            Piece.label,
            Piece.asked_at,
            Piece.due_on,
            Piece.answer,
            Piece.answered_at,
            Piece.document_id,
            Piece.verdict,
            Piece.word,
            Piece.judged_at,
            Piece.follows_id,
        ).where(Piece.dossier_id == _ID),
    ),
    "documents": (
        "documents",
        select(
            Document.id,
            Document.kind,
            Document.filename,
            Document.media_type,
            Document.size,
            Document.uploaded_at,
            Document.replaces_id,
            Person.name.label("author"),
            from_carrier().label("from_carrier"),
        )
        .join(Person, Person.id == Document.uploaded_by_id)
        .where(Document.dossier_id == _ID),
    ),
    "messages": (
        "messages",
        select(Message.id, Message.author_id, Person.name, Message.role, Message.body, Message.at)
        .join(Person, Person.id == Message.author_id)
        .where(Message.dossier_id == _ID),
    ),
    "notes": (
        "notes",
        select(InternalNote.id, InternalNote.author_id, Person.name, InternalNote.body, InternalNote.at)
        .join(Person, Person.id == InternalNote.author_id)
        .where(InternalNote.dossier_id == _ID),
    ),
    "comments": (
        "comments",
        select(
            InstanceComment.id,
            InstanceComment.author_id,
            Person.name,
            Instance.label.label("instance"),
            InstanceComment.body,
            InstanceComment.at,
        )
        .join(Person, Person.id == InstanceComment.author_id)
        .join(Instance, Instance.id == InstanceComment.instance_id)
        .where(InstanceComment.dossier_id == _ID),
    ),
    "mentions": (
        "notes",
        select(NoteMention.note_id, Person.name)
        .join(Person, Person.id == NoteMention.person_id)
        .join(InternalNote, InternalNote.id == NoteMention.note_id)
        .where(InternalNote.dossier_id == _ID),
    ),
    "colleagues": (
        "notes",
        colleagues(_ID, select(Dossier.instance_id).where(Dossier.id == _ID).scalar_subquery()).order_by(None),
    ),
    "binome": (
        "binome",
        select(
            BinomeMember.seat,
            BinomeMember.person_id,
            Person.name,
            _SHORT.label("institution"),
            BinomeMember.since,
            BinomeMember.derogation,
        )
        .join(BinomeMember.person)
        .outerjoin(Institution, Institution.id == BinomeMember.institution_id)
        .where(BinomeMember.dossier_id == _ID, BinomeMember.left_at.is_(None)),
    ),
    "consultations": (
        "consultations",
        select(
            Consultation.id,
            Consultation.state,
            Expert.name,
            Expert.subject,
            Consultation.question,
            Consultation.due_on,
            Consultation.asked_at,
            Consultation.answer,
            Consultation.reason,
            Consultation.ended_at,
            Consultation.stance,
            Consultation.note,
            Consultation.file_name,
            Consultation.file_size,
            Consultation.colleague_name,
            Consultation.colleague_email,
            Consultation.colleague_why,
            Consultation.colleague_refusal,
            Consultation.handed_from_id,
        )
        .join(Consultation.expert)
        .where(Consultation.dossier_id == _ID),
    ),
    "asked_about": (
        "consultations",
        select(consultation_document.c.document_id, consultation_document.c.consultation_id)
        .join(Consultation, Consultation.id == consultation_document.c.consultation_id)
        .where(Consultation.dossier_id == _ID),
    ),
    "opinions": (
        "sealed_opinions",
        select(
            Opinion.id,
            Opinion.author_id,
            Person.name,
            Opinion.verdict,
            Opinion.strengths,
            Opinion.reservations,
            Opinion.saved_at,
            Opinion.sealed_at,
        )
        .join(Opinion.author)
        .where(_shown()),
    ),
    "opinion_amounts": (
        "sealed_opinions",
        select(OpinionAmount.request_id, OpinionAmount.opinion_id, OpinionAmount.proposed_cents)
        .join(Opinion, Opinion.id == OpinionAmount.opinion_id)
        .where(_shown()),
    ),
    "criteria": (
        "sealed_opinions",
        select(Criterion.position, Criterion.id, Criterion.label, Criterion.weight, Criterion.levels)
        .join(Dossier, Dossier.grid_id == Criterion.grid_id)
        .where(Dossier.id == _ID),
    ),
    "opinion_scores": (
        "sealed_opinions",
        select(OpinionScore.criterion_id, OpinionScore.opinion_id, OpinionScore.score)
        .join(Opinion, Opinion.id == OpinionScore.opinion_id)
        .where(_shown()),
    ),
    "joint": (
        "joint_opinion",
        select(
            JointOpinion.id,
            JointOpinion.basis,
            JointOpinion.verdict,
            JointOpinion.body,
            JointOpinion.written_at,
            JointOpinion.issued_at,
        ).where(_joint()),
    ),
    "joint_amounts": (
        "joint_opinion",
        select(JointAmount.request_id, JointAmount.proposed_cents)
        .join(JointOpinion, JointOpinion.id == JointAmount.joint_id)
        .where(_joint()),
    ),
    "signatures": (
        "joint_opinion",
        select(JointSignature.at, JointSignature.person_id, Person.name)
        .join(JointOpinion, JointOpinion.id == JointSignature.joint_id)
        .join(Person, Person.id == JointSignature.person_id)
        .where(_joint()),
    ),
    "meeting": (
        None,
        select(CommitteeSession.id, CommitteeSession.label, CommitteeSession.on.label("on"), CommitteeSession.place)
        .join(Dossier, Dossier.session_id == CommitteeSession.id)
        .where(Dossier.id == _ID),
    ),
    "reports": (
        "follow_up",
        select(
            Report.id,
            Report.kind,
            Report.received,
            Report.narrative,
            Report.beneficiaries,
            Report.spent_cents,
            Report.indicators,
            Report.at,
        ).where(Report.dossier_id == _ID),
    ),
    "evaluation": (
        "evaluation",
        select(
            Evaluation.id,
            Evaluation.relevance,
            Evaluation.coherence,
            Evaluation.effectiveness,
            Evaluation.efficiency,
            Evaluation.impact,
            Evaluation.recommendation,
            Evaluation.body,
            Evaluation.at,
        ).where(Evaluation.dossier_id == _ID),
    ),
    "mission": (
        "control",
        select(
            Mission.id,
            Mission.state,
            Mission.controller_id,
            Mission.second_id,
            Mission.signed_by_id,
            Mission.signed_at,
            Mission.visit_on,
            Mission.realisation,
            Mission.spending,
            Mission.refused_cents,
            Mission.reply_due_on,
            Mission.reply,
            Mission.replied_at,
            Mission.outcome,
            Mission.payback_cents,
            Mission.conclusion,
            Mission.concluded_at,
        ).where(Mission.dossier_id == _ID),
    ),
    "grid": (
        "control",
        select(
            ControlItem.position,
            ControlItem.id,
            ControlItem.label,
            ControlItem.help,
            RealisationAnswer.verdict,
            RealisationAnswer.observation,
            RealisationAnswer.evidence,
        )
        .join(Mission, Mission.grid_id == ControlItem.grid_id)
        .outerjoin(
            RealisationAnswer,
            and_(RealisationAnswer.item_id == ControlItem.id, RealisationAnswer.mission_id == Mission.id),
        )
        .where(Mission.dossier_id == _ID),
    ),
    "ledger": (
        "control",
        select(
            LedgerLine.spent_on,
            LedgerLine.id,
            LedgerLine.label,
            LedgerLine.voucher,
            LedgerLine.amount_cents,
            LedgerLine.share,
            LedgerLine.accepted_cents,
            LedgerLine.refused_cents,
            LedgerLine.reason,
            LedgerLine.version,
        )
        .join(Mission, Mission.id == LedgerLine.mission_id)
        .where(Mission.dossier_id == _ID),
    ),
    "tracking": (
        CARRIER,
        select(SecretLink.id).where(
            SecretLink.dossier_id == _ID, SecretLink.purpose == "tracking", SecretLink.ended_at.is_(None)
        ),
    ),
}
"""Each part: what of access.SEES opens it (or a role; None for whoever reads the dossier), and its select, ordered by
its first column. Parameters: dossier_id; reader, the person; early, 1 for those who make the joint opinion."""
