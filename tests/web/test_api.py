"""The API: who comes in, what each reads, drafts, lists by cursor, documents."""

import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from tests.factories import FORM, NOW
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.program import API, Program, token
from tests.web.reading import counted
from web import security
from workflow.models import ApiToken, Dossier, Objective, Route

PDF = b"%PDF-1.7 essai"


def at(walk: Any) -> str:
    return f"/dossiers/{walk.dossier_id}"


# --- tokens -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "bearer binome_unknown", "Bearer é"])
def test_without_a_token_that_works_nobody_comes_in(town: Town, header: str | None) -> None:
    headers = {"Authorization": header} if header is not None else {}
    answer = town.app.test_client().get(f"{API}/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json is not None
    assert answer.json["error"] == "unauthorized"
    assert answer.json["reasons"][0]["remedy"]


def test_a_cookie_opens_nothing(town: Town) -> None:
    assert town.browser("animator").client.get(f"{API}/me").status_code == 401


def test_a_token_ends(town: Town, at: Any) -> None:
    program = Program(town, "carrier")
    assert program.get("/me").status_code == 200
    at(NOW + timedelta(days=91))
    assert program.get("/me").status_code == 401


def test_a_revoked_token_is_dead(town: Town) -> None:
    program = Program(town, "carrier")
    with town.database.write() as session:
        for row in session.query(ApiToken):
            row.revoked_at = NOW
    assert program.get("/me").status_code == 401


def test_scopes_bound_what_a_token_may_do(town: Town) -> None:
    reader, writer = Program(town, "carrier", "read"), Program(town, "carrier", "write")
    body = {"organisation_id": town.world.organisation_id, "campaign_id": town.world.campaign_id}
    assert reader.get("/me").status_code == 200
    refused = reader.send("POST", "/dossiers", json=body)
    assert refused.status_code == 403
    assert refused.json is not None
    assert refused.json["reasons"][0]["code"] == "scope"
    assert writer.send("POST", "/dossiers", json=body).status_code == 201
    assert writer.get("/me").status_code == 403


def test_a_forged_page_cannot_act(town: Town) -> None:
    """No cookie is looked at, so no token against forgery is asked for, and none is needed."""
    browser = town.browser("carrier")
    body = {"organisation_id": town.world.organisation_id, "campaign_id": town.world.campaign_id}
    assert browser.client.post(f"{API}/dossiers", json=body).status_code == 401


def test_every_route_takes_tokens(town: Town) -> None:
    ours = [rule for rule in town.app.url_map.iter_rules() if rule.rule.startswith(API)]
    assert len(ours) > 55
    open_ones = {r.rule for r in ours if security.access_of(town.app, r.endpoint) != (security.TOKEN,)}
    assert open_ones == {f"{API}/", f"{API}/openapi.json"}
    client = town.app.test_client()
    for rule in ours:
        if rule.rule in open_ones:
            continue
        _, url = town.app.url_map.bind("x").build, rule.rule
        for name in rule.arguments:
            url = url.replace(f"<int:{name}>", "1")
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            assert client.open(url, method=method).status_code == 401, f"{method} {url}"


# --- reference data -----------------------------------------------------------------------------------------------


def test_me(town: Town) -> None:
    me = Program(town, "animator", "read").read("/me")
    assert me["person_id"] == town.world.people["animator"]
    assert me["scopes"] == ["read"]
    assert me["grants"] == [
        {"role": "animator", "instance_id": town.world.instance_id, "institution_id": None, "organisation_id": None}
    ]


@pytest.mark.parametrize(
    "name", ["objectives", "themes", "instances", "institutions", "communes", "campaigns", "routes"]
)
def test_reference_data_in_a_fixed_number_of_statements(town: Town, name: str) -> None:
    program = Program(town, "other carrier")
    with counted(town.database) as statements:
        items = program.read(f"/{name}")["items"]
    assert items
    assert len(statements) <= 4, statements


def test_reference_data_says_what_the_territory_agreed_on(town: Town) -> None:
    program = Program(town, "carrier")
    objective = next(o for o in program.read("/objectives")["items"] if o["id"] == town.world.objective_id)
    assert (objective["code"], objective["level"]) == ("224", "operational")
    campaign = next(c for c in program.read("/campaigns")["items"] if c["id"] == town.world.campaign_id)
    assert {"code": "deposit_deadline", "label": "deposit_deadline", "on": "2026-12-15", "funder_id": None} in campaign[
        "milestones"
    ]
    route = program.read("/routes")["items"][0]
    with town.database.read() as session:
        row = session.get_one(Route, route["id"])
        assert route["objective_code"] == session.get_one(Objective, row.objective_id).code
        assert route["lead_id"] == row.lead_id


# --- reading dossiers ---------------------------------------------------------------------------------------------


def test_each_reads_what_is_theirs(town: Town) -> None:
    draft, deposited = town.walk().draft(), town.walk().submitted()
    seen = {
        who: {item["id"] for item in Program(town, who).read("/dossiers")["items"]} for who in sorted(town.world.people)
    }
    assert seen["carrier"] == {draft.dossier_id, deposited.dossier_id}
    assert seen["other carrier"] == seen["controller"] == set()
    for who in ("animator", "instructor 1", "funder État", "transversal", "administrator", "evaluator"):
        assert seen[who] == {deposited.dossier_id}, who
    assert Program(town, "other carrier").get(at(deposited)).status_code == 404
    assert Program(town, "animator").get(at(draft)).status_code == 404
    assert Program(town, "animator").get("/dossiers/999999").status_code == 404


def test_a_dossier_is_read_whole(town: Town) -> None:
    answer = Program(town, "carrier").get(at(walk := town.walk().submitted()))
    assert answer.json is not None
    dossier = answer.json
    assert answer.headers["ETag"] == f'"{dossier["version"]}"'
    assert dossier["number"] == "2027-0001"
    assert dossier["form"]["title"] == FORM["title"]
    assert dossier["form"]["starts_on"] == "2027-06-01"
    assert dossier["form"]["objective_code"] == "224"
    assert sum(line["amount_cents"] for line in dossier["budget"] if line["side"] == "expense") == 10_000_00
    assert {line["funder"]: line["asked_cents"] for line in dossier["requests"]} == {"État": 6_000_00, "CAF": 3_000_00}
    assert dossier["path"] == ["draft", "submitted"]
    assert dossier["next"]["role"] == "animator"
    assert dossier["contact"] is not None
    assert dossier["roles"] == ["carrier"]
    assert walk.state == dossier["state"] == "submitted"


def test_opinions_under_way_are_nobodys_but_their_authors(town: Town) -> None:
    walk = town.walk().assigned()
    amounts = {str(line): 1_234_00 for line in walk.lines().values()}
    secret = "Premier regard"
    walk.act("instructor 1", "seal_opinion", verdict="favourable", strengths=secret, amounts=amounts)
    for who in sorted(town.world.people):
        texts = [Program(town, who).get(at(walk) + part).text for part in ("", "/journal", "/events")]
        assert (secret in texts[0]) == (who == "instructor 1"), who
        assert not any(secret in text for text in texts[1:]), who
        assert who == "instructor 1" or "123400" not in texts[0], who
    walk.act("instructor 2", "seal_opinion", verdict="favourable", strengths="Seconde", amounts=amounts)
    assert secret in Program(town, "animator").get(at(walk)).text
    assert secret not in Program(town, "carrier").get(at(walk)).text
    assert Program(town, "funder État").read(at(walk))["requests"][0]["proposed_cents"] is None


def test_a_carrier_reads_neither_proposals_nor_decisions_before_all_are_taken(town: Town) -> None:
    walk = town.walk().tabled()
    walk.act("funder État", "decide_request", request_id=walk.lines()["État"], amount_cents=2_500_00)
    carrier, funder = Program(town, "carrier"), Program(town, "funder CAF")
    assert {r["proposed_cents"] for r in funder.read(at(walk))["requests"]} == {2_500_00}
    for line in carrier.read(at(walk))["requests"]:
        assert (line["proposed_cents"], line["decision"], line["granted_cents"]) == (None, None, None)
    assert carrier.read(at(walk))["joint_opinion"] is None
    assert carrier.read(at(walk))["binome"] is None
    assert not any(entry["act"] == "decide_request" for entry in carrier.read(f"{at(walk)}/journal")["items"])
    walk.act("funder CAF", "decide_request", request_id=walk.lines()["CAF"], amount_cents=0, motive="Hors priorités")
    lines = {line["funder"]: line for line in carrier.read(at(walk))["requests"]}
    assert lines["État"]["granted_cents"] == 2_500_00
    assert lines["CAF"]["motive"] == "Hors priorités"


def test_the_journal_names_agents_to_agents_only(town: Town) -> None:
    walk = town.walk().assigned()
    of_agent = Program(town, "animator").read(f"{at(walk)}/journal")["items"]
    assert [entry["act"] for entry in of_agent] == ["assign", "submit", "create"]
    assert of_agent[0]["who"] == "Rôle animator"
    assert of_agent[0]["label"] == "Binôme affecté"
    assert Program(town, "carrier").read(f"{at(walk)}/journal")["items"][0]["who"] is None


def test_a_control_is_kept_and_read_by_a_program(town: Town) -> None:
    walk = town.walk().announced()
    controller, carrier = Program(town, "controller"), Program(town, "carrier")
    where = f"/controls/{walk.mission_id()}"
    expense = {"spent_on": "2027-07-01", "label": "Salle", "voucher": "F-1", "amount_cents": 100_00, "share": 50_00}
    refused = {**expense, "refused_cents": 10_00, "reason": "Hors période"}
    assert controller.fire(where, "enter_expense", **refused).status_code == 200
    first, *others = controller.read(at(walk))["control"]["grid"]
    gap = {"verdict": "minor_gap", "observation": "Deux séances de moins", "seen": first["seen"]}
    assert controller.fire(where, "fill_grid", answers={str(first["id"]): gap}).status_code == 200
    assert Program(town, "controller", "read").fire(where, "fill_grid", answers={}).status_code == 403
    assert carrier.fire(where, "enter_expense", **expense).status_code == 403
    read = controller.read(at(walk))["control"]
    assert (read["grid"][0]["verdict"], read["grid"][0]["observation"]) == ("minor_gap", "Deux séances de moins")
    assert [item["verdict"] for item in read["grid"][1:]] == [None] * len(others)
    (line,) = read["ledger"]
    assert {name: line[name] for name in refused} == refused
    sums = {"declared_cents": 100_00, "allocated_cents": 50_00, "accepted_cents": 40_00, "refused_cents": 10_00}
    assert read["totals"] == sums
    late = controller.fire(
        where, "fill_grid", answers={str(first["id"]): {"verdict": "compliant", "seen": first["seen"]}}
    )
    assert late.status_code == 409, "a colleague's answer is not overwritten unseen"
    unread = carrier.read(at(walk))["control"]
    assert (unread["grid"], unread["ledger"], unread["totals"]) == ([], [], None)
    stale = controller.fire(where, "strike_expense", line_id=line["id"], seen=line["version"] + 1)
    assert stale.status_code == 409
    assert controller.fire(where, "strike_expense", line_id=line["id"], seen=line["version"]).status_code == 200
    assert controller.read(at(walk))["control"]["totals"] is None


def test_who_is_drawn_learns_it_when_the_control_is_announced(town: Town) -> None:
    walk = town.walk().drawn()
    mission = walk.mission_id()
    carrier = Program(town, "carrier")
    assert carrier.read(at(walk))["control"] is None
    assert carrier.get(f"/controls/{mission}/events").status_code == 404
    assert carrier.fire(f"/controls/{mission}", "reply", answer="?", version=1).status_code == 404
    assert Program(town, "controller").read(at(walk))["control"]["state"] == "drawn"


@pytest.mark.parametrize("stage", ["draft", "submitted", "opinion", "funded", "controlled", "closed"])
def test_reading_costs_the_same_at_every_stage(town: Town, stage: str) -> None:
    walk = getattr(town.walk(), stage)()
    program = Program(town, "carrier")
    with counted(town.database) as statements:
        program.read(at(walk))
    assert len(statements) <= 8, statements


# --- lists --------------------------------------------------------------------------------------------------------


def many(town: Town, number: int, first: int = 1) -> None:
    world = town.world
    rows = [
        {
            "number": f"2026-{rank:04d}",
            "campaign_id": world.campaign_id,
            "organisation_id": world.organisation_id,
            "instance_id": world.instance_id,
            "state": "submitted",
            "version": 2,
            "state_since": NOW,
            "created_at": NOW,
            "submitted_at": NOW,
            "created_by_id": world.people["carrier"],
            "title": f"Action {rank}",
            "search_text": f"2026-{rank:04d} association exemple action {rank}",
            "due_on": (NOW + timedelta(days=rank - 50)).date(),
            "typed": {},
        }
        for rank in range(first, first + number)
    ]
    with town.database.write() as session:
        session.execute(insert(Dossier), rows)


def pages(program: Program, **query: Any) -> list[list[int]]:
    found, cursor = [], None
    while True:
        page = program.read("/dossiers", **query, **({"cursor": cursor} if cursor else {}))
        found.append([item["id"] for item in page["items"]])
        cursor = page["next"]
        if cursor is None:
            return found


def test_the_cursor_walks_over_all_once(town: Town) -> None:
    many(town, 153)
    program = Program(town, "animator")
    found = pages(program, limit=50)
    assert [len(page) for page in found] == [50, 50, 50, 3]
    flat = [number for page in found for number in page]
    assert flat == sorted(set(flat))
    assert len(flat) == 153
    assert len(pages(program, limit=51)) == 3
    assert pages(program, limit=200) == [flat]


def test_what_arrives_during_the_walk_moves_nothing(town: Town) -> None:
    many(town, 20)
    program = Program(town, "transversal")
    first = program.read("/dossiers", limit=10)
    late = town.walk().submitted().dossier_id
    second = program.read("/dossiers", limit=200, cursor=first["next"])
    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert len(ids) == len(set(ids)) == 21
    assert ids[-1] == late


def test_statements_do_not_grow_with_the_list(town: Town) -> None:
    many(town, 3)
    program, counts = Program(town, "animator"), []
    for more in (150, 0):
        with counted(town.database) as statements:
            assert program.read("/dossiers", limit=200)["items"]
        counts.append(len(statements))
        if more:
            many(town, more, first=4)
    assert counts[0] == counts[1] == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "submitted"}, 60),
        ({"state": ["assigned", "submitted"]}, 60),
        ({"state": "assigned"}, 0),
        ({"instance_id": 999}, 0),
        ({"q": "ACTION 7"}, 1),
        ({"q": "Âction 2026-0007"}, 1),
        ({"q": "%"}, 0),
        ({"q": "'; DROP TABLE dossier; --"}, 0),
        ({"late": "true"}, 49),
        ({"late": "false"}, 11),
        ({"due_before": "2026-11-02"}, 49),
        ({"late": "true", "due_before": "2026-09-20"}, 6),
    ],
)
def test_filters(town: Town, query: dict[str, Any], found: int) -> None:
    many(town, 60)
    rows = Program(town, "animator").read("/dossiers", limit=200, **query)["items"]
    if query == {"q": "ACTION 7"}:
        assert all("7" in row["title"] + row["number"] for row in rows)
        assert "Action 7" in {row["title"] for row in rows}
    else:
        assert len(rows) == found
    assert all(row["late"] == (row["due_on"] < "2026-11-02") for row in rows)


