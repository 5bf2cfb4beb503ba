"""What the database refuses beyond constraints, and the totals that it keeps, as triggers of both databases.

A refusal is an integrity error whose message starts with the rule's name. SQLite drops a table's triggers when a
migration rebuilds that table: such a migration must run `statements` for it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

INSERT, UPDATE, DELETE, TRUNCATE = "INSERT", "UPDATE", "DELETE", "TRUNCATE"
ROW = {INSERT: ("NEW",), UPDATE: ("OLD", "NEW"), DELETE: ("OLD",)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Refuse `events` on rows of `table` where `condition` holds (it may differ in PostgreSQL)."""

    name: str
    why: str
    table: str
    events: tuple[str, ...]
    condition: str = "1 = 1"
    on_postgresql: str | None = None
    since: str = "0001"
    """The migration that brings it."""


@dataclass(frozen=True, slots=True)
class Total:
    """Keep `total` of the row of `table` that `link` names as the sum of `part` over the rows of `parts`."""

    name: str
    table: str
    total: str
    parts: str
    part: str
    link: str


def changed(*columns: str) -> str:
    """The condition that one of the columns changes."""
    return "(" + " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns) + ")"


def _closed(
    parts: str, link: str, parent: str, closed_at: str, name: str, why: str, since: str = "0001"
) -> tuple[Refusal, ...]:
    """Refuse every change of `parts` once the row of `parent` that they belong to is closed."""

    def parent_closed(row: str) -> str:
        # The lock makes a part that is being written and the closing of its whole wait for each other.
        return f"(SELECT {closed_at} FROM {parent} WHERE id = {row}.{link} /*lock*/) IS NOT NULL"  # noqa: S608

    return tuple(
        Refusal(name, why, parts, (event,), " OR ".join(parent_closed(row) for row in rows), since=since)
        for event, rows in ROW.items()
    )


_SEAT = (
    "FROM dossier JOIN role_grant ON role_grant.instance_id = dossier.instance_id AND role_grant.role = 'instructor'"
    " AND role_grant.ended_at IS NULL WHERE dossier.id = NEW.dossier_id AND role_grant.person_id = NEW.person_id"
)
"""Whoever sits down, as an instructor of the instance that leads the dossier."""

_PAIR = "(NEW.controller_id, NEW.second_id)"
_REVIEWERS = "(NEW.first_id, NEW.second_id)"
_TRACES = tuple(
    f"EXISTS (SELECT 1 FROM {trace} IN {{}})"  # noqa: S608
    for trace in (
        "binome_member WHERE dossier_id = NEW.dossier_id AND person_id",
        "opinion WHERE dossier_id = NEW.dossier_id AND author_id",
        "evaluation WHERE dossier_id = NEW.dossier_id AND evaluator_id",
        *(
            f"dossier JOIN {table} ON {table}.{link} = dossier.{link}"
            f" WHERE dossier.id = NEW.dossier_id AND {table}.person_id"
            for table, link in (
                ("role_grant", "organisation_id"),
                ("interest", "organisation_id"),
                ("local_interest", "commune_id"),
            )
        ),
    )
)
_DECIDED, _REVIEWED, _CONTROLLED = (
    " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE dossier_id = NEW.dossier_id AND {person} IN {{}})"  # noqa: S608
        for person in people
    )
    for table, people in (
        ("funding_request", ("decided_by_id",)),
        ("review", ("first_id", "second_id")),
        ("mission", ("controller_id", "second_id")),
    )
)
_TAKING_PART = " OR ".join(_TRACES).replace("{}", _PAIR)
"""Whether one of the controllers that a mission is given ever took part in its dossier."""
_STEERING = f"{_DECIDED} OR {_REVIEWED}".replace("{}", _PAIR)
"""Whether one of them decided on money for it, or reviews it."""
_MADE_OR_CONTROLLED = " OR ".join((*_TRACES, _DECIDED, _CONTROLLED)).replace("{}", _REVIEWERS)
"""Whether one of the reviewers that a review is given took part in its dossier, decided on it, or controls it."""
_GRANTED = "FROM funding_request WHERE dossier_id = NEW.dossier_id AND decision = 'granted'"
_OF_THE_SOLE_FUNDER = (
    f"(SELECT count(*) {_GRANTED}) = 1 AND EXISTS (SELECT 1 FROM person"  # noqa: S608
    f" WHERE id IN {_PAIR} AND institution_id = (SELECT min(funder_id) {_GRANTED}))"
)
"""Whether one of them comes from the institution that funds alone."""
_OF_MISSION = (
    "EXISTS (SELECT 1 FROM mission WHERE dossier_id = NEW.dossier_id AND NEW.{} IN (controller_id, second_id))"
)
"""Whether the person of a column controls the dossier."""


