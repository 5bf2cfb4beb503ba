"""The reference data and what is set up by hand: campaigns, milestones, envelopes, sessions, routes, organisations."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from workflow import journal
from workflow.access import Actor, Grant
from workflow.calendars.working_days import working_days_between
from workflow.db import Database
from workflow.errors import DomainError, Forbidden, Invalid, NotFound, Refused
from workflow.models import (
    Campaign,
    Commune,
    Dossier,
    Envelope,
    FunderWindow,
    FundingRequest,
    Instance,
    Institution,
    JournalEntry,
    Milestone,
    Objective,
    Organisation,
    Person,
    Route,
    Theme,
)
from workflow.reference import PTCS
from workflow.reference.reading import BadReference, read
from workflow.routing import Query, route
from workflow.rules import load_rules
from workflow.use_cases.campaign import create_campaign, create_session, set_envelope, set_milestone_dates
from workflow.use_cases.organisations import create_organisation, update_organisation
from workflow.use_cases.reference import load
from workflow.use_cases.routes import add_route, change_route, delete_route, move_route

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ADMIN = Actor(None, "Administratrice", (Grant("administrator"),))
TRANSVERSAL = Actor(None, "Comité", (Grant("transversal"),))
NOBODY = Actor(None, "Personne")
CARRIER = Actor(None, "Porteur", (Grant("carrier", organisation_id=1),))


def animator(instance_id: int) -> Actor:
    return Actor(None, "Animatrice", (Grant("animator", instance_id=instance_id),))


def funder(institution_id: int) -> Actor:
    return Actor(None, "Financeur", (Grant("funder", institution_id=institution_id),))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the reference data."""
    database = Database(database_url)
    with database.write() as session:
        load(session, PTCS, NOW)
    yield database
    database.dispose()


def acts(database: Database) -> list[str]:
    """Names of the journaled acts, in order, after the loading."""
    with database.read() as session:
        assert list(journal.verify(session)) == []
        return list(session.scalars(select(JournalEntry.act).order_by(JournalEntry.seq)))[1:]


def id_of(database: Database, model: Any, **known: Any) -> int:
    """The id of the row of `model` that has these values."""
    with database.read() as session:
        return int(session.scalars(select(model.id).filter_by(**known)).one())


# Loading


def test_the_whole_file_is_loaded(database: Database) -> None:
    counted = {Objective: 77, Theme: 6, Instance: 22, Institution: 37, Commune: 35, Route: 58, Milestone: 17}
    with database.read() as session:
        for model, number in {**counted, Campaign: 1, FunderWindow: 13}.items():
            assert session.scalar(select(func.count()).select_from(model)) == number, model
        operational = session.scalars(select(Objective).where(Objective.code == "224")).one()
        assert operational.parent is not None
        assert operational.parent.parent is not None
        assert (operational.parent.code, operational.parent.parent.code) == ("22", "2")
        funders = session.execute(
            select(Institution.funder_code, Institution.label).where(Institution.funder_code != "")
        )
        assert {code: label.partition(" ")[0] for code, label in funders} == {
            "État": "État",
            "Région": "Région",
            "Département": "Département",
            "CAF": "Caisse",
            "CAVM": "Communauté",
            "Communes": "Communes",
        }
        assert session.scalars(select(Commune.label).where(Commune.local_security_council)).all()
        assert session.scalars(select(Commune.label).where(Commune.label == "Famars")).one()


def test_loading_again_changes_nothing(database: Database) -> None:
    with database.write() as session:
        assert load(session, PTCS, NOW) == {}
    assert acts(database) == []


