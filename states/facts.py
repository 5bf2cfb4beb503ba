"""What guards may look at: everything that matters to a decision, read once and then frozen."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Member:
    """One of the two instructors that an act proposes for a binôme."""

    person_id: int
    name: str
    institution_id: int | None
    in_instance: bool
    trained: bool
    conflict: bool
    points_left: int = 0
    """Effort points of the campaign that they have left for the instance, this dossier not counted."""


@dataclass(frozen=True, slots=True)
class Controller:
    """Somebody whom an act proposes as controller of a dossier."""

    person_id: int
    name: str
    holds_role: bool
    involved: bool
    of_sole_funder: bool


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody whom an act proposes to review an action."""

    person_id: int
    name: str
    institution_id: int | None
    holds_role: bool
    took_part: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about one dossier and the act proposed on it. Sums are integer cents, dates are local (Paris) dates.

    A field nobody asked for keeps its default; `workflow.facts` fills exactly those that the guards of an event read.
    """

    today: date = date.min
    reason: str = ""
    # deposit
    missing_fields: tuple[str, ...] = ()
    expenses: int = 0
    incomes: int = 0
    requests: int = 0
    attested: bool = False
    deposit_open: bool = False
    deposit_deadline: date | None = None
    late_deposit_allowed: bool = False
    # admissibility and routing
    named_pieces: int = 0
    unanswered_pieces: tuple[str, ...] = ()
    answers_to_review: int = 0
    returned_pieces: int = 0
    due_on: date | None = None
    instance_id: int | None = None
    target_instance_id: int | None = None
    # instruction
    binome_stands: bool = False
    members: tuple[Member, ...] = ()
    effort: int = 0
    institutions_derogation: bool = False
    question: str = ""
    answer: str = ""
    expert_conflict: bool = False
    expert_retired: bool = False
    noted: bool = False
    asked_until: date | None = None
    colleague_proposed: bool = False
    colleague_conflict: bool = False
    colleague_retired: bool = False
    colleague_asked: bool = False
    consultations: int = 0
    open_consultations: int = 0
    sealed_opinions: int = 0
    own_opinion_sealed: bool = False
    missing_opinion_fields: tuple[str, ...] = ()
    opinions_agree: bool = False
    joint_signatures: int = 0
    arbitrated: bool = False
    third_awaited: bool = False
    third_apart: bool = False
    committee_ahead: bool = False
    committee_on: date | None = None
    # decision
    session_chosen: bool = False
    pending_requests: int = 0
    granted_requests: int = 0
    decided_requests: int = 0
    request_is_pending: bool = False
    amount: int = 0
    asked: int = 0
    left_in_envelope: int | None = None
    notified_on: date | None = None
    # follow-up
    payback: int | None = None
    granted: int = 0
    paid: int = 0
    agreement_signed: bool = False
    final_report_received: bool = False
    final_report_never_sent: bool = False
    final_report_due_on: date | None = None
    missing_grid_fields: tuple[str, ...] = ()
    # control
    dossier_state: str = ""
    actor_involved: bool = False
    actor_of_sole_funder: bool = False
    named_controllers: tuple[str, ...] = ()
    actor_named: bool = False
    controllers: tuple[Controller, ...] = ()
    draw_sealed: bool = False
    drawn: bool = False
    waiting_in_draw: bool = False
    unanswered_items: tuple[str, ...] = ()
    realisation_found: bool = False
    spending_found: bool = False
    findings_signed: bool = False
    """By the other of the two controllers than the one who acts, on what stands."""
    carrier_heard: bool = False
    reply_due_on: date | None = None
    # mid-term review
    reviewers: tuple[Reviewer, ...] = ()
    actor_took_part: bool = False
    colleague_took_part: bool = False
    reviewers_apart: bool = False
    """Whether the two who are named come from two institutions, as things are now."""
    unanswered_criteria: tuple[str, ...] = ()
    actor_signed: bool = False
    colleague_signed: bool = False


OF_THE_ACT = frozenset(
    {
        "reason",
        "attested",
        "named_pieces",
        "unanswered_pieces",
        "returned_pieces",
        "due_on",
        "target_instance_id",
        "members",
        "institutions_derogation",
        "third_apart",
        "question",
        "answer",
        "expert_conflict",
        "expert_retired",
        "missing_opinion_fields",
        "session_chosen",
        "request_is_pending",
        "amount",
        "asked",
        "left_in_envelope",
        "payback",
        "granted",
        "paid",
        "agreement_signed",
        "missing_grid_fields",
        "controllers",
        "reviewers",
    }
)
"""Facts that come from what the person is about to type: unknown while an act is only offered."""
