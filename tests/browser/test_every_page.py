"""Every role opens every page of theirs, and the form of every act that is offered to them, at a desk and on a phone.

The journeys stand in the other files; here each page is found sound (accessible, no wider than the window, no error).
"""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests import reviews
from tests.browser.visitor import Arrive
from tests.factories import Walk
from tests.web.conftest import Town
from workflow.models import Consultation, Dossier, Mission, Review, RoleGrant, Sample
from workflow.use_cases import offered

PLACES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # who, how far the dossier is, pages besides the dossier's own
    ("carrier", "draft", ("/", "/mes-dossiers", "/mes-dossiers/nouveau", "/compte")),
    ("carrier", "submitted", ("/mes-dossiers/{dossier}/recu",)),
    ("carrier", "funded", ("/recherche",)),
    (
        "animator",
        "submitted",
        (
            "/",
            "/instance",
            "/instance/dossiers",
            "/instance/binomes",
            "/instance/membres",
            "/instance/membres/{grant}",
            "/experts",
            "/experts/1",
            "/experts/nouveau",
        ),
    ),
    (
        "animator",
        "opinion",
        (
            "/instance/seances",
            "/instance/seances/inscrire",
            "/instance/depots-tardifs",
            "/instance/grille",
            "/instance/accord",
            "/seances/{session}/compte-rendu",
        ),
    ),
    ("instructor 1", "assigned", ("/compte/rappels", "/compte/agenda", "/", "/instruction", "/instruction/{dossier}")),
    ("instructor 2", "opinion", ("/instruction/{dossier}", "/instruction/accord", "/experts", "/experts/1")),
    ("evaluator", "funded", ("/", "/evaluations")),
    ("funder État", "tabled", ("/", "/enveloppes", "/enveloppes/seances/{session}", "/enveloppes/montant")),
    ("funder État", "funded", ("/enveloppes/suivi",)),
    (
        "controller",
        "evaluated",
        (
            "/controles/plans/nouveau?campaign={campaign}",
            "/controles/plans",
            "/controles/plans/taille?campaign={campaign}",
        ),
    ),
    (
        "controller",
        "drawn",
        (
            *("/", "/controles", "/controles/{mission}", "/controles/tirages/{sample}"),
            "/controles/tirages/{sample}/resultat",
        ),
    ),
    ("controller", "announced", ("/controles/{mission}", "/hors-connexion")),
    (
        "controller",
        "controlled",
        ("/recherche?q=2027", "/controles/{mission}", "/controles/{mission}/lettres/conclusion"),
    ),
    (
        "transversal",
        "reviewed",
        ("/", "/mi-parcours", "/mi-parcours/{dossier}", "/mi-parcours/syntheses/{sample}", "/controles/plans/1"),
    ),
    ("transversal", "to_review", ("/", "/mi-parcours", "/mi-parcours/{dossier}", "/mi-parcours/syntheses/{sample}")),
    ("administrator", "evaluated", ("/mi-parcours", "/mi-parcours/tirage")),
    ("reviewer État", "under_review", ("/", "/mi-parcours", "/mi-parcours/{dossier}")),
    ("reviewer CAF", "half_signed", ("/", "/mi-parcours", "/mi-parcours/{dossier}")),
    ("evaluator", "evaluated", ("/mi-parcours",)),
    (
        "transversal",
        "submitted",
        ("/calendrier", "/calendrier/{campaign}/prevision", "/rappels", "/", "/comite-transversal", "/instance"),
    ),
    (
        "administrator",
        "closed",
        (
            "/",
            "/administration",
            "/administration/campagnes",
            "/administration/campagnes/{campaign}",
            "/administration/webhooks",
            "/rappels",
            "/rappels/opinion",
            "/seances/{session}",
            "/administration/campagnes/{campaign}/calendrier",
            "/administration/comptes",
            "/administration/comptes/1",
            "/administration/comptes/invitation",
        ),
    ),
    (
        "administrator",
        "submitted",
        (
            "/administration/orientation",
            "/administration/orientation/1",
            "/administration/orientation/versions/1",
            "/administration/grilles/controle",
            "/administration/organismes",
            "/administration/referentiel/objectifs",
            "/administration/referentiel/instances",
            "/administration/messages",
            "/administration/messages/boite",
            "/administration/journal",
        ),
    ),
)


@pytest.mark.parametrize(("who", "stage", "paths"), PLACES, ids=[f"{who} {stage}" for who, stage, _ in PLACES])
def test_every_page_of_theirs_is_sound(
    town: Town, arrive: Arrive, who: str, stage: str, paths: tuple[str, ...]
) -> None:
    walk = town.walk()
    if hasattr(reviews, stage):
        getattr(reviews, stage)(walk)
    else:
        further: Callable[[], Walk] = getattr(walk, stage)
        further()
    visitor = arrive(who)
    everywhere = [path.format(**names(town, walk)) for path in paths]
    for address in (*everywhere, f"/dossiers/{walk.dossier_id}", *forms(town, walk, who)):
        visitor.open(address).judge("phone")


def names(town: Town, walk: Walk) -> dict[str, Any]:
    """What the addresses name."""
    with town.database.read() as session:
        return {
            "dossier": walk.dossier_id,
            "campaign": town.world.campaign_id,
            "session": town.world.session_id,
            "mission": session.scalar(select(Mission.id).where(Mission.dossier_id == walk.dossier_id)),
            "sample": session.scalar(select(Sample.id)),
            "grant": session.scalar(select(RoleGrant.id).where(RoleGrant.role == "instructor")),
        }


def forms(town: Town, walk: Walk, who: str) -> list[str]:
    """The addresses of the acts that are open to a person; a draft's own form has steps of its own."""
    with town.database.read() as session:
        actor = town.world.actor(session, who)
        dossier = session.get_one(Dossier, walk.dossier_id)
        found = []
        for place, model in (
            ("", None),
            ("consultations", Consultation),
            ("controles", Mission),
            ("mi-parcours", Review),
        ):
            subject = (
                session.scalar(select(model).where(model.dossier_id == dossier.id)) if model is not None else dossier
            )
            if subject is None:
                continue
            inside = f"/{place}/{subject.id}" if place else ""
            found += [
                f"/dossiers/{dossier.id}{inside}/actes/{act}"
                for act, refusal in offered(session, actor, dossier, subject, walk.now).items()
                if refusal is None and act not in ("edit_draft", "answer_piece", "save_opinion")
            ]
        return found
