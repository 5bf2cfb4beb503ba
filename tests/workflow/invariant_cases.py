"""For each rule of the database: a statement that it refuses, and the nearest one that it takes."""

from collections.abc import Iterator

from tests.workflow.invariants import AT, DAY, Case, add, gone, grant, to
from tests.workflow.plan_cases import PLANS
from tests.workflow.review_cases import REVIEWS

LATER = "'2027-06-01 10:00:00+00'"


def known(table: str, column: str, value: str, row: int = 1) -> Case:
    """The column takes a value of its list and no other."""
    name = f"ck_{table}_{column}_known"
    return Case(name, to(table, row, **{column: "'nonsense'"}), to(table, row, **{column: f"'{value}'"}))


COLLEAGUE = {"colleague_name": "'C'", "colleague_email": "'c@b.example'", "colleague_why": "'y'"}
FILE = {"answer": "'yes'", "file_name": "'a.pdf'", "file_type": "'t'", "file_size": "1", "file_sha256": "'0'"}


def ended(state: str, **columns: str) -> str:
    """A question that ends."""
    return to("consultation", 1, state=f"'{state}'", ended_at=LATER, **columns)


LISTS = (
    known("objective", "level", "strategic"),
    known("organisation", "kind", "commune"),
    known("person", "locale", "en"),
    known("route", "level", "arrondissement"),
    known("route", "kind", "public"),
    known("dossier", "state", "opinion"),
    known("dossier", "level", "commune"),
    known("dossier", "need", "renewed"),
    known("budget_line", "side", "income"),
    known("opinion", "verdict", "unfavourable"),
    known("joint_opinion", "verdict", "unfavourable", 2),
    known("joint_opinion", "basis", "arbitrated", 2),
    known("mission", "state", "announced"),
    known("outbox", "state", "failed"),
    known("report", "kind", "progress", 1),
    known("consultation", "stance", "cannot_say"),
    known("calendar_version", "kind", "moved"),
    known("reminder_rule", "state", "draft"),
)
"""Lists that an UPDATE can show; the others stand among the cases below."""

PEOPLE = (
    Case("ck_person_email_lower", to("person", 1, email="'P1@example.org'"), to("person", 1, email="'q@example.org'")),
    Case("ck_expert_email_lower", to("expert", 1, email="'E@example.org'"), to("expert", 1, email="'e@example.org'")),
    Case("uq_person_email", to("person", 1, email="'p2@example.org'"), to("person", 1, email="'p9@example.org'")),
    Case("ck_organisation_siret_length", to("organisation", 1, siret="'356'"), to("organisation", 1, name="'n'")),
    Case(
        "uq_organisation_siret",
        to("organisation", 1, siret="'73282932000074'"),
        to("organisation", 1, siret="'35600000000010'"),
    ),
    *(
        Case(
            "ck_role_grant_scope_fits_role",
            add("role_grant", role=role, **wrong),
            add("role_grant", role=role, **right),
        )
        for role, wrong, right in (
            ("carrier", {"instance_id": 1}, {"organisation_id": 1}),
            ("instructor", {}, {"instance_id": 1, "person_id": 4}),
            ("evaluator", {"instance_id": 1, "institution_id": 1}, {"instance_id": 1}),
            ("funder", {"instance_id": 1}, {"institution_id": 1}),
            ("controller", {"instance_id": 1}, {}),
            ("administrator", {"organisation_id": 1}, {}),
        )
    ),
    Case("ck_role_grant_scope_fits_role", add("role_grant", role="king"), add("role_grant", role="transversal")),
    Case(
        "uq_role_grant_active",
        add("role_grant", role="animator", instance_id=1),
        add("role_grant", role="animator", instance_id=1, ended_at=AT),
    ),
    Case(
        "ck_route_amounts_in_order",
        to("route", 1, least_cents=2, most_cents=1),
        to("route", 1, least_cents=2, most_cents=2),
    ),
    Case(
        "ck_route_days_in_order",
        to("route", 1, starts_on="'2027-02-02'", ends_on="'2027-02-01'"),
        to("route", 1, starts_on="'2027-02-02'", ends_on="'2027-02-02'"),
    ),
    Case("uq_routing_version_number", add("routing_version", number=1), add("routing_version", number=2)),
    Case("rules_kept", to("routing_version", 1, number=7), add("routing_version", number=7)),
    Case("rules_kept", gone("routing_version", 1), add("routing_version", number=7)),
    Case("ck_role_grant_capacity_counted", to("role_grant", 11, capacity=-1), to("role_grant", 11, capacity=0)),
    Case("ck_dossier_effort_counted", to("dossier", 1, effort=0), to("dossier", 1, effort=1)),
    Case("ck_dossier_effort_counted", to("dossier", 1, effort=21), to("dossier", 1, effort=20)),
    Case(
        "ck_competence_level_known",
        add("competence", grant_id=11, theme_id=1, level=4),
        add("competence", grant_id=11, theme_id=1, level=3),
    ),
    Case(
        "ck_competence_one_subject",
        add("competence", grant_id=11, theme_id=1, objective_id=1),
        add("competence", grant_id=11, objective_id=1),
    ),
    Case("ck_competence_one_subject", add("competence", grant_id=11), add("competence", grant_id=11, theme_id=1)),
    Case(
        "uq_competence_grant_id_theme_id",
        add("competence", grant_id=11, theme_id=1),
        add("competence", grant_id=12, theme_id=1),
        given=[add("competence", grant_id=11, theme_id=1)],
    ),
    Case(
        "uq_competence_grant_id_objective_id",
        add("competence", grant_id=11, objective_id=1),
        add("competence", grant_id=12, objective_id=1),
        given=[add("competence", grant_id=11, objective_id=1)],
    ),
    Case(
        "ck_secret_link_subject_fits_purpose",
        add("secret_link", purpose="tracking", person_id=1),
        add("secret_link", purpose="tracking", dossier_id=1),
    ),
    Case(
        "ck_instance_local_whole",
        add("instance", code="local", parent_id=1),
        add("instance", code="local", parent_id=1, commune_id=1),
    ),
    Case(
        "uq_instance_local",
        add("instance", code="again", parent_id=1, commune_id=1),
        add("instance", code="again"),
        given=[add("instance", code="local", parent_id=1, commune_id=1)],
    ),
    Case(
        "uq_local_interest_person_id_commune_id",
        add("local_interest", person_id=1, commune_id=1),
        add("local_interest", person_id=2, commune_id=1),
        given=[add("local_interest", person_id=1, commune_id=1)],
    ),
    Case(
        "uq_interest_person_id_organisation_id",
        add("interest", organisation_id=1),
        add("interest", organisation_id=2),
        given=[add("interest", organisation_id=1)],
    ),
)

