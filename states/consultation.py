"""The life of one question put to an expert."""

from states.dossier import ANIMATOR, BINOME, EXPERT, ROLES, SYSTEM
from states.guards import GUARDS
from states.table import SAME, Row, Table

CONSULTATION = Table(
    name="consultation",
    states=("asked", "answered", "declined", "expired", "revoked", "handed_over"),
    terminal=frozenset({"answered", "declined", "expired", "revoked", "handed_over"}),
    roles=ROLES,
    rows=(
        Row("answer", ("asked",), "answered", (EXPERT,), ("answer_given",)),
        Row("decline", ("asked",), "declined", (EXPERT,), ("reason_given",)),
        Row("expire", ("asked",), "expired", (SYSTEM,), ("consultation_overdue",)),
        Row("revoke", ("asked",), "revoked", (BINOME,), ("reason_given",)),
        Row(
            "hand_over",
            ("asked",),
            "handed_over",
            (BINOME,),
            (
                "colleague_proposed",
                "still_instructed",
                "time_for_colleague",
                "colleague_without_conflict",
                "colleague_not_retired",
                "colleague_not_asked",
            ),
        ),
    ),
    acts=(
        Row("extend", ("asked",), SAME, (BINOME, ANIMATOR), ("due_date_ahead",)),
        Row("note", ("expired",), SAME, (EXPERT,), ("answer_given", "nothing_noted_yet")),
        Row("propose_colleague", ("asked",), SAME, (EXPERT,), ("reason_given", "no_colleague_proposed")),
        Row("refuse_colleague", ("asked",), SAME, (BINOME,), ("colleague_proposed", "reason_given")),
    ),
    guards=GUARDS,
)
