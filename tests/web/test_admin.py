"""The administrator's index, campaigns, rules and carriers: who comes in, what is said, kept and done."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import url_for
from sqlalchemy import func, insert, select, update

from tests.factories import DATES, NOW, SIRET
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from web import security
from workflow.models import (
    Campaign,
    CommitteeSession,
    Dossier,
    Envelope,
    FunderWindow,
    Instance,
    JournalEntry,
    Milestone,
    Objective,
    Organisation,
    Outbox,
    Route,
)

NEW_SIRET = "40483304800022"


@pytest.fixture
def admin(town: Town) -> Browser:
    """A browser in which the administrator is signed in."""
    return town.browser("administrator")


def last_act(town: Town) -> str:
    """The newest act of the journal."""
    with town.database.read() as session:
        return session.scalars(select(JournalEntry.act).order_by(JournalEntry.seq.desc()).limit(1)).one()


# --- access ----------------------------------------------------------------------------------------------------------


def test_nobody_else_comes_in_or_acts(town: Town) -> None:
    met = 0
    for who in ("transversal", "animator", "carrier", "controller", "funder CAF"):
        browser = town.browser(who)
        for rule in town.app.url_map.iter_rules():
            if not rule.endpoint.startswith("admin."):
                continue
            assert security.access_of(town.app, rule.endpoint) == ("administrator",), rule.endpoint
            ones: dict[str, Any] = dict.fromkeys(rule.arguments, 1)
            with town.app.test_request_context():
                url = url_for(rule.endpoint, **ones)
            ask = browser.post if "POST" in (rule.methods or ()) else browser.get
            assert ask(url).status_code == 403, f"{who}: {url}"
            met += 1
    assert met > 100


PAGES = (
    "",
    "/campagnes",
    "/campagnes/nouvelle",
    "/campagnes/{campaign}",
    "/campagnes/{campaign}/calendrier",
    "/orientation",
    "/orientation?objectif=224&echelle=commune&commune=Anzin",
    "/orientation/nouvelle",
    "/orientation/1",
    "/referentiel/objectifs",
    "/referentiel/instances",
    "/referentiel/institutions",
    "/referentiel/communes",
    "/organismes",
    "/organismes?q=exemple&kind=association&sort=-siret",
    "/organismes/nouveau",
    "/organismes/1",
    "/comptes",
    "/comptes?q=rôle&role=instructor&status=invited&sort=-created",
    "/comptes/invitation",
    "/comptes/1",
    "/messages",
    "/messages?state=pending",
    "/journal",
    "/journal?act=submit&person=r%C3%B4le&since=2026-11-01&until=2026-12-31",
    "/journal?number=2027-0001",
)


def test_every_page_answers_on_each_database(any_town: Town) -> None:
    any_town.walk().submitted()
    browser = any_town.browser("administrator")
    titles = {browser.page(f"/administration{url}".format(campaign=any_town.world.campaign_id)).title for url in PAGES}
    assert len(titles) == len({url.partition("?")[0] for url in PAGES})


def test_odd_addresses_are_answered(admin: Browser) -> None:
    for url in (
        "/journal?before=0",
        "/journal?before=99999999999999999&since=0001-01-01&until=9999-12-31",
        "/journal?since=hier&act=rien&number=%00",
        "/comptes?page=999999&sort=rien&role=rien&status=rien",
        "/organismes?q=%25_%27&kind=rien",
        "/messages?state=rien&before=0",
        "/orientation?objectif=rien&echelle=rien",
        "/campagnes/2?financeur=99&orientation=x",
    ):
        assert admin.get(f"/administration{url}").status_code == 200, url
    for url in ("/campagnes/99", "/campagnes/99/calendrier", "/orientation/999", "/comptes/999", "/organismes/999"):
        assert admin.get(f"/administration{url}").status_code == 404, url


def test_pages_cost_the_same_however_much_there_is(town: Town) -> None:
    town.walk().submitted()
    urls = [f"/administration{url}".format(campaign=town.world.campaign_id) for url in PAGES]

    def cost() -> list[int]:
        costs = []
        for url in urls:
            browser = town.browser("administrator")
            with counted(town.database) as seen:
                browser.page(url)
            costs.append(len(seen))
        return costs

    before = cost()
    for _ in range(3):
        town.walk().opinion()
    with town.database.write() as session:
        session.execute(
            insert(Organisation),
            [
                {"siret": f"{number:014}", "name": f"Organisme {number}", "kind": "association", "created_at": NOW}
                for number in range(60)
            ],
        )
        session.add_all(
            CommitteeSession(campaign_id=town.world.campaign_id, label=f"Séance {number}", on=date(2027, 1, 1 + number))
            for number in range(5)
        )
    assert cost() == before
    assert max(before) <= 14


# --- what needs the administrator -----------------------------------------------------------------------------------


def test_the_index_says_what_stands_still(town: Town, admin: Browser) -> None:
    with town.database.write() as session:
        objective = select(Objective.id).where(Objective.code == "224").scalar_subquery()
        for route in session.scalars(select(Route).where(Route.objective_id == objective)):
            session.delete(route)
    walk = town.walk().submitted()
    with town.database.write() as session:
        number = session.scalars(select(Dossier.number).where(Dossier.id == walk.dossier_id)).one()
        failed = select(func.min(Outbox.id)).scalar_subquery()
        session.execute(update(Outbox).where(Outbox.id == failed).values(state="failed", error="550 no"))
        session.execute(
            update(Milestone)
            .where(Milestone.campaign_id == town.world.campaign_id, Milestone.code == "notification")
            .values(on=None)
        )
    text = admin.page("/administration").text
    assert "1 dossier n'a pas d'instance" in text
    assert str(number) in text
    assert "1 message n'est pas arrivé" in text
    assert "1 échéance n'a pas de date" in text
    assert "3 financeurs n'ont pas d'enveloppe" in text
    assert "instances n'ont pas d'animateur" in text
    assert "invitations ont expiré" in text
    assert "planificateur" not in text


def test_a_silent_scheduler_is_noticed(town: Town, admin: Browser, at: Callable[..., None]) -> None:
    walk = town.walk().submitted()
    at(walk.later(minutes=20).now)
    assert "Le planificateur semble arrêté" in admin.page("/administration").text


# --- campaigns -------------------------------------------------------------------------------------------------------


def test_a_campaign_is_created_with_its_milestones(town: Town, admin: Browser) -> None:
    wrong = admin.post(
        "/administration/campagnes/nouvelle",
        {"label": "Programmation 2028", "year": "2028", "first": "2027-10-01", "last": "2027-01-01"},
    )
    assert wrong.status_code == 422
    assert "doit venir après le premier jour" in wrong.text
    assert 'value="Programmation 2028"' in wrong.text
    made = admin.post(
        "/administration/campagnes/nouvelle",
        {"label": "Programmation 2028", "year": "2028", "first": "01/10/2027", "last": "31/12/2029"},
    )
    assert made.status_code == 303
    text = admin.page(made.headers["Location"]).text
    assert "Programmation 2028" in text
    assert "Ouverture de l'appel à projets" in text
    assert "6 financeurs n'ont pas d'enveloppe" in text
    assert last_act(town) == "create_campaign"


def _milestones(town: Town) -> dict[str, Milestone]:
    with town.database.read() as session:
        rows = session.scalars(select(Milestone).where(Milestone.campaign_id == town.world.campaign_id))
        return {row.code: row for row in rows}


def test_dates_are_set_cleared_and_checked_each_beside_its_field(town: Town, admin: Browser) -> None:
    url = f"/administration/campagnes/{town.world.campaign_id}/calendrier"
    steps = _milestones(town)
    form = admin.page(url).form(url)
    assert form.fields[f"dates-{steps['call_opens'].id}"] == DATES["call_opens"].isoformat()
    wrong = {**form.fields, f"dates-{steps['notification'].id}": "2040-01-01", f"dates-{steps['control_end'].id}": "x"}
    answer = admin.post(url, {name: value for name, value in wrong.items() if name != "csrf_token"})
    assert answer.status_code == 422
    assert f'id="f-dates-{steps["control_end"].id}-error"' in answer.text
    assert 'value="2040-01-01"' in answer.text
    late = admin.post(url, {f"dates-{steps['notification'].id}": "2040-01-01"})
    assert late.status_code == 422
    assert "hors de la campagne" in Page(late.text).text
    done = admin.post(url, {f"dates-{steps['notification'].id}": "", f"dates-{steps['control_end'].id}": "2028-10-02"})
    assert done.status_code == 303
    after = _milestones(town)
    assert after["notification"].on is None
    assert after["control_end"].on == date(2028, 10, 2)
    assert after["call_opens"].on == DATES["call_opens"]
    assert "notification" in admin.page(f"/administration/campagnes/{town.world.campaign_id}").text


def test_the_funders_windows_stand_beside_the_dates(town: Town, admin: Browser) -> None:
    with town.database.write() as session:
        session.add(
            FunderWindow(
                campaign_id=town.world.campaign_id,
                funder_id=town.world.funders["CAF"],
                milestone="steering_committee",
                earliest=date(2027, 5, 1),
                latest=date(2027, 5, 31),
            )
        )
    text = admin.page(f"/administration/campagnes/{town.world.campaign_id}/calendrier").text
    assert "du 1er mai 2027 au 31 mai 2027" in text
    assert "Fenêtres des financeurs" in admin.page(f"/administration/campagnes/{town.world.campaign_id}").text


def test_envelopes_are_set_and_never_below_what_is_granted(town: Town, admin: Browser) -> None:
    town.walk().funded()
    page, state = f"/administration/campagnes/{town.world.campaign_id}", town.world.funders["État"]
    text = admin.page(page).text
    assert "47\u202f500\u202f€" in text
    assert "6\u202f000\u202f€" in text, "what is asked stands in the picture"
    bad = admin.post(f"{page}/enveloppes", {"envelope-funder_id": str(state), "envelope-total_cents": "beaucoup"})
    assert bad.status_code == 422
    assert "Somme attendue" in bad.text
    assert 'value="beaucoup"' in bad.text
    low = admin.post(f"{page}/enveloppes", {"envelope-funder_id": str(state), "envelope-total_cents": "1 000"})
    assert low.status_code == 409
    assert "sous ce qui est déjà accordé" in low.text
    done = admin.post(f"{page}/enveloppes", {"envelope-funder_id": str(state), "envelope-total_cents": "60 000,50"})
    assert done.status_code == 303
    with town.database.read() as session:
        assert session.scalars(select(Envelope.total_cents).where(Envelope.funder_id == state)).one() == 60_000_50
    assert last_act(town) == "set_envelope"


def test_a_link_fills_in_the_envelope_s_form(town: Town, admin: Browser) -> None:
    page = f"/administration/campagnes/{town.world.campaign_id}"
    funder = town.world.funders["CAF"]
    assert f'<option value="{funder}" selected>' in admin.get(f"{page}?financeur={funder}").text


def test_a_session_is_created_inside_the_campaign(town: Town, admin: Browser) -> None:
    page = f"/administration/campagnes/{town.world.campaign_id}"
    bad = admin.post(f"{page}/seances", {"session-label": "Pilotage", "session-on": "2040-01-01"})
    assert bad.status_code == 422
    assert 'value="Pilotage"' in bad.text
    assert admin.post(f"{page}/seances", {"session-label": "Pilotage", "session-on": "2027-04-02"}).status_code == 303
    with town.database.read() as session:
        made = session.scalars(select(CommitteeSession).where(CommitteeSession.label == "Pilotage")).one()
    assert made.instance_id is None
    assert "Pilotage" in admin.page(page).text


# --- rules -----------------------------------------------------------------------------------------------------------


def _rules(town: Town) -> list[tuple[int, int]]:
    with town.database.read() as session:
        return [
            (row.position, row.id) for row in session.execute(select(Route.position, Route.id).order_by("position"))
        ]


def test_a_rule_is_added_changed_moved_and_deleted(town: Town, admin: Browser) -> None:
    before = _rules(town)
    with town.database.read() as session:
        lead, other = session.scalars(select(Instance.id).order_by(Instance.id).limit(2)).all()
    new = {"objective_id": str(town.world.objective_id), "lead_id": str(lead), "position": "2"}
    assert admin.post("/administration/orientation/nouvelle", new).status_code == 303
    place, route_id = _rules(town)[1]
    assert (place, len(_rules(town))) == (2, len(before) + 1)
    url = f"/administration/orientation/{route_id}"
    wrong = admin.post(url, {**new, "position": "", "associated": str(lead), "basis": "Décision du 3 mai"})
    assert wrong.status_code == 422
    assert "chef de file n'est pas aussi associée" in Page(wrong.text).text
    assert 'value="Décision du 3 mai"' in wrong.text
    changed = {"objective_id": str(town.world.objective_id), "lead_id": str(lead), "associated": str(other)}
    assert admin.post(url, changed).status_code == 303
    assert admin.post(f"{url}/place", {"position": "1"}).status_code == 303
    assert _rules(town)[0] == (1, route_id)
    assert admin.post(f"{url}/place", {"position": "0"}).status_code == 422
    assert admin.post(f"{url}/suppression").status_code == 303
    assert [number for _place, number in _rules(town)] == [number for _place, number in before]
    assert last_act(town) == "delete_route"
    assert admin.post(f"{url}/suppression").status_code == 404


def test_deleting_asks_first(town: Town, admin: Browser) -> None:
    page = admin.page("/administration/orientation/1")
    assert page.form("/administration/orientation/1/suppression").fields.keys() == {"csrf_token"}
    assert "Supprimer définitivement" in page.text


def test_a_case_is_explained_with_the_rules_that_did_not_match(town: Town, admin: Browser) -> None:
    with town.database.read() as session:
        narrow = session.scalars(
            select(Route).where(Route.commune_id.is_not(None) | Route.level.is_not(None)).order_by(Route.position)
        ).first()
        assert narrow is not None
        code = session.scalars(select(Objective.code).where(Objective.id == narrow.objective_id)).one()
    text = admin.page(f"/administration/orientation?objectif={code}").text
    assert "réservée à" in text
    assert f"Règle {narrow.position}" in text
    assert "correspond" in admin.page("/administration/orientation?objectif=224").text
    with town.database.write() as session:
        for route in session.scalars(select(Route).where(Route.objective_id == town.world.objective_id)):
            session.delete(route)
    assert "Aucune règle ne porte sur cet objectif" in admin.page("/administration/orientation?objectif=224").text


# --- carriers --------------------------------------------------------------------------------------------------------


def test_a_carrier_is_added_with_a_true_siret_and_changed(town: Town, admin: Browser) -> None:
    form = {"name": "Association Nouvelle", "siret": "123", "kind": "association", "email": "pas une adresse"}
    wrong = admin.post("/administration/organismes/nouveau", form)
    assert wrong.status_code == 422
    assert "SIRET incorrect" in wrong.text
    assert "Adresse électronique attendue" in wrong.text
    assert 'value="Association Nouvelle"' in wrong.text
    taken = admin.post("/administration/organismes/nouveau", {**form, "siret": SIRET, "email": ""})
    assert "déjà celui d'un autre organisme" in Page(taken.text).text
    made = admin.post("/administration/organismes/nouveau", {**form, "siret": "404 833 048 00022", "email": ""})
    assert made.status_code == 303
    url = made.headers["Location"]
    assert NEW_SIRET in admin.page(url).text
    assert admin.post(url, {**form, "name": "Association Renommée", "siret": NEW_SIRET, "email": ""}).status_code == 303
    assert "Association Renommée" in admin.page(url).text
    assert last_act(town) == "update_organisation"


def test_carriers_are_found_by_name_or_siret(town: Town, admin: Browser) -> None:
    with town.database.write() as session:
        session.add(Organisation(siret=NEW_SIRET, name="École Modèle", kind="public", created_at=NOW))
    for query, name in (
        ("témoin assoc", "Association Témoin"),
        ("356 000 000", "Association Témoin"),
        ("école", "École Modèle"),
        ("&kind=public", "École Modèle"),
    ):
        text = admin.page(f"/administration/organismes?q={query}").text
        assert name in text, query
        assert "Association Exemple" not in text, query
    assert "Aucun organisme ne correspond" in admin.page("/administration/organismes?q=zzz").text


def test_a_carrier_s_drafts_are_not_listed(town: Town, admin: Browser) -> None:
    town.walk().draft(title="Brouillon secret")
    url = f"/administration/organismes/{town.world.organisation_id}"
    assert "Brouillon secret" not in admin.page(url).text
    town.walk().submitted()
    assert "2027-0001" in admin.page(url).text


def test_campaigns_are_listed(town: Town, admin: Browser) -> None:
    text = admin.page("/administration/campagnes").text
    with town.database.read() as session:
        for label in session.scalars(select(Campaign.label)):
            assert label in text
    assert "150\u202f000\u202f€" in text
