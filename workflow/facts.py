"""Reads the facts that guards look at: each group of facts in one place, and only the groups that are asked for."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, false, func, or_, select, true
from sqlalchemy import case as when
from sqlalchemy.orm import aliased, selectinload

from states.dossier import CONTROLLER
from states.facts import Controller, Facts, Member, Reviewer
from states.review import ELIGIBLE
from states.words import N_
from workflow import campaigns
from workflow.access import INSTRUCTOR, involvements, took_part
from workflow.acts import Case
from workflow.clock import local_day
from workflow.lines import envelope_for, own_line
from workflow.models import (
    Agreement,
    BinomeMember,
    BudgetLine,
    CommitteeSession,
    Consultation,
    ControlItem,
    Criterion,
    Dossier,
    Expert,
    ExpertInterest,
    FundingRequest,
    Interest,
    JointOpinion,
    JointSignature,
    LateDeposit,
    LedgerLine,
    LocalInterest,
    Mission,
    Opinion,
    Person,
    Piece,
    RealisationAnswer,
    Report,
    Review,
    ReviewCriterion,
    ReviewScore,
    RoleGrant,
    Sample,
    SampleUnit,
)
from workflow.models.follow_up import CRITERIA
from workflow.models.instruction import THIRD
from workflow.opinions import Content, agreeing

Found = Mapping[str, Any]
_READERS: dict[str, Callable[[Case], Found]] = {}


def _reads(*names: str) -> Callable[[Callable[[Case], Found]], Callable[[Case], Found]]:
    def register(reader: Callable[[Case], Found]) -> Callable[[Case], Found]:
        _READERS.update(dict.fromkeys(names, reader))
        return reader

    return register


def collect(case: Case, names: Iterable[str]) -> Facts:
    """The facts `names` about `case`; every other fact keeps its default."""
    wanted = set(names)
    found: dict[str, Any] = {}
    for reader in dict.fromkeys(_READERS[name] for name in sorted(wanted)):
        found |= reader(case)
    return Facts(**{name: value for name, value in found.items() if name in wanted})


@_reads("today", "reason", "question", "answer", "due_on", "named_pieces", "target_instance_id", "payback")
def _typed(case: Case) -> Found:
    data = case.data
    subject_due = case.subject.due_on if isinstance(case.subject, Consultation) else None
    return {
        "today": case.today,
        "reason": data.get("reason", ""),
        "question": data.get("question", ""),
        "answer": data.get("answer", ""),
        "due_on": data.get("due_on") or data.get("visit_on") or subject_due,
        "named_pieces": len(data.get("pieces", ())),
        "target_instance_id": data.get("instance_id"),
        "payback": data.get("payback_cents"),
    }


REQUIRED = {
    "title": N_("titre de l'action"),
    "objective_id": N_("objectif opérationnel"),
    "level": N_("échelle du territoire"),
    "need": N_("première demande ou renouvellement"),
    "summary": N_("description de l'action"),
    "public": N_("public visé"),
    "beneficiaries": N_("nombre de bénéficiaires"),
    "starts_on": N_("date de début"),
    "ends_on": N_("date de fin"),
    "indicators": N_("indicateurs d'évaluation"),
}
"""What a dossier must hold to be deposited, with the words of the form."""


@_reads("missing_fields", "attested", "instance_id", "notified_on", "dossier_state")
def _form(case: Case) -> Found:
    dossier = case.dossier
    missing = [label for name, label in REQUIRED.items() if getattr(dossier, name) in (None, "")]
    if dossier.level == "commune" and dossier.commune_id is None:
        missing.append(N_("commune"))
    if any(dossier.typed.values()):
        missing.append(N_("réponses signalées en erreur"))
    return {
        "missing_fields": tuple(missing),
        "attested": dossier.attested or bool(case.data.get("attested")),
        "instance_id": dossier.instance_id,
        "dossier_state": dossier.state,
        "notified_on": local_day(dossier.notified_at) if dossier.notified_at else None,
    }


@_reads("expenses", "incomes")
def _budget(case: Case) -> Found:
    rows = case.session.execute(
        select(BudgetLine.side, func.sum(BudgetLine.amount_cents))
        .where(BudgetLine.dossier_id == case.dossier.id)
        .group_by(BudgetLine.side)
    )
    sums = {side: int(total) for side, total in rows}
    return {"expenses": sums.get("expense", 0), "incomes": sums.get("income", 0)}


@_reads("requests", "pending_requests", "granted_requests", "decided_requests")
def _requests(case: Case) -> Found:
    rows = case.session.execute(
        select(FundingRequest.decision, func.count())
        .where(FundingRequest.dossier_id == case.dossier.id)
        .group_by(FundingRequest.decision)
    )
    counts = {decision: int(number) for decision, number in rows}
    pending, granted, refused = (counts.get(name, 0) for name in ("pending", "granted", "refused"))
    return {
        "requests": pending + granted + refused,
        "pending_requests": pending,
        "granted_requests": granted,
        "decided_requests": granted + refused,
    }


@_reads("deposit_open", "deposit_deadline", "late_deposit_allowed")
def _deposit(case: Case) -> Found:
    dates = campaigns.dates(case.session, case.dossier.campaign_id)
    opens, deadline = dates.get("call_opens"), dates.get("deposit_deadline")
    late = case.session.scalar(
        select(LateDeposit.id)
        .where(
            LateDeposit.campaign_id == case.dossier.campaign_id,
            LateDeposit.organisation_id == case.dossier.organisation_id,
            LateDeposit.until >= case.today,
        )
        .limit(1)
    )
    return {
        "deposit_open": opens is not None and deadline is not None and opens <= case.today <= deadline,
        "deposit_deadline": deadline,
        "late_deposit_allowed": late is not None,
    }


@_reads("unanswered_pieces")
def _pieces(case: Case) -> Found:
    """What is still unanswered once the answers given with the act itself are counted."""
    sent = (case.data.get(part, {}) for part in ("answers", "files"))
    given = [piece_id for part in sent for piece_id, answer in part.items() if answer]
    labels = case.session.scalars(
        select(Piece.label)
        .where(Piece.dossier_id == case.dossier.id, Piece.answered_at.is_(None), Piece.id.not_in(given))
        .order_by(Piece.id)
    )
    return {"unanswered_pieces": tuple(labels)}


@_reads("answers_to_review", "returned_pieces")
def _review(case: Case) -> Found:
    waiting = select(func.count()).where(
        Piece.dossier_id == case.dossier.id, Piece.answered_at.is_not(None), Piece.judged_at.is_(None)
    )
    given = case.data.get("verdicts", {}).values()
    return {"answers_to_review": case.session.scalar(waiting), "returned_pieces": list(given).count("returned")}


@_reads("binome_stands")
def _binome(case: Case) -> Found:
    seated = case.session.scalar(
        select(func.count()).where(BinomeMember.dossier_id == case.dossier.id, BinomeMember.left_at.is_(None))
    )
    return {"binome_stands": bool(seated)}


@_reads("members", "institutions_derogation", "effort")
def _members(case: Case) -> Found:
    """The memberships stay locked until the act is done: two acts at once cannot spend the same effort points."""
    ids = proposed_members(case)
    dossier = case.dossier
    locked = select(RoleGrant.id).where(
        RoleGrant.person_id.in_(ids),
        RoleGrant.role == INSTRUCTOR,
        RoleGrant.instance_id == dossier.instance_id,
        RoleGrant.ended_at.is_(None),
    )
    case.session.scalars(locked.order_by(RoleGrant.id).with_for_update(key_share=True)).all()
    instructs = and_(
        RoleGrant.person_id == Person.id,
        RoleGrant.role == INSTRUCTOR,
        RoleGrant.instance_id == dossier.instance_id,
        RoleGrant.ended_at.is_(None),
    )
    carrying = aliased(RoleGrant)
    carries = select(carrying.id).where(
        carrying.person_id == Person.id, carrying.organisation_id == dossier.organisation_id
    )
    interested = select(Interest.id).where(
        Interest.person_id == Person.id, Interest.organisation_id == dossier.organisation_id
    )
    local = select(LocalInterest.id).where(
        LocalInterest.person_id == Person.id, LocalInterest.commune_id == dossier.commune_id
    )
    controls = select(Mission.id).where(
        Mission.dossier_id == dossier.id, or_(Mission.controller_id == Person.id, Mission.second_id == Person.id)
    )
    rows = case.session.execute(
        select(
            Person.id,
            Person.name,
            Person.institution_id,
            RoleGrant.id.label("grant_id"),
            RoleGrant.trained_on,
            or_(carries.exists(), interested.exists(), local.exists(), controls.exists()).label("conflict"),
            RoleGrant.capacity,
            points_held(dossier.campaign_id, dossier.instance_id, besides=dossier.id).label("held"),
        )
        .outerjoin(RoleGrant, instructs)
        .where(Person.id.in_(ids), Person.active)
    )
    members = tuple(
        Member(
            person_id=row.id,
            name=row.name,
            institution_id=row.institution_id,
            in_instance=row.grant_id is not None,
            trained=row.trained_on is not None and row.trained_on <= case.today,
            conflict=bool(row.conflict),
            points_left=(row.capacity or 0) - row.held,
        )
        for row in rows
    )
    derogation = bool(case.data.get("derogation"))
    return {"members": members, "institutions_derogation": derogation, "effort": dossier.effort}


def points_held(campaign_id: int, instance_id: int | None, *, besides: int | None = None) -> ScalarSelect[int]:
    """The effort points of a campaign's dossiers of an instance on which the `Person` of the row sits."""
    return (
        select(func.coalesce(func.sum(Dossier.effort), 0))
        .select_from(BinomeMember)
        .join(Dossier, Dossier.id == BinomeMember.dossier_id)
        .where(
            BinomeMember.person_id == Person.id,
            BinomeMember.left_at.is_(None),
            Dossier.campaign_id == campaign_id,
            Dossier.instance_id == instance_id,
            Dossier.state != "withdrawn",
            Dossier.id != besides if besides else true(),
        )
        .correlate(Person)
        .scalar_subquery()
    )


