"""Reminders: 7 days and 1 day before and the day after, once each, whatever the scheduler missed, and no other."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select, update

from notifications import reminders
from notifications.compose import Dropped, compose
from notifications.reminders import HOUR, OFFSETS
from tests.factories import DATES, NOW, Walk
from tests.notifications.conftest import Built, copied_sqlite
from tests.notifications.lives import answer_as_expert, consult, seal
from workflow.access import load_actor
from workflow.clock import PARIS
from workflow.db import Database
from workflow.models import BinomeMember, Dossier, Milestone, Outbox, Person, RoleGrant
from workflow.settings import Settings
from workflow.use_cases import campaign

DUE = DATES["opinion_deadline"]
DAY = timedelta(days=1)
REMINDERS = Outbox.key.like("remind:%")


def morning(day: date) -> datetime:
    """Half past nine in Paris."""
    return datetime.combine(day, time(9, 30), PARIS).astimezone(UTC)


def remind(database: Database, day: date) -> list[tuple[str, str]]:
    """One turn of the scheduler on a day: the new reminders, by kind and person."""
    with database.write() as session:
        last = session.scalar(select(func.max(Outbox.id))) or 0
        reminders.due(session, day, morning(day))
        rows = session.execute(
            select(Outbox.kind, Person.email).join(Person).where(REMINDERS, Outbox.id > last).order_by(Outbox.id)
        )
        return [(kind, email.partition("@")[0]) for kind, email in rows]


def by_day(database: Database, first: date, days: int) -> list[tuple[date, str, str]]:
    """A turn on each day."""
    return [(day, *found) for n in range(days) for day in [first + n * DAY] for found in remind(database, day)]


PAIR = ("instructor.1", "instructor.2")


# When


def test_an_opinion_is_recalled_to_both_three_times(walk: Walk) -> None:
    walk.assigned()
    assert by_day(walk.database, NOW.date(), 130) == [
        (DUE - 7 * DAY, "opinion_due", PAIR[0]),
        (DUE - 7 * DAY, "opinion_due", PAIR[1]),
        (DUE - DAY, "opinion_due", PAIR[0]),
        (DUE - DAY, "opinion_due", PAIR[1]),
        (DUE + DAY, "opinion_overdue", PAIR[0]),
        (DUE + DAY, "opinion_overdue", PAIR[1]),
    ]


def test_a_completion_is_recalled_to_the_carrier(walk: Walk) -> None:
    due = date(2026, 11, 20)
    walk.submitted().act("animator", "request_completion", pieces=["Devis"], due_on=due.isoformat())
    assert by_day(walk.database, NOW.date(), 30) == [
        (due - 7 * DAY, "completion_due", "carrier"),
        (due - DAY, "completion_due", "carrier"),
        (due + DAY, "completion_overdue", "carrier"),
    ]


def test_a_final_report_is_recalled_to_the_carrier_until_it_is_in(walk: Walk) -> None:
    walk.funded()
    due = DATES["final_report"]
    assert by_day(walk.database, due - 10 * DAY, 5) == [(due - 7 * DAY, "report_due", "carrier")]
    walk.act("carrier", "submit_final_report", narrative="Fait", beneficiaries=38, spent_cents=9_500_00)
    assert by_day(walk.database, due - 5 * DAY, 15) == []


def test_nothing_is_recalled_that_was_only_just_asked(walk: Walk) -> None:
    due = NOW.date() + 3 * DAY
    walk.submitted().act("animator", "request_completion", pieces=["Devis"], due_on=due.isoformat())
    assert by_day(walk.database, NOW.date(), 10) == [
        (due - DAY, "completion_due", "carrier"),
        (due + DAY, "completion_overdue", "carrier"),
    ]


def test_a_reminder_waits_for_the_morning(walk: Walk) -> None:
    walk.assigned()
    night = datetime.combine(DUE - DAY, time(0, 10), PARIS).astimezone(UTC)
    with walk.database.write() as session:
        assert reminders.due(session, DUE - DAY, night) == 2
        goes = set(session.scalars(select(Outbox.next_at).where(REMINDERS)))
    assert goes == {datetime.combine(DUE - DAY, HOUR, PARIS).astimezone(UTC)}


# Catching up


@pytest.mark.parametrize(
    ("back", "kinds"),
    [
        (DUE - 8 * DAY, []),
        (DUE - 6 * DAY, ["opinion_due"]),
        (DUE, ["opinion_due"]),
        (DUE + DAY, ["opinion_overdue"]),
        (DUE + 40 * DAY, ["opinion_overdue"]),
    ],
)
def test_after_an_outage_only_the_latest_is_sent(walk: Walk, back: date, kinds: list[str]) -> None:
    walk.assigned()
    assert remind(walk.database, back) == [(kind, who) for kind in kinds for who in PAIR]
    assert remind(walk.database, back) == []


@pytest.fixture(scope="module")
def assigned_sqlite(built_sqlite: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, int]]:
    """An assigned dossier; its due day is moved about and its reminders are taken away again."""
    database = copied_sqlite(built_sqlite, tmp_path_factory.mktemp("assigned"))
    yield database, Walk(database, built_sqlite.world).assigned().dossier_id
    database.dispose()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(
    due=st.dates(date(2026, 11, 20), date(2027, 11, 20)),
    downs=st.lists(st.tuples(st.integers(-12, 12), st.integers(1, 12)), max_size=3),
)
def test_through_a_year_each_falls_once_whatever_the_outages(
    assigned_sqlite: tuple[Database, int], due: date, downs: list[tuple[int, int]]
) -> None:
    database, dossier_id = assigned_sqlite
    with database.write() as session:
        session.execute(delete(Outbox).where(REMINDERS))
        session.execute(update(Dossier).where(Dossier.id == dossier_id).values(due_on=due))
    down = {due + (start + n) * DAY for start, length in downs for n in range(length)}
    days = [due + n * DAY for n in range(-14, 30) if due + n * DAY not in down]
    fallen = [(day, *found) for day in days for found in remind(database, day)]
    expected = []
    sent: set[int] = set()
    for day in days:
        latest = next((offset for offset in OFFSETS if day >= due - offset * DAY), None)
        if latest is not None and latest not in sent:
            sent.add(latest)
            expected.append((day, "opinion_overdue" if latest < 0 else "opinion_due"))
    assert [(day, kind) for day, kind, who in fallen if who == PAIR[0]] == expected
    assert Counter(who for *_, who in fallen) == dict.fromkeys(PAIR, len(expected))
    assert -1 in sent, "whoever is late is told in the end"


@pytest.mark.parametrize("weekday", range(7))
def test_every_day_of_the_week_is_a_day_to_be_due(assigned_sqlite: tuple[Database, int], weekday: int) -> None:
    database, dossier_id = assigned_sqlite
    due = date(2027, 3, 1) + weekday * DAY
    with database.write() as session:
        session.execute(delete(Outbox).where(REMINDERS))
        session.execute(update(Dossier).where(Dossier.id == dossier_id).values(due_on=due))
    assert [(due - day).days for day, _, who in by_day(database, due - 10 * DAY, 20) if who == PAIR[0]] == [7, 1, -1]


# What changed meanwhile


def test_a_due_day_that_moved_is_recalled_anew(walk: Walk, settings: Settings) -> None:
    walk.assigned()
    assert len(remind(walk.database, DUE - 7 * DAY)) == 2
    later = DUE + 10 * DAY
    with walk.database.write() as session:
        administrator = load_actor(session, walk.world.people["administrator"])
        assert administrator
        dates = {
            str(session.scalars(select(Milestone.id).where(_milestone(walk, code))).one()): on.isoformat()
            for code, on in (("opinion_deadline", later), ("technical_committee", later + DAY))
        }
        campaign.set_milestone_dates(
            session, administrator, walk.world.campaign_id, {"dates": dates}, morning(DUE - 6 * DAY)
        )
    with walk.database.read() as session:
        old = session.scalars(select(Outbox.id).where(REMINDERS)).all()
        assert all(isinstance(compose(session, settings, n, morning(DUE - 6 * DAY)), Dropped) for n in old)
    assert [day for day, _, who in by_day(walk.database, DUE - 6 * DAY, 40) if who == PAIR[0]] == [
        later - 7 * DAY,
        later - DAY,
        later + DAY,
    ]


def _milestone(walk: Walk, code: str) -> bool:
    return (Milestone.campaign_id == walk.world.campaign_id) & (Milestone.code == code)  # type: ignore[return-value]


def test_who_left_the_state_is_left_alone(walk: Walk) -> None:
    walk.assigned().act("carrier", "withdraw", reason="Plus de local")
    assert by_day(walk.database, DUE - 7 * DAY, 20) == []


def test_who_sealed_waits_for_the_other_and_both_must_issue(walk: Walk) -> None:
    walk.assigned()
    seal(walk, "instructor 1", "favourable")
    assert remind(walk.database, DUE - 7 * DAY) == [("opinion_due", PAIR[1])]
    seal(walk, "instructor 2", "favourable")
    assert remind(walk.database, DUE - DAY) == [("opinion_due", PAIR[0]), ("opinion_due", PAIR[1])]
    walk.act("instructor 2", "issue_opinion")
    assert remind(walk.database, DUE + DAY) == []


def test_who_came_later_is_recalled_what_comes_after(walk: Walk) -> None:
    walk.assigned()
    remind(walk.database, DUE - 7 * DAY)
    walk.now = morning(DUE - 5 * DAY)
    people = walk.world.people
    walk.act("animator", "replace_member", leaver_id=people["instructor 1"], newcomer_id=people["instructor 3"])
    assert [found for found in by_day(walk.database, DUE - 5 * DAY, 20) if found[2] != PAIR[1]] == [
        (DUE - DAY, "opinion_due", "instructor.3"),
        (DUE + DAY, "opinion_overdue", "instructor.3"),
    ]


def test_nobody_is_hurried_while_an_expert_is_asked(walk: Walk) -> None:
    walk.assigned()
    walk.now = morning(DUE - 12 * DAY)
    asked = consult(walk, days=20)
    assert by_day(walk.database, DUE - 12 * DAY, 8) == []
    answer_as_expert(walk, asked, "answer", answer="Oui")
    assert len(remind(walk.database, DUE - 3 * DAY)) == 2


def test_who_has_no_role_or_account_any_more_is_not_written_to(walk: Walk) -> None:
    walk.assigned()
    with walk.database.write() as session:
        session.execute(update(Person).where(Person.id == walk.world.people["instructor 1"]).values(active=False))
    assert remind(walk.database, DUE) == [("opinion_due", PAIR[1])]
    walk.act("instructor 2", "request_completion", pieces=["Devis"], due_on="2027-03-31")
    with walk.database.write() as session:
        session.execute(update(RoleGrant).where(RoleGrant.role == "carrier").values(ended_at=NOW))
    assert remind(walk.database, date(2027, 3, 31)) == []


# When it goes out


def written(walk: Walk, day: date) -> list[int]:
    remind(walk.database, day)
    with walk.database.read() as session:
        return list(session.scalars(select(Outbox.id).where(REMINDERS).order_by(Outbox.id)))


def fate(walk: Walk, settings: Settings, outbox_id: int, day: date) -> str:
    with walk.database.read() as session:
        mail = compose(session, settings, outbox_id, morning(day))
    return mail.why if isinstance(mail, Dropped) else "goes"


def test_a_reminder_that_waited_is_looked_at_again(walk: Walk, settings: Settings) -> None:
    walk.assigned()
    first, second = written(walk, DUE - 7 * DAY)
    stale = "done meanwhile, or due on another day"
    assert [fate(walk, settings, n, DUE - 2 * DAY) for n in (first, second)] == ["goes", "goes"]
    assert fate(walk, settings, first, DUE - DAY) == stale, "the next one is due: two at once would be a burst"
    seal(walk, "instructor 1", "favourable")
    assert [fate(walk, settings, n, DUE - 7 * DAY) for n in (first, second)] == [stale, "goes"]
    with walk.database.write() as session:
        session.execute(update(BinomeMember).where(BinomeMember.dossier_id == walk.dossier_id).values(left_at=NOW))
    assert fate(walk, settings, second, DUE - 7 * DAY) == stale


def test_a_completion_that_came_is_not_recalled(walk: Walk, settings: Settings) -> None:
    due = date(2026, 11, 20)
    case = walk.submitted().act("animator", "request_completion", pieces=["Devis"], due_on=due.isoformat())
    (reminder,) = written(walk, due - DAY)
    assert fate(walk, settings, reminder, due) == "goes"
    with walk.database.read() as session:
        piece = session.connection().exec_driver_sql("SELECT id FROM piece").scalar()
    assert case.target == "incomplete"
    walk.act("carrier", "complete", answers={str(piece): "Voici"})
    assert fate(walk, settings, reminder, due).startswith("done meanwhile")


# How


def test_two_schedulers_at_once_write_each_once_and_neither_fails(walk: Walk) -> None:
    walk.assigned()
    start, written_by, failures = Barrier(2), list[int](), list[BaseException]()

    def turn() -> None:
        try:
            with walk.database.write() as session:
                if walk.database.reader is walk.database.writer:  # PostgreSQL: both read before either writes
                    reminders.find(session, DUE, NOW)
                    start.wait(10)
                written_by.append(reminders.due(session, DUE, NOW))
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=turn) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(written_by) == 2
    with walk.database.read() as session:
        assert session.scalar(select(func.count()).where(REMINDERS)) == 2


def test_statements_do_not_grow_with_dossiers(built_sqlite: Built, tmp_path: Path, settings: Settings) -> None:
    database, world = copied_sqlite(built_sqlite, tmp_path), built_sqlite.world
    counts = []
    seen: list[str] = []
    event.listen(database.writer, "before_cursor_execute", lambda _c, _cur, statement, *_: seen.append(statement))
    for _ in range(3):
        for _ in range(4):
            Walk(database, world).assigned()
        with database.write() as session:
            session.execute(delete(Outbox).where(REMINDERS))
        seen.clear()
        found = remind(database, DUE)
        counts.append((len(found), len(seen)))
    database.dispose()
    assert [found for found, _ in counts] == [8, 16, 24]
    assert len({statements for _, statements in counts}) == 1
