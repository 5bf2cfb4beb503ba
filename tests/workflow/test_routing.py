"""Routing: the first rule that matches leads, and says so."""

from dataclasses import replace
from datetime import date
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from workflow.routing import Gap, Query, Rule, explain, gaps, route, unreachable

OBJECTIVES = st.sampled_from(["112", "224", "331"])
LEVELS = st.sampled_from(["arrondissement", "agglomération", "commune"])
COMMUNES = st.sampled_from(["Anzin", "Marly"])
KINDS = st.sampled_from(["association", "commune"])
FUNDERS = st.sampled_from(["CAF", "État"])
SUMS = st.integers(0, 5)
DAYS = st.dates(date(2027, 1, 1), date(2027, 1, 9))
QUERIES = st.builds(
    Query,
    OBJECTIVES,
    st.none() | LEVELS,
    st.none() | COMMUNES,
    st.none() | KINDS,
    st.none() | SUMS,
    st.lists(FUNDERS, unique=True).map(tuple),
    st.sampled_from(["", "Des ateliers pour la jeunesse", "Épicerie solidaire"]),
    st.none() | DAYS,
)
RULE = st.builds(
    Rule,
    position=st.integers(1, 99),
    objective=st.none() | OBJECTIVES | st.sampled_from(["1", "22", "3"]),
    lead=st.sampled_from(["ct-sante", "gup-locaux", "cti"]),
    level=st.none() | LEVELS,
    commune=st.none() | COMMUNES,
    kind=st.none() | KINDS,
    least=st.none() | SUMS,
    most=st.none() | SUMS,
    funders=st.lists(FUNDERS, unique=True, max_size=1).map(tuple),
    keywords=st.sampled_from([(), ("jeune",), ("epicerie", "vélo")]),
    starts_on=st.none() | DAYS,
    ends_on=st.none() | DAYS,
)
RULES = st.lists(RULE, unique_by=lambda rule: rule.position, max_size=12)


def matches(rule: Rule, query: Query) -> bool:
    """The rule's meaning, said the other way round: nothing it asks differs."""
    return (
        (rule.objective or "") == query.objective[: len(rule.objective or "")]
        and rule.level in (None, query.level)
        and rule.commune in (None, query.commune)
        and rule.kind in (None, query.kind)
        and (rule.least is None or (query.asked is not None and rule.least <= query.asked))
        and (rule.most is None or (query.asked is not None and query.asked <= rule.most))
        and (not rule.funders or bool(set(rule.funders) & set(query.funders)))
        and (
            not rule.keywords
            or ("jeune" in rule.keywords and "jeunesse" in query.text)
            or ("epicerie" in rule.keywords and "Épicerie" in query.text)
        )
        and (query.on is None or rule.starts_on is None or rule.starts_on <= query.on)
        and (query.on is None or rule.ends_on is None or query.on <= rule.ends_on)
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
    assert all(query.objective.startswith(step.rule.objective or "") for step in steps)
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


# --- what is wrong with a set of rules -------------------------------------------------------------------------------

ALL = (["112", "224"], ["agglomération", "commune"], ["Anzin", "Marly"])
PLACED = st.lists(
    st.builds(
        Rule,
        position=st.integers(1, 99),
        objective=st.none() | st.sampled_from(["112", "224", "1", "22"]),
        lead=st.just("cti"),
        level=st.none() | st.sampled_from(ALL[1]),
        commune=st.none() | st.sampled_from(ALL[2]),
        kind=st.none() | st.none() | st.just("association"),
        keywords=st.sampled_from([(), (), ("jeune",)]),
    ),
    unique_by=lambda rule: rule.position,
    max_size=6,
)
EVERYTHING = [
    Query(objective, level, commune, kind, text=text)
    for objective, (level, commune), kind, text in product(
        ALL[0],
        [("agglomération", None), ("commune", "Anzin"), ("commune", "Marly")],
        ["association", "commune"],
        ["", "jeunes"],
    )
]
"""Every dossier that these rules can tell apart."""


@given(PLACED)
def test_a_rule_is_unreachable_where_no_dossier_could_be_led_by_it(rules: list[Rule]) -> None:
    led = {found.position for found in (route(rules, query).rule for query in EVERYTHING) if found}
    told = {rule.position for rule in unreachable(rules, *ALL)}
    # Two rules with conditions may together cover a later one: that is not looked for, so that none is told wrongly.
    assert told.isdisjoint(led)
    plain = [rule for rule in rules if not rule.kind and not rule.keywords]
    assert {rule.position for rule in unreachable(plain, *ALL)} == {rule.position for rule in plain} - {
        found.position for found in (route(plain, query).rule for query in EVERYTHING) if found
    }


@given(PLACED)
def test_gaps_are_the_dossiers_that_nothing_leads(rules: list[Rule]) -> None:
    found = gaps(rules, *ALL)
    always = {(gap.objective, gap.level, commune) for gap in found if gap.always for commune in gap.communes or [None]}
    some = {(gap.objective, gap.level, commune) for gap in found for commune in gap.communes or [None]}
    led: dict[tuple[str, str | None, str | None], list[bool]] = {}
    for query in EVERYTHING:
        place = query.objective, query.level, query.commune
        led.setdefault(place, []).append(route(rules, query).rule is not None)
    assert always == {place for place, each in led.items() if not any(each)}
    assert {place for place, each in led.items() if not all(each)} <= some


def test_a_gap_names_its_communes() -> None:
    rules = [Rule(1, "112", "cti", "agglomération"), Rule(2, "112", "cti", "commune", "Anzin"), Rule(3, "22", "ct")]
    assert gaps(rules, *ALL) == [Gap("112", "commune", ("Marly",), always=True)]


def test_keywords_are_found_at_the_beginning_of_words_whatever_the_accents() -> None:
    rule = Rule(1, None, "cti", keywords=("Éducation à l'image",))
    for text, found in (
        ("Atelier d'EDUCATION À L'IMAGE pour tous", True),
        ("l'éducation à l'imagerie", True),
        ("rééducation à l'image", False),
        ("", False),
    ):
        assert (route([rule], Query("112", text=text)).rule is not None) == found
