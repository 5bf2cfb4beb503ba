"""Outgoing messages, the demo's mailbox, and the journal: what is read there, and what never is."""

import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, text, update

from notifications import webhooks
from notifications.messages import kinds
from tests.factories import NOW, World
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from web.pages import admin_journal, admin_messages
from workflow import journal as chain
from workflow.models import JournalEntry, MailboxMessage, Outbox, RoleGrant
from workflow.queries import admin_journal as query

MESSAGES, JOURNAL = "/administration/messages", "/administration/journal"
SECRET = "Un public rarement touché"


@pytest.fixture
def admin(town: Town) -> Browser:
    """A browser in which the administrator is signed in."""
    return town.browser("administrator")


@pytest.fixture
def demo(
    make_app: Callable[..., Flask],
    world_file: tuple[Path, World],
    tmp_path: Path,
    at: Callable[[datetime], None],
) -> Town:
    """The world as the demo serves it."""
    at(NOW)
    file, world = world_file
    return Town(make_app(f"sqlite:///{shutil.copyfile(file, tmp_path / 'demo.sqlite3')}", DEMO="1"), world)


# --- messages --------------------------------------------------------------------------------------------------------


def test_every_kind_of_message_has_a_name() -> None:
    assert set(admin_messages.KIND_LABELS) == kinds("fr") | {webhooks.KIND}


def test_a_failed_message_says_why_and_is_tried_again(town: Town, admin: Browser) -> None:
    town.walk().submitted()
    with town.database.write() as session:
        failed, other = session.scalars(select(Outbox.id).order_by(Outbox.id)).all()
        session.execute(
            update(Outbox).where(Outbox.id == failed).values(state="failed", error="550 no <b>such</b>", attempts=11)
        )
    page = admin.page(f"{MESSAGES}?state=failed")
    assert "550 no <b>such</b>" in page.text, "escaped"
    assert "Échec (1)" in page.text.replace("\xa0", " ")
    assert page.form(f"{MESSAGES}/{failed}/renvoi")
    assert admin.post(f"{MESSAGES}/{failed}/renvoi").status_code == 303
    with town.database.read() as session:
        assert session.get_one(Outbox, failed).state == "pending"
        act = session.scalars(select(JournalEntry.act).order_by(JournalEntry.seq.desc()).limit(1)).one()
    assert act == "retry_message"
    assert admin.post(f"{MESSAGES}/{other}/renvoi").status_code == 303
    assert "n'est pas en échec" in admin.page(MESSAGES).text
    assert "Aucun échec" in admin.page(f"{MESSAGES}?state=failed").text
    assert admin.post(f"{MESSAGES}/999/renvoi").status_code == 404


def test_messages_are_read_page_by_page(town: Town, admin: Browser) -> None:
    with town.database.write() as session:
        rows = [
            {
                "key": f"k{number}",
                "kind": "message",
                "address": f"a{number:02}@binome.example",
                "payload": {},
                "created_at": NOW,
                "next_at": NOW,
            }
            for number in range(60)
        ]
        session.execute(insert(Outbox), rows)
    first = admin.page(MESSAGES)
    older = next(link for link in first.links if "before=" in link)
    second = admin.page(older)
    assert "a59@binome.example" in first.text
    assert "a09@binome.example" in second.text
    assert "a10@binome.example" not in second.text
    assert not any("before=" in link for link in second.links)


def test_the_mailbox_is_the_demo_s_alone(town: Town, admin: Browser) -> None:
    assert admin.get(f"{MESSAGES}/boite").status_code == 404
    assert admin.get(f"{MESSAGES}/boite/1").status_code == 404
    assert f"{MESSAGES}/boite" not in admin.page("/administration").links


def test_a_mail_of_the_demo_is_text_whose_addresses_are_links(demo: Town) -> None:
    demo.walk().submitted()
    body = 'Bonjour <script>alert(1)</script>\nVotre lien : http://127.0.0.1:8000/suivi/1-x"y.\njavascript:alert(2)'
    with demo.database.write() as session:
        first, second = session.scalars(select(Outbox.id).order_by(Outbox.id)).all()
        session.add_all(
            [
                MailboxMessage(outbox_id=first, recipient="porteur@binome.example", subject="Reçu", body=body, at=NOW),
                MailboxMessage(outbox_id=second, recipient="autre@binome.example", subject="Arrivé", body="x", at=NOW),
            ]
        )
    browser = demo.browser("administrator")
    text = browser.page(f"{MESSAGES}/boite").text
    assert "Reçu" in text
    assert "Arrivé" in text
    filtered = browser.page(f"{MESSAGES}/boite?recipient=PORTEUR")
    assert "Reçu" in filtered.text
    assert "Arrivé" not in filtered.text
    assert "Aucun courriel pour ce destinataire" in browser.page(f"{MESSAGES}/boite?recipient=zzz").text
    url = next(link for link in filtered.links if link.startswith(f"{MESSAGES}/boite/"))
    answer = browser.get(url)
    assert "<script>alert" not in answer.text
    links = Page(answer.text).links
    assert any(link.startswith("http://127.0.0.1:8000/suivi/1-x") for link in links)
    assert not any(link.startswith("javascript") for link in links)
    assert browser.get(f"{MESSAGES}/boite/999").status_code == 404