def test_filters_name_the_scope(town: Town) -> None:
    town.walk().submitted()
    program, world = Program(town, "animator"), town.world
    right = {
        "instance_id": world.instance_id,
        "campaign_id": world.campaign_id,
        "organisation_id": world.organisation_id,
    }
    assert len(program.read("/dossiers", **right)["items"]) == 1
    for name in right:
        assert program.read("/dossiers", **{**right, name: 999})["items"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "lost"),
        ("instance_id", "1.7"),
        ("instance_id", "-1"),
        ("instance_id", "9" * 30),
        ("campaign_id", "x"),
        ("late", "maybe"),
        ("due_before", "31/01/2027"),
        ("due_before", "2027-02-30"),
        ("limit", "0"),
        ("limit", "201"),
        ("cursor", "!"),
        ("cursor", "djE6MQ=="),
        ("cursor", "djE6LTE"),
        ("cursor", "é"),
        ("q", "x" * 201),
        ("q", "a\x00b"),
        ("sort", "title"),
    ],
)
def test_what_no_filter_knows_is_refused_by_name(town: Town, name: str, value: str) -> None:
    answer = Program(town, "animator").get("/dossiers", **{name: value})
    assert answer.status_code == 422
    assert answer.json is not None
    assert set(answer.json["fields"]) == {name}


