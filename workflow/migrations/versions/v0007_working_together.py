"""What those who instruct say among themselves and of the carrier's answers, and a third instructor."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the internal notes; a piece keeps what was said of its answer; a binôme may have a third seat."""
    op.create_table(
        "internal_note",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("author_id", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_internal_note_dossier_id")),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_internal_note_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_internal_note")),
    )
    op.create_index(op.f("ix_internal_note_dossier_id"), "internal_note", ["dossier_id"])
    op.create_table(
        "note_mention",
        sa.Column("note_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["internal_note.id"], name=op.f("fk_note_mention_note_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_note_mention_person_id")),
        sa.PrimaryKeyConstraint("note_id", "person_id", name=op.f("pk_note_mention")),
    )
    op.create_table(
        "instance_comment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=False),
        sa.Column("author_id", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_instance_comment_dossier_id")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_instance_comment_instance_id")),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_instance_comment_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance_comment")),
    )
    op.create_index(op.f("ix_instance_comment_dossier_id"), "instance_comment", ["dossier_id"])
    op.create_table(
        "local_interest",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("commune_id", KEY, nullable=False),
        sa.Column("nature", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_local_interest_person_id")),
        sa.ForeignKeyConstraint(["commune_id"], ["commune.id"], name=op.f("fk_local_interest_commune_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_interest")),
        sa.UniqueConstraint("person_id", "commune_id", name=op.f("uq_local_interest_person_id_commune_id")),
    )
    dialect = op.get_bind().dialect.name
    number, instant = {"sqlite": ("INTEGER", "DATETIME"), "postgresql": ("BIGINT", "TIMESTAMP WITH TIME ZONE")}[dialect]
    # Written out, because a batch would rebuild the table on SQLite for the checks.
    for column in (
        "verdict TEXT CONSTRAINT ck_piece_verdict_known CHECK (verdict IN ('accepted', 'returned'))",
        "word TEXT CONSTRAINT ck_piece_returned_with_word CHECK (verdict <> 'returned' OR coalesce(word, '') <> '')",
        f"judged_at {instant} CONSTRAINT ck_piece_judged_whole CHECK"
        " ((judged_at IS NULL) = (verdict IS NULL) AND (verdict IS NULL OR answer IS NOT NULL))",
        f"follows_id {number} CONSTRAINT fk_piece_follows_id REFERENCES piece (id)",
    ):
        op.execute(f"ALTER TABLE piece ADD COLUMN {column}")
    for column in (
        f"parent_id {number} CONSTRAINT fk_instance_parent_id REFERENCES instance (id)",
        f"commune_id {number} CONSTRAINT fk_instance_commune_id REFERENCES commune (id)"
        " CONSTRAINT ck_instance_local_whole CHECK ((parent_id IS NULL) = (commune_id IS NULL))",
    ):
        op.execute(f"ALTER TABLE instance ADD COLUMN {column}")
    op.create_index("uq_instance_local", "instance", ["parent_id", "commune_id"], unique=True)
    _seat_a_third()
    for statement in triggers.statements(dialect, revision):
        op.get_bind().exec_driver_sql(statement)


def _seat_a_third() -> None:
    """SQLite cannot change a check: the table is written anew, with the triggers that fall with it."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.drop_constraint("seat_known", "binome_member", type_="check")
        op.create_check_constraint("seat_known", "binome_member", "seat IN (1, 2, 3)")
        return
    fallen = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'binome_member'"
    kept = list(bind.exec_driver_sql(fallen).scalars())
    with op.batch_alter_table("binome_member", recreate="always") as table:
        table.create_check_constraint("seat_known", "seat IN (1, 2, 3)")
    for statement in kept:
        bind.exec_driver_sql(statement)