CALENDAR = (
    Case("ck_campaign_bounds_in_order", to("campaign", 1, last="first"), to("campaign", 1, last="'2027-12-30'")),
    Case(
        "ck_funder_window_bounds_in_order",
        to("funder_window", 1, latest="'2027-01-03'"),
        to("funder_window", 1, latest="'2027-01-05'"),
    ),
    *(
        Case(f"ck_{table}_bounds_in_order", to(table, 1, last="'2027-01-03'"), to(table, 1, last="'2027-01-05'"))
        for table in ("closure", "absence")
    ),
    Case(
        "ck_calendar_version_adopted_dated",
        to("calendar_version", 2, state="'replaced'"),
        to("calendar_version", 2, state="'abandoned'"),
    ),
    *(
        Case(
            f"uq_calendar_version_{state}",
            add("calendar_version", number=3, kind="moved", state=state, adopted_at=adopted_at),
            add("calendar_version", campaign_id=2, number=3, kind="moved", state=state, adopted_at=adopted_at),
        )
        for state, adopted_at in (("proposed", None), ("adopted", AT))
    ),
    Case(
        "ck_calendar_version_state_known",
        to("calendar_version", 2, state="'nonsense'"),
        to("calendar_version", 2, state="'abandoned'"),
    ),
    Case("calendar_kept", gone("calendar_version", 2), to("calendar_version", 2, state="'abandoned'")),
    Case("calendar_kept", gone("calendar_date", 1), add("calendar_date", code="deposit", funder_id=1)),
    Case("calendar_kept", to("calendar_date", 1, on_date="NULL"), add("calendar_date", code="opinions")),
    Case(
        "uq_calendar_date_place",
        add("calendar_date", code="deposit"),
        add("calendar_date", code="deposit", version_id=2),
    ),
    Case("ck_calendar_answer_change_in_words", add("calendar_answer", message=""), add("calendar_answer", message="m")),
    Case("uq_milestone_place", add("milestone", code="deposit"), add("milestone", code="deposit", funder_id=1)),
    Case("ck_number_series_last_counted", "UPDATE number_series SET last = -1", "UPDATE number_series SET last = 0"),
)

DOSSIER = (
    Case(
        "ck_dossier_submitted_dated",
        to("dossier", 2, state="'submitted'"),
        to("dossier", 2, state="'submitted'", submitted_at=LATER, number="'2027-9'"),
    ),
    Case(
        "ck_dossier_submitted_numbered",
        to("dossier", 2, state="'submitted'", submitted_at=LATER),
        to("dossier", 2, state="'withdrawn'"),
    ),
    Case(
        "uq_dossier_number",
        to("dossier", 2, number="'2027-1'", submitted_at=LATER, state="'submitted'"),
        to("dossier", 2, number="'2027-2'", submitted_at=LATER, state="'submitted'"),
    ),
    Case(
        "ck_dossier_period_in_order",
        to("dossier", 1, starts_on="'2027-05-02'", ends_on="'2027-05-01'"),
        to("dossier", 1, starts_on="'2027-05-01'", ends_on="'2027-05-01'"),
    ),
    Case("ck_dossier_beneficiaries_counted", to("dossier", 1, beneficiaries=-1), to("dossier", 1, beneficiaries=0)),
    Case(
        "dossier_never_draft_again",
        to("dossier", 1, state="'draft'"),
        to("dossier", 2, state="'draft'", title="'t'"),
    ),
    Case("dossier_number_fixed", to("dossier", 1, number="'2027-7'"), to("dossier", 1, number="'2027-1'", title="'t'")),
    Case("dossier_number_fixed", to("dossier", 1, number="NULL", submitted_at="NULL"), to("dossier", 1, version=2)),
    Case("ck_budget_line_amount_positive", to("budget_line", 1, amount_cents=0), to("budget_line", 1, amount_cents=1)),
    Case("ck_document_kind_known", add("document", kind="nonsense"), add("document", kind="statutes")),
    Case("ck_document_size_positive", add("document", kind="quote", size=0), add("document", kind="quote", size=1)),
    Case("document_fixed", to("document", 1, sha256="'y'"), gone("document", 1)),
    Case("comment_fixed", to("instance_comment", 1, body="'y'"), add("instance_comment", body="y")),
    Case("note_fixed", to("internal_note", 1, body="'y'"), add("internal_note", body="y")),
    Case("note_fixed", gone("internal_note", 1), add("note_mention", note_id=1, person_id=2)),
    Case(
        "ck_piece_verdict_known",
        to("piece", 1, answer="'here'", answered_at=LATER, verdict="'nonsense'", judged_at=LATER),
        to("piece", 1, answer="'here'", answered_at=LATER, verdict="'accepted'", judged_at=LATER),
    ),
    Case(
        "ck_piece_judged_whole",
        to("piece", 1, verdict="'accepted'", judged_at=LATER),
        to("piece", 1, answer="'here'", answered_at=LATER, verdict="'accepted'", judged_at=LATER),
    ),
    Case(
        "ck_piece_returned_with_word",
        to("piece", 1, answer="'here'", answered_at=LATER, verdict="'returned'", judged_at=LATER),
        to("piece", 1, answer="'here'", answered_at=LATER, verdict="'returned'", judged_at=LATER, word="'why'"),
    ),
    Case(
        "ck_piece_judged_whole",
        to("piece", 1, answer="'here'", answered_at=LATER, verdict="'accepted'"),
        to("piece", 1, answer="'here'", answered_at=LATER, verdict="'accepted'", judged_at=LATER),
    ),
    Case("document_fixed", to("document", 2, replaces_id=1), gone("document", 2)),
    *(
        Case("version_of_same", add("document", **wrong), add("document", kind="quote", replaces_id=1))
        for wrong in (
            {"kind": "report", "replaces_id": 1},
            {"kind": "quote", "replaces_id": 3},
            {"kind": "quote", "replaces_id": 9, "id": 9},
        )
    ),
    Case(
        "uq_document_replaces_id",
        add("document", kind="quote", replaces_id=1),
        add("document", kind="quote", replaces_id=2),
        (add("document", kind="quote", replaces_id=1),),
    ),
    Case("message_fixed", to("message", 1, body="'y'"), add("message", body="y")),
    Case(
        "ck_piece_answered_dated",
        to("piece", 1, answer="'here'"),
        to("piece", 1, answer="'here'", answered_at=LATER),
    ),
)

