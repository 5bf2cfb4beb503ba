"""Errors in a form that may be kept and shown: no password, no address, one short line."""

import re
from collections.abc import Sequence

from jinja2 import TemplateNotFound
from sqlalchemy.exc import DBAPIError

LONGEST = 300
_ADDRESS = re.compile(r"[^\s<>@'\"(),;:]+@[^\s<>'\"(),;]+")
_TOKEN = re.compile(r"\b\d+-[0-9a-f]{40}\b")


def describe(error: BaseException | str, secrets: Sequence[str] = ()) -> str:
    """The kind of error and the first line of what it says, without `secrets`, addresses and tokens."""
    said = error if isinstance(error, str) else _said(error)
    line = next(iter(said.strip().splitlines()), "")
    for secret in filter(None, secrets):
        line = line.replace(secret, "***")
    line = _TOKEN.sub("***", _ADDRESS.sub("***@***", line))
    return line[:LONGEST]


def _said(error: BaseException) -> str:
    # The database's own words, as SQLAlchemy adds the statement with its values; the text's name without its folder.
    words: object = error
    if isinstance(error, DBAPIError) and error.orig:
        words = error.orig
    elif isinstance(error, TemplateNotFound):
        words = error.name
    return f"{type(error).__name__}: {words}"
