"""The pages of a draw's ceremony: who comes in, what is awaited of whom, what is kept from whom, the record."""

import hashlib
import html
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.factories import NOW
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from tests.workflow.test_beacon import signed
from workflow.models import BeaconAnswer, Mission, SamplePlan
from workflow.queries.control_result import result
from workflow.sampling import beacon, record

PLAN = "/controles/plans/nouveau"
ASKED = {
    "method": "srs",
    "size": "2",
    "reserve": "0",
    "reveals_on": "2026-11-06",
    "reveals_hour": "10:00",
    "public_source": "Loto du 7 novembre 2026",
    "public_on": "2026-11-07",
    "public_hour": "12:00",
}
READ_AT = NOW + timedelta(days=6)
PHRASES = {"controller": "un hérisson sur le toit", "transversal": "trois péniches à Anzin"}

At = Callable[[datetime], None]


def planned(town: Town, **changes: str) -> str:
    """A plan that the controller publishes over three funded dossiers; its address."""
    for _ in range(3):
        town.walk().funded()
    people = [str(town.world.people[who]) for who in PHRASES]
    answer = town.browser("controller").post(
        f"{PLAN}?campaign={town.world.campaign_id}", {**ASKED, "participants": people, **changes}
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def both(town: Town, url: str, step: str) -> None:
    for who, phrase in PHRASES.items():
        assert town.browser(who).post(f"{url}/{step}", {"phrase": phrase}).status_code == 303


def test_the_whole_ceremony_by_its_pages(any_town: Town, at: At) -> None:
    town = any_town
    url = planned(town)
    controller, transversal = town.browser("controller"), town.browser("transversal")
    assert "Faire votre part" in transversal.page("/").text
    assert "engagez-vous" in controller.page(url).text
    both(town, url, "engagement")
    both(town, url, "phrase")
    assert "tirage public" in controller.page(url).text
    assert "Faire votre part" not in transversal.page("/").text
    at(READ_AT)
    assert "Faire votre part" in town.browser("administrator").page("/").text
    assert controller.post(f"{url}/lecture", {"value": "7 12 31"}).status_code == 303
    assert "7 12 31" not in town.browser("administrator").page(url).text
    assert town.browser("administrator").post(f"{url}/lecture", {"value": "7 12 31"}).status_code == 303
    page = controller.page(url)
    for phrase in (*PHRASES.values(), "7 12 31", "Procès-verbal complet"):
        assert phrase in page.text
    answer = controller.get(f"{url}/proces-verbal.json")
    assert "attachment" in answer.headers["Content-Disposition"]
    told = json.loads(answer.text)
    assert record.verify(told) is None
    for unit in told["units"]:
        assert unit["ticket"] in page.text
    # What was there before leads here.
    assert controller.get("/controles/tirages/1").headers["Location"] == url
    assert controller.get("/controles/tirages/1/json").headers["Location"] == f"{url}/proces-verbal.json"
    assert "Scellé" in controller.page("/controles").text


def test_the_command_line_replays_the_record(town: Town, at: At, tmp_path: Path) -> None:
    url = planned(town)
    both(town, url, "engagement")
    both(town, url, "phrase")
    at(READ_AT)
    for who in PHRASES:
        town.browser(who).post(f"{url}/lecture", {"value": "7 12 31"})
    file = tmp_path / "tirage.json"
    file.write_text(town.browser("controller").get(f"{url}/proces-verbal.json").text)
    found = record.read(file)
    assert record.verify(found) is None
    found["ceremony"]["public_value"] = "7 12 32"
    assert record.verify(found) == "seed"


def test_a_stranger_hashes_plan_and_population_before_anything_is_drawn(town: Town) -> None:
    url = planned(town, method="stratified", stratum="instance")
    browser = town.browser("transversal")
    plan = browser.get(f"{url}/plan.json")
    told = json.loads(plan.data)
    page = browser.page(url).text
    assert hashlib.sha256(plan.data).hexdigest() in page
    population = browser.get(f"{url}/population.txt").data
    assert hashlib.sha256(population).hexdigest() == told["population_hash"]
    assert told["population_hash"] in page
    assert len(population.splitlines()) == 3


def test_the_result_of_a_stratified_draw_is_told_by_stratum_too(town: Town, at: At) -> None:
    url = planned(town, method="stratified", stratum="instance")
    both(town, url, "engagement")
    both(town, url, "phrase")
    at(READ_AT)
    for who in PHRASES:
        assert town.browser(who).post(f"{url}/lecture", {"value": "7 12 31"}).status_code == 303
    with town.database.write() as session:
        mission = session.scalars(select(Mission)).first()
        assert mission
        pair = {"controller_id": town.world.people["controller"], "second_id": town.world.people["controller 2"]}
        session.execute(
            update(Mission)
            .where(Mission.id == mission.id)
            .values(state="announced", signed_by_id=pair["second_id"], signed_at=NOW, **pair)
        )
        session.execute(update(Mission).where(Mission.id == mission.id).values(state="findings_sent"))
    with town.database.read() as session:
        told = result(session, mission.sample_id)
    assert [(one.label, one.dossiers, one.granted) for one in told.strata] == [
        (one.label, one.dossiers, one.granted) for one in told.instances
    ]
    assert told.strata
    assert "Par strate" in town.browser("controller").page(f"/controles/tirages/{mission.sample_id}/resultat").text


@pytest.mark.parametrize("who", ["carrier", "animator", "instructor 1", "evaluator", "funder État"])
def test_only_those_who_oversee_come_in(town: Town, who: str) -> None:
    url = planned(town)
    browser = town.browser(who)
    files = (f"{url}/{name}" for name in ("plan.json", "population.txt", "proces-verbal.json"))
    for address in (url, "/controles/plans", PLAN, *files):
        assert browser.get(address).status_code == 403, address
    for step in ("engagement", "phrase", "lecture", "abandon"):
        assert browser.post(f"{url}/{step}", {"phrase": "x" * 12}).status_code == 403, step


def test_who_takes_no_part_follows_without_a_form(town: Town) -> None:
    url = planned(town)
    browser = town.browser("administrator")
    assert "engagez-vous" not in browser.page(url).text
    assert browser.post(f"{url}/engagement", {"phrase": "une phrase en trop"}).status_code == 403
    assert browser.post(f"{url}/abandon", {"reason": "x"}).status_code == 403
    assert browser.get(f"{url}/proces-verbal.json").status_code == 404


def test_what_was_typed_is_kept_and_explained(town: Town) -> None:
    url = planned(town)
    browser = town.browser("controller")
    short = browser.post(f"{url}/engagement", {"phrase": "trop court"})
    assert short.status_code == 422
    assert 'value="trop court"' in short.text
    both(town, url, "engagement")
    again = browser.post(f"{url}/engagement", {"phrase": "encore une phrase"})
    assert again.status_code == 409
    wrong = browser.post(f"{url}/phrase", {"phrase": "un hérisson sous le toit"})
    assert wrong.status_code == 422
    assert "à la lettre" in Page(wrong.text).text
    empty = browser.post(f"{url}/abandon", {})
    assert empty.status_code == 422
    form = browser.post(f"{PLAN}?campaign={town.world.campaign_id}", {**ASKED, "size": "99"})
    assert form.status_code in (409, 422)
    assert 'value="99"' in form.text


def test_a_page_asks_for_news_and_is_told_when_there_are_none(town: Town) -> None:
    url = planned(town)
    browser = town.browser("administrator")

    def poll() -> str:
        text = browser.get(url).text
        return text.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")

    address = poll()
    quiet = browser.client.get(address)
    assert (quiet.status_code, quiet.data) == (204, b"")
    town.browser("controller").post(f"{url}/engagement", {"phrase": PHRASES["controller"]})
    assert browser.get(address).status_code == 200
    assert poll() != address
    town.browser("controller").post(f"{url}/abandon", {"reason": "Mauvaise date"})
    page = browser.get(url).text
    assert "hx-get" not in page.split('id="live"')[1]
    assert "Mauvaise date" in page


def test_a_late_plan_says_who_is_missing(town: Town, at: At) -> None:
    url = planned(town)
    at(READ_AT)
    page = town.browser("controller").page(url).text
    assert "Le délai est passé" in page
    assert "Rôle transversal" in page
    assert town.browser("controller").post(f"{url}/engagement", {"phrase": "x" * 12}).status_code == 409
    assert town.browser("controller").post(f"{url}/abandon", {"reason": "Trop tard"}).status_code == 303
    with town.database.read() as session:
        assert session.scalars(select(SamplePlan.state)).all() == ["abandoned"]
    assert "attendu" not in town.browser("controller").get(url).text.split('id="live"')[1].split('id="plan"')[0]
    assert "Préparer le tirage" in town.browser("controller").page("/controles").text


def test_the_live_page_costs_little(town: Town) -> None:
    url = planned(town)
    browser: Browser = town.browser("administrator")
    browser.get(url)
    with counted(town.database) as statements:
        browser.get(url)
    assert len(statements) <= 6, statements


SIZE = "/controles/plans/taille"


def test_a_size_is_explained_in_words_with_a_picture_and_a_table(town: Town) -> None:
    for _ in range(3):
        town.walk().funded()
    browser = town.browser("controller")
    text = browser.get(f"{SIZE}?by=dossiers&confidence=90&tolerable=30&errors=0&size=2").text
    page = Page(text).text.replace("\xa0", " ")
    assert "Avec 2 dossiers contrôlés et aucune erreur trouvée, on peut dire, sûr à 90 %, que 33,3 % des" in page
    assert text.count("<polyline") == 3
    assert "<table" in text.split('id="answer"')[1]
    told = Page(browser.get(f"{SIZE}?by=euros&confidence=90&tolerable=5&errors=1&size=3").text).text
    assert "sont mal dépensés" in told
    # What is asked before anything is typed; and the size is taken on to the plan.
    assert "C'est assez" in browser.page(SIZE).text
    assert 'value="2"' in browser.get(f"{PLAN}?size=2&method=mus").text


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("size=4", "Il n'y en a que 3"),
        ("size=x", "Nombre entier attendu"),
        ("size=1&errors=2", "Pas plus d'erreurs que de dossiers"),
        ("tolerable=0", "De 0,5 à 30"),
        ("confidence=100", "De 50 à 99"),
        ("by=x", "Choisissez dans la liste"),
    ],
)
def test_a_size_that_cannot_be_is_explained_beside_its_field(town: Town, asked: str, told: str) -> None:
    for _ in range(3):
        town.walk().funded()
    answer = town.browser("transversal").get(f"{SIZE}?{asked}")
    assert answer.status_code == 422
    assert told in html.unescape(answer.text.split("field-invalid")[1])


