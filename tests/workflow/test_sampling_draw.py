"""Draws: uniform or by value, the same in any order, kept by larger ones, and replayed from their public record."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

import web
from workflow.sampling import record, rfc3797
from workflow.sampling.draw import first_tickets, ticket, tickets
from workflow.sampling.errors import BadSampling
from workflow.sampling.select import Draw, Request, Unit, draw

README = Path(web.__file__).parents[1] / "README.md"
METHODS = ("srs", "stratified", "mus", "rfc3797")


def population(size: int = 60, seed: int = 0) -> list[Unit]:
    """Units in three strata, a few of them worth much more than the others."""
    random = Random(seed)
    return [
        Unit(f"U{n:03}", Decimal(round(100 * random.lognormvariate(6, 1.5))) / 100, "ABC"[n % 7 % 3])
        for n in range(size)
    ]


def names(drawn: Draw) -> list[str]:
    return [pick.unit.id for pick in drawn.units]


# By tickets


def test_a_ticket_is_what_the_record_says_it_is() -> None:
    # printf 'graine\n2027-0001' | sha256sum
    assert ticket("graine", "2027-0001") == "59c8676f8dd768392033a7391f9bd5f764fdd19e96187bb9c50f1e9d00e468cc"
    units = [f"U{n}" for n in range(500)]
    for n in (0, 1, 20, 499, 500, 501):
        assert first_tickets("graine", units, n) == tickets("graine", units)[:n]
    many = [f"V{n}" for n in range(25_000)]
    assert first_tickets("graine", iter(many), 300) == tickets("graine", many)[:300]


def test_each_unit_is_drawn_as_often_as_any_other() -> None:
    units = [Unit(f"U{n}") for n in range(40)]
    seeds, n = 4000, 5
    met = Counter(name for seed in range(seeds) for name in names(draw(units, Request("srs", n, str(seed)))))
    expected = seeds * n / 40
    # Without putting back, the counts vary less than multinomial ones by the factor 1 − n/N, over N/(N − 1).
    statistic = sum((met[unit.id] - expected) ** 2 / expected for unit in units) / (1 - n / 40) * (39 / 40)
    assert 0.001 < chi2.sf(statistic, 39) < 0.999


def test_each_pair_is_drawn_as_often_as_any_other() -> None:
    units = [Unit(f"U{n}") for n in range(6)]
    seeds = 6000
    met = Counter(frozenset(names(draw(units, Request("srs", 2, str(seed))))) for seed in range(seeds))
    pairs = [frozenset(pair) for pair in itertools.combinations([unit.id for unit in units], 2)]
    statistic = sum((met[pair] - seeds / 15) ** 2 / (seeds / 15) for pair in pairs)
    assert 0.001 < chi2.sf(statistic, 14) < 0.999


@given(n=st.integers(1, 50), seed=st.text(alphabet=st.characters(codec="utf-8"), max_size=8), shuffle=st.randoms())
def test_order_does_not_count_and_larger_draws_keep_the_smaller(n: int, seed: str, shuffle: Random) -> None:
    units = population()
    mixed = shuffle.sample(units, len(units))
    for method in ("srs", "stratified", "mus"):
        asked = Request(method, n, seed, reserve=3, minimum=0, forced=("U001", "U030"))
        assert draw(units, asked) == draw(mixed, asked)
        if method != "mus":
            larger = Request(method, n + 1, seed, minimum=0, forced=asked.forced)
            assert set(names(draw(units, asked))) < set(names(draw(units, larger)))


def test_strata_are_drawn_as_if_each_were_alone() -> None:
    units = population()
    drawn = draw(units, Request("stratified", 12, "graine"))
    assert sum(n for _name, _size, n in drawn.strata) == 12
    for name, size, n in drawn.strata:
        alone = [unit for unit in units if unit.stratum == name]
        assert size == len(alone)
        assert [pick.unit.id for pick in drawn.units if pick.unit.stratum == name] == names(
            draw(alone, Request("srs", n, "graine"))
        )


def test_neyman_looks_where_values_differ_most() -> None:
    units = [Unit(f"a{n}", Decimal(100), "A") for n in range(50)]
    units += [Unit(f"b{n}", Decimal(100 + 50 * (n % 2)), "B") for n in range(25)]
    units += [Unit(f"c{n}", Decimal(100 + 150 * (n % 2)), "C") for n in range(25)]
    by_size = draw(units, Request("stratified", 20, "s"))
    by_spread = draw(units, Request("stratified", 20, "s", allocation="neyman"))
    assert [n for _name, _size, n in by_size.strata] == [10, 5, 5]
    assert [n for _name, _size, n in by_spread.strata] == [1, 5, 14]


@pytest.mark.parametrize("method", METHODS)
def test_forced_units_stand_apart_and_the_reserve_follows(method: str) -> None:
    units = population()
    forced = ("U010", "U020")
    seed = rfc3797.key([[4, 2]]) if method == "rfc3797" else "graine"
    drawn = draw(units, Request(method, 9, seed, forced=forced, reserve=4))
    assert [unit.id for unit in drawn.forced] == list(forced)
    chosen, standing = set(names(drawn)), {pick.unit.id for pick in drawn.reserve}
    assert len(chosen) == 9
    assert len(standing) == (12 if method == "stratified" else 4)
    assert not (chosen | standing) & set(forced)
    assert not chosen & standing
    rest = [unit for unit in units if unit.id not in forced]
    assert draw(rest, Request(method, 9, seed, reserve=4)).units == drawn.units
    if method in ("srs", "rfc3797"):
        more = draw(rest, Request(method, 13, seed))
        assert names(more) == [*names(drawn), *(pick.unit.id for pick in drawn.reserve)]
    everything = draw(units, Request(method, 9, seed, reserve=500))
    assert len(everything.reserve) == len(units) - 9


# By value


def test_units_above_the_interval_are_taken_and_the_interval_is_computed_again() -> None:
    # 1000 over 4 is 250: a is above. 400 over 3 is 133: b is above. 200 over 2 is 100: none is.
    values = {"a": 600, "b": 200, "c": 100, "d": 60, "e": 40}
    drawn = draw([Unit(name, Decimal(value)) for name, value in values.items()], Request("mus", 4, "graine"))
    assert [pick.unit.id for pick in drawn.units if pick.exhaustive] in (["a", "b"], ["b", "a"])
    assert drawn.interval == 100
    assert {"c"} < set(names(drawn)) - {"a", "b"} <= {"c", "d", "e"}


def test_the_example_of_the_guidance_has_the_printed_interval() -> None:
    # EGESIF_16-0014-01, 6.3.1.7: 8 units above, together 786,837,081; 3,413,044,943 over 69 is 49,464,419.
    above = [120_000_000, 115_000_000, 110_000_000, 105_000_000, 95_000_000, 90_000_000, 80_000_000, 71_837_081]
    rest, left = divmod(4_199_882_024 - sum(above), 3844)
    values = [*above, *([rest] * 3843), rest + left]
    drawn = draw([Unit(str(n), Decimal(value)) for n, value in enumerate(values)], Request("mus", 77, "graine"))
    assert sum(pick.exhaustive for pick in drawn.units) == 8
    assert len(drawn.units) == 77
    assert float(drawn.interval or 0) == pytest.approx(49_464_419, abs=0.5)


def test_the_chance_of_a_unit_is_its_value_over_the_interval() -> None:
    units = [Unit(f"U{n}", Decimal(10 + 9 * n)) for n in range(24)]
    seeds, n = 4000, 8
    met: Counter[str] = Counter()
    for seed in range(seeds):
        drawn = draw(units, Request("mus", n, str(seed)))
        assert len(set(names(drawn))) == n
        met.update(names(drawn))
    total = sum(unit.value or 0 for unit in units)
    for unit in units:
        chance = float(n * (unit.value or 0) / total)
        # Four standard deviations: one of 24 units passes them by chance in 650 runs, and the seeds are fixed.
        assert met[unit.id] == pytest.approx(seeds * chance, abs=4 * (seeds * chance * (1 - chance)) ** 0.5)


def test_the_draw_by_value_is_replayed_by_hand() -> None:
    units = population()
    found = record.make(units, Request("mus", 12, "graine", reserve=1))
    order = sorted(found["population"], key=lambda row: ticket("graine", row["id"]))
    high = [row["id"] for row in found["units"] if row.get("exhaustive")]
    assert high
    line = [row for row in order if row["id"] not in high]
    start = int(ticket("graine", ""), 16) / 2**256 * found["interval"]
    ends = list(itertools.accumulate(row["value"] for row in line))
    points = [start + k * found["interval"] for k in range(12 - len(high))]
    hits = [next(row["id"] for row, end in zip(line, ends, strict=True) if point < end) for point in points]
    drawn = [row["id"] for row in order if row["id"] in high] + hits
    assert [row["id"] for row in found["units"]] == drawn
    left = [row for row in order if row["id"] not in drawn]
    point = int(ticket("graine", "\nreserve"), 16) / 2**256 * sum(row["value"] for row in left)
    ends = list(itertools.accumulate(row["value"] for row in left))
    assert found["reserve"][0]["id"] == next(row["id"] for row, end in zip(left, ends, strict=True) if point < end)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"n": 61}, "too_many"),
        ({"n": 60, "forced": ("U000",)}, "too_many"),
        ({"n": 0}, "out_of_range"),
        ({"reserve": -1}, "out_of_range"),
        ({"seed": "\udcff"}, "bad_seed"),
        ({"forced": ("X",)}, "unknown_unit"),
        ({"method": "stratified", "n": 2}, "too_few_for_strata"),
        ({"method": "stratified", "bare": True}, "no_stratum"),
        ({"method": "mus", "bare": True}, "no_values"),
        ({"method": "mus", "worthless": True}, "too_many"),
        ({"method": "stratified", "allocation": "neyman", "worthless": None}, "no_values"),
    ],
)
def test_what_cannot_be_drawn_is_refused(asked: dict[str, Any], code: str) -> None:
    units = population()
    if asked.pop("bare", False):
        units = [Unit(unit.id) for unit in units]
    if "worthless" in asked:
        value = Decimal(0) if asked.pop("worthless") else None
        units = [Unit(unit.id, value, unit.stratum) for unit in units]
    with pytest.raises(BadSampling) as refused:
        draw(units, Request(**{"method": "srs", "n": 5, "seed": "s", **asked}))
    assert refused.value.reasons[0].code == code


# RFC 3797


def test_the_worked_example_of_rfc_3797() -> None:
    # RFC 3797, section 6: the sources, the key, and the first selections of 25 with their MD5.
    key = rfc3797.key([[9319], [2, 5, 12, 8, 10], [9, 18, 26, 34, 41, 45]])
    assert key == "9319./2.5.8.10.12./9.18.26.34.41.45./"
    chosen = rfc3797.select(key, [str(n) for n in range(1, 26)], 16)
    assert [int(name) for _digest, name in chosen] == [17, 7, 2, 16, 25, 23, 8, 24, 19, 13, 22, 5, 18, 9, 1, 4]
    assert chosen[0][0].upper() == "990DD0A5692A029A98B5E01AA28F3459"
    assert chosen[15][0].upper() == "3269E6CE559ABD57E2BA6AAB495EB9BD"
    with pytest.raises(BadSampling):
        rfc3797.select(key, ["x"] * 65_536, 1)


# The public record


def made(method: str) -> dict[str, Any]:
    request = Request(method, 8, "graine", minimum=2, forced=("U003", "U004"), reserve=2)
    text = json.dumps(record.make(population(20), request), ensure_ascii=False)
    return dict(json.loads(text))


RECORDS = {method: made(method) for method in METHODS}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON value."""
    inner: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, part in inner for place in places(part, (*path, name)))]


