"""Three people, each in a browser of their own, draw a sample that none of them could have chosen."""

from collections.abc import Callable
from datetime import datetime, timedelta

from playwright.sync_api import expect

from tests.browser.visitor import Arrive, Visitor
from tests.factories import NOW
from tests.web.conftest import Town

PHRASES = ("un hérisson sur le toit", "trois péniches à Anzin")


def test_three_people_draw_together(town: Town, arrive: Arrive, at: Callable[[datetime], None]) -> None:
    for _ in range(2):
        town.walk().funded()
    controller = arrive("controller").open("/").navigate("Contrôles")
    controller.follow("Préparer le tirage")
    controller.fill("Nombre de dossiers à tirer", "1")
    controller.main.get_by_role("checkbox", name="Rôle controller Communauté").check()
    controller.tick("Rôle transversal")
    controller.fill("Phrases à remettre avant le", "2026-11-06").fill("à (heure)", "10:00")
    controller.fill("Tirage public dont le résultat sera ajouté", "Loto du 7 novembre 2026")
    controller.fill("Ce tirage public a lieu le", "2026-11-07").fill("à partir de (heure)", "12:00")
    controller.press("Publier le plan").sees("Où en est le tirage")

    def live(visitor: Visitor, text: str) -> None:
        """It stands there without anybody having reloaded the page."""
        expect(visitor.page.locator("#live")).to_contain_text(text)

    address = controller.page.url
    transversal = arrive("transversal").open("/").follow("Ouvrir le tirage")
    witness = arrive("administrator").open(address)
    controller.fill("Votre phrase secrète", PHRASES[0]).press("M'engager")
    live(witness, "On attend l'engagement de : Rôle transversal")
    transversal.fill("Votre phrase secrète", PHRASES[1]).press("M'engager")
    live(witness, "On attend la phrase de : Rôle controller, Rôle transversal")
    # Whom nothing was awaited of a moment ago is given the next form, on the same page.
    expect(controller.page.locator("#mine")).to_contain_text("À vous : remettez votre phrase")
    controller.fill("Votre phrase secrète", PHRASES[0]).press("Remettre ma phrase")
    transversal.fill("Votre phrase secrète", PHRASES[1]).press("Remettre ma phrase")
    live(witness, "On attend le tirage public")
    expect(witness.page.locator("#live")).not_to_contain_text(PHRASES[0])

    at(NOW + timedelta(days=6))
    expect(witness.page.locator("#mine")).to_contain_text("le tirage public")
    witness.fill("Résultat lu à la source", "7 12 31").press("Donner ce résultat")
    transversal.open(address).fill("Résultat lu à la source", "7 12 31").press("Donner ce résultat")
    transversal.sees("Échantillon tiré et scellé")
    live(witness, "Refaire le tirage soi-même")
    live(controller, PHRASES[1])
    for visitor in (controller, witness):
        visitor.check()


def test_a_slider_moved_by_its_keys_answers_at_once(town: Town, arrive: Arrive) -> None:
    for _ in range(3):
        town.walk().funded()
    controller = arrive("controller").open("/controles/plans/taille?size=1&tolerable=30&by=dossiers")
    expect(controller.page.locator("#answer")).to_contain_text("Avec 1 dossier contrôlé")
    slider = controller.page.get_by_role("slider", name="Dossiers contrôlés")
    slider.press("ArrowRight")
    expect(controller.page.locator("#answer")).to_contain_text("Avec 2 dossiers contrôlés")
    expect(controller.page.locator("#said")).to_contain_text("Avec 2 dossiers contrôlés")
    expect(controller.page.get_by_role("spinbutton", name="Dossiers contrôlés")).to_have_value("2")
    controller.fill("Dossiers contrôlés", "3")
    expect(controller.page.locator("#answer")).to_contain_text("Avec 3 dossiers contrôlés")
    controller.check()
