"""Documents: in versions of which none is lost, refused by the scanner, shown in their page to their readers alone."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.clamd import VIRUS, Clamd, serving
from tests.factories import Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.program import Program
from tests.web.reading import counted
from web.security import POLICY
from workflow import links
from workflow.errors import Invalid, Refused
from workflow.files import Upload
from workflow.models import Document, Expert, JournalEntry, SecretLink
from workflow.settings import settings

PNG = b"\x89PNG\r\n\x1a\n image"
EVERYBODY = (
    *("carrier", "other carrier", "animator", "instructor 1", "instructor 3", "evaluator", "funder État"),
    *("controller", "transversal", "administrator"),
)


def attach(walk: Walk, who: str = "carrier", name: str = "statuts.pdf", content: bytes = b"", **raw: Any) -> int:
    upload = Upload(name, content or b"%PDF-1.4 " + name.encode())
    document: Document = walk.act(who, "attach_document", file=upload, **({"kind": "statutes"} | raw)).result
    return document.id


def act_url(walk: Walk) -> str:
    return f"/dossiers/{walk.dossier_id}/actes/attach_document"


def url(walk: Walk, document: int, end: str = "") -> str:
    return f"/dossiers/{walk.dossier_id}/documents/{document}{end}"


# --- versions ---------------------------------------------------------------------------------------------------------


def test_a_version_stands_beside_what_it_replaces(any_town: Town) -> None:
    walk = any_town.walk().submitted()
    first = attach(walk)
    second = attach(walk, name="v2.pdf", replaces_id=first, kind=None)
    third = attach(walk, "animator", name="v3.pdf", replaces_id=second, kind="quote")
    with any_town.database.read() as session:
        rows = session.scalars(select(Document).order_by(Document.id)).all()
        details = session.scalars(select(JournalEntry.details).where(JournalEntry.act == "attach_document")).all()
    assert [(row.id, row.replaces_id, row.kind, row.filename) for row in rows] == [
        (first, None, "statutes", "statuts.pdf"),
        (second, first, "statutes", "v2.pdf"),
        (third, second, "statutes", "v3.pdf"),
    ]
    assert details[-1]["replaces"] == {"document": second, "filename": "v2.pdf", "sha256": rows[1].sha256}
    assert "replaces" not in details[0]
    browser = any_town.browser("animator")
    for document, content in ((first, "statuts"), (third, "v3")):
        with browser.get(url(walk, document)) as sent:
            assert sent.data == f"%PDF-1.4 {content}.pdf".encode()


def test_only_the_newest_is_replaced_and_only_here(any_town: Town) -> None:
    walk, other = any_town.walk().submitted(), any_town.walk().submitted()
    first, elsewhere = attach(walk), attach(other)
    attach(walk, replaces_id=first)
    for wrong in (first, elsewhere, 999, 2**62):
        with pytest.raises(Invalid) as refused:
            attach(walk, "animator", replaces_id=wrong)
        assert set(refused.value.fields) == {"replaces_id"}
    with pytest.raises(Invalid) as refused:
        walk.act("carrier", "attach_document", file=Upload("a.pdf", b"%PDF-1.4"))
    assert set(refused.value.fields) == {"kind"}


def test_a_carrier_replaces_what_their_side_attached_while_they_may_attach(town: Town) -> None:
    walk = town.walk().submitted()
    theirs, ours = attach(walk), attach(walk, "animator", name="note.pdf")
    with pytest.raises(Invalid) as refused:
        attach(walk, replaces_id=ours)
    assert set(refused.value.fields) == {"replaces_id"}
    page = town.browser("carrier").page(f"/dossiers/{walk.dossier_id}")
    assert [link for link in page.links if "replaces_id" in link] == [f"{act_url(walk)}?replaces_id={theirs}"]
    assert "un agent" in page.text
    assert "Rôle animator" not in page.text
    attach(walk, replaces_id=theirs)
    walk.act("animator", "declare_inadmissible", reason="Hors du territoire")
    assert "replaces_id" not in "".join(town.browser("carrier").page(f"/dossiers/{walk.dossier_id}").links)
    with pytest.raises(Refused):
        attach(walk, replaces_id=theirs + 2)


def test_a_version_is_added_from_the_list_which_shows_the_newest_first(town: Town) -> None:
    walk = town.walk().submitted()
    first, browser = attach(walk), town.browser("carrier")
    for name in ("v2.pdf", "v3.pdf"):
        (offer,) = (link for link in browser.page(f"/dossiers/{walk.dossier_id}").links if "replaces_id" in link)
        page = browser.page(offer)
        assert "Nouvelle version de" in page.text
        form = page.form(act_url(walk))
        assert "kind" not in form.names
        file = (io.BytesIO(b"%PDF-1.4 " + name.encode()), name)
        assert browser.post(act_url(walk), {**form.fields, "file": file}).status_code == 303
    text = browser.page(f"/dossiers/{walk.dossier_id}").text
    assert (
        text.index("v3.pdf") < text.index("2 versions précédentes") < text.index("v2.pdf") < text.index("statuts.pdf")
    )
    assert text.index("version 3 ·") < text.index("version 2 ·") < text.index("version 1 ·")
    stale = browser.post(act_url(walk), {"replaces_id": first, "file": (io.BytesIO(b"%PDF-1.4"), "late.pdf")})
    assert stale.status_code == 422
    assert "Une version plus récente est déjà jointe" in stale.text
    assert f'name="replaces_id" value="{first + 2}"' in stale.text


def test_many_versions_cost_no_more_statements(town: Town) -> None:
    walk = town.walk().submitted()
    document, browser, costs = attach(walk), town.browser("animator"), []
    for _ in range(2):
        for _ in range(4):
            document = attach(walk, replaces_id=document)
        with counted(town.database) as statements:
            browser.page(f"/dossiers/{walk.dossier_id}")
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_what_cites_a_document_keeps_its_version_and_says_that_a_newer_one_is_there(town: Town) -> None:
    walk = town.walk().assigned()
    plan, bank = attach(walk, name="plan.pdf"), attach(walk, name="rib.pdf")
    with town.database.read() as session:
        expert = session.scalars(select(Expert.id)).one()
    asked = {"question": "Est-ce utile ?", "due_on": "2026-11-25", "expert_ids": [expert], "documents": [plan]}
    walk.act("instructor 1", "consult_expert", **asked)
    pages = [f"/dossiers/{walk.dossier_id}", f"/instruction/{walk.dossier_id}"]
    browser = town.browser("instructor 1")
    for page in pages:
        text = browser.page(page).text
        assert "Documents montrés" in text
        assert "version plus récente" not in text
    newer = attach(walk, name="plan2.pdf", replaces_id=plan)
    for page in pages:
        found = browser.page(page)
        assert "version plus récente" in found.text
        assert url(walk, newer, "/apercu") in found.links
    with town.database.read() as session:
        link = session.scalars(select(SecretLink).where(SecretLink.purpose == "expert")).one()
    at = f"/expert/{links.token(link.id, 'expert')}"
    text = Browser(town.app).page(at).text
    assert "plan.pdf" in text
    assert "plan2.pdf" not in text
    for end in ("", "/contenu", "/apercu"):
        for document, status in ((plan, 200), (newer, 404), (bank, 404)):
            with Browser(town.app).get(f"{at}/documents/{document}{end}") as answer:
                assert answer.status_code == status, (end, document)
    offered = browser.page(f"/dossiers/{walk.dossier_id}/actes/consult_expert")
    assert offered.text.index("plan2.pdf")
    assert "plan.pdf" not in offered.text.partition("Documents montrés à l'expert")[2]


def test_an_answer_keeps_the_version_that_it_was_given_with(town: Town) -> None:
    walk = town.walk().submitted()
    walk.act("animator", "request_completion", pieces=["RIB"], due_on="2026-11-20")
    page = town.browser("carrier").page(f"/dossiers/{walk.dossier_id}/actes/complete")
    fields = page.form(f"/dossiers/{walk.dossier_id}/actes/complete").fields
    (name,) = (f"files-{key.removeprefix('answers-')}" for key in fields if key.startswith("answers-"))
    data = {**fields, name: (io.BytesIO(b"%PDF-1.4 rib"), "rib.pdf")}
    assert town.browser("carrier").post(page.form(f"/dossiers/{walk.dossier_id}/actes/complete").action, data)
    with town.database.read() as session:
        answered = session.scalars(select(Document.id)).one()
    newer = attach(walk, name="rib2.pdf", replaces_id=answered)
    found = town.browser("animator").page(f"/dossiers/{walk.dossier_id}")
    assert "version plus récente" in found.text
    assert {url(walk, answered), url(walk, newer)} <= set(found.links)


def test_a_program_adds_a_version(town: Town) -> None:
    walk = town.walk().submitted()
    first, carrier = attach(walk), Program(town, "carrier")
    where = f"/dossiers/{walk.dossier_id}"

    def send(key: str, **data: Any) -> TestResponse:
        file = (io.BytesIO(b"%PDF-1.4"), "v2.pdf")
        headers = {"Idempotency-Key": key}
        return carrier.send("POST", f"{where}/events/attach_document", headers, data={"file": file, **data})

    made = send("one", replaces_id=str(first))
    assert made.status_code == 200, made.text
    assert set(send("two").json["fields"]) == {"kind"}
    assert set(send("three", replaces_id=str(first)).json["fields"]) == {"replaces_id"}
    listed = carrier.read(f"{where}/documents")["items"]
    assert [(row["id"], row["replaces_id"]) for row in listed] == [(first, None), (made.json["created_id"], first)]


# --- the virus scanner ------------------------------------------------------------------------------------------------


@pytest.fixture
def clamd(town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clamd]:
    """A scanner that the application asks."""
    with serving(Clamd()) as clamd:
        monkeypatch.setenv("BINOME_CLAMD", clamd.address)
        settings.cache_clear()
        yield clamd


def kept(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "instance" / "documents").rglob("*") if path.is_file()]


def post(town: Town, walk: Walk, content: bytes) -> TestResponse:
    data = {"kind": "statutes", "file": (io.BytesIO(content), "statuts.pdf")}
    return town.browser("carrier").post(act_url(walk), data)


def test_a_clean_file_is_kept_once_it_was_scanned(town: Town, clamd: Clamd, tmp_path: Path) -> None:
    walk = town.walk().submitted()
    assert post(town, walk, b"%PDF-1.4 clean").status_code == 303
    assert clamd.scanned == [b"%PDF-1.4 clean"]
    assert len(kept(tmp_path)) == 1
    assert post(town, walk, b"MZ no PDF").status_code == 422
    assert len(clamd.scanned) == 1


def test_an_infected_file_is_refused_beside_its_field(town: Town, clamd: Clamd, tmp_path: Path) -> None:
    walk = town.walk().submitted()
    with capture_logs() as logged:
        refused = post(town, walk, b"%PDF-1.4 " + VIRUS)
    assert refused.status_code == 422
    assert 'id="f-file-error"' in refused.text
    assert "a trouvé un virus" in refused.text
    assert 'value="statutes" selected' in refused.text
    (line,) = (line for line in logged if line["event"] == "virus found")
    assert (line["virus"], line["size"], len(line["sha256"])) == ("Eicar-Test-Signature", 16, 64)
    assert "statuts" not in str(line)
    assert kept(tmp_path) == []
    with town.database.read() as session:
        assert session.scalars(select(Document)).all() == []


def test_an_infected_answer_is_refused_with_the_answers_kept(town: Town, clamd: Clamd) -> None:
    walk = town.walk().submitted()
    walk.act("animator", "request_completion", pieces=["RIB"], due_on="2026-11-20")
    there = f"/dossiers/{walk.dossier_id}/actes/complete"
    fields = town.browser("carrier").page(there).form(there).fields
    (piece,) = (key.removeprefix("answers-") for key in fields if key.startswith("answers-"))
    for address in (there, f"/mes-dossiers/{walk.dossier_id}/reponses"):
        infected = (io.BytesIO(b"%PDF-1.4 " + VIRUS), "rib.pdf")
        data = {**fields, f"answers-{piece}": "Voici", f"files-{piece}": infected}
        refused = town.browser("carrier").post(address, data)
        assert refused.status_code == 422
        assert "a trouvé un virus" in refused.text.partition(f'id="f-files-{piece}-error"')[2]
        assert "Voici" in refused.text
    assert walk.state == "incomplete"


def test_without_a_verdict_nothing_is_kept(town: Town, clamd: Clamd, tmp_path: Path) -> None:
    walk = town.walk().submitted()
    clamd.answer = b"stream: Can't allocate memory ERROR\0"
    with capture_logs() as logged:
        refused = post(town, walk, b"%PDF-1.4 clean")
    assert refused.status_code == 422
    assert "n&#39;a pas pu vérifier ce fichier" in refused.text
    assert [line["log_level"] for line in logged if line["event"] == "file not scanned"] == ["error"]
    assert kept(tmp_path) == []


def test_the_scanner_is_asked_before_the_database_is_held(town: Town, clamd: Clamd) -> None:
    walk = town.walk().submitted()
    clamd.meanwhile = lambda: walk.act("animator", "send_message", body="Pendant ce temps")
    assert post(town, walk, b"%PDF-1.4 clean").status_code == 303
    assert "Pendant ce temps" in town.browser("carrier").page(f"/dossiers/{walk.dossier_id}").text


def test_a_program_is_told_of_a_virus_by_field(town: Town, clamd: Clamd) -> None:
    walk = town.walk().submitted()
    data = {"kind": "quote", "file": (io.BytesIO(b"%PDF-1.4 " + VIRUS), "devis.pdf")}
    where = f"/dossiers/{walk.dossier_id}/events/attach_document"
    answer = Program(town, "carrier").send("POST", where, {"Idempotency-Key": "k"}, data=data)
    assert answer.status_code == 422
    assert set(answer.json["fields"]) == {"file"}


# --- shown in its page ------------------------------------------------------------------------------------------------


def test_a_pdf_and_an_image_stand_in_their_page(town: Town) -> None:
    walk = town.walk().submitted()
    pdf, image = attach(walk), attach(walk, name="photo.png", content=PNG)
    browser = town.browser("animator")
    page = browser.get(url(walk, pdf, "/apercu"))
    assert (
        f'<object class="preview preview-pdf" data="{url(walk, pdf, "/contenu")}" type="application/pdf"' in page.text
    )
    assert page.headers["Content-Security-Policy"] == f"{POLICY}; object-src 'self'; frame-src 'self'"
    page = browser.get(url(walk, image, "/apercu"))
    assert f'<img src="{url(walk, image, "/contenu")}"' in page.text
    assert page.headers["Content-Security-Policy"] == POLICY
    assert {url(walk, pdf, "/apercu"), url(walk, image, "/apercu")} <= set(
        browser.page(f"/dossiers/{walk.dossier_id}").links
    )


def test_what_no_browser_shows_is_to_be_downloaded(town: Town) -> None:
    walk = town.walk().submitted()
    with town.database.write() as session:
        kind = "application/vnd.oasis.opendocument.text"
        values = {"dossier_id": walk.dossier_id, "kind": "other", "filename": "a.odt", "media_type": kind, "size": 5}
        row = Document(**values, sha256="0" * 64, uploaded_at=walk.now, uploaded_by_id=town.world.people["carrier"])
        session.add(row)
        session.flush()
        document = row.id
    browser = town.browser("animator")
    page = browser.page(url(walk, document, "/apercu"))
    assert "Aperçu impossible" in page.text
    assert url(walk, document) in page.links
    assert browser.get(url(walk, document, "/contenu")).status_code == 404
    assert url(walk, document, "/apercu") not in browser.page(f"/dossiers/{walk.dossier_id}").links


def test_a_file_can_do_nothing_of_its_own(town: Town) -> None:
    walk = town.walk().submitted()
    pdf, image = attach(walk), attach(walk, name="photo.png", content=PNG)
    browser = town.browser("animator")
    for document, end, disposition, policy in (
        (pdf, "", "attachment", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (image, "", "attachment", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (image, "/contenu", "inline", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (pdf, "/contenu", "inline", "default-src 'none'; frame-ancestors 'self'"),
    ):
        with browser.get(url(walk, document, end)) as answer:
            assert answer.headers["Content-Disposition"].startswith(disposition)
            assert answer.headers["Content-Security-Policy"] == policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("who", EVERYBODY)
def test_a_document_is_shown_to_whoever_may_download_it_and_to_nobody_else(town: Town, who: str) -> None:
    walks = [town.walk().draft(), town.walk().assigned(), town.walk().funded()]
    answers = {}
    for walk in walks:
        document, browser = attach(walk), town.browser(who)
        statuses = []
        for end in ("", "/contenu", "/apercu"):
            with browser.get(url(walk, document, end)) as answer:
                statuses.append(answer.status_code)
        assert len(set(statuses)) == 1, statuses
        answers[walk.dossier_id] = statuses[0]
    draft, instructed, funded = answers.values()
    readers = ("carrier", "animator", "instructor 1", "evaluator", "funder État", "transversal")
    assert (instructed == 200) == (who in readers)
    assert (funded == 200) == (who in (*readers, "controller"))
    assert (draft == 200) == (who == "carrier")
    for end in ("", "/contenu", "/apercu"):
        assert town.browser(who).get(url(walks[0], document, end)).status_code == 404
        assert Browser(town.app).get(url(walk, document, end)).status_code == 302
