"""Named predicates over one frozen Facts object, each with what to say when it fails and what would lift it.

The texts are French message ids; `params` gives the values of their placeholders.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from states.facts import Facts, Member
from states.words import N_

APPEAL_MONTHS = 2
"""An appeal is heard within two months of the notification (droit commun of administrative appeals)."""


def _nothing(facts: Facts) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True)
class Guard:
    """`holds` says whether the act may go on; `failing` and `remedy` are said when it may not.

    `reads` names the facts that it looks at, so that only those are fetched.
    """

    name: str
    reads: tuple[str, ...]
    holds: Callable[[Facts], bool]
    failing: str
    remedy: str
    params: Callable[[Facts], Mapping[str, object]] = _nothing


def months_after(day: date, months: int) -> date:
    """The same day `months` later, or the last day of that month where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    last = monthrange(day.year + years, month + 1)[1]
    return date(day.year + years, month + 1, min(day.day, last))


def euros(cents: int) -> str:
    """Cents as a refusal writes them: « 1 250,00 € »."""
    whole, rest = divmod(abs(cents), 100)
    return ("-" if cents < 0 else "") + f"{whole:,}".replace(",", " ") + f",{rest:02d} €"


def _names(values: tuple[str, ...]) -> str:
    return ", ".join(values)


def _short(facts: Facts) -> tuple[Member, ...]:
    """The members proposed who have too few effort points left."""
    return tuple(m for m in facts.members if m.in_instance and m.points_left < facts.effort)


def _in_time(facts: Facts) -> bool:
    return facts.notified_on is not None and facts.today <= months_after(facts.notified_on, APPEAL_MONTHS)


