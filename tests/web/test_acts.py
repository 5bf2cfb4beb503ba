"""Any act through its page: shown, performed, refused with what was typed kept."""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from marshmallow import fields
from sqlalchemy import event, func, select
from werkzeug.datastructures import FileStorage, MultiDict

from tests.factories import NOW
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from web import forms
from workflow.files import Upload
from workflow.models import BinomeMember, Document, Dossier, Message
from workflow.queries.choices import CHOICES
from workflow.settings import settings
from workflow.use_cases import ACTS


def url(dossier_id: int, act: str) -> str:
    return f"/dossiers/{dossier_id}/actes/{act}"


def version(town: Town, dossier_id: int) -> int:
    with town.database.read() as session:
        return session.get_one(Dossier, dossier_id).version


# --- from a browser's form to a schema's input --------------------------------------------------------------------


def fold(*pairs: tuple[str, str], **options: Any) -> dict[str, Any]:
    return forms.fold(MultiDict(pairs), **options)


def test_names_nest_and_repeat() -> None:
    assert fold(("a", "1"), ("b-c-d", "2"), ("b-c-e", "3"), ("f", "4"), ("f", "5")) == {
        "a": "1",
        "b": {"c": {"d": "2", "e": "3"}},
        "f": ["4", "5"],
    }


def test_ours_and_empty_answers_are_left_out() -> None:
    assert fold(("csrf_token", "x"), ("version", "3"), ("next", "/"), ("a", ""), ("b", "1")) == {"b": "1"}
    assert fold(("a", ""), keep_empty=True) == {"a": ""}


def test_lists_are_lists_however_many_answers_they_hold() -> None:
    assert fold(("a", "1"), lists=["a"]) == {"a": ["1"]}
    assert fold(("a", ""), lists=["a"]) == {"a": []}


def test_contradicting_and_deep_names_do_no_harm() -> None:
    assert fold(("a", "1"), ("a-b", "2")) == {"a": "1"}
    assert fold(("a-b", "2"), ("a", "1")) == {"a": {"b": "2"}}
    assert fold(("-", "1")) == {"": {"": "1"}}
    assert fold(("-".join("a" * 500), "1"))


def test_files_become_uploads_and_none_is_none() -> None:
    files = MultiDict([("file", FileStorage(io.BytesIO(b"x"), "a.pdf")), ("other", FileStorage(io.BytesIO(), ""))])
    assert forms.fold(MultiDict(), files) == {"file": Upload("a.pdf", b"x")}


@pytest.mark.parametrize("typed", ["", "x", "-1", "1.5", "٣", "9" * 20])
def test_an_odd_version_is_none_that_was_seen(app: Flask, typed: str) -> None:
    with app.test_request_context(method="POST", data={"version": typed}):
        assert forms.seen_version() == 0


def test_every_list_a_form_names_is_made() -> None:
    for act in ACTS.values():
        for field in act.form().fields.values():
            key = field.metadata.get("choices")
            assert key is None or key in CHOICES, f"{act.name}: {key}"


# --- showing ----------------------------------------------------------------------------------------------------


def test_the_form_shows_its_choices_and_the_version(town: Town) -> None:
    walk = town.walk().submitted()
    page = town.browser("animator").page(url(walk.dossier_id, "assign"))
    form = page.form(url(walk.dossier_id, "assign"))
    assert form.fields["version"] == str(version(town, walk.dossier_id))
    assert {"first_id", "second_id", "derogation"} <= set(form.fields)
    assert "Rôle instructor 1" in page.text
    assert page.h1 == ["Affecter un binôme"]


def test_a_form_per_line_is_named_after_the_lines(town: Town) -> None:
    walk = town.walk().assigned()
    page = town.browser("instructor 1").page(url(walk.dossier_id, "save_opinion"))
    sent = page.form(url(walk.dossier_id, "save_opinion")).fields
    assert {f"amounts-{line}" for line in walk.lines().values()} <= set(sent)


def test_what_a_guard_wants_is_not_called_optional(town: Town) -> None:
    walk = town.walk().submitted()
    assert "facultatif" not in town.browser("carrier").page(url(walk.dossier_id, "withdraw")).text
    assert "Dérogation (facultatif)" in town.browser("animator").page(url(walk.dossier_id, "assign")).text


def test_an_act_of_another_role_is_forbidden(town: Town) -> None:
    walk = town.walk().submitted()
    answer = town.browser("carrier").get(url(walk.dossier_id, "assign"))
    assert answer.status_code == 403
    assert "Animateur" in answer.text


