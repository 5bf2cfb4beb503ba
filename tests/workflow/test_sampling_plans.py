"""The ceremony of a draw, step by step: who may do what, when, and what can no longer be undone."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from tests import factories
from tests.factories import NOW, Walk, World
from tests.workflow.test_beacon import signed
from tests.workflow.test_sampling_draw import places
from workflow import journal
from workflow.db import Database
from workflow.errors import DomainError, Forbidden, Invalid, NotFound, Refused
from workflow.models import (
    BeaconAnswer,
    Interest,
    JournalEntry,
    Mission,
    Outbox,
    Person,
    PlanParticipant,
    Sample,
    SamplePlan,
    SampleUnit,
)
from workflow.queries import sampling_plans as plans
from workflow.sampling import beacon, ceremony, record, rfc3797
from workflow.sampling_plans import instant
from workflow.use_cases import ceremony as steps
from workflow.use_cases import control, profile
from workflow.use_cases import sampling_plans as use_cases

PHRASES = {"controller": "un hérisson sur le toit", "transversal": "trois péniches à Anzin"}
DUE, PUBLIC = NOW + timedelta(days=4), NOW + timedelta(days=5, hours=2)
READ_AT = PUBLIC + timedelta(hours=1)
VALUE = "7 12 31 40 49 3"


class Stage:
    """A world with funded dossiers, and the ceremony's steps as its people do them."""

    def __init__(self, database: Database, world: World, dossiers: Sequence[int]) -> None:
        self.database, self.world, self.dossiers = database, world, dossiers
        self.plan_id = 0

    def do(self, who: str, step: Callable[..., SamplePlan], raw: dict[str, Any], at: datetime, *ids: int) -> SamplePlan:
        """One step, in a unit of work of its own."""
        with self.database.write() as session:
            return step(session, self.world.actor(session, who), *(ids or (self.plan_id,)), raw, at)

    def raw(self, **changes: Any) -> dict[str, Any]:
        """The form of a plan."""
        values = {
            "campaign_id": self.world.campaign_id,
            "method": "srs",
            "size": 2,
            "reserve": 1,
            "participants": [self.world.people[who] for who in PHRASES],
            "reveals_on": DUE.date().isoformat(),
            "reveals_hour": "10:00",
            "public_source": "Loto du 7 novembre",
            "public_on": PUBLIC.date().isoformat(),
            "public_hour": "12:00",
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}

    def planned(self, at: datetime = NOW, **changes: Any) -> "Stage":
        """A plan."""
        with self.database.write() as session:
            actor = self.world.actor(session, "controller")
            self.plan_id = use_cases.plan(session, actor, self.raw(**changes), at).id
        return self

    def committed(self) -> "Stage":
        """Both have committed, one by the hash alone."""
        self.do("controller", steps.commit, {"phrase": PHRASES["controller"]}, NOW + timedelta(hours=1))
        with self.database.read() as session:
            fixed = session.get_one(SamplePlan, self.plan_id).plan_hash
        rank = sorted(self.world.people[who] for who in PHRASES).index(self.world.people["transversal"]) + 1
        own = ceremony.commitment(fixed, rank, PHRASES["transversal"])
        self.do("transversal", steps.commit, {"commitment": own.upper()}, NOW + timedelta(hours=2))
        return self

    def revealed(self) -> "Stage":
        """Both phrases are in."""
        for who, phrase in PHRASES.items():
            self.do(who, steps.reveal, {"phrase": phrase}, NOW + timedelta(days=1))
        return self

    def sealed(self, value: str = VALUE) -> "Stage":
        """Two people have read the public value."""
        for who in ("controller", "administrator"):
            self.do(who, steps.read_public, {"value": value}, READ_AT)
        return self

    @property
    def state(self) -> str:
        """The plan's state."""
        with self.database.read() as session:
            return session.get_one(SamplePlan, self.plan_id).state


def build(database: Database) -> tuple[World, list[int]]:
    """The world with five funded dossiers."""
    world = factories.build(database)
    return world, [Walk(database, world).funded().dossier_id for _ in range(5)]


