"""The deposit form, step by step: what is asked, what is wrong, and how a draft keeps everything typed."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, validate, validates_schema
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from states.dossier import CARRIER
from states.words import N_
from workflow.acts import Case
from workflow.errors import Invalid
from workflow.forms import LONG, Amounts, Cents, Choice, Day, Form, Reference, Text
from workflow.models import BudgetLine, Commune, Dossier, FundingRequest, Institution, Objective, Organisation
from workflow.models.reference import LEVELS
from workflow.plain import plain
from workflow.use_cases.notes import note_change, snapshot
from workflow.use_cases.organisations import KIND_LABELS, Siret
from workflow.use_cases.people import EmailAddress

LEVEL_LABELS = dict(zip(LEVELS, (N_("Arrondissement"), N_("Agglomération"), N_("Commune")), strict=True))
NEED_LABELS = {"first": N_("Première demande"), "renewed": N_("Renouvellement")}
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
MOST_LINES = 100
SUBSIDIES = "74"

# --- the steps --------------------------------------------------------------------------------------------------


class OrganisationStep(Form):
    """Who carries the action."""

    siret = Siret(
        N_("Numéro SIRET"),
        required=True,
        metadata={"help": N_("14 chiffres, à recopier de l'avis de situation de l'INSEE."), "widget": "siret"},
    )
    name = Text(N_("Nom de l'organisme"), required=True)
    kind = Choice(N_("Nature"), KIND_LABELS, required=True)
    address = Text(N_("Adresse"), longest=LONG, load_default="", metadata={"widget": "text"})
    email = EmailAddress(N_("Adresse électronique de contact"), load_default="")
    phone = Text(N_("Téléphone"), longest=30, load_default="", metadata={"widget": "tel"})


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


_SENSIBLE_DAY = validate.Range(
    min=date(2000, 1, 1), max=date(2099, 12, 31), error=N_("Vérifiez l'année : elle n'est pas possible.")
)


class PublicStep(Form):
    """For whom, when, and how it will be judged."""

    public = Text(N_("Public visé"), longest=LONG, required=True)
    beneficiaries = fields.Integer(
        required=True,
        validate=validate.Range(min=0, max=1_000_000, error=N_("Nombre hors limites.")),
        metadata={"label": N_("Nombre de bénéficiaires prévu"), "widget": "int"},
    )
    starts_on = Day(N_("Date de début"), required=True, validate=_SENSIBLE_DAY)
    ends_on = Day(N_("Date de fin"), required=True, validate=_SENSIBLE_DAY)
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


_SOME_MONEY = validate.Range(min=1, error=N_("Indiquez une somme."))


class ExpenseLine(Form):
    """One line of the expenses."""

    account = Choice(N_("Compte"), ACCOUNTS["expense"], required=True)
    label = Text(N_("Libellé"), load_default="")
    amount_cents = Cents(N_("Montant"), required=True, validate=_SOME_MONEY)


class IncomeLine(ExpenseLine):
    """One line of the incomes."""

    account = Choice(N_("Compte"), ACCOUNTS["income"], required=True)


def _lines_of(form: type[Form], label: str) -> fields.List[Any]:
    return fields.List(
        fields.Nested(form),
        load_default=list,
        validate=validate.Length(max=MOST_LINES, error=N_("Cent lignes au plus.")),
        error_messages={"invalid": N_("Données attendues.")},
        metadata={"label": label},
    )


class BudgetStep(Form):
    """Expenses and incomes; they must be equal at deposit, not while the draft is being written."""

    expense = _lines_of(ExpenseLine, N_("Dépenses"))
    income = _lines_of(IncomeLine, N_("Recettes"))


class RequestsStep(Form):
    """What is asked of each funder: {institution id: cents}."""

    requests = Amounts(
        N_("Montant demandé à chaque financeur"),
        load_default=dict,
        error_messages={"invalid": N_("Données attendues.")},
    )


ATTESTATION = {
    "label": N_(
        "J'atteste sur l'honneur l'exactitude de ces informations et que l'organisme est à jour de ses "
        "obligations sociales et fiscales."
    ),
    "widget": "checkbox",
}


class AttestationStep(Form):
    """The sworn statement."""

    attested = fields.Boolean(load_default=False, metadata=ATTESTATION)


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
_NEVER_EMPTY = frozenset({"siret", "name", "kind"})
"""The organisation exists already: emptying these is a mistake, not an answer still to come."""
_TOGETHER = {"public": ("starts_on", "ends_on")}
"""Columns that are judged together: where only one is given, the other is taken as it stands."""


class Draft(Form):
    """A step of the form as typed (`step` named: what is wrong is kept aside), or any of its fields, all valid."""

    step = fields.String(load_default=None, validate=validate.OneOf(list(STEPS), error=N_("Choisissez dans la liste.")))
    values = fields.Dict(keys=fields.String(), load_default=dict, error_messages={"invalid": N_("Données attendues.")})


# --- what was typed, tidied ---------------------------------------------------------------------------------------


def blank(value: Any) -> bool:
    """Whether an answer is none."""
    return value is None or (isinstance(value, str) and not value.strip())


def _lines(given: Any) -> Any:
    """The lines that are not empty, in their order; a page sends {rank: line}."""
    if isinstance(given, Mapping):
        given = [line for _, line in sorted(given.items(), key=lambda item: (len(item[0]), item[0]))]
    if not isinstance(given, list):
        return given
    return [_line(line) for line in given if not (_is_blank_line(line) or blank(line))]


def _line(line: Any) -> Any:
    return {"account": "", "amount_cents": "", **line} if isinstance(line, Mapping) else line


def _is_blank_line(line: Any) -> bool:
    return isinstance(line, Mapping) and all(blank(value) for value in line.values())


def _asked(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {funder: amount for funder, amount in given.items() if not blank(amount)}


_TIDY: Mapping[str, Callable[[Any], Any]] = {"expense": _lines, "income": _lines, "requests": _asked}


def tidied(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a page or program sent, without empty budget lines and empty sums."""
    return {name: _TIDY[name](value) if name in _TIDY else value for name, value in values.items()}


