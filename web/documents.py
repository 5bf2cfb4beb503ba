"""Documents: how pages list their versions and show them, and how the files themselves are sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import make_response, render_template, send_file, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from states.dossier import CARRIER
from web import formats
from web.security import POLICY
from workflow import files
from workflow.errors import NotFound
from workflow.queries.dossier import File
from workflow.use_cases.documents import DOCUMENT_LABELS

PREVIEWED: Mapping[str, str] = {"application/pdf": "pdf", "image/png": "image", "image/jpeg": "image"}
"""Media types that browsers show by themselves, and the part of a page that does it."""
SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"
IN_OUR_PAGE = "default-src 'none'; frame-ancestors 'self'"
"""What a PDF that is shown may do: the browser's reader is a plugin, which no sandbox lets in."""


# --- in lists -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """A version of a document as lists show it; addresses are None where there is nothing to lead to."""

    name: str
    number: int
    detail: str
    media_type: str
    url: str
    preview: str | None
    newest: str | None
    """Where the newest version stands, unless this is it."""
    replace: str | None
    """Where the reader may add a version, while documents may be attached at all."""
    earlier: tuple["Listed", ...] = ()


def _place(dossier_id: int, row: Any) -> str:
    """Where a document is read: shown where it can be."""
    endpoint = "dossiers.preview" if row.media_type in PREVIEWED else "dossiers.document"
    return url_for(endpoint, dossier_id=dossier_id, document_id=row.id)


def _listed(file: File, row: Any, versions: Sequence[Any], after: str | None, earlier: tuple[Listed, ...]) -> Listed:
    where = {"dossier_id": file.dossier.id, "document_id": row.id}
    number, newest = versions.index(row) + 1, versions[-1]
    outside = file.reading == {CARRIER}
    parts = (
        gettext(DOCUMENT_LABELS[row.kind]),
        gettext("version %(number)s", number=number) if len(versions) > 1 else "",
        gettext("%(size)s Ko", size=max(1, round(row.size / 1000))),
        formats.moment(row.uploaded_at),
        gettext("un agent") if outside and not row.from_carrier else row.author,
    )
    may_replace = row == newest and (row.from_carrier or not outside)
    return Listed(
        name=row.filename,
        number=number,
        detail=" · ".join(part for part in parts if part),
        media_type=row.media_type,
        url=url_for("dossiers.document", **where),
        preview=url_for("dossiers.preview", **where) if row.media_type in PREVIEWED else None,
        newest=_place(file.dossier.id, newest) if row != newest else None,
        replace=url_for(
            "acts.on_dossier", dossier_id=file.dossier.id, act="attach_document", replaces_id=row.id, next=after
        )
        if may_replace
        else None,
        earlier=earlier,
    )


def documents_of(file: File, after: str | None = None) -> list[Listed]:
    """The newest version of each document with those before it; `after` is where one is led once one was added."""
    return [
        _listed(
            file,
            versions[-1],
            versions,
            after,
            tuple(_listed(file, row, versions, None, ()) for row in reversed(versions[:-1])),
        )
        for versions in file.documents
    ]


def listed(file: File, document_id: int) -> Listed:
    """One version of a document. Raises NotFound where the reader may not read it."""
    versions = file.versions(document_id)
    row = next((row for row in versions if row.id == document_id), None)
    if row is None:
        raise NotFound("document")
    return _listed(file, row, versions, None, ())


def asked_about(file: File, consultation_id: int) -> list[Listed]:
    """The documents that go with a question to an expert, in the versions that they have."""
    return [listed(file, row.document_id) for row in file.all("asked_about") if row.consultation_id == consultation_id]


# --- shown and sent ---------------------------------------------------------------------------------------------------


class Kept(Protocol):
    """What is known of a document whose bytes lie in the instance folder."""

    @property
    def filename(self) -> str:
        """Its name for people."""

    @property
    def media_type(self) -> str:
        """Its kind."""

    @property
    def sha256(self) -> str:
        """The name of its bytes."""


def preview_page(template: str, media_type: str, content_url: str, **shown: Any) -> Response:
    """A page that shows a document: it alone may hold a PDF, and of our own."""
    kind = PREVIEWED.get(media_type)
    page = make_response(render_template(template, kind=kind, content_url=content_url, **shown))
    if kind == "pdf":
        page.headers["Content-Security-Policy"] = f"{POLICY}; object-src 'self'; frame-src 'self'"
    return page


def shown_file(document: Kept) -> Response:
    """A document to stand in its page. Raises NotFound where its kind is not shown, or its bytes are lost."""
    if document.media_type not in PREVIEWED:
        raise NotFound("document")
    return _sent(document, attachment=False)


def sent_file(document: Kept) -> Response:
    """A document to be saved. Raises NotFound where its bytes are lost."""
    return _sent(document, attachment=True)


def _sent(document: Kept, *, attachment: bool) -> Response:
    path = files.path_of(document.sha256)
    if not path.is_file():
        raise NotFound("document")
    sent = send_file(
        path.resolve(), document.media_type, as_attachment=attachment, download_name=document.filename, etag=False
    )
    sent.headers["Cache-Control"] = "no-store"
    inside = not attachment and PREVIEWED[document.media_type] == "pdf"
    sent.headers["Content-Security-Policy"] = IN_OUR_PAGE if inside else SANDBOX
    return sent
