"""Who is told of what: rows of the outbox, written in the act's own transaction and delivered after commit."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, insert, or_, select
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR, ASSOCIATED, BINOME, CARRIER, CONTROLLER, EVALUATOR, EXPERT, FUNDER, TRANSVERSAL
from workflow.acts import Case
from workflow.models import (
    AssociatedInstance,
    BinomeMember,
    Dossier,
    Expert,
    FundingRequest,
    Mission,
    Outbox,
    Person,
    Review,
    RoleGrant,
)

INSTRUCTING = "instructing"
"""The binôme, or the animator while none stands."""
COLLEAGUE = "colleague"
"""The expert to whom a question is handed."""
FORMER_ANIMATOR = "former_animator"
"""Who animates the instance that a dossier leaves (`former_instance_id` of the payload)."""
MENTIONED = "mentioned"
"""Whom a note names (`mentioned` of the payload)."""
CONTROLLING = "controlling"
"""The two who control the dossier."""
REVIEWING = "reviewing"
"""The two who review the action half-way through the contract."""

TELLS: Mapping[str, tuple[tuple[str, str], ...]] = {
    # act: (audience, message), …
    "submit": (
        (CARRIER, "receipt"),
        (ANIMATOR, "dossier_arrived"),
        (ASSOCIATED, "dossier_associated"),
        (TRANSVERSAL, "dossier_unrouted"),
    ),
    "request_completion": ((CARRIER, "completion_requested"),),
    "review_pieces": ((CARRIER, "pieces_reviewed"),),
    "complete": ((ANIMATOR, "completed"), (BINOME, "completed")),
    "declare_inadmissible": ((CARRIER, "inadmissible"),),
    "reroute": (
        (ANIMATOR, "rerouted"),
        (FORMER_ANIMATOR, "rerouted_away"),
        (TRANSVERSAL, "sent_back"),
        (CARRIER, "rerouted_carrier"),
    ),
    "assign": ((BINOME, "assigned"), (CARRIER, "assigned_carrier")),
    "replace_member": ((BINOME, "assigned"),),
    "consult_expert": ((EXPERT, "consultation_asked"),),
    "close_consultations": ((BINOME, "consultations_closed"),),
    "answer": ((BINOME, "consultation_answered"),),
    "extend": ((EXPERT, "consultation_extended"),),
    "note": ((BINOME, "consultation_answered"),),
    "decline": ((BINOME, "consultation_declined"),),
    "propose_colleague": ((BINOME, "colleague_proposed"),),
    "hand_over": ((EXPERT, "consultation_handed_over"), (COLLEAGUE, "consultation_asked")),
    "refuse_colleague": ((EXPERT, "colleague_refused"),),
    "revoke": ((EXPERT, "consultation_revoked"),),
    "seal_opinion": ((BINOME, "opinion_sealed"),),
    "sign_joint_opinion": ((BINOME, "joint_opinion_signed"),),
    "name_third": ((BINOME, "third_named"),),
    "arbitrate": ((BINOME, "arbitrated"),),
    "issue_opinion": ((ANIMATOR, "opinion_issued"),),
    "reopen_instruction": ((BINOME, "reopened"),),
    "table": ((FUNDER, "tabled"),),
    "defer": ((ANIMATOR, "deferred"),),
    "fund": ((CARRIER, "funded"), (ANIMATOR, "funded_agents"), (BINOME, "funded_agents")),
    "refuse": ((CARRIER, "refused"),),
    "appeal_upheld": ((CARRIER, "appeal_upheld"), (ANIMATOR, "appeal_upheld"), (FUNDER, "appeal_upheld")),
    "cancel_action": ((FUNDER, "cancelled"), (CARRIER, "cancelled"), (ANIMATOR, "cancelled")),
    "sign_agreement": ((CARRIER, "agreement_signed"),),
    "record_payment": ((CARRIER, "payment_recorded"),),
    "submit_final_report": ((EVALUATOR, "final_report_received"), (BINOME, "final_report_received")),
    "submit_progress_report": ((BINOME, "progress_report_received"),),
    "establish_report_missing": ((CARRIER, "report_missing"), (EVALUATOR, "report_missing_agents")),
    "evaluate": ((CARRIER, "evaluated"),),
    "name_controllers": ((CONTROLLING, "controllers_named"),),
    "name_reviewers": ((REVIEWING, "reviewers_named"),),
    "sign_review": ((REVIEWING, "review_signed"),),
    "announce": ((CARRIER, "control_announced"),),
    "sign_findings": ((CONTROLLING, "findings_signed"),),
    "send_findings": ((CARRIER, "findings_sent"),),
    "reply": ((CONTROLLING, "findings_answered"),),
    "conclude_control": ((CARRIER, "control_concluded"), (FUNDER, "control_concluded")),
    "close": ((CARRIER, "closed"),),
    "withdraw": ((ANIMATOR, "withdrawn"), (BINOME, "withdrawn")),
    "send_message": ((CARRIER, "message"), (INSTRUCTING, "message")),
    "comment": ((ANIMATOR, "comment_received"), (BINOME, "comment_received")),
    "write_note": ((MENTIONED, "note_mention"),),
}
"""Every act that makes somebody's turn tells them; whoever acts is not told of their own act, but for receipts."""