def cents(typed: Any) -> int:
    """A sum as typed, for a total while typing; 0 where it is none."""
    try:
        return int(Cents().deserialize(typed))
    except ValidationError:
        return 0


# --- what is wrong ------------------------------------------------------------------------------------------------

Wrong = dict[str, Any]
"""Messages per field, nested as the input is."""


def check(session: Session, dossier: Dossier, step: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], Wrong]:
    """What is valid in the tidied answers to a step, and the messages for the rest. Nothing is required yet."""
    form = STEPS[step]()
    try:
        valid, wrong = dict(form.load(given, partial=True, unknown=EXCLUDE)), {}
    except ValidationError as error:
        wrong = dict(error.messages_dict)
        valid = dict(error.valid_data) if isinstance(error.valid_data, dict) else {}
    empty = {name for name in wrong if blank(given.get(name)) and name not in _NEVER_EMPTY}
    wrong = {name: message for name, message in wrong.items() if name not in empty}
    valid = {name: value for name, value in valid.items() if name not in wrong} | dict.fromkeys(empty)
    if step in _KNOWN:
        wrong |= _KNOWN[step](session, dossier, valid)
    return {name: value for name, value in valid.items() if name not in wrong}, wrong


def _known_organisation(session: Session, dossier: Dossier, valid: Mapping[str, Any]) -> Wrong:
    own = dossier.organisation
    siret = valid.get("siret", own.siret)
    if siret == own.siret and valid.get("kind", own.kind) == own.kind:
        return {}
    if is_fixed(session, dossier.organisation_id):
        changed = [name for name in ("siret", "kind") if valid.get(name, getattr(own, name)) != getattr(own, name)]
        return {
            name: [N_("Un dossier est déjà déposé sous cette identité : l'administrateur seul la change.")]
            for name in changed
        }
    if session.scalar(select(Organisation.id).where(Organisation.siret == siret, Organisation.id != own.id)):
        return {"siret": [N_("Ce numéro SIRET est déjà celui d'un autre organisme.")]}
    return {}


def is_fixed(session: Session, organisation_id: int) -> bool:
    """Whether the SIRET and the nature of an organisation stand: a dossier was deposited under them."""
    deposited = select(Dossier.id).where(Dossier.organisation_id == organisation_id, Dossier.number.is_not(None))
    return session.scalar(deposited.limit(1)) is not None


_LISTS = {
    "objective_id": select(Objective.id).where(Objective.level == "operational"),
    "commune_id": select(Commune.id),
}


def _known_action(session: Session, _dossier: Dossier, valid: Mapping[str, Any]) -> Wrong:
    return {
        name: [N_("Choisissez dans la liste.")]
        for name, known in _LISTS.items()
        if valid.get(name) is not None and valid[name] not in set(session.scalars(known))
    }


def _known_funders(session: Session, _dossier: Dossier, valid: Mapping[str, Any]) -> Wrong:
    if not valid.get("requests"):
        return {}
    funders = set(session.scalars(select(Institution.id).where(Institution.funder_code.is_not(None))))
    strangers = {str(funder): [N_("Financeur inconnu.")] for funder in valid["requests"] if funder not in funders}
    return {"requests": strangers} if strangers else {}


