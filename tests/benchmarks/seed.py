"""Fills a database with as many dossiers as wanted, quickly: rows are written as they lie, not through the use cases.

All dossiers are of one campaign, the hardest case for a board. They are spread over all instances and states; every
eighth lies in the instance that is looked at. Each has its budget, requests, routing and journal, and what its state
implies. Constraints hold; hashes of the journal are numbers, so its chain is not to be verified.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection, select, text

from states.dossier import STATES, TERMINAL
from tests import factories
from workflow import journal
from workflow.db import Database
from workflow.migrations.triggers import statements
from workflow.models import Instance

NOW = factories.NOW
SHARE = 8
"""One dossier of so many lies in the instance that is looked at."""
PER_CARRIER = 5
MEMBERS = 6
ENTRIES = 10
BATCH = 5000
_TEXT = (
    "Des ateliers hebdomadaires pour les jeunes du quartier, avec les familles et les partenaires du territoire. " * 8
)
_BUDGET = (
    ("expense", "60", 2_000_00),
    ("expense", "64", 8_000_00),
    ("income", "70", 1_000_00),
    ("income", "74", 9_000_00),
)
_INSTRUCTED = STATES[STATES.index("assigned") : STATES.index("inadmissible")]
_ADVISED = STATES[STATES.index("opinion") : STATES.index("inadmissible")]
_FUNDED = (*STATES[STATES.index("follow_up") : STATES.index("inadmissible")], "cancelled")
_ACTS = ("create", "submit", "request_completion", "complete", "assign", "seal_opinion", "issue_opinion", "table")

# SQLite heeds the first of its settings outside a transaction only.
_QUICKLY = {
    "sqlite": ("ROLLBACK", "PRAGMA foreign_keys=OFF", "PRAGMA cache_size=-400000", "BEGIN IMMEDIATE"),
    "postgresql": ("SET LOCAL session_replication_role = replica",),
}


@dataclass(frozen=True)
class Seeded:
    """What a measurement needs to name."""

    world: factories.World
    dossiers: int
    led: Mapping[str, Sequence[int]]
    """The dossiers of the instance that is looked at, by state."""


def fill(
    database: Database,
    dossiers: int,
    states: Sequence[str] = STATES,
    share: int = SHARE,
    per_carrier: int = PER_CARRIER,
) -> Seeded:
    """The world of `tests.factories` with so many dossiers in it, on an empty migrated database.

    They take turns in `states`; one of `share` lies in the instance that is looked at. The world has two more people:
    « busy carrier » and « busy member », who carry and instruct some of them.
    """
    world = factories.build(database)
    with database.write() as session:
        instances = list(session.scalars(select(Instance.id).where(Instance.id != world.instance_id)))
        seq, last_hash = journal.head(session)
        people = session.scalar(text("SELECT max(id) FROM person")) or 0
        organisations = session.scalar(text("SELECT max(id) FROM organisation")) or 0
    rows = _Rows(world, instances, seq, last_hash, people, organisations, per_carrier)
    led: dict[str, list[int]] = {state: [] for state in states}
    with database.writer.connect() as connection:
        for setting in _QUICKLY[connection.dialect.name]:
            connection.exec_driver_sql(setting)
        late = [sql for sql in statements("sqlite", "0003") if connection.dialect.name == "sqlite"]
        for sql in late:  # they count what each member has, which for so many would take days
            connection.exec_driver_sql(f"DROP TRIGGER {sql.split()[2]}")
        writer = _Writer(connection)
        rows.people(writer, dossiers)
        for number in range(1, dossiers + 1):
            leads, state = number % share == 0, states[number // share % len(states)]
            rows.dossier(writer, number, state, leads=leads)
            if leads:
                led[state].append(number)
        writer.close()
        for sql in late:
            connection.exec_driver_sql(sql)
        connection.commit()
        connection.invalidate()  # its settings are not for others
    if database.writer.dialect.name == "postgresql":
        with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return Seeded(world, dossiers, led)


class _Writer:
    """Collects rows and writes them by the thousand, past triggers and foreign keys where the database lets them be."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: dict[str, list[tuple[Any, ...]]] = {}
        self._columns: dict[str, tuple[str, ...]] = {}
        self._write = self._copy if connection.dialect.name == "postgresql" else self._insert

    def add(self, table: str, **row: Any) -> None:
        """A row of a table; all rows of one table name the same columns in the same order."""
        self._columns.setdefault(table, tuple(row))
        waiting = self._waiting.setdefault(table, [])
        waiting.append(tuple(row.values()))
        if len(waiting) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        """Write what waits, each table after those that its triggers read: the order in which they first came."""
        for table in self._columns:
            if rows := self._waiting.pop(table, None):
                self._write(table, rows)

    def _copy(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({self._names(table)}) FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row([json.dumps(value) if isinstance(value, dict) else value for value in row])

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        marks = ", ".join("?" * len(self._columns[table]))
        driver.executemany(
            f"INSERT INTO {table} ({self._names(table)}) VALUES ({marks})",
            [[_STORED.get(type(value), _same)(value) for value in row] for row in rows],
        )

    def _names(self, table: str) -> str:
        return ", ".join(self._columns[table])

    def close(self) -> None:
        """Write the rest, and let PostgreSQL's sequences go on behind the given numbers."""
        self._flush()
        for table, columns in self._columns.items() if self._write == self._copy else ():
            if "id" in columns:
                self._connection.execute(
                    text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
                )


def _same(value: Any) -> Any:
    return value


_STORED: Mapping[type, Callable[[Any], Any]] = {
    datetime: lambda at: at.isoformat(" ", "microseconds")[:26],
    date: date.isoformat,
    dict: json.dumps,
}
"""As SQLAlchemy stores it in SQLite."""


class _Rows:
    """Says the rows of each dossier, by its number alone."""

    def __init__(
        self,
        world: factories.World,
        instances: list[int],
        seq: int,
        last_hash: str,
        people: int,
        organisations: int,
        per_carrier: int,
    ) -> None:
        self.per_carrier = per_carrier
        self.world, self.instances, self.seq, self.last_hash = world, instances, seq, last_hash
        self.first_person, self.first_organisation = people + 1, organisations + 1
        self.funders = list(world.funders.values())

    def people(self, write: _Writer, dossiers: int) -> None:
        """Members of every instance, organisations and a carrier for each, and envelopes that suffice."""
        grant = 1000
        number = self.first_person
        for instance in [self.world.instance_id, *self.instances]:
            for rank in range(MEMBERS):
                self._person(write, number, f"Membre {rank} de l'instance {instance}", self.funders[rank % 3])
                self._grant(write, grant, number, "instructor", instance_id=instance, trained_on=date(2026, 1, 15))
                number, grant = number + 1, grant + 1
        self.carriers = number
        self.world.people |= {"busy carrier": self.carriers, "busy member": self.first_person}
        for rank in range(dossiers // self.per_carrier + 1):
            organisation = self.first_organisation + rank
            name = f"Association Modèle {rank}"
            write.add(
                "organisation",
                id=organisation,
                siret=f"{rank:014d}",
                name=name,
                kind="association",
                address="1 place du Marché",
                email="contact@modele.example",
                phone="",
                created_at=NOW,
            )
            self._person(write, number, f"Trésorerie de {name}", None)
            self._grant(write, grant, number, "carrier", organisation_id=organisation)
            number, grant = number + 1, grant + 1
        write.add("number_series", campaign_id=self.world.campaign_id, last=dossiers)
        for rank, funder in enumerate(self.funders, start=100):
            write.add(
                "envelope",
                id=rank,
                funder_id=funder,
                campaign_id=self.world.campaign_id,
                orientation_id=1,
                total_cents=10**12,
                granted_cents=0,
            )

    def _person(self, write: _Writer, number: int, name: str, institution: int | None) -> None:
        write.add(
            "person",
            id=number,
            email=f"personne{number}@modele.example",
            name=name,
            locale="fr",
            institution_id=institution,
            credentials_version=1,
            active=True,
            created_at=NOW,
        )

    def _grant(self, write: _Writer, number: int, person: int, role: str, **scope: Any) -> None:
        where = {"instance_id": None, "organisation_id": None, "trained_on": None, **scope}
        write.add("role_grant", id=number, person_id=person, role=role, granted_at=NOW, **where)

    def dossier(self, write: _Writer, number: int, state: str, *, leads: bool) -> None:
        """All rows of one dossier."""
        instance = self.world.instance_id if leads else self.instances[number % len(self.instances)]
        deposited = state != "draft"
        rank = number // self.per_carrier
        organisation, carrier = self.first_organisation + rank, self.carriers + rank
        since = NOW - timedelta(minutes=number % 40_000)
        title = f"Action {number} pour les habitants"
        write.add(
            "dossier",
            id=number,
            number=f"2027-{number:04d}" if deposited else None,
            campaign_id=self.world.campaign_id,
            organisation_id=organisation,
            instance_id=instance if deposited else None,
            session_id=self.world.session_id if state == "funding_decision" and leads else None,
            state=state,
            version=ENTRIES,
            state_since=since,
            due_on=None if state in TERMINAL else date(2026, 10, 20) + timedelta(days=number % 120),
            created_at=since,
            created_by_id=carrier,
            submitted_at=since if deposited else None,
            title=title,
            objective_id=self.world.objective_id,
            level="agglomération",
            need="first",
            summary=_TEXT,
            public="Jeunes de 16 à 25 ans",
            beneficiaries=40,
            starts_on=date(2027, 6, 1),
            ends_on=date(2027, 12, 31),
            partners="Centre social, collège, club de prévention",
            indicators="Nombre de participants réguliers",
            attested=deposited,
            typed={},
            search_text=f"2027-{number:04d} association modele {rank} {title.lower()}",
        )
        self._money(write, number, state, since)
        self._journal(write, number, since, carrier)
        write.add("secret_link", id=number, purpose="tracking", dossier_id=number, created_at=since, expires_at=None)
        if deposited:
            write.add(
                "routing_step", id=number, dossier_id=number, instance_id=instance, reason="objectif 224", at=since
            )
        if state in _INSTRUCTED:
            self._instruction(write, number, instance, state, since)

    def _money(self, write: _Writer, number: int, state: str, since: datetime) -> None:
        for place, (side, account, cents) in enumerate(_BUDGET):
            write.add(
                "budget_line",
                id=4 * number + place,
                dossier_id=number,
                side=side,
                account=account,
                label="Ligne du budget",
                amount_cents=cents,
            )
        for place in (0, 1):
            funder = self.funders[(number + place) % 3]
            granted = state in _FUNDED and place == 0
            refused = state == "refused" or (state in _FUNDED and place == 1)
            decided = granted or refused
            write.add(
                "funding_request",
                id=2 * number + place,
                dossier_id=number,
                funder_id=funder,
                asked_cents=4_500_00,
                proposed_cents=3_000_00 if state in _ADVISED else None,
                decision="granted" if granted else "refused" if refused else "pending",
                granted_cents=3_000_00 if granted else None,
                paid_cents=0,
                motive="",
                decided_at=since if decided else None,
                decided_by_id=self.world.people["funder CAF"] if decided else None,
                envelope_id=100 + self.funders.index(funder) if granted else None,
            )

    def _journal(self, write: _Writer, number: int, since: datetime, carrier: int) -> None:
        for place in range(ENTRIES):
            self.seq += 1
            act = _ACTS[place % len(_ACTS)]
            entry_hash = f"{self.seq:064x}"
            write.add(
                "journal",
                seq=self.seq,
                at=since,
                actor_id=carrier,
                actor_name="Trésorerie",
                role="carrier" if act in ("create", "submit", "complete") else "animator",
                act=act,
                dossier_id=number,
                dossier_version=place + 1,
                subject=f"dossier:{number}",
                from_state=STATES[place],
                to_state=STATES[place + 1],
                reason="",
                details={},
                previous_hash=self.last_hash,
                hash=entry_hash,
            )
            self.last_hash = entry_hash
        write.add(
            "outbox",
            id=number,
            key=f"submit:dossier:{number}:2::{carrier}",
            kind="receipt",
            person_id=carrier,
            dossier_id=number,
            payload={},
            created_at=since,
            state="sent",
            attempts=1,
            next_at=since,
            sent_at=since,
            error="",
        )

    def _instruction(self, write: _Writer, number: int, instance: int, state: str, since: datetime) -> None:
        place = [self.world.instance_id, *self.instances].index(instance)
        for seat in (1, 2):
            person = self.first_person + place * MEMBERS + (number + seat) % MEMBERS
            write.add(
                "binome_member",
                id=2 * number + seat,
                dossier_id=number,
                seat=seat,
                person_id=person,
                institution_id=self.funders[(number + seat) % 3],
                derogation=None,
                since=since,
                left_at=None,
            )
            if state in _ADVISED:
                write.add(
                    "opinion",
                    id=2 * number + seat,
                    dossier_id=number,
                    author_id=person,
                    verdict="favourable",
                    strengths=_TEXT,
                    reservations="",
                    saved_at=since,
                    sealed_at=None,
                    superseded_at=None,
                )
