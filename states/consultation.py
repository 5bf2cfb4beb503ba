"""The life of one question put to an expert."""

from states.dossier import ANIMATOR, BINOME, EXPERT, ROLES, SYSTEM
from states.guards import GUARDS
from states.table import SAME, Row, Table

CONSULTATION = Table(
    name="consultation",
    states=("asked", "answered", "declined", "expired", "revoked"),
    terminal=frozenset({"answered", "declined", "expired", "revoked"}),
    roles=ROLES,
    rows=(
        Row("answer", ("asked",), "answered", (EXPERT,), ("answer_given",)),
        Row("decline", ("asked",), "declined", (EXPERT,), ("reason_given",)),
        Row("expire", ("asked",), "expired", (SYSTEM,), ("consultation_overdue",)),
        Row("revoke", ("asked",), "revoked", (BINOME,), ("reason_given",)),
    ),
    acts=(
        Row("extend", ("asked",), SAME, (BINOME, ANIMATOR), ("due_date_ahead",)),
        Row("note", ("expired",), SAME, (EXPERT,), ("answer_given", "nothing_noted_yet")),
    ),
    guards=GUARDS,
)
