"""Acts through the API: open or why not, done once, refused as the pages refuse."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from states.dossier import DOSSIER
from tests.factories import FORM, NOW
from tests.web.conftest import Town
from tests.web.program import API, Program
from tests.web.reading import counted
from web.api import inputs
from workflow.models import IdempotencyKey, JournalEntry, Message
from workflow.use_cases import ACTS
from workflow.use_cases.control import draw


def at(walk: Any) -> str:
    return f"/dossiers/{walk.dossier_id}"


def count(town: Town, model: Any) -> int:
    with town.database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


# --- what is open -------------------------------------------------------------------------------------------------


def test_open_acts_say_why_not_and_what_would_lift_it(town: Town) -> None:
    walk = town.walk().draft(expense=[])
    items = {item["event"]: item for item in Program(town, "carrier").read(f"{at(walk)}/events")["items"]}
    submit = items["submit"]
    assert not submit["allowed"]
    assert submit["reasons"][0]["code"] == "budget_balanced"
    assert submit["reasons"][0]["message"]
    assert submit["reasons"][0]["remedy"]
    assert submit["input"] == "Submission"
    assert items["withdraw"]["allowed"]
    assert items["withdraw"]["href"] == f"{API}{at(walk)}/events/withdraw"
    assert "assign" not in items


def test_the_address_of_an_open_act_is_where_it_is_done(town: Town) -> None:
    walk = town.walk().submitted()
    program = Program(town, "animator")
    dossier = program.read(at(walk))
    items = {item["event"]: item for item in program.read(f"{at(walk)}/events")["items"]}
    assert items["assign"]["versioned"]
    body = {"version": dossier["version"], "data": {"reason": "Hors du champ"}}
    url = items["declare_inadmissible"]["href"]
    done = program.send("POST", url, {"Idempotency-Key": "a"}, json=body)
    assert done.status_code == 200, done.text
    assert done.json is not None
    assert done.json["state"] == "inadmissible"


def test_who_is_only_told_of_a_dossier_has_no_act(town: Town) -> None:
    walk = town.walk().assigned()
    assert Program(town, "instructor 3").read(f"{at(walk)}/events")["items"] == []
    assert Program(town, "other carrier").get(f"{at(walk)}/events").status_code == 404


def test_choices_are_those_of_the_page(town: Town) -> None:
    walk = town.walk().submitted()
    program = Program(town, "animator")
    fields = program.read(f"{at(walk)}/choices", event="assign")["fields"]
    assert town.world.people["instructor 1"] in {option["value"] for option in fields["first_id"]}
    reroute = program.read(f"{at(walk)}/choices", event="reroute")["fields"]["instance_id"]
    assert all(option["group"] for option in reroute)
    assert program.read(f"{at(walk)}/choices", event="declare_inadmissible")["fields"] == {}
    assert program.get(f"{at(walk)}/choices", event="table").status_code == 409
    assert program.get(f"{at(walk)}/choices", event="submit").status_code == 403
    assert program.get(f"{at(walk)}/choices", event="nonsense").status_code == 422
    assert program.get(f"{at(walk)}/choices").status_code == 422


@pytest.mark.parametrize("stage", ["submitted", "opinion", "funded", "closed"])
def test_open_acts_cost_a_bounded_number_of_statements(town: Town, stage: str) -> None:
    walk = getattr(town.walk(), stage)()
    program = Program(town, "animator")
    with counted(town.database) as statements:
        program.read(f"{at(walk)}/events")
    assert len(statements) <= 14, statements


# --- acting -------------------------------------------------------------------------------------------------------


def test_every_act_has_an_address_and_an_input(town: Town) -> None:
    spec = town.app.test_client().get(f"{API}/openapi.json").json
    assert spec is not None
    places = {
        "dossier": "dossiers/{dossier_id}",
        "consultation": "consultations/{consultation_id}",
        "control": "controls/{control_id}",
        "review": "reviews/{review_id}",
    }
    for act in ACTS.values():
        place = places[act.table.name]
        operation = spec["paths"][f"{API}/{place}/events/{act.name}"]["post"]
        (media_type,) = operation["requestBody"]["content"]
        assert media_type == ("multipart/form-data" if act.name == inputs.ATTACH else "application/json")
        assert operation["x-roles"]
        names = {parameter["name"] for parameter in operation["parameters"] if parameter["required"]}
        assert "Idempotency-Key" in names


def test_a_whole_life(any_town: Town) -> None:
    """From draft to closed through the API alone, the binôme differing, an expert asked, the control announced."""
    town, world = any_town, any_town.world
    people = {who: Program(town, who) for who in world.people}
    carrier, animator, controller = people["carrier"], people["animator"], people["controller"]
    requests = {str(world.funders["État"]): 6_000_00, str(world.funders["CAF"]): 3_000_00}
    values = {**FORM, "objective_id": world.objective_id, "requests": requests}
    body = {"organisation_id": world.organisation_id, "campaign_id": world.campaign_id, "values": values}
    opened = carrier.send("POST", "/dossiers", json=body)
    assert opened.status_code == 201, opened.text
    where = opened.headers["Location"].removeprefix(API)

    def fire(who: str, event: str, to: str, place: str = where, **data: Any) -> Any:
        version = people[who].read(where)["version"]
        answer = people[who].fire(place, event, version, **data)
        assert answer.status_code == 200, f"{event}: {answer.text}"
        assert answer.json is not None
        assert answer.json["state"] == to, event
        return answer.json

    fire("carrier", "submit", "submitted", attested=True)
    fire("animator", "request_completion", "incomplete", pieces=["Le devis"], due_on="2026-11-20")
    (piece,) = carrier.read(where)["pieces"]
    fire("carrier", "complete", "submitted", answers={str(piece["id"]): "Le voici"})
    pair = {"first_id": world.people["instructor 1"], "second_id": world.people["instructor 2"]}
    fire("animator", "assign", "assigned", **pair)
    asked = fire(
        "instructor 1",
        "consult_expert",
        "expert_consulted",
        expert_name="Juriste",
        expert_email="juriste@binome.example",
        question="Est-ce légal ?",
        due_on="2026-12-01",
    )
    place = f"/consultations/{asked['created_id']}"
    items = {item["event"]: item for item in people["instructor 2"].read(f"{place}/events")["items"]}
    assert items.keys() == {"revoke", "extend", "hand_over", "refuse_colleague"}
    assert not items["hand_over"]["allowed"], "nobody is proposed"
    revocable = items["revoke"]
    assert (revocable["event"], revocable["allowed"]) == ("revoke", True)
    assert people["instructor 2"].fire(place, "answer", stance="favourable", answer="Oui").status_code == 403
    revoked = fire("instructor 2", "revoke", "assigned", place, reason="Sans objet")
    assert revoked["follow_ups"] == ["close_consultations"]
    lines = [line["id"] for line in animator.read(where)["requests"]]
    for who, sum_ in (("instructor 1", 2_500_00), ("instructor 2", 2_000_00)):
        amounts = {str(line): sum_ for line in lines}
        fire(who, "seal_opinion", "assigned", verdict="favourable", strengths="Solide", amounts=amounts)
    amounts = {str(line): 2_500_00 for line in lines}
    fire("animator", "arbitrate", "assigned", verdict="favourable", reason="Besoin avéré", amounts=amounts)
    fire("instructor 1", "issue_opinion", "opinion")
    meeting = animator.read(f"{where}/choices", event="table")["fields"]["session_id"][0]["value"]
    fire("animator", "table", "funding_decision", session_id=meeting)
    for who, granted, motive, state in (
        ("funder État", 2_500_00, "", "funding_decision"),
        ("funder CAF", 0, "Hors priorités", "follow_up"),
    ):
        (own,) = people[who].read(f"{where}/choices", event="decide_request")["fields"]["request_id"]
        decided = fire(who, "decide_request", state, request_id=own["value"], amount_cents=granted, motive=motive)
        assert decided["follow_ups"] == (["fund"] if state == "follow_up" else [])
    fire("carrier", "submit_final_report", "follow_up", narrative="Fait", beneficiaries=38, spent_cents=9_500_00)
    grid = dict.fromkeys(("relevance", "coherence", "effectiveness", "efficiency", "impact"), 3)
    fire("evaluator", "evaluate", "evaluated", **grid, recommendation="renew", body="Utile")
    with town.database.write() as session:
        actor = world.actor(session, "controller")
        draw(session, actor, {"campaign_id": world.campaign_id, "size": 1, "seed": "x"}, NOW)
    fire("controller", "select_for_control", "under_control")
    mission = controller.read(where)["control"]["id"]
    control = f"/controls/{mission}"
    fire("controller 2", "join_control", "under_control", control)
    fire("controller", "announce", "under_control", control, visit_on="2026-12-01")
    fire("controller", "write_findings", "under_control", control, realisation="Conforme", spending="Conforme")
    fire("controller 2", "sign_findings", "under_control", control, seen=controller.read(where)["control"]["seen"])
    fire("controller", "send_findings", "under_control", control, due_on="2026-12-20")
    (reply,) = carrier.read(f"{control}/events")["items"]
    assert reply["href"] == f"{API}{control}/events/reply"
    fire("carrier", "reply", "under_control", control, answer="Merci")
    fire("controller 2", "sign_findings", "under_control", control)
    fire("controller", "conclude_control", "controlled", outcome="none", conclusion="Rien à signaler")
    fire("controller", "close", "closed")
    assert carrier.read(where)["path"][-1] == "closed"
    assert carrier.read(where)["evaluation"]["relevance"] == 3
    assert {entry["act"] for entry in carrier.read(f"{where}/journal")["items"]} >= {"submit", "fund", "reply", "close"}


@pytest.mark.parametrize(
    ("who", "event", "status", "code"),
    [
        ("other carrier", "withdraw", 404, "not_found"),
        ("carrier", "assign", 403, "role"),
        ("administrator", "fund", 403, "role"),
        ("animator", "table", 409, "state"),
        ("carrier", "edit_draft", 409, "state"),
    ],
)
def test_refusals_are_those_of_the_pages(town: Town, who: str, event: str, status: int, code: str) -> None:
    walk = town.walk().submitted()
    data: dict[str, Any] = {"reason": "x"} if event == "withdraw" else {}
    if event == "assign":
        data = {"first_id": 1, "second_id": 2}
    if event == "edit_draft":
        data = {"values": {"title": "x"}}
    version = Program(town, "animator").read(at(walk))["version"]
    answer = Program(town, who).fire(at(walk), event, version, **data)
    assert answer.status_code == status, answer.text
    assert answer.json is not None
    assert answer.json["reasons"][0]["code"] == code


def test_a_stale_version_is_told_what_changed(town: Town) -> None:
    walk = town.walk().submitted()
    program = Program(town, "animator")
    seen = program.read(at(walk))["version"]
    walk.act(
        "animator", "assign", first_id=town.world.people["instructor 1"], second_id=town.world.people["instructor 2"]
    )
    answer = program.fire(at(walk), "declare_inadmissible", seen, reason="Trop tard")
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["error"] == "stale"
    assert [change["act"] for change in answer.json["changes"]] == ["assign"]
    assert answer.json["version"] == program.read(at(walk))["version"]
    unsaid = program.fire(at(walk), "declare_inadmissible", reason="Sans version")
    assert unsaid.status_code == 422
    assert unsaid.json is not None
    assert set(unsaid.json["fields"]) == {"version"}


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({"first_id": 1.7, "second_id": "2"}, {"first_id", "second_id"}),
        ({"first_id": True, "second_id": None}, {"first_id", "second_id"}),
        ({"first_id": 10**40, "second_id": -1}, {"first_id", "second_id"}),
        ({"first_id": 1}, {"second_id"}),
        ({"first_id": 1, "second_id": 2, "third_id": 3}, {"third_id"}),
        ({"first_id": 1, "second_id": 2, "derogation": "x" * 5001}, {"derogation"}),
        ({"first_id": [1], "second_id": {"a": 1}}, {"first_id", "second_id"}),
    ],
)
def test_values_are_what_the_description_says(town: Town, data: dict[str, Any], fields: set[str]) -> None:
    walk = town.walk().submitted()
    answer = Program(town, "animator").fire(at(walk), "assign", 3, **data)
    assert answer.status_code == 422, answer.text
    assert answer.json is not None
    assert set(answer.json["fields"]) == fields


def test_amounts_and_lists_are_checked_entry_by_entry(town: Town) -> None:
    walk = town.walk().assigned()
    amounts = {"1": "12", "x": 3, "9" * 30: 1}
    answer = Program(town, "instructor 1").fire(at(walk), "save_opinion", amounts=amounts, verdict="")
    assert answer.status_code == 422
    assert answer.json is not None
    assert set(answer.json["fields"]) == {"amounts", "verdict"}
    assert set(answer.json["fields"]["amounts"]) == set(amounts)
    wrong = {"pieces": ["ok", 3], "due_on": "20/11/2026"}
    answer = Program(town, "animator").fire(at(walk), "request_completion", 4, **wrong)
    assert answer.json is not None
    assert set(answer.json["fields"]) == {"pieces", "due_on"}
    assert set(answer.json["fields"]["pieces"]) == {"1"}


# --- once ---------------------------------------------------------------------------------------------------------


def say(program: Program, walk: Any, key: str | None, body: str = "Bonjour") -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return program.send("POST", f"{at(walk)}/events/send_message", headers, json={"data": {"body": body}})


@pytest.mark.parametrize("key", [None, "", " ", "a b", "é", "x" * 101])
def test_an_act_needs_a_key(town: Town, key: str | None) -> None:
    walk = town.walk().submitted()
    answer = say(Program(town, "carrier"), walk, key)
    assert answer.status_code == 422
    assert set(answer.json["fields"]) == {"Idempotency-Key"}
    assert count(town, Message) == 0


def test_the_same_request_is_done_once_and_answered_alike(any_town: Town) -> None:
    walk = any_town.walk().submitted()
    program = Program(any_town, "carrier")
    first, second = say(program, walk, "k1"), say(program, walk, "k1")
    assert first.status_code == second.status_code == 200
    assert first.json == second.json
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["ETag"] == first.headers["ETag"]
    assert count(any_town, Message) == 1
    assert say(program, walk, "k2").status_code == 200
    assert count(any_town, Message) == 2


def test_a_key_serves_one_request_of_one_person(town: Town) -> None:
    walk = town.walk().assigned()
    program = Program(town, "carrier")
    assert say(program, walk, "k1").status_code == 200
    other = say(program, walk, "k1", "Autre chose")
    assert other.status_code == 422
    assert set(other.json["fields"]) == {"Idempotency-Key"}
    assert program.fire(at(walk), "withdraw", 4, key="k1", reason="x").status_code == 422
    assert say(Program(town, "instructor 1"), walk, "k1").status_code == 200
    assert count(town, Message) == 2


def test_a_refused_act_leaves_its_key_free(town: Town) -> None:
    walk = town.walk().draft(expense=[])
    program = Program(town, "carrier")
    version = program.read(at(walk))["version"]
    assert program.fire(at(walk), "submit", version, key="k1", attested=True).status_code == 409
    assert count(town, IdempotencyKey) == 0
    values = {"expense": FORM["expense"]}
    program.send("PATCH", at(walk), json={"version": version, "values": values})
    assert program.fire(at(walk), "submit", version + 1, key="k1", attested=True).status_code == 200


def test_a_draft_is_opened_once_with_a_key(town: Town) -> None:
    program = Program(town, "carrier")
    body = {"organisation_id": town.world.organisation_id, "campaign_id": town.world.campaign_id}
    answers = [program.send("POST", "/dossiers", {"Idempotency-Key": "new"}, json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(program.read("/dossiers")["items"]) == 1
    assert program.send("POST", "/dossiers", json=body).status_code == 201
    assert len(program.read("/dossiers")["items"]) == 2


def test_sent_at_the_same_instant_it_is_done_once(any_town: Town) -> None:
    """A versioned act: without the key, whoever came second would be told that their version is stale."""
    walk = any_town.walk().submitted()
    program = Program(any_town, "animator")
    version = program.read(at(walk))["version"]
    before = count(any_town, JournalEntry)

    def act(_: int) -> tuple[int, Any]:
        own = Program.__new__(Program)
        own.client, own.headers = any_town.app.test_client(use_cookies=False), program.headers
        answer = own.fire(at(walk), "declare_inadmissible", version, key="same", reason="Hors du champ")
        return answer.status_code, answer.json

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(act, range(6)))
    assert [status for status, _ in answers] == [200] * 6, answers
    assert len({json.dumps(body, sort_keys=True) for _, body in answers}) == 1
    assert count(any_town, JournalEntry) == before + 1
    assert walk.state == "inadmissible"


def test_the_same_act_with_other_keys_is_done_once_by_its_version(any_town: Town) -> None:
    walk = any_town.walk().submitted()
    program = Program(any_town, "animator")
    version = program.read(at(walk))["version"]

    def act(rank: int) -> int:
        own = Program.__new__(Program)
        own.client, own.headers = any_town.app.test_client(use_cookies=False), program.headers
        return own.fire(at(walk), "declare_inadmissible", version, key=f"key-of-{rank}", reason="x").status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(act, range(4))) == [200, 409, 409, 409]


def test_the_table_is_wholly_served() -> None:
    assert set(DOSSIER.by_event) <= set(ACTS)
    assert set(inputs.BODIES) | {inputs.ATTACH} == set(ACTS)
