"""Each instructor's own list of dossiers.

The two individual opinions are compared here only to say what comes next, and only once both are sealed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Integer, Select, bindparam, case, func, literal, nulls_last, or_, select, union_all
from sqlalchemy.orm import Session

from states.dossier import STATES
from workflow.access import Actor
from workflow.models import (
    BinomeMember,
    Consultation,
    Dossier,
    JointOpinion,
    JointSignature,
    Opinion,
    OpinionAmount,
    OpinionScore,
    Organisation,
    Person,
    Report,
)
from workflow.models.instruction import THIRD
from workflow.opinions import Content
from workflow.queries.consultation import NOT_AWAITED
from workflow.queries.progress import MINE, next_step, progress

PAGE = 30

Row = Any
"""A named tuple of the columns of a select."""


GROUPS: Mapping[str, tuple[str, ...]] = {
    "a-instruire": ("incomplete", "assigned", "expert_consulted"),
    "avis-rendus": ("opinion", "funding_decision"),
    "en-suivi": ("follow_up",),
    "termines": (
        "evaluated",
        "under_control",
        "controlled",
        "closed",
        "refused",
        "withdrawn",
        "cancelled",
        "inadmissible",
    ),
}
"""The parts of an instructor's list, by the word in the address."""

_ME = bindparam("person_id", type_=Integer)
_MINE: Select[int] = select(BinomeMember.dossier_id).where(
    BinomeMember.person_id == _ME, BinomeMember.left_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class Mine:
    """A dossier of one's own list: the dossier, what comes next, with whom, and how many experts have answered."""

    dossier: Row
    step: str
    colleague: str
    answered: int
    asked: int

    @property
    def mine(self) -> bool:
        """Whether it waits for the reader."""
        return self.step in MINE


@dataclass(frozen=True)
class OwnList:
    """One page of an instructor's dossiers by due date, and how many stand in each state."""

    rows: Sequence[Mine]
    counts: Mapping[str, int]
    late: int
    total: int
    number: int
    pages: int


def own_list(session: Session, actor: Actor, group: str, page: int, today: date) -> OwnList:
    """A page of the dossiers that `actor` instructs, in seven statements."""
    states = GROUPS[group]
    counted = session.execute(
        select(
            Dossier.state, func.count().label("dossiers"), func.count(case((Dossier.due_on < today, 1))).label("late")
        )
        .where(Dossier.id.in_(_MINE))
        .group_by(Dossier.state),
        {"person_id": actor.person_id},
    ).all()
    found = {row.state: row.dossiers for row in counted}
    counts = {state: found[state] for state in STATES if state in found}
    total = sum(count for state, count in counts.items() if state in states)
    pages = max(1, -(-total // PAGE))
    number = min(max(1, page), pages)
    settled = select(Report.id).where(Report.dossier_id == Dossier.id, Report.kind == "final").exists()
    dossiers = session.execute(
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.due_on.label("due"),
            Organisation.name.label("carrier"),
            settled.label("settled"),
        )
        .join(Organisation, Organisation.id == Dossier.organisation_id)
        .where(Dossier.id.in_(_MINE), Dossier.state.in_(states))
        .order_by(nulls_last(Dossier.due_on.asc()), Dossier.id)
        .limit(PAGE)
        .offset((number - 1) * PAGE),
        {"person_id": actor.person_id},
    ).all()
    return OwnList(
        _with_steps(session, actor, dossiers),
        counts,
        sum(row.late for row in counted if row.state in GROUPS["a-instruire"]),
        total,
        number,
        pages,
    )


def _by_dossier(rows: Sequence[Row]) -> Mapping[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.dossier_id, []).append(row)
    return found


def _with_steps(session: Session, actor: Actor, dossiers: Sequence[Row]) -> list[Mine]:
    ids = [row.id for row in dossiers]
    seats = _by_dossier(
        session.execute(
            select(BinomeMember.dossier_id, BinomeMember.person_id, Person.name, BinomeMember.seat)
            .join(Person, Person.id == BinomeMember.person_id)
            .where(BinomeMember.dossier_id.in_(ids), BinomeMember.left_at.is_(None))
        ).all()
    )
    opinions = _by_dossier(
        session.execute(
            select(Opinion.dossier_id, Opinion.id, Opinion.author_id, Opinion.sealed_at, Opinion.verdict)
            .join(
                BinomeMember,
                (BinomeMember.dossier_id == Opinion.dossier_id)
                & (BinomeMember.person_id == Opinion.author_id)
                & BinomeMember.left_at.is_(None),
            )
            .where(
                Opinion.dossier_id.in_(ids),
                Opinion.superseded_at.is_(None),
                or_(Opinion.author_id == actor.person_id, Opinion.sealed_at.is_not(None)),
            )
        ).all()
    )
    said = _said(session, [row.id for rows in opinions.values() for row in rows])
    joints = _by_dossier(
        session.execute(
            select(JointOpinion.dossier_id, JointOpinion.basis, JointSignature.person_id)
            .outerjoin(JointSignature, JointSignature.joint_id == JointOpinion.id)
            .where(JointOpinion.dossier_id.in_(ids), JointOpinion.superseded_at.is_(None))
        ).all()
    )
    experts = _by_dossier(
        session.execute(
            select(
                Consultation.dossier_id,
                func.count().label("asked"),
                func.count(case((Consultation.state != "asked", 1))).label("answered"),
            )
            .where(Consultation.dossier_id.in_(ids), Consultation.state.not_in(NOT_AWAITED))
            .group_by(Consultation.dossier_id)
        ).all()
    )
    found = []
    for dossier in dossiers:
        joint = joints.get(dossier.id, [])
        here = progress(
            dossier.state,
            actor.person_id,
            [
                Content(row.author_id, row.verdict, said["sum", row.id], said["score", row.id], bool(row.sealed_at))
                for row in opinions.get(dossier.id, [])
            ],
            third_id=next((seat.person_id for seat in seats[dossier.id] if seat.seat == THIRD), None),
            joint=bool(joint),
            signatures=(row.person_id for row in joint if row.person_id is not None),
            arbitrated=any(row.basis == "arbitrated" for row in joint),
            report_settled=bool(dossier.settled),
        )
        colleague = next((row.name for row in seats[dossier.id] if row.person_id != actor.person_id), "")
        asked = experts.get(dossier.id, [None])[0]
        found.append(
            Mine(
                dossier,
                next_step(here, actor.person_id),
                colleague,
                asked.answered if asked else 0,
                asked.asked if asked else 0,
            )
        )
    return found


def _said(session: Session, opinions: Sequence[int]) -> Mapping[tuple[str, int], dict[int, int]]:
    """What opinions propose on each line (« sum ») and how they score each criterion (« score »)."""
    sums = select(
        literal("sum").label("kind"), OpinionAmount.opinion_id, OpinionAmount.request_id, OpinionAmount.proposed_cents
    ).where(OpinionAmount.opinion_id.in_(opinions))
    scores = select(literal("score"), OpinionScore.opinion_id, OpinionScore.criterion_id, OpinionScore.score).where(
        OpinionScore.opinion_id.in_(opinions)
    )
    found: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    rows: Any = session.execute(union_all(sums, scores))
    for kind, opinion, about, value in rows:
        found[kind, opinion][about] = value
    return found
