"""Steps of the instruction: the binôme, its experts, its opinions."""

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from itertools import combinations
from random import Random
from typing import Any

from workflow.access import SYSTEM_ACTOR, Actor
from workflow.clock import PARIS
from workflow.demo.story import Story

_TOGETHER = 0.6
"""How often the first two instructors of an instance, those of the demonstration accounts at home, are chosen."""
_ROUND = 100_00


def _pair(story: Story) -> tuple[Actor, Actor]:
    """Two instructors of different institutions without interest in the carrier, those with the fewest dossiers."""
    cast, organisation = story.world.cast, story.carrier.organisation_id
    free = [actor for actor in story.led.instructors if cast.is_free(actor, organisation)]
    first, second = free[:2]
    if story.stage.rng.random() < _TOGETHER:
        return first, second
    return min(combinations(free, 2), key=lambda pair: sum(cast.load.get(a.person_id or 0, 0) for a in pair))


def _seat(story: Story, *, derogation: str = "") -> None:
    pair = _pair(story)
    story.act(
        story.led.animator,
        "assign",
        first_id=pair[0].person_id,
        second_id=pair[1].person_id,
        derogation=derogation,
    )
    story.binome = list(pair)
    for actor in pair:
        story.world.cast.load[actor.person_id or 0] = story.world.cast.load.get(actor.person_id or 0, 0) + 1


def _assign(story: Story) -> None:
    _seat(story)


def _assign_alike(story: Story) -> None:
    """With a derogation, written as a precaution."""
    _seat(story, derogation=story.stage.say("alike"))


def _replace(story: Story) -> None:
    """Whoever sealed last, or else the second member, leaves; their opinion no longer counts."""
    sealed = [actor for actor in story.binome if actor.person_id in story.opinions]
    leaver = sealed[-1] if sealed else story.binome[1]
    stays = next(actor for actor in story.binome if actor is not leaver)
    newcomer = next(
        actor
        for actor in story.led.instructors
        if actor not in story.binome
        and actor.institution_id != stays.institution_id
        and story.world.cast.is_free(actor, story.carrier.organisation_id)
    )
    story.act(story.led.animator, "replace_member", leaver_id=leaver.person_id, newcomer_id=newcomer.person_id)
    story.opinions.pop(leaver.person_id or 0, None)
    story.binome[story.binome.index(leaver)] = newcomer


# --- experts ----------------------------------------------------------------------------------------------------


def _ask_expert(story: Story, due_on: str) -> None:
    cast = story.world.cast
    free = [row for row in cast.experts if (row[0], story.carrier.organisation_id) not in cast.expert_interests]
    expert_id, name = story.stage.rng.choice(free)
    case = story.act(
        story.binome[0], "consult_expert", expert_ids=[expert_id], question=story.stage.say("questions"), due_on=due_on
    )
    story.consultation = (case.result.id, name)


def _consult(story: Story) -> None:
    _ask_expert(story, story.due(3, 12))


def _expert(story: Story) -> Actor:
    number, name = story.consultation
    return Actor(None, name, consultation_id=number)


def _answer_expert(story: Story) -> None:
    stance = ("favourable", "with_reservations", "cannot_say")[story.dossier_id % 3]
    story.act(_expert(story), "answer", story.consultation[0], stance=stance, answer=story.stage.say("expert_answers"))


def _decline(story: Story) -> None:
    story.act(_expert(story), "decline", story.consultation[0], reason=story.stage.say("declined"))


def _hand_over(story: Story) -> None:
    """The expert proposes a colleague, and the binôme says yes."""
    colleague = {"colleague_name": "Collègue de l'expert", "colleague_email": "collegue@demo.binome.example"}
    number = story.consultation[0]
    story.act(_expert(story), "propose_colleague", number, **colleague, reason=story.stage.say("colleagues"))
    case = story.act(story.binome[1], "hand_over", number)
    story.consultation = (case.result.id, colleague["colleague_name"])


def _consult_in_vain(story: Story) -> None:
    """The expert does not answer; the scheduler notices it on the morning after the last day."""
    last = story.stage.today + timedelta(days=4)
    _ask_expert(story, last.isoformat())
    story.not_before = datetime.combine(last + timedelta(days=1), time(6), PARIS)


def _expire(story: Story) -> None:
    story.act(SYSTEM_ACTOR, "expire", story.consultation[0])


def _revoke(story: Story) -> None:
    story.act(story.binome[1], "revoke", story.consultation[0], reason=story.stage.say("revoked"))


# --- opinions ---------------------------------------------------------------------------------------------------


