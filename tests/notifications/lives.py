"""Dossiers walked so that every message there is gets written once, through the acts that really write it."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select

from notifications import draws
from tests import reviews
from tests.factories import NOW, Walk, World
from tests.workflow.test_sampling_plans import DUE, PHRASES, Stage
from workflow.access import Actor
from workflow.db import Database
from workflow.models import Campaign, Consultation, Expert, Instance, JointOpinion, Person, Piece, RoleGrant, Route
from workflow.models.reference import route_associate
from workflow.use_cases import ceremony, control, passwords, perform
from workflow.use_cases.calendar_moves import Consequences, consequences, move
from workflow.use_cases.calendar_windows import set_windows
from workflow.use_cases.calendars import propose

GRID = {"relevance": 3, "coherence": 3, "effectiveness": 4, "efficiency": 2, "impact": 3}
SECRET_WORDS = (
    *("Avis tranché", "Réserve privée", "Un motif entre agents", "Message entre nous", "Constat privé"),
    *PHRASES.values(),
)
"""What people wrote that no mail may repeat."""


def answer_as_expert(walk: Walk, consultation_id: int, name: str, **raw: Any) -> None:
    """What an expert does who came by the link."""
    expert = Actor(None, "Experte", consultation_id=consultation_id)
    with walk.database.write() as session:
        perform(session, expert, name, walk.dossier_id, now=walk.now, raw=raw, subject_id=consultation_id)


def consult(walk: Walk, days: int = 10, email: str = "expert@binome.example") -> int:
    """Ask an expert; returns the consultation's id."""
    with walk.database.write() as session:
        expert = session.scalar(select(Expert).where(Expert.email == email))
        if expert is None:
            expert = Expert(name="Autre experte", email=email, subject="Santé", created_at=walk.now)
            session.add(expert)
            session.flush()
        expert_id = expert.id
    due = (walk.now + timedelta(days=days)).date().isoformat()
    case = walk.act(
        "instructor 1", "consult_expert", expert_ids=[expert_id], question="Ce public\nest-il touché ?", due_on=due
    )
    consultation = case.result
    assert isinstance(consultation, Consultation)
    return consultation.id


def seal(walk: Walk, who: str, verdict: str) -> None:
    """Seal one opinion."""
    amounts = {str(line): 2_500_00 for line in walk.lines().values()}
    walk.act(
        who, "seal_opinion", verdict=verdict, strengths=SECRET_WORDS[0], reservations=SECRET_WORDS[1], amounts=amounts
    )


def everything(database: Database, world: World) -> None:
    """Walk dossiers until every kind of message but reminders and `dossier_unrouted` lies in the outbox."""
    reason = {"reason": SECRET_WORDS[2]}
    _associate(database, world)
    _whole_life(Walk(database, world))
    asking = Walk(database, world).assigned()
    asked = consult(asking, email="d@b.example")
    asking.act("instructor 2", "extend", asked, due_on=(asking.now + timedelta(days=90)).date().isoformat())
    colleague = {"colleague_name": "Collègue", "colleague_email": "e@b.example", "reason": SECRET_WORDS[2]}
    answer_as_expert(asking, asked, "propose_colleague", **colleague)
    asking.act("instructor 2", "refuse_colleague", asked, reason="Trop proche")
    handed = consult(asking, email="f@b.example")
    answer_as_expert(asking, handed, "propose_colleague", **colleague)
    asking.act("instructor 2", "hand_over", handed)

    returned = Walk(database, world).submitted()
    returned.act("animator", "request_completion", pieces=["Comptes 2025", "Devis"], due_on="2026-11-30")
    first, second = _pieces(returned)
    returned.act("carrier", "complete", answers={str(first): "Voici", str(second): SECRET_WORDS[1]})
    verdicts = {str(first): "accepted", str(second): "returned"}
    returned.act("animator", "review_pieces", verdicts=verdicts, words={str(second): "Illisible"}, due_on="2026-12-05")
    returned.act("carrier", "complete", answers={str(_pieces(returned)[-1]): "Le voici"})
    with database.read() as session:
        other = session.scalars(select(Instance.id).where(Instance.id != world.instance_id).limit(1)).one()
    with database.write() as session:
        there = RoleGrant(person_id=world.people["novice"], role="animator", instance_id=other, granted_at=returned.now)
        session.add(there)
        person = session.get_one(Person, world.people["transversal"])
        passwords.send_link(session, person, "invitation", "invitation", returned.now)
        passwords.send_link(session, person, "reset", "password_reset", returned.now)
    returned.act("transversal", "reroute", instance_id=other, **reason)
    returned.act("novice", "reroute", instance_id=world.instance_id, **reason)
    returned.act("transversal", "reroute", instance_id=other, **reason)
    returned.act("carrier", "withdraw", **reason)
    Walk(database, world).submitted().act("animator", "declare_inadmissible", reason="Hors du territoire.")
    _disputed(Walk(database, world), world)
    appealed = Walk(database, world)
    appealed.dossier_id = _decided(database, world, granted=0)
    appealed.later(days=3).act("animator", "appeal_upheld", **reason)
    cancelled = Walk(database, world)
    cancelled.dossier_id = _decided(database, world, granted=2_000_00)
    _paid(cancelled)
    cancelled.act("animator", "cancel_action", payback_cents=1_000_00, **reason)
    unreported = Walk(database, world)
    unreported.dossier_id = _decided(database, world, granted=2_000_00)
    unreported.now += date(2028, 5, 15) - unreported.now.date()
    unreported.act("animator", "establish_report_missing", **reason)


