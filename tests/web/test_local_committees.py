"""One local committee per commune: opened by an administrator, it takes the dossiers of its commune."""

import pytest
from sqlalchemy import select, update

from tests.factories import Walk
from tests.web.conftest import Town
from workflow.errors import Forbidden, NotFound
from workflow.models import Commune, Dossier, Instance, JournalEntry, Objective, RoutingStep
from workflow.use_cases.local_committees import open_committee

PAGE = "/administration/referentiel/instances"


def ids(town: Town) -> tuple[int, int]:
    """The instance of local committees, and Anzin."""
    with town.database.read() as session:
        return (
            session.scalars(select(Instance.id).where(Instance.code == "gup-locaux")).one(),
            session.scalars(select(Commune.id).where(Commune.label == "Anzin")).one(),
        )


def deposited(town: Town, commune: str) -> Walk:
    """A dossier on the living environment of a commune."""
    walk = town.walk().draft()
    with town.database.write() as session:
        place = session.scalars(select(Commune.id).where(Commune.label == commune)).one()
        objective = session.scalars(select(Objective.id).where(Objective.code == "331")).one()
        values = {"level": "commune", "commune_id": place, "objective_id": objective}
        session.execute(update(Dossier).where(Dossier.id == walk.dossier_id).values(values))
    walk.act("carrier", "submit", attested=True)
    return walk


def lead(town: Town, walk: Walk) -> str:
    with town.database.read() as session:
        step = select(RoutingStep.instance_id).where(RoutingStep.dossier_id == walk.dossier_id)
        dossier = session.get_one(Dossier, walk.dossier_id)
        assert session.scalars(step).one() == dossier.instance_id
        assert dossier.instance is not None
        return dossier.instance.code


def test_a_committee_takes_the_dossiers_of_its_commune_and_no_other(town: Town) -> None:
    parent, anzin = ids(town)
    before = deposited(town, "Anzin")
    admin = town.browser("administrator")
    url = f"{PAGE}/{parent}/comites"
    form = admin.page(PAGE).form(url)
    assert admin.post(url, {**form.fields, "commune_id": str(anzin)}).status_code == 303
    assert "Comités techniques GUP locaux – Anzin" in admin.page(PAGE).text
    assert lead(town, before) == "gup-locaux", "what was routed stays"
    assert lead(town, deposited(town, "Anzin")) == "gup-locaux-anzin"
    assert lead(town, deposited(town, "Beuvrages")) == "gup-locaux"
    with town.database.read() as session:
        assert session.scalars(select(JournalEntry.act).where(JournalEntry.act == "open_committee")).one()


def test_a_commune_has_one_committee(town: Town) -> None:
    parent, anzin = ids(town)
    admin = town.browser("administrator")
    url = f"{PAGE}/{parent}/comites"
    assert admin.post(url, {"commune_id": str(anzin)}).status_code == 303
    again = admin.post(url, {"commune_id": str(anzin)})
    assert again.status_code == 422
    assert "Cette commune a déjà son comité." in again.text
    assert admin.post(url, {}).status_code == 422


def test_only_administrators_open_one_and_only_of_an_instance_that_has_them(town: Town) -> None:
    parent, anzin = ids(town)
    assert town.browser("animator").post(f"{PAGE}/{parent}/comites", {"commune_id": str(anzin)}).status_code == 403
    walk = town.walk()
    with town.database.write() as session:
        with pytest.raises(Forbidden):
            open_committee(session, walk.world.actor(session, "animator"), parent, {"commune_id": anzin}, walk.now)
        admin = walk.world.actor(session, "administrator")
        with pytest.raises(NotFound):
            open_committee(session, admin, walk.world.instance_id, {"commune_id": anzin}, walk.now)
