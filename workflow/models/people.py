"""Persons, the roles they hold in scopes, and the secrets by which they come in."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflow.models.base import Base, key, one_of
from workflow.models.reference import Instance, Institution, Objective, Organisation, Theme

HELD_IN = {
    "carrier": "organisation_id",
    "animator": "instance_id",
    "instructor": "instance_id",
    "evaluator": "instance_id",
    "funder": "institution_id",
    "controller": None,
    "transversal": None,
    "administrator": None,
}
"""Each role that a person may hold, and the scope it is held in (None: the whole territory)."""

CAPACITY = 100
"""Effort points in one campaign of an instructor of whom nothing else is said."""

LINK_PURPOSES = {
    "invitation": "person_id",
    "reset": "person_id",
    "expert": "consultation_id",
    "tracking": "dossier_id",
    "agenda": "person_id",
}
"""What a mailed link opens, and the column that names its subject."""


class Person(Base):
    """Somebody with an account. The address is kept in lower case."""

    __tablename__ = "person"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"), one_of("locale", ("fr", "en")))

    id: Mapped[int] = key()
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    locale: Mapped[str] = mapped_column(default="fr")
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    password_hash: Mapped[str | None]
    credentials_version: Mapped[int] = mapped_column(default=1)
    """Counts password changes: a session or link made before one is dead."""
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    institution: Mapped[Institution | None] = relationship()
    grants: Mapped[list["RoleGrant"]] = relationship(back_populates="person")


def _scope_check() -> str:
    parts = []
    for role, held in HELD_IN.items():
        columns = ("instance_id", "institution_id", "organisation_id")
        shape = " AND ".join(f"{c} IS {'NOT NULL' if c == held else 'NULL'}" for c in columns)
        parts.append(f"(role = '{role}' AND {shape})")
    return " OR ".join(parts)


class RoleGrant(Base):
    """A role that a person holds in a scope, from `granted_at` until `ended_at`."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint(_scope_check(), name="scope_fits_role"),
        Index(
            "uq_role_grant_active",
            "person_id",
            "role",
            func.coalesce(text("instance_id"), 0),
            func.coalesce(text("institution_id"), 0),
            func.coalesce(text("organisation_id"), 0),
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_role_grant_instance", "instance_id", "role"),
        Index("ix_role_grant_organisation", "organisation_id"),
        Index("ix_role_grant_role", "role", "institution_id"),
    )

    id: Mapped[int] = key()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    instance_id: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    trained_on: Mapped[date | None]
    """Day of the entry training; an instructor without one is in no binôme."""
    capacity: Mapped[int] = mapped_column(
        CheckConstraint("capacity >= 0", name="capacity_counted"), default=CAPACITY, server_default=text(str(CAPACITY))
    )
    """Effort points that an instructor can take from the instance in one campaign."""
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(back_populates="grants")
    instance: Mapped[Instance | None] = relationship()
    institution: Mapped[Institution | None] = relationship()
    organisation: Mapped[Organisation | None] = relationship()
    competences: Mapped[list["Competence"]] = relationship(cascade="all, delete-orphan")


class Competence(Base):
    """What an instructor of an instance knows: an objective with all below it, or a theme; at a level from 1 to 3."""

    __tablename__ = "competence"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 3", name="level_known"),
        CheckConstraint("(objective_id IS NULL) <> (theme_id IS NULL)", name="one_subject"),
        UniqueConstraint("grant_id", "objective_id"),
        UniqueConstraint("grant_id", "theme_id"),
    )

    id: Mapped[int] = key()
    grant_id: Mapped[int] = mapped_column(ForeignKey("role_grant.id", ondelete="CASCADE"))
    objective_id: Mapped[int | None] = mapped_column(ForeignKey("objective.id"))
    theme_id: Mapped[int | None] = mapped_column(ForeignKey("theme.id"))
    level: Mapped[int]

    objective: Mapped[Objective | None] = relationship()
    theme: Mapped[Theme | None] = relationship()


class Interest(Base):
    """A person's declared interest in an organisation: a conflict for its dossiers."""

    __tablename__ = "interest"
    __table_args__ = (UniqueConstraint("person_id", "organisation_id"),)

    id: Mapped[int] = key()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    nature: Mapped[str]
    declared_at: Mapped[datetime]


class LocalInterest(Base):
    """A person's declared interest in a commune: a conflict for the dossiers whose action takes place there."""

    __tablename__ = "local_interest"
    __table_args__ = (UniqueConstraint("person_id", "commune_id"),)

    id: Mapped[int] = key()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    commune_id: Mapped[int] = mapped_column(ForeignKey("commune.id"))
    nature: Mapped[str]
    declared_at: Mapped[datetime]


class LoginAttempt(Base):
    """One attempt to sign in; throttling counts them, audit reads them."""

    __tablename__ = "login_attempt"
    __table_args__ = (
        Index("ix_login_attempt_email", "email", "at"),
        Index("ix_login_attempt_address", "address", "at"),
    )

    id: Mapped[int] = key()
    email: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime]
    succeeded: Mapped[bool]


def _subject_check() -> str:
    parts = []
    for purpose, held in LINK_PURPOSES.items():
        columns = ("person_id", "consultation_id", "dossier_id")
        shape = " AND ".join(f"{c} IS {'NOT NULL' if c == held else 'NULL'}" for c in columns)
        parts.append(f"(purpose = '{purpose}' AND {shape})")
    return " OR ".join(parts)


class SecretLink(Base):
    """A mailed link. Its token is made from the secret key (`workflow.links`), so none lies in the database."""

    __tablename__ = "secret_link"
    __table_args__ = (CheckConstraint(_subject_check(), name="subject_fits_purpose"),)

    id: Mapped[int] = key()
    purpose: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    consultation_id: Mapped[int | None] = mapped_column(ForeignKey("consultation.id"), index=True)
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossier.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When it was used (if it works once) or revoked."""


class ApiToken(Base):
    """A personal token of the API; only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = key()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    label: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()


class IdempotencyKey(Base):
    """The answer given to a request that carried a key: the same request gets the same answer again."""

    __tablename__ = "idempotency_key"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
