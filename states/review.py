"""The life of the in-depth review of one action, half-way through the territory's contract."""

from states.dossier import EVALUATOR, REVIEWER, ROLES, TRANSVERSAL
from states.guards import GUARDS
from states.table import SAME, Row, Table

ELIGIBLE = (TRANSVERSAL, EVALUATOR)
"""Who may be named to review: these two roles judge. The transversal committee reads every dossier already, an
evaluator gains the one reviewed and no other.

A role hides nothing. Whoever holds another besides, or held one, is kept from each action that they carried,
instructed, decided on for a funder, evaluated or control, whatever the role they are named by; and who reviews an
action does not control it, because control stays apart from the steering of the project.
"""

_SIGNING = (
    "reviewer_independent",
    "colleague_independent",
    "reviewers_still_apart",
    "review_whole",
    "review_not_signed",
)

REVIEW = Table(
    name="review",
    states=("to_review", "under_review", "reviewed"),
    terminal=frozenset({"reviewed"}),
    roles=ROLES,
    rows=(
        Row(
            "name_reviewers",
            ("to_review", "under_review"),
            "under_review",
            (TRANSVERSAL,),
            ("two_reviewers", "reviewers_known", "reviewers_independent", "reviewers_of_two_institutions"),
        ),
        Row("sign_review", ("under_review",), "reviewed", (REVIEWER,), _SIGNING, when="colleague_signed"),
        Row("sign_review", ("under_review",), SAME, (REVIEWER,), _SIGNING),
    ),
    acts=(Row("fill_review", ("under_review",), SAME, (REVIEWER,), ("reviewer_independent",)),),
    guards=GUARDS,
)
