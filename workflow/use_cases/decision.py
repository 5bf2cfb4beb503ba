"""Journey of the decision: sessions, each funder on its own line, appeals."""

from sqlalchemy import select, update

from states.dossier import DOSSIER
from states.words import N_
from workflow import campaigns
from workflow.acts import Act, Case
from workflow.errors import Invalid
from workflow.forms import LONG, Cents, Form, Reference, Text
from workflow.lines import envelope_for, own_line
from workflow.models import CommitteeSession, FundingRequest
from workflow.use_cases.intake import Reasoned


class Tabling(Form):
    """The committee session at which the dossier is decided."""

    session_id = Reference(N_("Séance"), "sessions", load_default=None, allow_none=True)


def _table(case: Case) -> None:
    meeting = case.session.get(CommitteeSession, case.data["session_id"])
    if meeting is None:
        raise Invalid({"session_id": [N_("Choisissez dans la liste.")]})
    case.dossier.session_id = meeting.id
    case.due_on = meeting.on
    case.details |= {"session": meeting.label, "on": meeting.on.isoformat()}
    case.payload |= {"session": meeting.label, "on": meeting.on.isoformat()}


def _defer(case: Case) -> None:
    case.dossier.session_id = None
    case.payload["reason"] = case.data["reason"]


class Decision(Form):
    """What a funder decides on its line: a sum, or zero with the motive of the refusal."""

    request_id = Reference(N_("Ligne de financement"), "own_requests", required=True)
    amount_cents = Cents(N_("Montant accordé"), required=True, metadata={"help": N_("Zéro pour refuser")})
    motive = Text(N_("Motif"), longest=LONG, load_default="")


def _decide_request(case: Case) -> None:
    """The envelope's sum follows by a database trigger; its CHECK is the last line against overspending."""
    line, amount, motive = own_line(case), case.data["amount_cents"], case.data["motive"]
    if amount == 0 and not motive:
        raise Invalid({"motive": [N_("Écrivez le motif du refus : il sera dit au porteur.")]})
    envelope = envelope_for(case, line)
    line.decision = "granted" if amount else "refused"
    line.granted_cents = amount or None
    line.envelope_id = envelope.id if envelope and amount else None
    line.motive, line.decided_at, line.decided_by_id = motive, case.now, case.person_id
    case.details |= {"request": line.id, "funder": line.funder.short, "amount_cents": amount, "motive": motive}


def _fund(case: Case) -> None:
    case.dossier.notified_at = case.now


def _refuse(case: Case) -> None:
    case.dossier.notified_at = case.now


def _appeal_upheld(case: Case) -> None:
    """A refused dossier's lines are open again; what was decided stays in the journal."""
    lines = case.session.scalars(select(FundingRequest).where(FundingRequest.dossier_id == case.dossier.id))
    case.details["decisions"] = [
        {"request": line.id, "decision": line.decision, "motive": line.motive} for line in lines
    ]
    case.session.execute(
        update(FundingRequest)
        .where(FundingRequest.dossier_id == case.dossier.id)
        .values(decision="pending", decided_at=None, decided_by_id=None, motive="")
    )
    if case.target == "funding_decision":
        case.due_on = campaigns.dates(case.session, case.dossier.campaign_id).get("funder_decision")
    case.payload["reason"] = case.data["reason"]


ACTS = (
    Act("table", DOSSIER, Tabling, _table),
    Act("defer", DOSSIER, Reasoned, _defer),
    Act("decide_request", DOSSIER, Decision, _decide_request, versioned=False),
    Act("fund", DOSSIER, Form, _fund),
    Act("refuse", DOSSIER, Form, _refuse),
    Act("appeal_upheld", DOSSIER, Reasoned, _appeal_upheld),
)
