"""`binome sample` on files: what it answers, and what it says of what it cannot take."""

import io
import json
from hashlib import sha256
from math import comb
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from web.cli import main
from web.commands import output
from workflow.sampling import file
from workflow.sampling.draw import ticket

POPULATION = "id,strate,valeur\n" + "".join(f"D-{n:02},{'AB'[n % 3 // 2]},{100 + n * n}\n" for n in range(40))
EXAMINED = "id,value,error\n" + "".join(f"D-{n:02},{100 + n * n},{10 if n % 6 == 0 else 0}\n" for n in range(30))


def sample(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["sample", *map(str, words)])


def told(*words: str | Path) -> Any:
    result = sample(*words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def population(tmp_path: Path) -> Path:
    file = tmp_path / "population.csv"
    file.write_text(POPULATION)
    return file


@pytest.fixture
def examined(tmp_path: Path) -> Path:
    file = tmp_path / "examined.csv"
    file.write_text(EXAMINED)
    return file


# How many


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_size_is_told_in_json_with_its_inputs(words: tuple[str, ...]) -> None:
    found = told("size", "--method", "binomial", "--confidence", "0.95", "--materiality", "0.05", *words)
    assert found["n"] == 59
    assert found["inputs"] == {"method": "binomial", "confidence": 0.95, "materiality": 0.05, "errors_allowed": 0}
    assert "ISA 530" in found["source"]


@pytest.mark.parametrize(
    ("words", "n"),
    [
        ("binomial --confidence 0.95 --materiality 0.05 --expected 1", 93),
        ("binomial --confidence 0.95 --materiality 0.05 --expected-rate 0.01", 93),
        ("poisson --confidence 0.95 --materiality 0.05", 60),
        ("hypergeometric --confidence 0.9 --materiality 0.05 --expected 2 --population 1200", 102),
        (
            "srs --population 3852 --book-value 46501186 --sd 518 --confidence 0.8 --tolerable-rate 0.02"
            " --expected-rate 0.0124",
            53,
        ),
        (
            "stratified --stratum 3582:444 --stratum 1225:9818 --book-value 1396535319 --confidence 0.8"
            " --tolerable-rate 0.02 --expected-rate 0.018",
            121,
        ),
        (
            "mus-standard --book-value 4199882024 --sd-rate 0.085 --confidence 0.9 --tolerable-rate 0.02"
            " --expected-rate 0.004",
            77,
        ),
        (
            "mus-stratified --stratum 800.50:0.02 --stratum 200:0.1 --confidence 0.9 --tolerable-rate 0.02"
            " --expected-rate 0.004",
            25,
        ),
        ("mus-conservative --book-value 4199882024 --confidence 0.9 --materiality 0.02 --expected-rate 0.002", 136),
        ("non-statistical --population 187 --unit-share 0.1", 19),
    ],
)
def test_every_method_sizes(words: str, n: int) -> None:
    assert told("size", "--method", *words.split())["n"] == n


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("binomial --materiality 0.05", "Il manque --confidence."),
        ("binomial --confidence 95 --materiality 0.05", "--confidence : 95.0 ne convient pas"),
        ("binomial --confidence 0.95 --materiality 0.05 --sd 3", "--sd ne sert pas ici."),
        ("binomial --confidence 0.95 --materiality 0.05 --expected-rate 0.06", "sous l'erreur tolérable"),
        ("srs --population 9 --book-value 9 --sd 1 --confidence 0.8", "Il manque --tolerable-rate."),
        ("stratified --stratum 3582 --book-value 1 --confidence 0.8 --tolerable-rate 0.02", "N:SD"),
        ("unknown --confidence 0.95", "--method"),
    ],
)
def test_options_that_do_not_fit_are_told(words: str, said: str) -> None:
    result = sample("size", "--method", *words.split())
    assert result.exit_code == 2
    assert said in result.stderr
    assert not result.stdout


# Which


