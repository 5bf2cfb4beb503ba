"""The life of a dossier: one table for its events, one for the acts inside a state."""

from states.guards import GUARDS
from states.table import SAME, Row, Table

CARRIER = "carrier"
ANIMATOR = "animator"
BINOME = "binome"
EXPERT = "expert"
FUNDER = "funder"
EVALUATOR = "evaluator"
CONTROLLER = "controller"
ASSOCIATED = "associated"
"""The animator of an instance that is told of the dossier without leading it."""
REVIEWER = "reviewer"
"""One of the two who review the action half-way through the contract."""
TRANSVERSAL = "transversal"
ADMINISTRATOR = "administrator"
SYSTEM = "system"

ROLES = (
    CARRIER,
    ANIMATOR,
    BINOME,
    EXPERT,
    FUNDER,
    EVALUATOR,
    CONTROLLER,
    ASSOCIATED,
    REVIEWER,
    TRANSVERSAL,
    ADMINISTRATOR,
    SYSTEM,
)
"""What a person can be to a dossier. SYSTEM fires what follows by itself from the facts."""

STATES = (
    "draft",
    "submitted",
    "incomplete",
    "assigned",
    "expert_consulted",
    "opinion",
    "funding_decision",
    "follow_up",
    "evaluated",
    "under_control",
    "controlled",
    "closed",
    "inadmissible",
    "refused",
    "withdrawn",
    "cancelled",
)

_PAIR = (
    "two_distinct_members",
    "members_of_instance",
    "members_trained",
    "different_institutions",
    "members_without_conflict",
    "members_within_capacity",
)

_ROWS = (
    Row(
        "submit",
        ("draft",),
        "submitted",
        (CARRIER,),
        ("form_complete", "budget_balanced", "has_funding_request", "attested", "deposit_open"),
    ),
    Row(
        "request_completion",
        ("submitted", "assigned"),
        "incomplete",
        (ANIMATOR, BINOME),
        ("pieces_named", "due_date_ahead"),
    ),
    Row("complete", ("incomplete",), "assigned", (CARRIER,), ("pieces_answered",), when="binome_stands"),
    Row("complete", ("incomplete",), "submitted", (CARRIER,), ("pieces_answered",)),
    Row(
        "review_pieces",
        ("submitted", "assigned"),
        "incomplete",
        (ANIMATOR, BINOME),
        ("answers_to_review", "due_date_ahead"),
        when="some_returned",
    ),
    Row("review_pieces", ("submitted", "assigned"), SAME, (ANIMATOR, BINOME), ("answers_to_review",)),
    Row("declare_inadmissible", ("submitted", "incomplete"), "inadmissible", (ANIMATOR,), ("reason_given",)),
    Row(
        "reroute",
        ("submitted", "assigned"),
        "submitted",
        (ANIMATOR, TRANSVERSAL),
        ("other_instance", "reason_given"),
    ),
    Row("assign", ("submitted",), "assigned", (ANIMATOR,), _PAIR),
    Row("replace_member", ("assigned", "expert_consulted"), SAME, (ANIMATOR,), _PAIR),
    Row(
        "consult_expert",
        ("assigned", "expert_consulted"),
        "expert_consulted",
        (BINOME,),
        ("question_asked", "due_date_ahead", "expert_without_conflict", "expert_not_retired"),
    ),
    Row("close_consultations", ("expert_consulted",), "assigned", (SYSTEM,), ("consultations_closed",)),
    Row(
        "issue_opinion",
        ("assigned",),
        "opinion",
        (BINOME,),
        ("opinions_sealed", "opinions_reconciled", "committee_ahead"),
    ),
    Row(
        "reopen_instruction",
        ("opinion", "funding_decision"),
        "assigned",
        (ANIMATOR,),
        ("nothing_decided", "reason_given"),
    ),
    Row("table", ("opinion",), "funding_decision", (ANIMATOR,), ("session_chosen",)),
    Row("defer", ("funding_decision",), "opinion", (FUNDER, ANIMATOR), ("reason_given",)),
    Row("fund", ("funding_decision",), "follow_up", (SYSTEM,), ("all_requests_decided", "some_granted")),
    Row("refuse", ("funding_decision",), "refused", (SYSTEM,), ("all_requests_decided", "none_granted")),
    Row("appeal_upheld", ("refused",), "funding_decision", (ANIMATOR,), ("appeal_in_time", "reason_given")),
    Row("appeal_upheld", ("inadmissible",), "submitted", (ANIMATOR,), ("appeal_in_time", "reason_given")),
    Row("cancel_action", ("follow_up",), "cancelled", (CARRIER, ANIMATOR), ("reason_given", "payback_stated")),
    Row(
        "evaluate",
        ("follow_up",),
        "evaluated",
        (EVALUATOR, BINOME),
        ("final_report_settled", "grid_filled", "not_controller"),
    ),
    Row(
        "select_for_control",
        ("evaluated",),
        "under_control",
        (CONTROLLER,),
        ("in_sealed_draw", "controller_named", "controller_independent", "controller_apart"),
    ),
    Row(
        "conclude_control",
        ("under_control",),
        "controlled",
        (CONTROLLER,),
        (
            "realisation_found",
            "spending_found",
            "carrier_heard",
            "controller_named",
            "controller_independent",
            "findings_signed",
        ),
    ),
    Row(
        "close",
        ("evaluated", "controlled"),
        "closed",
        (CONTROLLER, ADMINISTRATOR),
        ("draw_sealed", "not_waiting_in_draw"),
    ),
    Row(
        "withdraw",
        ("draft", "submitted", "incomplete", "assigned", "expert_consulted", "opinion", "funding_decision"),
        "withdrawn",
        (CARRIER,),
        ("nothing_granted", "reason_given"),
    ),
)

