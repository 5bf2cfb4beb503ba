"""Journey of the control: the draw, the missions, their findings, the closing."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from states.control import CONTROL
from states.dossier import CONTROLLER, DOSSIER
from states.machine import Reason
from states.words import N_
from workflow import journal
from workflow.access import Actor
from workflow.acts import Act, Case
from workflow.common_grids import newest
from workflow.errors import Invalid, NotFound, Refused
from workflow.findings import mark
from workflow.forms import LONG, Cents, Choice, Day, Form, Reference, Text, read
from workflow.ledger import totals
from workflow.models import Campaign, ControlGrid, Dossier, LedgerLine, Mission, Sample, SamplePlan, SampleUnit
from workflow.reminder_rules import working_days
from workflow.sampling.draw import population_hash, tickets
from workflow.sampling_plans import PURPOSES
from workflow.transition import move
from workflow.use_cases.experts import Answer

OUTCOME_LABELS = {
    "none": N_("Rien à signaler"),
    "recommendation": N_("Recommandation"),
    "payback": N_("Somme à rembourser"),
}
TOO_FEW = N_("La campagne compte moins de dossiers financés que cela.")
POPULATION = PURPOSES["control"].population
"""A draw is made over the campaign's funded dossiers that are followed up or evaluated."""


class DrawForm(Form):
    """The parameters of a draw. Without a seed, one is made and recorded."""

    campaign_id = Reference(N_("Campagne"), "campaigns", required=True)
    size = fields.Integer(
        required=True,
        validate=validate.Range(min=1, error=N_("Au moins un dossier.")),
        metadata={"label": N_("Taille de l'échantillon"), "widget": "int"},
    )
    seed = Text(
        N_("Graine du tirage"),
        load_default="",
        metadata={"help": N_("Un texte convenu à l'avance ; sans lui, une graine est tirée et enregistrée.")},
    )