REMINDERS = (
    Case(
        "uq_reminder_rule_place",
        add("reminder_rule", code="r", state="draft"),
        add("reminder_rule", code="r", state="draft", instance_id=1),
    ),
    Case("uq_planned_reminder_rung", add("planned_reminder"), add("planned_reminder", rung=2)),
    Case("uq_planned_reminder_rung", add("planned_reminder"), add("planned_reminder", funder_id=1)),
    Case("uq_reminder_rung", add("reminder", person_id=1), add("reminder", person_id=2)),
    Case("uq_reminder_rung", add("reminder", person_id=1), add("reminder", person_id=1, due_version=2)),
    Case(
        "ck_reminder_one_recipient",
        add("reminder", person_id=2, address="e1@example.org"),
        add("reminder", address="e1@example.org"),
    ),
    Case(
        "ck_reminder_state_known",
        to("reminder", 1, state="'nonsense'", decided_at=LATER),
        to("reminder", 1, state="'dropped'", decided_at=LATER),
    ),
    Case(
        "ck_reminder_decided_dated",
        to("reminder", 1, state="'sent'"),
        to("reminder", 1, state="'sent'", decided_at=LATER),
    ),
    *(
        Case(
            "ck_reminder_preference_hour_of_the_day",
            add("reminder_preference", hour=wrong),
            add("reminder_preference", hour=right),
        )
        for wrong, right in ((5, 6), (21, 20))
    ),
    Case(
        "ck_outbox_one_recipient",
        add("outbox", key="2", webhook_id=1, person_id=1),
        add("outbox", key="2", webhook_id=1),
    ),
)

