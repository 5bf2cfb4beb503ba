"""The funder's pages: envelopes, lines to decide one by one or for a session, agreements and payments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from web import errors, formats, forms, listing
from web.context import current_actor, now, see, session, today, write
from web.security import access
from workflow.access import Actor
from workflow.errors import DomainError, Invalid, NotFound, Refused
from workflow.forms import Cents
from workflow.queries import board as boards
from workflow.queries import funding, grants
from workflow.queries.funding import Row, Sitting
from workflow.use_cases import campaign as campaigns
from workflow.use_cases import perform
from workflow.use_cases.instruction import VERDICT_LABELS

pages = Blueprint("funder", __name__)

_TYPED = 5000
"""What is kept of a typed motive or sum to be shown again."""


def _campaign() -> tuple[Sequence[Row], Row]:
    """All campaigns, and the one that the address names (by default the one under way). Raises NotFound."""
    rows = boards.campaign_list(session())
    wanted = listing.number("campaign")
    chosen = (
        boards.under_way(rows, today()) if wanted is None else next((row for row in rows if row.id == wanted), None)
    )
    if chosen is None:
        raise NotFound("campaign")
    return rows, chosen


def _filters(kept: Mapping[str, str], sort: listing.Sort) -> funding.Filters:
    return funding.Filters(
        session_id=listing.number("session"),
        instance_id=listing.number("instance"),
        late=kept.get("late") == "1",
        stage=kept.get("stage", ""),
        sort=sort.key,
        desc=sort.desc,
        page=listing.page(),
    )


@pages.get("/enveloppes")
@access("funder")
def index() -> str:
    """The envelopes of the reader's institutions in a campaign, and the lines that await a decision."""
    rows, chosen = _campaign()
    actor, here = current_actor(), {"campaign": str(chosen.id)}
    kept = listing.kept("session", "instance", "late")
    sort = listing.Sort.asked(funding.SORTS, "session", {**here, **kept})
    found = funding.awaited(session(), actor, chosen.id, _filters(kept, sort), today())
    agenda = funding.agenda(session(), actor, chosen.id)
    return render_template(
        "funder/index.html",
        campaigns=rows,
        campaign=chosen,
        purses=funding.purses(session(), actor, chosen.id),
        agenda=agenda,
        found=found,
        verdicts=VERDICT_LABELS,
        sort=sort,
        filters=[
            {
                "name": "session",
                "label": _("Séance"),
                "type": "select",
                "options": [(row.id, f"{row.label} – {formats.day(row.on)}") for row in agenda.sessions],
            },
            {
                "name": "instance",
                "label": _("Instance"),
                "type": "select",
                "options": [(row.id, row.label) for row in agenda.instances],
            },
            {"name": "late", "label": _("Échéance"), "type": "select", "options": [("1", _("En retard"))]},
        ],
        values=kept,
        keep={**here, "sort": sort.word},
        pagination=listing.pagination(found.number, found.pages, found.total, {**here, **kept, "sort": sort.word}),
        address=request.full_path.rstrip("?"),
    )


@pages.get("/enveloppes/suivi")
@access("funder")
def follow_up() -> str:
    """What the reader's institutions granted: agreements to record, payments to make and made."""
    rows, chosen = _campaign()
    here = {"campaign": str(chosen.id)}
    kept = listing.kept("stage")
    sort = listing.Sort.asked(grants.SORTS, "number", {**here, **kept})
    found = grants.grants(session(), current_actor(), chosen.id, _filters(kept, sort))
    listed = found.listed
    return render_template(
        "funder/follow_up.html",
        campaigns=rows,
        campaign=chosen,
        found=found,
        stage=kept.get("stage", ""),
        sort=sort,
        pagination=listing.pagination(listed.number, listed.pages, listed.total, {**here, **kept, "sort": sort.word}),
        address=request.full_path.rstrip("?"),
    )


# --- setting an envelope --------------------------------------------------------------------------------------------


@pages.route("/enveloppes/montant", methods=("GET", "POST"))
@access("funder")
def envelope() -> Response:
    """Set what an institution of the reader's has for a campaign, or for one of its orientations."""
    form = campaigns.EnvelopeForm()
    error: DomainError | None = None
    if request.method == "POST":
        try:
            with write() as unit:
                made = campaigns.set_envelope(unit, current_actor(), forms.sent(form), now())
                total, campaign_id = made.total_cents, made.campaign_id
        except (Invalid, Refused) as refusal:
            error = refusal
        else:
            flash(_("Enveloppe fixée à %(total)s.", total=formats.euros(total)), "success")
            return see("funder.index", campaign=campaign_id)
    return make_response(
        render_template(
            "funder/envelope.html",
            form=form,
            values=forms.typed(form) if error else dict(request.args),
            errors=errors.messages(error.fields) if isinstance(error, Invalid) else {},
            labels={name: _(field.metadata["label"]) for name, field in form.fields.items()},
            reasons=[errors.explain(reason) for reason in error.reasons] if isinstance(error, Refused) else [],
            choices=funding.envelope_choices(session(), current_actor()),
        ),
        error.status if error else 200,
    )


