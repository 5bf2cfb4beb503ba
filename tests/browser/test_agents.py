"""Agents at work: a binôme of two browsers, an expert without account, a funder in session, a controller to the end."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from tests.browser.visitor import Arrive, Visitor
from tests.web.conftest import Town
from workflow import links
from workflow.models import Envelope, SecretLink


def write_opinion(instructor: Visitor, dossier: int, verdict: str, strengths: str, lines: dict[str, int]) -> None:
    """Fill one's opinion beside the dossier, and seal it."""
    instructor.open(f"/instruction/{dossier}")
    instructor.main.locator(f"input[name=verdict][value={verdict}]").check()
    instructor.main.locator("textarea[name=strengths]").fill(strengths)
    instructor.main.locator("textarea[name=reservations]").fill("À suivre de près")
    for line in lines.values():
        instructor.main.locator(f"input[name=amounts-{line}]").fill("2 500")
    # Nothing is pressed: what is typed is saved.
    expect(instructor.main.locator("#opinion-saved")).to_contain_text("Brouillon enregistré")
    instructor.open(f"/instruction/{dossier}")
    expect(instructor.main.locator("textarea[name=strengths]")).to_have_value(strengths)
    instructor.main.locator("details.confirm > summary", has_text="Sceller mon avis").click()
    instructor.press("Sceller définitivement mon avis")


def test_a_binome_differs_then_agrees(town: Town, arrive: Arrive) -> None:
    walk = town.walk().assigned()
    first, second = arrive("instructor 1"), arrive("instructor 2")
    page, lines = f"/instruction/{walk.dossier_id}", walk.lines()
    write_opinion(first, walk.dossier_id, "favourable", "Ce que pense la première", lines)
    second.open(page).misses("Ce que pense la première")
    write_opinion(second, walk.dossier_id, "with_reservations", "Ce que pense le second", lines)
    first.open(page).sees("Ce que pense le second", "Les deux avis diffèrent")

    form = first.main.locator("form[action*=sign_joint_opinion]").last
    form.locator("input[name=verdict][value=favourable]").check()
    form.locator("textarea[name=body]").fill("Nous sommes d'accord après discussion.")
    for line in lines.values():
        form.locator(f"input[name=amounts-{line}]").fill("2 000")
    first.press("Proposer et signer ce texte")
    second.open(page).sees("Nous sommes d'accord après discussion.").press("Signer ce texte")
    second.press("Rendre l'avis", within=second.page.locator("#avis"))
    assert walk.state == "opinion"


@pytest.mark.parametrize("size", ["phone"])
def test_an_expert_hands_the_question_over_and_the_colleague_answers_with_a_file(town: Town, arrive: Arrive) -> None:
    walk = town.walk().assigned()
    asker = arrive("instructor 1").open(f"/dossiers/{walk.dossier_id}/actes/consult_expert")
    asker.tick("Experte addictologie")
    asker.main.locator("textarea[name=question]").fill("Cette méthode est-elle éprouvée ?")
    asker.main.locator("input[name=due_on]").fill("2026-11-30")
    asker.press("Consulter un expert")
    assert walk.state == "expert_consulted"
    with town.database.read() as session:
        link = session.scalars(select(SecretLink.id).where(SecretLink.purpose == "expert")).one()
    expert = arrive().open(f"/expert/{links.token(link, 'expert')}").sees("Cette méthode est-elle éprouvée ?")
    expert.unfold("Un collègue répondrait mieux")
    expert.fill("Son nom ou sa fonction", "Collègue du même service")
    expert.fill("Son adresse électronique", "collegue@binome.example")
    expert.fill("Pourquoi cette personne", "Elle a mené l'étude.")
    expert.press("Proposer cette personne").sees("qui vous proposez")
    asker.open(f"/instruction/{walk.dossier_id}").sees("Propose de laisser répondre Collègue du même service")
    asker.follow("Confier la question au collègue – Experte addictologie").press("Confier la question au collègue")
    expert.open(f"/expert/{links.token(link, 'expert')}", 404)
    with town.database.read() as session:
        link = session.scalars(select(SecretLink.id).order_by(SecretLink.id.desc())).first() or 0
    expert = arrive().open(f"/expert/{links.token(link, 'expert')}")
    expert.tick("Favorable avec réserves")
    expert.main.locator("textarea[name=answer]").fill("Oui, dans trois villes comparables.")
    file = expert.main.locator("input[type=file]")
    file.set_input_files({"name": "etude.pdf", "mimeType": "application/pdf", "buffer": b"MZ"})
    expert.press("Envoyer ma réponse", 422).sees("Le contenu du fichier ne correspond pas à son nom.")
    expect(expert.main.locator("textarea[name=answer]")).to_have_value("Oui, dans trois villes comparables.")
    file.set_input_files({"name": "etude.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 etude"})
    expert.press("Envoyer ma réponse").sees(re.compile("[Mm]erci"))
    assert walk.state == "assigned"
    asker.open(f"/dossiers/{walk.dossier_id}").sees("etude.pdf")


