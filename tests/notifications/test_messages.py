"""The texts: each kind of message has one in each language, says what there is to do, and gives nothing away."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from sqlalchemy import select, update

from notifications import messages, reminders
from notifications.compose import FORMER_KINDS, LINKS, Dropped, compose, context
from notifications.reminders.content import content
from tests.factories import NOW, Walk
from tests.notifications import ticking
from tests.notifications.conftest import Built, copied_sqlite
from tests.notifications.lives import SECRET_WORDS, drawn, everything, rescheduled, unrouted
from workflow import links
from workflow.db import Database
from workflow.models import Dossier, Outbox, Person, SecretLink
from workflow.settings import Settings
from workflow.tell import TELLS

KINDS = {kind for told in TELLS.values() for _, kind in told} | set(reminders.KINDS)
KINDS |= {"invitation", "password_reset", "calendar_proposed", "calendar_changed"}
DRAWS = {f"draw_{what}" for what in ("planned", "committed", "phrase_due", "sealed", "abandoned")}
KINDS |= DRAWS
DUE_TODAY = date(2027, 2, 19)
WITHOUT_LINK = {"consultation_revoked", "consultation_handed_over"}
LONGEST = 1200


@pytest.fixture(scope="module")
def lived(built_sqlite: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database in which every kind of message was written by the acts that write it."""
    database, world = copied_sqlite(built_sqlite, tmp_path_factory.mktemp("lived")), built_sqlite.world
    everything(database, world)
    drawn(database, world)
    returned = Walk(database, world).submitted()
    returned.act("animator", "request_completion", pieces=["RIB"], due_on=DUE_TODAY.isoformat())
    Walk(database, world).assigned()
    ticking.tick(database, ticking.morning(DUE_TODAY))
    unrouted(database, world)
    rescheduled(database, world)
    yield database
    database.dispose()


def test_each_kind_has_a_text_in_each_language() -> None:
    for locale in messages.LOCALES:
        assert messages.kinds(locale) == KINDS


def test_a_life_writes_every_kind(lived: Database) -> None:
    with lived.read() as session:
        assert set(session.scalars(select(Outbox.kind))) == KINDS


@pytest.mark.parametrize("locale", list(messages.LOCALES))
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_text_is_whole(lived: Database, settings: Settings, kind: str, locale: str) -> None:
    with lived.read() as session:
        row = session.scalars(select(Outbox).where(Outbox.kind == kind).order_by(Outbox.id)).first()
        assert row is not None
        dossier = session.get(Dossier, row.dossier_id) if row.dossier_id else None
        link = session.get(SecretLink, row.payload["link_id"]) if kind in LINKS else None
        values = context(session, settings, row, dossier, link)
        if kind in reminders.KINDS:
            values |= content(session, row.id, values["base_url"], ticking.morning(DUE_TODAY))
        subject, body = messages.render(kind, locale, values)
        names = set(session.scalars(select(Person.name))) | set(session.scalars(select(Person.email)))
    assert 10 < len(subject) < 120
    assert "\n" not in subject
    assert body.startswith({"fr": "Bonjour,\n\n", "en": "Hello,\n\n"}[locale])
    assert body.endswith("\n")
    assert not body.endswith("\n\n")
    assert len(body) < LONGEST
    assert "\n\n\n" not in body
    assert not re.search(r"\{[{%]|None|Undefined|&#", body)
    addresses = re.findall(r"https://\S+", body)
    assert all(address.startswith("https://binome.example") for address in addresses)
    assert "https://binome.example//" not in body
    own = {address for address in addresses if address != "https://binome.example"}
    assert bool(own) == (kind not in WITHOUT_LINK)
    if kind in LINKS:
        path, purpose = LINKS[kind].path, LINKS[kind].purpose
        assert f"https://binome.example/{path}/{links.token(row.payload['link_id'], purpose)}" in own
    elif kind in reminders.KINDS:
        entries = [entry for group in values["groups"] for entry in group["entries"]]
        assert own == {entry["link"] for entry in entries}
        assert all(entry["number"] in body for entry in entries)
    elif kind not in WITHOUT_LINK:
        page = f"dossiers/{row.dossier_id}" if row.dossier_id else None
        page = f"controles/plans/{row.payload['plan_id']}" if kind in DRAWS else page
        page = page or f"calendrier/{row.payload['campaign_id']}"
        assert own == {f"https://binome.example/{page}"}
    if row.dossier_id:
        assert dossier
        assert dossier.number
        assert dossier.number in subject
    assert not [words for words in (*SECRET_WORDS, *names, "favorable", "favourable") if words in subject + body]