_FINDINGS_SENT = "CASE WHEN state IN ('findings_sent', 'concluded') THEN 1 END"
"""Of a mission: not null from the sending of its findings on."""


def _plan_state(row: str) -> str:
    return f"(SELECT state FROM sample_plan WHERE id = {row}.plan_id /*lock*/)"  # noqa: S608


_BEGUN = (
    f"{_plan_state('NEW')} <> 'planned' OR EXISTS (SELECT 1 FROM plan_participant seat"  # noqa: S608
    " WHERE seat.plan_id = NEW.plan_id AND seat.commitment IS NOT NULL)"
)
"""Whether the plan of the row already has a commitment."""

TOTALS = (
    Total("envelope_granted", "envelope", "granted_cents", "funding_request", "granted_cents", "envelope_id"),
    Total("request_paid", "funding_request", "paid_cents", "payment", "amount_cents", "request_id"),
)

REFUSALS = (
    Refusal("journal_append_only", "the journal is only added to", "journal", (UPDATE, DELETE, TRUNCATE)),
    Refusal(
        "dossier_never_draft_again",
        "a deposited dossier is no draft again",
        "dossier",
        (UPDATE,),
        "OLD.state <> 'draft' AND NEW.state = 'draft'",
    ),
    Refusal(
        "dossier_number_fixed",
        "a number, once given, stays",
        "dossier",
        (UPDATE,),
        f"OLD.number IS NOT NULL AND {changed('number')}",
    ),
    Refusal("message_fixed", "a message stays as it was sent", "message", (UPDATE,)),
    Refusal("comment_fixed", "a comment stays as it was written", "instance_comment", (UPDATE, DELETE), since="0007"),
    Refusal("note_fixed", "a note stays as it was written", "internal_note", (UPDATE, DELETE), since="0007"),
    Refusal("document_fixed", "a document stays as it was attached", "document", (UPDATE,)),
    Refusal(
        "version_of_same",
        "a version replaces a document of its dossier and kind that is there",
        "document",
        (INSERT,),
        # With document_fixed, no chain of versions comes back to itself.
        "NEW.replaces_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document earlier WHERE earlier.id = NEW.replaces_id"
        " AND earlier.dossier_id = NEW.dossier_id AND earlier.kind = NEW.kind)",
        since="0008",
    ),
    Refusal(
        "opinion_sealed",
        "a sealed opinion is fixed",
        "opinion",
        (UPDATE,),
        "OLD.sealed_at IS NOT NULL AND "
        + changed("dossier_id", "author_id", "verdict", "strengths", "reservations", "saved_at", "sealed_at"),
    ),
    Refusal("opinion_sealed", "a sealed opinion is kept", "opinion", (DELETE,), "OLD.sealed_at IS NOT NULL"),
    *_closed("opinion_amount", "opinion_id", "opinion", "sealed_at", "opinion_sealed", "a sealed opinion is fixed"),
    *_closed(
        "opinion_score",
        "opinion_id",
        "opinion",
        "sealed_at",
        "opinion_sealed",
        "a sealed opinion is fixed",
        since="0004",
    ),
    Refusal("grid_kept", "a version of a grid is fixed", "opinion_grid", (UPDATE, DELETE), since="0004"),
    Refusal("grid_kept", "a version of a grid is fixed", "criterion", (UPDATE, DELETE), since="0004"),
    Refusal(
        "score_of_grid",
        "what is scored is a criterion of the dossier",
        "opinion_score",
        (INSERT, UPDATE),
        "NOT EXISTS (SELECT 1 FROM opinion JOIN dossier ON dossier.id = opinion.dossier_id JOIN criterion"
        " ON criterion.grid_id = dossier.grid_id WHERE opinion.id = NEW.opinion_id"
        " AND criterion.id = NEW.criterion_id)",
        since="0004",
    ),
    Refusal(
        "joint_opinion_issued",
        "an issued joint opinion is fixed",
        "joint_opinion",
        (UPDATE,),
        "OLD.issued_at IS NOT NULL AND "
        + changed("dossier_id", "basis", "verdict", "body", "written_by_id", "written_at", "issued_at"),
    ),
    Refusal(
        "joint_opinion_issued",
        "an issued joint opinion is kept",
        "joint_opinion",
        (DELETE,),
        "OLD.issued_at IS NOT NULL",
    ),
    *(
        refusal
        for parts in ("joint_amount", "joint_signature")
        for refusal in _closed(
            parts, "joint_id", "joint_opinion", "issued_at", "joint_opinion_issued", "an issued joint opinion is fixed"
        )
    ),
    Refusal("sample_sealed", "a sealed draw is fixed", "sample", (UPDATE, DELETE), "OLD.sealed_at IS NOT NULL"),
    Refusal("sample_whole", "a draw is sealed once it is written", "sample", (INSERT,), "NEW.sealed_at IS NOT NULL"),
    Refusal(
        "sample_whole",
        "a draw is sealed with its whole population and as many drawn as its size",
        "sample",
        (UPDATE,),
        "OLD.sealed_at IS NULL AND NEW.sealed_at IS NOT NULL AND (SELECT count(*) = NEW.population_size"
        " AND count(nullif(drawn, FALSE)) = NEW.size FROM sample_unit WHERE sample_id = NEW.id) IS NOT TRUE",
    ),
    *_closed("sample_unit", "sample_id", "sample", "sealed_at", "sample_sealed", "a sealed draw is fixed"),
    *(
        refusal
        for parts in ("ledger_line", "realisation_answer")
        for refusal in _closed(
            parts,
            "mission_id",
            "mission",
            _FINDINGS_SENT,
            "findings_fixed",
            "what was found is fixed once it is sent",
            since="0011",
        )
    ),
    Refusal(
        "findings_fixed",
        "what was found is fixed once it is sent",
        "mission",
        (UPDATE,),
        "OLD.state IN ('findings_sent', 'concluded') AND "
        + changed("visit_on", "realisation", "spending", "refused_cents"),
        since="0011",
    ),
    Refusal(
        "findings_by_two",
        "findings are sent and concluded with the signature of one of the two controllers",
        "mission",
        (UPDATE,),
        f"OLD.state IN ('announced', 'findings_sent') AND {changed('state')} AND NEW.signed_by_id IS NULL",
        since="0014",
    ),
    *(
        Refusal(name, why, "mission", (event,), f"{first}({condition})", since=since)
        for name, why, condition, since in (
            ("controller_independent", "nobody controls a dossier that they took part in", _TAKING_PART, "0011"),
            ("controller_apart", "nobody controls what their institution funds alone", _OF_THE_SOLE_FUNDER, "0011"),
            # Besides the first and not in it: a migration that ran keeps the triggers that it made.
            ("controller_steers_not", "nobody controls what they decided on or review", _STEERING, "0012"),
        )
        for event, first in ((INSERT, ""), (UPDATE, changed("controller_id", "second_id") + " AND "))
    ),
    *(
        Refusal(
            "controller_apart_since",
            "who controls a dossier does not instruct or evaluate it",
            table,
            (INSERT,),
            _OF_MISSION.format(person),
            since="0011",
        )
        for table, person in (("binome_member", "person_id"), ("opinion", "author_id"), ("evaluation", "evaluator_id"))
    ),
    Refusal(
        "controller_carries_not",
        "who controls a dossier does not carry for its organisation meanwhile",
        "role_grant",
        (INSERT,),
        "EXISTS (SELECT 1 FROM mission JOIN dossier ON dossier.id = mission.dossier_id"
        " WHERE dossier.organisation_id = NEW.organisation_id AND mission.state <> 'concluded'"
        " AND NEW.person_id IN (mission.controller_id, mission.second_id))",
        since="0011",
    ),
    Refusal("control_grid_kept", "a version of a grid is fixed", "control_grid", (UPDATE, DELETE), since="0011"),
    Refusal("control_grid_kept", "a version of a grid is fixed", "control_item", (UPDATE, DELETE), since="0011"),
    Refusal(
        "mission_keeps_grid",
        "a control keeps its grid",
        "mission",
        (UPDATE,),
        f"OLD.grid_id IS NOT NULL AND {changed('grid_id')}",
        since="0011",
    ),
    Refusal(
        "answer_of_grid",
        "what is answered is an item of the grid of the control",
        "realisation_answer",
        (INSERT, UPDATE),
        "NOT EXISTS (SELECT 1 FROM mission JOIN control_item ON control_item.grid_id = mission.grid_id"
        " WHERE mission.id = NEW.mission_id AND control_item.id = NEW.item_id)",
        since="0011",
    ),
    Refusal(
        "plan_starts",
        "a plan begins as planned, after the one it names, which is over",
        "sample_plan",
        (INSERT,),
        "NEW.state <> 'planned' OR (NEW.supersedes_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sample_plan earlier"
        " WHERE earlier.id = NEW.supersedes_id AND (NEW.purpose = 'review' OR earlier.campaign_id = NEW.campaign_id)"
        " AND earlier.state IN ('sealed', 'abandoned')))",
        since="0012",
    ),
    Refusal("plan_kept", "a plan is kept", "sample_plan", (DELETE,), since="0010"),
    Refusal(
        "plan_fixed",
        "a published plan is fixed",
        "sample_plan",
        (UPDATE,),
        "OLD.state IN ('sealed', 'abandoned') OR "
        + changed(
            *("id", "campaign_id", "supersedes_id", "method", "stratum", "size", "reserve", "population_size"),
            *("public_source", "public_at", "reveals_due_at", "planned_at", "planned_by_id", "document", "plan_hash"),
        )
        + f" OR (OLD.revealed_at IS NOT NULL AND {changed('revealed_at')})",
        since="0010",
    ),
    Refusal(
        "plan_onward",
        "a plan goes on step by step",
        "sample_plan",
        (UPDATE,),
        "NEW.state <> OLD.state AND NEW.state <> 'abandoned' AND OLD.state || ' ' || NEW.state"
        " NOT IN ('planned committed', 'committed revealed', 'revealed sealed')",
        since="0010",
    ),
    Refusal(
        "plan_whole",
        "every step of a plan waits for all that it needs",
        "sample_plan",
        (UPDATE,),
        "(OLD.state = 'planned' AND NEW.state = 'committed' AND ((SELECT count(*) >= 2 AND count(*) ="
        " count(commitment) FROM plan_participant WHERE plan_id = NEW.id) IS NOT TRUE"
        " OR (SELECT count(*) FROM plan_unit WHERE plan_id = NEW.id) <> NEW.population_size))"
        " OR (OLD.state = 'committed' AND NEW.state = 'revealed' AND EXISTS (SELECT 1 FROM plan_participant"
        " WHERE plan_id = NEW.id AND secret IS NULL))"
        " OR (OLD.state = 'revealed' AND NEW.state = 'sealed' AND ((SELECT count(DISTINCT person_id)"
        " FROM plan_reading WHERE plan_id = NEW.id AND value = NEW.public_value) < 2 OR NOT EXISTS (SELECT 1"
        " FROM sample WHERE sample.plan_id = NEW.id AND sample.seed = NEW.seed AND sample.sealed_at IS NOT NULL)))",
        since="0010",
    ),
    *(
        Refusal(
            "plan_population_fixed",
            "a published population is fixed",
            "plan_unit",
            (INSERT,) if event is INSERT else (UPDATE, DELETE),
            condition,
            since="0010",
        )
        for event, condition in ((INSERT, _BEGUN), (UPDATE, "1 = 1"))
    ),
    Refusal("plan_seats_fixed", "who takes part is fixed", "plan_participant", (INSERT,), _BEGUN, since="0010"),
    Refusal("plan_seats_fixed", "who takes part is fixed", "plan_participant", (DELETE,), since="0010"),
    Refusal(
        "plan_seats_fixed",
        "who takes part is fixed",
        "plan_participant",
        (UPDATE,),
        changed("plan_id", "person_id", "rank"),
        since="0010",
    ),
    Refusal(
        "commitment_fixed",
        "a commitment is made once, before any secret",
        "plan_participant",
        (UPDATE,),
        f"{changed('commitment', 'committed_at')}"
        f" AND (OLD.commitment IS NOT NULL OR {_plan_state('NEW')} <> 'planned')",
        since="0010",
    ),
    Refusal(
        "secret_fixed",
        "a secret is handed in once, after all commitments and in time",
        "plan_participant",
        (UPDATE,),
        f"{changed('secret', 'revealed_at')} AND (OLD.secret IS NOT NULL OR {_plan_state('NEW')} <> 'committed'"  # noqa: S608
        " OR NEW.revealed_at > (SELECT reveals_due_at FROM sample_plan WHERE id = NEW.plan_id))",
        since="0010",
    ),
    Refusal(
        "reading_in_time",
        "the public value is read once it is there, all secrets being in",
        "plan_reading",
        (INSERT,),
        f"{_plan_state('NEW')} <> 'revealed'"  # noqa: S608
        " OR NEW.at < (SELECT public_at FROM sample_plan WHERE id = NEW.plan_id)",
        since="0010",
    ),
    Refusal(
        "plan_source_fixed",
        "a published plan is fixed",
        "sample_plan",
        (UPDATE,),
        changed("selection", "beacon", "beacon_round"),
        since="0013",
    ),
    Refusal(
        "answer_of_round",
        "what was fetched is the round of the plan, once it is there",
        "beacon_answer",
        (INSERT,),
        f"{_plan_state('NEW')} <> 'revealed' OR NOT EXISTS (SELECT 1 FROM sample_plan WHERE id = NEW.plan_id"  # noqa: S608
        " AND beacon_round = NEW.round AND public_at <= NEW.at)",
        since="0013",
    ),
    Refusal("answer_kept", "what was fetched stays", "beacon_answer", (UPDATE, DELETE), since="0013"),
    Refusal("reading_kept", "what was read stays", "plan_reading", (UPDATE, DELETE), since="0010"),
    Refusal(
        "plan_purpose_fixed", "a plan keeps its purpose", "sample_plan", (UPDATE,), changed("purpose"), since="0012"
    ),
    Refusal(
        "plan_after_its_kind",
        "a plan comes after one for the same purpose",
        "sample_plan",
        (INSERT,),
        "NEW.supersedes_id IS NOT NULL AND NEW.purpose <> (SELECT earlier.purpose FROM sample_plan earlier"
        " WHERE earlier.id = NEW.supersedes_id)",
        since="0012",
    ),
    Refusal(
        "sample_of_purpose",
        "a sample is for what its plan is for",
        "sample",
        (INSERT, UPDATE),
        "NEW.purpose <> (SELECT purpose FROM sample_plan WHERE id = NEW.plan_id)",
        since="0012",
    ),
    Refusal(
        "mission_of_control",
        "what is controlled was drawn for control",
        "mission",
        (INSERT,),
        "(SELECT purpose FROM sample WHERE id = NEW.sample_id) <> 'control'",
        since="0012",
    ),
    Refusal(
        "review_drawn",
        "what is reviewed was drawn for review",
        "review",
        (INSERT,),
        "NOT EXISTS (SELECT 1 FROM sample JOIN sample_unit ON sample_unit.sample_id = sample.id"
        " WHERE sample.id = NEW.sample_id AND sample.purpose = 'review' AND sample_unit.drawn"
        " AND sample_unit.dossier_id = NEW.dossier_id)",
        since="0012",
    ),
    Refusal(
        "review_fixed", "a review keeps its draw", "review", (UPDATE,), changed("sample_id", "dossier_id"), since="0012"
    ),
    *(
        Refusal(
            "review_sealed", "a sealed review is fixed", "review", (event,), "OLD.sealed_at IS NOT NULL", since="0012"
        )
        for event in (UPDATE, DELETE)
    ),
    *_closed(
        "review_score", "review_id", "review", "sealed_at", "review_sealed", "a sealed review is fixed", since="0012"
    ),
    Refusal(
        "review_whole",
        "a review is sealed with every criterion judged and justified",
        "review",
        (UPDATE,),
        "NEW.sealed_at IS NOT NULL AND (SELECT count(*) FROM review_criterion WHERE grid_id = NEW.grid_id) <>"
        " (SELECT count(level) FROM review_score WHERE review_id = NEW.id AND justification <> '')",
        since="0012",
    ),
    *(
        Refusal(name, why, "review", (event,), f"{first}({condition})", since="0012")
        for name, why, condition in (
            ("reviewer_independent", "nobody reviews an action that they took part in", _MADE_OR_CONTROLLED),
            (
                "reviewers_of_two_institutions",
                "who reviews comes from two institutions",
                "NEW.first_id IS NOT NULL AND (SELECT count(DISTINCT institution_id) FROM person"  # noqa: S608
                f" WHERE id IN {_REVIEWERS}) < 2",
            ),
        )
        # Both are looked at again when it is sealed: much may have changed since they were named.
        for event, first in ((INSERT, ""), (UPDATE, changed("first_id", "second_id", "sealed_at") + " AND "))
    ),
    Refusal("review_grid_kept", "a version of a grid is fixed", "review_grid", (UPDATE, DELETE), since="0012"),
    Refusal("review_grid_kept", "a version of a grid is fixed", "review_criterion", (UPDATE, DELETE), since="0012"),
    Refusal(
        "review_keeps_grid",
        "a review keeps its grid",
        "review",
        (UPDATE,),
        f"OLD.grid_id IS NOT NULL AND {changed('grid_id')}",
        since="0012",
    ),
    Refusal(
        "score_of_review_grid",
        "what is judged is a criterion of the grid of the review",
        "review_score",
        (INSERT, UPDATE),
        "NOT EXISTS (SELECT 1 FROM review JOIN review_criterion ON review_criterion.grid_id = review.grid_id"
        " WHERE review.id = NEW.review_id AND review_criterion.id = NEW.criterion_id)",
        since="0012",
    ),
    Refusal("evaluation_fixed", "an evaluation stays as it was given", "evaluation", (UPDATE, DELETE)),
    Refusal("calendar_kept", "every version of a calendar is kept", "calendar_version", (DELETE,), since="0002"),
    Refusal("calendar_kept", "a version of a calendar is fixed", "calendar_date", (UPDATE, DELETE), since="0002"),
    Refusal(
        "member_trained",
        "a binôme is of trained instructors of the instance that leads",
        "binome_member",
        (INSERT,),
        f"NOT EXISTS (SELECT 1 {_SEAT} AND role_grant.trained_on IS NOT NULL)",
        since="0003",
    ),
    Refusal(
        "member_without_conflict",
        "no member of a binôme is bound to the carrier",
        "binome_member",
        (INSERT,),
        "EXISTS (SELECT 1 FROM dossier JOIN interest ON interest.organisation_id = dossier.organisation_id"
        " WHERE dossier.id = NEW.dossier_id AND interest.person_id = NEW.person_id)"
        " OR EXISTS (SELECT 1 FROM dossier JOIN role_grant ON role_grant.organisation_id = dossier.organisation_id"
        " WHERE dossier.id = NEW.dossier_id AND role_grant.person_id = NEW.person_id)",
        since="0003",
    ),
    Refusal(
        "member_without_local_interest",
        "no member of a binôme is bound to the commune of the action",
        "binome_member",
        (INSERT,),
        "EXISTS (SELECT 1 FROM dossier JOIN local_interest ON local_interest.commune_id = dossier.commune_id"
        " WHERE dossier.id = NEW.dossier_id AND local_interest.person_id = NEW.person_id)",
        since="0007",
    ),
    Refusal(
        "member_within_capacity",
        "nobody instructs more effort points of an instance in a campaign than their capacity",
        "binome_member",
        (INSERT,),
        f"EXISTS (SELECT 1 {_SEAT} AND role_grant.capacity < dossier.effort + (SELECT coalesce(sum(held.effort), 0)"  # noqa: S608
        " FROM binome_member seat JOIN dossier held ON held.id = seat.dossier_id"
        " WHERE seat.person_id = NEW.person_id AND seat.left_at IS NULL AND held.id <> NEW.dossier_id"
        " AND held.state <> 'withdrawn' AND held.campaign_id = dossier.campaign_id"
        " AND held.instance_id = dossier.instance_id))",
        since="0003",
    ),
    Refusal("rules_kept", "a version of the rules is fixed", "routing_version", (UPDATE, DELETE), since="0005"),
    Refusal("agreement_kept", "an agreement is never deleted", "agreement", (DELETE,)),
    Refusal(
        "envelope_of_funder",
        "a line is granted on an envelope of its funder and its campaign",
        "funding_request",
        (INSERT, UPDATE),
        "NEW.envelope_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM envelope JOIN dossier"
        " ON dossier.campaign_id = envelope.campaign_id WHERE envelope.id = NEW.envelope_id"
        " AND envelope.funder_id = NEW.funder_id AND dossier.id = NEW.dossier_id)",
    ),
    *(
        refusal
        for kept in TOTALS
        for refusal in (
            Refusal(f"{kept.name}_kept", "a total starts at zero", kept.table, (INSERT,), f"NEW.{kept.total} <> 0"),
            Refusal(
                f"{kept.name}_kept",
                "a total is the sum of its lines",
                kept.table,
                (UPDATE,),
                f"NEW.{kept.total} <> OLD.{kept.total} AND NEW.{kept.total} <> (SELECT coalesce(sum({kept.part}), 0)"  # noqa: S608
                f" FROM {kept.parts} WHERE {kept.link} = NEW.id)",
                # There, the lines of one statement are all written before the first of them is counted.
                f"NEW.{kept.total} <> OLD.{kept.total} AND pg_trigger_depth() = 1",
            ),
        )
    ),
)


