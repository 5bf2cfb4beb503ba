"""The plan of a draw, its frozen population, who takes part, what was read in public; several draws of a campaign."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
CHECKS = {
    "method_known": "method IN ('srs', 'stratified', 'mus')",
    "stratum_known": "stratum IN ('funder', 'instance')",
    "stratified_by_something": "(method = 'stratified') = (stratum IS NOT NULL)",
    "size_fits": "size > 0 AND reserve >= 0 AND size <= population_size",
    "in_order": "planned_at < reveals_due_at AND reveals_due_at < public_at",
    "revealed_dated": "state NOT IN ('revealed', 'sealed') OR revealed_at IS NOT NULL",
    "ended_dated": "(state IN ('sealed', 'abandoned')) = (ended_at IS NOT NULL)",
    "abandoned_for_a_reason": "(state = 'abandoned') = (reason <> '')",
    "abandoned_unknown": "state <> 'abandoned' OR revealed_at IS NULL OR ended_at < public_at",
    "sealed_with_seed": "(state = 'sealed') = (public_value IS NOT NULL) AND (state = 'sealed') = (seed IS NOT NULL)",
}
SEAT_CHECKS = {
    "committed_dated": "(commitment IS NULL) = (committed_at IS NULL)",
    "commitment_is_hash": "length(commitment) = 64",
    "revealed_dated": "(secret IS NULL) = (revealed_at IS NULL)",
    "committed_first": "secret IS NULL OR commitment IS NOT NULL",
}


def upgrade() -> None:
    """Create the plans; let a campaign have a draw for each of its plans, and one without any."""
    _plans()
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    # SQLite drops a rebuilt table's triggers, and renames no table while others speak of one that is not there.
    kept = (
        connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('sample', 'sample_unit')"
        ).all()
        if is_sqlite
        else []
    )
    for name, _sql in kept:
        op.execute(f"DROP TRIGGER {name}")
    with op.batch_alter_table("sample", recreate="auto") as table:
        table.add_column(sa.Column("plan_id", KEY, nullable=True))
        table.drop_constraint(op.f("uq_sample_campaign_id"), type_="unique")
        table.create_foreign_key(op.f("fk_sample_plan_id"), "sample_plan", ["plan_id"], ["id"])
        table.create_unique_constraint(op.f("uq_sample_plan_id"), ["plan_id"])
    for _name, sql in kept:
        connection.exec_driver_sql(sql)
    where = sa.text("plan_id IS NULL")
    op.create_index(
        "uq_sample_without_plan", "sample", ["campaign_id"], unique=True, sqlite_where=where, postgresql_where=where
    )
    op.create_index("ix_sample_campaign", "sample", ["campaign_id"])
    for statement in triggers.statements(connection.dialect.name, "0010"):
        connection.exec_driver_sql(statement)


def _plans() -> None:
    op.create_table(
        "sample_plan",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("supersedes_id", KEY, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("size", "reserve", "population_size")),
        sa.Column("public_source", sa.Text(), nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("public_at", "reveals_due_at", "planned_at")),
        sa.Column("planned_by_id", KEY, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("revealed_at", INSTANT, nullable=True),
        sa.Column("public_value", sa.Text(), nullable=True),
        sa.Column("seed", sa.Text(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_sample_plan_{name}")) for name, rule in CHECKS.items()),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_sample_plan_campaign_id")),
        sa.ForeignKeyConstraint(["supersedes_id"], ["sample_plan.id"], name=op.f("fk_sample_plan_supersedes_id")),
        sa.ForeignKeyConstraint(["planned_by_id"], ["person.id"], name=op.f("fk_sample_plan_planned_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_plan")),
        sa.UniqueConstraint("supersedes_id", name=op.f("uq_sample_plan_supersedes_id")),
        sa.UniqueConstraint("plan_hash", name=op.f("uq_sample_plan_plan_hash")),
    )
    where = sa.text("supersedes_id IS NULL")
    op.create_index(
        "uq_sample_plan_first", "sample_plan", ["campaign_id"], unique=True, sqlite_where=where, postgresql_where=where
    )
    op.create_index("ix_sample_plan_campaign", "sample_plan", ["campaign_id"])
    op.create_table(
        "plan_unit",
        sa.Column("plan_id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("value_cents", sa.BigInteger(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=True),
        sa.CheckConstraint("value_cents >= 0", name=op.f("ck_plan_unit_value_counted")),
        sa.ForeignKeyConstraint(["plan_id"], ["sample_plan.id"], name=op.f("fk_plan_unit_plan_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_plan_unit_dossier_id")),
        sa.PrimaryKeyConstraint("plan_id", "dossier_id", name=op.f("pk_plan_unit")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_plan_unit_plan_id_number")),
    )
    op.create_table(
        "plan_participant",
        sa.Column("plan_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=True),
        sa.Column("committed_at", INSTANT, nullable=True),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("revealed_at", INSTANT, nullable=True),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_plan_participant_{name}")) for name, rule in SEAT_CHECKS.items()),
        sa.ForeignKeyConstraint(["plan_id"], ["sample_plan.id"], name=op.f("fk_plan_participant_plan_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_plan_participant_person_id")),
        sa.PrimaryKeyConstraint("plan_id", "person_id", name=op.f("pk_plan_participant")),
        sa.UniqueConstraint("plan_id", "rank", name=op.f("uq_plan_participant_plan_id_rank")),
    )
    op.create_table(
        "plan_reading",
        sa.Column("id", KEY, nullable=False),
        sa.Column("plan_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["sample_plan.id"], name=op.f("fk_plan_reading_plan_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_plan_reading_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_reading")),
        sa.UniqueConstraint("plan_id", "person_id", "value", name=op.f("uq_plan_reading_plan_id_person_id_value")),
    )
