"""Every state, event and role of the four lives, against the design's table written down once more."""

from dataclasses import dataclass

import pytest

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.dossier import DOSSIER, ROLES
from states.facts import OF_THE_ACT
from states.guards import GUARDS
from states.machine import Because, Decision, Refusal, decide, open_to, reads
from states.review import REVIEW
from states.table import Table
from tests.states.examples import FAILING, failing, holding

# event | from | to | who | needs
LIVES = {
    "dossier": """
submit | draft | submitted | carrier | form_complete budget_balanced has_funding_request attested deposit_open
request_completion | submitted assigned | incomplete | animator binome | pieces_named due_date_ahead
complete | incomplete | submitted | carrier | pieces_answered
review_pieces | submitted assigned | = | animator binome | answers_to_review
declare_inadmissible | submitted incomplete | inadmissible | animator | reason_given
reroute | submitted assigned | submitted | animator transversal | other_instance reason_given
assign | submitted | assigned | animator | PAIR
replace_member | assigned expert_consulted | = | animator | PAIR
consult_expert | assigned expert_consulted | expert_consulted | binome | question_asked due_date_ahead \
expert_without_conflict expert_not_retired
close_consultations | expert_consulted | assigned | system | consultations_closed
issue_opinion | assigned | opinion | binome | opinions_sealed opinions_reconciled committee_ahead
reopen_instruction | opinion funding_decision | assigned | animator | nothing_decided reason_given
table | opinion | funding_decision | animator | session_chosen
defer | funding_decision | opinion | funder animator | reason_given
fund | funding_decision | follow_up | system | all_requests_decided some_granted
refuse | funding_decision | refused | system | all_requests_decided none_granted
appeal_upheld | refused | funding_decision | animator | appeal_in_time reason_given
appeal_upheld | inadmissible | submitted | animator | appeal_in_time reason_given
cancel_action | follow_up | cancelled | carrier animator | reason_given payback_stated
evaluate | follow_up | evaluated | evaluator binome | final_report_settled grid_filled not_controller
select_for_control | evaluated | under_control | controller | in_sealed_draw controller_named controller_independent \
controller_apart
conclude_control | under_control | controlled | controller | realisation_found spending_found carrier_heard \
controller_named controller_independent findings_signed
close | evaluated controlled | closed | controller administrator | draw_sealed not_waiting_in_draw
withdraw | draft submitted incomplete assigned expert_consulted opinion funding_decision | withdrawn | carrier | \
nothing_granted reason_given
edit_draft | draft | = | carrier |
attach_document | draft submitted incomplete assigned expert_consulted opinion funding_decision FUNDED | = | \
carrier binome animator evaluator |
send_message | submitted incomplete assigned expert_consulted opinion funding_decision FUNDED TERMINAL | = | \
carrier binome animator |
write_note | submitted incomplete assigned expert_consulted opinion funding_decision FUNDED TERMINAL | = | \
binome animator |
comment | submitted incomplete assigned expert_consulted opinion funding_decision | = | associated |
answer_piece | incomplete | = | carrier |
set_effort | submitted incomplete assigned expert_consulted | = | animator |
save_opinion | assigned expert_consulted | = | binome | own_opinion_open
seal_opinion | assigned expert_consulted | = | binome | own_opinion_open opinion_complete
sign_joint_opinion | assigned expert_consulted | = | binome | opinions_differ no_third_awaited
name_third | assigned expert_consulted | = | animator | opinions_differ third_apart members_of_instance \
members_trained members_without_conflict members_within_capacity
arbitrate | assigned expert_consulted | = | animator | opinions_differ reason_given
decide_request | funding_decision | = | funder | request_pending within_asked envelope_suffices
sign_agreement | FUNDED | = | funder | line_granted agreement_not_signed
record_payment | FUNDED | = | funder | line_granted agreement_signed within_granted
submit_progress_report | follow_up | = | carrier | no_final_report_yet
submit_final_report | follow_up | = | carrier | no_final_report_yet
establish_report_missing | follow_up | = | evaluator binome animator | no_final_report_yet final_report_overdue
""",
    "consultation": """
answer | asked | answered | expert | answer_given
decline | asked | declined | expert | reason_given
expire | asked | expired | system | consultation_overdue
revoke | asked | revoked | binome | reason_given
extend | asked | = | binome animator | due_date_ahead
note | expired | = | expert | answer_given nothing_noted_yet
propose_colleague | asked | = | expert | reason_given no_colleague_proposed
hand_over | asked | handed_over | binome | colleague_proposed still_instructed time_for_colleague \
colleague_without_conflict colleague_not_retired colleague_not_asked
refuse_colleague | asked | = | binome | colleague_proposed reason_given
""",
    "control": """
announce | drawn | announced | controller | control_taken_up controller_named controller_independent \
pair_named visit_date_given
send_findings | announced | findings_sent | controller | controller_named controller_independent grid_whole \
realisation_found spending_found findings_signed due_date_ahead
conclude | findings_sent | concluded | controller | controller_named controller_independent carrier_heard \
findings_signed
join_control | drawn announced findings_sent | = | controller | second_awaited controller_independent controller_apart
name_controllers | drawn announced findings_sent | = | transversal administrator | two_controllers controllers_known \
controllers_independent controllers_apart
fill_grid | announced | = | controller | controller_named controller_independent
enter_expense | announced | = | controller | controller_named controller_independent
strike_expense | announced | = | controller | controller_named controller_independent
write_findings | announced | = | controller | controller_named controller_independent
sign_findings | announced findings_sent | = | controller | controller_named controller_independent pair_named \
grid_whole realisation_found spending_found
reply | findings_sent | = | carrier | answer_given
""",
    "review": """
name_reviewers | to_review under_review | under_review | transversal | two_reviewers reviewers_known \
reviewers_independent reviewers_of_two_institutions
sign_review | under_review | = | reviewer | reviewer_independent colleague_independent reviewers_still_apart \
review_whole review_not_signed
fill_review | under_review | = | reviewer | reviewer_independent
""",
}
SHORT = {
    "PAIR": "two_distinct_members members_of_instance members_trained different_institutions members_without_conflict "
    "members_within_capacity",
    "FUNDED": "follow_up evaluated under_control controlled",
    "TERMINAL": "inadmissible refused withdrawn cancelled closed",
}
TABLES = {table.name: table for table in (DOSSIER, CONSULTATION, CONTROL, REVIEW)}