def unrouted(database: Database, world: World) -> None:
    """Deposit a dossier that no rule matches. Nothing is routed any more after it."""
    walk = Walk(database, world).draft()
    with database.write() as session:
        session.execute(delete(route_associate))
        session.execute(delete(Route))
    walk.act("carrier", "submit", attested=True)


def _associate(database: Database, world: World) -> None:
    """Somebody animates the instance that is told of the world's dossiers, and comments on one."""
    with database.write() as session:
        told = session.scalars(select(Instance.id).where(Instance.code == "ct-sante")).one()
        person = world.people["administrator"]
        session.add(RoleGrant(person_id=person, role="animator", instance_id=told, granted_at=NOW))
    Walk(database, world).submitted().act("administrator", "comment", body=SECRET_WORDS[2])


def _whole_life(walk: Walk) -> None:
    walk.assigned()
    walk.act("carrier", "send_message", body=SECRET_WORDS[3])
    walk.act("instructor 1", "write_note", body=SECRET_WORDS[2], mentions=[walk.world.people["animator"]])
    first, second, third = consult(walk), consult(walk, email="b@binome.example"), consult(walk, email="c@b.example")
    answer_as_expert(walk, first, "answer", stance="favourable", answer="Oui")
    answer_as_expert(walk, second, "decline", reason="Absente")
    walk.act("instructor 1", "revoke", third, reason="Plus utile")
    for who in ("instructor 1", "instructor 2"):
        seal(walk, who, "favourable")
    walk.act("instructor 1", "issue_opinion")
    walk.act("animator", "table", session_id=walk.world.session_id)
    line = walk.lines()
    walk.act("funder État", "decide_request", request_id=line["État"], amount_cents=2_500_00)
    walk.act("funder CAF", "decide_request", request_id=line["CAF"], amount_cents=0, motive="Hors priorités")
    _paid(walk)
    report = {"narrative": "Fait", "beneficiaries": 38, "spent_cents": 9_500_00}
    walk.act("carrier", "submit_progress_report", **report)
    walk.act("carrier", "submit_final_report", **report)
    walk.act("evaluator", "evaluate", **GRID, recommendation="renew", body=SECRET_WORDS[0])
    _controlled(walk)


def _paid(walk: Walk) -> None:
    line = walk.lines()["État"]
    walk.act("funder État", "sign_agreement", request_id=line, reference="2027-1", signed_on="2026-11-02")
    payment = {"kind": "advance", "amount_cents": 1_250_50, "paid_on": "2026-11-02"}
    walk.act("funder État", "record_payment", request_id=line, **payment)


def _controlled(walk: Walk) -> None:
    with walk.database.write() as session:
        actor = walk.world.actor(session, "controller")
        control.draw(session, actor, {"campaign_id": walk.world.campaign_id, "size": 1, "seed": "essai"}, walk.now)
        session.add(RoleGrant(person_id=walk.world.people["novice"], role="controller", granted_at=walk.now))
    mission, due = walk.mission_id(), (walk.now + timedelta(days=30)).date().isoformat()
    pair = {"first_id": walk.world.people["controller"], "second_id": walk.world.people["novice"]}
    walk.act("administrator", "name_controllers", mission, **pair)
    walk.act("controller", "select_for_control")
    walk.act("controller", "announce", mission, visit_on=due)
    found = SECRET_WORDS[4]
    walk.act("controller", "send_findings", mission, realisation=found, spending=found, due_on=due)
    walk.act("carrier", "reply", mission, answer="Merci")
    walk.act("controller", "conclude_control", outcome="none", conclusion=found)
    walk.act("controller", "close")
    _reviewed(walk)


