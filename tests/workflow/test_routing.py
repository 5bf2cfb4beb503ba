"""Routing: the first rule that matches leads, and says so."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from workflow.routing import Query, Rule, explain, route

OBJECTIVES = st.sampled_from(["112", "224", "331"])
LEVELS = st.sampled_from(["arrondissement", "agglomération", "commune"])
COMMUNES = st.sampled_from(["Anzin", "Marly"])
QUERIES = st.builds(Query, OBJECTIVES, st.none() | LEVELS, st.none() | COMMUNES)
RULES = st.lists(
    st.builds(
        Rule,
        position=st.integers(1, 99),
        objective=OBJECTIVES,
        lead=st.sampled_from(["ct-sante", "gup-locaux", "cti"]),
        level=st.none() | LEVELS,
        commune=st.none() | COMMUNES,
    ),
    unique_by=lambda rule: rule.position,
    max_size=12,
)


def matches(rule: Rule, query: Query) -> bool:
    """The rule's meaning, said the other way round: nothing it asks differs."""
    return (
        rule.objective == query.objective
        and rule.level in (None, query.level)
        and rule.commune in (None, query.commune)
    )


@given(RULES, QUERIES)
def test_the_first_rule_that_matches_wins(rules: list[Rule], query: Query) -> None:
    expected = min((rule for rule in rules if matches(rule, query)), key=lambda rule: rule.position, default=None)
    routed = route(rules, query)
    assert routed.rule == expected
    number = f"règle {expected.position}" if expected else "aucune règle"
    assert f"objectif {query.objective}" in routed.reason
    assert number in routed.reason


@given(RULES, QUERIES, st.randoms())
def test_order_in_the_list_does_not_matter(rules: list[Rule], query: Query, random: object) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert route(shuffled, query) == route(rules, query)
    assert explain(shuffled, query) == explain(rules, query)


@given(RULES, QUERIES)
def test_rules_after_the_winner_change_nothing(rules: list[Rule], query: Query) -> None:
    routed = route(rules, query)
    if routed.rule:
        position = routed.rule.position
        earlier = [rule for rule in rules if rule.position <= position]
        assert route(earlier, query) == routed
        without = [rule for rule in rules if rule.position != position]
        again = route(without, query).rule
        assert again is None or again.position > position
    else:
        assert not any(matches(rule, query) for rule in rules)


@given(RULES, QUERIES)
def test_the_explanation_leads_to_the_winner(rules: list[Rule], query: Query) -> None:
    steps = explain(rules, query)
    routed = route(rules, query)
    assert [step.rule for step in steps if step.matched] == ([routed.rule] if routed.rule else [])
    assert all(step.rule.objective == query.objective for step in steps)
    assert [step.rule.position for step in steps] == sorted(step.rule.position for step in steps)
    for step in steps:
        assert step.matched == matches(step.rule, query)
        assert step.message % step.params


def test_the_reason_is_in_words() -> None:
    rule = Rule(17, "224", "charte-alcool")
    assert route([rule], Query("224", "commune", "Anzin")).reason == "objectif 224, règle 17"
    assert route([rule], Query("225")).reason == "objectif 225 : aucune règle ne correspond"


def test_the_explanation_says_what_differs() -> None:
    general = Rule(3, "331", "ct-habitat")
    rules = [replace(general, position=1, level="commune"), replace(general, position=2, commune="Marly"), general]
    steps = explain(rules, Query("331", "agglomération", "Anzin"))
    assert [step.message % step.params for step in steps] == [
        "réservée à l'échelle « commune »",
        "réservée à la commune Marly",
        "correspond",
    ]
