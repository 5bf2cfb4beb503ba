"""Facts that an act brings with it count in its own guards."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import select

from tests.factories import Walk, build
from workflow.db import Database
from workflow.errors import Refused
from workflow.models import Expert, ExpertInterest, Piece


@pytest.fixture
def walk(sqlite_url: str) -> Iterator[Walk]:
    database = Database(sqlite_url)
    yield Walk(database, build(database))
    database.dispose()


def test_answers_given_on_completing_count(walk: Walk) -> None:
    walk.submitted().act(
        "animator", "request_completion", pieces=["RIB", "Statuts"], due_on=date(2026, 12, 1).isoformat()
    )
    with walk.database.read() as session:
        first, second = session.scalars(select(Piece.id).order_by(Piece.id))
    with pytest.raises(Refused, match="pieces_answered"):
        walk.act("carrier", "complete", answers={str(first): "Le voici", str(second): ""})
    walk.act("carrier", "complete", answers={str(first): "Le voici", str(second): "Les voici"})
    assert walk.state == "submitted"


def test_an_expert_typed_by_address_has_the_same_conflicts(walk: Walk) -> None:
    walk.assigned()
    with walk.database.write() as session:
        expert = session.scalars(select(Expert)).one()
        session.add(ExpertInterest(expert_id=expert.id, organisation_id=walk.world.organisation_id))
    asked = {"question": "Est-ce utile ?", "due_on": "2026-12-01"}
    for named in ({"expert_ids": [expert.id]}, {"expert_email": expert.email.upper()}):
        with pytest.raises(Refused, match="expert_without_conflict"):
            walk.act("instructor 1", "consult_expert", **named, **asked)
    walk.act("instructor 1", "consult_expert", expert_email="autre@binome.example", expert_name="Autre expert", **asked)
    assert walk.state == "expert_consulted"
