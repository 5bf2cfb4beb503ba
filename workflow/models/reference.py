"""What a territory agrees on once: objectives, instances, institutions, communes, routes; and the carriers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Table, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflow.models.base import Base, cents, key, one_of

LEVELS = ("arrondissement", "agglomération", "commune")
"""Territorial levels of an action."""

OBJECTIVE_LEVELS = ("orientation", "strategic", "operational")

ORGANISATION_KINDS = ("association", "commune", "public")


class Objective(Base):
    """A node of the three-level tree: orientation → strategic → operational (three-digit code)."""

    __tablename__ = "objective"
    __table_args__ = (one_of("level", OBJECTIVE_LEVELS),)

    id: Mapped[int] = key()
    code: Mapped[str] = mapped_column(unique=True)
    level: Mapped[str]
    label: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("objective.id"))

    parent: Mapped["Objective | None"] = relationship(remote_side=[id])


class Theme(Base):
    """A theme that groups instances."""

    __tablename__ = "theme"

    id: Mapped[int] = key()
    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]


class Institution(Base):
    """A partner. One with a `funder_code` has envelopes and decides on its own request lines."""

    __tablename__ = "institution"

    id: Mapped[int] = key()
    label: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    funder_code: Mapped[str | None] = mapped_column(unique=True)

    @property
    def short(self) -> str:
        """The name to write where there is little room."""
        return self.funder_code or self.label


class Instance(Base):
    """A thematic instance: it carries objectives and instructs dossiers.

    One that is `per_commune` has local committees, instances of their own that take the dossiers of their commune.
    """

    __tablename__ = "instance"
    __table_args__ = (Index("uq_instance_local", "parent_id", "commune_id", unique=True),)

    id: Mapped[int] = key()
    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    theme_id: Mapped[int] = mapped_column(ForeignKey("theme.id"))
    animating_institutions: Mapped[list[str]]
    per_commune: Mapped[bool] = mapped_column(default=False)
    to_be_created: Mapped[bool] = mapped_column(default=False)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    """Of a local committee: the instance whose dossiers it takes."""
    commune_id: Mapped[int | None] = mapped_column(
        ForeignKey("commune.id"), CheckConstraint("(parent_id IS NULL) = (commune_id IS NULL)", name="local_whole")
    )
    """Of a local committee: its commune."""

    theme: Mapped[Theme] = relationship()


class Commune(Base):
    """A commune of the territory."""

    __tablename__ = "commune"

    id: Mapped[int] = key()
    label: Mapped[str] = mapped_column(unique=True)
    local_security_council: Mapped[bool] = mapped_column(default=False)
    urban_renewal_agreement: Mapped[bool] = mapped_column(default=False)


class Organisation(Base):
    """A carrier: association, commune or public body, known by its SIRET."""

    __tablename__ = "organisation"
    __table_args__ = (one_of("kind", ORGANISATION_KINDS), CheckConstraint("length(siret) = 14", name="siret_length"))

    id: Mapped[int] = key()
    siret: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


route_associate = Table(
    "route_associate",
    Base.metadata,
    Column("route_id", ForeignKey("route.id", ondelete="CASCADE"), primary_key=True),
    Column("instance_id", ForeignKey("instance.id"), primary_key=True),
)


class Route(Base):
    """A routing rule: read in the order of `position`, the first that matches wins."""

    __tablename__ = "route"
    __table_args__ = (
        one_of("level", LEVELS),
        one_of("kind", ORGANISATION_KINDS),
        CheckConstraint("most_cents >= least_cents", name="amounts_in_order"),
        CheckConstraint("ends_on >= starts_on", name="days_in_order"),
    )

    id: Mapped[int] = key()
    position: Mapped[int] = mapped_column(unique=True)
    objective_id: Mapped[int | None] = mapped_column(ForeignKey("objective.id"))
    """An objective of any level; none: all."""
    level: Mapped[str | None]
    commune_id: Mapped[int | None] = mapped_column(ForeignKey("commune.id"))
    lead_id: Mapped[int] = mapped_column(ForeignKey("instance.id"))
    basis: Mapped[str] = mapped_column(default="")
    kind: Mapped[str | None]
    """Of carrier."""
    least_cents: Mapped[int | None] = cents()
    most_cents: Mapped[int | None] = cents()
    funders: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    """Codes of funders of whom one is asked."""
    keywords: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]

    objective: Mapped[Objective | None] = relationship()
    commune: Mapped[Commune | None] = relationship()
    lead: Mapped[Instance] = relationship()
    associates: Mapped[list[Instance]] = relationship(secondary=route_associate)


class RoutingVersion(Base):
    """All rules as they stood after a change, in order, as `workflow.rules` writes them. It stays as it was made."""

    __tablename__ = "routing_version"

    id: Mapped[int] = key()
    number: Mapped[int] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    rules: Mapped[list[Any]] = mapped_column(JSON)
