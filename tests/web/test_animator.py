"""The animator's and the transversal committee's pages: counts, lists, sessions, members, derogations, assignment."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from tests.factories import NOW, Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from workflow.access import Actor
from workflow.models import (
    BinomeMember,
    CommitteeSession,
    Dossier,
    Instance,
    Interest,
    LateDeposit,
    Objective,
    RoleGrant,
    Route,
)
from workflow.queries.board import COUNTED
from workflow.use_cases import perform

BOARD_MOST = 8
PAGES = ("/instance", "/instance/dossiers", "/instance/seances", "/instance/membres")


def version(town: Town, walk: Walk) -> int:
    with town.database.read() as session:
        return session.get_one(Dossier, walk.dossier_id).version


def box(town: Town, walk: Walk) -> str:
    """What the box of a dossier to be tabled holds."""
    return f"{walk.dossier_id}:{version(town, walk)}"


def unrouted(town: Town) -> Walk:
    """A dossier whose objective no rule knows any more."""
    with town.database.write() as session:
        objective = session.scalars(select(Objective.id).where(Objective.code == "235")).one()
        session.execute(delete(Route).where(Route.objective_id == objective))
    walk = town.walk().draft(objective_id=objective)
    walk.act("carrier", "submit", attested=True)
    return walk


def other_instance(town: Town) -> int:
    with town.database.read() as session:
        return session.scalars(select(Instance.id).where(Instance.id != town.world.instance_id).limit(1)).one()


# --- access ---------------------------------------------------------------------------------------------------------


def test_others_have_no_such_pages(town: Town) -> None:
    for who in ("carrier", "instructor 1", "evaluator", "funder État", "controller", "administrator"):
        browser = town.browser(who)
        for url in (*PAGES, "/instance/depots-tardifs", "/comite-transversal"):
            assert browser.get(url).status_code == 403, f"{who} {url}"


def test_an_animator_looks_at_their_own_instances_only(town: Town) -> None:
    browser, other = town.browser("animator"), other_instance(town)
    own = f"instance={town.world.instance_id}&campaign={town.world.campaign_id}"
    for url in PAGES:
        assert browser.get(url).status_code == 200
        assert browser.get(f"{url}?instance={other}").status_code == 404
        assert browser.get(f"{url}?campaign=999").status_code == 404
        assert browser.get(f"{url}?{own}").status_code == 200


def test_the_transversal_committee_looks_at_all_and_acts_in_none(town: Town) -> None:
    walk = town.walk().opinion()
    browser = town.browser("transversal")
    for url in PAGES:
        page = browser.page(f"{url}?instance={town.world.instance_id}")
        assert "Vous consultez cette instance" in page.text
        assert not [form for form in page.forms if form.method == "post" and form.action.startswith("/instance")]
    where = f"instance={town.world.instance_id}"
    assert browser.post(f"/instance/seances?{where}", {"label": "x", "on": "2027-03-01"}).status_code == 403
    assert browser.post(f"/instance/seances/inscrire?{where}", {"dossier": box(town, walk)}).status_code == 403


@pytest.mark.parametrize(
    "query", ["instance=x", "campaign=", "page=0", "page=-1", "page=99999999999999999", "sort=;--"]
)
def test_odd_addresses_show_the_list_all_the_same(town: Town, query: str) -> None:
    assert town.browser("animator").get(f"/instance/dossiers?{query}").status_code == 200


def test_an_instance_without_dossiers_says_what_to_do(town: Town) -> None:
    page = town.browser("animator").page("/instance")
    assert "Aucun dossier pour cette campagne" in page.text
    assert f"/instance/seances?instance={town.world.instance_id}&campaign={town.world.campaign_id}" in page.links


# --- board and list -------------------------------------------------------------------------------------------------


def test_the_board_counts_and_shows_the_first_of_each_state(town: Town, at: Any) -> None:
    for _ in range(7):
        town.walk().submitted()
    town.walk().assigned()
    town.walk().submitted().act("animator", "declare_inadmissible", reason="Hors champ")
    town.walk().draft()
    unrouted(town)
    page = town.browser("animator").page("/instance")
    assert "Voir les 7 dossiers" in page.text
    assert len([link for link in page.links if link.startswith("/dossiers/")]) == 5 + 1
    assert "9 dossiers" in page.text, "drafts and unrouted ones are not the instance's"
    assert "en retard" not in page.text.lower().replace("en retard\n", "").split("où en sont")[1]
    at(NOW + timedelta(days=200))
    assert "7 en retard" in town.browser("animator").page("/instance").text


def test_board_and_list_say_how_many_experts_have_answered(town: Town) -> None:
    walk = town.walk().assigned()
    town.walk().assigned()
    due = (NOW + timedelta(days=20)).date().isoformat()
    asked = [
        walk.act(
            "instructor 1",
            "consult_expert",
            expert_email=f"expert{rank}@binome.example",
            expert_name="Expert",
            question="Est-ce sûr ?",
            due_on=due,
        ).result.id
        for rank in range(4)
    ]
    walk.act("instructor 1", "revoke", asked[0], reason="Sans objet")
    for question, act, raw in (
        (asked[1], "answer", {"stance": "favourable", "answer": "Oui"}),
        (asked[2], "decline", {"reason": "Hors de mon domaine"}),
    ):
        with town.database.write() as session:
            expert = Actor(None, "Expert", consultation_id=question)
            perform(session, expert, act, walk.dossier_id, now=walk.now, raw=raw, subject_id=question)
    for page in ("/instance", "/instance/dossiers"):
        text = town.browser("animator").page(page).text
        assert text.count("Réponses d'experts") == 1
        assert "Réponses d'experts : 2/3" in text


def test_the_board_costs_the_same_whatever_the_number(town: Town) -> None:
    costs = []
    for _ in range(3):
        town.walk().submitted()
        town.walk().assigned()
        browser = town.browser("animator")
        browser.get("/instance")
        with counted(town.database) as statements:
            assert browser.get("/instance").status_code == 200
        costs.append(len(statements))
    assert costs == [costs[0]] * 3
    assert costs[0] <= BOARD_MOST


def test_beyond_a_thousand_the_board_stops_counting_and_says_so(town: Town) -> None:
    walk = town.walk().submitted()
    with town.database.write() as session:
        model = session.get_one(Dossier, walk.dossier_id)
        kept = {c.key: getattr(model, c.key) for c in Dossier.__mapper__.column_attrs if c.key not in ("id", "number")}
        session.execute(insert(Dossier), [{**kept, "number": f"2027-9{rank:04}"} for rank in range(COUNTED)])
    page = town.browser("animator").page("/instance")
    assert "davantage" in page.text
    assert f"Voir les {COUNTED} dossiers" in page.text


def test_lists_cost_the_same_whatever_the_number(town: Town) -> None:
    costs: list[list[int]] = []
    for _ in range(2):
        town.walk().opinion()
        town.walk().tabled()
        unrouted(town)
        found = []
        for url in (*PAGES, "/comite-transversal"):
            with counted(town.database) as statements:
                browser = town.browser("transversal" if url == "/comite-transversal" else "animator")
                assert browser.get(url).status_code == 200
            found.append(len(statements))
        costs.append(found)
    assert costs[0] == costs[1]
    assert max(costs[0]) <= BOARD_MOST + 1, "one statement finds the person to sign in as"


def test_the_list_filters_sorts_and_pages_in_the_address_bar(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = [town.walk().submitted() for _ in range(3)]
    assigned = town.walk().assigned()
    browser = town.browser("animator")

    def shown(query: str) -> list[int]:
        page = browser.page(f"/instance/dossiers?{query}")
        return [int(link.split("/")[2]) for link in page.links if link.startswith("/dossiers/")]

    everything = [walk.dossier_id for walk in walks] + [assigned.dossier_id]
    assert shown("sort=number") == everything
    assert shown("sort=-number") == everything[::-1]
    assert shown("state=assigned") == [assigned.dossier_id]
    assert shown("q=ATELIERS SANS ALCOÔL&state=assigned") == [assigned.dossier_id]
    assert shown("q=100%25") == []
    assert shown("late=1") == []
    assert shown(f"session={town.world.session_id}") == []
    assert "Rôle instructor 1, Rôle instructor 2" in browser.page("/instance/dossiers?state=assigned").text
    monkeypatch.setattr("workflow.queries.board.PAGE", 3)
    assert shown("sort=number&page=2") == everything[3:]
    page = browser.page("/instance/dossiers?sort=-number&state=")
    assert any("page=2" in link and "sort=-number" in link for link in page.links)


# --- sessions -------------------------------------------------------------------------------------------------------


def test_a_session_is_created_and_mistakes_are_kept(town: Town) -> None:
    browser = town.browser("animator")
    wrong = browser.post("/instance/seances", {"label": "Comité de printemps", "on": "2031-01-01"})
    assert wrong.status_code == 422
    assert "hors de la campagne" in wrong.text
    assert Page(wrong.text).form(form_action(wrong.text, "/instance/seances?")).fields["label"] == "Comité de printemps"
    done = browser.post("/instance/seances", {"label": "Comité de printemps", "on": "20/03/2027", "place": "Mairie"})
    assert done.status_code == 303
    with town.database.read() as session:
        made = session.scalars(select(CommitteeSession).where(CommitteeSession.label == "Comité de printemps")).one()
    assert (made.instance_id, made.on, made.place) == (town.world.instance_id, date(2027, 3, 20), "Mairie")


def form_action(html: str, start: str) -> str:
    return next(f.action for f in Page(html).forms if f.method == "post" and f.action.startswith(start))


def test_several_opinions_are_tabled_at_once(town: Town) -> None:
    walks = [town.walk().opinion(), town.walk().opinion("with_reservations")]
    browser = town.browser("animator")
    page = browser.page("/instance/seances")
    assert "Favorable avec réserves" in page.text
    assert "5 000" in page.text.replace("\u202f", " "), "what is proposed in all"
    data = {"dossier": [box(town, walk) for walk in walks], "session_id": str(town.world.session_id)}
    assert browser.post("/instance/seances/inscrire", data).status_code == 303
    assert [walk.state for walk in walks] == ["funding_decision"] * 2
    assert "2 dossiers inscrits" in browser.page("/instance/seances").text


def test_what_became_of_each_dossier_is_said(town: Town) -> None:
    good, stale, elsewhere = town.walk().opinion(), town.walk().opinion(), town.walk().assigned()
    boxes = [box(town, good), f"{stale.dossier_id}:1", box(town, elsewhere), "999:1", "x:y"]
    answer = town.browser("animator").post(
        "/instance/seances/inscrire", {"dossier": boxes, "session_id": str(town.world.session_id)}
    )
    assert answer.status_code == 200
    assert "1 dossier(s) inscrit(s) sur 4" in Page(answer.text).text
    assert "a changé depuis" in answer.text
    assert (good.state, stale.state, elsewhere.state) == ("funding_decision", "opinion", "assigned")


@pytest.mark.parametrize(("session_id", "boxed"), [("", True), ("1", False)])
def test_nothing_chosen_is_said_and_what_was_is_kept(town: Town, session_id: str, boxed: bool) -> None:
    walk = town.walk().opinion()
    data = {"session_id": session_id, **({"dossier": box(town, walk)} if boxed else {})}
    answer = town.browser("animator").post("/instance/seances/inscrire", data)
    assert answer.status_code == 422
    form = Page(answer.text).form(form_action(answer.text, "/instance/seances/inscrire"))
    assert ("dossier" in form.fields) is boxed
    assert walk.state == "opinion"
    assert town.browser("animator").get("/instance/seances/inscrire?lang=en").status_code == 200, "read again"


def test_a_session_that_is_none_is_explained(town: Town) -> None:
    walk = town.walk().opinion()
    for odd in ("999", "x"):
        data = {"dossier": box(town, walk), "session_id": odd}
        answer = town.browser("animator").post("/instance/seances/inscrire", data)
        assert answer.status_code == 409
        assert "0 dossier(s) inscrit(s) sur 1" in Page(answer.text).text


# --- members, derogations -------------------------------------------------------------------------------------------


def grant(town: Town, who: str) -> int:
    with town.database.read() as session:
        return session.scalars(select(RoleGrant.id).where(RoleGrant.person_id == town.world.people[who])).one()


def test_members_show_their_load_and_training(town: Town) -> None:
    town.walk().assigned()
    browser = town.browser("animator")
    page = browser.page("/instance/membres")
    assert "Rôle instructor 1" in page.text
    assert "Pas encore formé" in page.text
    url = f"/instance/membres/{grant(town, 'novice')}/formation"
    later = browser.post(url, {"trained_on": "2099-01-01"})
    assert later.status_code == 422
    assert "dans l&#39;avenir" in later.text or "dans l'avenir" in later.text
    assert browser.post(url, {"trained_on": "2026-10-01"}).status_code == 303
    assert "Pas encore formé" not in browser.page("/instance/membres").text


def test_an_animator_trains_nobody_of_another_instance(town: Town) -> None:
    with town.database.write() as session:
        session.get_one(RoleGrant, grant(town, "novice")).instance_id = other_instance(town)
    url = f"/instance/membres/{grant(town, 'novice')}/formation"
    assert town.browser("animator").post(url, {"trained_on": "2026-10-01"}).status_code == 403


def test_a_late_deposit_is_allowed(town: Town) -> None:
    browser = town.browser("animator")
    wrong = browser.post(
        "/instance/depots-tardifs", {"organisation_id": "", "until": "2027-01-31", "reason": "Maladie"}
    )
    assert wrong.status_code == 422
    assert "Maladie" in wrong.text
    data = {"organisation_id": str(town.world.organisation_id), "until": "2027-01-31", "reason": "Trésorier malade"}
    assert browser.post("/instance/depots-tardifs", data).status_code == 303
    with town.database.read() as session:
        made = session.scalars(select(LateDeposit)).one()
    assert (made.organisation_id, made.until) == (town.world.organisation_id, date(2027, 1, 31))
    assert "Trésorier malade" in browser.page("/instance/depots-tardifs").text


# --- the binôme -----------------------------------------------------------------------------------------------------


def assign_page(town: Town, walk: Walk) -> Page:
    return town.browser("animator").page(f"/dossiers/{walk.dossier_id}/actes/assign")


def test_the_lightest_pair_of_two_institutions_is_suggested(town: Town) -> None:
    people = town.world.people
    busy = town.walk().submitted()
    busy.act("animator", "assign", first_id=people["instructor 1"], second_id=people["instructor 2"])
    walk = town.walk().submitted()
    form = assign_page(town, walk).form(f"/dossiers/{walk.dossier_id}/actes/assign")
    chosen = {int(form.fields["first_id"]), int(form.fields["second_id"])}
    assert chosen == {people["instructor 3"], people["instructor 4"]}
    assert town.browser("animator").post(form.action, form.fields).status_code == 303
    with town.database.read() as session:
        seated = session.scalars(select(BinomeMember.person_id).where(BinomeMember.dossier_id == walk.dossier_id))
        assert set(seated) == chosen


def test_who_cannot_be_chosen_is_named_with_the_reason(town: Town) -> None:
    with town.database.write() as session:
        session.add(
            Interest(
                person_id=town.world.people["instructor 3"],
                organisation_id=town.world.organisation_id,
                nature="Parent du président",
                declared_at=NOW,
            )
        )
    page = assign_page(town, town.walk().submitted())
    assert "Parent du président" in page.text
    assert "pas encore formé" in page.text
    assert str(town.world.people["instructor 3"]) not in page.forms[-1].fields.values()


def test_a_refused_pair_is_explained_and_kept(town: Town) -> None:
    walk = town.walk().submitted()
    url = f"/dossiers/{walk.dossier_id}/actes/assign"
    same = {
        "first_id": str(town.world.people["instructor 2"]),
        "second_id": str(town.world.people["instructor 4"]),
        "version": str(version(town, walk)),
    }
    answer = town.browser("animator").post(url, same)
    assert answer.status_code == 409
    assert "institution" in Page(answer.text).text
    form = Page(answer.text).form(url)
    assert (form.fields["first_id"], form.fields["second_id"]) == (same["first_id"], same["second_id"])
    allowed = town.browser("animator").post(url, {**form.fields, "derogation": "Seuls spécialistes du sujet"})
    assert allowed.status_code == 303


def test_a_member_is_replaced_from_the_same_table(town: Town) -> None:
    walk = town.walk().assigned()
    url = f"/dossiers/{walk.dossier_id}/actes/replace_member"
    browser = town.browser("animator")
    fields = browser.page(url).form(url).fields
    people = town.world.people
    data = {**fields, "leaver_id": str(people["instructor 2"]), "newcomer_id": str(people["instructor 3"])}
    assert browser.post(url, data).status_code == 303


@pytest.mark.parametrize("who", ["carrier", "instructor 1", "funder État"])
def test_a_wrong_form_shows_no_candidates_to_others(town: Town, who: str) -> None:
    walk = town.walk().submitted()
    answer = town.browser(who).post(f"/dossiers/{walk.dossier_id}/actes/assign", {"first_id": "x"})
    assert answer.status_code == 403
    assert "Rôle instructor 3" not in answer.text


@pytest.mark.parametrize("act", ["request_completion", "declare_inadmissible", "reroute"])
def test_acts_of_admissibility_show_the_dossier_and_keep_what_was_typed(town: Town, act: str) -> None:
    walk = town.walk().submitted()
    url = f"/dossiers/{walk.dossier_id}/actes/{act}"
    browser = town.browser("animator")
    page = browser.page(url)
    assert "Association Exemple" in page.text
    typed = {"version": str(version(town, walk)), "reason": "", "pieces": "Statuts à jour", "due_on": "2020-01-01"}
    known = {name: value for name, value in typed.items() if name in (*page.form(url).fields, "version")}
    answer = browser.post(url, known)
    assert answer.status_code in (409, 422)
    assert act != "request_completion" or "Statuts à jour" in answer.text


def test_the_table_page_shows_what_is_proposed(town: Town) -> None:
    walk = town.walk().opinion()
    page = town.browser("animator").page(f"/dossiers/{walk.dossier_id}/actes/table")
    assert "Projet solide" in page.text
    assert "Comité technique" in page.text


# --- the transversal committee --------------------------------------------------------------------------------------


def test_what_no_rule_routed_waits_for_the_committee(town: Town) -> None:
    walk = unrouted(town)
    town.walk().submitted()
    browser: Browser = town.browser("transversal")
    page = browser.page("/comite-transversal")
    assert "aucune règle ne correspond" in page.text
    act = next(link for link in page.links if link.startswith(f"/dossiers/{walk.dossier_id}/actes/reroute"))
    form = browser.page(act).form(f"/dossiers/{walk.dossier_id}/actes/reroute")
    data = {**form.fields, "instance_id": str(town.world.instance_id), "reason": "Santé"}
    answer = browser.post(form.action, data)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"/comite-transversal?campaign={town.world.campaign_id}",
    )
    assert "Rien à orienter" in browser.page("/comite-transversal").text


def test_without_a_campaign_the_committee_is_told(town: Town) -> None:
    assert town.browser("transversal").get("/comite-transversal?campaign=999").status_code == 404


def test_every_page_reads_on_both_databases(any_town: Town) -> None:
    walk = any_town.walk().opinion()
    any_town.walk().assigned()
    unrouted(any_town)
    for who, urls in {
        "animator": (*PAGES, "/instance/dossiers?q=ateliers&late=1&sort=-due", "/instance/depots-tardifs"),
        "transversal": ("/comite-transversal",),
        "instructor 1": ("/instruction", "/instruction?part=avis-rendus", f"/instruction/{walk.dossier_id}"),
    }.items():
        for url in urls:
            assert any_town.browser(who).get(url).status_code == 200, url
