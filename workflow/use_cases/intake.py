"""Journey of the deposit: draft, deposit, admissibility, routing, messages, withdrawal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import fields
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR, CARRIER, DOSSIER, TRANSVERSAL
from states.machine import Reason
from states.words import N_
from workflow import journal, links, routing
from workflow.access import Actor
from workflow.acts import Act, Case
from workflow.errors import Forbidden, Invalid, NotFound
from workflow.forms import LONG, Day, Form, Reference, Text, read, reason
from workflow.models import (
    AssociatedInstance,
    BinomeMember,
    Campaign,
    Consultation,
    Dossier,
    FundingRequest,
    Instance,
    Institution,
    JointOpinion,
    LateDeposit,
    Message,
    Opinion,
    Organisation,
    RoutingStep,
    RoutingVersion,
    SecretLink,
)
from workflow.pairing import effort
from workflow.plain import plain as plain
from workflow.rules import load_rules, localised, query_of, trail
from workflow.transition import due_date
from workflow.use_cases.draft import ACCOUNTS as ACCOUNTS
from workflow.use_cases.draft import ATTESTATION, Draft, edit_draft, search_text
from workflow.use_cases.draft import LEVEL_LABELS as LEVEL_LABELS
from workflow.use_cases.draft import NEED_LABELS as NEED_LABELS
from workflow.use_cases.organisations import KIND_LABELS as KIND_LABELS


def create(session: Session, actor: Actor, organisation_id: int, campaign_id: int, now: datetime) -> Dossier:
    """Open a draft for one of the actor's organisations. Raises Forbidden for another's, NotFound for no campaign."""
    actor.require(CARRIER)
    if organisation_id not in actor.organisations or actor.person_id is None:
        raise Forbidden(
            Reason("role", N_("Vous ne représentez pas cet organisme."), N_("Demandez à l'administrateur un accès."))
        )
    if session.get(Campaign, campaign_id) is None:
        raise NotFound("campaign")
    dossier = Dossier(
        campaign_id=campaign_id,
        organisation_id=organisation_id,
        state=DOSSIER.initial,
        state_since=now,
        created_at=now,
        created_by_id=actor.person_id,
        typed={},
    )
    late = session.scalar(
        select(func.max(LateDeposit.until)).where(
            LateDeposit.campaign_id == campaign_id, LateDeposit.organisation_id == organisation_id
        )
    )
    deadline = due_date(session, dossier, dossier.state, None)
    dossier.due_on = max(deadline, late) if deadline and late else deadline
    session.add(dossier)
    session.flush()
    links.make(session, "tracking", {"dossier_id": dossier.id}, now)
    journal.note(
        session,
        at=now,
        actor_id=actor.person_id,
        actor_name=actor.name,
        role=CARRIER,
        act="create",
        subject=f"dossier:{dossier.id}",
        dossier_id=dossier.id,
        dossier_version=1,
        to_state=DOSSIER.initial,
    )
    return dossier


# --- the deposit ------------------------------------------------------------------------------------------------


class Submission(Form):
    """The sworn statement, where it was not already made in the last step."""

    attested = fields.Boolean(load_default=False, metadata=ATTESTATION)


def _submit(case: Case) -> None:
    dossier = case.dossier
    dossier.attested = True
    dossier.number = _next_number(case)
    dossier.submitted_at = case.now
    dossier.search_text = search_text(dossier)
    lines = case.session.execute(
        select(Institution.funder_code, FundingRequest.asked_cents)
        .join(Institution, Institution.id == FundingRequest.funder_id)
        .where(FundingRequest.dossier_id == dossier.id)
    ).all()
    asked = sum(line.asked_cents for line in lines)
    dossier.effort = effort.estimate(asked, len(lines), first=dossier.need == "first")
    _route(case, query_of(dossier, asked, [line.funder_code or "" for line in lines], case.today))
    case.details["number"] = dossier.number
    case.payload["link_id"] = case.session.scalar(
        select(func.max(SecretLink.id)).where(SecretLink.dossier_id == dossier.id)
    )


_NEXT = text(
    "INSERT INTO number_series (campaign_id, last) VALUES (:campaign, 1) "
    "ON CONFLICT (campaign_id) DO UPDATE SET last = number_series.last + 1 RETURNING last"
)


def _next_number(case: Case) -> str:
    campaign = case.dossier.campaign
    rank = case.session.execute(_NEXT, {"campaign": campaign.id}).scalar_one()
    return f"{campaign.year}-{rank:04d}"


def _route(case: Case, query: routing.Query) -> None:
    """Lead and associated instances by the rules in force; none where nothing matches."""
    dossier = case.dossier
    rules = load_rules(case.session)
    routed = routing.route(rules, query)
    if routed.rule:
        dossier.instance_id, associated = localised(case.session, routed.rule, dossier.commune_id)
        case.session.add_all(
            AssociatedInstance(dossier_id=dossier.id, instance_id=instance_id) for instance_id in associated
        )
    # The newest version is asked for in the INSERT itself.
    version = select(func.max(RoutingVersion.id)).scalar_subquery()
    _routed(case, routed.reason, None, version_id=version, trail=trail(routing.explain(rules, query)))


def _routed(case: Case, why: str, by: int | None, **how: Any) -> None:
    dossier = case.dossier
    case.session.add(
        RoutingStep(dossier_id=dossier.id, instance_id=dossier.instance_id, reason=why, at=case.now, by_id=by, **how)
    )
    case.details["routing"] = why


class LateDepositForm(Form):
    """A derogation for a carrier's late deposit."""

    organisation_id = Reference(N_("Porteur"), "organisations", required=True)
    campaign_id = Reference(N_("Campagne"), "campaigns", required=True)
    until = Day(N_("Dépôt possible jusqu'au"), required=True)
    reason = Text(N_("Motif de la dérogation"), longest=LONG, required=True)


