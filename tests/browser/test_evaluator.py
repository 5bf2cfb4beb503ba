"""The evaluator: the grid, filled badly and then well."""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Arrive
from tests.web.conftest import Town

CRITERIA = ("Pertinence", "Cohérence", "Efficacité", "Efficience", "Impact")


@pytest.fixture
def size() -> str:
    """These people hold a phone."""
    return "phone"


def test_an_evaluator_fills_the_grid(town: Town, arrive: Arrive) -> None:
    walk = town.walk().funded()
    walk.act("carrier", "submit_final_report", narrative="Tout est fait", beneficiaries=38, spent_cents=9_500_00)
    evaluator = arrive("evaluator").open("/")
    evaluator.navigate("Évaluations")
    evaluator.follow("Évaluer").sees("Tout est fait")
    for criterion in CRITERIA[:-1]:
        evaluator.tick("3 – en grande partie", evaluator.group(criterion))
    evaluator.fill("Motifs", "Action utile au quartier.").press("Évaluer l'action", 409)
    expect(evaluator.group(CRITERIA[0]).get_by_label("3 – en grande partie")).to_be_checked()
    evaluator.tick("4 – tout à fait", evaluator.group(CRITERIA[-1])).tick("Renouveler")
    evaluator.press("Évaluer l'action").follow("Évaluées (1)").sees("16 / 20")
    assert walk.state == "evaluated"
