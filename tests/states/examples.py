"""Facts on which each guard fails or holds. Combined, they make an event possible or impossible."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from states.facts import Controller, Facts, Member, Reviewer

TODAY = date(2026, 3, 12)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def member(person_id: int, **changes: Any) -> Member:
    """An instructor against whom nothing speaks; each number comes from an institution of its own."""
    usual: dict[str, Any] = {
        "name": f"Instructeur {person_id}",
        "institution_id": 10 + person_id,
        "in_instance": True,
        "trained": True,
        "conflict": False,
        "points_left": 5,
    }
    return Member(person_id=person_id, **(usual | changes))


def controller(person_id: int, **changes: bool) -> Controller:
    """A controller against whom nothing speaks."""
    usual = {"holds_role": True, "involved": False, "of_sole_funder": False}
    return Controller(person_id, f"Contrôleur {person_id}", **(usual | changes))


def reviewer(person_id: int, **changes: Any) -> Reviewer:
    """A reviewer against whom nothing speaks; each number comes from an institution of its own."""
    usual: dict[str, Any] = {"institution_id": 10 + person_id, "holds_role": True, "took_part": False}
    return Reviewer(person_id, f"Relecteur {person_id}", **(usual | changes))


TWO = (controller(1), controller(2))
BOTH = (reviewer(1), reviewer(2))
PAIR = (member(1), member(2))
HOPELESS = tuple(member(1, in_instance=out, trained=False, conflict=True, points_left=0) for out in (False, True))
"""A pair that breaks every rule of a binôme at once."""

Example = dict[str, Any]

FAILING: dict[str, list[Example]] = {
    "form_complete": [{"missing_fields": ("title", "summary")}],
    "budget_balanced": [{"expenses": 100_00, "incomes": 99_99}, {"expenses": 0, "incomes": 0}],
    "has_funding_request": [{"requests": 0}],
    "attested": [{"attested": False}],
    "deposit_open": [{"deposit_open": False, "deposit_deadline": YESTERDAY}],
    "pieces_named": [{"named_pieces": 0}],
    "due_date_ahead": [{"due_on": TODAY}, {"due_on": None}, {"due_on": YESTERDAY}],
    "pieces_answered": [{"unanswered_pieces": ("Statuts", "RIB")}],
    "answers_to_review": [{"answers_to_review": 0}],
    "some_returned": [{"returned_pieces": 0}],
    "reason_given": [{"reason": ""}, {"reason": " \n\t "}],
    "other_instance": [{"instance_id": 1, "target_instance_id": 1}, {"instance_id": 1, "target_instance_id": None}],
    "binome_stands": [{"binome_stands": False}],
    "two_distinct_members": [
        {"members": (member(1), member(1, institution_id=99))},
        {"members": (member(1),)},
        {"members": ()},
        {"members": (member(1), member(2), member(3))},
        {"members": (member(1), member(2), member(2, institution_id=99))},
    ],
    "members_of_instance": [{"members": (member(1), member(2, in_instance=False))}],
    "members_trained": [{"members": (member(1, trained=False), member(2))}],
    "different_institutions": [
        {"members": (member(1), member(2, institution_id=11))},
        {"members": (member(1, institution_id=None), member(2, institution_id=None))},
    ],
    "members_without_conflict": [{"members": (member(1), member(2, conflict=True))}],
    "members_within_capacity": [{"members": (member(1), member(2, points_left=2)), "effort": 3}],
    "question_asked": [{"question": ""}, {"question": "  "}],
    "expert_without_conflict": [{"expert_conflict": True}],
    "answer_given": [{"answer": ""}, {"answer": "  "}],
    "nothing_noted_yet": [{"noted": True}],
    "expert_not_retired": [{"expert_retired": True}],
    "no_colleague_proposed": [{"colleague_proposed": True}],
    "colleague_proposed": [{"colleague_proposed": False}],
    "still_instructed": [{"dossier_state": "withdrawn"}, {"dossier_state": "opinion"}],
    "time_for_colleague": [{"asked_until": TODAY}, {"asked_until": YESTERDAY}, {"asked_until": None}],
    "colleague_without_conflict": [{"colleague_conflict": True}],
    "colleague_not_retired": [{"colleague_retired": True}],
    "colleague_not_asked": [{"colleague_asked": True}],
    "consultation_overdue": [{"due_on": TODAY}, {"due_on": TOMORROW}, {"due_on": None}],
    "consultations_closed": [{"consultations": 2, "open_consultations": 1}, {"consultations": 0}],
    "own_opinion_open": [{"own_opinion_sealed": True}],
    "opinion_complete": [{"missing_opinion_fields": ("comment",)}],
    "opinions_sealed": [{"sealed_opinions": 1}, {"sealed_opinions": 0}],
    "committee_ahead": [{"committee_ahead": False, "committee_on": YESTERDAY}],
    "opinions_reconciled": [{"opinions_agree": False, "joint_signatures": 1, "arbitrated": False}, {}],
    "opinions_differ": [{"sealed_opinions": 1}, {"sealed_opinions": 2, "opinions_agree": True}],
    "no_third_awaited": [{"third_awaited": True}],
    "third_apart": [{"third_apart": False}],
    "nothing_decided": [{"decided_requests": 1}],
    "nothing_granted": [{"granted_requests": 1}],
    "session_chosen": [{"session_chosen": False}],
    "all_requests_decided": [{"pending_requests": 1}],
    "some_granted": [{"granted_requests": 0}],
    "none_granted": [{"granted_requests": 1}],
    "request_pending": [{"request_is_pending": False}],
    "within_asked": [{"amount": 500_01, "asked": 500_00}, {"amount": -1, "asked": 500_00}],
    "envelope_suffices": [{"amount": 500_01, "left_in_envelope": 500_00}, {"amount": 1, "left_in_envelope": None}],
    "appeal_in_time": [{"notified_on": date(2026, 1, 11)}, {"notified_on": None}],
    "payback_stated": [{"payback": 100_01, "paid": 100_00}, {"payback": None}, {"payback": -1, "paid": 100_00}],
    "line_granted": [{"granted": 0}],
    "agreement_signed": [{"agreement_signed": False}],
    "agreement_not_signed": [{"agreement_signed": True}],
    "within_granted": [{"amount": 400_01, "granted": 0}, {"amount": 400_01, "granted": 500_00, "paid": 100_00}],
    "final_report_settled": [{"final_report_received": False, "final_report_never_sent": False}],
    "no_final_report_yet": [{"final_report_received": True}, {"final_report_never_sent": True}],
    "final_report_overdue": [{"final_report_due_on": TODAY}, {"final_report_due_on": None}],
    "grid_filled": [{"missing_grid_fields": ("relevance",)}],
    "control_taken_up": [{"dossier_state": "evaluated"}, {}],
    "controller_independent": [{"actor_involved": True}],
    "visit_date_given": [{"due_on": None}],
    "controller_apart": [{"actor_of_sole_funder": True}],
    "controller_named": [{"named_controllers": ("A", "B"), "actor_named": False}],
    "pair_named": [{"named_controllers": ("A",)}, {"named_controllers": ()}],
    "findings_signed": [{"findings_signed": False}],
    "second_awaited": [
        {"named_controllers": ()},
        {"named_controllers": ("A", "B")},
        {"named_controllers": ("A",), "actor_named": True},
    ],
    "not_controller": [{"actor_named": True}],
    "two_controllers": [{"controllers": ()}, {"controllers": (controller(1),)}, {"controllers": (controller(1),) * 2}],
    "controllers_known": [{"controllers": (controller(1), controller(2, holds_role=False))}],
    "controllers_independent": [{"controllers": (controller(1), controller(2, involved=True))}],
    "controllers_apart": [{"controllers": (controller(1), controller(2, of_sole_funder=True))}],
    "two_reviewers": [{"reviewers": ()}, {"reviewers": (reviewer(1),)}, {"reviewers": (reviewer(1),) * 2}],
    "reviewers_known": [{"reviewers": (reviewer(1), reviewer(2, holds_role=False))}],
    "reviewers_independent": [{"reviewers": (reviewer(1), reviewer(2, took_part=True))}],
    "reviewers_of_two_institutions": [
        {"reviewers": (reviewer(1), reviewer(2, institution_id=11))},
        {"reviewers": (reviewer(1), reviewer(2, institution_id=None))},
    ],
    "reviewer_independent": [{"actor_took_part": True}],
    "colleague_independent": [{"colleague_took_part": True}],
    "reviewers_still_apart": [{"reviewers_apart": False}],
    "review_whole": [{"unanswered_criteria": ("Partenariat",)}],
    "review_not_signed": [{"actor_signed": True}],
    "colleague_signed": [{"colleague_signed": False}],
    "in_sealed_draw": [{"draw_sealed": True, "drawn": False}, {"draw_sealed": False, "drawn": True}],
    "draw_sealed": [{"draw_sealed": False}],
    "not_waiting_in_draw": [{"waiting_in_draw": True}],
    "grid_whole": [{"unanswered_items": ("Lieux",)}],
    "realisation_found": [{"realisation_found": False}],
    "spending_found": [{"spending_found": False}],
    "carrier_heard": [{"carrier_heard": False, "reply_due_on": TODAY}, {"reply_due_on": None}],
}

HOLDING: dict[str, list[Example]] = {
    "form_complete": [{"missing_fields": ()}],
    "budget_balanced": [{"expenses": 100_00, "incomes": 100_00}],
    "has_funding_request": [{"requests": 1}],
    "attested": [{"attested": True}],
    "deposit_open": [{"deposit_open": True}, {"late_deposit_allowed": True, "deposit_deadline": YESTERDAY}],
    "pieces_named": [{"named_pieces": 1}],
    "due_date_ahead": [{"due_on": TOMORROW}],
    "pieces_answered": [{"unanswered_pieces": ()}],
    "answers_to_review": [{"answers_to_review": 1}],
    "some_returned": [{"returned_pieces": 1}],
    "reason_given": [{"reason": "Une phrase."}],
    "other_instance": [{"instance_id": 1, "target_instance_id": 2}],
    "binome_stands": [{"binome_stands": True}],
    "two_distinct_members": [{"members": PAIR}],
    "members_of_instance": [{"members": PAIR}],
    "members_trained": [{"members": PAIR}],
    "different_institutions": [
        {"members": PAIR},
        {"members": (member(1), member(2, institution_id=11)), "institutions_derogation": True},
    ],
    "members_without_conflict": [{"members": PAIR}],
    "members_within_capacity": [
        {"members": (member(1), member(2, points_left=3)), "effort": 3},
        {"members": (member(1), member(2, in_instance=False, points_left=0)), "effort": 3},
    ],
    "question_asked": [{"question": "Le local est-il aux normes ?"}],
    "expert_without_conflict": [{"expert_conflict": False}],
    "answer_given": [{"answer": "Oui."}],
    "nothing_noted_yet": [{"noted": False}],
    "expert_not_retired": [{"expert_retired": False}],
    "no_colleague_proposed": [{"colleague_proposed": False}],
    "colleague_proposed": [{"colleague_proposed": True}],
    "still_instructed": [{"dossier_state": "assigned"}, {"dossier_state": "expert_consulted"}],
    "time_for_colleague": [{"asked_until": TOMORROW}],
    "colleague_without_conflict": [{"colleague_conflict": False}],
    "colleague_not_retired": [{"colleague_retired": False}],
    "colleague_not_asked": [{"colleague_asked": False}],
    "consultation_overdue": [{"due_on": YESTERDAY}],
    "consultations_closed": [{"consultations": 2, "open_consultations": 0}],
    "own_opinion_open": [{"own_opinion_sealed": False}],
    "opinion_complete": [{"missing_opinion_fields": ()}],
    "opinions_sealed": [{"sealed_opinions": 2}],
    "committee_ahead": [{"committee_ahead": True}],
    "opinions_reconciled": [{"joint_signatures": 2}, {"opinions_agree": True}, {"arbitrated": True}],
    "opinions_differ": [{"sealed_opinions": 2, "opinions_agree": False}],
    "no_third_awaited": [{"third_awaited": False}],
    "third_apart": [{"third_apart": True}],
    "nothing_decided": [{"decided_requests": 0}],
    "nothing_granted": [{"granted_requests": 0, "decided_requests": 1}],
    "session_chosen": [{"session_chosen": True}],
    "all_requests_decided": [{"pending_requests": 0}],
    "some_granted": [{"granted_requests": 1}],
    "none_granted": [{"granted_requests": 0}],
    "request_pending": [{"request_is_pending": True}],
    "within_asked": [{"amount": 500_00, "asked": 500_00}, {"amount": 0, "asked": 500_00}],
    "envelope_suffices": [{"amount": 500_00, "left_in_envelope": 500_00}, {"amount": 0, "left_in_envelope": None}],
    "appeal_in_time": [{"notified_on": date(2026, 1, 12)}, {"notified_on": TODAY}],
    "payback_stated": [{"payback": 100_00, "paid": 100_00}, {"payback": 0}],
    "line_granted": [{"granted": 500_00}],
    "agreement_signed": [{"agreement_signed": True}],
    "agreement_not_signed": [{"agreement_signed": False}],
    "within_granted": [{"amount": 400_00, "granted": 500_00, "paid": 100_00}],
    "final_report_settled": [{"final_report_received": True}, {"final_report_never_sent": True}],
    "no_final_report_yet": [{}],
    "final_report_overdue": [{"final_report_due_on": YESTERDAY}],
    "grid_filled": [{"missing_grid_fields": ()}],
    "control_taken_up": [{"dossier_state": "under_control"}],
    "controller_independent": [{"actor_involved": False}],
    "visit_date_given": [{"due_on": YESTERDAY}],
    "controller_apart": [{"actor_of_sole_funder": False}],
    "controller_named": [{"named_controllers": ()}, {"named_controllers": ("A", "B"), "actor_named": True}],
    "pair_named": [{"named_controllers": ("A", "B"), "actor_named": True}],
    "findings_signed": [{"findings_signed": True}],
    "second_awaited": [{"named_controllers": ("A",)}],
    "not_controller": [{"actor_named": False}],
    "two_controllers": [{"controllers": TWO}],
    "controllers_known": [{"controllers": TWO}],
    "controllers_independent": [{"controllers": TWO}],
    "controllers_apart": [{"controllers": TWO}],
    "two_reviewers": [{"reviewers": BOTH}],
    "reviewers_known": [{"reviewers": BOTH}],
    "reviewers_independent": [{"reviewers": BOTH}],
    "reviewers_of_two_institutions": [{"reviewers": BOTH}],
    "reviewer_independent": [{"actor_took_part": False}],
    "colleague_independent": [{"colleague_took_part": False}],
    "reviewers_still_apart": [{"reviewers_apart": True}],
    "review_whole": [{"unanswered_criteria": ()}],
    "review_not_signed": [{"actor_signed": False}],
    "colleague_signed": [{"colleague_signed": True}],
    "in_sealed_draw": [{"draw_sealed": True, "drawn": True}],
    "draw_sealed": [{"draw_sealed": True}],
    "not_waiting_in_draw": [{"waiting_in_draw": False}],
    "grid_whole": [{"unanswered_items": ()}],
    "realisation_found": [{"realisation_found": True}],
    "spending_found": [{"spending_found": True}],
    "carrier_heard": [{"carrier_heard": True}, {"reply_due_on": YESTERDAY}],
}


def holding(guards: Iterable[str], **changes: Any) -> Facts:
    """Facts on which all `guards` hold together, then changed."""
    return _together(HOLDING, guards, changes)


def failing(guards: Iterable[str]) -> Facts:
    """Facts on which all `guards` fail together."""
    changes = {"members": HOPELESS} if "members_of_instance" in guards else {}
    if "two_controllers" in guards:
        changes["controllers"] = (controller(1, holds_role=False, involved=True, of_sole_funder=True),)
    if "two_reviewers" in guards:
        changes["reviewers"] = (reviewer(1, holds_role=False, took_part=True),)
    return _together(FAILING, guards, changes)


def _together(examples: dict[str, list[Example]], guards: Iterable[str], changes: Example) -> Facts:
    values: Example = {"today": TODAY}
    for guard in guards:
        values |= examples[guard][0]
    return Facts(**(values | changes))
