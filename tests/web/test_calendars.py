"""The calendar's pages: what each role sees, proposes, answers, moves; what is wrong stands beside its field."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from tests.web.browser import Browser
from tests.web.conftest import Town
from web.lanes import picture
from workflow.models import CalendarVersion, Closure, FunderWindow, Milestone, Person
from workflow.queries.admin_campaigns import steps


@pytest.fixture
def url(town: Town) -> str:
    """The calendar of the world's campaign."""
    return f"/calendrier/{town.world.campaign_id}"


def milestone(town: Town, code: str) -> Milestone:
    with town.database.read() as session:
        return session.scalars(
            select(Milestone).where(Milestone.campaign_id == town.world.campaign_id, Milestone.code == code)
        ).one()


def give_windows(town: Town, earliest: str, latest: str) -> None:
    funder = town.world.funders["État"]
    names = ("earliest", "latest", "preferred")
    form = dict(zip((f"windows-deposit_deadline-{name}" for name in names), (earliest, latest, ""), strict=True))
    url = f"/calendrier/{town.world.campaign_id}/financeurs/{funder}"
    assert town.browser("funder État").post(url, form).status_code == 303


def test_the_calendar_of_the_running_campaign_is_first(town: Town, url: str) -> None:
    answer = town.browser("carrier").get("/calendrier")
    assert answer.status_code == 303
    assert answer.headers["Location"] == url


def test_a_carrier_sees_the_days_and_nothing_of_the_funders(town: Town, url: str) -> None:
    give_windows(town, "2026-12-01", "2026-12-31")
    text = town.browser("carrier").page(url).text
    assert "15 décembre 2026" in text
    for word in ("État", "Déplacer une échéance", "Proposer un calendrier", "Versions"):
        assert word not in text
    assert "du 1er décembre 2026 au 31 décembre 2026" in town.browser("animator").page(url).text


def test_windows_are_kept_and_wrong_ones_shown_again(town: Town, url: str) -> None:
    page = f"{url}/financeurs/{town.world.funders['État']}"
    browser = town.browser("funder État")
    browser.page(page)
    wrong = {"windows-deposit_deadline-earliest": "2026-12-31", "windows-deposit_deadline-latest": "2026-12-01"}
    answer = browser.post(page, wrong)
    assert answer.status_code == 422
    assert 'id="f-windows-deposit_deadline-latest-error"' in answer.text
    assert 'value="2026-12-31"' in answer.text
    give_windows(town, "2026-12-01", "2026-12-31")
    with town.database.read() as session:
        assert session.scalars(
            select(FunderWindow.latest).where(FunderWindow.campaign_id == town.world.campaign_id)
        ).one()
    assert browser.get(f"{url}/financeurs/{town.world.funders['CAF']}").status_code == 403


def test_a_calendar_goes_from_proposal_to_adoption(town: Town, url: str) -> None:
    give_windows(town, "2026-12-20", "2027-01-10")
    administrator = town.browser("administrator")
    assert "21 décembre 2026" in administrator.page(f"{url}/proposition").text
    assert administrator.post(f"{url}/proposition", {"reason": "Pour tous"}).status_code == 303
    with town.database.read() as session:
        version = session.scalars(select(CalendarVersion.id).where(CalendarVersion.state == "proposed")).one()
    funder = town.browser("funder État")
    assert "Calendrier proposé" in funder.page(url).text
    reply = f"{url}/versions/{version}/reponse/{town.world.funders['État']}"
    refused = funder.post(reply, {"answer-accepted": "false", "answer-message": ""})
    assert refused.status_code == 422
    assert "Dites ce qu&#39;il faudrait changer" in refused.text
    assert funder.post(reply, {"answer-accepted": "false", "answer-message": "Trop tard"}).status_code == 303
    assert "Trop tard" in administrator.page(url).text
    assert administrator.post(f"{url}/versions/{version}/adoption", {}).status_code == 422
    assert administrator.post(f"{url}/versions/{version}/adoption", {"adopt-reason": "Accord donné"}).status_code == 303
    assert milestone(town, "deposit_deadline").on == date(2026, 12, 21)
    assert administrator.post(f"{url}/versions/{version}/abandon", {}).status_code == 409
    assert "en vigueur" in administrator.page(url).text


