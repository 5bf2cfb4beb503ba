"""The binômes of an instance: a proposal for every dossier that waits, proved, changed by hand, accepted in one act."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Blueprint, flash, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from states.words import N_
from web import errors, forms
from web.context import current_actor, now, see, session, today, write
from web.instance_page import here, page, scope
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.paired import Words, number
from web.security import access
from workflow.pairing.problem import Cause, Solution
from workflow.queries import binomes as query
from workflow.queries.binomes import Instructor, Pool, Waiting
from workflow.queries.board import Scope
from workflow.queries.members import member
from workflow.use_cases import membership
from workflow.use_cases.binomes import NotSeated, Seating, form_binomes

pages = Blueprint("binomes", __name__, url_prefix="/instance")

TIME_LIMIT = 8.0
"""Seconds that a proposal may take."""

KEPT_OUT: Mapping[str, str] = {
    "untrained": N_("pas encore formé"),
    "bound": N_("conflit d'intérêts avec le porteur ou la commune"),
    "away": N_("absent"),
    "seated": N_("déjà dans le binôme"),
    "same_institution": N_("même institution que l'autre membre"),
}
"""What keeps somebody out of a binôme, as the page says it."""

_LAWFUL = ("capacity", "pinned", "banned_pair")
"""What an animator can lift; a conflict of interest or the rule of different institutions is none of it."""


@dataclass(frozen=True)
class Wishes:
    """What the animator wants of a proposal: for which dossiers, whom on which, which pairs not; and the last one."""

    chosen: frozenset[int] = frozenset()
    pins: tuple[tuple[int, ...], ...] = ()
    bans: tuple[tuple[int, ...], ...] = ()
    pairs: tuple[tuple[int, ...], ...] = ()
    """Of the last proposal: dossier, version, people."""

    @property
    def previous(self) -> Mapping[int, Sequence[int]]:
        """The people of the last proposal, by dossier."""
        return {row[0]: row[2:] for row in self.pairs}


def _rows(name: str, parts: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    """The fields « 1:2:3 » of that name, each once, those that are not so left out."""
    found = []
    for value in request.form.getlist(name)[: query.AT_ONCE * 4]:
        numbers = value.split(":")
        if len(numbers) in parts and all(one.isascii() and one.isdecimal() and len(one) < 16 for one in numbers):
            found.append(tuple(map(int, numbers)))
    return tuple(dict.fromkeys(found))


def _wishes() -> Wishes:
    lifted = {*_rows("lift", (2, 3))}
    return Wishes(
        frozenset(row[0] for row in _rows("dossier", (1,))),
        tuple(row for row in _rows("pin", (2,)) if row not in lifted),
        tuple(row for row in _rows("ban", (3,)) if row not in lifted),
        _rows("pair", (3, 4)),
    )


# --- what the page shows ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """Somebody on the list of who could instruct a dossier: how well they know it, and what keeps them out."""

    person: Instructor
    affinity: int
    because: str
    kept_out: str = ""
    chosen: bool = False
    pinned: bool = False


@dataclass(frozen=True)
class Row:
    """A dossier that waits: who is proposed, and everybody else with why not."""

    dossier: Waiting
    people: Sequence[Shown]
    pins: Sequence[tuple[str, str]] = ()
    """Who is wanted on it and which pairs are not, as texts, each with the value that lifts it."""

    @property
    def chosen(self) -> Sequence[Shown]:
        """The people proposed."""
        return [one for one in self.people if one.chosen]


@dataclass(frozen=True)
class Answer:
    """What the solver said, in words."""

    found: Solution | None = None
    proof: str = ""
    causes: Sequence[tuple[str, Sequence[str]]] = ()
    """Each cause, and what would lift it."""
    seats: Mapping[int, Sequence[int]] = field(default_factory=dict)


def _row(pool: Pool, dossier: Waiting, wishes: Wishes, seats: Sequence[int]) -> Row:
    people = []
    for one in pool.people:
        points, because = pool.affinity(dossier, one)
        word = pool.kept_out(dossier, one)
        pinned = (dossier.id, one.id) in wishes.pins
        people.append(Shown(one, points, because, _kept_out(pool, dossier, one, word), one.id in seats, pinned))
    people.sort(key=lambda shown: (not shown.chosen, bool(shown.kept_out), -shown.affinity, shown.person.held))
    names = {one.id: one.name for one in pool.people}
    marks = [
        (_("%(name)s est imposé", name=names.get(one, "?")), f"{dossier.id}:{one}")
        for about, one in wishes.pins
        if about == dossier.id
    ]
    marks += [
        (
            _("%(one)s et %(other)s sont écartés ensemble", one=names.get(a, "?"), other=names.get(b, "?")),
            f"{d}:{a}:{b}",
        )
        for d, a, b in wishes.bans
        if d == dossier.id
    ]
    return Row(dossier, people, marks)


def _kept_out(pool: Pool, dossier: Waiting, one: Instructor, word: str | None) -> str:
    if word == "away" and one.away_until:
        return str(_("absent jusqu'au %(day)s", day=f"{one.away_until:%d/%m/%Y}"))
    if word == "bound" and pool.bonds[dossier.id, one.id]:
        return str(_("lien avec le porteur : %(bond)s", bond=pool.bonds[dossier.id, one.id]))
    if word:
        return str(_(KEPT_OUT[word]))
    if one.left < dossier.effort:
        return str(_("plus assez de points d'effort (%(left)s)", left=one.left))
    return ""


def _loads(pool: Pool, answer: Answer) -> list[dict[str, Any]]:
    """For each instructor the points held, those that the proposal adds, and their capacity."""
    effort = {dossier.id: dossier.effort for dossier in pool.dossiers}
    added = dict.fromkeys(pool.person, 0)
    for dossier, seats in answer.seats.items():
        for one in seats:
            added[one] += effort[dossier]
    return [
        {"label": one.name, "held": one.held, "added": added[one.id], "capacity": one.capacity}
        for one in pool.people
        if one.trained_on
    ]


def _asked(pool: Pool, wishes: Wishes) -> Answer:
    # The solver takes longer to import than a page to make.
    from workflow.pairing.solve import solve  # noqa: PLC0415

    pins, bans = [(d, one) for d, one in wishes.pins], [(d, a, b) for d, a, b in wishes.bans]
    problem = pool.problem(wishes.chosen, pins, bans, wishes.previous)
    found = solve(problem, "fair", TIME_LIMIT)
    if found.status in ("optimal", "feasible"):
        return Answer(found, _proof(found), (), pool.seats(found))
    words = Words(problem, pool.names())
    causes = [(words.cause(cause), _lifts(pool, words, cause)) for cause in found.causes]
    unknown = _("Rien n'a été trouvé dans le temps donné, ni prouvé impossible : choisissez moins de dossiers.")
    return Answer(found, "", causes or [(unknown, [])])


def _lifts(pool: Pool, words: Words, cause: Cause) -> list[str]:
    """What would do, as far as an animator can do it. A capacity is told whole: the solver knows what is left of it."""
    held = {query.person_key(one.id): one.held for one in pool.people}
    lawful = [lift for lift in cause.lifts if lift.constraint.kind in _LAWFUL]
    return [
        words.lift(lift if lift.to is None else replace(lift, to=lift.to + held[lift.constraint.instructor or ""]))
        for lift in lawful
    ]


def _proof(found: Solution) -> str:
    if found.status == "optimal":
        return str(_("Aucune répartition n'est meilleure : c'est prouvé."))
    return str(
        _(
            "Valable, à %(gap)s %% au plus de la meilleure possible : le temps n'a pas suffi pour le prouver mieux.",
            gap=number(round(100 * (found.gap or 0), 1)),
        )
    )


def _page(where: Scope, pool: Pool, wishes: Wishes, answer: Answer, status: int = 200, **values: Any) -> Response:
    return page(
        "binomes",
        where,
        status,
        part="binomes.show",
        pool=pool,
        wishes=wishes,
        answer=answer,
        rows=[_row(pool, dossier, wishes, answer.seats.get(dossier.id, ())) for dossier in pool.dossiers],
        loads=_loads(pool, answer),
        **{"refused": None, "problem": "", **values},
    )


def _pool(where: Scope) -> Pool:
    return query.pool(session(), where.instance.id, where.campaign.id, today())


# --- pages -----------------------------------------------------------------------------------------------------------


@pages.get("/binomes")
@access("animator", "transversal")
def show() -> Response:
    """The dossiers that lack a binôme or a member, the instructors with their loads, and the button that proposes."""
    where = scope()
    pool = _pool(where)
    return _page(where, pool, Wishes(frozenset(dossier.id for dossier in pool.dossiers)), Answer())


@pages.post("/binomes/proposition")
@access("animator")
def propose() -> Response:
    """The best binômes for the chosen dossiers, with the pins and bans as they stand; nothing is written."""
    where = scope()
    pool, wishes = _pool(where), _wishes()
    waiting = {dossier.id for dossier in pool.dossiers} & wishes.chosen
    if not waiting:
        return _page(where, pool, wishes, Answer(), 422, problem=_("Cochez au moins un dossier."))
    wishes = Wishes(frozenset(waiting), wishes.pins, wishes.bans, wishes.pairs)
    return _page(where, pool, wishes, _asked(pool, wishes))


@pages.post("/binomes/accepter")
@access("animator")
def accept() -> Response:
    """All the binômes of the proposal, in one act; where one is refused none is formed, and it is said why."""
    where = scope()
    wishes = _wishes()
    pool = _pool(where)
    by_id = {dossier.id: dossier for dossier in pool.dossiers}
    seatings = [
        Seating(row[0], row[1], row[2:], by_id[row[0]].leaver_id if row[0] in by_id else None) for row in wishes.pairs
    ]
    if not seatings:
        return _page(where, pool, wishes, Answer(), 422, problem=_("Demandez d'abord une proposition."))
    try:
        with write() as unit:
            form_binomes(unit, current_actor(), seatings, now())
    except NotSeated as error:
        dossier = by_id.get(error.dossier_id)
        refused = (
            dossier.number if dossier else _("Dossier"),
            [errors.explain(reason) for reason in error.refusal.reasons],
        )
        return _page(where, _pool(where), wishes, Answer(), 409, refused=refused)
    flash(ngettext("%(num)s binôme formé.", "%(num)s binômes formés.", len(seatings)), "success")
    return see("binomes.show", **here(where))


# --- one instructor --------------------------------------------------------------------------------------------------


@pages.route("/membres/<int:grant_id>", methods=("GET", "POST"))
@access("animator", "transversal")
def instructor(grant_id: int) -> Response:
    """What an instructor brings: effort points and competences; sent, they are kept."""
    where = scope()
    outcome = NOTHING_ASKED
    if request.method == "POST":
        raw = forms.sent()
        outcome = attempt(lambda unit: membership.describe_member(unit, current_actor(), grant_id, raw, now()))
        if outcome.done:
            flash(_("La capacité et les compétences sont enregistrées."), "success")
            return see("animator.members", **here(where))
    return _instructor(where, grant_id, outcome)


def _instructor(where: Scope, grant_id: int, outcome: Outcome) -> Response:
    return page(
        "member",
        where,
        outcome.status,
        part="animator.members",
        who=member(session(), where.instance.id, where.campaign.id, grant_id, today()),
        outcome=outcome,
        typed=forms.typed() if outcome.status != 200 else None,
        levels=membership.LEVEL_LABELS,
        labels=labels(membership.MembershipForm()),
    )


# An answer to a form stands at the form's own address: read again (another language), it is the page it stands on.
pages.add_url_rule("/binomes/proposition", "propose_again", show)
pages.add_url_rule("/binomes/accepter", "accept_again", show)
