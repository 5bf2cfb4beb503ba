"""A third instructor, named where the two opinions differ: judges alone, and two of three settle it."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import Walk
from tests.web.conftest import Town
from workflow.errors import Forbidden, Refused
from workflow.models import BinomeMember, JointOpinion, JointSignature, Opinion

FIRST, SECOND, THIRD = "Dossier solide", "Budget fragile", "Public bien visé"
PAGES = ("/dossiers/{}", "/instruction/{}", "/instruction", "/")


def seal(walk: Walk, who: str, verdict: str, text: str) -> None:
    sums = {str(line): 1_000_00 for line in walk.lines().values()}
    walk.act(who, "seal_opinion", verdict=verdict, strengths=text, reservations="À revoir", amounts=sums)


def disputed(town: Town) -> Walk:
    walk = town.walk().assigned()
    seal(walk, "instructor 1", "favourable", FIRST)
    seal(walk, "instructor 2", "unfavourable", SECOND)
    return walk


def third_named(town: Town) -> Walk:
    walk = disputed(town)
    walk.act("animator", "name_third", third_id=town.world.people["instructor 3"])
    return walk


def read(town: Town, walk: Walk, who: str) -> str:
    return "".join(town.browser(who).get(page.format(walk.dossier_id)).text for page in PAGES)


def seats(town: Town, walk: Walk) -> dict[int, int]:
    with town.database.read() as session:
        rows = select(BinomeMember.seat, BinomeMember.person_id).where(
            BinomeMember.dossier_id == walk.dossier_id, BinomeMember.left_at.is_(None)
        )
        return {row.seat: row.person_id for row in session.execute(rows)}


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def test_the_animator_names_a_third_on_a_page_and_all_three_know(town: Town) -> None:
    walk = disputed(town)
    browser = town.browser("animator")
    here = f"/dossiers/{walk.dossier_id}/actes/name_third"
    assert any(link.startswith(here) for link in browser.page(f"/dossiers/{walk.dossier_id}").links)
    page = browser.page(here)
    assert page.form(here).all("third_id") == [], "nobody is chosen beforehand"
    sent = {**page.form(here).fields, "third_id": str(town.world.people["instructor 3"])}
    assert browser.post(here, sent).status_code == 303
    assert seats(town, walk)[3] == town.world.people["instructor 3"]
    assert "Troisième instructeur : Rôle instructor 3" in browser.page(f"/dossiers/{walk.dossier_id}").text
    assert "Attendre l'avis du troisième instructeur" in town.browser("instructor 1").page("/instruction").text
    assert "vous êtes nommé pour les départager" in read(town, walk, "instructor 3")


def test_the_third_reads_neither_opinion_before_their_own_is_sealed_nor_they_theirs(town: Town) -> None:
    walk = third_named(town)
    walk.act("instructor 3", "save_opinion", verdict="favourable", strengths=THIRD)
    unread = read(town, walk, "instructor 3")
    assert FIRST not in unread
    assert SECOND not in unread
    for who in ("instructor 1", "instructor 2", "animator"):
        assert THIRD not in read(town, walk, who)
    seal(walk, "instructor 3", "favourable", THIRD)
    for who in ("instructor 1", "instructor 2", "instructor 3", "animator"):
        text = read(town, walk, who)
        assert all(said in text for said in (FIRST, SECOND, THIRD)), who


def test_two_of_three_that_agree_are_issued_in_one_click(town: Town) -> None:
    walk = third_named(town)
    with pytest.raises(Refused) as refused:
        walk.act("instructor 1", "issue_opinion")
    assert codes(refused) == ["opinions_reconciled"]
    seal(walk, "instructor 3", "favourable", THIRD)
    desk = f"/instruction/{walk.dossier_id}"
    browser = town.browser("instructor 1")
    page = browser.page(desk)
    assert "Deux des trois avis concordent" in page.text
    form = page.form(f"/dossiers/{walk.dossier_id}/actes/issue_opinion")
    assert browser.post(form.action, form.fields).status_code == 303
    assert walk.state == "opinion"
    with town.database.read() as session:
        joint = session.scalars(select(JointOpinion).where(JointOpinion.dossier_id == walk.dossier_id)).one()
        assert (joint.basis, joint.verdict) == ("agreed", "favourable")
        assert FIRST in joint.body
        assert SECOND not in joint.body
        signed = session.scalars(select(JointSignature.person_id).where(JointSignature.joint_id == joint.id))
        people = town.world.people
        assert set(signed) == {people["instructor 1"], people["instructor 3"]}


def test_where_all_three_differ_two_signatures_or_the_animator_settle_it(town: Town) -> None:
    walk = third_named(town)
    sums = {str(line): 500_00 for line in walk.lines().values()}
    joint: dict[str, Any] = {"verdict": "with_reservations", "body": "Accord", "amounts": sums}
    with pytest.raises(Refused) as refused:
        walk.act("instructor 1", "sign_joint_opinion", **joint)
    assert codes(refused) == ["no_third_awaited"], "a joint text would show the third what the two think"
    seal(walk, "instructor 3", "deferred", THIRD)
    walk.act("instructor 3", "sign_joint_opinion", **joint)
    with town.database.read() as session:
        text = session.scalars(select(JointOpinion.id).where(JointOpinion.dossier_id == walk.dossier_id)).one()
    walk.act("instructor 2", "sign_joint_opinion", joint_id=text)
    walk.act("instructor 1", "issue_opinion")
    assert walk.state == "opinion"
    other = third_named(town)
    other.act("animator", "arbitrate", verdict="favourable", reason="Tranché", amounts=_sums(other))
    other.act("instructor 2", "issue_opinion")
    assert other.state == "opinion"


def _sums(walk: Walk) -> dict[str, int]:
    return {str(line): 500_00 for line in walk.lines().values()}


@pytest.mark.parametrize(
    ("third", "derogation", "expected"),
    [
        ("instructor 1", "", ["third_apart"]),
        ("instructor 1", "Accord", ["third_apart"]),
        ("instructor 4", "", ["third_apart"]),
        ("novice", "", ["members_trained"]),
        ("carrier", "", ["members_of_instance", "members_trained", "members_without_conflict"]),
    ],
)
def test_who_may_not_be_the_third(town: Town, third: str, derogation: str, expected: list[str]) -> None:
    walk = disputed(town)
    with pytest.raises(Refused) as refused:
        walk.act("animator", "name_third", third_id=town.world.people[third], derogation=derogation)
    assert [code for code in codes(refused) if code != "members_within_capacity"] == expected
    assert 3 not in seats(town, walk)


def test_a_derogation_opens_the_seat_to_an_institution_that_sits_already(town: Town) -> None:
    walk = disputed(town)
    walk.act("animator", "name_third", third_id=town.world.people["instructor 4"], derogation="Personne d'autre")
    assert seats(town, walk)[3] == town.world.people["instructor 4"]


def test_a_third_is_named_by_the_animator_and_only_where_two_opinions_differ(town: Town) -> None:
    walk = town.walk().assigned()
    third = {"third_id": town.world.people["instructor 3"]}
    seal(walk, "instructor 1", "favourable", FIRST)
    with pytest.raises(Refused) as refused:
        walk.act("animator", "name_third", **third)
    assert codes(refused) == ["opinions_differ"]
    seal(walk, "instructor 2", "favourable", SECOND)
    with pytest.raises(Refused):
        walk.act("animator", "name_third", **third)
    for who in ("instructor 1", "carrier", "transversal"):
        with pytest.raises(Forbidden):
            walk.act(who, "name_third", **third)


def test_another_third_a_replacement_and_a_reopening_end_the_third_s_part(town: Town) -> None:
    people = town.world.people
    walk = third_named(town)
    seal(walk, "instructor 3", "deferred", THIRD)
    walk.act("animator", "name_third", third_id=people["instructor 4"], derogation="Personne d'autre")
    assert seats(town, walk)[3] == people["instructor 4"]
    with town.database.read() as session:
        standing = select(Opinion.author_id).where(
            Opinion.dossier_id == walk.dossier_id, Opinion.superseded_at.is_(None)
        )
        assert set(session.scalars(standing)) == {people["instructor 1"], people["instructor 2"]}
    with pytest.raises(Refused):
        walk.act("animator", "replace_member", leaver_id=people["instructor 4"], newcomer_id=people["instructor 3"])
    walk.act("animator", "replace_member", leaver_id=people["instructor 1"], newcomer_id=people["instructor 3"])
    assert seats(town, walk) == {1: people["instructor 3"], 2: people["instructor 2"]}

    agreed = third_named(town)
    seal(agreed, "instructor 3", "favourable", THIRD)
    agreed.act("instructor 1", "issue_opinion")
    agreed.act("animator", "reopen_instruction", reason="Un élément nouveau")
    assert set(seats(town, agreed)) == {1, 2}
