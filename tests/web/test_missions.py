"""A control's own pages: the ledger, as a controller and then the carrier read it."""

import builtins
from typing import Any

import pytest

from tests.factories import Walk
from tests.web import test_spreadsheet as spreadsheet
from tests.web.conftest import Town
from tests.web.pages import Page

LINE = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": "100,01", "share": "50"}


def url(walk: Walk, act: str) -> str:
    return f"/dossiers/{walk.dossier_id}/controles/{walk.mission_id()}/actes/{act}"


def test_a_ledger_is_kept_on_one_page(any_town: Town) -> None:
    walk = any_town.walk().announced()
    here = url(walk, "enter_expense")
    browser = any_town.browser("controller")
    assert here in browser.page(f"/controles/{walk.mission_id()}").links
    page = browser.page(here)
    assert "Aucune dépense n'est saisie" in page.text
    wrong = browser.post(here, {**page.form(here).fields, **LINE, "refused_cents": "60", "reason": "Sans lien"})
    assert wrong.status_code == 422
    shown = Page(wrong.text)
    assert "pas plus que la part imputée" in shown.text
    fields = shown.form(here).fields
    assert (fields["label"], fields["share"], fields["refused_cents"]) == ("Tables", "50", "60")
    done = browser.post(here, {**fields, "refused_cents": "10", "reason": "Sans lien"})
    assert (done.status_code, done.headers["Location"]) == (303, here)
    page = browser.page(here)
    assert "40,01" in page.text
    assert "Sans lien" in page.text
    change = next(link for link in page.links if "line_id" in link and "enter" in link)
    fields = {**browser.page(change).form(here).fields, "reason": "Sans lien"}
    assert (fields["amount_cents"], fields["share"], fields["refused_cents"]) == ("100,01", "50", "10")
    stale = dict(fields)
    assert browser.post(here, {**fields, "label": "Chaises"}).status_code == 303
    clash = browser.post(here, {**stale, "label": "Bancs"})
    assert clash.status_code == 409
    assert "modifiée entre-temps : Chaises" in Page(clash.text).text
    assert 'value="Bancs"' in clash.text
    strike = next(link for link in browser.page(here).links if "strike_expense" in link)
    away = browser.page(strike)
    assert "Chaises" in away.text
    gone = browser.post(url(walk, "strike_expense"), away.form(url(walk, "strike_expense")).fields)
    assert (gone.status_code, gone.headers["Location"]) == (303, here)
    assert "Aucune dépense n'est saisie" in browser.page(here).text


def test_the_carrier_reads_the_ledger_with_the_findings(town: Town) -> None:
    walk = town.walk().announced()
    raw = {**LINE, "refused_cents": "10", "reason": "Sans lien avec l'action"}
    walk.act("controller", "enter_expense", walk.mission_id(), **raw)
    carrier, page = town.browser("carrier"), f"/dossiers/{walk.dossier_id}"
    assert "Sans lien avec l'action" not in carrier.page(page).text
    controller, tables = town.browser("controller"), f"/controles/{walk.mission_id()}/tableaux.xlsx"
    assert controller.get(tables).status_code == 200
    for stranger in ("carrier", "other carrier", "animator"):
        assert town.browser(stranger).get(tables).status_code in (403, 404)
    form = controller.page(url(walk, "send_findings")).form(url(walk, "send_findings")).fields
    assert "refused_cents" not in form
    sent = {**form, "realisation": "Vu", "due_on": "2027-02-10"}
    assert controller.post(url(walk, "send_findings"), sent).status_code == 303
    for address in (page, url(walk, "reply")):
        assert "Sans lien avec l'action" in carrier.page(address).text
    assert tables in carrier.page(page).links
    sheets = spreadsheet.read(carrier.get(tables).data)
    head, line, total, rate = sheets["Registre des dépenses"]
    assert (head[1], line[1:]) == ("Libellé", ["Tables", "F-12", 100.01, 0.5, 40.01, 10, "Sans lien avec l'action"])
    assert total[1:] == ["Total", None, 100.01, None, 40.01, 10]
    assert rate[-1] == pytest.approx(10 / 50.01)
    assert sheets["Grille de réalisation"][1][0] == "Action réalisée"
    assert controller.get(url(walk, "enter_expense")).status_code == 409


