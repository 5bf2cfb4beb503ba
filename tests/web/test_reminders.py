"""One's reminders and the rules: hours, absences, the history with its reasons, the link that stops, the preview."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.web.browser import Browser
from tests.web.conftest import Town
from workflow import links, reminder_rules
from workflow.models import Absence, Dossier, JournalEntry, Reminder, ReminderPreference, ReminderRule

PAGE = "/compte/rappels"


@pytest.fixture
def rules(town: Town) -> None:
    """The territory's rules, as installed."""
    with town.database.write() as session:
        reminder_rules.install(session)


def rule(town: Town, code: str, instance_id: int | None = None) -> ReminderRule | None:
    with town.database.read() as session:
        where = ReminderRule.instance_id == instance_id if instance_id else ReminderRule.instance_id.is_(None)
        return session.scalar(select(ReminderRule).where(ReminderRule.code == code, where))


def form(**changes: Any) -> dict[str, Any]:
    return {
        "label": "Avis à rendre",
        "active": "1",
        "offsets": "−10, −3, 1",
        "other_member": "3",
        "animator": "5",
        "transversal": "",
        **changes,
    }


def test_everybody_chooses_their_hour(town: Town) -> None:
    browser = town.browser("carrier")
    assert '<option value="8" selected>' in browser.get(PAGE).text
    assert browser.post(PAGE, {"hour": "18", "by_mail": "1"}).status_code == 303
    assert browser.post(PAGE, {"hour": "3"}).status_code == 422
    assert '<option value="18" selected>' in browser.get(PAGE).text
    assert browser.post(PAGE, {"hour": "7"}).status_code == 303
    with town.database.read() as session:
        row = session.get_one(ReminderPreference, town.world.people["carrier"])
        assert (row.hour, row.by_mail) == (7, False)


def test_absences_are_declared_and_forgotten(town: Town) -> None:
    browser = town.browser("instructor 1")
    url = f"{PAGE}/absences"
    wrong = browser.post(url, {"absence-first": "2026-12-24", "absence-last": "2026-12-20"})
    assert wrong.status_code == 422
    assert 'id="f-absence-last-error"' in wrong.text
    assert browser.post(url, {"absence-first": "2026-01-01", "absence-last": "2026-01-02"}).status_code == 422
    assert browser.post(url, {"absence-first": "2026-12-24", "absence-last": "2026-12-31"}).status_code == 303
    assert "du 24 décembre 2026 au 31 décembre 2026" in browser.page(PAGE).text
    with town.database.read() as session:
        number = session.scalars(select(Absence.id)).one()
    assert town.browser("instructor 2").post(f"{url}/{number}/suppression", {}).status_code == 404
    assert browser.post(f"{url}/{number}/suppression", {}).status_code == 303
    assert "Aucune absence à venir" in browser.page(PAGE).text
    with town.database.write() as session:
        past = Absence(person_id=town.world.people["instructor 1"], first=date(2026, 1, 1), last=date(2026, 1, 2))
        session.add(past)
        session.flush()
        number = past.id
    assert browser.post(f"{url}/{number}/suppression", {}).status_code == 409


def test_each_reminder_says_why_it_came(town: Town, rules: None) -> None:
    walk = town.walk().assigned()
    me = town.world.people["instructor 1"]
    with town.database.write() as session:
        opinion = session.scalars(select(ReminderRule).where(ReminderRule.code == "opinion")).one()
        when = datetime(2027, 2, 17, 7, tzinfo=UTC)
        session.add(
            Reminder(
                rule_id=opinion.id,
                dossier_id=walk.dossier_id,
                rung=-7,
                due_on=date(2027, 2, 26),
                due_version=1,
                person_id=me,
                role="binome",
                planned_for=date(2027, 2, 17),
                deliver_at=when,
                created_at=when,
            )
        )
    text = town.browser("instructor 1").page(PAGE).text
    assert "vous instruisez ce dossier" in text
    assert "rappel prévu 7 jours ouvrés avant l'échéance" in text
    assert "partira le 17 février 2027 à 08:00" in text
    assert "Aucun rappel ne vous a encore été adressé" in town.browser("instructor 2").page(PAGE).text


