"""The directory of experts: who reads it, who keeps it, and what is said where something is wrong."""

import pytest
from sqlalchemy import select

from tests.factories import SIRET
from tests.web.conftest import Town
from tests.web.pages import Page
from workflow.models import Expert, ExpertInterest


def expert(town: Town) -> Expert:
    with town.database.read() as session:
        return session.scalars(select(Expert).order_by(Expert.id)).all()[0]


@pytest.mark.parametrize(("who", "edits"), [("animator", True), ("administrator", True), ("instructor 1", False)])
def test_who_keeps_the_directory_and_who_only_reads_it(town: Town, who: str, edits: bool) -> None:
    browser, one = town.browser(who), f"/experts/{expert(town).id}"
    page = browser.page("/experts")
    assert "Addictions" in page.text
    assert ("/experts/nouveau" in page.links) is edits
    assert ("expert@binome.example" in browser.get(one).text) is edits
    assert (f"{one}/retrait" in [form.action for form in browser.page(one).forms]) is edits
    for path in ("", "/interets", "/interets/1/fin", "/retrait", "/retour"):
        if not edits:
            assert browser.post(one + path, {"name": "x"}).status_code == 403


@pytest.mark.parametrize("who", ["carrier", "funder État", "controller", "transversal", "evaluator"])
def test_nobody_else_reads_it(town: Town, who: str) -> None:
    for path in ("/experts", f"/experts/{expert(town).id}", "/experts/nouveau"):
        assert town.browser(who).get(path).status_code == 403


def test_it_is_found_from_where_experts_are_asked(town: Town) -> None:
    walk = town.walk().assigned()
    asking = f"/dossiers/{walk.dossier_id}/actes/consult_expert"
    for who, page in (
        ("instructor 1", asking),
        ("animator", "/instance/membres"),
        ("administrator", "/administration"),
    ):
        assert "/experts" in town.browser(who).page(page).links


def test_an_expert_is_added_found_and_changed(town: Town) -> None:
    browser = town.browser("animator")
    new = {"name": "Architecte", "email": "expert@binome.example", "subject": "Sécurité des locaux"}
    twice = browser.post("/experts/nouveau", new)
    assert twice.status_code == 422
    page = Page(twice.text)
    assert "déjà celle d'un expert" in page.text
    assert page.form("/experts/nouveau").fields["subject"] == "Sécurité des locaux"
    there = browser.post("/experts/nouveau", {**new, "email": "architecte@binome.example"}).headers["Location"]
    assert "2 experts" in browser.page("/experts").text, "all are counted where none is looked for"
    assert "Architecte" in browser.page("/experts?q=sécurité").text
    assert "Architecte" not in browser.page("/experts?q=addictologie").text
    fields = browser.page(there).form(there).fields
    wrong = browser.post(there, {**fields, "name": "", "subject": "Accessibilité"})
    assert wrong.status_code == 422
    assert Page(wrong.text).form(there).fields["subject"] == "Accessibilité"
    assert browser.post(there, {**fields, "subject": "Accessibilité"}).status_code == 303
    assert "Accessibilité" in browser.page("/experts").text


def test_interests_are_noted_by_name_or_siret_and_taken_back(town: Town) -> None:
    browser, there = town.browser("administrator"), f"/experts/{expert(town).id}"
    unknown = browser.post(f"{there}/interets", {"interest-organisation": "Personne"})
    assert unknown.status_code == 422
    assert Page(unknown.text).form(f"{there}/interets").fields["interest-organisation"] == "Personne"
    assert browser.post(f"{there}/interets", {"interest-organisation": SIRET}).status_code == 303
    assert "Association Exemple" in browser.page("/experts").text
    (action,) = [form.action for form in browser.page(there).forms if form.action.endswith("/fin")]
    assert browser.post(action).status_code == 303
    assert browser.post(action).status_code == 404
    with town.database.read() as session:
        assert session.scalars(select(ExpertInterest)).all() == []


def test_a_retired_expert_is_no_more_on_offer_and_may_come_back(town: Town) -> None:
    walk = town.walk().assigned()
    browser, there = town.browser("animator"), f"/experts/{expert(town).id}"
    asking = f"/dossiers/{walk.dossier_id}/actes/consult_expert"
    assert browser.post(f"{there}/retrait").status_code == 303
    assert "Experte addictologie" not in town.browser("instructor 1").page(asking).text
    assert "Experte addictologie" not in browser.page("/experts?status=active").text
    assert "Retiré" in browser.page("/experts").text
    assert "Experte addictologie" in browser.page("/experts?status=retired").text
    page = browser.page(there)
    assert "Retiré de l'annuaire" in page.text
    assert browser.post(f"{there}/retour", page.form(f"{there}/retour").fields).status_code == 303
    assert "Experte addictologie" in town.browser("instructor 1").page(asking).text
