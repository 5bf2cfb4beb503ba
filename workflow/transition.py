"""The one writer of states. Every surface comes through `fire`.

In one transaction it locks the dossier, checks the version that the caller saw, reads the facts, decides (`states`),
lets the act write its rows, writes the state, and notes the journal entry and the outbox rows.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from marshmallow import Schema
from sqlalchemy import BigInteger, bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.dossier import CARRIER, DOSSIER, SYSTEM
from states.machine import TABLES, Decision, Reason, Refusal, decide, lacks_right, open_to, reads
from states.review import REVIEW
from states.words import N_
from workflow import campaigns, facts, journal, tell
from workflow.access import SYSTEM_ACTOR, Actor, knows_of, roles_on
from workflow.acts import Act, Case, Part, Subject
from workflow.errors import Change, Forbidden, NotFound, Refused, Stale
from workflow.forms import read
from workflow.models import Consultation, Dossier, JournalEntry, Mission, Review
from workflow.readers import ACT_READERS
from workflow.turns import TURNS

_MODELS: Mapping[str, type[Dossier] | type[Consultation] | type[Mission] | type[Review]] = {
    DOSSIER.name: Dossier,
    CONSULTATION.name: Consultation,
    CONTROL.name: Mission,
    REVIEW.name: Review,
}

_LOCKED = (
    select(Dossier)
    .where(Dossier.id == bindparam("dossier_id", type_=BigInteger))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
"""Made once: building a statement costs more than running it."""

FOLLOWS = ("close_consultations", "fund", "refuse")
"""Events that the system fires by itself as soon as their guards hold."""


def fire(
    session: Session,
    acts: Mapping[str, Act],
    actor: Actor,
    name: str,
    dossier_id: int,
    *,
    now: datetime,
    raw: Mapping[str, Any] | None = None,
    version: int | None = None,
    subject_id: int | None = None,
) -> Case:
    """Perform the act `name` on a dossier, or on its part `subject_id`; return the case.

    `raw` is the input as it came; `version` is the dossier version that the caller saw (None: they saw none).
    Raises Invalid, NotFound, Forbidden, Stale or Refused; nothing is written then, as the unit of work is left.
    """
    act = acts[name]
    dossier = _locked(session, dossier_id)
    roles = roles_on(session, actor, dossier)
    if not roles:
        raise NotFound("dossier")
    subject = _subject(session, act, dossier, subject_id)
    if not knows_of(subject, roles):
        raise NotFound(act.table.name)
    case = Case(session, actor, roles, dossier, subject, now)
    _check_right(act, case)
    case.data = read(_form(act.form), raw or {})
    if act.versioned and version is not None and version != dossier.version:
        raise Stale(dossier.version, changes_since(session, dossier.id, version, roles))
    try:
        _perform(act, case)
        for follow in FOLLOWS:
            _follow(acts[follow], case)
        session.flush()
    except (IntegrityError, StaleDataError) as error:
        raise _refused_by_database(error) from error
    return case


def offered(
    session: Session,
    acts: Mapping[str, Act],
    actor: Actor,
    dossier: Dossier,
    subject: Subject,
    now: datetime,
    only: Collection[str] | None = None,
) -> dict[str, Refusal | None]:
    """The acts, of `only` where given, that `actor` could do on `subject` now: None where it may, else why not.

    Only what a right of theirs opens in this state is named; guards on what is yet to be typed are left out.
    """
    roles = roles_on(session, actor, dossier)
    case = Case(session, actor, roles, dossier, subject, now)
    life = next(TABLES[name] for name, model in _MODELS.items() if isinstance(subject, model))
    names = [name for name in open_to(life, subject.state, roles) if only is None or name in only]
    wanted = frozenset[str]().union(*(reads(life, name, subject.state, offered=True) for name in names))
    known = facts.collect(case, wanted)
    answers = {name: decide(life, subject.state, name, roles, known, offered=True) for name in names}
    return {name: answer if isinstance(answer, Refusal) else None for name, answer in answers.items()}


def changes_since(session: Session, dossier_id: int, version: int, roles: Collection[str]) -> list[Change]:
    """What was done on a dossier after `version` and `roles` may know of, oldest first.

    Carriers are not told agents' names.
    """
    entries = session.scalars(
        select(JournalEntry)
        .where(JournalEntry.dossier_id == dossier_id, JournalEntry.dossier_version > version)
        .order_by(JournalEntry.seq)
    )
    named = CARRIER not in roles
    return [
        Change(entry.at, entry.actor_name if named or entry.role == CARRIER else "", entry.role, entry.act)
        for entry in entries
        if not ACT_READERS.get(entry.act, frozenset()).isdisjoint(roles)
    ]


def due_date(session: Session, dossier: Dossier, state: str, given: date | None) -> date | None:
    """By when whoever's turn it is in `state` must act: the day given with the act, else the campaign's milestone."""
    turn = TURNS.get(state)
    if given is not None or turn is None or turn.milestone is None:
        return given
    return campaigns.dates(session, dossier.campaign_id).get(turn.milestone)


@cache
def _form(kind: type[Schema]) -> Schema:
    """Made once of each kind: making a form costs more than reading with it."""
    return kind()


def _locked(session: Session, dossier_id: int) -> Dossier:
    dossier = session.scalar(_LOCKED, {"dossier_id": dossier_id})
    if dossier is None:
        raise NotFound("dossier")
    return dossier


def _subject(session: Session, act: Act, dossier: Dossier, subject_id: int | None) -> Subject:
    if act.table is DOSSIER:
        return dossier
    model = _MODELS[act.table.name]
    subject = session.get(model, subject_id, with_for_update={"key_share": True}) if subject_id is not None else None
    if subject is None or not isinstance(subject, Part) or subject.dossier_id != dossier.id:
        raise NotFound(act.table.name)
    return subject


def _check_right(act: Act, case: Case) -> None:
    """Right comes before everything else: a stale page or a failed guard must teach nothing to a stranger."""
    reason = lacks_right(act.table, act.name, case.roles)
    if reason:
        raise Forbidden(reason)


def _decide(act: Act, case: Case) -> Decision | Refusal:
    case.facts = facts.collect(case, reads(act.table, act.name, case.subject.state))
    return decide(act.table, case.subject.state, act.name, case.roles, case.facts)


def _perform(act: Act, case: Case) -> None:
    answer = _decide(act, case)
    if isinstance(answer, Refusal):
        raise Refused(*answer.reasons)
    _carry_out(act, case, answer)


def _follow(act: Act, cause: Case) -> None:
    """Fire a system event where the act just done made its guards hold."""
    dossier = cause.dossier
    if not DOSSIER.candidates(act.name, dossier.state):
        return
    case = Case(
        cause.session, SYSTEM_ACTOR, frozenset({SYSTEM}), dossier, dossier, cause.now, payload=dict(cause.payload)
    )
    answer = _decide(act, case)
    if isinstance(answer, Decision):
        _carry_out(act, case, answer)
        cause.followed.append(act.name)


def _carry_out(act: Act, case: Case, decision: Decision) -> None:
    subject, dossier = case.subject, case.dossier
    case.target = decision.target
    with case.session.no_autoflush:  # the database checks state and content together, so they are written together
        act.effect(case)
        subject.state = decision.target
    if act.versioned:
        dossier.version += 1
        dossier.reminders_planned = False
        if subject is not dossier:
            subject.version += 1
    moved = decision.target != decision.source
    if subject is dossier and (moved or case.due_on):
        due_on = due_date(case.session, dossier, decision.target, case.due_on)
        if due_on != dossier.due_on:
            dossier.due_on, dossier.due_version, dossier.due_since = due_on, dossier.due_version + 1, case.now
        dossier.state_since = case.now if moved else dossier.state_since
        dossier.reminders_planned = False
    if not act.quiet:
        journal.note(
            case.session,
            at=case.now,
            actor_id=case.actor.person_id,
            actor_name=case.actor.name,
            role=decision.roles[0],
            act=act.name,
            subject=f"{subject.__tablename__}:{subject.id}",
            dossier_id=dossier.id,
            dossier_version=dossier.version if act.versioned else None,
            from_state=decision.source,
            to_state=decision.target,
            reason=case.data.get("reason", ""),
            details=case.details,
        )
    case.session.flush()
    tell.after(case, act.name, dossier.version)


def move(case: Case, act: Act, subject: Part) -> None:
    """Perform `act` on a part of a dossier within the dossier's own act `case`.

    Raises Refused when the smaller life refuses.
    """
    part = Case(case.session, case.actor, case.roles, case.dossier, subject, case.now, case.data)
    _perform(act, part)


_CONSTRAINTS = {
    "never_overspent": Reason(
        "envelope_suffices",
        N_("L'enveloppe ne suffit plus : un autre accord vient d'être enregistré."),
        N_("Rouvrez la page pour voir ce qui reste."),
    ),
    "member_within_capacity": Reason(
        "members_within_capacity",
        N_("Un des instructeurs n'a plus assez de points d'effort : il vient de recevoir un autre dossier."),
        N_("Rouvrez la page pour voir qui est disponible."),
    ),
    "never_overpaid": Reason(
        "within_granted",
        N_("Ce versement dépasse le montant accordé."),
        N_("Rouvrez la page pour voir ce qui reste à verser."),
    ),
}


def _refused_by_database(error: Exception) -> Refused:
    """The database is the last line: what it refuses is told in words, by the name of the constraint."""
    text = str(error)
    for name, reason in _CONSTRAINTS.items():
        if name in text:
            return Refused(reason)
    return Refused(
        Reason(
            "database",
            N_("Cet acte contredit une règle de la base de données."),
            N_("Rouvrez la page ; si le refus demeure, prévenez l'administrateur."),
        )
    )
