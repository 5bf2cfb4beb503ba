"""The API's dossiers: listed, read, opened, changed while they are drafts; their journal and documents."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from flask import send_file
from werkzeug.wrappers import Response

from states.machine import Reason
from states.words import N_
from web.api import contract, door, dossier_outputs, inputs, outputs
from web.api.once import answer_once
from web.api.parts import listing
from web.api.sections import Section, header, takes
from web.api.shown import outcome, shown
from web.context import now, session, today, write
from workflow import files
from workflow.errors import Forbidden, Invalid, NotFound
from workflow.plain import plain
from workflow.queries import api as query
from workflow.queries.dossier import document as find_document
from workflow.queries.dossier import load
from workflow.use_cases import intake, perform

section = Section("dossiers", N_("Les dossiers que vous pouvez lire ; un porteur y ouvre et y modifie ses brouillons."))

WORDS = 8
_ETAG = {"ETag": {"description": N_("La version entre guillemets, pour If-Match."), "schema": {"type": "string"}}}
_KEY = header(
    "Idempotency-Key",
    N_("Une clé propre à cette demande : envoyée deux fois, la demande n'est faite qu'une fois."),
    required=False,
    pattern=r"^[\x21-\x7e]+$",
    longest=100,
)
_IF_MATCH = header(
    "If-Match", N_("La version lue, entre guillemets."), required=False, pattern=r'^"[0-9]+"$', longest=11
)


@section.route("/dossiers")
@section.doc(
    summary=N_("Les dossiers, filtrés, page par page"),
    description=N_("Dans l'ordre de leur création. Rendez « next » comme « cursor » pour lire la suite."),
)
@section.arguments(inputs.DossierQuery, location="query")
@section.response(200, dossier_outputs.Page)
def listed(asked: Mapping[str, Any]) -> dict[str, Any]:
    """One page of dossiers."""
    wanted = query.Filter(
        states=asked["state"],
        instance_id=asked.get("instance_id"),
        campaign_id=asked.get("campaign_id"),
        organisation_id=asked.get("organisation_id"),
        words=plain(asked["q"]).split()[:WORDS],
        late=asked.get("late"),
        due_before=asked.get("due_before"),
        after=_opened(asked.get("cursor")),
    )
    rows = query.dossiers(session(), door.actor(), wanted, asked["limit"] + 1, today())
    items = rows[: asked["limit"]]
    return {"items": items, "next": _cursor(items[-1].id) if len(rows) > len(items) else None}


def _cursor(dossier_id: int) -> str:
    return base64.urlsafe_b64encode(f"v1:{dossier_id}".encode()).decode().rstrip("=")


def _opened(cursor: str | None) -> int:
    """The id after which a page begins. Raises Invalid for a cursor that is none of ours."""
    if cursor is None:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(":")
    except (ValueError, binascii.Error):
        kind, number = "", ""
    if kind != "v1" or not (number.isdigit() and len(number) < 19) or _cursor(int(number)) != cursor:
        raise Invalid({"cursor": [N_("Ce curseur n'est pas de ceux que rend « next ».")]})
    return int(number)


@section.route("/dossiers", methods=["POST"])
@section.doc(
    summary=N_("Ouvrir un brouillon"),
    description=N_("Pour un organisme que vous représentez. Si une valeur n'est pas valable, rien n'est ouvert."),
    parameters=[_KEY],
    **takes(inputs.NewDossier),
)
@section.response(201, outputs.Outcome, headers={"Location": {"schema": {"type": "string"}}, **_ETAG})
def create() -> Response:
    """Open a draft, with some of its form where given."""
    sent = contract.body("NewDossier")

    def work(unit: Any) -> dict[str, Any]:
        dossier = intake.create(unit, door.actor(), sent["organisation_id"], sent["campaign_id"], now())
        if sent.get("values"):
            raw = {"values": sent["values"]}
            perform(unit, door.actor(), "edit_draft", dossier.id, now=now(), raw=raw)
        return outcome("create", dossier)

    return answer_once(sent, 201, work, keyed=False)


@section.route("/dossiers/<int:dossier_id>")
@section.doc(
    summary=N_("Un dossier, tel que vous pouvez le lire"),
    description=N_("Une partie que vous ne pouvez pas lire vaut null ; une partie vide est une liste vide."),
)
@section.response(200, dossier_outputs.Dossier, headers=_ETAG)
def show(dossier_id: int) -> tuple[dict[str, Any], dict[str, str]]:
    """A dossier as the caller may see it."""
    file = load(session(), door.actor(), dossier_id)
    return shown(file, door.actor()), {"ETag": f'"{file.dossier.version}"'}


@section.route("/dossiers/<int:dossier_id>", methods=["PATCH"])
@section.doc(
    summary=N_("Modifier un brouillon"),
    description=N_("Seuls les champs envoyés changent. Si l'un n'est pas valable, rien ne change."),
    parameters=[_IF_MATCH],
    **takes(inputs.DraftChange),
)
@section.response(200, outputs.Outcome, headers=_ETAG)
def change(dossier_id: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Change a draft that the caller carries."""
    sent = contract.body("DraftChange")
    version = contract.seen_version(sent.get("version"))
    if version is None:
        raise Invalid({"version": [N_("Dites quelle version vous avez lue, ici ou dans If-Match.")]})
    raw = {"values": sent["values"]}
    with write() as unit:
        case = perform(unit, door.actor(), "edit_draft", dossier_id, now=now(), raw=raw, version=version)
        answer = outcome("edit_draft", case.dossier, case)
    return answer, {"ETag": f'"{answer["version"]}"'}


@section.route("/dossiers/<int:dossier_id>/journal")
@section.doc(
    summary=N_("Ce qui est arrivé au dossier"),
    description=N_("Le plus récent d'abord, 400 actes au plus, tels que votre rôle vous les laisse lire."),
)
@section.response(200, listing(dossier_outputs.Entry))
def journal(dossier_id: int) -> dict[str, Any]:
    """What happened to a dossier, as the caller may know it."""
    return {"items": query.journal(session(), door.actor(), dossier_id)}


@section.route("/dossiers/<int:dossier_id>/documents")
@section.doc(summary=N_("Les documents joints"))
@section.response(200, listing(dossier_outputs.Document))
def documents(dossier_id: int) -> dict[str, Any]:
    """The documents of a dossier. Raises Forbidden for those who do not read them."""
    file = load(session(), door.actor(), dossier_id)
    if not file.sees("documents"):
        raise Forbidden(
            Reason(
                "part",
                N_("Votre rôle ne donne pas accès à cette partie du dossier."),
                N_("Demandez à l'animateur de l'instance."),
            )
        )
    return {"items": file.all("documents")}


def _downloads(view: Any) -> Any:
    """Describe every format in which a document may come."""
    for media_type in sorted({kind for kind, _ in files.ACCEPTED.values()}):
        view = section.response(200, {"type": "string", "format": "binary"}, content_type=media_type)(view)
    return view


@section.route("/dossiers/<int:dossier_id>/documents/<int:document_id>")
@section.doc(summary=N_("Un document joint"))
@_downloads
def document(dossier_id: int, document_id: int) -> Response:
    """An attached file."""
    found = find_document(session(), door.actor(), dossier_id, document_id)
    path = files.path_of(found.sha256)
    if not path.is_file():
        raise NotFound("document")
    return send_file(path.resolve(), found.media_type, as_attachment=True, download_name=found.filename, etag=False)
