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
    controller.tick("Rôle controller").tick("Rôle transversal")
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
