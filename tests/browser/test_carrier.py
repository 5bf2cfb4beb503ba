"""The carrier: deposits with the mistakes that people make, answers what is asked, withdraws, reports, gives up."""

import re

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.visitor import Arrive, Visitor
from tests.web.conftest import Town

PDF = FilePayload(name="statuts.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4 statuts")
NEXT = "Enregistrer et continuer"
GAP = re.compile(r"Écart à combler : 1\s000\s€")


@pytest.fixture
def size() -> str:
    """These people hold a phone."""
    return "phone"


def line(carrier: Visitor, name: str, account: str, label: str, amount: str) -> None:
    """Fill one line of the budget."""
    place = carrier.group(name)
    carrier.choose("Compte", account, place).fill("Libellé", label, place).fill("Montant", amount, place)


def fill_action(carrier: Visitor) -> None:
    """The step that says what will be done."""
    carrier.fill("Titre de l'action", "Ateliers sans alcool")
    carrier.fill("Description de l'action", "Des ateliers tous les mardis, avec les jeunes du quartier.")
    carrier.tick("Première demande").tick("Agglomération")


def fill_public(carrier: Visitor) -> None:
    """The step that says for whom, and when."""
    carrier.fill("Public visé", "Jeunes de 16 à 25 ans").fill("Nombre de bénéficiaires prévu", "40")
    carrier.fill("Date de début", "2027-06-01").fill("Date de fin", "2027-12-31")
    carrier.fill("Indicateurs d'évaluation", "Nombre de participants réguliers")


def fill_budget(carrier: Visitor, income: str) -> None:
    """The step of the money: 10,000 € of expense, `income` of subsidies."""
    line(carrier, "Dépenses, ligne 1", "60", "Petit matériel", "2 000")
    line(carrier, "Dépenses, ligne 2", "64", "Animateur", "8000,00")
    line(carrier, "Recettes, ligne 1", "74", "Subventions", income)


def deposit(carrier: Visitor) -> None:
    """The last step: attest, send, and receive the number."""
    carrier.sees("Votre dossier est complet")
    carrier.press("Déposer", 409).sees("attestation sur l'honneur n'est pas cochée")
    carrier.tick("J'atteste").press("Déposer le dossier")
    carrier.sees("Votre dossier est déposé", "2027-0001")


def test_a_carrier_deposits_a_dossier(town: Town, arrive: Arrive) -> None:
    carrier = arrive("carrier").open("/")
    carrier.navigate("Mes dossiers")
    carrier.follow("Déposer un dossier").press("Commencer")

    siret = carrier.field("Numéro SIRET")
    siret.fill("732 829 320 00075")
    carrier.press(NEXT).sees("Il reste des points à corriger", "SIRET incorrect")
    expect(siret).to_have_value("732 829 320 00075")
    siret.fill("732 829 320 00074")
    carrier.press(NEXT)

    fill_action(carrier)
    carrier.fill("Chercher dans les objectifs", "alcool")
    carrier.sees("dans la liste")
    carrier.check()
    carrier.choose("Objectif opérationnel", "224").press(NEXT)

    fill_public(carrier)
    carrier.press(NEXT)

    fill_budget(carrier, "9 000")
    carrier.sees(GAP).press(NEXT).fill("CAF", "3 000").fill("État", "6 000,00")
    expect(carrier.main.locator("[data-sum-total]")).to_have_text(re.compile(r"9\s000\s€"))
    carrier.press(NEXT).sees("Avant de pouvoir déposer", "Budget : il manque un budget équilibré")
    expect(carrier.main.get_by_role("button", name="Déposer", exact=True)).to_have_count(0)

    carrier.follow("Budget")
    line(carrier, "Recettes, ligne 2", "70", "Participations", "1 000")
    carrier.sees("Budget équilibré").press(NEXT).press(NEXT)
    carrier.choose("Nature du document", "Statuts")
    carrier.field("Fichier").set_input_files(PDF)
    carrier.press("Joindre").sees("statuts.pdf")
    deposit(carrier)
    carrier.follow("Voir le dossier").sees("Ateliers sans alcool", "statuts.pdf")
    carrier.navigate("Mes dossiers")
    carrier.sees("2027-0001", "Déposé")