def test_a_draw_of_a_file_is_recorded_replayed_and_told(population: Path, tmp_path: Path) -> None:
    forced = tmp_path / "risks.csv"
    forced.write_text("id\nD-07\nD-31\n")
    words = ("draw", "--population", population, "--method", "srs", "--n", "5", "--seed", "graine")
    found = told(*words, "--forced", forced, "--reserve", "2", "--json")
    rest = sorted((f"D-{n:02}" for n in range(40) if n not in (7, 31)), key=lambda name: ticket("graine", name))
    assert [row["id"] for row in found["units"]] == rest[:5]
    assert [row["id"] for row in found["reserve"]] == rest[5:7]
    assert [row["id"] for row in found["forced"]] == ["D-07", "D-31"]
    said = sample(*words, "--forced", forced, "--reserve", "2").stdout
    assert "Tirage simple de 5 unité(s) parmi 40, graine graine :" in said
    assert "Examinées de toute façon, hors tirage :" in said
    assert f"1     {rest[0]}" in said
    file = tmp_path / "record.json"
    file.write_text(json.dumps(found))
    assert told("verify", file, "--json") == {"sound": True, "place": None}
    assert "se rejoue à l'identique : 5 unité(s) parmi 40" in sample("verify", file).stdout
    found["units"][3]["id"] = "D-07"
    file.write_text(json.dumps(found))
    result = sample("verify", file, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"sound": False, "place": "units.3.id"})
    assert "units.3.id" in sample("verify", file).stdout


def test_strata_and_values_come_from_columns(population: Path) -> None:
    by_stratum = told(
        *("draw", "--population", population, "--method", "stratified", "--n", "9", "--seed", "s", "--json"),
        *("--stratum", "strate", "--value", "valeur", "--allocation", "neyman", "--minimum", "2"),
    )
    assert [row["stratum"] for row in by_stratum["strata"]] == ["A", "B"]
    assert sum(row["n"] for row in by_stratum["strata"]) == 9
    assert by_stratum["allocation"] == "neyman"
    words = ("draw", "--population", population, "--method", "mus", "--n", "20", "--seed", "s", "--value", "valeur")
    by_value = told(*words, "--json")
    assert len({row["id"] for row in by_value["units"]}) == 20
    assert by_value["book_value"] == sum(100 + n * n for n in range(40))
    high = {row["id"] for row in by_value["units"] if row.get("exhaustive")}
    assert high == {row["id"] for row in by_value["population"] if row["value"] > by_value["interval"]} != set()
    said = sample(*words).stdout
    assert "D'office" in said
    assert "Intervalle :" in said


def test_a_seed_is_made_where_none_is_given(population: Path) -> None:
    words = ("draw", "--population", population, "--method", "srs", "--n", "3", "--json")
    assert len({told(*words)["seed"] for _ in range(2)}) == 2


def test_the_published_standard_is_offered(population: Path) -> None:
    key = "9319./2.5.8.10.12./9.18.26.34.41.45./"
    found = told(*("draw", "--population", population, "--method", "rfc3797", "--n", "3", "--seed", key, "--json"))
    assert found["units"][0]["ticket"].upper() == "990DD0A5692A029A98B5E01AA28F3459"  # RFC 3797, section 6
    assert found["units"][0]["id"] == f"D-{int(found['units'][0]['ticket'], 16) % 40:02}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "Il manque --campaign | --population."),
        ("--population POP --campaign 2027", "--population ne sert pas ici."),
        ("--campaign 2027 --size 3", "Il manque --by."),
        ("--campaign 2027 --size 3 --by a@b.example --reserve 3", "--reserve ne sert pas ici."),
        ("--population POP --n 3", "Il manque --method."),
        ("--population POP --method srs", "Il manque --n."),
        ("--population POP --method srs --n 3 --size 3", "--size ne sert pas ici."),
        ("--population POP --method srs --n 41", "41 unité(s) demandée(s) : 40 seulement peuvent être tirées."),
        ("--population POP --method srs --n 0", "--n : 0 ne convient pas"),
        ("--population POP --method stratified --n 3", "une strate pour chaque unité"),
        ("--population POP --method mus --n 3", "une valeur pour chaque unité"),
        ("--population POP --method mus --n 3 --value montant", "Il n'y a pas de colonne « montant »"),
        (
            "--population POP --method mus --n 3 --value strate",
            "Ligne 2, colonne « strate » : « A » n'est pas un nombre",
        ),
        ("--population absent.csv --method srs --n 3", "absent.csv"),
    ],
)
def test_draws_that_cannot_be_are_told(population: Path, words: str, said: str) -> None:
    result = sample("draw", *(str(population) if word == "POP" else word for word in words.split()))
    assert result.exit_code == 2, result.output
    assert said in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,v\na,1\nb,2\na,3\n", "Ligne 4 : « a » y est déjà."),
        ("id,v\na,1\nb,-2\n", "Ligne 3, colonne « v » : -2 est négatif."),
        ("id,v\na,1\nb,deux\n", "Ligne 3, colonne « v » : « deux » n'est pas un nombre."),
        ("id;v\na;1\nb;1.234,5\n", "Ligne 3, colonne « v » : « 1.234,5 » n'est pas un nombre."),
        ("id,v\na,1\nb,nan\n", "« nan » n'est pas un nombre."),
        ("id,v\na,1\nb,1e999\n", "« 1e999 » n'est pas un nombre."),
        ("id,v\na,1\nb,12345678901234567.89\n", "n'est pas un nombre."),
        ("id,v\na,\n", "« » n'est pas un nombre."),
        ("id,v\na,1\nb\n", "Ligne 3 : 1 cellule(s), l'en-tête en a 2."),
        ("id,v\na,1\n\n ,2\n", "Ligne 4 : l'identifiant est vide"),
        ('id,v\na,1\n"b\nc",2\n', "Ligne 3 : l'identifiant est vide, ou contient une tabulation"),
        ('id,v\na,1\nb,"2\n', "Ligne 3 : ce n'est pas du CSV."),
        ("id,v\n", "ne contient aucune unité"),
        ("", "ne contient aucune unité"),
        (b"id,v\na,1\n\xe9,2\n", "Ligne 3 : le texte n'est pas en UTF-8."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, content: str | bytes, said: str) -> None:
    file = tmp_path / "population.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = sample("draw", "--population", file, "--method", "mus", "--n", "1", "--value", "v")
    assert result.exit_code == 2
    assert said.replace("« »", "«  »") in result.stderr


