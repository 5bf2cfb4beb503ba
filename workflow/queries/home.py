"""What awaits a person, over all their roles, and what happened lately around them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, Select, and_, bindparam, func, null, or_, select, type_coerce
from sqlalchemy.orm import Session, aliased

from states.dossier import ANIMATOR, CARRIER, CONTROLLER, EVALUATOR, FUNDER, TRANSVERSAL
from states.words import N_
from workflow.access import INSTRUCTOR, Actor, visible
from workflow.journal import NEWSWORTHY
from workflow.models import (
    Agreement,
    BinomeMember,
    Dossier,
    FundingRequest,
    JournalEntry,
    Mission,
    Opinion,
    Organisation,
    Report,
    Review,
    Sample,
    SampleUnit,
)
from workflow.queries.bundle import Bundle, Row
from workflow.queries.reviews import stuck

LONGEST = 50
"""How many of one kind of task are listed; all are counted."""
RECENT = 2000
"""News are looked for in that many last entries of the journal, whatever its length."""
NEWS = 8

_ME = bindparam("me", type_=Integer)
_TODAY = bindparam("today", type_=Date)
_ORGANISATIONS = bindparam("organisations", expanding=True, type_=Integer)
_FUNDERS = bindparam("funders", expanding=True, type_=Integer)


def _instances(role: str) -> ColumnElement[bool]:
    return Dossier.instance_id.in_(bindparam(f"{role}_instances", expanding=True, type_=Integer))


_CARRIED = Dossier.organisation_id.in_(_ORGANISATIONS)
_FINAL = select(Report.id).where(Report.dossier_id == Dossier.id, Report.kind == "final").exists()
_IN_DRAW = (
    select(SampleUnit.dossier_id)
    .join(Sample, Sample.id == SampleUnit.sample_id)
    .where(SampleUnit.dossier_id == Dossier.id, SampleUnit.drawn, Sample.purpose == "control")
    .exists()
)
_DRAW_SEALED = (
    select(Sample.id)
    .where(Sample.campaign_id == Dossier.campaign_id, Sample.purpose == "control", Sample.sealed_at.is_not(None))
    .exists()
)
_SEATED = (
    select(BinomeMember.id)
    .where(BinomeMember.dossier_id == Dossier.id, BinomeMember.person_id == _ME, BinomeMember.left_at.is_(None))
    .exists()
)
_OWN_SEALED = (
    select(Opinion.id)
    .where(
        Opinion.dossier_id == Dossier.id,
        Opinion.author_id == _ME,
        Opinion.superseded_at.is_(None),
        Opinion.sealed_at.is_not(None),
    )
    .exists()
)


def _both_sealed() -> ColumnElement[bool]:
    seat = aliased(BinomeMember)
    sealed = (
        select(func.count())
        .select_from(Opinion)
        .join(
            seat,
            and_(seat.dossier_id == Opinion.dossier_id, seat.person_id == Opinion.author_id, seat.left_at.is_(None)),
        )
        .where(Opinion.dossier_id == Dossier.id, Opinion.superseded_at.is_(None), Opinion.sealed_at.is_not(None))
    )
    return sealed.scalar_subquery() >= 2


def _line(decision: str, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        select(FundingRequest.id)
        .where(
            FundingRequest.dossier_id == Dossier.id,
            FundingRequest.funder_id.in_(_FUNDERS),
            FundingRequest.decision == decision,
            *more,
        )
        .exists()
    )


_UNSIGNED = ~select(Agreement.id).where(Agreement.request_id == FundingRequest.id).exists()


def _mission(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(Mission.id).where(Mission.dossier_id == Dossier.id, *where).exists()


def _review(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(Review.id).where(Review.dossier_id == Dossier.id, *where).exists()


_MINE_TO_CONTROL = or_(Mission.second_id.is_(None), Mission.controller_id == _ME, Mission.second_id == _ME)
_TO_CONFIRM = or_(Mission.signed_by_id.is_(None), Mission.signed_by_id != _ME)
"""Whoever confirmed the findings waits for the other to send them, or to conclude."""
_REPLY_DUE = select(Mission.reply_due_on).where(Mission.dossier_id == Dossier.id).scalar_subquery()
_VISIT = select(Mission.visit_on).where(Mission.dossier_id == Dossier.id).scalar_subquery()
_NO_DAY = type_coerce(null(), Date())


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task: who has it, what it is (French message id), the act it leads to (None: the dossier's page)."""

    role: str
    task: str
    act: str | None
    where: ColumnElement[bool]
    due: Any = Dossier.due_on
    also: tuple[str, ...] = ()
    """Other roles that have it."""


