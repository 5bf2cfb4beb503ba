"""Reminders: one's hour, absences and history, the link that stops them, and the rules with their preview."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from notifications.reminders.preview import Line, last_campaign, preview
from states.words import N_
from web import errors, forms, listing
from web.context import current_actor, now, see, session, today, write
from web.pages.admin_common import NOTHING_ASKED, Outcome, attempt, labels
from web.security import access
from workflow import links
from workflow.errors import Invalid
from workflow.models import Campaign, Instance, ReminderRule
from workflow.models.reminders import EARLIEST_HOUR, LATEST_HOUR
from workflow.queries import agenda
from workflow.queries import reminders as query
from workflow.reminder_rules import ESCALATED, rungs
from workflow.use_cases import reminders as use_cases

pages = Blueprint("reminders", __name__)

WHY: Mapping[str, str] = {
    # role of the recipient: why they are told
    "carrier": N_("vous portez cette action"),
    "animator": N_("vous animez l'instance"),
    "binome": N_("vous instruisez ce dossier"),
    "other_member": N_("l'autre instructeur n'a pas rendu son avis"),
    "expert": N_("une question vous est posée"),
    "funder": N_("vous décidez pour un financeur"),
    "evaluator": N_("vous évaluez les actions de l'instance"),
    "controller": N_("vous êtes chargé du contrôle"),
    "transversal": N_("vous êtes du comité transversal"),
}
ASKED: Mapping[str, str] = {
    "carrier": N_("le porteur"),
    "animator": N_("l'animateur"),
    "binome": N_("les deux instructeurs"),
    "other_member": N_("l'autre instructeur"),
    "expert": N_("l'expert"),
    "funder": N_("le financeur"),
    "evaluator": N_("l'évaluateur"),
    "controller": N_("le contrôleur"),
    "transversal": N_("le comité transversal"),
}
SHOWN = 50
"""How many lines of a preview are shown; all are counted."""


# --- one's own -------------------------------------------------------------------------------------------------------


@pages.route("/compte/rappels", methods=("GET", "POST"))
@access("signed_in")
def mine() -> Response:
    """One's hour, absences, and what one received and why."""
    outcome = NOTHING_ASKED
    if request.method == "POST":
        raw = forms.sent()
        outcome = attempt(lambda unit: use_cases.set_preference(unit, current_actor(), raw, now()))
        if outcome.done:
            flash(_("Vos préférences de rappel sont enregistrées."), "success")
            return see("reminders.mine")
    return _mine(outcome)


def _mine(outcome: Outcome) -> Response:
    actor = current_actor()
    hour, by_mail = query.preference(session(), actor.person_id or 0)
    page = render_template(
        "reminders/mine.html",
        hour=hour,
        by_mail=by_mail,
        hours=[(value, f"{value} h") for value in range(EARLIEST_HOUR, LATEST_HOUR + 1)],
        absences=use_cases.absences(session(), actor.person_id or 0, today()),
        history=query.history(session(), actor),
        why=WHY,
        outcome=outcome,
        typed=forms.typed(),
        labels=labels(use_cases.AbsenceForm(), "absence-"),
    )
    return make_response(page, outcome.status)


@pages.post("/compte/rappels/absences")
@access("signed_in")
def add_absence() -> Response:
    """Say that one is away."""
    raw = forms.sent().get("absence", {})
    outcome = attempt(lambda unit: use_cases.add_absence(unit, current_actor(), raw, now()))
    if outcome.done:
        flash(_("Votre absence est notée : les rappels attendront votre retour."), "success")
        return see("reminders.mine", _anchor="absences")
    return _mine(outcome.under("absence"))


@pages.post("/compte/rappels/absences/<int:absence_id>/suppression")
@access("signed_in")
def remove_absence(absence_id: int) -> Response:
    """Forget an absence."""
    outcome = attempt(lambda unit: use_cases.remove_absence(unit, current_actor(), absence_id, now()))
    if outcome.done:
        flash(_("L'absence est supprimée."), "success")
        return see("reminders.mine", _anchor="absences")
    return _mine(outcome)


@pages.route("/desabonnement/<token>", methods=("GET", "POST"))
@access("public")
def unsubscribe(token: str) -> Response:
    """Stop reminders by mail: a page that asks first, and the POST of mail programs that acts at once (RFC 8058)."""
    person_id = links.number_of(links.UNSUBSCRIBE, token)
    again = request.form.get("again") == "1"
    if request.method == "POST":
        with write() as unit:
            use_cases.stop_mails(unit, person_id, now(), stop=not again)
    response = make_response(
        render_template("reminders/unsubscribe.html", token=token, done=request.method == "POST", again=again)
    )
    response.headers.update({"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"})
    return response


# --- the rules -------------------------------------------------------------------------------------------------------