def _share(story: Story, share: float) -> dict[str, int]:
    """That share of what is asked on each line, rounded."""
    return {str(line.id): int(line.asked * share) // _ROUND * _ROUND for line in story.lines}


def _judgement(story: Story) -> dict[str, Any]:
    rng = story.stage.rng
    if "refuse" in story.steps and "uphold" not in story.steps:
        verdict, share = "unfavourable", 0.0
    else:
        verdict = rng.choice(("favourable", "favourable", "with_reservations"))
        share = rng.choice((1.0, 0.9, 0.8, 0.7))
    return {"verdict": verdict, "amounts": _share(story, share)}


def _scores(story: Story, author: Actor, judgement: Mapping[str, Any]) -> dict[str, int]:
    """A score for each criterion: one level at most from a judgement that is agreed with, else near what it is worth.

    An author may be a little severe. The chances are the author's own, so that the rest of the story stays.
    """
    rng = Random(f"{story.dossier_id}-{author.person_id}")  # noqa: S311 - a demonstration, no secret
    severe = ((author.person_id or 0) % 5 - 2) * 0.15
    worth = {"favourable": 3.2, "with_reservations": 2.6, "unfavourable": 1.4}[judgement["verdict"]]
    agreed = judgement.get("scores", {})
    criteria = map(str, story.world.criteria.get(story.led.instance_id, ()))
    return {
        one: min(
            4,
            max(
                0,
                agreed[one] + rng.choice((-1, 0, 0, 0, 1)) if one in agreed else round(rng.gauss(worth - severe, 0.5)),
            ),
        )
        for one in criteria
    }


def _next_author(story: Story) -> Actor:
    return next(actor for actor in story.binome if actor.person_id not in story.opinions)


def _write(story: Story, name: str, judgement: dict[str, Any]) -> None:
    author = _next_author(story)
    texts = {"strengths": story.stage.say("strengths"), "reservations": story.stage.say("reservations")}
    judgement = {**judgement, "scores": _scores(story, author, judgement)}
    story.act(author, name, None, **judgement, **texts)
    if name == "seal_opinion":
        story.opinions[author.person_id or 0] = judgement


def _note(story: Story) -> None:
    """One member has begun to write."""
    _write(story, "save_opinion", _judgement(story))


def _seal(story: Story) -> None:
    """The second one agrees with the first."""
    first = next(iter(story.opinions.values())) if story.opinions else _judgement(story)
    _write(story, "seal_opinion", first)


def _seal_other(story: Story) -> None:
    """The second one does not agree."""
    _write(story, "seal_opinion", {"verdict": "unfavourable", "amounts": _share(story, 0.3)})


def _sign(story: Story) -> None:
    """One member writes a joint opinion and signs it."""
    case = story.act(
        story.binome[0],
        "sign_joint_opinion",
        verdict="with_reservations",
        body=story.stage.say("joint"),
        amounts=_share(story, 0.6),
    )
    story.joint_id = case.details["joint_opinion"]


def _countersign(story: Story) -> None:
    story.act(story.binome[1], "sign_joint_opinion", joint_id=story.joint_id)
    story.opinions = {actor.person_id or 0: {"amounts": _share(story, 0.6)} for actor in story.binome}


def _arbitrate(story: Story) -> None:
    amounts = _share(story, 0.5)
    story.act(
        story.led.animator,
        "arbitrate",
        verdict="with_reservations",
        reason=story.stage.say("arbitration"),
        amounts=amounts,
    )
    story.opinions = {actor.person_id or 0: {"amounts": amounts} for actor in story.binome}


def _issue(story: Story) -> None:
    story.act(story.binome[1], "issue_opinion")
    proposed = next(iter(story.opinions.values()))["amounts"]
    for line in story.lines:
        line.proposed = proposed[str(line.id)]


def _reopen(story: Story) -> None:
    story.act(story.led.animator, "reopen_instruction", reason=story.stage.say("reopened"))
    story.opinions.clear()


STEPS: Mapping[str, Callable[[Story], None]] = {
    "assign": _assign,
    "assign_alike": _assign_alike,
    "replace": _replace,
    "consult": _consult,
    "consult_in_vain": _consult_in_vain,
    "answer_expert": _answer_expert,
    "decline": _decline,
    "hand_over": _hand_over,
    "expire": _expire,
    "revoke": _revoke,
    "note": _note,
    "seal": _seal,
    "seal_other": _seal_other,
    "sign": _sign,
    "countersign": _countersign,
    "arbitrate": _arbitrate,
    "issue": _issue,
    "reopen": _reopen,
}
