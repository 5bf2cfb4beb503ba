"""The page behind a dossier's private link: what it tells without an account, and what it never tells."""

import re

import pytest
from sqlalchemy import select, update

from states.dossier import STATES
from tests.factories import NOW, Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.reading import counted
from web import logs
from web.pages.tracking import PLAIN
from workflow import links
from workflow.models import SecretLink


def address(town: Town, walk: Walk) -> str:
    """The dossier's tracking address."""
    with town.database.read() as session:
        number = session.scalars(select(SecretLink.id).where(SecretLink.dossier_id == walk.dossier_id)).one()
    return f"/suivi/{links.token(number, 'tracking')}"


@pytest.mark.parametrize(
    "stage", ["draft", "submitted", "assigned", "opinion", "tabled", "funded", "evaluated", "controlled", "closed"]
)
def test_it_tells_where_the_dossier_stands_in_plain_words(town: Town, stage: str) -> None:
    walk: Walk = getattr(town.walk(), stage)()
    page = Browser(town.app).page(address(town, walk))
    meaning, coming = PLAIN[walk.state]
    assert "Ateliers sans alcool" in page.text
    assert meaning in page.text
    assert coming in page.text


def test_every_state_has_its_plain_words() -> None:

    assert set(PLAIN) == set(STATES) - {"expert_consulted"}


def test_it_is_neither_kept_nor_indexed_nor_told_to_others(town: Town) -> None:
    answer = Browser(town.app).get(address(town, town.walk().submitted()))
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert '<meta name="robots" content="noindex, nofollow">' in answer.text


def test_its_token_is_not_logged(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    url = address(town, town.walk().submitted())
    capsys.readouterr()
    Browser(town.app).get(url)
    written = capsys.readouterr().err
    assert "/suivi/" in written
    assert url.rpartition("-")[2] not in written
    assert logs.redacted(url) == "/suivi/…"


def test_it_tells_nothing_else(town: Town) -> None:
    walk = town.walk().assigned()
    amounts = {str(line): 1_234_00 for line in walk.lines().values()}
    for who in ("instructor 1", "instructor 2"):
        walk.act(who, "seal_opinion", verdict="favourable", strengths="Solide et clair", amounts=amounts)
    walk.act("instructor 1", "issue_opinion")
    text = Browser(town.app).page(address(town, walk)).text
    for secret in ("Solide et clair", "1\u202f234", "6\u202f000", "Rôle", "instructor", "Des ateliers pour", "charte"):
        assert secret not in text


def test_a_consulted_expert_is_not_told_outside(town: Town) -> None:
    walk = town.walk().assigned()
    walk.act("instructor 1", "consult_expert", expert_ids=[1], question="Est-ce adapté ?", due_on="2026-12-01")
    html = Browser(town.app).get(address(town, walk)).text
    assert 'is-current" data-state="assigned"' in html
    assert 'is-ahead" data-state="expert_consulted"' in html
    assert "1er décembre 2026" not in html


def test_the_decisions_are_told_once_all_are_taken(town: Town) -> None:
    walk = town.walk().tabled()
    lines = walk.lines()
    url = address(town, walk)
    walk.act("funder État", "decide_request", request_id=lines["État"], amount_cents=2_222_00)
    assert "2\u202f222" not in Browser(town.app).page(url).text
    walk.act("funder CAF", "decide_request", request_id=lines["CAF"], amount_cents=0, motive="Hors priorités")
    text = Browser(town.app).page(url).text
    assert "2\u202f222\u202f€" in text
    assert "Refusé" in text
    assert "Hors priorités" not in text


def test_forged_ended_and_other_links_open_nothing(town: Town) -> None:
    walk = town.walk().submitted()
    url = address(town, walk)
    number = re.findall(r"/(\d+)-", url)[0]
    for token in (f"{number}-{'0' * 40}", number, "x", "0", f"9{url.removeprefix('/suivi/')}", "é" * 60):
        assert Browser(town.app).get(f"/suivi/{token}").status_code == 404
    assert Browser(town.app).get(f"/suivi/{links.token(int(number), 'expert')}").status_code == 404
    with town.database.write() as session:
        session.execute(update(SecretLink).values(ended_at=NOW))
    assert Browser(town.app).get(url).status_code == 404


def test_the_carrier_finds_the_link_on_the_dossier_s_page_and_nobody_else_does(town: Town) -> None:
    walk = town.walk().submitted()
    url = address(town, walk)
    assert url in town.browser("carrier").get(f"/dossiers/{walk.dossier_id}").text
    for who in ("animator", "transversal", "funder CAF", "administrator"):
        assert "/suivi/" not in town.browser(who).get(f"/dossiers/{walk.dossier_id}").text, who


def test_it_costs_three_statements(any_town: Town) -> None:
    walk = any_town.walk().closed()
    url = address(any_town, walk)
    with counted(any_town.database) as statements:
        page = Browser(any_town.app).page(url)
    assert "2\u202f500\u202f€" in page.text
    assert len(statements) == 3
