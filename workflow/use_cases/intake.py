"""Journey of the deposit: draft, deposit, completion, admissibility, routing, messages, withdrawal."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate, validates_schema
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from states.dossier import ANIMATOR, CARRIER, DOSSIER
from states.machine import Reason
from states.words import N_
from workflow import files, journal, links, routing
from workflow.access import Actor
from workflow.acts import Act, Case
from workflow.errors import Forbidden, Invalid, NotFound
from workflow.forms import LONG, Amounts, Cents, Choice, Day, Form, Lines, Reference, Text, read, reason
from workflow.models import (
    AssociatedInstance,
    BinomeMember,
    BudgetLine,
    Campaign,
    Commune,
    Consultation,
    Document,
    Dossier,
    FundingRequest,
    Instance,
    Institution,
    LateDeposit,
    Message,
    Objective,
    Opinion,
    Organisation,
    Piece,
    RoutingStep,
    SecretLink,
)
from workflow.models.reference import LEVELS
from workflow.queries.routes import load_rules
from workflow.siret import is_siret

KIND_LABELS = {"association": N_("Association"), "commune": N_("Commune"), "public": N_("Organisme public")}
LEVEL_LABELS = dict(zip(LEVELS, (N_("Arrondissement"), N_("Agglomération"), N_("Commune")), strict=True))
NEED_LABELS = {"first": N_("Première demande"), "renewed": N_("Renouvellement")}
DOCUMENT_LABELS = {
    "statutes": N_("Statuts"),
    "accounts": N_("Comptes annuels"),
    "bank_details": N_("RIB"),
    "quote": N_("Devis"),
    "report": N_("Bilan"),
    "other": N_("Autre pièce"),
}
ACCOUNTS = {
    "expense": {
        "60": N_("60 – Achats"),
        "61": N_("61 – Services extérieurs"),
        "62": N_("62 – Autres services extérieurs"),
        "63": N_("63 – Impôts et taxes"),
        "64": N_("64 – Charges de personnel"),
        "65": N_("65 – Autres charges de gestion courante"),
        "66": N_("66 – Charges financières"),
        "68": N_("68 – Dotations aux amortissements"),
        "86": N_("86 – Emplois des contributions volontaires"),
    },
    "income": {
        "70": N_("70 – Vente de produits et services"),
        "74": N_("74 – Subventions"),
        "75": N_("75 – Autres produits de gestion courante"),
        "76": N_("76 – Produits financiers"),
        "78": N_("78 – Reprises sur amortissements"),
        "87": N_("87 – Contributions volontaires en nature"),
    },
}
"""Classes of the chart of accounts of associations, as in the common subsidy form (CERFA 12156)."""

# --- the form, step by step -------------------------------------------------------------------------------------


class OrganisationStep(Form):
    """Who carries the action."""

    siret = Text(N_("Numéro SIRET"), required=True, metadata={"help": N_("14 chiffres"), "siret": True})
    name = Text(N_("Nom de l'organisme"), required=True)
    kind = Choice(N_("Nature"), KIND_LABELS, required=True)
    address = Text(N_("Adresse"), load_default="")
    email = Text(N_("Adresse électronique de contact"), load_default="", metadata={"widget": "email"})
    phone = Text(N_("Téléphone"), load_default="")

    @pre_load
    def _bare_siret(self, data: Mapping[str, Any], **_: Any) -> Mapping[str, Any]:
        return {**data, "siret": "".join(str(data["siret"]).split())} if "siret" in data else data

    @validates_schema(skip_on_field_errors=False)
    def _siret(self, data: Mapping[str, Any], **_: Any) -> None:
        if "siret" in data and not is_siret(data["siret"]):
            raise ValidationError(
                N_("Ce numéro SIRET n'est pas valable : 14 chiffres, à recopier de l'avis INSEE."), "siret"
            )


class ActionStep(Form):
    """What is proposed."""

    title = Text(N_("Titre de l'action"), required=True)
    objective_id = Reference(N_("Objectif opérationnel"), "operational_objectives", required=True)
    level = Choice(N_("Échelle du territoire"), LEVEL_LABELS, required=True)
    commune_id = Reference(
        N_("Commune"),
        "communes",
        load_default=None,
        allow_none=True,
        metadata={"help": N_("Pour une action à l'échelle d'une commune")},
    )
    need = Choice(N_("Cette action est"), NEED_LABELS, required=True)
    summary = Text(N_("Description de l'action"), longest=LONG, required=True)

    @pre_load
    def _no_commune(self, data: Mapping[str, Any], **_: Any) -> Mapping[str, Any]:
        return {**data, "commune_id": None} if data.get("commune_id") == "" else data

    @validates_schema(skip_on_field_errors=False)
    def _commune(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("level") == "commune" and "commune_id" in data and not data["commune_id"]:
            raise ValidationError(N_("Choisissez la commune."), "commune_id")


class PublicStep(Form):
    """For whom, when, and how it will be judged."""

    public = Text(N_("Public visé"), longest=LONG, required=True)
    beneficiaries = fields.Integer(
        required=True,
        validate=validate.Range(min=0, max=1_000_000, error=N_("Nombre hors limites.")),
        metadata={"label": N_("Nombre de bénéficiaires prévu"), "widget": "int"},
    )
    starts_on = Day(N_("Date de début"), required=True)
    ends_on = Day(N_("Date de fin"), required=True)
    partners = Text(N_("Partenaires de l'action"), longest=LONG, load_default="")
    indicators = Text(
        N_("Indicateurs d'évaluation"),
        longest=LONG,
        required=True,
        metadata={"help": N_("Comment saurez-vous que l'action a réussi ? Un ou deux indicateurs suffisent.")},
    )

    @validates_schema(skip_on_field_errors=False)
    def _period(self, data: Mapping[str, Any], **_: Any) -> None:
        starts, ends = data.get("starts_on"), data.get("ends_on")
        if starts and ends and ends < starts:
            raise ValidationError(N_("La fin est avant le début."), "ends_on")


class BudgetLineForm(Form):
    """One line of the budget."""

    account = Text(N_("Compte"), required=True)
    label = Text(N_("Libellé"), load_default="")
    amount_cents = Cents(N_("Montant"), required=True)


class BudgetStep(Form):
    """Expenses and incomes; they must be equal at deposit, not while the draft is being written."""

    expense = fields.List(fields.Nested(BudgetLineForm), load_default=list, metadata={"label": N_("Dépenses")})
    income = fields.List(fields.Nested(BudgetLineForm), load_default=list, metadata={"label": N_("Recettes")})

    @pre_load
    def _written_lines(self, data: Mapping[str, Any], **_: Any) -> Mapping[str, Any]:
        """A page sends {rank: line}, with empty lines between; they are dropped."""
        return {side: _lines(data[side]) if isinstance(data[side], Mapping) else data[side] for side in data}

    @validates_schema(skip_on_field_errors=True)
    def _accounts(self, data: Mapping[str, Any], **_: Any) -> None:
        for side, accounts in ACCOUNTS.items():
            for rank, line in enumerate(data.get(side, ())):
                if line["account"] not in accounts:
                    raise ValidationError({side: {rank: {"account": [N_("Choisissez dans la liste.")]}}})
                if line["amount_cents"] == 0:
                    raise ValidationError({side: {rank: {"amount_cents": [N_("Indiquez une somme.")]}}})


def _lines(typed: Mapping[str, Any]) -> list[Any]:
    ranks = sorted(typed, key=lambda rank: int(rank) if rank.isdigit() else 0)
    return [typed[rank] for rank in ranks if any(typed[rank].get(name) for name in ("label", "amount_cents"))]


class RequestsStep(Form):
    """What is asked of each funder: {institution id: cents}."""

    requests = Amounts(N_("Montant demandé à chaque financeur"), load_default=dict)

    @pre_load
    def _asked(self, data: Mapping[str, Any], **_: Any) -> Mapping[str, Any]:
        requests = data.get("requests")
        if not isinstance(requests, Mapping):
            return data
        return {**data, "requests": {k: v for k, v in requests.items() if v not in ("", None)}}


class AttestationStep(Form):
    """The sworn statement."""

    attested = fields.Boolean(
        load_default=False,
        metadata={
            "label": N_(
                "J'atteste sur l'honneur l'exactitude de ces informations et que l'organisme est à jour de ses "
                "obligations sociales et fiscales."
            ),
            "widget": "checkbox",
        },
    )


STEPS: Mapping[str, type[Form]] = {
    "organisation": OrganisationStep,
    "action": ActionStep,
    "public": PublicStep,
    "budget": BudgetStep,
    "requests": RequestsStep,
    "attestation": AttestationStep,
}
STEP_LABELS = {
    "organisation": N_("Votre organisme"),
    "action": N_("L'action"),
    "public": N_("Public et calendrier"),
    "budget": N_("Budget"),
    "requests": N_("Financements demandés"),
    "attestation": N_("Vérifier et déposer"),
}


class Draft(Form):
    """A step of the form as typed (`step` named: what is wrong is kept aside), or any of its fields, all valid."""

    step = fields.String(load_default=None, validate=validate.OneOf(list(STEPS)))
    values = fields.Dict(keys=fields.String(), load_default=dict)


def create(session: Session, actor: Actor, organisation_id: int, campaign_id: int, now: datetime) -> Dossier:
    """Open a draft for one of the actor's organisations. Raises Forbidden for another's, NotFound for no campaign."""
    actor.require(CARRIER)
    if organisation_id not in actor.organisations or actor.person_id is None:
        raise Forbidden(
            Reason("role", N_("Vous ne représentez pas cet organisme."), N_("Demandez à l'administrateur un accès."))
        )
    if session.get(Campaign, campaign_id) is None:
        raise NotFound("campaign")
    dossier = Dossier(
        campaign_id=campaign_id,
        organisation_id=organisation_id,
        state=DOSSIER.initial,
        state_since=now,
        created_at=now,
        created_by_id=actor.person_id,
        typed={},
    )
    session.add(dossier)
    session.flush()
    links.make(session, "tracking", {"dossier_id": dossier.id}, now)
    journal.note(
        session,
        at=now,
        actor_id=actor.person_id,
        actor_name=actor.name,
        role=CARRIER,
        act="create",
        subject=f"dossier:{dossier.id}",
        dossier_id=dossier.id,
        dossier_version=1,
        to_state=DOSSIER.initial,
    )
    return dossier


def _edit_draft(case: Case) -> None:
    """Save what is valid in its column and what is not as it was typed; the result is the messages per field."""
    step, values = case.data["step"], case.data["values"]
    chosen = [step] if step else [name for name, form in STEPS.items() if set(values) & set(form().fields)]
    errors: dict[str, Any] = {}
    typed = dict(case.dossier.typed)
    for name in chosen:
        form = STEPS[name]()
        known = {key: value for key, value in values.items() if key in form.fields}
        valid, wrong = _partly(form, known)
        _SAVE[name](case, valid, wrong)
        errors |= wrong
        typed[name] = {key: values[key] for key in wrong if key in values}
    unknown = set(values) - {field for name in chosen for field in STEPS[name]().fields}
    if step is None and (errors or unknown):
        raise Invalid(errors | {name: [N_("Champ inconnu.")] for name in unknown})
    case.dossier.typed = {name: kept for name, kept in typed.items() if kept}
    case.dossier.search_text = search_text(case.dossier)
    case.result = errors


def _partly(form: Schema, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is valid in `values`, and the messages for the rest. Nothing is required while drafting."""
    try:
        return dict(form.load(values, partial=True, unknown=EXCLUDE)), {}
    except ValidationError as error:
        messages: dict[str, Any] = dict(error.messages_dict)
        empty = {key for key in messages if values.get(key) == ""}
        valid = {**error.valid_data, **dict.fromkeys(empty)} if isinstance(error.valid_data, dict) else {}
        kept = {key: value for key, value in messages.items() if key not in empty}
        return {key: value for key, value in valid.items() if key not in kept}, kept


