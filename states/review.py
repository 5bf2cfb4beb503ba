"""The life of the in-depth review of one action, half-way through the territory's contract."""

from states.dossier import EVALUATOR, REVIEWER, ROLES, TRANSVERSAL
from states.guards import GUARDS
from states.table import SAME, Row, Table

ELIGIBLE = (TRANSVERSAL, EVALUATOR)
"""Who may be named to review. Both judge without instructing, funding or controlling: the transversal committee reads
every dossier already, an evaluator gains the one reviewed and no other. Controllers are left out, because control stays
apart from the steering of the project; instructors, funders and carriers, because they made the action what it is.
"""

_SIGNING = ("reviewer_independent", "review_whole", "review_not_signed")

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
