"""The search: by number, carrier and title, filtered, sorted and paged in the address bar, within what one may see."""

import pytest

from tests.factories import Walk
from tests.web.conftest import Town
from tests.web.reading import counted
from workflow.queries import search as query

MOST = 6


def titled(town: Town, *titles: str) -> list[Walk]:
    """One deposited dossier for each title."""
    walks = []
    for title in titles:
        walk = town.walk().draft(title=title)
        walk.act("carrier", "submit", attested=True)
        walks.append(walk)
    return walks


def found(town: Town, address: str, who: str = "animator") -> list[str]:
    """The dossiers that a list shows, in its order."""
    page = town.browser(who).page(address)
    return [link for link in page.links if link.startswith("/dossiers/")]


def urls(*walks: Walk) -> list[str]:
    return [f"/dossiers/{walk.dossier_id}" for walk in walks]


def test_words_find_titles_and_carriers_whatever_their_accents(town: Town) -> None:
    cinema, kitchen = titled(town, "Ciné-débat à l'école", "Cuisine partagée")
    assert found(town, "/recherche?q=CINE+ecole") == urls(cinema)
    assert found(town, "/recherche?q=partag%C3%A9e") == urls(kitchen)
    assert found(town, "/recherche?q=association+exemple") == urls(kitchen, cinema)
    assert found(town, "/recherche?q=2027-000") == urls(kitchen, cinema)
    assert found(town, "/recherche?q=cin%C3%A9+partag%C3%A9e") == []


def test_a_whole_number_leads_to_its_dossier(town: Town) -> None:
    walk = town.walk().submitted()
    answer = town.browser("animator").get("/recherche?q=+2027-0001+")
    assert answer.headers["Location"] == f"/dossiers/{walk.dossier_id}"
    assert town.browser("other carrier").get("/recherche?q=2027-0001").status_code == 200


@pytest.mark.parametrize("text", ["100%", "_", "%", "\\", "'; DROP TABLE dossier; --", "<b>", "x" * 5000])
def test_signs_mean_themselves(town: Town, text: str) -> None:
    titled(town, "Ateliers")
    answer = town.browser("animator").get("/recherche", query_string={"q": text})
    assert answer.status_code == 200
    assert "Aucun dossier ne correspond" in answer.text


def test_filters_stand_together(town: Town) -> None:
    first, second = titled(town, "Un", "Deux")
    second.act("animator", "declare_inadmissible", reason="Hors sujet")
    draft = town.walk().draft()
    assert found(town, "/recherche?state=inadmissible") == urls(second)
    assert found(town, f"/recherche?instance={town.world.instance_id}&state=submitted") == urls(first)
    assert found(town, f"/recherche?campaign={town.world.campaign_id}", "carrier") == urls(draft, second, first)
    assert found(town, "/recherche?campaign=999") == []
    assert found(town, "/recherche?late=1") == []


def test_late_dossiers_are_those_past_their_day(town: Town, at: object) -> None:
    walk = town.walk().submitted()
    walk.act("animator", "request_completion", pieces=["Un devis"], due_on="2026-11-10")
    town.walk().submitted()
    at(walk.later(days=30).now)  # type: ignore[operator]
    assert found(town, "/recherche?late=1") == urls(walk)


def test_the_order_is_the_reader_s(town: Town) -> None:
    b, a, c = titled(town, "Bal", "Atelier", "Chorale")
    assert found(town, "/recherche") == urls(c, a, b)
    assert found(town, "/recherche?sort=title") == urls(a, b, c)
    assert found(town, "/recherche?sort=-title") == urls(c, b, a)
    assert found(town, "/recherche?sort=number") == urls(b, a, c)


def test_pages_are_walked_with_their_filters(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "PAGE", 2)
    *_, three = titled(town, "Un bal", "Deux bals", "Trois bals")
    page = town.browser("animator").page("/recherche?q=bal&sort=number")
    (following,) = [link for link in page.links if "page=2" in link]
    assert "q=bal" in following
    assert found(town, following) == urls(three)
    assert found(town, "/recherche?q=bal&sort=number&page=99") == urls(three)


def test_who_finds_too_many_is_asked_to_say_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "COUNTED", 2)
    titled(town, "Un", "Deux", "Trois")
    assert "précisez votre recherche" in town.browser("animator").page("/recherche").text


@pytest.mark.parametrize(
    "address", ["?page=0", "?page=-1", "?page=x", "?sort=zz", "?state=zz", "?instance=x", "?late=2"]
)
def test_what_the_address_says_wrongly_is_left_out(town: Town, address: str) -> None:
    walk = town.walk().submitted()
    assert found(town, f"/recherche{address}") == urls(walk)


def test_nobody_finds_what_they_may_not_read(town: Town) -> None:
    draft = town.walk().draft()
    deposited = town.walk().submitted()
    expected = {
        "carrier": urls(deposited, draft),
        "other carrier": [],
        "animator": urls(deposited),
        "instructor 3": urls(deposited),
        "funder CAF": urls(deposited),
        "controller": [],
        "transversal": urls(deposited),
        "administrator": urls(deposited),
    }
    assert {who: found(town, "/recherche", who) for who in expected} == expected


def test_statements_do_not_grow_with_the_list(town: Town) -> None:
    browser = town.browser("transversal")
    costs = []
    for titles in (("Un",), ("Deux", "Trois", "Quatre", "Cinq")):
        titled(town, *titles)
        with counted(town.database) as statements:
            browser.page("/recherche")
        costs.append(len(statements))
    assert costs[0] == costs[1] <= MOST


def test_both_databases_find_the_same(any_town: Town) -> None:
    first, second = titled(any_town, "Éveil musical", "Éveil corporel")
    assert found(any_town, "/recherche?q=eveil&sort=-number") == urls(second, first)
    assert found(any_town, "/recherche?q=eveil&sort=due") == urls(second, first)
