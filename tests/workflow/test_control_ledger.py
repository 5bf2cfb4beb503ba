"""The spending ledger of a control: its sums, who keeps it, and that it is fixed once the findings are sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.factories import Walk, build
from workflow.db import Database
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.ledger import WHOLE, allocated, totals
from workflow.models import LedgerLine, Mission
from workflow.queries.dossier import File, load

LINE = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": 100_01}


@pytest.fixture
def walk(database: Database) -> Walk:
    return Walk(database, build(database)).announced()


def enter(walk: Walk, who: str = "controller", **changes: Any) -> None:
    walk.act(who, "enter_expense", walk.mission_id(), **LINE | changes)


def lines(walk: Walk) -> list[LedgerLine]:
    with walk.database.read() as session:
        return list(session.scalars(select(LedgerLine).order_by(LedgerLine.id)))


def send(walk: Walk, **changes: Any) -> None:
    walk.found(**{"realisation": "Vu"} | changes)


def file(walk: Walk, who: str) -> File:
    with walk.database.read() as session:
        return load(session, walk.world.actor(session, who), walk.dossier_id)


@given(st.integers(1, 10**10), st.integers(0, WHOLE))
def test_a_key_charges_to_the_nearest_cent(amount: int, share: int) -> None:
    assert abs(allocated(amount, share) * WHOLE - amount * share) * 2 <= WHOLE


def test_a_line_is_charged_by_its_key(walk: Walk) -> None:
    enter(walk, share=50_00, refused_cents=10_00, reason="Sans lien")
    [line] = lines(walk)
    assert (line.accepted_cents, line.refused_cents) == (40_01, 10_00)
    sums = totals([line])
    assert (sums.declared, sums.allocated, sums.accepted, sums.refused) == (100_01, 50_01, 40_01, 10_00)
    assert sums.error_rate == 1000 / 5001
    assert totals([]).error_rate is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount_cents": 0}, "amount_cents"),
        ({"share": "101"}, "share"),
        ({"share": "moitié"}, "share"),
        ({"share": 50_00, "refused_cents": 50_02, "reason": "r"}, "refused_cents"),
        ({"refused_cents": 1}, "reason"),
        ({"voucher": ""}, "voucher"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(walk: Walk, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        enter(walk, **changes)
    assert list(caught.value.fields) == [field]
    assert lines(walk) == []


def test_a_line_is_changed_and_struck_by_who_saw_it_as_it_stands(walk: Walk) -> None:
    enter(walk)
    [line] = lines(walk)
    enter(walk, line_id=line.id, seen=line.version, label="Chaises", share="33,33")
    [changed] = lines(walk)
    assert (changed.label, changed.share, changed.accepted_cents) == ("Chaises", 33_33, 33_33)
    for name, raw in (("enter_expense", LINE), ("strike_expense", {})):
        with pytest.raises(Refused, match="line_unchanged"):
            walk.act("controller", name, walk.mission_id(), **raw, line_id=line.id, seen=line.version)
    walk.act("controller", "strike_expense", walk.mission_id(), line_id=line.id, seen=changed.version)
    assert lines(walk) == []
    with pytest.raises(NotFound):
        enter(walk, line_id=line.id)


def test_a_line_of_another_control_is_not_found(database: Database) -> None:
    world = build(database)
    one = Walk(database, world).announced()
    enter(one)
    other = Walk(database, world).evaluated()
    with database.write() as session:
        mission = session.scalars(select(Mission)).one()
        session.add(Mission(sample_id=mission.sample_id, dossier_id=other.dossier_id, state="announced"))
    with pytest.raises(NotFound):
        enter(other, line_id=lines(one)[0].id)


@pytest.mark.parametrize("who", ["carrier", "instructor 1", "evaluator", "animator", "administrator", "transversal"])
def test_controllers_alone_keep_it(walk: Walk, who: str) -> None:
    with pytest.raises(Forbidden):
        enter(walk, who)


def test_it_stands_for_the_findings_on_spending_and_says_what_is_refused(walk: Walk) -> None:
    with pytest.raises(Refused, match="spending_found"):
        send(walk)
    enter(walk, refused_cents=10_00, reason="Sans lien")
    with pytest.raises(Invalid) as caught:
        send(walk, refused_cents=5_00)
    assert list(caught.value.fields) == ["refused_cents"]
    assert file(walk, "carrier").ledger is None, "not before the findings are sent"
    assert file(walk, "administrator").ledger is not None
    send(walk)
    with walk.database.read() as session:
        assert session.scalars(select(Mission.refused_cents)).one() == 10_00
    [read] = file(walk, "carrier").all("ledger")
    assert (read.label, read.refused_cents, read.reason) == ("Tables", 10_00, "Sans lien")
    assert file(walk, "animator").all("ledger") == ()
    with pytest.raises(Refused):
        enter(walk)
    walk.act("carrier", "reply", walk.mission_id(), answer="Merci")
    walk.concluded(outcome="payback", conclusion="À rembourser")
    assert walk.state == "controlled"
