"""The API's acts: which are open to the caller, what their input offers, and each of them done by POST."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from flask import request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.wrappers import Response

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.dossier import DOSSIER
from states.facts import Facts
from states.machine import Because, Refusal, decide
from states.review import REVIEW
from states.words import N_
from web import errors, forms, words
from web.api import contract, door, inputs, outputs
from web.api.once import answer_once
from web.api.parts import listing
from web.api.sections import Section, header, takes
from web.api.shown import outcome
from web.context import now, session, today
from workflow.access import roles_on
from workflow.acts import Act, Subject
from workflow.errors import Forbidden, Refused
from workflow.files import Upload
from workflow.models import Dossier
from workflow.models.dossier import DOCUMENT_KINDS
from workflow.queries import api as query
from workflow.queries.choices import choices
from workflow.queries.dossier import find
from workflow.use_cases import ACTS, offered, perform

section = Section("events", N_("Les actes : ceux qui vous sont ouverts, et leur accomplissement."))

_PLACES: Mapping[str, tuple[str, str]] = {
    # life: where its subjects stand, and what their id is called there
    DOSSIER.name: ("dossiers", "dossier_id"),
    CONSULTATION.name: ("consultations", "consultation_id"),
    CONTROL.name: ("controls", "control_id"),
    REVIEW.name: ("reviews", "review_id"),
}


def _found(life: str, subject_id: int) -> tuple[Dossier, Subject]:
    """A subject and its dossier. Raises NotFound where the caller may not know of it."""
    if life == DOSSIER.name:
        dossier, _roles = find(session(), door.actor(), subject_id)
        return dossier, dossier
    return query.subject(session(), door.actor(), life, subject_id)


# --- what is open -------------------------------------------------------------------------------------------------


def _open(life: str) -> Callable[..., dict[str, Any]]:
    @section.doc(
        summary=N_("Les actes qui vous sont ouverts, et pourquoi pas les autres"),
        description=N_(
            "Ceux que vos rôles permettent à cette étape ; ce qui dépend de votre saisie est jugé à l'envoi."
        ),
    )
    @section.response(200, listing(outputs.Event))
    def view(**ids: int) -> dict[str, Any]:
        (subject_id,) = ids.values()
        dossier, subject = _found(life, subject_id)
        answers = offered(session(), door.actor(), dossier, subject, now())
        return {"items": [_event(ACTS[name], subject_id, refusal) for name, refusal in answers.items()]}

    return view  # type: ignore[no-any-return]


def _event(act: Act, subject_id: int, refusal: Refusal | None) -> dict[str, Any]:
    where: dict[str, Any] = {_PLACES[act.table.name][1]: subject_id}
    return {
        "event": act.name,
        "label": words.act_label(act.name),
        "allowed": refusal is None,
        "reasons": [errors.explain(reason) for reason in refusal.reasons] if refusal else [],
        "input": inputs.name_of(inputs.input_of(act)),
        "versioned": act.versioned,
        "href": url_for(f"events_api.{act.name}", **where),
    }


@section.route("/dossiers/<int:dossier_id>/choices")
@section.doc(
    summary=N_("Ce que proposent les champs d'un acte"),
    description=N_("Par exemple les instructeurs que « assign » peut nommer. Refusé comme l'acte le serait."),
)
@section.arguments(inputs.ChoicesQuery, location="query")
@section.response(200, outputs.Choices)
def chosen(asked: Mapping[str, Any], dossier_id: int) -> dict[str, Any]:
    """The answers that the fields of an act's input offer. Raises Forbidden or Refused where it is not open."""
    dossier, _roles = find(session(), door.actor(), dossier_id)
    act = ACTS[asked["event"]]
    refusal = _refusal(act, dossier)
    if refusal is not None:
        raise (Forbidden if refusal.because is Because.ROLE else Refused)(*refusal.reasons)
    named = {
        name: field.metadata["choices"]
        for name, field in inputs.input_of(act)().fields.items()
        if "choices" in field.metadata
    }
    found = choices(session(), door.actor(), dossier, named.values(), today())
    return {"event": act.name, "fields": {name: _options(found[key]) for name, key in named.items()}}


