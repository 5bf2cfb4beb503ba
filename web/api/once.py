"""Acts that programs may send twice: with the same key, done once and answered alike."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import jsonify, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from web.api import contract, door
from web.context import now, write
from workflow.use_cases import once


def answer_once(
    content: Any, status: int, work: Callable[[Session], Mapping[str, Any]], *, keyed: bool = True
) -> Response:
    """Do `work` in a unit of work and answer with the outcome it gives, or as the first time where the key is known.

    `content` is what tells this request from another; `keyed`, whether a key must be sent.
    """
    key = contract.idempotency_key(required=keyed)
    with write() as unit:
        kept = once.claim(unit, door.person_id(), key, contract.fingerprint(content), now()) if key else None
        answer = kept or once.Answer(status, work(unit))
        if key and kept is None:
            once.keep(unit, door.person_id(), key, answer)
    response = jsonify(answer.body)
    response.status_code = answer.status
    response.headers["ETag"] = f'"{answer.body["version"]}"'
    if answer.status == 201:
        response.headers["Location"] = url_for("dossiers_api.show", dossier_id=answer.body["dossier_id"])
    if kept:
        response.headers["Idempotency-Replayed"] = "true"
    return response
