"""Random people plan draws, bend them where they can, control what was drawn, and change roles meanwhile, on both
databases; after each step, what must always hold is checked, with the draw made again by other code.

One database per kind serves all examples: every example has a campaign and controllers of its own.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Column, Table, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.factories import NOW, Walk, World, build
from tests.workflow.control_again import drawn_again, seed_of, sha256
from tests.workflow.test_machine import new_campaign
from workflow import access, journal
from workflow.db import Database
from workflow.errors import DomainError
from workflow.models import (
    ControlItem,
    Dossier,
    Envelope,
    JournalEntry,
    LedgerLine,
    Mission,
    Person,
    PlanParticipant,
    PlanReading,
    PlanUnit,
    RoleGrant,
    Sample,
    SamplePlan,
    SampleUnit,
)
from workflow.models.base import Instant
from workflow.queries import sampling_plans as queries
from workflow.sampling import record
from workflow.use_cases import ACTS, ceremony, control, offered, people, perform, profile, sampling_plans

OWN = {"one": "CAVM", "two": "CAF", "three": "CAVM", "of funder": "État"}
"""The controllers of an example, and the institution of each."""
OVERSEERS = (*OWN, "transversal", "administrator")
ACTORS = (*OWN, "controller", "instructor 1", "evaluator", "transversal", "administrator", "carrier", "animator")
GRANTED = (2_500_00, 6_000_00, 1_00, 3_333_33)
ROLES = ("controller", "instructor", "evaluator", "carrier", "administrator")
CONTROLS = {act.name for act in ACTS.values() if act.table.name == "control"} | {
    *("select_for_control", "conclude_control", "close", "submit_final_report", "evaluate")
}
ONWARD = {
    *("select_for_control", "join_control", "announce", "fill_grid", "enter_expense", "strike_expense"),
    *("write_findings", "sign_findings", "send_findings", "reply", "conclude", "conclude_control"),
}
ANYBODYS = {"reply", "name_controllers", "submit_final_report", "evaluate", "close"}
"""What is done by others than controllers, or does not judge."""
VALUES = st.sampled_from(["7 12 31", "7 12 32"])
SEALED: tuple[tuple[type[Any], Callable[[int], Any]], ...] = (
    (SamplePlan, lambda plan: SamplePlan.id == plan),
    (PlanUnit, lambda plan: PlanUnit.plan_id == plan),
    (PlanParticipant, lambda plan: PlanParticipant.plan_id == plan),
    (PlanReading, lambda plan: PlanReading.plan_id == plan),
    (Sample, lambda plan: Sample.plan_id == plan),
    (
        SampleUnit,
        lambda plan: SampleUnit.sample_id == select(Sample.id).where(Sample.plan_id == plan).scalar_subquery(),
    ),
)
"""The rows that a sealed draw is made of."""


def another(column: Column[Any]) -> Any:
    """Another value for a column of a sealed draw."""
    if isinstance(column.type, Instant):
        return NOW - timedelta(days=1)
    return {int: 987_654, str: "0" * 64, bool: column.is_(False)}[column.type.python_type]


class Controls(RuleBasedStateMachine):
    """Four funded dossiers of one campaign, two of them evaluated, and everybody around their control."""

    database: Database
    base: World
    reached: set[str]
    method: str | None
    """With one, the campaign is already drawn by it when an example begins; without, a plan
    is just published. Another was abandoned before."""

    @initialize()
    def open_campaign(self) -> None:
        self.world = replace(new_campaign(self.database, self.base), people=dict(self.base.people))
        self.now = NOW
        self.secrets: dict[tuple[int, str], str] = {}
        self.sealed: dict[int, Any] = {}
        self.start = self.head()[0]
        with self.database.write() as session:
            session.execute(
                update(Envelope).where(Envelope.campaign_id == self.world.campaign_id).values(total_cents=90_000_00)
            )
            for who, code in OWN.items():
                name = f"{who} {self.world.campaign_id}"
                address = f"{name.replace(' ', '.')}@binome.example"
                person = Person(email=address, name=name, institution_id=self.world.funders[code], created_at=NOW)
                session.add(person)
                session.flush()
                session.add(RoleGrant(person_id=person.id, role="controller", granted_at=NOW))
                self.world.people[who] = person.id
        self.walks = [Walk(self.database, self.world).tabled() for _ in GRANTED]
        for walk, cents in zip(self.walks, GRANTED, strict=True):
            lines = walk.lines()
            walk.act("funder État", "decide_request", request_id=lines["État"], amount_cents=cents)
            walk.act("funder CAF", "decide_request", request_id=lines["CAF"], amount_cents=0, motive="Hors priorités")
        for walk in self.walks[:2]:
            walk.act("carrier", "submit_final_report", narrative="Fait", beneficiaries=3, spent_cents=9_500_00)
            grid = dict.fromkeys(("relevance", "coherence", "effectiveness", "efficiency", "impact"), 3)
            walk.act("evaluator", "evaluate", **grid, recommendation="renew", body="Utile")
        for _ in range(2):
            self.somebody_abandons("two")
            self.a_plan_is_published("one", self.method or "srs", 3, 1, {"two", "transversal"})
        if self.method:
            for _ in range(3):
                self.the_ceremony_goes_on("7 12 31")
            self.a_control_is_begun()

    def a_control_is_begun(self) -> None:
        """Of the first dossier that is drawn among those evaluated, with a grid and a voucher."""
        with self.database.read() as session:
            drawn = set(session.scalars(select(Mission.dossier_id)))
        walk = next(walk for walk in self.walks if walk.dossier_id in drawn)
        voucher = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": 100_01}
        assert self.act(walk, "one", "select_for_control", {})
        assert self.act(walk, "three", "join_control", {})
        visit = (self.now + timedelta(days=20)).date().isoformat()
        assert self.act(walk, "one", "announce", {"visit_on": visit})
        assert self.act(walk, "one", "enter_expense", {**voucher, "refused_cents": 33, "reason": "Sans lien"})
        with self.database.read() as session:
            grid = select(Mission.grid_id).where(Mission.dossier_id == walk.dossier_id).scalar_subquery()
            items = session.scalars(select(ControlItem.id).where(ControlItem.grid_id == grid)).all()
        answers = {str(item): {"verdict": "compliant"} for item in items}
        assert self.act(walk, "one", "fill_grid", {"answers": answers})
        if self.method == "mus":
            assert self.act(walk, "one", "write_findings", {"realisation": "Vu", "spending": "Vu"})
            assert self.act(walk, "three", "sign_findings", {})
            assert self.act(walk, "one", "send_findings", {"due_on": visit})

    def act(self, walk: Walk, who: str, name: str, raw: dict[str, Any]) -> bool:
        """One act on a dossier, or on its mission."""
        subject = None
        if ACTS[name].table.name == "control":
            with self.database.read() as session:
                subject = session.scalar(select(Mission.id).where(Mission.dossier_id == walk.dossier_id))
        return self.attempt(
            name,
            who,
            lambda s, actor: perform(s, actor, name, walk.dossier_id, now=self.now, raw=raw, subject_id=subject),
        )

    # What people do

    def attempt(self, what: str, who: str, step: Callable[[Session, access.Actor], Any]) -> bool:
        """A step by somebody; a refusal says why, and leaves nothing behind."""
        before = self.head()
        try:
            with self.database.write() as session:
                step(session, self.world.actor(session, who))
        except DomainError as error:
            refusal = error
        else:
            self.reached.add(what)
            return True
        assert refusal.reasons
        assert self.head() == before
        return False

    def head(self) -> Any:
        with self.database.read() as session:
            return journal.head(session)

    def standing(self) -> SamplePlan | None:
        """The campaign's last plan."""
        with self.database.read() as session:
            mine = select(SamplePlan).where(SamplePlan.campaign_id == self.world.campaign_id)
            found = session.scalars(mine.order_by(SamplePlan.id.desc())).first()
            if found:
                _ = found.participants, found.readings
            return found

    @rule(hours=st.sampled_from([1, 20, 50, 24 * 20]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(
        who=st.sampled_from(("one", "transversal")),
        method=st.sampled_from(["srs", "stratified", "mus"]),
        size=st.integers(1, 4),
        reserve=st.integers(0, 1),
        seats=st.sets(st.sampled_from(OVERSEERS), min_size=1, max_size=3),
    )
    def a_plan_is_published(self, who: str, method: str, size: int, reserve: int, seats: set[str]) -> None:
        raw = {
            "campaign_id": self.world.campaign_id,
            "method": method,
            **({"stratum": "funder"} if method == "stratified" else {}),
            "size": size,
            "reserve": reserve,
            "participants": [self.world.people[one] for one in sorted(seats)],
            "reveals_on": (self.now + timedelta(days=2)).date().isoformat(),
            "reveals_hour": "10:00",
            "public_source": "Loto du jour",
            "public_on": (self.now + timedelta(days=3)).date().isoformat(),
            "public_hour": "20:00",
        }
        before = self.standing()
        made = self.attempt("plan", who, lambda s, actor: sampling_plans.plan(s, actor, raw, self.now))
        assert not (made and before and before.state not in ("sealed", "abandoned"))
        assert not (made and who == "transversal")

    def phrase(self, plan_id: int, who: str) -> str:
        return self.secrets.setdefault((plan_id, who), f"phrase secrète {len(self.secrets)} de {who}")

    def commit(self, plan: SamplePlan, who: str) -> bool:
        raw = {"phrase": self.phrase(plan.id, who)}
        return self.attempt("commit", who, lambda s, actor: ceremony.commit(s, actor, plan.id, raw, self.now))

    def reveal(self, plan: SamplePlan, who: str, whose: str) -> bool:
        raw = {"phrase": self.phrase(plan.id, whose)}
        return self.attempt("reveal", who, lambda s, actor: ceremony.reveal(s, actor, plan.id, raw, self.now))

    def read(self, plan: SamplePlan, who: str, value: str) -> bool:
        raw = {"value": value}
        return self.attempt("read", who, lambda s, actor: ceremony.read_public(s, actor, plan.id, raw, self.now))

    @rule(value=VALUES)
    def the_ceremony_goes_on(self, value: str) -> None:
        """Whoever is awaited does what is awaited, in time."""
        plan = self.standing()
        if plan is None or plan.state in ("sealed", "abandoned"):
            return
        names = {number: who for who, number in self.world.people.items()}
        seats = [names[seat.person_id] for seat in plan.participants]
        if plan.state == "planned":
            for who in seats:
                self.commit(plan, who)
        elif plan.state == "committed":
            for who in seats:
                self.reveal(plan, who, who)
        else:
            self.now = max(self.now, plan.public_at)
            for who in ("transversal", "administrator"):
                self.read(plan, who, value)

    @rule(who=st.sampled_from((*OWN, *ACTORS)), whose=st.sampled_from(OVERSEERS), value=VALUES, what=st.integers(0, 2))
    def somebody_meddles_with_the_ceremony(self, who: str, whose: str, value: str, what: int) -> None:
        plan = self.standing()
        if plan is None:
            return
        done = (
            lambda: self.commit(plan, who),
            lambda: self.reveal(plan, who, whose),
            lambda: self.read(plan, who, value),
        )[what]()
        state, seat = plan.state, self.world.people[who] in {one.person_id for one in plan.participants}
        if what == 0:
            assert not done or (state == "planned" and seat and self.now <= plan.reveals_due_at)
        elif what == 1:
            assert not done or (state == "committed" and who == whose and seat and self.now <= plan.reveals_due_at)
        else:
            assert not done or (state == "revealed" and self.now >= plan.public_at)

    @rule(who=st.sampled_from(("one", "two", "transversal")))
    def somebody_abandons(self, who: str) -> None:
        plan = self.standing()
        if plan is None:
            return
        raw = {"reason": "Non"}
        done = self.attempt("abandon", who, lambda s, actor: ceremony.abandon(s, actor, plan.id, raw, self.now))
        known = plan.state == "revealed" and self.now >= plan.public_at
        assert not (done and (known or plan.state in ("sealed", "abandoned") or who == "transversal"))

    @rule()
    def a_draw_is_made_without_a_plan(self) -> None:
        raw = {"campaign_id": self.world.campaign_id, "size": 1, "seed": "choisie"}
        done = self.attempt("draw", "one", lambda s, actor: control.draw(s, actor, raw, self.now))
        assert not (done and self.standing())

    @rule(data=st.data(), steps=st.integers(6, 12))
    def the_control_goes_on(self, data: st.DataObject, steps: int) -> None:
        """Whoever may bring the control of a dossier on does, several times."""
        walk = data.draw(st.sampled_from(self.walks[:2]))
        for _ in range(steps):
            with self.database.read() as session:
                mission = session.scalar(select(Mission).where(Mission.dossier_id == walk.dossier_id))
                named = {mission.controller_id, mission.second_id} if mission else set()
                likely = [who for who in OWN if self.world.people[who] in named] or ["one", "two"]
                can = [(who, name) for who in (*likely, "carrier") for name in self.may(session, who, walk) & ONWARD]
            if not can:
                break
            who, name = data.draw(st.sampled_from(sorted(can)))
            self.control(who, name, walk, data)
            self.who_controls_took_no_part_and_sums_agree()

    @rule(data=st.data())
    def somebody_controls(self, data: st.DataObject) -> None:
        """Anybody does what is offered to them, or anything."""
        walk, who = data.draw(st.sampled_from(self.walks)), data.draw(st.sampled_from(ACTORS))
        with self.database.read() as session:
            may = self.may(session, who, walk)
        self.control(
            who, data.draw(st.sampled_from(sorted(may or CONTROLS)) | st.sampled_from(sorted(CONTROLS))), walk, data
        )

    def may(self, session: Session, who: str, walk: Walk) -> set[str]:
        """What is offered to somebody."""
        row, actor = session.get_one(Dossier, walk.dossier_id), self.world.actor(session, who)
        mission = session.scalar(select(Mission).where(Mission.dossier_id == row.id))
        return {
            name
            for subject in (row, mission)
            if subject is not None
            for name, refusal in offered(session, actor, row, subject, self.now, CONTROLS).items()
            if refusal is None
        }

    def control(self, who: str, name: str, walk: Walk, data: st.DataObject) -> None:
        """One act of a control."""
        with self.database.read() as session:
            took_part = or_(*access.involvements(self.world.people[who]).values())
            involved = session.scalar(select(Dossier.id).where(Dossier.id == walk.dossier_id, took_part))
            mission = session.scalar(select(Mission).where(Mission.dossier_id == walk.dossier_id))
            raw = self.typed(session, name, mission, data)
        done = self.act(walk, who, name, raw)
        assert not (done and involved and name not in ANYBODYS), f"{who}, who is involved, did {name}"

    def typed(self, session: Session, name: str, mission: Mission | None, data: st.DataObject) -> dict[str, Any]:
        """What somebody might type into the form, sensible more often than not."""
        draw, number = data.draw, self.world.people
        due = (self.now + timedelta(days=draw(st.sampled_from([20, 20, 20, -3])))).date().isoformat()
        cents = draw(st.sampled_from([100_01, 33_33, 1, 0]))
        grid = mission.grid_id if mission else None
        items = session.scalars(select(ControlItem.id).where(ControlItem.grid_id == grid)).all()
        line = session.scalar(select(LedgerLine.id).where(LedgerLine.mission_id == (mission.id if mission else 0)))
        raw: dict[str, Any] = {
            "first_id": number[draw(st.sampled_from(ACTORS))],
            "second_id": number[draw(st.sampled_from(ACTORS))],
            "visit_on": due,
            "due_on": due,
            "realisation": "Vu",
            "spending": "Vu",
            "refused_cents": draw(st.sampled_from([0, cents // 3, cents])),
            "amount_cents": cents,
            "share": draw(st.sampled_from(["100", "50", "33,33"])),
            "spent_on": "2027-07-01",
            "label": "Tables",
            "voucher": "F-12",
            "reason": "Sans lien",
            "line_id": draw(st.sampled_from([line, None, None])) if name == "enter_expense" else line,
            "answers": {str(item): {"verdict": "compliant"} for item in items},
            "answer": "Merci",
            "outcome": draw(st.sampled_from(["none", "recommendation", "payback"])),
            "conclusion": "Rien",
            "narrative": "Fait",
            "beneficiaries": 3,
            "spent_cents": 9_500_00,
            **dict.fromkeys(("relevance", "coherence", "effectiveness", "efficiency", "impact"), 3),
            "recommendation": "renew",
            "body": "Utile",
        }
        return {key: value for key, value in raw.items() if value is not None and key in ACTS[name].form().fields}

    @rule(whom=st.sampled_from((*OWN, "instructor 1", "evaluator")), role=st.sampled_from(ROLES), ends=st.booleans())
    def a_role_is_given_or_ended(self, whom: str, role: str, ends: bool) -> None:
        place = {
            "carrier": {"organisation_id": self.world.organisation_id},
            "instructor": {"instance_id": self.world.instance_id},
            "evaluator": {"instance_id": self.world.instance_id},
        }.get(role, {})
        if whom not in OWN and role != "controller":
            return  # they serve the next example too
        person = self.world.people[whom]
        held = select(RoleGrant.id).where(
            RoleGrant.person_id == person, RoleGrant.role == role, RoleGrant.ended_at.is_(None)
        )
        with self.database.read() as session:
            grant = session.scalar(held)
        if not ends:
            raw = {"role": role, **place}
            self.attempt(f"grant {role}", "administrator", lambda s, a: people.grant_role(s, a, person, raw, self.now))
        elif grant is not None and whom in OWN:
            self.attempt(f"end {role}", "administrator", lambda s, a: people.end_role(s, a, grant, self.now))

    @rule(who=st.sampled_from(OVERSEERS), name=st.sampled_from(["Une autre", "Un autre"]))
    def somebody_takes_another_name(self, who: str, name: str) -> None:
        raw = {"name": name, "locale": "fr"}
        self.attempt("rename", who, lambda s, actor: profile.set_profile(s, actor, raw, self.now))

    # What nobody can do, whoever writes

    @rule(data=st.data())
    def a_sealed_draw_is_tampered_with(self, data: st.DataObject) -> None:
        if not self.sealed:
            return
        plan = data.draw(st.sampled_from(sorted(self.sealed)))
        kind, mine = data.draw(st.sampled_from(SEALED))
        table: Table = kind.__table__
        column = data.draw(st.sampled_from([None, *table.columns]))
        statement = table.delete() if column is None else table.update().values({column: another(column)})
        with self.database.writer.connect() as connection, pytest.raises(IntegrityError):
            connection.execute(statement.where(mine(plan)))
        with Session(self.database.writer, autoflush=False) as session:
            row = session.scalars(select(kind).where(mine(plan))).first()
            if data.draw(st.booleans()):
                session.delete(row)
            else:
                name = next(name for name in ("value", "ticket", "seed", "secret", "number") if hasattr(row, name))
                setattr(row, name, "autre")
            # Of what others hang on, SQLAlchemy itself refuses to let go.
            with pytest.raises((IntegrityError, AssertionError)):
                session.flush()

    # What always holds

    @invariant()
    def sealed_draws_stand_as_they_were_sealed(self) -> None:
        with self.database.read() as session:
            plans = session.scalars(
                select(SamplePlan).where(SamplePlan.campaign_id == self.world.campaign_id).order_by(SamplePlan.id)
            ).all()
            for earlier, plan in zip([None, *plans], plans, strict=False):
                document = json.loads(plan.document)
                assert sha256(plan.document) == plan.plan_hash
                assert plan.supersedes_id == (earlier.id if earlier else None)
                if earlier:
                    assert document["supersedes"] == earlier.plan_hash
                if plan.state == "abandoned":
                    assert plan.ended_at
                    assert plan.revealed_at is None or plan.ended_at < plan.public_at
                if plan.state == "sealed":
                    self.stands(session, plan)

    def stands(self, session: Session, plan: SamplePlan) -> None:
        rows = [
            sorted(map(repr, session.execute(select(*kind.__table__.columns).where(mine(plan.id)))))
            for kind, mine in SEALED
        ]
        told = json.loads(json.dumps(queries.public_record(session, plan.id)))
        assert self.sealed.setdefault(plan.id, (rows, told)) == (rows, told)
        assert record.verify(told) is None
        assert told["seed"] == plan.seed == seed_of(told["ceremony"])
        names = {number: who for who, number in self.world.people.items()}
        phrases = [self.secrets[plan.id, names[seat.person_id]] for seat in plan.participants]
        assert [one["secret"] for one in told["ceremony"]["participants"]] == phrases
        drawn = session.execute(
            select(Dossier.number, Mission.id)
            .join(SampleUnit, (SampleUnit.dossier_id == Dossier.id) & SampleUnit.drawn)
            .join(Sample, (Sample.id == SampleUnit.sample_id) & (Sample.plan_id == plan.id))
            .outerjoin(Mission, (Mission.dossier_id == Dossier.id) & (Mission.sample_id == Sample.id))
        ).all()
        assert {row.number for row in drawn} == {row["id"] for row in told["units"]} == drawn_again(told)
        assert len(drawn) == plan.size == len({row.id for row in drawn} - {None})
        self.reached.add(f"sealed {plan.method}")

    @invariant()
    def who_controls_took_no_part_and_sums_agree(self) -> None:
        mine = Mission.dossier_id.in_([walk.dossier_id for walk in self.walks])
        with self.database.read() as session:
            for mission in session.scalars(select(Mission).where(mine)):
                assert mission.second_id is None or mission.second_id != mission.controller_id
                # Who has concluded may go over to the carrier afterwards.
                standing = (mission.controller_id, mission.second_id) if mission.state != "concluded" else ()
                for person in standing:
                    took_part = or_(*access.involvements(person).values())
                    assert not session.scalar(select(Dossier.id).where(Dossier.id == mission.dossier_id, took_part))
                lines = session.scalars(select(LedgerLine).where(LedgerLine.mission_id == mission.id)).all()
                for line in lines:
                    charged = line.accepted_cents + line.refused_cents
                    assert abs(line.amount_cents * line.share - 10_000 * charged) <= 5_000
                if lines and mission.state in ("findings_sent", "concluded"):
                    assert mission.refused_cents == sum(line.refused_cents for line in lines)
                if mission.payback_cents is not None:
                    assert (mission.state, mission.outcome) == ("concluded", "payback")

    def teardown(self) -> None:
        with self.database.read() as session:
            assert list(journal.verify(session)) == []
            told = json.dumps([told for _rows, told in self.sealed.values()], ensure_ascii=False)
            noted = [
                json.dumps(details, ensure_ascii=False)
                for details in session.scalars(select(JournalEntry.details).where(JournalEntry.seq > self.start))
            ]
            for phrase in self.secrets.values():
                assert phrase in told or not any(phrase in details for details in noted)


@pytest.fixture
def world(database: Database) -> World:
    return build(database)


def test_whoever_plans_draws_and_controls_bends_nothing(database: Database, world: World) -> None:
    reached: set[str] = set()
    for method in (None, "srs", "stratified", "mus"):
        given = {"database": database, "base": world, "reached": reached, "method": method}
        run_state_machine_as_test(
            type("ControlsHere", (Controls,), given),
            settings=settings(
                max_examples=3, stateful_step_count=16, suppress_health_check=list(HealthCheck), deadline=None
            ),
        )
    assert reached >= {"sealed srs", "sealed stratified", "sealed mus", "abandon", "send_findings"}
