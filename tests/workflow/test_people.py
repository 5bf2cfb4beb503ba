"""Accounts: signing in and its limits, invitations, passwords, roles, interests, tokens; nothing secret is kept."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from workflow import journal, links
from workflow.access import SYSTEM_ACTOR, Actor, load_actor
from workflow.db import Database
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.models import (
    ApiToken,
    Instance,
    Institution,
    Interest,
    JournalEntry,
    LoginAttempt,
    Organisation,
    Outbox,
    Person,
    RoleGrant,
    SecretLink,
    Theme,
)
from workflow.settings import settings
from workflow.use_cases import passwords, people, tokens

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
GOOD = "pluie cadran tilleul 47"
BETTER = "orage boussole noyer 92"
EMAIL = "animatrice@sante.example"
ADDRESS = "192.0.2.1"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A quick hasher, and a key for links."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setenv("BINOME_SECRET_KEY", "key of the tests")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with an institution that funds, one that does not, an instance, an organisation."""
    database = Database(database_url)
    with database.write() as session:
        theme = Theme(code="sante", label="Santé")
        session.add_all(
            [
                theme,
                Institution(id=1, label="Département fictif", kind="département", funder_code="Département"),
                Institution(id=2, label="Partenaire fictif", kind="association"),
                Organisation(
                    id=1, siret="73282932000074", name="Association fictive", kind="association", created_at=NOW
                ),
            ]
        )
        session.flush()
        session.add(Instance(id=1, code="ct-sante", label="Santé", theme_id=theme.id, animating_institutions=[]))
    yield database
    database.dispose()


@pytest.fixture
def admin(database: Database) -> Actor:
    """The first administrator, invited by the system."""
    with database.write() as session:
        raw = {"email": "admin@territoire.example", "name": "Administratrice", "roles": [{"role": "administrator"}]}
        invited = people.invite(session, SYSTEM_ACTOR, raw, NOW)
    with database.write() as session:
        passwords.accept(session, links.token(invited.link.id, "invitation"), GOOD, NOW)
    with database.read() as session:
        actor = load_actor(session, invited.person.id)
    assert actor is not None
    return actor


@pytest.fixture
def animator(database: Database, admin: Actor) -> Actor:
    """An animator with a password."""
    return member(database, admin, EMAIL, {"role": "animator", "instance_id": 1})


def member(database: Database, admin: Actor, email: str, *roles: dict[str, Any]) -> Actor:
    """Somebody invited by `admin`, who accepted."""
    with database.write() as session:
        invited = people.invite(session, admin, {"email": email, "name": "Membre", "roles": list(roles)}, NOW)
    with database.write() as session:
        passwords.accept(session, links.token(invited.link.id, "invitation"), GOOD, NOW)
    with database.read() as session:
        actor = load_actor(session, invited.person.id)
    assert actor is not None
    return actor


def reset_tokens(database: Database) -> list[str]:
    """Tokens of the reset messages written so far, oldest first."""
    with database.read() as session:
        rows = session.scalars(select(Outbox).where(Outbox.kind == "password_reset").order_by(Outbox.id))
        return [links.token(row.payload["link_id"], "reset") for row in rows]


def sign_in(database: Database, password: str = GOOD, email: str = EMAIL, **at: Any) -> passwords.SignIn:
    return passwords.sign_in(database, email, password, at.get("address", ADDRESS), at.get("now", NOW))


# Signing in


def test_sign_in(database: Database, animator: Actor) -> None:
    ended = sign_in(database, email=f"  {EMAIL.upper()} ")
    assert (ended.person_id, ended.refusal) == (animator.person_id, None)
    with database.read() as session:
        attempt = session.scalars(select(LoginAttempt)).one()
        person = session.get_one(Person, animator.person_id)
    assert (attempt.email, attempt.address, attempt.succeeded) == (EMAIL, ADDRESS, True)
    assert ended.credentials_version == person.credentials_version
    assert person.password_hash is not None
    assert person.password_hash.startswith("$argon2id$")


