"""The dossier's page: who reads what, who acts next, how many statements it costs; its documents."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.factories import NOW, Walk
from tests.web.conftest import Town
from tests.web.reading import counted
from workflow.files import Upload
from workflow.models import AssociatedInstance, Document, Expert, Instance, Person, RoleGrant
from workflow.queries import dossier as query

MOST = 12
SECRET_ONE, SECRET_TWO, SECRET_JOINT = "Première réflexion", "Seconde réflexion", "Nous disons ensemble"


def shown(town: Town, who: str, walk: Walk) -> str:
    """The text of the dossier's page for somebody."""
    return town.browser(who).page(f"/dossiers/{walk.dossier_id}").text


def seal(walk: Walk, who: str, verdict: str, strengths: str) -> None:
    amounts = {str(line): 1_234_00 for line in walk.lines().values()}
    walk.act(who, "seal_opinion", verdict=verdict, strengths=strengths, reservations="Réserve", amounts=amounts)


# --- access ---------------------------------------------------------------------------------------------------------

DRAFT_READERS = {"carrier"}
READERS = DRAFT_READERS | {
    "animator",
    "instructor 1",
    "instructor 3",
    "evaluator",
    "funder État",
    "transversal",
    "administrator",
}
STAGES: dict[str, tuple[Callable[[Walk], Walk], set[str]]] = {
    "draft": (lambda walk: walk.draft(), DRAFT_READERS),
    "assigned": (lambda walk: walk.assigned(), READERS),
    "funded": (lambda walk: walk.funded(), READERS | {"controller"}),
}


@pytest.mark.parametrize("stage", STAGES)
def test_each_reads_the_dossiers_of_their_scope_and_no_other(town: Town, stage: str) -> None:
    make, readers = STAGES[stage]
    walk = make(town.walk())
    everybody = READERS | {"controller", "other carrier"}
    answers = {who: town.browser(who).get(f"/dossiers/{walk.dossier_id}").status_code for who in everybody}
    assert answers == {who: 200 if who in readers else 404 for who in everybody}


def move(town: Town, who: str, instance_id: int) -> None:
    """Their role is held in another instance from now on."""
    with town.database.write() as session:
        session.execute(
            update(RoleGrant).where(RoleGrant.person_id == town.world.people[who]).values(instance_id=instance_id)
        )


def test_people_of_an_instance_that_is_told_read_it_and_those_of_others_do_not(town: Town) -> None:
    walk = town.walk().assigned()
    with town.database.read() as session:
        told = session.scalars(
            select(AssociatedInstance.instance_id).where(AssociatedInstance.dossier_id == walk.dossier_id)
        ).all()
        strange = session.scalars(
            select(Instance.id).where(Instance.id.not_in([*told, town.world.instance_id]))
        ).first()
    assert told
    assert strange
    move(town, "animator", told[0])
    page = town.browser("animator").page(f"/dossiers/{walk.dossier_id}")
    assert not [link for link in page.links if "/actes/" in link]
    move(town, "animator", strange)
    assert town.browser("animator").get(f"/dossiers/{walk.dossier_id}").status_code == 404


@pytest.mark.parametrize("number", ["0", "999999", "99999999999999999999"])
def test_a_dossier_that_is_not_there(town: Town, number: str) -> None:
    assert town.browser("transversal").get(f"/dossiers/{number}").status_code == 404


# --- secrecy --------------------------------------------------------------------------------------------------------


def test_an_individual_opinion_is_its_author_s_until_both_are_sealed(town: Town) -> None:
    walk = town.walk().assigned()
    seal(walk, "instructor 1", "favourable", SECRET_ONE)
    assert SECRET_ONE in shown(town, "instructor 1", walk)
    for who in READERS - {"instructor 1"} | {"instructor 2"}:
        text = shown(town, who, walk)
        assert SECRET_ONE not in text, who
        assert "1 234" not in text, who
        assert "1\u202f234" not in text, who
    seal(walk, "instructor 2", "unfavourable", SECRET_TWO)
    for who in ("instructor 1", "instructor 2", "animator", "transversal"):
        text = shown(town, who, walk)
        assert SECRET_ONE in text, who
        assert SECRET_TWO in text, who
    for who in ("carrier", "funder État", "evaluator", "administrator", "instructor 3"):
        text = shown(town, who, walk)
        assert SECRET_ONE not in text, who
        assert SECRET_TWO not in text, who


