"""Documents on a phone: a new version beside the old one, and both shown in their page."""

import struct
import zlib

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.visitor import Arrive
from tests.web.conftest import Town
from workflow.demo.paper import pdf
from workflow.files import Upload


@pytest.fixture
def size() -> str:
    """These people hold a phone."""
    return "phone"


def png(width: int, height: int) -> bytes:
    """A grey image."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", zlib.crc32(kind + content))

    head = struct.pack("!IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\x88" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_document_gets_a_version_and_both_are_shown(town: Town, arrive: Arrive) -> None:
    walk = town.walk().assigned()
    walk.act("carrier", "attach_document", kind="quote", file=Upload("devis.pdf", pdf("Devis")))
    carrier = arrive("carrier").open(f"/dossiers/{walk.dossier_id}")
    documents = carrier.main.locator("#documents")
    carrier.follow("Nouvelle version", within=documents).sees("Nouvelle version de « devis.pdf » (Devis)")
    name = "devis-corrige-et-signe-par-le-bureau.png"
    carrier.field("Fichier").set_input_files(FilePayload(name=name, mimeType="image/png", buffer=png(1600, 900)))
    carrier.press("Joindre un document").sees("version 2")

    instructor = arrive("instructor 1", scripts=False).open(f"/dossiers/{walk.dossier_id}")
    documents = instructor.main.locator("#documents")
    instructor.follow("Aperçu", within=documents).sees("version 2")
    image = instructor.main.get_by_role("img", name="Contenu du document")
    assert image.evaluate("image => image.naturalWidth") == 1600
    instructor.follow("Revenir au dossier")
    documents.locator("summary", has_text="1 version précédente").click()
    instructor.check()
    instructor.follow("Aperçu", within=documents.locator("details")).sees("version 1", "Une version plus récente")
    shown = instructor.main.locator("object")
    expect(shown).to_be_visible()
    expect(shown.get_by_text("Ce navigateur ne montre pas")).to_be_hidden()
    instructor.follow("Voir la version plus récente").sees("version 2")
