"""The spending ledger of a control: the vouchers read, what of each is charged to the action, accepted and refused."""

from marshmallow import fields
from sqlalchemy import select

from states.control import CONTROL
from states.guards import euros
from states.machine import Reason
from states.words import N_
from workflow.acts import Act, Case
from workflow.errors import Invalid, NotFound, Refused
from workflow.forms import LONG, Cents, Day, Form, Percent, Text
from workflow.ledger import WHOLE, allocated
from workflow.models import LedgerLine, Mission


class Expense(Form):
    """A voucher. `line_id` and `seen` name the line that is changed and its version as it was shown."""

    line_id = fields.Integer(load_default=None, metadata={"widget": "hidden"})
    seen = fields.Integer(load_default=None, metadata={"widget": "hidden"})
    spent_on = Day(N_("Date de la dépense"), required=True)
    label = Text(N_("Libellé"), required=True)
    voucher = Text(N_("Justificatif"), required=True)
    amount_cents = Cents(N_("Montant du justificatif"), required=True)
    share = Percent(N_("Part imputée à l'action (%)"), load_default=WHOLE)
    refused_cents = Cents(N_("Somme refusée"), load_default=0)
    reason = Text(N_("Motif du refus"), longest=LONG, load_default="")


class Struck(Form):
    """The line that goes, and its version as it was shown."""

    line_id = fields.Integer(required=True, metadata={"widget": "hidden"})
    seen = fields.Integer(load_default=None, metadata={"widget": "hidden"})


def _enter_expense(case: Case) -> None:
    data = case.data
    charged = allocated(data["amount_cents"], data["share"])
    problems = {}
    if not data["amount_cents"]:
        problems["amount_cents"] = [N_("Une dépense vaut au moins un centime.")]
    elif data["refused_cents"] > charged:
        problems["refused_cents"] = [N_("On ne refuse pas plus que la part imputée à l'action.")]
    if data["refused_cents"] and not data["reason"]:
        problems["reason"] = [N_("Dites pourquoi la somme est refusée.")]
    if problems:
        raise Invalid(problems)
    if data["line_id"] is None:
        line = LedgerLine(mission_id=case.subject.id, version=0)
        case.session.add(line)
    else:
        line = _line(case)
    for name in ("spent_on", "label", "voucher", "amount_cents", "share", "refused_cents", "reason"):
        setattr(line, name, data[name])
    line.accepted_cents = charged - line.refused_cents
    line.entered_by_id, line.entered_at = case.person_id, case.now
    line.version += 1
    _unsign(case)


def _strike_expense(case: Case) -> None:
    try:
        line = _line(case)
    except NotFound:
        return  # a colleague removed it: nothing is left to do
    case.session.delete(line)
    _unsign(case)


def _unsign(case: Case) -> None:
    if isinstance(case.subject, Mission):
        case.subject.unsign()


def _line(case: Case) -> LedgerLine:
    """The line named, as it was shown. Raises NotFound, or Refused where somebody changed it since."""
    line = case.session.scalar(
        select(LedgerLine).where(LedgerLine.id == case.data["line_id"], LedgerLine.mission_id == case.subject.id)
    )
    if line is None:
        raise NotFound("expense")
    if case.data["seen"] not in (None, line.version):
        raise Refused(
            Reason(
                "line_unchanged",
                N_("Cette ligne a été modifiée entre-temps : %(label)s, %(amount)s, dont %(refused)s refusés."),
                N_("Comparez avec ce que vous avez saisi, puis rouvrez la ligne."),
                {
                    "label": line.label,
                    "amount": euros(line.amount_cents),
                    "refused": euros(line.refused_cents),
                },
            )
        )
    return line


ACTS = (
    Act("enter_expense", CONTROL, Expense, _enter_expense, versioned=False, quiet=True),
    Act("strike_expense", CONTROL, Struck, _strike_expense, versioned=False, quiet=True),
)
