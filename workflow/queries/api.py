"""What the API reads besides a dossier's file: the list by cursor, the reference data, the subject of an act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from states.dossier import CARRIER
from workflow.access import Actor, knows_of, sees, visible
from workflow.acts import Part
from workflow.errors import NotFound
from workflow.models import (
    Campaign,
    Commune,
    Consultation,
    Dossier,
    Instance,
    Institution,
    Mission,
    Objective,
    Organisation,
    Review,
    Route,
    Theme,
)
from workflow.queries import dossier as query
from workflow.queries.timeline import ENTRIES, Entry, timeline
from workflow.turns import TURNS

# --- the list -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dossiers are wanted; what is empty does not filter. `words` are folded as `search_text` is."""

    states: Sequence[str] = ()
    instance_id: int | None = None
    campaign_id: int | None = None
    organisation_id: int | None = None
    words: Sequence[str] = ()
    late: bool | None = None
    due_before: date | None = None
    after: int = 0
    """Only dossiers whose id is greater: where the page before ended."""


def dossiers(session: Session, actor: Actor, wanted: Filter, limit: int, today: date) -> Sequence[Row[Any]]:
    """The first `limit` dossiers that match and that `actor` may read, in the order of their ids, in one statement."""
    statement = (
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.version,
            Dossier.campaign_id,
            Dossier.organisation_id,
            Organisation.name.label("organisation"),
            Dossier.instance_id,
            Instance.label.label("instance"),
            Dossier.objective_id,
            Dossier.due_on,
            _late(today).label("late"),
            Dossier.state_since,
            Dossier.created_at,
            Dossier.submitted_at,
        )
        .join(Dossier.organisation)
        .outerjoin(Dossier.instance)
        .where(visible(actor), Dossier.id > wanted.after)
        .order_by(Dossier.id)
        .limit(limit)
    )
    return session.execute(_filtered(statement, wanted, today)).all()


def _late(today: date) -> Any:
    return Dossier.due_on.is_not(None) & (Dossier.due_on < today) & Dossier.state.in_(TURNS)


def _filtered(statement: Select[*tuple[Any, ...]], wanted: Filter, today: date) -> Select[*tuple[Any, ...]]:
    if wanted.states:
        statement = statement.where(Dossier.state.in_(wanted.states))
    for column in ("instance_id", "campaign_id", "organisation_id"):
        value = getattr(wanted, column)
        if value is not None:
            statement = statement.where(getattr(Dossier, column) == value)
    for word in wanted.words:
        statement = statement.where(Dossier.search_text.contains(word, autoescape=True))
    if wanted.late is not None:
        statement = statement.where(_late(today) if wanted.late else ~_late(today))
    if wanted.due_before is not None:
        statement = statement.where(Dossier.due_on < wanted.due_before)
    return statement


# --- one dossier --------------------------------------------------------------------------------------------------


def journal(session: Session, actor: Actor, dossier_id: int) -> list[Entry]:
    """What happened to a dossier, as its reader may know it, newest first. Raises NotFound."""
    dossier, roles = query.find(session, actor, dossier_id)
    entries = session.execute(ENTRIES, {"dossier_id": dossier.id}).all()
    return timeline(entries[::-1], {CARRIER} if CARRIER in roles else roles)


SUBJECTS: Mapping[str, tuple[type[Consultation] | type[Mission] | type[Review], str]] = {
    # life: its model, and the part of the dossier (a name of access.SEES) that it is read in
    "consultation": (Consultation, "consultations"),
    "control": (Mission, "control"),
    "review": (Review, "review"),
}


def subject(session: Session, actor: Actor, life: str, subject_id: int) -> tuple[Dossier, Part]:
    """A part that has a life of its own, and its dossier. Raises NotFound where `actor` may not know of it."""
    model, part = SUBJECTS[life]
    found = session.get(model, subject_id)
    if not isinstance(found, Part):
        raise NotFound(life)
    dossier, roles = query.find(session, actor, found.dossier_id)
    reading = {CARRIER} if CARRIER in roles else roles
    if not (knows_of(found, reading) and sees(part, reading)):
        raise NotFound(life)
    return dossier, found


# --- reference data -----------------------------------------------------------------------------------------------

REFERENCE: Mapping[str, Select[*tuple[Any, ...]]] = {
    "objectives": select(Objective).order_by(Objective.code),
    "themes": select(Theme).order_by(Theme.code),
    "instances": select(Instance).order_by(Instance.code),
    "institutions": select(Institution).order_by(Institution.label),
    "communes": select(Commune).order_by(Commune.label),
    "campaigns": select(Campaign)
    .options(selectinload(Campaign.milestones))
    .order_by(Campaign.year.desc(), Campaign.id.desc()),
    "routes": select(Route)
    .options(joinedload(Route.objective), selectinload(Route.associates))
    .order_by(Route.position),
}
"""Each list of what a territory agrees on."""


def reference(session: Session, name: str) -> Sequence[Any]:
    """All rows of a list of REFERENCE, in one statement, or two where they hold lists themselves."""
    return session.scalars(REFERENCE[name]).all()
