"""What instructors bring to an instance: their effort points in a campaign, and what they know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR, ANIMATOR
from states.words import N_
from workflow.access import INSTRUCTOR, Actor
from workflow.errors import Invalid, NotFound
from workflow.forms import Form, read
from workflow.models import Competence, Objective, RoleGrant, Theme
from workflow.use_cases.notes import note_change

LEVEL_LABELS: Mapping[int, str] = {1: N_("notions"), 2: N_("pratique"), 3: N_("maîtrise")}
"""What each level of a competence means."""
MOST_POINTS = 1000
_SUBJECTS: Mapping[str, type[Objective] | type[Theme]] = {"objective": Objective, "theme": Theme}


class MembershipForm(Form):
    """Effort points, and the level known of each subject, « objective:12 » or « theme:3 »; left empty: none."""

    capacity = fields.Integer(
        required=True,
        validate=validate.Range(0, MOST_POINTS, error=N_("Entre 0 et 1 000 points.")),
        metadata={"label": N_("Points d'effort par campagne"), "widget": "number"},
    )
    levels = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"^(objective|theme):\d{1,15}\Z")),
        values=fields.Integer(validate=validate.OneOf(list(LEVEL_LABELS), error=N_("Choisissez dans la liste."))),
        load_default=dict,
        metadata={"label": N_("Compétences"), "widget": "levels"},
    )


def describe_member(session: Session, actor: Actor, grant_id: int, raw: Mapping[str, Any], now: datetime) -> RoleGrant:
    """Say what an instructor brings to their instance; by its animator or an administrator.

    Raises Forbidden, NotFound or Invalid.
    """
    grant = session.get(RoleGrant, grant_id)
    if grant is None or grant.instance_id not in actor.instances(ANIMATOR):
        actor.require(ADMINISTRATOR)
    if grant is None or grant.role != INSTRUCTOR or grant.ended_at is not None:
        raise NotFound("role")
    data = read(MembershipForm(), raw)
    before = {"capacity": grant.capacity, "competences": _known(grant)}
    grant.capacity = data["capacity"]
    grant.competences.clear()
    session.flush()
    grant.competences.extend(_competence(session, name, level) for name, level in data["levels"].items())
    session.flush()
    role = ANIMATOR if grant.instance_id in actor.instances(ANIMATOR) else ADMINISTRATOR
    after = {"capacity": grant.capacity, "competences": _known(grant)}
    note_change(session, actor, role, "describe_member", grant, now, before=before, after=after)
    return grant


def _competence(session: Session, name: str, level: int) -> Competence:
    kind, _colon, number = name.partition(":")
    model = _SUBJECTS[kind]
    if session.scalar(select(model.id).where(model.id == int(number))) is None:
        raise Invalid({"levels": {name: [N_("Choisissez dans la liste.")]}})
    return Competence(**{f"{kind}_id": int(number), "level": level})


def _known(grant: RoleGrant) -> dict[str, int]:
    return {subject(row.objective_id, row.theme_id): row.level for row in grant.competences}


def subject(objective_id: int | None, theme_id: int | None) -> str:
    """The name of what a competence is about, as the form has it."""
    return f"objective:{objective_id}" if objective_id else f"theme:{theme_id}"