def test_a_draft_opinion_is_read_by_its_author_alone(town: Town) -> None:
    walk = town.walk().assigned()
    walk.act("instructor 1", "save_opinion", verdict="favourable", strengths=SECRET_ONE, amounts={})
    seal(walk, "instructor 2", "favourable", SECRET_TWO)
    assert SECRET_TWO not in shown(town, "instructor 1", walk)
    assert SECRET_ONE not in shown(town, "instructor 2", walk)
    assert SECRET_ONE not in shown(town, "animator", walk)


def test_a_joint_opinion_is_read_once_issued_and_never_by_the_carrier(town: Town) -> None:
    walk = town.walk().assigned()
    seal(walk, "instructor 1", "favourable", SECRET_ONE)
    seal(walk, "instructor 2", "unfavourable", SECRET_TWO)
    joint = {str(line): 987_00 for line in walk.lines().values()}
    walk.act("instructor 1", "sign_joint_opinion", verdict="with_reservations", body=SECRET_JOINT, amounts=joint)
    for who in ("carrier", "funder État", "evaluator", "administrator"):
        assert SECRET_JOINT not in shown(town, who, walk), who
    assert SECRET_JOINT in shown(town, "instructor 2", walk)
    with town.database.read() as session:
        file = query.load(session, town.world.actor(session, "instructor 2"), walk.dossier_id)
        joint_id = file.one("joint").id
    walk.act("instructor 2", "sign_joint_opinion", joint_id=joint_id)
    walk.act("instructor 1", "issue_opinion")
    for who in ("funder État", "evaluator", "administrator", "instructor 3"):
        text = shown(town, who, walk)
        assert SECRET_JOINT in text, who
        assert "987\u202f€" in text, who
    text = shown(town, "carrier", walk)
    assert SECRET_JOINT not in text
    assert "987" not in text


def test_a_carrier_learns_the_decisions_together(town: Town) -> None:
    walk = town.walk().tabled()
    lines = walk.lines()
    walk.act("funder État", "decide_request", request_id=lines["État"], amount_cents=2_222_00, motive="Bel élan")
    text = shown(town, "carrier", walk)
    assert "2\u202f222" not in text
    assert "Bel élan" not in text
    assert "Décision enregistrée" not in text
    assert "2\u202f222" in shown(town, "funder CAF", walk)
    walk.act("funder CAF", "decide_request", request_id=lines["CAF"], amount_cents=0, motive="Hors priorités")
    text = shown(town, "carrier", walk)
    assert "2\u202f222" in text
    assert "Hors priorités" in text
    assert "Décision enregistrée" in text


def test_a_carrier_reads_the_roles_of_the_agents_not_their_names(town: Town) -> None:
    walk = town.walk().assigned()
    walk.act("instructor 1", "send_message", body="Bonjour")
    text = shown(town, "carrier", walk)
    assert "Bonjour" in text
    assert "Rôle instructor" not in text
    assert "Rôle animator" not in text
    assert "Rôle instructor 2" in shown(town, "funder CAF", walk)


def test_questions_to_experts_stay_inside_the_instruction(town: Town) -> None:
    walk = town.walk().assigned()
    with town.database.read() as session:
        expert = session.scalars(select(Expert.id)).one()
    walk.act("instructor 1", "consult_expert", expert_ids=[expert], question="Est-ce adapté ?", due_on="2026-12-01")
    for who in ("carrier", "funder État", "evaluator"):
        text = shown(town, who, walk)
        assert "Est-ce adapté" not in text, who
        assert "addictologie" not in text, who
    assert "1er décembre 2026" not in shown(town, "carrier", walk)
    assert "Est-ce adapté" in shown(town, "animator", walk)


def test_internal_reasons_are_not_the_carrier_s_to_read(town: Town) -> None:
    walk = town.walk().opinion()
    walk.act("animator", "reopen_instruction", reason="Le binôme doit revoir le montant")
    assert "doit revoir" not in shown(town, "carrier", walk)
    assert "doit revoir" in shown(town, "instructor 1", walk)


