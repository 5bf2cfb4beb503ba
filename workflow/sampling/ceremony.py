"""The seed that nobody can steer: from a published plan, the secrets of participants, and a public value.

Everything is SHA-256, in hexadecimal, of a UTF-8 text; parts of a text are joined by line feeds.

- The plan is a JSON text with sorted names and no spaces. Its hash, published, fixes population, method, parameters,
  participants, and which public value will be read, and when.
- A participant's commitment is over « plan hash, rank, secret »: it holds for this plan and this person alone.
- Where the public value is a round of a beacon (`beacon.py`), the plan names its chain and its number, which the hour
  gives; the value is the round's randomness. Where a server fetched the round, the record has its signature: under
  `beacon` where its randomness is that value, and where it is another one, with it, under `contradiction`.
- The seed is over « plan hash, public value, secret of rank 1, secret of rank 2 … ».

The order is: plan, all commitments, all secrets handed in, and only then the public value comes to be. Whoever hands
in a secret last, or refuses to, does so while nobody in the world can know what it gives: a refusal only puts an
unknown draw off for another one. (Were the public value known first, the last to reveal could compute the result and
refuse those that displease.) Whoever could bend the public value does not know the secrets, which are shown only once
the draw is sealed; and whoever knows them, on the server, does not choose the public value.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from workflow.sampling import beacon


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def text(plan: Mapping[str, Any]) -> str:
    """A plan as the text that is hashed."""
    return json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def plan_hash(plan: Mapping[str, Any]) -> str:
    """What fixes a plan."""
    return _sha256(text(plan))


def commitment(plan_hash: str, rank: int, secret: str) -> str:
    """What a participant publishes of a secret before anybody reveals theirs."""
    return _sha256(plan_hash, str(rank), secret)


def seed(plan_hash: str, public_value: str, secrets: Sequence[str]) -> str:
    """The seed of the draw; `secrets` in the order of ranks."""
    return _sha256(plan_hash, public_value, *secrets)


# In a record

PLANNED = ("method", "n", "reserve_size", "allocation", "minimum", "population_size", "population_hash")
"""The fields of a record that its plan fixes, as far as they are there."""


def _line(value: str) -> str:
    value.encode()
    if not value or "\n" in value:
        raise ValueError("one line")
    return value


def _instant(value: str) -> str:
    if datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("no zone")
    return value


Line = Annotated[str, AfterValidator(_line)]
Instant = Annotated[str, AfterValidator(_instant)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _Seat(_Strict):
    name: str


class _Named(_Strict):
    chain: Literal["quicknet", "default"]
    chain_hash: str
    round: int


class _Answered(_Strict):
    round: int
    signature: str


class _Contradicting(_Answered):
    randomness: str


class _Plan(_Strict):
    planned_at: Instant
    reveals_due_at: Instant
    public_at: Instant
    participants: Annotated[list[_Seat], Field(min_length=2)]
    beacon: _Named | None = None


class _Participant(_Strict):
    rank: int
    name: str
    commitment: str
    committed_at: Instant
    secret: Line
    revealed_at: Instant


class _Reading(_Strict):
    person: int
    at: Instant


class Ceremony(_Strict):
    """What a record says of its ceremony, as far as it is needed to check it."""

    plan: _Plan
    plan_hash: str
    participants: list[_Participant]
    public_value: Line
    readings: Annotated[list[_Reading], Field(min_length=2)]
    beacon: _Answered | None = None
    contradiction: _Contradicting | None = None


def flaw(given: Ceremony, record: Mapping[str, Any]) -> str | None:
    """The first place of a record where its plan, its commitments, its order or its seed do not hold; None for none.

    `given` is its field `ceremony`, whose shape is sound.
    """
    plan = record["ceremony"]["plan"]
    try:
        if given.plan_hash != plan_hash(plan):
            return "ceremony.plan_hash"
    except UnicodeEncodeError:
        return "ceremony.plan"
    for name in PLANNED:
        if plan.get(name) != record.get(name):
            return name
    if len(given.participants) != len(given.plan.participants):
        return "ceremony.participants"
    for place, (one, seat) in enumerate(zip(given.participants, given.plan.participants, strict=True)):
        here = f"ceremony.participants.{place}"
        if one.rank != place + 1:
            return f"{here}.rank"
        if one.name != seat.name:
            return f"{here}.name"
        if one.commitment != commitment(given.plan_hash, one.rank, one.secret):
            return f"{here}.commitment"
    if (place_of_time := _out_of_order(given)) is not None:
        return f"ceremony.{place_of_time}"
    if len({reading.person for reading in given.readings}) < len(given.readings):
        return "ceremony.readings"
    if (place_of_round := _other_round(given)) is not None:
        return f"ceremony.{place_of_round}"
    secrets = [one.secret for one in given.participants]
    return "seed" if record["seed"] != seed(given.plan_hash, given.public_value, secrets) else None


def _other_round(given: Ceremony) -> str | None:
    """Where the round of a beacon that was given is not the one that the plan's hour names, or not what it is given
    for; None too without one."""
    named, contradiction = given.plan.beacon, given.contradiction
    if named is None or (given.beacon and contradiction):
        return "contradiction" if contradiction else "beacon" if given.beacon else None
    asked = beacon.round_from(named.chain, datetime.fromisoformat(given.plan.public_at))
    if (named.chain_hash, named.round) != (beacon.CHAINS[named.chain].hash, asked):
        return "plan.beacon"
    if not beacon.is_hexadecimal(given.public_value, 32):
        return "public_value"
    place, answered = ("contradiction", contradiction) if contradiction else ("beacon", given.beacon)
    if answered is None:
        return None
    if answered.round != named.round:
        return f"{place}.round"
    if not beacon.is_hexadecimal(answered.signature, beacon.CHAINS[named.chain].signature_bytes):
        return f"{place}.signature"
    told = contradiction.randomness if contradiction else given.public_value
    if beacon.randomness(answered.signature) != told:
        return f"{place}.signature"
    return "contradiction.randomness" if contradiction and told == given.public_value else None


def _out_of_order(given: Ceremony) -> str | None:
    """The first instant that comes before what it must follow."""
    at = datetime.fromisoformat
    plan, committed = given.plan, max(at(one.committed_at) for one in given.participants)
    if not at(plan.planned_at) < at(plan.reveals_due_at) < at(plan.public_at):
        return "plan.public_at"
    for place, one in enumerate(given.participants):
        if at(one.committed_at) < at(plan.planned_at):
            return f"participants.{place}.committed_at"
        if not committed <= at(one.revealed_at) <= at(plan.reveals_due_at):
            return f"participants.{place}.revealed_at"
    late = (f"readings.{place}.at" for place, one in enumerate(given.readings) if at(one.at) < at(plan.public_at))
    return next(late, None)