# --- the journal -----------------------------------------------------------------------------------------------------


def test_entries_are_filtered(town: Town, admin: Browser) -> None:
    town.walk().submitted()
    town.walk().submitted()
    for filters, found, other in (
        ("act=submit", "2027-0001", "Données de référence chargées "),
        ("number=2027-0002", "2027-0002", "2027-0001"),
        ("person=carrier", "Dossier déposé", "load_reference"),
        ("since=2026-11-02&until=2026-11-02", "2027-0001", "personne d'autre"),
    ):
        table = admin.page(f"{JOURNAL}?{filters}").text.partition("Entrées du journal")[2]
        assert found in table, filters
        assert other not in table, filters
    for filters in ("since=2026-11-03", "until=2026-11-01", "person=zzz", "number=1999-0001", "act=closes"):
        page = admin.page(f"{JOURNAL}?{filters}")
        assert ("Aucune entrée ne correspond" in page.text) is (filters != "act=closes"), filters


def _add(town: Town, count: int, **values: object) -> None:
    with town.database.write() as session:
        for number in range(count):
            entry = {"at": NOW, "actor_id": None, "actor_name": "Binôme", "role": "system", "act": "set_profile"}
            # Each value is of its parameter; the mapping cannot say so.
            chain.note(session, **{**entry, "subject": f"person:{number}", **values})  # type: ignore[arg-type]


def test_the_journal_is_read_page_by_page_by_number(town: Town, admin: Browser) -> None:
    _add(town, 120)
    url, seen = JOURNAL, list[str]()
    for _ in range(3):
        page = admin.page(url)
        seen.append(page.text)
        older = [link for link in page.links if "before=" in link]
        if not older:
            break
        url = older[0]
    assert len(seen) == 3
    assert "Compte n° 119" in seen[0]
    assert "Compte n° 20" in seen[1]
    assert "Compte n° 19" in seen[2]
    assert "Données de référence chargées" in seen[2].partition("Entrées du journal")[2]


def test_a_filter_looks_at_a_stretch_at_a_time(town: Town, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "STRETCH", 20)
    _add(town, 1, act="deactivate")
    _add(town, 30)
    page = admin.page(f"{JOURNAL}?act=deactivate")
    assert "cherchez plus loin" in page.text
    older = next(link for link in page.links if "before=" in link)
    assert "Compte fermé" in admin.page(older).text.partition("Entrées du journal")[2]


def test_days_bound_the_journal_on_each_database(any_town: Town) -> None:
    for day in range(10):
        _add(any_town, 3, at=NOW + timedelta(days=day))
    with any_town.database.read() as session:
        admin = any_town.world.actor(session, "administrator")

        def days(since: date | None, until: date | None) -> list[int]:
            wanted = query.Wanted(act="set_profile", since=since, until=until)
            return sorted({line.at.day for line in query.journal(session, admin, wanted).lines})

        assert days(date(2026, 11, 4), date(2026, 11, 6)) == [4, 5, 6]
        assert days(date(2026, 11, 10), None) == [10, 11]
        assert days(None, date(2026, 11, 3)) == [2, 3]
        assert days(date(2026, 11, 12), None) == []
        assert days(None, date(2026, 11, 1)) == []


def test_set_up_shows_what_changed(town: Town, admin: Browser) -> None:
    funder = str(town.world.funders["CAF"])
    campaign = f"/administration/campagnes/{town.world.campaign_id}"
    admin.post(f"{campaign}/enveloppes", {"envelope-funder_id": funder, "envelope-total_cents": "70000"})
    line = admin.page(f"{JOURNAL}?act=set_envelope").text
    assert "montant : 50\u202f000\u202f€ → 70\u202f000\u202f€" in " ".join(line.split(" ")).replace("\n", "")


