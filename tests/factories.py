"""A small world for tests: the real reference data, one campaign, a person for every role, and a way to walk a dossier.

Persons bear role names. Everything goes through the use cases, so that a test stands where a user could.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import workflow
from workflow import access
from workflow.acts import Case
from workflow.db import Database
from workflow.models import (
    Campaign,
    CommitteeSession,
    Dossier,
    Envelope,
    Expert,
    FundingRequest,
    Instance,
    Institution,
    Milestone,
    Mission,
    Objective,
    Organisation,
    Person,
    RoleGrant,
)
from workflow.use_cases import control, intake, perform, reference

REFERENCE = Path(workflow.__file__).parent / "reference" / "ptcs.toml"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SIRET = "73282932000074"
OTHER_SIRET = "35600000000048"

DATES = {
    "call_opens": date(2026, 10, 1),
    "deposit_deadline": date(2026, 12, 15),
    "completeness_deadline": date(2027, 1, 15),
    "opinion_deadline": date(2027, 2, 26),
    "technical_committee": date(2027, 3, 12),
    "steering_committee": date(2027, 4, 2),
    "funder_decision": date(2027, 5, 14),
    "notification": date(2027, 6, 4),
    "interim_report": date(2027, 10, 1),
    "final_report": date(2028, 3, 31),
    "control_draw": date(2028, 5, 2),
    "control_end": date(2028, 9, 29),
}


@dataclass
class World:
    """What a test needs to name: ids of the reference data and of the people, by role."""

    campaign_id: int
    instance_id: int
    objective_id: int
    organisation_id: int
    other_organisation_id: int
    session_id: int
    funders: dict[str, int]
    people: dict[str, int] = field(default_factory=dict)

    def actor(self, session: Session, who: str) -> access.Actor:
        """The person named `who`, as an actor."""
        actor = access.load_actor(session, self.people[who])
        assert actor is not None
        return actor


def build(database: Database, now: datetime = NOW) -> World:
    """Load the reference data, date a campaign, and create one person for each role (two of some)."""
    with database.write() as session:
        reference.load(session, REFERENCE, now)
        campaign = Campaign(
            label="Programmation 2027", year=2027, first=date(2026, 10, 1), last=date(2028, 12, 29), created_at=now
        )
        session.add(campaign)
        session.flush()
        session.add_all(
            Milestone(campaign_id=campaign.id, code=code, label=code, position=rank, on=on)
            for rank, (code, on) in enumerate(DATES.items())
        )
        instance = session.scalars(select(Instance).where(Instance.code == "charte-alcool")).one()
        objective = session.scalars(select(Objective).where(Objective.code == "224")).one()
        organisations = [
            Organisation(siret=SIRET, name="Association Exemple", kind="association", created_at=now),
            Organisation(siret=OTHER_SIRET, name="Association Témoin", kind="association", created_at=now),
        ]
        session.add_all(organisations)
        codes = ("État", "CAF", "CAVM")
        funders = {
            code: session.scalars(select(Institution.id).where(Institution.funder_code == code)).one() for code in codes
        }
        session.add_all(
            Envelope(funder_id=funder, campaign_id=campaign.id, total_cents=50_000_00) for funder in funders.values()
        )
        meeting = CommitteeSession(
            campaign_id=campaign.id, instance_id=instance.id, label="Comité technique", on=date(2027, 3, 12)
        )
        session.add(meeting)
        session.flush()
        world = World(
            campaign.id, instance.id, objective.id, organisations[0].id, organisations[1].id, meeting.id, funders
        )
        for who, institution, grants in _people(world):
            person = Person(
                email=f"{who.replace(' ', '.').lower()}@binome.example",
                name=f"Rôle {who}",
                institution_id=funders.get(institution) if institution else None,
                created_at=now,
            )
            session.add(person)
            session.flush()
            session.add_all(RoleGrant(person_id=person.id, granted_at=now, **grant) for grant in grants)
            world.people[who] = person.id
        session.add(
            Expert(name="Experte addictologie", email="expert@binome.example", subject="Addictions", created_at=now)
        )
    return world


def _people(world: World) -> list[tuple[str, str | None, list[dict[str, Any]]]]:
    trained = {"role": "instructor", "instance_id": world.instance_id, "trained_on": date(2026, 1, 15)}
    return [
        ("carrier", None, [{"role": "carrier", "organisation_id": world.organisation_id}]),
        ("other carrier", None, [{"role": "carrier", "organisation_id": world.other_organisation_id}]),
        ("animator", "État", [{"role": "animator", "instance_id": world.instance_id}]),
        ("instructor 1", "État", [trained]),
        ("instructor 2", "CAF", [trained]),
        ("instructor 3", "CAVM", [trained]),
        ("instructor 4", "CAF", [trained]),
        ("novice", "CAVM", [{"role": "instructor", "instance_id": world.instance_id}]),
        ("evaluator", "CAVM", [{"role": "evaluator", "instance_id": world.instance_id}]),
        ("funder État", "État", [{"role": "funder", "institution_id": world.funders["État"]}]),
        ("funder CAF", "CAF", [{"role": "funder", "institution_id": world.funders["CAF"]}]),
        ("controller", "CAVM", [{"role": "controller"}]),
        ("transversal", "CAVM", [{"role": "transversal"}]),
        ("administrator", "CAVM", [{"role": "administrator"}]),
        ("controller 2", "CAVM", [{"role": "controller"}]),
    ]


FORM: Mapping[str, Any] = {
    "title": "Ateliers sans alcool",
    "level": "agglomération",
    "need": "first",
    "summary": "Des ateliers pour les jeunes du quartier.",
    "public": "Jeunes de 16 à 25 ans",
    "beneficiaries": 40,
    "starts_on": "2027-06-01",
    "ends_on": "2027-12-31",
    "partners": "",
    "indicators": "Nombre de participants réguliers",
    "expense": [
        {"account": "60", "label": "Petit matériel", "amount_cents": 2_000_00},
        {"account": "64", "label": "Animateur", "amount_cents": 8_000_00},
    ],
    "income": [
        {"account": "74", "label": "Subventions", "amount_cents": 9_000_00},
        {"account": "70", "label": "Participations", "amount_cents": 1_000_00},
    ],
}


class Walk:
    """Walks one dossier through its life, each act in a unit of work of its own."""

    def __init__(self, database: Database, world: World, now: datetime = NOW) -> None:
        self.database, self.world, self.now = database, world, now
        self.dossier_id = 0

    def draft(self, **changes: Any) -> "Walk":
        """A complete draft, asking État 6,000 € and CAF 3,000 €."""
        world = self.world
        with self.database.write() as session:
            actor = world.actor(session, "carrier")
            self.dossier_id = intake.create(session, actor, world.organisation_id, world.campaign_id, self.now).id
        requests = {str(world.funders["État"]): 6_000_00, str(world.funders["CAF"]): 3_000_00}
        values = {**FORM, "objective_id": world.objective_id, "requests": requests, **changes}
        self.act("carrier", "edit_draft", values=values)
        return self

    def act(self, who: str, name: str, subject_id: int | None = None, **raw: Any) -> Case:
        """Perform one act as `who`, without a seen version."""
        with self.database.write() as session:
            actor = self.world.actor(session, who)
            return perform(session, actor, name, self.dossier_id, now=self.now, raw=raw, subject_id=subject_id)

    def act_as_system(self, name: str, subject_id: int) -> Case:
        """Perform one of the system's acts on a consultation or mission."""
        with self.database.write() as session:
            return perform(
                session, access.SYSTEM_ACTOR, name, self.dossier_id, now=self.now, raw={}, subject_id=subject_id
            )

    def later(self, **span: int) -> "Walk":
        """Let time pass."""
        self.now += timedelta(**span)
        return self

    @property
    def state(self) -> str:
        """The dossier's state."""
        with self.database.read() as session:
            return session.scalars(select(Dossier.state).where(Dossier.id == self.dossier_id)).one()

    def lines(self) -> dict[str, int]:
        """The ids of the request lines, by funder code."""
        with self.database.read() as session:
            rows = session.execute(
                select(Institution.funder_code, FundingRequest.id)
                .join(FundingRequest.funder)
                .where(FundingRequest.dossier_id == self.dossier_id)
            )
            return {str(row[0]): row[1] for row in rows}

    def submitted(self) -> "Walk":
        """Deposited and routed."""
        self.draft()
        self.act("carrier", "submit", attested=True)
        return self

    def assigned(self) -> "Walk":
        """With a binôme of État and CAF."""
        people = self.submitted().world.people
        self.act("animator", "assign", first_id=people["instructor 1"], second_id=people["instructor 2"])
        return self

    def opinion(self, verdict: str = "favourable") -> "Walk":
        """With two sealed opinions that agree, issued."""
        self.assigned()
        amounts = {str(line): 2_500_00 for line in self.lines().values()}
        opinion = {"verdict": verdict, "strengths": "Projet solide", "reservations": "Peu de recul", "amounts": amounts}
        for who in ("instructor 1", "instructor 2"):
            self.act(who, "seal_opinion", **opinion)
        self.act("instructor 1", "issue_opinion")
        return self

    def tabled(self) -> "Walk":
        """Tabled into the instance's session."""
        self.opinion().act("animator", "table", session_id=self.world.session_id)
        return self

    def funded(self) -> "Walk":
        """Granted 2,500 € by État, refused by CAF: the system funds it."""
        self.tabled()
        lines = self.lines()
        self.act("funder État", "decide_request", request_id=lines["État"], amount_cents=2_500_00)
        self.act("funder CAF", "decide_request", request_id=lines["CAF"], amount_cents=0, motive="Hors priorités")
        return self

    def evaluated(self) -> "Walk":
        """With its final report, evaluated."""
        self.funded()
        self.act("carrier", "submit_final_report", narrative="Tout est fait", beneficiaries=38, spent_cents=9_500_00)
        self.act(
            "evaluator",
            "evaluate",
            relevance=3,
            coherence=3,
            effectiveness=4,
            efficiency=2,
            impact=3,
            recommendation="renew",
            body="Action utile",
        )
        return self

    def drawn(self) -> "Walk":
        """In a sealed draw of one."""
        self.evaluated()
        with self.database.write() as session:
            actor = self.world.actor(session, "controller")
            control.draw(session, actor, {"campaign_id": self.world.campaign_id, "size": 1, "seed": "essai"}, self.now)
        return self

    def mission_id(self) -> int:
        """The dossier's control mission."""
        with self.database.read() as session:
            return session.scalars(select(Mission.id).where(Mission.dossier_id == self.dossier_id)).one()

    def taken(self) -> "Walk":
        """Under the control of two."""
        self.act("controller", "select_for_control")
        self.act("controller 2", "join_control", self.mission_id())
        return self

    def found(self, due_on: str = "", **words: Any) -> "Walk":
        """Findings written by a controller, confirmed by the other, sent; the carrier has 30 days where not told."""
        mission, due = self.mission_id(), due_on or (self.now + timedelta(days=30)).date().isoformat()
        self.act("controller", "write_findings", mission, **words)
        self.act("controller 2", "sign_findings", mission)
        self.act("controller", "send_findings", mission, due_on=due)
        return self

    def concluded(self, **end: Any) -> "Walk":
        """What is found confirmed once more, and the control concluded."""
        self.act("controller 2", "sign_findings", self.mission_id())
        self.act("controller", "conclude_control", **end)
        return self

    def announced(self) -> "Walk":
        """Taken by two controllers and announced to the carrier."""
        self.drawn().taken()
        due = (self.now + timedelta(days=30)).date().isoformat()
        self.act("controller", "announce", self.mission_id(), visit_on=due)
        return self

    def controlled(self) -> "Walk":
        """Taken, announced, findings sent, answered, concluded."""
        self.announced().found(realisation="Conforme", spending="Conforme")
        self.act("carrier", "reply", self.mission_id(), answer="Merci")
        return self.concluded(outcome="none", conclusion="Rien à signaler")

    def closed(self) -> "Walk":
        """The whole life."""
        self.controlled().act("controller", "close")
        return self