_KNOWN = {
    "objective_id": select(Objective.id).where(Objective.level == "operational"),
    "commune_id": select(Commune.id),
}


def _save_columns(case: Case, valid: Mapping[str, Any], wrong: dict[str, Any]) -> None:
    columns = Dossier.__table__.c
    for name, known in _KNOWN.items():
        if valid.get(name) is not None and valid[name] not in set(case.session.scalars(known)):
            wrong[name] = [N_("Choisissez dans la liste.")]
    for name, value in valid.items():
        if name not in wrong:
            setattr(case.dossier, name, "" if value is None and not columns[name].nullable else value)


def _save_organisation(case: Case, valid: Mapping[str, Any], wrong: dict[str, Any]) -> None:
    organisation = case.dossier.organisation
    siret = valid.get("siret")
    holder = case.session.scalar(select(Organisation.id).where(Organisation.siret == siret)) if siret else None
    if holder not in (None, organisation.id):
        wrong["siret"] = [N_("Ce numéro SIRET est déjà celui d'un autre organisme.")]
        valid = {name: value for name, value in valid.items() if name != "siret"}
    for name, value in valid.items():
        if value or name in ("address", "email", "phone"):
            setattr(organisation, name, value or "")


def _save_budget(case: Case, valid: Mapping[str, Any], wrong: Mapping[str, Any]) -> None:
    for side in ACCOUNTS:
        if side in valid and side not in wrong:
            case.session.execute(
                delete(BudgetLine).where(BudgetLine.dossier_id == case.dossier.id, BudgetLine.side == side)
            )
            case.session.add_all(BudgetLine(dossier_id=case.dossier.id, side=side, **line) for line in valid[side])


