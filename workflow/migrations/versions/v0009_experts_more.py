"""The file that comes with an answer, a question handed to a colleague, and experts who are asked no more."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS: tuple[sa.Column[Any], ...] = (
    *(sa.Column(f"file_{part}", sa.Text(), nullable=True) for part in ("name", "type")),
    sa.Column("file_size", sa.Integer(), nullable=True),
    sa.Column("file_sha256", sa.Text(), nullable=True),
    *(sa.Column(f"colleague_{part}", sa.Text(), nullable=True) for part in ("name", "email", "why", "refusal")),
    sa.Column("handed_from_id", KEY, nullable=True),
)
CHECKS = {
    "state_known": "state IN ('asked', 'answered', 'declined', 'expired', 'revoked', 'handed_over')",
    "colleague_while_asked": "(colleague_email IS NULL) = (colleague_name IS NULL)"
    " AND (colleague_email IS NULL) = (colleague_why IS NULL) AND (colleague_email IS NULL OR state = 'asked')",
    "file_whole": "(file_sha256 IS NULL) = (file_name IS NULL) AND (file_sha256 IS NULL) = (file_type IS NULL)"
    " AND (file_sha256 IS NULL) = (file_size IS NULL)",
    "file_with_answer": "file_sha256 IS NULL OR answer IS NOT NULL OR note IS NOT NULL",
}


def upgrade() -> None:
    """Add what an expert sends and whom they propose; a question may end by passing to somebody else."""
    with op.batch_alter_table("consultation", recreate="auto") as table:
        for column in COLUMNS:
            table.add_column(column)
        table.create_foreign_key(op.f("fk_consultation_handed_from_id"), "consultation", ["handed_from_id"], ["id"])
        table.create_unique_constraint(op.f("uq_consultation_handed_from_id"), ["handed_from_id"])
        table.drop_constraint(op.f("ck_consultation_state_known"), type_="check")
        for name, condition in CHECKS.items():
            table.create_check_constraint(op.f(f"ck_consultation_{name}"), condition)
    op.create_index("ix_consultation_expert", "consultation", ["expert_id"])
    instant = {"sqlite": "DATETIME", "postgresql": "TIMESTAMP WITH TIME ZONE"}[op.get_bind().dialect.name]
    op.execute(f"ALTER TABLE expert ADD COLUMN retired_at {instant}")
