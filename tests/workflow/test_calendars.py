"""The campaign's calendar: windows, proposals and answers, adoption, one milestone moved with what follows."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import DATES, NOW, Walk, World, build
from workflow.access import Actor
from workflow.calendars.problem import Conflict
from workflow.db import Database
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.models import (
    CalendarDate,
    CalendarVersion,
    Campaign,
    Closure,
    CommitteeSession,
    Dossier,
    FunderWindow,
    JournalEntry,
    Milestone,
    Outbox,
    PlannedReminder,
    ReminderRule,
)
from workflow.queries import calendars as query
from workflow.use_cases.calendar_moves import Consequences, consequences, move
from workflow.use_cases.calendar_windows import add_closure, remove_closure, set_windows
from workflow.use_cases.calendars import abandon, adopt, answer, propose


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The small world's database."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def world(database: Database) -> World:
    """The small world; its milestones follow each other by ten working days at least."""
    world = build(database)
    with database.write() as session:
        rows = session.scalars(
            select(Milestone).where(Milestone.campaign_id == world.campaign_id).order_by(Milestone.position)
        ).all()
        for before, row in pairwise(rows):
            row.after, row.min_gap = before.code, 9
    return world


class Table:
    """Who sits at the table, and short words for what they do."""

    def __init__(self, database: Database, world: World) -> None:
        self.database, self.world = database, world

    def who(self, name: str) -> Actor:
        with self.database.read() as session:
            return self.world.actor(session, name)

    def windows(self, funder: str, **bounds: tuple[str, str] | tuple[str, str, str]) -> None:
        raw = {
            code: dict(zip(("earliest", "latest", "preferred"), days, strict=False)) for code, days in bounds.items()
        }
        with self.database.write() as session:
            funder_id = self.world.funders[funder]
            set_windows(session, self.who("administrator"), self.world.campaign_id, funder_id, {"windows": raw}, NOW)

    def propose(self) -> int:
        with self.database.write() as session:
            version = propose(session, self.who("administrator"), self.world.campaign_id, {}, NOW)
            return version.id

    def answer(self, version: int, **raw: Any) -> None:
        with self.database.write() as session:
            answer(session, self.who("funder État"), version, self.world.funders["État"], raw, NOW)

    def adopt(self, version: int, **raw: Any) -> None:
        with self.database.write() as session:
            adopt(session, self.who("administrator"), version, raw, NOW)

    def asked(self, code: str, on: str) -> dict[str, Any]:
        return {"milestone_id": self.milestone(code).id, "on": on}

    def consequences(self, code: str, on: str) -> Consequences | Conflict:
        with self.database.read() as session:
            administrator = self.who("administrator")
            return consequences(session, administrator, self.world.campaign_id, self.asked(code, on), NOW)[1]

    def move(self, code: str, on: str, seen: str, **raw: Any) -> None:
        with self.database.write() as session:
            raw = {**self.asked(code, on), "seen": seen, **raw}
            move(session, self.who("administrator"), self.world.campaign_id, raw, NOW)

    def milestone(self, code: str) -> Milestone:
        with self.database.read() as session:
            return session.scalars(
                select(Milestone).where(Milestone.campaign_id == self.world.campaign_id, Milestone.code == code)
            ).one()

    def told(self, kind: str) -> list[int | None]:
        with self.database.read() as session:
            return list(session.scalars(select(Outbox.person_id).where(Outbox.kind == kind)))

    def states(self) -> list[tuple[int, str, str]]:
        with self.database.read() as session:
            rows = session.execute(
                select(CalendarVersion.number, CalendarVersion.kind, CalendarVersion.state).order_by(
                    CalendarVersion.number
                )
            )
            return [tuple(row) for row in rows]


@pytest.fixture
def table(database: Database, world: World) -> Table:
    """Everybody at the table."""
    return Table(database, world)


def test_a_funder_says_what_it_can_accept(table: Table, database: Database, world: World) -> None:
    own = world.funders["État"]
    raw = {"windows": {"deposit_deadline": {"earliest": "2026-12-01", "latest": "31/12/2026"}}}
    with database.write() as session:
        set_windows(session, table.who("funder État"), world.campaign_id, own, raw, NOW)
    with pytest.raises(Forbidden), database.write() as session:
        set_windows(session, table.who("funder État"), world.campaign_id, world.funders["CAF"], raw, NOW)
    with pytest.raises(NotFound), database.write() as session:
        set_windows(session, table.who("administrator"), 999, own, raw, NOW)
    with database.read() as session:
        row = session.scalars(select(FunderWindow).where(FunderWindow.campaign_id == world.campaign_id)).one()
        assert (row.funder_id, row.earliest, row.latest) == (own, date(2026, 12, 1), date(2026, 12, 31))
    empty = {"deposit_deadline": {"earliest": None, "latest": None, "preferred": None}}
    with database.write() as session:
        set_windows(session, table.who("funder État"), world.campaign_id, own, {"windows": empty}, NOW)
        assert session.scalars(select(FunderWindow).where(FunderWindow.campaign_id == world.campaign_id)).all() == []


@pytest.mark.parametrize(
    ("bounds", "field"),
    [
        (("2026-12-01", None), "latest"),
        ((None, "2026-12-01"), "earliest"),
        (("2026-12-02", "2026-12-01"), "latest"),
        (("2020-12-02", "2020-12-03"), "earliest"),
        (("2026-12-01", "2026-12-10", "2026-12-11"), "preferred"),
        (("demain", "2026-12-10"), "earliest"),
    ],
)
def test_a_wrong_window_is_told_beside_its_field(table: Table, bounds: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        table.windows("État", deposit_deadline=bounds)
    fields = refused.value.fields["windows"]["deposit_deadline"]
    assert list(fields.get("value", fields)) == [field]


def test_a_calendar_is_proposed_answered_and_adopted(table: Table, database: Database, world: World) -> None:
    walk = Walk(database, world).submitted()
    table.windows("État", deposit_deadline=("2026-12-20", "2027-01-10"))
    version = table.propose()
    assert table.told("calendar_proposed") == [world.people["funder État"]]
    table.answer(version, accepted=False, message="Trop tôt pour nous")
    with pytest.raises(Invalid):
        table.adopt(version)
    table.answer(version, accepted=True)
    table.adopt(version)
    assert table.milestone("deposit_deadline").on == date(2026, 12, 21)
    assert table.milestone("deposit_deadline").version == 2
    assert table.milestone("call_opens").on == DATES["call_opens"], "what is past stays"
    assert table.states() == [(1, "proposed", "replaced"), (2, "proposed", "adopted")]
    told = table.told("calendar_changed")
    assert world.people["carrier"] in told
    assert world.people["animator"] in told
    assert world.people["administrator"] not in told
    assert len(told) == len(set(told))
    with database.read() as session:
        dossier = session.get_one(Dossier, walk.dossier_id)
        assert dossier.due_on == table.milestone("completeness_deadline").on != DATES["completeness_deadline"]
        assert not dossier.reminders_planned
        assert session.scalars(select(JournalEntry.act).order_by(JournalEntry.seq.desc())).first() == "adopt_calendar"
    for act in (
        lambda: table.adopt(version, reason="encore"),
        lambda: table.answer(version, accepted=True),
    ):
        with pytest.raises(Refused):
            act()


def test_without_every_funder_adoption_gives_a_reason(table: Table) -> None:
    table.windows("État", deposit_deadline=("2026-12-20", "2027-01-10"))
    table.windows("CAF", deposit_deadline=("2026-12-20", "2027-01-10"))
    version = table.propose()
    table.answer(version, accepted=True)
    with pytest.raises(Invalid) as refused:
        table.adopt(version)
    assert list(refused.value.fields) == ["reason"]
    table.adopt(version, reason="La CAF a donné son accord par courrier")
    assert table.states()[-1] == (2, "proposed", "adopted")


def test_a_new_proposal_takes_the_place_of_the_last(table: Table, database: Database) -> None:
    table.windows("État", deposit_deadline=("2026-12-20", "2027-01-10"))
    table.propose()
    second = table.propose()
    with database.write() as session:
        abandon(session, table.who("administrator"), second, {"reason": "Tout est à revoir"}, NOW)
    assert [state for _number, _kind, state in table.states()] == ["adopted", "abandoned", "abandoned"]


def test_only_a_funder_answers_for_itself(table: Table, database: Database, world: World) -> None:
    table.windows("État", deposit_deadline=("2026-12-20", "2027-01-10"))
    version = table.propose()
    for name in ("administrator", "animator", "funder État"):
        with pytest.raises(Forbidden), database.write() as session:
            answer(session, table.who(name), version, world.funders["CAF"], {"accepted": True}, NOW)
    with pytest.raises(Invalid) as refused:
        table.answer(version, accepted=False, message=" ")
    assert list(refused.value.fields) == ["message"]


def test_no_calendar_is_proposed_where_there_is_none(table: Table) -> None:
    table.windows("État", deposit_deadline=("2026-12-20", "2026-12-24"))
    table.windows("CAF", deposit_deadline=("2027-01-04", "2027-01-10"))
    with pytest.raises(Refused):
        table.propose()
    assert table.states() == []


def test_closures_count_and_are_forgotten(table: Table, database: Database, world: World) -> None:
    raw = {"label": "Pont", "first": "2026-12-21", "last": "2026-12-31"}
    with database.write() as session:
        closure = add_closure(session, table.who("administrator"), raw, NOW).id
    table.windows("État", deposit_deadline=("2026-12-20", "2027-01-10"))
    table.adopt(table.propose(), reason="essai")
    assert table.milestone("deposit_deadline").on == date(2027, 1, 4)
    with pytest.raises(Invalid), database.write() as session:
        add_closure(session, table.who("administrator"), {**raw, "last": "2026-12-20"}, NOW)
    with pytest.raises(Forbidden), database.write() as session:
        remove_closure(session, table.who("funder État"), closure, NOW)
    with database.write() as session:
        remove_closure(session, table.who("administrator"), closure, NOW)
    with database.read() as session:
        assert session.scalars(select(Closure)).all() == []


def test_moving_a_milestone_shows_first_what_follows(table: Table, database: Database, world: World) -> None:
    walk = Walk(database, world).submitted()
    with database.write() as session:
        rule = ReminderRule(
            code="test",
            label="Vérifier",
            state="submitted",
            due="dossier",
            asked="animator",
            offsets=[-1],
            escalation=[],
        )
        session.add(rule)
        session.flush()
        session.add(
            PlannedReminder(
                rule_id=rule.id,
                dossier_id=walk.dossier_id,
                rung=-1,
                due_on=DATES["completeness_deadline"],
                due_version=1,
                on_day=date(2027, 1, 14),
            )
        )
    found = table.consequences("completeness_deadline", "2027-02-22")
    assert isinstance(found, Consequences)
    assert [(row.label, row.after) for row in found.changed] == [
        ("completeness_deadline", date(2027, 2, 22)),
        ("opinion_deadline", date(2027, 3, 5)),
        ("technical_committee", date(2027, 3, 18)),
    ]
    assert [(row.state, row.dossiers, row.late, row.after) for row in found.redue] == [
        ("submitted", 1, 0, date(2027, 2, 22))
    ]
    assert [(row.rule, row.role, row.dossiers, row.before, row.after) for row in found.reminded] == [
        ("Vérifier", "animator", 1, date(2027, 1, 14), date(2027, 2, 19))
    ]
    assert table.milestone("completeness_deadline").on == DATES["completeness_deadline"], "nothing is done yet"
    table.move("completeness_deadline", "2027-02-22", found.seen, reason="Trop de dossiers")
    assert table.milestone("technical_committee").on == date(2027, 3, 18)
    assert table.milestone("steering_committee").version == 1
    assert table.states() == [(1, "proposed", "replaced"), (2, "moved", "adopted")]
    assert len(table.told("calendar_changed")) == found.told - (
        world.people["administrator"] in table.told("calendar_changed")
    )
    with database.read() as session:
        assert session.get_one(Dossier, walk.dossier_id).due_on == date(2027, 2, 22)
        payload = session.scalars(select(Outbox.payload).where(Outbox.kind == "calendar_changed")).first()
        assert payload is not None
        assert payload["reason"] == "Trop de dossiers"
        assert [change["label"] for change in payload["changes"]] == [row.label for row in found.changed]


def test_late_dossiers_are_counted(table: Table, database: Database, world: World) -> None:
    Walk(database, world).submitted()
    found = table.consequences("completeness_deadline", "2026-10-30")
    assert isinstance(found, Consequences)
    assert [row.late for row in found.redue] == [1]
    assert [row.label for row in found.changed] == ["deposit_deadline", "completeness_deadline"]


def test_a_move_seen_on_another_calendar_is_refused(table: Table) -> None:
    found = table.consequences("completeness_deadline", "2027-01-18")
    assert isinstance(found, Consequences)
    table.move("completeness_deadline", "2027-01-18", found.seen)
    with pytest.raises(Refused):
        table.move("completeness_deadline", "2027-01-20", found.seen)
    with pytest.raises(Invalid):
        table.consequences("completeness_deadline", "2040-01-01")


def test_a_move_outside_a_funders_dates_is_explained(table: Table) -> None:
    table.windows("CAF", completeness_deadline=("2027-01-10", "2027-01-20"))
    found = table.consequences("completeness_deadline", "2027-01-25")
    assert isinstance(found, Conflict)
    assert {row.kind for row in found.constraints} == {"window", "fixed"}


def test_versions_tell_who_moved_what(table: Table, database: Database, world: World) -> None:
    found = table.consequences("completeness_deadline", "2027-01-18")
    assert isinstance(found, Consequences)
    table.move("completeness_deadline", "2027-01-18", found.seen)
    with database.read() as session:
        shown = query.calendar(session, table.who("animator"), world.campaign_id)
        told = shown.versions[0]
        assert told.version.made_by_id == world.people["administrator"]
        assert [(row.label, row.before, row.after) for row in told.differences] == [
            ("completeness_deadline", DATES["completeness_deadline"], date(2027, 1, 18))
        ]
        assert shown.versions[1].differences == []
        bare = query.calendar(session, table.who("carrier"), world.campaign_id)
        assert (bare.versions, bare.funders, bare.closures) == ([], [], [])
        assert session.scalars(select(CalendarDate)).all()
        assert query.latest(session, NOW.date()) == world.campaign_id
        with pytest.raises(NotFound):
            query.calendar(session, table.who("carrier"), 999)
        assert session.get_one(Campaign, world.campaign_id).label == "Programmation 2027"


def test_an_opinion_after_the_committee_waits_for_another_session(database: Database, world: World) -> None:
    walk = Walk(database, world).assigned()
    amounts = {str(line): 1_000_00 for line in walk.lines().values()}
    for who in ("instructor 1", "instructor 2"):
        walk.act(who, "seal_opinion", verdict="favourable", strengths="Projet solide", amounts=amounts)
    walk.now = datetime(2027, 3, 20, 10, tzinfo=UTC)
    with pytest.raises(Refused, match="committee_ahead"):
        walk.act("instructor 1", "issue_opinion")
    with database.write() as session:
        session.add(
            CommitteeSession(campaign_id=world.campaign_id, instance_id=None, label="Rattrapage", on=date(2027, 4, 5))
        )
    walk.act("instructor 1", "issue_opinion")
    assert walk.state == "opinion"
