"""Signing in, and passwords: chosen through an invitation, changed, or reset through a mailed link."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session
from zxcvbn import zxcvbn

from states.machine import Reason
from states.words import N_
from workflow import links, tell
from workflow.access import Actor
from workflow.db import Database
from workflow.errors import Forbidden, Invalid, NotFound
from workflow.models import LoginAttempt, Person, SecretLink
from workflow.use_cases.notes import note_change

HASHER = PasswordHasher()
"""Argon2id. Tests put a cheap one in its place."""

SHORTEST = 12
LONGEST = 200
GUESSABLE_BELOW = 3
"""The least score of zxcvbn, from 0 to 4, that a password must reach."""
_MEASURED = 72

WINDOW = timedelta(minutes=15)
FAILURES_PER_ACCOUNT = 5
FAILURES_PER_ADDRESS = 20
RESETS_PER_HOUR = 3

LOCK = {"key_share": True}
"""Locks a person's row against changes, and yet lets journal entries refer to it."""

SELF = "person"
"""The role noted in the journal when somebody acts on their own account."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a sign-in ended: the person and the version of their credentials, or why it was refused."""

    person_id: int | None = None
    credentials_version: int | None = None
    refusal: Reason | None = None
    retry_at: datetime | None = None
    """When the next attempt will be heard, where there were too many."""


WRONG = SignIn(
    refusal=Reason(
        "wrong_credentials",
        N_("Adresse ou mot de passe incorrect."),
        N_("Vérifiez l'adresse et le mot de passe, ou demandez un nouveau mot de passe."),
    )
)


def hash_password(password: str) -> str:
    """The Argon2id hash to keep of a password."""
    return HASHER.hash(_bytes(password))


def check_strength(password: str, *known: str) -> None:
    """Raise Invalid (field `password`) for a password that is too short, too long or easy to guess.

    `known` are words that an attacker would try first: address, name.
    """
    problem = None
    if len(password) < SHORTEST:
        problem = N_("Douze caractères au moins.")
    elif len(password) > LONGEST:
        problem = N_("Deux cents caractères au plus.")
    elif zxcvbn(password[:_MEASURED], user_inputs=[*known, "binome", "binôme"])["score"] < GUESSABLE_BELOW:
        problem = N_("Ce mot de passe se devine trop facilement : prenez plusieurs mots sans lien entre eux.")
    if problem:
        raise Invalid({"password": [problem]})


def sign_in(database: Database, email: str, password: str, address: str, now: datetime) -> SignIn:
    """Sign somebody in from a network address, or say why not.

    It commits by itself: the attempt is written as a failure first, so that attempts made at once are all counted,
    and turned into a success at the end; the password is verified in between, outside any transaction. An unknown
    account costs the same work as a wrong password. Attempts beyond the limits are not heard, and not counted.
    """
    email = normalised(email)
    with database.write() as session:
        _queue(session, email, address)
        retry_at = _retry_at(session, email, address, now)
        if retry_at is not None:
            return _too_many(retry_at, now)
        person = session.scalar(
            select(Person).where(Person.email == email, Person.active, Person.password_hash.is_not(None))
        )
        attempt = LoginAttempt(email=email, address=address, at=now, succeeded=False)
        session.add(attempt)
    kept = person.password_hash if person else None
    if not _verify(kept, password) or person is None:
        return WRONG
    with database.write() as session:
        session.execute(update(LoginAttempt).where(LoginAttempt.id == attempt.id).values(succeeded=True))
        if kept and HASHER.check_needs_rehash(kept):
            session.execute(
                update(Person)
                .where(Person.id == person.id, Person.password_hash == kept)
                .values(password_hash=hash_password(password))
            )
    return SignIn(person.id, person.credentials_version)