def proposed_members(case: Case) -> tuple[int, ...]:
    """Whom an act proposes: both members named, who stays and the newcomer, or a third instructor."""
    data = case.data
    if "third_id" in data:
        return (data["third_id"],)
    if "leaver_id" not in data:
        return tuple(data[name] for name in ("first_id", "second_id") if name in data)
    staying = case.session.scalars(
        select(BinomeMember.person_id).where(
            BinomeMember.dossier_id == case.dossier.id,
            BinomeMember.left_at.is_(None),
            BinomeMember.seat != THIRD,
            BinomeMember.person_id != data["leaver_id"],
        )
    )
    return (*staying, data["newcomer_id"])


@_reads("noted", "asked_until", "colleague_proposed")
def _asked(case: Case) -> Found:
    asked = case.subject if isinstance(case.subject, Consultation) else None
    return {
        "noted": asked is not None and asked.note is not None,
        "asked_until": asked.due_on if asked is not None else None,
        "colleague_proposed": asked is not None and asked.colleague_email is not None,
    }


@_reads("expert_conflict", "expert_retired")
def _expert(case: Case) -> Found:
    """Of an expert chosen in the directory, or of the one there whose address was typed."""
    address = case.data.get("expert_email", "").lower()
    named = or_(Expert.id.in_(case.data.get("expert_ids", ())), Expert.email == address)
    conflict, retired = case.session.execute(_standing(case, named, address)).one()
    return {"expert_conflict": conflict, "expert_retired": retired}


