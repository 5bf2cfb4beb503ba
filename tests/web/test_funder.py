"""The funder's pages: envelopes, decisions one by one and for a session, agreements and payments."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import Walk
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from workflow.models import Campaign, Envelope, FundingRequest, Institution, Objective, Person, RoleGrant

INDEX = "/enveloppes"
FOLLOW_UP = "/enveloppes/suivi"
AMOUNT = "/enveloppes/montant"


def sitting(town: Town) -> str:
    return f"/enveloppes/seances/{town.world.session_id}"


def line(walk: Walk, funder: str = "État") -> int:
    return walk.lines()[funder]


def read(town: Town, walk: Walk, funder: str = "État") -> FundingRequest:
    with town.database.read() as session:
        return session.get_one(FundingRequest, line(walk, funder))


def set_total(town: Town, cents: int, funder: str = "État") -> None:
    with town.database.write() as session:
        envelope = session.scalars(select(Envelope).where(Envelope.funder_id == town.world.funders[funder])).one()
        envelope.total_cents = cents


# --- who may come in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["carrier", "animator", "instructor 1", "evaluator", "controller", "administrator"])
def test_only_funders_come_in(town: Town, who: str) -> None:
    browser = town.browser(who)
    for url in (INDEX, FOLLOW_UP, AMOUNT, sitting(town)):
        assert browser.get(url).status_code == 403, url
    assert browser.post(sitting(town)).status_code == 403
    assert browser.post(AMOUNT).status_code == 403


def test_each_funder_sees_its_own_lines_only(town: Town) -> None:
    walk = town.walk().tabled()
    for who, other, asked in (("funder État", "CAF", "6 000"), ("funder CAF", "État", "3 000")):
        page = town.browser(who).page(f"{INDEX}?campaign={town.world.campaign_id}")
        text = page.text.replace("\u202f", " ").replace("\xa0", " ")
        assert "Ateliers sans alcool" in text
        assert asked in text
        assert f"{other} – enveloppe" not in text
        forms = town.browser(who).page(sitting(town)).form(sitting(town)).fields
        own = line(walk, "État" if "État" in who else "CAF")
        assert {name for name in forms if name.startswith("amount-")} == {f"amount-{own}"}


def test_another_funders_line_is_not_decided(town: Town) -> None:
    walk = town.walk().tabled()
    foreign = line(walk, "CAF")
    answer = town.browser("funder État").post(sitting(town), {f"amount-{foreign}": "100"})
    assert answer.status_code == 303
    assert read(town, walk, "CAF").decision == "pending"


def test_what_is_proposed_shows_once_the_opinion_is_issued(town: Town) -> None:
    walk = town.walk().assigned()
    amounts = {str(one): 2_345_00 for one in walk.lines().values()}
    opinion = {"verdict": "favourable", "strengths": "Solide", "reservations": "Aucune", "amounts": amounts}
    for who in ("instructor 1", "instructor 2"):
        walk.act(who, "seal_opinion", **opinion)
    browser = town.browser("funder État")
    assert "2\u202f345" not in browser.page(INDEX).text.replace("\xa0", "\u202f")
    walk.act("instructor 1", "issue_opinion")
    assert "2\u202f345" in browser.page(INDEX).text.replace("\xa0", "\u202f")


def test_a_funder_who_carries_the_dossier_reads_nothing_proposed(town: Town) -> None:
    town.walk().tabled()
    with town.database.write() as session:
        person = town.world.people["funder État"]
        grant = RoleGrant(person_id=person, role="carrier", organisation_id=town.world.organisation_id)
        grant.granted_at = session.get_one(Person, person).created_at
        session.add(grant)
    for url in (INDEX, sitting(town)):
        text = town.browser("funder État").page(url).text.replace("\xa0", "\u202f")
        assert "Ateliers sans alcool" in text
        assert "2\u202f500" not in text
        assert "Favorable" not in text


# --- envelopes ------------------------------------------------------------------------------------------------------


def test_an_envelope_is_set_and_never_below_what_is_granted(town: Town) -> None:
    town.walk().funded()
    browser = town.browser("funder État")
    world = town.world
    data: dict[str, Any] = {"funder_id": world.funders["État"], "campaign_id": world.campaign_id}
    done = browser.post(AMOUNT, {**data, "total_cents": "60 000,50"})
    assert done.status_code == 303
    assert "60\u202f000,50" in browser.page(INDEX).text.replace("\xa0", "\u202f")
    low = browser.post(AMOUNT, {**data, "total_cents": "100"})
    assert low.status_code == 409
    assert "2 500,00 €" in Page(low.text).text
    assert Page(low.text).form(AMOUNT).fields["total_cents"] == "100"
    wrong = browser.post(AMOUNT, {**data, "total_cents": "beaucoup"})
    assert wrong.status_code == 422
    assert Page(wrong.text).form(AMOUNT).fields["total_cents"] == "beaucoup"


def test_another_institutions_envelope_is_not_set(town: Town) -> None:
    world = town.world
    data = {"funder_id": world.funders["CAF"], "campaign_id": world.campaign_id, "total_cents": "1"}
    assert town.browser("funder État").post(AMOUNT, data).status_code == 403


def test_an_orientations_envelope_takes_its_lines(town: Town) -> None:
    walk = town.walk().tabled()
    world = town.world
    with town.database.read() as session:
        orientation = session.scalars(select(Objective.id).where(Objective.code == "2")).one()
    data = {"funder_id": world.funders["État"], "campaign_id": world.campaign_id, "orientation_id": orientation}
    browser = town.browser("funder État")
    assert browser.post(AMOUNT, {**data, "total_cents": "1000"}).status_code == 303
    refused = browser.post(sitting(town), {f"amount-{line(walk)}": "2500"})
    assert refused.status_code == 409
    assert "il reste 1 000,00 €" in Page(refused.text).text
    assert "– 2 " in browser.page(INDEX).text


def test_requests_without_an_envelope_are_pointed_out(town: Town) -> None:
    town.walk().tabled()
    with town.database.write() as session:
        for envelope in session.scalars(select(Envelope).where(Envelope.funder_id == town.world.funders["État"])):
            session.delete(envelope)
    text = town.browser("funder État").page(INDEX).text
    assert "des demandes sans enveloppe" in text
    assert "ne peuvent être que refusées" in town.browser("funder État").page(sitting(town)).text


# --- the list -------------------------------------------------------------------------------------------------------


def test_the_list_filters_and_sorts_in_the_address_bar(town: Town) -> None:
    walk = town.walk().tabled()
    browser = town.browser("funder État")
    link = f"/dossiers/{walk.dossier_id}"
    with town.database.read() as session:
        other = session.scalars(select(Campaign.id).where(Campaign.id != town.world.campaign_id)).first()
    for query, found in (
        (f"session={town.world.session_id}", True),
        ("session=999999", False),
        (f"instance={town.world.instance_id}&sort=-asked&page=7", True),
        ("late=1", False),
        ("sort=nothing&page=x&campaign=x", True),
        (f"campaign={other}", False) if other else ("late=1", False),
    ):
        assert (link in browser.page(f"{INDEX}?{query}").links) is found, query
    assert browser.get(f"{INDEX}?campaign=999999").status_code == 404


def test_statements_do_not_grow_with_lines(town: Town) -> None:
    town.walk().tabled()
    browser = town.browser("funder État")

    def statements(url: str) -> int:
        with counted(town.database) as seen:
            browser.page(url)
        return len(seen)

    before = {url: statements(url) for url in (INDEX, FOLLOW_UP, sitting(town))}
    for _ in range(3):
        town.walk().tabled()
        town.walk().funded()
    after = {url: statements(url) for url in before}
    assert after == before
    assert max(after.values()) <= 12


# --- one by one -----------------------------------------------------------------------------------------------------


def test_a_line_is_decided_on_the_page_of_its_act(town: Town) -> None:
    walk = town.walk().tabled()
    url = f"/dossiers/{walk.dossier_id}/actes/decide_request"
    browser = town.browser("funder État")
    page = browser.page(url)
    form = page.form(url).fields
    assert form["request_id"] == str(line(walk))
    assert form["amount_cents"] == "2500"
    assert "Projet solide" in page.text
    assert "50\u202f000" in page.text.replace("\xa0", "\u202f")
    no_motive = browser.post(url, {**form, "amount_cents": "0"})
    assert no_motive.status_code == 422
    assert browser.post(url, {**form, "amount_cents": "2000,50"}).status_code == 303
    assert read(town, walk).granted_cents == 2_000_50
    again = browser.post(url, form)
    assert again.status_code == 409
    assert "déjà décidée" in again.text
    assert "déjà décidé" in browser.page(url).text


def test_the_last_euros_cannot_be_granted_twice(town: Town) -> None:
    """Two pages opened on the same envelope: the second is told what is left."""
    first, second = town.walk().tabled(), town.walk().tabled()
    set_total(town, 3_000_00)
    browser = town.browser("funder État")
    url = f"/dossiers/{second.dossier_id}/actes/decide_request"
    opened = browser.page(url).form(url).fields
    first.act("funder État", "decide_request", request_id=line(first), amount_cents=2_500_00)
    answer = browser.post(url, opened)
    assert answer.status_code == 409
    page = Page(answer.text)
    assert "il reste 500,00 € pour 2 500,00 €" in page.text
    assert page.form(url).fields["amount_cents"] == "2500"
    assert read(town, second).decision == "pending"


def test_a_dossier_is_deferred_to_another_session(town: Town) -> None:
    walk = town.walk().tabled()
    url = f"/dossiers/{walk.dossier_id}/actes/defer"
    browser = town.browser("funder CAF")
    form = browser.page(url).form(url).fields
    assert browser.post(url, {**form, "reason": "Devis à revoir"}).status_code == 303
    assert walk.state == "opinion"
    assert "Aucune demande pour vous" in browser.page(sitting(town)).text


# --- for a session --------------------------------------------------------------------------------------------------


def test_a_whole_session_is_decided_at_once(any_town: Town) -> None:
    town = any_town
    walks = [town.walk().tabled() for _ in range(3)]
    browser = town.browser("funder État")
    page = browser.page(sitting(town))
    form = page.form(sitting(town)).fields
    assert [form[f"amount-{line(walk)}"] for walk in walks] == ["2500"] * 3
    assert "42\u202f500" in page.text.replace("\xa0", "\u202f"), "what would be left"
    data = {**form, f"amount-{line(walks[1])}": "0", f"motive-{line(walks[1])}": "Hors priorités"}
    answer = browser.post(sitting(town), data)
    assert answer.status_code == 303
    assert [read(town, walk).decision for walk in walks] == ["granted", "refused", "granted"]
    after = browser.page(sitting(town)).text.replace("\xa0", "\u202f")
    assert "3 décisions enregistrées." in after
    assert "il restait 50\u202f000\u202f€, il reste 45\u202f000\u202f€" in after
    assert "Tout est décidé pour cette séance" in after


def test_each_line_stands_or_falls_alone(town: Town) -> None:
    """One overspends, one lacks its motive, one is no sum, one was deferred meanwhile, one is left; one is done."""
    good, over, silent, wrong, deferred, left = (town.walk().tabled() for _ in range(6))
    set_total(town, 4_000_00)
    browser = town.browser("funder État")
    data = {
        f"amount-{line(good)}": "2500",
        f"amount-{line(over)}": "2 500,00",
        f"amount-{line(silent)}": "0",
        f"amount-{line(wrong)}": "deux mille",
        f"amount-{line(deferred)}": "100",
        f"motive-{line(deferred)}": "Petit <b>budget</b>",
        f"amount-{line(left)}": "",
    }
    deferred.act("animator", "defer", reason="Séance trop longue")
    answer = browser.post(sitting(town), data)
    assert answer.status_code == 409
    page = Page(answer.text)
    text = page.text
    assert "1 décision enregistrée" in text
    assert "4 décisions ne sont pas enregistrées" in text
    assert "il reste 1 500,00 € pour 2 500,00 €" in text
    assert "Écrivez le motif du refus" in text
    assert "Somme attendue" in text
    assert "Petit <b>budget</b>" in text, "what was typed for a line that left the session is not lost"
    fields = page.form(sitting(town)).fields
    assert fields[f"amount-{line(over)}"] == "2 500,00"
    assert fields[f"amount-{line(wrong)}"] == "deux mille"
    assert fields[f"amount-{line(left)}"] == ""
    assert f"amount-{line(good)}" not in fields
    decisions = [read(town, walk).decision for walk in (good, over, silent, wrong, deferred, left)]
    assert decisions == ["granted", *["pending"] * 5]


def test_only_typing_errors_answer_422(town: Town) -> None:
    walk = town.walk().tabled()
    browser = town.browser("funder État")
    assert browser.post(sitting(town), {f"amount-{line(walk)}": "x"}).status_code == 422
    assert browser.post(sitting(town), {f"motive-{line(walk)}": "sans somme"}).status_code == 422


@pytest.mark.parametrize("name", ["amount", "amount-", "amount-x", "amount-1-2", "motive-²", f"amount-{'9' * 30}"])
def test_odd_names_do_no_harm(town: Town, name: str) -> None:
    walk = town.walk().tabled()
    assert town.browser("funder État").post(sitting(town), {name: "5"}).status_code == 303
    assert read(town, walk).decision == "pending"


def test_a_session_that_is_not_there(town: Town) -> None:
    assert town.browser("funder État").get("/enveloppes/seances/999999").status_code == 404


# --- what follows ---------------------------------------------------------------------------------------------------


def test_agreement_then_payments(town: Town) -> None:
    walk = town.walk().funded()
    browser = town.browser("funder État")
    assert "Enregistrer la convention" in browser.page(f"{FOLLOW_UP}?stage=agreement").text
    sign = f"/dossiers/{walk.dossier_id}/actes/sign_agreement"
    pay = f"/dossiers/{walk.dossier_id}/actes/record_payment"
    assert "n'est pas encore enregistrée" in browser.page(pay).text
    form = browser.page(sign).form(sign).fields
    signed = {**form, "reference": "ETAT-1", "signed_on": "02/11/2026", "next": FOLLOW_UP}
    answer = browser.post(sign, signed)
    assert (answer.status_code, answer.headers["Location"]) == (303, FOLLOW_UP)
    assert "ETAT-1" in browser.page(f"{FOLLOW_UP}?stage=payment").text
    form = browser.page(pay).form(pay).fields
    paid = {**form, "kind": "advance", "paid_on": "02/11/2026"}
    over = browser.post(pay, {**paid, "amount_cents": "2600"})
    assert over.status_code == 409
    assert "dépasse ce qui reste à verser" in over.text
    assert browser.post(pay, {**paid, "amount_cents": "2500"}).status_code == 303
    page = browser.page(f"{FOLLOW_UP}?stage=settled&sort=-left")
    assert "Soldé" in page.text
    assert "Rien ne reste à verser" in browser.page(pay).text


def test_two_institutions_of_one_funder_choose_their_line(town: Town) -> None:
    walk = town.walk().tabled()
    with town.database.write() as session:
        person = session.get_one(Person, town.world.people["funder État"])
        caf = session.get_one(Institution, town.world.funders["CAF"])
        session.add(RoleGrant(person_id=person.id, role="funder", institution_id=caf.id, granted_at=person.created_at))
    browser = town.browser("funder État")
    url = f"/dossiers/{walk.dossier_id}/actes/decide_request"
    page = browser.page(f"{url}?request_id={line(walk, 'CAF')}")
    assert "Votre demande : CAF" in page.text
    assert "Votre demande : État" in page.text
    assert browser.post(url, {"request_id": line(walk, "CAF"), "amount_cents": "10"}).status_code == 303
    assert read(town, walk, "CAF").granted_cents == 10_00