def _save_requests(case: Case, valid: Mapping[str, Any], wrong: dict[str, Any]) -> None:
    if "requests" not in valid:
        return
    asked = {funder: cents for funder, cents in valid["requests"].items() if cents}
    funders = set(
        case.session.scalars(
            select(Institution.id).where(Institution.funder_code.is_not(None), Institution.id.in_(asked))
        )
    )
    if set(asked) - funders:
        wrong["requests"] = {str(unknown): [N_("Financeur inconnu.")] for unknown in set(asked) - funders}
        return
    case.session.execute(delete(FundingRequest).where(FundingRequest.dossier_id == case.dossier.id))
    case.session.add_all(
        FundingRequest(dossier_id=case.dossier.id, funder_id=funder, asked_cents=cents)
        for funder, cents in asked.items()
    )


_SAVE: Mapping[str, Any] = {
    "organisation": _save_organisation,
    "action": _save_columns,
    "public": _save_columns,
    "budget": _save_budget,
    "requests": _save_requests,
    "attestation": _save_columns,
}


def plain(text: str) -> str:
    """`text` without accents, in lower case: what searches compare."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()


def search_text(dossier: Dossier) -> str:
    """What a dossier is found by: number, carrier, title."""
    return plain(f"{dossier.number or ''} {dossier.organisation.name} {dossier.title}")


# --- the deposit ------------------------------------------------------------------------------------------------


class Submission(Form):
    """The sworn statement, where it was not already made in the last step."""

    attested = fields.Boolean(load_default=False, metadata=AttestationStep().fields["attested"].metadata)


def _submit(case: Case) -> None:
    dossier = case.dossier
    dossier.attested = True
    dossier.number = _next_number(case)
    dossier.submitted_at = case.now
    dossier.search_text = search_text(dossier)
    _route(case)
    case.details["number"] = dossier.number
    case.payload["link_id"] = case.session.scalar(
        select(func.max(SecretLink.id)).where(SecretLink.dossier_id == dossier.id)
    )


_NEXT = text(
    "INSERT INTO number_series (campaign_id, last) VALUES (:campaign, 1) "
    "ON CONFLICT (campaign_id) DO UPDATE SET last = number_series.last + 1 RETURNING last"
)


def _next_number(case: Case) -> str:
    campaign = case.dossier.campaign
    rank = case.session.execute(_NEXT, {"campaign": campaign.id}).scalar_one()
    return f"{campaign.year}-{rank:04d}"


def _route(case: Case) -> None:
    """Lead and associated instances by the rules in force; none where nothing matches."""
    dossier = case.dossier
    query = routing.Query(
        objective=dossier.objective.code if dossier.objective else "",
        level=dossier.level,
        commune=dossier.commune.label if dossier.commune else None,
    )
    routed = routing.route(load_rules(case.session), query)
    if routed.rule:
        dossier.instance_id = routed.rule.lead_id
        case.session.add_all(
            AssociatedInstance(dossier_id=dossier.id, instance_id=instance_id)
            for instance_id in routed.rule.associated_ids
        )
    _routed(case, routed.reason, None)


def _routed(case: Case, why: str, by: int | None) -> None:
    case.session.add(
        RoutingStep(dossier_id=case.dossier.id, instance_id=case.dossier.instance_id, reason=why, at=case.now, by_id=by)
    )
    case.details["routing"] = why


class LateDepositForm(Form):
    """A derogation for a carrier's late deposit."""

    organisation_id = Reference(N_("Porteur"), "organisations", required=True)
    campaign_id = Reference(N_("Campagne"), "campaigns", required=True)
    until = Day(N_("Dépôt possible jusqu'au"), required=True)
    reason = Text(N_("Motif de la dérogation"), longest=LONG, required=True)


