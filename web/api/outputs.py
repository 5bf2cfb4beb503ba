"""What the API answers. A part of a dossier that the reader may not read is null, one that holds nothing is empty.

Descriptions are French message ids; they are translated where the description of the API is served.
"""

from functools import cache
from typing import Any

from marshmallow import Schema, fields, validate

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.dossier import DOSSIER, ROLES
from states.words import N_
from web import words
from workflow.access import INSTRUCTOR
from workflow.models.control import OUTCOMES
from workflow.models.dossier import DOCUMENT_KINDS, NEED, SIDES
from workflow.models.follow_up import PAYMENT_KINDS, RECOMMENDATIONS, REPORT_KINDS
from workflow.models.funding import DECISIONS
from workflow.models.instruction import JOINT_BASES, VERDICTS
from workflow.models.people import HELD_IN
from workflow.models.reference import LEVELS, OBJECTIVE_LEVELS, ORGANISATION_KINDS

# --- parts of schemas ---------------------------------------------------------------------------------------------


def _options(about: str, options: dict[str, Any]) -> dict[str, Any]:
    """Answers hold every field they name; `about` describes it."""
    return {"required": True, "metadata": {"description": about} if about else {}, **options}


def whole(about: str = "", **options: Any) -> fields.Integer:
    """An integer."""
    return fields.Integer(**_options(about, options))


def cents(about: str = "", **options: Any) -> fields.Integer:
    """A sum in integer cents."""
    return fields.Integer(**_options(about or N_("En centimes d'euro."), options))


def text(about: str = "", **options: Any) -> fields.String:
    """A text."""
    return fields.String(**_options(about, options))


def one_of(values: Any, about: str = "", **options: Any) -> fields.String:
    """One of a fixed set of names."""
    return fields.String(validate=validate.OneOf(list(values)), **_options(about, options))


def day(about: str = "", **options: Any) -> fields.Date:
    """A date."""
    return fields.Date(**_options(about, options))


def instant(about: str = "", **options: Any) -> fields.DateTime:
    """An instant, in UTC."""
    return fields.DateTime(**_options(about, options))


def yes_or_no(about: str = "", **options: Any) -> fields.Boolean:
    """A boolean."""
    return fields.Boolean(**_options(about, options))


def nested(schema: type[Schema], about: str = "", **options: Any) -> fields.Nested:
    """Another schema's content."""
    return fields.Nested(schema, **_options(about, options))


def many(schema: type[Schema], about: str = "", **options: Any) -> fields.List[Any]:
    """A list of another schema's content."""
    return fields.List(fields.Nested(schema), **_options(about, options))


class Answer(Schema):
    """Base of what is answered."""


# --- refusals -----------------------------------------------------------------------------------------------------


class Reason(Answer):
    """A rule that refuses, in words, and what would lift it."""

    code = text(N_("Nom de la règle, pour les programmes."))
    message = text(N_("Ce qui s'oppose à la demande."))
    remedy = text(N_("Ce qui la permettrait."))


class Change(Answer):
    """An act done since the version that the caller saw."""

    at = instant()
    who = text()
    role = text()
    act = text()


class Error(Answer):
    """Every refusal of the API."""

    error = text(N_("Nature du refus, pour les programmes."))
    status = whole(N_("Le code HTTP."))
    message = text()
    reasons = many(Reason)
    fields_ = fields.Dict(
        data_key="fields",
        attribute="fields",
        metadata={"description": N_("Ce qui est à corriger, champ par champ, imbriqué comme la demande.")},
    )
    version = fields.Integer(metadata={"description": N_("La version actuelle du dossier, s'il a changé entre-temps.")})
    changes = fields.List(
        fields.Nested(Change),
        metadata={"description": N_("Les actes faits depuis la version que vous aviez vue.")},
    )


# --- who asks -----------------------------------------------------------------------------------------------------


class Grant(Answer):
    """A role and where it is held; no scope for the whole territory."""

    role = one_of(HELD_IN)
    instance_id = whole(allow_none=True)
    institution_id = whole(allow_none=True)
    organisation_id = whole(allow_none=True)