MEMBER_2 = add("binome_member", seat=2, person_id=2, institution_id=2)
INSTRUCTION = (
    Case("ck_binome_member_seat_known", add("binome_member", seat=4, person_id=2, institution_id=2), MEMBER_2),
    Case("uq_binome_member_person", add("binome_member", seat=3, person_id=1, institution_id=2), MEMBER_2),
    Case("uq_binome_member_seat", add("binome_member", seat=1, person_id=2, institution_id=2), MEMBER_2),
    Case(
        "uq_binome_member_seat",
        add("binome_member", seat=1, person_id=2, institution_id=2),
        add("binome_member", seat=1, person_id=2, institution_id=2, left_at=AT),
    ),
    Case("uq_binome_member_person", add("binome_member", seat=2, person_id=1, institution_id=2), MEMBER_2),
    Case(
        "uq_binome_member_institution",
        add("binome_member", seat=2, person_id=2, institution_id=1),
        add("binome_member", seat=2, person_id=2, institution_id=1, derogation="why"),
    ),
    Case(
        "uq_binome_member_institution",
        add("binome_member", seat=2, person_id=2, institution_id=1, derogation=""),
        add("binome_member", seat=2, person_id=2, institution_id=None),
    ),
    Case(
        "uq_binome_member_institution",
        to("binome_member", 9, institution_id=1),
        to("binome_member", 9, institution_id=3),
        given=[add("binome_member", id=9, seat=2, person_id=2, institution_id=2)],
    ),
    Case("member_trained", add("binome_member", seat=2, person_id=3, institution_id=3), MEMBER_2),
    Case(
        "member_trained",
        add("binome_member", seat=2, person_id=2, institution_id=2),
        add("binome_member", dossier_id=3, seat=2, person_id=1, institution_id=2),
        given=[to("role_grant", 12, ended_at=LATER)],
    ),
    Case(
        "member_without_local_interest",
        MEMBER_2,
        add("binome_member", dossier_id=3, seat=2, person_id=1, institution_id=2),
        given=[to("dossier", 1, commune_id=1), add("local_interest", person_id=2, commune_id=1)],
    ),
    Case(
        "member_without_conflict",
        MEMBER_2,
        add("binome_member", dossier_id=3, seat=2, person_id=1, institution_id=2),
        given=[add("interest", person_id=2, organisation_id=1)],
    ),
    Case(
        "member_without_conflict",
        MEMBER_2,
        add("binome_member", dossier_id=3, seat=2, person_id=1, institution_id=2),
        given=[add("role_grant", person_id=2, role="carrier", organisation_id=1, ended_at=AT)],
    ),
    Case(
        "member_within_capacity",
        add("binome_member", dossier_id=3, seat=1, person_id=1, institution_id=1),
        # Another campaign has points of its own.
        add("binome_member", dossier_id=4, seat=1, person_id=1, institution_id=1),
        given=[to("dossier", 1, effort=6), to("dossier", 3, effort=5), to("role_grant", 11, capacity=10)],
    ),
    Case("uq_opinion_author", add("opinion", author_id=1), add("opinion", author_id=1, superseded_at=AT)),
    Case(
        "ck_opinion_sealed_has_verdict",
        to("opinion", 1, sealed_at=LATER),
        to("opinion", 1, sealed_at=LATER, verdict="'deferred'"),
    ),
    *(
        Case("opinion_sealed", to("opinion", 2, **change), to("opinion", 1, **change))
        for change in (
            {"verdict": "'unfavourable'"},
            {"strengths": "'s'"},
            {"reservations": "'r'"},
            {"author_id": 4},
            {"dossier_id": 3},
            {"saved_at": LATER},
        )
    ),
    Case("opinion_sealed", to("opinion", 2, sealed_at="NULL"), to("opinion", 2, superseded_at=LATER)),
    Case("opinion_sealed", to("opinion", 2, sealed_at=LATER), to("opinion", 1, sealed_at="NULL")),
    Case(
        "opinion_sealed",
        gone("opinion", 2),
        gone("opinion", 1),
        given=["DELETE FROM opinion_amount WHERE opinion_id = 1", "DELETE FROM opinion_score WHERE opinion_id = 1"],
    ),
    Case(
        "ck_opinion_amount_proposed_positive",
        "UPDATE opinion_amount SET proposed_cents = -1 WHERE opinion_id = 1",
        "UPDATE opinion_amount SET proposed_cents = 0 WHERE opinion_id = 1",
    ),
    Case(
        "ck_joint_amount_proposed_positive",
        "UPDATE joint_amount SET proposed_cents = -1 WHERE joint_id = 2",
        "UPDATE joint_amount SET proposed_cents = 0 WHERE joint_id = 2",
    ),
    Case(
        "opinion_sealed",
        "UPDATE opinion_amount SET opinion_id = 1, request_id = 2 WHERE opinion_id = 2",
        "UPDATE opinion_amount SET request_id = 2 WHERE opinion_id = 1",
    ),
    Case(
        "opinion_sealed",
        "UPDATE opinion_amount SET opinion_id = 2, request_id = 2 WHERE opinion_id = 1",
        "UPDATE opinion_amount SET request_id = 3 WHERE opinion_id = 1",
    ),
    Case(
        "ck_opinion_score_score_known",
        "UPDATE opinion_score SET score = 5 WHERE opinion_id = 1",
        "UPDATE opinion_score SET score = 4 WHERE opinion_id = 1",
    ),
    Case(
        "ck_opinion_score_score_known",
        "UPDATE opinion_score SET score = -1 WHERE opinion_id = 1",
        "UPDATE opinion_score SET score = 0 WHERE opinion_id = 1",
    ),
    Case(
        "score_of_grid",
        add("opinion_score", opinion_id=1, criterion_id=3),
        add("opinion_score", opinion_id=1, criterion_id=2),
    ),
    Case("grid_kept", to("criterion", 1, label="'other'"), add("criterion", grid_id=2, position=9)),
    Case("grid_kept", gone("criterion", 2), add("criterion", grid_id=2, position=9)),
    Case("grid_kept", to("opinion_grid", 1, number=7), add("opinion_grid", number=7)),
    Case("grid_kept", gone("opinion_grid", 2), add("opinion_grid", number=7)),
    Case("ck_criterion_weight_known", add("criterion", weight=6, position=9), add("criterion", weight=5, position=9)),
    Case("ck_criterion_weight_known", add("criterion", weight=0, position=9), add("criterion", weight=1, position=9)),
    Case("uq_criterion_grid_id_position", add("criterion", position=1), add("criterion", position=9)),
    Case("uq_opinion_grid_instance_id_number", add("opinion_grid", number=1), add("opinion_grid", number=7)),
    Case(
        "uq_joint_opinion_current",
        add("joint_opinion", basis="agreed", verdict="favourable"),
        add("joint_opinion", basis="agreed", verdict="favourable", superseded_at=AT),
    ),
    *(
        Case("joint_opinion_issued", to("joint_opinion", 1, **change), to("joint_opinion", 2, **change))
        for change in (
            {"verdict": "'unfavourable'"},
            {"body": "'b'"},
            {"basis": "'reconciled'"},
            {"written_by_id": 2},
            {"written_at": LATER},
            {"dossier_id": 4},
        )
    ),
    Case("joint_opinion_issued", to("joint_opinion", 1, issued_at="NULL"), to("joint_opinion", 1, superseded_at=LATER)),
    Case(
        "joint_opinion_issued",
        gone("joint_opinion", 1),
        gone("joint_opinion", 2),
        given=["DELETE FROM joint_amount WHERE joint_id = 2", "DELETE FROM joint_signature WHERE joint_id = 2"],
    ),
    Case(
        "ck_consultation_state_known",
        to("consultation", 1, state="'nonsense'", ended_at=LATER),
        to("consultation", 1, state="'handed_over'", ended_at=LATER),
    ),
    Case(
        "ck_consultation_ended_dated",
        to("consultation", 1, state="'revoked'"),
        to("consultation", 1, state="'expired'", ended_at=LATER),
    ),
    Case(
        "ck_consultation_note_after_expiry",
        to("consultation", 1, note="'late'"),
        to("consultation", 1, note="'late'", state="'expired'", ended_at=LATER),
    ),
    Case(
        "ck_consultation_answered_has_answer",
        to("consultation", 1, state="'answered'", ended_at=LATER),
        to("consultation", 1, state="'answered'", ended_at=LATER, answer="'yes'"),
    ),
    *(
        Case("ck_consultation_colleague_while_asked", refused, to("consultation", 1, **COLLEAGUE))
        for refused in (
            to("consultation", 1, colleague_email="'c@b.example'"),
            to("consultation", 1, **(COLLEAGUE | {"colleague_why": "NULL"})),
            ended("handed_over", **COLLEAGUE),
        )
    ),
    *(
        Case("ck_consultation_file_whole", ended("answered", **(FILE | {part: "NULL"})), ended("answered", **FILE))
        for part in FILE
        if part != "answer"
    ),
    Case(
        "ck_consultation_file_with_answer",
        to("consultation", 1, **(FILE | {"answer": "NULL"})),
        ended("answered", **FILE),
    ),
    Case(
        "uq_consultation_handed_from_id",
        add("consultation", handed_from_id=1),
        add("consultation"),
        given=[add("consultation", handed_from_id=1)],
    ),
)


