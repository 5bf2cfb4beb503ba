"""Whatever is sent to the API, it answers in one shape and never breaks."""

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tests.web.conftest import Town
from tests.web.program import API, Program
from web.api import contract

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def carrier(town: Town) -> Program:
    return Program(town, "carrier")


def post(program: Program, body: bytes, **headers: str) -> Any:
    return program.send("POST", "/dossiers", {**JSON, **headers}, data=body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"\xff\xfe",
        b'{"a": "\xc3"}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": "x\\u0000y"}',
        b'{"a": ["\x00"]}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"a": 1} trailing',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_json_is_refused(carrier: Program, body: bytes) -> None:
    assert post(carrier, body).status_code == 400


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"[]", {"_schema"}),
        (b"null", {"_schema"}),
        (b'"text"', {"_schema"}),
        (b"{}", {"organisation_id", "campaign_id"}),
        (b'{"organisation_id": 1e400, "campaign_id": 1}', {"organisation_id"}),
        (b'{"organisation_id": 100000000000000000000000, "campaign_id": 1.5}', {"organisation_id", "campaign_id"}),
        (b'{"organisation_id": "1", "campaign_id": true}', {"organisation_id", "campaign_id"}),
        (b'{"organisation_id": 1, "campaign_id": 1, "values": []}', {"values"}),
        (b'{"organisation_id": 1, "campaign_id": 1, "values": {"x": 1}}', {"x"}),
        (b'{"organisation_id": 1, "campaign_id": 1, "values": {"requests": {"a": 1}}}', {"requests"}),
        (b'{"organisation_id": 1, "campaign_id": 1, "values": {"expense": [{"account": "99"}]}}', {"expense"}),
        (b'{"organisation_id": 1, "campaign_id": 1, "values": {"starts_on": "2027-02-30"}}', {"starts_on"}),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_what_is_not_as_described_is_told_by_field(carrier: Program, body: bytes, fields: set[str]) -> None:
    answer = post(carrier, body)
    assert answer.status_code == 422, answer.text
    assert set(answer.json["fields"]) == fields


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_format_is_refused(carrier: Program, media_type: str) -> None:
    assert post(carrier, b"{}", **{"Content-Type": media_type}).status_code == 415


@pytest.mark.parametrize("name", ["", 'name="a\\"', 'name=""', 'filename="a.pdf"', 'name="kind"; filename=""'])
def test_parts_without_a_name_do_no_harm(town: Town, carrier: Program, name: str) -> None:
    walk = town.walk().submitted()
    body = f"--x\r\nContent-Disposition: form-data; {name}\r\n\r\nv\r\n--x--\r\n".encode()
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Idempotency-Key": "k"}
    answer = carrier.send("POST", f"/dossiers/{walk.dossier_id}/events/attach_document", headers, data=body)
    assert answer.status_code == 422, answer.text
    assert {"kind", "file"} <= set((answer.json or {})["fields"])


def test_json_may_name_its_charset(carrier: Program) -> None:
    assert post(carrier, b"{}", **{"Content-Type": "application/json; charset=utf-8"}).status_code == 422


def test_too_much_json_is_refused(carrier: Program) -> None:
    assert post(carrier, b'"' + b"x" * 1_100_000 + b'"').status_code == 413


def test_texts_of_every_kind_are_kept_as_they_are(town: Town, carrier: Program) -> None:
    walk = town.walk().submitted()
    texts = ["'; DROP TABLE dossier; --", "<script>alert(1)</script>", "é😀\u202e", "%(x)s %s {0}"]
    for rank, text in enumerate(texts):
        answer = carrier.fire(f"/dossiers/{walk.dossier_id}", "send_message", key=f"k{rank}", body=text)
        assert answer.status_code == 200, answer.text
    said = [message["body"] for message in carrier.read(f"/dossiers/{walk.dossier_id}")["messages"]]
    assert said == texts


@pytest.mark.parametrize(
    "path", ["/nowhere", "/dossiers/x", "/dossiers/-1", f"/dossiers/{10**30}", "/dossiers/1/events/no"]
)
def test_an_unknown_address_is_told_in_json(carrier: Program, path: str) -> None:
    answer = carrier.send("POST" if path.endswith("no") else "GET", path)
    assert answer.status_code == 404
    assert answer.mimetype == "application/json"


def test_a_wrong_method_says_which_are_right(carrier: Program) -> None:
    answer = carrier.send("DELETE", "/dossiers/1")
    assert answer.status_code == 405
    assert {"GET", "PATCH"} <= set(answer.headers["Allow"].replace(" ", "").split(","))
    assert carrier.send("PUT", "/dossiers").status_code == 405


def test_the_language_is_the_one_asked_for(town: Town) -> None:
    client = town.app.test_client()
    french = client.get(f"{API}/me").json
    assert french is not None
    assert french["reasons"][0]["message"] == "Il faut un jeton personnel pour cette adresse."
    answer = client.get(f"{API}/me", headers={"Accept-Language": "de"})
    assert answer.json == french
    assert "Set-Cookie" not in answer.headers


def test_a_busy_database_is_no_error_of_the_program(
    town: Town, carrier: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise OperationalError("x", {}, Exception("locked"))

    monkeypatch.setattr("web.api.reference.query.reference", busy)
    answer = carrier.get("/themes")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_what_nobody_foresaw_is_told_in_the_same_shape(
    town: Town, carrier: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.api.reference.query.reference", lambda *_: 1 / 0)
    answer = carrier.get("/themes")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text


def test_the_checker_knows_every_word_that_the_description_uses(town: Town) -> None:
    """What the checker would pass over in silence must not be promised."""
    known = {
        *("$ref", "type", "enum", "minimum", "maximum", "minLength", "maxLength", "maxItems", "items", "format"),
        *("properties", "required", "additionalProperties", "propertyNames"),
        *("title", "description", "default", "x-labels", "x-minimum", "x-maximum"),
    }
    with town.app.app_context():
        schemas = contract.published()["components"]["schemas"]
    taken = [name for name in schemas if name.endswith("Event") or name in ("NewDossier", "DraftChange")]
    seen: set[str] = set()

    def walk(schema: dict[str, Any]) -> None:
        assert set(schema) <= known, schema
        if "$ref" in schema:
            visit(schema["$ref"].rpartition("/")[2])
        inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
        for one in inner:
            if isinstance(one, dict):
                walk(one)

    def visit(name: str) -> None:
        if name not in seen:
            seen.add(name)
            walk(schemas[name])

    for name in taken:
        if name != "Event":
            visit(name)
    assert len(seen) > 60
