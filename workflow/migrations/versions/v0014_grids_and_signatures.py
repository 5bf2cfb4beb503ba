"""Who published a version of the realisation grid of controls, and why."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add maker and reason to the versions of the grid."""
    number = {"sqlite": "INTEGER", "postgresql": "BIGINT"}[op.get_bind().dialect.name]
    # Written out, because a batch would rebuild the table on SQLite for its key.
    op.execute(
        f"ALTER TABLE control_grid ADD COLUMN made_by_id {number}"
        " CONSTRAINT fk_control_grid_made_by_id REFERENCES person (id)"
    )
    op.execute("ALTER TABLE control_grid ADD COLUMN reason TEXT DEFAULT '' NOT NULL")
