"""The day before a phrase is due, who has not done their part of a draw is reminded: once, by whoever ticks."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from notifications import draws
from tests.factories import NOW, Walk
from tests.workflow.test_sampling_plans import DUE, PHRASES, Stage
from workflow.models import Absence, Outbox, ReminderPreference
from workflow.use_cases import ceremony


@pytest.fixture
def stage(walk: Walk) -> Stage:
    walk.funded()
    Walk(walk.database, walk.world).funded()
    return Stage(walk.database, walk.world, []).planned()


def remind(stage: Stage, at: datetime) -> list[tuple[int | None, bool]]:
    """Tick twice, as two processes would; whom it told, and whether they had committed."""
    with stage.database.write() as session:
        waiting = draws.waiting(session, at)
        assert waiting == bool(draws.remind(session, at))
        assert not draws.waiting(session, at)
        rows = session.scalars(select(Outbox).where(Outbox.kind == "draw_phrase_due").order_by(Outbox.person_id))
        return [(row.person_id, row.payload["committed"]) for row in rows]


def test_who_did_not_do_their_part_is_reminded_the_day_before(stage: Stage) -> None:
    controller, transversal = (stage.world.people[who] for who in PHRASES)
    stage.do("controller", ceremony.commit, {"phrase": PHRASES["controller"]}, NOW)
    assert remind(stage, DUE - timedelta(days=2)) == []
    assert remind(stage, DUE - timedelta(hours=5)) == [(transversal, False)]
    stage.do("transversal", ceremony.commit, {"phrase": PHRASES["transversal"]}, NOW)
    stage.do("transversal", ceremony.reveal, {"phrase": PHRASES["transversal"]}, NOW)
    assert remind(stage, DUE - timedelta(hours=5)) == sorted([(controller, True), (transversal, False)])


def test_nobody_is_reminded_too_late_or_for_nothing(stage: Stage) -> None:
    assert remind(stage, DUE + timedelta(days=1)) == []
    stage.do("controller", ceremony.abandon, {"reason": "x"}, NOW)
    assert remind(stage, DUE - timedelta(hours=5)) == []


def _away(person: int) -> Any:
    return Absence(person_id=person, first=NOW.date(), last=DUE.date() + timedelta(days=9))


def _no_mail(person: int) -> Any:
    return ReminderPreference(person_id=person, hour=8, by_mail=False)


@pytest.mark.parametrize("wish", [_away, _no_mail])
def test_who_is_away_or_wants_no_reminder_gets_none(stage: Stage, wish: Callable[[int], Any]) -> None:
    controller, transversal = (stage.world.people[who] for who in PHRASES)
    with stage.database.write() as session:
        session.add(wish(transversal))
    assert remind(stage, DUE - timedelta(hours=5)) == [(controller, False)]
