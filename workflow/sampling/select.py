"""Which units are drawn: simple, stratified and by value (MUS), each replayable by hand from the seed.

Everything comes from tickets (`draw.py`): SHA-256, in hexadecimal, of the UTF-8 text « seed, line feed, identifier ».

Simple: the n smallest tickets. Stratified: the same in each stratum. So neither depends on the order of the file, and
with the same seed a larger draw keeps the smaller one (shares of strata are given by a divisor method, which never
takes a unit from a stratum when n grows).

By value: units worth more than the interval (what is left of the book value over what is left of n) are all taken,
and the interval is computed again until none is left above it: guidance 6.3.1.3 (EGESIF_16-0014-01). The others stand
in the order of their tickets, as if their values were laid end to end on a line; the points start, start + interval,
start + 2 · interval … each take the unit they fall into, start being the ticket of the empty identifier, read as a
fraction of the interval (ticket / 2^256). The start is uniform, so each unit is taken with exactly the chance
value / interval, which is what the estimators of the guidance (and Horvitz and Thompson's) suppose; the random order
keeps the systematic step from meeting a pattern of the file (Hartley and Rao, 1962). No unit is met twice, as none is
above the interval. A consistent scheme (the smallest tickets over values) would keep the earlier units when n grows,
but its chances are only about proportional to the values, and the estimators would no longer be unbiased.

Forced units (a risk list) are set apart before anything else: they are examined, but tell nothing about the others.
The reserve is what stands next in the same order, as far as units are left, to replace those that cannot be examined.
"""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from statistics import pvariance

from workflow.sampling import rfc3797
from workflow.sampling.draw import first_tickets, ticket, tickets
from workflow.sampling.errors import BadSampling, count

ALLOCATIONS = ("proportional", "neyman")
_WHOLE = 2**256
"""One more than the highest ticket."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One that may be drawn. Identifiers are unique and hold no line feed; values are money, not negative."""

    id: str
    value: Decimal | None = None
    stratum: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: the method (of METHODS), how many units at random, and the seed.

    `allocation` and `minimum` (units in each stratum, where it has them) are for strata; `forced` are identifiers;
    `reserve` is how many stand by, in each stratum.
    """

    method: str
    n: int
    seed: str
    allocation: str = "proportional"
    minimum: int = 1
    forced: Collection[str] = ()
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Pick:
    """A unit drawn, with its ticket; `exhaustive` where it is worth more than the interval."""

    unit: Unit
    ticket: str
    exhaustive: bool = False


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn, in order. `strata` are (name, units, drawn); the interval and start of MUS are money."""

    units: Sequence[Pick]
    reserve: Sequence[Pick]
    forced: Sequence[Unit] = ()
    strata: Sequence[tuple[str, int, int]] = field(default=())
    interval: Fraction | None = None
    start: Fraction | None = None


def draw(population: Sequence[Unit], request: Request) -> Draw:
    """Draw from `population` what `request` asks. Raises BadSampling."""
    apart = set(request.forced)
    forced = sorted((unit for unit in population if unit.id in apart), key=lambda unit: unit.id) if apart else []
    if unknown := apart - {unit.id for unit in forced}:
        raise BadSampling("unknown_unit", id=min(unknown))
    try:
        request.seed.encode()
    except UnicodeEncodeError as error:
        raise BadSampling("bad_seed") from error
    count("n", request.n)
    count("reserve", request.reserve, 0)
    count("minimum", request.minimum, 0)
    rest = [unit for unit in population if unit.id not in apart] if apart else population
    if request.n > len(rest):
        raise BadSampling("too_many", n=request.n, available=len(rest))
    drawn = METHODS[request.method](rest, request)
    return Draw(drawn.units, drawn.reserve, forced, drawn.strata, drawn.interval, drawn.start)


# Simple and stratified


def _first(units: Sequence[Unit], seed: str, n: int) -> list[Pick]:
    chosen = first_tickets(seed, (unit.id for unit in units), n)
    wanted = {name for _number, name in chosen}
    by_id = {unit.id: unit for unit in units if unit.id in wanted}
    return [Pick(by_id[name], number) for number, name in chosen]


def _simple(units: Sequence[Unit], request: Request) -> Draw:
    picks = _first(units, request.seed, request.n + request.reserve)
    return Draw(picks[: request.n], picks[request.n :])


def _stratified(units: Sequence[Unit], request: Request) -> Draw:
    strata: dict[str, list[Unit]] = {}
    for unit in units:
        if unit.stratum is None:
            raise BadSampling("no_stratum")
        strata.setdefault(unit.stratum, []).append(unit)
    names = sorted(strata)
    weights = [_WEIGHTS[request.allocation](strata[name]) for name in names]
    sizes = [len(strata[name]) for name in names]
    shares = allocate(request.n, list(zip(sizes, weights, strict=True)), request.minimum)
    chosen: list[Pick] = []
    reserve: list[Pick] = []
    for name, n in zip(names, shares, strict=True):
        picks = _first(strata[name], request.seed, n + request.reserve)
        chosen += picks[:n]
        reserve += picks[n:]
    return Draw(chosen, reserve, strata=list(zip(names, sizes, shares, strict=True)))


