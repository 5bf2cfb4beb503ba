"""A plan of a draw may name a round of a public beacon, and RFC 3797; what was fetched of the round is kept."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and the table; plans made before have neither, and go by tickets."""
    # Written out, because a batch would rebuild the table on SQLite, and its triggers with it.
    op.execute(
        "ALTER TABLE sample_plan ADD COLUMN selection TEXT DEFAULT 'tickets' NOT NULL"
        " CONSTRAINT ck_sample_plan_selection_simple"
        " CHECK (selection = 'tickets' OR (selection = 'rfc3797' AND method = 'srs'))"
    )
    op.execute(
        "ALTER TABLE sample_plan ADD COLUMN beacon TEXT"
        " CONSTRAINT ck_sample_plan_beacon_known CHECK (beacon IN ('quicknet', 'default'))"
    )
    op.execute(
        "ALTER TABLE sample_plan ADD COLUMN beacon_round BIGINT"
        " CONSTRAINT ck_sample_plan_round_of_beacon CHECK ((beacon IS NULL) = (beacon_round IS NULL))"
    )
    op.create_index("ix_sample_plan_state", "sample_plan", ["state", "reveals_due_at"])
    op.create_table(
        "beacon_answer",
        sa.Column("plan_id", KEY, nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("randomness", "signature", "source")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(randomness) = 64", name=op.f("ck_beacon_answer_randomness_is_hash")),
        sa.ForeignKeyConstraint(["plan_id"], ["sample_plan.id"], name=op.f("fk_beacon_answer_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_beacon_answer")),
    )
    for statement in triggers.statements(op.get_bind().dialect.name, "0013"):
        op.get_bind().exec_driver_sql(statement)
