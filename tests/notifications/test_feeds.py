"""iCalendar feeds, read back by another library than the one that writes them."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream
from ical.event import EventStatus

from notifications.feeds import Entry, feed
from workflow.clock import PARIS

AT = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)


def entry(uid: str = "due-1@binome.example", start: date | datetime = date(2027, 3, 26), **more: object) -> Entry:
    values = {"uid": uid, "sequence": 1, "modified": AT, "start": start, "summary": "Rendre l'avis", **more}
    # Each value is of its field; the mapping cannot say so.
    return Entry(**values)  # type: ignore[arg-type]


def test_a_day_is_a_whole_day() -> None:
    (event,) = IcsCalendarStream.calendar_from_ics(feed("Agenda", "fr", [entry()]).decode()).events
    assert (event.uid, event.sequence, event.summary) == ("due-1@binome.example", 1, "Rendre l'avis")
    assert (event.start, event.end) == (date(2027, 3, 26), date(2027, 3, 27))
    assert event.status == EventStatus.CONFIRMED


def test_an_hour_of_paris_is_one_on_both_sides_of_the_change_of_clocks() -> None:
    days = (date(2027, 3, 26), date(2027, 3, 29), date(2027, 10, 29), date(2027, 11, 2))
    starts = [datetime.combine(day, time(14, 30), PARIS) for day in days]
    body = feed("Agenda", "fr", [entry(f"session-{n}@b", start) for n, start in enumerate(starts)]).decode()
    assert "BEGIN:VTIMEZONE" in body
    assert "DTSTART;TZID=Europe/Paris:20270326T143000" in body
    events = IcsCalendarStream.calendar_from_ics(body).events
    assert sorted(event.start for event in events) == starts
    assert [event.start.astimezone(UTC).hour for event in events] == [13, 12, 12, 13]
    assert {event.end - event.start for event in events} == {timedelta(hours=2)}


def test_what_is_called_off_says_so() -> None:
    (event,) = IcsCalendarStream.calendar_from_ics(
        feed("Agenda", "fr", [entry(cancelled=True, sequence=3)]).decode()
    ).events
    assert (event.status, event.sequence) == (EventStatus.CANCELLED, 3)


def test_the_same_entries_give_the_same_bytes() -> None:
    assert feed("Agenda", "fr", [entry()]) == feed("Agenda", "fr", [entry()])
    assert feed("Agenda", "fr", [entry()]) != feed("Agenda", "fr", [entry(sequence=2)])


def test_an_empty_agenda_is_one() -> None:
    assert IcsCalendarStream.calendar_from_ics(feed("Agenda", "fr", []).decode()).events == []


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300))
def test_any_text_comes_through_whole(text: str) -> None:
    body = feed("Agenda", "fr", [entry(summary=text, description=f"{text}\n{text}", location=text)])
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")
    (event,) = IcsCalendarStream.calendar_from_ics(body.decode()).events
    assert (event.summary, event.description, event.location) == (text, f"{text}\n{text}", text)
