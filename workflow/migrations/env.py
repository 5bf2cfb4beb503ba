"""How Alembic runs here: online only, each run one transaction on both databases, one run at a time."""

from alembic import context
from sqlalchemy import Connection

from workflow.db import Database
from workflow.models import Base

LOCK = 0x42494E4F4D4D


def run() -> None:
    """Run the pending migrations on the database that `workflow.db.migrate` named."""
    database = Database(context.config.attributes["url"])
    try:
        with database.writer.connect() as connection:
            _upgrade(connection)
    finally:
        database.dispose()


def _upgrade(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # A table that a migration rebuilds is dropped, which foreign keys would refuse. Inside a transaction this
        # would do nothing, so it is sent before one begins.
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
    with connection.begin():
        if not is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            compare_type=True,
            transactional_ddl=True,
        )
        context.run_migrations()
        if is_sqlite:
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if dangling:
                raise RuntimeError(f"a migration left dangling references: {dangling[:10]}")


run()
