"""The public record of a draw: a JSON text from which alone anyone replays it, and finds what was changed in it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflow.sampling import ceremony as ceremonies
from workflow.sampling.ceremony import Ceremony
from workflow.sampling.draw import population_hash
from workflow.sampling.errors import BadSampling
from workflow.sampling.select import Draw, Pick, Request, Unit, draw
from workflow.sampling.watch import Along, unwatched

FORMAT = "binome-sample-1"
SEAL = "record_hash"
_BY_CODE: Mapping[str, str] = {
    "too_many": "n",
    "too_few_for_strata": "n",
    "unknown_unit": "forced",
    "no_stratum": "method",
    "no_values": "method",
    "too_large": "method",
    "bad_seed": "seed",
}
"""Where to look in a record that cannot be replayed, by the code of the refusal."""


def make(
    population: Sequence[Unit],
    request: Request,
    ceremony: Mapping[str, Any] | None = None,
    along: Along = unwatched,
) -> dict[str, Any]:
    """Draw, and write down all that the draw came from and gave. Raises BadSampling.

    `ceremony` tells how the seed came to be (`ceremony.Ceremony`), where it came from one.

    `population_hash` is that of `draw.population_hash`, over lines « identifier » or, where units have them,
    « identifier, tab, stratum, tab, value ». `record_hash` is SHA-256 of all other fields as JSON with sorted names
    and no spaces. The population stands in the order of its identifiers, with rfc3797 in that of the file.
    """
    units = list(population) if request.method == "rfc3797" else sorted(population, key=lambda unit: unit.id)
    drawn = draw(units, request)
    rows = [_unit(unit) for unit in along(units)]
    record: dict[str, Any] = {
        "format": FORMAT,
        **({} if ceremony is None else {"ceremony": ceremony}),
        "method": request.method,
        "seed": request.seed,
        "n": request.n,
        "reserve_size": request.reserve,
        **({"allocation": request.allocation, "minimum": request.minimum} if request.method == "stratified" else {}),
        "population_size": len(units),
        "population_hash": population_hash(map(line, along(units))),
        **_figures(units, drawn),
        "units": _picks(drawn.units),
        "forced": [_unit(unit) for unit in drawn.forced],
        "reserve": _picks(drawn.reserve),
        "population": rows,
    }
    return {**record, SEAL: seal(record)}


def line(unit: Unit) -> str:
    """A unit as the hash of the population has it: its identifier, stratum and value, separated by tabs."""
    return "\t".join(map(str, _unit(unit).values()))


def seal(record: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of a record without its seal, as JSON with sorted names and no spaces, in UTF-8."""
    fields = {name: value for name, value in record.items() if name != SEAL}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _number(value: Decimal | Fraction) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() else number


def _unit(unit: Unit) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": unit.id}
    if unit.stratum is not None:
        fields["stratum"] = unit.stratum
    if unit.value is not None:
        fields["value"] = _number(unit.value)
    return fields


def _picks(picks: Sequence[Pick]) -> list[dict[str, Any]]:
    return [
        {
            "rank": rank,
            **_unit(pick.unit),
            "ticket": pick.ticket,
            **({"exhaustive": True} if pick.exhaustive else {}),
        }
        for rank, pick in enumerate(picks, start=1)
    ]


def _figures(units: Sequence[Unit], drawn: Draw) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if all(unit.value is not None for unit in units):
        figures["book_value"] = _number(sum((unit.value or Decimal() for unit in units), Decimal()))
    if drawn.strata:
        figures["strata"] = [{"stratum": name, "population": size, "n": n} for name, size, n in drawn.strata]
    if drawn.interval is not None and drawn.start is not None:
        figures |= {"interval": _number(drawn.interval), "start": _number(drawn.start)}
    return figures


# Replayed


class _Unit(BaseModel):
    model_config = ConfigDict(strict=True)
    id: str
    stratum: str | None = None
    value: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class _Record(BaseModel):
    model_config = ConfigDict(strict=True)
    format: Literal["binome-sample-1"]
    method: Literal["srs", "stratified", "mus", "rfc3797"]
    seed: str
    n: Annotated[int, Field(ge=1)]
    reserve_size: Annotated[int, Field(ge=0)]
    allocation: Literal["proportional", "neyman"] = "proportional"
    minimum: Annotated[int, Field(ge=0)] = 1
    forced: list[_Unit]
    population: Annotated[list[_Unit], Field(min_length=1)]
    ceremony: Ceremony | None = None


def read(path: Path) -> dict[str, Any]:
    """The record that a JSON file holds. Raises BadSampling where it is none."""
    try:
        record = json.loads(path.read_bytes(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadSampling("not_json") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise BadSampling("not_a_record")
    return record


def verify(record: Mapping[str, Any]) -> str | None:
    """Draw again from what a record says, and return the first place that differs (`units.2.id`); None where none does.

    Whoever changes a record and its seal together makes another record, which replays only if it is a true draw of
    the population and the seed that it names: what was published before tells whether those are the right ones. Of a
    ceremony that is its plan's hash and its commitments, as the journal has them, and the public value at its source.
    Nothing of the draw hangs on the instants of its steps, as long as they are in order, nor on who read: the journal
    alone vouches for those.
    """
    try:
        given = _Record.model_validate(record)
    except ValidationError as error:
        return ".".join(str(part) for part in error.errors()[0]["loc"])
    first: dict[str, int] = {}
    for place, unit in enumerate(given.population):
        if first.setdefault(unit.id, place) != place:
            return f"population.{place}.id"
    units = [
        Unit(unit.id, None if unit.value is None else Decimal(repr(unit.value)), unit.stratum)
        for unit in given.population
    ]
    request = Request(
        method=given.method,
        n=given.n,
        seed=given.seed,
        allocation=given.allocation,
        minimum=given.minimum,
        forced=[unit.id for unit in given.forced],
        reserve=given.reserve_size,
    )
    try:
        made = make(units, request, record.get("ceremony"))
    except BadSampling as error:
        (reason,) = error.reasons
        return _BY_CODE.get(reason.code) or str(reason.params["option"])
    if given.ceremony is not None and (flaw := ceremonies.flaw(given.ceremony, record)) is not None:
        return flaw
    return _difference(made, record)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _difference(wanted: Any, found: Any, place: str = "") -> str | None:
    """The first place where two JSON values differ."""
    if isinstance(wanted, dict) and isinstance(found, Mapping):
        for name in [*wanted, *(name for name in found if name not in wanted)]:
            inner = f"{place}.{name}" if place else str(name)
            if name not in wanted or name not in found:
                return inner
            if (differs := _difference(wanted[name], found[name], inner)) is not None:
                return differs
        return None
    if isinstance(wanted, list) and isinstance(found, list):
        for row, (one, other) in enumerate(zip(wanted, found, strict=False)):
            if (differs := _difference(one, other, f"{place}.{row}")) is not None:
                return differs
        return None if len(wanted) == len(found) else f"{place}.{min(len(wanted), len(found))}"
    # 3 and 3.0, or 1 and true, are equal but not the same text.
    return None if type(wanted) is type(found) and wanted == found else place
