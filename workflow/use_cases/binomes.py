"""Several binômes accepted in one act: all of them, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from workflow.access import Actor
from workflow.errors import DomainError
from workflow.use_cases import perform


@dataclass(frozen=True, slots=True)
class Seating:
    """Who shall sit: two people on a dossier without binôme, or one in place of `leaver_id`.

    `version` is that of the dossier that was looked at.
    """

    dossier_id: int
    version: int
    people: Sequence[int]
    leaver_id: int | None = None


class NotSeated(Exception):
    """One dossier's binôme was refused, so that none was formed."""

    def __init__(self, dossier_id: int, refusal: DomainError) -> None:
        super().__init__(dossier_id)
        self.dossier_id, self.refusal = dossier_id, refusal


def form_binomes(session: Session, actor: Actor, seatings: Sequence[Seating], now: datetime) -> None:
    """Assign or complete all these binômes in the present unit of work. Raises NotSeated at the first refusal."""
    for seating in seatings:
        if seating.leaver_id is None:
            # Too few people, as where a leaver came back meanwhile, are refused like any form that lacks an answer.
            act, raw = "assign", dict(zip(("first_id", "second_id"), seating.people, strict=False))
        else:
            act, raw = "replace_member", {"leaver_id": seating.leaver_id, "newcomer_id": seating.people[0]}
        try:
            perform(session, actor, act, seating.dossier_id, now=now, raw=raw, version=seating.version)
        except DomainError as refusal:
            raise NotSeated(seating.dossier_id, refusal) from refusal
