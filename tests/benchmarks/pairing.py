"""Forming binômes at scale, against two practices: the best free pair first, and the least loaded first."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from random import Random
from time import perf_counter

from tests.benchmarks.measure import Result
from tests.benchmarks.places import Places
from workflow.pairing.problem import Dossier, Instructor, Problem
from workflow.pairing.solve import solve

SIZES = ((500, 60, 30.0), (5000, 400, 300.0))
"""Dossiers, instructors, and the seconds that are given."""
WITHIN = 0.01
INSTITUTIONS, THEMES = 8, 12


def question(dossiers: int, people: int) -> Problem:
    """A question like those of an instance: few know a theme well, some dossiers know conflicts, a fifth of room."""
    random = Random(dossiers)
    level = [random.choices((0, 1, 2, 3), (12, 4, 3, 1), k=THEMES) for _ in range(people)]
    theme = [random.randrange(THEMES) for _ in range(dossiers)]
    efforts = [random.choice((1, 1, 1, 2, 3)) for _ in range(dossiers)]
    room = 1.2 * 2 * sum(efforts) / people
    names = [f"i{n}" for n in range(people)]
    return Problem(
        instructors=[
            Instructor(name, f"institution {n % INSTITUTIONS}", round(room * random.uniform(0.7, 1.3)))
            for n, name in enumerate(names)
        ],
        dossiers=[Dossier(f"d{n}", effort) for n, effort in enumerate(efforts)],
        affinity={
            f"d{n}": {name: level[who][theme[n]] + random.choice((0, 0.5)) for who, name in enumerate(names)}
            for n in range(dossiers)
        },
        conflicts=[(f"d{n}", random.choice(names)) for n in range(dossiers) if random.random() < 0.3],
    )


def measure(_places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """Each size by the two aims; and by the two practices, as shares of the best sum of affinities."""
    for dossiers, people, seconds in SIZES:
        problem = question(dossiers, people)
        best = 0.0
        for aim in ("total", "fair"):
            say(f"{dossiers} dossiers and {people} instructors, {aim}")
            started = perf_counter()
            found = solve(problem, aim, seconds)
            took = perf_counter() - started
            best = best or found.total
            figures = {
                "status": found.status,
                "took": f"{took:.0f} s",
                "total": f"{found.total:.0f}",
                "worst": str(found.worst),
                "highest load": f"{found.max_load:.2f}",
            }
            small = dossiers == SIZES[0][0]
            met = found.gap is not None and took < seconds * 1.2 and (found.gap <= WITHIN or not small)
            aimed = f"<= {WITHIN}" if small else "valid"
            yield Result("pairing", f"gap, {dossiers} x {people}, {aim}", "-", figures, found.gap, aimed, met)
        for name, order in (("best pair first", _by_affinity), ("least loaded first", _by_load)):
            total, worst, highest, covered = _by_hand(problem, order)
            figures = {"covered": str(covered), "worst": str(worst), "highest load": f"{highest:.2f}"}
            yield Result("pairing", f"{name}, share of the best sum", "-", figures, total / best if best else None)


Order = Callable[[float, float], float]


def _by_affinity(affinity: float, load: float) -> float:
    return -affinity


def _by_load(affinity: float, load: float) -> float:
    return load


def _by_hand(problem: Problem, order: Order) -> tuple[float, float, float, int]:
    """Dossier by dossier the first pair in an order that still has room: sum, worst, highest load, dossiers covered."""
    loads = {row.id: 0.0 for row in problem.instructors}
    conflicts = set(problem.conflicts)
    sums: list[float] = []
    for dossier in problem.dossiers:
        affinity = problem.affinity[dossier.id]
        free: Sequence[Instructor] = sorted(
            (
                row
                for row in problem.instructors
                if loads[row.id] + dossier.effort <= row.capacity and (dossier.id, row.id) not in conflicts
            ),
            key=lambda row: order(affinity[row.id], loads[row.id] / row.capacity),
        )
        pair = next((two for two in combinations(free[:40], 2) if two[0].institution != two[1].institution), ())
        for row in pair:
            loads[row.id] += dossier.effort
        if pair:
            sums.append(sum(affinity[row.id] for row in pair))
    highest = max(loads[row.id] / row.capacity for row in problem.instructors)
    return sum(sums), min(sums, default=0), highest, len(sums)