_ALL = (
    # deposit
    Guard(
        "form_complete",
        ("missing_fields",),
        lambda f: not f.missing_fields,
        N_("Il manque dans le formulaire : %(fields)s."),
        N_("Complétez ces rubriques puis déposez à nouveau."),
        lambda f: {"fields": f.missing_fields},
    ),
    Guard(
        "budget_balanced",
        ("expenses", "incomes"),
        lambda f: f.expenses == f.incomes and f.expenses > 0,
        N_("Le budget n'est pas équilibré : %(expenses)s de dépenses et %(incomes)s de recettes."),
        N_("Corrigez les lignes du budget jusqu'à ce que les deux totaux soient égaux."),
        lambda f: {"expenses": euros(f.expenses), "incomes": euros(f.incomes)},
    ),
    Guard(
        "has_funding_request",
        ("requests",),
        lambda f: f.requests > 0,
        N_("Aucun financement n'est demandé."),
        N_("Demandez un montant à au moins un financeur."),
    ),
    Guard(
        "attested",
        ("attested",),
        lambda f: f.attested,
        N_("L'attestation sur l'honneur n'est pas cochée."),
        N_("Lisez l'attestation et cochez-la à la dernière étape."),
    ),
    Guard(
        "deposit_open",
        ("deposit_open", "deposit_deadline", "late_deposit_allowed"),
        lambda f: f.deposit_open or f.late_deposit_allowed,
        N_("La campagne n'est pas ouverte au dépôt (date limite : %(deadline)s)."),
        N_("Demandez à l'animateur de l'instance une dérogation écrite pour un dépôt tardif."),
        lambda f: {"deadline": f.deposit_deadline},
    ),
    # admissibility and routing
    Guard(
        "pieces_named",
        ("named_pieces",),
        lambda f: f.named_pieces > 0,
        N_("Aucune pièce manquante n'est nommée."),
        N_("Nommez au moins une pièce ou une précision à demander."),
    ),
    Guard(
        "due_date_ahead",
        ("due_on", "today"),
        lambda f: f.due_on is not None and f.due_on > f.today,
        N_("La date limite n'est pas dans le futur."),
        N_("Choisissez une date limite à partir de demain."),
    ),
    Guard(
        "pieces_answered",
        ("unanswered_pieces",),
        lambda f: not f.unanswered_pieces,
        N_("Il reste à répondre à : %(pieces)s."),
        N_("Répondez à chaque demande, par un texte ou un document."),
        lambda f: {"pieces": _names(f.unanswered_pieces)},
    ),
    Guard(
        "answers_to_review",
        ("answers_to_review",),
        lambda f: f.answers_to_review > 0,
        N_("Aucune réponse du porteur n'attend d'être examinée."),
        N_("Demandez d'abord une pièce ou une précision, et attendez la réponse."),
    ),
    Guard(
        "some_returned",
        ("returned_pieces",),
        lambda f: f.returned_pieces > 0,
        N_("Aucune réponse n'est retournée."),
        N_("Retournez au moins une réponse, avec un mot."),
    ),
    Guard(
        "reason_given",
        ("reason",),
        lambda f: bool(f.reason.strip()),
        N_("Aucun motif n'est donné."),
        N_("Écrivez le motif en une phrase."),
    ),
    Guard(
        "other_instance",
        ("instance_id", "target_instance_id"),
        lambda f: f.target_instance_id is not None and f.target_instance_id != f.instance_id,
        N_("Le dossier est déjà dans cette instance."),
        N_("Choisissez une autre instance."),
    ),
    # binôme
    Guard(
        "binome_stands",
        ("binome_stands",),
        lambda f: f.binome_stands,
        N_("Aucun binôme n'est en place."),
        N_("L'animateur doit affecter deux instructeurs."),
    ),
    Guard(
        "two_distinct_members",
        ("members",),
        lambda f: len(f.members) == 2 == len({m.person_id for m in f.members}),
        N_("Un binôme compte deux instructeurs différents."),
        N_("Choisissez deux personnes différentes."),
    ),
    Guard(
        "members_of_instance",
        ("members",),
        lambda f: all(m.in_instance for m in f.members),
        N_("Ne fait pas partie des instructeurs de l'instance : %(names)s."),
        N_("Choisissez un instructeur de l'instance, ou faites ajouter cette personne par l'administrateur."),
        lambda f: {"names": _names(tuple(m.name for m in f.members if not m.in_instance))},
    ),
    Guard(
        "members_trained",
        ("members",),
        lambda f: all(m.trained for m in f.members),
        N_("N'a pas encore suivi la formation d'entrée : %(names)s."),
        N_("Choisissez un instructeur formé, ou faites enregistrer la date de sa formation."),
        lambda f: {"names": _names(tuple(m.name for m in f.members if not m.trained))},
    ),
    Guard(
        "different_institutions",
        ("members", "institutions_derogation"),
        lambda f: f.institutions_derogation or len({m.institution_id for m in f.members}) == len(f.members),
        N_("Les deux instructeurs viennent de la même institution."),
        N_("Choisissez deux institutions différentes, ou écrivez une dérogation motivée."),
    ),
    Guard(
        "members_without_conflict",
        ("members",),
        lambda f: not any(m.conflict for m in f.members),
        N_("A déclaré un intérêt avec ce porteur, ou contrôle ce dossier : %(names)s."),
        N_("Choisissez un instructeur sans lien avec le porteur."),
        lambda f: {"names": _names(tuple(m.name for m in f.members if m.conflict))},
    ),
    Guard(
        "members_within_capacity",
        ("members", "effort"),
        lambda f: not _short(f),
        N_("N'a plus assez de points d'effort pour ce dossier, qui en demande %(effort)s : %(names)s."),
        N_("Choisissez un instructeur moins chargé, ou relevez sa capacité sur la page des membres."),
        lambda f: {
            "effort": f.effort,
            "names": _names(tuple(f"{m.name} ({m.points_left})" for m in _short(f))),
        },
    ),
    # experts
    Guard(
        "question_asked",
        ("question",),
        lambda f: bool(f.question.strip()),
        N_("Aucune question n'est posée à l'expert."),
        N_("Écrivez le point précis sur lequel l'expert doit se prononcer."),
    ),
    Guard(
        "expert_without_conflict",
        ("expert_conflict",),
        lambda f: not f.expert_conflict,
        N_("Cet expert a un intérêt déclaré avec le porteur."),
        N_("Demandez l'avis d'un autre expert."),
    ),
    Guard(
        "expert_not_retired",
        ("expert_retired",),
        lambda f: not f.expert_retired,
        N_("Cet expert a été retiré de l'annuaire."),
        N_("Demandez l'avis d'un autre expert, ou remettez celui-ci dans l'annuaire."),
    ),
    Guard(
        "no_colleague_proposed",
        ("colleague_proposed",),
        lambda f: not f.colleague_proposed,
        N_("Vous avez déjà proposé quelqu'un : les instructeurs n'ont pas encore répondu."),
        N_("Attendez leur réponse, ou répondez vous-même."),
    ),
    Guard(
        "colleague_proposed",
        ("colleague_proposed",),
        lambda f: f.colleague_proposed,
        N_("L'expert ne propose personne d'autre."),
        N_("Attendez sa réponse, ou retirez la question et posez-la à quelqu'un d'autre."),
    ),
    Guard(
        "still_instructed",
        ("dossier_state",),
        lambda f: f.dossier_state in ("assigned", "expert_consulted"),
        N_("Le dossier n'est plus en instruction."),
        N_("Une question ne peut passer à quelqu'un d'autre que pendant l'instruction."),
    ),
    Guard(
        "time_for_colleague",
        ("asked_until", "today"),
        lambda f: f.asked_until is not None and f.asked_until > f.today,
        N_("L'échéance de la question est trop proche pour que quelqu'un d'autre réponde."),
        N_("Prolongez d'abord la question."),
    ),
    Guard(
        "colleague_without_conflict",
        ("colleague_conflict",),
        lambda f: not f.colleague_conflict,
        N_("La personne proposée a un intérêt déclaré avec le porteur."),
        N_("Refusez la proposition : l'expert pourra répondre lui-même ou proposer quelqu'un d'autre."),
    ),
    Guard(
        "colleague_not_retired",
        ("colleague_retired",),
        lambda f: not f.colleague_retired,
        N_("La personne proposée a été retirée de l'annuaire."),
        N_("Refusez la proposition, ou remettez cette personne dans l'annuaire."),
    ),
    Guard(
        "colleague_not_asked",
        ("colleague_asked",),
        lambda f: not f.colleague_asked,
        N_("Cette question est déjà posée à la personne proposée."),
        N_("Refusez la proposition : son avis viendra de toute façon."),
    ),
    Guard(
        "answer_given",
        ("answer",),
        lambda f: bool(f.answer.strip()),
        N_("La réponse est vide."),
        N_("Écrivez votre réponse avant de l'envoyer."),
    ),
    Guard(
        "consultation_overdue",
        ("due_on", "today"),
        lambda f: f.due_on is not None and f.today > f.due_on,
        N_("L'échéance de l'expert n'est pas passée."),
        N_("Attendez le lendemain de l'échéance, ou retirez la demande."),
    ),
    Guard(
        "nothing_noted_yet",
        ("noted",),
        lambda f: not f.noted,
        N_("Une note a déjà été jointe."),
        N_("Écrivez à la personne qui vous a sollicité."),
    ),
    Guard(
        "consultations_closed",
        ("consultations", "open_consultations"),
        lambda f: f.consultations > 0 and f.open_consultations == 0,
        N_("Un expert n'a pas encore répondu."),
        N_("Attendez sa réponse ou l'échéance, ou retirez la demande."),
    ),
    # opinions
    Guard(
        "own_opinion_open",
        ("own_opinion_sealed",),
        lambda f: not f.own_opinion_sealed,
        N_("Votre avis est déjà scellé."),
        N_("Un avis scellé ne change plus ; l'animateur peut rouvrir l'instruction."),
    ),
    Guard(
        "opinion_complete",
        ("missing_opinion_fields",),
        lambda f: not f.missing_opinion_fields,
        N_("Votre avis est incomplet : %(fields)s."),
        N_("Complétez ces rubriques puis scellez votre avis."),
        lambda f: {"fields": f.missing_opinion_fields},
    ),
    Guard(
        "opinions_sealed",
        ("sealed_opinions",),
        lambda f: f.sealed_opinions >= 2,
        N_("Les deux avis individuels ne sont pas encore scellés (%(sealed)s sur 2)."),
        N_("Chaque instructeur du binôme doit sceller son avis."),
        lambda f: {"sealed": f.sealed_opinions},
    ),
    Guard(
        "opinions_reconciled",
        ("opinions_agree", "joint_signatures", "arbitrated"),
        lambda f: f.opinions_agree or f.joint_signatures >= 2 or f.arbitrated,
        N_("Les deux avis ne concordent pas encore."),
        N_("Rédigez un avis commun signé par les deux instructeurs, ou demandez l'arbitrage de l'animateur."),
    ),
    Guard(
        "committee_ahead",
        ("committee_ahead", "committee_on"),
        lambda f: f.committee_ahead,
        N_("Le comité auquel cet avis était destiné est passé (%(committee)s)."),
        N_("Demandez à l'animateur de fixer une autre séance, puis rendez l'avis."),
        lambda f: {"committee": f.committee_on},
    ),
    Guard(
        "opinions_differ",
        ("sealed_opinions", "opinions_agree"),
        lambda f: f.sealed_opinions >= 2 and not f.opinions_agree,
        N_("Il n'y a pas de désaccord à arbitrer : les deux avis ne sont pas scellés, ou ils concordent."),
        N_("Attendez que les deux avis soient scellés ; s'ils concordent, le binôme rend l'avis."),
    ),
    # decision
    Guard(
        "no_third_awaited",
        ("third_awaited",),
        lambda f: not f.third_awaited,
        N_("Le troisième instructeur n'a pas encore scellé son avis."),
        N_("Attendez-le : son avis peut départager les deux premiers."),
    ),
    Guard(
        "third_apart",
        ("third_apart",),
        lambda f: f.third_apart,
        N_("Le troisième instructeur doit venir d'une autre institution que le binôme."),
        N_("Choisissez quelqu'un d'autre, ou écrivez une dérogation motivée."),
    ),
    Guard(
        "nothing_decided",
        ("decided_requests",),
        lambda f: f.decided_requests == 0,
        N_("Un financeur a déjà décidé."),
        N_("Une décision prise ne se reprend pas ; renvoyez le dossier à une autre séance."),
    ),
    Guard(
        "nothing_granted",
        ("granted_requests",),
        lambda f: f.granted_requests == 0,
        N_("Un financement a déjà été accordé."),
        N_("Après un accord, l'action s'annule pendant le suivi, avec la somme à rembourser."),
    ),
    Guard(
        "session_chosen",
        ("session_chosen",),
        lambda f: f.session_chosen,
        N_("Aucune séance n'est choisie."),
        N_("Choisissez une séance à venir, ou créez-en une."),
    ),
    Guard(
        "all_requests_decided",
        ("pending_requests",),
        lambda f: f.pending_requests == 0,
        N_("%(pending)s demande(s) de financement attendent une décision."),
        N_("Chaque financeur doit décider de sa ligne."),
        lambda f: {"pending": f.pending_requests},
    ),
    Guard(
        "some_granted",
        ("granted_requests",),
        lambda f: f.granted_requests > 0,
        N_("Aucun financement n'est accordé."),
        N_("Il faut au moins un accord pour passer au suivi."),
    ),
    Guard(
        "none_granted",
        ("granted_requests",),
        lambda f: f.granted_requests == 0,
        N_("Un financement est accordé."),
        N_("Le dossier n'est refusé que si aucun financeur n'accorde."),
    ),
    Guard(
        "request_pending",
        ("request_is_pending",),
        lambda f: f.request_is_pending,
        N_("Cette demande est déjà décidée."),
        N_("Une décision prise ne se reprend pas ; un recours peut être examiné."),
    ),
    Guard(
        "within_asked",
        ("amount", "asked"),
        lambda f: 0 <= f.amount <= f.asked,
        N_("Le montant accordé (%(amount)s) dépasse le montant demandé (%(asked)s)."),
        N_("Accordez au plus le montant demandé."),
        lambda f: {"amount": euros(f.amount), "asked": euros(f.asked)},
    ),
    Guard(
        "envelope_suffices",
        ("amount", "left_in_envelope"),
        lambda f: f.amount == 0 or (f.left_in_envelope is not None and f.amount <= f.left_in_envelope),
        N_("L'enveloppe ne suffit pas : il reste %(left)s pour %(amount)s à accorder."),
        N_("Accordez au plus ce qui reste, ou faites abonder l'enveloppe."),
        lambda f: {"left": euros(f.left_in_envelope or 0), "amount": euros(f.amount)},
    ),
    Guard(
        "appeal_in_time",
        ("notified_on", "today"),
        _in_time,
        N_("Un recours se reçoit dans les deux mois de la notification (date de notification : %(notified)s)."),
        N_("Le porteur peut déposer un nouveau dossier à la prochaine campagne."),
        lambda f: {"notified": f.notified_on},
    ),
    # follow-up
    Guard(
        "payback_stated",
        ("payback", "paid"),
        lambda f: f.payback is not None and 0 <= f.payback <= f.paid,
        N_("La somme à rembourser n'est pas indiquée, ou dépasse ce qui a été versé (%(paid)s)."),
        N_("Indiquez la somme à rembourser, zéro s'il n'y en a pas."),
        lambda f: {"paid": euros(f.paid)},
    ),
    Guard(
        "line_granted",
        ("granted",),
        lambda f: f.granted > 0,
        N_("Ce financeur n'a rien accordé à l'action."),
        N_("Seule une demande accordée donne lieu à convention et à versements."),
    ),
    Guard(
        "agreement_signed",
        ("agreement_signed",),
        lambda f: f.agreement_signed,
        N_("La convention n'est pas signée."),
        N_("Enregistrez d'abord la convention ou l'arrêté attributif."),
    ),
    Guard(
        "agreement_not_signed",
        ("agreement_signed",),
        lambda f: not f.agreement_signed,
        N_("La convention de ce financeur est déjà enregistrée."),
        N_("Il n'y a rien à faire de plus."),
    ),
    Guard(
        "within_granted",
        ("amount", "granted", "paid"),
        lambda f: 0 < f.amount <= f.granted - f.paid,
        N_("Ce versement dépasse ce qui reste à verser (%(left)s)."),
        N_("Versez au plus ce qui reste du montant accordé."),
        lambda f: {"left": euros(f.granted - f.paid)},
    ),
    Guard(
        "final_report_settled",
        ("final_report_received", "final_report_never_sent"),
        lambda f: f.final_report_received or f.final_report_never_sent,
        N_("Le bilan final n'est pas arrivé."),
        N_("Attendez le bilan final, ou constatez après l'échéance qu'il n'a jamais été envoyé."),
    ),
    Guard(
        "no_final_report_yet",
        ("final_report_received", "final_report_never_sent"),
        lambda f: not (f.final_report_received or f.final_report_never_sent),
        N_("Le bilan final est déjà réglé."),
        N_("Passez à l'évaluation de l'action."),
    ),
    Guard(
        "final_report_overdue",
        ("final_report_due_on", "today"),
        lambda f: f.final_report_due_on is not None and f.today > f.final_report_due_on,
        N_("L'échéance du bilan final n'est pas passée (%(due)s)."),
        N_("Attendez le lendemain de l'échéance."),
        lambda f: {"due": f.final_report_due_on},
    ),
    Guard(
        "grid_filled",
        ("missing_grid_fields",),
        lambda f: not f.missing_grid_fields,
        N_("La grille d'évaluation est incomplète : %(fields)s."),
        N_("Remplissez chaque critère de la grille."),
        lambda f: {"fields": f.missing_grid_fields},
    ),
    # control
    Guard(
        "controller_independent",
        ("actor_involved",),
        lambda f: not f.actor_involved,
        N_(
            "Vous avez porté, instruit, évalué ou relu cette action, décidé d'un de ses financements,"
            " ou y avez un intérêt."
        ),
        N_("Un contrôleur qui n'a pas pris part au dossier doit s'en charger."),
    ),
    Guard(
        "controller_apart",
        ("actor_of_sole_funder",),
        lambda f: not f.actor_of_sole_funder,
        N_("Votre institution est seule à financer cette action."),
        N_("Un contrôleur d'une autre institution doit s'en charger."),
    ),
    Guard(
        "controller_named",
        ("named_controllers", "actor_named"),
        lambda f: f.actor_named or not f.named_controllers,
        N_("Ce contrôle est mené par : %(names)s."),
        N_("Seuls les contrôleurs de la mission agissent ; le comité transversal peut vous y nommer."),
        lambda f: {"names": f.named_controllers},
    ),
    Guard(
        "second_awaited",
        ("named_controllers", "actor_named"),
        lambda f: len(f.named_controllers) == 1 and not f.actor_named,
        N_("Ce contrôle n'attend pas de second contrôleur."),
        N_("On rejoint un contrôle qu'un seul collègue a pris en charge."),
    ),
    Guard(
        "not_controller",
        ("actor_named",),
        lambda f: not f.actor_named,
        N_("Vous êtes nommé contrôleur de ce dossier : vous ne pouvez pas l'évaluer."),
        N_("Une autre personne de l'instance doit l'évaluer."),
    ),
    Guard(
        "two_controllers",
        ("controllers",),
        lambda f: len(f.controllers) == 2 == len({one.person_id for one in f.controllers}),
        N_("Un contrôle est mené par deux contrôleurs différents."),
        N_("Choisissez deux personnes différentes."),
    ),
    Guard(
        "controllers_known",
        ("controllers",),
        lambda f: all(one.holds_role for one in f.controllers),
        N_("N'est pas contrôleur : %(names)s."),
        N_("Choisissez parmi les contrôleurs."),
        lambda f: {"names": tuple(one.name for one in f.controllers if not one.holds_role)},
    ),
    Guard(
        "controllers_independent",
        ("controllers",),
        lambda f: not any(one.involved for one in f.controllers),
        N_(
            "A porté, instruit, évalué ou relu cette action, décidé d'un de ses financements,"
            " ou y a un intérêt déclaré : %(names)s."
        ),
        N_("Choisissez quelqu'un qui n'a pas pris part au dossier."),
        lambda f: {"names": tuple(one.name for one in f.controllers if one.involved)},
    ),
    Guard(
        "controllers_apart",
        ("controllers",),
        lambda f: not any(one.of_sole_funder for one in f.controllers),
        N_("Vient de l'institution qui finance seule cette action : %(names)s."),
        N_("Choisissez un contrôleur d'une autre institution."),
        lambda f: {"names": tuple(one.name for one in f.controllers if one.of_sole_funder)},
    ),
    Guard(
        "visit_date_given",
        ("due_on",),
        lambda f: f.due_on is not None,
        N_("La date de la visite n'est pas donnée."),
        N_("Choisissez la date du contrôle sur place ou sur pièces."),
    ),
    Guard(
        "control_taken_up",
        ("dossier_state",),
        lambda f: f.dossier_state == "under_control",
        N_("Le contrôle de ce dossier n'est pas encore pris en charge."),
        N_("Prenez d'abord en charge le contrôle, une fois l'action évaluée."),
    ),
    Guard(
        "in_sealed_draw",
        ("draw_sealed", "drawn"),
        lambda f: f.draw_sealed and f.drawn,
        N_("Le dossier n'est pas dans un tirage scellé."),
        N_("Seul un dossier tiré au sort dans un échantillon scellé est contrôlé."),
    ),
    Guard(
        "draw_sealed",
        ("draw_sealed",),
        lambda f: f.draw_sealed,
        N_("Le tirage de contrôle de la campagne n'est pas encore scellé."),
        N_("Attendez le tirage de l'échantillon de la campagne."),
    ),
    Guard(
        "not_waiting_in_draw",
        ("waiting_in_draw",),
        lambda f: not f.waiting_in_draw,
        N_("Le dossier est dans l'échantillon et attend son contrôle."),
        N_("Concluez d'abord le contrôle."),
    ),
    Guard(
        "grid_whole",
        ("unanswered_items",),
        lambda f: not f.unanswered_items,
        N_("Il reste à répondre dans la grille de réalisation : %(items)s."),
        N_("Répondez à chaque point ; ce qui ne peut être vérifié se répond « Non vérifiable »."),
        lambda f: {"items": f.unanswered_items},
    ),
    Guard(
        "realisation_found",
        ("realisation_found",),
        lambda f: f.realisation_found,
        N_("Les constats sur la réalisation manquent."),
        N_("Remplissez la grille de réalisation, ou rédigez les constats."),
    ),
    Guard(
        "spending_found",
        ("spending_found",),
        lambda f: f.spending_found,
        N_("Les constats sur les dépenses manquent."),
        N_("Saisissez au moins une dépense dans le registre, ou rédigez les constats."),
    ),
    Guard(
        "pair_named",
        ("named_controllers",),
        lambda f: len(f.named_controllers) == 2,
        N_("Un contrôle se mène à deux, et il n'a pas ses deux contrôleurs."),
        N_("Un collègue le rejoint (« Rejoindre le contrôle »), ou le comité transversal nomme les deux."),
    ),
    Guard(
        "findings_signed",
        ("findings_signed",),
        lambda f: f.findings_signed,
        N_("L'autre contrôleur n'a pas confirmé les constats tels qu'ils sont."),
        N_("Votre collègue les lit, puis « Je confirme ces constats ». Ce qui change ensuite se confirme de nouveau."),
    ),
    Guard(
        "carrier_heard",
        ("carrier_heard", "reply_due_on", "today"),
        lambda f: f.carrier_heard or (f.reply_due_on is not None and f.today > f.reply_due_on),
        N_("Le porteur n'a pas répondu aux constats et son délai n'est pas passé (échéance : %(due)s)."),
        N_("Attendez sa réponse, ou le lendemain de son échéance."),
        lambda f: {"due": f.reply_due_on},
    ),
    # mid-term review
    Guard(
        "two_reviewers",
        ("reviewers",),
        lambda f: len(f.reviewers) == 2 == len({one.person_id for one in f.reviewers}),
        N_("Une revue est menée par deux relecteurs différents."),
        N_("Choisissez deux personnes différentes."),
    ),
    Guard(
        "reviewers_known",
        ("reviewers",),
        lambda f: all(one.holds_role for one in f.reviewers),
        N_("N'est ni du comité transversal ni évaluateur : %(names)s."),
        N_("Choisissez parmi les membres du comité transversal et les évaluateurs."),
        lambda f: {"names": tuple(one.name for one in f.reviewers if not one.holds_role)},
    ),
    Guard(
        "reviewers_independent",
        ("reviewers",),
        lambda f: not any(one.took_part for one in f.reviewers),
        N_(
            "A porté, instruit, évalué ou contrôlé cette action, décidé d'un de ses financements,"
            " ou y a un intérêt déclaré : %(names)s."
        ),
        N_("Choisissez quelqu'un qui n'a pas pris part au dossier."),
        lambda f: {"names": tuple(one.name for one in f.reviewers if one.took_part)},
    ),
    Guard(
        "reviewers_of_two_institutions",
        ("reviewers",),
        lambda f: len({one.institution_id for one in f.reviewers} - {None}) == 2,
        N_("Les deux relecteurs doivent venir de deux institutions différentes."),
        N_("Remplacez l'un d'eux par quelqu'un d'une autre institution."),
    ),
    Guard(
        "reviewer_independent",
        ("actor_took_part",),
        lambda f: not f.actor_took_part,
        N_(
            "Vous avez porté, instruit, évalué ou contrôlé cette action, décidé d'un de ses financements,"
            " ou y avez un intérêt."
        ),
        N_("Le comité transversal doit nommer un autre relecteur."),
    ),
    Guard(
        "colleague_independent",
        ("colleague_took_part",),
        lambda f: not f.colleague_took_part,
        N_("Depuis sa nomination, l'autre relecteur a pris part à cette action, ou y a un intérêt."),
        N_("Le comité transversal doit nommer un autre relecteur."),
    ),
    Guard(
        "reviewers_still_apart",
        ("reviewers_apart",),
        lambda f: f.reviewers_apart,
        N_("Les deux relecteurs ne viennent plus de deux institutions différentes."),
        N_("Le comité transversal doit nommer un autre relecteur."),
    ),
    Guard(
        "review_whole",
        ("unanswered_criteria",),
        lambda f: not f.unanswered_criteria,
        N_("Il reste à remplir dans la grille : %(items)s."),
        N_(
            "Donnez à chaque critère son niveau et sa justification, puis les forces, les limites et la recommandation."
        ),
        lambda f: {"items": f.unanswered_criteria},
    ),
    Guard(
        "review_not_signed",
        ("actor_signed",),
        lambda f: not f.actor_signed,
        N_("Vous avez déjà signé ce texte."),
        N_("L'autre relecteur doit le signer à son tour."),
    ),
    Guard(
        "colleague_signed",
        ("colleague_signed",),
        lambda f: f.colleague_signed,
        N_("L'autre relecteur n'a pas encore signé."),
        N_("Attendez sa signature."),
    ),
)

GUARDS: Mapping[str, Guard] = {guard.name: guard for guard in _ALL}
