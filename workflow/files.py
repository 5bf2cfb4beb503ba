"""Documents: what is accepted is decided by content, not by name; bytes are kept under their SHA-256."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import structlog

from states.words import N_
from workflow import scanner
from workflow.errors import Invalid
from workflow.settings import settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Upload:
    """A file as it was sent: the name it claims and its bytes.

    It is checked as it is made, which must be before a transaction begins: a scanner takes its time.
    """

    filename: str
    content: bytes
    problem: str | None = field(init=False, compare=False)
    """Why it is not accepted (message id), None where it is."""

    def __post_init__(self) -> None:
        """Check it."""
        object.__setattr__(self, "problem", _problem(self))

    @cached_property
    def name(self) -> str:
        """Its name without folders, not too long."""
        return PurePosixPath(self.filename.replace("\\", "/")).name.strip()[:150]

    @cached_property
    def sha256(self) -> str:
        """What its bytes are kept under."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that was checked and kept. `size` in bytes."""

    filename: str
    media_type: str
    size: int
    sha256: str


def _zip_has(content: bytes, member: str, text: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(member) as file:
            return text in file.read(100_000)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError):
        return False


def _starts(signature: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(signature)


def _office(text: bytes) -> Callable[[bytes], bool]:
    return lambda content: _zip_has(content, "[Content_Types].xml", text)


def _open_document(text: bytes) -> Callable[[bytes], bool]:
    return lambda content: _zip_has(content, "mimetype", text)


_OPENXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"
ACCEPTED: Mapping[str, tuple[str, Callable[[bytes], bool]]] = {
    ".pdf": ("application/pdf", _starts(b"%PDF-")),
    ".png": ("image/png", _starts(b"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", _starts(b"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", _starts(b"\xff\xd8\xff")),
    ".docx": (f"{_OPENXML}.wordprocessingml.document", _office(b"wordprocessingml")),
    ".xlsx": (f"{_OPENXML}.spreadsheetml.sheet", _office(b"spreadsheetml")),
    ".odt": (f"{_ODF}.text", _open_document(b"opendocument.text")),
    ".ods": (f"{_ODF}.spreadsheet", _open_document(b"opendocument.spreadsheet")),
}
"""Endings accepted, each with its media type and the test of its content."""


def _kind(name: str) -> tuple[str, Callable[[bytes], bool]]:
    return ACCEPTED.get(PurePosixPath(name).suffix.lower(), ("", lambda _: False))


def _problem(upload: Upload) -> str | None:
    media_type, matches = _kind(upload.name)
    if not upload.content or not upload.name:
        return N_("Choisissez un fichier qui ne soit pas vide.")
    if len(upload.content) > settings().max_upload_bytes:
        return N_("Fichier trop lourd.")
    if not media_type:
        return N_("Format non accepté : PDF, image PNG ou JPEG, Word, Excel ou OpenDocument.")
    if not matches(upload.content):
        return N_("Le contenu du fichier ne correspond pas à son nom.")
    return _threat(upload)


def _threat(upload: Upload) -> str | None:
    """What the virus scanner has against it, where there is one: without its word nothing is kept."""
    if not settings().clamd:
        return None
    try:
        virus = scanner.virus_in(upload.content, settings().clamd)
    except scanner.Unscanned as error:
        log.error("file not scanned", sha256=upload.sha256, size=len(upload.content), problem=str(error))
        return N_(
            "L'antivirus n'a pas pu vérifier ce fichier : il n'a pas été gardé. "
            "Réessayez dans quelques minutes ; si cela dure, prévenez l'administrateur."
        )
    if virus is None:
        return None
    log.warning("virus found", sha256=upload.sha256, size=len(upload.content), virus=virus)
    return N_(
        "L'antivirus a trouvé un virus dans ce fichier : il n'a pas été gardé. "
        "Faites vérifier l'ordinateur d'où il vient, puis joignez un fichier sain."
    )


def store(upload: Upload) -> Stored:
    """Keep a file in the instance folder. Raises Invalid (field `file`) when it is not accepted."""
    if upload.problem:
        raise Invalid({"file": [upload.problem]})
    path = path_of(upload.sha256)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(upload.content)
    return Stored(upload.name, _kind(upload.name)[0], len(upload.content), upload.sha256)


def path_of(sha256: str) -> Path:
    """Where the bytes with this SHA-256 lie."""
    return settings().instance / "documents" / sha256[:2] / sha256
