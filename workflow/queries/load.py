"""What each instructor has to instruct now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from workflow.access import INSTRUCTOR
from workflow.models import BinomeMember, Dossier, RoleGrant

ACTIVE = ("incomplete", "assigned", "expert_consulted")
"""States in which a binôme has work, or will have again."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many dossiers somebody instructs now, in all instances, and how many of them are late."""

    active: int = 0
    late: int = 0


def loads(session: Session, instance_id: int | None, today: date) -> Mapping[int, Load]:
    """The load of each instructor of an instance by person, in one statement; who has none is not named."""
    instructors = select(RoleGrant.person_id).where(
        RoleGrant.role == INSTRUCTOR, RoleGrant.instance_id == instance_id, RoleGrant.ended_at.is_(None)
    )
    rows = session.execute(
        select(
            BinomeMember.person_id,
            func.count().label("active"),
            func.count(case((Dossier.due_on < today, 1))).label("late"),
        )
        .join(Dossier, Dossier.id == BinomeMember.dossier_id)
        .where(BinomeMember.person_id.in_(instructors), BinomeMember.left_at.is_(None), Dossier.state.in_(ACTIVE))
        .group_by(BinomeMember.person_id)
    )
    return {row.person_id: Load(row.active, row.late) for row in rows}
