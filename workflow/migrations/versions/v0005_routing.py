"""Rules that look at more, versions of them all, and the whole reason of each routing."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the versions; let rules ask for more, and for no objective; keep the trail of each routing."""
    op.create_table(
        "routing_version",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", KEY, nullable=True),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["made_by_id"], ["person.id"], name=op.f("fk_routing_version_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_version")),
        sa.UniqueConstraint("number", name=op.f("uq_routing_version_number")),
    )
    kinds = "kind IN ('association', 'commune', 'public')"
    with op.batch_alter_table("route", recreate="auto") as table:
        table.alter_column("objective_id", existing_type=KEY, nullable=True)
        table.add_column(sa.Column("kind", sa.Text(), nullable=True))
        table.add_column(sa.Column("least_cents", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("most_cents", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("funders", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
        table.add_column(sa.Column("keywords", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
        table.add_column(sa.Column("starts_on", sa.Date(), nullable=True))
        table.add_column(sa.Column("ends_on", sa.Date(), nullable=True))
        table.create_check_constraint(op.f("ck_route_kind_known"), kinds)
        table.create_check_constraint(op.f("ck_route_amounts_in_order"), "most_cents >= least_cents")
        table.create_check_constraint(op.f("ck_route_days_in_order"), "ends_on >= starts_on")
    dialect = op.get_bind().dialect.name
    number = {"sqlite": "INTEGER", "postgresql": "BIGINT"}[dialect]
    op.execute(
        f"ALTER TABLE routing_step ADD COLUMN version_id {number}"
        " CONSTRAINT fk_routing_step_version_id REFERENCES routing_version (id)"
    )
    op.execute("ALTER TABLE routing_step ADD COLUMN trail JSON DEFAULT '[]' NOT NULL")
    for statement in triggers.statements(dialect, "0005"):
        op.get_bind().exec_driver_sql(statement)
