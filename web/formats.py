"""How sums, days and instants are written for people, in the language of the request."""

from datetime import date, datetime

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from flask_babel import get_locale

from workflow.clock import PARIS

NARROW = "\u202f"
DASH = "–"


def _locale() -> str:
    return str(get_locale() or "fr")


def euros(cents: int | None) -> str:
    """Cents as « 1 250,50 € », without the cents where there are none; a dash for no sum. Nothing breaks the line."""
    if cents is None:
        return DASH
    pattern = "#,##0.00" if cents % 100 else "#,##0"
    amount = format_decimal(cents / 100, format=pattern, locale=_locale())
    return f"{amount}{NARROW}€" if _locale().startswith("fr") else f"€{amount}".replace("€-", "-€")


def decimal(value: float | None) -> str:
    """A number with at most one decimal, « 3,2 »; a dash for none."""
    return DASH if value is None else format_decimal(value, format="0.#", locale=_locale())


def day(value: date | None) -> str:
    """A date as « 31 janvier 2027 » (and « 1er janvier 2027 »); a dash for none."""
    return format_date(value, _day_pattern(value), locale=_locale()) if value else DASH


def _day_pattern(value: date) -> str:
    return "d'er' MMMM y" if value.day == 1 and _locale().startswith("fr") else "d MMMM y"


def moment(value: datetime | None) -> str:
    """An instant as « 31 janvier 2027 à 14:05 », in Paris time; a dash for none."""
    if value is None:
        return DASH
    local = value.astimezone(PARIS)
    hour = " 'à' HH:mm" if _locale().startswith("fr") else ", HH:mm"
    return format_datetime(local, _day_pattern(local) + hour, locale=_locale())
