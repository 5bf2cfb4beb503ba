"""Who published a version of the realisation grid of controls, and why; and which controller stands by the findings."""

from alembic import op

from workflow.migrations import triggers

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add maker and reason to the versions of the grid, and the signature of a mission."""
    dialect = op.get_bind().dialect.name
    number = {"sqlite": "INTEGER", "postgresql": "BIGINT"}[dialect]
    instant = {"sqlite": "DATETIME", "postgresql": "TIMESTAMP WITH TIME ZONE"}[dialect]
    # Written out, because a batch would rebuild the table on SQLite for its key.
    op.execute(
        f"ALTER TABLE control_grid ADD COLUMN made_by_id {number}"
        " CONSTRAINT fk_control_grid_made_by_id REFERENCES person (id)"
    )
    op.execute("ALTER TABLE control_grid ADD COLUMN reason TEXT DEFAULT '' NOT NULL")
    op.execute(
        f"ALTER TABLE mission ADD COLUMN signed_by_id {number}"
        " CONSTRAINT fk_mission_signed_by_id REFERENCES person (id) CONSTRAINT ck_mission_signed_by_one_of_two"
        " CHECK (signed_by_id IS NULL OR second_id IS NOT NULL AND signed_by_id IN (controller_id, second_id))"
    )
    op.execute(
        f"ALTER TABLE mission ADD COLUMN signed_at {instant} CONSTRAINT ck_mission_signature_dated"
        " CHECK ((signed_at IS NULL) = (signed_by_id IS NULL))"
    )
    op.execute(f"ALTER TABLE mission ADD COLUMN found_at {instant}")
    for statement in triggers.statements(dialect, "0014"):
        op.get_bind().exec_driver_sql(statement)