@_reads("colleague_conflict", "colleague_retired", "colleague_asked")
def _colleague(case: Case) -> Found:
    """Of whom an expert proposes to ask instead: what the directory knows, and whether they have the question too."""
    subject = case.subject
    if not isinstance(subject, Consultation) or subject.colleague_email is None:
        return {}
    named = Expert.email == subject.colleague_email
    same = (
        select(Consultation.id)
        .join(Expert, Expert.id == Consultation.expert_id)
        .where(
            named,
            Consultation.dossier_id == case.dossier.id,
            Consultation.question == subject.question,
            Consultation.state.in_(("asked", "answered")),
        )
    )
    standing = _standing(case, named, subject.colleague_email)
    row = case.session.execute(standing.add_columns(same.exists())).one()
    return {"colleague_conflict": row[0], "colleague_retired": row[1], "colleague_asked": row[2]}


def _standing(case: Case, named: ColumnElement[bool], address: str) -> Select[bool, bool]:
    """Whether experts have an interest in the carrier, by the directory or as a person of that address; are retired."""
    carrier = case.dossier.organisation_id
    declared = select(ExpertInterest.id).join(Expert, Expert.id == ExpertInterest.expert_id)
    carries = select(RoleGrant.id).join(Person, Person.id == RoleGrant.person_id)
    interested = select(Interest.id).join(Person, Person.id == Interest.person_id)
    same = Person.email == address
    return select(
        or_(
            declared.where(named, ExpertInterest.organisation_id == carrier).exists(),
            carries.where(same, RoleGrant.organisation_id == carrier).exists(),
            interested.where(same, Interest.organisation_id == carrier).exists(),
        ),
        select(Expert.id).where(named, Expert.retired_at.is_not(None)).exists(),
    )