KINDS: Mapping[str, Kind] = {
    "draft": Kind(CARRIER, N_("Terminer et déposer"), "edit_draft", and_(_CARRIED, Dossier.state == "draft")),
    "pieces": Kind(CARRIER, N_("Répondre aux demandes de pièces"), None, and_(_CARRIED, Dossier.state == "incomplete")),
    "report": Kind(
        CARRIER,
        N_("Envoyer le bilan final"),
        "submit_final_report",
        and_(_CARRIED, Dossier.state == "follow_up", ~_FINAL),
    ),
    "reply": Kind(
        CARRIER,
        N_("Répondre aux constats du contrôle"),
        None,
        and_(
            _CARRIED,
            Dossier.state == "under_control",
            _mission(Mission.state == "findings_sent", Mission.replied_at.is_(None)),
        ),
        due=_REPLY_DUE,
    ),
    "visited": Kind(
        CARRIER,
        N_("Préparer le contrôle annoncé"),
        None,
        and_(
            _CARRIED,
            Dossier.state == "under_control",
            _mission(Mission.state == "announced", Mission.visit_on >= _TODAY),
        ),
        due=_VISIT,
    ),
    "admit": Kind(
        ANIMATOR,
        N_("Vérifier la recevabilité et affecter un binôme"),
        None,
        and_(_instances(ANIMATOR), Dossier.state == "submitted"),
    ),
    "table": Kind(
        ANIMATOR, N_("Inscrire à une séance"), "table", and_(_instances(ANIMATOR), Dossier.state == "opinion")
    ),
    "opinion": Kind(
        INSTRUCTOR,
        N_("Écrire et sceller votre avis"),
        None,
        and_(_SEATED, Dossier.state.in_(("assigned", "expert_consulted")), ~_OWN_SEALED),
    ),
    "issue": Kind(
        INSTRUCTOR,
        N_("Rendre l'avis du binôme"),
        None,
        and_(_SEATED, Dossier.state == "assigned", _OWN_SEALED, _both_sealed()),
    ),
    "decide": Kind(
        FUNDER,
        N_("Décider de votre ligne"),
        "decide_request",
        and_(Dossier.state == "funding_decision", _line("pending")),
    ),
    "agreement": Kind(
        FUNDER,
        N_("Enregistrer la convention"),
        "sign_agreement",
        and_(Dossier.state == "follow_up", _line("granted", _UNSIGNED)),
        due=_NO_DAY,
    ),
    "evaluate": Kind(
        EVALUATOR,
        N_("Évaluer l'action"),
        "evaluate",
        and_(_instances(EVALUATOR), Dossier.state == "follow_up", _FINAL),
    ),
    "missing_report": Kind(
        EVALUATOR,
        N_("Relancer pour le bilan final, ou constater son absence"),
        None,
        and_(_instances(EVALUATOR), Dossier.state == "follow_up", ~_FINAL, Dossier.due_on < _TODAY),
    ),
    "select": Kind(
        CONTROLLER,
        N_("Commencer le contrôle"),
        "select_for_control",
        and_(Dossier.state == "evaluated", _IN_DRAW),
    ),
    "control": Kind(
        CONTROLLER,
        N_("Poursuivre le contrôle"),
        None,
        and_(
            Dossier.state == "under_control",
            _mission(
                _MINE_TO_CONTROL,
                or_(
                    Mission.state.in_(("drawn", "concluded")),
                    and_(_TO_CONFIRM, Mission.replied_at.is_(None), Mission.reply_due_on < _TODAY),
                ),
            ),
        ),
    ),
    "visit": Kind(
        CONTROLLER,
        N_("Mener le contrôle annoncé, puis envoyer les constats"),
        None,
        and_(Dossier.state == "under_control", _mission(_MINE_TO_CONTROL, _TO_CONFIRM, Mission.state == "announced")),
        due=_VISIT,
    ),
    "answered": Kind(
        CONTROLLER,
        N_("Réponse reçue : confirmer les constats à deux et conclure"),
        None,
        and_(
            Dossier.state == "under_control",
            _mission(_MINE_TO_CONTROL, _TO_CONFIRM, Mission.state == "findings_sent", Mission.replied_at.is_not(None)),
        ),
    ),
    "close": Kind(
        CONTROLLER,
        N_("Clore le dossier"),
        "close",
        or_(Dossier.state == "controlled", and_(Dossier.state == "evaluated", _DRAW_SEALED, ~_IN_DRAW)),
    ),
    "route": Kind(
        TRANSVERSAL,
        N_("Choisir l'instance"),
        "reroute",
        and_(Dossier.state == "submitted", Dossier.instance_id.is_(None)),
    ),
    "name_reviewers": Kind(
        TRANSVERSAL,
        N_("Nommer les relecteurs de la revue à mi-parcours"),
        None,
        _review(Review.state == "to_review"),
        due=_NO_DAY,
    ),
    "rename_reviewers": Kind(
        TRANSVERSAL,
        N_("Nommer d'autres relecteurs de la revue à mi-parcours"),
        None,
        _review(stuck()),
        due=_NO_DAY,
    ),
    "review": Kind(
        EVALUATOR,
        N_("Mener la revue à mi-parcours, puis la signer"),
        None,
        _review(
            Review.state == "under_review",
            or_(
                and_(Review.first_id == _ME, Review.first_signed_at.is_(None)),
                and_(Review.second_id == _ME, Review.second_signed_at.is_(None)),
            ),
        ),
        due=_NO_DAY,
        also=(TRANSVERSAL,),
    ),
}
"""Every kind of task, in the order in which equal dates are listed."""


