"""Two controllers of a control, and what they note: a realisation grid, in versions, and a ledger of vouchers."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create grid, answers and ledger; all are fixed once the findings are sent."""
    op.create_table(
        "control_grid",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_grid")),
        sa.UniqueConstraint("number", name=op.f("uq_control_grid_number")),
    )
    op.create_table(
        "control_item",
        sa.Column("id", KEY, nullable=False),
        sa.Column("grid_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("label", "help")),
        sa.ForeignKeyConstraint(["grid_id"], ["control_grid.id"], name=op.f("fk_control_item_grid_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_item")),
        sa.UniqueConstraint("grid_id", "position", name=op.f("uq_control_item_grid_id_position")),
    )
    op.create_table(
        "realisation_answer",
        sa.Column("mission_id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("verdict", "observation", "evidence")),
        sa.CheckConstraint(
            "verdict IN ('compliant', 'minor_gap', 'major_gap', 'unverifiable')",
            name=op.f("ck_realisation_answer_verdict_known"),
        ),
        sa.CheckConstraint(
            "verdict = 'compliant' OR observation <> ''", name=op.f("ck_realisation_answer_gap_observed")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["control_item.id"], name=op.f("fk_realisation_answer_item_id")),
        sa.ForeignKeyConstraint(["mission_id"], ["mission.id"], name=op.f("fk_realisation_answer_mission_id")),
        sa.PrimaryKeyConstraint("mission_id", "item_id", name=op.f("pk_realisation_answer")),
    )
    number = {"sqlite": "INTEGER", "postgresql": "BIGINT"}[op.get_bind().dialect.name]
    # Written out, because a batch would rebuild the table on SQLite for its key.
    op.execute(
        f"ALTER TABLE mission ADD COLUMN grid_id {number} CONSTRAINT fk_mission_grid_id REFERENCES control_grid (id)"
    )
    op.create_table(
        "ledger_line",
        sa.Column("id", KEY, nullable=False),
        sa.Column("mission_id", KEY, nullable=False),
        sa.Column("spent_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("label", "voucher")),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        *(sa.Column(f"{part}_cents", sa.BigInteger(), nullable=False) for part in ("accepted", "refused")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entered_by_id", KEY, nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_ledger_line_amount_positive")),
        sa.CheckConstraint("share BETWEEN 0 AND 10000", name=op.f("ck_ledger_line_share_known")),
        sa.CheckConstraint("accepted_cents >= 0 AND refused_cents >= 0", name=op.f("ck_ledger_line_parts_positive")),
        sa.CheckConstraint(
            "accepted_cents + refused_cents = (amount_cents * share + 5000) / 10000",
            name=op.f("ck_ledger_line_parts_whole"),
        ),
        sa.CheckConstraint("refused_cents = 0 OR reason <> ''", name=op.f("ck_ledger_line_refusal_reasoned")),
        sa.ForeignKeyConstraint(["entered_by_id"], ["person.id"], name=op.f("fk_ledger_line_entered_by_id")),
        sa.ForeignKeyConstraint(["mission_id"], ["mission.id"], name=op.f("fk_ledger_line_mission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_line")),
    )
    op.create_index("ix_ledger_line_mission", "ledger_line", ["mission_id"])
    op.execute(
        f"ALTER TABLE mission ADD COLUMN second_id {number}"
        " CONSTRAINT fk_mission_second_id REFERENCES person (id) CONSTRAINT ck_mission_two_people"
        " CHECK (second_id IS NULL OR (controller_id IS NOT NULL AND second_id <> controller_id))"
    )
    op.execute(
        "ALTER TABLE mission ADD COLUMN payback_cents BIGINT CONSTRAINT ck_mission_paid_back"
        " CHECK (payback_cents IS NULL OR (outcome = 'payback' AND payback_cents > 0))"
    )
    for statement in triggers.statements(op.get_bind().dialect.name, "0011"):
        op.get_bind().exec_driver_sql(statement)
