"""What forming binômes looks at: capacities, competences, efforts; and who may sit in one."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the competences; add the points, with those of dossiers already deposited estimated the same way."""
    op.create_table(
        "competence",
        sa.Column("id", KEY, nullable=False),
        sa.Column("grant_id", KEY, nullable=False),
        sa.Column("objective_id", KEY, nullable=True),
        sa.Column("theme_id", KEY, nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 3", name=op.f("ck_competence_level_known")),
        sa.CheckConstraint("(objective_id IS NULL) <> (theme_id IS NULL)", name=op.f("ck_competence_one_subject")),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["role_grant.id"], name=op.f("fk_competence_grant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["objective_id"], ["objective.id"], name=op.f("fk_competence_objective_id")),
        sa.ForeignKeyConstraint(["theme_id"], ["theme.id"], name=op.f("fk_competence_theme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competence")),
        sa.UniqueConstraint("grant_id", "objective_id", name=op.f("uq_competence_grant_id_objective_id")),
        sa.UniqueConstraint("grant_id", "theme_id", name=op.f("uq_competence_grant_id_theme_id")),
    )
    # Written out, because a batch would rebuild both tables on SQLite for their checks.
    op.execute(
        "ALTER TABLE role_grant ADD COLUMN capacity INTEGER DEFAULT 100 NOT NULL"
        " CONSTRAINT ck_role_grant_capacity_counted CHECK (capacity >= 0)"
    )
    op.execute(
        "ALTER TABLE dossier ADD COLUMN effort INTEGER DEFAULT 1 NOT NULL"
        " CONSTRAINT ck_dossier_effort_counted CHECK (effort BETWEEN 1 AND 20)"
    )
    op.execute(
        "UPDATE dossier SET effort = 1 + CASE WHEN need = 'first' THEN 1 ELSE 0 END + ("
        "SELECT CASE WHEN count(*) >= 3 THEN 1 ELSE 0 END"
        " + CASE WHEN sum(asked_cents) >= 500000 THEN 1 ELSE 0 END"
        " + CASE WHEN sum(asked_cents) >= 2000000 THEN 1 ELSE 0 END"
        " + CASE WHEN sum(asked_cents) >= 5000000 THEN 1 ELSE 0 END"
        " FROM funding_request WHERE dossier_id = dossier.id) WHERE submitted_at IS NOT NULL"
    )
    connection = op.get_bind()
    for statement in triggers.statements(connection.dialect.name, "0003"):
        connection.exec_driver_sql(statement)
