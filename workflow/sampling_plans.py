"""What a plan of a draw says, in the terms of the pure library."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from states.dossier import ADMINISTRATOR, CONTROLLER, TRANSVERSAL
from states.words import N_
from workflow.models import Mission, PlanUnit, Review, SamplePlan
from workflow.sampling import beacon
from workflow.sampling.select import Request, Unit

OVERSEERS = (CONTROLLER, TRANSVERSAL, ADMINISTRATOR)
"""Who may take part in a ceremony, follow it, and read the public value."""
METHOD_LABELS = {
    "srs": N_("Au hasard simple : chaque dossier a la même chance"),
    "stratified": N_("Au hasard dans chaque groupe, en proportion de sa taille"),
    "mus": N_("Selon les sommes accordées : chaque euro a la même chance"),
}
SELECTION_LABELS = {
    "tickets": N_("Par tickets : l'empreinte de la graine et du numéro range les dossiers, les premiers sont tirés"),
    "rfc3797": N_(
        "Selon la RFC 3797, la norme publiée des tirages publics de l'Internet : la graine désigne les dossiers un à un"
    ),
}
BEACON_LABELS = {
    "quicknet": N_("drand quicknet (un tour toutes les 3 secondes)"),
    "default": N_("drand default (un tour toutes les 30 secondes)"),
}
STRATUM_LABELS = {
    "funder": N_("Par financeur (celui qui accorde le plus)"),
    "instance": N_("Par instance thématique"),
    "orientation": N_("Par orientation"),
}


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a draw is for: who plans it and may give it up, over which dossiers, and what each drawn one leads to."""

    label: str
    per_campaign: bool
    """Whether each campaign has its own plans, one after the other; else all campaigns share them."""
    under_way: str
    planners: tuple[str, ...]
    population: tuple[str, ...]
    """States of the dossiers that may be drawn."""
    follows: type[Mission] | type[Review]
    methods: tuple[str, ...]
    strata: tuple[str, ...]
    least: int
    """How many are drawn in each stratum at least, as far as it has them."""
    too_few: str


PURPOSES: Mapping[str, Purpose] = {
    "control": Purpose(
        N_("Contrôle"),
        True,
        N_("Un tirage est déjà en préparation pour cette campagne."),
        (CONTROLLER,),
        ("follow_up", "evaluated"),
        Mission,
        ("srs", "stratified", "mus"),
        ("funder", "instance"),
        1,
        N_("Il en faut au moins un dans chaque groupe."),
    ),
    # Controllers draw controls alone: the review steers the project, and control stays apart from that.
    "review": Purpose(
        N_("Revue à mi-parcours"),
        False,
        N_("Un tirage pour la revue est déjà en préparation."),
        (TRANSVERSAL, ADMINISTRATOR),
        ("evaluated", "under_control", "controlled", "closed"),
        Review,
        ("stratified", "srs"),
        ("orientation",),
        2,
        N_("Il en faut au moins deux dans chaque orientation : d'une seule action, on n'estime rien."),
    ),
}


class Frozen(Protocol):
    """A dossier as a draw looks at it."""

    number: Any
    value_cents: Any
    stratum: Any


def units(rows: Iterable[Frozen]) -> list[Unit]:
    """The frozen population, its values in euros."""
    return [Unit(row.number, Decimal(row.value_cents).scaleb(-2), row.stratum) for row in rows]


def request(plan: SamplePlan, seed: str) -> Request:
    """The draw that a plan asks, with a seed."""
    method = plan.method if plan.selection == "tickets" else plan.selection
    least = PURPOSES[plan.purpose].least
    return Request(method, plan.size, seed, reserve=plan.reserve, minimum=least)


def instant(at: datetime) -> str:
    """An instant as plans and records write it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def ceremony(plan: SamplePlan, readers: Mapping[int, str]) -> dict[str, Any]:
    """How the seed of a sealed plan came to be, as its record tells it (`workflow.sampling.ceremony`).

    `readers` are the names, by id, of those who read the public value, as they were then.
    """
    return {
        "plan": json.loads(plan.document),
        "plan_hash": plan.plan_hash,
        "participants": [
            {
                "rank": seat.rank,
                "name": named["name"],
                "commitment": seat.commitment,
                "committed_at": instant(seat.committed_at) if seat.committed_at else None,
                "secret": seat.secret,
                "revealed_at": instant(seat.revealed_at) if seat.revealed_at else None,
            }
            for seat, named in zip(plan.participants, json.loads(plan.document)["participants"], strict=True)
        ],
        "public_value": plan.public_value,
        "readings": [
            {"person": reading.person_id, "name": readers[reading.person_id], "at": instant(reading.at)}
            for reading in plan.readings
            if reading.value == plan.public_value
        ],
        **fetched(plan),
    }


def fetched(plan: SamplePlan) -> dict[str, Any]:
    """What the server fetched of a sealed plan's round: the `beacon` of its public value, or a `contradiction`."""
    answer = plan.answer
    if answer is None:
        return {}
    told = {"round": answer.round, "signature": answer.signature, "source": answer.source, "at": instant(answer.at)}
    if plan.contradiction is None:
        return {"beacon": told}
    return {"contradiction": {"randomness": answer.randomness, **told}}


def round_named(plan: SamplePlan) -> dict[str, Any] | None:
    """The round of a beacon that a plan names, as its document says it."""
    if plan.beacon is None:
        return None
    return {"chain": plan.beacon, "chain_hash": beacon.CHAINS[plan.beacon].hash, "round": plan.beacon_round}


def round_in_words(name: str, number: int) -> str:
    """The same for people."""
    return (
        f"Balise drand «\u00a0{name}\u00a0» (League of Entropy), tour n°\u00a0{number}, valeur «\u00a0randomness\u00a0»"
    )


def ranked(population: Sequence[PlanUnit], first: Sequence[str], others: Iterable[str]) -> list[PlanUnit]:
    """The population in the order of its ranks: the drawn and the reserve first, then the others by ticket."""
    by_number = {unit.number: unit for unit in population}
    chosen = set(first)
    return [by_number[number] for number in (*first, *(number for number in others if number not in chosen))]