# --- a session -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line: done, or why not (`reasons`, and `errors` per field), with what was typed."""

    line: Row
    amount: str
    motive: str
    done: bool
    reasons: tuple[Mapping[str, str], ...] = ()
    errors: Mapping[str, Sequence[str]] | None = None


@pages.route("/enveloppes/seances/<int:session_id>", methods=("GET", "POST"))
@access("funder")
def sitting(session_id: int) -> Response:
    """All the reader's lines of a session, decided at once; each line stands or falls alone."""
    found = funding.sitting(session(), current_actor(), session_id)
    if request.method == "GET":
        return _sitting(found, [])
    before = _left(found)
    outcomes = _decide_all(current_actor())
    refused = [outcome for outcome in outcomes if not outcome.done]
    found = funding.sitting(session(), current_actor(), session_id)
    if refused:
        return _sitting(found, outcomes, before)
    if outcomes:
        told = ngettext("%(num)s décision enregistrée.", "%(num)s décisions enregistrées.", len(outcomes))
        flash(" ".join([str(told), *_told(found, before)]), "success")
    else:
        flash(_("Aucune ligne n'était remplie : rien n'a été décidé."), "warning")
    return see("funder.sitting", session_id=session_id)


def _left(found: Sitting) -> dict[int, int]:
    return {row.id: row.total - row.granted for row in found.envelopes}


def _told(found: Sitting, before: Mapping[int, int]) -> list[str]:
    """What the decisions left of each envelope that they touched."""
    return [
        _(
            "Enveloppe %(name)s : il restait %(before)s, il reste %(after)s.",
            name=row.orientation or row.funder,
            before=formats.euros(before[row.id]),
            after=formats.euros(row.total - row.granted),
        )
        for row in found.envelopes
        if row.id in before and before[row.id] != row.total - row.granted
    ]


def _typed() -> dict[int, tuple[str, str]]:
    """The lines that the form fills, by id: sum and motive as typed."""
    sent = forms.fold(request.form, keep_empty=True)
    amounts, motives = (given if isinstance(given := sent.get(name), dict) else {} for name in ("amount", "motive"))
    filled = {}
    for key in amounts.keys() | motives.keys():
        amount, motive = (
            text[:_TYPED] if isinstance(text := given.get(key, ""), str) else "" for given in (amounts, motives)
        )
        if key.isascii() and key.isdecimal() and len(key) < 18 and (amount.strip() or motive.strip()):
            filled[int(key)] = (amount, motive)
    return filled


def _decide_all(actor: Actor) -> list[Outcome]:
    """Decide each filled line in a unit of work of its own, in the order of the dossiers' numbers."""
    filled = _typed()
    lines = funding.own_lines(session(), actor, filled)
    outcomes = []
    for line in sorted(lines.values(), key=lambda line: (line.number, line.id)):
        amount, motive = filled[line.id]
        raw: dict[str, Any] = {"request_id": line.id, "motive": motive}
        if amount.strip():
            raw["amount_cents"] = amount
        try:
            with write() as unit:
                perform(unit, actor, "decide_request", line.dossier_id, now=now(), raw=raw)
        except Invalid as error:
            outcomes.append(Outcome(line, amount, motive, False, errors=errors.messages(error.fields)))
        except DomainError as error:
            reasons = tuple(errors.explain(reason) for reason in error.reasons)
            outcomes.append(Outcome(line, amount, motive, False, reasons))
        else:
            outcomes.append(Outcome(line, amount, motive, True))
    return outcomes


def _cents(typed: str | int | None) -> int:
    try:
        return int(Cents().deserialize(typed)) if typed not in (None, "") else 0
    except ValidationError:
        return 0


def _sitting(found: Sitting, outcomes: Sequence[Outcome], before: Mapping[int, int] | None = None) -> Response:
    """The page of a session: the lines as proposed, or as typed where they were refused."""
    refused = {outcome.line.id: outcome for outcome in outcomes if not outcome.done}
    amounts: dict[int, str | int | None] = {
        row.id: (
            refused[row.id].amount
            if row.id in refused
            else None
            if row.proposed is None or outcomes
            else min(row.proposed, row.asked)
        )
        for row in found.to_decide
    }
    after = _left(found)
    for row in found.to_decide:
        paying = found.paying[row.id]
        if paying is not None:
            after[paying] -= _cents(amounts[row.id])
    status = 200
    if refused:
        status = 409 if any(outcome.reasons for outcome in refused.values()) else 422
    return make_response(
        render_template(
            "funder/sitting.html",
            found=found,
            meeting=found.meeting,
            verdicts=VERDICT_LABELS,
            amounts=amounts,
            refused=refused,
            done=[outcome for outcome in outcomes if outcome.done],
            left=_left(found),
            after=after,
            told=_told(found, before or {}),
        ),
        status,
    )
