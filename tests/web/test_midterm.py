"""The pages of the mid-term review: its plan, each action's review, and the synthesis against figures made by hand."""

from math import sqrt
from random import Random

import pytest
from sqlalchemy import select

from tests import reviews
from tests.factories import Walk
from tests.reviews import add_reviewers, criteria, draw, fill, name, review_id
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from web import pdf
from workflow.models import Dossier, Objective, Person, Review, Sample, SamplePlan
from workflow.queries.midterm import Synthesis, synthesis
from workflow.queries.reviews import show
from workflow.review_means import Interval, Mean, mean
from workflow.sampling.factors import t
from workflow.use_cases import control

FIRST, SECOND = "reviewer État", "reviewer CAF"
LEVELS = {"A": [level / 3 for level in range(1, 10)], "B": [level / 3 for level in range(4, 13)]}
"""Mean levels of three criteria, by orientation."""


def drawn(town: Town) -> Walk:
    """A dossier drawn for review."""
    return reviews.to_review(town.walk())


def act(walk: Walk, which: str) -> str:
    """The address of an act on its review."""
    return f"/dossiers/{walk.dossier_id}/mi-parcours/{review_id(walk)}/actes/{which}"


def seal(walk: Walk) -> None:
    """Both sign."""
    reviews.sign(walk, FIRST, SECOND)


# --- the figures ----------------------------------------------------------------------------------------------------


def test_a_mean_weighs_each_group_by_its_actions() -> None:
    """By hand: A has 6 actions of which 1, 3 were found; B has 4, of which 2, 4.

    The mean is (6·2 + 4·3) / 10 = 2.4. Both samples vary by 2; A drew 2 of 6 and B 2 of 4, so that with the finite
    population correction the variance of the total is 36·2/2·(1 − 2/6) + 16·2/2·(1 − 2/4) = 24 + 8 = 32, with
    32² / (24² + 8²) = 1.6 degrees of freedom. In tables, t at 95 % is 6.314 for 1 degree and 2.920 for 2.
    """
    assert t(0.9, 1) == pytest.approx(6.314, abs=5e-4)
    assert t(0.9, 2) == pytest.approx(2.920, abs=5e-4)
    found = mean({"A": (6, [1, 3]), "B": (4, [2, 4])})
    assert found is not None
    assert found.interval is not None
    assert found.value == pytest.approx(2.4)
    spread = t(0.9, 1.6) * sqrt(32) / 10
    assert found.interval.low == pytest.approx(2.4 - spread)
    assert found.interval.high == 4, "the scale ends there"


def test_too_few_say_nothing_but_all_say_everything() -> None:
    assert mean({"": (5, [3])}) is None
    assert mean({"A": (5, [3, 3]), "B": (5, [3])}) is None
    assert mean({"": (2, [1, 2])}) == Mean(1.5, Interval(1.5, 1.5))
    assert mean({"A": (2, [1, 2]), "B": (1, [3])}) == Mean(2.0, Interval(2.0, 2.0))


def test_where_all_say_the_same_nothing_tells_how_far_others_are() -> None:
    assert mean({"": (19, [2, 2])}) == Mean(2.0, None)


@pytest.mark.parametrize("n", [2, 4, 8])
def test_an_interval_holds_as_often_as_it_says(n: int) -> None:
    """Samples of n in each of two groups of 20 actions: about nine intervals of ten hold the true mean, or more."""
    chance = Random(n)
    groups = {name: [chance.choice(levels) for _ in range(20)] for name, levels in LEVELS.items()}
    true = sum(map(sum, groups.values())) / 40
    samples = [{name: (20, chance.sample(all_of, n)) for name, all_of in groups.items()} for _ in range(2000)]
    intervals = [found.interval for sample in samples if (found := mean(sample)) and found.interval]
    held = sum(interval.low <= true <= interval.high for interval in intervals)
    assert held / len(intervals) >= 0.88


# --- the synthesis --------------------------------------------------------------------------------------------------


