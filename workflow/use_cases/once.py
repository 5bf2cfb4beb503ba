"""A request that carries a key is carried out once: the answer is kept with the act, in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from states.words import N_
from workflow.errors import Invalid
from workflow.models import IdempotencyKey
from workflow.models.base import Instant

_CLAIM = text(
    "INSERT INTO idempotency_key (person_id, key, request_hash, status, body, created_at) "
    "VALUES (:person_id, :key, :request_hash, 0, '{}', :now) ON CONFLICT DO NOTHING RETURNING key"
).bindparams(bindparam("now", type_=Instant()))


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered the first time."""

    status: int
    body: Mapping[str, Any]


def claim(session: Session, person_id: int, key: str, request_hash: str, now: datetime) -> Answer | None:
    """Take `key` for this request; None where it is free, else the answer that was kept.

    Whoever comes with the same key meanwhile waits for the unit of work to end. What is refused keeps nothing: the
    key is free again. Raises Invalid where the key was used for another request.
    """
    values = {"person_id": person_id, "key": key, "request_hash": request_hash, "now": now}
    if session.execute(_CLAIM, values).first() is not None:
        return None
    kept = session.execute(
        select(IdempotencyKey.request_hash, IdempotencyKey.status, IdempotencyKey.body).where(
            IdempotencyKey.person_id == person_id, IdempotencyKey.key == key
        )
    ).one()
    if kept.request_hash != request_hash:
        raise Invalid({"Idempotency-Key": [N_("Cette clé a déjà servi à une autre demande : prenez-en une nouvelle.")]})
    return Answer(kept.status, kept.body)


def keep(session: Session, person_id: int, key: str, answer: Answer) -> None:
    """Keep the answer to the request that claimed `key`."""
    session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.person_id == person_id, IdempotencyKey.key == key)
        .values(status=answer.status, body=dict(answer.body))
    )