def _tasks(kind: Kind) -> Select[*tuple[Any, ...]]:
    due = kind.due.label("due_on")
    return (
        select(
            due,
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Organisation.name.label("carrier"),
            func.count().over().label("total"),
        )
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .where(kind.where)
        .order_by(due.asc().nulls_last(), Dossier.id)
        .limit(LONGEST)
    )


@cache
def _bundle(roles: frozenset[str]) -> tuple[Bundle, frozenset[str]]:
    """The statement for somebody who holds `roles`, and the names of its parameters."""
    bundle = Bundle({name: _tasks(kind) for name, kind in KINDS.items() if roles & {kind.role, *kind.also}})
    return bundle, frozenset(bundle.statement.compile().params)


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do on one dossier."""

    kind: str
    dossier_id: int
    number: str | None
    title: str
    state: str
    carrier: str
    due_on: date | None

    @property
    def task(self) -> str:
        """What it is (French message id)."""
        return KINDS[self.kind].task

    @property
    def act(self) -> str | None:
        """The act it leads to."""
        return KINDS[self.kind].act


@dataclass(frozen=True, slots=True)
class Awaiting:
    """What awaits a person: the tasks by due date, and how many there are of each kind (also those not listed)."""

    tasks: Sequence[Task]
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many tasks there are."""
        return sum(self.counts.values())


def awaiting(session: Session, actor: Actor, today: date) -> Awaiting:
    """The tasks of `actor` over all their roles, in one statement."""
    roles = actor.roles & {kind.role for kind in KINDS.values()}
    if not roles:
        return Awaiting((), {})
    bundle, names = _bundle(frozenset(roles))
    values: dict[str, Callable[[], Any]] = {
        "me": lambda: actor.person_id,
        "today": lambda: today,
        "organisations": lambda: sorted(actor.organisations),
        "funders": lambda: sorted(actor.funders),
        **{f"{role}_instances": _of(actor, role) for role in (ANIMATOR, EVALUATOR)},
    }
    found = bundle.read(session, **{name: make() for name, make in values.items() if name in names})
    tasks = sorted(_read(found), key=lambda task: (task.due_on is None, task.due_on or today))
    return Awaiting(tasks, {name: rows[0].total for name, rows in found.items() if rows})


def _of(actor: Actor, role: str) -> Callable[[], list[int]]:
    return lambda: sorted(actor.instances(role))


def _read(found: Mapping[str, Sequence[Row]]) -> Iterator[Task]:
    for kind, rows in found.items():
        for row in rows:
            yield Task(kind, row.id, row.number, row.title, row.state, row.carrier, row.due_on)


@dataclass(frozen=True, slots=True)
class News:
    """One recent act of somebody else on a dossier."""

    at: datetime
    act: str
    role: str
    dossier_id: int
    number: str | None
    title: str


def news(session: Session, actor: Actor) -> list[News]:
    """The last acts of others on the dossiers that `actor` may see, newest first, in one statement."""
    head = select(func.coalesce(func.max(JournalEntry.seq), 0)).scalar_subquery()
    rows = session.execute(
        select(JournalEntry.at, JournalEntry.act, JournalEntry.role, Dossier.id, Dossier.number, Dossier.title)
        .join(Dossier, Dossier.id == JournalEntry.dossier_id)
        .where(
            JournalEntry.seq > head - RECENT,
            JournalEntry.act.in_(NEWSWORTHY),
            or_(JournalEntry.actor_id.is_(None), JournalEntry.actor_id != actor.person_id),
            visible(actor),
        )
        .order_by(JournalEntry.seq.desc())
        .limit(NEWS)
    )
    return [News(*row) for row in rows]
