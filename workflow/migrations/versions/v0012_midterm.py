"""What a draw is for: control, or the mid-term review of actions; the reviews and their grid."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
STARTS = "sample_plan_insert_plan_starts"
"""The trigger that 0010 made, and that this migration makes anew: plans for review may follow another campaign's."""
CHECKS = {
    "state_known": "state IN ('to_review', 'under_review', 'reviewed')",
    "recommendation_known": "recommendation IN ('continue', 'adjust', 'stop', 'extend')",
    "named_to_begin": "(state = 'to_review') = (first_id IS NULL)",
    "two_people": "(first_id IS NULL) = (second_id IS NULL) AND (first_id IS NULL OR first_id <> second_id)",
    "has_grid": "first_id IS NULL OR grid_id IS NOT NULL",
    "sealed_dated": "(state = 'reviewed') = (sealed_at IS NOT NULL)",
    "sealed_signed": "sealed_at IS NULL OR (first_signed_at IS NOT NULL AND second_signed_at IS NOT NULL)",
    "sealed_written": "sealed_at IS NULL OR (recommendation IS NOT NULL AND reason <> '' AND strengths <> ''"
    " AND weaknesses <> '')",
}
REFERENCES = {
    "sample_id": "sample",
    "dossier_id": "dossier",
    "grid_id": "review_grid",
    "first_id": "person",
    "second_id": "person",
    "saved_by_id": "person",
}


def upgrade() -> None:
    """Give plans and samples their purpose, control so far; create the reviews."""
    _purposes()
    _reviews()
    connection = op.get_bind()
    for statement in triggers.statements(connection.dialect.name, "0012"):
        connection.exec_driver_sql(statement)


def _purposes() -> None:
    connection = op.get_bind()
    # SQLite drops a rebuilt table's triggers, and renames no table while others speak of one that is not there.
    kept = (
        connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%sample_plan%'"
        ).all()
        if connection.dialect.name == "sqlite"
        else []
    )
    for name, _sql in kept:
        op.execute(f"DROP TRIGGER {name}")
    if connection.dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER IF EXISTS {STARTS} ON sample_plan")
        op.execute(f"DROP FUNCTION IF EXISTS {STARTS}")
    op.drop_index("uq_sample_plan_first", "sample_plan")
    with op.batch_alter_table("sample_plan", recreate="auto") as table:
        table.add_column(sa.Column("purpose", sa.Text(), nullable=False, server_default=sa.text("'control'")))
        table.create_check_constraint(op.f("ck_sample_plan_purpose_known"), "purpose IN ('control', 'review')")
        table.drop_constraint(op.f("ck_sample_plan_stratum_known"), type_="check")
        table.create_check_constraint(
            op.f("ck_sample_plan_stratum_known"), "stratum IN ('funder', 'instance', 'orientation')"
        )
    for name, sql in kept:
        if name != STARTS:
            connection.exec_driver_sql(sql)
    for name, column, purpose in (
        ("uq_sample_plan_first", "campaign_id", "control"),
        ("uq_sample_plan_first_review", "purpose", "review"),
    ):
        where = sa.text(f"supersedes_id IS NULL AND purpose = '{purpose}'")
        op.create_index(name, "sample_plan", [column], unique=True, sqlite_where=where, postgresql_where=where)
    op.execute(
        "ALTER TABLE sample ADD COLUMN purpose TEXT DEFAULT 'control' NOT NULL CONSTRAINT ck_sample_purpose_known"
        " CHECK (purpose = 'control' OR (purpose = 'review' AND plan_id IS NOT NULL))"
    )


def _reviews() -> None:
    op.create_table(
        "review_grid",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_grid")),
        sa.UniqueConstraint("number", name=op.f("uq_review_grid_number")),
    )
    op.create_table(
        "review_criterion",
        sa.Column("id", KEY, nullable=False),
        sa.Column("grid_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("dimension", "label", "help")),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "dimension IN ('relevance', 'coherence', 'impact')", name=op.f("ck_review_criterion_dimension_known")
        ),
        sa.ForeignKeyConstraint(["grid_id"], ["review_grid.id"], name=op.f("fk_review_criterion_grid_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_criterion")),
        sa.UniqueConstraint("grid_id", "position", name=op.f("uq_review_criterion_grid_id_position")),
    )
    op.create_table(
        "review",
        sa.Column("id", KEY, nullable=False),
        *(sa.Column(name, KEY, nullable=False) for name in ("sample_id", "dossier_id")),
        *(sa.Column(name, KEY, nullable=True) for name in ("grid_id", "first_id", "second_id")),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recommendation", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reason", "strengths", "weaknesses")),
        sa.Column("saved_at", INSTANT, nullable=True),
        sa.Column("saved_by_id", KEY, nullable=True),
        *(sa.Column(name, INSTANT, nullable=True) for name in ("first_signed_at", "second_signed_at", "sealed_at")),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_review_{name}")) for name, rule in CHECKS.items()),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_review_{name}"))
            for name, table in REFERENCES.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("dossier_id", name=op.f("uq_review_dossier_id")),
    )
    op.create_index("ix_review_state", "review", ["state"])
    op.create_table(
        "review_score",
        *(sa.Column(name, KEY, nullable=False) for name in ("review_id", "criterion_id")),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("justification", sa.Text(), nullable=False),
        sa.Column("saved_by_id", KEY, nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name=op.f("ck_review_score_level_known")),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name=op.f("fk_review_score_review_id")),
        sa.ForeignKeyConstraint(["criterion_id"], ["review_criterion.id"], name=op.f("fk_review_score_criterion_id")),
        sa.ForeignKeyConstraint(["saved_by_id"], ["person.id"], name=op.f("fk_review_score_saved_by_id")),
        sa.PrimaryKeyConstraint("review_id", "criterion_id", name=op.f("pk_review_score")),
    )
