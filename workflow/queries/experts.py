"""The directory of experts as those who ask them read it: subjects, conflicts, and how it went; nobody is ranked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, extract, func, or_, select, true
from sqlalchemy.orm import Session

from workflow.access import INSTRUCTOR, Actor
from workflow.errors import NotFound
from workflow.models import Consultation, Expert, ExpertInterest, Organisation
from workflow.queries.admin_lists import Page, Row, holds, paged
from workflow.use_cases.directory import EDITORS

A_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Asked:
    """How many questions an expert had, and in how many days they answer: half of the answers come sooner."""

    asked: int = 0
    answered: int = 0
    expired: int = 0
    open: int = 0
    days: int | None = None


NEVER_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class Directory:
    """One page of the experts; what they were asked and the organisations they are bound to, by expert."""

    page: Page
    asked: Mapping[int, Asked]
    interests: Mapping[int, Sequence[Row]]


def directory(session: Session, actor: Actor, text: str, retired: bool | None, number: int) -> Directory:
    """The experts whose name or subject holds the words of `text`; all, or (`retired`) some. Five statements.

    Raises Forbidden.
    """
    actor.require(*EDITORS, INSTRUCTOR)
    statement = select(Expert.id, Expert.name, Expert.subject, Expert.retired_at).where(
        true() if retired is None else Expert.retired_at.is_not(None) if retired else Expert.retired_at.is_(None),
        *(or_(holds(Expert.name, word), holds(Expert.subject, word)) for word in text.split()),
    )
    page = paged(session, statement, [Expert.name, Expert.id], number)
    ids = [row.id for row in page.rows]
    return Directory(page, _asked(session, ids), _interests(session, ids))


@dataclass(frozen=True, slots=True)
class ExpertFile:
    """One expert of the directory."""

    expert: Expert
    asked: Asked
    interests: Sequence[Row]


def expert(session: Session, actor: Actor, expert_id: int) -> ExpertFile:
    """One expert, in four statements. Raises NotFound or Forbidden."""
    actor.require(*EDITORS, INSTRUCTOR)
    found = session.get(Expert, expert_id)
    if found is None:
        raise NotFound("expert")
    asked, interests = _asked(session, [expert_id]), _interests(session, [expert_id])
    return ExpertFile(found, asked.get(expert_id, NEVER_ASKED), interests.get(expert_id, ()))


def _interests(session: Session, ids: Sequence[int]) -> Mapping[int, Sequence[Row]]:
    found: dict[int, list[Row]] = {}
    rows = session.execute(
        select(ExpertInterest.expert_id, Organisation.id, Organisation.name)
        .join(Organisation, Organisation.id == ExpertInterest.organisation_id)
        .where(ExpertInterest.expert_id.in_(ids))
        .order_by(Organisation.name, Organisation.id)
    )
    for row in rows:
        found.setdefault(row.expert_id, []).append(row)
    return found


def _asked(session: Session, ids: Sequence[int]) -> Mapping[int, Asked]:
    def in_state(state: str) -> ColumnElement[int]:
        return func.count(case((Consultation.state == state, 1)))

    took = extract("epoch", Consultation.ended_at) - extract("epoch", Consultation.asked_at)
    ranked = (
        select(
            Consultation.expert_id,
            took.label("took"),
            func.row_number().over(partition_by=Consultation.expert_id, order_by=took).label("rank"),
            func.count().over(partition_by=Consultation.expert_id).label("answers"),
        )
        .where(Consultation.expert_id.in_(ids), Consultation.state == "answered")
        .subquery()
    )
    middle = (
        select(ranked.c.expert_id, func.avg(ranked.c.took))
        .where(ranked.c.rank.in_(((ranked.c.answers + 1) // 2, ranked.c.answers // 2 + 1)))
        .group_by(ranked.c.expert_id)
    )
    medians = {number: round(float(seconds) / A_DAY) for number, seconds in session.execute(middle)}
    counted = (
        select(Consultation.expert_id, func.count(), in_state("answered"), in_state("expired"), in_state("asked"))
        .where(Consultation.expert_id.in_(ids))
        .group_by(Consultation.expert_id)
    )
    return {row[0]: Asked(*row[1:5], medians.get(row[0])) for row in session.execute(counted)}