@dataclass(frozen=True)
class Expected:
    """One event: where it leads from each state, who fires it, what it needs."""

    table: Table
    event: str
    targets: dict[str, str]
    roles: tuple[str, ...]
    guards: tuple[str, ...]


def expectations() -> list[Expected]:
    """The tables above, one entry per event."""
    found: dict[tuple[str, str], Expected] = {}
    for name, text in LIVES.items():
        for line in text.strip().splitlines():
            for short, words in SHORT.items():
                line = line.replace(short, words)
            event, sources, target, roles, guards = (part.strip() for part in line.split("|"))
            targets = {source: source if target == "=" else target for source in sources.split()}
            if (name, event) in found:
                targets |= found[name, event].targets
            found[name, event] = Expected(TABLES[name], event, targets, tuple(roles.split()), tuple(guards.split()))
    return list(found.values())


EXPECTED = expectations()
each_event = pytest.mark.parametrize("expected", EXPECTED, ids=lambda e: f"{e.table.name}-{e.event}")


def outcome(answer: Decision | Refusal) -> str:
    """The target, or why there is none."""
    return answer.target if isinstance(answer, Decision) else f"refused: {answer.because}"


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_no_event_is_missing_and_none_is_left_over(table: Table) -> None:
    assert set(table.by_event) == {e.event for e in EXPECTED if e.table is table}


@each_event
def test_every_state_and_role_when_all_guards_hold(expected: Expected) -> None:
    facts = holding(expected.guards)
    found = {
        (state, role): outcome(decide(expected.table, state, expected.event, [role], facts))
        for state in expected.table.states
        for role in ROLES
    }
    assert found == {
        (state, role): "refused: role"
        if role not in expected.roles
        else expected.targets.get(state, f"refused: {Because.STATE}")
        for state in expected.table.states
        for role in ROLES
    }


@each_event
def test_nobody_without_a_role_does_anything(expected: Expected) -> None:
    for state in expected.table.states:
        assert outcome(decide(expected.table, state, expected.event, [], holding(expected.guards))) == "refused: role"


@each_event
def test_every_failed_guard_is_named_in_order(expected: Expected) -> None:
    for state in expected.targets if expected.guards else ():
        refusal = decide(expected.table, state, expected.event, expected.roles, failing(expected.guards))
        assert isinstance(refusal, Refusal)
        assert refusal.because is Because.GUARD
        assert tuple(reason.code for reason in refusal.reasons) == expected.guards
        for reason in refusal.reasons:
            guard = GUARDS[reason.code]
            assert (reason.message, reason.remedy) == (guard.failing, guard.remedy)
            assert reason.params == guard.params(failing(expected.guards))