def test_loading_updates_what_it_describes_and_keeps_what_was_edited(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        delete_route(session, ADMIN, session.scalars(select(Route.id).order_by(Route.position)).all()[0], NOW)
    changed = tmp_path / "changed.toml"
    changed.write_text(PTCS.read_text().replace("Comité Technique Santé", "Comité technique de santé"))
    with database.write() as session:
        assert load(session, changed, NOW) == {"instance": 1}
    with database.read() as session:
        assert session.scalars(select(Instance.label).where(Instance.code == "ct-sante")).one().endswith("de santé")
        assert session.scalar(select(func.count()).select_from(Route)) == 57


def test_the_proposed_campaign_is_placed_within_what_funders_accept(database: Database) -> None:
    with database.read() as session:
        campaign = session.scalars(select(Campaign)).one()
        assert campaign.year == 2012
        days = {(row.code, row.funder_id): row for row in campaign.milestones}
        per_funder = {funder_id for code, funder_id in days if code == "funder_decision"}
        funders = set(session.scalars(select(Institution.id).where(Institution.funder_code.is_not(None))))
        assert per_funder == funders
        for window in session.scalars(select(FunderWindow)):
            place = (window.milestone, window.funder_id if window.milestone == "funder_decision" else None)
            on = days[place].on
            assert on is not None
            assert window.earliest <= on <= window.latest
        for row in campaign.milestones:
            assert row.on is not None
            assert campaign.first <= row.on <= campaign.last
            for before in (other for other in campaign.milestones if other.code == row.after):
                assert before.on is not None
                gap = working_days_between(before.on, row.on)
                assert gap >= (row.min_gap or 0)
                assert row.max_gap is None or gap <= row.max_gap


def test_the_rules_route_as_the_file_says(database: Database) -> None:
    with database.read() as session:
        rules = load_rules(session)
        leads = {code: number for number, code in session.execute(select(Instance.id, Instance.code))}
    assert [rule.position for rule in rules] == list(range(1, 59))
    assert [(rule.objective, rule.level, rule.lead) for rule in rules] == [
        (row.objective, row.level, row.lead) for row in read(PTCS).route
    ]
    routed = route(rules, Query("331", "commune", "Anzin"))
    assert routed.rule is not None
    assert (routed.rule.lead, routed.rule.associated, routed.reason) == (
        "gup-locaux",
        ("ct-habitat",),
        "objectif 331, règle 1",
    )
    assert (routed.rule.lead_id, routed.rule.associated_ids) == (leads["gup-locaux"], (leads["ct-habitat"],))
    other = route(rules, Query("331", "agglomération")).rule
    assert other is not None
    assert other.lead == "ct-habitat"


BAD: list[tuple[str, str, tuple[str, object, str]]] = [
    ('lead = "charte-alcool"', 'lead = "nowhere"', ("route", 23, "lead")),
    ('objective = "224"', 'objective = "22"', ("route", 23, "objective")),
    ('objective = "224"', "", ("route", 23, "objective")),
    ('level = "commune"', 'level = "canton"', ("route", 1, "level")),
    ('associated = ["ct-habitat"]', 'associated = ["ct-habitat", "x"]', ("route", 1, "associated")),
    ('associated = ["ct-habitat"]', 'associated = "ct-habitat"', ("route", 1, "associated")),
    ('code = "5"', 'code = "4"', ("orientation", 5, "code")),
    ('orientation = "1"', 'orientation = "9"', ("strategic_objective", 1, "orientation")),
    ('theme = "sante"', 'theme = "santé"', ("instance", 6, "theme")),
    ('after = "deposit_deadline"', 'after = "deposit"', ("milestone", 3, "after")),
    ("min_gap = 30", "min_gap = -1", ("milestone", 2, "min_gap")),
    ("latest = 2012-01-31", "latest = 2011-01-31", ("funder_window", 1, "latest")),
    ("latest = 2012-01-31", 'latest = "soon"', ("funder_window", 1, "latest")),
    ("last = 2013-12-31", "last = 2010-12-31", ("campaign", "-", "last")),
    ("[programme]", "[programme", ("bad.toml", "-", "-")),
]


@pytest.mark.parametrize(("good", "bad", "place"), BAD)
def test_a_bad_file_names_table_row_and_field(
    tmp_path: Path, good: str, bad: str, place: tuple[str, object, str]
) -> None:
    text = PTCS.read_text()
    assert good in text
    file = tmp_path / "bad.toml"
    file.write_text(text.replace(good, bad, 1))
    with pytest.raises(BadReference) as refused:
        read(file)
    params = refused.value.reasons[0].params
    assert (params["table"], params["row"], params["field"]) == place
    assert str(place[0]) in str(refused.value)


def test_a_bad_file_writes_nothing(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(PTCS.read_text().replace("Comité Technique Santé", "Autre").replace('lead = "cti"', 'lead = "x"'))
    with pytest.raises(BadReference), database.write() as session:
        load(session, file, NOW)
    with database.read() as session:
        assert session.scalars(select(Instance.id).where(Instance.label == "Autre")).all() == []


# Campaigns

CAMPAIGN = {"label": "Programmation 2028", "year": 2028, "first": "2027-10-04", "last": "2029-12-31"}


def test_a_campaign_gets_its_milestones(database: Database) -> None:
    with database.write() as session:
        campaign = create_campaign(session, ADMIN, CAMPAIGN, NOW)
        assert campaign.milestones[0].on == date(2027, 10, 4)
        assert len(campaign.milestones) == 17
        assert len({row.on for row in campaign.milestones if row.code == "funder_decision"}) == 1
    assert acts(database) == ["create_campaign"]


def test_bad_campaigns(database: Database) -> None:
    for changed, field in [
        ({"label": "Programmation 2012"}, "label"),
        ({"last": "2027-10-04"}, "last"),
        ({"last": "2028-06-30"}, "last"),
        ({"year": 20270}, "year"),
        ({"first": "tomorrow"}, "first"),
    ]:
        with pytest.raises(Invalid) as refused, database.write() as session:
            create_campaign(session, ADMIN, {**CAMPAIGN, **changed}, NOW)
        assert list(refused.value.fields) == [field]
    with database.write() as session, pytest.raises(Forbidden):
        create_campaign(session, TRANSVERSAL, CAMPAIGN, NOW)
    assert acts(database) == []


def draft(database: Database, due_on: date) -> int:
    """A draft due on a day."""
    with database.write() as session:
        person = Person(email="porteur@asso.example", name="Porteur", created_at=NOW)
        organisation = Organisation(siret="73282932000074", name="Association", kind="association", created_at=NOW)
        session.add_all([person, organisation])
        session.flush()
        dossier = Dossier(
            campaign_id=session.scalars(select(Campaign.id)).one(),
            organisation_id=organisation.id,
            state_since=NOW,
            due_on=due_on,
            created_at=NOW,
            created_by_id=person.id,
        )
        session.add(dossier)
        session.flush()
        return dossier.id


def test_moving_a_milestone_moves_what_is_due_then(database: Database) -> None:
    campaign_id = id_of(database, Campaign)
    deadline = id_of(database, Milestone, code="deposit_deadline")
    dossier_id = draft(database, date(2011, 12, 15))
    with database.write() as session:
        set_milestone_dates(session, ADMIN, campaign_id, {"dates": {deadline: "20/12/2011"}}, NOW)
    with database.read() as session:
        assert session.get_one(Milestone, deadline).on == date(2011, 12, 20)
        assert session.get_one(Dossier, dossier_id).due_on == date(2011, 12, 20)
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.seq.desc())).first()
        assert entry is not None
        assert entry.details == {
            "before": {"deposit_deadline": "2011-12-15"},
            "after": {"deposit_deadline": "2011-12-20"},
        }


