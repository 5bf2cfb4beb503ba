"""What programs send: JSON that must be what the published description says, down to the type of each value.

Forms are lenient, as people are (« 1 250,50 », « 31/01/2027 »); a program that sends 1.7 for a number made a mistake.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, NoReturn

from flask import current_app, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from states.words import N_
from workflow.errors import Invalid

EXTENSION = "binome.api"
"""Where an application keeps the function that gives its published description."""

JsonSchema = Mapping[str, Any]
LARGEST = 2**63 - 1
KEY = re.compile(r"[\x21-\x7e]{1,100}")
"""An idempotency key: printable, without spaces."""


def published() -> Mapping[str, Any]:
    """The description of the API (OpenAPI), as made from schemas and routes."""
    description: Callable[[], Mapping[str, Any]] = current_app.extensions[EXTENSION]
    return description()


# --- reading ------------------------------------------------------------------------------------------------------


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_sound(value: Any) -> bool:
    """Whether every text in `value` can be written down: no half of a surrogate pair, no zero byte."""
    if isinstance(value, str):
        return "\x00" not in value and not re.search("[\ud800-\udfff]", value)
    if isinstance(value, dict):
        return all(_is_sound(key) and _is_sound(inner) for key, inner in value.items())
    return all(map(_is_sound, value)) if isinstance(value, list) else True


def read() -> Any:
    """The JSON of the present request. Raises 415 for another format, 400 for what is no JSON."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        value = json.loads(request.get_data().decode(), parse_constant=_no_constant)
        sound = _is_sound(value)
    except (ValueError, RecursionError) as error:
        raise BadRequest from error
    if not sound:
        raise BadRequest
    return value


def body(name: str) -> dict[str, Any]:
    """The JSON of the present request, which must be what the component `name` of the description says.

    Raises Invalid with the messages of each field, 400 or 415.
    """
    components = published()["components"]["schemas"]
    value = read()
    found = list(_problems({"$ref": f"#/components/schemas/{name}"}, value, components, ()))
    if found:
        raise Invalid(_nested(found))
    made: dict[str, Any] = value
    return made


def seen_version(given: int | None) -> int | None:
    """The version that the caller saw: `given` in the body, else the one in If-Match; None where they say none."""
    tag = request.headers.get("If-Match")
    if given is not None or tag is None:
        return given
    found = re.fullmatch(r'"([0-9]{1,9})"', tag.strip())
    if found is None:
        raise Invalid({"If-Match": [N_('Une version entre guillemets est attendue, par exemple "3".')]})
    return int(found[1])


def idempotency_key(*, required: bool) -> str | None:
    """The Idempotency-Key of the present request. Raises Invalid where it is missing or no key."""
    key = request.headers.get("Idempotency-Key")
    if key is None and not required:
        return None
    if key is None or not KEY.fullmatch(key):
        raise Invalid(
            {"Idempotency-Key": [N_("Une clé propre à cette demande est attendue : 1 à 100 caractères sans espace.")]}
        )
    return key


def fingerprint(content: Any) -> str:
    """What tells this request from another one with the same key: address, content."""
    written = json.dumps([request.method, request.path, content], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


# --- checking -----------------------------------------------------------------------------------------------------

Problem = tuple[tuple[str, ...], str]

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_EXPECTED = {
    "boolean": N_("Oui ou non attendu (true, false)."),
    "integer": N_("Nombre entier attendu."),
    "string": N_("Texte attendu."),
    "array": N_("Liste attendue."),
    "object": N_("Objet attendu."),
}
_FILLED = N_("À remplir.")
_UNKNOWN = N_("Champ inconnu.")
_NOT_IN_LIST = N_("Choisissez dans la liste.")
_OUT_OF_BOUNDS = N_("Nombre hors limites.")
_NO_DAY = N_("Date attendue, par exemple 2027-01-31.")
_TOO_LONG = N_("Texte trop long.")
_TOO_MANY = N_("Liste trop longue.")


def _problems(schema: JsonSchema, value: Any, components: JsonSchema, path: tuple[str, ...]) -> Iterator[Problem]:
    """Where `value` is not what `schema` says; of JSON Schema, only what our descriptions use."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    expected = schema.get("type", ())
    kinds = [expected] if isinstance(expected, str) else expected
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        yield path, _FILLED if value is None else _EXPECTED[kinds[0]]
    elif "enum" in schema and value not in schema["enum"]:
        yield path, _NOT_IN_LIST
    elif isinstance(value, str):
        yield from _text(schema, value, path)
    elif isinstance(value, int | float):
        if not schema.get("minimum", -LARGEST) <= value <= schema.get("maximum", LARGEST):
            yield path, _OUT_OF_BOUNDS
    elif isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield path, _TOO_MANY
        for rank, inner in enumerate(value):
            yield from _problems(schema.get("items", {}), inner, components, (*path, str(rank)))
    elif isinstance(value, dict):
        yield from _object(schema, value, components, path)


def _text(schema: JsonSchema, value: str, path: tuple[str, ...]) -> Iterator[Problem]:
    if len(value) > schema.get("maxLength", len(value)):
        yield path, _TOO_LONG
    elif len(value) < schema.get("minLength", 0):
        yield path, _FILLED
    elif schema.get("format") == "date" and not _is_day(value):
        yield path, _NO_DAY


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _object(
    schema: JsonSchema, value: Mapping[str, Any], components: JsonSchema, path: tuple[str, ...]
) -> Iterator[Problem]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            yield (*path, name), _FILLED
    names = re.compile(schema.get("propertyNames", {}).get("pattern", ""))
    for name, inner in value.items():
        if name in known:
            yield from _problems(known[name], inner, components, (*path, name))
        elif rest is False or not names.search(name):
            yield (*path, name), _UNKNOWN
        elif rest is not True:
            yield from _problems(rest, inner, components, (*path, name))


ENVELOPE = ("data", "values")
"""Names that only wrap an act's input: messages are told by the names of the input itself, as on the pages."""


def _nested(found: list[Problem]) -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for path, message in found:
        names = path[1:] if len(path) > 1 and path[0] in ENVELOPE else path or ("_schema",)
        place = messages
        for name in names[:-1]:
            inner = place.setdefault(name, {})
            place = inner if isinstance(inner, dict) else {}
        place.setdefault(names[-1], [message])
    return messages
