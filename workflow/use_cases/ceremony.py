"""The ceremony of a draw that nobody can steer: plan, commitments, secrets, public value, seal.

In this order (`workflow.sampling.ceremony` says why no other will do):

1. A planner (of PURPOSES) publishes the plan in the journal: population (frozen, hashed), method, parameters, who
   takes part, which public value will be read, and from when.
2. Everybody who takes part commits: the hash of a secret phrase goes into the journal.
3. Once all have committed, everybody hands in their phrase, before a deadline that lies before the public value. No
   phrase is shown to anybody yet.
4. Once the public value is there, two people read it at its source and type it. What two read alike is joined with
   the phrases, the draw is made and sealed in the same unit of work. What the server fetched itself of a beacon's round
   decides nothing; the journal and the record keep it, above all where it is something else.

Whoever hands in last, or does not, cannot know the result: the public value is not there yet. A plan that somebody
lets down is abandoned, which the journal keeps with their names, and another plan, naming this one, takes another
public value: an unknown draw is put off for another one. A plan whose phrases are all in cannot be abandoned any more
once the public value is there.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from states.machine import Reason
from states.words import N_
from workflow.access import Actor
from workflow.errors import Forbidden, Invalid, NotFound
from workflow.forms import LONG, Form, Text, read
from workflow.models import (
    PlanParticipant,
    PlanReading,
    Sample,
    SamplePlan,
    SampleUnit,
)
from workflow.plan_messages import tell
from workflow.sampling import beacon, ceremony
from workflow.sampling.draw import population_hash, ticket, tickets
from workflow.sampling.select import draw
from workflow.sampling_plans import OVERSEERS, PURPOSES, fetched, ranked, request, units
from workflow.use_cases.plan_forms import FEWEST
from workflow.use_cases.sampling_plans import note, refuse

PHRASE = 12
"""The fewest characters of a phrase."""


class CommitForm(Form):
    """A secret phrase, hashed here and forgotten; or the hash alone, computed elsewhere."""

    phrase = Text(N_("Votre phrase secrète"), load_default="")
    commitment = Text(N_("Votre empreinte"), load_default="")


class RevealForm(Form):
    """The phrase of the commitment."""

    phrase = Text(N_("Votre phrase secrète"), required=True)


class ReadingForm(Form):
    """The public value, as somebody read it at its source."""

    value = Text(N_("Résultat lu à la source"), required=True)


class AbandonForm(Form):
    """Why a plan is abandoned."""

    reason = Text(N_("Motif"), longest=LONG, required=True)


def _locked(session: Session, plan_id: int) -> SamplePlan:
    found = session.get(SamplePlan, plan_id, with_for_update=True)
    if found is None:
        raise NotFound("sample_plan")
    return found


def _seat(plan: SamplePlan, actor: Actor) -> PlanParticipant:
    for seat in plan.participants:
        if seat.person_id == actor.person_id:
            return seat
    raise Forbidden(
        Reason(
            "no_seat",
            N_("Vous n'apportez pas de phrase à ce tirage."),
            N_("Vous pouvez le suivre, et lire le tirage public le moment venu."),
        )
    )


def _seated(plan: SamplePlan) -> set[int]:
    return {seat.person_id for seat in plan.participants}


def _in_state(plan: SamplePlan, *states: str) -> None:
    if plan.state not in states:
        raise refuse(
            "plan_elsewhere",
            N_("Le tirage n'en est pas, ou plus, à cette étape."),
            N_("Relisez la page : elle dit où il en est et ce qui est attendu."),
        )


def _in_time(plan: SamplePlan, now: datetime) -> None:
    if now > plan.reveals_due_at:
        raise refuse(
            "plan_too_late",
            N_("Le délai de remise des phrases est passé."),
            N_("Ce tirage ne peut qu'être abandonné ; un nouveau plan le nommera."),
        )


def commit(session: Session, actor: Actor, plan_id: int, raw: Mapping[str, Any], now: datetime) -> SamplePlan:
    """Take the commitment of somebody who takes part; the phrase, where it was typed, is kept nowhere.

    Raises NotFound, Forbidden, Invalid, or Refused (already done, too late, over).
    """
    actor.require(*OVERSEERS)
    found = _locked(session, plan_id)
    seat = _seat(found, actor)
    data = read(CommitForm(), raw)
    _in_state(found, "planned")
    _in_time(found, now)
    if seat.commitment is not None:
        raise refuse(
            "already_committed",
            N_("Vous vous êtes déjà engagé : un engagement ne se change pas."),
            N_("Gardez votre phrase : elle vous sera demandée plus tard."),
        )
    seat.commitment = _commitment(found, seat, data)
    seat.committed_at = now
    session.flush()
    if all(one.commitment for one in found.participants):
        found.state = "committed"
    note(session, actor, "commit_secret", found, now, rank=seat.rank, commitment=seat.commitment)
    if found.state == "committed":
        tell(session, found, "draw_committed", actor.person_id, now, _seated(found))
    return found


def _commitment(plan: SamplePlan, seat: PlanParticipant, data: Mapping[str, Any]) -> str:
    phrase, own = data["phrase"], data["commitment"].lower()
    if bool(phrase) == bool(own):
        raise Invalid({"phrase": [N_("Écrivez une phrase, ou collez une empreinte : l'une des deux.")]})
    if own:
        if len(own) != 64 or set(own) - set("0123456789abcdef"):
            raise Invalid({"commitment": [N_("Une empreinte SHA-256 compte 64 chiffres et lettres de a à f.")]})
        return str(own)
    if len(phrase) < PHRASE or "\n" in phrase:
        raise Invalid({"phrase": [N_("Au moins douze caractères, sur une ligne.")]})
    return ceremony.commitment(plan.plan_hash, seat.rank, phrase)


def reveal(session: Session, actor: Actor, plan_id: int, raw: Mapping[str, Any], now: datetime) -> SamplePlan:
    """Take the phrase of somebody who committed; it is shown to nobody before the draw is sealed.

    Raises NotFound, Forbidden, Invalid (not the phrase of the commitment), or Refused (already done, too late, over).
    """
    actor.require(*OVERSEERS)
    found = _locked(session, plan_id)
    seat = _seat(found, actor)
    phrase = read(RevealForm(), raw)["phrase"]
    _in_state(found, "committed")
    _in_time(found, now)
    if seat.secret is not None:
        raise refuse(
            "already_revealed", N_("Votre phrase est déjà remise."), N_("Attendez que les autres remettent la leur.")
        )
    if "\n" in phrase or ceremony.commitment(found.plan_hash, seat.rank, phrase) != seat.commitment:
        raise Invalid({"phrase": [N_("Ce n'est pas la phrase de votre engagement, à la lettre et à l'espace près.")]})
    seat.secret, seat.revealed_at = phrase, now
    session.flush()
    if all(one.secret for one in found.participants):
        found.state, found.revealed_at = "revealed", now
    note(session, actor, "reveal_secret", found, now, rank=seat.rank)
    return found


def read_public(session: Session, actor: Actor, plan_id: int, raw: Mapping[str, Any], now: datetime) -> SamplePlan:
    """Take what somebody read at the public source; once two read alike, draw and seal.

    Raises NotFound, Forbidden, Invalid, or Refused (too early, already read, over).
    """
    actor.require(*OVERSEERS)
    found = _locked(session, plan_id)
    value = " ".join(read(ReadingForm(), raw)["value"].split())
    _in_state(found, "revealed")
    if found.beacon is not None:
        value = value.lower()
        if not beacon.is_hexadecimal(value, 32):
            told = N_("La valeur d'une balise (« randomness ») compte 64 chiffres et lettres de a à f.")
            raise Invalid({"value": [told]})
    if now < found.public_at:
        raise refuse(
            "public_too_early",
            N_("Le tirage public n'a pas encore eu lieu : il est prévu le %(at)s."),
            N_("Revenez une fois son résultat publié."),
            at=found.public_at,
        )
    if any(one.person_id == actor.person_id and one.value == value for one in found.readings):
        raise refuse(
            "already_read",
            N_("Vous avez déjà donné ce résultat."),
            N_("Une autre personne doit le lire à son tour."),
        )
    found.readings.append(PlanReading(person_id=actor.person_id, value=value, at=now))
    session.flush()
    note(session, actor, "read_public_value", found, now, value=value)
    if len({one.person_id for one in found.readings if one.value == value}) >= FEWEST:
        _seal(session, actor, found, value, now)
    return found


def _seal(session: Session, actor: Actor, plan: SamplePlan, value: str, now: datetime) -> None:
    """Make the draw from the frozen population, with all that comes after it, and seal sample and plan."""
    seats = plan.participants
    seed = ceremony.seed(plan.plan_hash, value, [seat.secret or "" for seat in seats])
    numbers = [unit.number for unit in plan.units]
    drawn = draw(units(plan.units), request(plan, seed))
    chosen = [pick.unit.id for pick in drawn.units]
    told = {pick.unit.id: pick.ticket for pick in (*drawn.units, *drawn.reserve)}
    order = ranked(
        plan.units,
        [*chosen, *(pick.unit.id for pick in drawn.reserve)],
        [number for _ticket, number in tickets(seed, numbers)],
    )
    sample = Sample(
        purpose=plan.purpose,
        campaign_id=plan.campaign_id,
        plan_id=plan.id,
        seed=seed,
        size=plan.size,
        population_size=plan.population_size,
        population_hash=population_hash(numbers),
        drawn_at=now,
        drawn_by_id=actor.person_id,
    )
    session.add(sample)
    session.flush()
    session.execute(
        insert(SampleUnit),
        [
            {
                "sample_id": sample.id,
                "dossier_id": unit.dossier_id,
                "rank": rank,
                "ticket": told.get(unit.number) or ticket(seed, unit.number),
                "drawn": rank <= len(chosen),
            }
            for rank, unit in enumerate(order, start=1)
        ],
    )
    follows = PURPOSES[plan.purpose].follows
    session.add_all(follows(sample_id=sample.id, dossier_id=unit.dossier_id) for unit in order[: len(chosen)])
    session.flush()
    sample.sealed_at = now
    session.flush()
    plan.state, plan.public_value, plan.seed, plan.ended_at = "sealed", value, seed, now
    session.flush()
    note(
        session,
        actor,
        "draw_sample",
        plan,
        now,
        seed=seed,
        public_value=value,
        secrets=[seat.secret for seat in seats],
        drawn=chosen,
        **fetched(plan),
    )
    concerned = {*_seated(plan), plan.planned_by_id, *(reading.person_id for reading in plan.readings)}
    tell(
        session,
        plan,
        "draw_sealed",
        actor.person_id,
        now,
        concerned,
        drawn=len(chosen),
        population=plan.population_size,
    )


def abandon(session: Session, actor: Actor, plan_id: int, raw: Mapping[str, Any], now: datetime) -> SamplePlan:
    """Give a plan up, its draw being unknown to everybody; the journal names who let it down. Its planners only.

    Raises Forbidden, NotFound, Invalid, or Refused once the result can be known.
    """
    actor.require(*OVERSEERS)
    found = _locked(session, plan_id)
    actor.require(*PURPOSES[found.purpose].planners)
    reason = read(AbandonForm(), raw)["reason"]
    _in_state(found, "planned", "committed", "revealed")
    if found.state == "revealed" and now >= found.public_at:
        raise refuse(
            "result_known",
            N_("Le résultat peut déjà être connu : ce tirage ne s'abandonne plus."),
            N_("Deux personnes lisent le tirage public, et l'échantillon est scellé."),
        )
    missing = [
        seat["name"]
        for seat, one in zip(json.loads(found.document)["participants"], found.participants, strict=True)
        if (one.secret if found.state != "planned" else one.commitment) is None
    ]
    before = found.state
    found.state, found.reason, found.ended_at = "abandoned", reason, now
    session.flush()
    note(session, actor, "abandon_sample", found, now, reason, at_step=before, missing=missing)
    told = {*_seated(found), found.planned_by_id}
    tell(session, found, "draw_abandoned", actor.person_id, now, told, reason=reason)
    return found