class Me(Answer):
    """The person whose token this is."""

    person_id = whole()
    name = text()
    grants = many(Grant)
    scopes = fields.List(fields.String(validate=validate.OneOf(["read", "write"])), required=True)


# --- reference data -----------------------------------------------------------------------------------------------


class Objective(Answer):
    """A node of the tree of objectives; dossiers name an operational one."""

    id = whole()
    code = text()
    level = one_of(OBJECTIVE_LEVELS)
    label = text()
    parent_id = whole(allow_none=True)


class Theme(Answer):
    """A theme that groups instances."""

    id = whole()
    code = text()
    label = text()


class Instance(Answer):
    """A thematic instance."""

    id = whole()
    code = text()
    label = text()
    theme_id = whole()
    animating_institutions = fields.List(fields.String(), required=True)
    per_commune = yes_or_no()
    to_be_created = yes_or_no()


class Institution(Answer):
    """A partner; one with a funder code is a funder."""

    id = whole()
    label = text()
    kind = text()
    funder_code = text(N_("Présent pour un financeur."), allow_none=True)


class Commune(Answer):
    """A commune of the territory."""

    id = whole()
    label = text()
    local_security_council = yes_or_no()
    urban_renewal_agreement = yes_or_no()


class Milestone(Answer):
    """A dated step of a campaign."""

    code = text()
    label = text()
    on = day(N_("Absente tant que l'échéance n'est pas datée."), allow_none=True)
    funder_id = whole(N_("Présent pour une date propre à un financeur."), allow_none=True)


class Campaign(Answer):
    """A yearly call with its calendar."""

    id = whole()
    label = text()
    year = whole()
    first = day()
    last = day()
    milestones = many(Milestone)


class Route(Answer):
    """A routing rule: read by position, the first that matches wins."""

    id = whole()
    position = whole()
    objective_id = whole()
    objective_code = text(attribute="objective.code")
    level = one_of(LEVELS, allow_none=True)
    commune_id = whole(allow_none=True)
    lead_id = whole(N_("L'instance chef de file."))
    associate_ids = fields.List(fields.Integer(), required=True, metadata={"description": N_("Instances associées.")})
    basis = text()


# --- dossiers -----------------------------------------------------------------------------------------------------


class Summary(Answer):
    """A dossier in a list."""

    id = whole()
    number = text(N_("Donné au dépôt."), allow_none=True)
    title = text()
    state = one_of(DOSSIER.states)
    version = whole()
    campaign_id = whole()
    organisation_id = whole()
    organisation = text()
    instance_id = whole(allow_none=True)
    instance = text(allow_none=True)
    objective_id = whole(allow_none=True)
    due_on = day(N_("Jour pour lequel l'étape est attendue."), allow_none=True)
    late = yes_or_no()
    state_since = instant()
    created_at = instant()
    submitted_at = instant(allow_none=True)


class Page(Answer):
    """One page of the list of dossiers."""

    items = many(Summary)
    next = text(N_("Curseur de la page suivante ; absent à la dernière."), allow_none=True)


class Organisation(Answer):
    """The carrier."""

    id = whole()
    name = text()
    siret = text()
    kind = one_of(ORGANISATION_KINDS)


class Contact(Answer):
    """How to reach the carrier."""

    address = text()
    email = text()
    phone = text()


class Labelled(Answer):
    """Something named."""

    id = whole()
    label = text()


class Step(Answer):
    """Who must act next, on what, by when."""

    role = one_of(ROLES)
    task = text()
    due_on = day(allow_none=True)
    mine = yes_or_no(N_("Est-ce à vous ?"))


class Action(Answer):
    """What the carrier proposes."""

    title = text()
    objective_id = whole(allow_none=True)
    objective_code = text(allow_none=True)
    level = one_of(LEVELS, allow_none=True)
    commune_id = whole(allow_none=True)
    need = one_of(NEED, allow_none=True)
    summary = text()
    public = text()
    beneficiaries = whole(allow_none=True)
    starts_on = day(allow_none=True)
    ends_on = day(allow_none=True)
    partners = text()
    indicators = text()
    attested = yes_or_no()


