"""Steps of the decision, the follow-up, the evaluation and the control."""

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta

from sqlalchemy import or_, select

from workflow.access import Actor
from workflow.calendars.working_days import next_working_day
from workflow.clock import PARIS
from workflow.control_grid import COMPLIANT, VERDICTS
from workflow.demo.story import Line, Story
from workflow.models import CommitteeSession
from workflow.models.follow_up import CRITERIA

_ROUND = 100_00
_LEAST = 300_00
_BY_BINOME = 0.25
_SHARED = 0.3
"""How often a voucher serves another action too."""
"""How often the binôme evaluates, and not the evaluator."""


def _table(story: Story) -> None:
    """Into the next session of the instance or of the territory."""
    next_one = (
        select(CommitteeSession.id)
        .where(
            CommitteeSession.campaign_id == story.campaign_id,
            or_(CommitteeSession.instance_id.is_(None), CommitteeSession.instance_id == story.led.instance_id),
            CommitteeSession.on >= story.stage.today,
        )
        .order_by(CommitteeSession.on, CommitteeSession.id)
        .limit(1)
    )
    with story.stage.database.read() as session:
        session_id = session.scalars(next_one).one()
    story.act(story.led.animator, "table", session_id=session_id)


def _defer(story: Story) -> None:
    line = story.lines[0]
    story.act(story.world.cast.funders[line.funder], "defer", reason=story.stage.say("deferred"))


def _settle(story: Story, line: Line, cents: int, motive: str = "") -> None:
    story.act(
        story.world.cast.funders[line.funder],
        "decide_request",
        request_id=line.id,
        amount_cents=cents,
        motive=motive,
    )
    line.decided, line.granted = True, cents