def test_the_default_hasher_is_strong() -> None:
    hasher = PasswordHasher()
    assert (hasher.time_cost, hasher.memory_cost) >= (3, 65536)


def test_wrong_sign_ins_are_alike_and_kept(database: Database, animator: Actor) -> None:
    emails = [EMAIL, "inconnue@sante.example", "", "\x00'; DROP TABLE person;--", "\ud800", "x" * 9000]
    typed = ["", "wrong", "\x00", "\ud800", "x" * 100_000]
    for number, (email, password) in enumerate(product(emails, typed), start=1):
        assert sign_in(database, password, email, now=NOW + number * timedelta(hours=1)) == passwords.WRONG
    with database.read() as session:
        assert session.scalars(select(LoginAttempt.succeeded)).all() == [False] * 30


def test_an_unknown_account_costs_a_verification(
    database: Database, animator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            done.append("verified")
            return super().verify(hash, password)  # type: ignore[return-value]

    monkeypatch.setattr(passwords, "HASHER", Counting(time_cost=1, memory_cost=8, parallelism=1))
    sign_in(database, "wrong")
    sign_in(database, "wrong", "inconnue@sante.example")
    assert len(done) == 2


def test_a_composed_and_a_decomposed_letter_are_one_password(database: Database, animator: Actor) -> None:
    with database.write() as session:
        passwords.change_password(session, animator, GOOD, "été boussole noyer 92", NOW)
    assert sign_in(database, "e\u0301te\u0301 boussole noyer 92").refusal is None


def test_five_failures_close_an_account_for_a_while(database: Database, animator: Actor) -> None:
    for number in range(5):
        assert sign_in(database, "wrong", now=NOW + number * MINUTE) == passwords.WRONG
    ended = sign_in(database, now=NOW + 5 * MINUTE, address="198.51.100.7")
    assert ended.person_id is None
    assert ended.retry_at == NOW + passwords.WINDOW
    assert ended.refusal is not None
    assert (ended.refusal.code, ended.refusal.params) == ("too_many_attempts", {"minutes": 10})
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(LoginAttempt)) == 5
    assert sign_in(database, now=NOW + passwords.WINDOW).refusal is None


def test_a_success_forgives_earlier_failures_of_the_account(database: Database, animator: Actor) -> None:
    for number in range(4):
        sign_in(database, "wrong", now=NOW + number * MINUTE)
    assert sign_in(database, now=NOW + 4 * MINUTE).refusal is None
    assert sign_in(database, "wrong", now=NOW + 5 * MINUTE) == passwords.WRONG
    assert sign_in(database, now=NOW + 6 * MINUTE).refusal is None


def test_twenty_failures_close_an_address(database: Database, animator: Actor) -> None:
    for number in range(20):
        assert sign_in(database, "wrong", f"p{number}@sante.example") == passwords.WRONG
    assert sign_in(database).retry_at == NOW + passwords.WINDOW
    assert sign_in(database, address="198.51.100.7").refusal is None


def test_attempts_made_at_once_are_all_counted(database: Database, animator: Actor) -> None:
    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda _: sign_in(database, "wrong"), range(12)))
    assert ended.count(passwords.WRONG) == passwords.FAILURES_PER_ACCOUNT


