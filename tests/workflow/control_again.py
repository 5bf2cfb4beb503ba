"""Draws made a second time, by code that shares nothing with the first: what a sceptic would write from the README."""

import hashlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any


def sha256(*parts: str) -> str:
    """In hexadecimal, of lines."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def seed_of(told: Mapping[str, Any]) -> str:
    """The seed that a ceremony gives."""
    secrets = [one["secret"] for one in sorted(told["participants"], key=lambda one: one["rank"])]
    return sha256(told["plan_hash"], told["public_value"], *secrets)


def drawn_again(record: Mapping[str, Any]) -> set[str]:
    """The identifiers that a record's seed draws from its population."""
    seed, n = record["seed"], record["n"]
    rows = sorted(record["population"], key=lambda row: sha256(seed, row["id"]))
    if record["method"] == "srs":
        return {row["id"] for row in rows[:n]}
    if record["method"] == "stratified":
        sizes = {name: sum(row["stratum"] == name for row in rows) for name in sorted({row["stratum"] for row in rows})}
        shares = dict.fromkeys(sizes, 1)
        while sum(shares.values()) < n:
            open_ones = [name for name in sizes if shares[name] < sizes[name]]
            shares[max(open_ones, key=lambda name: Fraction(sizes[name], 2 * shares[name] + 1))] += 1
        return {
            row["id"]
            for name, share in shares.items()
            for row in [row for row in rows if row["stratum"] == name][:share]
        }
    worth = {row["id"]: round(100 * row["value"]) for row in rows if row["value"]}
    chosen: set[str] = set()
    while above := {one for one, cents in worth.items() if cents * (n - len(chosen)) > sum(worth.values())}:
        chosen |= above
        worth = {one: cents for one, cents in worth.items() if one not in above}
    step = Fraction(sum(worth.values()), n - len(chosen))
    points = [step * (Fraction(int(sha256(seed, ""), 16), 2**256) + k) for k in range(n - len(chosen))]
    end = 0
    for one, cents in worth.items():
        chosen |= {one} if any(end <= point < end + cents for point in points) else set()
        end += cents
    return chosen
