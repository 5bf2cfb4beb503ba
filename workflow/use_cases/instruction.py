"""Journey of the instruction: the binôme, its two opinions and the joint one. Experts: `workflow.use_cases.experts`."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import func, select, update

from states.dossier import DOSSIER
from states.machine import Reason
from states.words import N_
from workflow.acts import Act, Case
from workflow.errors import Invalid, NotFound, Refused
from workflow.facts import contents, proposed_members, standing_opinions
from workflow.forms import LONG, Amounts, Choice, Form, Reference, Text, reason
from workflow.grids import HIGHEST
from workflow.models import (
    BinomeMember,
    Criterion,
    FundingRequest,
    JointAmount,
    JointOpinion,
    JointSignature,
    Opinion,
    OpinionAmount,
    OpinionGrid,
    OpinionScore,
    Person,
)
from workflow.models.instruction import THIRD
from workflow.opinions import agreeing
from workflow.use_cases.intake import Reasoned

VERDICT_LABELS = {
    "favourable": N_("Favorable"),
    "with_reservations": N_("Favorable avec réserves"),
    "unfavourable": N_("Défavorable"),
    "deferred": N_("À différer"),
}

MOST_EFFORT = 20

# --- the binôme -------------------------------------------------------------------------------------------------


class Assignment(Form):
    """The two members, and why two of one institution where that is so."""

    first_id = Reference(N_("Premier instructeur"), "instructors", required=True)
    second_id = Reference(N_("Second instructeur"), "instructors", required=True)
    derogation = Text(
        N_("Dérogation"),
        longest=LONG,
        load_default="",
        metadata={"help": N_("Seulement si les deux instructeurs viennent de la même institution : pourquoi.")},
    )


def _assign(case: Case) -> None:
    """The criteria in force now are those by which this binôme judges, whatever the instance changes later."""
    newest = select(func.max(OpinionGrid.id)).where(OpinionGrid.instance_id == case.dossier.instance_id)
    case.dossier.grid_id = newest.scalar_subquery()
    _seat(case, {1: case.data["first_id"], 2: case.data["second_id"]})


def _seat(case: Case, seats: Mapping[int, int]) -> None:
    people = {person.id: person for person in case.session.scalars(select(Person).where(Person.id.in_(seats.values())))}
    case.session.add_all(
        BinomeMember(
            dossier_id=case.dossier.id,
            seat=seat,
            person_id=person_id,
            institution_id=people[person_id].institution_id,
            derogation=case.data["derogation"] or None,
            since=case.now,
        )
        for seat, person_id in seats.items()
    )
    case.details["members"] = [people[person_id].name for person_id in seats.values()]
    if case.data["derogation"]:
        case.details["derogation"] = case.data["derogation"]


class EffortForm(Form):
    """What a dossier costs each of its instructors."""

    effort = fields.Integer(
        required=True,
        validate=validate.Range(1, MOST_EFFORT, error=N_("Entre 1 et 20 points.")),
        metadata={
            "label": N_("Points d'effort"),
            "widget": "number",
            "help": N_("Estimés au dépôt d'après la somme demandée, le nombre de financeurs et l'ancienneté."),
        },
    )


def _set_effort(case: Case) -> None:
    case.details["effort"] = {"before": case.dossier.effort, "after": case.data["effort"]}
    case.dossier.effort = case.data["effort"]


class Replacement(Form):
    """Who leaves, who comes, and the derogation where the new pair needs one."""

    leaver_id = Reference(N_("Qui quitte le binôme"), "members", required=True)
    newcomer_id = Reference(N_("Qui le remplace"), "instructors", required=True)
    derogation = Text(N_("Dérogation"), longest=LONG, load_default="")


def _replace_member(case: Case) -> None:
    """The leaver's opinion is kept in the journal and no longer counts; a joint text under way falls with it.

    So does a third instructor's part: what they were to settle is open again.
    """
    leaving = case.session.scalar(
        select(BinomeMember).where(
            BinomeMember.dossier_id == case.dossier.id,
            BinomeMember.person_id == case.data["leaver_id"],
            BinomeMember.left_at.is_(None),
            BinomeMember.seat != THIRD,
        )
    )
    if leaving is None or len(proposed_members(case)) != 2:
        raise Invalid({"leaver_id": [N_("Choisissez un membre du binôme.")]})
    leaving.left_at = case.now
    for opinion in standing_opinions(case):
        if opinion.author_id == leaving.person_id:
            opinion.superseded_at = case.now
            if opinion.sealed_at:
                case.details["opinion"] = _content(opinion)
    _dismiss_third(case)
    _supersede_joint(case)
    case.session.flush()
    _seat(case, {leaving.seat: case.data["newcomer_id"]})
    case.details["leaver"] = leaving.person.name


def _dismiss_third(case: Case) -> None:
    """The seat of a third instructor ends, and their opinion no longer counts."""
    seat = case.session.scalar(
        select(BinomeMember).where(
            BinomeMember.dossier_id == case.dossier.id, BinomeMember.seat == THIRD, BinomeMember.left_at.is_(None)
        )
    )
    if seat is None:
        return
    seat.left_at = case.now
    case.session.execute(
        update(Opinion)
        .where(
            Opinion.dossier_id == case.dossier.id,
            Opinion.author_id == seat.person_id,
            Opinion.superseded_at.is_(None),
        )
        .values(superseded_at=case.now)
    )
    case.details["third_dismissed"] = seat.person.name


class Third(Form):
    """Who gives a third opinion where two differ, and why somebody of the same institution where that is so."""

    third_id = Reference(N_("Troisième instructeur"), "instructors", required=True)
    derogation = Text(
        N_("Dérogation"),
        longest=LONG,
        load_default="",
        metadata={"help": N_("Seulement si cette personne vient de la même institution qu'un des deux : pourquoi.")},
    )


def _name_third(case: Case) -> None:
    """The third reads neither opinion before they have sealed theirs, so a joint text under way falls.

    Another third takes the place of the one named before.
    """
    _dismiss_third(case)
    _supersede_joint(case)
    case.session.flush()
    _seat(case, {THIRD: case.data["third_id"]})


def _content(opinion: Opinion) -> dict[str, Any]:
    return {
        "author_id": opinion.author_id,
        "verdict": opinion.verdict,
        "strengths": opinion.strengths,
        "reservations": opinion.reservations,
        "amounts": {str(amount.request_id): amount.proposed_cents for amount in opinion.amounts},
        "scores": {str(score.criterion_id): score.score for score in opinion.scores},
    }


# --- opinions ---------------------------------------------------------------------------------------------------


class OpinionForm(Form):
    """An individual opinion: verdict, scores, strengths, reservations, and what is proposed on each line."""

    verdict = Choice(N_("Avis"), VERDICT_LABELS, load_default=None, allow_none=True)
    scores = fields.Dict(
        keys=fields.Integer(),
        values=fields.Integer(validate=validate.Range(0, HIGHEST, error=N_("Entre 0 et 4."))),
        load_default=dict,
        metadata={"label": N_("Grille de critères"), "widget": "scores"},
    )
    strengths = Text(N_("Points forts"), longest=LONG, load_default="")
    reservations = Text(N_("Réserves"), longest=LONG, load_default="")
    amounts = Amounts(N_("Montant proposé à chaque financeur"), load_default=dict)

    def load(self, data: Any, **options: Any) -> Any:
        """What is left empty is not answered yet."""
        return super().load(_answered(data), **options)


def _answered(data: Any) -> Any:
    if not isinstance(data, Mapping):
        return data
    kept = {key: value for key, value in data.items() if not (key == "verdict" and value == "")}
    for name in ("amounts", "scores"):
        if isinstance(kept.get(name), Mapping):
            kept[name] = {of: value for of, value in kept[name].items() if value not in ("", None)}
    return kept


def _save_opinion(case: Case) -> None:
    case.result = _written(case)


def _seal_opinion(case: Case) -> None:
    """The amounts must stand before the seal: the database lets nothing of a sealed opinion change."""
    opinion = _written(case)
    case.session.flush()
    opinion.sealed_at = case.now
    case.details["opinion"] = opinion.id
    case.payload["mark"] = opinion.id


def _written(case: Case) -> Opinion:
    opinion = case.session.scalar(
        select(Opinion).where(
            Opinion.dossier_id == case.dossier.id,
            Opinion.author_id == case.person_id,
            Opinion.superseded_at.is_(None),
        )
    )
    if opinion is None:
        opinion = Opinion(
            dossier_id=case.dossier.id, author_id=case.person_id, saved_at=case.now, amounts=[], scores=[]
        )
        case.session.add(opinion)
    data = case.data
    opinion.verdict, opinion.strengths, opinion.reservations = data["verdict"], data["strengths"], data["reservations"]
    opinion.saved_at = case.now
    asked = _asked(case, data["amounts"])
    _check_scores(case, data["scores"])
    opinion.amounts.clear()
    if case.dossier.grid_id:
        opinion.scores.clear()
    case.session.flush()
    opinion.scores.extend(OpinionScore(criterion_id=one, score=score) for one, score in data["scores"].items())
    opinion.amounts.extend(OpinionAmount(request_id=line, proposed_cents=data["amounts"][line]) for line in asked)
    return opinion


def _check_scores(case: Case, scores: Mapping[int, int]) -> None:
    """Raises Invalid where something is scored that is no criterion of the dossier's grid."""
    grid = select(Criterion.id).where(Criterion.grid_id == case.dossier.grid_id)
    wrong = scores.keys() - set(case.session.scalars(grid)) if scores else set()
    if wrong:
        raise Invalid({"scores": {str(one): [N_("Ce n'est pas un critère de ce dossier.")] for one in wrong}})


