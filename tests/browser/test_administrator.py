"""The administrator: rules, dates, people, mails, and the proof that nothing was changed."""

import re
from collections.abc import Callable

from playwright.sync_api import expect
from sqlalchemy import select

from tests.browser.conftest import deliver_all
from tests.browser.visitor import Arrive
from tests.web.conftest import PASSWORD, Town
from workflow import reminder_rules
from workflow.models import Milestone, Route


def test_a_rule_is_tried_and_changed(town: Town, arrive: Arrive) -> None:
    administrator = arrive("administrator").open("/")
    administrator.navigate("Administration")
    administrator.follow("Règles d'orientation").choose("Objectif opérationnel", "224").press("Essayer")
    administrator.sees(re.compile(r"charte alcool \(règle \d+\)"))
    with town.database.read() as session:
        rule = session.scalars(
            select(Route).where(Route.objective_id == town.world.objective_id).order_by(Route.position)
        ).first()
    assert rule
    with administrator.going():
        administrator.page.locator(f"#regle-{rule.id} a").click()
    instances = administrator.field("Instance").locator("option")
    other = instances.last.text_content()
    assert other
    administrator.choose("Instance", other).fill("Fondement", "Décision du comité")
    administrator.press("Enregistrer la règle").sees(other)
    with town.database.read() as session:
        assert session.get_one(Route, rule.id).lead_id != rule.lead_id


def test_a_milestone_is_moved(town: Town, arrive: Arrive) -> None:
    administrator = arrive("administrator").open("/administration/campagnes").follow("Programmation 2027")
    administrator.follow("Modifier les dates")
    with town.database.read() as session:
        milestone = session.scalars(
            select(Milestone).where(
                Milestone.campaign_id == town.world.campaign_id, Milestone.code == "deposit_deadline"
            )
        ).one()
    date = administrator.main.locator(f"[name=dates-{milestone.id}]")
    date.fill("2031-01-01")
    administrator.press("Enregistrer les dates", 422)
    expect(date).to_have_value("2031-01-01")
    date.fill("2026-12-18")
    administrator.press("Enregistrer les dates").sees("18 décembre 2026")


def test_somebody_is_invited_and_comes(town: Town, arrive: Arrive, with_password: Callable[[str], str]) -> None:
    administrator = arrive("administrator").open("/administration/comptes").follow("Inviter une personne")
    role = administrator.main.locator("section, .panel").filter(has_text="Rôle 1").last
    administrator.choose("Rôle", "Animateur", role)
    administrator.press("Inviter", 422)
    administrator.fill("Nom", "Animatrice Emploi").fill("Adresse électronique", "emploi@binome.example")
    administrator.choose("Instance", "charte alcool", role).press("Inviter").sees("emploi@binome.example")

    link = re.search(r"http\S+/invitation/\S+", deliver_all(town)["emploi@binome.example"])
    assert link
    administrator.open("/administration/messages").open("/administration/messages/boite")
    administrator.follow("").sees("emploi@binome.example", "/invitation/")
    invited = arrive().open(link[0]).sees("Bienvenue dans Binôme")
    invited.fill("Nouveau mot de passe", PASSWORD).fill("Le même, une seconde fois", PASSWORD)
    invited.press("Enregistrer ce mot de passe").sees("Votre mot de passe est choisi.")
    invited.navigate("Mon instance")


def test_the_journal_is_verified(town: Town, arrive: Arrive) -> None:
    town.walk().closed()
    administrator = arrive("administrator").open("/administration").follow("Journal")
    head = administrator.main.locator("code").first.text_content()
    assert head
    administrator.press("Vérifier la chaîne").sees("Le journal est intact")
    administrator.fill("Tête notée auparavant", head).press("Vérifier la chaîne")
    administrator.sees("Il prolonge bien la tête que vous aviez notée.")
    administrator.fill("Tête notée auparavant", "n'importe quoi").press("Vérifier la chaîne", 422)


def test_a_rule_of_reminders_is_tried_before_it_is_saved(town: Town, arrive: Arrive) -> None:
    town.walk().assigned()
    with town.database.write() as session:
        reminder_rules.install(session)
    administrator = arrive("administrator").open("/administration").follow("Règles de rappel")
    administrator.main.locator("li", has_text="Avis à rendre").get_by_role("link").focus()
    with administrator.going():
        administrator.page.keyboard.press("Enter")
    administrator.fill("Rappels, en jours ouvrés autour de l'échéance", "bientôt")
    administrator.press("Essayer sur la dernière campagne", 422)
    administrator.fill("Rappels, en jours ouvrés autour de l'échéance", "-40, 1")
    administrator.press("Essayer sur la dernière campagne").sees("Ce que la règle aurait envoyé")
    administrator.press("Enregistrer la règle").sees("La règle est enregistrée")
