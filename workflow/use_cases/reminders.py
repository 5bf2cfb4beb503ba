"""Reminders as people set them: their hour and absences, whether by mail at all, and the rules of an instance."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate
from sqlalchemy import select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, ANIMATOR
from states.machine import Reason
from states.words import N_
from workflow import clock
from workflow.access import SYSTEM_ACTOR, Actor
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.forms import Day, Form, Text, read
from workflow.models import Absence, Dossier, Person, ReminderPreference, ReminderRule
from workflow.models.reminders import EARLIEST_HOUR, LATEST_HOUR
from workflow.reminder_rules import ESCALATED, replan
from workflow.use_cases.notes import note_change, snapshot
from workflow.use_cases.passwords import SELF

FURTHEST = 120
"""How many working days from the due day a rung may lie."""
MOST_RUNGS = 12
EDITED = ("label", "active", "offsets", "escalation")


class PreferenceForm(Form):
    """When the day's digest comes, and whether by mail."""

    hour = fields.Integer(
        required=True,
        metadata={"label": N_("Heure du message du jour"), "widget": "select"},
        validate=validate.Range(EARLIEST_HOUR, LATEST_HOUR, error=N_("Choisissez dans la liste.")),
    )
    by_mail = fields.Boolean(load_default=False, metadata={"label": N_("Recevoir les rappels par courriel")})


class AbsenceForm(Form):
    """Days on which one is away."""

    first = Day(N_("Premier jour"), required=True)
    last = Day(N_("Dernier jour"), required=True)


class Offsets(fields.Field[list[int]]):
    """Working days from the due day, as people write them: « −15, −7, −1, 1, 5 »."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(metadata={"label": label, "widget": "text"}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[int]:
        parts = value if isinstance(value, list) else re.split(r"[,;\s]+", str(value).strip().replace("−", "-"))
        try:
            found = sorted({int(part) for part in parts if part != ""})
        except (TypeError, ValueError):
            raise ValidationError(N_("Nombres attendus, par exemple −15, −7, −1, 1, 5.")) from None
        if any(abs(offset) > FURTHEST for offset in found):
            raise ValidationError(N_("Au plus 120 jours ouvrés avant ou après l'échéance."))
        if len(found) > MOST_RUNGS:
            raise ValidationError(N_("Douze rappels au plus."))
        return found


class RuleForm(Form):
    """What may change of a rule: its name, whether it holds, its rungs, and who else is told when."""

    label = Text(N_("Nom"), required=True)
    active = fields.Boolean(load_default=False, metadata={"label": N_("Règle active")})
    offsets = Offsets(N_("Rappels, en jours ouvrés autour de l'échéance"), load_default=list)
    other_member = Offsets(N_("Prévenir l'autre instructeur"), load_default=list)
    animator = Offsets(N_("Prévenir l'animateur"), load_default=list)
    transversal = Offsets(N_("Prévenir le comité transversal"), load_default=list)


def set_preference(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> None:
    """Set the acting person's hour and whether they are reminded by mail. Raises Invalid."""
    data = read(PreferenceForm(), raw)
    row = _preference(session, actor.person_id or 0)
    before = snapshot(row, "hour", "by_mail")
    row.hour, row.by_mail = data["hour"], data["by_mail"]
    session.flush()
    note_change(session, actor, SELF, "set_reminders", f"person:{actor.person_id}", now, before=before, after=data)