@pytest.mark.parametrize(
    "content",
    [
        "id,v\na,1000.5\nb,2\nc,3\n",
        "\ufeffid;v\r\na;1 000,50\r\nb;2\r\n\r\nc;3,0\r\n",
        "nom;v\na;1\u202f000,5\nb;2\nc;3\n",
        'v;id\n1000,5;a\n"2";b\n3;" c"\n',
    ],
)
def test_files_are_read_as_spreadsheets_write_them(tmp_path: Path, content: str) -> None:
    file = tmp_path / "population.csv"
    file.write_text(content, encoding="utf-8", newline="")
    found = told(
        *("draw", "--population", file, "--method", "mus", "--n", "2", "--value", "v", "--seed", "s", "--json")
    )
    assert found["population"] == [{"id": "a", "value": 1000.5}, {"id": "b", "value": 2}, {"id": "c", "value": 3}]
    assert found["population_hash"] == sha256(b"a\t1000.5\nb\t2\nc\t3").hexdigest()


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"format": "binome-sample-1", "format": 1}'])
def test_a_file_that_is_no_record_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "record.json"
    file.write_bytes(content)
    result = sample("verify", file)
    assert result.exit_code == 2
    assert "record.json : Ce n'est pas" in result.stderr


# What is concluded


def test_attributes_are_evaluated_with_or_without_a_file(examined: Path) -> None:
    found = told("evaluate", "--errors", "1", "--n", "93", "--confidence", "0.95", "--method", "binomial")
    assert found["upper_limit"] == pytest.approx(0.0500, abs=1e-4)
    assert found["estimate"] + found["precision"] == pytest.approx(found["upper_limit"])
    assert found["conclusion"] is None
    asked = ("--confidence", "0.9", "--materiality", "0.3")
    by_count = told("evaluate", "--method", "binomial", "--errors", "5", "--n", "30", *asked)
    by_file = told("evaluate", "--method", "binomial", "--sample", examined, *asked)
    assert by_file == by_count
    assert (by_file["estimate"], by_file["conclusion"]) == (pytest.approx(5 / 30), "not material")
    finite = told(
        *("evaluate", "--method", "hypergeometric", "--errors", "0", "--n", "45", "--population", "1200"),
        *("--confidence", "0.9", "--materiality", "0.05"),
    )
    assert finite["conclusion"] == "not material"
    none_found = [comb(1200 - wrong, 45) / comb(1200, 45) for wrong in range(61)]
    assert finite["upper_limit"] == max(wrong for wrong, chance in enumerate(none_found) if chance > 0.1) / 1200


