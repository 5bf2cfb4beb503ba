"""What is refused in a question about samples: one code for each reason, with its French words and its values."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from states.machine import Reason
from states.words import N_
from workflow.errors import DomainError

T = TypeVar("T")
MESSAGES: Mapping[str, str] = {
    # a file
    "not_utf8": N_("Ligne %(line)s : le texte n'est pas en UTF-8."),
    "not_csv": N_("Ligne %(line)s : ce n'est pas du CSV."),
    "cells": N_("Ligne %(line)s : %(found)s cellule(s), l'en-tête en a %(wanted)s."),
    "no_column": N_("Il n'y a pas de colonne « %(column)s » ; l'en-tête est : %(header)s."),
    "no_unit": N_("Le fichier ne contient aucune unité sous son en-tête."),
    "bad_id": N_("Ligne %(line)s : l'identifiant est vide, ou contient une tabulation ou un saut de ligne."),
    "twice": N_("Ligne %(line)s : « %(id)s » y est déjà."),
    "not_a_number": N_("Ligne %(line)s, colonne « %(column)s » : « %(found)s » n'est pas un nombre."),
    "negative": N_("Ligne %(line)s, colonne « %(column)s » : %(found)s est négatif."),
    "not_a_flag": N_("Ligne %(line)s, colonne « %(column)s » : « %(found)s » n'est ni oui ni non."),
    "error_above_value": N_("Ligne %(line)s : l'erreur (%(error)s) dépasse la valeur (%(value)s)."),
    "zero_value": N_("« %(id)s » a une valeur nulle : rien ne peut en être extrapolé."),
    "no_book_value": N_("Cette méthode demande la valeur de chaque unité : il manque la colonne « value »."),
    "unknown_stratum": N_("La strate « %(stratum)s » n'est pas décrite."),
    "unknown_unit": N_("« %(id)s » n'est pas dans la population."),
    # options
    "missing": N_("Il manque %(option)s."),
    "needless": N_("%(option)s ne sert pas ici."),
    "out_of_range": N_("%(option)s : %(found)s ne convient pas ; attendu : %(wanted)s."),
    "expected_too_high": N_("L'erreur attendue doit rester sous l'erreur tolérable : aucune taille ne suffirait."),
    "no_size": N_(
        "Aucune taille raisonnable ne suffit : l'erreur attendue est trop près de la tolérable, ou celle-ci trop basse."
    ),
    "too_many": N_("%(n)s unité(s) demandée(s) : %(available)s seulement peuvent être tirées."),
    "too_few_for_strata": N_("%(n)s unité(s) ne suffisent pas : le minimum par strate en demande %(needed)s."),
    "no_stratum": N_("Un tirage stratifié demande une strate pour chaque unité."),
    "no_values": N_("Ce tirage demande une valeur pour chaque unité."),
    "too_large": N_("La RFC 3797 ne tire que parmi 65 535 unités au plus."),
    "bad_seed": N_("La graine contient un caractère que l'UTF-8 ne peut pas écrire."),
    "too_few": N_("Strate « %(stratum)s » : il faut au moins deux unités tirées pour mesurer une précision."),
    "empty_sample": N_("L'échantillon ne contient aucune unité tirée au hasard."),
    "sample_above_population": N_("L'échantillon dépasse la population décrite."),
    # a record
    "not_json": N_("Ce n'est pas du JSON, ou un champ y est deux fois."),
    "not_a_record": N_("Ce n'est pas le procès-verbal d'un tirage."),
}
MOST = 10**9
"""No population holds more units."""
_REMEDY = N_("Corrigez, puis recommencez.")


class BadSampling(DomainError):
    """The question cannot be answered: `code` of the reason (a key of MESSAGES) and its values."""

    code = "bad_sampling"
    status = 422

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(Reason(code, MESSAGES[code], _REMEDY, params))


def need(option: str, value: float, wanted: str, fits: bool) -> None:
    """Refuse the value of an option that does not fit."""
    if not fits:
        raise BadSampling("out_of_range", option=option, found=value, wanted=wanted)


def count(option: str, value: int, least: int = 1) -> None:
    """Refuse what is not a count of at least so many."""
    need(option, value, f"[{least} ; 10⁹]", least <= value <= MOST)


def money(option: str, value: float) -> None:
    """Refuse what is not a positive sum."""
    need(option, value, "[0,01 ; 10¹⁵[", 0.01 <= value < 1e15)


def share(option: str, value: float) -> None:
    """Refuse what is not a share strictly between 0 and 1."""
    need(option, value, "]0 ; 1[", 1e-9 <= value <= 1 - 1e-9)


def call(function: Callable[..., T], given: Mapping[str, Any]) -> T:
    """`function` with the options it takes. Raises BadSampling for one that it lacks, or does not take."""
    taken = inspect.signature(function).parameters
    for option in given:
        if option not in taken:
            raise BadSampling("needless", option=option)
    for option, parameter in taken.items():
        if parameter.default is parameter.empty and option not in given:
            raise BadSampling("missing", option=option)
    return function(**given)
