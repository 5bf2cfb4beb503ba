"""Journey of the mid-term review: who reviews a drawn action, their grid, written together, and their signatures."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from marshmallow import fields
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from states.review import REVIEW
from states.words import N_
from workflow.acts import Act, Case
from workflow.common_grids import newest
from workflow.control_grid import seen
from workflow.errors import NotFound, Refused
from workflow.forms import LONG, Choice, Form, Reference, Text
from workflow.models import Review, ReviewCriterion, ReviewGrid, ReviewScore
from workflow.reviews import SUMMARY, mark_of
from workflow.use_cases.evaluation import Level
from workflow.use_cases.grid_answers import Answers, refuse_clashes, renewed
from workflow.use_cases.sampling_plans import refuse

PROPOSED = Path(__file__).parent.parent / "reference" / "review_grid.toml"
DIMENSION_LABELS = {
    "relevance": N_("Pertinence"),
    "coherence": N_("Cohérence"),
    "impact": N_("Impact"),
}
RECOMMENDATION_LABELS = {
    "continue": N_("Poursuivre telle quelle"),
    "adjust": N_("Ajuster"),
    "extend": N_("Étendre"),
    "stop": N_("Arrêter"),
}
_SUMMARY_LABEL = N_("Bilan de la revue")


def renew(session: Session, now: datetime) -> int:
    """Make a version of the grid where the last one says something else than the reference file; how many were made."""
    return renewed(session, ReviewGrid, ReviewCriterion, PROPOSED, now)


class Reviewers(Form):
    """The two who review an action."""

    first_id = Reference(N_("Premier relecteur"), "reviewers", required=True)
    second_id = Reference(N_("Second relecteur"), "reviewers", required=True)


def _review(case: Case) -> Review:
    """The review with its scores, as it stands now."""
    return case.session.get_one(Review, case.subject.id, options=[selectinload(Review.scores)], populate_existing=True)


def _name_reviewers(case: Case) -> None:
    """Others than before have signed nothing; the text stays for them."""
    review = _review(case)
    named = case.data["first_id"], case.data["second_id"]
    if named != (review.first_id, review.second_id):
        review.first_signed_at = review.second_signed_at = None
    review.first_id, review.second_id = named
    if review.grid_id is None:
        grid = newest(case.session, ReviewGrid)
        if grid is None:
            raise NotFound("review_grid")
        review.grid_id = grid.id
    case.details["reviewers"] = sorted(one.name for one in case.facts.reviewers)


class Judgement(Form):
    """What is said on a criterion; `seen` is the mark of it as it was shown."""

    level = Level(N_("Niveau"))
    justification = Text(N_("Ce qui justifie ce niveau"), longest=LONG, load_default="")
    seen = fields.String(load_default=None)


class ReviewSummary(Form):
    """What the review comes to; `seen` is the mark of it as it was shown."""

    strengths = Text(N_("Forces"), longest=LONG, load_default="")
    weaknesses = Text(N_("Limites"), longest=LONG, load_default="")
    recommendation = Choice(
        N_("Recommandation pour l'orientation"),
        RECOMMENDATION_LABELS,
        load_default=None,
        allow_none=True,
        metadata={"widget": "radio"},
    )
    reason = Text(N_("Motif de la recommandation"), longest=LONG, load_default="")
    seen = fields.String(load_default=None)


class ReviewForm(Form):
    """The joint grid, as far as it goes: what is not named stays as it is."""

    answers = Answers(N_("Grille de la revue"), Judgement)
    summary = fields.Nested(ReviewSummary, metadata={"label": _SUMMARY_LABEL})


def _untouched(case: Case, given: Mapping[str, Any], content: tuple[Any, ...], author: int | None) -> bool:
    """Whether an answer comes back as it was shown, while a colleague wrote another: theirs stays."""
    return author != case.actor.person_id and given["seen"] == seen(*content)


def _clashes(case: Case, given: Mapping[str, Any], before: tuple[Any, ...], author: int | None) -> bool:
    """Whether a colleague wrote what the page did not show. A page that saves itself goes on from what it saved."""
    return author not in (None, case.actor.person_id) and given["seen"] not in (None, seen(*before))


def _fill_review(case: Case) -> None:
    """Write what was changed; every change of the text takes the signatures away."""
    review = _review(case)
    labels = dict(
        case.session.execute(
            select(ReviewCriterion.id, ReviewCriterion.label).where(ReviewCriterion.grid_id == review.grid_id)
        ).all()
    )
    answers: Mapping[int, Mapping[str, Any]] = case.data["answers"]
    if not labels.keys() >= answers.keys():
        raise NotFound("criterion")
    standing = {score.criterion_id: score for score in review.scores}
    changed, clashing = False, []
    for criterion_id, given in answers.items():
        old = standing.get(criterion_id)
        said = (given["level"], given["justification"])
        before, author = ((old.level, old.justification), old.saved_by_id) if old else ((None, ""), None)
        if said == before or _untouched(case, given, said, author):
            continue
        if _clashes(case, given, before, author):
            clashing.append(labels[criterion_id])
            continue
        score = old or ReviewScore(criterion_id=criterion_id)
        score.level, score.justification = said
        score.saved_by_id = case.person_id
        if old is None:
            review.scores.append(score)
        changed = True
    summary = case.data.get("summary")
    if summary is not None:
        content = tuple(summary[name] for name in SUMMARY)
        before = tuple(getattr(review, name) for name in SUMMARY)
        if content != before and not _untouched(case, summary, content, review.saved_by_id):
            if _clashes(case, summary, before, review.saved_by_id):
                clashing.append(_SUMMARY_LABEL)
            for name, value in zip(SUMMARY, content, strict=True):
                setattr(review, name, value)
            review.saved_at, review.saved_by_id = case.now, case.person_id
            changed = True
    refuse_clashes(clashing)
    if changed:
        review.first_signed_at = review.second_signed_at = None


class ReviewSignature(Form):
    """The text that is signed: `seen` is its mark as it was shown."""

    seen = fields.String(required=True, metadata={"widget": "hidden", "label": N_("Texte relu")})


def _sign_review(case: Case) -> None:
    review = _review(case)
    mark = mark_of(review)
    if case.data["seen"] != mark:
        raise _changed_since()
    if review.first_id == case.actor.person_id:
        review.first_signed_at = case.now
    else:
        review.second_signed_at = case.now
    if case.target == "reviewed":
        review.sealed_at = case.now
    case.details["text"] = mark
    case.payload["mark"] = mark


def _changed_since() -> Refused:
    return refuse(
        "review_changed",
        N_("Le texte a changé depuis que vous l'avez ouvert."),
        N_("Relisez-le, puis signez."),
    )


ACTS = (
    Act("name_reviewers", REVIEW, Reviewers, _name_reviewers),
    Act("fill_review", REVIEW, ReviewForm, _fill_review, versioned=False, quiet=True),
    Act("sign_review", REVIEW, ReviewSignature, _sign_review),
)
