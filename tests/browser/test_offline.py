"""A controller at the carrier's place, with a phone and now and then without network."""

import pytest
from flask import Flask
from playwright.sync_api import Route, expect
from sqlalchemy import select

from tests.browser.conftest import Served
from tests.browser.visitor import PATIENCE, Arrive, Visitor
from tests.factories import Walk
from tests.web.conftest import Town
from workflow.models import LedgerLine, RealisationAnswer

SECOND = "controller 2"
ITEM = "Action réalisée"
YES = ("compliant", "", "")
NAMED = """async () => {
    const there = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
    location.hash = `saisie=${(await binomeKept.all())[0].key}`;
    await there;
    await binomeKept.all();
}"""
BEGUN = "async () => (await binomeKept.all()).some((one) => one.state === 'draft' && one.fields['answers-2-verdict'])"
RENEWED = "async () => (await window.binomeCarry.list()).every((copy) => !copy.stale)"
KEPT_ONE = "1 saisie gardée sur cet appareil, pas encore envoyée"
KEPT_TWO = "2 saisies gardées sur cet appareil, pas encore envoyées"
LINE = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": "100,01"}


@pytest.fixture
def size() -> str:
    """These people hold a phone."""
    return "phone"


def act_url(walk: Walk, act: str) -> str:
    return f"/dossiers/{walk.dossier_id}/controles/{walk.mission_id()}/actes/{act}"


def answers(town: Town) -> dict[int, tuple[str, str, str]]:
    with town.database.read() as session:
        rows = session.scalars(select(RealisationAnswer))
        return {row.item_id: (row.verdict, row.observation, row.evidence) for row in rows}


def lines(town: Town) -> list[tuple[str, str, int]]:
    with town.database.read() as session:
        rows = session.scalars(select(LedgerLine).order_by(LedgerLine.id))
        return [(row.label, row.voucher, row.amount_cents) for row in rows]


def take_along(visitor: Visitor, walk: Walk) -> None:
    visitor.open(f"/controles/{walk.mission_id()}")
    visitor.main.get_by_role("button", name="Emporter ce contrôle sur cet appareil").click()
    expect(visitor.main.get_by_role("button", name="Retirer de cet appareil")).to_be_enabled()
    visitor.check()


def until(visitor: Visitor, condition: str) -> None:
    """Wait for what an asynchronous function in the page says: Playwright takes its promise for a yes."""
    assert visitor.page.evaluate(f"""async () => {{
        const end = Date.now() + {PATIENCE};
        const met = {condition};
        while (Date.now() < end) {{
            if (await met()) return true;
            await new Promise(requestAnimationFrame);
        }}
        return false;
    }}"""), condition


def save(visitor: Visitor, name: str) -> None:
    """Press a form's own button where its script answers by itself."""
    visitor.main.get_by_role("button", name=name, exact=True).click()


def enter_line(visitor: Visitor, **answers: str) -> None:
    for name, value in answers.items():
        visitor.main.locator(f"[name={name}]").fill(value)
    save(visitor, "Enregistrer la dépense")


def back_on_line(visitor: Visitor) -> None:
    """The network is back: what waited is sent, the page shows itself anew and the copies are renewed."""
    with visitor.going():
        visitor.reconnect()
    until(visitor, RENEWED)


