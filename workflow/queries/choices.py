"""The lists that forms offer: one statement each, and only those that a form names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from states.dossier import CONTROLLER
from states.review import ELIGIBLE
from workflow.access import INSTRUCTOR, Actor, colleagues, took_part
from workflow.models import (
    BinomeMember,
    Campaign,
    CommitteeSession,
    Commune,
    Document,
    Dossier,
    Expert,
    FundingRequest,
    Instance,
    Institution,
    Objective,
    Organisation,
    Person,
    Piece,
    RoleGrant,
    Theme,
)
from workflow.models.instruction import THIRD

_SHORT = func.coalesce(Institution.funder_code, Institution.label)

Option = tuple[Any, str]
Options = Sequence[Option] | Mapping[str, Sequence[Option]]
"""Options in their order; or, by group, a mapping of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom, on what and on which day the lists are made."""

    session: Session
    actor: Actor
    dossier: Dossier | None
    today: date

    @property
    def dossier_id(self) -> int | None:
        """The dossier's id, where there is one."""
        return self.dossier.id if self.dossier else None


def choices(
    session: Session, actor: Actor, dossier: Dossier | None, keys: Iterable[str], today: date
) -> dict[str, Options]:
    """The lists named by `keys`. Raises KeyError for a list nobody makes."""
    asked = Asked(session, actor, dossier, today)
    return {key: CHOICES[key](asked) for key in dict.fromkeys(keys)}


def _pairs(asked: Asked, statement: Any) -> list[Option]:
    return [(row[0], row[1]) for row in asked.session.execute(statement)]


def _grouped(rows: Iterable[Any]) -> dict[str, list[Option]]:
    groups: dict[str, list[Option]] = {}
    for group, value, label in rows:
        groups.setdefault(group, []).append((value, label))
    return groups


def _operational_objectives(asked: Asked) -> Options:
    strategic = aliased(Objective)
    rows = asked.session.execute(
        select(
            strategic.code, strategic.label.label("parent"), Objective.id, Objective.code.label("own"), Objective.label
        )
        .join(strategic, strategic.id == Objective.parent_id)
        .where(Objective.level == "operational")
        .order_by(Objective.code)
    )
    return _grouped((f"{row.code} – {row.parent}", row.id, f"{row.own} – {row.label}") for row in rows)


def _objectives(asked: Asked) -> Options:
    """Objectives of all three levels, each orientation with what lies under it."""
    rows = asked.session.execute(select(Objective.id, Objective.code, Objective.label).order_by(Objective.code)).all()
    heads = {row.code[:1]: f"{row.code} – {row.label}" for row in reversed(rows)}
    return _grouped((heads[row.code[:1]], row.id, f"{row.code} – {row.label}") for row in rows)


def _communes(asked: Asked) -> Options:
    return _pairs(asked, select(Commune.id, Commune.label).order_by(Commune.label))


def _instances(asked: Asked) -> Options:
    """Every instance but the one that already has the dossier."""
    here = asked.dossier.instance_id if asked.dossier else None
    rows = asked.session.execute(
        select(Theme.label, Instance.id, Instance.label).join(Instance.theme).order_by(Theme.code, Instance.label)
    )
    return _grouped(row for row in rows if row[1] != here)


def _institutions(asked: Asked) -> Options:
    return _pairs(asked, select(Institution.id, Institution.label).order_by(Institution.label))


def _funders(asked: Asked) -> Options:
    statement = select(Institution.id, Institution.label).where(Institution.funder_code.is_not(None))
    return _pairs(asked, statement.order_by(Institution.label))


def _organisations(asked: Asked) -> Options:
    return _pairs(asked, select(Organisation.id, Organisation.name).order_by(Organisation.name, Organisation.id))


def _campaigns(asked: Asked) -> Options:
    return _pairs(asked, select(Campaign.id, Campaign.label).order_by(Campaign.year.desc(), Campaign.id.desc()))


def _people(asked: Asked) -> Options:
    return _pairs(asked, select(Person.id, Person.name).where(Person.active).order_by(Person.name, Person.id))


def _with_institution(rows: Iterable[Any]) -> list[Option]:
    return [(row.id, f"{row.name} – {row.institution}" if row.institution else row.name) for row in rows]


def _instructors(asked: Asked) -> Options:
    """Instructors of the dossier's instance; who is in the binôme already is not offered again."""
    seated = select(BinomeMember.person_id).where(
        BinomeMember.dossier_id == asked.dossier_id, BinomeMember.left_at.is_(None)
    )
    return _with_institution(
        asked.session.execute(
            select(Person.id, Person.name, _SHORT.label("institution"))
            .join(RoleGrant, RoleGrant.person_id == Person.id)
            .outerjoin(Person.institution)
            .where(
                RoleGrant.role == INSTRUCTOR,
                RoleGrant.instance_id == (asked.dossier.instance_id if asked.dossier else None),
                RoleGrant.ended_at.is_(None),
                Person.active,
                Person.id.not_in(seated),
            )
            .order_by(Person.name, Person.id)
        )
    )