def fixed_parts(name: str, table: str, link: str, closed: int, change: str, **row: object) -> Iterator[Case]:
    """Parts of the whole `closed` may not come, change or go; those of the other one (1 or 2) may."""
    other = 3 - closed
    yield Case(name, add(table, **{link: closed}, **row), add(table, **{link: other}, **row))
    for action in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):
        yield Case(name, f"{action} WHERE {link} = {closed}", f"{action} WHERE {link} = {other}")


PARTS = (
    *fixed_parts("opinion_sealed", "opinion_amount", "opinion_id", 2, "proposed_cents = 7", request_id=3),
    *fixed_parts("opinion_sealed", "opinion_score", "opinion_id", 2, "score = 3", criterion_id=2),
    *fixed_parts("joint_opinion_issued", "joint_amount", "joint_id", 1, "proposed_cents = 7", request_id=3),
    *fixed_parts("joint_opinion_issued", "joint_signature", "joint_id", 1, f"at = {LATER}", person_id=3),
    *fixed_parts(
        "findings_fixed", "realisation_answer", "mission_id", 2, "evidence = 'y'", item_id=2, verdict="compliant"
    ),
    *fixed_parts(
        "findings_fixed",
        "ledger_line",
        "mission_id",
        2,
        "label = 'y'",
        amount_cents=1,
        share=0,
        accepted_cents=0,
        refused_cents=0,
    ),
    *fixed_parts("sample_sealed", "sample_unit", "sample_id", 1, "ticket = 'y'", dossier_id=4, rank=3),
)

FUNDING = (
    Case("uq_envelope_place", add("envelope", funder_id=1), add("envelope", funder_id=3)),
    Case(
        "uq_envelope_place",
        add("envelope", funder_id=1, orientation_id=1),
        add("envelope", funder_id=2, orientation_id=1),
    ),
    Case(
        "uq_funding_request_dossier_id_funder_id",
        add("funding_request", funder_id=1),
        add("funding_request", funder_id=3),
    ),
    Case(
        "ck_funding_request_asked_positive",
        to("funding_request", 1, asked_cents=0),
        to("funding_request", 1, asked_cents=1),
    ),
    Case(
        "ck_funding_request_proposed_positive",
        to("funding_request", 1, proposed_cents=-1),
        to("funding_request", 1, proposed_cents=0),
    ),
    Case("ck_funding_request_within_asked", grant(1, 8_001, 1), grant(1, 8_000, 1)),
    Case("ck_funding_request_granted_has_amount", grant(1, 0, 1), grant(1, 1, 1)),
    Case(
        "ck_funding_request_granted_has_amount",
        to("funding_request", 1, decision="'granted'", decided_at=LATER, decided_by_id=1),
        to("funding_request", 1, decision="'refused'", decided_at=LATER, decided_by_id=1),
    ),
    Case(
        "ck_funding_request_granted_on_envelope",
        grant(1, 1, 1).replace("envelope_id = 1", "envelope_id = NULL"),
        grant(1, 1, 1),
    ),
    Case(
        "ck_funding_request_decided_dated",
        to("funding_request", 1, decision="'refused'"),
        to("funding_request", 1, decision="'refused'", decided_at=LATER, decided_by_id=1),
    ),
    Case(
        "ck_funding_request_decided_signed",
        to("funding_request", 1, decision="'refused'", decided_at=LATER),
        to("funding_request", 1, decision="'refused'", decided_at=LATER, decided_by_id=1),
    ),
    Case(
        "ck_funding_request_decision_known",
        to("funding_request", 1, decision="'nonsense'", decided_at=LATER, decided_by_id=1),
        to("funding_request", 1, decision="'refused'", decided_at=LATER, decided_by_id=1),
    ),
    # overspending, by each path
    Case("ck_envelope_never_overspent", grant(3, 5_001, 1), grant(3, 5_000, 1), given=[grant(1, 5_000, 1)]),
    Case(
        "ck_envelope_never_overspent",
        to("funding_request", 3, granted_cents=5_001),
        to("funding_request", 3, granted_cents=5_000),
        given=[grant(1, 5_000, 1), grant(3, 4_000, 1)],
    ),
    Case(
        "ck_envelope_never_overspent",
        to("envelope", 1, total_cents=4_999),
        to("envelope", 1, total_cents=5_000),
        given=[grant(1, 5_000, 1)],
    ),
    Case(
        "ck_envelope_never_overspent",
        to("funding_request", 1, envelope_id=3),
        to("funding_request", 1, envelope_id=3, granted_cents=500),
        given=[grant(1, 501, 1)],
    ),
    Case(
        "ck_envelope_never_overspent",
        add(
            "funding_request",
            dossier_id=3,
            funder_id=2,
            asked_cents=9_000,
            decision="granted",
            granted_cents=6_000,
            envelope_id=2,
            decided_at=AT,
            decided_by_id=1,
        ),
        add(
            "funding_request",
            dossier_id=3,
            funder_id=2,
            asked_cents=9_000,
            decision="granted",
            granted_cents=5_000,
            envelope_id=2,
            decided_at=AT,
            decided_by_id=1,
        ),
        given=[grant(2, 5_000, 2)],
    ),
    Case(
        "envelope_granted_kept",
        to("envelope", 1, granted_cents=0),
        to("envelope", 1, granted_cents=100),
        given=[grant(1, 100, 1)],
    ),
    Case(
        "envelope_granted_kept",
        add("envelope", funder_id=3, total_cents=10, granted_cents=1),
        add("envelope", funder_id=3, total_cents=10),
    ),
    Case("envelope_of_funder", grant(1, 1, 2), grant(1, 1, 3)),
    Case("envelope_of_funder", grant(1, 1, 4), grant(1, 1, 1)),
    Case(
        "request_paid_kept",
        to("funding_request", 1, paid_cents=0),
        to("funding_request", 1, paid_cents=10),
        given=[grant(1, 100, 1), add("payment", amount_cents=10, kind="advance")],
    ),
    Case("request_paid_kept", add("funding_request", funder_id=3, paid_cents=1), add("funding_request", funder_id=3)),
)

