"""The ceremony of a draw that nobody can steer: plan, commitments, secrets, public value, seal.

In this order (`workflow.sampling.ceremony` says why no other will do):

1. A controller publishes the plan in the journal: population (frozen, hashed), method, parameters, who takes part,
   which public value will be read, and from when.
2. Everybody who takes part commits: the hash of a secret phrase goes into the journal.
3. Once all have committed, everybody hands in their phrase, before a deadline that lies before the public value. No
   phrase is shown to anybody yet.
4. Once the public value is there, two people read it at its source and type it. What two read alike is joined with
   the phrases, the draw is made and sealed in the same unit of work.

Whoever hands in last, or does not, cannot know the result: the public value is not there yet. A plan that somebody
lets down is abandoned, which the journal keeps with their names, and another plan, naming this one, takes another
public value: an unknown draw is put off for another one. A plan whose phrases are all in cannot be abandoned any more
once the public value is there.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from states.control import CONTROL
from states.dossier import CONTROLLER
from states.machine import Reason
from states.words import N_
from workflow import journal
from workflow.access import Actor, involvements
from workflow.clock import PARIS
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.forms import LONG, Choice, Day, Form, Hour, Reference, Text, read
from workflow.models import (
    Campaign,
    Dossier,
    FundingRequest,
    Instance,
    Institution,
    Mission,
    Person,
    PlanParticipant,
    PlanReading,
    PlanUnit,
    RoleGrant,
    Sample,
    SamplePlan,
    SampleUnit,
)
from workflow.sampling import ceremony, record
from workflow.sampling.draw import population_hash, ticket, tickets
from workflow.sampling.errors import BadSampling
from workflow.sampling.select import draw
from workflow.sampling_plans import METHOD_LABELS, OVERSEERS, STRATUM_LABELS, instant, ranked, request, units
from workflow.use_cases.control import POPULATION

FEWEST = 2
"""Participants, and readers of the public value."""
PHRASE = 12
_TOO_FEW = N_("Au moins deux personnes.")


class PlanForm(Form):
    """The plan of a draw."""

    campaign_id = Reference(N_("Campagne"), "campaigns", required=True)
    method = Choice(N_("Comment tirer"), METHOD_LABELS, required=True, metadata={"widget": "radio"})
    stratum = Choice(
        N_("Groupes"),
        STRATUM_LABELS,
        load_default=None,
        metadata={"help": N_("Seulement pour un tirage dans chaque groupe.")},
    )
    size = fields.Integer(
        required=True,
        validate=validate.Range(min=1, error=N_("Au moins un dossier.")),
        metadata={"label": N_("Nombre de dossiers à tirer"), "widget": "int"},
    )
    reserve = fields.Integer(
        load_default=0,
        validate=validate.Range(0, 1000, error=N_("De 0 à 1 000.")),
        metadata={
            "label": N_("Dossiers de réserve"),
            "widget": "int",
            "help": N_("Pour remplacer ceux qui ne pourront pas être contrôlés ; dans chaque groupe s'il y en a."),
        },
    )
    participants = fields.List(
        fields.Integer(),
        required=True,
        validate=validate.Length(FEWEST, 12, error=N_("De deux à douze personnes.")),
        metadata={
            "label": N_("Qui apporte une phrase secrète"),
            "widget": "checkboxes",
            "choices": "overseers",
            "help": N_("Au moins deux personnes, d'institutions différentes si possible."),
        },
    )
    reveals_on = Day(N_("Phrases à remettre avant le"), required=True)
    reveals_hour = Hour(N_("à (heure)"), required=True)
    public_source = Text(
        N_("Tirage public dont le résultat sera ajouté"),
        required=True,
        metadata={
            "help": N_(
                "Un tirage à venir que personne ici ne maîtrise, avec la façon de l'écrire et ce qui vaudra s'il n'a"
                " pas lieu. Par exemple : « Loto du 9 janvier 2027, cinq numéros croissants puis le numéro Chance,"
                " séparés par des espaces ; à défaut le tirage suivant »."
            )
        },
    )
    public_on = Day(N_("Ce tirage public a lieu le"), required=True)
    public_hour = Hour(N_("à partir de (heure)"), required=True)


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


def _refuse(code: str, failing: str, remedy: str, **params: object) -> Refused:
    return Refused(Reason(code, failing, remedy, params))


def _role(actor: Actor) -> str:
    return next(role for role in OVERSEERS if role in actor.roles)


def _note(
    session: Session, actor: Actor, act: str, plan: SamplePlan, now: datetime, reason: str = "", **details: Any
) -> None:
    journal.note(
        session,
        at=now,
        actor_id=actor.person_id,
        actor_name=actor.name,
        role=_role(actor),
        act=act,
        subject=f"sample_plan:{plan.id}",
        reason=reason,
        details={"campaign": plan.campaign.label, "plan_hash": plan.plan_hash, **details},
    )


# The plan


def plan(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> SamplePlan:
    """Freeze the population, and publish the plan in the journal. Controllers only.

    Raises Forbidden, NotFound, Invalid, or Refused where a plan is under way.
    """
    actor.require(CONTROLLER)
    data = read(PlanForm(), raw)
    campaign = session.get(Campaign, data["campaign_id"], with_for_update={"key_share": True})
    if campaign is None:
        raise NotFound("campaign")
    earlier = session.scalars(
        select(SamplePlan).where(SamplePlan.campaign_id == campaign.id).order_by(SamplePlan.id.desc())
    ).first()
    if earlier and earlier.state not in ("sealed", "abandoned"):
        raise _refuse(
            "plan_under_way",
            N_("Un tirage est déjà en préparation pour cette campagne."),
            N_("Menez-le à son terme, ou abandonnez-le en disant pourquoi."),
        )
    reveals_due_at = _moment(data["reveals_on"], data["reveals_hour"])
    public_at = _moment(data["public_on"], data["public_hour"])
    if reveals_due_at <= now:
        raise Invalid({"reveals_on": [N_("Ce moment est passé.")]})
    if public_at <= reveals_due_at:
        raise Invalid({"public_on": [N_("Le tirage public doit avoir lieu après la remise de toutes les phrases.")]})
    if (data["method"] == "stratified") != (data["stratum"] is not None):
        raise Invalid({"stratum": [N_("À choisir pour un tirage dans chaque groupe, et alors seulement.")]})
    people = _participants(session, data["participants"], campaign.id)
    population = _population(session, campaign.id, data["stratum"])
    made = SamplePlan(
        campaign=campaign,
        supersedes_id=earlier.id if earlier else None,
        state="planned",
        **{name: data[name] for name in ("method", "stratum", "size", "reserve", "public_source")},
        population_size=len(population),
        public_at=public_at,
        reveals_due_at=reveals_due_at,
        planned_at=now,
        planned_by_id=actor.person_id,
    )
    document = _document(session, made, population, people, actor, earlier)
    made.document, made.plan_hash = ceremony.text(document), ceremony.plan_hash(document)
    session.add(made)
    session.flush()
    session.execute(
        insert(PlanUnit),
        [
            {
                "plan_id": made.id,
                "dossier_id": unit.dossier_id,
                "number": unit.number,
                "value_cents": unit.value_cents,
                "stratum": unit.stratum,
            }
            for unit in population
        ],
    )
    session.add_all(
        PlanParticipant(plan_id=made.id, person_id=person.id, rank=rank) for rank, person in enumerate(people, start=1)
    )
    session.flush()
    _note(session, actor, "plan_sample", made, now, document=document)
    return made


def _moment(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, PARIS)


def _participants(session: Session, ids: Sequence[int], campaign_id: int) -> list[Person]:
    """Those people, by id. Raises Invalid where one may not take part, or where more institutions could."""
    eligible = session.scalars(
        select(Person)
        .where(
            Person.active,
            Person.id.in_(
                select(RoleGrant.person_id).where(RoleGrant.role.in_(OVERSEERS), RoleGrant.ended_at.is_(None))
            ),
        )
        .order_by(Person.id)
    ).all()
    people = [person for person in eligible if person.id in set(ids)]
    if len(people) < len(set(ids)):
        raise Invalid({"participants": [N_("Choisissez dans la liste.")]})
    if len(people) < FEWEST:
        raise Invalid({"participants": [_TOO_FEW]})
    if len({person.institution_id for person in people}) < min(
        FEWEST, len({person.institution_id for person in eligible})
    ):
        raise Invalid({"participants": [N_("Elles sont toutes de la même institution : ajoutez-en une d'une autre.")]})
    for person in people:
        bound = involvements(person.id)["bound"]
        if session.scalar(select(Dossier.id).where(*_eligible(campaign_id), bound).limit(1)):
            raise Invalid({"participants": [N_("L'une d'elles est liée au porteur d'un dossier qui peut être tiré.")]})
    return people


def _eligible(campaign_id: int) -> tuple[Any, ...]:
    """The dossiers that may be drawn: funded, followed up or evaluated, and not in an earlier draw already."""
    return (
        Dossier.campaign_id == campaign_id,
        Dossier.state.in_(POPULATION),
        Dossier.number.is_not(None),
        ~select(Mission.id).where(Mission.dossier_id == Dossier.id).exists(),
    )


def _population(session: Session, campaign_id: int, stratum: str | None) -> list[PlanUnit]:
    """The population as it stands, in the order of its numbers, in three statements."""
    rows = session.execute(
        select(Dossier.id, Dossier.number, Instance.label)
        .outerjoin(Dossier.instance)
        .where(*_eligible(campaign_id))
        .order_by(Dossier.number)
    ).all()
    grants: dict[int, list[tuple[int, str]]] = {}
    code = func.coalesce(Institution.funder_code, Institution.label)
    for row in session.execute(
        select(FundingRequest.dossier_id, FundingRequest.granted_cents, code.label("code"))
        .join(FundingRequest.funder)
        .join(Dossier, Dossier.id == FundingRequest.dossier_id)
        .where(*_eligible(campaign_id), FundingRequest.granted_cents.is_not(None))
    ):
        grants.setdefault(row.dossier_id, []).append((-row.granted_cents, row.code))
    strata: Mapping[str | None, Callable[[Any], str | None]] = {
        None: lambda _row: None,
        "instance": lambda row: row.label or "–",
        "funder": lambda row: min(grants.get(row.id, [(0, "–")]))[1],
    }
    return [
        PlanUnit(
            dossier_id=row.id,
            number=row.number,
            value_cents=-sum(cents for cents, _code in grants.get(row.id, ())),
            stratum=strata[stratum](row),
        )
        for row in rows
    ]


def _document(
    session: Session,
    made: SamplePlan,
    population: Sequence[PlanUnit],
    people: Sequence[Person],
    actor: Actor,
    earlier: SamplePlan | None,
) -> dict[str, Any]:
    """The plan as it is published. Raises Invalid where no such draw can be made."""
    try:
        tried = record.make(units(population), request(made, ""))
    except BadSampling as error:
        raise Invalid({"size": [_IMPOSSIBLE.get(error.reasons[0].code, _IMPOSSIBLE[""])]}) from error
    simple = session.scalars(
        select(Sample).where(Sample.campaign_id == made.campaign.id, Sample.plan_id.is_(None))
    ).first()
    names = {row.id: row.label for row in session.execute(select(Institution.id, Institution.label))}
    return {
        "campaign": made.campaign.label,
        "supersedes": earlier.plan_hash
        if earlier
        else simple and {"draw": simple.population_hash, "seed": simple.seed},
        "planned_at": instant(made.planned_at),
        "planned_by": actor.name,
        **{name: tried[name] for name in ceremony.PLANNED if name in tried},
        "strata": made.stratum,
        "reveals_due_at": instant(made.reveals_due_at),
        "public_source": made.public_source,
        "public_at": instant(made.public_at),
        "participants": [
            {"name": person.name, "institution": names.get(person.institution_id or 0)} for person in people
        ],
    }


_IMPOSSIBLE = {
    "": N_("Ce tirage n'est pas possible : changez la taille ou la façon de tirer."),
    "too_many": N_("Moins de dossiers que cela peuvent être tirés."),
    "too_few_for_strata": N_("Il en faut au moins un dans chaque groupe."),
}


# Its steps


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


def _in_state(plan: SamplePlan, *states: str) -> None:
    if plan.state not in states:
        raise _refuse(
            "plan_elsewhere",
            N_("Le tirage n'en est pas, ou plus, à cette étape."),
            N_("Relisez la page : elle dit où il en est et ce qui est attendu."),
        )


def _in_time(plan: SamplePlan, now: datetime) -> None:
    if now > plan.reveals_due_at:
        raise _refuse(
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
        raise _refuse(
            "already_committed",
            N_("Vous vous êtes déjà engagé : un engagement ne se change pas."),
            N_("Gardez votre phrase : elle vous sera demandée plus tard."),
        )
    seat.commitment = _commitment(found, seat, data)
    seat.committed_at = now
    session.flush()
    if all(one.commitment for one in found.participants):
        found.state = "committed"
    _note(session, actor, "commit_secret", found, now, rank=seat.rank, commitment=seat.commitment)
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
        raise _refuse(
            "already_revealed", N_("Votre phrase est déjà remise."), N_("Attendez que les autres remettent la leur.")
        )
    if "\n" in phrase or ceremony.commitment(found.plan_hash, seat.rank, phrase) != seat.commitment:
        raise Invalid({"phrase": [N_("Ce n'est pas la phrase de votre engagement, à la lettre et à l'espace près.")]})
    seat.secret, seat.revealed_at = phrase, now
    session.flush()
    if all(one.secret for one in found.participants):
        found.state, found.revealed_at = "revealed", now
    _note(session, actor, "reveal_secret", found, now, rank=seat.rank)
    return found


def read_public(session: Session, actor: Actor, plan_id: int, raw: Mapping[str, Any], now: datetime) -> SamplePlan:
    """Take what somebody read at the public source; once two read alike, draw and seal.

    Raises NotFound, Forbidden, Invalid, or Refused (too early, already read, over).
    """
    actor.require(*OVERSEERS)
    found = _locked(session, plan_id)
    value = " ".join(read(ReadingForm(), raw)["value"].split())
    _in_state(found, "revealed")
    if now < found.public_at:
        raise _refuse(
            "public_too_early",
            N_("Le tirage public n'a pas encore eu lieu : il est prévu le %(at)s."),
            N_("Revenez une fois son résultat publié."),
            at=found.public_at,
        )
    if any(one.person_id == actor.person_id and one.value == value for one in found.readings):
        raise _refuse(
            "already_read",
            N_("Vous avez déjà donné ce résultat."),
            N_("Une autre personne doit le lire à son tour."),
        )
    found.readings.append(PlanReading(person_id=actor.person_id, value=value, at=now))
    session.flush()
    _note(session, actor, "read_public_value", found, now, value=value)
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
    order = ranked(
        plan.units,
        [*chosen, *(pick.unit.id for pick in drawn.reserve)],
        [number for _ticket, number in tickets(seed, numbers)],
    )
    sample = Sample(
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
                "ticket": ticket(seed, unit.number),
                "drawn": rank <= len(chosen),
            }
            for rank, unit in enumerate(order, start=1)
        ],
    )
    session.add_all(
        Mission(sample_id=sample.id, dossier_id=unit.dossier_id, state=CONTROL.initial) for unit in order[: len(chosen)]
    )
    session.flush()
    sample.sealed_at = now
    session.flush()
    plan.state, plan.public_value, plan.seed, plan.ended_at = "sealed", value, seed, now
    session.flush()
    _note(
        session,
        actor,
        "draw_sample",
        plan,
        now,
        seed=seed,
        public_value=value,
        secrets=[seat.secret for seat in seats],
        drawn=chosen,
    )


def abandon(session: Session, actor: Actor, plan_id: int, raw: Mapping[str, Any], now: datetime) -> SamplePlan:
    """Give a plan up, its draw being unknown to everybody; the journal names who let it down. Controllers only.

    Raises Forbidden, NotFound, Invalid, or Refused once the result can be known.
    """
    actor.require(CONTROLLER)
    found = _locked(session, plan_id)
    reason = read(AbandonForm(), raw)["reason"]
    _in_state(found, "planned", "committed", "revealed")
    if found.state == "revealed" and now >= found.public_at:
        raise _refuse(
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
    _note(session, actor, "abandon_sample", found, now, reason, at_step=before, missing=missing)
    return found