def _reviewed(walk: Walk) -> None:
    """Reviewed half-way through: it is the only one yet that can be drawn."""
    reviews.draw(walk.database, walk.world, walk.now)
    reviews.fill(reviews.name(walk.later(days=3)), reason=SECRET_WORDS[0])
    reviews.sign(walk, "reviewer CAF")


def _disputed(walk: Walk, world: World) -> None:
    """Two opinions that differ: reconciled in part, arbitrated, issued, reopened, issued again, tabled, deferred."""
    walk.assigned()
    seal(walk, "instructor 1", "favourable")
    walk.act(
        "animator",
        "replace_member",
        leaver_id=world.people["instructor 1"],
        newcomer_id=world.people["instructor 3"],
    )
    seal(walk, "instructor 2", "favourable")
    seal(walk, "instructor 3", "unfavourable")
    amounts = {str(line): 1_000_00 for line in walk.lines().values()}
    joint = {"verdict": "favourable", "amounts": amounts}
    walk.act("instructor 2", "sign_joint_opinion", body=SECRET_WORDS[0], **joint)
    with walk.database.read() as session:
        assert session.scalar(select(JointOpinion.id).where(JointOpinion.dossier_id == walk.dossier_id))
    third = {"third_id": world.people["instructor 1"], "derogation": SECRET_WORDS[2]}
    walk.act("animator", "name_third", **third)
    walk.act("animator", "arbitrate", reason=SECRET_WORDS[2], **joint)
    walk.act("instructor 2", "issue_opinion")
    walk.act("animator", "reopen_instruction", reason=SECRET_WORDS[2])
    for who in ("instructor 2", "instructor 3"):
        seal(walk, who, "favourable")
    walk.act("instructor 2", "issue_opinion")
    walk.act("animator", "table", session_id=world.session_id)
    walk.act("funder État", "defer", reason=SECRET_WORDS[2])


def _decided(database: Database, world: World, granted: int) -> int:
    """The id of a dossier on which État decided and CAF refused."""
    walk = Walk(database, world).tabled()
    lines = walk.lines()
    walk.act("funder CAF", "decide_request", request_id=lines["CAF"], amount_cents=0, motive="Hors priorités")
    walk.act("funder État", "decide_request", request_id=lines["État"], amount_cents=granted, motive="Choix")
    return walk.dossier_id


def _pieces(walk: Walk) -> list[int]:
    with walk.database.read() as session:
        return list(session.scalars(select(Piece.id).where(Piece.dossier_id == walk.dossier_id)))


def rescheduled(database: Database, world: World) -> None:
    """A calendar is proposed to the funders, and a milestone moved."""
    window = {"deposit_deadline": {"earliest": "2026-12-01", "latest": "2027-01-10"}}
    with database.write() as session:
        administrator, campaign_id = world.actor(session, "administrator"), world.campaign_id
        set_windows(session, administrator, campaign_id, world.funders["État"], {"windows": window}, NOW)
        propose(session, administrator, campaign_id, {"reason": "Un jour de plus"}, NOW)
        deposit = next(
            row for row in session.get_one(Campaign, campaign_id).milestones if row.code == "deposit_deadline"
        )
        asked = {"milestone_id": deposit.id, "on": "2026-12-16"}
        _, found = consequences(session, administrator, campaign_id, asked, NOW)
        assert isinstance(found, Consequences)
        move(session, administrator, campaign_id, {**asked, "seen": found.seen, "reason": "Un jour de plus"}, NOW)


def drawn(database: Database, world: World) -> None:
    """A plan of a draw that is abandoned once who has not done their part was reminded, and one that is sealed."""
    for _ in range(2):
        Walk(database, world).funded()
    plans = Stage(database, world, [])
    plans.planned()
    with database.write() as session:
        assert draws.remind(session, DUE - timedelta(hours=2)) == 2
    plans.do("controller", ceremony.abandon, {"reason": "Une date à revoir"}, NOW)
    plans.planned(size=1, reserve=0).committed().revealed().sealed()
