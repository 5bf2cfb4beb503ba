"""A small world in the database, and what one statement on it must lead to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, DateTime, Insert, MetaData, insert, text

from workflow.models import Base
from workflow.models.base import Instant

AT = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
DAY = date(2027, 1, 4)
FILL: dict[type, Any] = {str: "x", int: 1, bool: False, date: DAY, object: []}
numbers: Iterator[int] = count(1000)

Statement = str | Insert


def add(table: str, tables: MetaData = Base.metadata, **values: Any) -> Insert:
    """An INSERT of a row; what it must have and is not given is made up, references being 1."""
    for column in tables.tables[table].columns:
        if column.name in values or column.nullable or column.default is not None or column.server_default is not None:
            continue
        if column.name == "id":
            values["id"] = next(numbers)
        else:
            values[column.name] = AT if isinstance(column.type, Instant | DateTime) else FILL[column.type.python_type]
    return insert(tables.tables[table]).values(**values)


@dataclass(frozen=True)
class Case:
    """After `given`, the database refuses `refused` by the rule `name`, and takes `allowed`, its nearest neighbour."""

    name: str
    refused: Statement
    allowed: Statement
    given: Sequence[Statement] = ()


def run(connection: Connection, statement: Statement) -> None:
    """Run a statement that must touch something."""
    done = connection.execute(text(statement) if isinstance(statement, str) else statement)
    assert done.rowcount != 0, f"touches nothing: {statement}"


def to(table: str, row: int, **columns: object) -> str:
    """An UPDATE of one row; values are SQL."""
    return f"UPDATE {table} SET {', '.join(f'{c} = {v}' for c, v in columns.items())} WHERE id = {row}"


def gone(table: str, row: int) -> str:
    """A DELETE of one row."""
    return f"DELETE FROM {table} WHERE id = {row}"


def grant(line: int, cents: int, envelope: int) -> str:
    """The UPDATE by which a funder grants a line."""
    return (
        f"UPDATE funding_request SET decision = 'granted', granted_cents = {cents}, envelope_id = {envelope},"
        f" decided_at = '2027-05-01 10:00:00+00', decided_by_id = 2 WHERE id = {line}"
    )


WORLD: tuple[Insert, ...] = (
    add("theme", id=1),
    add("commune", id=1),
    add("instance", id=1),
    *(add("institution", id=i, label=f"I{i}", funder_code=f"F{i}") for i in (1, 2, 3)),
    *(add("person", id=i, email=f"p{i}@example.org") for i in (1, 2, 3, 4)),
    add("organisation", id=1, siret="35600000000048", kind="association"),
    add("organisation", id=2, siret="73282932000074", kind="public"),
    add("objective", id=1, code="1", level="orientation"),
    *(add("campaign", id=i, label=f"C{i}", last=date(2027, 12, 31)) for i in (1, 2)),
    add("milestone", id=1, code="deposit"),
    add("funder_window", id=1, earliest=DAY, latest=DAY),
    add("route", id=1, level="commune"),
    add("routing_version", id=1, number=1),
    add("role_grant", id=1, role="animator", instance_id=1),
    *(add("role_grant", id=10 + i, person_id=i, role="instructor", instance_id=1, trained_on=DAY) for i in (1, 2)),
    add("role_grant", id=13, person_id=3, role="instructor", instance_id=1),
    *(add("opinion_grid", id=i, number=i) for i in (1, 2)),
    *(add("criterion", id=i, grid_id=g, position=i) for i, g in ((1, 1), (2, 1), (3, 2))),
    # Dossiers: 1 and 3 deposited in campaign 1, 2 a draft, 4 deposited in campaign 2.
    *(
        add(
            "dossier",
            id=i,
            campaign_id=c,
            instance_id=1,
            grid_id=1,
            state="submitted",
            number=f"2027-{i}",
            submitted_at=AT,
        )
        for i, c in ((1, 1), (3, 1), (4, 2))
    ),
    add("dossier", id=2),
    add("budget_line", id=1, side="expense"),
    add("piece", id=1),
    *(add("document", id=i, kind="quote") for i in (1, 2)),
    add("document", id=3, kind="quote", dossier_id=3),
    add("message", id=1),
    add("internal_note", id=1),
    add("instance_comment", id=1),
    add("number_series"),
    # Envelopes of funders 1 and 2; lines 1 and 3 are asked of funder 1, line 2 of funder 2.
    add("envelope", id=1, funder_id=1, total_cents=10_000),
    add("envelope", id=2, funder_id=2, total_cents=10_000),
    add("envelope", id=3, funder_id=1, total_cents=500, orientation_id=1),
    add("envelope", id=4, funder_id=1, total_cents=10_000, campaign_id=2),
    add("funding_request", id=1, dossier_id=1, funder_id=1, asked_cents=8_000),
    add("funding_request", id=2, dossier_id=1, funder_id=2, asked_cents=5_000),
    add("funding_request", id=3, dossier_id=3, funder_id=1, asked_cents=6_000),
    add("agreement", id=1),
    add("binome_member", id=1, seat=1, person_id=1, institution_id=1),
    # Opinions: 1 being written, 2 sealed; joint opinions: 1 issued, 2 being written.
    add("opinion", id=1, author_id=1),
    add("opinion", id=2, author_id=2, verdict="favourable"),
    *(add("opinion_score", opinion_id=i) for i in (1, 2)),
    *(add("opinion_amount", opinion_id=i, proposed_cents=100) for i in (1, 2)),
    add("joint_opinion", id=1, basis="agreed", verdict="favourable"),
    add("joint_opinion", id=2, dossier_id=3, basis="agreed", verdict="favourable"),
    *(add("joint_amount", joint_id=i, proposed_cents=100) for i in (1, 2)),
    *(add("joint_signature", joint_id=i) for i in (1, 2)),
    add("consultation", id=1),
    # Draws: 1 sealed, 2 not.
    *(add("sample", id=i, campaign_id=i, population_size=2) for i in (1, 2)),
    *(add("sample_unit", sample_id=s, dossier_id=d, rank=r, drawn=r == 1) for s in (1, 2) for r, d in ((1, 1), (2, 3))),
    *(add("control_grid", id=i, number=i) for i in (1, 2)),
    *(add("control_item", id=i, grid_id=g, position=i) for i, g in ((1, 1), (2, 1), (3, 2))),
    # Missions: 1 drawn, 2 announced and then sent its findings.
    add("mission", id=1, grid_id=1),
    add("mission", id=2, dossier_id=3, state="announced", grid_id=1),
    *(add("realisation_answer", mission_id=i, verdict="compliant") for i in (1, 2)),
    *(
        add("ledger_line", id=i, mission_id=i, amount_cents=100, share=5_000, accepted_cents=50, refused_cents=0)
        for i in (1, 2)
    ),
    # Plans: 1 of campaign 1 begun, 2 of campaign 2 without any commitment.
    *(
        add(
            "sample_plan",
            id=i,
            campaign_id=i,
            method="srs",
            plan_hash=str(i),
            planned_at=AT,
            reveals_due_at=AT + timedelta(days=1),
            public_at=AT + timedelta(days=2),
        )
        for i in (1, 2)
    ),
    *(add("plan_unit", plan_id=i) for i in (1, 2)),
    *(add("plan_participant", plan_id=i, person_id=p, rank=p) for i in (1, 2) for p in (1, 2)),
    add("report", id=1, dossier_id=3, kind="final"),
    add("report", id=2, dossier_id=3, kind="progress"),
    add("evaluation", id=1, recommendation="renew"),
    add("outbox", id=1, key="1", person_id=1),
    add("webhook", id=1),
    # Calendars: 1 adopted, 2 proposed.
    add("calendar_version", id=1, number=1, kind="proposed", state="adopted", adopted_at=AT),
    add("calendar_version", id=2, number=2, kind="proposed", state="proposed"),
    add("calendar_date", id=1, code="deposit"),
    add("closure", id=1),
    add("absence", id=1),
    add("reminder_rule", id=1, code="r", state="assigned"),
    add("planned_reminder", id=1),
    add("reminder", id=1, person_id=1),
    add("secret_link", id=1, purpose="reset", person_id=1),
    add("journal", seq=1, hash="1", previous_hash="0"),
)
CLOSE = (
    "UPDATE opinion SET sealed_at = '2027-03-01 10:00:00+00' WHERE id = 2",
    "UPDATE joint_opinion SET issued_at = '2027-03-01 10:00:00+00' WHERE id = 1",
    "UPDATE sample SET sealed_at = '2027-03-01 10:00:00+00' WHERE id = 1",
    "UPDATE mission SET state = 'findings_sent', controller_id = 3, second_id = 4, signed_by_id = 4,"
    " signed_at = '2027-03-01 10:00:00+00' WHERE id = 2",
    "UPDATE mission SET controller_id = NULL, second_id = NULL, signed_by_id = NULL, signed_at = NULL WHERE id = 2",
    f"UPDATE plan_participant SET commitment = '{'1' * 64}', committed_at = '2027-01-04 10:00:00+00'"
    " WHERE plan_id = 1 AND rank = 1",
)


def build(connection: Connection) -> None:
    """Write the world."""
    # An expert is asked in `consultation`; it comes first for its key alone.
    for statement in (add("expert", id=1, email="e1@example.org"), *WORLD, *CLOSE):
        run(connection, statement)