def _asked(case: Case, amounts: Mapping[int, int]) -> dict[int, int]:
    """The dossier's request lines with what is asked. Raises Invalid where an amount is on none, or above it."""
    rows = case.session.execute(
        select(FundingRequest.id, FundingRequest.asked_cents).where(FundingRequest.dossier_id == case.dossier.id)
    )
    asked = {row.id: row.asked_cents for row in rows}
    wrong = {str(line): [N_("Ce n'est pas une demande de ce dossier.")] for line in amounts.keys() - asked.keys()}
    wrong |= {
        str(line): [N_("Plus que le montant demandé.")]
        for line, cents in amounts.items()
        if line in asked and cents > asked[line]
    }
    if wrong:
        raise Invalid({"amounts": wrong})
    return {line: asked[line] for line in amounts}


class JointForm(Form):
    """A joint text: sign the one that stands (`joint_id`), or write another in its place."""

    joint_id = fields.Integer(load_default=None, allow_none=True, metadata={"widget": "hidden", "label": ""})
    verdict = Choice(N_("Avis commun"), VERDICT_LABELS, load_default=None, allow_none=True)
    body = Text(N_("Texte commun"), longest=LONG, load_default="")
    amounts = Amounts(N_("Montant proposé à chaque financeur"), load_default=dict)

    def load(self, data: Any, **options: Any) -> Any:
        """What is left empty is not answered."""
        return super().load(_answered(data), **options)


