"""Journey of the opinions: individual ones and the joint one. Who gives them: `workflow.use_cases.seating`."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import select, update

from states.dossier import DOSSIER
from states.machine import Reason
from states.words import N_
from workflow.acts import Act, Case
from workflow.errors import Invalid, NotFound, Refused
from workflow.facts import contents, standing_opinions
from workflow.forms import LONG, Amounts, Choice, Form, Text, reason
from workflow.grids import HIGHEST
from workflow.models import (
    Criterion,
    FundingRequest,
    JointAmount,
    JointOpinion,
    JointSignature,
    Opinion,
    OpinionAmount,
    OpinionScore,
)
from workflow.opinions import agreeing
from workflow.use_cases.intake import Reasoned
from workflow.use_cases.seating import dismiss_third, supersede_joint

VERDICT_LABELS = {
    "favourable": N_("Favorable"),
    "with_reservations": N_("Favorable avec réserves"),
    "unfavourable": N_("Défavorable"),
    "deferred": N_("À différer"),
}


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
    supersede_joint(case)
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
    supersede_joint(case)
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
    dismiss_third(case)
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
    supersede_joint(case)
    case.session.execute(
        update(FundingRequest).where(FundingRequest.dossier_id == case.dossier.id).values(proposed_cents=None)
    )
    case.dossier.session_id = None
    case.payload["reason"] = case.data["reason"]


ACTS = (
    Act("save_opinion", DOSSIER, OpinionForm, _save_opinion, versioned=False, quiet=True),
    Act("seal_opinion", DOSSIER, OpinionForm, _seal_opinion, versioned=False),
    Act("sign_joint_opinion", DOSSIER, JointForm, _sign_joint_opinion),
    Act("arbitrate", DOSSIER, Arbitration, _arbitrate),
    Act("issue_opinion", DOSSIER, Form, _issue_opinion),
    Act("reopen_instruction", DOSSIER, Reasoned, _reopen_instruction),
)
