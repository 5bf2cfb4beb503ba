"""The animator's pages: the board of an instance, its list, sessions, members, and derogations for late deposits.

The transversal committee may look at every instance; only its animators act.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from states.dossier import DOSSIER
from web import errors, forms, listing, words
from web.context import current_actor, now, see, session, today, write
from web.instance_page import here, page, scope
from web.pages.together import ANIMATORS
from web.security import access
from workflow.errors import DomainError, Invalid
from workflow.forms import Form
from workflow.plain import plain
from workflow.queries import board as boards
from workflow.queries import instance as instances
from workflow.queries.choices import choices
from workflow.use_cases import campaign, intake, people, perform
from workflow.use_cases.instruction import VERDICT_LABELS

pages = Blueprint("animator", __name__)

FILTERS = ("q", "state", "late", "session")
MOST_AT_ONCE = 50


# --- the board and the list ------------------------------------------------------------------------------------------


@pages.get("/instance")
@access("animator", "transversal")
def board() -> Response:
    """The instance's dossiers by state, with the first of each."""
    where = scope()
    found = boards.board(session(), where, today())
    lists = {
        state: url_for("animator.dossiers", **here(where), state=state)
        for state in (*boards.COLUMNS, *DOSSIER.terminal)
    }
    return page(
        "board",
        where,
        board=found,
        columns=[found.counts[state] for state in boards.COLUMNS if state in found.counts],
        urls=lists,
        ended=[count for state, count in found.counts.items() if state in DOSSIER.terminal],
        bar=[{"state": c.state, "count": c.count, "url": lists[c.state]} for c in found.counts.values()],
    )


@pages.get("/instance/dossiers")
@access("animator", "transversal")
def dossiers() -> Response:
    """The instance's dossiers as a list that filters, sorts and pages in the address bar."""
    where = scope()
    kept = listing.kept(*FILTERS)
    parameters = {**{name: str(value) for name, value in here(where).items()}, **kept}
    sort = listing.Sort.asked(boards.SORTS, "due", parameters)
    wanted = boards.Filters(
        state=kept.get("state", ""),
        late=kept.get("late") == "1",
        text=plain(kept.get("q", "").strip()[:200]),
        session_id=listing.number("session"),
        sort=sort.key,
        desc=sort.desc,
        page=listing.page(),
    )
    found = boards.listed(session(), where, wanted, today())
    meetings = instances.meetings(session(), where)
    return page(
        "dossiers",
        where,
        found=found,
        sort=sort,
        together=ANIMATORS,
        filters=[
            {"name": "q", "label": _("Numéro, porteur ou titre"), "type": "search"},
            {
                "name": "state",
                "label": _("Étape"),
                "type": "select",
                "options": [(state, words.state_label(state)) for state in DOSSIER.states if state != "draft"],
            },
            {"name": "late", "label": _("Échéance"), "type": "select", "options": [("1", _("En retard"))]},
            {
                "name": "session",
                "label": _("Séance"),
                "type": "select",
                "options": [(row.id, f"{row.label} – {row.on:%d/%m/%Y}") for row in meetings],
            },
        ],
        values=kept,
        keep={**{name: str(value) for name, value in here(where).items()}, "sort": sort.word},
        reset_url=url_for("animator.dossiers", **here(where)),
        pagination=listing.pagination(found.number, found.pages, found.total, {**parameters, "sort": sort.word}),
    )


# --- sessions --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one dossier of several: `reasons` is empty where the act was done."""

    number: str
    title: str
    reasons: Sequence[Mapping[str, str]] = ()


def _sessions(
    where: boards.Scope, status: int = 200, problems: Mapping[str, Any] | None = None, **values: Any
) -> Response:
    return page(
        "sessions",
        where,
        status,
        found=instances.sessions(session(), where),
        verdicts=VERDICT_LABELS,
        problems=problems or {},
        **{"typed": {}, "results": [], "chosen": frozenset(), **values},
    )


@pages.get("/instance/seances")
@access("animator", "transversal")
def sessions() -> Response:
    """The sessions with what is tabled in each, and the opinions that wait for one."""
    return _sessions(scope())


@pages.post("/instance/seances")
@access("animator")
def create_session() -> Response:
    """Create a session of the instance; what is wrong is said and what was typed kept."""
    where = scope()
    typed = forms.typed()
    raw = {**forms.sent(), "campaign_id": where.campaign.id, "instance_id": where.instance.id}
    try:
        with write() as unit:
            campaign.create_session(unit, current_actor(), raw, now())
    except Invalid as error:
        return _sessions(where, 422, errors.messages(error.fields), typed=typed)
    flash(_("La séance est créée."), "success")
    return see("animator.sessions", **here(where))