def _spread(units: Sequence[Unit]) -> float:
    values = [unit.value for unit in units if unit.value is not None]
    if len(values) < len(units):
        raise BadSampling("no_values")
    return len(units) * float(pvariance(values).sqrt())


_WEIGHTS: Mapping[str, Callable[[Sequence[Unit]], float]] = {"proportional": len, "neyman": _spread}
"""What a stratum's share is in proportion to: its units, or those times the standard deviation of their values."""


def allocate(n: int, strata: Sequence[tuple[int, float]], minimum: int) -> list[int]:
    """Share n among strata, given as (units, weight): in proportion to the weights, at least `minimum` units in each.

    None gets more units than it has. Guidance 6.1.2.2 (proportional); Neyman (1934) where weights are N_h · σ_h. The
    next unit goes where weight / (2 · units given + 1) is greatest (Webster's method), on a tie where units are, then
    to the earlier stratum: so no share shrinks when n grows. Raises BadSampling.
    """
    shares = [min(minimum, units) for units, _weight in strata]
    if sum(shares) > n:
        raise BadSampling("too_few_for_strata", n=n, needed=sum(shares))
    if n > sum(units for units, _weight in strata):
        raise BadSampling("too_many", n=n, available=sum(units for units, _weight in strata))

    def rank(place: int) -> tuple[float, float, int]:
        units, weight = strata[place]
        parts = 2 * shares[place] + 1
        return -weight / parts, -units / parts, place

    queue = [rank(place) for place, (units, _weight) in enumerate(strata) if shares[place] < units]
    heapq.heapify(queue)
    for _ in range(n - sum(shares)):
        place = heapq.heappop(queue)[-1]
        shares[place] += 1
        if shares[place] < strata[place][0]:
            heapq.heappush(queue, rank(place))
    return shares


# By value


def _by_value(units: Sequence[Unit], request: Request) -> Draw:
    values, places = _whole_values(units)
    worth = {unit.id: value for unit, value in zip(units, values, strict=True) if value}
    if request.n > len(worth):
        raise BadSampling("too_many", n=request.n, available=len(worth))
    order = tickets(request.seed, worth)
    high, hits, interval, start = _systematic(order, worth, request.n, ticket(request.seed, ""))
    by_id = {unit.id: unit for unit in units}
    chosen = [Pick(by_id[name], number, name in high) for number, name in order if name in high or name in hits]
    chosen.sort(key=lambda pick: not pick.exhaustive)
    reserve: list[Pick] = []
    # The reserve is drawn by value too, from what is left, with a start of its own.
    left = [(number, name) for number, name in order if name not in high and name not in hits]
    if standing := min(request.reserve, len(left)):
        next_high, next_hits, _interval, _start = _systematic(left, worth, standing, ticket(request.seed, "\nreserve"))
        reserve = [Pick(by_id[name], number) for number, name in left if name in next_high or name in next_hits]
    return Draw(chosen, reserve, interval=interval / 10**places, start=start / 10**places)


def _whole_values(units: Sequence[Unit]) -> tuple[list[int], int]:
    """The values without their decimals, so that nothing is rounded, and how many decimals these were."""
    values = [unit.value for unit in units if unit.value is not None]
    if len(values) < len(units):
        raise BadSampling("no_values")
    places = max(0, *(-int(value.as_tuple().exponent) for value in values))
    return [int(value.scaleb(places)) for value in values], places


def _systematic(
    order: Sequence[tuple[str, str]], worth: Mapping[str, int], n: int, start: str
) -> tuple[set[str], set[str], Fraction, Fraction]:
    """Those above the interval, those that a point falls into, the interval and the start. `start` is a ticket."""
    high: set[str] = set()
    total = sum(worth[name] for _number, name in order)
    while True:
        above = {name for _number, name in order if name not in high and worth[name] * (n - len(high)) > total}
        if not above:
            break
        total -= sum(worth[name] for name in above)
        high |= above
    names = [name for _number, name in order if name not in high]
    left = n - len(high)  # at least 1: not all of the n last units can be above their own mean
    ends = list(accumulate(worth[name] for name in names))
    fraction = int(start, 16)
    hits = {names[bisect_right(ends, (fraction + k * _WHOLE) * total // (left * _WHOLE))] for k in range(left)}
    interval = Fraction(total, left)
    return high, hits, interval, interval * Fraction(fraction, _WHOLE)


# The published standard


def _published(units: Sequence[Unit], request: Request) -> Draw:
    by_id = {unit.id: unit for unit in units}
    chosen = rfc3797.select(request.seed, list(by_id), min(request.n + request.reserve, len(by_id)))
    picks = [Pick(by_id[name], number) for number, name in chosen]
    return Draw(picks[: request.n], picks[request.n :])


METHODS: Mapping[str, Callable[[Sequence[Unit], Request], Draw]] = {
    "srs": _simple,
    "stratified": _stratified,
    "mus": _by_value,
    "rfc3797": _published,
}
"""The draws by name. The seed of rfc3797 is its key, and the order of the units counts."""
