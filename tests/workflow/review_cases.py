"""For each rule of the mid-term reviews: a statement that the database refuses, and the nearest one that it takes."""

from tests.workflow.invariants import Case, Statement, add, gone, to
from tests.workflow.plan_cases import ABANDON, CAMPAIGN_3, plan

AT = "'2027-06-01 10:00:00+00'"
DRAWN: list[Statement] = [
    to("person", 3, institution_id="1"),
    to("person", 4, institution_id="2"),
    add("sample_plan", id=7, **plan(campaign_id=1, purpose="review")),
    add("sample", id=7, plan_id=7, purpose="review", population_size=2),
    *(add("sample_unit", sample_id=7, dossier_id=d, rank=d, drawn=d == 1) for d in (1, 3)),
    *(add("review_grid", id=i, number=i) for i in (1, 2)),
    *(add("review_criterion", id=i, grid_id=i, dimension="impact") for i in (1, 2)),
]
"""Dossier 1 is drawn for review and dossier 3 is not; persons 3 and 4 took part in nothing."""
REVIEW: list[Statement] = [*DRAWN, add("review", id=1, sample_id=7, grid_id=1)]
PAIR = {"first_id": "3", "second_id": "4"}
NAMED: list[Statement] = [*REVIEW, to("review", 1, state="'under_review'", **PAIR)]
JUDGED: list[Statement] = [*NAMED, add("review_score", review_id=1, level=2, saved_by_id=3)]
SIGNED = {"first_signed_at": AT, "second_signed_at": AT}
TEXT = {"recommendation": "'adjust'", "reason": "'r'", "strengths": "'s'", "weaknesses": "'w'"}
END = {"state": "'reviewed'", "sealed_at": AT, **SIGNED, **TEXT}
SEAL = to("review", 1, **END)
SEALED: list[Statement] = [*JUDGED, SEAL]


def _but(name: str, given: list[Statement], allowed: str = SEAL, **changes: str) -> Case:
    """The sealing, but for one thing."""
    return Case(name, to("review", 1, **{**END, **changes}), allowed, given)


