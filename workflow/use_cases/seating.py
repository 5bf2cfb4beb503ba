"""Journey of a binôme's seats: assigned, replaced, and a third instructor where the two opinions differ."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import func, select, update

from states.dossier import DOSSIER
from states.words import N_
from workflow.acts import Act, Case
from workflow.errors import Invalid
from workflow.facts import proposed_members, standing_opinions
from workflow.forms import LONG, Form, Reference, Text
from workflow.models import BinomeMember, JointOpinion, Opinion, OpinionGrid, Person
from workflow.models.instruction import THIRD

MOST_EFFORT = 20


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
    dismiss_third(case)
    supersede_joint(case)
    case.session.flush()
    _seat(case, {leaving.seat: case.data["newcomer_id"]})
    case.details["leaver"] = leaving.person.name


def dismiss_third(case: Case) -> None:
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
    dismiss_third(case)
    supersede_joint(case)
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


def supersede_joint(case: Case) -> None:
    """A joint text under way no longer counts."""
    case.session.execute(
        update(JointOpinion)
        .where(JointOpinion.dossier_id == case.dossier.id, JointOpinion.superseded_at.is_(None))
        .values(superseded_at=case.now)
    )


ACTS = (
    Act("assign", DOSSIER, Assignment, _assign),
    Act("set_effort", DOSSIER, EffortForm, _set_effort),
    Act("replace_member", DOSSIER, Replacement, _replace_member),
    Act("name_third", DOSSIER, Third, _name_third),
)