def stop_mails(session: Session, person_id: int, now: datetime, *, stop: bool = True) -> None:
    """Have a person reminded by mail no more (or again), as the link in their digest asks. Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("link")
    row = _preference(session, person_id)
    before = {"by_mail": row.by_mail}
    row.by_mail = not stop
    session.flush()
    after = {"by_mail": row.by_mail}
    note_change(session, SYSTEM_ACTOR, SELF, "set_reminders", f"person:{person_id}", now, before=before, after=after)


def _preference(session: Session, person_id: int) -> ReminderPreference:
    row = session.get(ReminderPreference, person_id)
    if row is None:
        row = ReminderPreference(person_id=person_id, hour=8, by_mail=True)
        session.add(row)
        session.flush()
    return row


def add_absence(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> Absence:
    """Note that the acting person is away. Raises Invalid."""
    data = read(AbsenceForm(), raw)
    if data["last"] < data["first"]:
        raise Invalid({"last": [N_("Cette date doit venir après la première.")]})
    if data["last"] < clock.local_day(now):
        raise Invalid({"last": [N_("Cette absence est déjà passée.")]})
    row = Absence(person_id=actor.person_id, **data)
    session.add(row)
    session.flush()
    note_change(session, actor, SELF, "add_absence", row, now, after=snapshot(row, "first", "last"))
    return row


def remove_absence(session: Session, actor: Actor, absence_id: int, now: datetime) -> None:
    """Forget an absence of the acting person. Raises NotFound, or Refused once it is past."""
    row = session.get(Absence, absence_id)
    if row is None or row.person_id != actor.person_id:
        raise NotFound("absence")
    if row.last < clock.local_day(now):
        raise Refused(Reason("past", N_("Cette absence est déjà passée."), N_("Elle ne gêne plus aucun rappel.")))
    note_change(session, actor, SELF, "remove_absence", row, now, before=snapshot(row, "first", "last"))
    session.delete(row)


def absences(session: Session, person_id: int, today: date) -> list[Absence]:
    """The absences of a person that are not past."""
    statement = select(Absence).where(Absence.person_id == person_id, Absence.last >= today).order_by(Absence.first)
    return list(session.scalars(statement))


def rule_in(session: Session, code: str, instance_id: int | None) -> ReminderRule:
    """The rule of an instance, else the territory's. Raises NotFound."""
    found = session.scalar(
        select(ReminderRule)
        .where(
            ReminderRule.code == code,
            ReminderRule.instance_id.is_(None) | (ReminderRule.instance_id == instance_id),
        )
        .order_by(ReminderRule.instance_id.is_(None))
        .limit(1)
    )
    if found is None:
        raise NotFound("reminder_rule")
    return found


def tried(rule: ReminderRule, raw: Mapping[str, Any], instance_id: int | None) -> ReminderRule:
    """The rule as it would be with what was typed; not stored. Raises Invalid."""
    return ReminderRule(
        code=rule.code,
        instance_id=instance_id,
        state=rule.state,
        due=rule.due,
        asked=rule.asked,
        **_edited(raw),
    )


def change_rule(
    session: Session, actor: Actor, code: str, instance_id: int | None, raw: Mapping[str, Any], now: datetime
) -> ReminderRule:
    """Change a rule of the territory (administrator), or give an instance its own (its animator, administrator).

    What it recalls is planned anew. Instances whose own rule says the same as the territory's keep following it.
    Raises Forbidden, NotFound or Invalid.
    """
    role = editing_role(actor, instance_id)
    rule = rule_in(session, code, instance_id)
    values = _edited(raw)
    before = snapshot(rule, *EDITED)
    followers = [rule]
    if instance_id is None:
        same = select(ReminderRule).where(ReminderRule.code == code, ReminderRule.instance_id.is_not(None))
        followers += [row for row in session.scalars(same) if snapshot(row, *EDITED) == before]
    elif rule.instance_id is None:
        rule = ReminderRule(
            code=code, instance_id=instance_id, state=rule.state, due=rule.due, asked=rule.asked, **values
        )
        session.add(rule)
        followers = [rule]
    for row in followers:
        for name, value in values.items():
            setattr(row, name, value)
    session.flush()
    where = [Dossier.state == rule.state]
    replan(session, *where, *([Dossier.instance_id == instance_id] if instance_id is not None else []))
    note_change(session, actor, role, "change_reminder_rule", rule, now, before=before, after=values)
    return rule


def reset_rule(session: Session, actor: Actor, code: str, instance_id: int, now: datetime) -> None:
    """Let an instance's rule say again what the territory's says. Raises Forbidden or NotFound."""
    editing_role(actor, instance_id)
    territory = rule_in(session, code, None)
    steps: dict[str, list[int]] = {step["to"]: [] for step in territory.escalation}
    for step in territory.escalation:
        steps[step["to"]].append(step["offset"])
    raw = {"label": territory.label, "active": territory.active, "offsets": list(territory.offsets), **steps}
    change_rule(session, actor, code, instance_id, raw, now)


def editing_role(actor: Actor, instance_id: int | None) -> str:
    """The role in which a person edits the rules of an instance (None: of the territory). Raises Forbidden."""
    if instance_id is not None and instance_id in actor.instances(ANIMATOR):
        return ANIMATOR
    if ADMINISTRATOR in actor.roles:
        return ADMINISTRATOR
    raise Forbidden(
        Reason(
            "role",
            N_("Vous ne pouvez pas modifier ces règles de rappel."),
            N_("Celles d'une instance reviennent à son animateur, celles du territoire à un administrateur."),
        )
    )


def _edited(raw: Mapping[str, Any]) -> dict[str, Any]:
    data = read(RuleForm(), raw)
    steps = [{"offset": offset, "to": to} for to in ESCALATED for offset in data[to]]
    return {
        "label": data["label"],
        "active": data["active"],
        "offsets": data["offsets"],
        "escalation": sorted(steps, key=lambda step: step["offset"]),
    }