def _sign_joint_opinion(case: Case) -> None:
    joint = _current_joint(case)
    if joint is not None and joint.basis == "arbitrated":
        raise Refused(
            Reason(
                "arbitrated",
                N_("L'animateur a tranché : son arbitrage tient."),
                N_("Rendez l'avis ; s'il faut en changer, demandez à l'animateur un autre arbitrage."),
            )
        )
    if case.data["joint_id"] is not None:
        if joint is None or joint.id != case.data["joint_id"] or joint.basis != "reconciled":
            raise Invalid({"joint_id": [N_("Ce texte a été remplacé : relisez le nouveau.")]})
        if any(signature.person_id == case.person_id for signature in joint.signatures):
            raise Invalid({"joint_id": [N_("Vous avez déjà signé ce texte ; l'autre instructeur doit le signer.")]})
    else:
        joint = _write_joint(case, "reconciled")
    joint.signatures.append(JointSignature(person_id=case.person_id, at=case.now))
    case.details |= {"joint_opinion": joint.id, "signatures": len(joint.signatures)}
    case.payload["mark"] = f"{joint.id}-{len(joint.signatures)}"


class Arbitration(Form):
    """What the animator decides where the two opinions differ."""

    verdict = Choice(N_("Avis retenu"), VERDICT_LABELS, load_default=None, allow_none=True)
    reason = reason(N_("Motif de l'arbitrage"))
    amounts = Amounts(N_("Montant proposé à chaque financeur"), load_default=dict)

    def load(self, data: Any, **options: Any) -> Any:
        """What is left empty is not answered."""
        return super().load(_answered(data), **options)


def _arbitrate(case: Case) -> None:
    joint = _write_joint(case, "arbitrated")
    case.details["joint_opinion"] = joint.id


def _write_joint(case: Case, basis: str) -> JointOpinion:
    data = case.data
    body = data.get("body") or data.get("reason") or ""
    text = "body" if "body" in data else "reason"
    missing: dict[str, Any] = {
        name: [N_("À remplir.")] for name, value in (("verdict", data["verdict"]), (text, body)) if not value
    }
    asked = _asked(case, data["amounts"])
    missing |= _unanswered(case, data["amounts"])
    if missing:
        raise Invalid(missing)
    _supersede_joint(case)
    joint = JointOpinion(
        dossier_id=case.dossier.id,
        basis=basis,
        verdict=data["verdict"],
        body=body,
        written_by_id=case.person_id,
        written_at=case.now,
        amounts=[JointAmount(request_id=line, proposed_cents=data["amounts"][line]) for line in asked],
        signatures=[],
    )
    case.session.add(joint)
    case.session.flush()
    return joint


