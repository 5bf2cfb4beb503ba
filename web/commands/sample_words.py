"""A draw in words, for people: what was drawn from what, and how it can be replayed."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import format_decimal
from flask_babel import gettext as _

from states.words import N_
from web.commands.output import table

_METHODS: Mapping[str, str] = {
    "srs": N_("Tirage simple"),
    "stratified": N_("Tirage stratifié"),
    "mus": N_("Tirage selon la valeur (MUS)"),
    "rfc3797": N_("Tirage selon la RFC 3797"),
}


def record(made: Mapping[str, Any]) -> str:
    """A draw's public record (`workflow.sampling.record`) as a text of some lines."""
    title = _METHODS[made["method"]]
    lines = [
        _(
            "%(method)s de %(n)s unité(s) parmi %(size)s, graine %(seed)s :",
            method=_(title),
            n=made["n"],
            size=made["population_size"],
            seed=made["seed"],
        ),
        _rows(made["units"]),
    ]
    if "interval" in made:
        lines.append(_("Intervalle : %(interval)s.", interval=_cell(made["interval"])))
    for name, title in (("forced", N_("Examinées de toute façon, hors tirage :")), ("reserve", N_("En réserve :"))):
        if made[name]:
            lines += [_(title), _rows(made[name])]
    lines.append(_("Empreinte de la population : %(hash)s.", hash=made["population_hash"]))
    return "\n".join(lines)


def _rows(units: Sequence[Mapping[str, Any]]) -> str:
    titles = {
        "rank": _("Rang"),
        "id": _("Identifiant"),
        "stratum": _("Strate"),
        "value": _("Valeur"),
        "exhaustive": _("D'office"),
    }
    shown = [name for name in titles if any(name in unit for unit in units)]
    rows = [[_cell(unit.get(name, "")) for name in shown] for unit in units]
    return table([titles[name] for name in shown], rows)


def _cell(value: object) -> str:
    if value is True:
        return str(_("oui"))
    return str(format_decimal(value)) if isinstance(value, float) else str(value)
