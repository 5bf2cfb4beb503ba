"""Routing: rules read in order, the first that matches leads; and what is wrong with a set of rules. Pure: no database.

Objectives nest by their codes: « 224 » lies in « 22 », and that in « 2 ».
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from states.words import N_
from workflow.plain import plain

MATCHED = N_("objectif %(objective)s, règle %(position)s")
UNMATCHED = N_("objectif %(objective)s : aucune règle ne correspond")


@dataclass(frozen=True, slots=True)
class Rule:
    """Dossiers that meet all that it asks go to the instance `lead`. What it leaves empty, it does not ask.

    `objective` is a code of any of the three levels; `least` and `most` bound the cents asked in all, both included;
    of `funders` and `keywords` one is enough. In force from `starts_on` to `ends_on`, both included, by the day of
    deposit. The ids are those of the same instances in the database, for whoever writes the outcome there.
    """

    position: int
    objective: str | None
    lead: str
    level: str | None = None
    commune: str | None = None
    associated: tuple[str, ...] = ()
    lead_id: int = 0
    associated_ids: tuple[int, ...] = ()
    kind: str | None = None
    least: int | None = None
    most: int | None = None
    funders: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What routing looks at in a dossier. Where the day is not said, every rule is in force."""

    objective: str
    level: str | None = None
    commune: str | None = None
    kind: str | None = None
    asked: int | None = None
    """Cents asked of all funders together."""
    funders: tuple[str, ...] = ()
    text: str = ""
    """Title and description."""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a dossier goes: the rule that won, None where no rule matches; and the reason in words, to be kept."""

    rule: Rule | None
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule of the objective said: `matched`, or else why not (French message id and its values)."""

    rule: Rule
    matched: bool
    message: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Condition:
    """What a rule may ask: whether it does, whether it is met, and what to say where it is not."""

    asks: Callable[[Rule], Any]
    met: Callable[[Rule, Query], bool]
    message: str
    params: Callable[[Rule], Mapping[str, str]]


def _euros(cents: int | None) -> str:
    return f"{(cents or 0) / 100:,.2f} €".replace(",", "\u202f").replace(".", ",")


def _words(text: str) -> str:
    return " " + " ".join(re.findall(r"\w+", plain(text)))


def _has_keyword(rule: Rule, query: Query) -> bool:
    """A keyword is found where words begin with it: « jeune » in « les jeunes », without accents or capitals."""
    text = _words(query.text)
    return any(_words(keyword) in text for keyword in rule.keywords)


_CONDITIONS = (
    _Condition(
        lambda rule: rule.level,
        lambda rule, query: rule.level == query.level,
        N_("réservée à l'échelle « %(level)s »"),
        lambda rule: {"level": rule.level or ""},
    ),
    _Condition(
        lambda rule: rule.commune,
        lambda rule, query: rule.commune == query.commune,
        N_("réservée à la commune %(commune)s"),
        lambda rule: {"commune": rule.commune or ""},
    ),
    _Condition(
        lambda rule: rule.kind,
        lambda rule, query: rule.kind == query.kind,
        N_("réservée à un autre type de porteur"),
        lambda rule: {},
    ),
    _Condition(
        lambda rule: rule.least is not None,
        lambda rule, query: query.asked is not None and query.asked >= (rule.least or 0),
        N_("réservée aux demandes de %(sum)s ou plus"),
        lambda rule: {"sum": _euros(rule.least)},
    ),
    _Condition(
        lambda rule: rule.most is not None,
        lambda rule, query: query.asked is not None and query.asked <= (rule.most or 0),
        N_("réservée aux demandes de %(sum)s au plus"),
        lambda rule: {"sum": _euros(rule.most)},
    ),
    _Condition(
        lambda rule: rule.funders,
        lambda rule, query: not set(rule.funders).isdisjoint(query.funders),
        N_("réservée aux demandes faites à : %(funders)s"),
        lambda rule: {"funders": ", ".join(rule.funders)},
    ),
    _Condition(
        lambda rule: rule.keywords,
        _has_keyword,
        N_("aucun de ses mots-clés (%(keywords)s) n'est dans le titre ou la description"),
        lambda rule: {"keywords": ", ".join(rule.keywords)},
    ),
    _Condition(
        lambda rule: rule.starts_on,
        lambda rule, query: query.on is None or (rule.starts_on or query.on) <= query.on,
        N_("en vigueur à partir du %(day)s"),
        lambda rule: {"day": f"{rule.starts_on:%d/%m/%Y}"},
    ),
    _Condition(
        lambda rule: rule.ends_on,
        lambda rule, query: query.on is None or query.on <= (rule.ends_on or query.on),
        N_("en vigueur jusqu'au %(day)s"),
        lambda rule: {"day": f"{rule.ends_on:%d/%m/%Y}"},
    ),
)
_PLACES = _CONDITIONS[:2]
"""Those that are met or not by the place of an action alone."""


