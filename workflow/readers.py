"""Who reads what the journal says of a dossier: that an act was done, and the reason given with it."""

from collections.abc import Mapping

from states.dossier import ADMINISTRATOR, ANIMATOR, BINOME, CARRIER, CONTROLLER, TRANSVERSAL
from workflow.access import SEES

_EVERYBODY = SEES["form"]
_INSTRUCTION = frozenset({ANIMATOR, BINOME, TRANSVERSAL})
_CONTROL = frozenset({CARRIER, CONTROLLER, TRANSVERSAL, ADMINISTRATOR})
_AGENTS = _EVERYBODY - {CARRIER}

ACT_READERS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            "create",
            "submit",
            "request_completion",
            "complete",
            "review_pieces",
            "declare_inadmissible",
            "reroute",
            "assign",
            "consult_expert",
            "close_consultations",
            "issue_opinion",
            "reopen_instruction",
            "table",
            "defer",
            "decide_request",
            "fund",
            "refuse",
            "appeal_upheld",
            "cancel_action",
            "evaluate",
            "select_for_control",
            "conclude_control",
            "close",
            "withdraw",
            "attach_document",
            "sign_agreement",
            "record_payment",
            "submit_progress_report",
            "submit_final_report",
            "establish_report_missing",
        ),
        _EVERYBODY,
    ),
    "replace_member": _AGENTS,
    **dict.fromkeys(
        (
            "answer",
            "note",
            "extend",
            "propose_colleague",
            "hand_over",
            "refuse_colleague",
            "decline",
            "expire",
            "revoke",
            "seal_opinion",
            "sign_joint_opinion",
            "name_third",
            "arbitrate",
        ),
        _INSTRUCTION,
    ),
    **dict.fromkeys(("sign_joint_opinion", "name_third"), _INSTRUCTION),
    **dict.fromkeys(("name_reviewers", "sign_review"), SEES["review"]),
    **dict.fromkeys(("join_control", "name_controllers", "write_findings", "sign_findings"), _CONTROL - {CARRIER}),
    **dict.fromkeys(("announce", "send_findings", "reply", "conclude"), _CONTROL),
}
"""Who reads that an act was done. What is not named is read by nobody: messages have their own thread."""

REASON_READERS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("declare_inadmissible", "appeal_upheld", "cancel_action", "withdraw", "establish_report_missing"), _EVERYBODY
    ),
    **dict.fromkeys(("reroute", "defer", "reopen_instruction"), _AGENTS),
    **dict.fromkeys(("decline", "revoke", "propose_colleague", "refuse_colleague", "arbitrate"), _INSTRUCTION),
}
"""Who reads the reason given with an act."""