class Line(Answer):
    """A line of the budget."""

    side = one_of(SIDES)
    account = text()
    label = text()
    amount_cents = cents()


class Agreement(Answer):
    """The agreement of one funder."""

    reference = text()
    signed_on = day()


class Payment(Answer):
    """A payment of one funder."""

    kind = one_of(PAYMENT_KINDS)
    amount_cents = cents()
    paid_on = day()


class Request(Answer):
    """What is asked of one funder, and what became of it as far as the reader may know."""

    id = whole()
    funder_id = whole()
    funder = text()
    asked_cents = cents(attribute="asked")
    proposed_cents = cents(N_("Proposé par le binôme, une fois l'avis rendu."), attribute="proposed", allow_none=True)
    decision = one_of(DECISIONS, allow_none=True)
    granted_cents = cents(attribute="granted", allow_none=True)
    paid_cents = cents(attribute="paid")
    motive = text()
    decided_at = instant(allow_none=True)
    agreement = nested(Agreement, allow_none=True)
    payments = many(Payment)


class Routing(Answer):
    """One routing of the dossier and why."""

    instance = text(allow_none=True)
    reason = text()
    at = instant()


class Piece(Answer):
    """A missing piece that was asked for."""

    id = whole()
    label = text()
    asked_at = instant()
    due_on = day()
    answer = text(allow_none=True)
    answered_at = instant(allow_none=True)
    document_id = whole(allow_none=True)


class Document(Answer):
    """An attached file."""

    id = whole()
    kind = one_of(DOCUMENT_KINDS)
    filename = text()
    size = whole(N_("En octets."))
    uploaded_at = instant()


class Message(Answer):
    """A message between carrier and instruction."""

    id = whole()
    author = text(attribute="name")
    role = text()
    body = text()
    at = instant()


class Member(Answer):
    """One of the two instructors."""

    seat = whole()
    person_id = whole()
    name = text()
    institution = text(allow_none=True)
    since = instant()


class Consultation(Answer):
    """A question put to an expert."""

    id = whole()
    state = one_of(CONSULTATION.states)
    expert = text(attribute="name")
    question = text()
    due_on = day()
    asked_at = instant()
    answer = text(allow_none=True)
    reason = text(allow_none=True)
    ended_at = instant(allow_none=True)


class Proposed(Answer):
    """A sum proposed on one request line."""

    request_id = whole()
    proposed_cents = cents()


class Opinion(Answer):
    """An individual opinion: one's own, or both once both are sealed."""

    author = text()
    own = yes_or_no()
    verdict = one_of(VERDICTS, allow_none=True, attribute="content.verdict")
    strengths = text(attribute="content.strengths")
    reservations = text(attribute="content.reservations")
    saved_at = instant(attribute="content.saved_at")
    sealed_at = instant(attribute="content.sealed_at", allow_none=True)
    amounts = many(Proposed)


class JointOpinion(Answer):
    """What the binôme advises together."""

    id = whole()
    basis = one_of(JOINT_BASES)
    verdict = one_of(VERDICTS)
    body = text()
    written_at = instant()
    issued_at = instant(allow_none=True)
    amounts = many(Proposed)
    signatures = fields.List(fields.String(), required=True)


class Meeting(Answer):
    """The session at which the dossier is decided."""

    id = whole()
    label = text()
    on = day()
    place = text()


class Report(Answer):
    """A report of the carrier."""

    id = whole()
    kind = one_of(REPORT_KINDS)
    received = yes_or_no(N_("Faux pour un bilan final établi comme jamais envoyé."))
    narrative = text()
    beneficiaries = whole(allow_none=True)
    spent_cents = cents(allow_none=True)
    indicators = text()
    at = instant()


class Evaluation(Answer):
    """The judgement on the action."""

    relevance = whole()
    coherence = whole()
    effectiveness = whole()
    efficiency = whole()
    impact = whole()
    recommendation = one_of(RECOMMENDATIONS)
    body = text()
    at = instant()


