"""Which share of the opinions will be in by the committee: simulated from durations observed and loads. Pure.

The model has two waits, from deposit to a binôme and from there to the opinion. How long each lasts is the survival
curve of what was observed, dossiers that still wait included (Kaplan and Meier, 1958; a constant hazard beyond the last
observation). Each simulation draws the observations anew (bootstrap, Efron 1979), so that few of them give a wide
interval, then draws for each dossier how long it still waits, given how long it has waited. A binôme's wait grows with
the load of its busier member to a power that is fitted to the observations, between 0 and 1; who is not known yet is
supposed to have the mean load observed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ASSIGN, INSTRUCT = "assign", "instruct"
"""The two waits: for a binôme, for its opinion."""

SIMULATIONS = 400
FEWEST = 5
"""Without so many ended waits of a kind nothing is said."""
LATER = 5
"""By how many working days a committee is moved in the alternative that moves it."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One wait in working days: `ended`, or still going on (or broken off) after `days`; `load`, open dossiers of the
    busier member when it began (1 for the first wait)."""

    stage: str
    days: float
    ended: bool
    load: float = 1


@dataclass(frozen=True, slots=True)
class Waiting:
    """A dossier without opinion: its wait, for how many working days already, and its binôme's members."""

    id: int
    instance: int
    stage: str
    elapsed: float
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """Part of an instance's dossiers with an opinion in time: median, and the bounds of four simulations in five."""

    instance: int
    waiting: int
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """What could be done, and by how much the share of all dossiers in time would grow on average."""

    name: str
    gain: float
    subject: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Shares per instance, the chance of each dossier, what would help most first, and how it was computed."""

    shares: Sequence[Share]
    chances: Mapping[int, float]
    alternatives: Sequence[Alternative]
    observed: Mapping[str, int]
    exponent: float
    seed: int
    simulations: int = SIMULATIONS


def forecast(
    observed: Sequence[Observed],
    waiting: Sequence[Waiting],
    left: Mapping[int, float],
    in_time: Mapping[int, int],
    late: Mapping[int, int],
    seed: int,
) -> Forecast | None:
    """The forecast for the instances in `left` (working days until their committee); None with too little observed.

    `in_time` and `late` count the opinions that are in already, by instance. What waits in instances that are not in
    `left` is not forecast, but counts in its members' load.
    """
    ended = {stage: sum(row.ended for row in observed if row.stage == stage) for stage in (ASSIGN, INSTRUCT)}
    if min(ended.values()) < FEWEST:
        return None
    exponent = _exponent(observed)
    known = [row for row in waiting if row.instance in left]
    loads = _loads(waiting)
    base = _simulate(observed, known, left, loads, exponent, seed)
    shares = []
    for instance in left:
        own = np.array([row.instance == instance for row in known], dtype=bool)
        done = in_time.get(instance, 0)
        total = done + late.get(instance, 0) + int(own.sum())
        if total:
            low, middle, high = np.quantile((base[:, own].sum(axis=1) + done) / total, [0.1, 0.5, 0.9])
            shares.append(Share(instance, int(own.sum()), float(low), float(middle), float(high)))
    mean = float(base.mean()) if known else 1.0
    tried = _alternatives(known, left, loads)
    gains = [
        Alternative(name, float(_simulate(observed, rows, days, held, exponent, seed).mean()) - mean, subject)
        for name, subject, rows, days, held in tried
    ]
    chances = {row.id: float(chance) for row, chance in zip(known, base.mean(axis=0), strict=True)}
    helping = sorted((row for row in gains if row.gain > 0.001), key=lambda row: -row.gain)
    return Forecast(shares, chances, helping, ended, exponent, seed)


def _alternatives(
    known: Sequence[Waiting], left: Mapping[int, float], loads: Mapping[int, float]
) -> Sequence[tuple[str, int | None, Sequence[Waiting], Mapping[int, float], Mapping[int, float]]]:
    """What could be done: its name and subject, and the dossiers, days left and loads that it would give."""
    tried: list[tuple[str, int | None, Sequence[Waiting], Mapping[int, float], Mapping[int, float]]] = []
    if any(row.stage == ASSIGN for row in known):
        assigned = [replace(row, stage=INSTRUCT, elapsed=0) if row.stage == ASSIGN else row for row in known]
        tried.append(("assign_now", None, assigned, left, loads))
    if members := {member for row in known for member in row.members}:
        busiest = max(members, key=lambda person: (loads[person], -person))
        if loads[busiest] > 1:
            tried.append(("relieve", busiest, known, left, {**loads, busiest: loads[busiest] / 2}))
    crews = {place: {m for row in known if row.instance == place for m in row.members} for place in left}
    if crews := {place: crew for place, crew in crews.items() if crew}:
        place = max(crews, key=lambda place: (sum(loads[m] for m in crews[place]) / len(crews[place]), -place))
        shared = {m: loads[m] * len(crews[place]) / (len(crews[place]) + 1) for m in crews[place]}
        tried.append(("one_more", place, known, left, {**loads, **shared}))
    if known:
        tried.append(("move_committee", None, known, {place: days + LATER for place, days in left.items()}, loads))
    return tried


def _loads(waiting: Sequence[Waiting]) -> dict[int, float]:
    loads: dict[int, float] = {}
    for row in waiting:
        for member in row.members:
            loads[member] = loads.get(member, 0) + 1
    return loads


def _exponent(observed: Sequence[Observed]) -> float:
    """How instruction grows with load: the slope of its logarithm on that of the load, between 0 and 1."""
    rows = [row for row in observed if row.stage == INSTRUCT and row.ended]
    x = np.log([max(row.load, 1) for row in rows])
    y = np.log([row.days + 1 for row in rows])
    spread = float(((x - x.mean()) ** 2).sum())
    return float(np.clip(((x - x.mean()) * (y - y.mean())).sum() / spread, 0, 1)) if spread > 0 else 0.0


def _simulate(
    observed: Sequence[Observed],
    known: Sequence[Waiting],
    left: Mapping[int, float],
    loads: Mapping[int, float],
    exponent: float,
    seed: int,
) -> NDArray[np.bool_]:
    """For each simulation and dossier, whether its opinion is in by its committee."""
    random = np.random.default_rng(seed)
    limits = np.array([left[row.instance] for row in known], dtype=float)
    usual = float(np.mean([row.load for row in observed if row.stage == INSTRUCT]))
    stretch = np.array([max((loads[m] for m in row.members), default=usual) ** exponent for row in known])
    elapsed = np.array([row.elapsed for row in known], dtype=float)
    first = np.array([row.stage == ASSIGN for row in known], dtype=bool)
    waits = {
        stage: np.array([(row.days / row.load**exponent, row.ended) for row in observed if row.stage == stage])
        for stage in (ASSIGN, INSTRUCT)
    }
    found = np.empty((SIMULATIONS, len(known)), dtype=bool)
    for turn in range(SIMULATIONS):
        draws = random.random((2, len(known)))
        drawn = {stage: rows[random.integers(len(rows), size=len(rows))] for stage, rows in waits.items()}
        waited = np.where(first, elapsed, 0.0)
        ahead = np.where(first, _draw(drawn[ASSIGN], waited, draws[0]) - waited, 0.0)
        begun = np.where(first, 0.0, elapsed / stretch)
        ahead += (_draw(drawn[INSTRUCT], begun, draws[1]) - begun) * stretch
        found[turn] = ahead <= limits
    return found


def _draw(rows: Floats, after: Floats, chance: Floats) -> Floats:
    """How long a wait lasts that has lasted longer than `after`: one value for each uniform `chance`."""
    days, survival = survival_curve(rows)
    ended, total = float(rows[:, 1].sum()), float(rows[:, 0].sum())
    hazard = max(ended, 0.5) / max(total, 1.0)
    at = np.searchsorted(days, after, side="right")
    still = np.concatenate([[1.0], survival])[at]
    wanted = still * (1 - chance)
    # The curve falls from 1; the first day at which it is down to what is wanted.
    place = np.searchsorted(-survival, -wanted, side="left")
    beyond = place >= len(days)
    last = days[-1] if len(days) else 0.0
    floor = survival[-1] if len(days) else 1.0
    start = np.maximum(last, after)
    reached = np.minimum(floor, still)
    more = -np.log(np.where(reached > 0, wanted / np.maximum(reached, 1e-12), 1 - chance)) / hazard
    tail = start + np.maximum(more, 0.0)
    inside = np.concatenate([days, [last]])[np.minimum(place, len(days))]
    return np.where(beyond | (still <= 0), tail, np.maximum(inside, after))


def survival_curve(rows: Floats) -> tuple[Floats, Floats]:
    """The days on which waits ended, and the part that lasts longer than each (Kaplan and Meier's product limit).

    `rows` holds a line per wait: its days, and 1 where it ended, 0 where it was only seen so far.
    """
    days = np.unique(rows[rows[:, 1] == 1, 0])
    at_risk = (rows[:, 0][None, :] >= days[:, None]).sum(axis=1)
    ended = ((rows[:, 0][None, :] == days[:, None]) & (rows[:, 1] == 1)[None, :]).sum(axis=1)
    return days, np.cumprod(1 - ended / at_risk)