# --- drafts -------------------------------------------------------------------------------------------------------


def new(town: Town, **values: Any) -> dict[str, Any]:
    body = {"organisation_id": town.world.organisation_id, "campaign_id": town.world.campaign_id}
    return body | ({"values": values} if values else {})


def complete(town: Town) -> dict[str, Any]:
    world = town.world
    requests = {str(world.funders["État"]): 6_000_00, str(world.funders["CAF"]): 3_000_00}
    return {**FORM, "objective_id": world.objective_id, "requests": requests, "attested": True}


def test_a_program_deposits_a_dossier(town: Town) -> None:
    program = Program(town, "carrier")
    opened = program.send("POST", "/dossiers", json=new(town, title="Ateliers"))
    assert opened.status_code == 201
    assert opened.json is not None
    where = opened.headers["Location"]
    assert where == f"{API}/dossiers/{opened.json['dossier_id']}"
    changed = program.send("PATCH", where, {"If-Match": opened.headers["ETag"]}, json={"values": complete(town)})
    assert changed.status_code == 200, changed.text
    assert changed.json is not None
    done = program.fire(where, "submit", version=changed.json["version"], attested=True)
    assert done.status_code == 200, done.text
    assert done.json is not None
    assert done.json["state"] == "submitted"
    assert done.json["number"] == "2027-0001"
    assert done.headers["ETag"] == f'"{done.json["version"]}"'


