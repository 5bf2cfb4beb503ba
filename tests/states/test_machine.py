"""The shared machines: what they refuse, what they keep, and eight threads at once."""

import ast
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from threading import Barrier

import pytest

import states
from states.dossier import DOSSIER
from states.facts import OF_THE_ACT, Facts
from states.machine import TABLES, Because, Decision, Refusal, decide, reads
from tests.states.examples import holding


def test_unknown_names_are_errors_not_refusals() -> None:
    with pytest.raises(ValueError, match="limbo"):
        decide(DOSSIER, "limbo", "submit", ["carrier"], Facts())
    with pytest.raises(KeyError, match="to_closed"):
        decide(DOSSIER, "draft", "to_closed", ["administrator"], Facts())
    with pytest.raises(KeyError, match="to_closed"):
        reads(DOSSIER, "to_closed", "draft")


def test_right_comes_before_state_and_guards() -> None:
    refusal = decide(DOSSIER, "closed", "assign", ["carrier", "controller"], Facts())
    assert isinstance(refusal, Refusal)
    assert refusal.because is Because.ROLE
    assert [reason.code for reason in refusal.reasons] == ["role"]
    assert refusal.reasons[0].params == {"roles": ("animator",)}


def test_a_wrong_state_names_where_it_is_possible() -> None:
    refusal = decide(DOSSIER, "draft", "appeal_upheld", ["animator"], Facts())
    assert isinstance(refusal, Refusal)
    assert (refusal.event, refusal.state, refusal.because) == ("appeal_upheld", "draft", Because.STATE)
    [reason] = refusal.reasons
    assert reason.params == {"state": "draft", "sources": ("refused", "inadmissible")}
    assert "draft" in reason.message % reason.params
    assert "inadmissible" in reason.remedy % reason.params


def test_a_decision_names_the_roles_that_gave_the_right() -> None:
    facts = holding(["pieces_named", "due_date_ahead"])
    decision = decide(DOSSIER, "assigned", "request_completion", ["binome", "funder", "animator"], facts)
    assert decision == Decision("request_completion", "assigned", "incomplete", ("animator", "binome"))


def test_an_act_is_offered_before_anything_is_typed() -> None:
    assert isinstance(decide(DOSSIER, "opinion", "withdraw", ["carrier"], Facts(), offered=True), Decision)
    refusal = decide(DOSSIER, "opinion", "withdraw", ["carrier"], Facts(granted_requests=1), offered=True)
    assert isinstance(refusal, Refusal)
    assert [reason.code for reason in refusal.reasons] == ["nothing_granted"]


def test_what_an_act_brings_is_a_fact() -> None:
    assert {field.name for field in fields(Facts)} >= OF_THE_ACT
    assert "today" not in OF_THE_ACT


def questions() -> Iterator[tuple[str, str, str, Facts]]:
    """One question per table, state and event, with facts of its own."""
    for name, table in TABLES.items():
        for state in table.states:
            for event, rows in table.by_event.items():
                for facts in (Facts(), holding(rows[0].guards), holding(rows[-1].guards, binome_stands=True)):
                    yield name, state, event, replace(facts)


def answer(question: tuple[str, str, str, Facts]) -> Decision | Refusal:
    """Ask with every role in hand."""
    name, state, event, facts = question
    return decide(TABLES[name], state, event, TABLES[name].roles, facts)


def test_nothing_is_kept_after_an_answer() -> None:
    asked = list(questions())
    before = [sys.getrefcount(question[3]) for question in asked]
    answers = [answer(question) for question in asked]
    assert {type(given) for given in answers} == {Decision, Refusal}
    assert [sys.getrefcount(question[3]) for question in asked] == before


def test_eight_threads_get_the_answers_that_one_gets() -> None:
    asked = list(questions())
    alone = [answer(question) for question in asked]
    together = Barrier(8)

    def ask(start: int) -> bool:
        together.wait()
        order = asked[start:] + asked[:start]
        return [answer(question) for question in order] == alone[start:] + alone[:start]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            agreed = list(pool.map(ask, range(0, 8 * 97, 97)))
    finally:
        sys.setswitchinterval(interval)
    assert agreed == [True] * 8


def test_the_package_is_pure() -> None:
    """The standard library and transitions, without what would ask for the time, a file or the network."""
    impure = {
        "time",
        "os",
        "io",
        "pathlib",
        "random",
        "secrets",
        "socket",
        "sqlite3",
        "subprocess",
        "threading",
        "urllib",
    }
    allowed = (sys.stdlib_module_names - impure) | {"states", "transitions"}
    files = list(Path(states.__file__).parent.glob("*.py"))
    assert len(files) >= 9
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, file.name
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, file.name
                assert (node.module or "").split(".")[0] in allowed, file.name
            elif isinstance(node, ast.Attribute):
                assert node.attr not in {"today", "now", "utcnow"} or ast.unparse(node.value) in {"f", "facts"}, (
                    file.name
                )