FOLLOW_UP = (
    Case(
        "ck_payment_kind_known",
        add("payment", kind="nonsense"),
        add("payment", kind="advance"),
        given=[grant(1, 100, 1)],
    ),
    Case(
        "ck_payment_amount_positive",
        add("payment", kind="advance", amount_cents=0),
        add("payment", kind="advance", amount_cents=1),
        given=[grant(1, 100, 1)],
    ),
    # overpaying, by each path
    Case(
        "ck_funding_request_never_overpaid",
        add("payment", kind="advance", amount_cents=101),
        add("payment", kind="advance", amount_cents=100),
        given=[grant(1, 100, 1)],
    ),
    Case(
        "ck_funding_request_never_overpaid",
        add("payment", kind="advance", request_id=2),
        add("payment", kind="advance", request_id=1),
        given=[grant(1, 100, 1)],
    ),
    Case(
        "ck_funding_request_never_overpaid",
        to("payment", 1, amount_cents=101),
        to("payment", 1, amount_cents=100),
        given=[grant(1, 100, 1), add("payment", id=1, kind="advance", amount_cents=60)],
    ),
    Case(
        "ck_funding_request_never_overpaid",
        to("payment", 1, request_id=2),
        to("payment", 1, request_id=2, amount_cents=50),
        given=[grant(1, 100, 1), grant(2, 50, 2), add("payment", id=1, kind="advance", amount_cents=60)],
    ),
    Case(
        "ck_funding_request_never_overpaid",
        to("funding_request", 1, granted_cents=59),
        to("funding_request", 1, granted_cents=60),
        given=[grant(1, 100, 1), add("payment", id=1, kind="advance", amount_cents=60)],
    ),
    Case("agreement_kept", gone("agreement", 1), to("agreement", 1, reference="'r'")),
    Case("uq_agreement_request_id", add("agreement", request_id=1), add("agreement", request_id=2)),
    Case("uq_report_final", add("report", dossier_id=3, kind="final"), add("report", dossier_id=3, kind="progress")),
    Case("uq_report_final", to("report", 2, kind="'final'"), add("report", dossier_id=1, kind="final")),
    Case(
        "ck_report_only_final_is_missed",
        add("report", kind="progress", received=False),
        add("report", kind="final", received=False),
    ),
    Case(
        "ck_evaluation_recommendation_known",
        add("evaluation", dossier_id=3, recommendation="nonsense"),
        add("evaluation", dossier_id=3, recommendation="renew_with_changes"),
    ),
    Case("evaluation_fixed", to("evaluation", 1, body="'y'"), add("evaluation", dossier_id=3, recommendation="stop")),
    Case("evaluation_fixed", gone("evaluation", 1), add("evaluation", dossier_id=3, recommendation="stop")),
    Case(
        "uq_evaluation_dossier_id",
        add("evaluation", dossier_id=1, recommendation="stop"),
        add("evaluation", dossier_id=3, recommendation="stop"),
    ),
    *(
        Case(
            f"ck_evaluation_{criterion}_level",
            add("evaluation", dossier_id=3, recommendation="stop", **{criterion: 5}),
            add("evaluation", dossier_id=3, recommendation="stop", **{criterion: 4}),
        )
        for criterion in ("relevance", "coherence", "effectiveness", "efficiency", "impact")
    ),
)

