"""Journey of the follow-up: agreement, payments, reports, cancellation."""

from marshmallow import fields, validate

from states.dossier import DOSSIER
from states.words import N_
from workflow import campaigns
from workflow.acts import Act, Case
from workflow.forms import LONG, Cents, Choice, Day, Form, Reference, Text, reason
from workflow.lines import own_line
from workflow.models import Agreement, Payment, Report

PAYMENT_LABELS = {"advance": N_("Avance"), "instalment": N_("Acompte"), "balance": N_("Solde")}


class AgreementForm(Form):
    """The agreement or award order of one funder."""

    request_id = Reference(N_("Ligne de financement"), "own_requests", required=True)
    reference = Text(N_("Référence de la convention ou de l'arrêté"), required=True)
    signed_on = Day(N_("Signée le"), required=True)


def _sign_agreement(case: Case) -> None:
    line = own_line(case)
    case.session.add(
        Agreement(
            request_id=line.id,
            reference=case.data["reference"],
            signed_on=case.data["signed_on"],
            recorded_at=case.now,
            recorded_by_id=case.person_id,
        )
    )
    case.details |= {"request": line.id, "funder": line.funder.short, "reference": case.data["reference"]}
    case.payload |= {"mark": line.id, "funder": line.funder.short}


class PaymentForm(Form):
    """A payment of one funder."""

    request_id = Reference(N_("Ligne de financement"), "own_requests", required=True)
    kind = Choice(N_("Nature"), PAYMENT_LABELS, required=True)
    amount_cents = Cents(N_("Montant versé"), required=True)
    paid_on = Day(N_("Versé le"), required=True)


def _record_payment(case: Case) -> None:
    """The line's paid sum follows by a database trigger; its CHECK refuses what exceeds the grant."""
    line, amount = own_line(case), case.data["amount_cents"]
    payment = Payment(
        request_id=line.id,
        kind=case.data["kind"],
        amount_cents=amount,
        paid_on=case.data["paid_on"],
        recorded_at=case.now,
        recorded_by_id=case.person_id,
    )
    case.session.add(payment)
    case.session.flush()
    case.details |= {"request": line.id, "funder": line.funder.short, "amount_cents": amount}
    case.payload |= {"mark": payment.id, "funder": line.funder.short, "amount_cents": amount}


class ReportForm(Form):
    """A report of the carrier. Sums and numbers are those reached so far."""

    narrative = Text(N_("Ce qui a été fait"), longest=LONG, required=True)
    beneficiaries = fields.Integer(
        required=True,
        validate=validate.Range(min=0, max=1_000_000, error=N_("Nombre hors limites.")),
        metadata={"label": N_("Nombre de bénéficiaires"), "widget": "int"},
    )
    spent_cents = Cents(N_("Dépenses réalisées"), required=True)
    indicators = Text(N_("Indicateurs : ce que vous avez mesuré"), longest=LONG, load_default="")


def _submit_progress_report(case: Case) -> None:
    _report(case, "progress")


def _submit_final_report(case: Case) -> None:
    _report(case, "final")
    _evaluation_due(case)


def _report(case: Case, kind: str) -> None:
    case.session.add(
        Report(dossier_id=case.dossier.id, kind=kind, received=True, at=case.now, by_id=case.person_id, **case.data)
    )
    case.details |= {"beneficiaries": case.data["beneficiaries"], "spent_cents": case.data["spent_cents"]}


def _evaluation_due(case: Case) -> None:
    case.due_on = campaigns.dates(case.session, case.dossier.campaign_id).get("control_draw")


class MissingReport(Form):
    """What was tried to get the report."""

    reason = reason(N_("Relances faites"))


def _establish_report_missing(case: Case) -> None:
    case.session.add(
        Report(
            dossier_id=case.dossier.id,
            kind="final",
            received=False,
            narrative=case.data["reason"],
            at=case.now,
            by_id=case.person_id,
        )
    )
    _evaluation_due(case)


class Cancellation(Form):
    """Why the action is given up, and what is to be paid back."""

    reason = reason()
    payback_cents = Cents(N_("Somme à rembourser"), load_default=None, allow_none=True)


def _cancel_action(case: Case) -> None:
    case.details["payback_cents"] = case.data["payback_cents"]
    case.payload |= {"reason": case.data["reason"], "payback_cents": case.data["payback_cents"]}


ACTS = (
    Act("sign_agreement", DOSSIER, AgreementForm, _sign_agreement, versioned=False),
    Act("record_payment", DOSSIER, PaymentForm, _record_payment, versioned=False),
    Act("submit_progress_report", DOSSIER, ReportForm, _submit_progress_report, versioned=False),
    Act("submit_final_report", DOSSIER, ReportForm, _submit_final_report),
    Act("establish_report_missing", DOSSIER, MissingReport, _establish_report_missing),
    Act("cancel_action", DOSSIER, Cancellation, _cancel_action),
)
