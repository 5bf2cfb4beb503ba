"""Everything, as the first version has it."""

import sqlalchemy as sa
from alembic import op

from workflow.migrations import triggers

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, their indexes and the triggers."""
    op.create_table(
        "campaign",
        sa.Column("id", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("first < last", name=op.f("ck_campaign_bounds_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("label", name=op.f("uq_campaign_label")),
    )
    op.create_table(
        "commune",
        sa.Column("id", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("local_security_council", sa.Boolean(), nullable=False),
        sa.Column("urban_renewal_agreement", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commune")),
        sa.UniqueConstraint("label", name=op.f("uq_commune_label")),
    )
    op.create_table(
        "expert",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_expert_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert")),
        sa.UniqueConstraint("email", name=op.f("uq_expert_email")),
    )
    op.create_table(
        "institution",
        sa.Column("id", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("funder_code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution")),
        sa.UniqueConstraint("funder_code", name=op.f("uq_institution_funder_code")),
        sa.UniqueConstraint("label", name=op.f("uq_institution_label")),
    )
    op.create_table(
        "login_attempt",
        sa.Column("id", KEY, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempt")),
    )
    op.create_index("ix_login_attempt_address", "login_attempt", ["address", "at"])
    op.create_index("ix_login_attempt_email", "login_attempt", ["email", "at"])
    op.create_table(
        "objective",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("parent_id", KEY, nullable=True),
        sa.CheckConstraint(
            "level IN ('orientation', 'strategic', 'operational')", name=op.f("ck_objective_level_known")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["objective.id"], name=op.f("fk_objective_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objective")),
        sa.UniqueConstraint("code", name=op.f("uq_objective_code")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("siret", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('association', 'commune', 'public')", name=op.f("ck_organisation_kind_known")),
        sa.CheckConstraint("length(siret) = 14", name=op.f("ck_organisation_siret_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("siret", name=op.f("uq_organisation_siret")),
    )
    op.create_table(
        "theme",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_theme")),
        sa.UniqueConstraint("code", name=op.f("uq_theme_code")),
    )
    op.create_table(
        "envelope",
        sa.Column("id", KEY, nullable=False),
        sa.Column("funder_id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("orientation_id", KEY, nullable=True),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("granted_cents", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "granted_cents >= 0 AND granted_cents <= total_cents", name=op.f("ck_envelope_never_overspent")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_envelope_campaign_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["institution.id"], name=op.f("fk_envelope_funder_id")),
        sa.ForeignKeyConstraint(["orientation_id"], ["objective.id"], name=op.f("fk_envelope_orientation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_envelope")),
    )
    op.create_index(op.f("ix_envelope_campaign_id"), "envelope", ["campaign_id"])
    op.create_index(
        "uq_envelope_place",
        "envelope",
        ["funder_id", "campaign_id", sa.text("coalesce(orientation_id, 0)")],
        unique=True,
    )
    op.create_table(
        "expert_interest",
        sa.Column("id", KEY, nullable=False),
        sa.Column("expert_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["expert_id"], ["expert.id"], name=op.f("fk_expert_interest_expert_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_expert_interest_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert_interest")),
        sa.UniqueConstraint("expert_id", "organisation_id", name=op.f("uq_expert_interest_expert_id_organisation_id")),
    )
    op.create_table(
        "funder_window",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("funder_id", KEY, nullable=False),
        sa.Column("milestone", sa.Text(), nullable=False),
        sa.Column("earliest", sa.Date(), nullable=False),
        sa.Column("latest", sa.Date(), nullable=False),
        sa.Column("preferred", sa.Date(), nullable=True),
        sa.CheckConstraint("earliest <= latest", name=op.f("ck_funder_window_bounds_in_order")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_funder_window_campaign_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["institution.id"], name=op.f("fk_funder_window_funder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funder_window")),
    )
    op.create_index(op.f("ix_funder_window_campaign_id"), "funder_window", ["campaign_id"])
    op.create_table(
        "instance",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("theme_id", KEY, nullable=False),
        sa.Column("animating_institutions", sa.JSON(), nullable=False),
        sa.Column("per_commune", sa.Boolean(), nullable=False),
        sa.Column("to_be_created", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["theme_id"], ["theme.id"], name=op.f("fk_instance_theme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
        sa.UniqueConstraint("code", name=op.f("uq_instance_code")),
    )
    op.create_table(
        "milestone",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("funder_id", KEY, nullable=True),
        sa.Column("on_date", sa.Date(), nullable=True),
        sa.Column("after_code", sa.Text(), nullable=True),
        sa.Column("min_gap", sa.Integer(), nullable=True),
        sa.Column("max_gap", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_milestone_campaign_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["institution.id"], name=op.f("fk_milestone_funder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
    )
    op.create_index(
        "uq_milestone_place", "milestone", ["campaign_id", "code", sa.text("coalesce(funder_id, 0)")], unique=True
    )
    op.create_table(
        "number_series",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("last", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("last >= 0", name=op.f("ck_number_series_last_counted")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_number_series_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_number_series")),
    )
    op.create_table(
        "person",
        sa.Column("id", KEY, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("institution_id", KEY, nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("credentials_version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("locale IN ('fr', 'en')", name=op.f("ck_person_locale_known")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_person_email_lower")),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name=op.f("fk_person_institution_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_token_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_table(
        "committee_session",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_committee_session_campaign_id")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_committee_session_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_committee_session")),
    )
    op.create_index(op.f("ix_committee_session_campaign_id"), "committee_session", ["campaign_id"])
    op.create_table(
        "idempotency_key",
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_idempotency_key_person_id")),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "interest",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.Column("nature", sa.Text(), nullable=False),
        sa.Column("declared_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_interest_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_interest_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest")),
        sa.UniqueConstraint("person_id", "organisation_id", name=op.f("uq_interest_person_id_organisation_id")),
    )
    op.create_table(
        "late_deposit",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("by_id", KEY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_late_deposit_by_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_late_deposit_campaign_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_late_deposit_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_deposit")),
    )
    op.create_index(op.f("ix_late_deposit_organisation_id"), "late_deposit", ["organisation_id"])
    op.create_table(
        "role_grant",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("instance_id", KEY, nullable=True),
        sa.Column("institution_id", KEY, nullable=True),
        sa.Column("organisation_id", KEY, nullable=True),
        sa.Column("trained_on", sa.Date(), nullable=True),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(role = 'carrier' AND instance_id IS NULL AND institution_id IS NULL "
            "AND organisation_id IS NOT NULL) OR (role = 'animator' AND instance_id IS NOT NULL "
            "AND institution_id IS NULL AND organisation_id IS NULL) OR (role = 'instructor' "
            "AND instance_id IS NOT NULL AND institution_id IS NULL AND organisation_id IS NULL) "
            "OR (role = 'evaluator' AND instance_id IS NOT NULL AND institution_id IS NULL "
            "AND organisation_id IS NULL) OR (role = 'funder' AND instance_id IS NULL "
            "AND institution_id IS NOT NULL AND organisation_id IS NULL) OR (role = 'controller' "
            "AND instance_id IS NULL AND institution_id IS NULL AND organisation_id IS NULL) "
            "OR (role = 'transversal' AND instance_id IS NULL AND institution_id IS NULL "
            "AND organisation_id IS NULL) OR (role = 'administrator' AND instance_id IS NULL "
            "AND institution_id IS NULL AND organisation_id IS NULL)",
            name=op.f("ck_role_grant_scope_fits_role"),
        ),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_role_grant_instance_id")),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name=op.f("fk_role_grant_institution_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_role_grant_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_role_grant_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    op.create_index("ix_role_grant_instance", "role_grant", ["instance_id", "role"])
    op.create_index("ix_role_grant_organisation", "role_grant", ["organisation_id"])
    op.create_index(
        "uq_role_grant_active",
        "role_grant",
        [
            "person_id",
            "role",
            sa.text("coalesce(instance_id, 0)"),
            sa.text("coalesce(institution_id, 0)"),
            sa.text("coalesce(organisation_id, 0)"),
        ],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "route",
        sa.Column("id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("objective_id", KEY, nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("commune_id", KEY, nullable=True),
        sa.Column("lead_id", KEY, nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "level IN ('arrondissement', 'agglomération', 'commune')", name=op.f("ck_route_level_known")
        ),
        sa.ForeignKeyConstraint(["commune_id"], ["commune.id"], name=op.f("fk_route_commune_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["instance.id"], name=op.f("fk_route_lead_id")),
        sa.ForeignKeyConstraint(["objective_id"], ["objective.id"], name=op.f("fk_route_objective_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
        sa.UniqueConstraint("position", name=op.f("uq_route_position")),
    )
    op.create_table(
        "sample",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("population_size", sa.Integer(), nullable=False),
        sa.Column("population_hash", sa.Text(), nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.Column("drawn_by_id", KEY, nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=True),
        sa.CheckConstraint("size > 0 AND size <= population_size", name=op.f("ck_sample_size_fits")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_sample_campaign_id")),
        sa.ForeignKeyConstraint(["drawn_by_id"], ["person.id"], name=op.f("fk_sample_drawn_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_sample_campaign_id")),
    )
    op.create_table(
        "dossier",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=True),
        sa.Column("session_id", KEY, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state_since", INSTANT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by_id", KEY, nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=True),
        sa.Column("notified_at", INSTANT, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("objective_id", KEY, nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("commune_id", KEY, nullable=True),
        sa.Column("need", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("beneficiaries", sa.Integer(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("partners", sa.Text(), nullable=False),
        sa.Column("indicators", sa.Text(), nullable=False),
        sa.Column("attested", sa.Boolean(), nullable=False),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(state = 'draft') = (submitted_at IS NULL) OR state = 'withdrawn'", name=op.f("ck_dossier_submitted_dated")
        ),
        sa.CheckConstraint(
            "level IN ('arrondissement', 'agglomération', 'commune')", name=op.f("ck_dossier_level_known")
        ),
        sa.CheckConstraint("need IN ('first', 'renewed')", name=op.f("ck_dossier_need_known")),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'incomplete', 'assigned', 'expert_consulted', 'opinion', "
            "'funding_decision', 'follow_up', 'evaluated', 'under_control', 'controlled', 'closed', "
            "'inadmissible', 'refused', 'withdrawn', 'cancelled')",
            name=op.f("ck_dossier_state_known"),
        ),
        sa.CheckConstraint("(number IS NULL) = (submitted_at IS NULL)", name=op.f("ck_dossier_submitted_numbered")),
        sa.CheckConstraint("beneficiaries >= 0", name=op.f("ck_dossier_beneficiaries_counted")),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_dossier_period_in_order")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_dossier_campaign_id")),
        sa.ForeignKeyConstraint(["commune_id"], ["commune.id"], name=op.f("fk_dossier_commune_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_dossier_created_by_id")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_dossier_instance_id")),
        sa.ForeignKeyConstraint(["objective_id"], ["objective.id"], name=op.f("fk_dossier_objective_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_dossier_organisation_id")),
        sa.ForeignKeyConstraint(["session_id"], ["committee_session.id"], name=op.f("fk_dossier_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier")),
        sa.UniqueConstraint("number", name=op.f("uq_dossier_number")),
    )
    op.create_index("ix_dossier_board", "dossier", ["campaign_id", "instance_id", "state", "due_on", "id"])
    op.create_index("ix_dossier_due", "dossier", ["state", "due_on"])
    op.create_index("ix_dossier_organisation", "dossier", ["organisation_id", "state"])
    op.create_index("ix_dossier_session", "dossier", ["session_id"])
    op.create_table(
        "route_associate",
        sa.Column("route_id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_route_associate_instance_id")),
        sa.ForeignKeyConstraint(
            ["route_id"], ["route.id"], name=op.f("fk_route_associate_route_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("route_id", "instance_id", name=op.f("pk_route_associate")),
    )
    op.create_table(
        "associated_instance",
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_associated_instance_dossier_id")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_associated_instance_instance_id")),
        sa.PrimaryKeyConstraint("dossier_id", "instance_id", name=op.f("pk_associated_instance")),
    )
    op.create_table(
        "binome_member",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("institution_id", KEY, nullable=True),
        sa.Column("derogation", sa.Text(), nullable=True),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("left_at", INSTANT, nullable=True),
        sa.CheckConstraint("seat IN (1, 2)", name=op.f("ck_binome_member_seat_known")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_binome_member_dossier_id")),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name=op.f("fk_binome_member_institution_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_binome_member_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binome_member")),
    )
    op.create_index("ix_binome_member_person", "binome_member", ["person_id", "left_at"])
    op.create_index(
        "uq_binome_member_institution",
        "binome_member",
        ["dossier_id", "institution_id"],
        unique=True,
        sqlite_where=sa.text("left_at IS NULL AND coalesce(derogation, '') = ''"),
        postgresql_where=sa.text("left_at IS NULL AND coalesce(derogation, '') = ''"),
    )
    op.create_index(
        "uq_binome_member_person",
        "binome_member",
        ["dossier_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("left_at IS NULL"),
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_index(
        "uq_binome_member_seat",
        "binome_member",
        ["dossier_id", "seat"],
        unique=True,
        sqlite_where=sa.text("left_at IS NULL"),
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "budget_line",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("side IN ('expense', 'income')", name=op.f("ck_budget_line_side_known")),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_budget_line_amount_positive")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_budget_line_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_line")),
    )
    op.create_index(op.f("ix_budget_line_dossier_id"), "budget_line", ["dossier_id"])
    op.create_table(
        "consultation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("expert_id", KEY, nullable=False),
        sa.Column("asked_by_id", KEY, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(state = 'answered') = (answer IS NOT NULL)", name=op.f("ck_consultation_answered_has_answer")
        ),
        sa.CheckConstraint("(state = 'asked') = (ended_at IS NULL)", name=op.f("ck_consultation_ended_dated")),
        sa.CheckConstraint(
            "state IN ('asked', 'answered', 'declined', 'expired', 'revoked')", name=op.f("ck_consultation_state_known")
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name=op.f("fk_consultation_asked_by_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_consultation_dossier_id")),
        sa.ForeignKeyConstraint(["expert_id"], ["expert.id"], name=op.f("fk_consultation_expert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consultation")),
    )
    op.create_index(op.f("ix_consultation_dossier_id"), "consultation", ["dossier_id"])
    op.create_index("ix_consultation_due", "consultation", ["state", "due_on"])
    op.create_table(
        "document",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        sa.Column("uploaded_by_id", KEY, nullable=False),
        sa.CheckConstraint(
            "kind IN ('statutes', 'accounts', 'bank_details', 'quote', 'report', 'other')",
            name=op.f("ck_document_kind_known"),
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_document_size_positive")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_document_dossier_id")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["person.id"], name=op.f("fk_document_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index(op.f("ix_document_dossier_id"), "document", ["dossier_id"])
    op.create_table(
        "evaluation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("relevance", sa.Integer(), nullable=False),
        sa.Column("coherence", sa.Integer(), nullable=False),
        sa.Column("effectiveness", sa.Integer(), nullable=False),
        sa.Column("efficiency", sa.Integer(), nullable=False),
        sa.Column("impact", sa.Integer(), nullable=False),
        sa.Column("recommendation", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("evaluator_id", KEY, nullable=False),
        sa.CheckConstraint(
            "recommendation IN ('renew', 'renew_with_changes', 'stop')", name=op.f("ck_evaluation_recommendation_known")
        ),
        sa.CheckConstraint("coherence BETWEEN 0 AND 4", name=op.f("ck_evaluation_coherence_level")),
        sa.CheckConstraint("effectiveness BETWEEN 0 AND 4", name=op.f("ck_evaluation_effectiveness_level")),
        sa.CheckConstraint("efficiency BETWEEN 0 AND 4", name=op.f("ck_evaluation_efficiency_level")),
        sa.CheckConstraint("impact BETWEEN 0 AND 4", name=op.f("ck_evaluation_impact_level")),
        sa.CheckConstraint("relevance BETWEEN 0 AND 4", name=op.f("ck_evaluation_relevance_level")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_evaluation_dossier_id")),
        sa.ForeignKeyConstraint(["evaluator_id"], ["person.id"], name=op.f("fk_evaluation_evaluator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        sa.UniqueConstraint("dossier_id", name=op.f("uq_evaluation_dossier_id")),
    )
    op.create_table(
        "funding_request",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("funder_id", KEY, nullable=False),
        sa.Column("asked_cents", sa.BigInteger(), nullable=False),
        sa.Column("proposed_cents", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), server_default="pending", nullable=False),
        sa.Column("granted_cents", sa.BigInteger(), nullable=True),
        sa.Column("paid_cents", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("motive", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_by_id", KEY, nullable=True),
        sa.Column("envelope_id", KEY, nullable=True),
        sa.CheckConstraint(
            "(decision = 'granted') = (granted_cents IS NOT NULL) AND (granted_cents IS NULL OR granted_cents > 0)",
            name=op.f("ck_funding_request_granted_has_amount"),
        ),
        sa.CheckConstraint(
            "(decision = 'pending') = (decided_at IS NULL)", name=op.f("ck_funding_request_decided_dated")
        ),
        sa.CheckConstraint(
            "decision IN ('pending', 'granted', 'refused')", name=op.f("ck_funding_request_decision_known")
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by_id IS NULL)", name=op.f("ck_funding_request_decided_signed")
        ),
        sa.CheckConstraint("asked_cents > 0", name=op.f("ck_funding_request_asked_positive")),
        sa.CheckConstraint(
            "granted_cents IS NULL OR envelope_id IS NOT NULL", name=op.f("ck_funding_request_granted_on_envelope")
        ),
        sa.CheckConstraint(
            "granted_cents IS NULL OR granted_cents <= asked_cents", name=op.f("ck_funding_request_within_asked")
        ),
        sa.CheckConstraint(
            "paid_cents >= 0 AND paid_cents <= coalesce(granted_cents, 0)",
            name=op.f("ck_funding_request_never_overpaid"),
        ),
        sa.CheckConstraint("proposed_cents >= 0", name=op.f("ck_funding_request_proposed_positive")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_funding_request_decided_by_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_funding_request_dossier_id")),
        sa.ForeignKeyConstraint(["envelope_id"], ["envelope.id"], name=op.f("fk_funding_request_envelope_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["institution.id"], name=op.f("fk_funding_request_funder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funding_request")),
        sa.UniqueConstraint("dossier_id", "funder_id", name=op.f("uq_funding_request_dossier_id_funder_id")),
    )
    op.create_index("ix_funding_request_envelope", "funding_request", ["envelope_id", "granted_cents"])
    op.create_index("ix_funding_request_funder", "funding_request", ["funder_id", "decision"])
    op.create_table(
        "joint_opinion",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_by_id", KEY, nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=True),
        sa.Column("superseded_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "basis IN ('agreed', 'reconciled', 'arbitrated')", name=op.f("ck_joint_opinion_basis_known")
        ),
        sa.CheckConstraint(
            "verdict IN ('favourable', 'with_reservations', 'unfavourable', 'deferred')",
            name=op.f("ck_joint_opinion_verdict_known"),
        ),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_joint_opinion_dossier_id")),
        sa.ForeignKeyConstraint(["written_by_id"], ["person.id"], name=op.f("fk_joint_opinion_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joint_opinion")),
    )
    op.create_index(
        "uq_joint_opinion_current",
        "joint_opinion",
        ["dossier_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "journal",
        sa.Column("seq", KEY, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor_id", KEY, nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("dossier_id", KEY, nullable=True),
        sa.Column("dossier_version", sa.Integer(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_journal_actor_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_journal_dossier_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
        sa.UniqueConstraint("hash", name=op.f("uq_journal_hash")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_journal_previous_hash")),
    )
    op.create_index("ix_journal_dossier", "journal", ["dossier_id", "seq"])
    op.create_table(
        "message",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("author_id", KEY, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_message_author_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_message_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index(op.f("ix_message_dossier_id"), "message", ["dossier_id"])
    op.create_table(
        "mission",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sample_id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("controller_id", KEY, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("visit_on", sa.Date(), nullable=True),
        sa.Column("realisation", sa.Text(), nullable=False),
        sa.Column("spending", sa.Text(), nullable=False),
        sa.Column("refused_cents", sa.BigInteger(), nullable=False),
        sa.Column("reply_due_on", sa.Date(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("replied_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("conclusion", sa.Text(), nullable=False),
        sa.Column("concluded_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(state = 'concluded') = (concluded_at IS NOT NULL)", name=op.f("ck_mission_concluded_dated")
        ),
        sa.CheckConstraint(
            "(state = 'concluded') = (outcome IS NOT NULL)", name=op.f("ck_mission_concluded_has_outcome")
        ),
        sa.CheckConstraint("outcome IN ('none', 'recommendation', 'payback')", name=op.f("ck_mission_outcome_known")),
        sa.CheckConstraint(
            "state IN ('drawn', 'announced', 'findings_sent', 'concluded')", name=op.f("ck_mission_state_known")
        ),
        sa.CheckConstraint("refused_cents >= 0", name=op.f("ck_mission_refused_positive")),
        sa.ForeignKeyConstraint(["controller_id"], ["person.id"], name=op.f("fk_mission_controller_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_mission_dossier_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_mission_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mission")),
        sa.UniqueConstraint("dossier_id", name=op.f("uq_mission_dossier_id")),
    )
    op.create_index("ix_mission_state", "mission", ["state"])
    op.create_table(
        "opinion",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("author_id", KEY, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("strengths", sa.Text(), nullable=False),
        sa.Column("reservations", sa.Text(), nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=True),
        sa.Column("superseded_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "verdict IN ('favourable', 'with_reservations', 'unfavourable', 'deferred')",
            name=op.f("ck_opinion_verdict_known"),
        ),
        sa.CheckConstraint("sealed_at IS NULL OR verdict IS NOT NULL", name=op.f("ck_opinion_sealed_has_verdict")),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_opinion_author_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_opinion_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion")),
    )
    op.create_index(
        "uq_opinion_author",
        "opinion",
        ["dossier_id", "author_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("dossier_id", KEY, nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_outbox_sent_dated")),
        sa.CheckConstraint("state IN ('pending', 'sent', 'dropped', 'failed')", name=op.f("ck_outbox_state_known")),
        sa.CheckConstraint("(person_id IS NULL) <> (address IS NULL)", name=op.f("ck_outbox_one_recipient")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_outbox_dossier_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_outbox_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index("ix_outbox_dossier", "outbox", ["dossier_id"])
    op.create_index(
        "ix_outbox_pending",
        "outbox",
        ["next_at"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_outbox_state", "outbox", ["state", "id"])
    op.create_table(
        "report",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received", sa.Boolean(), nullable=False),
        sa.Column("narrative", sa.Text(), nullable=False),
        sa.Column("beneficiaries", sa.Integer(), nullable=True),
        sa.Column("spent_cents", sa.BigInteger(), nullable=True),
        sa.Column("indicators", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by_id", KEY, nullable=False),
        sa.CheckConstraint("kind IN ('progress', 'final')", name=op.f("ck_report_kind_known")),
        sa.CheckConstraint("received OR kind = 'final'", name=op.f("ck_report_only_final_is_missed")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_report_by_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_report_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
    )
    op.create_index("ix_report_dossier", "report", ["dossier_id"])
    op.create_index(
        "uq_report_final",
        "report",
        ["dossier_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'final'"),
        postgresql_where=sa.text("kind = 'final'"),
    )
    op.create_table(
        "routing_step",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("instance_id", KEY, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_routing_step_by_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_routing_step_dossier_id")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_routing_step_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_step")),
    )
    op.create_index(op.f("ix_routing_step_dossier_id"), "routing_step", ["dossier_id"])
    op.create_table(
        "sample_unit",
        sa.Column("sample_id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("drawn", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_sample_unit_dossier_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_sample_unit_sample_id")),
        sa.PrimaryKeyConstraint("sample_id", "dossier_id", name=op.f("pk_sample_unit")),
        sa.UniqueConstraint("sample_id", "rank", name=op.f("uq_sample_unit_sample_id_rank")),
    )
    op.create_index("ix_sample_unit_dossier", "sample_unit", ["dossier_id", "drawn"])
    op.create_table(
        "agreement",
        sa.Column("id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["person.id"], name=op.f("fk_agreement_recorded_by_id")),
        sa.ForeignKeyConstraint(["request_id"], ["funding_request.id"], name=op.f("fk_agreement_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("request_id", name=op.f("uq_agreement_request_id")),
    )
    op.create_table(
        "joint_amount",
        sa.Column("joint_id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("proposed_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("proposed_cents >= 0", name=op.f("ck_joint_amount_proposed_positive")),
        sa.ForeignKeyConstraint(["joint_id"], ["joint_opinion.id"], name=op.f("fk_joint_amount_joint_id")),
        sa.ForeignKeyConstraint(["request_id"], ["funding_request.id"], name=op.f("fk_joint_amount_request_id")),
        sa.PrimaryKeyConstraint("joint_id", "request_id", name=op.f("pk_joint_amount")),
    )
    op.create_table(
        "joint_signature",
        sa.Column("joint_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["joint_id"], ["joint_opinion.id"], name=op.f("fk_joint_signature_joint_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_joint_signature_person_id")),
        sa.PrimaryKeyConstraint("joint_id", "person_id", name=op.f("pk_joint_signature")),
    )
    op.create_table(
        "mailbox_message",
        sa.Column("id", KEY, nullable=False),
        sa.Column("outbox_id", KEY, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_mailbox_message_outbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_message")),
        sa.UniqueConstraint("outbox_id", name=op.f("uq_mailbox_message_outbox_id")),
    )
    op.create_table(
        "opinion_amount",
        sa.Column("opinion_id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("proposed_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("proposed_cents >= 0", name=op.f("ck_opinion_amount_proposed_positive")),
        sa.ForeignKeyConstraint(["opinion_id"], ["opinion.id"], name=op.f("fk_opinion_amount_opinion_id")),
        sa.ForeignKeyConstraint(["request_id"], ["funding_request.id"], name=op.f("fk_opinion_amount_request_id")),
        sa.PrimaryKeyConstraint("opinion_id", "request_id", name=op.f("pk_opinion_amount")),
    )
    op.create_table(
        "payment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by_id", KEY, nullable=False),
        sa.CheckConstraint("kind IN ('advance', 'instalment', 'balance')", name=op.f("ck_payment_kind_known")),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_payment_amount_positive")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["person.id"], name=op.f("fk_payment_recorded_by_id")),
        sa.ForeignKeyConstraint(["request_id"], ["funding_request.id"], name=op.f("fk_payment_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
    )
    op.create_index(op.f("ix_payment_request_id"), "payment", ["request_id"])
    op.create_table(
        "piece",
        sa.Column("id", KEY, nullable=False),
        sa.Column("dossier_id", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("asked_by_id", KEY, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("document_id", KEY, nullable=True),
        sa.CheckConstraint("(answered_at IS NULL) = (answer IS NULL)", name=op.f("ck_piece_answered_dated")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name=op.f("fk_piece_asked_by_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_piece_document_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_piece_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_piece")),
    )
    op.create_index(op.f("ix_piece_dossier_id"), "piece", ["dossier_id"])
    op.create_table(
        "secret_link",
        sa.Column("id", KEY, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.Column("consultation_id", KEY, nullable=True),
        sa.Column("dossier_id", KEY, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(purpose = 'invitation' AND person_id IS NOT NULL AND consultation_id IS NULL "
            "AND dossier_id IS NULL) OR (purpose = 'reset' AND person_id IS NOT NULL "
            "AND consultation_id IS NULL AND dossier_id IS NULL) OR (purpose = 'expert' "
            "AND person_id IS NULL AND consultation_id IS NOT NULL AND dossier_id IS NULL) "
            "OR (purpose = 'tracking' AND person_id IS NULL AND consultation_id IS NULL "
            "AND dossier_id IS NOT NULL)",
            name=op.f("ck_secret_link_subject_fits_purpose"),
        ),
        sa.ForeignKeyConstraint(["consultation_id"], ["consultation.id"], name=op.f("fk_secret_link_consultation_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossier.id"], name=op.f("fk_secret_link_dossier_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_secret_link_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secret_link")),
    )
    op.create_index(op.f("ix_secret_link_consultation_id"), "secret_link", ["consultation_id"])
    op.create_index(op.f("ix_secret_link_dossier_id"), "secret_link", ["dossier_id"])

    connection = op.get_bind()
    for statement in triggers.statements(connection.dialect.name, "0001"):
        connection.exec_driver_sql(statement)
