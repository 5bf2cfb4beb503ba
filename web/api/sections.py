"""A section of the API: a blueprint whose every route takes tokens and is described by what it declares."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from flask import Request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser

from web.api import door
from web.security import TOKEN, access
from workflow.errors import Invalid

PREFIX = "/api/v1"


class _Parser(FlaskParser):
    """Reads query strings; what is wrong in them is told as everything else."""

    DEFAULT_UNKNOWN_BY_LOCATION: Mapping[str, str | None] = {"query": RAISE}  # type: ignore[assignment]

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **_: Any) -> NoReturn:
        """Raise Invalid with the messages of each name."""
        messages = error.messages_dict
        raise Invalid(messages.get("query", messages)) from error


class Section(Blueprint):
    """A blueprint under the API's prefix."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(f"{name}_api", __name__, url_prefix=PREFIX, description=description)
        self.before_request(door.check)

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Callable[..., Any] | None = None, **options: Any
    ) -> None:
        """Add a route for those who show a token."""
        super().add_url_rule(rule, endpoint, access(TOKEN)(view_func) if view_func else None, **options)


def takes(schema: type[Schema], *, required: bool = True) -> dict[str, Any]:
    """The description of a JSON body."""
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def header(name: str, about: str, *, required: bool, pattern: str, longest: int) -> dict[str, Any]:
    """The description of a request's header."""
    schema = {"type": "string", "minLength": 1, "maxLength": longest, "pattern": pattern}
    return {"in": "header", "name": name, "required": required, "description": about, "schema": schema}
