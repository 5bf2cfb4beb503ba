"""A draw nobody can steer: what its record proves, and what the last to reveal can do."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflow.test_beacon import signed
from tests.workflow.test_sampling_draw import changed, places, population
from workflow.sampling import beacon, ceremony, record
from workflow.sampling.draw import first_tickets, population_hash
from workflow.sampling.select import Request

PUBLIC_AT = "2027-01-09T20:00:00+00:00"
SECRETS = ("le secret de la première", "le secret du deuxième")


def made(method: str, *, chain: str | None = None) -> dict[str, Any]:
    """The record of a whole ceremony; where a chain is named, its public value is a round of it."""
    units = population(20)
    number = beacon.round_from(chain, datetime.fromisoformat(PUBLIC_AT)) if chain else 0
    named = {"beacon": {"chain": chain, "chain_hash": beacon.CHAINS[chain].hash, "round": number}} if chain else {}
    answered = signed(chain, number) if chain else {}
    request = Request(method, 6, "to be known", minimum=2, reserve=2)
    bare = record.make(units, request)
    plan = {
        "campaign": "Programmation 2027",
        "planned_at": "2027-01-04T09:00:00+00:00",
        "reveals_due_at": "2027-01-08T09:00:00+00:00",
        "public_at": PUBLIC_AT,
        "public_source": "Loto du 9 janvier 2027",
        **named,
        "participants": [{"name": "Contrôleuse"}, {"name": "Comité"}],
        **{name: bare[name] for name in ceremony.PLANNED if name in bare},
    }
    fixed = ceremony.plan_hash(plan)
    told = {
        "plan": plan,
        "plan_hash": fixed,
        "participants": [
            {
                "rank": rank,
                "name": plan["participants"][rank - 1]["name"],
                "commitment": ceremony.commitment(fixed, rank, secret),
                "committed_at": f"2027-01-05T09:0{rank}:00+00:00",
                "secret": secret,
                "revealed_at": f"2027-01-06T09:0{rank}:00+00:00",
            }
            for rank, secret in enumerate(SECRETS, start=1)
        ],
        "public_value": answered.get("randomness", "7 12 31 40 49 / 3"),
        **({"beacon": {"round": number, "signature": answered["signature"]}} if chain else {}),
        "readings": [
            {"person": 1, "name": "Contrôleuse", "at": "2027-01-09T20:30:00+00:00"},
            {"person": 2, "name": "Comité", "at": "2027-01-09T20:40:00+00:00"},
        ],
    }
    seed = ceremony.seed(fixed, told["public_value"], SECRETS)
    whole = record.make(units, Request(method, 6, seed, minimum=2, reserve=2), told)
    return dict(json.loads(json.dumps(whole, ensure_ascii=False)))


RECORDS = {method: made(method) for method in ("srs", "stratified", "mus", "rfc3797")}
RECORDS |= {f"srs by {chain}": made("srs", chain=chain) for chain in beacon.CHAINS}


def test_a_stranger_derives_the_seed_by_hand() -> None:
    found = RECORDS["srs"]
    told = found["ceremony"]
    plan = json.dumps(told["plan"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    fixed = hashlib.sha256(plan.encode()).hexdigest()
    assert fixed == told["plan_hash"]
    first = told["participants"][0]
    assert first["commitment"] == hashlib.sha256(f"{fixed}\n1\n{first['secret']}".encode()).hexdigest()
    parts = [fixed, told["public_value"], *SECRETS]
    assert found["seed"] == hashlib.sha256("\n".join(parts).encode()).hexdigest()
    lines = (f"{row['id']}\t{row['stratum']}\t{row['value']}" for row in found["population"])
    assert told["plan"]["population_hash"] == population_hash(lines)


@pytest.mark.parametrize("method", RECORDS)
def test_a_ceremony_is_replayed_from_its_record_alone(method: str) -> None:
    assert record.verify(RECORDS[method]) is None


@pytest.mark.parametrize("method", RECORDS)
@given(data=st.data())
def test_a_change_anywhere_is_found(method: str, data: st.DataObject) -> None:
    tampered = json.loads(json.dumps(RECORDS[method]))
    path = data.draw(st.sampled_from([place for place in places(tampered) if place[:1] == ("ceremony",)]))
    parent = tampered
    for name in path[:-1]:
        parent = parent[name]
    if data.draw(st.booleans()) and isinstance(parent, dict):
        del parent[path[-1]]
    else:
        parent[path[-1]] = changed(parent[path[-1]], data)
    assert record.verify(tampered)


@pytest.mark.parametrize("method", RECORDS)
def test_every_field_is_looked_at(method: str) -> None:
    for path in places(RECORDS[method])[1:]:
        tampered = json.loads(json.dumps(RECORDS[method]))
        parent = tampered
        for name in path[:-1]:
            parent = parent[name]
        parent[path[-1]] = f"{parent[path[-1]]}?"
        assert record.verify(tampered), path


def first(rank: int) -> tuple[Any, ...]:
    return ("ceremony", "participants", rank)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("ceremony", "plan", "public_source"), "Loto du 16 janvier 2027", "ceremony.plan_hash"),
        (("ceremony", "plan", "n"), 5, "ceremony.plan_hash"),
        (("ceremony", "plan", "campaign"), "\ud800", "ceremony.plan"),
        (("n",), 5, "n"),
        (("population_hash",), "0" * 64, "population_hash"),
        (("population", 3, "value"), 1.5, "population_hash"),
        (first(1), None, "ceremony.participants.1"),
        ((*first(1), "secret"), "un autre secret, plus commode", "ceremony.participants.1.commitment"),
        ((*first(0), "commitment"), "0" * 64, "ceremony.participants.0.commitment"),
        ((*first(0), "rank"), 2, "ceremony.participants.0.rank"),
        ((*first(0), "name"), "Comité", "ceremony.participants.0.name"),
        ((*first(0), "secret"), "deux\nlignes", "ceremony.participants.0.secret"),
        ((*first(0), "committed_at"), "2027-01-03T09:00:00+00:00", "ceremony.participants.0.committed_at"),
        # A commitment after a secret was out, a secret too late, a public value read before it was there.
        ((*first(1), "committed_at"), "2027-01-06T09:01:30+00:00", "ceremony.participants.0.revealed_at"),
        ((*first(1), "revealed_at"), "2027-01-09T09:00:00+00:00", "ceremony.participants.1.revealed_at"),
        (("ceremony", "readings", 1, "at"), "2027-01-09T19:00:00+00:00", "ceremony.readings.1.at"),
        (("ceremony", "readings", 1, "person"), 1, "ceremony.readings"),
        (("ceremony", "public_value"), "7 12 31 40 49 / 4", "seed"),
        (("seed",), "0" * 64, "seed"),
        (("ceremony", "more"), 1, "record_hash"),
        (("ceremony",), None, "record_hash"),
    ],
)
def test_the_place_of_a_change_is_told(path: tuple[Any, ...], value: object, place: str) -> None:
    tampered = json.loads(json.dumps(RECORDS["srs"]))
    parent = tampered
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    assert record.verify(tampered) == place


def test_a_plan_whose_public_value_comes_before_the_secrets_is_no_ceremony() -> None:
    tampered = json.loads(json.dumps(RECORDS["srs"]))
    told = tampered["ceremony"]
    told["plan"]["public_at"] = told["plan"]["reveals_due_at"]
    told["plan_hash"] = ceremony.plan_hash(told["plan"])
    for row in told["participants"]:
        row["commitment"] = ceremony.commitment(told["plan_hash"], row["rank"], row["secret"])
    tampered["seed"] = ceremony.seed(told["plan_hash"], told["public_value"], SECRETS)
    assert record.verify(tampered) == "ceremony.plan.public_at"


def test_whoever_has_not_two_participants_has_no_ceremony() -> None:
    tampered = json.loads(json.dumps(RECORDS["srs"]))
    del tampered["ceremony"]["participants"][1]
    assert record.verify(tampered) == "ceremony.participants"
    del tampered["ceremony"]["plan"]["participants"][1]
    assert record.verify(tampered) == "ceremony.plan.participants"


@given(secret=st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=40))
def test_no_other_secret_opens_a_commitment(secret: str) -> None:
    tampered = json.loads(json.dumps(RECORDS["srs"]))
    told = tampered["ceremony"]
    told["participants"][1]["secret"] = secret
    tampered["seed"] = ceremony.seed(told["plan_hash"], told["public_value"], (SECRETS[0], secret))
    if secret != SECRETS[1]:
        assert record.verify(tampered) == "ceremony.participants.1.commitment"


# The hostile last one: knows every secret, wants a dossier out of the draw, and may refuse once to hand theirs in.

UNITS, N, ROUNDS = [f"U{n}" for n in range(8)], 4, 1500
Knows = Callable[[Random, str], str]


def escapes(knows: Knows) -> int:
    """How often U0 is not drawn, where the last one decides upon the public value that they know, or suppose."""
    met = 0
    for seed in range(ROUNDS):
        chance = Random(seed)

        def drawn(plan: str, public: str) -> bool:
            found = ceremony.seed(plan, public, SECRETS)
            return any(unit == "U0" for _ticket, unit in first_tickets(found, UNITS, N))

        public, next_public = (str(chance.random()) for _ in range(2))
        refuses = drawn("first plan", knows(chance, public))
        met += not (drawn("new plan", next_public) if refuses else drawn("first plan", public))
    return met


def test_whoever_refuses_blind_gains_nothing() -> None:
    spread = (ROUNDS * 0.25) ** 0.5
    assert escapes(lambda chance, _public: str(chance.random())) == pytest.approx(ROUNDS / 2, abs=4 * spread)
    # The other order, in which the public value is known before the last secret: a half becomes three quarters.
    assert escapes(lambda _chance, public: public) > ROUNDS / 2 + 10 * spread


def resealed(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The record of a ceremony whose plan or round was other, with all that follows made anew, as a forger would."""
    told = json.loads(json.dumps(found["ceremony"]))
    told["plan"]["beacon"] |= changes.get("named", {})
    told["beacon"] |= changes.get("answered", {})
    if "signature" in changes.get("answered", {}):
        told["public_value"] = beacon.randomness(told["beacon"]["signature"])
    if "otherwise" in changes:
        told["contradiction"] = {"randomness": told["public_value"], **told.pop("beacon"), **changes["otherwise"]}
    told |= changes.get("told", {})
    told["plan_hash"] = ceremony.plan_hash(told["plan"])
    for one in told["participants"]:
        one["commitment"] = ceremony.commitment(told["plan_hash"], one["rank"], one["secret"])
    seed = ceremony.seed(told["plan_hash"], told["public_value"], SECRETS)
    whole = record.make(population(20), Request("srs", 6, seed, minimum=2, reserve=2), told)
    return dict(json.loads(json.dumps(whole)))