def test_what_is_typed_without_network_is_kept_and_sent_once(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller")
    take_along(controller, walk)
    controller.cut()
    controller.open("/controles").sees("Hors connexion")
    controller.follow("2027-0001").sees("page emportée le")
    controller.follow("Remplir la grille").tick("Conforme", controller.group(f"Constat : {ITEM}"))
    save(controller, "Remplir la grille de réalisation")
    controller.sees(KEPT_ONE)
    with controller.going():
        controller.page.reload()
    controller.sees(KEPT_ONE, "Ce formulaire montre votre saisie gardée")
    expect(controller.field("Conforme", controller.group(f"Constat : {ITEM}"))).to_be_checked()
    controller.follow("Revenir au contrôle").follow("Tenir le registre")
    enter_line(controller, spent_on="2027-07-01", label="Tables", voucher="F-12", amount_cents="100,01")
    controller.sees("2 saisies gardées")
    expect(controller.main.locator("[name=label]")).to_have_value("")
    controller.unfold("Voir ce qui est gardé").unfold("Relire cette saisie")
    assert (answers(town), lines(town)) == ({}, [])
    walk.act(SECOND, "fill_grid", walk.mission_id(), answers={"3": {"verdict": "compliant"}})
    back_on_line(controller)
    controller.sees("2 saisies gardées viennent d'être envoyées.", "a répondu entre-temps à : Lieux.", "Tables")
    expect(controller.main.locator("#kept")).to_be_hidden()
    assert answers(town) == {1: YES, 3: YES}
    assert lines(town) == [("Tables", "F-12", 100_01)]
    controller.cut().open(act_url(walk, "enter_expense")).sees("page emportée le", "Tables")


def test_an_answer_that_was_lost_on_the_way_does_not_enter_a_line_twice(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller").open(act_url(walk, "enter_expense"))
    controller.was_cut = True
    controller.page.route(controller.page.url, lose, times=1)
    enter_line(controller, spent_on="2027-07-01", label="Tables", voucher="F-12", amount_cents="100,01")
    controller.sees("Gardé sur cet appareil", KEPT_ONE)
    assert len(lines(town)) == 1
    with controller.going():
        save(controller, "Envoyer maintenant")
    controller.sees("1 saisie gardée vient d'être envoyée.")
    assert lines(town) == [("Tables", "F-12", 100_01)]


def test_what_was_saved_is_sent_though_the_person_typed_on(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller").open(act_url(walk, "fill_grid")).cut()
    controller.tick("Conforme", controller.group(f"Constat : {ITEM}"))
    save(controller, "Remplir la grille de réalisation")
    controller.sees(KEPT_ONE)
    observation = controller.main.locator("[name=answers-1-observation]")
    observation.fill("Vu le cahier")
    controller.tick("Conforme", controller.group("Constat : Public touché"))
    until(controller, BEGUN)
    controller.reconnect()
    controller.sees("1 saisie gardée vient d'être envoyée.", KEPT_ONE, "Commencée")
    assert answers(town) == {1: YES}
    walk.act(SECOND, "fill_grid", walk.mission_id(), answers={"3": {"verdict": "compliant"}})
    again = Visitor(controller.page.context.new_page(), "again", size="phone", scripts=True)
    controller.page.close()
    again.open(act_url(walk, "fill_grid")).sees("Ce formulaire montre votre saisie gardée")
    expect(again.main.locator("[name=answers-1-observation]")).to_have_value("Vu le cahier")
    with again.going():
        save(again, "Remplir la grille de réalisation")
    again.sees("Grille de réalisation enregistrée.")
    expect(again.main.locator("#kept")).to_be_hidden()
    assert answers(town) == {1: ("compliant", "Vu le cahier", ""), 2: YES, 3: YES}
    assert again.problems == []


def test_what_was_begun_over_what_waits_is_saved_in_its_place(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller").open(act_url(walk, "enter_expense")).cut()
    enter_line(controller, **LINE)
    controller.sees(KEPT_ONE).unfold("Voir ce qui est gardé")
    controller.main.get_by_role("link", name="Ouvrir le formulaire").click()
    expect(controller.main.locator("[name=label]")).to_have_value("Tables")
    controller.main.locator("[name=amount_cents]").fill("90")
    controller.main.locator("[name=label]").focus()
    until(controller, "async () => (await binomeKept.all()).some((one) => one.state === 'draft')")
    enter_line(controller)
    controller.sees("Gardé sur cet appareil", KEPT_ONE)
    with controller.going():
        controller.reconnect()
    controller.sees("1 saisie gardée vient d'être envoyée.")
    assert lines(town) == [("Tables", "F-12", 90_00)]


def test_an_addition_that_may_have_arrived_is_sent_again_before_it_is_corrected(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller").open(act_url(walk, "enter_expense"))
    controller.was_cut = True
    controller.page.route(controller.page.url, lose, times=1)
    enter_line(controller, **LINE)
    controller.sees(KEPT_ONE).unfold("Voir ce qui est gardé").sees("On ne sait pas encore si elle est arrivée")
    expect(controller.main.get_by_role("link", name="Ouvrir le formulaire")).to_be_hidden()
    controller.cut().page.evaluate(NAMED)
    enter_line(controller, **{**LINE, "amount_cents": "90"})
    controller.sees(KEPT_TWO)
    with controller.going():
        controller.reconnect()
    controller.sees("2 saisies gardées viennent d'être envoyées.")
    assert [cents for _, _, cents in lines(town)] == [100_01, 90_00]


def test_what_is_typed_over_an_addition_that_went_meanwhile_is_no_second_one(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller").open(act_url(walk, "enter_expense")).cut()
    enter_line(controller, **LINE)
    controller.sees(KEPT_ONE).unfold("Voir ce qui est gardé")
    controller.main.get_by_role("link", name="Ouvrir le formulaire").click()
    expect(controller.main.locator("[name=label]")).to_have_value("Tables")
    controller.main.locator("[name=amount_cents]").fill("90")
    controller.reconnect()
    controller.sees("1 saisie gardée vient d'être envoyée.")
    with controller.going():
        enter_line(controller)
    controller.sees(KEPT_ONE, "La dépense d'origine est partie telle quelle.", "Modifier")
    expect(controller.main.locator("[name=label]")).to_have_value("")
    expect(controller.main.get_by_role("link", name="Ouvrir le formulaire")).to_be_hidden()
    assert lines(town) == [("Tables", "F-12", 100_01)]


def test_what_the_server_does_not_accept_is_kept_and_opened_again(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller").open(act_url(walk, "enter_expense")).cut()
    enter_line(controller, spent_on="2027-07-01", label="Tables", voucher="F-12", amount_cents="0")
    controller.sees(KEPT_ONE)
    controller.reconnect()
    controller.sees("Pas acceptée", "Une dépense vaut au moins un centime.").check()
    controller.main.get_by_role("link", name="Ouvrir le formulaire").click()
    expect(controller.main.locator("[name=label]")).to_have_value("Tables")
    amount = controller.main.locator("[name=amount_cents]")
    expect(amount).to_be_focused()
    controller.check()
    amount.fill("100,01")
    with controller.going():
        save(controller, "Enregistrer la dépense")
    controller.sees("Dépense enregistrée au registre.")
    expect(controller.main.locator("#kept")).to_be_hidden()
    assert lines(town) == [("Tables", "F-12", 100_01)]


def test_a_clash_is_shown_side_by_side_and_what_does_not_overlap_is_merged(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller")
    take_along(controller, walk)
    controller.cut().open(act_url(walk, "fill_grid"))
    first = controller.main.locator(".panel", has_text=ITEM)
    controller.tick("Écart mineur", controller.group(f"Constat : {ITEM}"))
    controller.fill("Ce qui a été constaté", "Une séance de moins", first)
    controller.tick("Conforme", controller.group("Constat : Public touché"))
    save(controller, "Remplir la grille de réalisation")
    controller.sees(KEPT_ONE)
    theirs = {"verdict": "major_gap", "observation": "Trois séances de moins", "evidence": "Cahier"}
    walk.act(SECOND, "fill_grid", walk.mission_id(), answers={"1": theirs, "3": {"verdict": "compliant"}})
    back_on_line(controller)
    controller.sees("Votre collègue a changé la même chose", "Trois séances de moins", "Une séance de moins", "Lieux")
    save(controller, "Enregistrer ces choix")
    controller.sees("Choisissez pour chaque point.").check()
    clash = controller.main.locator(".kept")
    controller.tick("Sur le serveur", controller.group(f"Constat : {ITEM}").and_(clash.get_by_role("group")))
    controller.tick("Votre saisie", clash.get_by_role("group", name="Ce qui a été constaté"))
    expect(controller.field("Sur le serveur", clash.get_by_role("group", name="Preuves vues"))).to_be_checked()
    with controller.going():
        save(controller, "Enregistrer ces choix")
    until(controller, RENEWED)
    controller.sees("1 saisie gardée vient d'être envoyée.")
    expect(controller.main.locator("#kept")).to_be_hidden()
    assert answers(town) == {1: ("major_gap", "Une séance de moins", "Cahier"), 2: YES, 3: YES}


def test_a_line_that_a_colleague_changed_meanwhile_is_told_and_compared(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    line = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": "100,01"}
    walk.act("controller", "enter_expense", walk.mission_id(), **line)
    controller = arrive("controller")
    take_along(controller, walk)
    controller.cut().open(act_url(walk, "enter_expense"))
    controller.follow("Modifier").sees("page emportée le")
    enter_line(controller, voucher="F-13", amount_cents="90")
    controller.sees(KEPT_ONE)
    walk.act(SECOND, "enter_expense", walk.mission_id(), **{**line, "amount_cents": "80"}, line_id=1, seen=1)
    back_on_line(controller)
    controller.sees("Votre collègue a changé la même chose")
    amount = controller.main.locator(".kept").get_by_role("group", name="Montant du justificatif")
    expect(amount).to_contain_text("80")
    expect(amount).to_contain_text("90")
    controller.check()
    controller.tick("Votre saisie", amount)
    with controller.going():
        save(controller, "Enregistrer ces choix")
    until(controller, RENEWED)
    controller.sees("1 saisie gardée vient d'être envoyée.")
    assert lines(town) == [("Tables", "F-13", 90_00)]
    controller.open(f"/controles/{walk.mission_id()}")
    save(controller, "Retirer de cet appareil")
    controller.sees("Retiré de cet appareil.")
    assert controller.page.evaluate("caches.keys()") == []


def become(visitor: Visitor, town: Town, who: str) -> None:
    """Somebody signs in on the same device."""
    cookie = town.browser(who).client.get_cookie("binome", domain="localhost")
    assert cookie
    address = "/".join(visitor.page.url.split("/", 3)[:3])
    visitor.page.context.add_cookies([{"name": "binome", "value": cookie.value, "url": address}])


def test_whoever_signs_out_is_told_what_is_not_sent_and_nobody_else_sends_it(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller")
    take_along(controller, walk)
    controller.open(act_url(walk, "enter_expense")).cut()
    enter_line(controller, spent_on="2027-07-01", label="Tables", voucher="F-12", amount_cents="0")
    controller.sees(KEPT_ONE)
    controller.reconnect()
    controller.sees("Pas acceptée")
    sign_out(controller)
    controller.sees("Des saisies ne sont pas encore envoyées").check()
    with controller.going():
        save(controller, "Se déconnecter, les garder ici")
    assert controller.page.evaluate("caches.keys()") == []
    # As after a session that ended by itself: nobody signed out, and a copy is left.
    copy = f"binome-emporte-{town.world.people['controller']}-{walk.mission_id()}"
    controller.page.evaluate("name => caches.open(name).then(() => {})", copy)
    become(controller, town, SECOND)
    controller.open("/controles").sees("Quelqu'un d'autre a gardé 1 saisie")
    until(controller, "async () => !(await caches.keys()).length")
    expect(controller.main.locator("#kept")).not_to_contain_text("Tables")
    become(controller, town, "controller")
    controller.open("/controles").sees(KEPT_ONE, "Tables").unfold("Jeter")
    save(controller, "Jeter cette saisie")
    expect(controller.main.locator("#kept")).to_be_hidden()
    assert lines(town) == []


OUT_OF_ORDER = (
    '<!doctype html><html lang="fr"><title>Panne</title><link rel="icon" href="data:,"><main><h1>Panne</h1></main>'
)


def sign_out(visitor: Visitor) -> None:
    visitor.page.locator("summary", has_text="Menu").click()
    visitor.page.get_by_role("button", name="Se déconnecter", exact=True).click()


def test_who_cannot_be_signed_out_keeps_what_was_taken_along(town: Town, arrive: Arrive, served: Served) -> None:
    controller = arrive("controller")
    take_along(controller, town.walk().announced())
    controller.cut().page.evaluate("Object.defineProperty(navigator, 'onLine', { get: () => true })")
    with controller.going():
        sign_out(controller)
    controller.sees("Hors connexion", "2027-0001")
    with controller.going():
        controller.reconnect()
    controller.open("/controles")
    served.app = Flask("out of order")
    served.app.register_error_handler(404, lambda _: (OUT_OF_ORDER, 503))
    with controller.going(503):
        sign_out(controller)
    served.app = town.app
    controller.open("/controles")
    assert len(controller.page.evaluate("caches.keys()")) == 1
    with controller.going():
        sign_out(controller)
    assert controller.page.evaluate("caches.keys()") == []


# Its time is over; a second one, with nothing in it but the page that stands in, has time left.
AGED = """async () => {
    const [[name], [{ until, ...summary }]] = [await caches.keys(), await binomeCarry.list()];
    const say = async (store, until) =>
        (await caches.open(store)).put("/hors-connexion/resume", new Response(JSON.stringify({ ...summary, until })));
    const standIn = await caches.match("/hors-connexion");
    await say(`${name}0`, until);
    await (await caches.open(`${name}0`)).put("/hors-connexion", standIn);
    await say(name, Date.now() - 1);
    return [name, (until - Date.now()) / 86400000];
}"""
OVER = """async () => {
    const [name] = await caches.keys();
    const summary = JSON.stringify({ ...(await binomeCarry.list())[0], until: Date.now() - 1 });
    await (await caches.open(name)).put("/hors-connexion/resume", new Response(summary));
    return [(await binomeCarry.list()).length, (await caches.keys()).length];
}"""


def test_what_was_taken_along_goes_after_fourteen_days(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller")
    take_along(controller, walk)
    controller.sees("Cette copie s'efface après 14 jours.")
    name, days = controller.page.evaluate(AGED)
    assert 13.9 < days <= 14
    controller.cut().open(f"/controles/{walk.mission_id()}").sees("seuls les contrôles emportés")
    assert controller.page.evaluate("caches.keys()") == [f"{name}0"]
    assert controller.page.evaluate(OVER) == [0, 0]


def lose(route: Route) -> None:
    """The server gets a request and does it; its answer does not arrive."""
    route.fetch()
    route.abort("internetdisconnected")


def test_who_saves_anew_after_a_lost_answer_does_not_clash_with_themselves(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller").open(act_url(walk, "fill_grid"))
    first = controller.group(f"Constat : {ITEM}")
    controller.was_cut = True
    controller.page.route(controller.page.url, lose, times=1)
    controller.tick("Non vérifiable", first)
    controller.fill("Ce qui a été constaté", "Rien à voir", controller.main.locator(".panel", has_text=ITEM))
    save(controller, "Remplir la grille de réalisation")
    controller.sees(KEPT_ONE)
    assert answers(town) == {1: ("unverifiable", "Rien à voir", "")}
    controller.tick("Conforme", first)
    with controller.going():
        save(controller, "Remplir la grille de réalisation")
    controller.sees("Grille de réalisation enregistrée.")
    assert answers(town) == {1: ("compliant", "Rien à voir", "")}


def test_a_line_that_a_colleague_removed_may_be_added_again(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    line = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": "100,01"}
    walk.act("controller", "enter_expense", walk.mission_id(), **line)
    controller = arrive("controller").open(f"{act_url(walk, 'enter_expense')}?line_id=1")
    walk.act("controller", "strike_expense", walk.mission_id(), line_id=1, seen=1)
    enter_line(controller, amount_cents="90")
    controller.sees("Votre collègue a retiré cette ligne").check()
    with controller.going():
        controller.page.reload()
    controller.main.get_by_role("link", name="Ouvrir le formulaire").click()
    expect(controller.main.locator("[name=amount_cents]")).to_have_value("90")
    with controller.going():
        save(controller, "Enregistrer la dépense")
    assert lines(town) == [("Tables", "F-12", 90_00)]


def test_who_changed_a_line_removes_it_without_clashing_with_themselves(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    walk.act("controller", "enter_expense", walk.mission_id(), **LINE)
    controller = arrive("controller")
    take_along(controller, walk)
    controller.cut().open(act_url(walk, "enter_expense")).follow("Modifier")
    enter_line(controller, amount_cents="90")
    controller.sees(KEPT_ONE).follow("Ne rien changer").follow("Retirer")
    save(controller, "Retirer du registre")
    controller.sees(KEPT_TWO)
    back_on_line(controller)
    controller.sees("2 saisies gardées viennent d'être envoyées.")
    assert lines(town) == []


def test_a_line_that_a_colleague_changed_is_read_over_before_it_is_removed(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    line = {"spent_on": "2027-07-01", "label": "Tables", "voucher": "F-12", "amount_cents": "100,01"}
    walk.act("controller", "enter_expense", walk.mission_id(), **line)
    controller = arrive("controller").open(f"{act_url(walk, 'strike_expense')}?line_id=1")
    walk.act("controller", "enter_expense", walk.mission_id(), **{**line, "label": "Chaises"}, line_id=1, seen=1)
    save(controller, "Retirer du registre")
    controller.sees("Cette ligne a été modifiée entre-temps : Chaises").check()
    with controller.going():
        controller.page.reload()
    controller.sees("Chaises")
    with controller.going():
        save(controller, "Retirer du registre")
    controller.sees("Dépense retirée du registre.")
    assert lines(town) == []
    expect(controller.main.locator("#kept")).to_be_hidden()


def test_what_was_begun_comes_back_and_a_session_that_ended_keeps_it(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    former = arrive("controller").open(act_url(walk, "enter_expense"))
    former.fill("Libellé", "Tables").fill("Justificatif", "F-12").main.locator("[name=amount_cents]").focus()
    until(former, "async () => (await binomeKept.all()).some((one) => one.fields.voucher === 'F-12')")
    controller = Visitor(former.page.context.new_page(), "again", size="phone", scripts=True)
    former.page.close()
    controller.open(act_url(walk, "enter_expense")).sees(KEPT_ONE, "Commencée")
    expect(controller.main.locator("[name=voucher]")).to_have_value("F-12")
    controller.page.context.clear_cookies()
    enter_line(controller, spent_on="2027-07-01", amount_cents="100,01")
    controller.sees("Votre session est terminée").check()
    sign_in = controller.main.get_by_role("link", name="Se connecter pour envoyer")
    assert "/connexion?next=" in (sign_in.get_attribute("href") or "")
    become(controller, town, "controller")
    controller.open("/controles").sees("1 saisie gardée vient d'être envoyée.")
    assert lines(town) == [("Tables", "F-12", 100_01)]
    assert controller.problems == []


def test_without_scripts_all_goes_on_as_ever(town: Town, arrive: Arrive) -> None:
    walk = town.walk().announced()
    controller = arrive("controller", scripts=False).open(f"/controles/{walk.mission_id()}")
    expect(controller.main.locator("#emporter")).to_be_hidden()
    controller.follow("Tenir le registre").fill("Date de la dépense", "2027-07-01").fill("Libellé", "Tables")
    controller.fill("Justificatif", "F-12").fill("Montant", "100,01").press("Enregistrer la dépense")
    controller.sees("Dépense enregistrée au registre.")
    assert lines(town) == [("Tables", "F-12", 100_01)]
