"""The description of the API, made from its routes and schemas."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema, fields

from states.words import N_
from web.api import outputs
from web.api.contract import LARGEST
from web.api.inputs import name_of
from web.api.sections import PREFIX, Section
from workflow.forms import MAX_CENTS, Cents
from workflow.use_cases.evaluation import Level

OPENAPI = "3.1.0"
VERSION = "1"
TITLE = N_("API de Binôme")
ABOUT = N_(
    "Les mêmes actes et les mêmes refus que les pages, pour les programmes. Chaque demande porte un jeton personnel, "
    "créé sur la page « Mon compte » : Authorization: Bearer binome_… Les sommes sont des nombres entiers de centimes, "
    "les jours s'écrivent 2027-01-31, les instants sont en UTC. Les textes suivent Accept-Language (fr, en). "
    "Une demande en JSON pèse 1 Mio au plus."
)

_REFUSALS: Mapping[str, str] = {
    "400": N_("Ce n'est pas du JSON lisible"),
    "401": N_("Sans jeton, ou jeton inconnu, révoqué ou expiré"),
    "403": N_("Le jeton ou la personne n'a pas ce droit"),
    "404": N_("Introuvable, ou rien que vous ayez à connaître"),
    "405": N_("Cette adresse n'accepte pas cette méthode"),
    "409": N_("Les règles refusent l'acte, ou le dossier a changé entre-temps"),
    "413": N_("Envoi trop lourd"),
    "415": N_("Format non accepté"),
    "422": N_("Certaines valeurs sont à corriger"),
    "500": N_("Erreur inattendue"),
    "503": N_("Base de données occupée ou arrêtée"),
}
_ALWAYS = ("401", "403", "500", "503")
_OF_BODY = ("400", "404", "409", "413", "415", "422")


class _Described(flask_smorest.Api):
    """Gives the description alone: routes and errors are the application's own business."""

    def _register_error_handlers(self) -> None:
        """Errors are answered by `web.errors`, for pages and API alike."""

    def _nothing(self) -> None:
        """Refusals, versions and pages are described as they are here."""

    _register_responses = _register_etag_headers = _register_pagination_header = _nothing


def _name(schema: type[Schema] | Schema) -> str:
    return name_of(schema if isinstance(schema, type) else type(schema))


def _of_ours(self: Any, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:
    """What apispec cannot know of our fields: their words, and the bounds that stand in their code."""
    known = field.metadata
    words = {"title": known.get("label"), "description": known.get("description") or known.get("help")}
    found: dict[str, Any] = {name: said for name, said in words.items() if said}
    if "options" in known:
        found["x-labels"] = dict(known["options"])
    if isinstance(field, Level):
        found |= {"minimum": 0, "maximum": 4}
    elif isinstance(field, Cents):
        found |= {"minimum": 0, "maximum": MAX_CENTS}
    elif isinstance(field, fields.Integer) and "minimum" not in ret and known.get("choices"):
        found |= {"minimum": 1, "maximum": LARGEST}
    if isinstance(field, fields.Dict) and isinstance(field.key_field, fields.Integer):
        found["propertyNames"] = {"pattern": "^[0-9]{1,18}$"}
    return found


def describe(app: Flask, sections: Sequence[Section]) -> dict[str, Any]:
    """The OpenAPI description of `sections`, registered in `app`. Texts are French message ids."""
    api = _Described(
        app,
        spec_kwargs={
            "title": TITLE,
            "version": VERSION,
            "openapi_version": OPENAPI,
            "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_name),
            "info": {"description": ABOUT},
            "security": [{"token": []}],
        },
    )
    api.ma_plugin.converter.add_attribute_function(_of_ours)
    api.spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": N_("Un jeton personnel.")}
    )
    api.spec.components.schema("Error", schema=outputs.Error)
    for section in sections:
        section.register_views_in_doc(api, app, api.spec, name=section.name, parameters=[])
        api.spec.tag({"name": _tag(section.name), "description": section.description})
    made: dict[str, Any] = api.spec.to_dict()
    for path, operations in made["paths"].items():
        common = operations.pop("parameters", [])
        for method, operation in operations.items():
            operation["parameters"] = [*common, *operation.get("parameters", [])]
            operation["tags"] = [_tag(name) for name in operation["tags"]]
            operation["operationId"] = _operation_id(method, path)
            operation["responses"] = {
                **{str(status): answer for status, answer in operation["responses"].items() if status != "default"},
                **{status: _refusal(status) for status in _statuses(operation)},
            }
    return made


def _tag(name: str) -> str:
    return name.removesuffix("_api")


def _operation_id(method: str, path: str) -> str:
    words = [word for word in re.split(r"[/_]", re.sub(r"\{[^}]*\}", "", path.removeprefix(PREFIX))) if word]
    one = "One" if path.endswith("}") else ""
    return method + "".join(word.title() for word in words) + one


def _statuses(operation: Mapping[str, Any]) -> list[str]:
    """The refusals that an operation may answer."""
    places = {parameter["in"] for parameter in operation["parameters"]}
    mine = set(_ALWAYS)
    if "path" in places:
        mine |= {"404", "405"}
    if "query" in places:
        mine |= {"422", "409"} if "path" in places else {"422"}
    if "requestBody" in operation:
        mine |= set(_OF_BODY)
    return sorted(mine)


def _refusal(status: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": _REFUSALS[status],
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if status == "401":
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return answer