@pytest.fixture(scope="module")
def funded(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World, list[int]]:
    """Made once, to be copied."""
    file = copyfile(migrated_sqlite_file, tmp_path_factory.mktemp("funded") / "world.sqlite3")
    database = Database(f"sqlite:///{file}")
    world, dossiers = build(database)
    with database.writer.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return file, world, dossiers


@pytest.fixture
def stage(funded: tuple[Path, World, list[int]], tmp_path: Path) -> Iterator[Stage]:
    file, world, dossiers = funded
    database = Database(f"sqlite:///{copyfile(file, tmp_path / 'stage.sqlite3')}")
    yield Stage(database, world, dossiers)
    database.dispose()


def codes(refused: pytest.ExceptionInfo[DomainError]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def test_the_whole_ceremony_on_both(database: Database) -> None:
    stage = Stage(database, *build(database))
    assert [stage.planned().state, stage.committed().state] == ["planned", "committed"]
    assert [stage.revealed().state, stage.sealed().state] == ["revealed", "sealed"]
    with database.read() as session:
        told = json.loads(json.dumps(plans.public_record(session, stage.plan_id), ensure_ascii=False))
        sample = session.scalars(select(Sample)).one()
        drawn = session.scalars(select(SampleUnit.dossier_id).where(SampleUnit.drawn).order_by(SampleUnit.rank)).all()
        missions = session.scalars(select(Mission.dossier_id)).all()
        assert list(journal.verify(session)) == []
        acts = session.scalars(select(JournalEntry.act).where(JournalEntry.subject == "sample_plan:1")).all()
        entry = session.scalars(select(JournalEntry).where(JournalEntry.act == "plan_sample")).one()
        number = session.execute(text("SELECT number FROM dossier WHERE id = :id"), {"id": drawn[0]}).scalar()
    assert record.verify(told) is None
    assert sample.seed == told["seed"]
    assert sample.sealed_at
    assert len(drawn) == 2
    assert sorted(drawn) == sorted(missions)
    assert told["units"][0]["id"] == number
    assert told["population"][0]["value"] == 2500
    # The plan stands in the journal before anything else, with the hash that the record's commitments are made of.
    assert entry.details["document"] == told["ceremony"]["plan"]
    assert entry.details["plan_hash"] == told["ceremony"]["plan_hash"]
    step = ["commit_secret"] * 2 + ["reveal_secret"] * 2 + ["read_public_value"] * 2
    assert list(acts) == ["plan_sample", *step, "draw_sample"]


def test_a_round_of_a_beacon_is_named_by_the_plan_and_is_the_public_value(stage: Stage) -> None:
    stage.planned(beacon="quicknet", public_source=None).committed().revealed()
    with stage.database.write() as session:
        plan = session.get_one(SamplePlan, stage.plan_id)
        number = beacon.round_from("quicknet", plan.public_at)
        assert plan.beacon_round == number
        assert str(number) in plan.public_source
        told = signed("quicknet", number)
        session.add(BeaconAnswer(plan_id=plan.id, source="https://api.drand.sh", at=READ_AT, **told))
    with pytest.raises(Invalid):
        stage.do("controller", steps.read_public, {"value": "7 12 31"}, READ_AT)
    for who in PHRASES:
        stage.do(who, steps.read_public, {"value": told["randomness"].upper()}, READ_AT)
    with stage.database.read() as session:
        found = json.loads(json.dumps(plans.public_record(session, stage.plan_id)))
    assert record.verify(found) is None
    assert found["ceremony"]["beacon"]["signature"] == told["signature"]
    assert found["ceremony"]["plan"]["beacon"]["round"] == number


def test_two_people_are_believed_before_what_a_server_read(stage: Stage) -> None:
    stage.planned(beacon="default", public_source="à défaut le tour suivant").committed().revealed()
    with stage.database.write() as session:
        plan = session.get_one(SamplePlan, stage.plan_id)
        assert plan.public_source.endswith("à défaut le tour suivant")
        told = signed("default", plan.beacon_round or 0)
        session.add(BeaconAnswer(plan_id=plan.id, source="x", at=READ_AT, **told))
    stage.do("controller", steps.read_public, {"value": "0" * 64}, READ_AT)
    with stage.database.read() as session:
        found = plans.show(session, stage.world.actor(session, "controller"), stage.plan_id, READ_AT)
        assert found.differs
        assert not plans.show(session, stage.world.actor(session, "transversal"), stage.plan_id, READ_AT).differs
    stage.do("transversal", steps.read_public, {"value": "0" * 64}, READ_AT)
    with stage.database.read() as session:
        sealed = json.loads(json.dumps(plans.public_record(session, stage.plan_id)))
        sealing = session.scalars(select(JournalEntry.details).where(JournalEntry.act == "draw_sample")).one()
    assert "beacon" not in sealed["ceremony"]
    kept = {**told, "source": "x", "at": instant(READ_AT)}
    assert sealed["ceremony"]["contradiction"] == sealing["contradiction"] == kept
    assert record.verify(sealed) is None


def test_a_simple_draw_by_the_published_standard_is_sealed_and_replayed(stage: Stage) -> None:
    stage.planned(selection="rfc3797").committed().revealed().sealed()
    with stage.database.read() as session:
        told = json.loads(json.dumps(plans.public_record(session, stage.plan_id)))
        drawn = session.execute(select(SampleUnit.ticket).where(SampleUnit.drawn).order_by(SampleUnit.rank)).all()
    assert record.verify(told) is None
    assert told["method"] == told["ceremony"]["plan"]["method"] == "rfc3797"
    numbers = [row["id"] for row in told["population"]]
    assert [(row["ticket"], row["id"]) for row in told["units"]] == rfc3797.select(told["seed"], numbers, 2)
    assert [row.ticket for row in drawn] == [row["ticket"] for row in told["units"]]
    told["method"] = "srs"
    assert record.verify(told) == "method"


@pytest.mark.parametrize(("method", "stratum"), [("stratified", "instance"), ("stratified", "funder"), ("mus", None)])
def test_every_method_is_sealed_and_replayed(stage: Stage, method: str, stratum: str | None) -> None:
    stage.planned(method=method, stratum=stratum).committed().revealed().sealed()
    with stage.database.read() as session:
        told = json.loads(json.dumps(plans.public_record(session, stage.plan_id)))
        ranks = session.execute(select(SampleUnit.rank, SampleUnit.drawn).order_by(SampleUnit.rank)).all()
    assert record.verify(told) is None
    assert [bool(row.drawn) for row in ranks] == [True] * 2 + [False] * 3
    if stratum:
        (name,) = {row["stratum"] for row in told["population"]}
        assert (name == "État") == (stratum == "funder")


def sealed_record(stage: Stage) -> dict[str, Any]:
    with stage.database.read() as session:
        return dict(json.loads(json.dumps(plans.public_record(session, stage.plan_id))))


def test_a_record_keeps_the_names_under_which_things_were_done(stage: Stage) -> None:
    stage.planned().committed().revealed()
    stage.do("administrator", steps.read_public, {"value": "mal lu"}, READ_AT)
    stage.sealed()
    before = sealed_record(stage)
    for who in ("administrator", *PHRASES):
        with stage.database.write() as session:
            actor = stage.world.actor(session, who)
            profile.set_profile(session, actor, {"name": "Un autre nom", "locale": "fr"}, READ_AT)
    assert sealed_record(stage) == before
    assert [one["name"] for one in before["ceremony"]["readings"]] == ["Rôle controller", "Rôle administrator"]


AS_TOLD = {
    *("ceremony.participants.committed_at", "ceremony.participants.revealed_at"),
    *("ceremony.readings.person", "ceremony.readings.name", "ceremony.readings.at"),
}
"""What whoever writes a record and its seal anew can tell otherwise, within what must come before what: the instants,
and who read. The journal has them; nothing of the draw hangs on them."""


@pytest.mark.parametrize(("method", "stratum"), [("srs", None), ("stratified", "funder"), ("mus", None)])
def test_any_leaf_of_a_real_record_that_is_changed_is_found(stage: Stage, method: str, stratum: str | None) -> None:
    stage.planned(method=method, stratum=stratum).committed().revealed().sealed()
    told = sealed_record(stage)
    leaves = [path for path in places(told) if not isinstance(at_place(told, path), dict | list)]
    assert len(leaves) > 60
    passed = set()
    for path in leaves:
        for other in others(at_place(told, path)):
            tampered = json.loads(json.dumps(told))
            at_place(tampered, path[:-1])[path[-1]] = other
            place = record.verify(tampered)
            assert place, path
            assert set(place.split(".")[:1]) <= {*told, "record_hash"}, (path, place)
            tampered[record.SEAL] = record.seal(tampered)
            if path != (record.SEAL,) and record.verify(tampered) is None:
                passed.add(".".join(str(name) for name in path if isinstance(name, str)))
    assert passed == AS_TOLD


def at_place(value: Any, path: Sequence[Any]) -> Any:
    for name in path:
        value = value[name]
    return value


def others(value: Any) -> list[Any]:
    """Other values, near ones and such as a reader would not notice."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value + 1, value - 1, float(value) if isinstance(value, int) else int(value) + 1, str(value), None]
    if isinstance(value, str):
        near = [f"{value} ", value[:-1], value.swapcase(), value.replace("00.000000", "00.000001"), None]
        return [other for other in near if other != value]
    return [not value, "x", 0]


def test_nothing_is_shown_before_it_may_be(stage: Stage) -> None:
    stage.planned().committed().revealed()
    stage.do("controller", steps.read_public, {"value": VALUE}, READ_AT)
    with stage.database.read() as session:
        for who, values in (("transversal", [None]), ("controller", [VALUE])):
            found = plans.show(session, stage.world.actor(session, who), stage.plan_id, READ_AT)
            assert [seat.secret for seat in found.seats] == [None, None]
            assert [value for _name, value, _at in found.readings] == values
        with pytest.raises(NotFound):
            plans.public_record(session, stage.plan_id)
        entries = session.scalars(select(JournalEntry.details)).all()
    assert not any(phrase in json.dumps(list(entries), ensure_ascii=False) for phrase in PHRASES.values())


def test_a_phrase_that_was_typed_is_not_kept_before_it_is_handed_in(stage: Stage) -> None:
    stage.planned().committed()
    with stage.database.read() as session:
        assert session.scalars(select(PlanParticipant.secret)).all() == [None, None]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"size": 6}, "size"),
        ({"size": 0}, "size"),
        ({"method": "stratified"}, "stratum"),
        ({"stratum": "funder"}, "stratum"),
        ({"participants": []}, "participants"),
        ({"participants": [999, 998]}, "participants"),
        ({"reveals_on": "2026-11-01"}, "reveals_on"),
        ({"public_on": "2026-11-06", "public_hour": "10:00"}, "public_on"),
        ({"public_source": None}, "public_source"),
        ({"method": "mus", "selection": "rfc3797"}, "selection"),
        ({"beacon": "randomhound"}, "beacon"),
    ],
)
def test_a_plan_that_cannot_be_is_explained(stage: Stage, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        stage.planned(**changes)
    assert set(refused.value.fields) == {field}


def test_one_person_twice_is_not_two(stage: Stage) -> None:
    with pytest.raises(Invalid):
        stage.planned(participants=[stage.world.people["controller"]] * 2)


def test_people_of_several_institutions_where_there_are(stage: Stage) -> None:
    with stage.database.write() as session:
        person = session.get_one(Person, stage.world.people["administrator"])
        person.institution_id = stage.world.funders["CAF"]
    with pytest.raises(Invalid) as refused:
        stage.planned()
    assert set(refused.value.fields) == {"participants"}
    stage.planned(participants=[stage.world.people[who] for who in ("controller", "administrator")])


def test_nobody_bound_to_a_carrier_takes_part(stage: Stage) -> None:
    with stage.database.write() as session:
        session.add(
            Interest(
                person_id=stage.world.people["transversal"],
                organisation_id=stage.world.organisation_id,
                nature="x",
                declared_at=NOW,
            )
        )
    with pytest.raises(Invalid) as refused:
        stage.planned()
    assert set(refused.value.fields) == {"participants"}


def test_only_a_controller_plans_and_abandons(stage: Stage) -> None:
    with pytest.raises(Forbidden), stage.database.write() as session:
        use_cases.plan(session, stage.world.actor(session, "administrator"), stage.raw(), NOW)
    stage.planned()
    with pytest.raises(Forbidden):
        stage.do("transversal", steps.abandon, {"reason": "x"}, NOW)
    for who in ("administrator", "animator"):
        with pytest.raises(Forbidden):
            stage.do(who, steps.commit, {"phrase": "une phrase d'ailleurs"}, NOW)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"phrase": "trop court"},
        {"commitment": "abc"},
        {"commitment": "g" * 64},
        {"phrase": "x" * 12, "commitment": "0" * 64},
    ],
)
def test_a_commitment_that_is_none(stage: Stage, raw: dict[str, Any]) -> None:
    stage.planned()
    with pytest.raises(Invalid):
        stage.do("controller", steps.commit, raw, NOW)


def test_every_step_waits_for_the_one_before_and_is_done_once(stage: Stage) -> None:
    stage.planned()
    given: list[tuple[Callable[..., SamplePlan], dict[str, Any], datetime]] = [
        (steps.commit, {"phrase": PHRASES["controller"]}, NOW),
        (steps.reveal, {"phrase": PHRASES["controller"]}, NOW),
        (steps.read_public, {"value": VALUE}, READ_AT),
    ]
    advance: list[Callable[[], Stage]] = [stage.committed, stage.revealed, stage.sealed]
    for place, further in enumerate(advance):
        for number, (step, raw, at) in enumerate(given):
            if number != place:
                with pytest.raises(Refused):
                    stage.do("controller", step, raw, at)
        further()
    for step, raw, at in given:
        with pytest.raises(Refused):
            stage.do("controller", step, raw, at)


def test_a_commitment_and_a_phrase_are_given_once(stage: Stage) -> None:
    stage.planned()
    stage.do("controller", steps.commit, {"phrase": PHRASES["controller"]}, NOW)
    with pytest.raises(Refused) as refused:
        stage.do("controller", steps.commit, {"phrase": "une autre phrase"}, NOW)
    assert codes(refused) == ["already_committed"]


def test_another_phrase_than_the_committed_one_is_refused(stage: Stage) -> None:
    stage.planned().committed()
    with pytest.raises(Invalid) as refused:
        stage.do("transversal", steps.reveal, {"phrase": PHRASES["transversal"] + "!"}, NOW)
    assert set(refused.value.fields) == {"phrase"}
    # Nor is somebody else's, whose commitment would have been copied.
    with pytest.raises(Invalid):
        stage.do("transversal", steps.reveal, {"phrase": PHRASES["controller"]}, NOW)


def test_no_phrase_once_the_public_value_can_be_known(stage: Stage) -> None:
    stage.planned().committed()
    stage.do("controller", steps.reveal, {"phrase": PHRASES["controller"]}, NOW)
    for late in (DUE + timedelta(minutes=1), READ_AT):
        with pytest.raises(Refused) as refused:
            stage.do("transversal", steps.reveal, {"phrase": PHRASES["transversal"]}, late)
        assert codes(refused) == ["plan_too_late"]
    with pytest.raises(IntegrityError, match="secret_fixed"), stage.database.write() as session:
        session.execute(
            text("UPDATE plan_participant SET secret = 'x', revealed_at = :at WHERE secret IS NULL"),
            {"at": READ_AT.isoformat(sep=" ")},
        )


def test_the_public_value_is_not_read_before_it_is_there(stage: Stage) -> None:
    stage.planned().committed().revealed()
    with pytest.raises(Refused) as refused:
        stage.do("controller", steps.read_public, {"value": VALUE}, PUBLIC - timedelta(hours=4))
    assert codes(refused) == ["public_too_early"]


def test_one_reader_alone_does_not_make_the_public_value(stage: Stage) -> None:
    stage.planned().committed().revealed()
    stage.do("controller", steps.read_public, {"value": "1 2 3 4 5 6"}, READ_AT)
    with pytest.raises(Refused) as refused:
        stage.do("controller", steps.read_public, {"value": "1 2 3  4 5 6"}, READ_AT)
    assert codes(refused) == ["already_read"]
    stage.do("controller", steps.read_public, {"value": VALUE}, READ_AT)
    assert stage.state == "revealed"
    stage.do("transversal", steps.read_public, {"value": f" {VALUE}"}, READ_AT)
    assert stage.state == "sealed"
    with stage.database.read() as session:
        told = plans.public_record(session, stage.plan_id)
    assert told["ceremony"]["public_value"] == VALUE
    assert [row["name"] for row in told["ceremony"]["readings"]] == ["Rôle controller", "Rôle transversal"]


# Letting a plan down


def test_whoever_lets_a_plan_down_is_named_and_the_next_plan_names_it(stage: Stage) -> None:
    stage.planned().committed()
    stage.do("controller", steps.reveal, {"phrase": PHRASES["controller"]}, NOW)
    with pytest.raises(Refused) as refused:
        stage.planned()
    assert codes(refused) == ["plan_under_way"]
    first = stage.plan_id
    stage.do("controller", steps.abandon, {"reason": "Une phrase manque"}, READ_AT)
    later = NOW + timedelta(days=10)
    stage.planned(later, reveals_on="2026-11-20", public_on="2026-11-21")
    with stage.database.read() as session:
        entry = session.scalars(select(JournalEntry).where(JournalEntry.act == "abandon_sample")).one()
        earlier, made = session.get_one(SamplePlan, first), session.get_one(SamplePlan, stage.plan_id)
    assert entry.details["missing"] == ["Rôle transversal"]
    assert entry.reason == "Une phrase manque"
    assert made.supersedes_id == first
    assert json.loads(made.document)["supersedes"] == earlier.plan_hash


def test_a_result_that_can_be_known_is_not_abandoned(stage: Stage) -> None:
    stage.planned().committed().revealed()
    with pytest.raises(Refused) as refused:
        stage.do("controller", steps.abandon, {"reason": "Il me déplaît"}, PUBLIC)
    assert codes(refused) == ["result_known"]
    with pytest.raises(IntegrityError, match="abandoned_unknown"), stage.database.write() as session:
        session.execute(
            text("UPDATE sample_plan SET state = 'abandoned', reason = 'x', ended_at = :at"),
            {"at": READ_AT.isoformat(sep=" ")},
        )
    stage.do("controller", steps.abandon, {"reason": "Erreur de date"}, PUBLIC - timedelta(hours=4))


# Beside other draws


def test_a_campaign_with_a_plan_is_not_drawn_by_hand(stage: Stage) -> None:
    stage.planned()
    raw = {"campaign_id": stage.world.campaign_id, "size": 1, "seed": "choisie"}
    for further in ((), (lambda: stage.do("controller", steps.abandon, {"reason": "x"}, NOW),)):
        for act in further:
            act()
        with pytest.raises(Refused) as refused, stage.database.write() as session:
            control.draw(session, stage.world.actor(session, "controller"), raw, NOW)
        assert codes(refused) == ["drawn_by_plan"]


def test_a_second_draw_names_the_first_and_takes_other_dossiers(stage: Stage) -> None:
    stage.planned().committed().revealed().sealed()
    first = stage.plan_id
    later = NOW + timedelta(days=10)
    stage.planned(later, reveals_on="2026-11-20", public_on="2026-11-21")
    with stage.database.read() as session:
        plan = session.get_one(SamplePlan, stage.plan_id)
        assert plan.supersedes_id == first
        assert plan.population_size == plans.frame(session, stage.world.campaign_id)[0] == 3
        assert plans.frame(session, stage.world.campaign_id)[1] == sum(unit.value_cents for unit in plan.units)
        drawn = set(session.scalars(select(SampleUnit.dossier_id).where(SampleUnit.drawn)))
        assert not drawn & {unit.dossier_id for unit in plan.units}


def test_a_second_draw_names_one_made_by_hand(stage: Stage) -> None:
    with stage.database.write() as session:
        raw = {"campaign_id": stage.world.campaign_id, "size": 1, "seed": "loto 7-12-31"}
        control.draw(session, stage.world.actor(session, "controller"), raw, NOW)
    stage.planned().committed().revealed().sealed()
    with stage.database.read() as session:
        told = plans.public_record(session, stage.plan_id)
        assert told["ceremony"]["plan"]["supersedes"]["seed"] == "loto 7-12-31"
        assert session.scalars(select(Sample.plan_id).order_by(Sample.id)).all() == [None, stage.plan_id]


def test_downstream_knows_a_dossier_of_either_draw(stage: Stage) -> None:
    walks = [Walk(stage.database, stage.world) for _ in stage.dossiers]
    for walk, walk.dossier_id in zip(walks, stage.dossiers, strict=True):
        walk.act("carrier", "submit_final_report", narrative="Fait", beneficiaries=3, spent_cents=9_500_00)
        grid = dict.fromkeys(("relevance", "coherence", "effectiveness", "efficiency", "impact"), 3)
        walk.act("evaluator", "evaluate", **grid, recommendation="renew", body="Utile")
    stage.planned().committed().revealed().sealed()
    later = NOW + timedelta(days=10)
    stage.planned(later, reveals_on="2026-11-20", public_on="2026-11-21")
    for who, phrase in PHRASES.items():
        stage.do(who, steps.commit, {"phrase": phrase}, later)
    for who, phrase in PHRASES.items():
        stage.do(who, steps.reveal, {"phrase": phrase}, later)
    for who in ("controller", "administrator"):
        stage.do(who, steps.read_public, {"value": "x"}, later + timedelta(days=30))
    with stage.database.read() as session:
        missions = set(session.scalars(select(Mission.dossier_id)))
    assert len(missions) == 4
    for walk in walks:
        if walk.dossier_id in missions:
            walk.act("controller", "select_for_control")
            assert walk.state == "under_control"
        else:
            walk.act("controller", "close")
            assert walk.state == "closed"


# Who is told


def told(stage: Stage) -> list[tuple[str, int | None]]:
    with stage.database.read() as session:
        rows = session.execute(select(Outbox.kind, Outbox.person_id).where(Outbox.kind.startswith("draw_")))
        return sorted((row.kind, row.person_id) for row in rows)


def test_who_takes_part_is_told_of_each_step_but_not_of_their_own(stage: Stage) -> None:
    controller, transversal = (stage.world.people[who] for who in PHRASES)
    stage.planned()
    assert told(stage) == [("draw_planned", transversal)]
    stage.committed()
    assert told(stage)[:1] == [("draw_committed", controller)]
    stage.revealed().sealed()
    sealed = [person for kind, person in told(stage) if kind == "draw_sealed"]
    assert set(sealed) == {controller, transversal, stage.world.people["administrator"]} - {sealing(stage)}
    assert len(sealed) == len(set(sealed))
    with stage.database.read() as session:
        payloads = json.dumps(list(session.scalars(select(Outbox.payload))), ensure_ascii=False)
    assert not [phrase for phrase in PHRASES.values() if phrase in payloads]


def sealing(stage: Stage) -> int:
    with stage.database.read() as session:
        return session.scalars(select(JournalEntry.actor_id).where(JournalEntry.act == "draw_sample")).one() or 0


def test_an_abandoned_plan_is_told_with_its_reason(stage: Stage) -> None:
    stage.planned()
    stage.do("controller", steps.abandon, {"reason": "Mauvaise date"}, NOW)
    with stage.database.read() as session:
        row = session.scalars(select(Outbox).where(Outbox.kind == "draw_abandoned")).one()
    assert (row.person_id, row.payload["reason"]) == (stage.world.people["transversal"], "Mauvaise date")