def test_milestones_stay_in_order_and_in_the_campaign(database: Database) -> None:
    campaign_id = id_of(database, Campaign)
    opinion, control = (id_of(database, Milestone, code=code) for code in ("opinion_deadline", "control_end"))
    for number, day in [(opinion, "2011-11-01"), (opinion, "2012-02-28"), (control, "2014-01-01")]:
        with pytest.raises(Invalid) as refused, database.write() as session:
            set_milestone_dates(session, ADMIN, campaign_id, {"dates": {number: day}}, NOW)
        assert list(refused.value.fields) == ["dates"]
    with database.write() as session:
        set_milestone_dates(session, ADMIN, campaign_id, {"dates": {control: None}}, NOW)
    for refusal, actor, campaign, number in [
        (Forbidden, TRANSVERSAL, campaign_id, control),
        (NotFound, ADMIN, 999, control),
        (NotFound, ADMIN, campaign_id, 999),
    ]:
        with pytest.raises(refusal), database.write() as session:
            set_milestone_dates(session, actor, campaign, {"dates": {number: "2013-05-07"}}, NOW)
    assert acts(database) == ["set_milestone_dates"]


# Envelopes and sessions


def test_envelopes(database: Database) -> None:
    funder_id, campaign_id = id_of(database, Institution, funder_code="CAF"), id_of(database, Campaign)
    raw = {"funder_id": funder_id, "campaign_id": campaign_id, "total_cents": "120 000,50"}
    orientation_id = id_of(database, Objective, code="2")
    for actor, more in [(funder(funder_id), {}), (ADMIN, {}), (ADMIN, {"orientation_id": orientation_id})]:
        with database.write() as session:
            envelope = set_envelope(session, actor, {**raw, **more}, NOW)
            assert envelope.total_cents == 120_000_50
    with database.read() as session:
        assert session.scalars(select(Envelope.orientation_id).order_by(Envelope.id)).all() == [None, orientation_id]
    for actor in (NOBODY, funder(funder_id + 1), TRANSVERSAL):
        with database.write() as session, pytest.raises(Forbidden):
            set_envelope(session, actor, raw, NOW)
    for field, value in [
        ("funder_id", id_of(database, Institution, label="DRAC")),
        ("campaign_id", 999),
        ("orientation_id", id_of(database, Objective, code="22")),
        ("total_cents", "-1"),
    ]:
        with database.write() as session, pytest.raises(Invalid) as refused:
            set_envelope(session, ADMIN, {**raw, field: value}, NOW)
        assert list(refused.value.fields) == [field]
    assert acts(database) == ["set_envelope"] * 3


