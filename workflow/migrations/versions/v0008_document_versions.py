"""Documents in versions."""

from alembic import op

from workflow.migrations import triggers

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a document name the one that it replaces."""
    dialect = op.get_bind().dialect.name
    number = {"sqlite": "INTEGER", "postgresql": "BIGINT"}[dialect]
    # Written out, because a batch would rebuild the table on SQLite for its key.
    op.execute(
        f"ALTER TABLE document ADD COLUMN replaces_id {number}"
        " CONSTRAINT fk_document_replaces_id REFERENCES document (id)"
    )
    op.create_index("uq_document_replaces_id", "document", ["replaces_id"], unique=True)
    for statement in triggers.statements(dialect, "0008"):
        op.get_bind().exec_driver_sql(statement)