def test_an_act_that_must_wait_says_what_it_waits_for(town: Town) -> None:
    walk = town.walk().assigned()
    answer = town.browser("instructor 1").get(url(walk.dossier_id, "issue_opinion"))
    assert answer.status_code == 409
    assert "ne sont pas encore scellés (0 sur 2)" in answer.text
    posted = {form.action for form in Page(answer.text).forms if form.method == "post"}
    assert posted == {"/deconnexion"}


def test_an_act_of_another_state_names_its_states(town: Town) -> None:
    walk = town.walk().submitted()
    answer = town.browser("animator").get(url(walk.dossier_id, "table"))
    assert answer.status_code == 409
    assert "Avis rendu" in answer.text


@pytest.mark.parametrize("act", ["answer", "announce", "nothing", "__class__", "to_closed"])
def test_acts_that_a_dossier_does_not_know_are_not_found(town: Town, act: str) -> None:
    walk = town.walk().submitted()
    browser = town.browser("animator")
    assert browser.get(url(walk.dossier_id, act)).status_code == 404
    assert browser.post(url(walk.dossier_id, act)).status_code == 404


def test_who_is_nothing_to_a_dossier_does_not_learn_of_it(town: Town) -> None:
    walk = town.walk().submitted()
    stranger = town.browser("other carrier")
    for there in (walk.dossier_id, 999_999, 2**63 - 1, 2**70):
        assert stranger.get(url(there, "withdraw")).status_code == 404
        assert stranger.post(url(there, "withdraw"), {"reason": "x"}).status_code == 404


# --- performing ---------------------------------------------------------------------------------------------------


def test_an_act_is_done_and_said(any_town: Town) -> None:
    town, walk = any_town, any_town.walk().submitted()
    people = town.world.people
    browser = town.browser("animator")
    seats = {"first_id": people["instructor 1"], "second_id": people["instructor 2"]}
    answer = browser.post(url(walk.dossier_id, "assign"), {**seats, "version": version(town, walk.dossier_id)})
    assert answer.status_code == 303
    assert walk.state == "assigned"
    assert "Binôme affecté." in browser.get("/compte").text
    with town.database.read() as session:
        assert session.scalar(select(func.count()).select_from(BinomeMember)) == 2


@pytest.mark.parametrize(("target", "followed"), [("/compte", True), ("https://elsewhere.test", False)])
def test_one_goes_on_where_the_form_says_if_it_is_here(town: Town, target: str, followed: bool) -> None:
    walk = town.walk().submitted()
    answer = town.browser("carrier").post(url(walk.dossier_id, "send_message"), {"body": "Bonjour", "next": target})
    assert answer.status_code == 303
    assert (answer.headers["Location"] == target) is followed


def test_a_second_click_is_told_what_the_first_did(town: Town) -> None:
    walk = town.walk().submitted()
    people, browser = town.world.people, town.browser("animator")
    data = {
        "first_id": people["instructor 1"],
        "second_id": people["instructor 2"],
        "version": version(town, walk.dossier_id),
    }
    assert browser.post(url(walk.dossier_id, "assign"), data).status_code == 303
    again = browser.post(url(walk.dossier_id, "assign"), data)
    assert again.status_code == 409
    assert "Binôme affecté" in again.text
    with town.database.read() as session:
        assert session.scalar(select(func.count()).select_from(BinomeMember)) == 2


def test_what_was_typed_outlives_somebody_elses_act(town: Town) -> None:
    """A stale page is refused with what changed; sent again as shown, it is a second, deliberate act."""
    walk = town.walk().submitted()
    seen = version(town, walk.dossier_id)
    walk.act("animator", "request_completion", pieces=["Statuts"], due_on="2026-12-01")
    browser = town.browser("carrier")
    stale = browser.post(url(walk.dossier_id, "withdraw"), {"reason": "Projet reporté", "version": seen})
    assert stale.status_code == 409
    page = Page(stale.text)
    assert "Compléments demandés" in page.text
    assert "Animateur" in page.text
    assert "Rôle animator" not in page.text  # a carrier is told the role that acted, not the agent's name
    assert "Projet reporté" in page.text
    shown = page.form(url(walk.dossier_id, "withdraw")).fields
    assert shown["version"] == str(seen + 1)
    again = browser.post(url(walk.dossier_id, "withdraw"), {"reason": "Projet reporté", "version": shown["version"]})
    assert again.status_code == 303
    assert walk.state == "withdrawn"


def test_a_form_without_a_version_saw_nothing(town: Town) -> None:
    walk = town.walk().submitted()
    answer = town.browser("carrier").post(url(walk.dossier_id, "withdraw"), {"reason": "x"})
    assert answer.status_code == 409
    assert walk.state == "submitted"