def statements(dialect: str, *revisions: str) -> Iterator[str]:
    """The SQL that creates the triggers of `revisions` (all, where none is named) on sqlite or postgresql."""
    create = {"sqlite": _sqlite, "postgresql": _postgresql}[dialect]
    for refusal in REFUSALS:
        for event in refusal.events if not revisions or refusal.since in revisions else ():
            yield from create(refusal, event)
    if not revisions or "0001" in revisions:
        yield from _totals(dialect)


def _totals(dialect: str) -> Iterator[str]:
    adapt = {"sqlite": _sqlite_total, "postgresql": _postgresql_total}[dialect]
    for kept in TOTALS:
        for event, rows in ROW.items():
            yield from adapt(kept, event, _add(kept, rows))


def _label(name: str, table: str, event: str) -> str:
    return f"{table}_{event.lower()}_{name}"


def _sqlite(refusal: Refusal, event: str) -> Iterator[str]:
    if event != TRUNCATE:
        # Older versions know IS DISTINCT FROM by this name only.
        condition = refusal.condition.replace("IS DISTINCT FROM", "IS NOT")
        yield (
            f"CREATE TRIGGER {_label(refusal.name, refusal.table, event)} BEFORE {event} ON {refusal.table}"
            f" WHEN {condition} BEGIN SELECT RAISE(ABORT, '{refusal.name}: {refusal.why}'); END"
        )