def _decide(story: Story) -> None:
    """One more funder decides: what is proposed or less, as far as its envelope goes."""
    purses, rng = story.world.purses, story.stage.rng
    waiting = [line for line in story.lines if not line.decided]
    line = rng.choice(waiting)
    purse = (story.campaign_id, line.funder, story.objective[0])
    purse = purse if purse in purses else (story.campaign_id, line.funder, "")
    is_last_hope = len(waiting) == 1 and not any(other.granted for other in story.lines)
    wanted = line.proposed or (line.asked // 2 if is_last_hope else 0)
    cents = int(wanted * rng.choice((1.0, 1.0, 1.0, 0.9, 0.7))) // _ROUND * _ROUND
    granted = min(cents, purses[purse] // _ROUND * _ROUND)
    if granted < _LEAST or (rng.random() < 0.1 and not is_last_hope):
        _settle(story, line, 0, story.stage.say("empty_envelope" if granted < cents else "refusals"))
        return
    _settle(story, line, granted)
    purses[purse] -= granted


def _refuse(story: Story) -> None:
    line = next(line for line in story.lines if not line.decided)
    _settle(story, line, 0, story.stage.say("refusals"))


# --- follow-up --------------------------------------------------------------------------------------------------


def _agree(story: Story) -> None:
    """The agreement on the next line that has none."""
    line = next((line for line in story.lines if line.granted and not line.agreed), None)
    if line is None:
        return
    story.act(
        story.world.cast.funders[line.funder],
        "sign_agreement",
        request_id=line.id,
        reference=f"{line.funder}-{story.world.campaigns[story.campaign][1]}-{line.id:04d}",
        signed_on=story.stage.today.isoformat(),
    )
    line.agreed = True


def _pay(story: Story, line: Line | None, kind: str, cents: int) -> None:
    if line is None:
        return
    story.act(
        story.world.cast.funders[line.funder],
        "record_payment",
        request_id=line.id,
        kind=kind,
        amount_cents=cents,
        paid_on=story.stage.today.isoformat(),
    )
    line.paid += cents


def _advance(story: Story) -> None:
    """More than half of the next line on which nothing was paid."""
    line = next((line for line in story.lines if line.agreed and not line.paid), None)
    share = story.stage.rng.choice((0.5, 0.6, 0.8))
    _pay(story, line, "advance", int(line.granted * share) if line else 0)


def _balance(story: Story) -> None:
    """What is left on the next line that is not fully paid."""
    line = next((line for line in story.lines if line.agreed and line.paid < line.granted), None)
    _pay(story, line, "balance", line.granted - line.paid if line else 0)


def _tell(story: Story, name: str, narrative: str, reached: float) -> None:
    budget = sum(line["amount_cents"] for line in story.form["expense"])
    story.act(
        story.carrier.actor,
        name,
        narrative=narrative,
        beneficiaries=int(story.form["beneficiaries"] * reached),
        spent_cents=int(budget * reached),
        indicators=story.stage.say("measured"),
    )


def _progress(story: Story) -> None:
    _tell(story, "submit_progress_report", story.stage.say("progress"), story.stage.rng.uniform(0.3, 0.6))


def _report(story: Story) -> None:
    _tell(story, "submit_final_report", story.stage.say("reports"), story.stage.rng.uniform(0.75, 1.1))


def _evaluator(story: Story) -> Actor:
    return story.binome[0] if story.stage.rng.random() < _BY_BINOME else story.led.evaluator


def _miss(story: Story) -> None:
    """The final report never came."""
    story.act(_evaluator(story), "establish_report_missing", reason=story.stage.say("reminders"))


def _cancel(story: Story) -> None:
    payback = sum(line.paid for line in story.lines) // 2
    story.act(story.carrier.actor, "cancel_action", reason=story.stage.say("cancelled"), payback_cents=payback)


def _evaluate(story: Story) -> None:
    rng = story.stage.rng
    grid = {criterion: rng.choices((1, 2, 3, 4), (1, 3, 5, 3))[0] for criterion in CRITERIA}
    recommendation = rng.choice(("renew", "renew", "renew_with_changes", "stop"))
    story.act(_evaluator(story), "evaluate", **grid, recommendation=recommendation, body=story.stage.say("evaluations"))


# --- control ----------------------------------------------------------------------------------------------------


def _controllers(story: Story) -> tuple[Actor, Actor]:
    """The two who keep the dossier from the first act to the last."""
    if story.controllers is None:
        cast = story.world.cast
        granted = {story.world.funders[line.funder] for line in story.lines if line.granted}
        free = [
            actor
            for actor in cast.controllers
            if cast.is_free(actor, story.carrier.organisation_id) and granted != {actor.institution_id}
        ]
        rng = story.stage.rng
        first = free[0] if rng.random() < 0.5 else rng.choice(free)
        story.controllers = first, rng.choice([actor for actor in free if actor != first])
    return story.controllers


def _controller(story: Story) -> Actor:
    return _controllers(story)[0]


def _second(story: Story) -> Actor:
    return _controllers(story)[1]


def _take(story: Story) -> None:
    story.act(_controller(story), "select_for_control")


def _announce(story: Story) -> None:
    story.act(_second(story), "join_control", story.mission_id)
    story.act(_controller(story), "announce", story.mission_id, visit_on=story.due(0, 6))


def _answers(story: Story) -> None:
    """The realisation grid, most of it as announced."""
    rng = story.stage.rng
    answers = {}
    for item_id in story.world.control_items:
        verdict = rng.choices(VERDICTS, (12, 3, 1, 1))[0]
        observation = "" if verdict == COMPLIANT else story.stage.say("gaps")
        answers[str(item_id)] = {"verdict": verdict, "observation": observation}
    story.act(_controller(story), "fill_grid", story.mission_id, answers=answers)


def _vouchers(story: Story) -> None:
    """The ledger: a voucher for each line of the budget, one of them sometimes refused in part."""
    rng = story.stage.rng
    doubted = rng.choice((None, 0, 1))
    for place, line in enumerate(story.form["expense"]):
        shared = rng.random() < _SHARED
        charged = line["amount_cents"] // 2 if shared else line["amount_cents"]
        refused = charged * rng.randrange(3, 20) // 100 if place == doubted else 0
        story.refused += refused
        story.act(
            _controller(story),
            "enter_expense",
            story.mission_id,
            spent_on=(story.stage.today - timedelta(days=60 + 20 * place)).isoformat(),
            label=line["label"],
            voucher=f"Facture {2027 * 10 + place}",
            amount_cents=line["amount_cents"],
            share=50_00 if shared else 100_00,
            refused_cents=refused,
            reason=story.stage.say("refused_spending") if refused else "",
        )


def _findings(story: Story) -> None:
    due_on = story.due(4, 12)
    if "conclude_unheard" in story.steps:
        last = next_working_day(story.stage.today + timedelta(days=5))
        due_on = last.isoformat()
        story.not_before = datetime.combine(last + timedelta(days=1), time(9), PARIS)
    _answers(story)
    _vouchers(story)
    story.act(
        _controller(story),
        "write_findings",
        story.mission_id,
        realisation=story.stage.say("realisation"),
        spending=story.stage.say("spending"),
    )
    story.act(_second(story), "sign_findings", story.mission_id)
    story.act(_controller(story), "send_findings", story.mission_id, due_on=due_on)


def _reply(story: Story) -> None:
    story.act(story.carrier.actor, "reply", story.mission_id, answer=story.stage.say("control_replies"))


def _conclude(story: Story) -> None:
    outcome = story.stage.rng.choice(
        ("recommendation", "payback") if story.refused else ("none", "none", "recommendation")
    )
    story.act(_second(story), "sign_findings", story.mission_id)
    story.act(_controller(story), "conclude_control", outcome=outcome, conclusion=story.stage.say("conclusions"))


def _close(story: Story) -> None:
    story.act(_controller(story), "close")


STEPS: Mapping[str, Callable[[Story], None]] = {
    "table": _table,
    "defer": _defer,
    "decide": _decide,
    "refuse": _refuse,
    "agree": _agree,
    "advance": _advance,
    "balance": _balance,
    "progress": _progress,
    "report": _report,
    "miss": _miss,
    "cancel": _cancel,
    "evaluate": _evaluate,
    "take": _take,
    "announce": _announce,
    "findings": _findings,
    "reply": _reply,
    "conclude": _conclude,
    "conclude_unheard": _conclude,
    "close": _close,
}
