"""The calendar in the browser: its picture, the funders' dates, a milestone moved with the keyboard alone."""

from datetime import date

from playwright.sync_api import expect
from sqlalchemy import select

from tests.browser.visitor import Arrive
from tests.web.conftest import Town
from workflow.models import FunderWindow, Milestone


def test_the_calendar_is_agreed_upon(town: Town, arrive: Arrive) -> None:
    funder = arrive("funder État").open("/calendrier").follow("Mes dates possibles")
    funder.main.locator("[name=windows-deposit_deadline-earliest]").fill("2026-12-20")
    funder.main.locator("[name=windows-deposit_deadline-latest]").fill("2026-12-10")
    funder.press("Enregistrer les dates possibles", 422)
    funder.main.locator("[name=windows-deposit_deadline-latest]").fill("2027-01-10")
    funder.press("Enregistrer les dates possibles").sees("du 20 décembre 2026 au 10 janvier 2027")
    administrator = arrive("administrator").open("/calendrier").follow("Proposer un calendrier")
    administrator.press("Proposer ce calendrier aux financeurs").sees("attendue")
    funder.open("/calendrier").press("Envoyer la réponse").sees("accepte")
    administrator.open("/calendrier").press("Adopter ce calendrier").sees("en vigueur", "21 décembre 2026")
    carrier = arrive("carrier").open("/calendrier").sees("21 décembre 2026")
    carrier.page.emulate_media(media="print")
    expect(carrier.main.locator(".lanes")).to_be_visible()


def test_a_milestone_is_moved_with_the_keyboard_alone(town: Town, arrive: Arrive) -> None:
    with town.database.write() as session:
        session.add(
            FunderWindow(
                campaign_id=town.world.campaign_id,
                funder_id=town.world.funders["CAF"],
                milestone="steering_committee",
                earliest=date(2027, 3, 1),
                latest=date(2027, 4, 30),
            )
        )
    administrator = arrive("administrator").open("/calendrier")
    keys = administrator.page.keyboard
    administrator.main.locator("[name=milestone_id]").focus()
    keys.type("deposit")
    keys.press("Tab")
    keys.type("12182026")
    with administrator.going():
        keys.press("Enter")
    administrator.sees("18 décembre 2026", "une seule fois")
    button = administrator.main.get_by_role("button", name="Déplacer et avertir")
    administrator.main.get_by_label("Motif").focus()
    keys.type("Deux jours de plus")
    keys.press("Tab")
    expect(button).to_be_focused()
    with administrator.going():
        keys.press("Enter")
    administrator.sees("Deux jours de plus", "18 décembre 2026")
    with town.database.read() as session:
        moved = session.scalars(
            select(Milestone.on).where(
                Milestone.campaign_id == town.world.campaign_id, Milestone.code == "deposit_deadline"
            )
        ).one()
    assert moved == date(2026, 12, 18)
