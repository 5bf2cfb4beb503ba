"""The texts: one file per kind of message and language, « Subject: … » first, then the body."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

LOCALES: Mapping[str, str] = {"fr": "fr_FR", "en": "en_GB"}
"""The languages of messages, and the habits by which each writes days and sums."""

_SUBJECT = "Subject: "


@pass_context
def _day(context: Context, value: date | str) -> str:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(day, "EEEE d MMMM y", locale=LOCALES[context["locale"]])


@pass_context
def _euros(context: Context, cents: int) -> str:
    return format_currency(Decimal(cents) / 100, "EUR", locale=LOCALES[context["locale"]])


def one_line(text: str) -> str:
    """`text` on one line: what people type can neither begin a new line of a message nor end its subject."""
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """A text of several lines, each marked as somebody's words."""
    return "\n".join(f"> {one_line(line)}".rstrip() for line in text.splitlines())


_TEXTS = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=False,  # noqa: S701 - plain text, read by people
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEXTS.filters.update(day=_day, euros=_euros, line=one_line, quoted=_quoted)


def kinds(locale: str) -> frozenset[str]:
    """The kinds of message that have a text in a language."""
    return frozenset(path.stem for path in (Path(__file__).parent / locale).glob("[a-z]*.txt"))


def render(kind: str, locale: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """The subject and the body of a message. Raises jinja2.TemplateError for a missing text or value."""
    values = {**context, "locale": locale}
    text = _TEXTS.get_template(f"{locale}/{kind}.txt").render(values)
    subject, _, body = text.partition("\n")
    signed = _TEXTS.get_template(f"{locale}/_signed.txt").render(values, body=body.strip())
    return one_line(subject.removeprefix(_SUBJECT)), f"{signed.strip()}\n"
