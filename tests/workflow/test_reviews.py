"""The mid-term review: its draw apart from control, who may review, the joint grid, and the two signatures."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from sqlalchemy import select

from tests import reviews
from tests.factories import NOW, Walk, World, build
from tests.reviews import criteria, draw, fill, name, next_campaign, review_id, to_review
from workflow import journal
from workflow.control_grid import seen
from workflow.db import Database
from workflow.errors import Forbidden, Invalid, NotFound, Refused
from workflow.models import (
    Dossier,
    Interest,
    JournalEntry,
    LocalInterest,
    Mission,
    Objective,
    Outbox,
    Person,
    PlanUnit,
    Review,
    RoleGrant,
    Sample,
    SamplePlan,
)
from workflow.queries import home
from workflow.queries import sampling_plans as plans
from workflow.queries.dossier import load
from workflow.queries.reviews import show
from workflow.reviews import mark_of
from workflow.sampling import record
from workflow.transition import changes_since
from workflow.use_cases import ceremony, control, sampling_plans
from workflow.use_cases import review as use_case

FIRST, SECOND = "reviewer État", "reviewer CAF"


@pytest.fixture
def world(database: Database) -> World:
    return build(database)


@pytest.fixture
def both(database: Database) -> Walk:
    """A dossier drawn for review, on each kind of database."""
    return to_review(Walk(database, build(database)))


@pytest.fixture(scope="module")
def kept(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Walk]:
    """The same on SQLite, made once to be copied."""
    file = copyfile(migrated_sqlite_file, tmp_path_factory.mktemp("reviews") / "world.sqlite3")
    database = Database(f"sqlite:///{file}")
    made = to_review(Walk(database, build(database)))
    with database.writer.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return file, made


@pytest.fixture
def walk(kept: tuple[Path, Walk], tmp_path: Path) -> Iterator[Walk]:
    """A dossier drawn for review."""
    file, made = kept
    database = Database(f"sqlite:///{copyfile(file, tmp_path / 'review.sqlite3')}")
    again = Walk(database, replace(made.world, people=dict(made.world.people)), made.now)
    again.dossier_id = made.dossier_id
    yield again
    database.dispose()


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=code)


def current(walk: Walk) -> Review:
    with walk.database.read() as session:
        found = session.scalars(select(Review).where(Review.dossier_id == walk.dossier_id)).one()
        assert found.scores is not None
        session.expunge_all()
        return found


def sign(walk: Walk, who: str, mark: str | None = None) -> None:
    if mark is None:
        reviews.sign(walk, who)
    else:
        walk.act(who, "sign_review", review_id(walk), seen=mark)


# --- the draw -------------------------------------------------------------------------------------------------------


def test_a_review_is_drawn_by_the_ceremony_and_its_record_replays(database: Database, world: World) -> None:
    walks = [Walk(database, world).evaluated() for _ in range(3)]
    Walk(database, world).funded()
    plan_id = draw(database, world, NOW, size=2, method="stratified", stratum="orientation")
    with database.read() as session:
        plan = session.get_one(SamplePlan, plan_id)
        assert json.loads(plan.document)["campaigns"] == ["Programmation 2027"]
        assert plan.population_size == 3, "only what is evaluated"
        assert {unit.stratum for unit in plan.units} == {"Promouvoir la santé et faciliter l'accès aux soins"}
        assert record.verify(plans.public_record(session, plan_id)) is None
        sample = session.scalars(select(Sample)).one()
        assert sample.purpose == "review"
        drawn = set(session.scalars(select(Review.dossier_id)))
        assert len(drawn) == 2
        assert drawn < {walk.dossier_id for walk in walks}
        assert session.scalars(select(Mission)).all() == []
        assert not list(journal.verify(session))


def test_it_spans_the_campaigns_that_it_names_and_is_kept_under_the_last(database: Database, world: World) -> None:
    old = Walk(database, world).evaluated()
    new = Walk(database, world).evaluated()
    later = next_campaign(database, new.dossier_id)
    plan_id = draw(database, world, NOW, campaigns=[later, world.campaign_id], size=2)
    with database.read() as session:
        plan = session.get_one(SamplePlan, plan_id)
        assert plan.campaign_id == later
        assert json.loads(plan.document)["campaigns"] == ["Programmation 2027", "Programmation 2028"]
        units = session.scalars(select(PlanUnit.dossier_id).where(PlanUnit.plan_id == plan_id))
        assert set(units) == {old.dossier_id, new.dossier_id}


def test_one_draw_for_review_at_a_time_over_all_campaigns_and_each_names_the_last(
    database: Database, world: World
) -> None:
    Walk(database, world).evaluated()
    new = Walk(database, world).evaluated()
    both = [world.campaign_id, next_campaign(database, new.dossier_id)]

    def planned(*campaigns: int) -> SamplePlan:
        with database.write() as session:
            raw = reviews.plan(world, new.now, campaigns=campaigns)
            return sampling_plans.plan(session, world.actor(session, "transversal"), raw, new.now, "review")

    first = planned(both[0])
    for campaigns in (both, both[1:]):
        with refused("plan_under_way") as caught:
            planned(*campaigns)
        assert caught.value.reasons[0].message == "Un tirage pour la revue est déjà en préparation."
    with database.write() as session:
        actor = world.actor(session, "transversal")
        ceremony.abandon(session, actor, first.id, {"reason": "Une campagne manque"}, new.now)
    second = planned(*both)
    assert (second.campaign_id, second.supersedes_id) == (both[1], first.id)
    assert json.loads(second.document)["supersedes"] == first.plan_hash


def test_control_knows_nothing_of_it(both: Walk) -> None:
    walk, world, database = both, both.world, both.database
    with database.read() as session:
        tasks = home.awaiting(session, world.actor(session, "controller"), walk.now.date()).counts
    assert set(tasks) == set(), "neither a control to begin nor a dossier to close"
    with refused("in_sealed_draw"):
        walk.act("controller", "select_for_control")
    with refused("draw_sealed"):
        walk.act("controller", "close")
    raw = {"campaign_id": world.campaign_id, "size": 1, "seed": "essai"}
    with database.write() as session:
        control.draw(session, world.actor(session, "controller"), raw, walk.now)
    walk.act("controller", "select_for_control")


def test_each_purpose_has_its_own_plans(walk: Walk) -> None:
    database, world = walk.database, walk.world
    raw = {name: value for name, value in reviews.plan(world, walk.now).items() if name != "campaigns"}
    with database.write() as session:
        actor = world.actor(session, "controller")
        made = sampling_plans.plan(session, actor, {**raw, "campaign_id": world.campaign_id}, walk.now)
        assert made.supersedes_id is None
        assert "purpose" not in json.loads(made.document), "a plan for control is what it was"


@pytest.mark.parametrize(
    ("who", "purpose"), [("controller", "review"), ("transversal", "control"), ("administrator", "control")]
)
def test_who_plans_what(walk: Walk, who: str, purpose: str) -> None:
    with pytest.raises(Forbidden), walk.database.write() as session:
        sampling_plans.plan(
            session, walk.world.actor(session, who), reviews.plan(walk.world, walk.now), walk.now, purpose
        )


def test_its_planners_give_it_up_and_controllers_do_not(walk: Walk) -> None:
    Walk(walk.database, walk.world).evaluated()
    with walk.database.write() as session:
        actor = walk.world.actor(session, "administrator")
        plan_id = sampling_plans.plan(session, actor, reviews.plan(walk.world, walk.now), walk.now, "review").id
    with pytest.raises(Forbidden), walk.database.write() as session:
        ceremony.abandon(session, walk.world.actor(session, "controller"), plan_id, {"reason": "Non"}, walk.now)
    with walk.database.write() as session:
        actor = walk.world.actor(session, "transversal")
        ceremony.abandon(session, actor, plan_id, {"reason": "À revoir"}, walk.now)
    with walk.database.read() as session:
        entry = session.scalars(select(JournalEntry).where(JournalEntry.act == "abandon_sample")).one()
        assert entry.role == "transversal"


@pytest.mark.parametrize(
    "changes", [{"method": "mus"}, {"method": "stratified", "stratum": "funder"}, {"campaigns": []}]
)
def test_what_a_plan_of_review_does_not_take(walk: Walk, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        draw(walk.database, walk.world, walk.now, **changes)


def test_each_orientation_gives_two_at_least(database: Database, world: World) -> None:
    """In proportion alone, the smaller one would give one, of which nothing can be estimated."""
    walks = [Walk(database, world).evaluated() for _ in range(7)]
    with database.write() as session:
        other = session.scalars(
            select(Objective).where(Objective.level == "operational", Objective.code.startswith("1"))
        ).first()
        assert other is not None
        for walk in walks[5:]:
            session.get_one(Dossier, walk.dossier_id).objective_id = other.id
    strata = {"method": "stratified", "stratum": "orientation"}
    with pytest.raises(Invalid) as caught:
        draw(database, world, NOW, size=3, **strata)
    assert "deux dans chaque orientation" in str(caught.value.fields)
    plan_id = draw(database, world, NOW, size=4, **strata)
    with database.read() as session:
        drawn = set(session.scalars(select(Review.dossier_id)))
        assert {walk.dossier_id for walk in walks[5:]} < drawn
        assert len(drawn) == 4
        assert record.verify(plans.public_record(session, plan_id)) is None


def test_a_campaign_that_is_not_there(walk: Walk) -> None:
    with pytest.raises(NotFound):
        draw(walk.database, walk.world, walk.now, campaigns=[walk.world.campaign_id, 99])


# --- who reviews ----------------------------------------------------------------------------------------------------


def test_two_of_two_institutions_are_named_and_told(both: Walk) -> None:
    walk = name(both)
    found = current(walk)
    assert found.state == "under_review"
    assert [found.first_id, found.second_id] == [walk.world.people[who] for who in (FIRST, SECOND)]
    with walk.database.read() as session:
        told = session.scalars(select(Outbox.person_id).where(Outbox.kind == "reviewers_named"))
        assert set(told) == {found.first_id, found.second_id}


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (FIRST, FIRST, "two_reviewers"),
        (FIRST, "instructor 3", "reviewers_known"),
        (FIRST, "controller", "reviewers_known"),
        (FIRST, "evaluator", "reviewers_independent"),
        (FIRST, "of État too", "reviewers_of_two_institutions"),
        (FIRST, "of no institution", "reviewers_of_two_institutions"),
    ],
)
def test_who_cannot_be_named(walk: Walk, first: str, second: str, code: str) -> None:
    with walk.database.write() as session:
        for who, institution in (("of État too", walk.world.funders["État"]), ("of no institution", None)):
            person = _person(session, who, institution)
            walk.world.people[who] = person
            session.add(RoleGrant(person_id=person, role="transversal", granted_at=NOW))
    with refused(code):
        name(walk, first, second)
    assert current(walk).state == "to_review"


def _person(session: Any, who: str, institution: int | None) -> int:
    person = Person(
        email=f"{who.replace(' ', '.').lower()}@b.example", name=who, institution_id=institution, created_at=NOW
    )
    session.add(person)
    session.flush()
    return person.id


@pytest.mark.parametrize("who", ["instructor 1", "carrier", "controller", "funder État", "funder CAF"])
def test_a_second_role_does_not_hide_what_somebody_did(walk: Walk, who: str) -> None:
    """Named as a member of the committee, they instructed, carried, controlled or decided all the same."""
    raw = {"campaign_id": walk.world.campaign_id, "size": 1, "seed": "essai"}
    with walk.database.write() as session:
        control.draw(session, walk.world.actor(session, "controller"), raw, walk.now)
    walk.act("controller", "select_for_control")
    with walk.database.write() as session:
        grant = RoleGrant(person_id=walk.world.people[who], role="transversal", granted_at=NOW)
        session.add(grant)
    with refused("reviewers_independent"):
        name(walk, who, SECOND)


@pytest.mark.parametrize("kind", ["organisation", "commune"])
def test_nor_does_a_declared_interest(walk: Walk, kind: str) -> None:
    with walk.database.write() as session:
        if kind == "organisation":
            session.add(
                Interest(
                    person_id=walk.world.people[SECOND],
                    organisation_id=walk.world.organisation_id,
                    nature="Adhérent",
                    declared_at=NOW,
                )
            )
        else:
            dossier = session.get_one(Dossier, walk.dossier_id)
            dossier.level, dossier.commune_id = "commune", 1
            session.add(LocalInterest(person_id=walk.world.people[SECOND], commune_id=1, nature="Élu", declared_at=NOW))
    with refused("reviewers_independent"):
        name(walk)


def test_the_committee_alone_names(walk: Walk) -> None:
    for who in ("administrator", "controller", "animator"):
        with pytest.raises((Forbidden, NotFound)):
            name(walk, by=who)


def test_a_reviewer_reads_what_it_takes_and_nothing_more(walk: Walk) -> None:
    with walk.database.read() as session:
        actor = walk.world.actor(session, SECOND)
        with pytest.raises(NotFound):
            load(session, actor, walk.dossier_id)
    name(walk)
    with walk.database.read() as session:
        file = load(session, walk.world.actor(session, SECOND), walk.dossier_id)
        assert file.roles == {"reviewer"}
        for part in ("reports", "evaluation", "budget"):
            assert file.all(part), part
        for part in ("sealed_opinions", "messages", "notes", "control", "comments", "contact"):
            assert not file.sees(part), part
        carrier = load(session, walk.world.actor(session, "carrier"), walk.dossier_id)
        assert not carrier.sees("review")
        assert "name_reviewers" not in [entry.act for entry in carrier.entries]


@pytest.mark.parametrize("who", ["carrier", "controller", "animator", "instructor 1", "evaluator"])
def test_nobody_else_knows_that_there_is_a_review(walk: Walk, who: str) -> None:
    name(walk)
    with pytest.raises(NotFound):
        walk.act(who, "fill_review", review_id(walk), answers={})


def test_who_comes_late_is_told_what_is_theirs_to_know(walk: Walk) -> None:
    name(walk)
    with walk.database.read() as session:
        told = {
            role: {change.act for change in changes_since(session, walk.dossier_id, 0, {role})}
            for role in ("carrier", "animator", "transversal")
        }
    assert {role for role, acts in told.items() if "name_reviewers" in acts} == {"transversal"}
    assert all("evaluate" in acts for acts in told.values())


def test_who_took_part_since_reviews_no_more(walk: Walk) -> None:
    name(walk)
    with walk.database.write() as session:
        session.add(
            Interest(
                person_id=walk.world.people[FIRST],
                organisation_id=walk.world.organisation_id,
                nature="Adhérent",
                declared_at=NOW,
            )
        )
    with refused("reviewer_independent"):
        fill(walk)


def test_others_may_be_named_instead_and_the_text_stays(walk: Walk) -> None:
    fill(name(walk))
    sign(walk, FIRST)
    name(walk, "transversal", SECOND)
    found = current(walk)
    assert found.first_signed_at is None
    assert found.strengths == reviews.SUMMARY["strengths"]
    with pytest.raises(NotFound):
        fill(walk, who=FIRST)


# --- the grid -------------------------------------------------------------------------------------------------------


def test_the_grid_keeps_its_versions(walk: Walk, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    name(walk)
    with walk.database.write() as session:
        assert use_case.renew(session, NOW) == 0, "the same file makes no version"
    other = tmp_path / "grid.toml"
    other.write_text(
        '[[item]]\ndimension = "impact"\nlabel = "Tout"\nhelp = "Vu"\nlevels = ["a", "b", "c", "d", "e"]\n', "utf-8"
    )
    monkeypatch.setattr(use_case, "PROPOSED", other)
    with walk.database.write() as session:
        assert use_case.renew(session, NOW) == 1
    assert len(criteria(walk)) == 8, "a review keeps the version that it began with"


def test_a_draft_may_be_half_written_and_is_not_signed(walk: Walk) -> None:
    name(walk)
    one, two, *_ = criteria(walk)
    answers = {str(one): {"level": 2}, str(two): {"justification": "À vérifier"}}
    walk.act(FIRST, "fill_review", review_id(walk), answers=answers)
    found = {score.criterion_id: (score.level, score.justification) for score in current(walk).scores}
    assert found == {one: (2, ""), two: (None, "À vérifier")}
    with refused("review_whole") as caught:
        sign(walk, FIRST)
    named = caught.value.reasons[0].params["items"]
    assert isinstance(named, tuple)
    assert len(named) == 8 + 4


def test_levels_stand_between_0_and_4_and_criteria_are_the_reviews(walk: Walk) -> None:
    name(walk)
    with pytest.raises(Invalid):
        fill(walk, level=5)
    with pytest.raises(NotFound):
        walk.act(FIRST, "fill_review", review_id(walk), answers={"999": {"level": 1}})


def test_what_a_colleague_wrote_meanwhile_is_not_overwritten(walk: Walk) -> None:
    name(walk)
    one = criteria(walk)[0]

    def write(who: str, level: int, shown: str) -> None:
        answer = {"level": level, "justification": who, "seen": shown}
        walk.act(who, "fill_review", review_id(walk), answers={str(one): answer})

    empty = seen(None, "")
    write(FIRST, 1, empty)
    write(FIRST, 2, empty)  # a page that saves itself goes on from what it saved
    with refused("answers_unchanged"):
        write(SECOND, 4, empty)
    write(SECOND, 4, seen(2, FIRST))
    unchanged = {"level": 2, "justification": FIRST, "seen": seen(2, FIRST)}
    walk.act(FIRST, "fill_review", review_id(walk), answers={str(one): unchanged})
    assert [(score.level, score.justification) for score in current(walk).scores] == [(4, SECOND)]


def test_the_summary_is_guarded_alike(walk: Walk) -> None:
    fill(name(walk))
    stale = {**reviews.SUMMARY, "reason": "Autre", "seen": seen("", "", None, "")}
    with refused("answers_unchanged"):
        walk.act(SECOND, "fill_review", review_id(walk), answers={}, summary=stale)
    shown = seen(*(reviews.SUMMARY[part] for part in ("strengths", "weaknesses", "recommendation", "reason")))
    walk.act(SECOND, "fill_review", review_id(walk), answers={}, summary={**stale, "seen": shown})
    assert current(walk).reason == "Autre"


# --- the signatures -------------------------------------------------------------------------------------------------


def test_both_sign_and_it_is_sealed(both: Walk) -> None:
    walk = both
    fill(name(walk))
    sign(walk, FIRST)
    assert current(walk).state == "under_review"
    with refused("review_not_signed"):
        sign(walk, FIRST)
    sign(walk, SECOND)
    found = current(walk)
    assert (found.state, found.sealed_at) == ("reviewed", walk.now)
    with refused("state"):
        fill(walk, level=1)
    with refused("state"):
        name(walk)
    with walk.database.read() as session:
        acts = session.scalars(select(JournalEntry.act).where(JournalEntry.subject == f"review:{found.id}"))
        assert list(acts) == ["name_reviewers", "sign_review", "sign_review"]
        assert not list(journal.verify(session))


def test_a_signature_falls_away_when_the_text_changes(walk: Walk) -> None:
    fill(name(walk))
    sign(walk, FIRST)
    fill(walk, who=SECOND)
    assert current(walk).first_signed_at is not None, "the same text is no change"
    fill(walk, level=1, who=SECOND)
    assert current(walk).first_signed_at is None
    sign(walk, SECOND)
    assert current(walk).state == "under_review"


def test_nobody_signs_another_text_than_they_read(walk: Walk) -> None:
    fill(name(walk))
    read = mark_of(current(walk))
    fill(walk, who=SECOND, reason="Tout autre chose")
    with refused("review_changed"):
        sign(walk, FIRST, read)


def test_who_signed_first_is_looked_at_again_at_the_seal(walk: Walk) -> None:
    fill(name(walk))
    sign(walk, FIRST)
    with walk.database.write() as session:
        bond = Interest(organisation_id=walk.world.organisation_id, nature="Adhérent", declared_at=NOW)
        bond.person_id = walk.world.people[FIRST]
        session.add(bond)
    with refused("colleague_independent"):
        sign(walk, SECOND)
    name(walk, "transversal", SECOND)
    reviews.sign(walk, "transversal", SECOND)
    assert current(walk).state == "reviewed"


@pytest.mark.parametrize("institution", ["État", None])
def test_two_of_one_institution_by_now_do_not_seal(walk: Walk, institution: str | None) -> None:
    fill(name(walk))
    sign(walk, FIRST)
    moved = walk.world.funders[institution] if institution else None
    with walk.database.write() as session:
        session.get_one(Person, walk.world.people[SECOND]).institution_id = moved
    with refused("reviewers_still_apart"):
        sign(walk, SECOND)
    assert current(walk).sealed_at is None


# --- what awaits --------------------------------------------------------------------------------------------------


def test_what_awaits_the_committee_then_the_reviewers(walk: Walk) -> None:
    def counts(who: str) -> dict[str, int]:
        with walk.database.read() as session:
            found = home.awaiting(session, walk.world.actor(session, who), walk.now.date()).counts
        return {kind: count for kind, count in found.items() if "review" in kind}

    assert counts("transversal") == {"name_reviewers": 1}
    assert counts(SECOND) == {}
    fill(name(walk))
    assert counts("transversal") == {}
    assert counts(FIRST) == counts(SECOND) == {"review": 1}
    sign(walk, FIRST)
    assert counts(FIRST) == {}
    assert counts(SECOND) == {"review": 1}
    sign(walk, SECOND)
    assert counts(SECOND) == {}


@pytest.mark.parametrize("lost", ["active", "role", "apart", "institution"])
def test_other_reviewers_await_the_committee_where_one_can_end_it_no_more(both: Walk, lost: str) -> None:
    walk = fill(name(both))

    def counts() -> dict[str, int]:
        with walk.database.read() as session:
            found = home.awaiting(session, walk.world.actor(session, "transversal"), walk.now.date()).counts
            assert show(session, walk.world.actor(session, "transversal"), walk.dossier_id).stuck == (
                "rename_reviewers" in found
            )
        return {kind: count for kind, count in found.items() if "review" in kind}

    assert counts() == {}
    with walk.database.write() as session:
        person = session.get_one(Person, walk.world.people[SECOND])
        if lost == "active":
            person.active = False
        elif lost == "role":
            session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id)).one().ended_at = walk.now
        elif lost == "apart":
            session.add(
                Interest(
                    person_id=person.id,
                    organisation_id=walk.world.organisation_id,
                    nature="Adhérent",
                    declared_at=NOW,
                )
            )
        else:
            person.institution_id = walk.world.funders["État"]
    assert counts() == {"rename_reviewers": 1}
    name(walk, FIRST, "transversal")
    assert "rename_reviewers" not in counts()


def test_whoever_signed_may_leave(walk: Walk) -> None:
    """Their signature stands as long as the text does, and the other seals it."""
    fill(name(walk))
    sign(walk, SECOND)
    with walk.database.write() as session:
        session.get_one(Person, walk.world.people[SECOND]).active = False
    with walk.database.read() as session:
        counts = home.awaiting(session, walk.world.actor(session, "transversal"), walk.now.date()).counts
    assert "rename_reviewers" not in counts
    sign(walk, FIRST)
    assert current(walk).state == "reviewed"
