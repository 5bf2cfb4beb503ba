"""The journal: entries are noted during a unit of work and sealed into the chain just before it commits.

Each entry's hash covers its content and the hash before it, so order lies in the links. Sealing comes last so that
the one lock on the chain's end is held for an instant, and always after any other lock.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from workflow.models import JournalEntry

NEWSWORTHY = (
    "submit",
    "request_completion",
    "complete",
    "declare_inadmissible",
    "assign",
    "issue_opinion",
    "table",
    "fund",
    "refuse",
    "appeal_upheld",
    "cancel_action",
    "submit_progress_report",
    "submit_final_report",
    "evaluate",
    "conclude_control",
    "close",
    "withdraw",
)
"""What is told as news: acts that everybody who reads the dossier may know of."""

GENESIS = "0" * 64
_LOCK = select(func.pg_advisory_xact_lock(0x42494E4F4D45))
_CHUNK = 1000
_HEAD = select(JournalEntry.seq, JournalEntry.hash).order_by(JournalEntry.seq.desc()).limit(1)
_INSERT = insert(JournalEntry)
_HASHED = (
    "at",
    "actor_id",
    "actor_name",
    "role",
    "act",
    "dossier_id",
    "dossier_version",
    "subject",
    "from_state",
    "to_state",
    "reason",
    "details",
)


def note(
    session: Session,
    *,
    at: datetime,
    actor_id: int | None,
    actor_name: str,
    role: str,
    act: str,
    subject: str,
    dossier_id: int | None = None,
    dossier_version: int | None = None,
    from_state: str | None = None,
    to_state: str | None = None,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note an act; it is written and chained when the unit of work commits.

    Raises TypeError or ValueError where `details` is not plain JSON.
    """
    entry = {
        "at": at,
        "actor_id": actor_id,
        "actor_name": actor_name,
        "role": role,
        "act": act,
        "dossier_id": dossier_id,
        "dossier_version": dossier_version,
        "subject": subject,
        "from_state": from_state,
        "to_state": to_state,
        "reason": reason,
        # As it will be read back, so that its hash stays true (JSON has no numbers as keys, no tuples).
        "details": json.loads(json.dumps(details or {}, allow_nan=False)),
    }
    session.info.setdefault("journal", []).append(entry)


def seal(session: Session) -> None:
    """Write the noted entries at the end of the chain."""
    entries: list[dict[str, Any]] = session.info.pop("journal", [])
    if not entries:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)
    seq, previous = head(session)
    for entry in entries:
        seq += 1
        entry.update(seq=seq, previous_hash=previous, hash=digest(entry, previous))
        previous = entry["hash"]
    connection.execute(_INSERT, entries)


def head(session: Session) -> tuple[int, str]:
    """The last entry's number and hash; (0, sixty-four zeros) for an empty journal."""
    found = session.connection().execute(_HEAD).first()
    return (found.seq, found.hash) if found else (0, GENESIS)


def digest(entry: Mapping[str, Any], previous: str) -> str:
    """SHA-256 over the previous hash and the entry's content as JSON with sorted keys."""
    content = {name: entry[name] for name in _HASHED}
    content["at"] = entry["at"].astimezone(UTC).isoformat(timespec="microseconds")
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Flaw:
    """One place where the journal is not what was written.

    `kind` is changed (its content is not what was hashed, or not what the next entry was chained to), removed,
    reordered (it does not stand behind the entry it was written after) or truncated.
    """

    seq: int
    kind: str


def verify(session: Session, expected_head: tuple[int, str] | None = None) -> Iterator[Flaw]:
    """Read the whole chain and yield each flaw; none for a sound journal.

    `expected_head` (number and hash noted earlier) shows a truncated end or a rewritten one, which the chain alone
    cannot.
    """
    before = 0
    # What the next entry may be chained to. Where an entry was changed, either hash may be what was written.
    ends: set[str] | None = {GENESIS}
    for seq, link in _links(session):
        yield from (Flaw(missing, "removed") for missing in range(before + 1, seq))
        if link is None or link.computed != link.stored:
            yield Flaw(seq, "changed")
        elif ends is not None and link.previous not in ends and seq == before + 1:
            yield _broken(session, seq, link.previous)
        elif expected_head and seq == expected_head[0] and link.stored != expected_head[1]:
            yield Flaw(seq, "changed")
        before, ends = seq, {link.stored, link.computed} if link else None
    if expected_head:
        yield from (Flaw(missing, "truncated") for missing in range(before + 1, expected_head[0] + 1))


@dataclass(frozen=True, slots=True)
class _Link:
    previous: str
    stored: str
    computed: str


def _links(session: Session) -> Iterator[tuple[int, _Link | None]]:
    """Each entry's number and link in the order of the numbers; None for an entry that cannot be read any more."""
    numbers = select(JournalEntry.seq).order_by(JournalEntry.seq).limit(_CHUNK)
    chunk = session.scalars(numbers).all()
    while chunk:
        links = _read(session, chunk)
        yield from ((seq, links.get(seq)) for seq in chunk)
        chunk = session.scalars(numbers.where(JournalEntry.seq > chunk[-1])).all()


def _read(session: Session, chunk: Sequence[int]) -> dict[int, _Link]:
    columns = [getattr(JournalEntry, name) for name in ("seq", *_HASHED, "previous_hash", "hash")]
    try:
        return {
            row.seq: _Link(row.previous_hash, row.hash, digest(row._asdict(), row.previous_hash))
            for row in session.execute(select(*columns).where(JournalEntry.seq.between(chunk[0], chunk[-1])))
        }
    except (ValueError, TypeError, AttributeError, OperationalError) as error:
        # SQLite holds whatever was put there: no date, no JSON, no text.
        if isinstance(error, OperationalError) and "decode" not in str(error):
            raise
        if len(chunk) == 1:
            return {}
        middle = len(chunk) // 2
        return _read(session, chunk[:middle]) | _read(session, chunk[middle:])


def _broken(session: Session, seq: int, previous: str) -> Flaw:
    """Why the sound entry `seq` is not chained to the one before it."""
    moved = select(JournalEntry.seq).where(JournalEntry.hash == previous)
    if previous == GENESIS or session.scalar(moved) is not None:
        return Flaw(seq, "reordered")
    return Flaw(seq - 1, "changed") if seq > 1 else Flaw(seq, "removed")
