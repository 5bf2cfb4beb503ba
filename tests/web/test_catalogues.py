"""Both languages are whole: every text of the code has its English, and pages read in English hold no French."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import notifications
import web
from tests.web.conftest import Town
from workflow.models import Person

ROOT = Path(web.__file__).parents[1]
TRANSLATIONS = ROOT / "web" / "translations"
TEMPLATES = ROOT / "web" / "templates"
MAILS = Path(notifications.__file__).parent / "messages"
MARKS = re.compile(r"%\(\w+\)[a-z]|<[^>]+>|&\w+;")


def texts(message: Message) -> tuple[str, ...]:
    """What a message is named by: one text, or singular and plural."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def translations(message: Message) -> tuple[str, ...]:
    """What stands for a message in a catalogue, in the order of its ids."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def catalogue(language: str) -> Catalog:
    """The committed catalogue of a language."""
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Message]:
    """Every message that stands in the code now, by its texts."""
    made = tmp_path_factory.mktemp("catalogue") / "messages.pot"
    extract = ["--quiet", "extract", "--mapping", str(TRANSLATIONS / "babel.cfg"), "--output", str(made)]
    keywords = ["--keywords", "N_", "--keywords", "lazy_gettext", "--no-location"]
    packages = ["states", "workflow", "notifications", "web"]
    program = [sys.executable, "-m", "babel.messages.frontend"]
    subprocess.run([*program, *extract, *keywords, *packages], cwd=ROOT, check=True)
    with made.open("rb") as file:
        return {texts(message): message for message in read_po(file) if message.id}


@pytest.fixture(scope="module")
def english() -> dict[tuple[str, ...], Message]:
    """The English catalogue, by the French texts."""
    return {texts(message): message for message in catalogue("en") if message.id}


def test_every_text_of_the_code_has_its_english(
    extracted: dict[tuple[str, ...], Message], english: dict[tuple[str, ...], Message]
) -> None:
    assert len(extracted) > 1000
    missing = [key for key in extracted if key not in english or not all(translations(english[key]))]
    assert not missing, "to be translated in web/translations/en (make catalogue puts them there)"


def test_no_entry_is_stale_or_a_guess(
    extracted: dict[tuple[str, ...], Message], english: dict[tuple[str, ...], Message]
) -> None:
    assert [key for key in english if key not in extracted] == []
    assert [key for key, message in english.items() if message.fuzzy] == []
    assert not catalogue("en").obsolete


def test_translations_keep_placeholders_and_markup(english: dict[tuple[str, ...], Message]) -> None:
    wrong = []
    for key, message in english.items():
        for french, translated in zip(key, translations(message), strict=True):
            if sorted(MARKS.findall(french)) != sorted(MARKS.findall(translated)):
                wrong.append((french, translated))
    assert not wrong


def test_french_counts_zero_as_one(extracted: dict[tuple[str, ...], Message]) -> None:
    french = {texts(message): message for message in catalogue("fr") if message.id}
    plurals = {key for key in extracted if len(key) == 2}
    assert set(french) == plurals, "web/translations/fr holds each plural, as it stands in the code, and nothing else"
    assert all(translations(message) == key for key, message in french.items())
    assert catalogue("fr").plural_expr == "(n > 1)"


def test_every_mail_is_written_in_both_languages() -> None:
    french, english = ({file.name for file in (MAILS / language).glob("*.txt")} for language in ("fr", "en"))
    assert french == english
    assert len(french) > 40


# A text that a template forgot to mark

NOT_TEXT = re.compile(
    r"\{#.*?#\}|\{% block body_class %\}\w*|\{%-?\s*trans\b.*?endtrans\s*-?%\}"
    r"|<(script|style)\b.*?</\1>|\{%.*?%\}|\{\{.*?\}\}",
    re.DOTALL,
)
READ_ATTRIBUTE = re.compile(r'\s(?:title|alt|placeholder|aria-label|data-confirm)="([^"]*)"')
TAG = re.compile(r"<[^>]*>|&\w+;|\S+=\"[^\"]*\"")
WORD = re.compile(r"[^\W\d_]{2,}")
SAME_IN_BOTH = {"Binôme", "SIRET", "Français", "English", "null", "printf", "sha", "sum"}


@pytest.mark.parametrize("folder", sorted(path.name for path in TEMPLATES.iterdir()))
def test_no_template_holds_a_text_that_is_not_marked(folder: str) -> None:
    files = sorted((TEMPLATES / folder).rglob("*.html"))
    assert files
    bare = {}
    for file in files:
        source = NOT_TEXT.sub(" ", file.read_text())
        read = [*READ_ATTRIBUTE.findall(source), TAG.sub(" ", source)]
        if found := {word for text in read for word in WORD.findall(text)} - SAME_IN_BOTH:
            bare[file.name] = found
    assert not bare


# Pages walked in English

DATA = ("Comité technique", "Agglomération")
"""French that comes from the data of the small world (names of meetings and institutions), not from a page."""

WALKED = {
    "carrier": ("/mes-dossiers", "/mes-dossiers/nouveau", "{dossier}", "{dossier}/actes/withdraw"),
    "animator": ("/instance", "/instance/dossiers", "/instance/seances", "/instance/membres", "{dossier}"),
    "instructor 1": ("/instruction", "/instruction/{id}", "{dossier}"),
    "evaluator": ("/evaluations",),
    "funder État": ("/enveloppes", "/enveloppes/suivi", "/enveloppes/montant", "{dossier}", "{dossier}/actes/defer"),
    "controller": ("/controles", "/controles/tirage"),
    "transversal": ("/comite-transversal", "/recherche", "{dossier}"),
    "administrator": (
        "/administration",
        "/administration/campagnes",
        "/administration/campagnes/nouvelle",
        "/administration/comptes",
        "/administration/comptes/invitation",
        "/administration/organismes",
        "/administration/orientation",
        "/administration/messages",
        "/administration/journal",
        "/nulle-part",
    ),
}
ALL_READ = ("/", "/compte")


@pytest.fixture(scope="module")
def french(english: dict[tuple[str, ...], Message]) -> list[str]:
    """The pieces of French texts that cannot stand in a page read in English."""
    pieces = [
        piece.strip()
        for key, message in english.items()
        for text, translated in zip(key, translations(message), strict=True)
        if text != translated
        for piece in re.split(r"%\(\w+\)[a-z]", text)
    ]
    spoken = "\n".join(text for message in english.values() for text in translations(message))
    return [piece for piece in pieces if len(piece) > 12 and piece not in spoken]


@pytest.mark.parametrize("who", WALKED)
def test_pages_in_english_hold_no_french(town: Town, french: list[str], who: str) -> None:
    dossier = town.walk().tabled().dossier_id
    with town.database.write() as session:
        session.get_one(Person, town.world.people[who]).locale = "en"
    browser = town.browser(who)
    assert french
    for path in (*ALL_READ, *WALKED[who]):
        answer = browser.get(path.format(id=dossier, dossier=f"/dossiers/{dossier}"), follow_redirects=True)
        assert '<html lang="en"' in answer.text, path
        shown = html.unescape(answer.text)
        for data in DATA:
            shown = shown.replace(data, "")
        assert [piece for piece in french if piece in shown] == [], path
