"""The realisation grid of controls: what was announced against what was done, item by item."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from marshmallow import fields
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from states.control import CONTROL
from states.words import N_
from workflow.acts import Act, Case
from workflow.common_grids import newest
from workflow.control_grid import COMPLIANT, seen
from workflow.errors import Invalid, NotFound
from workflow.forms import LONG, Choice, Form, Text
from workflow.models import ControlGrid, ControlItem, Mission, RealisationAnswer
from workflow.use_cases.grid_answers import Answers, refuse_clashes, renewed

PROPOSED = Path(__file__).parent.parent / "reference" / "control_grid.toml"
VERDICT_LABELS = {
    "compliant": N_("Conforme"),
    "minor_gap": N_("Écart mineur"),
    "major_gap": N_("Écart majeur"),
    "unverifiable": N_("Non vérifiable"),
}


def renew(session: Session, now: datetime) -> int:
    """Make a version of the grid where the last one says something else than the reference file; how many were made.

    Once an administrator has published a version, the file says no more.
    """
    last = newest(session, ControlGrid)
    return 0 if last and last.made_by_id else renewed(session, ControlGrid, ControlItem, PROPOSED, now)


class ItemAnswer(Form):
    """What was found on one item; `seen` is the mark of the answer as it was shown. Without a verdict, none yet."""

    verdict = Choice(N_("Constat"), VERDICT_LABELS, load_default=None)
    observation = Text(N_("Ce qui a été constaté"), longest=LONG, load_default="")
    evidence = Text(N_("Preuves vues"), longest=LONG, load_default="")
    seen = fields.String(load_default=None)


class Grid(Form):
    """Answers to items of the mission's grid; those not named stay as they are."""

    answers = Answers(N_("Grille de réalisation"), ItemAnswer)


def _fill_grid(case: Case) -> None:
    """Write the answers that were changed. A colleague's later answer is not overwritten unseen.

    Where it was left as it had been shown, theirs stands: `details` names these items as « overtaken ».
    """
    mission = case.session.get_one(
        Mission, case.subject.id, options=[selectinload(Mission.answers)], populate_existing=True
    )
    given: Mapping[int, Mapping[str, Any]] = case.data["answers"]
    labels = dict(
        case.session.execute(
            select(ControlItem.id, ControlItem.label).where(ControlItem.grid_id == mission.grid_id)
        ).all()
    )
    if not labels.keys() >= given.keys():
        raise NotFound("item")
    standing = {answer.item_id: answer for answer in mission.answers}
    problems: dict[int, Any] = {}
    clashes: list[str] = []
    overtaken: list[str] = []
    for item_id, answer in given.items():
        old = standing.get(item_id)
        content = (answer["verdict"], answer["observation"], answer["evidence"])
        before = (old.verdict, old.observation, old.evidence) if old else (None, "", "")
        if content == before:
            continue
        if seen(*content) == answer["seen"]:
            overtaken.append(labels[item_id])
            continue
        if answer["seen"] not in (None, seen(*before)):
            clashes.append(labels[item_id])
        elif content[0] is None and any(content):
            problems[item_id] = {"verdict": [N_("Choisissez un constat.")]}
        elif content[0] not in (None, COMPLIANT) and not content[1]:
            problems[item_id] = {"observation": [N_("Dites ce qui a été constaté.")]}
        elif content[0] is None and old:
            mission.unsign()
            mission.answers.remove(old)
        elif content[0] is not None:
            mission.unsign()
            kept = old or RealisationAnswer(item_id=item_id)
            kept.verdict, kept.observation, kept.evidence = content
            if old is None:
                mission.answers.append(kept)
    if problems:
        raise Invalid({"answers": problems})
    refuse_clashes(clashes)
    case.details["overtaken"] = overtaken


ACTS = (Act("fill_grid", CONTROL, Grid, _fill_grid, versioned=False, quiet=True),)
