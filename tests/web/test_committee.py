"""The table of a session and its minutes: by priority, with sums by funder; for whom it is."""

import builtins
import re
import zlib
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import Walk
from tests.web.conftest import Town
from tests.web.pages import Page
from web.pdf import as_pdf
from workflow.models import CommitteeSession, Criterion, Instance, RoleGrant
from workflow.use_cases.grids import save_grid


def at(town: Town, part: str = "tableau") -> str:
    return f"/seances/{town.world.session_id}/{part}"


def tabled(town: Town, verdict: str, *scores: int) -> Walk:
    walk = town.walk().assigned()
    with town.database.read() as session:
        criteria = session.scalars(select(Criterion.id).order_by(Criterion.position)).all()
    for who in ("instructor 1", "instructor 2"):
        walk.act(
            who,
            "seal_opinion",
            verdict=verdict,
            strengths="Projet solide",
            reservations="Peu de recul",
            amounts={str(line): 2_500_00 for line in walk.lines().values()},
            scores={str(one): score for one, score in zip(criteria, scores, strict=False)},
        )
    walk.act("instructor 1", "issue_opinion")
    walk.act("animator", "table", session_id=town.world.session_id)
    return walk


def graded(town: Town) -> None:
    with town.database.write() as session:
        levels = ["0", "1", "2", "3", "4"]
        criteria = [
            {"label": "Besoin", "weight": 3, "levels": levels},
            {"label": "Moyens", "weight": 1, "levels": levels},
        ]
        actor = town.world.actor(session, "animator")
        save_grid(session, actor, town.world.instance_id, {"criteria": criteria}, town.walk().now)


def test_favourable_and_well_marked_dossiers_come_first(town: Town) -> None:
    graded(town)
    tabled(town, "with_reservations", 4, 4)  # 2027-0001
    tabled(town, "favourable", 2, 3)  # 2027-0002
    tabled(town, "favourable", 4, 2)  # 2027-0003
    page = town.browser("animator").page(at(town))
    places = [page.text.index(f"2027-000{n}") for n in (3, 2, 1)]
    assert places == sorted(places)
    assert "3,5/4" in page.text  # (3·4 + 2) / 4
    text = page.text.replace("\u202f", " ")
    assert "18 000 €" in text, "asked of État by the three"
    assert "7 500 €" in text, "proposed"


def test_minutes_tell_decisions_and_motives(town: Town) -> None:
    town.walk().funded()
    text = town.browser("animator").page(at(town, "compte-rendu")).text.replace("\u202f", " ")
    assert "accordé sur 6 000 €" in text
    assert "Hors priorités" in text
    assert "47 500 €" in text, "left in the envelope of État"


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def test_minutes_are_a_tagged_pdf_that_says_the_same(town: Town) -> None:
    town.walk().funded()
    browser = town.browser("animator")
    assert at(town, "compte-rendu.pdf") in browser.page(at(town, "compte-rendu")).links
    answer = browser.get(at(town, "compte-rendu.pdf"))
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="compte-rendu-')
    assert answer.data.startswith(b"%PDF-1.7")
    inside = b"".join(map(inflated, re.findall(rb"stream\n(.*?)\nendstream", answer.data, re.DOTALL)))
    assert b"/MarkInfo" in inside
    assert b"pdfuaid" in inside, "it says that it keeps PDF/UA"
    assert town.browser("carrier").get(at(town, "compte-rendu.pdf")).status_code == 403


def test_where_no_pdf_can_be_made_the_page_stands_in(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.walk().funded()

    def broken(name: str, *args: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return found(name, *args)

    found = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", broken)
    browser = town.browser("animator")
    answer = browser.get(at(town, "compte-rendu.pdf"))
    assert answer.headers["Location"] == at(town, "compte-rendu")
    assert "imprimez cette page à la place" in browser.page(at(town, "compte-rendu")).text


def test_a_document_fetches_nothing(caplog: pytest.LogCaptureFixture) -> None:
    page = '<html lang="fr"><head><title>x</title></head><body><img alt="x" src="file:///etc/passwd">{}</body></html>'
    assert as_pdf(page.format("")).startswith(b"%PDF")
    assert as_pdf(page.format("")) == as_pdf(page.format(""))
    assert b"root:" not in as_pdf(page.format(""))


def test_an_opinion_taken_up_again_leaves_the_table(town: Town) -> None:
    walk = town.walk().tabled()
    walk.act("animator", "reopen_instruction", reason="À revoir")
    assert "2027-0001" not in town.browser("animator").page(at(town)).text


def test_it_is_for_who_animates_the_instance_and_who_oversees_all(town: Town) -> None:
    town.walk().tabled()
    assert "2027-0001" in town.browser("transversal").page(at(town)).text
    for who in ("carrier", "instructor 1", "funder État", "controller"):
        assert town.browser(who).get(at(town)).status_code == 403
    with town.database.write() as session:
        other = session.scalars(select(Instance.id).where(Instance.id != town.world.instance_id).limit(1)).one()
        session.execute(update(RoleGrant).where(RoleGrant.role == "animator").values(instance_id=other))
    assert town.browser("animator").get(at(town)).status_code == 404
    with town.database.write() as session:
        session.execute(update(CommitteeSession).values(instance_id=None))
    assert "2027-0001" not in town.browser("animator").page(at(town)).text, "of the territory's: their own only"


def test_whoever_carries_a_dossier_reads_it_as_its_carrier(town: Town) -> None:
    town.walk().tabled()
    with town.database.write() as session:
        bond = RoleGrant(
            person_id=town.world.people["animator"],
            role="carrier",
            organisation_id=town.world.organisation_id,
            granted_at=town.walk().now,
        )
        session.add(bond)
    assert "2027-0001" not in town.browser("animator").page(at(town)).text


def test_an_empty_table_says_what_to_do(town: Town) -> None:
    assert "Aucun dossier à cette séance" in Page(town.browser("animator").get(at(town)).text).text
