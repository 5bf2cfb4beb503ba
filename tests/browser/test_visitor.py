"""Who has no session signs in or fails to, chooses a password again, follows a dossier; English, keys, no scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import deliver_all
from tests.browser.visitor import SIZES, Arrive, Visitor
from tests.web.conftest import PASSWORD, Town

NAVIGATION = {
    "carrier": "Mes dossiers",
    "animator": "Mon instance",
    "instructor 1": "Instruction",
    "funder État": "Enveloppes",
    "evaluator": "Évaluations",
    "controller": "Contrôles",
    "transversal": "Comité transversal",
    "administrator": "Administration",
}
FOCUS = """() => {
    const style = getComputedStyle(document.activeElement);
    const ring = parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== "none";
    return ring || style.boxShadow !== "none" ? "" : document.activeElement.outerHTML.slice(0, 200);
}"""


@pytest.mark.parametrize("who", NAVIGATION)
def test_everybody_signs_in_and_finds_their_page(
    town: Town, arrive: Arrive, with_password: Callable[[str], str], who: str
) -> None:
    visitor = arrive().open("/").follow("Se connecter")
    visitor.fill("Adresse électronique", with_password(who)).fill("Mot de passe", PASSWORD).press("Se connecter")
    visitor.sees("Ce qui vous attend").navigate(NAVIGATION[who])
    expect(visitor.page.locator("[aria-current=page]:visible").first).to_have_text(NAVIGATION[who])


@pytest.mark.parametrize("size", SIZES)
def test_signing_in_fails_in_words(town: Town, arrive: Arrive, with_password: Callable[[str], str]) -> None:
    email = with_password("carrier")
    visitor = arrive().open("/mes-dossiers")
    visitor.fill("Adresse électronique", email).fill("Mot de passe", "un autre").press("Se connecter", 401)
    visitor.sees("La connexion n'a pas abouti")
    expect(visitor.field("Adresse électronique")).to_have_value(email)
    visitor.fill("Mot de passe", PASSWORD).press("Se connecter")
    assert visitor.page.url.endswith("/mes-dossiers")
    if visitor.size == "phone":
        visitor.page.locator("summary", has_text="Menu").click()
    else:
        visitor.page.locator("summary", has_text="Rôle carrier").click()
    visitor.press("Se déconnecter", within=visitor.page.locator("header")).sees("Vous êtes déconnecté.")
    visitor.open("/mes-dossiers").sees("Se connecter")


def test_a_forgotten_password_is_chosen_again(town: Town, arrive: Arrive, with_password: Callable[[str], str]) -> None:
    email = with_password("animator")
    visitor = arrive().open("/connexion").follow("Mot de passe oublié")
    visitor.fill("Adresse électronique", email).press("Recevoir le lien").sees("Regardez votre messagerie")
    link = re.search(r"http\S+/mot-de-passe/\S+", deliver_all(town)[email])
    assert link
    visitor.open(link[0])
    visitor.fill("Nouveau mot de passe", "court").fill("Le même, une seconde fois", "court")
    visitor.press("Enregistrer ce mot de passe", 422).sees("Il reste des points à corriger")
    chosen = "neuf lampes sous la pluie"
    visitor.fill("Nouveau mot de passe", chosen).fill("Le même, une seconde fois", chosen)
    visitor.press("Enregistrer ce mot de passe").sees("Votre mot de passe est changé.", "Ce qui vous attend")
    arrive().open(link[0], 404).sees("Ce lien ne fonctionne plus")


def test_a_dossier_is_followed_by_its_link(town: Town, arrive: Arrive) -> None:
    town.walk().funded()
    link = re.search(r"http\S+/suivi/\S+", deliver_all(town)["carrier@binome.example"])
    assert link
    visitor = arrive().open(link[0]).sees("En suivi", "Accordé", "Refusé").misses("Hors priorités")
    visitor.open(f"{link[0]}x", 404)


def test_pages_are_read_in_english(town: Town, arrive: Arrive) -> None:
    town.walk().submitted()
    visitor = arrive("carrier").open("/?lang=en")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    visitor.open("/mes-dossiers")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    navigation = visitor.page.get_by_role("navigation", include_hidden=True)
    for french in ("Accueil", "Mes dossiers", "Recherche"):
        expect(navigation.filter(has_text=french)).to_have_count(0)


# --- with the keyboard alone ----------------------------------------------------------------------------------------


def tab_through(visitor: Visitor, most: int = 60) -> list[str]:
    """Press Tab from the top to the last field of the page; what was reached, each with a focus that shows."""
    reached = []
    for _ in range(most):
        visitor.page.keyboard.press("Tab")
        # After the last field the browser's own window has the focus.
        if visitor.page.evaluate("() => document.activeElement === document.body"):
            break
        hidden = visitor.page.evaluate(FOCUS)
        assert not hidden, f"{visitor.page.url}: no focus shows on {hidden}"
        reached.append(visitor.page.evaluate("() => document.activeElement.id || document.activeElement.innerText"))
    return reached


def test_the_keyboard_is_enough(town: Town, arrive: Arrive) -> None:
    draft, assigned = town.walk().draft(), town.walk().assigned()
    carrier = arrive("carrier").open(f"/mes-dossiers/{draft.dossier_id}/formulaire/action")
    carrier.page.keyboard.press("Tab")
    expect(carrier.page.locator(".skip-link")).to_be_focused()
    expect(carrier.page.locator(".skip-link")).to_be_in_viewport()
    carrier.page.keyboard.press("Enter")
    expect(carrier.page.locator("#main")).to_be_focused()
    carrier.page.keyboard.press("Tab")
    assert carrier.page.evaluate("() => document.activeElement.closest('main') !== null")

    assert "f-title" in tab_through(carrier, 25)
    instructor = arrive("instructor 1").open(f"/instruction/{assigned.dossier_id}")
    reached = tab_through(instructor, 60)
    assert {"f-strengths", "f-reservations"} <= set(reached)


def test_a_dossier_is_found_with_keys(town: Town, arrive: Arrive) -> None:
    town.walk().submitted()
    animator = arrive("animator").open("/")
    with animator.going():
        animator.page.get_by_role("searchbox").first.fill("ateliers")
        animator.page.keyboard.press("Enter")
    animator.sees("2027-0001")


def test_an_opinion_without_scripts(town: Town, arrive: Arrive) -> None:
    walk = town.walk().assigned()
    instructor = arrive("instructor 1", scripts=False).open("/instruction").follow("Instruire")
    amounts = instructor.group("Montant proposé à chaque financeur")
    instructor.tick("Favorable").fill("État", "beaucoup", amounts)
    instructor.press("Enregistrer le brouillon", 422)
    instructor.fill("État", "2 500", amounts).fill("CAF", "0", amounts)
    instructor.press("Enregistrer le brouillon").sees("Avis enregistré")
    instructor.unfold("Sceller mon avis").press("Sceller définitivement mon avis", 409)
    instructor.fill("Points forts", "Un projet solide.").press("Sceller définitivement mon avis").sees("Scellé")
    assert walk.state == "assigned"