def normalised(email: str) -> str:
    """An address as accounts keep it; what no address holds is dropped."""
    return "".join(c for c in email.strip().lower() if c.isprintable() and not "\ud800" <= c <= "\udfff")[:254]


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@lru_cache(maxsize=2)
def _decoy(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody's password")


def _verify(kept: str | None, password: str) -> bool:
    """Whether the password is the one kept; does the same work when none is."""
    try:
        HASHER.verify(kept or _decoy(HASHER), _bytes(password[: LONGEST + 1]))
    except VerificationError:
        return False
    return kept is not None


def _queue(session: Session, *names: str) -> None:
    """Let attempts on one account or from one address wait for each other; SQLite's writers do so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        for name in sorted(names):
            session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _retry_at(session: Session, email: str, address: str, now: datetime) -> datetime | None:
    last_success = session.scalar(
        select(func.max(LoginAttempt.at)).where(LoginAttempt.email == email, LoginAttempt.succeeded)
    )
    since = max(now - WINDOW, last_success) if last_success else now - WINDOW
    waits = (
        _nth_failure(session, LoginAttempt.email == email, since, FAILURES_PER_ACCOUNT),
        _nth_failure(session, LoginAttempt.address == address, now - WINDOW, FAILURES_PER_ADDRESS),
    )
    return max((at + WINDOW for at in waits if at is not None), default=None)


def _nth_failure(session: Session, whose: ColumnElement[bool], since: datetime, number: int) -> datetime | None:
    """When the `number`-th last failure was, if it was after `since`."""
    return session.scalar(
        select(LoginAttempt.at)
        .where(whose, LoginAttempt.at > since, LoginAttempt.succeeded.is_(False))
        .order_by(LoginAttempt.at.desc())
        .offset(number - 1)
        .limit(1)
    )


def _too_many(retry_at: datetime, now: datetime) -> SignIn:
    minutes = max(1, -(-int((retry_at - now).total_seconds()) // 60))
    reason = Reason(
        "too_many_attempts",
        N_("Trop d'essais manqués."),
        N_("Attendez %(minutes)s min, puis recommencez, ou demandez un nouveau mot de passe."),
        {"minutes": minutes},
    )
    return SignIn(refusal=reason, retry_at=retry_at)


def accept(session: Session, token: str, password: str, now: datetime) -> Person:
    """Choose the first password through an invitation; the link works once.

    Raises NotFound for a link that does not live, Invalid for a weak password.
    """
    return _choose(session, "invitation", token, password, now)


def reset(session: Session, token: str, password: str, now: datetime) -> Person:
    """Choose a new password through a reset link, which works once; earlier sessions and links die.

    Raises NotFound for a link that does not live, Invalid for a weak password.
    """
    return _choose(session, "reset", token, password, now)


def ask_reset(session: Session, email: str, now: datetime) -> None:
    """Mail a reset link to the account of this address, if there is one; the caller answers the same in any case.

    Beyond three in an hour nothing more is sent.
    """
    person = session.scalar(
        select(Person).where(Person.email == normalised(email), Person.active).with_for_update(key_share=True)
    )
    if person is None:
        return
    recent = session.scalar(
        select(func.count()).where(
            SecretLink.person_id == person.id,
            SecretLink.purpose == "reset",
            SecretLink.created_at > now - timedelta(hours=1),
        )
    )
    if (recent or 0) >= RESETS_PER_HOUR:
        return
    send_link(session, person, "reset", "password_reset", now)
    note_change(session, Actor(person.id, person.name), SELF, "ask_reset", person, now)


def change_password(session: Session, actor: Actor, current: str, password: str, now: datetime) -> Person:
    """Change one's own password; every session opened before dies.

    Raises Invalid: `current` is wrong, or `password` too weak; Forbidden for an actor without an account.
    """
    person = session.get(Person, actor.person_id, with_for_update=LOCK) if actor.person_id else None
    if person is None:
        raise Forbidden(Reason("account", N_("Il faut un compte pour cet acte."), N_("Connectez-vous.")))
    if not _verify(person.password_hash, current):
        raise Invalid({"current": [N_("Mot de passe actuel incorrect.")]})
    check_strength(password, person.email, person.name)
    _set_password(session, person, password, now)
    note_change(session, actor, SELF, "change_password", person, now)
    return person


def send_link(session: Session, person: Person, purpose: str, kind: str, now: datetime) -> SecretLink:
    """Make a link of `purpose` for `person`, and the message of `kind` that carries it."""
    link = links.make(session, purpose, {"person_id": person.id}, now)
    row = {
        "key": f"{kind}:{link.id}",
        "kind": kind,
        "person_id": person.id,
        "payload": {"link_id": link.id},
        "created_at": now,
        "next_at": now,
    }
    tell.write(session, [row])
    return link


def end_links(session: Session, person: Person, now: datetime) -> None:
    """End every link by which a password of `person` could be chosen."""
    session.execute(
        update(SecretLink)
        .where(
            SecretLink.person_id == person.id,
            SecretLink.purpose.in_(("invitation", "reset")),
            SecretLink.ended_at.is_(None),
        )
        .values(ended_at=now)
    )


def _choose(session: Session, purpose: str, token: str, password: str, now: datetime) -> Person:
    link = links.follow(session, purpose, token, now)
    person = session.get(Person, link.person_id, with_for_update=LOCK, populate_existing=True)
    session.refresh(link)
    if person is None or not person.active or link.ended_at is not None:
        raise NotFound("link")
    check_strength(password, person.email, person.name)
    _set_password(session, person, password, now)
    note_change(session, Actor(person.id, person.name), SELF, f"use_{purpose}", person, now)
    return person


def _set_password(session: Session, person: Person, password: str, now: datetime) -> None:
    person.password_hash = hash_password(password)
    person.credentials_version += 1
    end_links(session, person, now)
    session.flush()
