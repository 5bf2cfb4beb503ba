"""Random questions of binômes, and their answers by trying everything."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product
from math import inf
from random import Random

from workflow.pairing.problem import Constraint, Dossier, Instructor, Problem

Pairs = tuple[tuple[str, ...], ...]


def random_problem(random: Random) -> Problem:
    """A small question: some have no answer."""
    people = [
        Instructor(
            f"i{n}", random.choice("ABC"), random.randint(0, 5), random.choice((0, 0, 0, 0, 0, 1, 2)) if n == 0 else 0
        )
        for n in range(random.randint(2, 5))
    ]
    dossiers = [
        Dossier(f"d{n}", random.choice((1, 1, 2)), random.choice((2, 2, 2, 1, 3))) for n in range(random.randint(1, 4))
    ]
    names, seats = [row.id for row in people], [(row.id, who.id) for row in dossiers for who in people]
    scale = random.choice((1, 0.25, 0.1))
    return Problem(
        instructors=people,
        dossiers=dossiers,
        affinity={
            row.id: {name: random.randint(-1, 4) * scale for name in names if random.random() < 0.8} for row in dossiers
        },
        conflicts=random.sample(seats, random.choice((0, 0, 1, 2)) if len(seats) > 2 else 0),
        pinned=random.sample(seats, random.choice((0, 0, 0, 1))),
        banned_pairs=[
            (random.choice((None, dossiers[0].id)), *random.sample(names, 2)) for _ in range(random.choice((0, 0, 1)))
        ],
        previous={row.id: random.sample(names, min(2, len(names))) for row in dossiers if random.random() < 0.5},
        max_per_institution=random.choice((1, 1, 2, None)),
    )


def every_answer(problem: Problem, without: Sequence[Constraint] = ()) -> Iterator[Pairs]:
    """All that the hard rules allow, but for some of them, tried one by one."""
    gone = set(without)
    of = {row.id: row for row in problem.instructors}
    names = list(of)

    def good(dossier: Dossier, members: tuple[str, ...]) -> bool:
        places = [of[name].institution for name in members]
        most = problem.max_per_institution
        if most and Constraint("institution", dossier.id) not in gone and any(places.count(p) > most for p in places):
            return False
        held = {(rule.kind, rule.dossier, rule.instructor) for rule in gone}
        taken = [(dossier.id, name) for name in members if ("conflict", dossier.id, name) not in held]
        missed = [
            (dossier.id, name) for name in names if ("pinned", dossier.id, name) not in held and name not in members
        ]
        if any(seat in problem.conflicts for seat in taken) or any(seat in problem.pinned for seat in missed):
            return False
        return not any(
            one in members and other in members and (where in (None, dossier.id))
            for where, one, other in problem.banned_pairs
            if Constraint("banned_pair", where, one, other) not in gone
        )

    choices = []
    for dossier in problem.dossiers:
        free = Constraint("cover", dossier.id) in gone
        sizes = range(len(names) + 1) if free else [dossier.size]
        choices.append([m for size in sizes for m in combinations(names, size) if good(dossier, m)])
    limits = {
        name: (
            -inf if Constraint("min_load", instructor=name) in gone else who.min_load,
            inf if Constraint("capacity", instructor=name) in gone else who.capacity,
        )
        for name, who in of.items()
    }
    for pairs in product(*choices):
        loads = dict.fromkeys(names, 0.0)
        for dossier, members in zip(problem.dossiers, pairs, strict=True):
            for name in members:
                loads[name] += dossier.effort
        if all(low <= loads[name] <= high for name, (low, high) in limits.items()):
            yield pairs


def merits(problem: Problem, pairs: Pairs) -> tuple[float, ...]:
    """What the aims look at, in their order, the greater the better."""
    loads = dict.fromkeys((row.id for row in problem.instructors), 0.0)
    sums, kept = [], 0
    for dossier, members in zip(problem.dossiers, pairs, strict=True):
        for name in members:
            loads[name] += dossier.effort
        sums.append(sum(problem.affinity.get(dossier.id, {}).get(name, 0) for name in members))
        kept += len(set(members) & set(problem.previous.get(dossier.id, ())))
    highest = max((loads[row.id] / row.capacity for row in problem.instructors if row.capacity), default=0)
    return -round(highest, 6), round(min(sums), 6), round(sum(sums), 6), kept


def wider(problem: Problem, person: str, capacity: float) -> Problem:
    """The same with another capacity for one person."""
    return replace(
        problem,
        instructors=[replace(row, capacity=capacity) if row.id == person else row for row in problem.instructors],
    )
