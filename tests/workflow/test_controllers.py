"""Two controllers of a dossier, without conflict; and who controls neither instructs, evaluates nor carries it."""

from typing import Any

import pytest
from sqlalchemy import select

from tests import reviews
from tests.factories import NOW, Walk, build
from workflow.db import Database
from workflow.errors import Forbidden, Refused
from workflow.models import ControlItem, FundingRequest, Interest, LedgerLine, Mission, Person, RoleGrant
from workflow.queries import home
from workflow.queries.dossier import load
from workflow.use_cases import control, people

OTHERS = {"second": "CAVM", "third": "CAVM", "of funder": "État"}


@pytest.fixture
def walk(database: Database) -> Walk:
    """A drawn dossier that État alone funds, and three more controllers, one of them of État."""
    world = build(database)
    with database.write() as session:
        for who, code in OTHERS.items():
            address = f"{who.replace(' ', '.')}@binome.example"
            person = Person(email=address, name=f"Rôle {who}", institution_id=world.funders[code], created_at=NOW)
            session.add(person)
            session.flush()
            session.add(RoleGrant(person_id=person.id, role="controller", granted_at=NOW))
            world.people[who] = person.id
    return Walk(database, world).drawn()


def pair(walk: Walk) -> list[str]:
    with walk.database.read() as session:
        mission = session.scalars(select(Mission)).one()
        names = {number: who for who, number in walk.world.people.items()}
        return [names[number] for number in (mission.controller_id, mission.second_id) if number is not None]


def name(walk: Walk, first: str, second: str, by: str = "transversal") -> None:
    ids = walk.world.people
    walk.act(by, "name_controllers", walk.mission_id(), first_id=ids[first], second_id=ids[second])


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=code)


def test_a_second_joins_who_took_it_up_and_both_act(walk: Walk) -> None:
    with refused("second_awaited"):
        walk.act("second", "join_control", walk.mission_id())
    walk.act("controller", "select_for_control")
    with refused("second_awaited"):
        walk.act("controller", "join_control", walk.mission_id())
    walk.act("second", "join_control", walk.mission_id())
    assert pair(walk) == ["controller", "second"]
    with refused("second_awaited"):
        walk.act("third", "join_control", walk.mission_id())
    walk.act("second", "announce", walk.mission_id(), visit_on="2027-01-10")
    for who in ("controller", "second"):
        walk.act(
            who,
            "enter_expense",
            walk.mission_id(),
            spent_on=NOW.date().isoformat(),
            label="T",
            voucher="1",
            amount_cents=1,
        )


def test_other_controllers_do_not_act(walk: Walk) -> None:
    walk.act("controller", "select_for_control")
    with refused("controller_named") as caught:
        walk.act("third", "announce", walk.mission_id(), visit_on="2027-01-10")
    assert caught.value.reasons[0].params == {"names": ("Rôle controller",)}
    walk.act("second", "join_control", walk.mission_id())
    walk.act("controller", "announce", walk.mission_id(), visit_on="2027-01-10")
    found = {"realisation": "Vu", "spending": "Vu"}
    for act, raw in (
        *(("fill_grid", {"answers": {}}), ("strike_expense", {"line_id": 1}), ("write_findings", found)),
        *(("sign_findings", {}), ("send_findings", {"due_on": "2027-02-10"})),
    ):
        with refused("controller_named"):
            walk.act("third", act, walk.mission_id(), **raw)
    sent(walk, **found)
    walk.act("carrier", "reply", walk.mission_id(), answer="Merci")
    end = {"outcome": "none", "conclusion": "Bien"}
    with refused("controller_named"):
        walk.act("third", "conclude", walk.mission_id(), **end)
    with refused("controller_named"):
        walk.act("third", "conclude_control", **end)
    walk.act("second", "sign_findings", walk.mission_id())
    walk.act("controller", "conclude_control", **end)


def sent(walk: Walk, **found: str) -> None:
    """Findings of the two, written by one, confirmed by the other."""
    walk.act("controller", "write_findings", walk.mission_id(), **found)
    walk.act("second", "sign_findings", walk.mission_id())
    walk.act("controller", "send_findings", walk.mission_id(), due_on="2027-02-10")


def test_nobody_announces_alone(walk: Walk) -> None:
    walk.act("controller", "select_for_control")
    with refused("pair_named"):
        walk.act("controller", "announce", walk.mission_id(), visit_on="2027-01-10")
    walk.act("second", "join_control", walk.mission_id())
    walk.act("controller", "announce", walk.mission_id(), visit_on="2027-01-10")


LINE = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": 100_00}


@pytest.fixture
def signed(walk: Walk) -> Walk:
    """Announced, its findings written by one controller and confirmed by the other."""
    walk.act("controller", "select_for_control")
    walk.act("second", "join_control", walk.mission_id())
    walk.act("controller", "announce", walk.mission_id(), visit_on="2027-01-10")
    walk.act("controller", "enter_expense", walk.mission_id(), **LINE)
    walk.act("controller", "write_findings", walk.mission_id(), realisation="Vu")
    walk.act("second", "sign_findings", walk.mission_id())
    return walk


