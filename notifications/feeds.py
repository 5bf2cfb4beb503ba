"""iCalendar feeds (RFC 5545): what happens on which day or at which hour, as calendars elsewhere read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event

PRODUCT = "-//Binome//Agenda//FR"
REFRESH = timedelta(hours=4)
"""How often a calendar elsewhere is asked to look again."""
MEETING = timedelta(hours=2)
"""How long a meeting is shown that says only when it begins."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a calendar. `uid` never changes; `sequence` counts the changes; `start` is a day, or an instant
    with its time zone."""

    uid: str
    sequence: int
    modified: datetime
    start: date | datetime
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""
    cancelled: bool = False


def feed(name: str, locale: str, entries: Iterable[Entry]) -> bytes:
    """A calendar called `name` with its entries. The same entries give the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", name)
    calendar.add("name", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for entry in entries:
        calendar.add_component(_event(entry, locale))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event(entry: Entry, locale: str) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.modified)  # without METHOD it is when the entry last changed (RFC 5545, 3.8.7.2)
    event.add("last-modified", entry.modified)
    event.add("dtstart", entry.start)
    length = MEETING if isinstance(entry.start, datetime) else timedelta(days=1)
    event.add("dtend", entry.start + length)
    event.add("summary", entry.summary, parameters={"LANGUAGE": locale})
    for text in ("description", "location"):
        if getattr(entry, text):
            event.add(text, getattr(entry, text), parameters={"LANGUAGE": locale})
    if entry.url:
        event.add("url", entry.url)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE" if isinstance(entry.start, datetime) else "TRANSPARENT")
    return event
