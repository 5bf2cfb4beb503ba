"""The parts that the schemas of answers are made of.

Descriptions are French message ids; they are translated where the description of the API is served.
"""

from functools import cache
from typing import Any

from marshmallow import Schema, fields, validate

from states.words import N_


def _options(about: str, options: dict[str, Any]) -> dict[str, Any]:
    """Answers hold every field they name; `about` describes it."""
    return {"required": True, "metadata": {"description": about} if about else {}, **options}


def whole(about: str = "", **options: Any) -> fields.Integer:
    """An integer."""
    return fields.Integer(**_options(about, options))


def cents(about: str = "", **options: Any) -> fields.Integer:
    """A sum in integer cents."""
    return fields.Integer(**_options(about or N_("En centimes d'euro."), options))


def text(about: str = "", **options: Any) -> fields.String:
    """A text."""
    return fields.String(**_options(about, options))


def one_of(values: Any, about: str = "", **options: Any) -> fields.String:
    """One of a fixed set of names."""
    return fields.String(validate=validate.OneOf(list(values)), **_options(about, options))


def day(about: str = "", **options: Any) -> fields.Date:
    """A date."""
    return fields.Date(**_options(about, options))


def instant(about: str = "", **options: Any) -> fields.DateTime:
    """An instant, in UTC."""
    return fields.DateTime(**_options(about, options))


def yes_or_no(about: str = "", **options: Any) -> fields.Boolean:
    """A boolean."""
    return fields.Boolean(**_options(about, options))


def nested(schema: type[Schema], about: str = "", **options: Any) -> fields.Nested:
    """Another schema's content."""
    return fields.Nested(schema, **_options(about, options))


def many(schema: type[Schema], about: str = "", **options: Any) -> fields.List[Any]:
    """A list of another schema's content."""
    return fields.List(fields.Nested(schema), **_options(about, options))


class Answer(Schema):
    """Base of what is answered."""


@cache
def listing(schema: type[Schema]) -> type[Schema]:
    """The schema of a whole list: {"items": […]}."""
    made: type[Schema] = type(f"{schema.__name__}List", (Answer,), {"items": many(schema)})
    return made
