"""The life of one control mission, from the draw to its conclusion."""

from states.dossier import ADMINISTRATOR, CARRIER, CONTROLLER, ROLES, TRANSVERSAL
from states.guards import GUARDS
from states.table import SAME, Row, Table

CONTROL = Table(
    name="control",
    states=("drawn", "announced", "findings_sent", "concluded"),
    terminal=frozenset({"concluded"}),
    roles=ROLES,
    rows=(
        Row(
            "announce",
            ("drawn",),
            "announced",
            (CONTROLLER,),
            ("control_taken_up", "controller_named", "controller_independent", "pair_named", "visit_date_given"),
        ),
        Row(
            "send_findings",
            ("announced",),
            "findings_sent",
            (CONTROLLER,),
            (
                "controller_named",
                "controller_independent",
                "grid_whole",
                "realisation_found",
                "spending_found",
                "findings_signed",
                "due_date_ahead",
            ),
        ),
        Row(
            "conclude",
            ("findings_sent",),
            "concluded",
            (CONTROLLER,),
            ("controller_named", "controller_independent", "carrier_heard", "findings_signed"),
        ),
    ),
    acts=(
        Row(
            "join_control",
            ("drawn", "announced", "findings_sent"),
            SAME,
            (CONTROLLER,),
            ("second_awaited", "controller_independent", "controller_apart"),
        ),
        Row(
            "name_controllers",
            ("drawn", "announced", "findings_sent"),
            SAME,
            (TRANSVERSAL, ADMINISTRATOR),
            ("two_controllers", "controllers_known", "controllers_independent", "controllers_apart"),
        ),
        Row("fill_grid", ("announced",), SAME, (CONTROLLER,), ("controller_named", "controller_independent")),
        Row("enter_expense", ("announced",), SAME, (CONTROLLER,), ("controller_named", "controller_independent")),
        Row("strike_expense", ("announced",), SAME, (CONTROLLER,), ("controller_named", "controller_independent")),
        Row("write_findings", ("announced",), SAME, (CONTROLLER,), ("controller_named", "controller_independent")),
        Row(
            "sign_findings",
            ("announced", "findings_sent"),
            SAME,
            (CONTROLLER,),
            (
                "controller_named",
                "controller_independent",
                "pair_named",
                "grid_whole",
                "realisation_found",
                "spending_found",
            ),
        ),
        Row("reply", ("findings_sent",), SAME, (CARRIER,), ("answer_given",)),
    ),
    guards=GUARDS,
)
