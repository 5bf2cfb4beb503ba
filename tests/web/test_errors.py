"""One shape for every refusal, with its values in words."""

import ast
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

import workflow
from states.dossier import DOSSIER
from states.facts import Facts
from states.machine import TABLES, Because, Reason, Refusal, decide
from tests.web.browser import Browser
from tests.web.conftest import Town
from web import errors, words
from web.security import access
from workflow.errors import Change, Forbidden, Invalid, NotFound, Refused, Stale
from workflow.use_cases import ACTS

REFUSED = Refused(
    Reason(
        "state",
        "Pas à l'étape « %(state)s ».",
        "Possible : %(sources)s.",
        {"state": "draft", "sources": ("submitted", "assigned")},
    )
)


def test_names_sums_dates_and_nothing_are_said_in_words(app: Flask) -> None:
    with app.test_request_context():
        assert errors.in_words("sources", ("submitted", "assigned")) == "Déposé, En instruction"
        assert errors.in_words("roles", ["carrier"]) == "Porteur"
        assert errors.in_words("due", date(2027, 1, 31)) == "31 janvier 2027"
        assert errors.in_words("due", None) == "—"
        assert errors.in_words("names", ()) == "—"
        assert errors.in_words("fields", ("titre de l'action", "relevance")).startswith("titre de l'action, Pertinence")
        assert errors.in_words("left", "12,00 €") == "12,00 €"


def test_a_text_with_a_percent_sign_is_left_alone(app: Flask) -> None:
    with app.test_request_context():
        assert errors.explain(Reason("x", "100 % sûr", "Rien"))["message"] == "100 % sûr"


def test_the_body_has_one_shape(app: Flask) -> None:
    at = datetime(2027, 1, 2, tzinfo=UTC)
    cases = {
        REFUSED: {"error": "refused", "status": 409},
        Forbidden(Reason("role", "Non", "Oui")): {"error": "forbidden", "status": 403},
        NotFound("dossier"): {"error": "not_found", "status": 404},
        Invalid({"title": ["À remplir."]}): {"error": "invalid", "status": 422, "fields": {"title": ["À remplir."]}},
        Stale(7, [Change(at, "Animatrice Santé", "animator", "assign")]): {
            "error": "stale",
            "status": 409,
            "version": 7,
            "changes": [{"at": at.isoformat(), "who": "Animatrice Santé", "role": "animator", "act": "assign"}],
        },
    }
    with app.test_request_context():
        for error, expected in cases.items():
            body = errors.describe(error)
            assert expected.items() <= body.items()
            assert body["message"]
            assert [set(reason) for reason in body["reasons"]] == [{"code", "message", "remedy"}]


def test_messages_of_fields_are_nested_as_the_input(app: Flask) -> None:
    with app.test_request_context():
        assert errors.messages({"amounts": {3: {"value": ["Somme hors limites."]}}}) == {
            "amounts": {"3": ["Somme hors limites."]}
        }
        assert errors.messages({"expense": {0: {"account": ["À remplir."]}}}) == {
            "expense": {"0": {"account": ["À remplir."]}}
        }
        assert errors.messages("Non") == ["Non"]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_refusal_of_the_tables_can_be_said(app: Flask, table: object) -> None:
    """Whatever state, event and role: no placeholder is left open, and every name is a word."""
    said = 0
    with app.test_request_context():
        for state in table.states:  # type: ignore[attr-defined]
            for event in table.by_event:  # type: ignore[attr-defined]
                for roles in ((), table.roles):  # type: ignore[attr-defined]
                    answer = decide(table, state, event, roles, Facts())  # type: ignore[arg-type]
                    if not isinstance(answer, Refusal):
                        continue
                    for reason in answer.reasons:
                        told = errors.explain(reason)
                        assert "%(" not in told["message"] + told["remedy"]
                        assert "_" not in told["message"] + told["remedy"], told
                        said += 1
    assert said > len(table.states) * len(table.by_event)  # type: ignore[attr-defined]


def test_everything_has_a_name_in_words() -> None:
    for table in TABLES.values():
        assert set(table.states) <= set(words.STATES)
        assert set(table.roles) <= set(words.ROLES)
        assert set(table.by_event) <= set(words.ACTS)
    assert set(ACTS) <= set(words.ACTS)


def test_right_is_the_first_thing_said() -> None:
    answer = decide(DOSSIER, "draft", "assign", ("carrier",), Facts())
    assert isinstance(answer, Refusal)
    assert answer.because is Because.ROLE


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (REFUSED, 409, "Déposé, En instruction"),
        (
            Forbidden(Reason("role", "Pas le rôle.", "Revient à : %(roles)s.", {"roles": ("animator",)})),
            403,
            "Animateur",
        ),
        (NotFound("dossier"), 404, "cherchez par numéro"),
        (OperationalError("x", {}, Exception("locked")), 503, "occupée"),
    ],
)
def test_people_get_a_page_and_programs_a_body(app: Flask, error: Exception, status: int, said: str) -> None:
    @access("public")
    def broken() -> str:
        raise error

    app.add_url_rule("/refus", "refusing", broken)
    page = Browser(app).get("/refus")
    assert page.status_code == status
    assert said in page.text
    body = app.test_client().get("/refus", headers={"Accept": "application/json"})
    assert body.status_code == status
    assert body.json is not None
    assert {"error", "status", "message", "reasons"} <= set(body.json)


def test_a_wrong_method_says_which_are_right(browser: Browser) -> None:
    answer = browser.get("/deconnexion")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_an_unknown_address_of_the_api_is_answered_in_json(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/nulle-part")
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["error"] == "not_found"


def test_health(browser: Browser) -> None:
    assert browser.get("/sante").json == {"database": "ok", "status": "ok"}


def test_health_says_when_the_database_is_away(make_app: object, tmp_path: object) -> None:
    app = make_app(f"sqlite:///{tmp_path}/no/such/folder/x.sqlite")  # type: ignore[operator]
    answer = app.test_client().get("/sante")
    assert answer.status_code == 503


def test_a_broken_database_still_gets_an_answer(town: Town) -> None:
    """Also for somebody signed in, of whom the page would like to say more."""
    browser = town.browser("animator")
    with town.database.write() as session:
        session.execute(text("PRAGMA foreign_keys = OFF"))
    with town.database.writer.connect() as connection:
        connection.execute(text("ALTER TABLE role_grant RENAME TO lost"))
        connection.commit()
    answer = browser.get("/compte")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "occupée ou arrêtée" in answer.text


def _journaled() -> set[str]:
    """The names of acts that the domain notes in the journal, as written in its source."""
    found: set[str] = set()
    for file in (Path(workflow.__file__).parent / "use_cases").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                given = [word.value for word in node.keywords if word.arg == "act"] + (
                    node.args[3:4] if name == "note_change" else []
                )
                found |= {str(value.value) for value in given if isinstance(value, ast.Constant)}
    return found


def test_every_journaled_act_has_a_name_in_words() -> None:
    journaled = _journaled()
    assert {"create", "invite", "draw_sample"} <= journaled
    assert journaled <= set(words.ACTS), journaled - set(words.ACTS)