_KNOWN: Mapping[str, Callable[[Session, Dossier, Mapping[str, Any]], Wrong]] = {
    "organisation": _known_organisation,
    "action": _known_action,
    "requests": _known_funders,
}


def problems(session: Session, dossier: Dossier) -> dict[str, Wrong]:
    """What is wrong in what a draft keeps as typed: the messages of each step that has any."""
    found = {
        name: check(session, dossier, name, _with_standing(dossier, name, kept))[1]
        for name, kept in dossier.typed.items()
        if name in STEPS and kept
    }
    return {name: wrong for name, wrong in found.items() if wrong}


# --- saving -------------------------------------------------------------------------------------------------------


def edit_draft(case: Case) -> None:
    """Save what is valid in its column and what is not as it was typed; the result is the messages per field.

    Raises Invalid where no step is named and something is wrong.
    """
    step, values = case.data["step"], tidied(case.data["values"])
    chosen = [step] if step else [name for name, form in STEPS.items() if set(values) & set(form().fields)]
    errors: Wrong = {}
    typed = dict(case.dossier.typed)
    for name in chosen:
        given = {key: value for key, value in values.items() if key in STEPS[name]().fields}
        given = _with_standing(case.dossier, name, given)
        valid, wrong = check(case.session, case.dossier, name, given)
        _SAVE[name](case, valid, wrong)
        kept = {key: value for key, value in typed.get(name, {}).items() if key not in given}
        typed[name] = kept | {key: given[key] for key in wrong if key in given}
        errors |= wrong
    if step is None:
        unknown = set(values) - {field for name in chosen for field in STEPS[name]().fields}
        errors |= {name: [N_("Champ inconnu.")] for name in unknown}
        if errors:
            raise Invalid(errors)
    case.dossier.typed = {name: kept for name, kept in typed.items() if kept}
    case.dossier.search_text = search_text(case.dossier)
    case.result = errors


def _with_standing(dossier: Dossier, step: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers, with what is judged together with them as it stands."""
    names = _TOGETHER.get(step, ())
    if not set(names) & set(given):
        return dict(given)
    standing = {name: getattr(dossier, name) for name in names if name not in given}
    return {**{name: day.isoformat() for name, day in standing.items() if day is not None}, **given}


_Saver = Callable[[Case, Mapping[str, Any], Wrong], None]


def _save_columns(case: Case, valid: Mapping[str, Any], wrong: Wrong) -> None:
    """A wrong answer replaces the one before, too: its column is emptied."""
    columns = Dossier.__table__.c
    for name, value in {**dict.fromkeys(wrong), **valid}.items():
        if name in columns:
            default = columns[name].default
            setattr(case.dossier, name, default.arg if value is None and default is not None else value)


def _save_organisation(case: Case, valid: Mapping[str, Any], wrong: Wrong) -> None:
    organisation = case.dossier.organisation
    names = ("siret", "name", "kind")
    before = snapshot(organisation, *names, "address", "email", "phone")
    for name, value in valid.items():
        setattr(organisation, name, value or "")
    after = snapshot(organisation, *before)
    if before != after:
        contact = {} if all(before[n] == after[n] for n in ("address", "email", "phone")) else {"contact": "changed"}
        note_change(
            case.session,
            case.actor,
            CARRIER,
            "update_organisation",
            organisation,
            case.now,
            before={name: before[name] for name in names},
            after={name: after[name] for name in names} | contact,
        )


def _save_budget(case: Case, valid: Mapping[str, Any], _wrong: Wrong) -> None:
    for side in valid:
        case.session.execute(
            delete(BudgetLine).where(BudgetLine.dossier_id == case.dossier.id, BudgetLine.side == side)
        )
        case.session.add_all(
            BudgetLine(dossier_id=case.dossier.id, side=side, **{"label": "", **line}) for line in valid[side] or ()
        )


def _save_requests(case: Case, valid: Mapping[str, Any], _wrong: Wrong) -> None:
    if "requests" not in valid:
        return
    case.session.execute(delete(FundingRequest).where(FundingRequest.dossier_id == case.dossier.id))
    case.session.add_all(
        FundingRequest(dossier_id=case.dossier.id, funder_id=funder, asked_cents=asked)
        for funder, asked in (valid["requests"] or {}).items()
        if asked
    )


_SAVE: Mapping[str, _Saver] = {
    "organisation": _save_organisation,
    "action": _save_columns,
    "public": _save_columns,
    "budget": _save_budget,
    "requests": _save_requests,
    "attestation": _save_columns,
}


def search_text(dossier: Dossier) -> str:
    """What a dossier is found by: number, carrier, title."""
    return plain(f"{dossier.number or ''} {dossier.organisation.name} {dossier.title}")