@_reads("consultations", "open_consultations")
def _consultations(case: Case) -> Found:
    row = case.session.execute(
        select(func.count(), func.coalesce(func.sum(when((Consultation.state == "asked", 1), else_=0)), 0)).where(
            Consultation.dossier_id == case.dossier.id
        )
    ).one()
    return {"consultations": int(row[0]), "open_consultations": int(row[1])}


def _seats(case: Case) -> list[Any]:
    """Who sits in the binôme, by seat, each with their standing opinion (None where there is none)."""
    standing = and_(
        Opinion.dossier_id == BinomeMember.dossier_id,
        Opinion.author_id == BinomeMember.person_id,
        Opinion.superseded_at.is_(None),
    )
    rows = case.session.execute(
        select(BinomeMember.seat, BinomeMember.person_id, Opinion)
        .outerjoin(Opinion, standing)
        .where(BinomeMember.dossier_id == case.dossier.id, BinomeMember.left_at.is_(None))
        .order_by(BinomeMember.seat)
        .options(selectinload(Opinion.amounts), *([selectinload(Opinion.scores)] if case.dossier.grid_id else []))
    )
    return list(rows)


def standing_opinions(case: Case) -> list[Opinion]:
    """The opinions of the members now seated, by seat, with their amounts and, where there is a grid, scores."""
    return [row.Opinion for row in _seats(case) if row.Opinion]


def contents(case: Case, opinions: Iterable[Opinion]) -> list[Content]:
    """What opinions on the dossier say. Where there is no grid, no scores are asked for."""
    return [
        Content(
            opinion.author_id,
            opinion.verdict,
            {amount.request_id: amount.proposed_cents for amount in opinion.amounts},
            {score.criterion_id: score.score for score in opinion.scores} if case.dossier.grid_id else {},
            opinion.sealed_at is not None,
        )
        for opinion in opinions
    ]


@_reads("third_apart")
def _third(case: Case) -> Found:
    """Whether the third instructor is somebody else, of an institution of their own or by derogation."""
    person = case.session.get(Person, case.data.get("third_id"))
    seats = case.session.execute(
        select(BinomeMember.person_id, BinomeMember.institution_id).where(
            BinomeMember.dossier_id == case.dossier.id, BinomeMember.left_at.is_(None), BinomeMember.seat != THIRD
        )
    ).all()
    apart = person is not None and person.institution_id not in {seat.institution_id for seat in seats}
    someone_else = person is not None and person.id not in {seat.person_id for seat in seats}
    return {"third_apart": someone_else and (apart or bool(case.data.get("derogation")))}


@_reads("sealed_opinions", "own_opinion_sealed", "third_awaited", "opinions_agree", "joint_signatures", "arbitrated")
def _opinions(case: Case) -> Found:
    seats = _seats(case)
    opinions = [row.Opinion for row in seats if row.Opinion]
    sealed = {opinion.author_id for opinion in opinions if opinion.sealed_at is not None}
    joint = case.session.execute(
        select(JointOpinion.basis, func.count(JointSignature.person_id))
        .outerjoin(JointSignature)
        .where(JointOpinion.dossier_id == case.dossier.id, JointOpinion.superseded_at.is_(None))
        .group_by(JointOpinion.id, JointOpinion.basis)
    ).first()
    return {
        "sealed_opinions": len(sealed),
        "own_opinion_sealed": case.actor.person_id in sealed,
        "third_awaited": any(row.seat == THIRD and row.person_id not in sealed for row in seats),
        "opinions_agree": agreeing(contents(case, opinions)) is not None,
        "joint_signatures": joint[1] if joint else 0,
        "arbitrated": joint is not None and joint[0] == "arbitrated",
    }