@pytest.mark.parametrize(
    ("words", "estimate"),
    [
        ("srs --population 40", 40 * 50 / 30),
        ("ratio --population 40", 25_000 * 50 / sum(100 + n * n for n in range(30))),
        ("mus-standard", 25_000 / 30 * sum(10 / (100 + n * n) for n in range(0, 30, 6))),
        ("mus-conservative", 25_000 / 30 * sum(10 / (100 + n * n) for n in range(0, 30, 6))),
        ("mus-conservative --n 50", 25_000 / 50 * sum(10 / (100 + n * n) for n in range(0, 30, 6))),
        ("mus-conservative --interval 400", 400 * sum(10 / (100 + n * n) for n in range(0, 30, 6))),
        ("stringer", 25_000 / 30 * sum(10 / (100 + n * n) for n in range(0, 30, 6))),
    ],
)
def test_every_method_projects(examined: Path, words: str, estimate: float) -> None:
    asked = ("--sample", examined, "--book-value", "25000", "--confidence", "0.9", "--tolerable-rate", "0.02")
    found = told("evaluate", "--method", *words.split(), *asked)
    assert found["estimate"] == pytest.approx(estimate)
    assert found["estimate"] + found["precision"] == pytest.approx(found["upper_limit"])
    assert found["tolerable"] == 500
    assert found["conclusion"] in ("not material", "inconclusive")
    assert (found["more_units"] is not None) == (found["conclusion"] == "inconclusive")
    assert found["source"]


def test_audited_values_strata_and_exhaustive_units_are_read(tmp_path: Path) -> None:
    file, strata = tmp_path / "sample.csv", tmp_path / "strata.csv"
    file.write_text(
        "id;value;audited;stratum;exhaustive\na;100;90;A;\nb;100;100;A;non\nc;50;50;B;\nd;50;45;B;0\ne;900;800;B;oui\n"
    )
    strata.write_text("stratum;population;value\nA;10;1000\nB;11;1400\n")
    found = told("evaluate", "--method", "srs", "--sample", file, "--strata", strata, "--confidence", "0.9")
    assert found["estimate"] == pytest.approx(100 + 10 * 5 + 10 * 2.5)
    assert [part["population"] for part in found["inputs"]["parts"]] == [10, 10]
    assert found["inputs"]["book_value"] == 2400


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        ("id,value\na,1\n", "srs --population 3 --book-value 9", "Il n'y a pas de colonne « error »"),
        ("id,audited\na,1\n", "srs --population 3 --book-value 9", "Il n'y a pas de colonne « value »"),
        (
            "id,value,error\na,1,2\n",
            "srs --population 3 --book-value 9",
            "Ligne 2 : l'erreur (2) dépasse la valeur (1).",
        ),
        ("id,value,audited\na,1,-2\n", "srs --population 3 --book-value 9", "-2 est négatif"),
        ("id,error,exhaustive\na,1,peut-être\n", "srs --population 3 --book-value 9", "n'est ni oui ni non"),
        ("id,error\na,1\nb,0\n", "mus-standard --book-value 9", "il manque la colonne « value »"),
        ("id,value,error\na,1,0\nb,0,0\n", "mus-standard --book-value 9", "« b » a une valeur nulle"),
        ("id,value,error\na,1,0\n", "srs --population 3", "Il manque --book-value."),
        ("id,value,error\na,1,0\n", "srs --population 3 --book-value 9", "au moins deux unités"),
        ("id,value,error\na,1,0\nb,1,0\n", "srs --population 1 --book-value 9", "dépasse la population"),
        ("id,value,error\na,1,0\nb,1,0\n", "binomial --errors 3", "--errors ne sert pas ici."),
    ],
)
def test_evaluations_that_cannot_be_are_told(tmp_path: Path, content: str, words: str, said: str) -> None:
    file = tmp_path / "sample.csv"
    file.write_text(content)
    result = sample("evaluate", "--sample", file, "--confidence", "0.9", "--method", *words.split())
    assert result.exit_code == 2, result.output
    assert said in result.stderr


def test_the_columns_of_strata_are_whole_numbers(tmp_path: Path, examined: Path) -> None:
    strata = tmp_path / "strata.csv"
    strata.write_text("stratum,population,value\nA,2.5,10\n")
    result = sample(*("evaluate", "--method", "srs", "--sample", examined, "--strata", strata, "--confidence", "0.9"))
    assert result.exit_code == 2
    assert "Ligne 2, colonne « population » : « 2.5 » n'est pas un nombre" in result.stderr


class Screen(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("seen", "long"), [(True, True), (True, False), (False, True)])
def test_a_bar_stands_where_somebody_waits(
    population: Path, monkeypatch: pytest.MonkeyPatch, seen: bool, long: bool
) -> None:
    monkeypatch.setattr(output, "_LONG", 2 if long else 10**6)
    monkeypatch.setattr(output, "_STEP", 1)
    screen = Screen() if seen else io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    with output.watching("Tirage", population, 2) as along:
        first = list(along(range(3)))
        assert first == [0, 1, 2]
    assert ("%" in screen.getvalue()) == (seen and long)
    assert len(file.population(population, along=along)) == len(file.population(population))