TERMINAL = frozenset({"inadmissible", "refused", "withdrawn", "cancelled", "closed"})
"""Where a life ends; the first two reopen through an upheld appeal only."""

_DEPOSITED = tuple(state for state in STATES if state != "draft")
_INSTRUCTED = ("assigned", "expert_consulted")
_FUNDED = ("follow_up", "evaluated", "under_control", "controlled")

_ACTS = (
    # the deposit, and what carrier and binôme say to each other
    Row("edit_draft", ("draft",), SAME, (CARRIER,)),
    Row(
        "attach_document",
        ("draft", "submitted", "incomplete", "assigned", "expert_consulted", "opinion", "funding_decision", *_FUNDED),
        SAME,
        (CARRIER, BINOME, ANIMATOR, EVALUATOR),
    ),
    Row("send_message", _DEPOSITED, SAME, (CARRIER, BINOME, ANIMATOR)),
    Row("write_note", _DEPOSITED, SAME, (BINOME, ANIMATOR)),
    Row(
        "comment",
        ("submitted", "incomplete", "assigned", "expert_consulted", "opinion", "funding_decision"),
        SAME,
        (ASSOCIATED,),
    ),
    Row("answer_piece", ("incomplete",), SAME, (CARRIER,)),
    # instruction
    Row("set_effort", ("submitted", "incomplete", *_INSTRUCTED), SAME, (ANIMATOR,)),
    Row("save_opinion", _INSTRUCTED, SAME, (BINOME,), ("own_opinion_open",)),
    Row("seal_opinion", _INSTRUCTED, SAME, (BINOME,), ("own_opinion_open", "opinion_complete")),
    Row("sign_joint_opinion", _INSTRUCTED, SAME, (BINOME,), ("opinions_differ", "no_third_awaited")),
    Row(
        "name_third",
        _INSTRUCTED,
        SAME,
        (ANIMATOR,),
        (
            "opinions_differ",
            "third_apart",
            "members_of_instance",
            "members_trained",
            "members_without_conflict",
            "members_within_capacity",
        ),
    ),
    Row("arbitrate", _INSTRUCTED, SAME, (ANIMATOR,), ("opinions_differ", "reason_given")),
    # decision
    Row(
        "decide_request",
        ("funding_decision",),
        SAME,
        (FUNDER,),
        ("request_pending", "within_asked", "envelope_suffices"),
    ),
    # follow-up
    Row("sign_agreement", _FUNDED, SAME, (FUNDER,), ("line_granted", "agreement_not_signed")),
    Row("record_payment", _FUNDED, SAME, (FUNDER,), ("line_granted", "agreement_signed", "within_granted")),
    Row("submit_progress_report", ("follow_up",), SAME, (CARRIER,), ("no_final_report_yet",)),
    Row("submit_final_report", ("follow_up",), SAME, (CARRIER,), ("no_final_report_yet",)),
    Row(
        "establish_report_missing",
        ("follow_up",),
        SAME,
        (EVALUATOR, BINOME, ANIMATOR),
        ("no_final_report_yet", "final_report_overdue"),
    ),
)

DOSSIER = Table(
    name="dossier",
    states=STATES,
    terminal=TERMINAL,
    roles=ROLES,
    rows=_ROWS,
    guards=GUARDS,
    acts=_ACTS,
)
