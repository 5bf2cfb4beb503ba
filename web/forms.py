"""From what a browser sends to the nested input of a schema."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

from flask import request
from marshmallow import Schema, fields
from werkzeug.datastructures import FileStorage, MultiDict

from workflow.files import Upload
from workflow.forms import Lines

OURS = frozenset({"csrf_token", "version", "next"})
"""Fields that the pages add and no schema knows."""
DEEPEST = 6


def fold(
    form: MultiDict[str, str],
    files: MultiDict[str, FileStorage] | None = None,
    *,
    lists: Iterable[str] = (),
    keep_empty: bool = False,
) -> dict[str, Any]:
    """The input that a form holds: « a-b-c » names nest, repeated names and those in `lists` are lists.

    Empty answers are left out unless `keep_empty`; a chosen file becomes a `workflow.files.Upload`.
    """
    lists = frozenset(lists)
    folded: dict[str, Any] = {}
    for name, values in form.lists():
        kept = [value for value in values if value or keep_empty]
        if name is None:  # a part of a broken multipart body
            continue
        if name not in OURS and (kept or name in lists):
            _put(folded, name, kept if name in lists or len(kept) > 1 else kept[0])
    for name, sent in (files or MultiDict()).items():
        with closing(sent):
            if sent.filename and name is not None:
                _put(folded, name, Upload(sent.filename, sent.read()))
    return folded


def _put(folded: dict[str, Any], name: str, value: Any) -> None:
    """Place a value; where two names contradict each other (« a » and « a-b »), the first stands."""
    *path, last = name.split("-", DEEPEST)
    place = folded
    for part in path:
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        place = inner
    place.setdefault(last, value)


def _lists(schema: Schema | None) -> list[str]:
    named = schema.fields.items() if schema else ()
    return [name for name, field in named if isinstance(field, fields.List) and not isinstance(field, Lines)]


def sent(schema: Schema | None = None) -> dict[str, Any]:
    """The input of the present request, its lists as `schema` has them. Its files can be read once."""
    return fold(request.form, request.files, lists=_lists(schema))


def typed(schema: Schema | None = None) -> dict[str, Any]:
    """What was typed in the present request, empty answers too: what a form shows again."""
    return fold(request.form, lists=_lists(schema), keep_empty=True)


def seen_version() -> int:
    """The dossier version that the page showed; 0, which no dossier has, where the form does not say."""
    version = request.form.get("version", "")
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
