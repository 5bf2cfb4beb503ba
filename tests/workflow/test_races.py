"""Real concurrent sessions: what two people do at the same instant never breaks a rule."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlalchemy import select, update

from tests import reviews
from tests.factories import NOW, Walk, World, build
from workflow import journal
from workflow.db import Database
from workflow.errors import DomainError, Refused, Stale
from workflow.models import (
    BinomeMember,
    ControlGrid,
    Dossier,
    Envelope,
    FundingRequest,
    JournalEntry,
    Outbox,
    RoleGrant,
    SamplePlan,
)
from workflow.use_cases import common_grids, perform, sampling_plans


def together(acts: list[Callable[[], Any]]) -> list[BaseException | None]:
    """Do all of `acts` at once, each in its own thread; return what each raised."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> BaseException | None:
        barrier.wait()
        try:
            act()
        except DomainError as error:
            return error
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def attempt(database: Database, world: World, who: str, name: str, dossier: int, version: int, **raw: Any) -> None:
    with database.write() as session:
        actor = world.actor(session, who)
        walk_time = Walk(database, world).now
        perform(session, actor, name, dossier, now=walk_time, raw=raw, version=version)


def version_of(database: Database, dossier: int) -> int:
    with database.read() as session:
        return session.scalars(select(Dossier.version).where(Dossier.id == dossier)).one()


def test_decisions_racing_for_the_last_euros_never_overspend(database: Database) -> None:
    world = build(database)
    walks = [Walk(database, world).tabled() for _ in range(5)]
    funder = world.funders["État"]
    with database.write() as session:
        session.execute(update(Envelope).where(Envelope.funder_id == funder).values(total_cents=6_000_00))
    outcomes = together(
        [
            lambda walk=walk: walk.act(
                "funder État", "decide_request", request_id=walk.lines()["État"], amount_cents=2_500_00
            )
            for walk in walks
        ]
    )
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) == 3
    assert all(isinstance(error, Refused) and error.reasons[0].code == "envelope_suffices" for error in refused)
    with database.read() as session:
        assert session.scalars(select(Envelope.granted_cents).where(Envelope.funder_id == funder)).one() == 5_000_00
        granted = session.scalars(select(FundingRequest).where(FundingRequest.decision == "granted")).all()
        assert len(granted) == 2


def test_two_animators_assigning_the_same_dossier_leave_one_binome(database: Database) -> None:
    world = build(database)
    dossier = Walk(database, world).submitted().dossier_id
    version, people = version_of(database, dossier), world.people
    pairs = [("instructor 1", "instructor 2"), ("instructor 3", "instructor 4")]
    outcomes = together(
        [
            lambda pair=pair: attempt(
                database,
                world,
                "animator",
                "assign",
                dossier,
                version,
                first_id=people[pair[0]],
                second_id=people[pair[1]],
            )
            for pair in pairs
        ]
    )
    late = [outcome for outcome in outcomes if outcome is not None]
    assert len(late) == 1
    assert isinstance(late[0], Stale)
    assert [change.act for change in late[0].changes] == ["assign"]
    with database.read() as session:
        seated = session.scalars(select(BinomeMember.person_id).where(BinomeMember.dossier_id == dossier)).all()
        assert sorted(seated) in [sorted(people[name] for name in pair) for pair in pairs]


def test_binomes_racing_for_the_last_effort_points_never_overspend(database: Database) -> None:
    world = build(database)
    walks = [Walk(database, world).submitted() for _ in range(4)]
    people = world.people
    with database.write() as session:
        effort = session.get_one(Dossier, walks[0].dossier_id).effort
        session.execute(
            update(RoleGrant)
            .where(RoleGrant.person_id == people["instructor 1"], RoleGrant.role == "instructor")
            .values(capacity=2 * effort + 1)
        )
    outcomes = together(
        [
            lambda walk=walk: walk.act(
                "animator", "assign", first_id=people["instructor 1"], second_id=people["instructor 2"]
            )
            for walk in walks
        ]
    )
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) == 2
    for error in refused:
        assert isinstance(error, Refused)
        assert [reason.code for reason in error.reasons] == ["members_within_capacity"]
        assert error.reasons[0].params == {"effort": effort, "names": "Rôle instructor 1 (1)"}
    with database.read() as session:
        assert len(session.scalars(select(BinomeMember)).all()) == 4


