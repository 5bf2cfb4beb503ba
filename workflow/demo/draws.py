"""A draw under way: its plan is published, some have committed, and the others' part is awaited."""

from sqlalchemy import func, select

from workflow.access import Actor
from workflow.demo.cast import PASSWORD, Cast
from workflow.demo.stage import Life, Stage
from workflow.models import Dossier
from workflow.use_cases import ceremony, sampling_plans

PHRASE = PASSWORD
"""The phrase of those who have committed: whoever tries the demonstration signs in as them, and hands it in."""
_MOST = 4


def prepare(stage: Stage, cast: Cast, campaign_id: int) -> Life:
    """Publish the plan of a draw in the last days, and let all but the controller who planned it commit."""
    controller = cast.controllers[0]
    yield stage.at(-4, 10)
    with stage.database.write() as session:
        drawable = select(func.count()).select_from(Dossier).where(*sampling_plans.drawable(campaign_id))
        number = session.scalar(drawable) or 0
        if number < 2:
            return
        raw = {
            "campaign_id": campaign_id,
            "method": "srs",
            "size": min(number // 2, _MOST),
            "participants": [actor.person_id for actor in (controller, *cast.transversal)],
            "reveals_on": stage.day(8).isoformat(),
            "reveals_hour": "18:00",
            "beacon": "quicknet",
            "public_on": stage.day(9).isoformat(),
            "public_hour": "12:00",
        }
        plan_id = sampling_plans.plan(session, controller, raw, stage.now).id
    for place, actor in enumerate(cast.transversal):
        yield stage.at(-3, 10 + place)
        _commit(stage, actor, plan_id)


def _commit(stage: Stage, actor: Actor, plan_id: int) -> None:
    with stage.database.write() as session:
        ceremony.commit(session, actor, plan_id, {"phrase": PHRASE}, stage.now)