def changed(value: Any, data: st.DataObject) -> Any:
    """Another value than this one, often a near one."""
    near: list[Any] = [None, [], {}, "", 0, 1, -1, True, 1e999, "srs", "neyman"]
    if isinstance(value, bool):
        near.append(not value)
    elif isinstance(value, int | float):
        near += [value + 1, value - 1, -value, value * 2, float(value), str(value)]
    elif isinstance(value, str):
        near += [value + "x", value[:-1], value.upper(), value[::-1], f" {value}"]
    elif isinstance(value, list):
        near += [value[:-1], value[::-1], [*value, value[-1]] if value else ["x"], value[1:]]
    else:
        near += [{**value, "more": 1}, dict(list(value.items())[1:])]
    texts = json.dumps(value, sort_keys=True)
    return data.draw(st.sampled_from([other for other in near if json.dumps(other, sort_keys=True) != texts]))


@pytest.mark.parametrize("method", METHODS)
def test_a_record_is_replayed_from_itself_alone(method: str, tmp_path: Path) -> None:
    assert record.verify(RECORDS[method]) is None
    file = tmp_path / "record.json"
    file.write_text(json.dumps(RECORDS[method], indent=2))
    assert record.verify(record.read(file)) is None


@pytest.mark.parametrize("method", METHODS)
@given(data=st.data())
def test_a_change_anywhere_is_found(method: str, data: st.DataObject) -> None:
    tampered = json.loads(json.dumps(RECORDS[method]))
    path = data.draw(st.sampled_from(places(tampered)[1:]))
    parent = tampered
    for name in path[:-1]:
        parent = parent[name]
    if data.draw(st.booleans()) and isinstance(parent, dict):
        del parent[path[-1]]
    else:
        parent[path[-1]] = changed(parent[path[-1]], data)
    assert record.verify(tampered)