def test_the_carrier_reads_nothing_of_what_is_being_written(signed: Walk) -> None:
    def mission(who: str) -> Any:
        with signed.database.read() as session:
            return load(session, signed.world.actor(session, who), signed.dossier_id).one("mission")

    assert (mission("controller").realisation, mission("controller").signed_by_id) == (
        "Vu",
        signed.world.people["second"],
    )
    hidden = mission("carrier")
    assert (hidden.realisation, hidden.spending, hidden.refused_cents) == ("", "", 0)
    assert (hidden.signed_by_id, hidden.signed_at) == (None, None)
    signed.act("controller", "send_findings", signed.mission_id(), due_on="2027-02-10")
    assert mission("carrier").realisation == "Vu"


def test_who_confirmed_waits_for_the_other(signed: Walk) -> None:
    def awaited(who: str) -> list[str]:
        with signed.database.read() as session:
            return [
                task.kind for task in home.awaiting(session, signed.world.actor(session, who), signed.now.date()).tasks
            ]

    assert (awaited("controller"), awaited("second")) == (["visit"], [])
    signed.act("controller", "send_findings", signed.mission_id(), due_on="2027-02-10")
    signed.act("carrier", "reply", signed.mission_id(), answer="Merci")
    assert (awaited("controller"), awaited("second")) == (["answered"], ["answered"])
    signed.act("second", "sign_findings", signed.mission_id())
    assert (awaited("controller"), awaited("second")) == (["answered"], [])


def test_findings_are_sent_by_the_one_and_confirmed_by_the_other(signed: Walk) -> None:
    mission = signed.mission_id()
    with refused("findings_signed"):
        signed.act("second", "send_findings", mission, due_on="2027-02-10")
    signed.act("controller", "sign_findings", mission)
    with refused("findings_signed"):
        signed.act("controller", "send_findings", mission, due_on="2027-02-10")
    signed.act("second", "send_findings", mission, due_on="2027-02-10")


def test_what_changes_is_confirmed_again(signed: Walk) -> None:
    mission = signed.mission_id()
    with signed.database.read() as session:
        line = session.scalars(select(LedgerLine)).one()
        item = session.scalars(select(ControlItem.id).order_by(ControlItem.position)).first()
        items = session.scalars(select(ControlItem.id)).all()
    yes = {"verdict": "compliant"}
    changes: list[tuple[str, dict[str, Any]]] = [
        ("write_findings", {"realisation": "Vu autrement"}),
        ("fill_grid", {"answers": {str(one): yes for one in items}}),
        ("fill_grid", {"answers": {str(item): {"verdict": "minor_gap", "observation": "Peu"}}}),
        ("enter_expense", {**LINE, "line_id": line.id, "label": "Chaises"}),
        ("enter_expense", LINE),
        ("strike_expense", {"line_id": line.id}),
    ]
    for act, raw in changes:
        signed.act("second", act, mission, **raw)
        with refused("findings_signed"):
            signed.act("controller", "send_findings", mission, due_on="2027-02-10")
        signed.act("second", "sign_findings", mission)
    same = {"answers": {str(one): yes for one in items if one != item}}
    signed.act("controller", "fill_grid", mission, **same)
    signed.act("controller", "write_findings", mission, realisation="Vu autrement")
    signed.act("controller", "send_findings", mission, due_on="2027-02-10")


def test_findings_are_not_confirmed_unseen(signed: Walk) -> None:
    mission = signed.mission_id()
    with signed.database.read() as session:
        seen = load(session, signed.world.actor(session, "second"), signed.dossier_id).findings_mark
    signed.act("second", "sign_findings", mission, seen=seen)
    signed.act("controller", "enter_expense", mission, **LINE)
    with refused("findings_unchanged"):
        signed.act("second", "sign_findings", mission, seen=seen)


def test_a_reply_is_read_by_both_before_the_conclusion(signed: Walk) -> None:
    mission = signed.mission_id()
    signed.act("controller", "send_findings", mission, due_on="2027-02-10")
    signed.act("carrier", "reply", mission, answer="Voici")
    end = {"outcome": "none", "conclusion": "Bien"}
    for act, subject in (("conclude", mission), ("conclude_control", None)):
        with refused("findings_signed"):
            signed.act("controller", act, subject, **end)
    signed.act("controller", "sign_findings", mission)
    with refused("findings_signed"):
        signed.act("controller", "conclude_control", **end)
    signed.act("second", "conclude_control", **end)
    assert signed.state == "controlled"


def test_another_pair_confirms_for_itself(signed: Walk) -> None:
    name(signed, "controller", "third")
    with refused("findings_signed"):
        signed.act("controller", "send_findings", signed.mission_id(), due_on="2027-02-10")