def allow_late_deposit(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> LateDeposit:
    """Write a late-deposit derogation: the carrier's drafts are due by its day. Animators only.

    Raises Forbidden or Invalid.
    """
    actor.require(ANIMATOR)
    data = read(LateDepositForm(), raw)
    for name, model in (("organisation_id", Organisation), ("campaign_id", Campaign)):
        if session.get(model, data[name]) is None:
            raise Invalid({name: [N_("Choisissez dans la liste.")]})
    derogation = LateDeposit(**data, by_id=actor.person_id, at=now)
    session.add(derogation)
    session.flush()
    session.execute(
        update(Dossier)
        .where(
            Dossier.campaign_id == derogation.campaign_id,
            Dossier.organisation_id == derogation.organisation_id,
            Dossier.state == DOSSIER.initial,
            Dossier.due_on < derogation.until,
        )
        .values(
            due_on=derogation.until,
            due_version=Dossier.due_version + 1,
            due_since=now,
            reminders_planned=False,
        )
    )
    journal.note(
        session,
        at=now,
        actor_id=actor.person_id,
        actor_name=actor.name,
        role=ANIMATOR,
        act="allow_late_deposit",
        subject=f"late_deposit:{derogation.id}",
        reason=derogation.reason,
        details={"organisation_id": derogation.organisation_id, "until": derogation.until.isoformat()},
    )
    return derogation


# --- admissibility, routing ---------------------------------------------------------------------------


class Reasoned(Form):
    """An act that asks for its motive."""

    reason = reason()


def _declare_inadmissible(case: Case) -> None:
    case.dossier.notified_at = case.now
    case.payload["reason"] = case.data["reason"]


class Rerouting(Form):
    """Another lead instance, and why."""

    instance_id = Reference(N_("Instance"), "instances", required=True)
    reason = reason(N_("Pourquoi cette instance"))


def _reroute(case: Case) -> None:
    """The binôme is dissolved; its opinions and a joint text under way no longer count."""
    instance = case.session.get(Instance, case.data["instance_id"])
    if instance is None:
        raise Invalid({"instance_id": [N_("Choisissez dans la liste.")]})
    before = case.dossier.instance.label if case.dossier.instance else None
    case.payload["former_instance_id"] = case.dossier.instance_id
    back_and_forth = TRANSVERSAL not in case.roles and _led_before(case, instance.id)
    case.session.execute(
        update(BinomeMember)
        .where(BinomeMember.dossier_id == case.dossier.id, BinomeMember.left_at.is_(None))
        .values(left_at=case.now)
    )
    for opinion in (Opinion, JointOpinion):
        case.session.execute(
            update(opinion)
            .where(opinion.dossier_id == case.dossier.id, opinion.superseded_at.is_(None))
            .values(superseded_at=case.now)
        )
    case.session.execute(
        delete(AssociatedInstance).where(
            AssociatedInstance.dossier_id == case.dossier.id, AssociatedInstance.instance_id == instance.id
        )
    )
    case.dossier.instance_id = None if back_and_forth else instance.id
    case.details |= {"from_instance": before, "to_instance": instance.label, "back_and_forth": back_and_forth}
    _routed(case, case.data["reason"], case.actor.person_id)


def _led_before(case: Case, instance_id: int) -> bool:
    """Whether an instance led the dossier already: sent back to it, the transversal committee decides."""
    steps = select(RoutingStep.id).where(
        RoutingStep.dossier_id == case.dossier.id, RoutingStep.instance_id == instance_id
    )
    return case.session.scalar(steps.limit(1)) is not None


# --- messages, withdrawal ------------------------------------------------------------------------------------------


class MessageForm(Form):
    """What is said to the other side."""

    body = Text(N_("Votre message"), longest=LONG, required=True)


def _send_message(case: Case) -> None:
    message = Message(
        dossier_id=case.dossier.id,
        author_id=case.person_id,
        role=CARRIER if CARRIER in case.roles else next(iter(sorted(case.roles & {"binome", ANIMATOR}))),
        body=case.data["body"],
        at=case.now,
    )
    case.session.add(message)
    case.session.flush()
    case.details["message"] = message.id
    case.payload["mark"] = message.id


def _withdraw(case: Case) -> None:
    """Nobody goes on working for a withdrawn dossier: the experts' links end with it."""
    asked = select(Consultation.id).where(Consultation.dossier_id == case.dossier.id, Consultation.state == "asked")
    case.session.execute(update(SecretLink).where(SecretLink.consultation_id.in_(asked)).values(ended_at=case.now))
    case.payload["reason"] = case.data["reason"]


ACTS = (
    Act("edit_draft", DOSSIER, Draft, edit_draft, quiet=True),
    Act("submit", DOSSIER, Submission, _submit),
    Act("declare_inadmissible", DOSSIER, Reasoned, _declare_inadmissible),
    Act("reroute", DOSSIER, Rerouting, _reroute),
    Act("send_message", DOSSIER, MessageForm, _send_message, versioned=False),
    Act("withdraw", DOSSIER, Reasoned, _withdraw),
)