def test_a_wrong_value_is_told_by_field_and_changes_nothing(town: Town) -> None:
    walk = town.walk().draft()
    program = Program(town, "carrier")
    before = program.read(at(walk))
    values = {"title": "Autre titre", "ends_on": "2020-01-01", "objective_id": 999_999}
    answer = program.send("PATCH", at(walk), json={"version": before["version"], "values": values})
    assert answer.status_code == 422
    assert answer.json is not None
    assert set(answer.json["fields"]) == {"ends_on", "objective_id"}
    assert program.read(at(walk)) == before
    refused = program.send("POST", "/dossiers", json=new(town, objective_id=999_999))
    assert refused.status_code == 422
    assert len(program.read("/dossiers")["items"]) == 1


def test_fields_are_emptied_with_null(town: Town) -> None:
    walk = town.walk().draft()
    program = Program(town, "carrier")
    version = program.read(at(walk))["version"]
    values = {"beneficiaries": None, "summary": None, "level": None, "starts_on": None, "expense": [], "requests": {}}
    answer = program.send("PATCH", at(walk), json={"version": version, "values": values})
    assert answer.status_code == 200, answer.text
    after = program.read(at(walk))
    assert (after["form"]["beneficiaries"], after["form"]["summary"], after["form"]["level"]) == (None, "", None)
    assert after["requests"] == []
    assert {line["side"] for line in after["budget"]} == {"income"}
    refused = program.send("PATCH", at(walk), json={"version": after["version"], "values": {"siret": None}})
    assert refused.status_code == 422