def _postgresql(refusal: Refusal, event: str) -> Iterator[str]:
    label = _label(refusal.name, refusal.table, event)
    condition = (refusal.on_postgresql or refusal.condition).replace("/*lock*/", "FOR SHARE")
    yield (
        f"CREATE FUNCTION {label}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN"
        f" RAISE integrity_constraint_violation USING MESSAGE = '{refusal.name}: {refusal.why}',"
        f" CONSTRAINT = '{refusal.name}'; END IF; RETURN {'OLD' if event == DELETE else 'NEW'}; END $$"
    )
    each = "STATEMENT" if event == TRUNCATE else "ROW"
    yield f"CREATE TRIGGER {label} BEFORE {event} ON {refusal.table} FOR EACH {each} EXECUTE FUNCTION {label}()"


def _add(kept: Total, rows: tuple[str, ...]) -> str:
    """The UPDATE that takes the old part off and adds the new one: by difference, so that it costs one row."""
    sign = {"OLD": "-", "NEW": "+"}
    parts = "".join(
        f" {sign[row]} CASE WHEN id = {row}.{kept.link} THEN coalesce({row}.{kept.part}, 0) ELSE 0 END" for row in rows
    )
    links = ", ".join(f"{row}.{kept.link}" for row in rows)
    return f"UPDATE {kept.table} SET {kept.total} = {kept.total}{parts} WHERE id IN ({links});"  # noqa: S608


def _sqlite_total(kept: Total, event: str, update: str) -> Iterator[str]:
    yield f"CREATE TRIGGER {_label(kept.name, kept.parts, event)} AFTER {_of(kept, event)} BEGIN {update} END"


def _postgresql_total(kept: Total, event: str, update: str) -> Iterator[str]:
    label = _label(kept.name, kept.parts, event)
    yield (f"CREATE FUNCTION {label}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {update} RETURN NULL; END $$")
    yield f"CREATE TRIGGER {label} AFTER {_of(kept, event)} FOR EACH ROW EXECUTE FUNCTION {label}()"


def _of(kept: Total, event: str) -> str:
    columns = f" OF {kept.part}, {kept.link}" if event == UPDATE else ""
    return f"{event}{columns} ON {kept.parts}"
