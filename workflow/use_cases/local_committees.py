"""The local committees of an instance that has one in each commune."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from states.dossier import ADMINISTRATOR
from states.words import N_
from workflow.access import Actor
from workflow.errors import Invalid, NotFound
from workflow.forms import Form, Reference, read
from workflow.models import Commune, Instance
from workflow.plain import plain
from workflow.use_cases.notes import note_change, snapshot


class LocalCommitteeForm(Form):
    """In which commune."""

    commune_id = Reference(N_("Commune"), "communes", required=True)


def open_committee(session: Session, actor: Actor, instance_id: int, raw: Mapping[str, Any], now: datetime) -> Instance:
    """Open the local committee of a commune: its dossiers go there from now on, instead of to `instance_id`.

    Administrators only. Raises Forbidden, NotFound where the instance has no local committees, or Invalid.
    """
    actor.require(ADMINISTRATOR)
    parent = session.get(Instance, instance_id, with_for_update={"key_share": True})
    if parent is None or not parent.per_commune:
        raise NotFound("instance")
    commune = session.get(Commune, read(LocalCommitteeForm(), raw)["commune_id"])
    if commune is None:
        raise Invalid({"commune_id": [N_("Choisissez dans la liste.")]})
    there = select(Instance.id).where(Instance.parent_id == parent.id, Instance.commune_id == commune.id)
    if session.scalar(there) is not None:
        raise Invalid({"commune_id": [N_("Cette commune a déjà son comité.")]})
    committee = Instance(
        code=f"{parent.code}-{'-'.join(plain(commune.label).split())}",
        label=f"{parent.label} – {commune.label}",
        theme_id=parent.theme_id,
        animating_institutions=parent.animating_institutions,
        parent_id=parent.id,
        commune_id=commune.id,
    )
    session.add(committee)
    session.flush()
    after = snapshot(committee, "code", "label", "parent_id", "commune_id")
    note_change(session, actor, ADMINISTRATOR, "open_committee", committee, now, after=after)
    return committee
