"""The administrator's page of webhooks: added, their secret shown once, renewed, stopped."""

import re

from sqlalchemy import select

from tests.web.conftest import Town
from workflow.models import Webhook

PAGE = "/administration/webhooks"


def test_a_webhook_is_added_renewed_and_stopped(town: Town) -> None:
    administrator = town.browser("administrator")
    assert "Aucun webhook" in administrator.page(PAGE).text
    wrong = administrator.post(PAGE, {"label": "Tableau de bord", "url": "http://tableau.example", "acts": "fund"})
    assert wrong.status_code == 422
    assert 'id="f-url-error"' in wrong.text
    assert 'value="http://tableau.example"' in wrong.text
    made = administrator.post(PAGE, {"label": "Tableau de bord", "url": "https://tableau.example", "acts": "fund"})
    first = re.search(r'class="secret">([0-9a-f]{64})<', made.text)
    assert first
    assert first[1] not in administrator.page(PAGE).text, "shown once"
    with town.database.read() as session:
        row = session.scalars(select(Webhook)).one()
        assert (row.acts, row.active) == (["fund"], True)
    renewed = administrator.post(f"{PAGE}/{row.id}/secret", {})
    second = re.search(r'class="secret">([0-9a-f]{64})<', renewed.text)
    assert second
    assert second[1] != first[1]
    assert administrator.post(f"{PAGE}/{row.id}/arret", {}).status_code == 303
    assert "Aucun webhook" in administrator.page(PAGE).text
    assert administrator.post(f"{PAGE}/{row.id}/secret", {}).status_code == 404
