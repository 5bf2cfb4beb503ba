"""Local time: instants are UTC in the database, days are Paris days everywhere people see or count them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def now() -> datetime:
    """The present instant, in UTC. Surfaces read it once and pass it down."""
    return datetime.now(UTC)


def local_day(at: datetime) -> date:
    """The day it is in Paris at an instant."""
    return at.astimezone(PARIS).date()
