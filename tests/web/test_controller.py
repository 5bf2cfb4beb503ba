"""The controller's pages: the draw and its record, the missions, the closing of dossiers."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from states.control import CONTROL
from tests import reviews
from tests.factories import NOW, Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from workflow.models import Dossier, Interest, Mission, RoleGrant, Sample
from workflow.sampling.draw import population_hash, ticket, tickets
from workflow.use_cases import control

INDEX = "/controles"
PLAN = "/controles/plans/nouveau"
CLOSE = "/controles/clore"
DUE = (NOW + timedelta(days=30)).date().isoformat()


def draw_all(town: Town, size: int = 1) -> int:
    with town.database.write() as session:
        actor = town.world.actor(session, "controller")
        raw = {"campaign_id": town.world.campaign_id, "size": size, "seed": "essai"}
        return control.draw(session, actor, raw, NOW).id


def mission_url(walk: Walk) -> str:
    return f"{INDEX}/{walk.mission_id()}"


def act_url(walk: Walk, name: str) -> str:
    part = f"controles/{walk.mission_id()}/" if name in CONTROL.by_event else ""
    return f"/dossiers/{walk.dossier_id}/{part}actes/{name}"


def perform(browser: Browser, url: str, **data: Any) -> Any:
    """Fill and send the form of an act as a person would."""
    form = browser.page(url).form(url).fields
    return browser.post(url, {**form, **data})


# --- who may come in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["carrier", "animator", "instructor 1", "evaluator", "funder État"])
def test_only_controllers_come_in(town: Town, who: str) -> None:
    walk = town.walk().drawn()
    with town.database.read() as session:
        sample_id = session.scalars(select(Sample.id)).one()
    browser = town.browser(who)
    record = f"{INDEX}/tirages/{sample_id}"
    for url in (INDEX, PLAN, mission_url(walk), record, f"{record}/json", f"{record}/csv"):
        assert browser.get(url).status_code == 403, url
    assert browser.post(CLOSE).status_code == 403
    assert browser.post(PLAN).status_code == 403


def test_the_record_is_read_by_those_who_oversee(town: Town) -> None:
    town.walk().drawn()
    with town.database.read() as session:
        sample_id = session.scalars(select(Sample.id)).one()
    for who in ("transversal", "administrator"):
        assert town.browser(who).get(f"{INDEX}/tirages/{sample_id}").status_code == 200
        assert town.browser(who).get(f"{INDEX}/tirages/{sample_id}/csv").status_code == 200
        assert town.browser(who).get(INDEX).status_code == 403


def test_what_is_not_there_is_not_found(town: Town) -> None:
    browser = town.browser("controller")
    for url in (f"{INDEX}/999", f"{INDEX}/tirages/999", f"{INDEX}/tirages/999/csv", f"{INDEX}?campaign=999"):
        assert browser.get(url).status_code == 404, url


# --- the draw -------------------------------------------------------------------------------------------------------


def test_nothing_to_draw_from(town: Town) -> None:
    browser = town.browser("controller")
    assert "Rien à tirer" in browser.page(f"{PLAN}?campaign={town.world.campaign_id}").text
    assert "n'est encore financé" in browser.page(f"{INDEX}?campaign={town.world.campaign_id}").text


def test_a_stranger_replays_the_draw_from_its_record(town: Town) -> None:
    for _ in range(3):
        town.walk().evaluated()
    sample_id = draw_all(town, 2)
    browser = town.browser("controller")
    answer = browser.get(f"{INDEX}/tirages/{sample_id}/json")
    assert "attachment" in answer.headers["Content-Disposition"]
    record = answer.get_json()
    numbers = [unit["number"] for unit in record["units"]]
    assert population_hash(numbers) == record["population_hash"]
    for unit in record["units"]:
        assert ticket(record["seed"], unit["number"]) == unit["ticket"]
    drawn = [number for _, number in tickets(record["seed"], numbers)][: record["size"]]
    assert drawn == [unit["number"] for unit in record["units"] if unit["drawn"]]
    table = browser.get(f"{INDEX}/tirages/{sample_id}/csv")
    assert table.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["number"] for row in rows if row["drawn"] == "1"] == drawn
    assert len(rows) == record["population_size"] == 3


# --- missions -------------------------------------------------------------------------------------------------------


def test_a_control_goes_through_its_pages(town: Town) -> None:
    walk = town.walk().drawn()
    browser, colleague = town.browser("controller"), town.browser("controller 2")
    assert act_url(walk, "select_for_control") in " ".join(browser.page(INDEX).links)
    words = {"realisation": "Ateliers tenus", "spending": "Une facture manque", "refused_cents": "120,50"}
    steps: list[tuple[Browser, str, dict[str, Any], str, str]] = [
        # who, what, with what; then for them, and for the other
        (browser, "select_for_control", {}, "Attend qu'un second contrôleur le rejoigne", "Rejoindre le contrôle"),
        (colleague, "join_control", {}, "Annoncer le contrôle au porteur", "Annoncer le contrôle au porteur"),
        (browser, "announce", {"visit_on": DUE}, "Contrôler, puis confirmer", "Contrôler, puis confirmer"),
        (browser, "write_findings", words, "Contrôler, puis confirmer", "Ateliers tenus"),
        (colleague, "sign_findings", {}, "Attend que votre collègue envoie", "Envoyer les constats au porteur"),
        (browser, "send_findings", {"due_on": DUE}, "Attend la réponse du porteur", "Attend la réponse du porteur"),
    ]
    for who, name, data, own, others in steps:
        if name == "write_findings":
            assert act_url(walk, "sign_findings") not in " ".join(browser.page(mission_url(walk)).links), (
                "nothing found"
            )
        done = perform(who, act_url(walk, name), **data)
        assert done.status_code == 303, name
        other = colleague if who is browser else browser
        assert own in who.page(mission_url(walk)).text, name
        assert own in who.page(INDEX).text, name
        assert others in other.page(mission_url(walk)).text, name
    waiting = browser.get(act_url(walk, "conclude_control"))
    assert waiting.status_code == 409
    assert "n'a pas répondu" in Page(waiting.text).text
    walk.act("carrier", "reply", walk.mission_id(), answer="Voici la facture")
    assert "Confirmer les constats, le porteur entendu" in browser.page(INDEX).text
    sign = act_url(walk, "sign_findings")
    assert "Voici la facture" in colleague.page(sign).text
    assert perform(colleague, sign).status_code == 303
    assert "Attend que votre collègue conclue" in colleague.page(mission_url(walk)).text
    url = act_url(walk, "conclude_control")
    page = browser.page(url)
    assert "Voici la facture" in page.text
    assert "120,50" in page.text
    assert perform(browser, url, outcome="recommendation", conclusion="À mieux ranger").status_code == 303
    text = browser.page(mission_url(walk)).text
    assert "À mieux ranger" in text
    assert "Clore le dossier" in text
    assert walk.state == "controlled"


def test_findings_show_what_was_planned_spent_and_paid(town: Town) -> None:
    walk = town.walk().drawn()
    walk.taken()
    walk.act("controller", "announce", walk.mission_id(), visit_on=DUE)
    url = act_url(walk, "write_findings")
    browser = town.browser("controller")
    text = browser.page(url).text.replace("\xa0", "\u202f")
    for seen in (
        "10\u202f000\u202f€",
        "9\u202f500\u202f€",
        "2\u202f500\u202f€ accordés",
        "0\u202f€ versés",
        "Tout est fait",
    ):
        assert seen in text, seen
    form = browser.page(url).form(url).fields
    assert browser.post(url, {**form, "realisation": "Vu sur place"}).status_code == 303
    assert "Vu sur place" in browser.get(url).text, "what was written can be gone on with"
    refused = town.browser("controller 2").get(act_url(walk, "sign_findings"))
    assert refused.status_code == 409
    assert "Les constats sur les dépenses manquent" in Page(refused.text).text


def grant_controller(town: Town, who: str) -> None:
    with town.database.write() as session:
        session.add(RoleGrant(person_id=town.world.people[who], role="controller", granted_at=NOW))


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("instructor 1", "avez instruit"),
        ("evaluator", "avez évalué"),
        ("funder CAF", "avez décidé d'un financement"),
        ("reviewer CAF", "êtes relecteur"),
        ("controller", "êtes lié au porteur"),
    ],
)
def test_who_took_part_sees_why_they_cannot_control(town: Town, who: str, why: str) -> None:
    walk = town.walk().drawn()
    if who == "reviewer CAF":
        reviews.draw(town.database, town.world, walk.now)
        reviews.name(walk.later(days=3))
    if who == "controller":
        with town.database.write() as session:
            bond = Interest(organisation_id=town.world.organisation_id, nature="Membre du bureau", declared_at=NOW)
            bond.person_id = town.world.people[who]
            session.add(bond)
    else:
        grant_controller(town, who)
    browser = town.browser(who)
    for url in (INDEX, mission_url(walk)):
        page = browser.page(url)
        assert why in page.text
        assert not [link for link in page.links if "/actes/" in link]
    refused = browser.get(act_url(walk, "select_for_control"))
    assert refused.status_code == 409
    assert "avez porté, instruit, évalué ou relu" in Page(refused.text).text


def test_a_controller_who_carries_the_dossier_does_not_enter_its_mission(town: Town) -> None:
    walk = town.walk().drawn()
    grant_controller(town, "carrier")
    answer = town.browser("carrier").get(mission_url(walk))
    assert answer.status_code == 403
    assert "Vous portez ce dossier" in answer.text


def test_a_drawn_action_still_followed_up_waits_for_its_evaluation(town: Town) -> None:
    walk = town.walk().funded()
    draw_all(town)
    browser = town.browser("controller")
    for url in (INDEX, mission_url(walk)):
        page = browser.page(url)
        assert "Attend l'évaluation de l'action" in page.text
        assert not [link for link in page.links if "/actes/" in link]


def test_controls_are_listed_by_what_is_due_and_late_ones_say_so(town: Town, at: Any) -> None:
    walks = [town.walk().evaluated() for _ in range(2)]
    draw_all(town, 2)
    for walk, day in zip(walks, ("2026-12-10", "2026-11-20"), strict=True):
        walk.taken()
        walk.act("controller", "announce", walk.mission_id(), visit_on=day)
    at(NOW + timedelta(days=28))
    page = town.browser("controller").page(INDEX)
    addresses = [link for link in dict.fromkeys(page.links) if link in {mission_url(walk) for walk in walks}]
    assert addresses == [mission_url(walks[1]), mission_url(walks[0])]
    assert "en retard de 10 jours" in page.text


# --- closing --------------------------------------------------------------------------------------------------------


def test_dossiers_are_closed_together_each_with_its_result(town: Town) -> None:
    walks = [town.walk().evaluated() for _ in range(4)]
    draw_all(town)
    browser = town.browser("controller")
    here = f"{CLOSE}?campaign={town.world.campaign_id}"
    form = browser.page(INDEX).form(here).fields
    with town.database.read() as session:
        drawn = session.scalars(select(Mission.dossier_id)).one()
    free = [walk for walk in walks if walk.dossier_id != drawn]
    assert {f"version-{walk.dossier_id}" for walk in free} == {name for name in form if name.startswith("version-")}
    stale, closed, waiting = free[0], free[1], next(walk for walk in walks if walk.dossier_id == drawn)
    ticked = {**form, "dossier": [stale.dossier_id, closed.dossier_id, drawn], f"version-{stale.dossier_id}": "1"}
    with town.database.read() as session:
        ticked[f"version-{drawn}"] = str(session.get_one(Dossier, drawn).version)
    answer = browser.post(here, ticked)
    assert answer.status_code == 409
    text = Page(answer.text).text
    assert "2 dossiers ne sont pas clos" in text
    assert "attend son contrôle" in text
    assert "a changé depuis que vous avez ouvert la page" in text
    assert "Dossier clos : " in text
    assert (closed.state, stale.state, waiting.state) == ("closed", "evaluated", "evaluated")
    fresh = browser.page(INDEX).form(here).fields
    assert browser.post(here, {**fresh, "dossier": [stale.dossier_id, free[2].dossier_id]}).status_code == 303
    assert {walk.state for walk in free} == {"closed"}
    assert "Aucun dossier n'est prêt" in browser.page(INDEX).text


@pytest.mark.parametrize("ticked", [[], ["x"], ["²"], ["9" * 25], ["999999"]])
def test_nothing_ticked_closes_nothing(town: Town, ticked: list[str]) -> None:
    walk = town.walk().evaluated()
    draw_all(town)
    answer = town.browser("controller").post(CLOSE, {"dossier": ticked})
    assert answer.status_code == 303
    assert walk.state == "evaluated"


def test_statements_do_not_grow_with_missions(town: Town) -> None:
    for _ in range(4):
        town.walk().evaluated()
    browser = town.browser("controller")

    def statements(url: str) -> int:
        with counted(town.database) as seen:
            browser.page(url)
        return len(seen)

    draw_all(town, 1)
    one = statements(INDEX)
    with town.database.write() as session:
        first = session.scalars(select(Mission)).one()
        others = session.scalars(select(Dossier.id).where(Dossier.id != first.dossier_id))
        session.add_all(Mission(sample_id=first.sample_id, dossier_id=other, state="drawn") for other in others)
    assert statements(INDEX) == one <= 12
    assert statements(f"{INDEX}/{1}") <= 12
