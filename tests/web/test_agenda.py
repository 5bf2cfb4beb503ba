"""The calendars that phones follow: what each holds, for whom; the link and its end; sessions that change."""

from datetime import UTC, date, datetime, timedelta

import pytest
from ical.calendar import Calendar
from ical.calendar_stream import IcsCalendarStream
from ical.event import EventStatus
from sqlalchemy import select, update

from tests.factories import DATES
from tests.web.browser import Browser
from tests.web.conftest import Town
from workflow import links
from workflow.models import CommitteeSession, Dossier, JournalEntry, Milestone, Person, RoleGrant, SecretLink
from workflow.queries import agenda as query


def address(town: Town, who: str) -> str:
    """The person's link, made on their page."""
    assert town.browser(who).post("/compte/agenda", {}).status_code == 303
    with town.database.read() as session:
        number = session.scalars(
            select(SecretLink.id).where(
                SecretLink.purpose == "agenda",
                SecretLink.ended_at.is_(None),
                SecretLink.person_id == town.world.people[who],
            )
        ).one()
    return f"/agenda/{links.token(number, 'agenda')}"


def calendar(town: Town, url: str) -> Calendar:
    answer = Browser(town.app).get(url)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return IcsCalendarStream.calendar_from_ics(answer.text)


def summaries(found: Calendar) -> dict[str, str]:
    return {event.uid or "": event.summary or "" for event in found.events}


def test_a_person_follows_what_awaits_them(town: Town) -> None:
    walk = town.walk().assigned()
    found = calendar(town, address(town, "instructor 1") + ".ics")
    events = {event.uid: event for event in found.events}
    task = events[f"opinion-{walk.dossier_id}@127.0.0.1"]
    assert task.start == DATES["opinion_deadline"]
    assert "Écrire et sceller votre avis – 2027-" in (task.summary or "")
    assert f"/dossiers/{walk.dossier_id}" in str(task.url)
    assert events[f"session-{town.world.session_id}@127.0.0.1"].start == date(2027, 3, 12)
    assert "deposit_deadline – Programmation 2027" in summaries(found).values()


def test_a_control_is_in_the_calendar_of_both_controllers_and_of_the_carrier(town: Town) -> None:
    walk = town.walk().announced()
    visit = (walk.now + timedelta(days=30)).date()

    def days(who: str) -> dict[str, date]:
        return {str(event.uid): event.start for event in calendar(town, address(town, who) + ".ics").events}

    name = f"{{}}-{walk.dossier_id}@127.0.0.1"
    assert days("controller")[name.format("visit")] == visit
    assert days("controller 2")[name.format("visit")] == visit
    assert days("carrier")[name.format("visited")] == visit
    walk.found("2026-12-26", realisation="Vu", spending="Vu")
    assert name.format("visited") not in days("carrier")
    assert days("carrier")[name.format("reply")] == date(2026, 12, 28), "a Saturday is put off to the Monday"
    walk.act("carrier", "reply", walk.mission_id(), answer="Merci")
    assert days("controller 2")[name.format("answered")] == DATES["control_end"]


def test_a_carrier_follows_their_own_dossiers_alone(town: Town) -> None:
    town.walk().draft()
    own = summaries(calendar(town, address(town, "carrier") + ".ics"))
    assert any(uid.startswith("draft-") for uid in own)
    assert not any(uid.startswith("session-") for uid in own)


def test_who_carries_something_else_sees_nothing_of_it(town: Town) -> None:
    town.walk().draft()
    other = summaries(calendar(town, address(town, "other carrier") + ".ics"))
    assert not any(uid.startswith("draft-") for uid in other)


def test_an_instance_is_followed_by_its_people_as_long_as_they_are(town: Town) -> None:
    walk = town.walk().submitted()
    link = address(town, "animator")
    url = f"{link}/instance/{town.world.instance_id}.ics"
    found = summaries(calendar(town, url))
    assert f"due-{walk.dossier_id}@127.0.0.1" in found
    assert Browser(town.app).get(f"{link}/instance/{town.world.instance_id + 1}.ics").status_code == 404
    with town.database.write() as session:
        session.execute(
            update(RoleGrant)
            .where(RoleGrant.person_id == town.world.people["animator"])
            .values(ended_at=datetime(2026, 11, 2, tzinfo=UTC))
        )
    assert Browser(town.app).get(url).status_code == 404
    with town.database.write() as session:
        session.execute(update(Person).where(Person.id == town.world.people["animator"]).values(active=False))
    assert Browser(town.app).get(f"{link}.ics").status_code == 404


