"""The plan of a draw that nobody can steer, published before anything is drawn; `use_cases.ceremony` has the rest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from states.dossier import CONTROLLER
from states.machine import Reason
from states.words import N_
from workflow import journal
from workflow.access import Actor, involvements
from workflow.clock import PARIS
from workflow.errors import Invalid, NotFound, Refused
from workflow.forms import Choice, Day, Form, Hour, Reference, Text, read
from workflow.models import (
    Campaign,
    Dossier,
    FundingRequest,
    Instance,
    Institution,
    Mission,
    Person,
    PlanParticipant,
    PlanUnit,
    RoleGrant,
    Sample,
    SamplePlan,
)
from workflow.plan_messages import tell
from workflow.sampling import beacon, ceremony, record
from workflow.sampling.errors import BadSampling
from workflow.sampling_plans import (
    BEACON_LABELS,
    METHOD_LABELS,
    OVERSEERS,
    SELECTION_LABELS,
    STRATUM_LABELS,
    instant,
    request,
    round_in_words,
    round_named,
    units,
)
from workflow.use_cases.control import POPULATION

FEWEST = 2
"""Participants, and readers of the public value."""
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
    selection = Choice(
        N_("Comment choisir"),
        SELECTION_LABELS,
        load_default="tickets",
        metadata={"widget": "radio", "help": N_("La RFC 3797 seulement pour un tirage au hasard simple.")},
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
    beacon = Choice(
        N_("Balise publique"),
        BEACON_LABELS,
        load_default=None,
        metadata={
            "blank": N_("Aucune : un autre tirage public, dit ci-dessous"),
            "help": N_(
                "Un nombre imprévisible, publié sans cesse par des organismes indépendants (League of Entropy). Le"
                " plan en nomme le tour d'après l'heure, et ce tour peut être lu par le serveur, puis confirmé."
            ),
        },
    )
    public_source = Text(
        N_("Tirage public dont le résultat sera ajouté"),
        load_default="",
        metadata={
            "help": N_(
                "Sans balise : un tirage à venir que personne ici ne maîtrise, avec la façon de l'écrire et ce qui"
                " vaudra s'il n'a pas lieu. Par exemple : « Loto du 9 janvier 2027, cinq numéros croissants puis le"
                " numéro Chance, séparés par des espaces ; à défaut le tirage suivant »."
            )
        },
    )
    public_on = Day(N_("Ce tirage public a lieu le"), required=True)
    public_hour = Hour(N_("à partir de (heure)"), required=True)


def refuse(code: str, failing: str, remedy: str, **params: object) -> Refused:
    """A refusal with one reason."""
    return Refused(Reason(code, failing, remedy, params))


def _role(actor: Actor) -> str:
    return next(role for role in OVERSEERS if role in actor.roles)


def note(
    session: Session, actor: Actor, act: str, plan: SamplePlan, now: datetime, reason: str = "", **details: Any
) -> None:
    """Note in the journal what became of a plan."""
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
        raise refuse(
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
    if data["selection"] != "tickets" and data["method"] != "srs":
        raise Invalid({"selection": [N_("La RFC 3797 ne convient qu'à un tirage au hasard simple.")]})
    source, chain = data["public_source"], data["beacon"]
    number = None if chain is None else beacon.round_from(chain, public_at)
    if number is not None:
        source = round_in_words(chain, number) + (source and f" ; {source}")
    if not source:
        raise Invalid({"public_source": [N_("À remplir, ou choisissez une balise.")]})
    people = _participants(session, data["participants"], campaign.id)
    population = _population(session, campaign.id, data["stratum"])
    made = SamplePlan(
        campaign=campaign,
        supersedes_id=earlier.id if earlier else None,
        state="planned",
        **{name: data[name] for name in ("method", "stratum", "selection", "size", "reserve", "beacon")},
        beacon_round=number,
        public_source=source,
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
    note(session, actor, "plan_sample", made, now, document=document)
    tell(session, made, "draw_planned", actor.person_id, now, [person.id for person in people])
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
        if session.scalar(select(Dossier.id).where(*drawable(campaign_id), bound).limit(1)):
            raise Invalid({"participants": [N_("L'une d'elles est liée au porteur d'un dossier qui peut être tiré.")]})
    return people


def drawable(campaign_id: int) -> tuple[Any, ...]:
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
        .where(*drawable(campaign_id))
        .order_by(Dossier.number)
    ).all()
    grants: dict[int, list[tuple[int, str]]] = {}
    code = func.coalesce(Institution.funder_code, Institution.label)
    for row in session.execute(
        select(FundingRequest.dossier_id, FundingRequest.granted_cents, code.label("code"))
        .join(FundingRequest.funder)
        .join(Dossier, Dossier.id == FundingRequest.dossier_id)
        .where(*drawable(campaign_id), FundingRequest.granted_cents.is_not(None))
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
        **({"beacon": named} if (named := round_named(made)) else {}),
        "participants": [
            {"name": person.name, "institution": names.get(person.institution_id or 0)} for person in people
        ],
    }


_IMPOSSIBLE = {
    "": N_("Ce tirage n'est pas possible : changez la taille ou la façon de tirer."),
    "too_many": N_("Moins de dossiers que cela peuvent être tirés."),
    "too_few_for_strata": N_("Il en faut au moins un dans chaque groupe."),
}
