"""The first page: what awaits each role, in which order, leading where; news; cost."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.factories import Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.reading import counted
from workflow.models import Outbox, RoleGrant
from workflow.queries import home as query

MOST = 6


def kinds(town: Town, who: str) -> list[str]:
    """The kinds of the tasks that await somebody, in their order."""
    with town.database.read() as session:
        actor = town.world.actor(session, who)
        return [task.kind for task in query.awaiting(session, actor, town.walk().now.date()).tasks]


def test_a_visitor_is_welcomed_and_led_to_the_sign_in_page(town: Town) -> None:
    page = Browser(town.app).page("/")
    assert "/connexion" in page.links
    assert "suivi" in page.text


def test_nothing_awaits_somebody_without_a_dossier(town: Town) -> None:
    for who in ("carrier", "animator", "instructor 1", "funder État", "controller", "administrator"):
        assert "Rien ne vous attend" in town.browser(who).page("/").text


AWAITS = {
    # stage: who is awaited, for what
    "draft": {"carrier": ["draft"]},
    "submitted": {"animator": ["admit"]},
    "assigned": {"instructor 1": ["opinion"], "instructor 2": ["opinion"]},
    "opinion": {"animator": ["table"]},
    "tabled": {"funder État": ["decide"], "funder CAF": ["decide"]},
    "funded": {"carrier": ["report"], "funder État": ["agreement"]},
    "drawn": {"controller": ["select"], "funder État": []},
    "controlled": {"controller": ["close"]},
    "closed": {},
}
PEOPLE = (
    "carrier",
    "other carrier",
    "animator",
    "instructor 1",
    "instructor 2",
    "instructor 3",
    "evaluator",
    "funder État",
    "funder CAF",
    "controller",
    "transversal",
    "administrator",
)


@pytest.mark.parametrize("stage", AWAITS)
def test_each_stage_awaits_those_whose_turn_it_is_and_nobody_else(town: Town, stage: str) -> None:
    getattr(town.walk(), stage)()
    found = {who: kinds(town, who) for who in PEOPLE}
    assert {who: tasks for who, tasks in found.items() if tasks} == {
        who: tasks for who, tasks in AWAITS[stage].items() if tasks
    }


def opinion(walk: Walk, who: str) -> None:
    amounts = {str(line): 1_000_00 for line in walk.lines().values()}
    walk.act(who, "seal_opinion", verdict="favourable", strengths="Solide", amounts=amounts)


def test_a_binome_is_awaited_until_its_opinion_is_issued(town: Town) -> None:
    walk = town.walk().assigned()
    opinion(walk, "instructor 1")
    assert kinds(town, "instructor 1") == []
    assert kinds(town, "instructor 2") == ["opinion"]
    opinion(walk, "instructor 2")
    assert kinds(town, "instructor 1") == kinds(town, "instructor 2") == ["issue"]
    walk.act("instructor 2", "issue_opinion")
    assert kinds(town, "instructor 2") == []


def test_a_funder_is_awaited_for_its_own_line_alone(town: Town) -> None:
    walk = town.walk().tabled()
    walk.act("funder État", "decide_request", request_id=walk.lines()["État"], amount_cents=100_00)
    assert kinds(town, "funder État") == []
    assert kinds(town, "funder CAF") == ["decide"]


def test_reports_and_findings_await_the_carrier_then_the_others(town: Town) -> None:
    walk = town.walk().funded()
    assert kinds(town, "evaluator") == []
    walk.act("carrier", "submit_final_report", narrative="Tout est fait", beneficiaries=38, spent_cents=9_500_00)
    assert kinds(town, "evaluator") == ["evaluate"]
    assert kinds(town, "carrier") == []


def test_a_dossier_without_an_instance_awaits_the_transversal_committee(town: Town) -> None:
    walk = town.walk().submitted()
    with town.database.write() as session:
        session.connection().exec_driver_sql("UPDATE dossier SET instance_id = NULL")
    assert kinds(town, "transversal") == ["route"]
    assert kinds(town, "animator") == []
    page = town.browser("transversal").page("/")
    assert f"/dossiers/{walk.dossier_id}/actes/reroute" in page.links


def test_one_list_over_all_roles_by_due_date_with_lateness(town: Town, at: object) -> None:
    with town.database.write() as session:
        person, now = town.world.people["carrier"], town.walk().now
        session.add(RoleGrant(person_id=person, role="animator", instance_id=town.world.instance_id, granted_at=now))
    town.walk().draft()
    pieces = town.walk().submitted()
    pieces.act("animator", "request_completion", pieces=["Un devis"], due_on="2026-11-10")
    town.walk().submitted()
    at(pieces.now + timedelta(days=20))  # type: ignore[operator]
    assert kinds(town, "carrier") == ["pieces", "draft", "admit"]
    page = town.browser("carrier").page("/")
    assert "en retard de 12 jours" in page.text
    assert f"/dossiers/{pieces.dossier_id}" in page.links


def test_a_reply_to_findings_awaits_both_controllers(town: Town) -> None:
    walk = town.walk().drawn()
    assert kinds(town, "controller 2") == ["select"]
    walk.act("controller", "select_for_control")
    assert kinds(town, "controller 2") == ["control"], "a control of one can be joined"
    walk.act("controller 2", "join_control", walk.mission_id())
    walk.act("controller", "announce", walk.mission_id(), visit_on="2026-12-01")
    assert kinds(town, "controller") == kinds(town, "controller 2") == ["visit"]
    assert kinds(town, "carrier") == ["visited"]
    walk.found(realisation="Vu", spending="Vu")
    assert kinds(town, "controller") == []
    with town.database.write() as session:
        person = town.world.people["novice"]
        session.add(RoleGrant(person_id=person, role="controller", granted_at=walk.now))
    walk.act("carrier", "reply", walk.mission_id(), answer="Merci")
    assert kinds(town, "novice") == []
    for who in ("controller", "controller 2"):
        assert kinds(town, who) == ["answered"]
        assert "Réponse reçue" in town.browser(who).page("/").text
    with town.database.read() as session:
        told = session.scalars(select(Outbox.person_id).where(Outbox.kind == "findings_answered")).all()
    assert sorted(str(one) for one in told) == sorted(
        str(town.world.people[who]) for who in ("controller", "controller 2")
    )


def test_news_are_of_others_on_dossiers_one_may_see_and_tell_no_secret(town: Town) -> None:
    walk = town.walk().assigned()
    opinion(walk, "instructor 1")
    page = town.browser("carrier").page("/")
    assert "Binôme affecté" in page.text
    assert "Dossier déposé" not in page.text
    assert "scellé" not in page.text
    assert "Dossier déposé" in town.browser("animator").page("/").text
    assert "Rien de neuf" in town.browser("other carrier").page("/").text


def test_statements_do_not_grow_with_dossiers_or_roles(town: Town) -> None:
    town.walk().submitted()
    browser = town.browser("animator")
    with counted(town.database) as few:
        browser.page("/")
    for _ in range(8):
        town.walk().submitted()
    with town.database.write() as session:
        person, now = town.world.people["animator"], town.walk().now
        session.add_all(
            RoleGrant(person_id=person, role=role, granted_at=now) for role in ("controller", "transversal")
        )
    with counted(town.database) as many:
        page = browser.page("/")
    assert page.text.count("Vérifier la recevabilité") >= 9
    # One more, for who oversees: the draws that await their part.
    assert len(few) + 1 == len(many) <= MOST


def test_more_tasks_than_are_listed_are_counted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "LONGEST", 2)
    query._bundle.cache_clear()
    for _ in range(3):
        town.walk().draft()
    with town.database.read() as session:
        found = query.awaiting(session, town.world.actor(session, "carrier"), town.walk().now.date())
    query._bundle.cache_clear()
    assert len(found.tasks) == 2
    assert found.total == 3


def test_both_databases_await_the_same(any_town: Town) -> None:
    any_town.walk().draft()
    any_town.walk().tabled()
    assert kinds(any_town, "carrier") == ["draft"]
    assert kinds(any_town, "funder CAF") == ["decide"]
    assert "Décider de votre ligne" in any_town.browser("funder CAF").page("/").text