@_reads("missing_opinion_fields")
def _opinion_form(case: Case) -> Found:
    data = case.data
    missing = [
        label for name, label in (("verdict", N_("avis")), ("strengths", N_("points forts"))) if not data.get(name)
    ]
    if data.get("verdict") in ("with_reservations", "unfavourable") and not data.get("reservations"):
        missing.append(N_("réserves"))
    grid = select(Criterion.id).where(Criterion.grid_id == case.dossier.grid_id)
    if case.dossier.grid_id and set(case.session.scalars(grid)) - set(data.get("scores", {})):
        missing.append(N_("note de chaque critère"))
    lines = set(case.session.scalars(select(FundingRequest.id).where(FundingRequest.dossier_id == case.dossier.id)))
    if lines - set(data.get("amounts", {})):
        missing.append(N_("montant proposé à chaque financeur"))
    return {"missing_opinion_fields": tuple(missing)}


@_reads("committee_ahead", "committee_on")
def _committee(case: Case) -> Found:
    """The campaign's day of committees, and whether it or a session that takes the dossier is still to come."""
    on = campaigns.dates(case.session, case.dossier.campaign_id).get("technical_committee")
    if on is None or case.today <= on:
        return {"committee_ahead": True, "committee_on": on}
    session = case.session.scalar(
        select(CommitteeSession.id)
        .where(
            CommitteeSession.campaign_id == case.dossier.campaign_id,
            CommitteeSession.on >= case.today,
            CommitteeSession.cancelled_at.is_(None),
            or_(CommitteeSession.instance_id.is_(None), CommitteeSession.instance_id == case.dossier.instance_id),
        )
        .limit(1)
    )
    return {"committee_ahead": session is not None, "committee_on": on}


@_reads("session_chosen")
def _session(case: Case) -> Found:
    found = case.session.scalar(
        select(CommitteeSession.id).where(
            CommitteeSession.id == case.data.get("session_id"),
            CommitteeSession.campaign_id == case.dossier.campaign_id,
            CommitteeSession.cancelled_at.is_(None),
            or_(CommitteeSession.instance_id.is_(None), CommitteeSession.instance_id == case.dossier.instance_id),
        )
    )
    return {"session_chosen": found is not None}


@_reads("request_is_pending", "amount", "asked", "left_in_envelope")
def _line(case: Case) -> Found:
    line = own_line(case)
    envelope = envelope_for(case, line)
    return {
        "request_is_pending": line.decision == "pending",
        "amount": case.data.get("amount_cents", 0),
        "asked": line.asked_cents,
        "left_in_envelope": envelope.total_cents - envelope.granted_cents if envelope else None,
    }


@_reads("granted", "paid", "agreement_signed")
def _granted(case: Case) -> Found:
    """Of the line that the act names, or of the whole dossier."""
    if "request_id" in case.data:
        line = own_line(case)
        signed = case.session.scalar(select(Agreement.id).where(Agreement.request_id == line.id))
        return {
            "granted": line.granted_cents or 0,
            "paid": line.paid_cents,
            "agreement_signed": signed is not None,
        }
    row = case.session.execute(
        select(
            func.coalesce(func.sum(FundingRequest.granted_cents), 0),
            func.coalesce(func.sum(FundingRequest.paid_cents), 0),
        ).where(FundingRequest.dossier_id == case.dossier.id)
    ).one()
    granted, paid = row
    return {"granted": int(granted or 0), "paid": int(paid or 0), "agreement_signed": False}


@_reads("final_report_received", "final_report_never_sent")
def _final_report(case: Case) -> Found:
    received = case.session.scalar(
        select(Report.received).where(Report.dossier_id == case.dossier.id, Report.kind == "final")
    )
    return {"final_report_received": received is True, "final_report_never_sent": received is False}


@_reads("final_report_due_on")
def _final_report_due(case: Case) -> Found:
    dates = campaigns.dates(case.session, case.dossier.campaign_id)
    return {"final_report_due_on": dates.get("final_report")}