def route(rules: Iterable[Rule], query: Query) -> Routed:
    """Where a dossier goes by `rules`, read in the order of their positions."""
    for rule in sorted(rules, key=lambda rule: rule.position):
        if _about(rule, query.objective) and _obstacle(rule, query) is None:
            return Routed(rule, MATCHED % {"objective": query.objective, "position": rule.position})
    return Routed(None, UNMATCHED % {"objective": query.objective})


def explain(rules: Iterable[Rule], query: Query) -> Sequence[Step]:
    """The rules about the objective in order, up to the one that wins: why each did not match, that the last did."""
    steps: list[Step] = []
    for rule in sorted(rules, key=lambda rule: rule.position):
        if not _about(rule, query.objective):
            continue
        obstacle = _obstacle(rule, query)
        message, params = obstacle or (N_("correspond"), {})
        steps.append(Step(rule, obstacle is None, message, MappingProxyType(params)))
        if obstacle is None:
            break
    return steps


def _about(rule: Rule, objective: str) -> bool:
    return rule.objective is None or objective.startswith(rule.objective)


def _obstacle(rule: Rule, query: Query) -> tuple[str, dict[str, str]] | None:
    for condition in _CONDITIONS:
        if condition.asks(rule) and not condition.met(rule, query):
            return condition.message, dict(condition.params(rule))
    return None


# --- what is wrong with a set of rules -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gap:
    """Dossiers of an objective that no rule is sure to lead anywhere: at these levels, or in these communes.

    `always` where nothing could match them; else some rule may, if a dossier meets what it asks besides.
    """

    objective: str
    level: str
    communes: tuple[str, ...]
    always: bool


def gaps(rules: Iterable[Rule], objectives: Iterable[str], levels: Iterable[str], communes: Sequence[str]) -> list[Gap]:
    """Where the rules leave dossiers to the transversal committee. `communes` count at the level « commune »."""
    ordered = list(rules)
    levels = list(levels)
    found = []
    for objective in objectives:
        about = [rule for rule in ordered if _about(rule, objective)]
        for level in levels:
            open_places: dict[bool, list[str]] = {}
            for commune in communes if level == "commune" else [""]:
                here = Query(objective, level, commune or None)
                there = [rule for rule in about if _placed(rule, here)]
                if not any(_unconditional(rule) for rule in there):
                    open_places.setdefault(not there, []).append(commune)
            found += [
                Gap(objective, level, tuple(filter(None, places)), always)
                for always, places in sorted(open_places.items())
            ]
    return found


def unreachable(
    rules: Iterable[Rule], objectives: Iterable[str], levels: Iterable[str], communes: Sequence[str]
) -> list[Rule]:
    """The rules that can never lead anything: for every place they cover, earlier ones always match first."""
    ordered = sorted(rules, key=lambda rule: rule.position)
    reached: set[int] = set()
    for query in _places(objectives, levels, communes):
        for rule in ordered:
            if _about(rule, query.objective) and _placed(rule, query):
                reached.add(rule.position)
                if _unconditional(rule):
                    break
    return [rule for rule in ordered if rule.position not in reached]


def _places(objectives: Iterable[str], levels: Iterable[str], communes: Sequence[str]) -> Iterator[Query]:
    levels = list(levels)
    for objective in objectives:
        for level in levels:
            for commune in communes if level == "commune" else [None]:
                yield Query(objective, level, commune)


def _placed(rule: Rule, query: Query) -> bool:
    return all(condition.met(rule, query) for condition in _PLACES if condition.asks(rule))


def _unconditional(rule: Rule) -> bool:
    return not any(condition.asks(rule) for condition in _CONDITIONS if condition not in _PLACES)