class Mission(Answer):
    """The control of the dossier."""

    id = whole()
    state = one_of(CONTROL.states)
    visit_on = day(allow_none=True)
    realisation = text()
    spending = text()
    refused_cents = cents()
    reply_due_on = day(allow_none=True)
    reply = text(allow_none=True)
    replied_at = instant(allow_none=True)
    outcome = one_of(OUTCOMES, allow_none=True)
    conclusion = text()
    concluded_at = instant(allow_none=True)


class Dossier(Answer):
    """A dossier as the caller may see it."""

    id = whole()
    number = text(N_("Donné au dépôt."), allow_none=True)
    state = one_of(DOSSIER.states)
    version = whole(N_("À rendre avec un acte : elle dit ce que vous aviez lu."))
    campaign = nested(Labelled)
    organisation = nested(Organisation)
    instance = nested(Labelled, allow_none=True)
    state_since = instant()
    due_on = day(allow_none=True)
    created_at = instant()
    submitted_at = instant(allow_none=True)
    roles = fields.List(
        fields.String(validate=validate.OneOf([*ROLES, INSTRUCTOR])),
        required=True,
        metadata={"description": N_("Ce que vous êtes pour ce dossier.")},
    )
    path = fields.List(
        fields.String(validate=validate.OneOf(DOSSIER.states)),
        required=True,
        metadata={"description": N_("Les étapes par lesquelles il est passé.")},
    )
    next = nested(Step, allow_none=True)
    form = nested(Action)
    budget = many(Line)
    requests = many(Request)
    meeting = nested(Meeting, allow_none=True)
    contact = nested(Contact, allow_none=True)
    routing = many(Routing, allow_none=True)
    pieces = many(Piece, allow_none=True)
    documents = many(Document, allow_none=True)
    messages = many(Message, allow_none=True)
    binome = many(Member, allow_none=True)
    consultations = many(Consultation, allow_none=True)
    opinions = many(Opinion, allow_none=True)
    joint_opinion = nested(JointOpinion, allow_none=True)
    reports = many(Report, allow_none=True)
    evaluation = nested(Evaluation, allow_none=True)
    control = nested(Mission, allow_none=True)


class Entry(Answer):
    """Something that happened to the dossier."""

    at = instant()
    act = text()
    label = fields.Function(
        lambda entry: words.done_label(entry.act), required=True, metadata={"type": "string", "description": ""}
    )
    role = text()
    who = text(N_("Absent là où vous n'avez à connaître que le rôle."), allow_none=True)
    reason = text()


# --- acts ---------------------------------------------------------------------------------------------------------


class Event(Answer):
    """An act that the caller's roles open in this state: allowed now, or why not."""

    event = text()
    label = text()
    allowed = yes_or_no()
    reasons = many(Reason, N_("Pourquoi pas maintenant, et ce qui le permettrait."))
    input = text(N_("Nom du schéma de « data »."))
    versioned = yes_or_no(N_("Faut-il dire quelle version vous avez vue ?"))
    href = text(N_("Où l'envoyer, par POST."))


class Option(Answer):
    """One answer that a field offers."""

    value = whole()
    label = text()
    group = text(allow_none=True)


class Choices(Answer):
    """What the fields of an act's input offer, as the pages would."""

    event = text()
    fields_ = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Nested(Option)),
        required=True,
        data_key="fields",
        attribute="fields",
    )


class Outcome(Answer):
    """What an act led to."""

    dossier_id = whole()
    number = text(allow_none=True)
    state = one_of(DOSSIER.states)
    version = whole()
    event = text()
    follow_ups = fields.List(
        fields.String(),
        required=True,
        metadata={"description": N_("Les événements que Binôme a tirés aussitôt, par exemple « fund ».")},
    )
    created_id = whole(N_("Le document ou la consultation que l'acte a créé."), allow_none=True)


@cache
def listing(schema: type[Schema]) -> type[Schema]:
    """The schema of a whole list: {"items": […]}."""
    made: type[Schema] = type(f"{schema.__name__}List", (Answer,), {"items": many(schema)})
    return made