def draw(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Sample:
    """Draw a simple sample at once and seal it, for the demonstration and whoever runs the server without a ceremony.

    Whoever draws chooses the seed: pages offer the ceremony of `use_cases.ceremony` instead. Controllers only.
    Raises Forbidden, Invalid, NotFound, or Refused where the campaign already has its draw, or a plan.
    """
    actor.require(CONTROLLER)
    data = read(DrawForm(), raw)
    campaign = session.get(Campaign, data["campaign_id"], with_for_update={"key_share": True})
    if campaign is None:
        raise NotFound("campaign")
    if session.scalar(select(Sample.id).where(Sample.campaign_id == campaign.id, Sample.purpose == "control")):
        raise Refused(
            Reason(
                "already_drawn",
                N_("Cette campagne a déjà son tirage."),
                N_("Un tirage scellé ne se refait pas ; consultez-le."),
            )
        )
    plans = select(SamplePlan.id).where(SamplePlan.campaign_id == campaign.id, SamplePlan.purpose == "control")
    if session.scalar(plans.limit(1)):
        raise Refused(
            Reason(
                "drawn_by_plan",
                N_("Le tirage de cette campagne se fait en public, selon un plan."),
                N_("Suivez le plan du tirage."),
            )
        )
    population = {number: dossier_id for dossier_id, number in _population(session, campaign.id)}
    size = data["size"]
    if size > len(population):
        raise Invalid({"size": [TOO_FEW]})
    seed = data["seed"] or secrets.token_hex(16)
    sample = Sample(
        campaign_id=campaign.id,
        seed=seed,
        size=size,
        population_size=len(population),
        population_hash=population_hash(population),
        drawn_at=now,
        drawn_by_id=actor.person_id,
    )
    session.add(sample)
    session.flush()
    units = [
        {
            "sample_id": sample.id,
            "dossier_id": population[number],
            "rank": rank,
            "ticket": ticket,
            "drawn": rank <= size,
        }
        for rank, (ticket, number) in enumerate(tickets(seed, population), start=1)
    ]
    session.execute(insert(SampleUnit), units)
    session.add_all(
        Mission(sample_id=sample.id, dossier_id=unit["dossier_id"], state=CONTROL.initial)
        for unit in units
        if unit["drawn"]
    )
    session.flush()
    sample.sealed_at = now
    journal.note(
        session,
        at=now,
        actor_id=actor.person_id,
        actor_name=actor.name,
        role=CONTROLLER,
        act="draw_sample",
        subject=f"sample:{sample.id}",
        details={
            "campaign": campaign.label,
            "seed": seed,
            "size": size,
            "population_size": len(population),
            "population_hash": sample.population_hash,
        },
    )
    return sample


def _population(session: Session, campaign_id: int) -> list[tuple[int, str]]:
    rows = session.execute(
        select(Dossier.id, Dossier.number).where(
            Dossier.campaign_id == campaign_id, Dossier.state.in_(POPULATION), Dossier.number.is_not(None)
        )
    )
    return [(row.id, str(row.number)) for row in rows]


def _mission(case: Case) -> Mission:
    if isinstance(case.subject, Mission):
        return case.subject
    mission = case.session.scalar(
        select(Mission).where(Mission.dossier_id == case.dossier.id).with_for_update(key_share=True)
    )
    if mission is None:
        raise NotFound("control")
    return mission


def _select_for_control(case: Case) -> None:
    mission = _mission(case)
    mission.controller_id = mission.controller_id or case.person_id


def _join_control(case: Case) -> None:
    _mission(case).second_id = case.person_id


class Controllers(Form):
    """The two who control a dossier."""

    first_id = Reference(N_("Premier contrôleur"), "controllers", required=True)
    second_id = Reference(N_("Second contrôleur"), "controllers", required=True)


def _name_controllers(case: Case) -> None:
    mission = _mission(case)
    mission.unsign()
    mission.controller_id, mission.second_id = case.data["first_id"], case.data["second_id"]
    case.details["controllers"] = sorted(one.name for one in case.facts.controllers)


class Announcement(Form):
    """When the control takes place, at the carrier's or on documents."""

    visit_on = Day(N_("Date du contrôle"), load_default=None)


def _announce(case: Case) -> None:
    mission = _mission(case)
    mission.visit_on = case.data["visit_on"]
    grid = newest(case.session, ControlGrid)
    mission.grid_id = grid.id if grid else None
    case.payload["on"] = case.data["visit_on"].isoformat()


class Findings(Form):
    """What was found, in words. Where there is a ledger, its lines say what is refused."""

    realisation = Text(N_("Constats sur la réalisation"), longest=LONG, load_default="")
    spending = Text(N_("Constats sur les dépenses"), longest=LONG, load_default="")
    refused_cents = Cents(N_("Dépenses refusées"), load_default=0)


def _lines(case: Case) -> Sequence[LedgerLine]:
    return case.session.scalars(select(LedgerLine).where(LedgerLine.mission_id == case.subject.id)).all()


def _write_findings(case: Case) -> None:
    mission, data = _mission(case), case.data
    if data["refused_cents"] and _lines(case):
        raise Invalid({"refused_cents": [N_("Le registre des dépenses dit ce qui est refusé : laissez vide.")]})
    before = mission.realisation, mission.spending, mission.refused_cents
    after = data["realisation"], data["spending"], data["refused_cents"]
    if after != before:
        mission.unsign()
        mission.realisation, mission.spending, mission.refused_cents = after


class Signature(Form):
    """The mark of the findings as they were shown; without it, those that stand."""

    seen = Text("", load_default="", metadata={"widget": "hidden"})


def _sign_findings(case: Case) -> None:
    mission = _mission(case)
    answers = [(one.item_id, one.verdict, one.observation, one.evidence) for one in mission.answers]
    if case.data["seen"] not in ("", mark(mission, answers, [(line.id, line.version) for line in _lines(case)])):
        raise Refused(
            Reason(
                "findings_unchanged",
                N_("Les constats ont changé depuis que vous les avez ouverts."),
                N_("Relisez-les tels qu'ils sont, puis confirmez."),
            )
        )
    mission.signed_by_id, mission.signed_at = case.person_id, case.now


class Sending(Form):
    """By when the carrier may answer."""

    due_on = Day(N_("Réponse du porteur attendue le"), load_default=None)


def _send_findings(case: Case) -> None:
    """The carrier's time ends on a working day: where it would not, on the next one."""
    mission = _mission(case)
    lines = _lines(case)
    if lines:
        mission.refused_cents = totals(lines).refused
    mission.found_at = case.now
    mission.reply_due_on = working_days(case.session).following(case.data["due_on"])
    case.details |= {"refused_cents": mission.refused_cents, "ledger_lines": len(lines)}
    case.payload["due_on"] = mission.reply_due_on.isoformat()


def _reply(case: Case) -> None:
    mission = _mission(case)
    mission.unsign()
    mission.reply, mission.replied_at = case.data["answer"], case.now


class Conclusion(Form):
    """The outcome of a control and its reasons."""

    outcome = Choice(N_("Suite donnée"), OUTCOME_LABELS, required=True)
    payback_cents = Cents(N_("Somme à rembourser"), load_default=None, allow_none=True)
    conclusion = Text(N_("Conclusion"), longest=LONG, required=True)


def _conclude(case: Case) -> None:
    """A sum is paid back with that outcome alone: the one given, else all that was refused."""
    mission = _mission(case)
    payback = case.data["payback_cents"]
    if case.data["outcome"] == "payback":
        mission.payback_cents = mission.refused_cents if payback is None else payback
        if not mission.payback_cents:
            raise Invalid({"payback_cents": [N_("Dites la somme à rembourser.")]})
        case.details["payback_cents"] = mission.payback_cents
    elif payback:
        raise Invalid({"payback_cents": [N_("Cette somme va avec la suite « Somme à rembourser ».")]})
    mission.outcome, mission.conclusion = case.data["outcome"], case.data["conclusion"]
    mission.concluded_at = case.now
    case.details["outcome"] = mission.outcome


def _conclude_control(case: Case) -> None:
    """The mission is concluded with the dossier's control, unless it already was."""
    mission = _mission(case)
    if mission.state != "concluded":
        move(case, CONCLUDE, mission)
    case.details["outcome"] = mission.outcome
    case.payload["outcome"] = mission.outcome


CONCLUDE = Act("conclude", CONTROL, Conclusion, _conclude)
ACTS = (
    Act("select_for_control", DOSSIER, Form, _select_for_control),
    Act("join_control", CONTROL, Form, _join_control),
    Act("name_controllers", CONTROL, Controllers, _name_controllers),
    Act("announce", CONTROL, Announcement, _announce),
    Act("write_findings", CONTROL, Findings, _write_findings),
    Act("sign_findings", CONTROL, Signature, _sign_findings),
    Act("send_findings", CONTROL, Sending, _send_findings),
    Act("reply", CONTROL, Answer, _reply),
    CONCLUDE,
    Act("conclude_control", DOSSIER, Conclusion, _conclude_control),
    Act("close", DOSSIER),
)
