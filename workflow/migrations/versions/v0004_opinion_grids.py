"""Criteria grids of the instances, in versions, and the scores that opinions give."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create grids, criteria and scores; a dossier names the grid of its binôme."""
    op.create_table(
        "opinion_grid",
        sa.Column("id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_opinion_grid_instance_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["person.id"], name=op.f("fk_opinion_grid_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion_grid")),
        sa.UniqueConstraint("instance_id", "number", name=op.f("uq_opinion_grid_instance_id_number")),
    )
    op.create_table(
        "criterion",
        sa.Column("id", KEY, nullable=False),
        sa.Column("grid_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.CheckConstraint("weight BETWEEN 1 AND 5", name=op.f("ck_criterion_weight_known")),
        sa.ForeignKeyConstraint(["grid_id"], ["opinion_grid.id"], name=op.f("fk_criterion_grid_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criterion")),
        sa.UniqueConstraint("grid_id", "position", name=op.f("uq_criterion_grid_id_position")),
    )
    op.create_table(
        "opinion_score",
        sa.Column("opinion_id", KEY, nullable=False),
        sa.Column("criterion_id", KEY, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 4", name=op.f("ck_opinion_score_score_known")),
        sa.ForeignKeyConstraint(["criterion_id"], ["criterion.id"], name=op.f("fk_opinion_score_criterion_id")),
        sa.ForeignKeyConstraint(["opinion_id"], ["opinion.id"], name=op.f("fk_opinion_score_opinion_id")),
        sa.PrimaryKeyConstraint("opinion_id", "criterion_id", name=op.f("pk_opinion_score")),
    )
    dialect = op.get_bind().dialect.name
    number = {"sqlite": "INTEGER", "postgresql": "BIGINT"}[dialect]
    # Written out, because a batch would rebuild the table on SQLite for its key.
    op.execute(
        f"ALTER TABLE dossier ADD COLUMN grid_id {number} CONSTRAINT fk_dossier_grid_id REFERENCES opinion_grid (id)"
    )
    for statement in triggers.statements(dialect, "0004"):
        op.get_bind().exec_driver_sql(statement)