READ = {"told": {"public_value": "0" * 64}}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, None),
        ({"named": {"round": 7}, "answered": {"round": 7}}, "ceremony.plan.beacon"),
        ({"named": {"chain_hash": "0" * 64}}, "ceremony.plan.beacon"),
        ({"answered": {"round": 7}}, "ceremony.beacon.round"),
        ({"answered": {"signature": "ab" * 48}}, None),
        ({"answered": {"signature": "ab" * 47}}, "ceremony.beacon.signature"),
        ({"told": {"public_value": "0" * 64}}, "ceremony.beacon.signature"),
        ({"told": {"public_value": "7 12 31"}}, "ceremony.public_value"),
        ({"told": {"beacon": None, "public_value": "0" * 64}}, None),
        # What a server fetched beside what two people read.
        ({"otherwise": {}, **READ}, None),
        ({"otherwise": {}}, "ceremony.contradiction.randomness"),
        ({"otherwise": {"round": 7}, **READ}, "ceremony.contradiction.round"),
        ({"otherwise": {"randomness": "1" * 64}, **READ}, "ceremony.contradiction.signature"),
        ({"otherwise": {"signature": "ab" * 47}, **READ}, "ceremony.contradiction.signature"),
        ({"otherwise": {"signature": None}, **READ}, "ceremony.contradiction.signature"),
        ({"otherwise": {}, "told": {"beacon": {"round": 1, "signature": ""}}}, "ceremony.contradiction"),
    ],
)
def test_another_round_than_the_plan_names_is_found(changes: dict[str, Any], place: str | None) -> None:
    assert record.verify(resealed(RECORDS["srs by quicknet"], **changes)) == place


@pytest.mark.parametrize("name", ["beacon", "contradiction"])
def test_a_round_that_no_plan_names_is_found(name: str) -> None:
    found = json.loads(json.dumps(RECORDS["srs"]["ceremony"]))
    found[name] = {"round": 1, "signature": "ab", "randomness": "cd"}
    seed = ceremony.seed(found["plan_hash"], found["public_value"], SECRETS)
    whole = record.make(population(20), Request("srs", 6, seed, minimum=2, reserve=2), found)
    assert record.verify(json.loads(json.dumps(whole))) == f"ceremony.{name}"