def test_a_new_link_ends_the_old_one(town: Town) -> None:
    browser = town.browser("animator")
    assert "Votre lien n'est pas encore créé" in browser.page("/compte/agenda").text
    old = address(town, "animator")
    assert old in browser.page("/compte/agenda").text
    new = address(town, "animator")
    assert Browser(town.app).get(f"{old}.ics").status_code == 404
    assert Browser(town.app).get(f"{new}.ics").status_code == 200
    assert Browser(town.app).get(f"{new[:-1]}{'0' if new[-1] != '0' else '1'}.ics").status_code == 404
    with town.database.read() as session:
        acts = session.scalars(select(JournalEntry.act).where(JournalEntry.act == "reset_agenda")).all()
    assert len(acts) == 2


def test_what_did_not_change_is_not_sent_again(town: Town) -> None:
    url = address(town, "animator") + ".ics"
    browser = Browser(town.app)
    tag = browser.get(url).headers["ETag"]
    assert browser.client.get(url, headers={"If-None-Match": tag}).status_code == 304
    with town.database.write() as session:
        moved = (Milestone.campaign_id == town.world.campaign_id, Milestone.code == "notification")
        session.execute(update(Milestone).where(*moved).values(on=date(2027, 6, 7), version=2))
    answer = browser.client.get(url, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert "DTSTART;VALUE=DATE:20270607" in answer.text
    assert "SEQUENCE:2" in answer.text


def test_a_session_that_changes_keeps_its_name_in_calendars(town: Town) -> None:
    url, number = address(town, "animator") + ".ics", town.world.session_id
    animator = town.browser("animator")
    form = {"label": "Comité technique", "on": "2027-03-15", "starts_at": "14h30", "place": "Mairie"}
    assert animator.post(f"/seances/{number}", form).status_code == 303
    (event,) = (event for event in calendar(town, url).events if event.uid == f"session-{number}@127.0.0.1")
    assert event.start == datetime(2027, 3, 15, 13, 30, tzinfo=UTC)
    assert (event.sequence, event.location) == (1, "Mairie")
    wrong = animator.post(f"/seances/{number}", {**form, "on": "2040-01-01", "starts_at": "25:00"})
    assert wrong.status_code == 422
    assert 'id="f-starts_at-error"' in wrong.text
    assert animator.post(f"/seances/{number}/annulation", {}).status_code == 422
    assert animator.post(f"/seances/{number}/annulation", {"reason": "Quorum"}).status_code == 303
    (event,) = (event for event in calendar(town, url).events if event.uid == f"session-{number}@127.0.0.1")
    assert (event.status, event.sequence) == (EventStatus.CANCELLED, 2)
    assert animator.post(f"/seances/{number}", form).status_code == 409
    assert "annulée" in animator.page("/instance/seances").text


def test_a_session_at_which_dossiers_wait_is_not_called_off(town: Town) -> None:
    town.walk().tabled()
    url = f"/seances/{town.world.session_id}"
    answer = town.browser("animator").post(f"{url}/annulation", {"reason": "Quorum"})
    assert answer.status_code == 409
    assert "1 dossier(s) attendent" in answer.text
    assert town.browser("carrier").get(url).status_code == 403
    with town.database.read() as session:
        assert session.get_one(CommitteeSession, town.world.session_id).cancelled_at is None


def test_what_is_tabled_at_a_session_follows_it(town: Town) -> None:
    walk = town.walk().tabled()
    with town.database.read() as session:
        version = session.get_one(Dossier, walk.dossier_id).due_version
    form = {"label": "Comité technique", "on": "2027-03-15"}
    assert town.browser("animator").post(f"/seances/{town.world.session_id}", form).status_code == 303
    with town.database.read() as session:
        dossier = session.get_one(Dossier, walk.dossier_id)
        assert (dossier.due_on, dossier.due_version) == (date(2027, 3, 15), version + 1)
        assert not dossier.reminders_planned


def test_no_dossier_is_tabled_at_a_session_called_off(town: Town) -> None:
    walk = town.walk().opinion()
    with town.database.write() as session:
        session.execute(update(CommitteeSession).values(cancelled_at=walk.now))
    with pytest.raises(Exception, match="session_chosen"):
        walk.act("animator", "table", session_id=town.world.session_id)


def test_a_funder_follows_the_sessions_at_which_it_decides(town: Town) -> None:
    town.walk().tabled()
    with town.database.read() as session:
        for who, found in (("funder État", 1), ("funder CAF", 1), ("carrier", 0), ("transversal", 1)):
            rows = query.sessions(session, town.world.actor(session, who), date(2027, 3, 1))
            assert len(rows) == found, who
        late = date(2027, 3, 12) + query.KEPT + timedelta(days=1)
        assert query.sessions(session, town.world.actor(session, "transversal"), late) == []
