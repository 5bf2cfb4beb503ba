"""What the page of an act shows beside its form: what one must know to do it well."""

from collections.abc import Callable, Mapping
from typing import Any

from workflow.errors import NotFound
from workflow.queries import carrier, grants, reviews
from workflow.queries.candidates import candidates
from workflow.queries.choices import Asked
from workflow.queries.dossier import File, load
from workflow.queries.instruction import Desk, desk


def _desk(asked: Asked) -> Desk:
    if asked.dossier_id is None:
        raise NotFound("dossier")
    return desk(asked.session, asked.actor, asked.dossier_id)


def _file(asked: Asked) -> File:
    if asked.dossier_id is None:
        raise NotFound("dossier")
    return load(asked.session, asked.actor, asked.dossier_id)


BESIDE: Mapping[str, Callable[[Asked], Any]] = {
    "assign": candidates,
    "replace_member": candidates,
    "name_third": candidates,
    "request_completion": _desk,
    "declare_inadmissible": _desk,
    "reroute": _desk,
    "save_opinion": _desk,
    "seal_opinion": _desk,
    "sign_joint_opinion": _desk,
    "arbitrate": _desk,
    "issue_opinion": _desk,
    "table": _desk,
    "consult_expert": _desk,
    "revoke": _desk,
    "hand_over": _desk,
    "refuse_colleague": _desk,
    **dict.fromkeys(
        (
            "submit",
            "complete",
            "withdraw",
            "cancel_action",
            "attach_document",
            "send_message",
            "submit_progress_report",
            "submit_final_report",
            "reply",
        ),
        carrier.beside,
    ),
    **dict.fromkeys(("name_reviewers", "fill_review", "sign_review"), reviews.beside),
    **dict.fromkeys(("decide_request", "defer", "sign_agreement", "record_payment"), grants.deciding),
    **dict.fromkeys(
        (
            "evaluate",
            "establish_report_missing",
            "select_for_control",
            "announce",
            "fill_grid",
            "join_control",
            "name_controllers",
            "enter_expense",
            "strike_expense",
            "write_findings",
            "sign_findings",
            "send_findings",
            "conclude",
            "conclude_control",
            "close",
            "review_pieces",
            "write_note",
        ),
        _file,
    ),
}
"""The reader of each act's page that has one."""
