"""The criteria grid: its versions, scores in opinions, differences, and how far instructors agree."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import Walk
from tests.web.conftest import Town
from tests.web.pages import Page
from workflow.errors import Invalid, Refused
from workflow.models import Criterion, Dossier, OpinionGrid, OpinionScore
from workflow.use_cases.grids import proposed, save_grid

GRID = "/instance/grille"
TWO = [
    {"label": "Besoin", "weight": 3, "levels": ["b0", "b1", "b2", "b3", "b4"]},
    {"label": "Méthode", "weight": 1, "levels": ["m0", "m1", "m2", "m3", "m4"]},
]


def graded(town: Town, criteria: Any = TWO) -> list[int]:
    """Give the instance a grid; the ids of its criteria."""
    with town.database.write() as session:
        actor = town.world.actor(session, "animator")
        grid = save_grid(session, actor, town.world.instance_id, {"criteria": criteria}, town.walk().now)
        return [row.id for row in grid.criteria]


def seal(town: Town, walk: Walk, who: str, *scores: int, **changes: Any) -> None:
    with town.database.read() as session:
        grid = session.get_one(Dossier, walk.dossier_id).grid_id
        criteria = session.scalars(
            select(Criterion.id).where(Criterion.grid_id == grid).order_by(Criterion.position)
        ).all()
    opinion = {
        "verdict": "favourable",
        "strengths": "Projet solide",
        "amounts": {str(line): 1_000_00 for line in walk.lines().values()},
        "scores": {str(one): score for one, score in zip(criteria, scores, strict=False)},
    }
    walk.act(who, "seal_opinion", **(opinion | changes))


# --- the grid --------------------------------------------------------------------------------------------------------


def test_an_instance_begins_with_a_proposal_and_keeps_every_version(town: Town) -> None:
    browser = town.browser("animator")
    page = browser.page(GRID)
    assert "n'a pas encore de grille" in page.text
    form = page.form(GRID)
    assert form.fields["criteria-0-weight"] == "3"
    assert len([name for name in form.names if name.endswith("-label")]) == len(proposed()) + 2
    levels = {f"criteria-{n}-levels-{level}": f"niveau {level}" for n in range(2) for level in range(5)}
    first = {"criteria-0-label": "Besoin", "criteria-0-weight": "2", "criteria-1-label": "Méthode"}
    first |= {"criteria-1-weight": "1", **levels, "criteria-2-label": "", "criteria-2-weight": "1"}
    assert browser.post(GRID, first).status_code == 303
    assert browser.post(GRID, {**first, "criteria-0-label": "Le besoin"}).status_code == 303
    text = browser.page(GRID).text
    assert "Version 2" in text
    with town.database.read() as session:
        rows = session.execute(select(OpinionGrid.number, Criterion.label).join(Criterion).order_by(Criterion.id)).all()
    assert [tuple(row) for row in rows] == [(1, "Besoin"), (1, "Méthode"), (2, "Le besoin"), (2, "Méthode")]


def test_what_is_wrong_in_a_row_is_said_there_and_nothing_is_lost(town: Town) -> None:
    typed = {
        "criteria-0-label": "Besoin",
        "criteria-0-weight": "9",
        "criteria-0-levels-0": "rien",
        "criteria-2-weight": "1",
    }
    answer = town.browser("animator").post(GRID, typed)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert "Entre 1 et 5." in page.text
    assert "À remplir." in page.text
    fields = page.form(GRID).fields
    assert (fields["criteria-0-label"], fields["criteria-0-weight"]) == ("Besoin", "9")
    empty = town.browser("animator").post(GRID, {"criteria-0-weight": "1"})
    assert empty.status_code == 422
    assert "de 1 à 20 critères" in Page(empty.text).text


def test_a_criterion_stands_once(town: Town) -> None:
    with pytest.raises(Invalid):
        graded(town, [TWO[0], {**TWO[0], "label": "BESOIN"}])


def test_only_its_animator_changes_it(town: Town) -> None:
    data = {"criteria-0-label": "x", "criteria-0-weight": "1", **{f"criteria-0-levels-{n}": "x" for n in range(5)}}
    for who in ("transversal", "administrator", "instructor 1", "carrier"):
        assert town.browser(who).post(f"{GRID}?instance={town.world.instance_id}", data).status_code == 403
    with town.database.read() as session:
        assert session.scalars(select(OpinionGrid)).all() == []


# --- scores ----------------------------------------------------------------------------------------------------------


def test_a_binome_judges_by_the_version_it_was_formed_under(town: Town) -> None:
    first = graded(town)
    walk = town.walk().assigned()
    graded(town, [{**TWO[0], "label": "Autre"}])
    page = town.browser("instructor 1").page(f"/instruction/{walk.dossier_id}")
    assert "b3" in page.text
    assert "Autre" not in page.text
    assert {f"scores-{one}" for one in first} <= page.form(f"/dossiers/{walk.dossier_id}/actes/save_opinion").names


def test_no_opinion_is_sealed_without_every_score(town: Town) -> None:
    graded(town)
    walk = town.walk().assigned()
    with pytest.raises(Refused) as refused:
        seal(town, walk, "instructor 1", 3)
    assert "note de chaque critère" in refused.value.reasons[0].params["fields"]
    seal(town, walk, "instructor 1", 3, 4)


def test_only_criteria_of_the_dossier_are_scored(town: Town) -> None:
    graded(town)
    walk = town.walk().assigned()
    newer = graded(town, [{**TWO[0], "label": "Autre"}])
    with pytest.raises(Invalid):
        walk.act("instructor 1", "save_opinion", scores={str(newer[0]): 2})
    with pytest.raises(Invalid):
        walk.act("instructor 1", "save_opinion", scores={str(newer[0] - 1): 5})


def test_a_draft_keeps_its_scores_and_a_page_sent_wrong_keeps_what_was_chosen(town: Town) -> None:
    first, second = graded(town)
    walk = town.walk().assigned()
    browser = town.browser("instructor 1")
    there = f"/dossiers/{walk.dossier_id}/actes/save_opinion"
    form = browser.page(f"/instruction/{walk.dossier_id}").form(there)
    assert browser.post(there, {**form.fields, f"scores-{first}": "0"}).status_code == 303
    again = browser.page(f"/instruction/{walk.dossier_id}").form(there)
    assert again.fields[f"scores-{first}"] == "0"
    assert f"scores-{second}" not in again.fields
    wrong = browser.post(there, {**again.fields, "verdict": "nonsense", f"scores-{second}": "4"})
    assert wrong.status_code == 422
    assert Page(wrong.text).form(there).fields[f"scores-{second}"] == "4"
    assert browser.post(there, {**again.fields, "scores": "x"}).status_code in (303, 422)


def test_scores_two_levels_apart_are_a_difference_to_be_reconciled(town: Town) -> None:
    graded(town)
    walk = town.walk().assigned()
    seal(town, walk, "instructor 1", 4, 2)
    seal(town, walk, "instructor 2", 2, 1)
    page = town.browser("instructor 1").page(f"/instruction/{walk.dossier_id}")
    assert "diffèrent sur 1 point" in page.text
    assert "3,5" in page.text  # (3·4 + 2) / 4
    with pytest.raises(Refused):
        walk.act("instructor 1", "issue_opinion")


def test_scores_one_level_apart_agree(town: Town) -> None:
    graded(town)
    walk = town.walk().assigned()
    seal(town, walk, "instructor 1", 4, 2)
    seal(town, walk, "instructor 2", 3, 1)
    assert "proche" in town.browser("instructor 1").page(f"/instruction/{walk.dossier_id}").text
    walk.act("instructor 1", "issue_opinion")
    assert walk.state == "opinion"


def test_an_instruction_that_is_reopened_goes_on_from_the_scores(town: Town) -> None:
    first, second = graded(town)
    walk = town.walk().assigned()
    for who in ("instructor 1", "instructor 2"):
        seal(town, walk, who, 4, 3)
    walk.act("instructor 1", "issue_opinion")
    walk.act("animator", "reopen_instruction", reason="Budget revu")
    there = f"/dossiers/{walk.dossier_id}/actes/save_opinion"
    fields = town.browser("instructor 2").page(f"/instruction/{walk.dossier_id}").form(there).fields
    assert (fields[f"scores-{first}"], fields[f"scores-{second}"]) == ("4", "3")
    seal(town, walk, "instructor 2", 4, 4)


def test_the_database_scores_no_foreign_criterion(town: Town) -> None:
    graded(town)
    walk = town.walk().assigned()
    foreign = graded(town, [{**TWO[0], "label": "Autre"}])[0]
    opinion = walk.act("instructor 1", "save_opinion").result.id
    with pytest.raises(Exception, match="score_of_grid"), town.database.write() as session:
        session.add(OpinionScore(opinion_id=opinion, criterion_id=foreign, score=1))


# --- agreement -------------------------------------------------------------------------------------------------------


def test_agreement_counts_what_both_have_sealed(town: Town) -> None:
    graded(town)
    half, whole = town.walk().assigned(), town.walk().assigned()
    seal(town, half, "instructor 1", 0, 0)
    seal(town, whole, "instructor 1", 4, 3)
    browser = town.browser("animator")
    assert "Aucun dossier aux deux avis scellés" in browser.page("/instance/accord").text
    seal(town, whole, "instructor 2", 1, 3, verdict="with_reservations", reservations="Peu de recul")
    text = browser.page("/instance/accord").text
    assert "Rôle instructor 1" in text
    assert "0 %" in text
    assert "2,5/4" in text  # the mean of 4 and 1; what only one has sealed counts for nothing


def test_names_are_the_animators_alone(town: Town) -> None:
    graded(town)
    walk = town.walk().assigned()
    seal(town, walk, "instructor 1", 4, 3)
    seal(town, walk, "instructor 2", 1, 3)
    looked = town.browser("transversal").page(f"/instance/accord?instance={town.world.instance_id}").text
    own = town.browser("instructor 1").page("/instruction/accord").text
    assert "Sévérité" in looked
    assert "Rôle instructor" not in looked
    assert "Vous" in own.partition("Sévérité")[2]
    assert "Rôle instructor" not in own.partition("Sévérité")[2]
    assert town.browser("instructor 1").get("/instance/accord").status_code == 403
