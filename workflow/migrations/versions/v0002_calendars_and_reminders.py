"""Versions of calendars, closures, reminders as rows, webhooks, refused addresses."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

DOSSIER_STATES = (
    *("draft", "submitted", "incomplete", "assigned", "expert_consulted", "opinion", "funding_decision", "follow_up"),
    *("evaluated", "under_control", "controlled", "closed", "inadmissible", "refused", "withdrawn", "cancelled"),
)
PURPOSES = {
    "invitation": "person_id",
    "reset": "person_id",
    "expert": "consultation_id",
    "tracking": "dossier_id",
    "agenda": "person_id",
}


def upgrade() -> None:
    """Create the new tables; rebuild, on SQLite, those that change, with their triggers and expression indexes."""
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # A table cannot be rebuilt while a trigger elsewhere names it.
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
        for name in names:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    _create()
    _change(is_sqlite)
    for statement in triggers.statements(connection.dialect.name, *(["0001"] if is_sqlite else []), "0002"):
        connection.exec_driver_sql(statement)


def _create() -> None:
    op.create_table(
        "refused_address",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_refused_address")),
    )
    op.create_table(
        "closure",
        sa.Column("id", KEY, nullable=False),
        sa.Column("institution_id", KEY, nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.CheckConstraint("first <= last", name=op.f("ck_closure_bounds_in_order")),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name=op.f("fk_closure_institution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
    )
    op.create_index(op.f("ix_closure_institution_id"), "closure", ["institution_id"])

    op.create_table(
        "absence",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.CheckConstraint("first <= last", name=op.f("ck_absence_bounds_in_order")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_absence_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index(op.f("ix_absence_person_id"), "absence", ["person_id"])

    op.create_table(
        "calendar_version",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by_id", KEY, nullable=True),
        sa.Column("adopted_at", INSTANT, nullable=True),
        sa.Column("adopted_by_id", KEY, nullable=True),
        sa.CheckConstraint(
            "(state IN ('adopted', 'replaced')) = (adopted_at IS NOT NULL)",
            name=op.f("ck_calendar_version_adopted_dated"),
        ),
        sa.CheckConstraint("kind IN ('proposed', 'moved')", name=op.f("ck_calendar_version_kind_known")),
        sa.CheckConstraint(
            "state IN ('proposed', 'adopted', 'replaced', 'abandoned')", name=op.f("ck_calendar_version_state_known")
        ),
        sa.ForeignKeyConstraint(["adopted_by_id"], ["person.id"], name=op.f("fk_calendar_version_adopted_by_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_calendar_version_campaign_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["person.id"], name=op.f("fk_calendar_version_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_version")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_calendar_version_campaign_id_number")),
    )
    op.create_index(
        "uq_calendar_version_adopted",
        "calendar_version",
        ["campaign_id"],
        unique=True,
        **_only("state = 'adopted'"),
    )
    op.create_index(
        "uq_calendar_version_proposed",
        "calendar_version",
        ["campaign_id"],
        unique=True,
        **_only("state = 'proposed'"),
    )

    op.create_table(
        "reminder_preference",
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.CheckConstraint("hour BETWEEN 6 AND 20", name=op.f("ck_reminder_preference_hour_of_the_day")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reminder_preference_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_reminder_preference")),
    )
    op.create_table(
        "reminder_rule",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("instance_id", KEY, nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("offsets", sa.JSON(), nullable=False),
        sa.Column("escalation", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            f"state IN ({', '.join(map(repr, DOSSIER_STATES))})",
            name=op.f("ck_reminder_rule_state_known"),
        ),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_reminder_rule_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_rule")),
    )
    op.create_table(
        "webhook",
        sa.Column("id", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("acts", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("secret_version", sa.Integer(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_webhook_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "calendar_answer",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("funder_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("accepted OR message <> ''", name=op.f("ck_calendar_answer_change_in_words")),
        sa.ForeignKeyConstraint(["funder_id"], ["institution.id"], name=op.f("fk_calendar_answer_funder_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_calendar_answer_person_id")),
        sa.ForeignKeyConstraint(["version_id"], ["calendar_version.id"], name=op.f("fk_calendar_answer_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_answer")),
        sa.UniqueConstraint("version_id", "funder_id", name=op.f("uq_calendar_answer_version_id_funder_id")),
    )
    op.create_table(
        "calendar_date",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("funder_id", KEY, nullable=True),
        sa.Column("on_date", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["funder_id"], ["institution.id"], name=op.f("fk_calendar_date_funder_id")),
        sa.ForeignKeyConstraint(["version_id"], ["calendar_version.id"], name=op.f("fk_calendar_date_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_date")),
    )
    op.create_table(
        "planned_reminder",
        sa.Column("id", KEY, nullable=False),
        sa.Column("rule_id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("consultation_id", KEY, nullable=True),
        sa.Column("funder_id", KEY, nullable=True),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_version", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name=op.f("fk_planned_reminder_consultation_id")
        ),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_planned_reminder_dossier_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["institution.id"], name=op.f("fk_planned_reminder_funder_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["reminder_rule.id"], name=op.f("fk_planned_reminder_rule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_reminder")),
    )
    op.create_index("ix_planned_reminder_day", "planned_reminder", ["on_day", "id"])
    op.create_index("ix_planned_reminder_dossier", "planned_reminder", ["dossier_id"])

    op.create_table(
        "reminder",
        sa.Column("id", KEY, nullable=False),
        sa.Column("rule_id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("consultation_id", KEY, nullable=True),
        sa.Column("funder_id", KEY, nullable=True),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_version", sa.Integer(), nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("planned_for", sa.Date(), nullable=False),
        sa.Column("deliver_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("outbox_id", KEY, nullable=True),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name=op.f("ck_reminder_decided_dated")),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'dropped')", name=op.f("ck_reminder_state_known")),
        sa.CheckConstraint("(person_id IS NULL) <> (address IS NULL)", name=op.f("ck_reminder_one_recipient")),
        sa.ForeignKeyConstraint(["consultation_id"], ["consultation.id"], name=op.f("fk_reminder_consultation_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_reminder_dossier_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["institution.id"], name=op.f("fk_reminder_funder_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_reminder_outbox_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reminder_person_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["reminder_rule.id"], name=op.f("fk_reminder_rule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
    )
    op.create_index("ix_reminder_dossier", "reminder", ["dossier_id"])
    op.create_index("ix_reminder_outbox", "reminder", ["outbox_id"])
    op.create_index("ix_reminder_person", "reminder", ["person_id", "id"])
    op.create_index(
        "ix_reminder_waiting",
        "reminder",
        ["deliver_at"],
        **_only("state = 'waiting'"),
    )

    op.create_index(
        "uq_calendar_date_place",
        "calendar_date",
        ["version_id", "code", sa.text("coalesce(funder_id, 0)")],
        unique=True,
    )
    op.create_index(
        "uq_reminder_rule_place", "reminder_rule", ["code", sa.text("coalesce(instance_id, 0)")], unique=True
    )
    subject: list[str | sa.TextClause] = [
        "rule_id",
        "dossier_id",
        sa.text("coalesce(consultation_id, 0)"),
        sa.text("coalesce(funder_id, 0)"),
        "rung",
        "due_version",
    ]
    op.create_index("uq_planned_reminder_rung", "planned_reminder", subject, unique=True)
    op.create_index(
        "uq_reminder_rung",
        "reminder",
        [*subject, sa.text("coalesce(person_id, 0)"), sa.text("coalesce(address, '')")],
        unique=True,
    )


def _change(is_sqlite: bool) -> None:
    with op.batch_alter_table("committee_session", recreate="auto") as table:
        table.add_column(sa.Column("starts_at", sa.Time(), nullable=True))
        table.add_column(sa.Column("sequence", sa.Integer(), server_default=sa.text("0"), nullable=False))
        table.add_column(sa.Column("cancelled_at", INSTANT, nullable=True))
    with op.batch_alter_table("dossier", recreate="auto") as table:
        table.add_column(sa.Column("due_version", sa.Integer(), server_default=sa.text("0"), nullable=False))
        table.add_column(sa.Column("due_since", INSTANT, nullable=True))
        table.add_column(sa.Column("reminders_planned", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.create_index(
            "ix_dossier_unplanned",
            ["id"],
            **_only("NOT reminders_planned"),
        )
    op.create_index("ix_role_grant_role", "role_grant", ["role", "institution_id"])
    op.create_index("ix_binome_member_dossier", "binome_member", ["dossier_id"])
    op.create_index("ix_opinion_dossier", "opinion", ["dossier_id"])
    if is_sqlite:
        op.drop_index("uq_milestone_place", "milestone")
    with op.batch_alter_table("milestone", recreate="auto") as table:
        table.add_column(sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
        table.add_column(sa.Column("moved_at", INSTANT, nullable=True))
    if is_sqlite:
        op.create_index(
            "uq_milestone_place", "milestone", ["campaign_id", "code", sa.text("coalesce(funder_id, 0)")], unique=True
        )
    with op.batch_alter_table("outbox", recreate="auto") as table:
        table.add_column(sa.Column("webhook_id", KEY, nullable=True))
        table.create_foreign_key(op.f("fk_outbox_webhook_id"), "webhook", ["webhook_id"], ["id"])
        table.drop_constraint(op.f("ck_outbox_one_recipient"), type_="check")
        table.create_check_constraint(
            op.f("ck_outbox_one_recipient"),
            "(CASE WHEN person_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN address IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN webhook_id IS NULL THEN 0 ELSE 1 END) = 1",
        )
    with op.batch_alter_table("secret_link", recreate="auto") as table:
        table.drop_constraint(op.f("ck_secret_link_subject_fits_purpose"), type_="check")
        table.create_check_constraint(op.f("ck_secret_link_subject_fits_purpose"), _subject_fits())


def _subject_fits() -> str:
    columns = ("person_id", "consultation_id", "dossier_id")
    shapes = {
        p: " AND ".join(f"{c} IS {'NOT NULL' if c == held else 'NULL'}" for c in columns)
        for p, held in PURPOSES.items()
    }
    return " OR ".join(f"(purpose = '{purpose}' AND {shape})" for purpose, shape in shapes.items())


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
