"""Routing rules as administrators edit them: conditions, tried on past dossiers, versions; what a dossier keeps."""

from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from workflow.models import Dossier, Instance, Objective, Outbox, RoleGrant, Route, RoutingStep, RoutingVersion

RULES = "/administration/orientation"
NEW = f"{RULES}/nouvelle"


@pytest.fixture
def admin(town: Town) -> Browser:
    return town.browser("administrator")


def id_of(town: Town, model: Any, code: str) -> int:
    with town.database.read() as session:
        return int(session.scalars(select(model.id).where(model.code == code)).one())


def first(town: Town, admin: Browser, **asked: str) -> None:
    """A rule in front of all others, to another instance."""
    data = {"lead_id": str(id_of(town, Instance, "cti")), "position": "1", **asked}
    assert admin.post(NEW, data).status_code == 303


def routing(town: Town, walk: Walk) -> RoutingStep:
    with town.database.read() as session:
        steps = select(RoutingStep).where(RoutingStep.dossier_id == walk.dossier_id).order_by(RoutingStep.id.desc())
        return session.scalars(steps.limit(1)).one()


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ({"objective_id": "22"}, True),
        ({"objective_id": "1"}, False),
        ({"kind": "association"}, True),
        ({"kind": "commune"}, False),
        ({"least_cents": "9 000"}, True),
        ({"least_cents": "9 000,01"}, False),
        ({"most_cents": "9000"}, True),
        ({"most_cents": "8999"}, False),
        ({"funders": "CAF"}, True),
        ({"funders": "Région"}, False),
        ({"keywords": "vélo\nalcool"}, True),
        ({"keywords": "vélo"}, False),
        ({"starts_on": "2026-11-02", "ends_on": "2026-11-02"}, True),
        ({"starts_on": "2026-11-03"}, False),
        ({"ends_on": "2026-11-01"}, False),
    ],
)
def test_each_condition_decides_where_a_dossier_goes(
    town: Town, admin: Browser, asked: dict[str, str], taken: bool
) -> None:
    if "objective_id" in asked:
        asked = {"objective_id": str(id_of(town, Objective, asked["objective_id"]))}
    first(town, admin, **asked)
    walk = town.walk().submitted()  # by an association, 9,000 € of État and CAF, « Ateliers sans alcool »
    with town.database.read() as session:
        led = session.get_one(Dossier, walk.dossier_id).instance_id
    assert (led == id_of(town, Instance, "cti")) == taken


def test_the_effect_on_past_dossiers_is_seen_before_anything_is_saved(town: Town, admin: Browser) -> None:
    walk = town.walk().submitted()
    data = {"lead_id": str(id_of(town, Instance, "cti")), "position": "1", "keywords": "alcool", "essayer": "1"}
    answer = admin.post(NEW, data)
    assert answer.status_code == 200
    page = Page(answer.text)
    assert "1 dossier passé irait ailleurs" in page.text
    assert f"/dossiers/{walk.dossier_id}" in page.links
    assert ">\nalcool</textarea>" in answer.text, "what was typed stands"
    with town.database.read() as session:
        assert session.scalars(select(Route).where(Route.position == 1)).one().keywords == []
        assert len(session.scalars(select(RoutingVersion)).all()) == 1
    none = admin.post(NEW, {**data, "keywords": "vélo"})
    assert "n'irait ailleurs" in Page(none.text).text.replace("’", "'")
    wrong = admin.post(NEW, {**data, "least_cents": "2", "most_cents": "1"})
    assert wrong.status_code == 422
    assert "en dessous de l'autre" in Page(wrong.text).text


def test_a_change_is_tried_on_the_rule_itself(town: Town, admin: Browser) -> None:
    town.walk().submitted()
    step_rule = 0
    with town.database.read() as session:
        for row in session.scalars(select(Route).where(Route.objective_id == town.world.objective_id)):
            step_rule = row.id
    there = f"{RULES}/{step_rule}"
    fields = admin.page(there).form(there).fields
    answer = admin.post(there, {**fields, "kind": "commune", "essayer": "1"})
    assert "1 dossier passé irait ailleurs" in Page(answer.text).text
    assert admin.page(there).form(there).fields["kind"] == ""