@pages.post("/instance/seances/inscrire")
@access("animator")
def table() -> Response:
    """Table the chosen dossiers, each in a unit of work of its own; what became of each is said."""
    where = scope()
    chosen = [pair for pair in map(_numbered, request.form.getlist("dossier")[:MOST_AT_ONCE]) if pair]
    meeting = request.form.get("session_id", "")
    problems = {}
    if not chosen:
        problems["dossier"] = [_("Cochez au moins un dossier.")]
    if not meeting:
        problems["session_id"] = [_("Choisissez une séance.")]
    if problems:
        picked = frozenset(dossier_id for dossier_id, _version in chosen)
        return _sessions(where, 422, problems, chosen=picked, typed={"session_id": meeting})
    waiting = {row.id: row for row in instances.sessions(session(), where).waiting}
    results = []
    for dossier_id, version in chosen:
        known = waiting.get(dossier_id)
        number, title = (known.number, known.title) if known else (_("Dossier"), "")
        results.append(Result(number, title, _tabled(dossier_id, version, meeting)))
    done = sum(not result.reasons for result in results)
    if done == len(results):
        flash(ngettext("%(num)s dossier inscrit.", "%(num)s dossiers inscrits.", done), "success")
        return see("animator.sessions", **here(where))
    return _sessions(where, 200 if done else 409, results=results, typed={"session_id": meeting})


def _numbered(value: str) -> tuple[int, int] | None:
    """« dossier:version », as the page's boxes say it."""
    number, _colon, version = value.partition(":")
    if all(part.isascii() and part.isdecimal() and len(part) < 18 for part in (number, version)):
        return int(number), int(version)
    return None


def _tabled(dossier_id: int, version: int, meeting: str) -> Sequence[Mapping[str, str]]:
    try:
        with write() as unit:
            raw = {"session_id": meeting}
            perform(unit, current_actor(), "table", dossier_id, now=now(), raw=raw, version=version)
    except Invalid as error:
        texts = [text for found in errors.messages(error.fields).values() for text in found]
        return [{"failing": " ".join(texts), "remedy": ""}]
    except DomainError as error:
        return [errors.explain(reason) for reason in error.reasons]
    return ()


# --- members ---------------------------------------------------------------------------------------------------------


def _members(where: boards.Scope, status: int = 200, problems: Mapping[int, Any] | None = None) -> Response:
    found = instances.members(session(), where.instance.id, today())
    return page("members", where, status, members=found, problems=problems or {}, typed=request.form)


@pages.get("/instance/membres")
@access("animator", "transversal")
def members(**_member: int) -> Response:
    """The people of the instance with what they have to instruct."""
    return _members(scope())


@pages.post("/instance/membres/<int:grant_id>/formation")
@access("animator")
def record_training(grant_id: int) -> Response:
    """Record the day of a member's entry training."""
    where = scope()
    try:
        with write() as unit:
            people.record_training(unit, current_actor(), grant_id, forms.sent(), now())
    except Invalid as error:
        return _members(where, 422, {grant_id: errors.messages(error.fields)})
    flash(_("La formation est enregistrée."), "success")
    return see("animator.members", **here(where))


# --- late deposits ---------------------------------------------------------------------------------------------------


@pages.route("/instance/depots-tardifs", methods=("GET", "POST"))
@access("animator")
def late_deposits() -> Response:
    """The derogations of the campaign, and a form for another."""
    where = scope()
    form = intake.LateDepositForm(exclude=("campaign_id",))
    problems: Mapping[str, Any] = {}
    if request.method == "POST":
        raw = {**forms.sent(form), "campaign_id": where.campaign.id}
        try:
            with write() as unit:
                intake.allow_late_deposit(unit, current_actor(), raw, now())
        except Invalid as error:
            problems = errors.messages(error.fields)
        else:
            flash(_("La dérogation est écrite : le porteur peut déposer jusqu'à la date dite."), "success")
            return see("animator.late_deposits", **here(where))
    return page(
        "late_deposits",
        where,
        422 if problems else 200,
        form=form,
        derogations=instances.late_deposits(session(), where.campaign.id),
        choices=choices(session(), current_actor(), None, ["organisations"], today()),
        problems=problems,
        labels=_labels(form),
        typed=forms.typed(form) if problems else {},
    )


def _labels(form: Form) -> dict[str, str]:
    return {name: _(field.metadata.get("label", "")) for name, field in form.fields.items()}


# An answer to a form stands at the form's own address: read again (another language), it is the page it stands on.
pages.add_url_rule("/instance/seances/inscrire", "sessions_again", sessions)
pages.add_url_rule("/instance/membres/<int:grant_id>/formation", "members_again", members)
