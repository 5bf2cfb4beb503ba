"""What the controls of a sample say of its campaign: errors, projection, conclusion, by funder and instance."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.factories import Walk
from tests.web import test_spreadsheet as spreadsheet
from tests.web.conftest import Town
from web import pdf
from workflow.models import Dossier, Sample
from workflow.queries.control_result import Result, result
from workflow.sampling.projection import Item, Stratum, mean_per_unit
from workflow.use_cases import control


def drawn(town: Town, population: int, size: int) -> list[Walk]:
    """The dossiers of a sealed sample, each announced."""
    walks = [town.walk().evaluated() for _ in range(population)]
    with town.database.write() as session:
        raw = {"campaign_id": town.world.campaign_id, "size": size, "seed": "essai"}
        control.draw(session, town.world.actor(session, "controller"), raw, walks[0].now)
        numbers = {unit.dossier_id for unit in session.scalars(select(Sample)).one().units if unit.drawn}
    chosen = [walk for walk in walks if walk.dossier_id in numbers]
    for walk in chosen:
        walk.act("controller", "select_for_control")
        day = (walk.now + timedelta(days=10)).date().isoformat()
        walk.act("controller", "announce", walk.mission_id(), visit_on=day)
    return chosen


def found(walk: Walk, refused: int) -> None:
    """The findings of a control that read one voucher of 1 000 €."""
    line = {"spent_on": "2027-07-01", "label": "Salle", "voucher": "F-1", "amount_cents": 1_000_00}
    if refused:
        line |= {"refused_cents": refused, "reason": "Hors période"}
    walk.act("controller", "enter_expense", walk.mission_id(), **line)
    due = (walk.now + timedelta(days=30)).date().isoformat()
    walk.act("controller", "send_findings", walk.mission_id(), realisation="Vu", due_on=due)


def read(town: Town) -> Result:
    with town.database.read() as session:
        return result(session, session.scalars(select(Sample.id)).one())


def address(town: Town, kind: str = "") -> str:
    return f"/controles/tirages/{read(town).sample_id}/resultat{kind}"


def test_errors_are_projected_on_what_was_granted(town: Town) -> None:
    first, second = drawn(town, 4, 2)
    found(first, 200_00)
    found(second, 0)
    told = read(town)
    assert {one.tainting for one in told.drawn} == {0.0, 0.2}
    granted = told.drawn[0].granted
    assert told.book_value == 4 * granted, "all four were granted the same"
    assert told.complete
    assert told.evaluation is not None
    sample = [Item("a", 0.2 * granted / 100, granted / 100), Item("b", 0.0, granted / 100)]
    whole = mean_per_unit(sample, confidence=0.9, strata={"": Stratum(4, 4 * granted / 100)})
    assert told.evaluation.projection.estimate == pytest.approx(0.1 * 4 * granted / 100)
    assert told.evaluation.projection.upper_limit == pytest.approx(whole.upper_limit)
    assert told.evaluation.conclusion == "material", "ten percent is above two"
    assert sum(share.error for share in told.funders) == pytest.approx(0.2 * granted)
    assert {share.label: share.dossiers for share in told.instances} == {told.drawn[0].instance: 2}


def test_the_page_says_so_and_what_is_left_to_do(town: Town) -> None:
    first, second, _ = drawn(town, 4, 3)
    browser = town.browser("controller")
    assert address(town) in browser.page("/controles").links
    assert "Aucun constat pour l'instant" in browser.page(address(town)).text
    found(first, 0)
    assert "au moins deux dossiers" in browser.page(address(town)).text
    found(second, 500_00)
    text = browser.page(address(town)).text
    for said in (
        "Résultat provisoire : il reste 1 dossier à contrôler.",
        "Les erreurs dépassent le seuil",
        "à contrôler",
    ):
        assert said in text


def test_without_an_error_a_campaign_is_not_in_question(town: Town) -> None:
    for walk in drawn(town, 3, 3):
        found(walk, 0)
    assert "elles ne remettent pas la campagne en cause" in town.browser("transversal").page(address(town)).text


def test_what_is_saved_opens_in_a_spreadsheet(town: Town) -> None:
    first, _ = drawn(town, 2, 2)
    found(first, 100_00)
    answer = town.browser("administrator").get(address(town, ".csv"))
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert len(lines) == 3
    assert sum("0,1000" in line for line in lines) == 1
    assert sum(line.endswith(";;;") for line in lines) == 1, "what is not controlled yet is empty"


def test_all_of_it_is_saved_as_a_spreadsheet(town: Town) -> None:
    first, _ = drawn(town, 2, 2)
    with town.database.write() as session:
        session.get_one(Dossier, first.dossier_id).title = "=1+1"
    browser = town.browser("transversal")
    few = spreadsheet.read(browser.get(address(town, ".xlsx")).data)
    assert few["Synthèse"][-1] == ["Conclusion", "Trop peu de constats pour conclure"]
    found(first, 100_00)
    second = next(one for one in read(town).drawn if one.tainting is None)
    assert address(town, ".xlsx") in browser.page(address(town)).links
    answer = browser.get(address(town, ".xlsx"))
    assert "attachment" in answer.headers["Content-Disposition"]
    sheets = spreadsheet.read(answer.data)
    assert [*sheets] == ["Synthèse", "Par financeur", "Par instance", "Actions contrôlées", "Campagnes précédentes"]
    one, other = read(town).drawn
    assert sheets["Par instance"][1] == [one.instance, 1, one.granted / 100, one.granted / 1000, 0.1]
    by_number = {row[0]: row for row in sheets["Actions contrôlées"]}
    number = next(row.number for row in (one, other) if row.dossier_id == first.dossier_id)
    assert by_number[number][1:] == ["=1+1", one.instance, one.granted / 100, 1000, 100, 0.1]
    assert by_number[second.number][4:] == [None, None, None], "what is not controlled yet is empty"


def test_the_report_is_a_pdf_that_says_the_same(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = drawn(town, 3, 2)
    found(first, 200_00)
    found(second, 0)
    browser = town.browser("controller")
    assert address(town, ".pdf") in browser.page(address(town)).links
    assert browser.get(address(town, ".pdf")).data.startswith(b"%PDF-1.7")
    monkeypatch.setattr(pdf, "as_pdf", str.encode)
    text = browser.get(address(town, ".pdf")).data.decode()
    assert "Les erreurs dépassent le seuil de 2 %" in text.replace("\u202f", " ").replace("\xa0", " ")
    assert "EGESIF_16-0014-01" in text


@pytest.mark.parametrize("who", ["carrier", "animator", "instructor 1", "funder État", "evaluator"])
def test_nobody_else_reads_it(town: Town, who: str) -> None:
    drawn(town, 1, 1)
    assert town.browser(who).get(address(town)).status_code == 403
    for kind in (".csv", ".xlsx", ".pdf"):
        assert town.browser(who).get(address(town, kind)).status_code == 403
