"""Mid-term reviews for tests: who may review, a draw through its whole ceremony, and the text of a review."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from tests.factories import NOW, Walk, World
from workflow.db import Database
from workflow.models import Campaign, Dossier, Instance, Person, Review, ReviewCriterion, RoleGrant, SamplePlan
from workflow.reviews import mark_of
from workflow.use_cases import ceremony as steps
from workflow.use_cases import sampling_plans

PHRASES = {"transversal": "trois péniches à Anzin", "controller": "un hérisson sur le toit"}
SUMMARY = {
    "strengths": "Un public fidèle",
    "weaknesses": "Peu de liens avec les autres actions",
    "recommendation": "adjust",
    "reason": "Mieux la relier aux autres",
}


def add_reviewers(database: Database, world: World, now: datetime) -> None:
    """Two who took part in nothing, « reviewer État » and « reviewer CAF », who evaluate in other instances."""
    with database.write() as session:
        if session.scalar(select(Person.id).where(Person.email == "reviewer.caf@binome.example")):
            return
        elsewhere = session.scalars(select(Instance.id).where(Instance.id != world.instance_id)).first()
        grant = {"role": "evaluator", "instance_id": elsewhere}
        for code in ("État", "CAF"):
            person = Person(
                email=f"reviewer.{code.lower()}@binome.example",
                name=f"Rôle reviewer {code}",
                institution_id=world.funders[code],
                created_at=now,
            )
            session.add(person)
            session.flush()
            session.add(RoleGrant(person_id=person.id, granted_at=now, **grant))
            world.people[f"reviewer {code}"] = person.id


def plan(world: World, now: datetime, **changes: Any) -> dict[str, Any]:
    """The form of a plan; its phrases are due after a day, its public draw after two."""
    return {
        "campaigns": [world.campaign_id],
        "method": "srs",
        "size": 1,
        "participants": [world.people[who] for who in PHRASES],
        "reveals_on": (now + timedelta(days=1)).date().isoformat(),
        "reveals_hour": "18:00",
        "public_source": "Loto",
        "public_on": (now + timedelta(days=2)).date().isoformat(),
        "public_hour": "12:00",
        **changes,
    }


def draw(database: Database, world: World, now: datetime, **changes: Any) -> int:
    """A sealed draw for review, by its ceremony, over after three days; the plan's id."""
    add_reviewers(database, world, now)
    with database.write() as session:
        actor = world.actor(session, "transversal")
        plan_id = sampling_plans.plan(session, actor, plan(world, now, **changes), now, "review").id
    for step in (steps.commit, steps.reveal):
        for who, phrase in PHRASES.items():
            with database.write() as session:
                step(session, world.actor(session, who), plan_id, {"phrase": phrase}, now + timedelta(hours=1))
    for who in PHRASES:
        with database.write() as session:
            read_at = now + timedelta(days=3)
            steps.read_public(session, world.actor(session, who), plan_id, {"value": "7 12"}, read_at)
    with database.read() as session:
        assert session.get_one(SamplePlan, plan_id).state == "sealed"
    return plan_id


def next_campaign(database: Database, *dossiers: int) -> int:
    """Another campaign, a year later, which those dossiers are then of; its id."""
    with database.write() as session:
        campaign = Campaign(
            label="Programmation 2028",
            year=2028,
            first=date(2027, 10, 1),
            last=date(2029, 12, 31),
            created_at=NOW,
        )
        session.add(campaign)
        session.flush()
        for dossier in session.scalars(select(Dossier).where(Dossier.id.in_(dossiers))):
            dossier.campaign_id = campaign.id
        return campaign.id


def review_id(walk: Walk) -> int:
    """The review of a dossier."""
    with walk.database.read() as session:
        return session.scalars(select(Review.id).where(Review.dossier_id == walk.dossier_id)).one()


def to_review(walk: Walk) -> Walk:
    """Evaluated and drawn for review."""
    walk.evaluated()
    draw(walk.database, walk.world, walk.now)
    return walk.later(days=3)


def name(walk: Walk, first: str = "reviewer État", second: str = "reviewer CAF", by: str = "transversal") -> Walk:
    """Its reviewers named."""
    people = walk.world.people
    walk.act(by, "name_reviewers", review_id(walk), first_id=people[first], second_id=people[second])
    return walk


def under_review(walk: Walk) -> Walk:
    """Drawn, with two reviewers."""
    return name(to_review(walk))


def criteria(walk: Walk) -> list[int]:
    """The criteria of its grid, in order."""
    with walk.database.read() as session:
        statement = (
            select(ReviewCriterion.id)
            .join(Review, Review.grid_id == ReviewCriterion.grid_id)
            .where(Review.dossier_id == walk.dossier_id)
            .order_by(ReviewCriterion.position)
        )
        return list(session.scalars(statement))


def fill(walk: Walk, level: int = 3, who: str = "reviewer État", **summary: str) -> Walk:
    """The whole grid at one level, and its summary."""
    answers = {str(one): {"level": level, "justification": "Vu sur place"} for one in criteria(walk)}
    walk.act(who, "fill_review", review_id(walk), answers=answers, summary={**SUMMARY, **summary})
    return walk


def sign(walk: Walk, *who: str) -> Walk:
    """Its text signed as it stands."""
    for one in who:
        with walk.database.read() as session:
            mark = mark_of(session.scalars(select(Review).where(Review.dossier_id == walk.dossier_id)).one())
        walk.act(one, "sign_review", review_id(walk), seen=mark)
    return walk


def half_signed(walk: Walk) -> Walk:
    """Filled, and signed by the first."""
    return sign(fill(under_review(walk)), "reviewer État")


def reviewed(walk: Walk) -> Walk:
    """Sealed."""
    return sign(half_signed(walk), "reviewer CAF")
