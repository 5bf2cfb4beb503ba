"""The instructor's list and desk: what comes next, two opinions hidden until both are sealed, then one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import Walk
from tests.web.conftest import Town
from tests.web.pages import Page
from tests.web.reading import counted
from workflow.errors import Invalid, Refused
from workflow.models import Consultation, Dossier, Expert, Instance, JointOpinion, Opinion
from workflow.queries.progress import Progress, next_step

ONE, TWO, JOINT = "Première réflexion secrète", "Seconde réflexion secrète", "Nous disons ensemble"
MEMBERS = ("instructor 1", "instructor 2")


def amounts(walk: Walk, cents: int) -> dict[str, int]:
    return {str(line): cents for line in walk.lines().values()}


def seal(walk: Walk, who: str, strengths: str, verdict: str = "favourable", cents: int = 1_111_00) -> None:
    walk.act(who, "seal_opinion", verdict=verdict, strengths=strengths, reservations="", amounts=amounts(walk, cents))


def differing(town: Town) -> Walk:
    """Both opinions sealed, and not the same."""
    walk = town.walk().assigned()
    seal(walk, "instructor 1", ONE)
    walk.act(
        "instructor 2",
        "seal_opinion",
        verdict="unfavourable",
        strengths=TWO,
        reservations="Trop cher",
        amounts=amounts(walk, 222_00),
    )
    return walk


def desk(town: Town, who: str, walk: Walk) -> Page:
    return town.browser(who).page(f"/instruction/{walk.dossier_id}")


def act_url(walk: Walk, act: str) -> str:
    return f"/dossiers/{walk.dossier_id}/actes/{act}"


def version(town: Town, walk: Walk) -> str:
    with town.database.read() as session:
        return str(session.get_one(Dossier, walk.dossier_id).version)


# --- access -----------------------------------------------------------------------------------------------------------


def test_others_have_no_such_pages(town: Town) -> None:
    walk = town.walk().assigned()
    for who in ("carrier", "animator", "evaluator", "funder État", "controller", "transversal"):
        assert town.browser(who).get("/instruction").status_code == 403
        assert town.browser(who).get(f"/instruction/{walk.dossier_id}").status_code == 403


def test_the_desk_is_the_binomes_alone(town: Town) -> None:
    walk = town.walk().assigned()
    for who, status in (("instructor 1", 200), ("instructor 2", 200), ("instructor 3", 404), ("novice", 404)):
        assert town.browser(who).get(f"/instruction/{walk.dossier_id}").status_code == status
    assert town.browser("instructor 1").get("/instruction/999").status_code == 404
    assert town.browser("instructor 1").get("/instruction?part=ailleurs").status_code == 404


def test_who_leaves_the_binome_leaves_the_desk(town: Town) -> None:
    walk = town.walk().assigned()
    seal(walk, "instructor 1", ONE)
    people = town.world.people
    walk.act("animator", "replace_member", leaver_id=people["instructor 2"], newcomer_id=people["instructor 3"])
    assert town.browser("instructor 2").get(f"/instruction/{walk.dossier_id}").status_code == 404
    assert ONE not in desk(town, "instructor 3", walk).text


# --- secrecy ----------------------------------------------------------------------------------------------------------

READERS = ("instructor 1", "instructor 2", "instructor 3", "animator", "transversal", "funder État", "carrier")


def pages_of(walk: Walk) -> list[str]:
    acts = (
        "save_opinion",
        "seal_opinion",
        "sign_joint_opinion",
        "issue_opinion",
        "arbitrate",
        "replace_member",
        "request_completion",
        "reroute",
        "consult_expert",
        "table",
    )
    return [
        "/instruction",
        f"/instruction/{walk.dossier_id}",
        f"/dossiers/{walk.dossier_id}",
        "/instance",
        "/instance/dossiers",
        "/instance/seances",
        "/instance/membres",
        "/comite-transversal",
        *(act_url(walk, act) for act in acts),
    ]


@pytest.mark.parametrize("stage", ["draft", "sealed"])
def test_an_opinion_alone_is_read_by_its_author_only(town: Town, stage: str) -> None:
    walk = town.walk().assigned()
    written = {"verdict": "deferred", "strengths": ONE, "reservations": "", "amounts": amounts(walk, 1_357_00)}
    walk.act("instructor 1", "seal_opinion" if stage == "sealed" else "save_opinion", **written)
    for who in READERS:
        browser = town.browser(who)
        for url in pages_of(walk):
            text = browser.get(url).text
            if who == "instructor 1" and url == f"/instruction/{walk.dossier_id}":
                assert ONE in text
            elif who != "instructor 1":
                assert ONE not in text, f"{who} {url}"
                assert "357" not in Page(text).text, f"{who} {url}"


def test_a_refused_or_wrong_act_shows_nothing_more(town: Town) -> None:
    walk = town.walk().assigned()
    seal(walk, "instructor 1", ONE)
    for who in READERS[1:]:
        browser = town.browser(who)
        for act in ("save_opinion", "seal_opinion", "sign_joint_opinion", "arbitrate", "issue_opinion"):
            for data in ({}, {"verdict": "x"}, {"version": version(town, walk)}):
                answer = browser.post(act_url(walk, act), data)
                assert answer.status_code != 500
                assert ONE not in answer.text, f"{who} {act} {data}"


def test_both_sealed_are_read_by_the_instruction_and_not_by_others(town: Town) -> None:
    walk = differing(town)
    for who in MEMBERS:
        text = desk(town, who, walk).text
        assert ONE in text
        assert TWO in text
    assert ONE in town.browser("animator").page(act_url(walk, "arbitrate")).text
    for who in ("carrier", "funder État", "instructor 3"):
        for url in pages_of(walk):
            text = town.browser(who).get(url).text
            assert ONE not in text, f"{who} {url}"
            assert TWO not in text, f"{who} {url}"


def test_reopened_the_opinions_are_hidden_again(town: Town) -> None:
    walk = differing(town)
    walk.act("animator", "arbitrate", verdict="favourable", reason=JOINT, amounts=amounts(walk, 500_00))
    walk.act("instructor 1", "issue_opinion")
    walk.act("animator", "reopen_instruction", reason="Pièce nouvelle")
    text = desk(town, "instructor 1", walk).text
    assert ONE in text
    assert TWO not in text


# --- one's own opinion ------------------------------------------------------------------------------------------------


def opinion_form(town: Town, who: str, walk: Walk) -> dict[str, str]:
    return desk(town, who, walk).form(act_url(walk, "save_opinion")).fields


def test_a_draft_is_saved_half_filled_and_found_again(town: Town) -> None:
    walk = town.walk().assigned()
    line = walk.lines()["État"]
    fields = opinion_form(town, "instructor 1", walk)
    browser = town.browser("instructor 1")
    answer = browser.post(
        act_url(walk, "save_opinion"), {**fields, "strengths": "Utile", f"amounts-{line}": "1 250,50"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/instruction/{walk.dossier_id}")
    again = opinion_form(town, "instructor 1", walk)
    assert again[f"amounts-{line}"] == "1250,50"
    assert "Utile" in desk(town, "instructor 1", walk).text
    assert "Terminer et sceller votre avis" in browser.page("/instruction").text


def test_what_is_wrong_is_said_beside_the_dossier_and_kept(town: Town) -> None:
    walk = town.walk().assigned()
    line = walk.lines()["CAF"]
    data = {**opinion_form(town, "instructor 1", walk), "strengths": "Texte gardé", f"amounts-{line}": "99 000"}
    answer = town.browser("instructor 1").post(act_url(walk, "save_opinion"), data)
    assert answer.status_code == 422
    assert "Plus que le montant demandé." in answer.text
    assert "Texte gardé" in answer.text
    assert "Des ateliers pour les jeunes du quartier." in answer.text, "the dossier stays in view"
    incomplete = town.browser("instructor 1").post(act_url(walk, "seal_opinion"), {**data, f"amounts-{line}": ""})
    assert incomplete.status_code == 409
    assert "incomplet" in Page(incomplete.text).text
    assert "Texte gardé" in incomplete.text


def test_sealing_is_warned_of_and_final(town: Town) -> None:
    walk = town.walk().assigned()
    page = desk(town, "instructor 1", walk)
    assert "Un avis scellé ne change plus." in page.text
    lines = {f"amounts-{line}": "1000" for line in walk.lines().values()}
    data = {**opinion_form(town, "instructor 1", walk), **lines, "verdict": "favourable", "strengths": "Solide"}
    browser = town.browser("instructor 1")
    assert browser.post(act_url(walk, "seal_opinion"), data).status_code == 303
    page = desk(town, "instructor 1", walk)
    assert "Rôle instructor 2 n'a pas encore scellé le sien" in page.text
    assert not [form for form in page.forms if form.action.endswith("save_opinion")]
    assert browser.post(act_url(walk, "save_opinion"), data).status_code == 409


# --- one opinion of two -----------------------------------------------------------------------------------------------


def test_two_that_agree_are_issued_in_one_click(town: Town) -> None:
    walk = town.walk().assigned()
    for who, text in zip(MEMBERS, (ONE, TWO), strict=True):
        seal(walk, who, text)
    page = desk(town, "instructor 2", walk)
    assert "Les deux avis concordent" in page.text
    form = page.form(act_url(walk, "issue_opinion"))
    assert town.browser("instructor 2").post(form.action, form.fields).status_code == 303
    assert walk.state == "opinion"
    assert "terminée" in desk(town, "instructor 2", walk).text


def test_two_that_differ_are_marked_and_reconciled(town: Town) -> None:
    walk = differing(town)
    page = desk(town, "instructor 1", walk)
    assert "Les deux avis diffèrent sur 3 points" in page.text
    assert not [form for form in page.forms if form.action.endswith("issue_opinion")]
    lines = {f"amounts-{line}": "700" for line in walk.lines().values()}
    form = page.form(act_url(walk, "sign_joint_opinion"))
    one = town.browser("instructor 1")
    silent = one.post(form.action, {**form.fields, "verdict": "with_reservations", "body": JOINT})
    assert silent.status_code == 422, "no funder is left without an answer"
    assert JOINT in silent.text
    fields = {**form.fields, **lines, "verdict": "with_reservations", "body": JOINT}
    assert one.post(form.action, fields).status_code == 303
    assert "Il manque la signature de Rôle instructor 2" in desk(town, "instructor 1", walk).text

    page = desk(town, "instructor 2", walk)
    assert JOINT in page.text
    assert "Rôle instructor 2 n'a pas encore signé" in page.text
    sign = next(form for form in page.forms if form.fields.get("joint_id"))
    assert town.browser("instructor 2").post(sign.action, sign.fields).status_code == 303
    page = desk(town, "instructor 1", walk)
    issue = page.form(act_url(walk, "issue_opinion"))
    assert one.post(issue.action, issue.fields).status_code == 303
    assert walk.state == "opinion"


def test_a_text_replaced_meanwhile_is_not_signed(town: Town) -> None:
    walk = differing(town)
    text = {"verdict": "favourable", "amounts": amounts(walk, 100_00)}
    walk.act("instructor 1", "sign_joint_opinion", body="Premier texte", **text)
    seen = next(form for form in desk(town, "instructor 2", walk).forms if form.fields.get("joint_id"))
    walk.act("instructor 1", "sign_joint_opinion", body="Autre texte", **text)
    fields = {**seen.fields, "version": version(town, walk)}
    answer = town.browser("instructor 2").post(seen.action, fields)
    assert answer.status_code == 422
    assert "remplacé" in answer.text
    assert "Autre texte" in answer.text


def test_the_animator_arbitrates_with_both_in_view(town: Town) -> None:
    walk = differing(town)
    browser = town.browser("animator")
    url = act_url(walk, "arbitrate")
    page = browser.page(url)
    assert ONE in page.text
    assert TWO in page.text
    lines = {f"amounts-{line}": "300" for line in walk.lines().values()}
    form = page.form(url)
    assert browser.post(url, {**form.fields, **lines, "verdict": "favourable", "reason": ""}).status_code == 409
    assert browser.post(url, {**form.fields, **lines, "verdict": "favourable", "reason": JOINT}).status_code == 303
    page = desk(town, "instructor 1", walk)
    assert "L'animateur a tranché" in page.text
    assert page.form(act_url(walk, "issue_opinion"))


def test_what_the_animator_settled_is_not_undone_by_one_signature(town: Town) -> None:
    walk = differing(town)
    settled = {"verdict": "favourable", "amounts": amounts(walk, 100_00)}
    walk.act("animator", "arbitrate", reason=JOINT, **settled)
    with pytest.raises(Refused) as refusal:
        walk.act("instructor 1", "sign_joint_opinion", body="Le mien", **settled)
    assert [reason.code for reason in refusal.value.reasons] == ["arbitrated"]


@pytest.mark.parametrize(
    ("act", "who", "text"), [("sign_joint_opinion", MEMBERS[0], "body"), ("arbitrate", "animator", "reason")]
)
def test_a_joint_opinion_answers_every_funder(town: Town, act: str, who: str, text: str) -> None:
    walk = differing(town)
    partial = dict(list(amounts(walk, 100_00).items())[:1])
    with pytest.raises(Invalid) as refusal:
        walk.act(who, act, verdict="favourable", amounts=partial, **{text: JOINT})
    assert list(refusal.value.fields) == ["amounts"]


def test_a_joint_text_does_not_follow_to_another_instance(town: Town) -> None:
    walk = differing(town)
    walk.act("instructor 1", "sign_joint_opinion", verdict="favourable", body=JOINT, amounts=amounts(walk, 100_00))
    with town.database.read() as session:
        other = session.scalars(select(Instance.id).where(Instance.id != town.world.instance_id).limit(1)).one()
    walk.act("animator", "reroute", instance_id=other, reason="Autre champ")
    with town.database.read() as session:
        standing = select(JointOpinion.id).where(JointOpinion.superseded_at.is_(None))
        assert session.scalars(standing).all() == []
        assert session.scalars(select(Opinion.id).where(Opinion.superseded_at.is_(None))).all() == []


# --- experts ----------------------------------------------------------------------------------------------------------


def test_an_expert_of_the_directory_or_a_new_one_is_asked_and_the_question_taken_back(town: Town) -> None:
    walk = town.walk().assigned()
    browser = town.browser("instructor 1")
    url = act_url(walk, "consult_expert")
    page = browser.page(f"{url}?next=/instruction/{walk.dossier_id}")
    due = (walk.now + timedelta(days=20)).date().isoformat()
    with town.database.read() as session:
        expert_id = session.scalars(select(Expert.id)).one()
    fields = page.form(url).fields
    empty = browser.post(url, {**fields, "question": "Est-ce sûr ?", "due_on": due})
    assert empty.status_code == 422
    assert "Est-ce sûr ?" in empty.text
    known = {**fields, "question": "Est-ce sûr ?", "due_on": due, "expert_ids": [str(expert_id)]}
    assert browser.post(url, known).headers["Location"] == f"/instruction/{walk.dossier_id}"
    new = {
        **fields,
        "version": version(town, walk),
        "question": "Et le lieu ?",
        "due_on": due,
        "expert_name": "Architecte",
        "expert_email": "architecte@binome.example",
    }
    assert browser.post(url, new).status_code == 303
    page = desk(town, "instructor 2", walk)
    assert "0 question(s) close(s) sur 2" in page.text
    assert "Réponses d'experts : 0/2" in town.browser("instructor 2").page("/instruction").text
    with town.database.read() as session:
        asked = session.scalars(select(Consultation.id).order_by(Consultation.id)).all()
    for consultation in asked:
        link = next(link for link in page.links if f"/consultations/{consultation}/actes/revoke" in link)
        form = town.browser("instructor 2").page(link).form(link.partition("?")[0])
        data = {**form.fields, "reason": "Trouvé ailleurs", "version": version(town, walk)}
        assert town.browser("instructor 2").post(form.action, data).status_code == 303
    assert walk.state == "assigned"
    assert "2 question(s) close(s) sur 2" in desk(town, "instructor 1", walk).text


# --- the list ---------------------------------------------------------------------------------------------------------

NEXT: list[tuple[Progress, str]] = [
    (Progress("assigned"), "write"),
    (Progress("assigned", own_begun=True), "finish"),
    (Progress("expert_consulted", own_begun=True, own_sealed=True), "wait_colleague"),
    (Progress("assigned", own_begun=True, own_sealed=True, both_sealed=True, agree=True), "issue"),
    (Progress("expert_consulted", own_begun=True, own_sealed=True, both_sealed=True, agree=True), "wait_experts"),
    (Progress("assigned", own_begun=True, own_sealed=True, both_sealed=True), "reconcile"),
    (
        Progress("assigned", own_sealed=True, both_sealed=True, joint=True, signatures=frozenset({2})),
        "sign",
    ),
    (
        Progress("assigned", own_sealed=True, both_sealed=True, joint=True, signatures=frozenset({1})),
        "wait_signature",
    ),
    (Progress("assigned", own_sealed=True, both_sealed=True, joint=True, signatures=frozenset({1, 2})), "issue"),
    (Progress("assigned", own_sealed=True, both_sealed=True, joint=True, arbitrated=True), "issue"),
    (Progress("incomplete", own_begun=True), "wait_carrier"),
    (Progress("follow_up", report_settled=True), "evaluate"),
    (Progress("follow_up"), "nothing"),
    (Progress("opinion", own_sealed=True, both_sealed=True, agree=True), "nothing"),
]


@pytest.mark.parametrize(("progress", "step"), NEXT)
def test_what_comes_next(progress: Progress, step: str) -> None:
    assert next_step(progress, 1) == step


def test_the_list_and_the_desk_say_the_same(town: Town) -> None:
    def at_step(*acts: Callable[[Walk], Any]) -> Walk:
        walk = town.walk().assigned()
        for act in acts:
            act(walk)
        return walk

    joint: dict[str, Any] = {"verdict": "favourable", "body": JOINT}
    walks = {
        "Écrire et sceller votre avis": at_step(),
        "Attendre l'avis de votre binôme": at_step(lambda w: seal(w, "instructor 1", ONE)),
        "Rendre l'avis": at_step(lambda w: seal(w, "instructor 1", ONE), lambda w: seal(w, "instructor 2", TWO)),
        "Rapprocher les avis": differing(town),
    }
    signed = differing(town)
    signed.act("instructor 2", "sign_joint_opinion", amounts=amounts(signed, 100_00), **joint)
    walks["Relire et signer l'avis commun"] = signed
    listed = town.browser("instructor 1").page("/instruction").text
    for words, walk in walks.items():
        assert words in listed
        assert words in desk(town, "instructor 1", walk).text


def test_the_list_is_ones_own_and_in_parts(town: Town) -> None:
    town.walk().assigned()
    issued = town.walk().opinion()
    other = town.walk().submitted()
    people = town.world.people
    other.act("animator", "assign", first_id=people["instructor 3"], second_id=people["instructor 4"])
    browser = town.browser("instructor 1")
    page = browser.page("/instruction")
    assert "À instruire (1)" in page.text
    assert "Avis rendus (1)" in page.text
    assert f"/dossiers/{other.dossier_id}" not in page.links
    assert f"/dossiers/{issued.dossier_id}" in browser.page("/instruction?part=avis-rendus").links
    assert "Rien à instruire" in town.browser("novice").page("/instruction").text


def test_statements_do_not_grow_with_the_rows(town: Town) -> None:
    costs = []
    for _ in range(3):
        walk = differing(town)
        town.walk().assigned()
        found = []
        for url in ("/instruction", f"/instruction/{walk.dossier_id}"):
            browser = town.browser("instructor 1")
            browser.get(url)
            with counted(town.database) as statements:
                assert browser.get(url).status_code == 200
            found.append(len(statements))
        costs.append(found)
    assert costs == [costs[0]] * 3
    assert max(costs[0]) <= 12


def test_an_opinion_is_saved_as_it_is_typed(town: Town) -> None:
    walk = town.walk().assigned()
    browser = town.browser("instructor 1")
    save = f"/dossiers/{walk.dossier_id}/actes/save_opinion"
    page = browser.get(f"/instruction/{walk.dossier_id}").text
    assert f'hx-post="{save}"' in page
    typing = {"HX-Request": "true"}
    answer = browser.post(save, {"strengths": "Tapé"}, headers=typing)
    assert answer.status_code == 200
    assert answer.text.startswith("Brouillon enregistré le ")
    assert "Tapé" in desk(town, "instructor 1", walk).text
    assert "Brouillon enregistré." not in desk(town, "instructor 1", walk).text, "it is not told again on the next page"
    wrong = browser.post(save, {"strengths": "x" * 6000}, headers=typing)
    assert wrong.status_code == 422
    assert wrong.text.startswith("Pas enregistré")
    sealing = browser.post(f"/dossiers/{walk.dossier_id}/actes/seal_opinion", {"strengths": "Tapé"}, headers=typing)
    assert "<h1" in sealing.text, "only drafts are saved this way"
