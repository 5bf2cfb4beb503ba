"""Binômes: against trying everything, every hard rule on purpose, causes that are necessary."""

from random import Random
from typing import Any

import pytest

from tests.workflow.pairings import every_answer, merits, random_problem, wider
from workflow.pairing.problem import Constraint, Dossier, Instructor, Problem
from workflow.pairing.solve import solve


@pytest.mark.parametrize("batch", range(2))
def test_random_questions_agree_with_trying_everything(batch: int) -> None:
    outcomes = {"optimal": 0, "infeasible": 0}
    for seed in range(60 * batch, 60 * (batch + 1)):
        problem = random_problem(Random(seed))
        answers = list(every_answer(problem))
        found = solve(problem)
        outcomes[found.status] += 1
        assert (found.status == "optimal") == bool(answers), seed
        if not answers:
            check_cause(problem, seed)
            continue
        best = max(merits(problem, pairs) for pairs in answers)
        own = tuple(tuple(found.pairs[row.id]) for row in problem.dossiers)
        assert own in answers, seed
        assert merits(problem, own) == pytest.approx(best, abs=1e-5), seed
        assert (found.max_load, found.worst, found.total) == pytest.approx((-best[0], *best[1:3]), abs=1e-5), seed
        total = solve(problem, "total")
        assert total.total == pytest.approx(max(merits(problem, pairs)[2] for pairs in answers)), seed
    assert min(outcomes.values()) > 8


def check_cause(problem: Problem, seed: int) -> None:
    """Together the rules of the cause are impossible; without any one of them they are not; and lifts lift."""
    (cause,) = solve(problem).causes
    assert cause.minimal
    everything = rules(problem)
    assert set(cause.constraints) <= everything
    others = everything - set(cause.constraints)
    assert not any(every_answer(problem, list(others))), seed
    for rule in cause.constraints:
        assert next(every_answer(problem, [*others, rule]), None) is not None, (seed, rule)
    for lift in cause.lifts:
        if lift.to is None:
            assert next(every_answer(problem, [lift.constraint]), None) is not None, (seed, lift)
        else:
            person = lift.constraint.instructor or ""
            assert next(every_answer(wider(problem, person, lift.to)), None) is not None, (seed, lift)
            assert next(every_answer(wider(problem, person, lift.to - 1)), None) is None, (seed, lift)


def rules(problem: Problem) -> set[Constraint]:
    """Every hard rule that the problem can name."""
    return {
        *(Constraint("cover", row.id) for row in problem.dossiers),
        *(Constraint("institution", row.id) for row in problem.dossiers),
        *(Constraint("capacity", instructor=row.id) for row in problem.instructors),
        *(Constraint("min_load", instructor=row.id) for row in problem.instructors),
        *(Constraint("conflict", *row) for row in problem.conflicts),
        *(Constraint("pinned", *row) for row in problem.pinned),
        *(Constraint("banned_pair", *row) for row in problem.banned_pairs),
    }


PEOPLE = [
    Instructor("caf 1", "CAF", 4),
    Instructor("caf 2", "CAF", 4),
    Instructor("ars 1", "ARS", 4),
    Instructor("cavm 1", "CAVM", 4),
]
LIKED = {"d1": {"caf 1": 3, "caf 2": 3, "ars 1": 1}, "d2": {"caf 1": 3, "cavm 1": 2}}
HARD: list[tuple[dict[str, Any], dict[str, set[str]]]] = [
    ({}, {"d1": {"caf 2", "ars 1"}, "d2": {"caf 1", "cavm 1"}}),
    ({"max_per_institution": None}, {"d1": {"caf 2", "ars 1"}, "d2": {"caf 1", "cavm 1"}}),
    ({"conflicts": [("d2", "caf 1")]}, {"d1": {"caf 1", "ars 1"}, "d2": {"caf 2", "cavm 1"}}),
    ({"pinned": [("d1", "cavm 1")]}, {"d1": {"caf 2", "cavm 1"}, "d2": {"caf 1", "ars 1"}}),
    ({"banned_pairs": [(None, "caf 1", "cavm 1")]}, {"d1": {"caf 2", "cavm 1"}, "d2": {"caf 1", "ars 1"}}),
]


@pytest.mark.parametrize(("rules_of", "pairs"), HARD)
def test_each_hard_rule_decides_where_it_stands(rules_of: dict[str, Any], pairs: dict[str, set[str]]) -> None:
    found = solve(Problem(PEOPLE, [Dossier("d1"), Dossier("d2")], LIKED, **rules_of))
    assert found.status == "optimal"
    assert {dossier: set(members) for dossier, members in found.pairs.items()} == pairs


def test_somebody_who_left_changes_only_what_must() -> None:
    dossiers = [Dossier(f"d{n}") for n in range(3)]
    before = {"d0": ["caf 1", "ars 1"], "d1": ["caf 2", "cavm 1"], "d2": ["gone", "cavm 1"]}
    found = solve(Problem(PEOPLE, dossiers, previous=before | {"d2": ["cavm 1"]}))
    assert found.max_load == 0.5
    kept = sum(len(set(found.pairs[name]) & set(members)) for name, members in before.items())
    assert kept == 5


def test_without_dossiers_there_is_nothing_to_do_and_without_people_nothing_can_be_done() -> None:
    nothing = solve(Problem(PEOPLE, []))
    assert (nothing.status, nothing.pairs, nothing.total, nothing.worst, nothing.gap) == ("optimal", {}, 0, None, 0)
    nobody = solve(Problem([], [Dossier("d1")]))
    assert nobody.status == "infeasible"
    assert nobody.causes[0].constraints == [Constraint("cover", "d1")]


def test_efforts_of_many_decimals_are_no_burden() -> None:
    dossiers = [Dossier(f"d{n}", 0.333333 + n / 1e6) for n in range(3)]
    found = solve(Problem(PEOPLE, dossiers, LIKED | {"d0": {}}))
    assert found.status in ("optimal", "feasible")
    assert found.gap is not None
    assert found.gap < 0.01
    assert found.max_load == pytest.approx(2 * 0.3333335 / 4, abs=1e-5)


def test_what_time_did_not_suffice_for_is_not_called_proved() -> None:
    random = Random(3)
    people = [Instructor(f"i{n}", f"x{n % 5}", 20) for n in range(30)]
    dossiers = [Dossier(f"d{n}", random.choice((1, 2, 3))) for n in range(120)]
    affinity = {row.id: {who.id: random.random() for who in people} for row in dossiers}
    found = solve(Problem(people, dossiers, affinity), time_limit=0.0)
    assert found.status == "unknown"
    assert found.pairs == {}
    quick = solve(Problem(people, dossiers, affinity), time_limit=1.0)
    assert quick.status in ("unknown", "feasible", "optimal")
    assert quick.status != "feasible" or quick.gap
