"""The plan of a draw that nobody can steer, published before anything is drawn; `use_cases.ceremony` has the rest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session, aliased

from states.machine import Reason
from states.words import N_
from workflow import journal
from workflow.access import Actor, involvements
from workflow.clock import PARIS
from workflow.errors import Invalid, NotFound, Refused
from workflow.forms import read
from workflow.models import (
    Campaign,
    Dossier,
    FundingRequest,
    Instance,
    Institution,
    Objective,
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
    OVERSEERS,
    PURPOSES,
    Purpose,
    instant,
    request,
    round_in_words,
    round_named,
    units,
)
from workflow.use_cases.plan_forms import FEWEST, FORMS


def refuse(code: str, failing: str, remedy: str, **params: object) -> Refused:
    """A refusal with one reason."""
    return Refused(Reason(code, failing, remedy, params))


def note(
    session: Session, actor: Actor, act: str, plan: SamplePlan, now: datetime, reason: str = "", **details: Any
) -> None:
    """Note in the journal what became of a plan."""
    journal.note(
        session,
        at=now,
        actor_id=actor.person_id,
        actor_name=actor.name,
        role=next(role for role in (*PURPOSES[plan.purpose].planners, *OVERSEERS) if role in actor.roles),
        act=act,
        subject=f"sample_plan:{plan.id}",
        reason=reason,
        details={"campaign": plan.campaign.label, "plan_hash": plan.plan_hash, **details},
    )


def plan(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime, purpose: str = "control") -> SamplePlan:
    """Freeze the population, and publish the plan in the journal. The planners of the purpose only.

    A plan for control follows the last of its campaign; one for review the last for review, whatever its campaigns:
    two that share dossiers could not both be sealed.
    Raises Forbidden, NotFound, Invalid, or Refused where the one that it follows is under way.
    """
    aim = PURPOSES[purpose]
    actor.require(*aim.planners)
    data = read(FORMS[purpose](), raw)
    campaigns = _campaigns(session, data["campaigns"] if "campaigns" in data else [data["campaign_id"]])
    campaign = campaigns[-1]
    # Planners wait for each other, whatever their campaigns.
    session.execute(select(Campaign.id).order_by(Campaign.id).with_for_update(key_share=True))
    same = SamplePlan.purpose == purpose
    if aim.per_campaign:
        same &= SamplePlan.campaign_id == campaign.id
    earlier = session.scalars(select(SamplePlan).where(same).order_by(SamplePlan.id.desc()).limit(1)).first()
    if earlier and earlier.state not in ("sealed", "abandoned"):
        raise refuse(
            "plan_under_way",
            aim.under_way,
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
    selection, source, chain = data.get("selection", "tickets"), data["public_source"], data["beacon"]
    if selection != "tickets" and data["method"] != "srs":
        raise Invalid({"selection": [N_("La RFC 3797 ne convient qu'à un tirage au hasard simple.")]})
    number = None if chain is None else beacon.round_from(chain, public_at)
    if number is not None:
        source = round_in_words(chain, number) + (source and f" ; {source}")
    if not source:
        raise Invalid({"public_source": [N_("À remplir, ou choisissez une balise.")]})
    drawable = eligible(aim, [one.id for one in campaigns])
    people = _participants(session, data["participants"], drawable)
    population = _population(session, drawable, data["stratum"])
    made = SamplePlan(
        purpose=purpose,
        campaign=campaign,
        supersedes_id=earlier.id if earlier else None,
        state="planned",
        **{name: data[name] for name in ("method", "stratum", "size", "beacon")},
        selection=selection,
        reserve=data.get("reserve", 0),
        beacon_round=number,
        public_source=source,
        population_size=len(population),
        public_at=public_at,
        reveals_due_at=reveals_due_at,
        planned_at=now,
        planned_by_id=actor.person_id,
    )
    document = _document(session, made, population, people, actor, earlier)
    if purpose != "control":
        document |= {"purpose": purpose, "campaigns": [one.label for one in campaigns]}
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


def _participants(session: Session, ids: Sequence[int], can_be_drawn: Sequence[Any]) -> list[Person]:
    """Those people, by id. Raises Invalid where one may not take part, or where more institutions could."""
    overseers = session.scalars(
        select(Person)
        .where(
            Person.active,
            Person.id.in_(
                select(RoleGrant.person_id).where(RoleGrant.role.in_(OVERSEERS), RoleGrant.ended_at.is_(None))
            ),
        )
        .order_by(Person.id)
    ).all()
    people = [person for person in overseers if person.id in set(ids)]
    if len(people) < len(set(ids)):
        raise Invalid({"participants": [N_("Choisissez dans la liste.")]})
    if len(people) < FEWEST:
        raise Invalid({"participants": [N_("Au moins deux personnes.")]})
    if len({person.institution_id for person in people}) < min(
        FEWEST, len({person.institution_id for person in overseers})
    ):
        raise Invalid({"participants": [N_("Elles sont toutes de la même institution : ajoutez-en une d'une autre.")]})
    for person in people:
        bound = involvements(person.id)["bound"]
        if session.scalar(select(Dossier.id).where(*can_be_drawn, bound).limit(1)):
            raise Invalid({"participants": [N_("L'une d'elles est liée au porteur d'un dossier qui peut être tiré.")]})
    return people


def _campaigns(session: Session, ids: Sequence[int]) -> Sequence[Campaign]:
    """Those campaigns, the oldest first. Raises NotFound where one is not there."""
    found = session.scalars(select(Campaign).where(Campaign.id.in_(ids)).order_by(Campaign.first, Campaign.id)).all()
    if not found or len(found) < len(set(ids)):
        raise NotFound("campaign")
    return found


def eligible(purpose: Purpose, campaigns: Sequence[int]) -> tuple[Any, ...]:
    """The dossiers that may be drawn: in a state that the purpose asks, and not in an earlier draw for it already."""
    return (
        Dossier.campaign_id.in_(campaigns),
        Dossier.state.in_(purpose.population),
        Dossier.number.is_not(None),
        ~select(purpose.follows.id).where(purpose.follows.dossier_id == Dossier.id).exists(),
    )


def population_size(session: Session, purpose: str, campaigns: Sequence[int]) -> int:
    """How many dossiers a draw would be made from today."""
    return session.scalar(select(func.count(Dossier.id)).where(*eligible(PURPOSES[purpose], campaigns))) or 0


def _population(session: Session, eligible: Sequence[Any], stratum: str | None) -> list[PlanUnit]:
    """The population as it stands, in the order of its numbers, in three statements."""
    strategic, orientation = aliased(Objective), aliased(Objective)
    rows = session.execute(
        select(Dossier.id, Dossier.number, Instance.label, orientation.label.label("orientation"))
        .outerjoin(Dossier.instance)
        .outerjoin(Dossier.objective)
        .outerjoin(strategic, strategic.id == Objective.parent_id)
        .outerjoin(orientation, orientation.id == strategic.parent_id)
        .where(*eligible)
        .order_by(Dossier.number)
    ).all()
    grants: dict[int, list[tuple[int, str]]] = {}
    code = func.coalesce(Institution.funder_code, Institution.label)
    for row in session.execute(
        select(FundingRequest.dossier_id, FundingRequest.granted_cents, code.label("code"))
        .join(FundingRequest.funder)
        .join(Dossier, Dossier.id == FundingRequest.dossier_id)
        .where(*eligible, FundingRequest.granted_cents.is_not(None))
    ):
        grants.setdefault(row.dossier_id, []).append((-row.granted_cents, row.code))
    strata: Mapping[str | None, Callable[[Any], str | None]] = {
        None: lambda _row: None,
        "instance": lambda row: row.label or "–",
        "orientation": lambda row: row.orientation or "–",
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
        impossible = {**_IMPOSSIBLE, "too_few_for_strata": PURPOSES[made.purpose].too_few}
        raise Invalid({"size": [impossible.get(error.reasons[0].code, impossible[""])]}) from error
    simple = session.scalars(
        select(Sample).where(
            Sample.campaign_id == made.campaign.id, Sample.plan_id.is_(None), Sample.purpose == made.purpose
        )
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
}