@_reads("missing_grid_fields")
def _grid(case: Case) -> Found:
    names = (*CRITERIA, "recommendation", "body")
    return {"missing_grid_fields": tuple(name for name in names if case.data.get(name) in (None, ""))}


@_reads("actor_involved", "actor_of_sole_funder")
def _involved(case: Case) -> Found:
    """Whether the person ever took part in the dossier or is bound to its carrier, or their institution funds alone."""
    traces = involvements(case.actor.person_id).values()
    row = case.session.execute(
        select(or_(*traces), _sole_funder().label("funder")).where(Dossier.id == case.dossier.id)
    ).one()
    return {
        "actor_involved": bool(row[0]),
        "actor_of_sole_funder": row.funder is not None and row.funder == case.actor.institution_id,
    }


def _sole_funder() -> ScalarSelect[int]:
    """The funder who alone granted the dossier of the enclosing select; none where several did."""
    return (
        select(func.min(FundingRequest.funder_id))
        .where(FundingRequest.dossier_id == Dossier.id, FundingRequest.decision == "granted")
        .having(func.count() == 1)
        .correlate(Dossier)
        .scalar_subquery()
    )


@_reads("controllers")
def _controllers(case: Case) -> Found:
    """Those whom an act proposes."""
    ids = [case.data[name] for name in ("first_id", "second_id") if name in case.data]
    holds = select(RoleGrant.id).where(
        RoleGrant.person_id == Person.id, RoleGrant.role == CONTROLLER, RoleGrant.ended_at.is_(None)
    )
    rows = case.session.execute(
        select(
            Person.id,
            Person.name,
            and_(Person.active, holds.exists()),
            or_(*involvements(Person.id).values()),
            func.coalesce(Person.institution_id == _sole_funder(), false()),
        )
        .join(Dossier, Dossier.id == case.dossier.id)
        .where(Person.id.in_(ids))
    )
    return {"controllers": tuple(Controller(row[0], row[1], *map(bool, row[2:])) for row in rows)}


@_reads("named_controllers", "actor_named")
def _named(case: Case) -> Found:
    """Who controls the dossier."""
    rows = case.session.execute(
        select(Person.id, Person.name)
        .join(Mission, or_(Mission.controller_id == Person.id, Mission.second_id == Person.id))
        .where(Mission.dossier_id == case.dossier.id)
        .order_by(Person.name)
    ).all()
    return {
        "named_controllers": tuple(row.name for row in rows),
        "actor_named": case.actor.person_id in [row.id for row in rows],
    }


@_reads("findings_signed")
def _signed(case: Case) -> Found:
    """Whether the other controller stands by what is found; what is concluded needs no more."""
    row = case.session.execute(
        select(Mission.signed_by_id, Mission.state).where(Mission.dossier_id == case.dossier.id)
    ).first()
    signed = row is not None and row.signed_by_id not in (None, case.actor.person_id)
    return {"findings_signed": signed or (row is not None and row.state == "concluded")}


@_reads("draw_sealed", "drawn", "waiting_in_draw")
def _draw(case: Case) -> Found:
    row = case.session.execute(
        select(SampleUnit.drawn, Mission.state)
        .select_from(Sample)
        .outerjoin(SampleUnit, and_(SampleUnit.sample_id == Sample.id, SampleUnit.dossier_id == case.dossier.id))
        .outerjoin(Mission, and_(Mission.sample_id == Sample.id, Mission.dossier_id == case.dossier.id))
        .where(
            Sample.campaign_id == case.dossier.campaign_id,
            Sample.purpose == "control",
            Sample.sealed_at.is_not(None),
        )
        # A campaign may have several draws; a dossier is drawn in one at most.
        .order_by(func.coalesce(SampleUnit.drawn, false()).desc())
        .limit(1)
    ).first()
    drawn = row is not None and bool(row[0])
    return {
        "draw_sealed": row is not None,
        "drawn": drawn,
        "waiting_in_draw": drawn and row is not None and row[1] != "concluded",
    }


@_reads("unanswered_items")
def _grid_begun(case: Case) -> Found:
    """What is left of a grid that is begun; nothing while nobody answered in it."""
    items = _items(case, case.subject) if isinstance(case.subject, Mission) else {}
    return {
        "unanswered_items": tuple(label for label, done in items.items() if not done) if any(items.values()) else ()
    }