def test_a_drawn_dossier_s_carrier_does_not_know_it_before_the_control_is_announced(town: Town) -> None:
    walk = town.walk().drawn()
    assert "Tiré au sort" in shown(town, "controller", walk)
    assert "Tiré au sort" not in shown(town, "carrier", walk)


def test_who_carries_a_dossier_reads_it_as_its_carrier_whatever_else_they_are(town: Town) -> None:
    walk = town.walk().assigned()
    seal(walk, "instructor 1", "favourable", SECRET_ONE)
    seal(walk, "instructor 2", "unfavourable", SECRET_TWO)
    with town.database.write() as session:
        carrier = session.get_one(Person, town.world.people["carrier"])
        session.add(RoleGrant(person_id=carrier.id, role="transversal", granted_at=NOW))
    text = shown(town, "carrier", walk)
    assert SECRET_ONE not in text
    assert SECRET_TWO not in text


# --- what stands on the page ----------------------------------------------------------------------------------------


def test_it_says_whose_turn_it_is_and_offers_the_acts(town: Town) -> None:
    walk = town.walk().submitted()
    page = town.browser("animator").page(f"/dossiers/{walk.dossier_id}")
    assert "À vous" in page.text
    assert "Vérifier la recevabilité et affecter un binôme" in page.text
    assert f"/dossiers/{walk.dossier_id}/actes/assign" in page.links
    other = town.browser("carrier").page(f"/dossiers/{walk.dossier_id}")
    assert "À vous" not in other.text
    assert f"/dossiers/{walk.dossier_id}/actes/assign" not in other.links
    assert f"/dossiers/{walk.dossier_id}/actes/withdraw" in other.links


def test_it_says_why_an_act_is_not_possible_yet(town: Town) -> None:
    walk = town.walk().assigned()
    page = town.browser("instructor 1").page(f"/dossiers/{walk.dossier_id}")
    assert "Pourquoi pas maintenant" in page.text
    assert "Rendre l'avis" in page.text
    assert f"/dossiers/{walk.dossier_id}/actes/issue_opinion" not in page.links


def test_the_turn_of_a_binome_goes_from_one_to_the_other(town: Town) -> None:
    walk = town.walk().assigned()
    assert "Écrire et sceller votre avis" in shown(town, "instructor 1", walk)
    seal(walk, "instructor 1", "favourable", SECRET_ONE)
    assert "À vous" not in shown(town, "instructor 1", walk)
    assert "À vous" in shown(town, "instructor 2", walk)
    seal(walk, "instructor 2", "favourable", SECRET_TWO)
    assert "Rendre l'avis" in shown(town, "instructor 1", walk)


def test_it_shows_the_routing_reason_and_the_life_with_the_path_walked(town: Town) -> None:
    walk = town.walk().assigned()
    html = town.browser("animator").get(f"/dossiers/{walk.dossier_id}").text
    assert "objectif 224, règle" in html
    assert html.count('class="life life-') == 2
    assert 'is-current" data-state="assigned"' in html
    assert 'is-walked" data-state="submitted"' in html


def test_the_life_escapes_nothing_it_should_not(town: Town) -> None:
    walk = town.walk()
    walk.draft(title="<script>alert(1)</script>").act("carrier", "submit", attested=True)
    html = town.browser("animator").get(f"/dossiers/{walk.dossier_id}").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_message_is_written_on_the_page(town: Town) -> None:
    walk = town.walk().assigned()
    browser = town.browser("carrier")
    page = browser.page(f"/dossiers/{walk.dossier_id}")
    form = page.form(f"/dossiers/{walk.dossier_id}/actes/send_message")
    fields = {name: value for name, value in form.fields.items() if name != "csrf_token"}
    answer = browser.post(form.action, {**fields, "body": "Nos devis sont joints"})
    assert answer.headers["Location"] == f"/dossiers/{walk.dossier_id}#messages"
    assert "Nos devis sont joints" in shown(town, "instructor 2", walk)
    assert "Nos devis sont joints" not in shown(town, "funder CAF", walk)


# --- documents ------------------------------------------------------------------------------------------------------


