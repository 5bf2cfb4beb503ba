"""Routing: rules read in order, the first that matches leads. Pure: no database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from states.words import N_

MATCHED = N_("objectif %(objective)s, règle %(position)s")
UNMATCHED = N_("objectif %(objective)s : aucune règle ne correspond")


@dataclass(frozen=True, slots=True)
class Rule:
    """Dossiers of `objective`, of that level and commune where they are given, go to the instance `lead`.

    The ids are those of the same instances in the database, for whoever writes the outcome there.
    """

    position: int
    objective: str
    lead: str
    level: str | None = None
    commune: str | None = None
    associated: tuple[str, ...] = ()
    lead_id: int = 0
    associated_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """What routing looks at in a dossier."""

    objective: str
    level: str | None = None
    commune: str | None = None


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


def route(rules: Iterable[Rule], query: Query) -> Routed:
    """Where a dossier goes by `rules`, read in the order of their positions."""
    for rule in sorted(rules, key=lambda rule: rule.position):
        if rule.objective == query.objective and _obstacle(rule, query) is None:
            return Routed(rule, MATCHED % {"objective": query.objective, "position": rule.position})
    return Routed(None, UNMATCHED % {"objective": query.objective})


def explain(rules: Iterable[Rule], query: Query) -> Sequence[Step]:
    """The rules of the objective in order, up to the one that wins: why each did not match, and that the last did."""
    steps: list[Step] = []
    for rule in sorted(rules, key=lambda rule: rule.position):
        if rule.objective != query.objective:
            continue
        obstacle = _obstacle(rule, query)
        message, params = obstacle or (N_("correspond"), {})
        steps.append(Step(rule, obstacle is None, message, MappingProxyType(params)))
        if obstacle is None:
            break
    return steps


def _obstacle(rule: Rule, query: Query) -> tuple[str, dict[str, str]] | None:
    if rule.level is not None and rule.level != query.level:
        return N_("réservée à l'échelle « %(level)s »"), {"level": rule.level}
    if rule.commune is not None and rule.commune != query.commune:
        return N_("réservée à la commune %(commune)s"), {"commune": rule.commune}
    return None