REVIEWS = (
    # what a draw is for
    Case(
        "ck_sample_plan_purpose_known",
        add("sample_plan", **plan(purpose="any")),
        add("sample_plan", **plan(purpose="review")),
        CAMPAIGN_3,
    ),
    Case("plan_purpose_fixed", to("sample_plan", 2, purpose="'review'"), to("sample_plan", 2, purpose="'control'")),
    Case(
        "plan_after_its_kind",
        add("sample_plan", **plan(campaign_id=2, supersedes_id=2, purpose="review")),
        add("sample_plan", **plan(campaign_id=2, supersedes_id=2)),
        [to("sample_plan", 2, **ABANDON)],
    ),
    Case("ck_sample_purpose_known", add("sample", purpose="review"), add("sample", campaign_id=3), CAMPAIGN_3),
    *(
        Case("sample_of_purpose", refused, to("sample", 7, purpose="'review'"), DRAWN)
        for refused in (add("sample", plan_id=1, purpose="review"), to("sample", 7, purpose="'control'"))
    ),
    Case(
        "mission_of_control",
        add("mission", sample_id=7, dossier_id=4),
        add("mission", sample_id=1, dossier_id=4),
        DRAWN,
    ),
    # the review
    *(
        Case("review_drawn", add("review", **wrong), add("review", sample_id=7), DRAWN)
        for wrong in ({"sample_id": 7, "dossier_id": 3}, {"sample_id": 1})
    ),
    Case("review_fixed", to("review", 1, dossier_id="3"), to("review", 1, dossier_id="1"), REVIEW),
    Case("uq_review_dossier_id", add("review", sample_id=7), to("review", 1, version="2"), REVIEW),
    Case(
        "ck_review_state_known",
        to("review", 1, state="'nonsense'", **PAIR),
        to("review", 1, state="'under_review'", **PAIR),
        REVIEW,
    ),
    Case(
        "ck_review_recommendation_known",
        to("review", 1, recommendation="'nonsense'"),
        to("review", 1, recommendation="'extend'"),
        REVIEW,
    ),
    Case(
        "ck_review_named_to_begin",
        to("review", 1, **PAIR),
        to("review", 1, state="'under_review'", **PAIR),
        REVIEW,
    ),
    Case(
        "ck_review_two_people",
        to("review", 1, second_id="4"),
        to("review", 1, state="'under_review'", **PAIR),
        [*REVIEW, to("person", 3, institution_id="3")],
    ),
    Case(
        "ck_review_has_grid",
        to("review", 1, state="'under_review'", **PAIR),
        to("review", 1, state="'under_review'", grid_id="1", **PAIR),
        [*DRAWN, add("review", id=1, sample_id=7)],
    ),
    _but("ck_review_sealed_dated", JUDGED, sealed_at="NULL"),
    _but("ck_review_sealed_signed", JUDGED, second_signed_at="NULL"),
    *(
        _but("ck_review_sealed_written", JUDGED, **{name: "NULL" if name == "recommendation" else "''"})
        for name in TEXT
    ),
    _but("review_whole", NAMED, to("review", 1, **SIGNED)),
    _but("review_whole", [*JUDGED, "UPDATE review_score SET level = NULL"], to("review", 1, **SIGNED)),
    _but("review_whole", [*JUDGED, "UPDATE review_score SET justification = ''"], to("review", 1, **SIGNED)),
    Case("review_sealed", to("review", 1, reason="'z'"), to("mission", 1, realisation="'y'"), SEALED),
    Case("review_sealed", gone("review", 1), to("mission", 1, realisation="'y'"), SEALED),
    Case(
        "review_sealed",
        add("review_score", review_id=1, saved_by_id=3),
        to("mission", 1, realisation="'y'"),
        SEALED,
    ),
    *(
        Case("review_sealed", change, to("mission", 1, realisation="'y'"), SEALED)
        for change in ("UPDATE review_score SET level = 3", "DELETE FROM review_score")
    ),
    *(
        Case(
            "reviewer_independent",
            to("review", 1, state="'under_review'", first_id="3", second_id="4"),
            to("review", 1, version="2"),
            [*REVIEW, trace],
        )
        for trace in (
            add("opinion", author_id=3),
            add("role_grant", person_id=4, role="carrier", organisation_id=1),
            add("interest", person_id=3, organisation_id=1),
            to("mission", 1, controller_id="3"),
            to("funding_request", 1, decision="'refused'", decided_at=AT, decided_by_id="4"),
        )
    ),
    Case(
        "reviewer_independent",
        add("review", sample_id=7, grid_id=1, state="under_review", first_id=3, second_id=4),
        add("review", sample_id=7, grid_id=1),
        [*DRAWN, add("interest", person_id=3, organisation_id=1)],
    ),
    # Local interest, and the second of two controllers.
    Case(
        "reviewer_independent",
        to("review", 1, state="'under_review'", **PAIR),
        to("review", 1, version="2"),
        [*REVIEW, to("dossier", 1, commune_id="1"), add("local_interest", person_id=4)],
    ),
    Case(
        "reviewer_independent",
        to("review", 1, state="'under_review'", first_id="4", second_id="5"),
        to("review", 1, version="2"),
        [
            *REVIEW,
            add("person", id=5, email="p5@example.org", institution_id=3),
            to("mission", 1, controller_id="3", second_id="5"),
        ],
    ),
    *(
        Case(
            "reviewers_of_two_institutions",
            to("review", 1, state="'under_review'", **PAIR),
            to("review", 1, version="2"),
            [*REVIEW, to("person", 4, institution_id=other)],
        )
        for other in ("1", "NULL")
    ),
    Case(
        "reviewers_of_two_institutions",
        add("review", sample_id=7, grid_id=1, state="under_review", first_id=3, second_id=4),
        add("review", sample_id=7, grid_id=1),
        [*DRAWN, to("person", 4, institution_id="1")],
    ),
    # as things are when it is sealed
    Case(
        "reviewers_of_two_institutions",
        SEAL,
        to("review", 1, **SIGNED),
        [*JUDGED, to("person", 3, institution_id="2")],
    ),
    *(
        Case("reviewer_independent", SEAL, to("review", 1, **SIGNED), [*JUDGED, add("interest", person_id=person)])
        for person in (3, 4)
    ),
    # who reviews or decided does not control
    *(
        Case(
            "controller_steers_not",
            to("mission", 1, **pair),
            to("mission", 1, controller_id="5"),
            [*NAMED, add("person", id=5, email="p5@example.org")],
        )
        for pair in ({"controller_id": "3"}, {"controller_id": "5", "second_id": "4"})
    ),
    Case("controller_steers_not", to("mission", 1, controller_id="3"), to("mission", 2, controller_id="3"), SEALED),
    Case(
        "controller_steers_not",
        to("mission", 2, controller_id="4"),
        to("mission", 2, controller_id="3"),
        [to("funding_request", 3, decision="'refused'", decided_at=AT, decided_by_id="4")],
    ),
    Case(
        "controller_steers_not",
        add("mission", dossier_id=4, controller_id=3, second_id=4),
        add("mission", dossier_id=4, controller_id=3),
        [
            add("funding_request", id=9, dossier_id=4, funder_id=1, asked_cents=100),
            to("funding_request", 9, decision="'refused'", decided_at=AT, decided_by_id="4"),
        ],
    ),
    # the grid
    Case("uq_review_grid_number", add("review_grid", number=1), add("review_grid", number=3), DRAWN),
    Case(
        "uq_review_criterion_grid_id_position",
        add("review_criterion", dimension="impact"),
        add("review_criterion", dimension="impact", position=2),
        DRAWN,
    ),
    Case(
        "ck_review_criterion_dimension_known",
        add("review_criterion", dimension="any", position=2),
        add("review_criterion", dimension="coherence", position=2),
        DRAWN,
    ),
    *(
        Case("review_grid_kept", change, add("review_grid", number=3), DRAWN)
        for change in (
            "UPDATE review_grid SET number = 9 WHERE id = 1",
            "DELETE FROM review_grid WHERE id = 1",
            "UPDATE review_criterion SET label = 'l' WHERE id = 1",
            "DELETE FROM review_criterion WHERE id = 1",
        )
    ),
    Case("review_keeps_grid", to("review", 1, grid_id="2"), to("review", 1, grid_id="1"), REVIEW),
    Case(
        "score_of_review_grid",
        add("review_score", review_id=1, criterion_id=2, saved_by_id=3),
        add("review_score", review_id=1, saved_by_id=3),
        NAMED,
    ),
    Case(
        "score_of_review_grid",
        "UPDATE review_score SET criterion_id = 2",
        "UPDATE review_score SET level = 4",
        JUDGED,
    ),
    *(
        Case(
            "ck_review_score_level_known",
            f"UPDATE review_score SET level = {level}",
            "UPDATE review_score SET level = 0",
            JUDGED,
        )
        for level in (-1, 5)
    ),
)
