"""Accounts: found, invited, given roles, closed."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import forms, listing, words
from web.context import current_actor, now, see, session, today
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow.models.people import HELD_IN
from workflow.queries import admin_organisations as carriers
from workflow.queries import admin_people as query
from workflow.queries.choices import choices
from workflow.use_cases import people as use_cases
from workflow.use_cases.people import Invited

pages = Blueprint("people", __name__, url_prefix="/comptes")

MOST_ROLES = 10
UNKNOWN = 0
"""The number of no carrier: what was typed names none, and the use case says so."""


@pages.get("")
@access("administrator")
def index() -> str:
    """The accounts as a list that filters, sorts and pages in the address bar."""
    kept = listing.kept("q", "role", "status")
    sort = listing.Sort.asked(query.SORTS, "name", kept)
    role, status = kept.get("role", ""), kept.get("status", "")
    wanted = query.Wanted(
        text=kept.get("q", "")[:200],
        role=role if role in HELD_IN else "",
        status=status if status in query.STATUS_LABELS else "",
        sort=sort.key,
        desc=sort.desc,
        page=listing.page(),
    )
    found = query.people(session(), current_actor(), wanted)
    page = found.page
    return render_template(
        "admin/people.html",
        found=found,
        page=page,
        status_of=query.status,
        statuses=query.STATUS_LABELS,
        sort=sort,
        filters=[
            {"name": "q", "label": _("Nom ou adresse"), "type": "search"},
            {
                "name": "role",
                "label": _("Rôle"),
                "type": "select",
                "options": [(name, words.role_label(name)) for name in HELD_IN],
            },
            {
                "name": "status",
                "label": _("Compte"),
                "type": "select",
                "options": words.pairs(query.STATUS_LABELS),
            },
        ],
        values=kept,
        keep={"sort": sort.word},
        reset_url=url_for("admin.people.index"),
        pagination=listing.pagination(page.number, page.pages, page.total, {**kept, "sort": sort.word}),
    )


# --- invitation ------------------------------------------------------------------------------------------------------


def _lists() -> dict[str, Any]:
    """What the fields of a role offer."""
    options: dict[str, Any] = dict(
        choices(session(), current_actor(), None, ["instances", "institutions", "communes"], today())
    )
    return {
        **options,
        "roles": [(role, words.role_label(role)) for role in HELD_IN],
        "locales": words.pairs(use_cases.LOCALES),
        "proposals": carriers.proposals(session()),
    }


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, the carrier by its number instead of its name or SIRET."""
    raw = dict(values)
    text = raw.pop("organisation", None)
    return {**raw, "organisation_id": carriers.named(session(), str(text)) or UNKNOWN} if text else raw