def test_an_envelope_never_goes_below_what_is_granted(database: Database) -> None:
    funder_id, campaign_id = id_of(database, Institution, funder_code="CAF"), id_of(database, Campaign)
    raw = {"funder_id": funder_id, "campaign_id": campaign_id}
    dossier_id = draft(database, date(2011, 12, 15))
    with database.write() as session:
        envelope = set_envelope(session, ADMIN, {**raw, "total_cents": 500}, NOW)
        line = FundingRequest(dossier_id=dossier_id, funder_id=funder_id, asked_cents=400, envelope_id=envelope.id)
        session.add(line)
        session.flush()
        line.decided_by_id, line.decided_at = session.scalars(select(Person.id)).one(), NOW
        line.decision, line.granted_cents = "granted", 300
    with database.write() as session:
        set_envelope(session, ADMIN, {**raw, "total_cents": 300}, NOW)
    with pytest.raises(Refused) as refused, database.write() as session:
        set_envelope(session, ADMIN, {**raw, "total_cents": 299}, NOW)
    assert refused.value.reasons[0].code == "less_than_granted"


def test_sessions(database: Database) -> None:
    campaign_id, instance_id = id_of(database, Campaign), id_of(database, Instance, code="ct-sante")
    raw = {"campaign_id": campaign_id, "label": "Comité", "on": "2012-02-09", "place": "Valenciennes"}
    own = {**raw, "instance_id": instance_id}
    for actor, given in [(animator(instance_id), own), (TRANSVERSAL, own), (TRANSVERSAL, raw), (ADMIN, raw)]:
        with database.write() as session:
            assert create_session(session, actor, given, NOW).instance_id == given.get("instance_id")
    for actor, given in [(animator(instance_id), raw), (animator(instance_id + 1), own), (CARRIER, own), (NOBODY, raw)]:
        with database.write() as session, pytest.raises(Forbidden):
            create_session(session, actor, given, NOW)
    for field, value in [("on", "2020-01-01"), ("campaign_id", 99), ("instance_id", 99), ("label", "")]:
        with database.write() as session, pytest.raises(Invalid) as refused:
            create_session(session, ADMIN, {**raw, field: value}, NOW)
        assert list(refused.value.fields) == [field]
    assert acts(database) == ["create_session"] * 4