def test_a_deposit_without_scripts(town: Town, arrive: Arrive) -> None:
    carrier = arrive("carrier", scripts=False).open("/mes-dossiers/nouveau")
    carrier.press("Commencer").press(NEXT)
    fill_action(carrier)
    carrier.fill("Chercher dans les objectifs", "alcool").press("Chercher")
    expect(carrier.field("Titre de l'action")).to_have_value("Ateliers sans alcool")
    carrier.choose("Objectif opérationnel", "224").press(NEXT)
    fill_public(carrier)
    carrier.press(NEXT)
    fill_budget(carrier, "9 000")
    carrier.press("Enregistrer et continuer")
    carrier.press("Précédent").sees(GAP)
    line(carrier, "Recettes, ligne 2", "70", "Participations", "1 000")
    carrier.press(NEXT).fill("CAF", "9 000").press(NEXT)
    deposit(carrier)


def test_a_completion_request_is_answered(town: Town, arrive: Arrive) -> None:
    walk = town.walk().submitted()
    walk.act("animator", "request_completion", pieces=["RIB", "Nombre de salariés"], due_on="2026-11-20")
    carrier = arrive("carrier").open("/")
    carrier.follow("Répondre").follow("Envoyer les compléments").sees("2 demandes", "Sans réponse")
    carrier.press("Envoyer les compléments", 409).sees("RIB")
    demands = carrier.main.locator("section")
    carrier.fill("Votre réponse", "Trois salariés", demands.filter(has_text="Nombre de salariés"))
    carrier.press("Garder sans envoyer").sees("Réponse gardée")
    # As above.
    demands.filter(has_text="RIB").get_by_label("Joindre un document").set_input_files(PDF)
    carrier.press("Envoyer les compléments").sees("Compléments envoyés", "Trois salariés")
    assert walk.state == "submitted"


def test_a_dossier_is_withdrawn_after_a_word(town: Town, arrive: Arrive) -> None:
    walk = town.walk().assigned()
    carrier = arrive("carrier").open(f"/dossiers/{walk.dossier_id}")
    carrier.fill("Votre message", "Nous pensons renoncer.").press("Envoyer").sees("Nous pensons renoncer.")
    carrier.follow("Retirer le dossier").press("Retirer définitivement", 409)
    carrier.fill("Pourquoi retirez-vous ce dossier ?", "L'animatrice est partie.").press("Retirer définitivement")
    carrier.sees("Ce dossier est terminé")
    assert walk.state == "withdrawn"


def test_a_funded_action_is_reported_or_given_up(town: Town, arrive: Arrive) -> None:
    done, given_up = town.walk().funded(), town.walk().funded()
    carrier = arrive("carrier").open(f"/dossiers/{done.dossier_id}")
    carrier.follow("Envoyer un bilan intermédiaire").fill("Ce qui a été fait", "Dix ateliers sur vingt.")
    carrier.fill("Nombre de bénéficiaires", "20").fill("Dépenses réalisées", "cinq mille")
    carrier.press("Envoyer un bilan intermédiaire", 422)
    carrier.fill("Dépenses réalisées", "5 000").press("Envoyer un bilan intermédiaire")
    carrier.follow("Envoyer le bilan final").sees("Ce que vous avez déjà écrit")
    carrier.fill("Ce qui a été fait", "Tout est fait.").fill("Nombre de bénéficiaires", "38")
    carrier.fill("Dépenses réalisées", "9 500").press("Envoyer le bilan final").sees("Tout est fait.")

    carrier.open(f"/dossiers/{given_up.dossier_id}").follow("Annuler l'action")
    carrier.fill("Pourquoi l'action est-elle annulée ?", "Plus de local.").fill("Somme à rembourser", "0")
    carrier.press("Annuler l'action définitivement")
    assert given_up.state == "cancelled"