def _unanswered(case: Case, amounts: Mapping[int, int]) -> dict[str, Any]:
    """Messages for the lines that a joint opinion says nothing of: no funder may be left without an answer."""
    lines = case.session.scalars(select(FundingRequest.id).where(FundingRequest.dossier_id == case.dossier.id))
    silent = {str(line): [N_("À remplir.")] for line in lines if line not in amounts}
    return {"amounts": silent} if silent else {}


def _current_joint(case: Case) -> JointOpinion | None:
    return case.session.scalar(
        select(JointOpinion).where(JointOpinion.dossier_id == case.dossier.id, JointOpinion.superseded_at.is_(None))
    )


def _supersede_joint(case: Case) -> None:
    case.session.execute(
        update(JointOpinion)
        .where(JointOpinion.dossier_id == case.dossier.id, JointOpinion.superseded_at.is_(None))
        .values(superseded_at=case.now)
    )


def _issue_opinion(case: Case) -> None:
    """Two that agree become the joint opinion; else the one that was signed or arbitrated is issued as it stands."""
    joint = _merged(case) if case.facts.opinions_agree else _current_joint(case)
    if joint is None:
        raise NotFound("joint_opinion")
    for amount in joint.amounts:
        case.session.execute(
            update(FundingRequest)
            .where(FundingRequest.id == amount.request_id)
            .values(proposed_cents=amount.proposed_cents)
        )
    case.session.flush()
    joint.issued_at = case.now
    case.details |= {"joint_opinion": joint.id, "verdict": joint.verdict, "basis": joint.basis}
    case.payload["verdict"] = joint.verdict


def _merged(case: Case) -> JointOpinion:
    """Two opinions that agree, as one; of three, the two that do."""
    standing = standing_opinions(case)
    authors = {content.author_id for content in agreeing(contents(case, standing)) or ()}
    opinions = [opinion for opinion in standing if opinion.author_id in authors]
    _supersede_joint(case)
    body = "\n\n".join(
        text for texts in (("strengths",), ("reservations",)) for o in opinions if (text := getattr(o, texts[0]))
    )
    joint = JointOpinion(
        dossier_id=case.dossier.id,
        basis="agreed",
        verdict=opinions[0].verdict,
        body=body,
        written_by_id=case.person_id,
        written_at=case.now,
        amounts=[JointAmount(request_id=a.request_id, proposed_cents=a.proposed_cents) for a in opinions[0].amounts],
        signatures=[JointSignature(person_id=o.author_id, at=o.sealed_at) for o in opinions],
    )
    case.session.add(joint)
    return joint


def _reopen_instruction(case: Case) -> None:
    """The sealed opinions stay as they were and no longer count; each author finds a copy to go on from."""
    _dismiss_third(case)
    case.session.flush()
    for opinion in standing_opinions(case):
        if opinion.sealed_at is None:
            continue
        opinion.superseded_at = case.now
        copy = Opinion(
            dossier_id=case.dossier.id,
            author_id=opinion.author_id,
            verdict=opinion.verdict,
            strengths=opinion.strengths,
            reservations=opinion.reservations,
            saved_at=case.now,
            amounts=[OpinionAmount(request_id=a.request_id, proposed_cents=a.proposed_cents) for a in opinion.amounts],
            scores=[OpinionScore(criterion_id=one.criterion_id, score=one.score) for one in opinion.scores],
        )
        case.session.flush()
        case.session.add(copy)
    _supersede_joint(case)
    case.session.execute(
        update(FundingRequest).where(FundingRequest.dossier_id == case.dossier.id).values(proposed_cents=None)
    )
    case.dossier.session_id = None
    case.payload["reason"] = case.data["reason"]


ACTS = (
    Act("assign", DOSSIER, Assignment, _assign),
    Act("set_effort", DOSSIER, EffortForm, _set_effort),
    Act("replace_member", DOSSIER, Replacement, _replace_member),
    Act("save_opinion", DOSSIER, OpinionForm, _save_opinion, versioned=False, quiet=True),
    Act("seal_opinion", DOSSIER, OpinionForm, _seal_opinion, versioned=False),
    Act("sign_joint_opinion", DOSSIER, JointForm, _sign_joint_opinion),
    Act("name_third", DOSSIER, Third, _name_third),
    Act("arbitrate", DOSSIER, Arbitration, _arbitrate),
    Act("issue_opinion", DOSSIER, Form, _issue_opinion),
    Act("reopen_instruction", DOSSIER, Reasoned, _reopen_instruction),
)