def test_no_size_is_explained_of_nothing(town: Town) -> None:
    assert "Rien à tirer" in town.browser("controller").page(SIZE).text


def test_a_round_that_was_read_is_confirmed_in_one_click(town: Town, at: At) -> None:
    url = planned(town, beacon="quicknet", public_source="")
    both(town, url, "engagement")
    both(town, url, "phrase")
    browser = town.browser("controller")
    assert "confirmer" not in browser.page(url).text
    at(READ_AT)
    page = browser.page(url).text
    assert "Ce serveur n'a pas lu ce tour" in page
    poll = html.unescape(browser.get(url).text.split('hx-get="')[1].split('"')[0])
    with town.database.write() as session:
        plan = session.scalars(select(SamplePlan)).one()
        told = signed("quicknet", plan.beacon_round or 0)
        session.add(BeaconAnswer(plan_id=plan.id, source="https://api.drand.sh", at=READ_AT, **told))
        address = beacon.address("quicknet", told["round"])
    # A page that waits is given it.
    assert told["randomness"] in browser.get(poll).text
    form = next(form for form in browser.page(url).forms if form.fields.get("value") == told["randomness"])
    assert address in browser.page(url).links
    wrong = town.browser("transversal").post(f"{url}/lecture", {"value": "0" * 64})
    assert wrong.status_code == 303
    page = town.browser("transversal").page(url).text
    assert "autre valeur que celle que ce serveur a lue" in page
    assert "0" * 64 in page
    assert town.browser("transversal").post(f"{url}/lecture", {"value": "7 12"}).status_code == 422
    for who in ("controller", "transversal"):
        assert town.browser(who).post(form.action, {"value": form.fields["value"]}).status_code == 303
    found = json.loads(browser.get(f"{url}/proces-verbal.json").text)
    assert record.verify(found) is None
    assert found["ceremony"]["beacon"]["round"] == told["round"]


def test_what_was_fetched_otherwise_than_two_people_read_stands_on_the_sealed_page(town: Town, at: At) -> None:
    url = planned(town, beacon="quicknet", public_source="")
    both(town, url, "engagement")
    both(town, url, "phrase")
    at(READ_AT)
    with town.database.write() as session:
        plan = session.scalars(select(SamplePlan)).one()
        told = signed("quicknet", plan.beacon_round or 0)
        session.add(BeaconAnswer(plan_id=plan.id, source="https://api.drand.sh", at=READ_AT, **told))
    said = "diffère de ce que ce serveur a reçu"
    for who in PHRASES:
        assert said not in town.browser(who).page(url).text
        assert town.browser(who).post(f"{url}/lecture", {"value": "0" * 64}).status_code == 303
    page = town.browser("administrator").page(url).text
    for words in (said, "0" * 64, told["randomness"], "https://api.drand.sh"):
        assert words in page, words
    assert "confirmer" not in page


def test_a_plan_by_the_published_standard_says_so(town: Town) -> None:
    url = planned(town, selection="rfc3797")
    assert "RFC 3797" in town.browser("administrator").page(url).text