def test_a_double_click_acts_once(database: Database) -> None:
    world = build(database)
    dossier = Walk(database, world).draft().dossier_id
    version = version_of(database, dossier)
    outcomes = together(
        [lambda: attempt(database, world, "carrier", "submit", dossier, version, attested=True) for _ in range(2)]
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 1
    with database.read() as session:
        assert len(session.scalars(select(JournalEntry).where(JournalEntry.act == "submit")).all()) == 1
        assert len(session.scalars(select(Outbox).where(Outbox.kind == "receipt")).all()) == 1
        assert list(journal.verify(session)) == []


def test_both_members_may_seal_at_the_same_instant(database: Database) -> None:
    world = build(database)
    walk = Walk(database, world).assigned()
    amounts = {str(line): 1_000_00 for line in walk.lines().values()}
    opinion = {"verdict": "favourable", "strengths": "Solide", "amounts": amounts}
    version = version_of(database, walk.dossier_id)
    outcomes = together(
        [
            lambda who=who: attempt(database, world, who, "seal_opinion", walk.dossier_id, version, **opinion)
            for who in ("instructor 1", "instructor 2")
        ]
    )
    assert outcomes == [None, None]
    walk.act("instructor 2", "issue_opinion")
    assert walk.state == "opinion"


def test_deposits_at_the_same_instant_get_distinct_numbers(database: Database) -> None:
    world = build(database)
    walks = [Walk(database, world).draft() for _ in range(4)]
    outcomes = together([lambda walk=walk: walk.act("carrier", "submit", attested=True) for walk in walks])
    assert outcomes == [None] * 4
    with database.read() as session:
        assert sorted(session.scalars(select(Dossier.number))) == [f"2027-{rank:04d}" for rank in range(1, 5)]


def test_two_administrators_publishing_a_grid_make_one_version(database: Database) -> None:
    world = build(database)
    with database.read() as session:
        seen = session.scalars(select(ControlGrid.number).order_by(ControlGrid.number.desc())).first() or 0

    def publish(label: str) -> None:
        raw = {"items": [{"label": label, "help": "Vu"}], "reason": "Essai", "seen": seen}
        with database.write() as session:
            common_grids.publish(session, world.actor(session, "administrator"), "controle", raw, NOW)

    outcomes = together([lambda label=label: publish(label) for label in ("A", "B", "C")])
    late = [outcome for outcome in outcomes if outcome is not None]
    assert len(late) == 2
    for error in late:
        assert isinstance(error, Refused)
        assert [(one.code, one.params) for one in error.reasons] == [("grid_unchanged", {"number": seen + 1})]
    with database.read() as session:
        assert session.scalars(select(ControlGrid.number).where(ControlGrid.number > seen)).all() == [seen + 1]


def test_two_plans_for_review_at_the_same_instant_leave_one_whatever_their_campaigns(database: Database) -> None:
    world = build(database)
    old, new = (Walk(database, world).evaluated() for _ in range(2))
    later = reviews.next_campaign(database, new.dossier_id)

    def plan(*campaigns: int) -> None:
        raw = reviews.plan(world, old.now, campaigns=campaigns)
        with database.write() as session:
            sampling_plans.plan(session, world.actor(session, "transversal"), raw, old.now, "review")

    outcomes = together(
        [lambda named=named: plan(*named) for named in ([world.campaign_id], [later], [world.campaign_id, later])]
    )
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) == 2
    assert all(isinstance(error, Refused) and error.reasons[0].code == "plan_under_way" for error in refused)
    with database.read() as session:
        assert len(session.scalars(select(SamplePlan)).all()) == 1
