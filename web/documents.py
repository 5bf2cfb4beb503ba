"""Documents as they are sent: to be saved, never shown inside our own pages."""

from typing import Protocol

from flask import send_file
from werkzeug.wrappers import Response

from workflow import files
from workflow.errors import NotFound


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


def sent_file(document: Kept) -> Response:
    """A document as an answer. Raises NotFound where its bytes are lost."""
    path = files.path_of(document.sha256)
    if not path.is_file():
        raise NotFound("document")
    sent = send_file(
        path.resolve(), document.media_type, as_attachment=True, download_name=document.filename, etag=False
    )
    sent.headers["Cache-Control"] = "no-store"
    return sent
