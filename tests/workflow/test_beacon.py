"""A round of a beacon is named by its hour, and an answer is taken for what it proves."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.sampling import beacon

ROUND = {
    "round": 1000,
    "randomness": "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    "signature": "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
}
"""Round 1000 of quicknet, as the League of Entropy published it."""


@pytest.mark.parametrize(
    ("number", "at"),
    [
        (1, "2020-07-22T15:17:30+00:00"),
        (824_700, "2021-05-04T23:47:00+00:00"),
        (6_311_188, "2026-07-23T00:31:00+00:00"),
    ],
)
def test_the_hours_of_rounds_that_others_named(number: int, at: str) -> None:
    assert beacon.comes_at("default", number) == datetime.fromisoformat(at)
    assert beacon.round_from("default", datetime.fromisoformat(at)) == number


@pytest.mark.parametrize("name", beacon.CHAINS)
@given(at=st.datetimes(datetime(2023, 8, 24), datetime(2040, 1, 1)))  # noqa: DTZ001 - a zone is put on below
def test_the_round_of_an_instant_is_the_first_that_comes_then(name: str, at: datetime) -> None:
    moment = at.replace(tzinfo=UTC)
    number = beacon.round_from(name, moment)
    assert beacon.comes_at(name, number - 1) < moment <= beacon.comes_at(name, number)


def test_before_a_chain_began_its_first_round_is_meant() -> None:
    assert beacon.round_from("quicknet", datetime(2020, 1, 1, tzinfo=UTC)) == 1
    assert beacon.comes_at("quicknet", 2) - beacon.comes_at("quicknet", 1) == timedelta(seconds=3)


def test_a_published_round_is_taken() -> None:
    found = beacon.check("quicknet", 1000, json.dumps(ROUND).encode())
    assert (found.number, found.randomness) == (1000, ROUND["randomness"])


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"not json",
        b"[" * 10_000,
        b"[]",
        b"{}",
        json.dumps({**ROUND, "round": 1001}).encode(),
        json.dumps({**ROUND, "round": True}).encode(),
        json.dumps({**ROUND, "round": "1000"}).encode(),
        json.dumps({**ROUND, "randomness": "0" * 64}).encode(),
        json.dumps({**ROUND, "signature": "0" * 96}).encode(),
        json.dumps({**ROUND, "signature": str(ROUND["signature"]) * 2}).encode(),
        json.dumps({**ROUND, "signature": str(ROUND["signature"]).upper()}).encode(),
        json.dumps({**ROUND, "signature": 7}).encode(),
    ],
)
def test_what_is_not_that_round_is_refused(wrong: bytes) -> None:
    with pytest.raises(beacon.BadAnswer):
        beacon.check("quicknet", 1000, wrong)


def test_a_round_of_another_chain_is_refused() -> None:
    with pytest.raises(beacon.BadAnswer):
        beacon.check("default", 1000, json.dumps(ROUND).encode())


def signed(name: str, number: int) -> dict[str, Any]:
    """An answer that checks, of a signature that nobody made."""
    signature = f"{number % 256:02x}" * beacon.CHAINS[name].signature_bytes
    return {"round": number, "randomness": beacon.randomness(signature), "signature": signature}