def test_no_calendar_is_explained_with_what_would_lift_it(town: Town, url: str) -> None:
    give_windows(town, "2026-12-20", "2026-12-24")
    with town.database.write() as session:
        session.add(
            FunderWindow(
                campaign_id=town.world.campaign_id,
                funder_id=town.world.funders["CAF"],
                milestone="deposit_deadline",
                earliest=date(2027, 1, 4),
                latest=date(2027, 1, 10),
            )
        )
    administrator = town.browser("administrator")
    text = administrator.page(f"{url}/proposition").text
    assert "État : « deposit_deadline » au plus tard le 24 décembre 2026" in text
    assert "CAF : accepter « deposit_deadline » dès le 24 décembre 2026 suffirait." in text
    assert administrator.post(f"{url}/proposition", {}).status_code == 409


def test_a_milestone_moves_after_its_consequences_were_seen(town: Town, url: str) -> None:
    administrator = town.browser("administrator")
    asked = f"milestone_id={milestone(town, 'deposit_deadline').id}&on=2026-12-18"
    page = administrator.page(f"{url}/deplacement?{asked}")
    assert "18 décembre 2026" in page.text
    form = page.form(f"{url}/deplacement")
    assert milestone(town, "deposit_deadline").on == date(2026, 12, 15)
    fields = {**form.fields, "reason": "Deux jours de plus"}
    fields.pop("csrf_token")
    assert administrator.post(f"{url}/deplacement", fields).status_code == 303
    assert milestone(town, "deposit_deadline").on == date(2026, 12, 18)
    assert administrator.post(f"{url}/deplacement", fields).status_code == 409, "the calendar is another one now"
    assert "Deux jours de plus" in administrator.page(url).text
    assert administrator.get(f"{url}/deplacement?milestone_id=1&on=demain").status_code == 422
    by_hand = administrator.get(f"/administration/campagnes/{town.world.campaign_id}/calendrier")
    assert by_hand.location == url, "dates of a calendar that has versions are moved, no longer typed"
    assert town.browser("animator").get(f"{url}/deplacement?{asked}").status_code == 403


def test_closures_are_added_and_removed(town: Town, url: str) -> None:
    administrator = town.browser("administrator")
    wrong = {"closure-label": "Pont", "closure-first": "2026-12-24", "closure-last": "2026-12-20"}
    refused = administrator.post(f"{url}/fermetures", wrong)
    assert refused.status_code == 422
    assert 'id="f-closure-last-error"' in refused.text
    assert administrator.post(f"{url}/fermetures", {**wrong, "closure-last": "2026-12-31"}).status_code == 303
    assert "Pont" in administrator.page(url).text
    with town.database.read() as session:
        closure = session.scalars(select(Closure.id)).one()
    assert administrator.post(f"{url}/fermetures/{closure}/suppression", {}).status_code == 303
    assert "Aucune fermeture" in administrator.page(url).text


def test_the_picture_has_a_lane_for_each_funder(town: Town, make_closure: Callable[[], Closure]) -> None:
    give_windows(town, "2026-12-20", "2027-01-10")
    with town.database.read() as session:
        found = picture(steps(session, town.world.campaign_id), [make_closure()], date(2026, 11, 2))
    assert found is not None
    assert [lane.name for lane in found.lanes] == [None, "État"]
    common, state = found.lanes
    assert len(common.marks) == 12
    assert [(mark.number, mark.tone) for mark in state.marks] == [(2, "missed")]
    assert [band.missed for band in state.bands] == [True]
    assert [len(lane.closed) for lane in found.lanes] == [1, 1]
    places = [float(mark.x) for mark in common.marks]
    assert places == sorted(places)
    assert 0 <= places[0] < float(found.today or 0) < places[-1] <= 100
    assert picture([], [], date(2026, 11, 2)) is None


@pytest.fixture
def make_closure() -> Callable[[], Closure]:
    """A closure of everybody over Christmas."""
    return lambda: Closure(label="Noël", first=date(2026, 12, 24), last=date(2026, 12, 31), institution_id=None)


def test_without_a_campaign_that_is_said(as_person: Callable[[Person], Browser], person: Callable[..., Person]) -> None:
    assert "Aucune campagne" in as_person(person("transversal")).page("/calendrier").text