def allow_late_deposit(session: Session, actor: Actor, raw: Mapping[str, Any], now: datetime) -> LateDeposit:
    """Write a late-deposit derogation. Animators only. Raises Forbidden or Invalid."""
    actor.require(ANIMATOR)
    data = read(LateDepositForm(), raw)
    for name, model in (("organisation_id", Organisation), ("campaign_id", Campaign)):
        if session.get(model, data[name]) is None:
            raise Invalid({name: [N_("Choisissez dans la liste.")]})
    derogation = LateDeposit(**data, by_id=actor.person_id, at=now)
    session.add(derogation)
    session.flush()
    journal.note(
        session,
        at=now,
        actor_id=actor.person_id,
        actor_name=actor.name,
        role=ANIMATOR,
        act="allow_late_deposit",
        subject=f"late_deposit:{derogation.id}",
        reason=derogation.reason,
        details={"organisation_id": derogation.organisation_id, "until": derogation.until.isoformat()},
    )
    return derogation


# --- completeness, admissibility, routing ---------------------------------------------------------------------------


class CompletionRequest(Form):
    """Which pieces or precisions are missing, and by when."""

    pieces = Lines(N_("Pièces ou précisions demandées"), load_default=list, metadata={"help": N_("Une par ligne")})
    due_on = Day(N_("Réponse attendue le"), load_default=None)