def test_a_hash_of_older_settings_is_renewed(
    database: Database, animator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert sign_in(database).refusal is None
    with database.read() as session:
        kept = session.get_one(Person, animator.person_id).password_hash
    assert kept is not None
    assert "m=16,t=2" in kept
    assert sign_in(database).refusal is None


# Invitations and passwords


def test_an_invitation_is_mailed_and_works_once(database: Database, admin: Actor) -> None:
    raw = {"email": "Porteur@Asso.example", "name": "Porteur", "locale": "en", "institution_id": 2}
    with database.write() as session:
        role = {"role": "carrier", "organisation_id": 1}
        invited = people.invite(session, admin, {**raw, "roles": [role]}, NOW)
    with database.read() as session:
        row = session.scalars(select(Outbox).where(Outbox.person_id == invited.person.id)).one()
        assert (row.kind, row.payload) == ("invitation", {"link_id": invited.link.id})
    assert sign_in(database, email="porteur@asso.example") == passwords.WRONG
    token = links.token(invited.link.id, "invitation")
    with database.write() as session:
        passwords.accept(session, token, GOOD, NOW)
    assert sign_in(database, email="porteur@asso.example").person_id == invited.person.id
    with database.write() as session, pytest.raises(NotFound):
        passwords.accept(session, token, BETTER, NOW)


def test_an_invitation_expires_and_is_no_reset(database: Database, admin: Actor) -> None:
    with database.write() as session:
        invited = people.invite(session, admin, {"email": EMAIL, "name": "Animatrice"}, NOW)
    token = links.token(invited.link.id, "invitation")
    with database.write() as session:
        with pytest.raises(NotFound):
            passwords.reset(session, token, GOOD, NOW)
        with pytest.raises(NotFound):
            passwords.accept(session, token, GOOD, NOW + timedelta(days=15))
        with pytest.raises(NotFound):
            passwords.accept(session, f"{token[:-1]}x", GOOD, NOW)


def test_a_second_invitation_ends_the_first(database: Database, admin: Actor) -> None:
    with database.write() as session:
        first = people.invite(session, admin, {"email": EMAIL, "name": "Animatrice"}, NOW)
    with database.write() as session:
        second = people.invite_again(session, admin, first.person.id, NOW)
    with database.write() as session:
        with pytest.raises(NotFound):
            passwords.accept(session, links.token(first.link.id, "invitation"), GOOD, NOW)
        passwords.accept(session, links.token(second.link.id, "invitation"), GOOD, NOW)
    with database.write() as session, pytest.raises(Refused):
        people.invite_again(session, admin, first.person.id, NOW)


BAD_INVITATIONS: list[tuple[dict[str, Any], str]] = [
    ({"email": "nobody"}, "email"),
    ({"email": "admin@territoire.example"}, "email"),
    ({"email": "ADMIN@territoire.example"}, "email"),
    ({"name": " "}, "name"),
    ({"locale": "de"}, "locale"),
    ({"institution_id": 99}, "institution_id"),
    ({"password": "x"}, "password"),
    ({"roles": [{"role": "carrier"}]}, "roles"),
    ({"roles": [{"role": "carrier", "organisation_id": 99}]}, "roles"),
    ({"roles": [{"role": "administrator", "instance_id": 1}]}, "roles"),
    ({"roles": [{"role": "funder", "institution_id": 2}]}, "roles"),
    ({"roles": [{"role": "binome"}]}, "roles"),
    ({"roles": [{"role": "instructor", "instance_id": 1, "trained_on": "2027-03-02"}]}, "roles"),
]


def test_bad_invitations_name_the_field_and_write_nothing(database: Database, admin: Actor) -> None:
    for changed, field in BAD_INVITATIONS:
        with pytest.raises(Invalid) as refused, database.write() as session:
            people.invite(session, admin, {"email": EMAIL, "name": "Animatrice", **changed}, NOW)
        assert list(refused.value.fields) == [field]
    with database.read() as session:
        assert session.scalars(select(Person.id)).all() == [admin.person_id]


@pytest.mark.parametrize(
    "weak", ["", "court", "aaaaaaaaaaaaaaaa", "motdepasse123", "animatrice@sante.example", "é" * 201]
)
def test_weak_passwords(weak: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check_strength(weak, EMAIL, "Animatrice")
    assert list(refused.value.fields) == ["password"]


def test_a_weak_password_leaves_the_invitation_alive(database: Database, admin: Actor) -> None:
    with database.write() as session:
        invited = people.invite(session, admin, {"email": EMAIL, "name": "Animatrice"}, NOW)
    token = links.token(invited.link.id, "invitation")
    with pytest.raises(Invalid), database.write() as session:
        passwords.accept(session, token, "court", NOW)
    with database.write() as session:
        passwords.accept(session, token, GOOD, NOW)
    assert sign_in(database).refusal is None


def test_a_reset_works_once_and_ends_what_was_before(database: Database, animator: Actor) -> None:
    before = sign_in(database)
    for number in range(2):
        with database.write() as session:
            passwords.ask_reset(session, EMAIL.upper(), NOW + number * MINUTE)
    first, second = reset_tokens(database)
    with database.write() as session:
        passwords.reset(session, second, BETTER, NOW + 2 * MINUTE)
    with database.write() as session:
        for token in (first, second):
            with pytest.raises(NotFound):
                passwords.reset(session, token, GOOD, NOW + 2 * MINUTE)
    after = sign_in(database, BETTER)
    assert sign_in(database, GOOD) == passwords.WRONG
    assert (before.credentials_version or 0) < (after.credentials_version or 0)


def test_a_reset_used_twice_at_once_works_once(database: Database, animator: Actor) -> None:
    with database.write() as session:
        passwords.ask_reset(session, EMAIL, NOW)
    token = reset_tokens(database)[0]

    def use(password: str) -> str:
        try:
            with database.write() as session:
                passwords.reset(session, token, password, NOW)
        except NotFound:
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, [GOOD, BETTER])) == ["done", "refused"]


