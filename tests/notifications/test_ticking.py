"""Reminders whatever the clock, the calendar and the schedulers do: each once, on a working day, at the hour."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import func, select, update

from notifications import scheduler
from notifications.compose import Dropped, compose
from tests.factories import NOW, Walk
from tests.notifications.conftest import Built, copied_sqlite
from tests.notifications.test_mail import Server25, serving
from tests.notifications.test_reminders import DUE, PAIR, on
from tests.notifications.ticking import DAY, Sent, by_day, morning, tick
from workflow.calendars.working_days import is_working_day, next_working_day
from workflow.clock import PARIS, local_day
from workflow.db import Database
from workflow.errors import DomainError
from workflow.models import (
    Absence,
    BinomeMember,
    Dossier,
    JointOpinion,
    MailboxMessage,
    Opinion,
    Outbox,
    Person,
    PlannedReminder,
    Reminder,
    ReminderRule,
)
from workflow.settings import Settings
from workflow.use_cases import campaign


def due_by(walk: Walk, day: date) -> None:
    """Let the dossier's opinion be due by a day."""
    with walk.database.write() as session:
        session.execute(
            update(Dossier)
            .where(Dossier.id == walk.dossier_id)
            .values(due_on=day, due_version=Dossier.due_version + 1, reminders_planned=False)
        )


# The calendar


@pytest.mark.parametrize(
    ("due", "eve"),
    [
        (date(2027, 3, 1), date(2027, 2, 26)),  # a Monday
        (date(2027, 1, 4), date(2026, 12, 31)),  # the first working day of the year
        (date(2027, 3, 30), date(2027, 3, 26)),  # after Easter Monday and the hour that is not
        (date(2026, 12, 27), date(2026, 12, 24)),  # a Sunday
        (date(2027, 11, 2), date(2027, 10, 29)),  # after All Saints' and the hour that comes twice
    ],
)
def test_whatever_the_due_day_its_eve_is_the_working_day_before(walk: Walk, due: date, eve: date) -> None:
    walk.assigned()
    due_by(walk, due)
    sent = by_day(walk.database, due - 10 * DAY, 18)
    assert [found.day for found in sent if found.rung == -1] == [eve, eve]
    assert all(is_working_day(found.day) for found in sent)


@pytest.mark.parametrize("sunday", [date(2027, 3, 28), date(2027, 10, 31)])
def test_over_a_change_of_clocks_it_comes_at_the_hour_once(walk: Walk, sunday: date) -> None:
    walk.assigned()
    eve = on(1, sunday)
    due_by(walk, on(1, eve))
    tick(walk.database, morning(sunday - 2 * DAY))
    start = datetime.combine(sunday, time(0), PARIS).astimezone(UTC)
    instants = [start + n * timedelta(minutes=30) for n in range(120)]
    went = [instant for instant in instants for _ in tick(walk.database, instant)]
    assert [instant.astimezone(PARIS) for instant in went] == 2 * [datetime.combine(eve, time(8), PARIS)]


def test_a_weekday_without_a_tick_is_made_up_for_the_next_day(walk: Walk) -> None:
    walk.assigned()
    sent = by_day(walk.database, on(-8), 10, without=[on(-7)])
    assert [(found.day, found.rung) for found in sent if found.rung != -15] == sorted(2 * [(on(-6), -7), (on(-1), -1)])


def test_a_clock_that_jumps_forth_and_back_repeats_nothing(walk: Walk) -> None:
    walk.assigned()
    days = [on(-15), on(-7), on(-15), on(1), on(-7), on(-1), on(1), on(10), on(5), on(10)]
    sent = [found for day in days for found in tick(walk.database, morning(day))]
    assert max(Counter((found.who, found.rung) for found in sent).values()) == 1
    assert [(found.day, found.rung) for found in sent if found.who == PAIR[0]] == [
        (on(-15), -15),
        (on(-7), -7),
        (on(1), 1),
        (on(10), 5),
    ]