GRID_9 = add("control_grid", id=9, number=8)
CAMPAIGN_3 = add("campaign", id=3, label="C3", last=DAY.replace(month=12))
CONTROL = (
    Case("ck_sample_size_fits", to("sample", 2, size=3), to("sample", 2, size=2)),
    Case("ck_sample_size_fits", to("sample", 2, size=0), to("sample", 2, seed="'y'")),
    Case(
        "uq_sample_without_plan",
        add("sample", campaign_id=1),
        add("sample", campaign_id=1, plan_id=1),
    ),
    Case(
        "uq_sample_plan_id",
        add("sample", campaign_id=1, plan_id=1),
        add("sample", campaign_id=1, plan_id=2),
        given=[add("sample", campaign_id=1, plan_id=1)],
    ),
    Case(
        "uq_sample_unit_sample_id_rank",
        add("sample_unit", sample_id=2, dossier_id=4, rank=2),
        add("sample_unit", sample_id=2, dossier_id=4, rank=3),
    ),
    *(
        Case("sample_sealed", to("sample", 1, **change), to("sample", 2, **change))
        for change in ({"seed": "'y'"}, {"size": 2}, {"population_hash": "'y'"}, {"drawn_by_id": 2})
    ),
    Case("sample_sealed", to("sample", 1, sealed_at="NULL"), to("sample", 2, sealed_at=LATER)),
    Case("sample_sealed", gone("sample", 1), gone("sample", 2), given=["DELETE FROM sample_unit WHERE sample_id = 2"]),
    Case("sample_whole", to("sample", 2, sealed_at=LATER, size=2), to("sample", 2, sealed_at=LATER)),
    Case("sample_whole", to("sample", 2, sealed_at=LATER, population_size=3), to("sample", 2, population_size=3)),
    Case("sample_whole", add("sample", sealed_at=AT, campaign_id=3), add("sample", campaign_id=3), [CAMPAIGN_3]),
    Case("uq_mission_dossier_id", add("mission"), add("mission", dossier_id=4)),
    Case(
        "ck_mission_outcome_known",
        to("mission", 1, state="'concluded'", concluded_at=LATER, outcome="'nonsense'"),
        to("mission", 1, state="'concluded'", concluded_at=LATER, outcome="'payback'"),
    ),
    Case(
        "ck_mission_concluded_dated",
        to("mission", 1, state="'concluded'", outcome="'none'"),
        to("mission", 1, state="'concluded'", concluded_at=LATER, outcome="'none'"),
    ),
    Case(
        "ck_mission_concluded_has_outcome",
        to("mission", 1, state="'concluded'", concluded_at=LATER),
        to("mission", 1, state="'findings_sent'"),
    ),
    Case(
        "ck_mission_signed_by_one_of_two",
        to("mission", 1, controller_id=3, second_id=4, signed_by_id=2, signed_at=LATER),
        to("mission", 1, controller_id=3, second_id=4, signed_by_id=3, signed_at=LATER),
    ),
    Case(
        "ck_mission_signed_by_one_of_two",
        to("mission", 1, controller_id=3, signed_by_id=3, signed_at=LATER),
        to("mission", 1, controller_id=3),
    ),
    Case(
        "ck_mission_signature_dated",
        to("mission", 1, controller_id=3, second_id=4, signed_by_id=3),
        to("mission", 1, controller_id=3, second_id=4),
    ),
    *(
        Case(
            "findings_by_two",
            to("mission", 1, **sent),
            to("mission", 1, **sent, signed_by_id=3, signed_at=LATER),
            given=[to("mission", 1, controller_id=3, second_id=4, state=f"'{before}'")],
        )
        for before, sent in (
            ("announced", {"state": "'findings_sent'"}),
            ("findings_sent", {"state": "'concluded'", "concluded_at": LATER, "outcome": "'none'"}),
        )
    ),
    *(
        Case("findings_fixed", to("mission", 2, **change), to("mission", 1, **change))
        for change in (
            {"realisation": "'y'"},
            {"spending": "'y'"},
            {"refused_cents": 1},
            {"visit_on": "'2027-06-01'"},
        )
    ),
    *(
        Case(
            "ck_mission_paid_back",
            to("mission", 1, state="'concluded'", concluded_at=LATER, outcome=f"'{outcome}'", payback_cents=cents),
            to("mission", 1, state="'concluded'", concluded_at=LATER, outcome="'payback'", payback_cents=1),
        )
        for outcome, cents in (("none", 1), ("payback", 0))
    ),
    Case(
        "ck_mission_two_people",
        to("mission", 1, controller_id=3, second_id=3),
        to("mission", 1, controller_id=3, second_id=4),
    ),
    Case("ck_mission_two_people", to("mission", 1, second_id=4), to("mission", 1, controller_id=4)),
    *(
        Case("controller_independent", to("mission", 1, **pair), to("mission", 1, controller_id=3, second_id=4))
        for pair in ({"controller_id": 1}, {"controller_id": 3, "second_id": 2})
    ),
    *(
        Case(
            "controller_independent",
            to("mission", 1, controller_id=4),
            to("mission", 1, controller_id=3),
            given=given,
        )
        for given in (
            [add("role_grant", person_id=4, role="carrier", organisation_id=1, ended_at=AT)],
            [add("interest", person_id=4, organisation_id=1)],
            [to("dossier", 1, commune_id=1), add("local_interest", person_id=4, commune_id=1)],
            [
                add("role_grant", person_id=4, role="instructor", instance_id=1, trained_on=DAY),
                add("binome_member", seat=2, person_id=4, institution_id=2, left_at=AT),
            ],
            [add("opinion", author_id=4, superseded_at=AT)],
        )
    ),
    Case(
        "controller_independent",
        add("mission", dossier_id=4, controller_id=4),
        add("mission", dossier_id=4, controller_id=3),
        given=[add("evaluation", dossier_id=4, evaluator_id=4, recommendation="stop")],
    ),
    Case(
        "controller_independent",
        add("mission", dossier_id=4, controller_id=3, second_id=4),
        add("mission", dossier_id=4, controller_id=3),
        given=[add("interest", person_id=4, organisation_id=1)],
    ),
    *(
        Case(
            "controller_apart",
            to("mission", 1, **pair),
            to("mission", 1, **other),
            given=[grant(1, 100, 1), *(to("person", person, institution_id=of) for person, of in ((3, 1), (4, 2)))],
        )
        for pair, other in (
            ({"controller_id": 3}, {"controller_id": 4}),
            ({"controller_id": 4, "second_id": 3}, {"controller_id": 4}),
        )
    ),
    Case(
        "controller_apart",
        add("mission", dossier_id=4, controller_id=3),
        add("mission", dossier_id=4, controller_id=4),
        given=[
            add("funding_request", id=9, dossier_id=4, funder_id=1, asked_cents=100),
            grant(9, 100, 4),
            *(to("person", person, institution_id=of) for person, of in ((3, 1), (4, 2))),
        ],
    ),
    *(
        Case("controller_apart_since", refused, allowed, given=[to("mission", 1, controller_id=3, second_id=4)])
        for refused, allowed in (
            (
                add("evaluation", dossier_id=1, evaluator_id=4, recommendation="stop"),
                add("evaluation", dossier_id=3, evaluator_id=4, recommendation="stop"),
            ),
            (add("opinion", author_id=3), add("opinion", author_id=3, dossier_id=3)),
        )
    ),
    Case(
        "controller_apart_since",
        add("binome_member", seat=2, person_id=4, institution_id=2),
        add("binome_member", dossier_id=3, seat=2, person_id=4, institution_id=2),
        given=[
            add("role_grant", person_id=4, role="instructor", instance_id=1, trained_on=DAY),
            to("mission", 1, controller_id=4),
        ],
    ),
    Case(
        "controller_carries_not",
        add("role_grant", person_id=4, role="carrier", organisation_id=1),
        add("role_grant", person_id=4, role="carrier", organisation_id=2),
        given=[to("mission", 1, controller_id=3, second_id=4)],
    ),
    Case("uq_control_grid_number", add("control_grid", number=1), add("control_grid", number=3)),
    Case(
        "uq_control_item_grid_id_position",
        add("control_item", grid_id=1, position=1),
        add("control_item", grid_id=1, position=3),
    ),
    Case("control_grid_kept", to("control_grid", 1, number=9), add("control_grid", number=9)),
    Case("control_grid_kept", gone("control_grid", 9), add("control_grid", number=9), [GRID_9]),
    Case("control_grid_kept", to("control_item", 1, label="'y'"), add("control_item", position=9)),
    Case("control_grid_kept", gone("control_item", 2), add("control_item", position=9)),
    Case(
        "mission_keeps_grid",
        to("mission", 1, grid_id=2),
        to("mission", 9, grid_id=2),
        given=["DELETE FROM realisation_answer WHERE mission_id = 1", add("mission", id=9, dossier_id=4)],
    ),
    *(
        Case(
            "answer_of_grid",
            statement.format(3) if isinstance(statement, str) else statement,
            "UPDATE realisation_answer SET item_id = 2 WHERE mission_id = 1",
        )
        for statement in (
            "UPDATE realisation_answer SET item_id = {} WHERE mission_id = 1",
            add("realisation_answer", mission_id=1, item_id=3, verdict="compliant"),
        )
    ),
    Case(
        "ck_realisation_answer_verdict_known",
        "UPDATE realisation_answer SET verdict = 'nonsense', observation = 'o' WHERE mission_id = 1",
        "UPDATE realisation_answer SET verdict = 'unverifiable', observation = 'o' WHERE mission_id = 1",
    ),
    Case(
        "ck_realisation_answer_gap_observed",
        "UPDATE realisation_answer SET verdict = 'minor_gap', observation = '' WHERE mission_id = 1",
        "UPDATE realisation_answer SET verdict = 'minor_gap', observation = 'o' WHERE mission_id = 1",
    ),
    Case(
        "ck_ledger_line_amount_positive",
        to("ledger_line", 1, amount_cents=0, accepted_cents=0),
        to("ledger_line", 1, amount_cents=1, accepted_cents=1),
    ),
    *(
        Case(
            "ck_ledger_line_share_known",
            to("ledger_line", 1, share=wrong, accepted_cents=kept),
            to("ledger_line", 1, share=right, accepted_cents=kept),
        )
        for wrong, right, kept in ((10_040, 10_000, 100), (-10, 0, 0))
    ),
    Case(
        "ck_ledger_line_parts_positive",
        to("ledger_line", 1, accepted_cents=-1, refused_cents=51, reason="'r'"),
        to("ledger_line", 1, accepted_cents=0, refused_cents=50, reason="'r'"),
    ),
    Case(
        "ck_ledger_line_parts_whole",
        to("ledger_line", 1, amount_cents=101, accepted_cents=50),
        to("ledger_line", 1, amount_cents=101, accepted_cents=51),
    ),
    Case(
        "ck_ledger_line_refusal_reasoned",
        to("ledger_line", 1, accepted_cents=49, refused_cents=1, reason="''"),
        to("ledger_line", 1, accepted_cents=49, refused_cents=1, reason="'r'"),
    ),
    Case("ck_mission_refused_positive", to("mission", 1, refused_cents=-1), to("mission", 1, refused_cents=0)),
)

