"""Random people do random acts on both databases; after each, what must always hold is checked.

One database per kind serves all examples: every example opens a campaign of its own, so that it may draw its sample.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from states.dossier import DOSSIER
from tests.factories import DATES, NOW, Walk, World, build
from workflow import access, journal
from workflow.db import Database
from workflow.errors import DomainError
from workflow.models import (
    BinomeMember,
    Campaign,
    CommitteeSession,
    Consultation,
    Dossier,
    Envelope,
    FundingRequest,
    JournalEntry,
    Milestone,
    Mission,
    Opinion,
    Piece,
    SampleUnit,
    SecretLink,
)
from workflow.turns import TURNS
from workflow.use_cases import ACTS, control, offered, perform

TEXTS = st.sampled_from(
    ["Parce que", "Pour cela", "Voilà", "", "<script>alert(1)</script>", "'; DROP TABLE dossier; --", "é" * 300]
)
SUMS = st.sampled_from([1_000_00, 0, 500_00, 1, 2_500_00, 6_000_00, 9_000_000_00, -5])
VERDICTS = st.sampled_from(["favourable", "with_reservations", "unfavourable", "deferred", "", "autre"])


CHATTER = {
    "send_message",
    "write_note",
    "edit_draft",
    "save_opinion",
    "attach_document",
    "submit_progress_report",
    "answer_piece",
}
ENDINGS = {"withdraw", "declare_inadmissible", "cancel_action", "reroute", "reopen_instruction", "defer"}


def new_campaign(database: Database, world: World) -> World:
    """The same world with a campaign, envelopes and a session of its own."""
    with database.write() as session:
        rank = session.scalar(select(func.count()).select_from(Campaign)) or 0
        campaign = Campaign(
            label=f"Essai {rank}", year=3000 + rank, first=date(2026, 10, 1), last=date(2028, 12, 29), created_at=NOW
        )
        session.add(campaign)
        session.flush()
        session.add_all(
            Milestone(campaign_id=campaign.id, code=code, label=code, position=place, on=on)
            for place, (code, on) in enumerate(DATES.items())
        )
        session.add_all(
            Envelope(funder_id=funder, campaign_id=campaign.id, total_cents=4_000_00)
            for funder in world.funders.values()
        )
        meeting = CommitteeSession(
            campaign_id=campaign.id, instance_id=world.instance_id, label="Comité", on=date(2027, 3, 12)
        )
        session.add(meeting)
        session.flush()
        return replace(world, campaign_id=campaign.id, session_id=meeting.id)


class Lives(RuleBasedStateMachine):
    """Four dossiers of one campaign, at four ages, and everybody around them."""

    database: Database
    base: World

    @initialize()
    def open_campaign(self) -> None:
        self.world = new_campaign(self.database, self.base)
        self.now = NOW
        self.walks = [Walk(self.database, self.world) for _ in range(4)]
        self.walks[0].draft()
        self.walks[1].assigned()
        self.walks[2].funded()
        expert = {"expert_email": "expert@binome.example", "question": "Est-ce sûr ?", "due_on": "2027-12-01"}
        self.walks[3].assigned().act("instructor 1", "consult_expert", **expert)
        self.seen: set[str] = set()

    @rule(days=st.integers(1, 45))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(data=st.data())
    def somebody_does_what_is_offered(self, data: st.DataObject) -> None:
        dossier, _ = self.pick(data)
        with self.database.read() as session:
            row = session.get_one(Dossier, dossier)
            mission = session.scalar(select(Mission).where(Mission.dossier_id == dossier))
            open_acts = [
                (who, name)
                for who in sorted(self.world.people)
                for subject in (row, mission)
                if subject is not None
                for name, refusal in offered(session, self.world.actor(session, who), row, subject, self.now).items()
                if refusal is None
            ]
        if open_acts:
            names = {name for _, name in open_acts}
            if data.draw(st.integers(0, 9)):
                names = names - CHATTER - ENDINGS or names
            name = data.draw(st.sampled_from(sorted(names)))
            who = data.draw(st.sampled_from([who for who, act in open_acts if act == name]))
            self.attempt(who, name, dossier, data)

    @rule(data=st.data())
    def somebody_does_anything(self, data: st.DataObject) -> None:
        dossier, who = self.pick(data)
        self.attempt(who, data.draw(st.sampled_from(sorted(ACTS))), dossier, data)

    @rule(data=st.data())
    def a_question_is_answered_or_prolonged_or_handed_over_or_expires(self, data: st.DataObject) -> None:
        with self.database.read() as session:
            instructor = self.world.actor(session, "instructor 1")
            asked = session.execute(
                select(Consultation.id, Consultation.dossier_id, Consultation.colleague_email)
                .where(
                    Consultation.state.in_(("asked", "expired")),
                    Consultation.dossier_id.in_([walk.dossier_id for walk in self.walks]),
                )
                .order_by(Consultation.id)
            ).all()
        if not asked:
            return
        consultation = data.draw(st.sampled_from([tuple(row) for row in asked]))
        expert = access.Actor(None, "Expert", consultation_id=consultation[0])
        of_experts = ("propose_colleague", "answer", "decline", "note")
        acts = [
            *((instructor, name) for name in ("hand_over", "refuse_colleague", "extend")),
            *((expert, name) for name in of_experts),
            (access.SYSTEM_ACTOR, "expire"),
        ]
        if data.draw(st.booleans()):  # what brings a question on, rather than anything
            acts = acts[:2] if consultation[2] else acts[3:4]
        actor, name = data.draw(st.sampled_from(acts))
        raw = {
            "answer": {"stance": "favourable", "answer": "Oui"},
            "decline": {"reason": "Non"},
            "propose_colleague": {
                "colleague_name": "Collègue",
                "colleague_email": data.draw(st.sampled_from(["a@binome.example", "B@binome.example"])),
                "reason": data.draw(TEXTS),
            },
            "hand_over": {},
            "refuse_colleague": {"reason": data.draw(TEXTS)},
            "note": {"answer": "Trop tard, mais oui"},
            "expire": {},
            "extend": {"due_on": (self.now + timedelta(days=data.draw(st.integers(-3, 60)))).date().isoformat()},
        }[name]
        self.attempt_as(actor, name, consultation[1], raw, consultation[0])

    @rule(size=st.integers(1, 3), seed=st.text(max_size=5))
    def a_sample_is_drawn(self, size: int, seed: str) -> None:
        try:
            with self.database.write() as session:
                controller = self.world.actor(session, "controller")
                raw = {"campaign_id": self.world.campaign_id, "size": size, "seed": seed}
                control.draw(session, controller, raw, self.now)
        except DomainError:
            pass  # too early, too large, or already drawn

    def pick(self, data: st.DataObject) -> tuple[int, str]:
        walk = data.draw(st.sampled_from(self.walks))
        return walk.dossier_id, data.draw(st.sampled_from(sorted(self.world.people)))

    def attempt(self, who: str, name: str, dossier: int, data: st.DataObject) -> None:
        with self.database.read() as session:
            actor = self.world.actor(session, who)
            raw, subject = self.typed(session, name, dossier, data)
        self.attempt_as(actor, name, dossier, raw, subject)

    def attempt_as(
        self, actor: access.Actor, name: str, dossier: int, raw: dict[str, Any], subject: int | None
    ) -> None:
        """A refusal is a DomainError that says why, and leaves nothing behind."""
        before = self.mark()
        form = ACTS[name].form().fields
        try:
            with self.database.write() as session:
                known = {key: value for key, value in raw.items() if key in form}
                perform(session, actor, name, dossier, now=self.now, raw=known, subject_id=subject)
        except DomainError as error:
            refusal = error
        else:
            self.seen.add(name)
            return
        assert refusal.reasons
        assert self.mark() == before

    def mark(self) -> Any:
        with self.database.read() as session:
            states = session.execute(select(Dossier.id, Dossier.state, Dossier.version).order_by(Dossier.id)).all()
            return journal.head(session), [tuple(row) for row in states]

    def typed(self, session: Any, name: str, dossier: int, data: st.DataObject) -> tuple[dict[str, Any], int | None]:
        """What somebody might type into any form, sensible more often than not."""
        people, draw = self.world.people, data.draw
        lines = list(
            session.scalars(
                select(FundingRequest.id).where(FundingRequest.dossier_id == dossier).order_by(FundingRequest.id)
            )
        )
        pieces = list(session.scalars(select(Piece.id).where(Piece.dossier_id == dossier).order_by(Piece.id)))
        seated = list(
            session.scalars(
                select(BinomeMember.person_id).where(BinomeMember.dossier_id == dossier, BinomeMember.left_at.is_(None))
            )
        )
        somebody = st.sampled_from(
            [people[who] for who in ("instructor 1", "instructor 2", "instructor 3", "instructor 4", "novice")]
        )
        amount = draw(SUMS)
        due = (self.now + timedelta(days=draw(st.integers(-3, 30)))).date().isoformat()
        raw: dict[str, Any] = {
            "reason": draw(TEXTS),
            "answer": draw(TEXTS),
            "attested": True,
            "values": {"title": draw(TEXTS)},
            "step": "action",
            "pieces": ["Statuts", "RIB"],
            "answers": {str(piece): "Voici" for piece in pieces},
            "verdicts": {str(piece): draw(st.sampled_from(["accepted", "returned"])) for piece in pieces[-2:]},
            "words": {str(piece): "Illisible" for piece in pieces},
            "mentions": [people["instructor 2"]],
            "due_on": due,
            "visit_on": due,
            "instance_id": draw(st.sampled_from([self.world.instance_id, 1, 10_000])),
            "first_id": draw(somebody),
            "second_id": draw(somebody),
            "leaver_id": draw(st.sampled_from([*seated, 1])),
            "newcomer_id": draw(somebody),
            "third_id": draw(somebody),
            "derogation": draw(st.sampled_from(["", "Accord des deux institutions"])),
            "expert_email": "expert@binome.example",
            "question": draw(TEXTS),
            "verdict": draw(VERDICTS),
            "strengths": "Solide",
            "reservations": "Aucune",
            "body": draw(TEXTS),
            "amounts": {str(line): 1_000_00 for line in lines},
            "session_id": self.world.session_id,
            "request_id": draw(st.sampled_from([*lines, 10_000])),
            "amount_cents": amount,
            "motive": draw(TEXTS),
            "payback_cents": draw(SUMS),
            "reference": "2027-1",
            "signed_on": due,
            "paid_on": due,
            "kind": "advance",
            "narrative": "Fait",
            "beneficiaries": 3,
            "spent_cents": amount,
            "relevance": 3,
            "coherence": 3,
            "effectiveness": 3,
            "efficiency": 3,
            "impact": 3,
            "recommendation": "renew",
            "realisation": draw(TEXTS),
            "spending": "Conforme",
            "outcome": "none",
            "conclusion": "Rien",
            "piece_id": draw(st.sampled_from([*pieces, 10_000])),
        }
        table = ACTS[name].table.name
        subject = None
        if table == "consultation":
            subject = session.scalar(select(Consultation.id).where(Consultation.dossier_id == dossier))
        elif table == "control":
            subject = session.scalar(select(Mission.id).where(Mission.dossier_id == dossier))
        return raw, subject

    @invariant()
    def envelopes_hold_what_is_granted(self) -> None:
        with self.database.read() as session:
            granted = select(func.coalesce(func.sum(FundingRequest.granted_cents), 0)).where(
                FundingRequest.envelope_id == Envelope.id
            )
            for total, kept, summed in session.execute(
                select(Envelope.total_cents, Envelope.granted_cents, granted.scalar_subquery())
            ):
                assert kept == summed <= total

    @invariant()
    def every_life_stands_where_its_journal_says_and_can_go_on(self) -> None:
        with self.database.read() as session:
            for walk in self.walks:
                dossier = session.get_one(Dossier, walk.dossier_id)
                last = session.scalar(
                    select(JournalEntry.to_state)
                    .where(JournalEntry.subject == f"dossier:{dossier.id}")
                    .order_by(JournalEntry.seq.desc())
                    .limit(1)
                )
                assert dossier.state == last
                assert dossier.state in DOSSIER.terminal or dossier.state in TURNS
                seats = session.scalar(
                    select(func.count()).where(BinomeMember.dossier_id == dossier.id, BinomeMember.left_at.is_(None))
                )
                assert seats in (0, 2, 3)
                if dossier.state in ("assigned", "expert_consulted", "opinion"):
                    assert seats >= 2
                standing = session.scalars(
                    select(Opinion.author_id).where(Opinion.dossier_id == dossier.id, Opinion.superseded_at.is_(None))
                ).all()
                assert len(standing) == len(set(standing))
                questions = session.scalars(select(Consultation).where(Consultation.dossier_id == dossier.id)).all()
                handed = {question.id for question in questions if question.state == "handed_over"}
                assert handed == {question.handed_from_id for question in questions} - {None}
                if any(question.state == "asked" for question in questions):
                    assert dossier.state in ("expert_consulted", "withdrawn")
                live = select(SecretLink.consultation_id).where(SecretLink.ended_at.is_(None))
                assert not handed & set(session.scalars(live))
                if dossier.state == "under_control":
                    assert session.scalar(select(SampleUnit.drawn).where(SampleUnit.dossier_id == dossier.id))

    def teardown(self) -> None:
        with self.database.read() as session:
            assert list(journal.verify(session)) == []


@pytest.fixture
def world(database: Database) -> World:
    return build(database)


def test_random_people_doing_random_acts_break_nothing(database: Database, world: World) -> None:
    lives = type("LivesHere", (Lives,), {"database": database, "base": world})
    run_state_machine_as_test(
        lives,
        settings=settings(
            max_examples=15, stateful_step_count=30, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )
