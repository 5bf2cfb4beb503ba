"""The command line: answers, refusals, exit statuses."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from states.dossier import DOSSIER
from tests.factories import Walk, build
from web.cli import main
from workflow import db, journal
from workflow.settings import settings


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty instance folder, as the environment names it."""
    monkeypatch.setenv("BINOME_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setenv("BINOME_DEMO", "1")
    monkeypatch.delenv("BINOME_DATABASE_URL", raising=False)
    settings.cache_clear()
    yield tmp_path / "instance"
    settings.cache_clear()


@pytest.fixture
def walk(instance: Path) -> Iterator[Walk]:
    """A dossier evaluated, in the instance's database."""
    db.migrate(settings().url())
    database = db.Database(settings().url())
    yield Walk(database, build(database)).evaluated()
    database.dispose()


def binome(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def found(*words: str) -> Any:
    result = binome(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_states_are_shown_with_the_names_of_the_design() -> None:
    shown = found("states", "show")
    assert shown["states"] == list(DOSSIER.states)
    assert list(dict.fromkeys(row["event"] for row in shown["events"])) == list(DOSSIER.events)
    assert found("states", "show", "--machine", "consultation")["states"][0] == "asked"
    assert binome("states", "show", "--format", "mermaid").stdout.startswith("stateDiagram-v2")
    assert "<svg" in binome("states", "show", "--machine", "control", "--format", "svg").stdout
    assert "withdraw" in binome("states", "show").stdout
    assert binome("states", "show", "--machine", "other").exit_code == 2


def test_routes_are_explained_from_the_file_before_there_is_a_database(instance: Path) -> None:
    routed = found("route", "explain", "--objective", "334", "--level", "commune", "--commune", "Anzin")
    assert (routed["lead"], routed["reason"]) == ("gup-locaux", "objectif 334, règle 4")
    later = found("route", "explain", "--objective", "334", "--level", "agglomeration")
    assert [step["matched"] for step in later["steps"]] == [False, True]
    unknown = binome("route", "explain", "--objective", "999")
    assert unknown.exit_code == 1
    assert "999" in unknown.stderr
    assert unknown.stdout == ""
    assert binome("route", "explain", "--objective", "224", "--commune", "Nulle-Part").exit_code == 1


def test_commands_say_that_there_is_no_database_yet(instance: Path) -> None:
    result = binome("journal", "verify")
    assert result.exit_code == 1
    assert "binome db upgrade" in result.stderr


def test_the_journal_is_verified_against_a_head_noted_earlier(walk: Walk) -> None:
    noted = binome("journal", "head").stdout.strip()
    assert found("journal", "verify", "--head", noted)["sound"] is True
    with walk.database.writer.begin() as connection:
        connection.execute(text("DROP TRIGGER journal_delete_journal_append_only"))
        last = int(noted.partition(":")[0])
        connection.execute(text("DELETE FROM journal WHERE seq = :last"), {"last": last})
    assert binome("journal", "verify").exit_code == 0
    cut = binome("journal", "verify", "--head", noted, "--json")
    assert cut.exit_code == 1
    assert json.loads(cut.stdout)["flaws"] == [{"seq": last, "kind": "truncated"}]
    assert binome("journal", "verify", "--head", "nonsense").exit_code == 2


def test_a_sample_is_drawn_once_by_a_controller(walk: Walk) -> None:
    command = ("sample", "draw", "--campaign", "Programmation 2027", "--size", "1", "--seed", "essai", "--by")
    refused = binome(*command, "animator@binome.example")
    assert refused.exit_code == 1
    assert "rôle" in refused.stderr
    drawn = found(*command, "controller@binome.example")
    assert [unit["number"] for unit in drawn["units"]] == ["2027-0001"]
    again = binome(*command, "controller@binome.example")
    assert again.exit_code == 1
    assert "déjà" in again.stderr
    assert binome("sample", "draw", "--campaign", "1999", "--size", "1", "--by", "x@y.example").exit_code == 1


def test_the_first_administrator_comes_from_the_command_line(walk: Walk) -> None:
    created = found("user", "create", "Nouvelle@Binome.Example", "Administratrice", "--role", "administrator")
    assert "/invitation/" in created["invitation"]
    listed = {person["email"]: person["roles"] for person in found("user", "list")}
    assert listed["nouvelle@binome.example"] == ["administrator"]
    twice = binome("user", "create", "nouvelle@binome.example", "Encore elle")
    assert twice.exit_code == 1
    assert "email" in twice.stderr
    assert binome("user", "deactivate", "nouvelle@binome.example").exit_code == 0
    assert binome("user", "deactivate", "personne@binome.example").exit_code == 1


def test_outside_the_demo_a_secret_key_is_required(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BINOME_DEMO")
    settings.cache_clear()
    refused = binome("user", "create", "a@b.example", "Quelqu'un")
    assert refused.exit_code == 1
    assert "BINOME_SECRET_KEY" in refused.stderr


def test_the_demo_is_played_once_and_the_same_for_the_same_seed(
    instance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = []
    for name in ("one", "two"):
        monkeypatch.setenv("BINOME_INSTANCE", str(tmp_path / name))
        settings.cache_clear()
        played = binome("demo", "--dossiers", "4", "--seed", "7", "--until", date(2026, 11, 20).isoformat())
        assert played.exit_code == 0, played.output
        heads.append(binome("journal", "head").stdout)
    assert heads[0] == heads[1]
    assert not heads[0].startswith(f"0:{journal.GENESIS}")
    again = binome("demo", "--dossiers", "4")
    assert again.exit_code == 1


def test_the_database_is_checked_against_the_models() -> None:
    assert found("db", "check") == []


def test_a_tick_is_tried_then_done_as_of_an_instant(walk: Walk) -> None:
    Walk(walk.database, walk.world).assigned()
    assert "messages sont partis." in binome("remind", "--at", "2027-02-05T07:00").stdout
    at = "2027-02-05T08:30"
    would, again = (found("remind", "--at", at, "--dry-run") for _ in range(2))
    assert would == again, "nothing of it is kept"
    assert would["at"] == "2027-02-05T07:30:00+00:00"
    recalled = [{"rule": "opinion", "dossier": "2027-0002", "rung": -15, "due_on": "2027-02-26"}]
    assert would["sent"] == [
        {"recipient": f"instructor.{n}@binome.example", "kind": "digest", "reminders": recalled} for n in (1, 2)
    ]
    assert found("remind", "--at", at) == would
    assert found("remind", "--at", at)["sent"] == []
    listed = binome("remind", "--at", "2027-02-26T12:00", "--dry-run").stdout
    assert "2 messages partiraient." in listed
    assert re.search(r"instructor\.1@binome\.example +reminder_urgent +opinion +2027-0002 +-1 +2027-02-26", listed)
    assert binome("remind", "--at", "demain").exit_code == 2


def test_the_scheduler_does_once_what_is_due(walk: Walk) -> None:
    assert "sent" in binome("scheduler", "--once").stdout


CALENDAR = """\
[campaign]
first = 2012-01-02
last = 2012-03-30
[[milestone]]
id = "deposit"
label = "Dépôt"
[[milestone]]
id = "decision"
label = "Décision"
after = "deposit"
min_gap = 25
per_funder = true
[[funder_window]]
funder = "CAF"
milestone = "deposit"
earliest = 2012-01-10
latest = 2012-01-20
[[funder_window]]
funder = "État"
milestone = "decision"
earliest = 2012-01-10
latest = 2012-03-01
preferred = 2012-02-13
"""


@pytest.fixture
def calendar_file(tmp_path: Path) -> Path:
    """A calendar that suits both funders but for one working day."""
    file = tmp_path / "calendar.toml"
    file.write_text(CALENDAR, encoding="utf-8")
    return file


def test_a_calendar_is_harmonised(calendar_file: Path) -> None:
    assert found("calendar", "harmonise", str(calendar_file)) == {
        "feasible": True,
        "dates": {"deposit": "2012-01-10", "decision": {"CAF": "2012-02-14", "État": "2012-02-14"}},
        "cost": 1,
    }
    told = binome("calendar", "harmonise", str(calendar_file)).stdout
    assert "14 février 2012" in told
    assert "1 jour ouvré d'écart" in told


def test_a_calendar_that_cannot_be_is_explained(calendar_file: Path) -> None:
    calendar_file.write_text(CALENDAR.replace("2012-03-01", "2012-02-06"), encoding="utf-8")
    result = binome("calendar", "harmonise", str(calendar_file), "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["feasible"] is False
    assert [(row["kind"], row["funder"], row["milestone"], row["bound"]) for row in answer["conflict"]] == [
        ("window", "CAF", "deposit", "earliest"),
        ("gap", None, "decision", "min_gap"),
        ("window", "État", "decision", "latest"),
    ]
    assert answer["relaxations"] == [
        {"funder": "CAF", "milestone": "deposit", "bound": "earliest", "to": "2012-01-02"},
        {"funder": "État", "milestone": "decision", "bound": "latest", "to": "2012-02-14"},
    ]
    assert binome("calendar", "harmonise", str(calendar_file)).stdout == (
        "Aucun calendrier : CAF : « Dépôt » au plus tôt le 10 janvier 2012 ; « Décision » au moins 25 jours ouvrés"
        " après « Dépôt » ; État : « Décision » au plus tard le 6 février 2012 ; il manque 6 jours ouvrés.\n"
        "  CAF : accepter « Dépôt » dès le 2 janvier 2012 suffirait.\n"
        "  État : accepter « Décision » jusqu'au 14 février 2012 suffirait.\n"
    )


def test_a_malformed_calendar_names_line_and_field(calendar_file: Path) -> None:
    calendar_file.write_text(CALENDAR.replace("min_gap = 25", "min_gap = -25"), encoding="utf-8")
    result = binome("calendar", "harmonise", str(calendar_file), "--json")
    assert result.exit_code == 2
    assert "Ligne 11, champ « min_gap » : nombre négatif." in result.stderr
