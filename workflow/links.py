"""Mailed links. The token is « id-signature », made from the secret key: the database holds nothing to steal."""

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.errors import NotFound
from workflow.models import SecretLink
from workflow.settings import settings

UNSUBSCRIBE = "unsubscribe"
"""Purpose of the link by which a person is reminded by mail no more; its number is the person's."""

LIFETIMES = {
    "invitation": timedelta(days=14),
    "reset": timedelta(hours=1),
    "expert": None,
    "tracking": None,
    "agenda": None,
}
"""How long each kind of link works; None: until it is ended."""


def make(session: Session, purpose: str, subject: dict[str, int], now: datetime) -> SecretLink:
    """Create a link of `purpose` on `subject` (one of person_id, consultation_id, dossier_id)."""
    lifetime = LIFETIMES[purpose]
    link = SecretLink(purpose=purpose, created_at=now, expires_at=now + lifetime if lifetime else None, **subject)
    session.add(link)
    session.flush()
    return link


def token(link_id: int, purpose: str) -> str:
    """The token to write in the address of link `link_id`."""
    key = settings().key().encode()
    signature = hmac.new(key, f"{purpose}:{link_id}".encode(), hashlib.sha256).hexdigest()[:40]
    return f"{link_id}-{signature}"


def number_of(purpose: str, given: str) -> int:
    """The number that a token of `purpose` was made for. Raises NotFound for a forged one."""
    number = given.partition("-")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise NotFound("link")
    if not hmac.compare_digest(token(int(number), purpose).encode(), given.encode()):
        raise NotFound("link")
    return int(number)


def follow(session: Session, purpose: str, given: str, now: datetime) -> SecretLink:
    """The live link of `purpose` that a token opens.

    Raises NotFound for a forged, ended or expired one, without saying which.
    """
    number = number_of(purpose, given)
    link = session.scalar(select(SecretLink).where(SecretLink.id == number, SecretLink.purpose == purpose))
    if link is None or link.ended_at is not None or (link.expires_at is not None and link.expires_at < now):
        raise NotFound("link")
    return link
