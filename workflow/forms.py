"""Input schemas: one for pages, API and command line, with messages in the users' language.

A field's metadata say how a page shows it: `label`, `help`, `widget`, and `choices` (a key of
`workflow.queries.choices`). Labels and messages are French message ids.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from states.words import N_
from workflow.errors import Invalid

SHORT = 200
LONG = 5000
_TOO_LONG = {
    30: N_("Texte trop long : 30 caractères au plus."),
    SHORT: N_("Texte trop long : 200 caractères au plus."),
    LONG: N_("Texte trop long : 5 000 caractères au plus."),
}
MAX_CENTS = 100_000_000_00
"""No sum reaches a hundred million euros here: more is a typing error."""

fields.Field.default_error_messages = {
    "required": N_("À remplir."),
    "null": N_("À remplir."),
    "validator_failed": N_("Réponse non valable."),
}
fields.String.default_error_messages = {
    "invalid": N_("Texte attendu."),
    "invalid_utf8": N_("Texte illisible."),
}
fields.Integer.default_error_messages = {
    "invalid": N_("Nombre entier attendu."),
    "too_large": N_("Nombre trop grand."),
}
fields.Date.default_error_messages = {
    "invalid": N_("Date attendue, par exemple 31/01/2027."),
    "format": N_("Date attendue, par exemple 31/01/2027."),
}
fields.Boolean.default_error_messages = {"invalid": N_("Oui ou non attendu.")}


class Text(fields.String):
    """A text without control characters, trimmed, of at most `longest` characters; required means not empty."""

    def __init__(self, label: str, *, longest: int = SHORT, **options: Any) -> None:
        metadata = {
            "label": label,
            "widget": "textarea" if longest > SHORT else "text",
            **options.pop("metadata", {}),
        }
        checks = [validate.Length(max=longest, error=_TOO_LONG[longest])]
        if options.get("required"):
            checks.insert(0, validate.Length(min=1, error=N_("À remplir.")))
        super().__init__(metadata=metadata, validate=checks, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "", text.replace("\r\n", "\n")).strip()


class Cents(fields.Integer):
    """A sum: an integer is cents (programs), a text is euros as people write them (« 1 234,50 »)."""

    def __init__(self, label: str = "", **options: Any) -> None:
        metadata = {"label": label, "widget": "money", **options.pop("metadata", {})}
        super().__init__(strict=True, metadata=metadata, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            value = self._from_euros(value)
        cents = int(super()._deserialize(value, attr, data, **kwargs) or 0)
        if not 0 <= cents <= MAX_CENTS:
            raise ValidationError(N_("Somme hors limites."))
        return cents

    def _from_euros(self, value: str) -> int:
        written = re.sub(r"[\s\u202f\u00a0€]", "", value).replace(",", ".")
        if not re.fullmatch(r"[+-]?(\d{1,15}\.?|\d{0,15}\.\d{1,15})", written, re.ASCII):
            raise ValidationError(N_("Somme attendue, par exemple 1 250,50."))
        cents = Decimal(written) * 100
        if cents != cents.to_integral_value():
            raise ValidationError(N_("Deux chiffres après la virgule au plus."))
        return int(cents)


class Percent(Cents):
    """A percentage: an integer is hundredths of a percent (programs), a text is as people write it (« 33,33 »)."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, metadata={"widget": "text"}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            value = value.replace("%", "")
        try:
            share = super()._deserialize(value, attr, data, **kwargs)
        except ValidationError as error:
            raise ValidationError(N_("Pourcentage attendu, par exemple 33,33.")) from error
        if share > 100_00:
            raise ValidationError(N_("Entre 0 et 100 %."))
        return share


class Day(fields.Date):
    """A day, as browsers send it (2027-01-31) or as people write it (31/01/2027)."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(metadata={"label": label, "widget": "date", **options.pop("metadata", {})}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            value = re.sub(r"^\s*(\d{1,2})/(\d{1,2})/(\d{4})\s*$", r"\3-\2-\1", value)
            value = re.sub(r"-(\d)(?=-|$)", r"-0\1", value)
        return super()._deserialize(value, attr, data, **kwargs)


class Hour(fields.Time):
    """An hour of the day, « 14:30 » or « 14h30 »."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__("%H:%M", metadata={"label": label, "widget": "time"}, **options)
        self.error_messages = {**self.error_messages, "invalid": N_("Heure attendue, par exemple 14:30.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            value = re.sub(r"^\s*(\d{1,2})\s*[hH:]\s*(\d{2})?(:00)?\s*$", lambda m: f"{m[1]:>02}:{m[2] or '00'}", value)
        return super()._deserialize(value, attr, data, **kwargs)


class Choice(fields.String):
    """One of a fixed set of words; `labels` gives each its text."""

    def __init__(self, label: str, labels: Mapping[str, str], **options: Any) -> None:
        metadata = {"label": label, "widget": "select", "options": dict(labels), **options.pop("metadata", {})}
        super().__init__(
            validate=validate.OneOf(list(labels), error=N_("Choisissez dans la liste.")), metadata=metadata, **options
        )


class Reference(fields.Integer):
    """The identifier of something; `choices` names the list a page offers."""

    def __init__(self, label: str, choices: str, **options: Any) -> None:
        metadata = {"label": label, "widget": "select", "choices": choices, **options.pop("metadata", {})}
        super().__init__(metadata=metadata, **options)
        self.error_messages = {**self.error_messages, "invalid": N_("Choisissez dans la liste.")}


class Lines(fields.List[str]):
    """Several short texts: a list (programs), or one a line (people)."""

    def __init__(self, label: str, **options: Any) -> None:
        metadata = {"label": label, "widget": "textarea", **options.pop("metadata", {})}
        checks = [validate.Length(max=30, error=N_("Trente lignes au plus."))]
        super().__init__(Text(""), metadata=metadata, validate=checks, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, str):
            value = value.splitlines()
        found = super()._deserialize(value, attr, data, **kwargs)
        return [line for line in found or [] if line]


class Amounts(fields.Dict):
    """A sum per funding request: {request id: cents}."""

    def __init__(self, label: str, **options: Any) -> None:
        metadata = {"label": label, "widget": "amounts", **options.pop("metadata", {})}
        super().__init__(keys=fields.Integer(), values=Cents(), metadata=metadata, **options)


class Form(Schema):
    """Base of the inputs of acts: what is not known is refused."""

    class Meta:
        """Unknown fields are errors."""

        unknown = RAISE

    error_messages = {"unknown": N_("Champ inconnu."), "type": N_("Données attendues.")}  # noqa: RUF012


def reason(label: str = N_("Motif"), **options: Any) -> Text:
    """The field of an act's motive. Whether it may be empty is the guard's business."""
    return Text(label, longest=LONG, load_default="", **options)


def read(form: Schema, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Validate `raw` with `form`. Raises Invalid with the messages of each field."""
    try:
        return dict(form.load(raw))
    except ValidationError as error:
        messages = error.messages
        raise Invalid(messages if isinstance(messages, dict) else {"_schema": messages}) from error
