"""A control's own pages: the ledger, as a controller and then the carrier read it."""

from tests.factories import Walk
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
    controller = town.browser("controller")
    form = controller.page(url(walk, "send_findings")).form(url(walk, "send_findings")).fields
    assert "refused_cents" not in form
    sent = {**form, "realisation": "Vu", "due_on": "2027-02-10"}
    assert controller.post(url(walk, "send_findings"), sent).status_code == 303
    for address in (page, url(walk, "reply")):
        assert "Sans lien avec l'action" in carrier.page(address).text
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