def test_the_committee_names_both_who_alone_take_it_up(walk: Walk) -> None:
    name(walk, "second", "third")
    with refused("controller_named"):
        walk.act("controller", "select_for_control")
    walk.act("third", "select_for_control")
    assert pair(walk) == ["second", "third"]
    name(walk, "controller", "second", by="administrator")
    assert pair(walk) == ["controller", "second"]
    with pytest.raises(Forbidden):
        name(walk, "second", "third", by="controller")


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("second", "second", "two_controllers"),
        ("second", "animator", "controllers_known"),
        ("instructor 1", "second", "controllers_independent"),
        ("second", "evaluator", "controllers_independent"),
        ("carrier", "second", "controllers_independent"),
        ("second", "of funder", "controllers_apart"),
    ],
)
def test_who_cannot_be_named(walk: Walk, first: str, second: str, code: str) -> None:
    with refused(code):
        name(walk, first, second)
    assert pair(walk) == []


def test_the_sole_funders_people_do_not_take_it_up_or_join(walk: Walk) -> None:
    with refused("controller_apart"):
        walk.act("of funder", "select_for_control")
    walk.act("controller", "select_for_control")
    with refused("controller_apart"):
        walk.act("of funder", "join_control", walk.mission_id())


@pytest.mark.parametrize("who", ["instructor 2", "evaluator", "second"])
def test_who_took_part_does_not_join(walk: Walk, who: str) -> None:
    with walk.database.write() as session:
        if who == "second":
            interest = Interest(organisation_id=walk.world.organisation_id, nature="Trésorier", declared_at=NOW)
            interest.person_id = walk.world.people[who]
            session.add(interest)
        else:
            person_id = walk.world.people[who]
            session.add(RoleGrant(person_id=person_id, role="controller", granted_at=NOW, ended_at=None))
    walk.act("controller", "select_for_control")
    with refused("controller_independent"):
        walk.act(who, "join_control", walk.mission_id())


def test_who_reviews_half_way_does_not_control(database: Database) -> None:
    """Named, and still when all is sealed; nothing keeps them from the review itself."""
    walk = Walk(database, build(database)).drawn()
    reviews.draw(walk.database, walk.world, walk.now)
    walk.later(days=3)
    with walk.database.write() as session:
        for who in ("reviewer État", "reviewer CAF"):
            session.add(RoleGrant(person_id=walk.world.people[who], role="controller", granted_at=NOW))
    reviews.fill(reviews.name(walk))
    reviews.sign(walk, "reviewer État")
    for sealed in (False, True):
        if sealed:
            reviews.sign(walk, "reviewer CAF")
        with refused("controller_independent"):
            walk.act("reviewer CAF", "select_for_control")
        with refused("controllers_independent"):
            name(walk, "controller 2", "reviewer CAF")
    walk.act("controller", "select_for_control")
    with refused("controller_independent"):
        walk.act("reviewer CAF", "join_control", walk.mission_id())


def test_who_decided_on_its_money_does_not_control(walk: Walk) -> None:
    """Of several funders, so that no institution funds alone."""
    decider = walk.world.people["funder CAF"]
    with walk.database.write() as session:
        session.add(RoleGrant(person_id=decider, role="controller", granted_at=NOW))
        line = session.scalars(
            select(FundingRequest).where(
                FundingRequest.dossier_id == walk.dossier_id, FundingRequest.decided_by_id == decider
            )
        ).one()
        assert line.decision == "refused"
    with refused("controller_independent"):
        walk.act("funder CAF", "select_for_control")
    with refused("controllers_independent"):
        name(walk, "second", "funder CAF")
    walk.act("controller", "select_for_control")
    with refused("controller_independent"):
        walk.act("funder CAF", "join_control", walk.mission_id())


def test_who_controls_does_not_evaluate(database: Database) -> None:
    world = build(database)
    walk = Walk(database, world).funded()
    with database.write() as session:
        session.add(RoleGrant(person_id=world.people["evaluator"], role="controller", granted_at=NOW))
        actor = world.actor(session, "controller")
        raw = {"campaign_id": world.campaign_id, "size": 1, "seed": "essai"}
        control.draw(session, actor, raw, NOW)
    walk.act("carrier", "submit_final_report", narrative="Fait", beneficiaries=1, spent_cents=1, indicators="1")
    name(walk, "controller", "evaluator")
    grid = dict.fromkeys(("relevance", "coherence", "effectiveness", "efficiency", "impact"), 3)
    with refused("not_controller"):
        walk.act("evaluator", "evaluate", **grid, recommendation="renew", body="Utile")


def test_who_controls_does_not_carry_meanwhile(walk: Walk) -> None:
    walk.act("controller", "select_for_control")
    ids, world = walk.world.people, walk.world

    def grant(organisation_id: int) -> None:
        raw = {"role": "carrier", "organisation_id": organisation_id}
        with walk.database.write() as session:
            people.grant_role(session, world.actor(session, "administrator"), ids["controller"], raw, NOW)

    with refused("controller_carries_not"):
        grant(world.organisation_id)
    grant(world.other_organisation_id)
