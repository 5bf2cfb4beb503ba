"""Journey of a document: attached, replaced by a new version, never overwritten."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validates_schema
from sqlalchemy import select
from sqlalchemy.orm import aliased

from states.dossier import CARRIER, DOSSIER
from states.words import N_
from workflow import files
from workflow.access import from_carrier
from workflow.acts import Act, Case
from workflow.errors import Invalid
from workflow.forms import Choice, Form
from workflow.models import Document

DOCUMENT_LABELS = {
    "statutes": N_("Statuts"),
    "accounts": N_("Comptes annuels"),
    "bank_details": N_("RIB"),
    "quote": N_("Devis"),
    "report": N_("Bilan"),
    "other": N_("Autre pièce"),
}


class Attachment(Form):
    """A file (a `workflow.files.Upload`): a new document of some kind, or a new version of one that is there."""

    kind = Choice(N_("Nature du document"), DOCUMENT_LABELS, load_default=None)
    file = fields.Raw(required=True, metadata={"label": N_("Fichier"), "widget": "file"})
    replaces_id = fields.Integer(
        load_default=None, allow_none=True, metadata={"label": N_("Document remplacé"), "widget": "hidden"}
    )

    @validates_schema(skip_on_field_errors=False)
    def _of_some_kind(self, data: Mapping[str, Any], **_options: Any) -> None:
        """A version keeps the kind of what it replaces. What is wrong elsewhere does not hide what is missing here."""
        if data.get("kind", "") is None and data.get("replaces_id") is None:
            raise ValidationError({"kind": [N_("À remplir.")]})


def _attach(case: Case) -> None:
    replaced = _replaced(case)
    document = keep(case, replaced.kind if replaced else case.data["kind"], case.data["file"], replaced)
    case.details |= {"document": document.id, "filename": document.filename, "sha256": document.sha256}
    if replaced is not None:
        case.details["replaces"] = {"document": replaced.id, "filename": replaced.filename, "sha256": replaced.sha256}
    case.result = document


def _replaced(case: Case) -> Document | None:
    """The newest version of a document of this dossier; a carrier replaces their own side's. Raises Invalid."""
    wanted, newer = case.data["replaces_id"], aliased(Document)
    if wanted is None:
        return None
    found = case.session.execute(
        select(Document, from_carrier().label("theirs"), newer.id.label("newer"))
        .outerjoin(newer, newer.replaces_id == Document.id)
        .where(Document.id == wanted, Document.dossier_id == case.dossier.id)
    ).one_or_none()
    if found is None:
        raise Invalid({"replaces_id": [N_("Choisissez dans la liste.")]})
    if CARRIER in case.roles and not found.theirs:
        raise Invalid({"replaces_id": [N_("Votre organisme n'a pas joint ce document : joignez le vôtre à côté.")]})
    if found.newer is not None:
        raise Invalid({"replaces_id": [N_("Une version plus récente est déjà jointe : remplacez celle-là.")]})
    document: Document = found.Document
    return document


def keep(case: Case, kind: str, upload: Any, replaced: Document | None = None) -> Document:
    """Keep a file as a document of the dossier. Raises Invalid (on `file`) when it is not accepted."""
    if not isinstance(upload, files.Upload):
        raise Invalid({"file": [N_("Choisissez un fichier.")]})
    stored = files.store(upload)
    document = Document(
        dossier_id=case.dossier.id,
        kind=kind,
        filename=stored.filename,
        media_type=stored.media_type,
        size=stored.size,
        sha256=stored.sha256,
        uploaded_at=case.now,
        uploaded_by_id=case.person_id,
        replaces_id=replaced.id if replaced else None,
    )
    case.session.add(document)
    case.session.flush()
    return document


ACTS = (Act("attach_document", DOSSIER, Attachment, _attach, versioned=False),)