def test_every_change_is_a_version_and_a_dossier_keeps_the_one_that_routed_it(town: Town, admin: Browser) -> None:
    before = town.walk().submitted()
    first(town, admin, keywords="vélo")
    after = town.walk().submitted()
    kept = [routing(town, walk) for walk in (before, after)]
    with town.database.read() as session:
        numbers = [session.get_one(RoutingVersion, step.version_id or 0).number for step in kept]
        rules = session.scalars(select(RoutingVersion).where(RoutingVersion.number == 2)).one().rules
    assert numbers == [1, 2]
    assert rules[0] == {"position": 1, "lead": "cti", "keywords": ["vélo"]}
    lacking, won = kept[1].trail[0], kept[1].trail[-1]
    assert (lacking["rule"], lacking["matched"], won["matched"]) == (1, False, True)
    assert "vélo" in lacking["why"]
    page = town.browser("animator").page(f"/dossiers/{after.dossier_id}")
    assert "Pourquoi cette instance" in page.text
    assert "Règles de la version 2" in page.text
    assert "vélo" in admin.page(f"{RULES}/versions/2").text
    assert admin.get(f"{RULES}/versions/9").status_code == 404


def test_rules_that_never_apply_and_gaps_are_pointed_out(town: Town, admin: Browser) -> None:
    assert "Règles qui ne s'appliqueront jamais" not in admin.page(RULES).text
    first(town, admin, objective_id=str(id_of(town, Objective, "22")))
    text = admin.page(RULES).text
    assert "Règles qui ne s'appliqueront jamais" in text
    with town.database.write() as session:
        session.execute(update(Route).where(Route.position == 1).values(kind="commune"))
    text = admin.page(RULES).text
    assert "Règles qui ne s'appliqueront jamais" not in text


def test_a_case_is_tried_with_all_that_rules_look_at(town: Town, admin: Browser) -> None:
    first(town, admin, least_cents="5000", keywords="vélo")
    case = f"{RULES}?objectif=224&somme=6000&texte=Atelier+v%C3%A9lo"
    assert "(règle 1)" in admin.page(case).text
    assert "(règle 1)" not in admin.page(case.replace("6000", "4000")).text


# --- sent elsewhere --------------------------------------------------------------------------------------------------


def kinds(town: Town, walk: Walk, who: str) -> list[str]:
    with town.database.read() as session:
        rows = select(Outbox.kind).where(
            Outbox.dossier_id == walk.dossier_id, Outbox.person_id == town.world.people[who]
        )
        return list(session.scalars(rows.order_by(Outbox.id)))


def test_both_animators_are_told_and_a_dossier_sent_back_goes_to_the_committee(town: Town) -> None:
    walk = town.walk().submitted()
    other = id_of(town, Instance, "cti")
    with town.database.write() as session:
        session.add(
            RoleGrant(person_id=town.world.people["novice"], role="animator", instance_id=other, granted_at=walk.now)
        )
    walk.act("transversal", "reroute", instance_id=other, reason="Emploi")
    assert kinds(town, walk, "animator")[-1] == "rerouted_away"
    assert kinds(town, walk, "novice") == ["rerouted"]
    walk.act("novice", "reroute", instance_id=town.world.instance_id, reason="Pas d'emploi ici")
    with town.database.read() as session:
        assert session.get_one(Dossier, walk.dossier_id).instance_id is None
    assert kinds(town, walk, "transversal")[-1] == "sent_back"
    assert kinds(town, walk, "carrier").count("rerouted_carrier") == 1, "they are told where it goes, not that it waits"
    walk.act("transversal", "reroute", instance_id=town.world.instance_id, reason="Tranché")
    with town.database.read() as session:
        assert session.get_one(Dossier, walk.dossier_id).instance_id == town.world.instance_id
    assert kinds(town, walk, "animator")[-1] == "rerouted"
