"""Rules as people edit them, absences and hours, and the one digest of a day."""

from datetime import date

import pytest
from sqlalchemy import delete, event, select, update

from tests.factories import Walk
from tests.notifications.lives import seal
from tests.notifications.test_reminders import DUE, PAIR, kept, on
from tests.notifications.ticking import Sent, by_day, fates, morning, tick
from workflow import reminder_rules
from workflow.models import (
    Absence,
    Closure,
    Dossier,
    Outbox,
    ReminderPreference,
    ReminderRule,
)

# Rules as data


def test_an_instance_may_have_its_own_rule_and_nobody_hears_a_rung_twice_for_it(walk: Walk) -> None:
    walk.assigned()
    assert len(tick(walk.database, morning(on(-7)))) == 2
    own = ReminderRule(
        code="opinion",
        instance_id=walk.world.instance_id,
        label="Avis",
        state="assigned",
        due="dossier",
        asked="binome",
        offsets=[-7, -2],
        escalation=[],
    )
    kept(walk, own)
    with walk.database.write() as session:
        session.execute(update(Dossier).values(reminders_planned=False))
    assert by_day(walk.database, on(-6), 30) == [Sent(on(-2), who, "opinion", -2) for who in PAIR]


def test_a_rule_that_rests_recalls_nothing(walk: Walk) -> None:
    walk.assigned()
    tick(walk.database, morning(on(-15)))
    tick(walk.database, morning(on(-7), hour=0))
    with walk.database.write() as session:
        session.execute(update(ReminderRule).where(ReminderRule.code == "opinion").values(active=False))
    assert tick(walk.database, morning(on(-7))) == []
    assert fates(walk.database)[-1] == (PAIR[1], "dropped", "moved")


def test_a_database_of_before_the_rules_gets_them_at_the_first_tick(walk: Walk) -> None:
    walk.assigned()
    with walk.database.write() as session:
        session.execute(delete(ReminderRule))
    assert len(tick(walk.database, morning(on(-7)))) == 2
    with walk.database.write() as session:
        assert reminder_rules.install(session) == 0


# Whoever is away


def test_it_comes_the_day_they_are_back_once_and_the_clock_of_an_escalation_waits(walk: Walk) -> None:
    walk.assigned()
    seal(walk, "instructor 1", "favourable")
    away = Absence(person_id=walk.world.people["instructor 2"], first=on(-8), last=on(2))
    kept(walk, away)
    back = on(3)
    sent = by_day(walk.database, on(-15), 45)
    assert sent[:2] == [Sent(on(-15), PAIR[1], "opinion", -15), Sent(back, PAIR[1], "opinion", 1)]
    # On due day + 3 they had worked one day since; the third of theirs is two working days later.
    assert [(found.day, found.who, found.rung) for found in sent[2:]] == [
        (on(5), PAIR[0], 3),
        (on(5), PAIR[1], 5),
        (on(7), "animator", 5),
        (on(12), "transversal", 10),
    ]
    with walk.database.read() as session:
        late = session.scalars(select(Outbox.payload).where(Outbox.kind == "digest"))
        assert not any(payload["late"] for payload in late), "who was away is not told of an outage"


def test_on_days_that_nobody_works_nothing_comes(walk: Walk) -> None:
    walk.assigned()
    kept(walk, Closure(label="Ville fermée", first=on(-7), last=on(-7)))
    sent = by_day(walk.database, on(-8), 12)
    assert {found.day for found in sent if found.rung == -7} == {on(-8)}, "counted back over the closure"


def test_everybody_is_reminded_at_the_hour_they_chose(walk: Walk) -> None:
    walk.assigned()
    kept(walk, ReminderPreference(person_id=walk.world.people["instructor 1"], hour=14))
    assert [found.who for found in tick(walk.database, morning(on(-7), hour=7))] == []
    assert [found.who for found in tick(walk.database, morning(on(-7), hour=8))] == [PAIR[1]]
    assert [found.who for found in tick(walk.database, morning(on(-7), hour=13))] == []
    assert [found.who for found in tick(walk.database, morning(on(-7), hour=14))] == [PAIR[0]]


def test_who_wants_no_mail_finds_it_in_their_history(walk: Walk) -> None:
    walk.assigned()
    kept(walk, ReminderPreference(person_id=walk.world.people["instructor 1"], by_mail=False))
    assert [found.who for found in tick(walk.database, morning(on(-7)))] == [PAIR[1]]
    assert (PAIR[0], "dropped", "no_mail") in fates(walk.database)


# One digest


def test_one_message_a_day_across_dossiers(walk: Walk) -> None:
    walk.assigned()
    Walk(walk.database, walk.world).assigned()
    Walk(walk.database, walk.world).submitted()
    assert len(tick(walk.database, morning(on(-7)))) == 6
    with walk.database.read() as session:
        digests = session.scalars(select(Outbox.person_id).where(Outbox.kind == "digest")).all()
    assert len(digests) == len(set(digests)) == 4


def test_what_comes_after_the_digest_of_the_day_waits_for_the_next_working_day(walk: Walk) -> None:
    walk.assigned()
    tick(walk.database, morning(on(-7)))
    Walk(walk.database, walk.world).assigned()
    assert tick(walk.database, morning(on(-7), hour=11)) == []
    assert [found.rung for found in tick(walk.database, morning(on(-6)))] == [-7, -7]


@pytest.mark.parametrize(
    ("back", "rungs"),
    [(on(-8), {-15}), (on(-6), {-7}), (DUE, {-1}), (on(1), {1}), (on(40), {5, 10})],
)
def test_after_an_outage_only_the_latest_is_sent_and_said(walk: Walk, back: date, rungs: set[int]) -> None:
    walk.assigned()
    sent = tick(walk.database, morning(back))
    assert {found.rung for found in sent} == rungs
    assert tick(walk.database, morning(back, hour=12)) == []
    with walk.database.read() as session:
        said = {payload["late"] for payload in session.scalars(select(Outbox.payload).where(Outbox.kind == "digest"))}
    # One working day later is no outage; what is due today comes alone.
    assert said == ({back not in (on(-6), on(1))} if back != DUE else set())


def test_statements_do_not_grow_with_dossiers(walk: Walk) -> None:
    counts = []
    seen: list[str] = []
    event.listen(walk.database.writer, "before_cursor_execute", lambda _c, _cur, words, *_: seen.append(words))
    for number, day in ((1, on(-7)), (2, on(-6)), (4, on(-5))):
        for _ in range(number):
            Walk(walk.database, walk.world).assigned()
        seen.clear()
        counts.append((len(tick(walk.database, morning(day))), len(seen)))
    assert [found for found, _ in counts] == [2, 4, 8]
    assert len({statements for _, statements in counts}) == 1