def test_a_refusal_keeps_what_was_typed(town: Town) -> None:
    walk = town.walk().submitted()
    member = town.world.people["instructor 1"]
    answer = town.browser("animator").post(
        url(walk.dossier_id, "assign"),
        {"first_id": member, "second_id": member, "version": version(town, walk.dossier_id), "derogation": "Parce que"},
    )
    assert answer.status_code == 409
    assert "deux instructeurs différents" in answer.text
    assert "Parce que" in answer.text
    kept = Page(answer.text).form(url(walk.dossier_id, "assign")).fields
    assert (kept["first_id"], kept["second_id"]) == (str(member), str(member))


def test_bad_input_is_said_beside_its_field(town: Town) -> None:
    walk = town.walk().submitted()
    answer = town.browser("animator").post(
        url(walk.dossier_id, "request_completion"),
        {"pieces": "Statuts\nRIB", "due_on": "31/02/2027", "version": version(town, walk.dossier_id)},
    )
    assert answer.status_code == 422
    page = Page(answer.text)
    assert "Date attendue" in page.text
    assert "#f-due_on" in page.links
    assert "Statuts\nRIB" in page.text
    assert "31/02/2027" in answer.text


def test_sums_per_line_are_read_and_their_errors_shown(town: Town) -> None:
    walk = town.walk().assigned()
    lines = walk.lines()
    browser = town.browser("instructor 1")
    typed = {f"amounts-{lines['État']}": "1 250,50", f"amounts-{lines['CAF']}": "beaucoup", "verdict": "favourable"}
    wrong = browser.post(url(walk.dossier_id, "save_opinion"), typed)
    assert wrong.status_code == 422
    assert "Somme attendue" in wrong.text
    assert "1 250,50" in wrong.text
    typed[f"amounts-{lines['CAF']}"] = "100"
    assert browser.post(url(walk.dossier_id, "save_opinion"), typed).status_code == 303


def test_markup_in_a_field_stays_text(town: Town) -> None:
    walk = town.walk().submitted()
    evil = "<script>alert(1)</script>'\"; DROP TABLE dossier;--"
    seen = version(town, walk.dossier_id)
    shown = town.browser("animator").post(
        url(walk.dossier_id, "request_completion"), {"pieces": evil, "due_on": evil, "version": seen}
    )
    assert shown.status_code == 422
    assert "<script>alert" not in shown.text
    assert town.browser("carrier").post(url(walk.dossier_id, "send_message"), {"body": evil}).status_code == 303
    with town.database.read() as session:
        assert session.scalars(select(Message.body)).all() == [evil]


def test_forged_identifiers_are_refused(any_town: Town) -> None:
    walk = any_town.walk().submitted()
    browser = any_town.browser("animator")
    for typed in ("0", "-1", "99999999", str(2**40), str(2**63), "9" * 400, "1e5", "x", "<b>", "\x00"):
        data = {"instance_id": typed, "reason": "Parce que", "version": version(any_town, walk.dossier_id)}
        answer = browser.post(url(walk.dossier_id, "reroute"), data)
        assert answer.status_code in (400, 409, 422), typed
    assert walk.state == "submitted"


def test_a_document_is_attached_by_what_it_is(town: Town) -> None:
    walk = town.walk().submitted()
    browser = town.browser("carrier")
    there = url(walk.dossier_id, "attach_document")
    assert 'enctype="multipart/form-data"' in browser.get(there).text
    good = {"kind": "statutes", "file": (io.BytesIO(b"%PDF-1.7 rest"), "statuts.pdf")}
    assert browser.post(there, good).status_code == 303
    lying = {"kind": "statutes", "file": (io.BytesIO(b"MZ\x90"), "statuts.pdf")}
    assert "ne correspond pas" in browser.post(there, lying).text
    missing = browser.post(there, {"kind": "statutes"})
    assert missing.status_code == 422
    with town.database.read() as session:
        assert session.scalars(select(Document.filename)).all() == ["statuts.pdf"]