def test_a_draft_is_changed_on_the_version_that_was_read(town: Town) -> None:
    walk = town.walk().draft()
    program = Program(town, "carrier")
    unsaid = program.send("PATCH", at(walk), json={"values": {"title": "X"}})
    assert unsaid.status_code == 422
    assert unsaid.json is not None
    assert set(unsaid.json["fields"]) == {"version"}
    for version in ({"If-Match": '"1"'}, {}):
        body = {"values": {"title": "X"}} | ({} if version else {"version": 1})
        stale = program.send("PATCH", at(walk), version, json=body)
        assert stale.status_code == 409
        assert stale.json is not None
        assert stale.json["error"] == "stale"
        assert stale.json["version"] == 2
    for tag in ("*", 'W/"2"', "2", '"x"', '"2", "3"'):
        answer = program.send("PATCH", at(walk), {"If-Match": tag}, json={"values": {"title": "X"}})
        assert answer.status_code == 422, tag
        assert answer.json is not None
        assert set(answer.json["fields"]) == {"If-Match"}


def test_nobody_opens_or_changes_anothers_draft(town: Town) -> None:
    walk = town.walk().draft()
    stranger = Program(town, "other carrier")
    assert stranger.send("POST", "/dossiers", json=new(town)).status_code == 403
    assert stranger.send("PATCH", at(walk), json={"version": 2, "values": {"title": "X"}}).status_code == 404
    assert Program(town, "animator").send("POST", "/dossiers", json=new(town)).status_code == 403
    unknown = {**new(town), "campaign_id": 999_999}
    assert Program(town, "carrier").send("POST", "/dossiers", json=unknown).status_code == 404