def test_every_message_goes_out_as_it_was_written(lived: Database, settings: Settings) -> None:
    with lived.read() as session:
        rows = session.execute(select(Outbox.id, Outbox.kind)).all()
        at = dict.fromkeys(reminders.KINDS, ticking.morning(DUE_TODAY))
        composed = {row.id: next(compose(session, settings, [row.id], at.get(row.kind, NOW))) for row in rows}
    dropped = {row.kind for row in rows if isinstance(composed[row.id], Dropped)}
    # What was done or withdrawn since is not told any more: the two other questions were answered or revoked.
    assert dropped == {"consultation_asked"}
    identities = [mail.identity for mail in composed.values() if not isinstance(mail, Dropped)]
    assert len(set(identities)) == len(identities)


def test_a_reminder_of_before_the_rules_goes_no_more(lived: Database, settings: Settings) -> None:
    with lived.read() as session:
        row = session.scalars(select(Outbox).where(Outbox.kind == "completion_requested").limit(1)).one()
        row.kind = sorted(FORMER_KINDS)[0]
        session.flush()
        assert next(compose(session, settings, [row.id], NOW)) == Dropped("planned anew by the rules of reminders")


def test_days_and_sums_are_written_as_each_language_has_them() -> None:
    values = {
        "number": "2027-0001",
        "title": "Ateliers",
        "link": "https://b",
        "base_url": "https://b",
        "funder": "CAF",
        "amount_cents": 1_250_50,
        "due_on": "2027-02-26",
        "carrier": "Association Exemple",
    }
    assert "1 250,50 €" in " ".join(messages.render("payment_recorded", "fr", values)[1].split())
    assert "€1,250.50" in messages.render("payment_recorded", "en", values)[1]
    day = {"day": "2027-02-26", "late": False, "count": 1, "groups": [], "base_url": ""}
    assert "vendredi 26 février 2027" in messages.render("digest", "fr", day)[0]
    assert "Friday 26 February 2027" in messages.render("digest", "en", day)[0]


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="number"):
        messages.render("completed", "fr", {"carrier": "Association Exemple", "base_url": ""})


NASTY = "Ateliers\nBcc: autre@binome.example\u2028{{ base_url }} <b>&"


def test_what_people_type_stays_what_it_is(built_sqlite: Built, tmp_path: Path, settings: Settings) -> None:
    database = copied_sqlite(built_sqlite, tmp_path)
    Walk(database, built_sqlite.world).submitted()
    with database.write() as session:
        session.execute(update(Dossier).values(title=NASTY))
    with database.read() as session:
        receipt = session.scalars(select(Outbox.id).where(Outbox.kind == "receipt")).one()
        mail = next(compose(session, settings, [receipt], NOW))
    database.dispose()
    assert not isinstance(mail, Dropped)
    assert "Ateliers Bcc: autre@binome.example {{ base_url }} <b>&" in mail.body
    quoted = messages.render(
        "inadmissible",
        "fr",
        {"number": "1", "title": "T", "link": "l", "base_url": "b", "reason": "Un\n-- \nFausse signature"},
    )[1]
    assert "> Un\n> --\n> Fausse signature" in quoted


@pytest.mark.parametrize(("kind", "purpose"), [("invitation", "invitation"), ("password_reset", "reset")])
def test_a_link_that_ended_is_not_mailed(lived: Database, settings: Settings, kind: str, purpose: str) -> None:
    with lived.read() as session:
        row = session.scalars(select(Outbox).where(Outbox.kind == kind)).one()
        lifetime = links.LIFETIMES[purpose]
        assert lifetime
        assert not isinstance(
            next(compose(session, settings, [row.id], NOW + lifetime - timedelta(seconds=1))), Dropped
        )
        assert next(compose(session, settings, [row.id], NOW + lifetime)) == Dropped("link ended")