def test_a_grid_is_filled_on_one_page_beside_what_was_announced(town: Town) -> None:
    walk = town.walk().announced()
    here = url(walk, "fill_grid")
    browser = town.browser("controller")
    page = browser.page(here)
    assert "Tout est fait" in page.text, "the final report stands beside"
    form = page.form(here).fields
    wrong = browser.post(here, {**form, "answers-1-verdict": "major_gap", "answers-2-verdict": "compliant"})
    assert wrong.status_code == 422
    shown = Page(wrong.text)
    assert "Dites ce qui a été constaté" in shown.text
    fields = shown.form(here).fields
    assert (fields["answers-1-verdict"], fields["answers-2-verdict"]) == ("major_gap", "compliant")
    done = browser.post(here, {**fields, "answers-1-observation": "Deux séances de moins"})
    assert (done.status_code, done.headers["Location"]) == (303, here)
    assert "Deux séances de moins" in browser.page(f"/controles/{walk.mission_id()}").text
    early = browser.get(url(walk, "send_findings"))
    assert early.status_code == 409
    assert "Il reste à répondre dans la grille de réalisation : Lieux" in Page(early.text).text


def letters(walk: Walk, kind: str) -> tuple[str, str]:
    page = f"/controles/{walk.mission_id()}/lettres/{kind}"
    return page, f"{page}.pdf"


def test_each_letter_is_there_once_it_was_sent(town: Town) -> None:
    walk = town.walk().announced()
    controller, carrier = town.browser("controller"), town.browser("carrier")
    readers = (controller, carrier, town.browser("administrator"))
    found = {**LINE, "refused_cents": "10", "reason": "Sans lien avec l'action"}
    walk.act("controller", "enter_expense", walk.mission_id(), **found)

    def check(there: set[str], *seen: str) -> None:
        for kind in ("annonce", "constats", "conclusion"):
            for address in letters(walk, kind):
                for browser in readers:
                    assert browser.get(address).status_code == (200 if kind in there else 404), address
                for stranger in ("other carrier", "animator"):
                    assert town.browser(stranger).get(address).status_code in (403, 404), address
        for browser in (controller, carrier):
            links = browser.page(f"/dossiers/{walk.dossier_id}").links
            assert {kind for kind in ("annonce", "constats", "conclusion") if letters(walk, kind)[1] in links} == there
            text = browser.page(letters(walk, max(there, key=["annonce", "constats", "conclusion"].index))[0]).text
            for words in seen:
                assert words in text, words

    check({"annonce"}, "tirée au sort", "Action réalisée")
    walk.act("controller", "send_findings", walk.mission_id(), realisation="Vu sur place", due_on="2027-02-10")
    check({"annonce", "constats"}, "constats provisoires", "Sans lien avec l'action", "10 février 2027")
    walk.act("carrier", "reply", walk.mission_id(), answer="Merci")
    walk.act("controller", "conclude_control", outcome="payback", payback_cents="7,50", conclusion="À rembourser vite")
    check({"annonce", "constats", "conclusion"}, "Somme à rembourser : 7,50", "À rembourser vite")
    answer = carrier.get(letters(walk, "conclusion")[1])
    assert answer.data.startswith(b"%PDF")
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_drawn_dossiers_carrier_reads_no_letter(town: Town) -> None:
    walk = town.walk().drawn()
    for address in letters(walk, "annonce"):
        assert town.browser("carrier").get(address).status_code == 404
        assert town.browser("controller").get(address).status_code == 404
    assert town.browser("controller").get("/controles/999/lettres/annonce").status_code == 404


def test_where_no_pdf_can_be_made_the_letter_stands_in(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = town.walk().announced()
    found = builtins.__import__

    def broken(name: str, *args: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return found(name, *args)

    monkeypatch.setattr(builtins, "__import__", broken)
    page, pdf = letters(walk, "annonce")
    browser = town.browser("carrier")
    assert browser.get(pdf).headers["Location"] == page
    assert "imprimez cette page à la place" in browser.page(page).text


@pytest.mark.parametrize(
    ("outcome", "sum_typed", "says"),
    [("payback", "", "Dites la somme à rembourser"), ("none", "5", "Cette somme va avec la suite")],
)
def test_a_sum_is_paid_back_with_its_outcome_alone(town: Town, outcome: str, sum_typed: str, says: str) -> None:
    walk = town.walk().announced()
    mission = walk.mission_id()
    walk.act("controller", "send_findings", mission, realisation="Vu", spending="Vu", due_on="2027-02-10")
    walk.act("carrier", "reply", mission, answer="Merci")
    browser = town.browser("controller")
    here = f"/dossiers/{walk.dossier_id}/actes/conclude_control"
    form = browser.page(here).form(here).fields
    typed = {**form, "outcome": outcome, "payback_cents": sum_typed, "conclusion": "Fin"}
    answer = browser.post(here, typed)
    assert answer.status_code == 422
    assert says in Page(answer.text).text