def _controllers(asked: Asked) -> Options:
    """All controllers; who took part in the dossier is refused in words."""
    return _with_institution(
        asked.session.execute(
            select(Person.id, Person.name, _SHORT.label("institution"))
            .join(RoleGrant, RoleGrant.person_id == Person.id)
            .outerjoin(Person.institution)
            .where(RoleGrant.role == CONTROLLER, RoleGrant.ended_at.is_(None), Person.active)
            .distinct()
            .order_by(Person.name, Person.id)
        )
    )


def _reviewers(asked: Asked) -> Options:
    """All who may review and took no part in the dossier."""
    return _with_institution(
        asked.session.execute(
            select(Person.id, Person.name, _SHORT.label("institution"))
            .join(RoleGrant, RoleGrant.person_id == Person.id)
            .join(Dossier, Dossier.id == asked.dossier_id)
            .outerjoin(Person.institution)
            .where(
                RoleGrant.role.in_(ELIGIBLE),
                RoleGrant.ended_at.is_(None),
                Person.active,
                ~or_(*took_part(Person.id).values()),
            )
            .distinct()
            .order_by(Person.name, Person.id)
        )
    )


def _members(asked: Asked) -> Options:
    return _with_institution(
        asked.session.execute(
            select(Person.id, Person.name, _SHORT.label("institution"))
            .join(BinomeMember, BinomeMember.person_id == Person.id)
            .outerjoin(Institution, Institution.id == BinomeMember.institution_id)
            .where(
                BinomeMember.dossier_id == asked.dossier_id,
                BinomeMember.left_at.is_(None),
                BinomeMember.seat != THIRD,
            )
            .order_by(BinomeMember.seat)
        )
    )


def _sessions(asked: Asked) -> Options:
    """Sessions to come of the dossier's campaign: its instance's and the territory's."""
    dossier = asked.dossier
    rows = asked.session.execute(
        select(CommitteeSession.id, CommitteeSession.label, CommitteeSession.on)
        .where(
            CommitteeSession.campaign_id == (dossier.campaign_id if dossier else None),
            or_(
                CommitteeSession.instance_id.is_(None),
                CommitteeSession.instance_id == (dossier.instance_id if dossier else None),
            ),
            CommitteeSession.on >= asked.today,
            CommitteeSession.cancelled_at.is_(None),
        )
        .order_by(CommitteeSession.on, CommitteeSession.id)
    )
    return [(row.id, f"{row.label} – {row.on:%d/%m/%Y}") for row in rows]


def _experts(asked: Asked) -> Options:
    rows = asked.session.execute(
        select(Expert.id, Expert.name, Expert.subject)
        .where(Expert.retired_at.is_(None))
        .order_by(Expert.name, Expert.id)
    )
    return [(row.id, f"{row.name} – {row.subject}" if row.subject else row.name) for row in rows]


def _requests(asked: Asked) -> Options:
    statement = (
        select(FundingRequest.id, _SHORT)
        .join(FundingRequest.funder)
        .where(FundingRequest.dossier_id == asked.dossier_id)
        .order_by(Institution.label)
    )
    return _pairs(asked, statement)


def _own_requests(asked: Asked) -> Options:
    """The lines on which the acting funder decides."""
    statement = (
        select(FundingRequest.id, _SHORT)
        .join(FundingRequest.funder)
        .where(FundingRequest.dossier_id == asked.dossier_id, FundingRequest.funder_id.in_(asked.actor.funders))
        .order_by(Institution.label)
    )
    return _pairs(asked, statement)


def _pieces(asked: Asked) -> Options:
    statement = select(Piece.id, Piece.label).where(Piece.dossier_id == asked.dossier_id, Piece.answered_at.is_(None))
    return _pairs(asked, statement.order_by(Piece.id))


def _documents(asked: Asked) -> Options:
    """The newest version of each."""
    newer = aliased(Document)
    statement = (
        select(Document.id, Document.filename)
        .outerjoin(newer, newer.replaces_id == Document.id)
        .where(Document.dossier_id == asked.dossier_id, newer.id.is_(None))
    )
    return _pairs(asked, statement.order_by(Document.id))


def _colleagues(asked: Asked) -> Options:
    """Whom a note on the dossier may name: all who read it but its author."""
    rows = _pairs(asked, colleagues(asked.dossier_id, asked.dossier.instance_id if asked.dossier else None))
    return [row for row in rows if row[0] != asked.actor.person_id]


CHOICES: Mapping[str, Callable[[Asked], Options]] = {
    "operational_objectives": _operational_objectives,
    "objectives": _objectives,
    "communes": _communes,
    "instances": _instances,
    "institutions": _institutions,
    "funders": _funders,
    "organisations": _organisations,
    "campaigns": _campaigns,
    "people": _people,
    "instructors": _instructors,
    "controllers": _controllers,
    "reviewers": _reviewers,
    "members": _members,
    "sessions": _sessions,
    "colleagues": _colleagues,
    "experts": _experts,
    "documents": _documents,
    "requests": _requests,
    "own_requests": _own_requests,
    "pieces": _pieces,
}
"""Each list by the name that fields give in their metadata (`choices`)."""
