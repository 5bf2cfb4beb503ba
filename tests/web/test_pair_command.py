"""`binome pair solve`: what it answers, and what it says of files that it cannot read."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from web.cli import main

FILE: dict[str, Any] = {
    "instructors": [
        {"id": "i1", "institution": "CAF", "capacity": 3},
        {"id": "i2", "institution": "CAF", "capacity": 2},
        {"id": "i3", "institution": "ARS", "capacity": 4, "min_load": 1},
    ],
    "dossiers": [{"id": "d1", "effort": 2}, {"id": "d2"}, {"id": "d3", "size": 1}],
    "affinity": {"d1": {"i1": 3, "i3": 0.5}},
    "conflicts": [["d2", "i1"]],
    "pinned": [["d3", "i1"]],
    "banned_pairs": [["d1", "i2", "i3"]],
    "previous": {"d1": ["i1", "parti"], "ancien": ["i1"]},
}


def asked(folder: Path, text: str, *words: str) -> Result:
    path = folder / "question.json"
    path.write_text(text)
    return CliRunner().invoke(main, ["pair", "solve", str(path), *words])


def test_the_best_binomes_are_told(tmp_path: Path) -> None:
    result = asked(tmp_path, json.dumps(FILE), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "status": "optimal",
        "pairs": {"d1": ["i1", "i3"], "d2": ["i2", "i3"], "d3": ["i1"]},
        "total": 3.5,
        "worst": 0,
        "max_load": 1,
        "gap": 0,
        "causes": [],
    }
    said = asked(tmp_path, json.dumps(FILE), "--aim", "total").stdout
    assert "d2       i2, i3" in said
    assert "Affinités : 3,5 en tout, 0 pour le dossier le moins bien servi ; charge au plus 100 %. Optimal." in said


def test_where_there_are_none_the_smallest_cause_is_told(tmp_path: Path) -> None:
    tight = {**FILE, "conflicts": [], "pinned": [], "banned_pairs": [], "dossiers": [{"id": f"d{n}"} for n in range(5)]}
    result = asked(tmp_path, json.dumps(tight))
    assert result.exit_code == 1
    assert (
        "5 points d'effort demandés à l'institution ARS, 4 disponibles (dossiers d0, d1, d2, d3, d4)" in result.stdout
    )
    assert "Il suffirait de porter i3 à 5 points d'effort." in result.stdout
    (cause,) = json.loads(asked(tmp_path, json.dumps(tight), "--json").stdout)["causes"]
    assert (cause["asked"], cause["available"], cause["minimal"]) == (5, 4, True)
    assert {"kind": "capacity", "instructor": "i3"} in cause["constraints"]
    assert {"kind": "capacity", "instructor": "i3", "to": 5, "text": "porter i3 à 5 points d'effort"} in cause["lifts"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_per_institution": 1, "pinned": [["d1", "i1"], ["d1", "i2"]]}, "au plus 1 par institution pour d1"),
        ({"pinned": [["d2", "i1"]]}, "i1 a un conflit d'intérêts sur d2 ; i1 est imposé sur d2"),
        ({"pinned": [["d1", "i2", "i3"]]}, "i2 et i3 ne siègent pas ensemble"),
        ({"dossiers": []}, "i3 doit en prendre au moins 1"),
    ],
)
def test_each_rule_has_its_words(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    named = ("affinity", "conflicts", "pinned", "banned_pairs") if "dossiers" in change else ()
    question = {name: value for name, value in FILE.items() if name not in named}
    result = asked(tmp_path, json.dumps({**question, **change}))
    assert result.exit_code == 1
    assert said in result.stdout


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "1:2"),
        ("[]", "."),
        (json.dumps({**FILE, "dossiers": [{"id": 3}]}), "dossiers.0.id"),
        (json.dumps({**FILE, "size": 0}), "size"),
        (json.dumps({**FILE, "dossiers": [{"id": "d1"}, {"id": "d1"}]}), "dossiers.1.id"),
        (json.dumps({**FILE, "conflicts": [["d9", "i1"]]}), "conflicts"),
        (json.dumps({**FILE, "affinity": {"d1": {"i9": 1}}}), "affinity.d1"),
        (json.dumps({**FILE, "affinity": {"d1": {"i1": float("nan")}}}), "affinity.d1.i1"),
    ],
)
def test_a_malformed_file_is_told_with_its_field(tmp_path: Path, text: str, field: str) -> None:
    result = asked(tmp_path, text)
    assert result.exit_code == 2
    assert f"« {field} »" in result.stderr