def _instance_id() -> int | None:
    """The instance that the address names, if the person may look at its rules."""
    wanted = listing.number("instance")
    if wanted is None:
        return None
    return wanted if any(row.id == wanted for row in agenda.instances(session(), current_actor())) else None


@pages.get("/rappels")
@access("animator", "transversal", "administrator")
def rules() -> str:
    """The rules of the territory, or those that hold in an instance."""
    instance_id = _instance_id()
    found = query.rules(session(), instance_id)
    return render_template(
        "reminders/rules.html",
        rules=[(row, _line(row.rule)) for row in found],
        instances=agenda.instances(session(), current_actor()),
        instance_id=instance_id,
        asked=ASKED,
        editable=_may_edit(instance_id),
    )


def _may_edit(instance_id: int | None) -> bool:
    actor = current_actor()
    return "administrator" in actor.roles or instance_id in actor.instances("animator")


def _line(rule: ReminderRule) -> Sequence[Mapping[str, Any]]:
    """The rungs of a rule along a line: where (in per cent), which, and who is told then."""
    offsets = rungs(rule)
    first, last = min([*offsets, -1]), max([*offsets, 1])
    return [
        {
            "x": f"{4 + 92 * (offset - first) / (last - first):.1f}",
            "offset": offset,
            "asked": offset in rule.offsets,
            "told": [step["to"] for step in rule.escalation if step["offset"] == offset],
        }
        for offset in sorted({*offsets, 0})
    ]


@pages.route("/rappels/<code>", methods=("GET", "POST"))
@access("animator", "administrator")
def rule(code: str) -> Response:
    """A rule to change; tried first on the last campaign where that is asked."""
    instance_id = _instance_id()
    use_cases.editing_role(current_actor(), instance_id)
    stored = use_cases.rule_in(session(), code, instance_id)
    outcome, typed, lines = NOTHING_ASKED, None, None
    if request.method == "POST":
        typed = forms.typed()
        raw = {name: value for name, value in typed.items() if name != "preview"}
        if "preview" in typed:
            outcome, lines = _tried(stored, raw, instance_id)
        else:
            outcome = attempt(lambda unit: use_cases.change_rule(unit, current_actor(), code, instance_id, raw, now()))
            if outcome.done:
                flash(_("La règle est enregistrée ; les rappels à venir sont recalculés."), "success")
                return see("reminders.rules", instance=instance_id)
    page = render_template(
        "reminders/rule.html",
        rule=stored,
        instance=session().get(Instance, instance_id) if instance_id else None,
        values=typed or _values(stored),
        labels=labels(use_cases.RuleForm()),
        lines=lines,
        asked=ASKED,
        outcome=outcome,
    )
    return make_response(page, outcome.status)


def _values(rule: ReminderRule) -> dict[str, Any]:
    told = {to: [step["offset"] for step in rule.escalation if step["to"] == to] for to in ESCALATED}
    return {
        "label": rule.label,
        "active": rule.active,
        **{name: _written(offsets) for name, offsets in {"offsets": rule.offsets, **told}.items()},
    }


def _written(offsets: Sequence[int]) -> str:
    return ", ".join(str(offset).replace("-", "−") for offset in sorted(offsets))


def _tried(
    stored: ReminderRule, raw: Mapping[str, Any], instance_id: int | None
) -> tuple[Outcome, Mapping[str, Any] | None]:
    """What the rule as typed would have sent over the last campaign, beside what the stored one would have."""
    try:
        new = use_cases.tried(stored, raw, instance_id)
    except Invalid as error:
        return Outcome(error.status, errors.messages(error.fields)), None
    campaign: Campaign | None = last_campaign(session())
    if campaign is None:
        return NOTHING_ASKED, {"campaign": None}
    old = use_cases.tried(stored, _values(stored), instance_id)
    after, before = (preview(session(), rule, campaign.id, now()) if rule.active else [] for rule in (new, old))
    return NOTHING_ASKED, {
        "campaign": campaign,
        "roles": _counts(after, before),
        "lines": after[:SHOWN],
        "total": len(after),
        "persons": len({line.recipient for line in after}),
    }


def _counts(after: Sequence[Line], before: Sequence[Line]) -> list[tuple[str, int, int]]:
    """For each role how many reminders the stored rule would have sent, and how many the new one."""
    old, new = (Counter(line.role for line in lines) for lines in (before, after))
    return [(role, old[role], new[role]) for role in ASKED if old[role] or new[role]]


@pages.post("/rappels/<code>/territoire")
@access("animator", "administrator")
def reset_rule(code: str) -> Response:
    """Let an instance follow the territory's rule again."""
    instance_id = _instance_id() or 0
    attempt(lambda unit: use_cases.reset_rule(unit, current_actor(), code, instance_id, now()))
    flash(_("L'instance suit de nouveau la règle du territoire."), "success")
    return see("reminders.rules", instance=instance_id)
