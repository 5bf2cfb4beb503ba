"""The JSON API, under /api/v1: the same acts and the same refusals as the pages, for programs.

Here its sections, its description, and the page that shows that to people.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flask import Blueprint, Flask, jsonify, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from web.api import dossiers, events, reference
from web.api.contract import EXTENSION, published
from web.api.sections import PREFIX
from web.api.spec import describe
from web.security import access
from web.services import services

SECTIONS = (reference.section, dossiers.section, events.section)

docs = Blueprint("api", __name__, url_prefix=PREFIX)

EXAMPLE = """\
URL=%s/api/v1
curl -H "Authorization: Bearer $TOKEN" "$URL/dossiers?state=submitted&limit=10"
curl -H "Authorization: Bearer $TOKEN" "$URL/dossiers/42/events"
curl -X POST "$URL/dossiers/42/events/assign" \\
  -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(uuidgen)" -H "Content-Type: application/json" \\
  -d '{"version": 2, "data": {"first_id": 5, "second_id": 7}}'"""

_SAID = frozenset({"title", "description", "summary"})


def translated(part: Any) -> Any:
    """The description in the reader's language: titles, summaries, descriptions, and the labels of choices."""
    if isinstance(part, list):
        return [translated(inner) for inner in part]
    if not isinstance(part, Mapping):
        return part
    return {name: _translated(name, inner) for name, inner in part.items()}


def _translated(name: str, value: Any) -> Any:
    if isinstance(value, str) and name in _SAID and value:
        return gettext(value)
    if name == "x-labels":
        return {word: gettext(label) for word, label in value.items()}
    return translated(value)


@docs.get("/openapi.json")
@access("public")
def openapi() -> Response:
    """The description of the API, for programs."""
    answer = jsonify(translated(published()))
    answer.vary.add("Accept-Language")
    return answer


@docs.get("/")
@access("public")
def index() -> str:
    """The description of the API, for people."""
    return render_template("api/index.html", api=translated(published()), curl=EXAMPLE % services().settings.base_url)


def init(app: Flask) -> None:
    """Give `app` its API. The description is made when it is first needed."""
    for section in SECTIONS:
        app.register_blueprint(section)
    app.register_blueprint(docs)
    described: Callable[[], Mapping[str, Any]] = cache(lambda: describe(app, SECTIONS))
    app.extensions[EXTENSION] = described
