"""For each rule of the plan of a draw: a statement that the database refuses, and the nearest one that it takes."""

from datetime import timedelta

from tests.workflow.invariants import AT, Case, add, gone, to

HASH = "2" * 64
IN_TIME, TOO_LATE, READ_AT = "'2027-01-04 12:00:00+00'", "'2027-01-05 09:00:01+00'", "'2027-01-06 10:00:00+00'"


def plan(**values: object) -> dict[str, object]:
    """What a plan must have."""
    return {
        "campaign_id": 3,
        "method": "srs",
        "planned_at": AT,
        "reveals_due_at": AT + timedelta(days=1),
        "public_at": AT + timedelta(days=2),
        "plan_hash": "3",
        **values,
    }


def seat(rank: int, plan_id: int = 1, **columns: str) -> str:
    """An UPDATE of a participant."""
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items())
    return f"UPDATE plan_participant SET {sets} WHERE plan_id = {plan_id} AND rank = {rank}"


COMMIT = {"commitment": f"'{HASH}'", "committed_at": IN_TIME}
REVEAL = {"secret": "'a phrase'", "revealed_at": IN_TIME}
COMMITTED = [seat(2, **COMMIT), to("sample_plan", 1, state="'committed'")]
ALL_IN = [*COMMITTED, seat(1, **REVEAL), seat(2, **REVEAL)]
REVEALED = [*ALL_IN, to("sample_plan", 1, state="'revealed'", revealed_at=IN_TIME)]
LATER = AT + timedelta(days=3)
READ = [*REVEALED, *(add("plan_reading", id=p, plan_id=1, person_id=p, value="7", at=LATER) for p in (1, 2))]
SAMPLE = [
    add("sample", id=9, campaign_id=1, plan_id=1, seed="s"),
    add("sample_unit", sample_id=9, dossier_id=1, rank=1, drawn=True),
]
SEAL = to("sample_plan", 1, state="'sealed'", public_value="'7'", seed="'s'", ended_at=READ_AT)
DRAWN = [*READ, *SAMPLE, to("sample", 9, sealed_at=READ_AT)]
ABANDON = {"state": "'abandoned'", "reason": "'y'", "ended_at": IN_TIME}
CAMPAIGN_3 = [add("campaign", id=3, label="C3", last=AT.date() + timedelta(days=1))]

NAMED = [
    *CAMPAIGN_3,
    add("sample_plan", **plan(id=3, beacon="quicknet", beacon_round=7)),
    add("plan_unit", plan_id=3),
    *(add("plan_participant", plan_id=3, person_id=p, rank=p) for p in (1, 2)),
    *(seat(rank, 3, **COMMIT) for rank in (1, 2)),
    to("sample_plan", 3, state="'committed'"),
    *(seat(rank, 3, **REVEAL) for rank in (1, 2)),
    to("sample_plan", 3, state="'revealed'", revealed_at=IN_TIME),
]


def answer(**values: object) -> dict[str, object]:
    """What was fetched of the round that plan 3 names."""
    return {"plan_id": 3, "round": 7, "randomness": HASH, "at": LATER, **values}