def attach(walk: Walk) -> int:
    upload = Upload('été "2026".pdf', b"%PDF-1.4 contenu")
    document: Document = walk.act("carrier", "attach_document", kind="statutes", file=upload).result
    return document.id


def test_a_document_is_sent_to_be_saved(town: Town) -> None:
    walk = town.walk().submitted()
    url = f"/dossiers/{walk.dossier_id}/documents/{attach(walk)}"
    answer = town.browser("animator").get(url)
    assert answer.data == b"%PDF-1.4 contenu"
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    answer.close()
    assert url in town.browser("animator").page(f"/dossiers/{walk.dossier_id}").links


def test_a_document_goes_only_with_its_own_dossier_to_its_readers(town: Town) -> None:
    walk, other = town.walk().submitted(), town.walk().submitted()
    document = attach(walk)
    assert town.browser("other carrier").get(f"/dossiers/{walk.dossier_id}/documents/{document}").status_code == 404
    assert town.browser("animator").get(f"/dossiers/{other.dossier_id}/documents/{document}").status_code == 404
    assert town.browser("administrator").get(f"/dossiers/{walk.dossier_id}/documents/{document}").status_code == 404
    assert town.browser("animator").get(f"/dossiers/{walk.dossier_id}/documents/999").status_code == 404


# --- cost -----------------------------------------------------------------------------------------------------------


def crowd(walk: Walk) -> None:
    """Many rows of each kind on one dossier."""
    walk.act("instructor 1", "request_completion", pieces=[f"Pièce {n}" for n in range(12)], due_on="2026-11-30")
    for number in range(12):
        walk.act("carrier", "send_message", body=f"Message {number}")
        walk.act("carrier", "attach_document", kind="quote", file=Upload(f"d{number}.pdf", b"%PDF-1.4 x"))


def test_statements_do_not_grow_with_the_rows(town: Town) -> None:
    few, many = town.walk().assigned(), town.walk().assigned()
    few.act("instructor 1", "request_completion", pieces=["Une pièce"], due_on="2026-11-30")
    crowd(many)
    for who in ("carrier", "animator", "instructor 1"):
        browser = town.browser(who)
        costs = []
        for walk in (few, many):
            with counted(town.database) as statements:
                browser.page(f"/dossiers/{walk.dossier_id}")
            costs.append(len(statements))
        assert costs[0] == costs[1] <= MOST, f"{who}: {costs}"


STAGES_OF_A_LIFE = ("draft", "submitted", "assigned", "opinion", "tabled", "funded", "evaluated", "drawn", "closed")


@pytest.mark.parametrize("stage", STAGES_OF_A_LIFE)
def test_every_stage_has_its_page_for_each_role_and_none_costs_more_than_it_may(town: Town, stage: str) -> None:
    walk: Walk = getattr(town.walk(), stage)()
    if stage == "assigned":
        seal(walk, "instructor 1", "favourable", SECRET_ONE)
        seal(walk, "instructor 2", "unfavourable", SECRET_TWO)
    for who in READERS | {"controller", "instructor 2"}:
        browser = town.browser(who)
        with counted(town.database) as statements:
            answer = browser.get(f"/dossiers/{walk.dossier_id}")
        hidden = (stage == "draft" and who != "carrier") or (who == "controller" and stage in STAGES_OF_A_LIFE[:5])
        assert answer.status_code == (404 if hidden else 200), who
        assert 2 <= len(statements) <= MOST, f"{who}: {len(statements)}"


def test_both_databases_read_the_same(any_town: Town) -> None:
    walk = any_town.walk().closed()
    text = shown(any_town, "transversal", walk)
    for expected in ("Ateliers sans alcool", "2\u202f500\u202f€", "Tout est fait", "Action utile", "Conforme"):
        assert expected in text
    with any_town.database.read() as session:
        file = query.load(session, any_town.world.actor(session, "transversal"), walk.dossier_id)
    assert file.path[0] == "draft"
    assert file.path[-1] == "closed"
    assert all(entry.at.tzinfo is not None for entry in file.entries)
    assert file.one("reports").received is True
    assert file.one("mission").reply_due_on == (NOW + timedelta(days=30)).date()
    assert file.one("meeting").on.year == 2027
