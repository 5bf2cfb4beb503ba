"""Forming binômes: a proposal for all that wait, wishes, acceptance in one act; what instructors bring."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import NOW, Walk
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from workflow.models import Absence, BinomeMember, Competence, Dossier, Interest, JournalEntry, Person, RoleGrant

PAGE = "/instance/binomes"
PROPOSE, ACCEPT = f"{PAGE}/proposition", f"{PAGE}/accepter"


def number(walk: Walk) -> str:
    return str(walk.dossier_id)


def proposed(town: Town, walks: Iterable[Walk], **wishes: Any) -> Page:
    data = {"dossier": [number(walk) for walk in walks], **wishes}
    answer = town.browser("animator").post(PROPOSE, data)
    assert answer.status_code == 200
    return Page(answer.text)


def pairs(page: Page) -> dict[int, set[int]]:
    """The people proposed, by dossier."""
    found = (value.split(":") for value in page.form(PROPOSE).all("pair"))
    return {int(dossier): set(map(int, people)) for dossier, _version, *people in found}


def seated(town: Town, walk: Walk) -> set[int]:
    with town.database.read() as session:
        sitting = select(BinomeMember.person_id).where(
            BinomeMember.dossier_id == walk.dossier_id, BinomeMember.left_at.is_(None)
        )
        return set(session.scalars(sitting))


def grant(town: Town, who: str) -> int:
    with town.database.read() as session:
        return session.scalars(select(RoleGrant.id).where(RoleGrant.person_id == town.world.people[who])).one()


def knows(town: Town, who: str, level: int) -> None:
    with town.database.write() as session:
        session.add(Competence(grant_id=grant(town, who), objective_id=town.world.objective_id, level=level))


def capacity(town: Town, who: str, points: int) -> None:
    with town.database.write() as session:
        session.execute(update(RoleGrant).where(RoleGrant.id == grant(town, who)).values(capacity=points))


# --- the proposal ----------------------------------------------------------------------------------------------------


def test_nobody_waits(town: Town) -> None:
    assert "Aucun dossier n'attend de binôme" in town.browser("animator").page(PAGE).text


def test_every_waiting_dossier_gets_a_pair_of_two_institutions_and_one_act_seats_all(town: Town) -> None:
    walks = [town.walk().submitted() for _ in range(3)]
    browser = town.browser("animator")
    form = browser.page(PAGE).form(PROPOSE)
    assert set(form.all("dossier")) == {number(walk) for walk in walks}
    page = proposed(town, walks)
    found = pairs(page)
    assert found.keys() == {walk.dossier_id for walk in walks}
    assert "c'est prouvé" in page.text
    with town.database.read() as session:
        home = {row.id: row.institution_id for row in session.scalars(select(Person))}
    assert all(len({home[one] for one in people}) == len(people) == 2 for people in found.values())
    assert not any(seated(town, walk) for walk in walks), "a proposal writes nothing"
    assert browser.post(ACCEPT, {"pair": page.form(PROPOSE).all("pair")}).status_code == 303
    assert {walk.dossier_id: seated(town, walk) for walk in walks} == found
    assert {walk.state for walk in walks} == {"assigned"}


def test_who_knows_the_subject_is_proposed(town: Town) -> None:
    knows(town, "instructor 3", 3)
    knows(town, "instructor 4", 2)
    walk = town.walk().submitted()
    page = proposed(town, [walk])
    assert pairs(page)[walk.dossier_id] == {town.world.people["instructor 3"], town.world.people["instructor 4"]}
    assert "compétence 9 sur 9" in page.text
    assert "compétence 6 sur 9" in page.text


def test_the_untrained_the_bound_and_the_absent_are_kept_out_with_the_reason(town: Town) -> None:
    people = town.world.people
    with town.database.write() as session:
        session.add(
            Interest(
                person_id=people["instructor 3"],
                organisation_id=town.world.organisation_id,
                nature="Parent du président",
                declared_at=NOW,
            )
        )
        session.add(Absence(person_id=people["instructor 4"], first=date(2026, 11, 2), last=date(2027, 2, 20)))
    walk = town.walk().submitted()
    page = proposed(town, [walk])
    assert pairs(page)[walk.dossier_id] == {people["instructor 1"], people["instructor 2"]}
    for reason in ("Parent du président", "absent jusqu'au 20/02/2027", "pas encore formé"):
        assert reason in page.text


def test_a_short_absence_keeps_nobody_out(town: Town) -> None:
    with town.database.write() as session:
        session.add(
            Absence(person_id=town.world.people["instructor 4"], first=date(2026, 12, 21), last=date(2027, 1, 3))
        )
    knows(town, "instructor 4", 3)
    walk = town.walk().submitted()
    assert town.world.people["instructor 4"] in pairs(proposed(town, [walk]))[walk.dossier_id]


def test_pins_and_bans_are_kept_until_they_are_lifted(town: Town) -> None:
    people = town.world.people
    walk = town.walk().submitted()
    knows(town, "instructor 1", 3)
    knows(town, "instructor 2", 3)
    first, second, third = (people[f"instructor {n}"] for n in (1, 2, 3))
    ban, pin = f"{number(walk)}:{first}:{second}", f"{number(walk)}:{third}"
    assert pairs(proposed(town, [walk]))[walk.dossier_id] == {first, second}
    page = proposed(town, [walk], ban=[ban])
    assert pairs(page)[walk.dossier_id] != {first, second}
    assert "sont écartés ensemble" in page.text
    page = proposed(town, [walk], ban=[ban], pin=[pin])
    assert third in pairs(page)[walk.dossier_id]
    assert (page.form(PROPOSE).all("ban"), page.form(PROPOSE).all("pin")) == ([ban], [pin])
    page = proposed(town, [walk], ban=[ban], pin=[pin], lift=[ban])
    assert (page.form(PROPOSE).all("ban"), page.form(PROPOSE).all("pin")) == ([], [pin])


def test_solving_again_changes_no_more_than_it_must(town: Town) -> None:
    walks = [town.walk().submitted() for _ in range(2)]
    before = proposed(town, walks)
    stays, changes = walks
    ban = ":".join(map(str, (changes.dossier_id, *sorted(pairs(before)[changes.dossier_id]))))
    after = proposed(town, walks, pair=before.form(PROPOSE).all("pair"), ban=[ban])
    assert pairs(after)[changes.dossier_id] != pairs(before)[changes.dossier_id]
    assert len(pairs(after)[stays.dossier_id] & pairs(before)[stays.dossier_id]) >= 1


def test_what_cannot_be_is_told_with_what_would_lift_it(town: Town) -> None:
    walks = [town.walk().submitted() for _ in range(2)]
    with town.database.read() as session:
        effort = session.get_one(Dossier, walks[0].dossier_id).effort
    for who in ("instructor 1", "instructor 3"):
        capacity(town, who, 0)
    for who in ("instructor 2", "instructor 4"):  # both of CAF
        capacity(town, who, 2 * effort)
    page = proposed(town, walks)
    assert not pairs(page), "never a part of the answer"
    assert "ne peuvent pas tous avoir leur binôme" in page.text
    capacity(town, "instructor 1", effort)
    page = proposed(town, walks)
    assert f"porter Rôle instructor 1 à {2 * effort} points d'effort" in page.text
    # Of what is told to be raised, what is already held is a part.
    assert pairs(proposed(town, walks[:1]))[walks[0].dossier_id]
    seat = town.world.people
    walks[0].act("animator", "assign", first_id=seat["instructor 1"], second_id=seat["instructor 2"])
    page = proposed(town, walks[1:])
    assert f"porter Rôle instructor 1 à {2 * effort} points d'effort" in page.text
    capacity(town, "instructor 1", 2 * effort)
    assert pairs(proposed(town, walks[1:]))


def test_nothing_ticked_and_nothing_proposed_are_said(town: Town) -> None:
    town.walk().submitted()
    browser = town.browser("animator")
    for url, text in ((PROPOSE, "Cochez au moins un dossier"), (ACCEPT, "Demandez d'abord une proposition")):
        answer = browser.post(url, {"dossier": ["x", "999"], "pair": ["1:2", "a:b:c:d"], "pin": ["::"]})
        assert answer.status_code == 422
        assert text in Page(answer.text).text


# --- acceptance ------------------------------------------------------------------------------------------------------


def test_where_one_is_refused_none_is_formed(town: Town) -> None:
    walks = [town.walk().submitted() for _ in range(2)]
    form = proposed(town, walks).form(PROPOSE)
    walks[1].act("animator", "set_effort", effort=7)  # changes it under the proposal
    answer = town.browser("animator").post(ACCEPT, {"pair": form.all("pair"), "dossier": form.all("dossier")})
    assert answer.status_code == 409
    text = Page(answer.text).text
    assert "Aucun binôme n’a été formé" in text
    assert not any(seated(town, walk) for walk in walks)


def test_a_pair_sent_by_hand_is_held_to_the_rules(town: Town) -> None:
    walk = town.walk().submitted()
    people = town.world.people
    with town.database.read() as session:
        version = session.get_one(Dossier, walk.dossier_id).version
    same = f"{number(walk)}:{version}:{people['instructor 2']}:{people['instructor 4']}"
    answer = town.browser("animator").post(ACCEPT, {"pair": [same]})
    assert answer.status_code == 409
    assert "même institution" in Page(answer.text).text
    assert not seated(town, walk)


def test_only_its_animator_proposes_and_accepts(town: Town) -> None:
    walk = town.walk().submitted()
    people = town.world.people
    pair = f"{number(walk)}:2:{people['instructor 1']}:{people['instructor 2']}"
    for who in ("carrier", "instructor 1", "transversal", "controller", "administrator", "funder État"):
        browser = town.browser(who)
        assert browser.post(PROPOSE, {"dossier": [number(walk)]}).status_code == 403
        assert browser.post(ACCEPT, {"pair": [pair]}).status_code == 403
    looked = town.browser("transversal").page(f"{PAGE}?instance={town.world.instance_id}")
    assert "Proposer les binômes" not in looked.text
    assert not seated(town, walk)


# --- somebody leaves -------------------------------------------------------------------------------------------------


def test_of_who_left_only_the_seat_is_filled_again(town: Town) -> None:
    people = town.world.people
    kept, walk = town.walk().assigned(), town.walk().assigned()
    walk.act("animator", "replace_member", leaver_id=people["instructor 2"], newcomer_id=people["instructor 4"])
    with town.database.write() as session:
        session.execute(update(RoleGrant).where(RoleGrant.person_id == people["instructor 4"]).values(ended_at=NOW))
    page = town.browser("animator").page(PAGE)
    assert "Rôle instructor 4 ne peut plus instruire" in page.text
    assert page.form(PROPOSE).all("dossier") == [number(walk)]
    page = proposed(town, [walk])
    (newcomer,) = pairs(page)[walk.dossier_id]
    assert newcomer in (people["instructor 2"], people["instructor 3"])
    assert town.browser("animator").post(ACCEPT, {"pair": page.form(PROPOSE).all("pair")}).status_code == 303
    assert seated(town, walk) == {people["instructor 1"], newcomer}
    assert seated(town, kept) == {people["instructor 1"], people["instructor 2"]}


def test_a_leaver_who_came_back_meanwhile_is_not_replaced(town: Town) -> None:
    people = town.world.people
    walk = town.walk().assigned()
    with town.database.write() as session:
        session.execute(update(RoleGrant).where(RoleGrant.person_id == people["instructor 2"]).values(ended_at=NOW))
    form = proposed(town, [walk]).form(PROPOSE)
    with town.database.write() as session:
        session.execute(update(RoleGrant).where(RoleGrant.person_id == people["instructor 2"]).values(ended_at=None))
    answer = town.browser("animator").post(ACCEPT, {"pair": form.all("pair")})
    assert answer.status_code == 409
    assert "Aucun binôme n’a été formé" in Page(answer.text).text
    assert seated(town, walk) == {people["instructor 1"], people["instructor 2"]}


# --- effort, capacity, competences -----------------------------------------------------------------------------------


def test_effort_is_estimated_at_deposit_and_changed_by_the_animator(town: Town) -> None:
    walk = town.walk().submitted()

    def effort() -> int:
        with town.database.read() as session:
            return session.get_one(Dossier, walk.dossier_id).effort

    assert effort() == 3  # 1, a first request, 9,000 € asked
    there = f"/dossiers/{walk.dossier_id}/actes/set_effort"
    browser = town.browser("animator")
    form = browser.page(there).form(there)
    assert browser.post(there, {**form.fields, "effort": "21"}).status_code == 422
    assert browser.post(there, {**form.fields, "effort": "8"}).status_code == 303
    assert effort() == 8
    with town.database.read() as session:
        entry = session.scalars(select(JournalEntry).where(JournalEntry.act == "set_effort")).one()
    assert entry.details == {"effort": {"before": 3, "after": 8}}


def test_an_instructor_is_described(town: Town) -> None:
    there = f"/instance/membres/{grant(town, 'instructor 1')}"
    browser = town.browser("animator")
    form = browser.page(there).form(there)
    known = f"levels-objective:{town.world.objective_id}"
    assert form.fields["capacity"] == "100"
    wrong = browser.post(there, {**form.fields, "capacity": "-1", known: "3"})
    assert wrong.status_code == 422
    assert Page(wrong.text).form(there).fields[known] == "3", "what was typed is kept"
    assert browser.post(there, {**form.fields, "capacity": "40", known: "3"}).status_code == 303
    again = browser.page(there).form(there).fields
    assert (again["capacity"], again[known]) == ("40", "3")
    with town.database.read() as session:
        entry = session.scalars(select(JournalEntry).where(JournalEntry.act == "describe_member")).one()
    assert entry.details["after"] == {"capacity": 40, "competences": {f"objective:{town.world.objective_id}": 3}}


@pytest.mark.parametrize("field", ["levels-objective:999999", "levels-other:1", "levels-objective:x"])
def test_what_is_no_subject_is_no_competence(town: Town, field: str) -> None:
    there = f"/instance/membres/{grant(town, 'instructor 1')}"
    assert town.browser("animator").post(there, {"capacity": "40", field: "3"}).status_code == 422


def test_nobody_is_described_from_elsewhere(town: Town) -> None:
    there = f"/instance/membres/{grant(town, 'instructor 1')}"
    for who in ("instructor 1", "transversal", "carrier", "controller"):
        assert town.browser(who).post(there, {"capacity": "1"}).status_code == 403
    with town.database.write() as session:
        elsewhere = town.world.instance_id + 1
        session.execute(
            update(RoleGrant).where(RoleGrant.id == grant(town, "instructor 1")).values(instance_id=elsewhere)
        )
    assert town.browser("animator").post(there, {"capacity": "1"}).status_code == 403
    assert town.browser("animator").get(there).status_code == 404


def test_the_page_costs_as_much_for_many_dossiers_as_for_one(town: Town) -> None:
    costs = []
    for more in (1, 4):
        for _ in range(more):
            town.walk().submitted()
        with counted(town.database) as statements:
            town.browser("animator").page(PAGE)
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 14