# Routes


def order(database: Database) -> list[int]:
    """Ids of the rules in order; their positions count 1, 2, 3, …"""
    with database.read() as session:
        rows = session.execute(select(Route.position, Route.id).order_by(Route.position)).all()
    assert [position for position, _ in rows] == list(range(1, len(rows) + 1))
    return [number for _, number in rows]


def test_rules_move(database: Database) -> None:
    before = order(database)
    for place, position in [(4, 4), (5, 4), (4, 58), (57, 1), (0, 999), (57, 57)]:
        number = order(database)[place]
        with database.write() as session:
            moved = move_route(session, ADMIN, number, {"position": position}, NOW)
            assert moved.position == min(position, 58)
        after = order(database)
        assert after[min(position, 58) - 1] == number
        assert [other for other in after if other != number] == [other for other in before if other != number]
        before = after


def test_rules_are_added_changed_and_deleted(database: Database) -> None:
    before = order(database)
    objective_id, marly = id_of(database, Objective, code="224"), id_of(database, Commune, label="Marly")
    lead_id, told = (id_of(database, Instance, code=code) for code in ("ct-sante", "cti"))
    raw = {"objective_id": objective_id, "lead_id": lead_id, "associated": [told], "commune_id": marly}
    with database.write() as session:
        last = add_route(session, ADMIN, raw, NOW)
        first = add_route(session, ADMIN, {**raw, "level": "commune", "position": 1}, NOW)
        assert (first.position, last.position) == (1, 60)
    assert order(database) == [first.id, *before, last.id]
    with database.read() as session:
        found = route(load_rules(session), Query("224", "commune", "Marly"))
        assert found.rule is not None
        assert (found.rule.position, found.rule.associated) == (1, ("cti",))
    with database.write() as session:
        changed = change_route(session, ADMIN, first.id, {**raw, "associated": [], "commune_id": None}, NOW)
        assert (changed.position, changed.level, changed.associates) == (1, None, [])
    with database.write() as session:
        delete_route(session, ADMIN, first.id, NOW)
    assert order(database) == [*before, last.id]
    assert acts(database) == ["add_route", "add_route", "change_route", "delete_route"]


def test_bad_rules(database: Database) -> None:
    lead_id, marly = id_of(database, Instance, code="ct-sante"), id_of(database, Commune, label="Marly")
    raw = {"objective_id": id_of(database, Objective, code="224"), "lead_id": lead_id}
    for changed, field in [
        ({"funders": ["CAF", "nobody"]}, "funders"),
        ({"kind": "company"}, "kind"),
        ({"least_cents": 2, "most_cents": 1}, "most_cents"),
        ({"starts_on": "2027-02-02", "ends_on": "2027-02-01"}, "ends_on"),
        ({"objective_id": 999}, "objective_id"),
        ({"lead_id": 999}, "lead_id"),
        ({"level": "canton"}, "level"),
        ({"commune_id": 999}, "commune_id"),
        ({"commune_id": marly, "level": "agglomération"}, "commune_id"),
        ({"associated": [999]}, "associated"),
        ({"associated": [lead_id]}, "associated"),
        ({"position": 0}, "position"),
    ]:
        with database.write() as session, pytest.raises(Invalid) as refused:
            add_route(session, ADMIN, {**raw, **changed}, NOW)
        assert list(refused.value.fields) == [field]
    calls: list[Callable[[Any, Actor, int], object]] = [
        lambda session, actor, number: change_route(session, actor, number, raw, NOW),
        lambda session, actor, number: move_route(session, actor, number, {"position": 1}, NOW),
        lambda session, actor, number: delete_route(session, actor, number, NOW),
    ]
    for call in calls:
        with database.write() as session, pytest.raises(NotFound):
            call(session, ADMIN, 999)
        with database.write() as session, pytest.raises(Forbidden):
            call(session, TRANSVERSAL, 1)
    with database.write() as session, pytest.raises(Forbidden):
        add_route(session, TRANSVERSAL, raw, NOW)
    assert acts(database) == []