def test_what_opinions_hold_is_never_shown(town: Town, admin: Browser) -> None:
    walk = town.walk().assigned()
    amounts = {str(line): 2_345_00 for line in walk.lines().values()}
    opinion: dict[str, Any] = {
        "verdict": "unfavourable",
        "strengths": SECRET,
        "reservations": SECRET,
        "amounts": amounts,
    }
    walk.act("instructor 1", "seal_opinion", **opinion)
    people = town.world.people
    walk.act("animator", "replace_member", leaver_id=people["instructor 1"], newcomer_id=people["instructor 3"])
    with town.database.read() as session:
        kept = session.scalars(select(JournalEntry.details).where(JournalEntry.act == "replace_member")).one()
    assert SECRET in str(kept), "the journal keeps it"
    answer = admin.get(JOURNAL).text
    assert "Avis individuel scellé" in answer
    for hidden in (SECRET, "2\u202f345", "234500", "unfavourable"):
        assert hidden not in answer, hidden


def test_reasons_kept_inside_the_instruction_are_not_shown(town: Town, admin: Browser) -> None:
    walk = town.walk().assigned()
    walk.act("animator", "reroute", instance_id=1, reason="Motif de réorientation")
    assert "Motif de réorientation" in admin.page(JOURNAL).text
    line = {"dossier_id": walk.dossier_id, "subject": f"dossier:{walk.dossier_id}"}
    _add(town, 1, act="arbitrate", reason="Motif interne", role="animator", **line)
    assert "Motif interne" not in admin.page(JOURNAL).text


def test_an_administrator_who_carries_a_dossier_reads_it_as_its_carrier(town: Town) -> None:
    town.walk().opinion()
    person = town.world.people["administrator"]
    with town.database.write() as session:
        organisation = town.world.organisation_id
        session.add(RoleGrant(person_id=person, role="carrier", organisation_id=organisation, granted_at=NOW))
    shown = town.browser("administrator").page(JOURNAL).text.partition("Entrées du journal")[2]
    assert "Acte interne à l'instruction" in shown
    assert "Avis individuel scellé" not in shown
    assert "Rôle instructor" not in shown
    assert "Rôle carrier" in shown


def test_a_draft_is_not_named(town: Town, admin: Browser) -> None:
    walk = town.walk().draft(title="Brouillon secret")
    page = admin.page(JOURNAL)
    assert "Brouillon ouvert" in page.text
    assert "Brouillon secret" not in page.text
    assert f"/dossiers/{walk.dossier_id}" not in page.links


# --- the chain -------------------------------------------------------------------------------------------------------


def _verify(browser: Browser, expected: str = "") -> tuple[int, str]:
    answer = browser.post(f"{JOURNAL}/verification", {"expected": expected})
    return answer.status_code, Page(answer.text).text


def test_a_sound_journal_is_said_to_be(town: Town, admin: Browser) -> None:
    town.walk().submitted()
    with town.database.read() as session:
        seq, digest = chain.head(session)
    assert f"{seq}:{digest}" in admin.page(JOURNAL).text
    status, said = _verify(admin)
    assert (status, "Le journal est intact" in said) == (200, True)
    town.walk().submitted()
    assert "Il prolonge bien la tête" in _verify(admin, f"{seq}:{digest}")[1]


def test_every_flaw_is_said(town: Town, admin: Browser) -> None:
    town.walk().submitted()
    with town.database.write() as session:
        session.execute(text("DROP TRIGGER journal_update_journal_append_only"))
        session.execute(text("UPDATE journal SET actor_name = 'Personne' WHERE seq = 2"))
    said = _verify(admin)[1]
    assert "Le journal n'est pas intact" in said
    assert "entrée 2 modifiée" in said
    with town.database.read() as session:
        seq, digest = chain.head(session)
    assert f"entrée {seq + 1} coupée de la fin" in _verify(admin, f"{seq + 1}:{digest}")[1]


def test_a_head_mistyped_is_kept_and_explained(admin: Browser) -> None:
    answer = admin.post(f"{JOURNAL}/verification", {"expected": "12:abc"})
    assert answer.status_code == 422
    assert 'id="f-expected-error"' in answer.text
    assert 'value="12:abc"' in answer.text


def test_a_long_journal_is_not_read_by_a_page(town: Town, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    town.walk().submitted()
    monkeypatch.setattr(admin_journal, "MOST_CHECKED", 1)
    assert "binome journal verify" in admin.page(JOURNAL).text
    said = _verify(admin)[1]
    assert "Le journal est intact" not in said
    assert "binome journal verify" in said
