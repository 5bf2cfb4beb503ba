"""The tables, one file per family."""

from workflow.models.base import Base
from workflow.models.calendar import Campaign, FunderWindow, Milestone
from workflow.models.control import Mission, Sample, SampleUnit
from workflow.models.dossier import (
    AssociatedInstance,
    BudgetLine,
    Document,
    Dossier,
    LateDeposit,
    Message,
    NumberSeries,
    Piece,
    RoutingStep,
)
from workflow.models.follow_up import Agreement, Evaluation, Payment, Report
from workflow.models.funding import CommitteeSession, Envelope, FundingRequest
from workflow.models.instruction import (
    BinomeMember,
    Consultation,
    Expert,
    ExpertInterest,
    JointAmount,
    JointOpinion,
    JointSignature,
    Opinion,
    OpinionAmount,
)
from workflow.models.journal import JournalEntry
from workflow.models.outbox import MailboxMessage, Outbox
from workflow.models.people import ApiToken, IdempotencyKey, Interest, LoginAttempt, Person, RoleGrant, SecretLink
from workflow.models.reference import Commune, Instance, Institution, Objective, Organisation, Route, Theme

__all__ = [
    "Agreement",
    "ApiToken",
    "AssociatedInstance",
    "Base",
    "BinomeMember",
    "BudgetLine",
    "Campaign",
    "CommitteeSession",
    "Commune",
    "Consultation",
    "Document",
    "Dossier",
    "Envelope",
    "Evaluation",
    "Expert",
    "ExpertInterest",
    "FunderWindow",
    "FundingRequest",
    "IdempotencyKey",
    "Instance",
    "Institution",
    "Interest",
    "JointAmount",
    "JointOpinion",
    "JointSignature",
    "JournalEntry",
    "LateDeposit",
    "LoginAttempt",
    "MailboxMessage",
    "Message",
    "Milestone",
    "Mission",
    "NumberSeries",
    "Objective",
    "Opinion",
    "OpinionAmount",
    "Organisation",
    "Outbox",
    "Payment",
    "Person",
    "Piece",
    "Report",
    "RoleGrant",
    "Route",
    "RoutingStep",
    "Sample",
    "SampleUnit",
    "SecretLink",
    "Theme",
]