def test_a_reset_lives_an_hour(database: Database, animator: Actor) -> None:
    with database.write() as session:
        passwords.ask_reset(session, EMAIL, NOW)
    with database.write() as session, pytest.raises(NotFound):
        passwords.reset(session, reset_tokens(database)[0], BETTER, NOW + timedelta(minutes=61))


def test_asking_a_reset_says_nothing_and_is_limited(database: Database, animator: Actor) -> None:
    with database.write() as session:
        for email in [EMAIL] * 5 + ["inconnue@sante.example", "\ud800\x00"]:
            passwords.ask_reset(session, email, NOW)
    assert len(reset_tokens(database)) == passwords.RESETS_PER_HOUR
    with database.write() as session:
        passwords.ask_reset(session, EMAIL, NOW + timedelta(hours=1))
    assert len(reset_tokens(database)) == passwords.RESETS_PER_HOUR + 1


def test_change_password(database: Database, animator: Actor) -> None:
    version = sign_in(database).credentials_version or 0
    for current, password, field in [("wrong", BETTER, "current"), (GOOD, "court", "password")]:
        with database.write() as session, pytest.raises(Invalid) as refused:
            passwords.change_password(session, animator, current, password, NOW)
        assert list(refused.value.fields) == [field]
    with database.write() as session:
        passwords.change_password(session, animator, GOOD, BETTER, NOW)
    assert sign_in(database, BETTER).credentials_version == version + 1
    with database.write() as session, pytest.raises(Forbidden):
        passwords.change_password(session, SYSTEM_ACTOR, GOOD, BETTER, NOW)


# Roles


def test_roles_are_given_once_and_ended(database: Database, admin: Actor, animator: Actor) -> None:
    person_id = animator.person_id or 0
    raw = {"role": "instructor", "instance_id": 1}
    with database.write() as session:
        grant = people.grant_role(session, admin, person_id, raw, NOW)
        with pytest.raises(Refused):
            people.grant_role(session, admin, person_id, raw, NOW)
    with database.write() as session:
        people.end_role(session, admin, grant.id, NOW)
        with pytest.raises(NotFound):
            people.end_role(session, admin, grant.id, NOW)
    with database.write() as session:
        people.grant_role(session, admin, person_id, raw, NOW + MINUTE)
    with database.read() as session:
        actor = load_actor(session, person_id)
        assert actor is not None
        assert actor.roles == {"animator", "instructor"}