def test_a_document_that_is_too_heavy_is_refused_in_words(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = town.walk().submitted()
    there = url(walk.dossier_id, "attach_document")
    browser = town.browser("carrier")
    announced = {"CONTENT_LENGTH": "12000000", "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    assert browser.client.post(there, environ_overrides=announced).status_code == 413
    monkeypatch.setenv("BINOME_MAX_UPLOAD_BYTES", "1000")
    settings.cache_clear()
    answer = browser.post(there, {"kind": "statutes", "file": (io.BytesIO(b"%PDF-" + b"0" * 1000), "statuts.pdf")})
    assert answer.status_code == 422
    assert "trop lourd" in answer.text


def test_acts_on_consultations_and_missions_have_their_own_addresses(
    town: Town, at: Callable[[datetime], None]
) -> None:
    walk = town.walk().assigned()
    asked = walk.act(
        "instructor 1",
        "consult_expert",
        expert_name="Experte",
        expert_email="experte@binome.example",
        question="Le protocole est-il sûr ?",
        due_on=(NOW + timedelta(days=10)).date().isoformat(),
    ).result
    there = f"/dossiers/{walk.dossier_id}/consultations/{asked.id}/actes/revoke"
    browser = town.browser("instructor 1")
    assert browser.page(there).h1 == ["Retirer la question"]
    seen = version(town, walk.dossier_id)
    assert browser.post(there, {"reason": "Sans objet", "version": seen}).status_code == 303
    assert walk.state == "assigned"
    other = town.walk().assigned()
    elsewhere = f"/dossiers/{other.dossier_id}/consultations/{asked.id}/actes/revoke"
    assert browser.get(elsewhere).status_code == 404
    assert browser.post(elsewhere, {"reason": "x"}).status_code == 404


def test_a_mission_is_announced_from_its_page(town: Town) -> None:
    walk = town.walk().drawn().taken()
    there = f"/dossiers/{walk.dossier_id}/controles/{walk.mission_id()}/actes/announce"
    browser = town.browser("controller")
    assert browser.get(there).status_code == 200
    day = (NOW + timedelta(days=20)).strftime("%d/%m/%Y")
    data = {"visit_on": day, "version": version(town, walk.dossier_id)}
    assert browser.post(there, data).status_code == 303


# --- every form, and what it costs ----------------------------------------------------------------------------------

_REACHED: dict[str, tuple[str, str]] = {
    # act: how far a dossier must be, who does it
    "submit": ("draft", "carrier"),
    "request_completion": ("submitted", "animator"),
    "declare_inadmissible": ("submitted", "animator"),
    "reroute": ("submitted", "animator"),
    "assign": ("submitted", "animator"),
    "replace_member": ("assigned", "animator"),
    "consult_expert": ("assigned", "instructor 1"),
    "save_opinion": ("assigned", "instructor 1"),
    "seal_opinion": ("assigned", "instructor 1"),
    "reopen_instruction": ("opinion", "animator"),
    "table": ("opinion", "animator"),
    "defer": ("tabled", "animator"),
    "decide_request": ("tabled", "funder État"),
    "cancel_action": ("funded", "carrier"),
    "submit_progress_report": ("funded", "carrier"),
    "submit_final_report": ("funded", "carrier"),
    "sign_agreement": ("funded", "funder État"),
    "attach_document": ("submitted", "carrier"),
    "send_message": ("submitted", "carrier"),
    "withdraw": ("submitted", "carrier"),
}


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_form_is_whole(town: Town, lang: str) -> None:
    """Each act's page holds a field for each entry of its schema, and a choice wherever it offers one."""
    walks = {stage: getattr(town.walk(), stage)() for stage in {stage for stage, _ in _REACHED.values()}}
    for act, (stage, who) in _REACHED.items():
        there = url(walks[stage].dossier_id, act)
        page = town.browser(who).page(f"{there}?lang={lang}")
        sent = page.form(there).names
        for name, item in ACTS[act].form().fields.items():
            # A choice among what there is shows nothing where there is none.
            unseen = item.metadata.get("widget") in ("radio", "checkboxes")
            single = not isinstance(item, fields.Boolean | fields.Dict) and not unseen
            assert not single or name in sent, f"{act}: no field {name}"


def test_a_form_costs_few_statements_however_many_dossiers_stand_beside(town: Town) -> None:
    def cost() -> int:
        seen: list[str] = []
        event.listen(town.database.reader.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
        browser.get(there)
        return len(seen)

    walk = town.walk().submitted()
    there = url(walk.dossier_id, "assign")
    browser: Browser = town.browser("animator")
    alone = cost()
    for _ in range(3):
        town.walk().submitted()
    assert cost() == alone <= 13


def test_a_carrier_learns_of_the_control_when_it_is_announced(town: Town) -> None:
    walk = town.walk().drawn()
    page = f"/dossiers/{walk.dossier_id}/controles/{walk.mission_id()}/actes/reply"
    carrier = town.browser("carrier")
    assert carrier.get(page).status_code == 404
    walk.taken()
    walk.act("controller", "announce", walk.mission_id(), visit_on="2028-06-01")
    assert carrier.get(page).status_code == 409
