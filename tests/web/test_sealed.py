"""An opinion is its author's alone until both are sealed: every route is asked as everybody else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, url_for
from sqlalchemy import select

from states.dossier import DOSSIER
from tests.factories import Walk
from tests.web.browser import Browser
from tests.web.conftest import Town
from tests.web.program import Program
from web import pdf
from workflow.links import token
from workflow.models import (
    Consultation,
    Document,
    Expert,
    JournalEntry,
    Outbox,
    Person,
    RoleGrant,
    Route,
    SecretLink,
)
from workflow.use_cases.grids import save_grid

SECRETS = ("Force-tenue-secrète", "Réserve-tenue-secrète", "1 234,56", "1\u202f234,56", "123456", "1234.56")
"""What the opinion says: its texts, and an amount as it may be written."""
LEVELS = ["Niveau-zéro", "Niveau-un", "Niveau-deux", "Niveau-trois", "Niveau-quatre"]
OTHERS = (
    *("carrier", "animator", "instructor 2", "instructor 3", "evaluator", "funder État"),
    *("controller", "transversal", "administrator"),
)


@pytest.fixture(autouse=True)
def readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document's text, not the drawing of its letters."""
    monkeypatch.setattr(pdf, "as_pdf", str.encode)


def seal(walk: Walk, who: str, criterion: int) -> None:
    walk.act(
        who,
        "seal_opinion",
        verdict="with_reservations",
        strengths=SECRETS[0],
        reservations=SECRETS[1],
        amounts={str(line): 1_234_56 for line in walk.lines().values()},
        scores={str(criterion): 3},
    )


@pytest.fixture
def sealed(town: Town) -> tuple[Walk, int]:
    """A dossier of which one of two opinions is sealed, and the criterion of its grid."""
    walk = town.walk()
    with town.database.write() as session:
        raw = {"criteria": [{"label": "Besoin", "weight": 1, "levels": LEVELS}]}
        grid = save_grid(session, town.world.actor(session, "animator"), town.world.instance_id, raw, walk.now)
        criterion = grid.criteria[0].id
    walk.assigned()
    walk.act("instructor 2", "save_opinion", verdict="favourable")
    seal(walk, "instructor 1", criterion)
    return walk, criterion


def addresses(app: Flask, town: Town, walk: Walk) -> Iterator[str]:
    """Every address that is read, about this dossier wherever it is about one."""
    with town.database.read() as session:
        first = {
            model.__tablename__: session.scalar(select(model.id).limit(1)) or 1
            for model in (Consultation, Document, Expert, Person, Route, RoleGrant)
        }
        link = session.scalars(select(SecretLink).where(SecretLink.purpose == "tracking")).first()
        assert link
        values: dict[str, Any] = {
            "dossier_id": walk.dossier_id,
            "campaign_id": town.world.campaign_id,
            "instance_id": town.world.instance_id,
            "session_id": town.world.session_id,
            "organisation_id": town.world.organisation_id,
            "funder_id": town.world.funders["État"],
            "person_id": first["person"],
            "route_id": first["route"],
            "grant_id": first["role_grant"],
            "consultation_id": first["consultation"],
            "document_id": first["document"],
            "expert_id": first["expert"],
            "act": "",
            "token": token(link.id, link.purpose),
            "step": "action",
            "code": "opinion",
            "kind": "annonce",
            "grid": "controle",
            **dict.fromkeys(
                ("number", "sample_id", "mission_id", "control_id", "review_id", "subject_id", "message_id", "plan_id"),
                1,
            ),
        }
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
                continue
            unknown = rule.arguments - values.keys()
            assert not unknown, f"{rule.rule}: say what {unknown} may be"
            named = {name: values[name] for name in rule.arguments}
            acts = sorted(DOSSIER.by_event) if rule.arguments == {"dossier_id", "act"} else ["answer"]
            for act in acts if "act" in named else [""]:
                yield url_for(rule.endpoint, **(named | {"act": act} if act else named))


def told(town: Town, walk: Walk, who: str) -> dict[str, list[str]]:
    """The addresses at which somebody reads something of the opinion."""
    browser: Browser = town.browser(who)
    program = Program(town, who, "read")
    found = {}
    answered = 0
    for address in addresses(town.app, town, walk):
        api = address.startswith("/api/")
        answer = town.app.test_client().get(address, headers=program.headers) if api else browser.get(address)
        assert answer.status_code < 500, address
        answered += answer.status_code == 200
        body = answer.get_data(as_text=True)
        seen = [secret for secret in SECRETS if secret in body or json.dumps(secret)[1:-1] in body]
        if seen:
            found[address] = seen
    assert answered > 20
    return found


@pytest.mark.parametrize("who", OTHERS)
def test_nobody_else_reads_an_opinion_before_both_are_sealed(town: Town, sealed: tuple[Walk, int], who: str) -> None:
    walk, _criterion = sealed
    assert told(town, walk, who) == {}


def test_its_author_does_and_all_of_the_instance_once_both_are_sealed(town: Town, sealed: tuple[Walk, int]) -> None:
    walk, criterion = sealed
    assert told(town, walk, "instructor 1")
    seal(walk, "instructor 2", criterion)
    assert told(town, walk, "animator")
    assert told(town, walk, "instructor 2")
    assert told(town, walk, "carrier") == {}


def test_neither_mails_nor_the_journal_hold_it(town: Town, sealed: tuple[Walk, int]) -> None:
    with town.database.read() as session:
        kept = [json.dumps(payload, ensure_ascii=False) for payload in session.scalars(select(Outbox.payload))]
        kept += [json.dumps(details, ensure_ascii=False) for details in session.scalars(select(JournalEntry.details))]
    assert len(kept) > 5
    assert not [text for text in kept if any(secret in text for secret in SECRETS)]