def sampled(town: Town) -> tuple[int, list[Walk]]:
    """Two orientations: five actions of the first and one of another, of which three and one are drawn."""
    walks = [town.walk().evaluated() for _ in range(6)]
    with town.database.write() as session:
        other = session.scalars(
            select(Objective).where(Objective.level == "operational", Objective.code.startswith("1"))
        ).first()
        assert other is not None
        session.get_one(Dossier, walks[5].dossier_id).objective_id = other.id
    draw(town.database, town.world, walks[0].now, size=4, method="stratified", stratum="orientation")
    with town.database.read() as session:
        chosen = set(session.scalars(select(Review.dossier_id)))
        sample = session.scalars(select(Sample.id)).one()
    return sample, [walk.later(days=3) for walk in walks if walk.dossier_id in chosen]


def read(town: Town, sample: int) -> Synthesis:
    with town.database.read() as session:
        return synthesis(session, sample)


def test_the_synthesis_per_orientation_and_of_all(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    sample, walks = sampled(town)
    page = town.browser("transversal")
    address = f"/mi-parcours/syntheses/{sample}"
    assert "Aucune revue n'est encore scellée" in page.page(address).text
    assert address in page.page("/mi-parcours").links
    for walk, level, recommendation in zip(
        walks, (1, 3, 3, 4), ("stop", "continue", "continue", "extend"), strict=True
    ):
        if walk is walks[1]:
            text = page.page(address).text
            assert "trop peu d'actions" in text
            assert "Synthèse provisoire : il reste 3 actions à lire." in text
        name(walk)
        fill(walk, level, recommendation=recommendation, strengths=f"Force {level}")
        seal(walk)
    found = read(town, sample)
    assert found.complete
    assert not found.missing
    by = {part.population: part for part in found.orientations}
    assert {size: (part.drawn, part.reviewed) for size, part in by.items()} == {5: (3, 3), 1: (1, 1)}
    first = by[5].means["impact"]
    assert first is not None
    # By hand: levels 1, 3, 3 of 5 actions: mean 7/3, variance 4/3, left to see 1 − 3/5.
    spread = t(0.9, 2) * sqrt(4 / 3 / 3 * (1 - 3 / 5))
    assert first.interval is not None
    assert (first.value, first.interval.low) == pytest.approx((7 / 3, 7 / 3 - spread))
    assert by[1].means["impact"] == Mean(4, Interval(4, 4)), "the one action was read: nothing is left to guess"
    whole = found.territory.means["coherence"]
    assert whole is not None
    assert whole.interval is not None
    assert (whole.value, whole.value - whole.interval.low) == pytest.approx(((5 * 7 / 3 + 4) / 6, 5 * spread / 6))
    assert found.territory.levels["relevance"] == [0, 3, 0, 6, 3]
    assert found.territory.levels["impact"] == [0, 2, 0, 4, 2]
    assert found.territory.recommendations == {"continue": 2, "adjust": 0, "stop": 1, "extend": 1}
    shown = page.page(address)
    for said in ("2,3/4", "Force 1", "Force 4", "Arrêter", "Étendre"):
        assert said in shown.text
    assert f"/mi-parcours/{walks[0].dossier_id}" in shown.links
    lines = page.get(f"{address}.csv").get_data(as_text=True).splitlines()
    assert len(lines) == 5
    assert ";1,00;1,00;1,00;Arrêter;" in lines[1]
    monkeypatch.setattr(pdf, "as_pdf", str.encode)
    assert "2,3" in page.get(f"{address}.pdf").get_data(as_text=True)


def test_without_pdf_the_page_stands_in(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn(town)

    def none(_page: str) -> bytes:
        raise pdf.NoPdf

    monkeypatch.setattr(pdf, "as_pdf", none)
    answer = town.browser("transversal").get("/mi-parcours/syntheses/1.pdf")
    assert answer.headers["Location"] == "/mi-parcours/syntheses/1"


def test_a_draw_for_control_has_no_synthesis_and_the_other_way_round(town: Town) -> None:
    drawn(town)
    assert town.browser("controller").get("/controles/tirages/1/resultat").status_code == 404
    other = town.walk().evaluated()
    raw = {"campaign_id": town.world.campaign_id, "size": 1, "seed": "essai"}
    with town.database.write() as session:
        number = control.draw(session, town.world.actor(session, "controller"), raw, other.now).id
    assert town.browser("transversal").get(f"/mi-parcours/syntheses/{number}").status_code == 404


# --- the pages ------------------------------------------------------------------------------------------------------


def test_the_committee_plans_a_draw(town: Town) -> None:
    browser = town.browser("transversal")
    assert "Rien à tirer" in browser.page("/mi-parcours/tirage").text
    assert "Aucun échantillon n'est tiré" in browser.page("/mi-parcours").text
    walk = town.walk().evaluated()
    add_reviewers(town.database, town.world, walk.now)
    page = browser.page("/mi-parcours/tirage")
    assert "Une action évaluée peut être tirée" in page.text
    raw = reviews.plan(town.world, walk.now, method="stratified")
    sent = {key: [str(one) for one in value] if isinstance(value, list) else str(value) for key, value in raw.items()}
    answer = browser.post("/mi-parcours/tirage", sent)
    assert answer.status_code == 422
    assert "À choisir pour un tirage dans chaque groupe" in answer.get_data(as_text=True)
    answer = browser.post("/mi-parcours/tirage", {**sent, "stratum": "orientation"})
    assert answer.status_code == 303
    shown = browser.page(answer.headers["Location"])
    assert "Tirage au sort de la revue à mi-parcours" in shown.text
    assert "Abandonner ce plan" in shown.text
    assert "Abandonner ce plan" not in town.browser("controller").page(answer.headers["Location"]).text
    assert "La revue a déjà un plan (tirage n° 1)" in browser.page("/mi-parcours/tirage").text.replace("\xa0", " ")
    again = browser.post("/mi-parcours/tirage", {**sent, "stratum": "orientation"})
    assert again.status_code == 409
    assert "Un tirage pour la revue est déjà en préparation." in Page(again.text).text
    with town.database.read() as session:
        assert session.scalars(select(SamplePlan.purpose)).all() == ["review"]


def test_who_sees_what_of_it(town: Town) -> None:
    walk = name(drawn(town))
    page = f"/mi-parcours/{walk.dossier_id}"
    for who, index, shown, whole in (
        ("transversal", 200, 200, 200),
        ("administrator", 200, 200, 200),
        (SECOND, 200, 200, 403),
        ("evaluator", 200, 404, 403),
        ("controller", 403, 403, 403),
        ("animator", 403, 403, 403),
        ("carrier", 403, 403, 403),
    ):
        browser = town.browser(who)
        found = tuple(browser.get(path).status_code for path in ("/mi-parcours", page, "/mi-parcours/syntheses/1"))
        assert found == (index, shown, whole), who
    assert "Aucune revue ne vous est confiée" in town.browser("evaluator").page("/mi-parcours").text


def test_the_committee_is_led_to_a_review_that_its_reviewers_can_end_no_more(town: Town) -> None:
    walk = name(drawn(town))
    page, task = f"/mi-parcours/{walk.dossier_id}", "Nommer d'autres relecteurs de la revue à mi-parcours"
    committee = town.browser("transversal")
    assert task not in committee.page("/").text
    assert "À vous" not in committee.page(page).text
    with town.database.write() as session:
        session.get_one(Person, town.world.people[SECOND]).active = False
    home = committee.page("/")
    assert task in home.text
    assert page in home.links
    shown = committee.page(page)
    assert "l'un d'eux ne peut plus signer" in shown.text
    assert len([link for link in shown.links if "/actes/name_reviewers" in link]) == 1
    assert "Au comité transversal" in town.browser(FIRST).page(page).text


def test_from_naming_to_the_seal(town: Town) -> None:
    walk = drawn(town)
    committee = town.browser("transversal")
    page = f"/mi-parcours/{walk.dossier_id}"
    assert page in committee.page("/").links
    naming = committee.page(act(walk, "name_reviewers"))
    assert "Rôle reviewer État" in naming.text
    assert "Rôle evaluator" not in naming.text, "who evaluated is not proposed"
    people = town.world.people
    pair = {"first_id": str(people[FIRST]), "second_id": str(people["transversal"]), "version": "0"}
    version = str(_version(walk))
    assert committee.post(act(walk, "name_reviewers"), {**pair, "second_id": str(people[FIRST]), "version": version})
    answer = committee.post(
        act(walk, "name_reviewers"), {**pair, "second_id": str(people[SECOND]), "version": str(_version(walk))}
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)
    first, second = town.browser(FIRST), town.browser(SECOND)
    assert page in second.page("/").links
    form = first.page(act(walk, "fill_review"))
    for said in ("Pertinence", "L'action en a entraîné d'autres", "Nombre de participants réguliers", "Action utile"):
        assert said in form.text
    typed = _typed(walk)
    assert first.post(act(walk, "fill_review"), {**typed, "answers-1-level": "9"}).status_code == 422
    answer = first.post(act(walk, "fill_review"), typed, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Brouillon enregistré" in answer.get_data(as_text=True)
    assert "Pour les voisins" in second.page(act(walk, "fill_review")).text
    seen = _mark(walk, FIRST)
    assert first.post(act(walk, "sign_review"), {"seen": seen, "version": str(_version(walk))}).status_code == 303
    changed = {**typed, "summary-reason": "Tout autre chose"}
    answer = second.post(act(walk, "fill_review"), changed)
    assert answer.status_code == 409, "what the page showed was empty, and a colleague wrote"
    assert "Un collègue a répondu entre-temps" in answer.get_data(as_text=True)
    assert "Tout autre chose" in answer.get_data(as_text=True), "nothing typed is lost"
    assert second.post(act(walk, "sign_review"), {"seen": "0", "version": str(_version(walk))}).status_code == 409
    assert second.post(act(walk, "sign_review"), {"seen": seen, "version": str(_version(walk))}).status_code == 303
    assert "Revue scellée le" in second.page(page).text


def _version(walk: Walk) -> int:
    with walk.database.read() as session:
        return session.get_one(Dossier, walk.dossier_id).version


def _mark(walk: Walk, who: str) -> str:
    with walk.database.read() as session:
        return show(session, walk.world.actor(session, who), walk.dossier_id).mark


def _typed(walk: Walk) -> dict[str, str]:
    """The whole form of the grid, as a browser sends it from the empty page."""
    with walk.database.read() as session:
        found = show(session, walk.world.actor(session, FIRST), walk.dossier_id)
        marks = {f"answers-{one.criterion.id}-seen": one.mark for one in found.criteria}
        marks["summary-seen"] = found.summary_mark
    answers = {
        f"answers-{one}-{part}": value
        for one in criteria(walk)
        for part, value in (("level", "2"), ("justification", "Vu sur place"))
    }
    summary = {
        "summary-strengths": "Pour les voisins",
        "summary-weaknesses": "Loin du métro",
        "summary-recommendation": "adjust",
        "summary-reason": "À rapprocher",
    }
    return {**marks, **answers, **summary}


def test_statements_do_not_grow_with_the_reviews(town: Town) -> None:
    def cost(browser: Browser, path: str) -> int:
        with counted(town.database) as statements:
            browser.page(path)
        return len(statements)

    sample, walks = sampled(town)
    committee = town.browser("transversal")
    for walk in walks[:2]:
        seal(fill(name(walk)))
    before = [cost(committee, path) for path in ("/mi-parcours", f"/mi-parcours/syntheses/{sample}")]
    for walk in walks[2:]:
        seal(fill(name(walk)))
    assert [cost(committee, path) for path in ("/mi-parcours", f"/mi-parcours/syntheses/{sample}")] == before
