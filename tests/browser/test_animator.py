"""The animator and the committee: the board, a binôme, a session, another instance."""

from playwright.sync_api import expect

from tests.browser.visitor import Arrive
from tests.web.conftest import Town


def test_an_animator_assigns_a_binome(town: Town, arrive: Arrive) -> None:
    walk = town.walk().submitted()
    animator = arrive("animator").open("/")
    animator.navigate("Mon instance")
    animator.sees("Tableau des dossiers", "2027-0001").follow("Ateliers sans alcool").follow("Affecter un binôme")
    animator.unfold("ne peut pas être choisie").sees("pas encore formé")

    same = animator.main.get_by_role("row").filter(has_text="Rôle instructor 2")
    other = animator.main.get_by_role("row").filter(has_text="Rôle instructor 4")
    animator.tick("Premier", same).tick("Second", other)
    animator.press("Affecter un binôme", 409).sees("même institution")
    expect(same.get_by_role("radio").first).to_be_checked()
    animator.tick("Second", animator.main.get_by_role("row").filter(has_text="Rôle instructor 1"))
    animator.press("Affecter un binôme").sees("Binôme affecté")
    assert walk.state == "assigned"


def test_an_animator_forms_the_binomes_of_forty_dossiers_in_four_clicks(town: Town, arrive: Arrive) -> None:
    walks = [town.walk().submitted() for _ in range(40)]
    animator = arrive("animator").open("/instance").follow("Binômes")
    animator.press("Proposer les binômes").sees("40 binômes proposés", "c'est prouvé", "Charge avant et après")
    animator.press("Écarter cette paire – 2027-0001").sees("sont écartés ensemble", "40 binômes proposés")
    animator.judge("phone")
    animator.press("Accepter ces 40 binômes").sees("40 binômes formés", "Aucun dossier n'attend de binôme")
    assert {walk.state for walk in walks} == {"assigned"}


def test_an_animator_asks_for_what_is_missing(town: Town, arrive: Arrive) -> None:
    walk = town.walk().submitted()
    animator = arrive("animator").open(f"/dossiers/{walk.dossier_id}").follow("Demander des compléments")
    animator.fill("Pièces ou précisions demandées", "RIB\nDernier rapport d'activité")
    animator.fill("Réponse attendue le", "2026-10-01").press("Demander des compléments", 409)
    expect(animator.field("Pièces ou précisions demandées")).to_have_value("RIB\nDernier rapport d'activité")
    animator.fill("Réponse attendue le", "2026-11-20").press("Demander des compléments")
    animator.sees("Dernier rapport d'activité")
    assert walk.state == "incomplete"


def test_an_animator_tables_an_opinion_into_a_new_session(town: Town, arrive: Arrive) -> None:
    walk = town.walk().opinion()
    animator = arrive("animator").open("/instance").follow("Séances")
    animator.fill("Nom de la séance", "Comité de rattrapage").fill("Date", "2027-03-19").press("Créer la séance")
    animator.press("Inscrire les dossiers cochés", 422).sees("Cochez au moins un dossier.")
    animator.tick("2027-0001").choose("Séance", "Comité de rattrapage").press("Inscrire les dossiers cochés")
    animator.sees("1 dossier inscrit")
    assert walk.state == "funding_decision"


def test_a_dossier_is_sent_to_another_instance(town: Town, arrive: Arrive) -> None:
    walk = town.walk().assigned()
    animator = arrive("animator").open(f"/dossiers/{walk.dossier_id}")
    animator.follow("Réorienter vers une autre instance").sees("Le binôme sera dissous")
    instances = animator.field("Instance").locator("option")
    chosen = instances.nth(1).text_content()
    assert chosen
    animator.choose("Instance", chosen).fill("Pourquoi cette instance", "L'action porte sur l'emploi.")
    animator.press("Réorienter vers une autre instance").sees("Ce qui vous attend", "Dossier réorienté")
    assert walk.state == "submitted"
    committee = arrive("transversal").open("/")
    committee.navigate("Comité transversal")
    committee.sees("Toutes les instances", chosen)
    committee.open(f"/dossiers/{walk.dossier_id}").sees("L'action porte sur l'emploi.")