def test_a_link_stops_mails_and_starts_them_again(town: Town) -> None:
    me = town.world.people["carrier"]
    url = f"/desabonnement/{links.token(me, links.UNSUBSCRIBE)}"
    visitor = Browser(town.app)

    def by_mail() -> bool | None:
        with town.database.read() as session:
            row = session.get(ReminderPreference, me)
            return row.by_mail if row else None

    assert "Ne plus recevoir de rappels" in visitor.get(url).text
    assert by_mail() is None, "looking stops nothing: mail programs look at links"
    posted = visitor.client.post(url, data={"List-Unsubscribe": "One-Click"})
    assert posted.status_code == 200
    assert by_mail() is False
    visitor.client.post(url, data={"again": "1"})
    assert by_mail() is True
    assert visitor.client.post(f"{url[:-1]}x", data={}).status_code == 404
    assert visitor.get("/desabonnement/1-x").status_code == 404
    with town.database.read() as session:
        assert session.scalars(select(JournalEntry.act).order_by(JournalEntry.seq.desc())).first() == "set_reminders"


def test_a_territorys_rule_is_changed_by_an_administrator(town: Town, rules: None) -> None:
    walk = town.walk().assigned()
    with town.database.write() as session:
        session.execute(update(Dossier).values(reminders_planned=True))
    administrator = town.browser("administrator")
    assert "Avis à rendre" in administrator.page("/rappels").text
    wrong = administrator.post("/rappels/opinion", form(offsets="bientôt", label=""))
    assert wrong.status_code == 422
    assert 'id="f-offsets-error"' in wrong.text
    assert "bientôt" in wrong.text
    assert administrator.post("/rappels/opinion", form(offsets="-300")).status_code == 422
    assert administrator.post("/rappels/opinion", form()).status_code == 303
    changed = rule(town, "opinion")
    assert changed is not None
    assert changed.offsets == [-10, -3, 1]
    assert changed.escalation == [{"offset": 3, "to": "other_member"}, {"offset": 5, "to": "animator"}]
    with town.database.read() as session:
        assert not session.get_one(Dossier, walk.dossier_id).reminders_planned
    for who in ("animator", "carrier", "transversal"):
        assert town.browser(who).post("/rappels/opinion", form()).status_code == 403
    assert administrator.get("/rappels/nothing").status_code == 404


def test_an_instance_has_its_own_rule_until_it_follows_the_territory_again(town: Town, rules: None) -> None:
    here = town.world.instance_id
    url = f"/rappels/opinion?instance={here}"
    animator = town.browser("animator")
    assert animator.post(url, form(offsets="-5")).status_code == 303
    own = rule(town, "opinion", here)
    assert own is not None
    assert (own.offsets, own.asked) == ([-5], "binome")
    assert "propre à l'instance" in animator.page(f"/rappels?instance={here}").text
    elsewhere = f"/rappels/opinion?instance={here + 1}"
    assert animator.post(elsewhere, form()).status_code == 403
    assert animator.post(f"/rappels/opinion/territoire?instance={here}", {}).status_code == 303
    assert "propre à l'instance" not in animator.page(f"/rappels?instance={here}").text
    town.browser("administrator").post("/rappels/opinion", form(offsets="-8"))
    own = rule(town, "opinion", here)
    assert own is not None
    assert own.offsets == [-8], "it follows"


def test_a_rule_is_tried_before_it_is_saved(town: Town, rules: None) -> None:
    walk = town.walk().assigned()
    administrator = town.browser("administrator")
    shown = administrator.post("/rappels/opinion", form(preview="1"))
    assert shown.status_code == 200
    assert "Ce que la règle aurait envoyé" in shown.text
    assert "−10, −3, 1" in shown.text, "what was typed stays"
    stored = rule(town, "opinion")
    assert stored is not None
    assert stored.offsets == [-15, -7, -1, 1, 5], "nothing is saved"
    assert administrator.post("/rappels/opinion", form(preview="1", offsets="?")).status_code == 422
    assert walk.dossier_id
