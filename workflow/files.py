"""Documents: what is accepted is decided by content, not by name; bytes are kept under their SHA-256."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from states.words import N_
from workflow.errors import Invalid
from workflow.settings import settings


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent: the name it claims and its bytes."""

    filename: str
    content: bytes


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


def store(upload: Upload) -> Stored:
    """Check a file and keep it in the instance folder. Raises Invalid (field `file`) when it is not accepted."""
    name = PurePosixPath(upload.filename.replace("\\", "/")).name.strip()[:150]
    limit = settings().max_upload_bytes
    if not upload.content or not name:
        raise Invalid({"file": [N_("Choisissez un fichier qui ne soit pas vide.")]})
    if len(upload.content) > limit:
        raise Invalid({"file": [N_("Fichier trop lourd.")]})
    media_type, matches = ACCEPTED.get(PurePosixPath(name).suffix.lower(), ("", lambda _: False))
    if not media_type:
        raise Invalid({"file": [N_("Format non accepté : PDF, image PNG ou JPEG, Word, Excel ou OpenDocument.")]})
    if not matches(upload.content):
        raise Invalid({"file": [N_("Le contenu du fichier ne correspond pas à son nom.")]})
    digest = hashlib.sha256(upload.content).hexdigest()
    path = path_of(digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(upload.content)
    return Stored(name, media_type, len(upload.content), digest)


def path_of(sha256: str) -> Path:
    """Where the bytes with this SHA-256 lie."""
    return settings().instance / "documents" / sha256[:2] / sha256