def test_a_deposited_dossier_is_no_draft(town: Town) -> None:
    walk = town.walk().submitted()
    answer = Program(town, "carrier").send("PATCH", at(walk), json={"version": 3, "values": {"title": "X"}})
    assert answer.status_code == 409


# --- documents ----------------------------------------------------------------------------------------------------


def attach(program: Program, where: str, key: str = "piece-1", content: bytes = PDF, **form: Any) -> Any:
    data = {"kind": "quote", "file": (io.BytesIO(content), "devis.pdf"), **form}
    return program.send("POST", f"{where}/events/attach_document", {"Idempotency-Key": key}, data=data)


def test_a_document_is_attached_listed_and_read_back(town: Town) -> None:
    walk = town.walk().submitted()
    carrier = Program(town, "carrier")
    attached = attach(carrier, at(walk))
    assert attached.status_code == 200, attached.text
    number = attached.json["created_id"]
    again = attach(carrier, at(walk))
    assert again.json == attached.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert attach(carrier, at(walk), content=PDF + b"2").status_code == 422
    (listed,) = carrier.read(f"{at(walk)}/documents")["items"]
    assert (listed["id"], listed["filename"], listed["size"]) == (number, "devis.pdf", len(PDF))
    for who, status in {"animator": 200, "funder État": 200, "other carrier": 404, "administrator": 404}.items():
        with Program(town, who).get(f"{at(walk)}/documents/{number}") as answer:
            assert answer.status_code == status, who
            assert status != 200 or (answer.data, answer.mimetype) == (PDF, "application/pdf")
    assert Program(town, "administrator").get(f"{at(walk)}/documents").status_code == 403
    assert carrier.get(f"{at(walk)}/documents/999").status_code == 404


def test_a_file_that_lies_is_refused_by_field(town: Town) -> None:
    walk = town.walk().draft()
    carrier = Program(town, "carrier")
    lying = attach(carrier, at(walk), content=b"MZ")
    assert lying.status_code == 422
    assert set(lying.json["fields"]) == {"file"}
    assert set(attach(carrier, at(walk), kind="virus").json["fields"]) == {"kind"}
    assert set(attach(carrier, at(walk), note="x").json["fields"]) == {"note"}
    url = f"{at(walk)}/events/attach_document"
    assert carrier.send("POST", url, {"Idempotency-Key": "k"}, json={"kind": "quote"}).status_code == 415
    town.app.config["MAX_CONTENT_LENGTH"] = 2000
    assert attach(carrier, at(walk), content=PDF + b"x" * 2000).status_code == 413


# --- the description ----------------------------------------------------------------------------------------------


def test_the_description_is_public_and_says_openapi(town: Town) -> None:
    answer = town.app.test_client().get(f"{API}/openapi.json")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["openapi"] == "3.1.0"
    operations = [op for path in answer.json["paths"].values() for op in path.values()]
    assert len({op["operationId"] for op in operations}) == len(operations) > 55
    assert all(op["summary"] for op in operations)
    assert "Accept-Language" in answer.headers["Vary"]


def test_the_description_for_people_is_a_page_like_the_others(town: Town) -> None:
    for browser in (Browser(town.app), town.browser("carrier")):
        page = browser.page(f"{API}/")
        for said in ("/api/v1/dossiers/{dossier_id}/events/assign", "Affecter un binôme", "Premier instructeur", "409"):
            assert said in page.text
        targets = {link.removeprefix("#") for link in page.links if link.startswith("#")}
        assert targets
        html = browser.get(f"{API}/").text
        assert all(f'id="{target}"' in html for target in targets)


def test_a_token_is_never_logged(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    secret = token(town, "carrier")
    town.app.test_client().get(f"{API}/dossiers?q={secret}", headers={"Authorization": f"Bearer {secret}"})
    assert secret not in capsys.readouterr().err