def test_a_funder_decides_a_session_within_the_envelope(town: Town, arrive: Arrive) -> None:
    walk = town.walk().tabled()
    with town.database.write() as session:
        funder = town.world.funders["État"]
        session.scalars(select(Envelope).where(Envelope.funder_id == funder)).one().total_cents = 2_000_00
    line = walk.lines()["État"]
    decider = arrive("funder État").open(f"/enveloppes/seances/{town.world.session_id}")
    decider.main.locator(f"[name=amount-{line}]").fill("2 500")
    with decider.going(409):
        decider.main.get_by_role("button", name="Enregistrer les décisions").click()
    decider.sees("L'enveloppe ne suffit pas")
    kept = decider.main.locator(f"[name=amount-{line}]")
    expect(kept).to_have_value(re.compile("2.?500"))
    kept.fill("1 800,50")
    decider.press("Enregistrer les décisions").sees(re.compile(r"1\s800,50"))


def test_the_control_of_a_drawn_dossier_is_led_to_the_end(town: Town, arrive: Arrive) -> None:
    walk = town.walk().drawn()
    controller, colleague = arrive("controller").open("/controles").sees("2027-0001"), arrive("controller 2")

    act = f"/dossiers/{walk.dossier_id}/actes/"
    mission = f"/dossiers/{walk.dossier_id}/controles/{walk.mission_id()}/actes/"
    for who, address, fields in (
        (controller, f"{act}select_for_control", {}),
        (colleague, f"{mission}join_control", {}),
        (controller, f"{mission}announce", {"visit_on": "2026-12-01"}),
        (controller, f"{mission}write_findings", {"realisation": "Conforme", "spending": "Conforme"}),
        (colleague, f"{mission}sign_findings", {}),
        (controller, f"{mission}send_findings", {"due_on": "2026-12-20"}),
    ):
        fill_and_send(who, address, fields)
    fill_and_send(arrive("carrier"), f"{mission}reply", {"answer": "Merci de votre visite."})
    fill_and_send(colleague, f"{mission}sign_findings", {})
    controller.open(f"{act}conclude_control")
    outcome = controller.main.locator("[name=outcome]").first
    if outcome.evaluate("field => field.tagName") == "SELECT":
        outcome.select_option("none")
    else:
        controller.main.locator("[name=outcome][value=none]").check()
    controller.main.locator("[name=conclusion]").fill("Rien à signaler.")
    send(controller)
    fill_and_send(controller, f"{act}close", {})
    assert walk.state == "closed"


def fill_and_send(visitor: Visitor, address: str, fields: dict[str, str]) -> None:
    """Fill the form of an act and send it."""
    visitor.open(address)
    for name, value in fields.items():
        visitor.main.locator(f"[name={name}]").fill(value)
    send(visitor)


def send(visitor: Visitor) -> None:
    """Press the act's own button."""
    with visitor.going(200):
        visitor.main.locator("form .form-actions button[type=submit]").first.click()