_TO_ONESELF = {"receipt"}
_BY_LINK = {EXPERT: "each", COLLEAGUE: "colleague"}
"""Whom a mailed link reaches, and where the payload holds what is for each of them alone."""
_INSERT = insert(Outbox).inline()


def _active(role: str, *scope: ColumnElement[bool]) -> Select[int]:
    return (
        select(RoleGrant.person_id)
        .join(Person)
        .where(RoleGrant.role == role, RoleGrant.ended_at.is_(None), Person.active, *scope)
    )


_dossier = bindparam("dossier_id", type_=Integer)
_instance = bindparam("instance_id", type_=Integer)
_organisation = bindparam("organisation_id", type_=Integer)
_AUDIENCES: Mapping[str, Select[int]] = {
    CARRIER: _active(CARRIER, RoleGrant.organisation_id == _organisation),
    ANIMATOR: _active(ANIMATOR, RoleGrant.instance_id == _instance),
    ASSOCIATED: _active(
        ANIMATOR,
        RoleGrant.instance_id.in_(
            select(AssociatedInstance.instance_id).where(AssociatedInstance.dossier_id == _dossier)
        ),
    ),
    EVALUATOR: _active(EVALUATOR, RoleGrant.instance_id == _instance),
    TRANSVERSAL: _active(TRANSVERSAL),
    CONTROLLER: _active(CONTROLLER),
    CONTROLLING: (
        select(Person.id)
        .join(Mission, or_(Mission.controller_id == Person.id, Mission.second_id == Person.id))
        .where(Mission.dossier_id == _dossier, Person.active)
    ),
    REVIEWING: (
        select(Person.id)
        .join(Review, or_(Review.first_id == Person.id, Review.second_id == Person.id))
        .where(Review.dossier_id == _dossier, Person.active)
    ),
    BINOME: select(BinomeMember.person_id).where(BinomeMember.dossier_id == _dossier, BinomeMember.left_at.is_(None)),
    FUNDER: _active(
        FUNDER,
        RoleGrant.institution_id.in_(select(FundingRequest.funder_id).where(FundingRequest.dossier_id == _dossier)),
    ),
}
"""Made once: building a statement costs more than running it."""


def audience(
    session: Session, dossier: Dossier, name: str, payload: Mapping[str, Any] = MappingProxyType({})
) -> frozenset[int]:
    """The persons behind `name` on `dossier`; `payload` is that of the act."""
    if name == INSTRUCTING:
        return audience(session, dossier, BINOME) or audience(session, dossier, ANIMATOR)
    if name == MENTIONED:
        return frozenset(payload["mentioned"])
    found = session.connection().execute(
        _AUDIENCES[ANIMATOR if name == FORMER_ANIMATOR else name],
        {
            "dossier_id": dossier.id,
            "instance_id": payload["former_instance_id"] if name == FORMER_ANIMATOR else dossier.instance_id,
            "organisation_id": dossier.organisation_id,
        },
    )
    return frozenset(found.scalars())


def after(case: Case, act: str, version: int) -> None:
    """Write the outbox rows of `act`, in one INSERT."""
    rows: list[dict[str, Any]] = []
    for who, kind in TELLS.get(act, ()):
        if who == TRANSVERSAL and case.dossier.instance_id is not None:
            continue
        if who == CARRIER and act == "reroute" and case.dossier.instance_id is None:
            continue  # they are told where it went, once that is known
        if who in _BY_LINK:
            common = {name: value for name, value in case.payload.items() if name not in _BY_LINK.values()}
            for own in case.payload.get(_BY_LINK[who], [{}]):
                payload = common | own
                rows.append(_row(case, act, version, kind, payload, address=_expert_address(case.session, payload)))
            continue
        skip = set() if kind in _TO_ONESELF else {case.actor.person_id}
        rows += [
            _row(case, act, version, kind, case.payload, person_id=person)
            for person in sorted(audience(case.session, case.dossier, who, case.payload) - skip)
        ]
    write(case.session, rows)


def write(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Put rows into the outbox; of two for one person about one act the first is kept."""
    unique = {row["key"]: row for row in reversed(list(rows))}
    if unique:
        session.connection().execute(_INSERT, list(reversed(unique.values())))


def _expert_address(session: Session, payload: Mapping[str, Any]) -> str:
    return session.scalars(select(Expert.email).where(Expert.id == payload["expert_id"])).one()


def _row(
    case: Case,
    act: str,
    version: int,
    kind: str,
    payload: Mapping[str, Any],
    *,
    person_id: int | None = None,
    address: str | None = None,
) -> dict[str, Any]:
    subject = f"{case.subject.__tablename__}:{case.subject.id}"
    mark = payload.get("mark", "")
    return {
        "key": f"{act}:{subject}:{version}:{mark}:{person_id or address}",
        "kind": kind,
        "person_id": person_id,
        "address": address,
        "dossier_id": case.dossier.id,
        "payload": dict(payload),
        "created_at": case.now,
        "next_at": case.now,
    }