def test_editors_at_once_keep_the_order_whole(database: Database) -> None:
    objective_id, lead_id = id_of(database, Objective, code="224"), id_of(database, Instance, code="ct-sante")
    numbers = order(database)

    def edit(number: int) -> None:
        with database.write() as session:
            if number % 2:
                move_route(session, ADMIN, numbers[number], {"position": 1}, NOW)
            else:
                raw = {"objective_id": objective_id, "lead_id": lead_id, "position": 5}
                add_route(session, ADMIN, raw, NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(edit, range(8)))
    assert len(order(database)) == 62


# Organisations

ORGANISATION = {"siret": "732 829 320 00074", "name": "Association fictive", "kind": "association", "email": ""}


def test_organisations(database: Database) -> None:
    with database.write() as session:
        organisation = create_organisation(session, ADMIN, ORGANISATION, NOW)
        assert organisation.siret == "73282932000074"
    member = Actor(None, "Porteuse", (Grant("carrier", organisation_id=organisation.id),))
    with database.write() as session:
        raw = {"name": "Nouveau nom", "phone": "03 27 00 00 00", "email": "Contact@asso.example"}
        changed = update_organisation(session, member, organisation.id, raw, NOW)
        assert (changed.name, changed.email, changed.siret) == ("Nouveau nom", "contact@asso.example", "73282932000074")
    with database.write() as session:
        update_organisation(session, ADMIN, organisation.id, {**ORGANISATION, "siret": "35600000000048"}, NOW)
    with database.read() as session:
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.seq.desc()).offset(1)).first()
        assert entry is not None
        assert entry.details == {
            "before": {"name": "Association fictive"},
            "after": {"name": "Nouveau nom", "contact": "changed"},
        }
    assert acts(database) == ["create_organisation", "update_organisation", "update_organisation"]


def test_bad_organisations(database: Database) -> None:
    with database.write() as session:
        known = create_organisation(session, ADMIN, ORGANISATION, NOW).id
        other = create_organisation(session, ADMIN, {**ORGANISATION, "siret": "35600000000048"}, NOW).id
    member = Actor(None, "Porteuse", (Grant("carrier", organisation_id=known),))
    create: list[tuple[dict[str, str], str]] = [
        ({}, "siret"),
        ({"siret": "73282932000075"}, "siret"),
        ({"siret": ""}, "siret"),
        ({"siret": "1" * 10_000_000}, "siret"),
        ({"siret": "35600000000010", "name": ""}, "name"),
        ({"siret": "35600000000010", "kind": "person"}, "kind"),
        ({"siret": "35600000000010", "email": "x"}, "email"),
    ]
    for changed, field in create:
        with database.write() as session, pytest.raises(Invalid) as refused:
            create_organisation(session, ADMIN, {**ORGANISATION, **changed}, NOW)
        assert list(refused.value.fields) == [field]
    update: list[tuple[type[DomainError], Actor, int, dict[str, str]]] = [
        (Invalid, ADMIN, other, ORGANISATION),
        (Invalid, member, known, {"name": "x", "siret": "35600000000010"}),
        (Forbidden, member, other, {"name": "x"}),
        (Forbidden, TRANSVERSAL, known, {"name": "x"}),
        (NotFound, ADMIN, 999, {**ORGANISATION, "siret": "35600000000010"}),
    ]
    for refusal, actor, number, raw in update:
        with pytest.raises(refusal), database.write() as session:
            update_organisation(session, actor, number, raw, NOW)
    with database.write() as session, pytest.raises(Forbidden):
        create_organisation(session, member, {**ORGANISATION, "siret": "35600000000010"}, NOW)
    assert acts(database) == ["create_organisation"] * 2