@each_event
def test_an_offer_leaves_out_the_guards_on_what_is_typed(expected: Expected) -> None:
    known = [name for name in expected.guards if not OF_THE_ACT & set(GUARDS[name].reads)]
    for state in expected.targets:
        refusal = decide(expected.table, state, expected.event, expected.roles, failing(expected.guards), offered=True)
        if known:
            assert isinstance(refusal, Refusal)
            assert [reason.code for reason in refusal.reasons] == known
        else:
            assert outcome(refusal) == expected.targets[state]


@each_event
def test_each_guard_alone_refuses(expected: Expected) -> None:
    for name in expected.guards:
        facts = holding(expected.guards, **FAILING[name][0])
        refusal = decide(expected.table, next(iter(expected.targets)), expected.event, expected.roles, facts)
        assert isinstance(refusal, Refusal)
        codes = [reason.code for reason in refusal.reasons]
        assert name in codes
        assert codes == [guard for guard in expected.guards if not GUARDS[guard].holds(facts)]


@each_event
def test_the_facts_to_fetch_are_those_of_the_guards(expected: Expected) -> None:
    for state in expected.table.states:
        wanted = (
            {fact for name in expected.guards for fact in GUARDS[name].reads} if state in expected.targets else set()
        )
        if (expected.event, state) == ("complete", "incomplete"):
            wanted.add("binome_stands")
        if expected.event == "review_pieces" and wanted:
            wanted |= {"returned_pieces", "due_on", "today"}
        if (expected.event, state) == ("sign_review", "under_review"):
            wanted.add("colleague_signed")
        assert reads(expected.table, expected.event, state) == wanted


def test_an_answer_that_is_returned_sends_the_dossier_back_to_its_carrier() -> None:
    returned = {"some_returned", "answers_to_review", "due_date_ahead"}
    for state in ("submitted", "assigned"):
        assert outcome(decide(DOSSIER, state, "review_pieces", ["binome"], holding(returned))) == "incomplete"
        refusal = decide(DOSSIER, state, "review_pieces", ["binome"], holding(returned - {"due_date_ahead"}))
        assert isinstance(refusal, Refusal)
        assert [reason.code for reason in refusal.reasons] == ["due_date_ahead"]


def test_the_second_signature_seals_a_review() -> None:
    apart = ["reviewer_independent", "colleague_independent", "reviewers_still_apart"]
    whole = [*apart, "review_whole", "review_not_signed"]
    facts = holding(whole, colleague_signed=True)
    assert outcome(decide(REVIEW, "under_review", "sign_review", ["reviewer"], facts)) == "reviewed"
    again = holding(whole, colleague_signed=True, actor_signed=True)
    refusal = decide(REVIEW, "under_review", "sign_review", ["reviewer"], again)
    assert isinstance(refusal, Refusal)
    assert [reason.code for reason in refusal.reasons] == ["review_not_signed"]


def test_a_completed_dossier_returns_to_its_binome() -> None:
    facts = holding(["pieces_answered"], binome_stands=True)
    assert outcome(decide(DOSSIER, "incomplete", "complete", ["carrier"], facts)) == "assigned"
    unanswered = holding([], binome_stands=True, unanswered_pieces=("RIB",))
    refusal = decide(DOSSIER, "incomplete", "complete", ["carrier"], unanswered)
    assert isinstance(refusal, Refusal)
    assert [reason.code for reason in refusal.reasons] == ["pieces_answered"]


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_what_is_open_to_each_role(role: str) -> None:
    for table in TABLES.values():
        for state in table.states:
            wanted = {e.event for e in EXPECTED if e.table is table and role in e.roles and state in e.targets}
            found = open_to(table, state, [role])
            assert set(found) == wanted
            assert list(found) == [event for event in table.by_event if event in wanted]


@pytest.mark.parametrize(
    ("table", "initial", "terminal"),
    [
        (DOSSIER, "draft", {"inadmissible", "refused", "withdrawn", "cancelled", "closed"}),
        (CONSULTATION, "asked", {"answered", "declined", "expired", "revoked", "handed_over"}),
        (CONTROL, "drawn", {"concluded"}),
        (REVIEW, "to_review", {"reviewed"}),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)
def test_where_a_life_begins_and_ends(table: Table, initial: str, terminal: set[str]) -> None:
    assert table.initial == initial
    assert table.terminal == terminal
    reopened = {state for e in EXPECTED if e.table is table for state, to in e.targets.items() if to != state}
    assert reopened & terminal == ({"inadmissible", "refused"} if table is DOSSIER else set())


def test_acts_leave_the_state_alone_and_are_no_events() -> None:
    for table in TABLES.values():
        for row in table.acts:
            assert row.target == "="
            assert row.event not in table.events
    assert DOSSIER.events[:3] == ("submit", "request_completion", "complete")