@pytest.mark.parametrize("method", METHODS)
def test_every_field_is_looked_at(method: str) -> None:
    for path in places(RECORDS[method])[1:]:
        tampered = json.loads(json.dumps(RECORDS[method]))
        parent = tampered
        for name in path[:-1]:
            parent = parent[name]
        parent[path[-1]] = f"{parent[path[-1]]}?"
        assert record.verify(tampered), path


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("units", 2, "id"), "U001", "units.2.id"),
        (("units", 2, "ticket"), "0" * 64, "units.2.ticket"),
        (("reserve", 0, "id"), "U001", "reserve.0.id"),
        (("population", 5, "id"), "U999", "population_hash"),
        (("population", 5, "id"), "U004", "population.5.id"),
        (("population", 5, "value"), -1.5, "population.5.value"),
        (("population", 5, "value"), 1.5, "population_hash"),
        (("population_size"), 19, "population_size"),
        (("n",), "8", "n"),
        (("population_size",), 20.0, "population_size"),
        (("n",), 90, "n"),
        (("n",), 10**10, "n"),
        (("seed",), "\ud800", "seed"),
        (("population", 5, "value"), 10**400, "population.5.value"),
        (("method",), "rfc", "method"),
        (("record_hash",), "0" * 64, "record_hash"),
        (("more",), 1, "more"),
    ],
)
def test_the_place_of_a_change_is_told(path: Any, value: object, place: str) -> None:
    tampered = json.loads(json.dumps(RECORDS["srs"]))
    parent = tampered
    steps = (path,) if isinstance(path, str) else path
    for name in steps[:-1]:
        parent = parent[name]
    parent[steps[-1]] = value
    assert record.verify(tampered) == place


def test_a_change_that_draws_the_same_is_found_by_the_seal() -> None:
    tampered = {**RECORDS["stratified"], "minimum": 1}
    assert record.verify(tampered) == "record_hash"
    assert record.verify({**tampered, "record_hash": record.seal(tampered)}) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"{", "not_json"),
        (b"\xff\xfe{", "not_json"),
        (b'{"n": NaN}', "not_json"),
        (b'{"n": 1, "n": 2}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[]", "not_a_record"),
        (b"{}", "not_a_record"),
    ],
)
def test_what_is_no_record_is_refused(text: bytes, code: str, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_bytes(text)
    with pytest.raises(BadSampling) as refused:
        record.read(file)
    assert refused.value.reasons[0].code == code


def test_the_ten_lines_of_the_readme_replay_a_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(code.splitlines()) <= 10
    monkeypatch.chdir(tmp_path)
    for method in ("srs", "stratified"):
        Path("tirage.json").write_text(json.dumps(RECORDS[method]))
        scope: dict[str, Any] = {}
        exec(code, scope)  # noqa: S102
        assert scope["drawn"] == [row["id"] for row in RECORDS[method]["units"]]