def test_training_is_recorded_by_the_animator(database: Database, admin: Actor, animator: Actor) -> None:
    instructor = member(database, admin, "i@sante.example", {"role": "instructor", "instance_id": 1})
    with database.write() as session:
        grant = session.scalars(select(RoleGrant).where(RoleGrant.person_id == instructor.person_id)).one()
        people.record_training(session, animator, grant.id, {"trained_on": "2027-02-01"}, NOW)
        assert grant.trained_on == date(2027, 2, 1)
        with pytest.raises(Invalid):
            people.record_training(session, admin, grant.id, {"trained_on": "2027-03-02"}, NOW)
        with pytest.raises(Forbidden):
            people.record_training(session, instructor, grant.id, {"trained_on": "2027-02-01"}, NOW)
        with pytest.raises(Forbidden):
            people.record_training(session, instructor, 99, {"trained_on": "2027-02-01"}, NOW)
        with pytest.raises(NotFound):
            people.record_training(session, admin, 99, {"trained_on": "2027-02-01"}, NOW)


def test_a_closed_account_is_dead(database: Database, admin: Actor, animator: Actor) -> None:
    person_id = animator.person_id or 0
    with database.write() as session:
        passwords.ask_reset(session, EMAIL, NOW)
        _, secret = tokens.create_token(session, animator, {"label": "x", "scopes": ["read"]}, NOW)
    with database.write() as session:
        people.deactivate(session, admin, person_id, NOW)
    assert sign_in(database) == passwords.WRONG
    with database.write() as session:
        assert tokens.actor_of_token(session, secret, NOW) is None
        assert load_actor(session, person_id) is None
        with pytest.raises(NotFound):
            passwords.reset(session, reset_tokens(database)[0], BETTER, NOW)
        passwords.ask_reset(session, EMAIL, NOW)
    assert len(reset_tokens(database)) == 1


def test_the_last_administrator_stays(database: Database, admin: Actor) -> None:
    with database.write() as session:
        grant = session.scalars(select(RoleGrant).where(RoleGrant.role == "administrator")).one()
        with pytest.raises(Refused):
            people.end_role(session, admin, grant.id, NOW)
        with pytest.raises(Refused):
            people.deactivate(session, admin, admin.person_id or 0, NOW)
    member(database, admin, "admin2@territoire.example", {"role": "administrator"})
    with database.write() as session:
        people.end_role(session, admin, grant.id, NOW)


def test_two_administrators_closing_each_other_leave_one(database: Database, admin: Actor) -> None:
    other = member(database, admin, "admin2@territoire.example", {"role": "administrator"})

    def close(pair: tuple[Actor, Actor]) -> str:
        try:
            with database.write() as session:
                people.deactivate(session, pair[0], pair[1].person_id or 0, NOW)
        except Refused:
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(close, [(admin, other), (other, admin)])) == ["done", "refused"]


def test_administering_is_for_administrators(database: Database, admin: Actor, animator: Actor) -> None:
    other = admin.person_id or 0
    acts = [
        lambda s: people.invite(s, animator, {"email": "x@y.example", "name": "x"}, NOW),
        lambda s: people.invite_again(s, animator, other, NOW),
        lambda s: people.grant_role(s, animator, other, {"role": "controller"}, NOW),
        lambda s: people.end_role(s, animator, 1, NOW),
        lambda s: people.deactivate(s, animator, other, NOW),
        lambda s: people.declare_interest(
            s, animator, {"person_id": other, "organisation_id": 1, "nature": "membre"}, NOW
        ),
    ]
    for act in acts:
        with database.write() as session, pytest.raises(Forbidden):
            act(session)


def test_interests(database: Database, animator: Actor, admin: Actor) -> None:
    for nature in ("membre du bureau", "ancienne salariée"):
        with database.write() as session:
            people.declare_interest(session, animator, {"organisation_id": 1, "nature": nature}, NOW)
    with database.write() as session:
        raw = {"organisation_id": 1, "nature": "conjoint du trésorier", "person_id": admin.person_id}
        people.declare_interest(session, admin, raw, NOW)
        with pytest.raises(Invalid):
            people.declare_interest(session, animator, {"organisation_id": 9, "nature": "x"}, NOW)
        with pytest.raises(Invalid):
            people.declare_interest(session, admin, {"organisation_id": 1, "nature": "x", "person_id": 99}, NOW)
    with database.read() as session:
        found = session.execute(select(Interest.person_id, Interest.nature).order_by(Interest.id)).all()
    assert [tuple(row) for row in found] == [
        (animator.person_id, "ancienne salariée"),
        (admin.person_id, "conjoint du trésorier"),
    ]


