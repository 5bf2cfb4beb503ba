"""The API is what its description says: requests made from it, right and wrong ones, by people of several roles."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from tests.web.conftest import Town
from tests.web.program import API, token
from workflow.models import Dossier

STAGES = ("controlled", "draft", "submitted", "assigned", "opinion", "tabled", "funded")


@pytest.fixture
def described(town: Town) -> Any:
    """The description as a client reads it, with the ids of real dossiers in every state."""
    ids = [getattr(town.walk(), stage)().dossier_id for stage in STAGES]
    schema = schemathesis.openapi.from_wsgi(f"{API}/openapi.json", town.app)
    # The domain's rules say more than a schema can: what is well-formed may still be wrong (422).
    schema.config.checks.positive_data_acceptance.enabled = False

    @schema.hook
    def map_case(_context: object, case: Any) -> Any:
        """Half of the small numbers in addresses become what is there, and versions those of the dossier."""
        place, body = case.path_parameters or {}, case.body
        for name, value in place.items():
            if isinstance(value, int) and 0 <= value < 100_000 and value % 2 == 0:
                place[name] = ids[value // 2 % len(ids)] if name == "dossier_id" else 1
        if isinstance(body, dict) and isinstance(body.get("version"), int) and place.get("dossier_id") in ids:
            with town.database.read() as session:
                body["version"] = session.get_one(Dossier, place["dossier_id"]).version
        return case

    return schema


def run(schema: Any, secret: str, mode: GenerationMode, examples: int) -> dict[int, int]:
    """Send `examples` requests to every operation; how often each status was answered."""
    seen: dict[int, int] = {}
    quiet = settings(
        max_examples=examples,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
        deadline=None,
    )
    for result in schema.get_all_operations():
        operation = result.ok()

        @quiet
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            answer = case.call_and_validate(headers={"Authorization": f"Bearer {secret}"})
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1

        send()
    return seen


@pytest.mark.parametrize("who", ["carrier", "animator", "instructor 1", "funder État", "controller"])
def test_what_is_asked_as_described_is_answered_as_described(town: Town, described: Any, who: str) -> None:
    seen = run(described, token(town, who), GenerationMode.POSITIVE, 4)
    assert seen.get(200, 0) > 20
    assert seen.get(404, 0) > 5
    assert max(seen) < 500


def test_what_is_asked_otherwise_is_refused_as_described(town: Town, described: Any) -> None:
    seen = run(described, token(town, "carrier"), GenerationMode.NEGATIVE, 4)
    assert seen.get(422, 0) > 30
    assert seen.get(401, 0) > 10
    assert max(seen) < 500