def _request_completion(case: Case) -> None:
    pieces, due_on = case.data["pieces"], case.data["due_on"]
    case.session.add_all(
        Piece(dossier_id=case.dossier.id, label=label, asked_at=case.now, asked_by_id=case.person_id, due_on=due_on)
        for label in pieces
    )
    case.due_on = due_on
    case.details["pieces"] = pieces
    case.payload |= {"pieces": pieces, "due_on": due_on.isoformat()}


class PieceAnswer(Form):
    """The answer to one demand, kept until the whole is sent."""

    piece_id = fields.Integer(required=True)
    answer = Text(N_("Votre réponse"), longest=LONG, required=True)
    document_id = fields.Integer(load_default=None, allow_none=True)


def _answer_piece(case: Case) -> None:
    _answer(case, case.data["piece_id"], case.data["answer"], case.data["document_id"])


def _answer(case: Case, piece_id: int, answer: str, document_id: int | None = None) -> None:
    piece = case.session.get(Piece, piece_id)
    if piece is None or piece.dossier_id != case.dossier.id:
        raise NotFound("piece")
    if document_id is not None:
        document = case.session.get(Document, document_id)
        if document is None or document.dossier_id != case.dossier.id:
            raise NotFound("document")
        piece.document_id = document_id
    piece.answer, piece.answered_at = answer, case.now


class Completion(Form):
    """The answers that are still missing: {piece id: answer}."""

    answers = fields.Dict(
        keys=fields.Integer(),
        values=Text("", longest=LONG),
        load_default=dict,
        metadata={"label": N_("Vos réponses"), "widget": "answers"},
    )


def _complete(case: Case) -> None:
    for piece_id, answer in case.data["answers"].items():
        if answer:
            _answer(case, piece_id, answer)


class Reasoned(Form):
    """An act that asks for its motive."""

    reason = reason()


