"""Finding dossiers: by number, carrier or title, filtered and sorted, within what the reader may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, UnaryExpression, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from workflow.access import Actor, visible
from workflow.models import Campaign, Dossier, Instance, Organisation
from workflow.plain import plain
from workflow.turns import TURNS

PAGE = 25
COUNTED = 1000
"""Matches are counted up to here: who finds more has to say more, and counting all would read every dossier."""
WORDS = 8

SORTS: Mapping[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
    "recent": Dossier.id,
    "number": Dossier.number,
    "carrier": Organisation.name,
    "title": Dossier.title,
    "state": Dossier.state,
    "due": Dossier.due_on,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `sort` is a key of SORTS; `page` counts from 1."""

    text: str = ""
    state: str | None = None
    instance_id: int | None = None
    campaign_id: int | None = None
    late: bool = False
    sort: str = "recent"
    descending: bool = True
    page: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """One dossier of the list."""

    id: int
    number: str | None
    title: str
    state: str
    due_on: date | None
    carrier: str
    instance: str | None


@dataclass(frozen=True, slots=True)
class Results:
    """One page of what was found. `total` stops at COUNTED; `more` says that there are more."""

    rows: Sequence[Found]
    total: int
    more: bool
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE))


def by_number(session: Session, actor: Actor, text: str) -> int | None:
    """The dossier whose number is exactly `text`, if the reader may see it."""
    return session.scalar(select(Dossier.id).where(Dossier.number == text.strip(), visible(actor)))


def search(session: Session, actor: Actor, wanted: Wanted, today: date) -> Results:
    """One page of the dossiers that match and that `actor` may see, in two statements."""
    matching = _matching(actor, wanted, today)
    counted = matching.with_only_columns(literal(1)).limit(COUNTED + 1).subquery()
    total = session.scalar(select(func.count()).select_from(counted)) or 0
    page = min(max(1, wanted.page), max(1, -(-min(total, COUNTED) // PAGE)))
    rows = session.execute(matching.order_by(*_order(wanted)).limit(PAGE).offset((page - 1) * PAGE))
    return Results([Found(*row) for row in rows], min(total, COUNTED), total > COUNTED, page)


def _order(wanted: Wanted) -> list[UnaryExpression[Any]]:
    """The newest first among equals; empty values at the end."""
    if wanted.sort == "recent":
        return [Dossier.id.desc() if wanted.descending else Dossier.id.asc()]
    column = SORTS[wanted.sort]
    return [(column.desc() if wanted.descending else column.asc()).nulls_last(), Dossier.id.desc()]


def _matching(actor: Actor, wanted: Wanted, today: date) -> Select[*tuple[Any, ...]]:
    statement = (
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.due_on,
            Organisation.name.label("carrier"),
            Instance.label.label("instance"),
        )
        .join(Dossier.organisation)
        .outerjoin(Dossier.instance)
        .where(visible(actor))
    )
    for word in plain(wanted.text).split()[:WORDS]:
        statement = statement.where(Dossier.search_text.contains(word, autoescape=True))
    if wanted.state:
        statement = statement.where(Dossier.state == wanted.state)
    if wanted.instance_id:
        statement = statement.where(Dossier.instance_id == wanted.instance_id)
    if wanted.campaign_id:
        statement = statement.where(Dossier.campaign_id == wanted.campaign_id)
    if wanted.late:
        statement = statement.where(Dossier.due_on < today, Dossier.state.in_(TURNS))
    return statement


def options(session: Session) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The instances and the campaigns to filter by, in one statement each."""
    instances = session.execute(select(Instance.id, Instance.label).order_by(Instance.label))
    campaigns = session.execute(select(Campaign.id, Campaign.label).order_by(Campaign.year.desc(), Campaign.id))
    return [(row.id, row.label) for row in instances], [(row.id, row.label) for row in campaigns]
