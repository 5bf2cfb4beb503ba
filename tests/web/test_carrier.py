"""A carrier's pages: their list, the deposit form that keeps everything typed, the receipt, their acts."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from states.dossier import STATES
from tests.factories import DATES, NOW, OTHER_SIRET, SIRET, Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from web.pages.carrier import keep_answers
from workflow.models import (
    BudgetLine,
    Campaign,
    Document,
    Dossier,
    FundingRequest,
    JournalEntry,
    LateDeposit,
    Piece,
    RoleGrant,
)
from workflow.queries.carrier import SORTS
from workflow.use_cases.draft import ACCOUNTS, STEPS

LINE = {"account": "60", "amount_cents": "1"}
VALID = "44306184100047"
PDF = b"%PDF-1.4 devis"


def url(dossier_id: int, step: str = "") -> str:
    return f"/mes-dossiers/{dossier_id}/formulaire/{step}".rstrip("/")


def row(town: Town, dossier_id: int) -> Dossier:
    with town.database.read() as session:
        dossier = session.get_one(Dossier, dossier_id)
        assert dossier.organisation
        return dossier


def save(browser: Browser, town: Town, dossier_id: int, step: str, **values: str) -> TestResponse:
    """Save a step as its page would, with the version that it showed."""
    values.setdefault("version", str(row(town, dossier_id).version))
    return browser.post(url(dossier_id, step), {"go": "next", **values})


@contextmanager
def counting(town: Town) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = town.database.reader
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


# --- my dossiers --------------------------------------------------------------------------------------------------


def test_somebody_new_is_told_what_to_do(town: Town) -> None:
    page = town.browser("carrier").page("/mes-dossiers")
    assert "Vous n'avez pas encore de dossier" in page.text
    assert "dans 43 jours" in page.text
    assert f"/mes-dossiers/nouveau?campaign_id={town.world.campaign_id}" in page.links


def test_without_an_open_call_the_page_says_so(town: Town, at: Callable[[datetime], None]) -> None:
    at(NOW + timedelta(days=60))
    page = town.browser("carrier").page("/mes-dossiers")
    assert "Aucun appel à projets n'est ouvert" in page.text
    assert not [link for link in page.links if "nouveau" in link]


def test_the_list_says_who_must_act_and_by_when(town: Town, at: Callable[[datetime], None]) -> None:
    draft = town.walk().draft()
    incomplete = town.walk().submitted()
    incomplete.act("animator", "request_completion", pieces=["RIB"], due_on="2026-11-10")
    town.walk().submitted()
    at(NOW + timedelta(days=10))
    page = town.browser("carrier").page("/mes-dossiers")
    assert page.text.index("Répondre aux demandes") < page.text.index("Terminer et déposer")
    assert page.text.index("Terminer et déposer") < page.text.index("Vérifier la recevabilité")
    assert "en retard de 2 jours" in page.text
    assert url(draft.dossier_id) in page.links
    assert f"/dossiers/{incomplete.dossier_id}/actes/complete" in page.links


def test_findings_make_it_the_carriers_turn(town: Town) -> None:
    walk = town.walk().drawn()
    walk.taken()
    walk.act("controller", "announce", walk.mission_id(), visit_on="2027-01-10")
    carrier = town.browser("carrier")
    assert "Répondre aux constats" not in carrier.page("/mes-dossiers").text
    walk.found("2027-02-10", realisation="Vu", spending="Vu")
    assert "Répondre aux constats" in carrier.page("/mes-dossiers?mine=1").text


def test_every_state_can_be_filtered_by(town: Town) -> None:
    walk = town.walk().submitted()
    browser = town.browser("carrier")
    for state in STATES:
        page = browser.page(f"/mes-dossiers?state={state}")
        assert (f"/dossiers/{walk.dossier_id}" in page.links) == (state == "submitted")


ODD = (
    "sort=-due",
    "sort=x",
    "page=0",
    "page=99999999",
    "campaign=²",
    "organisation=9999999999999999",
    "state=%27;DROP",
    "mine=1&sort=-state&page=2",
)


def test_odd_addresses_of_the_list_are_met(town: Town) -> None:
    town.walk().draft()
    browser = town.browser("carrier")
    assert [browser.get(f"/mes-dossiers?{query}").status_code for query in ODD] == [200] * len(ODD)


def test_nobody_else_sees_them(town: Town) -> None:
    walk = town.walk().draft()
    submitted = town.walk().submitted()
    assert "Ateliers" not in town.browser("other carrier").page("/mes-dossiers").text
    assert town.browser("animator").get("/mes-dossiers").status_code == 403
    for step in STEPS:
        assert town.browser("other carrier").get(url(walk.dossier_id, step)).status_code == 404
        assert town.browser("administrator").get(url(walk.dossier_id, step)).status_code == 403
    assert save(town.browser("other carrier"), town, walk.dossier_id, "action", title="À moi").status_code == 404
    assert town.browser("other carrier").get(f"/mes-dossiers/{submitted.dossier_id}/recu").status_code == 404
    assert row(town, walk.dossier_id).title == "Ateliers sans alcool"


def test_statements_do_not_grow_with_the_dossiers(town: Town) -> None:
    town.walk().draft()
    browser = town.browser("carrier")
    with counting(town) as few:
        browser.page("/mes-dossiers")
    for _ in range(4):
        town.walk().draft()
    with counting(town) as more:
        browser.page("/mes-dossiers")
    assert len(few) == len(more) <= 9


def test_statements_of_a_step_do_not_grow_with_its_lines(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")

    def counted() -> list[int]:
        counts = []
        for step in STEPS:
            with counting(town) as seen:
                browser.page(url(walk.dossier_id, step))
            counts.append(len(seen))
        return counts

    few = counted()
    line = {"account": "60", "label": "Autre", "amount_cents": 100}
    walk.act("carrier", "edit_draft", values={"expense": [line] * 40})
    assert counted() == few
    assert max(few) <= 14


# --- a new dossier ------------------------------------------------------------------------------------------------


def test_a_new_dossier_begins_at_the_first_step(town: Town) -> None:
    browser = town.browser("carrier")
    sent = browser.page("/mes-dossiers/nouveau").form("/mes-dossiers/nouveau").fields
    answer = browser.post("/mes-dossiers/nouveau", sent)
    assert answer.status_code == 303
    assert answer.location.endswith("/formulaire/organisation")
    with town.database.read() as session:
        dossier = session.scalars(select(Dossier)).one()
        assert (dossier.campaign_id, dossier.organisation_id) == (town.world.campaign_id, town.world.organisation_id)
        assert dossier.due_on == DATES["deposit_deadline"]
    assert SIRET in browser.get(answer.location).text


def test_another_organisation_or_a_closed_call_is_refused(town: Town) -> None:
    browser, world = town.browser("carrier"), town.world
    other = {"organisation_id": str(world.other_organisation_id), "campaign_id": str(world.campaign_id)}
    assert browser.post("/mes-dossiers/nouveau", other).status_code == 403
    for campaign in ("", "x", "9999", "9" * 30):
        wrong = {"organisation_id": str(world.organisation_id), "campaign_id": campaign}
        assert browser.post("/mes-dossiers/nouveau", wrong).status_code == 422
    with town.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Dossier)) == 0


def test_a_derogation_opens_a_closed_call(town: Town, at: Callable[[datetime], None]) -> None:
    at(NOW + timedelta(days=60))
    with town.database.write() as session:
        session.add(
            LateDeposit(
                campaign_id=town.world.campaign_id,
                organisation_id=town.world.organisation_id,
                reason="Retard de la poste",
                until=date(2027, 1, 31),
                by_id=town.world.people["animator"],
                at=NOW,
            )
        )
    assert "Dépôt tardif autorisé" in town.browser("carrier").page("/mes-dossiers").text
    assert "Aucun appel" in town.browser("other carrier").page("/mes-dossiers/nouveau").text
    sent = town.browser("carrier").page("/mes-dossiers/nouveau").form("/mes-dossiers/nouveau").fields
    assert town.browser("carrier").post("/mes-dossiers/nouveau", sent).status_code == 303


def test_who_carries_for_several_chooses(town: Town) -> None:
    carrier, other = town.world.people["carrier"], town.world.other_organisation_id
    with town.database.write() as session:
        session.add(RoleGrant(person_id=carrier, role="carrier", organisation_id=other, granted_at=NOW))
    browser = town.browser("carrier")
    page = browser.page("/mes-dossiers/nouveau")
    assert "Association Exemple" in page.text
    assert "Association Témoin" in page.text
    sent = {"organisation_id": str(other), "campaign_id": str(town.world.campaign_id)}
    assert browser.post("/mes-dossiers/nouveau", {"campaign_id": sent["campaign_id"]}).status_code == 422
    assert browser.post("/mes-dossiers/nouveau", sent).status_code == 303
    assert "Association Témoin" in browser.page(f"/mes-dossiers?organisation={other}").text


# --- the form -----------------------------------------------------------------------------------------------------


def test_a_volunteer_fills_the_form_and_deposits(town: Town) -> None:
    browser, world = town.browser("carrier"), town.world
    new = browser.page("/mes-dossiers/nouveau").form("/mes-dossiers/nouveau").fields
    browser.post("/mes-dossiers/nouveau", new)
    with town.database.read() as session:
        dossier_id = session.scalars(select(Dossier.id)).one()
    answers: dict[str, dict[str, str]] = {
        "organisation": {"phone": "03 27 00 00 00", "email": "Contact@Exemple.Example"},
        "action": {
            "title": "Ateliers",
            "objective_id": str(world.objective_id),
            "level": "agglomération",
            "need": "first",
            "summary": "Des ateliers\r\ntous les mardis.",
        },
        "public": {
            "public": "Jeunes",
            "beneficiaries": "40",
            "starts_on": "01/06/2027",
            "ends_on": "2027-12-31",
            "indicators": "Assiduité",
        },
        "budget": {
            "expense-0-account": "60",
            "expense-0-label": "Matériel",
            "expense-0-amount_cents": "1 234,50",
            "expense-1-account": "64",
            "expense-1-amount_cents": "765,50 €",
            "income-0-account": "74",
            "income-0-amount_cents": "2000",
        },
        "requests": {f"requests-{world.funders['CAF']}": "2 000"},
    }
    for step, typed in answers.items():
        page = browser.page(url(dossier_id, step))
        answer = browser.post(url(dossier_id, step), {**page.form(url(dossier_id, step)).fields, **typed, "go": "next"})
        assert answer.status_code == 303, step
    last = browser.page(answer.location)
    assert "Votre dossier est complet" in last.text
    assert "Des ateliers\ntous les mardis." in last.text
    submit = last.form(f"/dossiers/{dossier_id}/actes/submit")
    refused = browser.post(submit.action, submit.fields)
    assert refused.status_code == 409
    assert "attestation" in refused.text
    answer = browser.post(submit.action, {**submit.fields, "attested": "1"})
    assert answer.location == f"/mes-dossiers/{dossier_id}/recu"
    receipt = browser.page(answer.location)
    assert "2027-0001" in receipt.text
    assert "/suivi/" in receipt.text
    assert "15 janvier 2027" in receipt.text
    assert row(town, dossier_id).starts_on == date(2027, 6, 1)
    assert browser.get(url(dossier_id, "action")).status_code == 404


def test_what_is_wrong_is_kept_and_said_and_does_not_stop(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    answer = save(
        browser, town, walk.dossier_id, "public",
        beneficiaries="beaucoup", starts_on="31/02/2027", ends_on="2027-12-31", public="", indicators="x" * 6000,
    )  # fmt: skip
    assert answer.status_code == 303
    assert answer.location.endswith("/public")
    page = browser.page(answer.location)
    assert page.title.startswith("Erreur")
    sent = page.form(url(walk.dossier_id, "public")).fields
    assert (sent["beneficiaries"], sent["starts_on"], sent["ends_on"]) == ("beaucoup", "31/02/2027", "2027-12-31")
    assert "x" * 6000 in page.text
    for text in ("Nombre entier attendu", "Date attendue", "5 000 caractères au plus", "Continuer sans corriger"):
        assert text in page.text
    last = browser.page(url(walk.dossier_id, "attestation"))
    assert "3 réponses à corriger" in last.text
    assert "public visé" in last.text
    save(browser, town, walk.dossier_id, "public", beneficiaries="30", starts_on="2027-06-01", indicators="Bref")
    assert row(town, walk.dossier_id).typed == {}
    assert row(town, walk.dossier_id).beneficiaries == 30


def test_a_wrong_end_does_not_stand_in_the_way_of_a_right_beginning(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    save(browser, town, walk.dossier_id, "public", starts_on="2029-01-01", ends_on="2028-99-99")
    assert row(town, walk.dossier_id).starts_on == date(2029, 1, 1)
    save(browser, town, walk.dossier_id, "public", starts_on="2029-01-01", ends_on="2028-01-01")
    assert "La fin est avant le début" in browser.page(url(walk.dossier_id, "public")).text
    save(browser, town, walk.dossier_id, "public", starts_on="0026-01-01", ends_on="2028-01-01")
    assert "Vérifiez l'année" in browser.page(url(walk.dossier_id, "public")).text


def test_a_program_that_gives_one_day_alone_is_answered_in_words(town: Town) -> None:
    walk = town.walk().draft()
    with pytest.raises(Exception, match="invalid"):
        walk.act("carrier", "edit_draft", values={"ends_on": "2026-01-01"})
    with pytest.raises(Exception, match="invalid"):
        walk.act("carrier", "edit_draft", values={"expense": [{"label": "Sans compte"}]})
    with pytest.raises(Exception, match="invalid"):
        walk.act("carrier", "edit_draft", values={"inconnu": 1})
    assert row(town, walk.dossier_id).ends_on == date(2027, 12, 31)


def test_the_budget_grows_by_lines_and_loses_emptied_ones(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    here = url(walk.dossier_id, "budget")
    sent = browser.page(here).form(here).fields
    places = {name.split("-")[1] for name in sent if name.startswith("expense-")}
    assert len(places) == 4
    sent |= {"expense-0-account": "", "expense-0-label": "", "expense-0-amount_cents": "", "go": "lines"}
    sent |= {"expense-1-account": "64", "income-0-account": "74", "income-1-account": "70"}
    sent |= {"expense-2-account": "61", "expense-2-amount_cents": "1 000", "expense-3-label": "Sans montant"}
    assert browser.post(here, sent).location == here + "#budget"
    page = browser.page(here)
    assert "Dépenses, ligne 3, montant : Somme attendue" in page.text
    assert page.form(here).fields["expense-2-label"] == "Sans montant"
    sent = {**sent, "expense-3-label": "", "version": str(row(town, walk.dossier_id).version)}
    browser.post(here, sent)
    with town.database.read() as session:
        lines = session.execute(
            select(BudgetLine.account, BudgetLine.amount_cents).where(BudgetLine.side == "expense")
        ).all()
    assert sorted(tuple(line) for line in lines) == [("61", 1_000_00), ("64", 8_000_00)]
    assert "Écart à combler" in browser.page(here).text
    assert "Le budget n'est pas équilibré" not in browser.page(here).text
    assert "un budget équilibré" in browser.page(url(walk.dossier_id, "attestation")).text


def test_objectives_are_searched_without_losing_what_was_typed(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    answer = save(browser, town, walk.dossier_id, "action", title="Nouveau titre", search="LOGEMENT", go="search")
    page = browser.page(answer.location)
    assert page.form(url(walk.dossier_id, "action")).fields["title"] == "Nouveau titre"
    whole = browser.get(url(walk.dossier_id, "action")).text.count("<option")
    assert 0 < browser.get(answer.location).text.count("<option") < whole
    assert save(browser, town, walk.dossier_id, "action", go="enter").location.endswith("/public")


def test_a_siret_is_checked_and_fixed_once_deposited(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    for typed, said in (
        ("123", "SIRET incorrect"),
        ("73282932000075", "SIRET incorrect"),
        ("", "À remplir"),
        (OTHER_SIRET, "déjà celui d'un autre organisme"),
    ):
        save(browser, town, walk.dossier_id, "organisation", siret=typed)
        page = browser.page(url(walk.dossier_id, "organisation"))
        assert said in page.text
        assert page.form(url(walk.dossier_id, "organisation")).fields["siret"] == typed
        assert row(town, walk.dossier_id).organisation.siret == SIRET
    save(browser, town, walk.dossier_id, "organisation", siret=" ".join(VALID), kind="public", phone="x" * 31)
    assert row(town, walk.dossier_id).organisation.siret == VALID
    with town.database.read() as session:
        acts = session.scalars(select(JournalEntry.act).where(JournalEntry.act == "update_organisation")).all()
    assert len(acts) == 1
    save(browser, town, walk.dossier_id, "organisation", phone="03")
    town.walk().submitted()
    save(browser, town, walk.dossier_id, "organisation", siret=SIRET, name="Nouveau nom")
    assert "l'administrateur seul la change" in browser.page(url(walk.dossier_id, "organisation")).text
    assert row(town, walk.dossier_id).organisation.siret == VALID
    assert row(town, walk.dossier_id).organisation.name == "Nouveau nom"


def test_two_members_on_one_draft(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    seen = str(row(town, walk.dossier_id).version)
    save(browser, town, walk.dossier_id, "action", title="Titre de la présidente", version=seen)
    answer = save(browser, town, walk.dossier_id, "action", title="Titre du trésorier", summary="<b>", version=seen)
    assert answer.status_code == 409
    page = Page(answer.text)
    assert "Titre de la présidente" in page.text
    kept = page.form(url(walk.dossier_id, "action")).fields
    assert kept["title"] == "Titre du trésorier"
    assert row(town, walk.dossier_id).title == "Titre de la présidente"
    assert browser.post(url(walk.dossier_id, "action"), {**kept, "go": "next"}).status_code == 303
    assert row(town, walk.dossier_id).title == "Titre du trésorier"
    for step in STEPS:
        assert save(browser, town, walk.dossier_id, step, version="1").status_code == 409


def test_a_draft_that_was_deposited_meanwhile_says_so(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    seen = str(row(town, walk.dossier_id).version)
    walk.act("carrier", "submit", attested=True)
    assert save(browser, town, walk.dossier_id, "action", title="Trop tard", version=seen).status_code == 409
    assert save(browser, town, walk.dossier_id, "action", title="Trop tard").status_code == 409


def test_going_back_leaving_and_resuming(town: Town) -> None:
    walk = town.walk().draft(summary="")
    browser = town.browser("carrier")
    assert save(browser, town, walk.dossier_id, "public", go="previous").location.endswith("/action")
    assert save(browser, town, walk.dossier_id, "public", go="leave").location == "/mes-dossiers"
    assert save(browser, town, walk.dossier_id, "organisation", go="previous").location.endswith("/organisation")
    assert browser.get(url(walk.dossier_id)).location.endswith("/action")
    assert browser.get(url(walk.dossier_id, "inconnue")).status_code == 404


NAMES = [
    name
    for step in ("organisation", "action", "public")
    for name in STEPS[step]().fields
] + [
    "expense", "expense-0", "expense-0-account", "expense-0-label", "expense-0-amount_cents", "expense-²-label",
    "income-1-amount_cents", "income-1-account", "income-x-y-z", "requests", "requests-1", "requests-x",
    "requests-99999999999999999999", "requests-1-2", "attested", "typed", "state", "",
]  # fmt: skip
NASTY = st.one_of(
    st.sampled_from(
        ["", " ", "0", "-1", "1e400", "inf", "NaN", "1e999999999", "9" * 400, "12,345", "²", "٣", "\x00", "é" * 5001,
         "<script>alert(1)</script>", "'; DROP TABLE dossier; --", "{{ 7*7 }}", "%s%(x)s", "2027-02-30", "31/12/99",
         "99999-01-01", "0000-00-00", "100 000 000,01", "73282932000075", "true", "null", "[]", "commune", "60"]
    ),
    st.text(max_size=40),
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.dictionaries(st.sampled_from(NAMES), NASTY, max_size=8), step=st.sampled_from(list(STEPS)))
def test_whatever_is_typed_is_met_with_words(town: Town, typed: dict[str, str], step: str) -> None:
    if not hasattr(town, "draft"):
        # Kept on the town for the steps that follow.
        town.draft = town.walk().draft()  # type: ignore[attr-defined]
    # As above.
    walk: Walk = town.draft  # type: ignore[attr-defined]
    browser = town.browser("carrier")
    assert save(browser, town, walk.dossier_id, step, **typed).status_code == 303
    for shown in (step, "attestation"):
        text = browser.get(url(walk.dossier_id, shown)).text
        assert "<script>alert" not in text
        assert "Une erreur est survenue" not in text
    stale = save(browser, town, walk.dossier_id, step, **{**typed, "version": "1"})
    assert stale.status_code == 409


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=NASTY.filter(lambda text: text.isprintable() and text == text.strip()))
def test_a_text_comes_back_as_it_was_typed(town: Town, typed: str) -> None:
    walk = getattr(town, "draft", None) or town.walk().draft()
    town.draft = walk  # type: ignore[attr-defined]
    browser = town.browser("carrier")
    save(browser, town, walk.dossier_id, "action", title=typed)
    assert browser.page(url(walk.dossier_id, "action")).form(url(walk.dossier_id, "action")).fields["title"] == typed


def test_ten_megabytes_are_refused_in_words(town: Town) -> None:
    walk = town.walk().draft()
    answer = save(town.browser("carrier"), town, walk.dossier_id, "action", summary="x" * 10_000_000)
    assert answer.status_code == 413
    assert "dépasse la taille" in answer.text
    assert row(town, walk.dossier_id).summary.startswith("Des ateliers")


def test_a_hundred_lines_are_enough(town: Town) -> None:
    walk = town.walk().draft()
    lines = {f"expense-{place}-{name}": value for place in range(120) for name, value in LINE.items()}
    save(town.browser("carrier"), town, walk.dossier_id, "budget", **lines)
    page = town.browser("carrier").page(url(walk.dossier_id, "budget"))
    assert "Cent lignes au plus" in page.text


def test_the_accounts_are_those_of_the_common_form(town: Town) -> None:
    walk = town.walk().draft()
    text = town.browser("carrier").get(url(walk.dossier_id, "budget")).text
    for side in ACCOUNTS.values():
        for label in side.values():
            assert label in text


def test_a_forgotten_token_is_no_save(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    assert browser.client.post(url(walk.dossier_id, "action"), data={"title": "Forgé"}).status_code == 400
    assert row(town, walk.dossier_id).title == "Ateliers sans alcool"


# --- acts ---------------------------------------------------------------------------------------------------------


def incomplete(town: Town) -> tuple[Walk, list[int]]:
    walk = town.walk().submitted()
    walk.act("animator", "request_completion", pieces=["RIB", "Devis"], due_on="2026-12-01")
    with town.database.read() as session:
        return walk, list(session.scalars(select(Piece.id).order_by(Piece.id)))


def test_answers_are_kept_then_sent(town: Town) -> None:
    walk, (rib, quote) = incomplete(town)
    browser = town.browser("carrier")
    act, keep = f"/dossiers/{walk.dossier_id}/actes/complete", f"/mes-dossiers/{walk.dossier_id}/reponses"
    fields = browser.page(act).form(act).fields
    assert {f"answers-{rib}", f"answers-{quote}", f"files-{rib}"} <= set(fields)
    kept = {f"answers-{rib}": "Compte 123", f"files-{quote}": (io.BytesIO(PDF), "devis.pdf")}
    assert browser.post(keep, kept, content_type="multipart/form-data").location == act
    assert walk.state == "incomplete"
    page = browser.page(act)
    assert page.text.count("Réponse gardée") == 2
    assert "Document déjà joint" in page.text
    sent = {**page.form(act).fields, f"answers-{rib}": "Compte 456"}
    sent = {name: value for name, value in sent.items() if not name.startswith("files-")}
    assert browser.post(act, sent).status_code == 303
    assert walk.state == "submitted"
    with town.database.read() as session:
        pieces = {piece.id: piece for piece in session.scalars(select(Piece))}
        assert pieces[rib].answer == "Compte 456"
        assert (pieces[quote].answer, pieces[quote].document_id is None) == ("devis.pdf", False)


def test_a_file_is_an_answer_and_a_lying_one_is_not(town: Town) -> None:
    walk, (rib, quote) = incomplete(town)
    browser = town.browser("carrier")
    act = f"/dossiers/{walk.dossier_id}/actes/complete"
    fields = {name: value for name, value in browser.page(act).form(act).fields.items() if "files" not in name}
    lying = {**fields, f"answers-{rib}": "Voici", f"files-{quote}": (io.BytesIO(b"MZ"), "devis.pdf")}
    answer = browser.post(act, lying, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "ne correspond pas à son nom" in answer.text
    assert "Voici" in answer.text
    missing = browser.post(act, {**fields, f"answers-{rib}": "Voici"}, content_type="multipart/form-data")
    assert missing.status_code == 409
    assert "Il reste à répondre à : Devis" in missing.text
    sent = {**fields, f"answers-{rib}": "Voici", f"files-{quote}": (io.BytesIO(PDF), "devis.pdf")}
    assert browser.post(act, sent, content_type="multipart/form-data").status_code == 303
    with town.database.read() as session:
        assert session.scalars(select(Document.filename)).all() == ["devis.pdf"]


def test_answers_of_another_dossier_are_not_touched(town: Town) -> None:
    walk, (rib, _quote) = incomplete(town)
    other = town.walk().submitted()
    other.act("animator", "request_completion", pieces=["Statuts"], due_on="2026-12-01")
    keep = f"/mes-dossiers/{other.dossier_id}/reponses"
    assert town.browser("carrier").post(keep, {f"answers-{rib}": "Vol"}).status_code == 404
    assert town.browser("other carrier").post(keep, {f"answers-{rib}": "Vol"}).status_code == 404
    for odd in ("answers", "answers-x", "answers-²", "answers-" + "9" * 30, "files-1"):
        assert town.browser("carrier").post(keep, {odd: "?"}).status_code < 500
    assert keep_answers.access == ("carrier",)  # type: ignore[attr-defined]
    assert walk.state == "incomplete"


@pytest.mark.parametrize("act", ["submit_progress_report", "submit_final_report"])
def test_reports_stand_beside_what_was_planned(town: Town, act: str) -> None:
    walk = town.walk().funded()
    browser = town.browser("carrier")
    here = f"/dossiers/{walk.dossier_id}/actes/{act}"
    page = browser.page(here)
    assert "Prévu : 40" in page.text
    assert "Prévu au budget : 10\u202f000" in page.text
    sent = page.form(here).fields
    wrong = browser.post(here, {**sent, "narrative": "Fait", "beneficiaries": "?", "spent_cents": "1e999999999"})
    assert wrong.status_code == 422
    assert Page(wrong.text).form(here).fields["beneficiaries"] == "?"
    right = {**sent, "narrative": "Fait", "beneficiaries": "38", "spent_cents": "9 500"}
    assert browser.post(here, right).status_code == 303


def test_withdrawal_and_cancellation_ask_and_explain(town: Town) -> None:
    browser = town.browser("carrier")
    for walk, act, said, more, after in (
        (town.walk().draft(), "withdraw", "ne peut plus être repris", {}, "withdrawn"),
        (town.walk().assigned(), "withdraw", "Ce retrait est définitif", {}, "withdrawn"),
        (town.walk().funded(), "cancel_action", "Versé en tout", {"payback_cents": "0"}, "cancelled"),
    ):
        here = f"/dossiers/{walk.dossier_id}/actes/{act}"
        page = browser.page(here)
        assert said in page.text
        sent = page.form(here).fields
        assert browser.post(here, {**sent, **more}).status_code == 409
        assert browser.post(here, {**sent, **more, "reason": "Plus de local"}).status_code == 303
        assert walk.state == after


def test_findings_stand_above_the_reply(town: Town) -> None:
    walk = town.walk().drawn()
    walk.taken()
    walk.act("controller", "announce", walk.mission_id(), visit_on="2027-01-10")
    mission = walk.mission_id()
    walk.found("2027-02-10", realisation="Deux ateliers vus", spending="Une facture manque", refused_cents=120_00)
    here = f"/dossiers/{walk.dossier_id}/controles/{mission}/actes/reply"
    browser = town.browser("carrier")
    page = browser.page(here)
    for text in ("Deux ateliers vus", "Une facture manque", "120\u202f€"):
        assert text in page.text
    assert browser.post(here, {**page.form(here).fields, "answer": "La voici"}).status_code == 303


def test_messages_hide_the_agents_names_from_the_carrier(town: Town) -> None:
    walk = town.walk().assigned()
    walk.act("instructor 1", "send_message", body="Une précision ?")
    here = f"/dossiers/{walk.dossier_id}/actes/send_message"
    text = town.browser("carrier").page(here).text
    assert "Une précision ?" in text
    assert "Rôle instructor 1" not in text
    assert "Rôle instructor 1" in town.browser("instructor 2").page(here).text


def test_documents_are_joined_from_the_last_step(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    last = browser.page(url(walk.dossier_id, "attestation"))
    attach = last.form(f"/dossiers/{walk.dossier_id}/actes/attach_document")
    sent = {"next": attach.fields["next"], "kind": "quote", "file": (io.BytesIO(PDF), "devis.pdf")}
    answer = browser.post(attach.action, sent, content_type="multipart/form-data")
    assert answer.location == url(walk.dossier_id, "attestation") + "#documents"
    assert "devis.pdf" in browser.page(answer.location).text
    sent = {"kind": "quote", "file": (io.BytesIO(b"<html>"), "page.html")}
    assert browser.post(attach.action, sent, content_type="multipart/form-data").status_code == 422


def test_the_requests_of_a_draft_belong_to_known_funders(town: Town) -> None:
    walk = town.walk().draft()
    browser = town.browser("carrier")
    save(browser, town, walk.dossier_id, "requests", **{"requests-999999": "10"})
    assert "Financeur inconnu" in browser.page(url(walk.dossier_id, "requests")).text
    save(browser, town, walk.dossier_id, "requests", **{f"requests-{town.world.funders['CAF']}": ""})
    with town.database.read() as session:
        assert session.scalar(select(func.count()).select_from(FundingRequest)) == 0
        assert session.scalar(select(func.count()).select_from(Campaign))
    assert "un montant demandé" in browser.page(url(walk.dossier_id, "attestation")).text


def test_both_databases_list_and_keep_alike(any_town: Town) -> None:
    walk = any_town.walk().draft()
    any_town.walk().funded()
    browser = any_town.browser("carrier")
    odd = {"title": "Nul\x00\x07 part", "summary": "\x00" * 5001, "objective_id": "9" * 25, "commune_id": str(2**40)}
    assert save(browser, any_town, walk.dossier_id, "action", **odd).status_code == 303
    page = browser.page(url(walk.dossier_id, "action"))
    assert page.form(url(walk.dossier_id, "action")).fields["title"] == "Nul part"
    assert page.text.count("Choisissez dans la liste.") == 4
    for sort in SORTS:
        for turned in ("", "-"):
            page = browser.page(f"/mes-dossiers?sort={turned}{sort}&campaign={any_town.world.campaign_id}")
            assert "Nul part" in page.text


def test_the_act_of_modifying_leads_to_the_form(town: Town) -> None:
    walk = town.walk().draft()
    page = town.browser("carrier").page(f"/dossiers/{walk.dossier_id}/actes/edit_draft")
    assert url(walk.dossier_id) in page.links