def _rows(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The roles that were filled in, in their order."""
    rows = values.get("roles")
    found = rows if isinstance(rows, Mapping) else {}
    return [row for _place, row in sorted(found.items()) if isinstance(row, Mapping) and any(row.values())][:MOST_ROLES]


def _role_labels(*prefixes: str) -> dict[str, str]:
    form = use_cases.RoleForm()
    return {name: label for prefix in prefixes for name, label in labels(form, prefix).items()}


@pages.route("/invitation", methods=("GET", "POST"))
@access("administrator")
def invite() -> Response:
    """A form for a new account with its roles; « add » asks for one more role."""
    outcome = NOTHING_ASKED
    more = "add" in request.form
    typed: dict[str, Any] = forms.typed()
    rows = _rows(typed)
    if request.method == "GET":
        rows = [{"role": request.args.get("role", ""), "organisation": request.args.get("organisation", "")}]
    elif not more:
        sent = forms.sent()
        raw = {**sent, "roles": [_named(row) for row in _rows(sent)]}
        made: list[Invited] = []
        outcome = attempt(lambda unit: made.append(use_cases.invite(unit, current_actor(), raw, now())))
        if outcome.done:
            flash(
                _("L'invitation est partie : la personne choisira son mot de passe dans les deux semaines."), "success"
            )
            return see("admin.people.show", person_id=made[0].person.id)
    page = render_template(
        "admin/invite.html",
        typed=typed,
        labels=labels(use_cases.InvitationForm()) | _role_labels(*(f"roles-{place}-" for place in range(MOST_ROLES))),
        rows=[*rows, {}][:MOST_ROLES] if more or not rows else rows,
        most=MOST_ROLES,
        outcome=outcome,
        lists=_lists(),
    )
    return make_response(page, outcome.status)


# --- one person ------------------------------------------------------------------------------------------------------


@pages.get("/<int:person_id>")
@access("administrator")
def show(person_id: int) -> Response:
    """One account: roles, interests, and the acts on it."""
    return _page(person_id, NOTHING_ASKED)


def _page(person_id: int, outcome: Outcome) -> Response:
    found = query.person(session(), current_actor(), person_id)
    page = render_template(
        "admin/person.html",
        found=found,
        who=found.person,
        statuses=query.STATUS_LABELS,
        outcome=outcome,
        typed=forms.typed(),
        labels=_role_labels("grant-", *(f"training-{held.id}-" for held in found.held))
        | labels(use_cases.InterestForm(), "interest-"),
        lists=_lists(),
    )
    return make_response(page, outcome.status)


def _answer(person_id: int, outcome: Outcome, done: str) -> Response:
    """Back to the person, with what was done or what stands against it."""
    if not outcome.done:
        return _page(person_id, outcome)
    flash(done, "success")
    return see("admin.people.show", person_id=person_id)


def _of(part: str) -> dict[str, Any]:
    """What one form among several of the page sent."""
    found = forms.sent().get(part)
    return _named(found) if isinstance(found, Mapping) else {}


@pages.post("/<int:person_id>/roles")
@access("administrator")
def grant(person_id: int) -> Response:
    """Give a role in a scope."""
    raw = _of("grant")
    outcome = attempt(lambda unit: use_cases.grant_role(unit, current_actor(), person_id, raw, now()))
    return _answer(person_id, outcome.under("grant"), _("Le rôle est donné."))


@pages.post("/<int:person_id>/roles/<int:grant_id>/fin")
@access("administrator")
def end(person_id: int, grant_id: int) -> Response:
    """End a role."""
    outcome = attempt(lambda unit: use_cases.end_role(unit, current_actor(), grant_id, now()))
    return _answer(person_id, outcome, _("Le rôle est retiré."))


@pages.post("/<int:person_id>/roles/<int:grant_id>/formation")
@access("administrator")
def record_training(person_id: int, grant_id: int) -> Response:
    """Record the day of the entry training."""
    part = f"training-{grant_id}"
    raw = {"trained_on": forms.typed().get("trained_on") or None}
    outcome = attempt(lambda unit: use_cases.record_training(unit, current_actor(), grant_id, raw, now()))
    return _answer(person_id, outcome.under(part), _("La formation est enregistrée."))


@pages.post("/<int:person_id>/interets")
@access("administrator")
def declare_interest(person_id: int) -> Response:
    """Declare an interest for the person."""
    raw = {**_of("interest"), "person_id": person_id}
    outcome = attempt(lambda unit: use_cases.declare_interest(unit, current_actor(), raw, now()))
    return _answer(person_id, outcome.under("interest"), _("Le lien d'intérêt est enregistré."))


@pages.post("/<int:person_id>/invitation")
@access("administrator")
def invite_again(person_id: int) -> Response:
    """Mail a new invitation."""
    outcome = attempt(lambda unit: use_cases.invite_again(unit, current_actor(), person_id, now()))
    return _answer(person_id, outcome, _("Une nouvelle invitation est partie ; l'ancien lien ne marche plus."))


@pages.post("/<int:person_id>/fermeture")
@access("administrator")
def deactivate(person_id: int) -> Response:
    """Close the account."""
    outcome = attempt(lambda unit: use_cases.deactivate(unit, current_actor(), person_id, now()))
    return _answer(person_id, outcome, _("Le compte est fermé."))
