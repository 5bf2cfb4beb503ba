"""The mid-term review of the older campaigns: its draw in public, and reviews at every stage of their life."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from workflow.access import Actor, took_part
from workflow.demo.stage import Life, Stage
from workflow.demo.story import Story, World
from workflow.models import Dossier, Person, Review, ReviewCriterion, SamplePlan
from workflow.models.review import RECOMMENDATIONS
from workflow.reviews import mark_of
from workflow.sampling_plans import PURPOSES
from workflow.use_cases import ceremony, sampling_plans

_PHRASES = ("trois péniches attendent à l'écluse", "un hérisson dort sur le toit")
_FEWEST, _MORE = 2, 2
"""How many actions are drawn for each orientation, and besides: those whose review is not over at the end."""


def reviews(stage: Stage, world: World, stories: Sequence[Story]) -> Life:
    """Two people of two institutions draw it; all reviews but the last two are sealed."""
    settings, cast = world.plans["review"], world.cast
    begins = settings["begins"]
    yield stage.at(begins, 10)
    judged = [s for s in stories if s.campaign in settings["campaigns"] and s.state in PURPOSES["review"].population]
    orientations = {story.dossier_id: story.objective[0] for story in judged}
    size = _FEWEST * len(set(orientations.values())) + _MORE
    if not judged or size > len(judged):
        return
    plan_id = _plan(stage, world, size, begins)
    for day, step in ((1, ceremony.commit), (2, ceremony.reveal)):
        yield stage.at(begins + day, 11)
        for actor, phrase in zip(cast.transversal, _PHRASES, strict=True):
            _step(stage, actor, step, plan_id, {"phrase": phrase})
    yield stage.at(begins + 5, 11)
    value = " ".join(str(number) for number in sorted(stage.rng.sample(range(1, 50), 5)))
    for actor in cast.transversal:
        _step(stage, actor, ceremony.read_public, plan_id, {"value": value})
    with stage.database.read() as session:
        drawn = list(session.execute(select(Review.id, Review.dossier_id).order_by(Review.id)))
    # What is not over is of the orientation of which most is drawn, so that every other one can be estimated.
    counts = Counter(orientations[row.dossier_id] for row in drawn)
    drawn.sort(key=lambda row: counts[orientations[row.dossier_id]])
    candidates = [*cast.transversal, *(team.evaluator for team in cast.teams.values())]
    for place, (review_id, dossier_id) in enumerate(drawn):
        yield stage.at(begins + 8 + place, 9)
        pair = _pair(stage, dossier_id, candidates, place)
        if pair is None or place == len(drawn) - 1:
            continue
        first, second = pair
        named = {"first_id": first.person_id, "second_id": second.person_id}
        stage.act(cast.transversal[0], "name_reviewers", dossier_id, review_id, **named)
        yield stage.at(begins + 8 + place, 14)
        stage.act(first, "fill_review", dossier_id, review_id, **_text(stage))
        if place == len(drawn) - 2:
            continue
        for actor in pair:
            yield stage.soon
            stage.act(actor, "sign_review", dossier_id, review_id, seen=_mark(stage, review_id))


def _plan(stage: Stage, world: World, size: int, begins: int) -> int:
    raw = {
        "campaigns": [world.campaigns[name][0] for name in world.plans["review"]["campaigns"]],
        "method": "stratified",
        "stratum": "orientation",
        "size": size,
        "participants": [actor.person_id for actor in world.cast.transversal],
        "reveals_on": stage.day(begins + 3).isoformat(),
        "reveals_hour": "18:00",
        "public_source": "Loto du samedi suivant, cinq numéros croissants séparés par des espaces",
        "public_on": stage.day(begins + 4).isoformat(),
        "public_hour": "20:30",
    }
    with stage.database.write() as session:
        return sampling_plans.plan(session, world.cast.transversal[0], raw, stage.now, "review").id


def _step(
    stage: Stage,
    actor: Actor,
    step: Callable[[Session, Actor, int, Mapping[str, Any], datetime], SamplePlan],
    plan_id: int,
    raw: Mapping[str, Any],
) -> None:
    with stage.database.write() as session:
        step(session, actor, plan_id, raw, stage.now)


def _pair(stage: Stage, dossier_id: int, candidates: Sequence[Actor], place: int) -> tuple[Actor, Actor] | None:
    """Two who took no part in the dossier, of two institutions; the candidates take turns."""
    with stage.database.read() as session:
        free = set(
            session.scalars(
                select(Person.id)
                .join(Dossier, Dossier.id == dossier_id)
                .where(Person.id.in_([actor.person_id for actor in candidates]), ~or_(*took_part(Person.id).values()))
            )
        )
    turn = [actor for actor in (*candidates[place:], *candidates[:place]) if actor.person_id in free]
    for first in turn:
        for second in turn:
            if first.institution_id != second.institution_id:
                return first, second
    return None


def _text(stage: Stage) -> dict[str, Any]:
    rng = stage.rng
    with stage.database.read() as session:
        criteria = list(session.scalars(select(ReviewCriterion.id).order_by(ReviewCriterion.position)))
    level = rng.choice((2, 3, 3))
    return {
        "answers": {
            str(one): {
                "level": min(4, max(0, level + rng.choice((-1, 0, 0, 1)))),
                "justification": stage.say("review_reasons"),
            }
            for one in criteria
        },
        "summary": {
            "strengths": stage.say("review_strengths"),
            "weaknesses": stage.say("review_weaknesses"),
            "recommendation": rng.choices(RECOMMENDATIONS, (4, 5, 1, 3))[0],
            "reason": stage.say("review_recommendations"),
        },
    }


def _mark(stage: Stage, review_id: int) -> str:
    with stage.database.read() as session:
        return mark_of(session.get_one(Review, review_id))
