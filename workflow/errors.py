"""Refusals of the domain. Every surface shows the same: code, status, reasons and what would lift them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from states.machine import Reason
from states.words import N_


class DomainError(Exception):
    """Something that a person can be told: `code` for programs, `status` for HTTP, `reasons` in words."""

    code = "error"
    status = 409

    def __init__(self, *reasons: Reason) -> None:
        super().__init__("; ".join(reason.code for reason in reasons))
        self.reasons: tuple[Reason, ...] = reasons


class Refused(DomainError):
    """The rules of a life refuse the act: 409."""

    code = "refused"


class Forbidden(DomainError):
    """The person has no right to it: 403."""

    code = "forbidden"
    status = 403


class NotFound(DomainError):
    """There is no such thing, or none that this person may know of: 404."""

    code = "not_found"
    status = 404

    def __init__(self, what: str = "") -> None:
        super().__init__(
            Reason("not_found", N_("Introuvable."), N_("Vérifiez l'adresse ou cherchez par numéro."), {"what": what})
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One act done since the page was opened."""

    at: datetime
    who: str
    role: str
    act: str


class Stale(DomainError):
    """Somebody acted on it since the page was opened: 409, with what changed."""

    code = "stale"

    def __init__(self, version: int, changes: Sequence[Change]) -> None:
        super().__init__(
            Reason(
                "stale",
                N_("Ce dossier a changé depuis que vous avez ouvert la page."),
                N_("Relisez ce qui a changé, puis recommencez : ce que vous avez écrit est gardé."),
            )
        )
        self.version = version
        self.changes = tuple(changes)


class Invalid(DomainError):
    """What was typed is not valid: 422, with French message ids per field (nested as the input is)."""

    code = "invalid"
    status = 422

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(
            Reason("invalid", N_("Certaines réponses sont à corriger."), N_("Corrigez les champs signalés."))
        )
        self.fields = dict(fields)
