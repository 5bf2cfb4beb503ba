"""Editing the routing rules. Positions always count 1, 2, 3, …: they are the numbers that reasons name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from marshmallow import fields, validate
from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session, joinedload

from states.dossier import ADMINISTRATOR
from states.words import N_
from workflow import routing
from workflow.access import Actor
from workflow.errors import Invalid, NotFound
from workflow.forms import Cents, Choice, Day, Form, Lines, Reference, Text, read
from workflow.models import Commune, Dossier, Instance, Institution, Objective, Route
from workflow.models.reference import LEVELS
from workflow.rules import deposited, funders_asked, keep_version, load_rules, query_of
from workflow.use_cases.notes import note_change, snapshot
from workflow.use_cases.organisations import KIND_LABELS

_UNKNOWN = N_("Choisissez dans la liste.")

_TABLE = cast(Table, Route.__table__)

_FIELDS = (
    *("position", "objective_id", "level", "commune_id", "lead_id", "basis", "kind", "least_cents", "most_cents"),
    *("funders", "keywords", "starts_on", "ends_on"),
)


_BOUNDS = (
    ("least_cents", "most_cents", N_("Cette somme est en dessous de l'autre.")),
    ("starts_on", "ends_on", N_("Ce jour est avant l'autre.")),
)
REPLAYED = 5000
"""So many dossiers are routed again before a change is saved, the newest first."""


def _lead(rules: Sequence[routing.Rule], query: routing.Query) -> str | None:
    won = routing.route(rules, query).rule
    return won.lead if won else None


def _position(**options: Any) -> fields.Integer:
    return fields.Integer(
        metadata={"label": N_("Place parmi les règles"), "widget": "number"},
        validate=validate.Range(min=1, error=N_("Nombre à partir de 1.")),
        **options,
    )


class RouteForm(Form):
    """A routing rule; what is left empty is not asked."""

    objective_id = Reference(N_("Objectif"), "objectives", load_default=None, allow_none=True)
    level = Choice(N_("Échelle du territoire"), {level: level for level in LEVELS}, load_default=None, allow_none=True)
    commune_id = Reference(N_("Commune"), "communes", load_default=None, allow_none=True)
    lead_id = Reference(N_("Instance chef de file"), "instances", required=True)
    associated = fields.List(
        Reference(N_("Instance associée"), "instances"),
        load_default=list,
        metadata={"label": N_("Instances associées"), "widget": "checkboxes", "choices": "instances"},
    )
    basis = Text(N_("Fondement"), load_default="")
    kind = Choice(N_("Type de porteur"), KIND_LABELS, load_default=None, allow_none=True)
    least_cents = Cents(N_("Somme demandée, au moins"), load_default=None, allow_none=True)
    most_cents = Cents(N_("Somme demandée, au plus"), load_default=None, allow_none=True)
    funders = fields.List(
        fields.String(),
        load_default=list,
        metadata={"label": N_("Demandes faites à l'un de ces financeurs"), "widget": "checkboxes"},
    )
    keywords = Lines(N_("Mots-clés, un par ligne : l'un d'eux suffit"), load_default=list)
    starts_on = Day(N_("En vigueur à partir du"), load_default=None, allow_none=True)
    ends_on = Day(N_("En vigueur jusqu'au"), load_default=None, allow_none=True)


class NewRouteForm(RouteForm):
    """A new rule; it comes last unless a place is given."""

    position = _position(load_default=None, allow_none=True)


class PlaceForm(Form):
    """The place to move a rule to."""

    position = _position(required=True)


def add_route(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Route:
    """Add a rule. Raises Forbidden or Invalid."""
    actor.require(ADMINISTRATOR)
    data = read(NewRouteForm(), raw)
    position = data.pop("position")
    associates = _checked(session, data)
    order = _order(session)
    route = Route(**data, position=len(order) + 1, associates=associates)
    session.add(route)
    session.flush()
    _place(session, order, route, position or route.position)
    note_change(session, actor, ADMINISTRATOR, "add_route", route, now, after=_seen(route))
    keep_version(session, actor.person_id, now)
    return route


def change_route(session: Session, actor: Actor, route_id: int, raw: Mapping[str, Any], now: datetime) -> Route:
    """Change what a rule matches and where it leads; its place stays. Raises Forbidden, NotFound or Invalid."""
    actor.require(ADMINISTRATOR)
    data = read(RouteForm(), raw)
    _order(session)
    route = _route(session, route_id)
    associates = _checked(session, data)
    before = _seen(route)
    for name, value in data.items():
        setattr(route, name, value)
    route.associates = associates
    session.flush()
    note_change(session, actor, ADMINISTRATOR, "change_route", route, now, before=before, after=_seen(route))
    keep_version(session, actor.person_id, now)
    return route


def move_route(session: Session, actor: Actor, route_id: int, raw: Mapping[str, Any], now: datetime) -> Route:
    """Move a rule to another place; beyond the last place it comes last. Raises Forbidden, NotFound or Invalid."""
    actor.require(ADMINISTRATOR)
    position = read(PlaceForm(), raw)["position"]
    order = _order(session)
    route = _route(session, route_id)
    before = snapshot(route, "position")
    _place(session, order, route, position)
    after = snapshot(route, "position")
    note_change(session, actor, ADMINISTRATOR, "move_route", route, now, before=before, after=after)
    keep_version(session, actor.person_id, now)
    return route


def delete_route(session: Session, actor: Actor, route_id: int, now: datetime) -> None:
    """Delete a rule; those after it move up. Raises Forbidden or NotFound."""
    actor.require(ADMINISTRATOR)
    order = _order(session)
    route = _route(session, route_id)
    before = _seen(route)
    session.delete(route)
    session.flush()
    _renumber(session, [number for number in order if number != route_id])
    note_change(session, actor, ADMINISTRATOR, "delete_route", f"route:{route_id}", now, before=before)
    keep_version(session, actor.person_id, now)


@dataclass(frozen=True, slots=True)
class Moved:
    """A dossier that would go elsewhere: the codes of its instance by the rules as they are, and as they would be."""

    dossier_id: int
    number: str
    title: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Replay:
    """What a change of the rules would have done: to how many past dossiers it was asked, and which go elsewhere."""

    dossiers: int
    moved: Sequence[Moved]


def replay(session: Session, act: Callable[[Session], object]) -> Replay:
    """Do `act` in a unit of work that the caller gives up, and compare: where each of the last dossiers goes by the
    rules before it and after it. Days count for nothing, so that a rule that is to come is tried too.

    Raises what `act` raises.
    """
    before = load_rules(session)
    act(session)
    session.flush()
    after = load_rules(session)
    rows = session.execute(
        deposited()
        .options(joinedload(Dossier.objective), joinedload(Dossier.commune), joinedload(Dossier.organisation))
        .limit(REPLAYED)
    ).all()
    funders = funders_asked(session, [dossier.id for dossier, _asked in rows])
    moved = []
    for dossier, asked in rows:
        query = query_of(dossier, asked, funders.get(dossier.id, ()), None)
        was, will = (_lead(rules, query) for rules in (before, after))
        if was != will:
            moved.append(Moved(dossier.id, dossier.number or "", dossier.title, was, will))
    return Replay(len(rows), moved)


def _order(session: Session) -> list[int]:
    """The ids of all rules in their order, locked: editors wait for each other."""
    # Who had to wait for the lock reads the order that the other one left.
    session.execute(select(Route.id).order_by(Route.id).with_for_update())
    return list(session.scalars(select(Route.id).order_by(Route.position)))


def _route(session: Session, route_id: int) -> Route:
    route = session.get(Route, route_id, populate_existing=True)
    if route is None:
        raise NotFound("route")
    return route


def _checked(session: Session, data: dict[str, Any]) -> list[Instance]:
    """Check what a rule refers to; takes `associated` out of `data` and returns its instances. Raises Invalid."""
    wanted = set(data.pop("associated"))
    associates = list(session.scalars(select(Instance).where(Instance.id.in_(wanted)).order_by(Instance.code)))
    objective = session.get(Objective, data["objective_id"]) if data["objective_id"] is not None else None
    problems: dict[str, list[str]] = {}
    if data["objective_id"] is not None and objective is None:
        problems["objective_id"] = [_UNKNOWN]
    for low, high, text in _BOUNDS:
        if data[low] is not None and data[high] is not None and data[high] < data[low]:
            problems[high] = [text]
    funders = select(Institution.funder_code).where(Institution.funder_code.in_(data["funders"]))
    if set(session.scalars(funders)) != set(data["funders"]):
        problems["funders"] = [_UNKNOWN]
    if session.get(Instance, data["lead_id"]) is None:
        problems["lead_id"] = [_UNKNOWN]
    if data["commune_id"] is not None and session.get(Commune, data["commune_id"]) is None:
        problems["commune_id"] = [_UNKNOWN]
    if data["commune_id"] is not None and data["level"] not in (None, "commune"):
        problems["commune_id"] = [N_("Une commune ne se choisit qu'à l'échelle de la commune.")]
    if len(associates) != len(wanted):
        problems["associated"] = [_UNKNOWN]
    elif data["lead_id"] in wanted:
        problems["associated"] = [N_("L'instance chef de file n'est pas aussi associée.")]
    if problems:
        raise Invalid(problems)
    return associates


def _place(session: Session, order: Sequence[int], route: Route, position: int) -> None:
    others = [number for number in order if number != route.id]
    _renumber(session, [*others[: position - 1], route.id, *others[position - 1 :]])


def _renumber(session: Session, order: Sequence[int]) -> None:
    """Give rules the positions 1, 2, 3, … in `order`; over negative numbers, so that no two ever share one."""
    places = {row.id: row for row in session.scalars(select(Route).execution_options(populate_existing=True))}
    moved = [
        {"number": number, "place": -position}
        for position, number in enumerate(order, start=1)
        if places[number].position != position
    ]
    if moved:
        connection = session.connection()
        connection.execute(
            update(_TABLE).where(_TABLE.c.id == bindparam("number")).values(position=bindparam("place")), moved
        )
        connection.execute(update(_TABLE).where(_TABLE.c.position < 0).values(position=-_TABLE.c.position))
        for route in places.values():
            session.expire(route, ["position"])


def _seen(route: Route) -> dict[str, Any]:
    return {**snapshot(route, *_FIELDS), "associated": sorted(instance.id for instance in route.associates)}