def _refusal(act: Act, dossier: Dossier) -> Refusal | None:
    """Why the caller may not do the act on the dossier as it stands; None where they may."""
    answers = offered(session(), door.actor(), dossier, dossier, now())
    if act.name in answers:
        return answers[act.name]
    roles = roles_on(session(), door.actor(), dossier)
    answer = decide(DOSSIER, dossier.state, act.name, roles, Facts(), offered=True)
    return answer if isinstance(answer, Refusal) else None


def _options(found: Any) -> list[dict[str, Any]]:
    groups = found.items() if isinstance(found, Mapping) else [(None, found)]
    return [{"value": value, "label": label, "group": group} for group, pairs in groups for value, label in pairs]


# --- acting -------------------------------------------------------------------------------------------------------

_KEY = header(
    "Idempotency-Key",
    N_("Une clé propre à cette demande : envoyée deux fois, la demande n'est faite qu'une fois."),
    required=True,
    pattern=r"^[\x21-\x7e]+$",
    longest=100,
)
_MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "anyOf": [{"required": ["kind"]}, {"required": ["replaces_id"]}],
                    "additionalProperties": False,
                    "properties": {
                        "kind": {"type": "string", "enum": list(DOCUMENT_KINDS)},
                        "file": {"type": "string", "format": "binary"},
                        "replaces_id": {
                            "type": "integer",
                            "description": N_("Le document dont c'est une nouvelle version : elle en garde la nature."),
                        },
                    },
                }
            }
        },
    }
}


def _act(act: Act) -> Callable[..., Response]:
    rows = act.table.by_event[act.name]

    @section.doc(
        summary=words.ACTS[act.name][0],
        parameters=[_KEY],
        **(_MULTIPART if act.name == inputs.ATTACH else takes(inputs.BODIES[act.name])),
        **{
            "x-roles": list(dict.fromkeys(role for row in rows for role in row.roles)),
            "x-states": list(dict.fromkeys(state for row in rows for state in row.sources)),
        },
    )
    @section.response(
        200,
        outputs.Outcome,
        headers={
            "ETag": {"schema": {"type": "string"}},
            "Idempotency-Replayed": {
                "description": N_("Présent quand c'est la réponse déjà faite à cette clé."),
                "schema": {"type": "string"},
            },
        },
    )
    def view(**ids: int) -> Response:
        (subject_id,) = ids.values()
        return _fire(act, subject_id)

    return view  # type: ignore[no-any-return]


def _fire(act: Act, subject_id: int) -> Response:
    """Perform an act with the input of the present request."""
    contract.idempotency_key(required=True)
    raw, version, content = _sent(act)
    dossier_id, own_id = subject_id, None
    if act.table is not DOSSIER:
        dossier, _subject = _found(act.table.name, subject_id)
        dossier_id, own_id = dossier.id, subject_id

    def work(unit: Session) -> dict[str, Any]:
        case = perform(unit, door.actor(), act.name, dossier_id, now=now(), raw=raw, version=version, subject_id=own_id)
        return outcome(act.name, case.dossier, case)

    return answer_once(content, 200, work)


def _sent(act: Act) -> tuple[dict[str, Any], int | None, Any]:
    """The input of an act, the version that the caller saw, and what tells this request from another."""
    if act.name == inputs.ATTACH:
        if request.mimetype != "multipart/form-data":
            raise UnsupportedMediaType
        raw = forms.sent(act.form())
        return raw, None, {name: _digest(value) for name, value in raw.items()}
    sent = contract.body(inputs.BODIES[act.name].__name__)
    return sent.get("data", {}), sent.get("version"), sent


def _digest(value: Any) -> Any:
    return [value.filename, hashlib.sha256(value.content).hexdigest()] if isinstance(value, Upload) else value


for _life, (_place, _id) in _PLACES.items():
    section.add_url_rule(f"/{_place}/<int:{_id}>/events", f"open_{_life}", _open(_life))
for _made in ACTS.values():
    _place, _id = _PLACES[_made.table.name]
    section.add_url_rule(f"/{_place}/<int:{_id}>/events/{_made.name}", _made.name, _act(_made), methods=["POST"])
