"""What the API answers besides dossiers: refusals, who asks, reference data, acts."""

from marshmallow import fields, validate

from states.dossier import DOSSIER
from states.words import N_
from web.api.parts import Answer, day, instant, many, one_of, text, whole, yes_or_no
from workflow.models.people import HELD_IN
from workflow.models.reference import LEVELS, OBJECTIVE_LEVELS

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
