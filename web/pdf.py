"""Pages as documents: tagged PDF (PDF/UA-1), made by WeasyPrint where the system has its libraries."""

import hashlib

import structlog
from flask import Response

log = structlog.get_logger(__name__)


class NoPdf(Exception):
    """This machine lacks what PDF is made with (Pango and its fonts); there is the page to print instead."""


def as_pdf(html: str) -> bytes:
    """A whole HTML page as a PDF; the same page gives the same bytes. Nothing is fetched. Raises NoPdf."""
    try:
        # Loading Pango takes longer than the rest of the application.
        from weasyprint import HTML  # noqa: PLC0415
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except OSError as error:
        log.warning("no_pdf", error=str(error))
        raise NoPdf from error
    document = HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=("data",)))
    identifier = hashlib.sha256(html.encode()).digest()[:16]
    return bytes(document.write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=identifier))


def sent_pdf(html: str, filename: str) -> Response:
    """The PDF of a page as a file to be saved. Raises NoPdf."""
    answer = Response(as_pdf(html), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
