"""Accounts: invited with roles in scopes, changed, closed; what is wrong is said beside its field, nothing is lost."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update

from tests.factories import NOW, OTHER_SIRET, SIRET
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.pages import Page
from workflow.access import involvements
from workflow.errors import Refused
from workflow.models import Commune, Dossier, Interest, LocalInterest, LoginAttempt, Outbox, Person, RoleGrant

URL = "/administration/comptes"


@pytest.fixture
def admin(town: Town) -> Browser:
    """A browser in which the administrator is signed in."""
    return town.browser("administrator")


def _grants(town: Town, person_id: int) -> dict[str, RoleGrant]:
    with town.database.read() as session:
        found = select(RoleGrant).where(RoleGrant.person_id == person_id, RoleGrant.ended_at.is_(None))
        return {grant.role: grant for grant in session.scalars(found)}


def _count(town: Town, model: type[Person | Interest | LocalInterest]) -> int:
    with town.database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


# --- the list --------------------------------------------------------------------------------------------------------


def test_people_are_found_by_name_address_role_and_state(town: Town, admin: Browser) -> None:
    for query, names, others in (
        ("q=novice", ["Rôle novice"], ["Rôle animator"]),
        ("q=animator@binome", ["Rôle animator"], ["Rôle novice"]),
        ("role=controller", ["Rôle controller"], ["Rôle novice"]),
        ("status=invited", ["Rôle novice"], []),
        ("status=closed", [], ["Rôle novice"]),
        ("sort=-name&role=funder", ["Rôle funder État"], ["Rôle carrier"]),
    ):
        text = admin.page(f"{URL}?{query}").text
        assert all(name in text for name in names), query
        assert not any(name in text for name in others), query
    assert "Aucun compte ne correspond" in admin.page(f"{URL}?q=personne").text


def test_the_list_is_cut_into_pages(town: Town, admin: Browser) -> None:
    with town.database.write() as session:
        session.add_all(
            Person(email=f"p{number}@binome.example", name=f"Personne {number:02}", created_at=NOW)
            for number in range(40)
        )
    first, second = admin.page(f"{URL}?q=Personne"), admin.page(f"{URL}?q=Personne&page=2")
    assert "Personne 00" in first.text
    assert "Personne 39" not in first.text
    assert "Personne 39" in second.text
    assert f"{URL}?q=Personne&sort=name&page=2" in first.links


# --- inviting --------------------------------------------------------------------------------------------------------


def _invitation(town: Town) -> dict[str, str]:
    return {
        "name": "Instructrice et porteuse",
        "email": "deux@binome.example",
        "locale": "fr",
        "institution_id": str(town.world.funders["CAF"]),
        "roles-0-role": "instructor",
        "roles-0-instance_id": str(town.world.instance_id),
        "roles-0-trained_on": "15/01/2026",
        "roles-3-role": "carrier",
        "roles-3-organisation": f"Association Témoin – {OTHER_SIRET}",
    }


def test_somebody_is_invited_with_several_roles(town: Town, admin: Browser) -> None:
    answer = admin.post(f"{URL}/invitation", _invitation(town))
    assert answer.status_code == 303
    with town.database.read() as session:
        person = session.scalars(select(Person).where(Person.email == "deux@binome.example")).one()
        mailed = session.scalars(select(Outbox.kind).where(Outbox.person_id == person.id)).all()
    held = _grants(town, person.id)
    assert held["instructor"].trained_on == date(2026, 1, 15)
    assert held["carrier"].organisation_id == town.world.other_organisation_id
    assert mailed == ["invitation"]
    text = admin.page(answer.headers["Location"]).text
    assert "N'a pas encore choisi son mot de passe" in text
    assert "Association Témoin" in text


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"email": "pas une adresse"}, "f-email", "Adresse électronique attendue."),
        ({"email": "animator@binome.example"}, "f-email", "Cette adresse a déjà un compte."),
        ({"name": ""}, "f-name", "Nom : "),
        ({"roles-0-instance_id": ""}, "f-roles-0-instance_id", "Instance : À remplir."),
        ({"roles-0-role": "funder"}, "f-roles-0-institution_id", "À remplir."),
        ({"roles-0-role": "nobody"}, "f-roles-0-role", "Choisissez dans la liste."),
        ({"roles-3-organisation": "Nulle part"}, "f-roles-1-organisation_id", "Choisissez dans la liste."),
        ({"roles-0-trained_on": "2030-01-01"}, "f-roles-0-trained_on", "Cette date est dans l'avenir."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
    town: Town, admin: Browser, changes: dict[str, str], field: str, said: str
) -> None:
    before = _count(town, Person)
    answer = admin.post(f"{URL}/invitation", {**_invitation(town), **changes})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert f'href="#{field}"' in answer.text, "the summary leads to the field"
    assert said in Page(answer.text).text
    assert 'value="Instructrice et porteuse"' in answer.text or "name" in changes
    assert _count(town, Person) == before


def test_a_role_more_can_be_asked_for_without_losing_anything(town: Town, admin: Browser) -> None:
    before = _count(town, Person)
    page = Page(admin.post(f"{URL}/invitation", {**_invitation(town), "add": "1"}).text)
    fields = page.form(f"{URL}/invitation").fields
    assert fields["name"] == "Instructrice et porteuse"
    assert OTHER_SIRET in fields["roles-1-organisation"]
    assert fields["roles-2-organisation"] == ""
    assert _count(town, Person) == before


def test_a_carrier_s_page_leads_to_an_invitation_for_it(town: Town, admin: Browser) -> None:
    link = f"{URL}/invitation?role=carrier&organisation={SIRET}"
    assert link in admin.page(f"/administration/organismes/{town.world.organisation_id}").links
    fields = admin.page(link).form(f"{URL}/invitation").fields
    assert fields["roles-0-organisation"] == SIRET


# --- one person ------------------------------------------------------------------------------------------------------


def test_a_role_is_given_and_ended(town: Town, admin: Browser) -> None:
    person = town.world.people["novice"]
    url = f"{URL}/{person}"
    wrong = admin.post(f"{url}/roles", {"grant-role": "evaluator"})
    assert wrong.status_code == 422
    assert 'id="f-grant-instance_id-error"' in wrong.text
    given = {"grant-role": "carrier", "grant-organisation": "association exemple"}
    assert admin.post(f"{url}/roles", given).status_code == 303
    assert _grants(town, person)["carrier"].organisation_id == town.world.organisation_id
    again = admin.post(f"{url}/roles", given)
    assert again.status_code == 409
    assert "a déjà ce rôle" in Page(again.text).text
    grant = _grants(town, person)["carrier"].id
    assert admin.page(url).form(f"{url}/roles/{grant}/fin")
    assert admin.post(f"{url}/roles/{grant}/fin").status_code == 303
    assert "carrier" not in _grants(town, person)
    assert "1 rôle retiré" in admin.page(url).text


def test_a_training_is_recorded(town: Town, admin: Browser) -> None:
    person = town.world.people["novice"]
    grant = _grants(town, person)["instructor"].id
    url = f"{URL}/{person}/roles/{grant}/formation"
    wrong = admin.post(url, {"trained_on": "2030-01-01"})
    assert wrong.status_code == 422
    assert f'id="f-training-{grant}-trained_on-error"' in wrong.text
    assert 'value="2030-01-01"' in wrong.text
    assert admin.post(url, {"trained_on": "2026-10-01"}).status_code == 303
    assert _grants(town, person)["instructor"].trained_on == date(2026, 10, 1)


def test_an_interest_is_declared_for_somebody(town: Town, admin: Browser) -> None:
    person = town.world.people["novice"]
    url = f"{URL}/{person}/interets"
    wrong = admin.post(url, {"interest-organisation": "Nulle part", "interest-nature": "Membre du bureau"})
    assert wrong.status_code == 422
    assert 'id="f-interest-organisation_id-error"' in wrong.text
    assert 'value="Membre du bureau"' in wrong.text
    assert _count(town, Interest) == 0
    done = admin.post(url, {"interest-organisation": SIRET, "interest-nature": "Membre du bureau"})
    assert done.status_code == 303
    assert "Membre du bureau" in admin.page(f"{URL}/{person}").text
    neither = admin.post(url, {"interest-nature": "Élue"})
    assert "Choisissez un organisme, ou bien une commune." in neither.text
    commune = admin.page(f"{URL}/{person}").form(url)
    assert "interest-commune_id" in commune.names
    with town.database.read() as session:
        anzin = session.scalars(select(Commune.id).where(Commune.label == "Anzin")).one()
    local = {"interest-commune_id": str(anzin), "interest-nature": "Élue de la commune"}
    assert admin.post(url, local).status_code == 303
    assert "Anzin" in admin.page(f"{URL}/{person}").text
    assert _count(town, LocalInterest) == 1


def test_who_has_an_interest_in_a_commune_neither_instructs_nor_controls_its_actions(town: Town) -> None:
    people = town.world.people
    there = town.walk().submitted()
    elsewhere = town.walk().submitted()
    with town.database.write() as session:
        anzin = session.scalars(select(Commune.id).where(Commune.label == "Anzin")).one()
        for walk, commune in ((there, anzin), (elsewhere, None)):
            session.execute(
                update(Dossier).where(Dossier.id == walk.dossier_id).values(level="commune", commune_id=commune)
            )
        for who in ("instructor 1", "controller"):
            session.add(LocalInterest(person_id=people[who], commune_id=anzin, nature="Élue", declared_at=there.now))
    pair = {"first_id": people["instructor 1"], "second_id": people["instructor 2"]}
    with pytest.raises(Refused) as refused:
        there.act("animator", "assign", **pair)
    assert [reason.code for reason in refused.value.reasons] == ["members_without_conflict"]
    candidates = town.browser("animator").page(f"/dossiers/{there.dossier_id}/actes/assign").text
    assert "conflit d'intérêts avec le porteur ou la commune Élue" in " ".join(candidates.split())
    elsewhere.act("animator", "assign", **pair)
    with town.database.read() as session:
        rows = select(Dossier.id).where(involvements(people["controller"])["bound"])
        assert list(session.scalars(rows)) == [there.dossier_id]


def test_an_account_is_closed_but_never_the_last_administrator_s(town: Town, admin: Browser) -> None:
    person, own = town.world.people["novice"], town.world.people["administrator"]
    assert "ne se rouvre pas" in admin.page(f"{URL}/{person}").text
    assert admin.post(f"{URL}/{person}/fermeture").status_code == 303
    text = admin.page(f"{URL}/{person}").text
    assert "Compte : fermé" in text
    assert "Donner un rôle" not in text
    last = admin.post(f"{URL}/{own}/fermeture")
    assert last.status_code == 409
    assert "dernier administrateur" in Page(last.text).text
    ending = admin.post(f"{URL}/{own}/roles/{_grants(town, own)['administrator'].id}/fin")
    assert ending.status_code == 409


def test_who_never_came_in_is_invited_again(town: Town, admin: Browser) -> None:
    person = town.world.people["novice"]
    assert admin.post(f"{URL}/{person}/invitation").status_code == 303
    assert "Son lien vaut jusqu'au 16 novembre 2026" in admin.page(f"{URL}/{person}").text
    with town.database.write() as session:
        session.execute(update(Person).where(Person.id == person).values(password_hash="x"))
        email = session.scalars(select(Person.email).where(Person.id == person)).one()
        session.add(LoginAttempt(email=email, address="::1", at=NOW - timedelta(days=1), succeeded=True))
    refused = admin.post(f"{URL}/{person}/invitation")
    assert refused.status_code == 409
    assert "a déjà choisi son mot de passe" in Page(refused.text).text
    text = admin.page(f"{URL}/{person}").text
    assert "1er novembre 2026" in text
    assert "Inviter de nouveau" not in text
