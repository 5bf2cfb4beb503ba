"""What the API takes: the acts' own schemas, wrapped with the version that the caller saw; and what lists filter by."""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from states.dossier import DOSSIER
from states.words import N_
from workflow.acts import Act
from workflow.forms import Form, Text
from workflow.use_cases import ACTS
from workflow.use_cases.draft import STEPS

NEWEST = 2**31 - 1
ATTACH = "attach_document"
"""The one act whose input holds a file: it is sent as a form of several parts."""

_SCALARS = (fields.String, fields.Integer, fields.Date)


def _version(**options: Any) -> fields.Integer:
    about = N_("La version du dossier que vous avez lue : un acte sur une autre est refusé (409).")
    return fields.Integer(
        strict=True, validate=validate.Range(min=1, max=NEWEST), metadata={"description": about}, **options
    )


def _of_draft(field: fields.Field[Any]) -> fields.Field[Any]:
    """A field of the form while it is being written: may be left empty, or emptied with null."""
    made = deepcopy(field)
    made.required = False
    if isinstance(made, _SCALARS):
        made.allow_none = True
        made.metadata = {**made.metadata, "minLength": 0} if isinstance(made, Text) else made.metadata
    return made


DraftValues: type[Schema] = type(
    "DraftValues",
    (Form,),
    {name: _of_draft(field) for step in STEPS.values() for name, field in step().fields.items()},
)
"""The carrier's form, any part of it."""


class DraftData(Form):
    """What to write into a draft."""

    values = fields.Nested(DraftValues, required=True)


class NewDossier(Form):
    """A draft to open."""

    organisation_id = fields.Integer(
        required=True, metadata={"description": N_("Un organisme que vous représentez : voir /me.")}
    )
    campaign_id = fields.Integer(required=True, metadata={"description": N_("Voir /campaigns.")})
    values = fields.Nested(DraftValues)


class DraftChange(Form):
    """What to change in a draft; its version stands here or in If-Match."""

    version = _version()
    values = fields.Nested(DraftValues, required=True)


def input_of(act: Act) -> type[Schema]:
    """The schema of an act's `data`."""
    return DraftData if act.name == "edit_draft" else act.form


def name_of(schema: type[Schema]) -> str:
    """What a schema is called in the description."""
    return "NoInput" if schema is Form else schema.__name__


def _files(form: type[Schema]) -> tuple[str, ...]:
    """The fields that hold files, which JSON cannot: they are sent by an act of their own."""
    return tuple(
        name
        for name, field in form().fields.items()
        if isinstance(field.value_field if isinstance(field, fields.Dict) else field, fields.Raw)
    )


def _body(act: Act) -> type[Schema]:
    form = input_of(act)
    needed = any(field.required for field in form().fields.values())
    name = "".join(word.title() for word in act.name.split("_"))
    data = fields.Nested(form, required=needed, exclude=_files(form))
    return type(f"{name}Event", (Form,), {"version": _version(required=act.versioned), "data": data})


BODIES: Mapping[str, type[Schema]] = {name: _body(act) for name, act in ACTS.items() if name != ATTACH}
"""The body of each act's request."""


# --- query strings ------------------------------------------------------------------------------------------------


class Whole(fields.Integer):
    """A number in an address: digits alone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not re.fullmatch(r"[0-9]{1,18}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class IsoDay(fields.Date):
    """A date in an address."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
            raise self.make_error("invalid", input=value, obj_type="date")
        return super()._deserialize(value, attr, data, **kwargs)


class Query(Schema):
    """Base of query strings: what is not known is refused."""

    class Meta:
        """Unknown names are errors."""

        unknown = RAISE

    error_messages = {"unknown": N_("Champ inconnu.")}  # noqa: RUF012


def _id(about: str) -> Whole:
    return Whole(metadata={"description": about, "minimum": 0, "maximum": 10**18 - 1})


def _writable(value: str) -> None:
    if "\x00" in value:
        raise ValidationError(N_("Texte illisible."))


class DossierQuery(Query):
    """Which dossiers are wanted."""

    state = fields.List(
        fields.String(validate=validate.OneOf(DOSSIER.states, error=N_("Choisissez dans la liste."))),
        load_default=list,
        metadata={"description": N_("Étape ; peut être répété.")},
    )
    instance_id = _id(N_("Instance chef de file."))
    campaign_id = _id(N_("Campagne."))
    organisation_id = _id(N_("Porteur."))
    q = fields.String(
        load_default="",
        validate=[validate.Length(max=200, error=N_("Texte trop long : 200 caractères au plus.")), _writable],
        metadata={"description": N_("Mots du numéro, du porteur ou du titre, sans égard aux accents.")},
    )
    late = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        metadata={"description": N_("En retard (true) ou à temps (false).")},
    )
    due_before = IsoDay(metadata={"description": N_("Attendus avant ce jour, par exemple 2027-01-31.")})
    limit = Whole(
        load_default=50,
        validate=validate.Range(1, 200, error=N_("De 1 à 200.")),
        metadata={"description": N_("Combien par page.")},
    )
    cursor = fields.String(metadata={"description": N_("Le « next » de la page d'avant.")})


class ChoicesQuery(Query):
    """Whose answers are wanted."""

    event = fields.String(
        required=True,
        validate=validate.OneOf(list(DOSSIER.by_event), error=N_("Choisissez dans la liste.")),
        metadata={"description": N_("Nom de l'acte.")},
    )