RECORD = (
    Case(
        "journal_append_only", "UPDATE journal SET reason = 'other'", add("journal", seq=2, hash="2", previous_hash="1")
    ),
    Case("journal_append_only", "DELETE FROM journal", add("journal", seq=2, hash="2", previous_hash="1")),
    Case(
        "uq_journal_previous_hash",
        add("journal", seq=2, hash="2", previous_hash="0"),
        add("journal", seq=2, hash="2", previous_hash="1"),
    ),
    Case("ck_outbox_one_recipient", add("outbox", key="2"), add("outbox", key="2", address="a@example.org")),
    Case(
        "ck_outbox_one_recipient",
        add("outbox", key="2", person_id=1, address="a@example.org"),
        add("outbox", key="2", person_id=1),
    ),
    Case("ck_outbox_sent_dated", to("outbox", 1, state="'sent'"), to("outbox", 1, state="'sent'", sent_at=LATER)),
    Case("uq_outbox_key", add("outbox", key="1", person_id=1), add("outbox", key="2", person_id=1)),
)

CASES = (
    *LISTS,
    *PEOPLE,
    *CALENDAR,
    *DOSSIER,
    *REMINDERS,
    *INSTRUCTION,
    *PARTS,
    *FUNDING,
    *FOLLOW_UP,
    *CONTROL,
    *PLANS,
    *REVIEWS,
    *RECORD,
)
