"""How the API answers a dossier. A part that the reader may not read is null, one that holds nothing is empty."""

from marshmallow import fields, validate

from states.consultation import CONSULTATION
from states.control import CONTROL
from states.dossier import DOSSIER, ROLES
from states.words import N_
from web import words
from web.api.parts import Answer, cents, day, instant, many, nested, one_of, text, whole, yes_or_no
from workflow.access import INSTRUCTOR
from workflow.control_grid import VERDICTS as VERDICTS_FOUND
from workflow.models.control import OUTCOMES
from workflow.models.dossier import DOCUMENT_KINDS, NEED, SIDES
from workflow.models.follow_up import PAYMENT_KINDS, RECOMMENDATIONS, REPORT_KINDS
from workflow.models.funding import DECISIONS
from workflow.models.instruction import JOINT_BASES, VERDICTS
from workflow.models.reference import LEVELS, ORGANISATION_KINDS


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
    verdict = text(allow_none=True)
    word = text(allow_none=True)
    judged_at = instant(allow_none=True)
    follows_id = whole(allow_none=True)


class Document(Answer):
    """An attached file."""

    id = whole()
    kind = one_of(DOCUMENT_KINDS)
    filename = text()
    size = whole(N_("En octets."))
    uploaded_at = instant()
    replaces_id = whole(N_("La version qu'il remplace."), allow_none=True)


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


class Score(Answer):
    """A criterion of the grid, and its score from 0 to 4."""

    criterion = text()
    score = whole()


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
    scores = many(Score)


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


class GridItem(Answer):
    """An item of the realisation grid, and what was found on it; no verdict while it is not answered."""

    id = whole(N_("Ce que fill_grid nomme."))
    label = text()
    help = text()
    verdict = one_of(VERDICTS_FOUND, allow_none=True)
    observation = text()
    evidence = text()
    seen = text(N_("À rendre avec fill_grid : elle dit quelle réponse vous aviez lue."))


class LedgerLine(Answer):
    """A voucher read by the control."""

    id = whole(N_("Ce que enter_expense et strike_expense nomment line_id."))
    version = whole(N_("À rendre comme « seen » : elle dit quelle ligne vous aviez lue."))
    spent_on = day()
    label = text()
    voucher = text()
    amount_cents = cents()
    share = whole(N_("Part imputée à l'action, en centièmes de pour cent."))
    accepted_cents = cents()
    refused_cents = cents()
    reason = text()


class LedgerTotals(Answer):
    """The sums of the ledger."""

    declared_cents = cents(attribute="declared")
    allocated_cents = cents(N_("Imputé à l'action, en centimes d'euro."), attribute="allocated")
    accepted_cents = cents(attribute="accepted")
    refused_cents = cents(attribute="refused")


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
    payback_cents = cents(allow_none=True)
    conclusion = text()
    concluded_at = instant(allow_none=True)
    grid = many(GridItem, N_("Vide pour le porteur tant que les constats ne sont pas envoyés."))
    ledger = many(LedgerLine, N_("Vide pour le porteur tant que les constats ne sont pas envoyés."))
    totals = nested(LedgerTotals, N_("Absent tant que le registre est vide."), allow_none=True)


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
