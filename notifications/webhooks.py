"""Webhooks: acts in the journal become calls in the outbox, and go to the addresses of other programs, signed.

A call says which act came to pass on which dossier; nobody's name and nothing of what was written is in it. It goes
to public addresses only, to the very one that was looked up, so that no name can lead it inside afterwards.
"""

import hashlib
import hmac
import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from notifications.channels.base import Channel, Rejected, Undelivered
from notifications.compose import Dropped
from notifications.errors import describe
from workflow.journal import NEWSWORTHY
from workflow.models import Dossier, JournalEntry, Outbox, Webhook
from workflow.settings import Settings
from workflow.use_cases.webhooks import secret

KIND = "webhook"
TIMEOUT = 10.0
"""Seconds that a program may take for one answer."""
BATCH = 200
"""How many journal entries are passed over in one unit of work."""
GONE = 410
"""The answer of an address that wants to hear no more."""

_INSERT: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


@dataclass(frozen=True, slots=True)
class Call:
    """One call, ready to go. `identity` is the same each time that the same outbox row is composed."""

    outbox_id: int
    identity: str
    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def waiting(session: Session) -> bool:
    """Whether a webhook has not been told of the last entries yet."""
    behind = (
        select(Webhook.id)
        .where(Webhook.active, select(JournalEntry.seq).where(JournalEntry.seq > Webhook.journal_seq).exists())
        .limit(1)
    )
    return session.scalar(behind) is not None


def queue(session: Session, now: datetime) -> int:
    """Put the next calls of each webhook into the outbox; return how many entries were passed over."""
    passed = 0
    webhooks = session.scalars(
        select(Webhook).where(Webhook.active).order_by(Webhook.id).with_for_update(skip_locked=True)
    )
    for webhook in webhooks:
        entries = session.execute(
            select(JournalEntry.seq, JournalEntry.act, JournalEntry.dossier_id)
            .where(JournalEntry.seq > webhook.journal_seq)
            .order_by(JournalEntry.seq)
            .limit(BATCH)
        ).all()
        if not entries:
            continue
        wanted = set(webhook.acts or NEWSWORTHY) & set(NEWSWORTHY)
        rows = [
            {
                "key": f"{KIND}:{webhook.id}:{entry.seq}",
                "kind": KIND,
                "webhook_id": webhook.id,
                "payload": {"seq": entry.seq},
                "created_at": now,
                "next_at": now,
            }
            for entry in entries
            if entry.act in wanted and entry.dossier_id is not None
        ]
        if rows:
            insert = _INSERT[session.get_bind().dialect.name](Outbox)
            session.execute(insert.on_conflict_do_nothing(index_elements=["key"]), rows)
        webhook.journal_seq = entries[-1].seq
        passed += len(entries)
    session.flush()
    return passed


def compose(session: Session, _settings: Settings, ids: Sequence[int], now: datetime) -> Iterator[Call | Dropped]:
    """The calls of some rows, in the order of `ids`, signed as of `now`: the age is signed along, so that an old one
    cannot be sent again."""
    for outbox_id in ids:
        yield _call(session, outbox_id, now)


def _call(session: Session, outbox_id: int, now: datetime) -> Call | Dropped:
    row, webhook = session.execute(
        select(Outbox, Webhook).join(Webhook, Webhook.id == Outbox.webhook_id).where(Outbox.id == outbox_id)
    ).one()
    if not webhook.active:
        return Dropped("webhook stopped")
    entry, number = session.execute(
        select(JournalEntry, Dossier.number)
        .join(Dossier, Dossier.id == JournalEntry.dossier_id)
        .where(JournalEntry.seq == row.payload["seq"])
    ).one()
    told = {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "act": entry.act,
        "dossier": {"id": entry.dossier_id, "number": number},
        "from": entry.from_state,
        "to": entry.to_state,
    }
    body = json.dumps(told, ensure_ascii=False).encode()
    identity = hashlib.sha256(row.key.encode()).hexdigest()[:40]
    stamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Binome",
        "X-Binome-Delivery": identity,
        "X-Binome-Timestamp": stamp,
        "X-Binome-Signature": f"sha256={signature(secret(webhook), stamp, body)}",
    }
    return Call(row.id, identity, webhook.url, body, headers)


def signature(key: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA-256 (RFC 2104) over the time stamp, a full stop, and the body, in hexadecimal."""
    return hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def addresses(host: str, port: int) -> Sequence[str]:
    """The addresses behind a host's name. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an address is one of the open Internet: no private, local or reserved one, also in IPv6's clothes."""
    found = ip_address(address.partition("%")[0])
    inside = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (inside is None or inside.is_global)


class WebhookChannel(Channel[Call]):
    """Calls addresses over HTTPS. `look_up` and `allow` are the two things that tests set otherwise."""

    def __init__(
        self,
        look_up: Callable[[str, int], Sequence[str]] = addresses,
        allow: Callable[[str], bool] = is_public,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._look_up, self._allow = look_up, allow
        self._context = context or ssl.create_default_context()

    def send(self, message: Call) -> None:
        """POST the call. Raises Rejected where the address wants no more or is none to call, else Undelivered."""
        parts = urlsplit(message.url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            status = self._post(parts.scheme, host, port, path, message)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Undelivered(describe(error)) from None
        if status == GONE:
            raise Rejected(f"HTTP {status}")
        if not 200 <= status < 300:
            raise Undelivered(f"HTTP {status}")  # a redirection too: it could lead anywhere

    def _post(self, scheme: str, host: str, port: int, path: str, call: Call) -> int:
        found = self._look_up(host, port)
        if not found or not all(map(self._allow, found)):
            raise Rejected("not a public address")
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        try:
            connection.sock = socket.create_connection((found[0], port), TIMEOUT)
            if scheme == "https":
                connection.sock = self._context.wrap_socket(connection.sock, server_hostname=host)
            connection.request("POST", path, call.body, dict(call.headers))
            return connection.getresponse().status
        finally:
            connection.close()
