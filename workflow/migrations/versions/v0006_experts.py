"""What an expert answers, may read, and says too late."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the stance of an answer and the late note; create the documents shown to an expert."""
    op.create_table(
        "consultation_document",
        sa.Column("consultation_id", KEY, nullable=False),
        sa.Column("document_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_consultation_document_consultation_id")
        ),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_consultation_document_document_id")),
        sa.PrimaryKeyConstraint("consultation_id", "document_id", name=op.f("pk_consultation_document")),
    )
    instant = {"sqlite": "DATETIME", "postgresql": "TIMESTAMP WITH TIME ZONE"}[op.get_bind().dialect.name]
    # Written out, because a batch would rebuild the table on SQLite for the checks.
    op.execute(
        "ALTER TABLE consultation ADD COLUMN stance TEXT CONSTRAINT ck_consultation_stance_known"
        " CHECK (stance IN ('favourable', 'with_reservations', 'unfavourable', 'cannot_say'))"
    )
    op.execute(
        "ALTER TABLE consultation ADD COLUMN note TEXT CONSTRAINT ck_consultation_note_after_expiry"
        " CHECK (note IS NULL OR state = 'expired')"
    )
    op.execute(f"ALTER TABLE consultation ADD COLUMN noted_at {instant}")