def test_after_three_weeks_without_a_tick_one_digest_says_so(
    walk: Walk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.reminders.content.SHOWN", 1)
    for number in range(3):
        other = Walk(walk.database, walk.world).assigned()
        due_by(other, on(2 * number))
    tick(walk.database, morning(on(-16)))
    sent = tick(walk.database, morning(on(8)))
    assert Counter(found.who for found in sent) == {PAIR[0]: 3, PAIR[1]: 3, "animator": 2}
    with walk.database.read() as session:
        late = select(Outbox.id).where(Outbox.kind == "digest", Outbox.created_at > morning(on(7)))
        mails = list(compose(session, settings, session.scalars(late).all(), morning(on(8))))
    assert len(mails) == 3
    for mail in mails:
        assert not isinstance(mail, Dropped)
        assert "n'ont pas pu partir plus tôt" in mail.body
        assert "- et 1 autre : https://binome.example" in mail.body
    assert tick(walk.database, morning(on(8), hour=12)) == []


# Schedulers and servers


def test_two_schedulers_at_once_double_nothing(walk: Walk, settings: Settings) -> None:
    """On PostgreSQL both are in the middle of the same steps; on SQLite they queue."""
    for _ in range(4):
        Walk(walk.database, walk.world).assigned()
    failures: list[Exception] = []
    for day in (NOW.date(), on(-7), on(-1), on(5)):
        together(walk.database.url, settings, morning(day), failures)
        scheduler.tick(walk.database, settings, morning(day, hour=10))
    assert failures == []
    with walk.database.read() as session:
        rungs = session.execute(select(Reminder.person_id, Reminder.dossier_id, Reminder.rung, Reminder.state)).all()
        digests = select(MailboxMessage.recipient).join(Outbox, Outbox.id == MailboxMessage.outbox_id)
        kept = session.scalars(digests.where(Outbox.kind == "digest")).all()
    assert max(Counter((row.person_id, row.dossier_id, row.rung) for row in rungs).values()) == 1
    assert {row.state for row in rungs} <= {"sent", "dropped"}
    assert Counter(address.partition("@")[0] for address in kept) == {PAIR[0]: 3, PAIR[1]: 3, "animator": 1}


def together(url: str, settings: Settings, at: datetime, failures: list[Exception]) -> None:
    """Three ticks at once."""
    databases = [Database(url) for _ in range(3)]
    start = Barrier(len(databases))

    def work(database: Database) -> None:
        start.wait(10)
        try:
            scheduler.tick(database, settings, at)
        except Exception as error:
            failures.append(error)
        finally:
            database.dispose()

    threads = [Thread(target=work, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Particular(Server25):
    """Refuses one address."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address == "instructor.1@binome.example":
            return "550 no such user"
        return await super().handle_RCPT(server, session, envelope, address, options)


def test_a_recipient_that_fails_in_the_middle_of_a_batch_stops_no_other(walk: Walk, settings: Settings) -> None:
    walk.assigned()
    heard = Particular()
    with serving(heard) as controller:
        to = settings.model_copy(update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{controller.port}")})
        done = scheduler.tick(walk.database, to, morning(on(5)))
    assert done["failed"] >= 1
    assert {"instructor.2@binome.example", "animator@binome.example"} <= {
        address for _, addresses, _ in heard.heard for address in addresses
    }
    with walk.database.read() as session:
        digests = select(Person.email, Outbox.state).join(Person, Person.id == Outbox.person_id)
        states = session.execute(digests.where(Outbox.kind == "digest")).all()
    assert {email.partition("@")[0]: state for email, state in states} == {
        PAIR[0]: "failed",
        PAIR[1]: "sent",
        "animator": "sent",
    }


# Whatever happens, in whatever order


@dataclass
class Story:
    """A dossier whose story hypothesis tells, and what was sent."""

    walk: Walk
    at: datetime = NOW
    sent: list[tuple[Sent, date]] = field(default_factory=list)

    def later(self, minutes: int) -> None:
        """Time passes, and a tick comes."""
        self.at += timedelta(minutes=minutes)
        database = self.walk.database
        with database.read() as session:
            dossier = session.get_one(Dossier, self.walk.dossier_id)
            waiting = self.asked()
        for found in tick(database, self.at):
            assert dossier.state == {"opinion": "assigned", "tabling": "opinion"}[found.rule], "what is done rests"
            assert dossier.due_on
            if found.who.startswith("instructor") and found.rung != 3:
                assert found.who in waiting
            self.sent.append((found, dossier.due_on))
            local = self.at.astimezone(PARIS)
            assert is_working_day(local.date())
            assert local.hour >= 8
            assert self.away(found.who) is None

    def asked(self) -> set[str]:
        """Who has an opinion to seal; the two, where both did."""
        sealed = select(Opinion.author_id).where(
            Opinion.dossier_id == self.walk.dossier_id, Opinion.sealed_at.is_not(None), Opinion.superseded_at.is_(None)
        )
        with self.walk.database.read() as session:
            members = select(Person.email, Person.id.in_(sealed).label("sealed"), Person.active).where(
                Person.id == BinomeMember.person_id,
                BinomeMember.dossier_id == self.walk.dossier_id,
                BinomeMember.left_at.is_(None),
            )
            rows = session.execute(members).all()
        undone = [row for row in rows if not row.sealed] or rows
        return {row.email.partition("@")[0] for row in undone if row.active}

    def away(self, who: str) -> Absence | None:
        """The absence in which a tick falls."""
        day = local_day(self.at)
        with self.walk.database.read() as session:
            return session.scalar(
                select(Absence)
                .join(Person, Person.id == Absence.person_id)
                .where(Person.email == f"{who}@binome.example", Absence.first <= day, Absence.last >= day)
                .limit(1)
            )

    def seal(self, seat: int) -> None:
        """A member seals an opinion."""
        amounts = {str(line): 2_500_00 for line in self.walk.lines().values()}
        opinion = {"verdict": "favourable", "strengths": "F", "reservations": "R", "amounts": amounts}
        self.act(f"instructor {seat}", "seal_opinion", **opinion)

    def issue(self) -> None:
        """They issue their opinion."""
        self.act("instructor 1", "issue_opinion")

    def reopen(self) -> None:
        """The animator has it looked at again."""
        self.act("animator", "reopen_instruction", reason="À revoir")

    def replace(self) -> None:
        """Somebody else comes in for the first member."""
        people = self.walk.world.people
        self.act("animator", "replace_member", leaver_id=people["instructor 1"], newcomer_id=people["instructor 3"])

    def act(self, who: str, name: str, **raw: object) -> None:
        """An act, where it is allowed."""
        self.walk.now = self.at
        try:
            self.walk.act(who, name, **raw)
        except DomainError:
            return

    def move(self, days: int) -> None:
        """The administrator moves the milestone, not into the past."""
        with self.walk.database.write() as session:
            number = session.execute(
                select(campaign.Milestone.id).where(
                    campaign.Milestone.campaign_id == self.walk.world.campaign_id,
                    campaign.Milestone.code == "opinion_deadline",
                )
            ).scalar_one()
            actor = self.walk.world.actor(session, "administrator")
            day = max(DUE - days * DAY, local_day(self.at))
            raw = {"dates": {str(number): day.isoformat()}}
            campaign.set_milestone_dates(session, actor, self.walk.world.campaign_id, raw, self.at)

    def leave(self, length: int) -> None:
        """The second member declares an absence."""
        first = local_day(self.at) + DAY
        with self.walk.database.write() as session:
            person_id = self.walk.world.people["instructor 2"]
            session.add(Absence(person_id=person_id, first=first, last=first + length * DAY))

    def edit(self, offset: int) -> None:
        """The rule gets another rung."""
        with self.walk.database.write() as session:
            rule = session.scalars(select(ReminderRule).where(ReminderRule.code == "opinion")).one()
            rule.offsets = sorted({*rule.offsets, offset})
            session.execute(update(Dossier).values(reminders_planned=False))


STEPS = st.one_of(
    st.tuples(st.just("later"), st.integers(20, 20 * 24 * 60)),
    st.tuples(st.just("later"), st.integers(20, 3 * 24 * 60)),
    st.tuples(st.just("seal"), st.integers(1, 3)),
    st.tuples(st.just("issue")),
    st.tuples(st.just("reopen")),
    st.tuples(st.just("replace")),
    st.tuples(st.just("move"), st.integers(0, 20)),
    st.tuples(st.just("leave"), st.integers(0, 25)),
    st.tuples(st.just("edit"), st.integers(-20, 8)),
)


@pytest.fixture(scope="module")
def beginning(built_sqlite: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """An assigned dossier, some time before its opinion is due."""
    database = copied_sqlite(built_sqlite, tmp_path_factory.mktemp("beginning"))
    Walk(database, built_sqlite.world).assigned()
    database.dispose()
    return Built(str(database.url).removeprefix("sqlite:///"), built_sqlite.world)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_whatever_happens_nobody_hears_twice_or_of_what_is_not_theirs(
    beginning: Built, tmp_path_factory: pytest.TempPathFactory, settings: Settings, steps: list[tuple[str, int]]
) -> None:
    database = copied_sqlite(beginning, tmp_path_factory.mktemp("story"))
    walk = Walk(database, beginning.world)
    walk.dossier_id = 1
    story = Story(walk, morning(on(-18)))
    for name, *given_ in steps:
        getattr(story, name)(*given_)
    for _ in range(4):
        story.at = morning(next_working_day(local_day(story.at) + 25 * DAY))
        story.later(0)
    assert max(Counter((*one[1:], due) for one, due in story.sent).values(), default=1) == 1
    with database.read() as session:
        mails = session.scalars(select(Outbox.key).where(Outbox.kind == "digest")).all()
        state = session.get_one(Dossier, 1).state
        planned = session.scalar(select(func.count()).select_from(PlannedReminder))
        issued = session.scalar(select(func.count()).select_from(JointOpinion))
    assert len(set(mails)) == len(mails)
    if state == "assigned" and not issued:
        assert any(one.who == "transversal" for one, _ in story.sent), "what stays undone is told in the end"
        assert planned == 0
    database.dispose()
