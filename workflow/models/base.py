"""The declarative base: one naming convention, one type map, and the small parts every family uses."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Date, DateTime, Integer, MetaData, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column


class Instant(TypeDecorator[datetime]):
    """A UTC instant. SQLite keeps no zone, so it is added when read; a naive datetime is refused when written."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is no instant")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own way to declare it
        datetime: Instant,
        date: Date,
        str: Text,
        int: Integer,
        dict[str, Any]: JSON,
        list[str]: JSON,
    }


def key() -> MappedColumn[int]:
    """A primary key that counts up by itself on both databases."""
    return mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def cents(**options: Any) -> MappedColumn[Any]:
    """A sum in integer cents."""
    return mapped_column(BigInteger, **options)


def one_of(column: str, values: Iterable[str], name: str | None = None) -> CheckConstraint:
    """CHECK that `column` holds one of `values`."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(v) for v in values)})", name=name or f"{column}_known")