# Tokens


def test_tokens(database: Database, animator: Actor, admin: Actor) -> None:
    with database.write() as session:
        raw = {"label": "tableau de bord", "scopes": ["write", "read", "read"], "days": 30}
        token, secret = tokens.create_token(session, animator, raw, NOW)
    with database.read() as session:
        bearer = tokens.actor_of_token(session, secret, NOW + timedelta(days=29))
        assert bearer is not None
        assert (bearer.actor, bearer.scopes) == (animator, {"read", "write"})
        assert tokens.actor_of_token(session, secret, NOW + timedelta(days=30)) is None
        assert tokens.actor_of_token(session, f"{secret}x", NOW) is None
        assert tokens.actor_of_token(session, "\ud800", NOW) is None
    stranger = member(database, admin, "i@sante.example", {"role": "instructor", "instance_id": 1})
    with database.write() as session, pytest.raises(NotFound):
        tokens.revoke_token(session, stranger, token.id, NOW)
    with database.write() as session:
        tokens.revoke_token(session, admin, token.id, NOW)
    with database.write() as session:
        assert tokens.actor_of_token(session, secret, NOW) is None
        with pytest.raises(NotFound):
            tokens.revoke_token(session, animator, token.id, NOW)


BAD_TOKENS: list[tuple[dict[str, Any], str]] = [
    ({"label": ""}, "label"),
    ({"scopes": []}, "scopes"),
    ({"scopes": ["root"]}, "scopes"),
    ({"days": 366}, "days"),
]


def test_bad_tokens(database: Database, animator: Actor) -> None:
    for changed, field in BAD_TOKENS:
        with database.write() as session, pytest.raises(Invalid) as refused:
            tokens.create_token(session, animator, {"label": "x", "scopes": ["read"], **changed}, NOW)
        assert list(refused.value.fields) == [field]


# Trace


def test_everything_is_journaled_and_no_secret_is_kept(database: Database, admin: Actor, animator: Actor) -> None:
    with database.write() as session:
        passwords.ask_reset(session, EMAIL, NOW)
    token = reset_tokens(database)[0]
    with database.write() as session:
        passwords.reset(session, token, BETTER, NOW)
        _, secret = tokens.create_token(session, animator, {"label": "x", "scopes": ["read"]}, NOW)
        people.declare_interest(session, animator, {"organisation_id": 1, "nature": "membre"}, NOW)
    with database.read() as session:
        entries = session.scalars(select(JournalEntry).order_by(JournalEntry.seq)).all()
        assert [entry.act for entry in entries] == [
            *("invite", "grant_role", "use_invitation") * 2,
            "ask_reset",
            "use_reset",
            "create_token",
            "declare_interest",
        ]
        assert list(journal.verify(session)) == []
        assert {entry.subject.partition(":")[0] for entry in entries} == {
            "person",
            "role_grant",
            "api_token",
            "interest",
        }
        kept = json.dumps(
            [
                [[entry.details, entry.reason, entry.subject] for entry in entries],
                [[row.payload, row.key] for row in session.scalars(select(Outbox))],
                [[row.token_hash, row.label] for row in session.scalars(select(ApiToken))],
                [[row.email, row.address] for row in session.scalars(select(LoginAttempt))],
            ]
        )
        assert session.scalars(select(SecretLink.id).where(SecretLink.ended_at.is_(None))).all() == []
    for hidden in (GOOD, BETTER, token, token.partition("-")[2], secret, secret.removeprefix(tokens.PREFIX), "argon2"):
        assert hidden not in kept
