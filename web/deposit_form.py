"""How the deposit form is shown: a draft under what was typed, what is missing, what somebody else changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

from flask import url_for
from flask_babel import gettext

from states.machine import Refusal
from states.words import N_
from web import errors, formats
from workflow.facts import REQUIRED
from workflow.plain import plain
from workflow.queries.carrier import Funder, Goal
from workflow.queries.dossier import File
from workflow.use_cases.draft import (
    ACCOUNTS,
    LEVEL_LABELS,
    MOST_LINES,
    NEED_LABELS,
    STEP_LABELS,
    STEPS,
    SUBSIDIES,
    ExpenseLine,
    Wrong,
    cents,
    tidied,
)
from workflow.use_cases.organisations import KIND_LABELS

SPARE_LINES = 2
"""Empty budget lines under those that are filled."""
SIDES: Mapping[str, str] = {"expense": N_("Dépenses"), "income": N_("Recettes")}
_OPTIONS: Mapping[str, Mapping[str, str]] = {"kind": KIND_LABELS, "level": LEVEL_LABELS, "need": NEED_LABELS}
_SOLVED_IN: Mapping[str, str] = {
    "budget_balanced": "budget",
    "has_funding_request": "requests",
    "attested": "attestation",
}
"""Guards of the deposit, and the step in which each is lifted."""


def standing(file: File, step: str) -> dict[str, Any]:
    """The answers to a step as they are saved: valid ones from their columns, the others as they were typed."""
    dossier = file.dossier
    saved: dict[str, Any]
    if step == "organisation":
        saved = {name: getattr(dossier.organisation, name) for name in STEPS[step]().fields}
    elif step == "budget":
        saved = {
            side: [
                {"account": line.account, "label": line.label, "amount_cents": line.amount_cents}
                for line in file.all("budget")
                if line.side == side
            ]
            for side in SIDES
        }
    elif step == "requests":
        saved = {"requests": {str(line.funder_id): line.asked for line in file.lines}}
    else:
        saved = {name: getattr(dossier, name) for name in STEPS[step]().fields}
    return {**saved, **dossier.typed.get(step, {})}


def lines(values: Mapping[str, Any], side: str) -> list[Mapping[str, Any]]:
    """The lines of one side of the budget, whatever was sent in their place."""
    typed = values.get(side)
    return [line for line in typed if isinstance(line, Mapping)] if isinstance(typed, list) else []


def asked(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is asked of each funder, whatever was sent in its place."""
    typed = values.get("requests")
    return typed if isinstance(typed, Mapping) else {}


def totals(values: Mapping[str, Any]) -> dict[str, int]:
    """The sums of both sides of the budget."""
    return {side: sum(cents(line.get("amount_cents")) for line in lines(values, side)) for side in SIDES}


def total_asked(values: Mapping[str, Any]) -> int:
    """The sum of what is asked of all funders."""
    return sum(cents(amount) for amount in asked(values).values())


def subsidies(values: Mapping[str, Any]) -> int:
    """What the budget expects in subsidies."""
    return sum(cents(line.get("amount_cents")) for line in lines(values, "income") if line.get("account") == SUBSIDIES)


# --- how far it is ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """A step as the progress shows it: `errors` counts what is to correct, `missing` names what is to fill in."""

    key: str
    label: str
    url: str
    done: bool
    errors: int
    missing: tuple[str, ...]


def progress(file: File, problems: Mapping[str, Wrong]) -> list[Step]:
    """Every step of the form, and how far it is."""
    found = []
    for key in STEPS:
        wrong = _count(problems.get(key, {}))
        missing = tuple(_missing(file, key, problems.get(key, {})))
        found.append(
            Step(
                key,
                gettext(STEP_LABELS[key]),
                url_for("carrier.form", dossier_id=file.dossier.id, step=key),
                not wrong and not missing and key != "attestation",
                wrong,
                missing,
            )
        )
    return found


def _count(messages: Any) -> int:
    if isinstance(messages, Mapping):
        return sum(_count(inner) for inner in messages.values())
    return len(messages) if isinstance(messages, list) else 1


