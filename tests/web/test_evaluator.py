"""The evaluator's page, the page of an evaluation, and the report that never came."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tests.factories import Walk
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from workflow.models import Evaluation, Instance, Report, RoleGrant

INDEX = "/evaluations"
GRID = {"relevance": 3, "coherence": 0, "effectiveness": 4, "efficiency": 2, "impact": 1}
OVERDUE = datetime(2028, 4, 10, 9, 0, tzinfo=UTC)
"""After the day on which the final report was due."""


def act(walk: Walk, name: str) -> str:
    return f"/dossiers/{walk.dossier_id}/actes/{name}"


def reported(town: Town) -> Walk:
    walk = town.walk().funded()
    walk.act("carrier", "submit_progress_report", narrative="À mi-chemin", beneficiaries=11, spent_cents=3_000_00)
    walk.act(
        "carrier",
        "submit_final_report",
        narrative="Douze ateliers menés",
        beneficiaries=38,
        spent_cents=9_500_00,
        indicators="Trente réguliers",
    )
    return walk


@pytest.mark.parametrize("who", ["carrier", "animator", "funder État", "controller", "administrator"])
def test_only_those_who_evaluate_come_in(town: Town, who: str) -> None:
    assert town.browser(who).get(INDEX).status_code == 403


def test_each_list_holds_what_it_says(town: Town, at: Callable[[datetime], None]) -> None:
    waiting, coming, done = reported(town), town.walk().funded(), town.walk().evaluated()
    town.walk().tabled()
    browser = town.browser("evaluator")

    def listed(kind: str) -> set[str]:
        links = browser.page(f"{INDEX}?list={kind}").links
        return {link for link in links if link.startswith("/dossiers/") and "/actes/" not in link}

    def links(*walks: Walk) -> set[str]:
        return {f"/dossiers/{walk.dossier_id}" for walk in walks}

    assert listed("waiting") == links(waiting)
    assert listed("coming") == links(coming)
    assert listed("late") == set()
    assert listed("done") == links(done)
    assert listed("nothing") == links(waiting)
    page = browser.page(f"{INDEX}?list=done")
    assert "15 / 20" in page.text
    assert "Renouveler" in page.text
    at(OVERDUE)
    assert listed("late") == links(coming)
    assert listed("coming") == set()


def test_another_instances_evaluator_sees_nothing(town: Town) -> None:
    reported(town)
    with town.database.write() as session:
        elsewhere = session.scalars(select(Instance.id).where(Instance.id != town.world.instance_id)).first()
        grant = session.scalars(
            select(RoleGrant).where(
                RoleGrant.person_id == town.world.people["evaluator"], RoleGrant.role == "evaluator"
            )
        ).one()
        grant.instance_id = elsewhere
    browser = town.browser("evaluator")
    assert "Rien à évaluer" in browser.page(f"{INDEX}?campaign={town.world.campaign_id}").text


def test_the_binome_evaluates_too_and_its_instance_fellows_do_not(town: Town) -> None:
    walk = reported(town)
    assert f"/dossiers/{walk.dossier_id}" in town.browser("instructor 1").page(INDEX).links
    assert f"/dossiers/{walk.dossier_id}" not in town.browser("instructor 3").page(INDEX).links
    assert town.browser("instructor 3").get(act(walk, "evaluate")).status_code == 403
    browser, url = town.browser("instructor 1"), act(walk, "evaluate")
    form = browser.page(url).form(url).fields
    assert browser.post(url, {**form, **GRID, "recommendation": "renew", "body": "Utile"}).status_code == 303


def test_what_was_promised_stands_beside_what_was_reported(town: Town) -> None:
    walk = reported(town)
    page = town.browser("evaluator").page(act(walk, "evaluate"))
    text = page.text.replace("\xa0", "\u202f")
    for promised in ("40", "10\u202f000\u202f€", "2\u202f500\u202f€ accordés", "Nombre de participants réguliers"):
        assert promised in text, promised
    for told in ("38", "9\u202f500\u202f€", "Trente réguliers", "Douze ateliers menés", "À mi-chemin"):
        assert told in text, told


def test_an_unfinished_grid_is_kept_and_explained(town: Town) -> None:
    walk = reported(town)
    browser = town.browser("evaluator")
    url = act(walk, "evaluate")
    form = browser.page(url).form(url).fields
    answer = browser.post(url, {**form, "relevance": 3, "coherence": 0, "body": "Presque"})
    assert answer.status_code == 409
    page = Page(answer.text)
    assert "incomplète" in page.text
    assert "Efficacité" in page.text
    fields = page.form(url).fields
    assert (fields["relevance"], fields["coherence"]) == ("3", "0")
    assert "Presque" in page.text
    odd = browser.post(url, {**form, **GRID, "impact": 5, "recommendation": "maybe", "body": "x"})
    assert odd.status_code == 422
    assert "Un niveau de 0 à 4" in odd.text
    assert browser.post(url, {**form, **GRID, "recommendation": "stop", "body": "Peu utile"}).status_code == 303
    with town.database.read() as session:
        grid = session.scalars(select(Evaluation)).one()
        assert (grid.coherence, grid.recommendation) == (0, "stop")


def test_a_report_that_never_came_is_established_once_overdue(town: Town, at: Callable[[datetime], None]) -> None:
    walk = town.walk().funded()
    browser, url = town.browser("evaluator"), act(walk, "establish_report_missing")
    early = browser.get(url)
    assert early.status_code == 409
    assert "n'est pas passée" in Page(early.text).text
    at(OVERDUE)
    page = browser.page(f"{INDEX}?list=late")
    assert any(link.startswith(url) for link in page.links)
    form = browser.page(f"{url}?next={INDEX}").form(url).fields
    done = browser.post(url, {**form, "reason": "Trois relances"})
    assert (done.status_code, done.headers["Location"]) == (303, INDEX)
    with town.database.read() as session:
        assert session.scalars(select(Report)).one().received is False
    assert "jamais reçu" in browser.page(INDEX).text
    assert "jamais été envoyé" in browser.page(act(walk, "evaluate")).text


def test_the_list_filters_and_knows_its_campaigns(town: Town) -> None:
    walk = reported(town)
    browser = town.browser("evaluator")
    link = f"/dossiers/{walk.dossier_id}"
    assert link in browser.page(f"{INDEX}?instance={town.world.instance_id}&sort=-report&page=9").links
    assert link not in browser.page(f"{INDEX}?instance=999").links
    assert browser.get(f"{INDEX}?campaign=999999").status_code == 404


def test_statements_do_not_grow_with_actions(town: Town) -> None:
    reported(town)
    browser = town.browser("evaluator")

    def statements() -> int:
        with counted(town.database) as seen:
            browser.page(INDEX)
        return len(seen)

    before = statements()
    for _ in range(3):
        reported(town)
    assert statements() == before <= 8
