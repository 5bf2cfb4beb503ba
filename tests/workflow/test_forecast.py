"""The forecast: the survival curve against one worked by hand, its calibration on data of its own model, what helps."""

from datetime import datetime, time, timedelta

import numpy as np
import pytest

from tests.factories import DATES, NOW, Walk, build
from workflow.calendars.forecast import ASSIGN, INSTRUCT, Forecast, Observed, Waiting, forecast, survival_curve
from workflow.clock import PARIS
from workflow.db import Database
from workflow.queries import forecast as query


def test_the_survival_curve_is_that_of_the_textbook() -> None:
    # Waits 2, 3, 3+, 5, 8+ (+: still going on): S(2) = 4/5, S(3) = 4/5 · 3/4, S(5) = that · 1/2.
    rows = np.array([(2, 1), (3, 1), (3, 0), (5, 1), (8, 0)], dtype=float)
    days, survival = survival_curve(rows)
    assert days.tolist() == [2, 3, 5]
    assert survival.tolist() == pytest.approx([0.8, 0.6, 0.3])


def draws(random: np.random.Generator, mean: float, count: int) -> list[float]:
    return [float(day) for day in np.ceil(random.exponential(mean, count))]


def observed(random: np.random.Generator, count: int = 60) -> list[Observed]:
    return [
        *(Observed(ASSIGN, day, True) for day in draws(random, 5, count)),
        *(Observed(INSTRUCT, day, True) for day in draws(random, 12, count)),
    ]


def said(rows: list[Observed], waiting: list[Waiting], left: float, seed: int = 1) -> Forecast:
    found = forecast(rows, waiting, {1: left}, {}, {}, seed)
    assert found is not None
    return found


def test_four_intervals_in_five_hold_what_comes() -> None:
    random = np.random.default_rng(7)
    held = 0
    trials = 40
    for trial in range(trials):
        waiting = [Waiting(n, 1, INSTRUCT, 0) for n in range(25)]
        share = said(observed(random), waiting, 14, trial).shares[0]
        came = sum(day <= 14 for day in draws(random, 12, 25)) / 25
        held += share.low <= came <= share.high
    assert 0.7 <= held / trials <= 0.97


def test_who_waited_long_is_judged_by_the_others_who_did() -> None:
    rows = [Observed(ASSIGN, 1, True)] * 10 + [Observed(INSTRUCT, 5, True)] * 10 + [Observed(INSTRUCT, 30, True)] * 10
    found = said(rows, [Waiting(1, 1, INSTRUCT, 0), Waiting(2, 1, INSTRUCT, 10)], 10)
    assert 0.3 < found.chances[1] < 0.7
    assert found.chances[2] < 0.05


def test_dossiers_that_still_wait_are_not_forgotten() -> None:
    quick = [Observed(ASSIGN, 1, True)] * 10 + [Observed(INSTRUCT, 5, True)] * 10
    stuck = [*quick, *[Observed(INSTRUCT, 40, False)] * 10]
    waiting = [Waiting(1, 1, INSTRUCT, 0)]
    assert said(quick, waiting, 10).chances[1] > 0.95
    assert said(stuck, waiting, 10).chances[1] < 0.75


def test_the_same_seed_says_the_same_and_too_little_says_nothing() -> None:
    rows = observed(np.random.default_rng(3))
    waiting = [Waiting(1, 1, ASSIGN, 2), Waiting(2, 1, INSTRUCT, 3, (5, 6))]
    assert said(rows, waiting, 15) == said(rows, waiting, 15)
    assert forecast(rows[:3], waiting, {1: 15}, {}, {}, 1) is None


def test_what_helps_most_comes_first() -> None:
    random = np.random.default_rng(5)
    rows = [Observed(ASSIGN, day, True) for day in draws(random, 12, 60)]
    rows += [Observed(INSTRUCT, 4.0 * load, True, load) for load in (1, 2, 4) for _ in range(10)]
    waiting = [Waiting(n, 1, INSTRUCT, 0, (5, 6 + n)) for n in range(8)]
    found = said(rows, waiting, 20)
    assert found.exponent > 0.8
    assert found.alternatives[0].name == "relieve"
    assert found.alternatives[0].subject == 5
    evenly = [Waiting(n, 1, INSTRUCT, 0, (2 * n % 6, 2 * n % 6 + 1)) for n in range(9)]
    assert ("one_more", 1) in {(row.name, row.subject) for row in said(rows, evenly, 10).alternatives}
    unassigned = [Waiting(n, 1, ASSIGN, 0) for n in range(8)]
    assert said(rows, unassigned, 12).alternatives[0].name == "assign_now"


def test_who_is_not_chosen_yet_is_not_supposed_idle() -> None:
    rows = [Observed(ASSIGN, 1, True)] * 10
    rows += [Observed(INSTRUCT, 4.0 * load, True, load) for load in (1, 2, 4) for _ in range(10)]
    alone, usual = 1 + 4, 1 + 4 * 7 / 3
    assert said(rows, [Waiting(1, 1, ASSIGN, 0)], (alone + usual) / 2).chances[1] < 0.1
    assert said(rows, [Waiting(1, 1, ASSIGN, 0)], usual + 3).chances[1] > 0.9


def test_what_members_do_elsewhere_slows_them_here() -> None:
    rows = [Observed(ASSIGN, 1, True)] * 10
    rows += [Observed(INSTRUCT, 4.0 * load, True, load) for load in (1, 2, 4) for _ in range(10)]
    here, elsewhere = Waiting(1, 1, INSTRUCT, 0, (5, 6)), [Waiting(n, 2, INSTRUCT, 0, (5, 7)) for n in (2, 3, 4)]
    assert said(rows, [here], 8).chances[1] > 0.9
    found = said(rows, [here, *elsewhere], 8)
    assert found.chances.keys() == {1}
    assert found.chances[1] < 0.1


def test_it_is_read_from_the_journal(database_url: str) -> None:
    database = Database(database_url)
    world = build(database)
    for _ in range(6):
        Walk(database, world).opinion()
    waiting = Walk(database, world).assigned()
    with database.read() as session:
        found = query.predict(session, world.campaign_id, [world.instance_id], NOW + timedelta(days=3))
        assert found is not None
        assert set(found.chances) == {waiting.dossier_id}
        (share,) = found.shares
        assert share.waiting == 1
        assert found.observed == {ASSIGN: 7, INSTRUCT: 6}
        assert query.predict(session, world.campaign_id, [], NOW) is not None
        late = query.check(session, world.campaign_id, NOW + timedelta(days=400))
        assert all(0 <= row.low <= row.middle <= row.high <= 1 for row in late)
        assert query.check(session, world.campaign_id, NOW) == []
        assert {row.usual for row in late} <= {None}, "no campaign before this one"
    database.dispose()


def test_a_forecast_of_the_past_stands_beside_the_campaign_before(database_url: str) -> None:
    database = Database(database_url)
    world = build(database)
    eve = datetime.combine(DATES["technical_committee"] - timedelta(days=1), time(9), PARIS)
    opined = [eve, eve + timedelta(days=1), eve + timedelta(days=2), None]
    lives = [query.Life(n, world.campaign_id, world.instance_id, NOW, NOW, at) for n, at in enumerate(opined)]
    withdrawn = query.Life(9, world.campaign_id, world.instance_id, NOW, NOW, None, eve)
    with database.read() as session:
        assert query._usual(session, [*lives, withdrawn], world.campaign_id) == 2 / 4
        assert query._usual(session, [withdrawn], world.campaign_id) is None
        assert query._usual(session, lives, None) is None
    database.dispose()