def _items(case: Case, mission: Mission) -> Mapping[str, bool]:
    """Whether each item of the mission's grid is answered."""
    answered = and_(RealisationAnswer.item_id == ControlItem.id, RealisationAnswer.mission_id == mission.id)
    rows = case.session.execute(
        select(ControlItem.label, RealisationAnswer.verdict)
        .outerjoin(RealisationAnswer, answered)
        .where(ControlItem.grid_id == mission.grid_id)
        .order_by(ControlItem.position)
    )
    return {label: verdict is not None for label, verdict in rows}


@_reads("realisation_found", "spending_found", "carrier_heard", "reply_due_on")
def _findings(case: Case) -> Found:
    mission = (
        case.subject
        if isinstance(case.subject, Mission)
        else case.session.scalar(select(Mission).where(Mission.dossier_id == case.dossier.id))
    )
    spending = bool(mission and mission.spending)
    if mission is not None and not spending:
        lines = select(LedgerLine.id).where(LedgerLine.mission_id == mission.id)
        spending = case.session.scalar(lines.limit(1)) is not None
    realisation = bool(mission and mission.realisation)
    if mission is not None and not realisation:
        realisation = any(_items(case, mission).values())
    return {
        "realisation_found": realisation,
        "spending_found": spending,
        "carrier_heard": mission is not None and mission.replied_at is not None,
        "reply_due_on": mission.reply_due_on if mission else None,
    }


@_reads("reviewers")
def _proposed_reviewers(case: Case) -> Found:
    """Those whom an act proposes."""
    return {"reviewers": _reviewers(case, [case.data[name] for name in ("first_id", "second_id") if name in case.data])}


@_reads("actor_took_part", "colleague_took_part", "reviewers_apart")
def _named_reviewers(case: Case) -> Found:
    """Whether those who review still may, as things are now; whoever acts is one of them."""
    review = case.subject
    if not isinstance(review, Review):
        return {}
    pair = _reviewers(case, (review.first_id, review.second_id))
    took: dict[int | None, bool] = {one.person_id: one.took_part for one in pair}
    return {
        "actor_took_part": took.pop(case.actor.person_id, False),
        "colleague_took_part": any(took.values()),
        "reviewers_apart": len({one.institution_id for one in pair} - {None}) == 2,
    }


def _reviewers(case: Case, ids: Iterable[int | None]) -> tuple[Reviewer, ...]:
    holds = select(RoleGrant.id).where(
        RoleGrant.person_id == Person.id, RoleGrant.role.in_(ELIGIBLE), RoleGrant.ended_at.is_(None)
    )
    rows = case.session.execute(
        select(
            Person.id,
            Person.name,
            Person.institution_id,
            and_(Person.active, holds.exists()),
            or_(*took_part(Person.id).values()),
        )
        .join(Dossier, Dossier.id == case.dossier.id)
        .where(Person.id.in_(ids))
    )
    return tuple(Reviewer(*row[:3], *map(bool, row[3:])) for row in rows)


@_reads("unanswered_criteria", "actor_signed", "colleague_signed")
def _review_text(case: Case) -> Found:
    """What a review still lacks to be signed, and who signed it as it stands."""
    review = case.subject
    if not isinstance(review, Review):
        return {}
    rows = case.session.execute(
        select(ReviewCriterion.label, ReviewScore.level, ReviewScore.justification)
        .outerjoin(
            ReviewScore, and_(ReviewScore.criterion_id == ReviewCriterion.id, ReviewScore.review_id == review.id)
        )
        .where(ReviewCriterion.grid_id == review.grid_id)
        .order_by(ReviewCriterion.position)
    )
    missing = [row.label for row in rows if row.level is None or not row.justification]
    missing += [label for name, label in _SUMMARY.items() if not getattr(review, name)]
    signed = {review.first_id: review.first_signed_at, review.second_id: review.second_signed_at}
    own = signed.pop(case.actor.person_id, None)
    return {
        "unanswered_criteria": tuple(missing),
        "actor_signed": own is not None,
        "colleague_signed": any(signed.values()),
    }


_SUMMARY = {
    "strengths": N_("forces"),
    "weaknesses": N_("limites"),
    "recommendation": N_("recommandation"),
    "reason": N_("motif de la recommandation"),
}
