"""Rounds of a public randomness beacon: which one a plan names, and whether an answer is that one.

The League of Entropy runs drand chains. Each publishes a round every few seconds: a signature that many independent
parties make together and nobody can know before, and its SHA-256, the « randomness ». The facts below are those that a
chain publishes at https://api.drand.sh/CHAIN_HASH/info, as drand's own program holds them for quicknet (drand/tlock-js,
src/drand/defaults.ts) and others for default; rounds whose hour is known test them. Round 1 comes at the genesis.

What `check` does not do: verify the signature against the chain's public key (BLS12-381), for which the standard
library has nothing. So an answer is a proposal only: two people compare it with what they read themselves. Anybody can
verify the signature at home, which is kept for that.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain: its hash, which names it, when round 1 came, how many seconds lie between two, a signature's bytes."""

    hash: str
    genesis: int
    period: int
    signature_bytes: int


CHAINS: Mapping[str, Chain] = {
    "quicknet": Chain("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971", 1692803367, 3, 48),
    "default": Chain("8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce", 1595431050, 30, 96),
}
PUBLIC = "https://api.drand.sh"
"""Where people read a round."""
LARGEST_ANSWER = 4096
_HEX = re.compile(r"[0-9a-f]+")


class BadAnswer(ValueError):
    """What was answered is not the round that was asked for."""


@dataclass(frozen=True, slots=True)
class Round:
    """A round as it was answered, in hexadecimal."""

    number: int
    randomness: str
    signature: str


def round_from(name: str, at: datetime) -> int:
    """The first round of a chain that comes at an instant or after it."""
    chain = CHAINS[name]
    since = (at.astimezone(UTC) - datetime.fromtimestamp(chain.genesis, UTC)) / timedelta(seconds=1)
    return max(1, 1 + -int(-since // chain.period))


def comes_at(name: str, number: int) -> datetime:
    """When a round comes to be."""
    chain = CHAINS[name]
    return datetime.fromtimestamp(chain.genesis + (number - 1) * chain.period, UTC)


def address(name: str, number: int, base: str = PUBLIC) -> str:
    """Where a round is read."""
    return f"{base.rstrip('/')}/{CHAINS[name].hash}/public/{number}"


def is_hexadecimal(text: str, size: int) -> bool:
    """Whether a text is so many bytes in lower-case hexadecimal."""
    return len(text) == 2 * size and _HEX.fullmatch(text) is not None


def randomness(signature: str) -> str:
    """The randomness of a round: SHA-256 of its signature."""
    return hashlib.sha256(bytes.fromhex(signature)).hexdigest()


def check(name: str, number: int, answer: bytes) -> Round:
    """The round that a JSON answer holds. Raises BadAnswer where it is no such round of that chain."""
    try:
        told: Any = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("no JSON") from error
    if not isinstance(told, dict) or not all(isinstance(told.get(part), str) for part in ("randomness", "signature")):
        raise BadAnswer("no round")
    if type(told.get("round")) is not int or told["round"] != number:
        raise BadAnswer("another round")
    if not is_hexadecimal(told["signature"], CHAINS[name].signature_bytes):
        raise BadAnswer("no signature of this chain")
    if told["randomness"] != randomness(told["signature"]):
        raise BadAnswer("the randomness is not that of the signature")
    return Round(number, told["randomness"], told["signature"])