def _missing(file: File, step: str, wrong: Wrong) -> Iterable[str]:
    dossier = file.dossier
    if step == "budget" and not wrong:
        sums = totals(standing(file, step))
        if sums["expense"] != sums["income"] or not sums["expense"]:
            yield gettext("un budget équilibré") if any(sums.values()) else gettext("les dépenses et les recettes")
    elif step == "requests" and not wrong and not file.lines:
        yield gettext("un montant demandé à un financeur au moins")
    elif step in ("action", "public"):
        fields = STEPS[step]().fields
        empty = [name for name in fields if name in REQUIRED and name not in wrong]
        yield from (gettext(REQUIRED[name]) for name in empty if getattr(dossier, name) in (None, ""))
        if step == "action" and dossier.level == "commune" and dossier.commune_id is None and "commune_id" not in wrong:
            yield gettext("la commune")


def obstacles(file: File, refusal: Refusal | None) -> list[dict[str, str]]:
    """What stands against the deposit besides what the steps themselves show, each with where it is lifted."""
    reasons = refusal.reasons if refusal else ()
    return [
        errors.explain(reason)
        | {
            "url": url_for("carrier.form", dossier_id=file.dossier.id, step=_SOLVED_IN[reason.code])
            if reason.code in _SOLVED_IN
            else ""
        }
        for reason in reasons
        if reason.code != "form_complete"
    ]


# --- words ---------------------------------------------------------------------------------------------------------


def labels(step: str, funders: Iterable[Funder] = ()) -> dict[str, str]:
    """What each field of a step is called, those of its lines too, by the end of its identifier."""
    found = {name: gettext(field.metadata.get("label", "")) for name, field in STEPS[step]().fields.items()}
    if step == "budget":
        for (side, title), rank in product(SIDES.items(), range(MOST_LINES)):
            place = gettext("%(side)s, ligne %(rank)s", side=gettext(title), rank=rank + 1)
            for name, field in ExpenseLine().fields.items():
                found[f"{side}-{rank}-{name}"] = f"{place}, {gettext(field.metadata['label']).lower()}"
    for funder in funders:
        found[f"requests-{funder.id}"] = funder.short
    return found


def grouped(goals: Iterable[Goal], search: str = "", chosen: Any = None) -> dict[str, list[tuple[int, str]]]:
    """The objectives by orientation and strategic objective; of a search, those that have all its words."""
    words = plain(search).split()
    found: dict[str, list[tuple[int, str]]] = {}
    for goal in goals:
        text = plain(f"{goal.orientation} {goal.strategic} {goal.label}")
        if all(word in text for word in words) or str(goal.id) == str(chosen):
            code = goal.orientation.partition(" – ")[0]
            found.setdefault(f"{code} › {goal.strategic}", []).append((goal.id, goal.label))
    return found


# --- what somebody else saved meanwhile -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that holds one thing in the saved draft and another in what was typed."""

    label: str
    saved: str
    typed: str


def differences(
    file: File, step: str, typed: Mapping[str, Any], named: Mapping[str, Mapping[Any, str]]
) -> list[Difference]:
    """Where what was typed differs from what is saved, in words; `named` gives the texts of identifiers."""
    names = labels(step)
    saved, typed = standing(file, step), tidied(typed)
    found = []
    for name in STEPS[step]().fields:
        before, after = (_in_words(name, values.get(name), named) for values in (saved, {**saved, **typed}))
        if before != after:
            found.append(Difference(names[name], before, after))
    return found


def _in_words(name: str, value: Any, named: Mapping[str, Mapping[Any, str]]) -> str:
    if name in SIDES:
        return " ; ".join(_line_in_words(name, line) for line in lines({name: value}, name))
    if name == "requests":
        return " ; ".join(
            f"{_named('funder', key, named)} : {_sum(amount)}" for key, amount in sorted(asked({name: value}).items())
        )
    if isinstance(value, date):
        return value.isoformat()
    if name in _OPTIONS:
        return str(gettext(_OPTIONS[name].get(value, str(value or ""))))
    text = _named(name, value, named) if value not in (None, "") else ""
    return text.replace("\r\n", "\n").strip()


def _named(name: str, value: Any, named: Mapping[str, Mapping[Any, str]]) -> str:
    return {str(key): text for key, text in named.get(name, {}).items()}.get(str(value), str(value))


def _line_in_words(side: str, line: Mapping[str, Any]) -> str:
    account = gettext(ACCOUNTS[side].get(str(line.get("account")), str(line.get("account", ""))))
    return " ".join(str(part) for part in (account, line.get("label", ""), _sum(line.get("amount_cents"))) if part)


def _sum(amount: Any) -> str:
    found = cents(amount)
    return formats.euros(found) if found else str(amount or "")