PLANS = (
    # the plan
    Case(
        "ck_sample_plan_method_known",
        add("sample_plan", **plan(method="any")),
        add("sample_plan", **plan()),
        CAMPAIGN_3,
    ),
    Case(
        "ck_sample_plan_stratum_known",
        add("sample_plan", **plan(method="stratified", stratum="any")),
        add("sample_plan", **plan(method="stratified", stratum="funder")),
        CAMPAIGN_3,
    ),
    Case(
        "ck_sample_plan_stratified_by_something",
        add("sample_plan", **plan(stratum="funder")),
        add("sample_plan", **plan(method="stratified", stratum="instance")),
        CAMPAIGN_3,
    ),
    Case(
        "ck_sample_plan_size_fits", add("sample_plan", **plan(size=2)), add("sample_plan", **plan(size=1)), CAMPAIGN_3
    ),
    Case(
        "ck_sample_plan_in_order",
        add("sample_plan", **plan(public_at=AT + timedelta(days=1))),
        add("sample_plan", **plan()),
        CAMPAIGN_3,
    ),
    Case("uq_sample_plan_first", add("sample_plan", **plan(campaign_id=1)), add("sample_plan", **plan()), CAMPAIGN_3),
    Case(
        "uq_sample_plan_first_review",
        add("sample_plan", **plan(purpose="review", campaign_id=1)),
        add("sample_plan", **plan()),
        [*CAMPAIGN_3, add("sample_plan", **plan(purpose="review", campaign_id=2, plan_hash="4"))],
    ),
    Case(
        "uq_sample_plan_plan_hash", add("sample_plan", **plan(plan_hash="1")), add("sample_plan", **plan()), CAMPAIGN_3
    ),
    Case(
        "uq_sample_plan_supersedes_id",
        add("sample_plan", **plan(campaign_id=2, supersedes_id=2, plan_hash="4")),
        add("sample_plan", **plan(campaign_id=3, plan_hash="4")),
        [
            *CAMPAIGN_3,
            to("sample_plan", 2, **ABANDON),
            add("sample_plan", **plan(campaign_id=2, supersedes_id=2)),
        ],
    ),
    *(
        Case(
            "plan_starts",
            add("sample_plan", **wrong),
            add("sample_plan", **plan(campaign_id=2, supersedes_id=2)),
            [to("sample_plan", 2, **ABANDON)],
        )
        for wrong in (
            plan(campaign_id=1, supersedes_id=1),
            plan(campaign_id=1, supersedes_id=2),
            plan(state="committed"),
        )
    ),
    Case(
        "plan_starts",
        add("sample_plan", **plan(campaign_id=1, supersedes_id=8, purpose="review")),
        add("sample_plan", **plan(campaign_id=1, supersedes_id=7, purpose="review")),
        [
            add("sample_plan", **plan(id=7, campaign_id=2, purpose="review", plan_hash="7")),
            to("sample_plan", 7, **ABANDON),
        ],
    ),
    Case(
        "plan_starts",
        add("sample_plan", **plan(campaign_id=1, supersedes_id=7, purpose="review")),
        to("sample_plan", 7, **ABANDON),
        [add("sample_plan", **plan(id=7, campaign_id=2, purpose="review", plan_hash="7"))],
    ),
    Case("plan_kept", gone("sample_plan", 2), to("sample_plan", 2, state="'planned'")),
    *(
        Case("plan_fixed", to("sample_plan", 2, **{name: value}), to("sample_plan", 2, state="'planned'"))
        for name, value in {
            "method": "'mus'",
            "size": "2",
            "reserve": "1",
            "population_size": "2",
            "public_source": "'y'",
            "public_at": READ_AT[:-5] + "1+00'",
            "reveals_due_at": TOO_LATE,
            "planned_by_id": "2",
            "document": "'y'",
            "plan_hash": "'y'",
            "campaign_id": "1",
        }.items()
    ),
    Case("plan_fixed", to("sample_plan", 1, revealed_at=TOO_LATE), to("sample_plan", 1, reason="''"), REVEALED),
    Case("plan_fixed", to("sample_plan", 1, reason="'z'"), to("sample_plan", 2, **ABANDON), [*DRAWN, SEAL]),
    Case(
        "plan_fixed",
        to("sample_plan", 2, reason="'z'"),
        to("sample_plan", 1, **ABANDON),
        [to("sample_plan", 2, **ABANDON)],
    ),
    Case(
        "plan_onward",
        to("sample_plan", 1, state="'revealed'"),
        to("sample_plan", 1, state="'committed'"),
        [seat(2, **COMMIT)],
    ),
    Case("plan_onward", to("sample_plan", 1, state="'planned'"), to("sample_plan", 1, state="'committed'"), COMMITTED),
    Case("plan_onward", to("sample_plan", 1, state="'known'"), to("sample_plan", 1, **ABANDON)),
    Case("plan_whole", to("sample_plan", 1, state="'committed'"), to("sample_plan", 1, **ABANDON)),
    Case(
        "plan_whole",
        to("sample_plan", 2, state="'committed'"),
        to("sample_plan", 1, state="'committed'"),
        [seat(2, **COMMIT), add("plan_unit", plan_id=2, dossier_id=3, number="y")]
        + [seat(rank, 2, **COMMIT) for rank in (1, 2)],
    ),
    Case(
        "plan_whole",
        to("sample_plan", 1, state="'revealed'", revealed_at=IN_TIME),
        seat(2, **REVEAL),
        [*COMMITTED, seat(1, **REVEAL)],
    ),
    Case("plan_whole", SEAL, SAMPLE[0], READ),
    Case("plan_whole", SEAL.replace("'7'", "'8'"), SEAL, DRAWN),
    Case("plan_whole", SEAL.replace("'s'", "'t'"), SEAL, DRAWN),
    Case(
        "ck_sample_plan_revealed_dated",
        to("sample_plan", 1, state="'revealed'"),
        to("sample_plan", 1, state="'revealed'", revealed_at=IN_TIME),
        ALL_IN,
    ),
    Case(
        "ck_sample_plan_ended_dated",
        to("sample_plan", 1, state="'abandoned'", reason="'y'"),
        to("sample_plan", 1, **ABANDON),
    ),
    Case(
        "ck_sample_plan_abandoned_for_a_reason",
        to("sample_plan", 1, state="'abandoned'", ended_at=IN_TIME),
        to("sample_plan", 1, **ABANDON),
    ),
    Case(
        "ck_sample_plan_abandoned_unknown",
        to("sample_plan", 1, **{**ABANDON, "ended_at": READ_AT}),
        to("sample_plan", 1, **ABANDON),
        REVEALED,
    ),
    Case("ck_sample_plan_sealed_with_seed", to("sample_plan", 1, seed="'s'"), SEAL, DRAWN),
    Case("ck_sample_plan_sealed_with_seed", to("sample_plan", 1, public_value="'7'"), SEAL, DRAWN),
    *(
        Case(
            name,
            add("sample_plan", **plan(**wrong)),
            add("sample_plan", **plan(**right)),
            CAMPAIGN_3,
        )
        for name, wrong, right in (
            ("ck_sample_plan_selection_simple", {"selection": "any"}, {"selection": "rfc3797"}),
            ("ck_sample_plan_selection_simple", {"selection": "rfc3797", "method": "mus"}, {"method": "mus"}),
            (
                "ck_sample_plan_beacon_known",
                {"beacon": "any", "beacon_round": 1},
                {"beacon": "default", "beacon_round": 1},
            ),
            ("ck_sample_plan_round_of_beacon", {"beacon_round": 1}, {"beacon": "quicknet", "beacon_round": 1}),
        )
    ),
    *(
        Case("plan_source_fixed", to("sample_plan", 2, **change), to("sample_plan", 2, state="'planned'"))
        for change in ({"selection": "'rfc3797'"}, {"beacon": "'default'", "beacon_round": "1"})
    ),
    # the population
    Case(
        "ck_plan_unit_value_counted",
        *(add("plan_unit", plan_id=2, dossier_id=3, number="y", value_cents=cents) for cents in (-1, 0)),
    ),
    Case(
        "uq_plan_unit_plan_id_number",
        add("plan_unit", plan_id=2, dossier_id=3),
        add("plan_unit", plan_id=2, dossier_id=3, number="y"),
    ),
    Case(
        "plan_population_fixed",
        add("plan_unit", plan_id=1, dossier_id=3, number="y"),
        add("plan_unit", plan_id=2, dossier_id=3, number="y"),
    ),
    *(
        Case("plan_population_fixed", change, add("plan_unit", plan_id=2, dossier_id=3, number="y"))
        for change in ("UPDATE plan_unit SET value_cents = 2", "DELETE FROM plan_unit")
    ),
    # who takes part
    Case(
        "uq_plan_participant_plan_id_rank",
        add("plan_participant", plan_id=2, person_id=3, rank=2),
        add("plan_participant", plan_id=2, person_id=3, rank=3),
    ),
    Case(
        "plan_seats_fixed",
        add("plan_participant", plan_id=1, person_id=3, rank=3),
        add("plan_participant", plan_id=2, person_id=3, rank=3),
    ),
    Case("plan_seats_fixed", "DELETE FROM plan_participant", seat(2, **COMMIT)),
    Case("plan_seats_fixed", seat(2, person_id="3"), seat(2, **COMMIT)),
    Case("ck_plan_participant_committed_dated", seat(2, commitment=f"'{HASH}'"), seat(2, **COMMIT)),
    Case("ck_plan_participant_commitment_is_hash", seat(2, **{**COMMIT, "commitment": "'2'"}), seat(2, **COMMIT)),
    Case("commitment_fixed", seat(1, **COMMIT), seat(2, **COMMIT)),
    Case("commitment_fixed", seat(1, commitment="NULL", committed_at="NULL"), seat(2, **COMMIT)),
    Case("commitment_fixed", seat(2, **COMMIT), seat(1, 2, **COMMIT), [to("sample_plan", 1, **ABANDON)]),
    Case("ck_plan_participant_revealed_dated", seat(1, secret="'a'"), seat(1, **REVEAL), COMMITTED),
    Case("secret_fixed", seat(1, **REVEAL), seat(2, **COMMIT)),
    Case("secret_fixed", seat(1, **{**REVEAL, "secret": "'b'"}), seat(2, **REVEAL), [*COMMITTED, seat(1, **REVEAL)]),
    Case("secret_fixed", seat(1, **{**REVEAL, "revealed_at": TOO_LATE}), seat(1, **REVEAL), COMMITTED),
    Case(
        "ck_plan_participant_committed_first",
        add("plan_participant", plan_id=2, person_id=3, rank=3, secret="a", revealed_at=AT),
        add(
            "plan_participant",
            plan_id=2,
            person_id=3,
            rank=3,
            secret="a",
            revealed_at=AT,
            commitment=HASH,
            committed_at=AT,
        ),
    ),
    # the public value
    Case(
        "uq_plan_reading_plan_id_person_id_value",
        add("plan_reading", plan_id=1, value="7", at=LATER),
        add("plan_reading", plan_id=1, value="8", at=LATER),
        READ,
    ),
    Case(
        "reading_in_time",
        add("plan_reading", plan_id=1, at=AT + timedelta(days=1)),
        add("plan_reading", plan_id=1, at=AT + timedelta(days=2)),
        REVEALED,
    ),
    Case("reading_in_time", add("plan_reading", plan_id=1, at=LATER), seat(2, **REVEAL), COMMITTED),
    # what was fetched of it
    *(
        Case(name, add("beacon_answer", **answer(**wrong)), add("beacon_answer", **answer()), NAMED)
        for name, wrong in (
            ("ck_beacon_answer_randomness_is_hash", {"randomness": "7"}),
            ("answer_of_round", {"round": 6}),
            ("answer_of_round", {"at": AT + timedelta(days=1)}),
            ("answer_of_round", {"plan_id": 2}),
        )
    ),
    *(
        Case(
            "answer_kept", change, add("plan_reading", plan_id=3, at=LATER), [*NAMED, add("beacon_answer", **answer())]
        )
        for change in ("UPDATE beacon_answer SET source = 'y'", "DELETE FROM beacon_answer")
    ),
    *(
        Case("reading_kept", change, add("plan_reading", plan_id=1, value="8", at=LATER), READ)
        for change in ("UPDATE plan_reading SET value = '8'", gone("plan_reading", 1))
    ),
)