def _declare_inadmissible(case: Case) -> None:
    case.dossier.notified_at = case.now
    case.payload["reason"] = case.data["reason"]


class Rerouting(Form):
    """Another lead instance, and why."""

    instance_id = Reference(N_("Instance"), "instances", required=True)
    reason = reason(N_("Pourquoi cette instance"))


def _reroute(case: Case) -> None:
    """The binôme is dissolved; its opinions no longer count."""
    instance = case.session.get(Instance, case.data["instance_id"])
    if instance is None:
        raise Invalid({"instance_id": [N_("Choisissez dans la liste.")]})
    before = case.dossier.instance.label if case.dossier.instance else None
    case.session.execute(
        update(BinomeMember)
        .where(BinomeMember.dossier_id == case.dossier.id, BinomeMember.left_at.is_(None))
        .values(left_at=case.now)
    )
    case.session.execute(
        update(Opinion)
        .where(Opinion.dossier_id == case.dossier.id, Opinion.superseded_at.is_(None))
        .values(superseded_at=case.now)
    )
    case.session.execute(
        delete(AssociatedInstance).where(
            AssociatedInstance.dossier_id == case.dossier.id, AssociatedInstance.instance_id == instance.id
        )
    )
    case.dossier.instance_id = instance.id
    case.details |= {"from_instance": before, "to_instance": instance.label}
    _routed(case, case.data["reason"], case.actor.person_id)


# --- documents, messages, withdrawal --------------------------------------------------------------------------------


class Attachment(Form):
    """A document: its kind and the file (a `workflow.files.Upload`)."""

    kind = Choice(N_("Nature du document"), DOCUMENT_LABELS, required=True)
    file = fields.Raw(required=True, metadata={"label": N_("Fichier"), "widget": "file"})


def _attach_document(case: Case) -> None:
    upload = case.data["file"]
    if not isinstance(upload, files.Upload):
        raise Invalid({"file": [N_("Choisissez un fichier.")]})
    stored = files.store(upload)
    document = Document(
        dossier_id=case.dossier.id,
        kind=case.data["kind"],
        filename=stored.filename,
        media_type=stored.media_type,
        size=stored.size,
        sha256=stored.sha256,
        uploaded_at=case.now,
        uploaded_by_id=case.person_id,
    )
    case.session.add(document)
    case.session.flush()
    case.details |= {"document": document.id, "filename": stored.filename, "sha256": stored.sha256}
    case.result = document


class MessageForm(Form):
    """What is said to the other side."""

    body = Text(N_("Votre message"), longest=LONG, required=True)


def _send_message(case: Case) -> None:
    message = Message(
        dossier_id=case.dossier.id,
        author_id=case.person_id,
        role=CARRIER if CARRIER in case.roles else next(iter(sorted(case.roles & {"binome", ANIMATOR}))),
        body=case.data["body"],
        at=case.now,
    )
    case.session.add(message)
    case.session.flush()
    case.details["message"] = message.id
    case.payload["mark"] = message.id


def _withdraw(case: Case) -> None:
    """Nobody goes on working for a withdrawn dossier: the experts' links end with it."""
    asked = select(Consultation.id).where(Consultation.dossier_id == case.dossier.id, Consultation.state == "asked")
    case.session.execute(update(SecretLink).where(SecretLink.consultation_id.in_(asked)).values(ended_at=case.now))
    case.payload["reason"] = case.data["reason"]


ACTS = (
    Act("edit_draft", DOSSIER, Draft, _edit_draft, quiet=True),
    Act("submit", DOSSIER, Submission, _submit),
    Act("request_completion", DOSSIER, CompletionRequest, _request_completion),
    Act("answer_piece", DOSSIER, PieceAnswer, _answer_piece, versioned=False, quiet=True),
    Act("complete", DOSSIER, Completion, _complete),
    Act("declare_inadmissible", DOSSIER, Reasoned, _declare_inadmissible),
    Act("reroute", DOSSIER, Rerouting, _reroute),
    Act("attach_document", DOSSIER, Attachment, _attach_document, versioned=False),
    Act("send_message", DOSSIER, MessageForm, _send_message, versioned=False),
    Act("withdraw", DOSSIER, Reasoned, _withdraw),
)
