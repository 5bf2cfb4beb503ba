"""What pages call things: states, roles, acts. Message ids are French; the functions translate."""

from collections.abc import Mapping

from flask_babel import gettext

from states.words import N_
from workflow.facts import REQUIRED
from workflow.use_cases.control_grid import VERDICT_LABELS
from workflow.use_cases.evaluation import CRITERION_LABELS

STATES: Mapping[str, str] = {
    # dossier
    "draft": N_("Brouillon"),
    "submitted": N_("Déposé"),
    "incomplete": N_("À compléter"),
    "assigned": N_("En instruction"),
    "expert_consulted": N_("Expert consulté"),
    "opinion": N_("Avis rendu"),
    "funding_decision": N_("En décision"),
    "follow_up": N_("En suivi"),
    "evaluated": N_("Évalué"),
    "under_control": N_("En contrôle"),
    "controlled": N_("Contrôlé"),
    "closed": N_("Clos"),
    "inadmissible": N_("Irrecevable"),
    "refused": N_("Refusé"),
    "withdrawn": N_("Retiré"),
    "cancelled": N_("Annulé"),
    # consultation
    "asked": N_("Question posée"),
    "answered": N_("Réponse reçue"),
    "declined": N_("Déclinée"),
    "expired": N_("Sans réponse"),
    "revoked": N_("Question retirée"),
    "handed_over": N_("Confiée à un collègue"),
    # control
    "drawn": N_("Tiré au sort"),
    "announced": N_("Annoncé"),
    "findings_sent": N_("Constats envoyés"),
    "concluded": N_("Conclu"),
    # mid-term review
    "to_review": N_("Relecteurs à nommer"),
    "under_review": N_("Revue en cours"),
    "reviewed": N_("Revue scellée"),
}
"""Every state of the four lives; no name stands in two of them."""

ROLES: Mapping[str, str] = {
    "carrier": N_("Porteur"),
    "animator": N_("Animateur"),
    "instructor": N_("Instructeur"),
    "binome": N_("Binôme"),
    "expert": N_("Expert"),
    "funder": N_("Financeur"),
    "evaluator": N_("Évaluateur"),
    "controller": N_("Contrôleur"),
    "associated": N_("Instance associée"),
    "reviewer": N_("Relecteur"),
    "transversal": N_("Comité transversal"),
    "administrator": N_("Administrateur"),
    "system": N_("Automatique"),
    "person": N_("Pour soi-même"),
}

ACTS: Mapping[str, tuple[str, str]] = {
    # the dossier's events
    "submit": (N_("Déposer le dossier"), N_("Dossier déposé")),
    "request_completion": (N_("Demander des compléments"), N_("Compléments demandés")),
    "complete": (N_("Envoyer les compléments"), N_("Compléments envoyés")),
    "declare_inadmissible": (N_("Déclarer irrecevable"), N_("Dossier déclaré irrecevable")),
    "reroute": (N_("Réorienter vers une autre instance"), N_("Dossier réorienté")),
    "assign": (N_("Affecter un binôme"), N_("Binôme affecté")),
    "replace_member": (N_("Remplacer un membre du binôme"), N_("Membre du binôme remplacé")),
    "consult_expert": (N_("Consulter un expert"), N_("Expert consulté")),
    "close_consultations": (N_("Reprendre l'instruction"), N_("Consultations closes")),
    "issue_opinion": (N_("Rendre l'avis"), N_("Avis rendu")),
    "reopen_instruction": (N_("Rouvrir l'instruction"), N_("Instruction rouverte")),
    "table": (N_("Inscrire à une séance"), N_("Dossier inscrit à une séance")),
    "defer": (N_("Renvoyer à une autre séance"), N_("Dossier renvoyé à une autre séance")),
    "fund": (N_("Accorder le financement"), N_("Financement accordé")),
    "refuse": (N_("Refuser le financement"), N_("Financement refusé")),
    "appeal_upheld": (N_("Admettre le recours"), N_("Recours admis")),
    "cancel_action": (N_("Annuler l'action"), N_("Action annulée")),
    "evaluate": (N_("Évaluer l'action"), N_("Action évaluée")),
    "select_for_control": (N_("Commencer le contrôle"), N_("Contrôle commencé")),
    "conclude_control": (N_("Conclure le contrôle"), N_("Contrôle conclu")),
    "close": (N_("Clore le dossier"), N_("Dossier clos")),
    "withdraw": (N_("Retirer le dossier"), N_("Dossier retiré")),
    # acts inside a state
    "edit_draft": (N_("Modifier le brouillon"), N_("Brouillon enregistré")),
    "attach_document": (N_("Joindre un document"), N_("Document joint")),
    "send_message": (N_("Écrire un message"), N_("Message envoyé")),
    "name_third": (N_("Nommer un troisième instructeur"), N_("Troisième instructeur nommé")),
    "comment": (N_("Commenter pour votre instance"), N_("Commentaire envoyé")),
    "review_pieces": (N_("Examiner les réponses du porteur"), N_("Réponses examinées")),
    "write_note": (N_("Écrire une note interne"), N_("Note écrite")),
    "answer_piece": (N_("Répondre à une demande"), N_("Réponse enregistrée")),
    "set_effort": (N_("Estimer l'effort d'instruction"), N_("Effort d'instruction estimé")),
    "save_opinion": (N_("Enregistrer mon avis"), N_("Avis enregistré")),
    "seal_opinion": (N_("Sceller mon avis"), N_("Avis individuel scellé")),
    "sign_joint_opinion": (N_("Signer un avis commun"), N_("Avis commun signé")),
    "arbitrate": (N_("Arbitrer"), N_("Désaccord arbitré")),
    "decide_request": (N_("Décider d'une demande"), N_("Décision enregistrée")),
    "sign_agreement": (N_("Enregistrer la convention"), N_("Convention enregistrée")),
    "record_payment": (N_("Enregistrer un versement"), N_("Versement enregistré")),
    "submit_progress_report": (N_("Envoyer un bilan intermédiaire"), N_("Bilan intermédiaire envoyé")),
    "submit_final_report": (N_("Envoyer le bilan final"), N_("Bilan final envoyé")),
    "establish_report_missing": (N_("Constater l'absence de bilan"), N_("Absence de bilan constatée")),
    # consultation
    "answer": (N_("Répondre à la question"), N_("Réponse de l'expert envoyée")),
    "extend": (N_("Prolonger la question"), N_("Question prolongée")),
    "note": (N_("Joindre une note"), N_("Note de l'expert jointe après l'échéance")),
    "propose_colleague": (N_("Proposer un collègue"), N_("Collègue proposé par l'expert")),
    "hand_over": (N_("Confier la question au collègue"), N_("Question confiée à un collègue de l'expert")),
    "refuse_colleague": (N_("Refuser le collègue"), N_("Collègue de l'expert refusé")),
    "decline": (N_("Décliner la question"), N_("Question déclinée par l'expert")),
    "expire": (N_("Clore sans réponse"), N_("Question restée sans réponse")),
    "revoke": (N_("Retirer la question"), N_("Question retirée")),
    # control
    "join_control": (N_("Rejoindre le contrôle"), N_("Second contrôleur entré au contrôle")),
    "name_controllers": (N_("Nommer les contrôleurs"), N_("Contrôleurs nommés")),
    "announce": (N_("Annoncer le contrôle"), N_("Contrôle annoncé")),
    "fill_grid": (N_("Remplir la grille de réalisation"), N_("Grille de réalisation enregistrée")),
    "enter_expense": (N_("Tenir le registre des dépenses"), N_("Dépense enregistrée au registre")),
    "strike_expense": (N_("Retirer une dépense du registre"), N_("Dépense retirée du registre")),
    "send_findings": (N_("Envoyer les constats"), N_("Constats envoyés")),
    "conclude": (N_("Conclure la mission"), N_("Mission conclue")),
    "reply": (N_("Répondre aux constats"), N_("Réponse aux constats envoyée")),
    # mid-term review
    "name_reviewers": (N_("Nommer les relecteurs"), N_("Relecteurs de la revue nommés")),
    "fill_review": (N_("Remplir la grille de la revue"), N_("Grille de la revue enregistrée")),
    "sign_review": (N_("Signer la revue"), N_("Revue signée")),
    # noted in the journal beside the four lives
    "create": (N_("Ouvrir un brouillon"), N_("Brouillon ouvert")),
    "allow_late_deposit": (N_("Autoriser un dépôt tardif"), N_("Dépôt tardif autorisé")),
    "plan_sample": (N_("Publier le plan d'un tirage"), N_("Plan d'un tirage publié")),
    "commit_secret": (N_("S'engager sur une phrase"), N_("Engagement pris pour un tirage")),
    "reveal_secret": (N_("Remettre sa phrase"), N_("Phrase remise pour un tirage")),
    "read_public_value": (N_("Donner le résultat du tirage public"), N_("Résultat du tirage public lu")),
    "abandon_sample": (N_("Abandonner le plan d'un tirage"), N_("Plan d'un tirage abandonné")),
    "draw_sample": (N_("Tirer l'échantillon"), N_("Échantillon tiré et scellé")),
    "load_reference": (N_("Charger les données de référence"), N_("Données de référence chargées")),
    "add_route": (N_("Ajouter une règle"), N_("Règle d'orientation ajoutée")),
    "change_route": (N_("Modifier une règle"), N_("Règle d'orientation modifiée")),
    "move_route": (N_("Déplacer une règle"), N_("Règle d'orientation déplacée")),
    "delete_route": (N_("Supprimer une règle"), N_("Règle d'orientation supprimée")),
    "create_organisation": (N_("Ajouter un organisme"), N_("Organisme ajouté")),
    "update_organisation": (N_("Modifier un organisme"), N_("Organisme modifié")),
    "retry_message": (N_("Renvoyer un message"), N_("Message remis en file d'envoi")),
    "create_campaign": (N_("Créer une campagne"), N_("Campagne créée")),
    "set_milestone_dates": (N_("Dater les échéances"), N_("Échéances datées")),
    "set_windows": (N_("Donner les dates possibles"), N_("Dates possibles d'un financeur enregistrées")),
    "add_closure": (N_("Ajouter une fermeture"), N_("Fermeture ajoutée")),
    "remove_closure": (N_("Supprimer une fermeture"), N_("Fermeture supprimée")),
    "propose_calendar": (N_("Proposer un calendrier"), N_("Calendrier proposé")),
    "answer_calendar": (N_("Répondre à un calendrier proposé"), N_("Réponse d'un financeur au calendrier proposé")),
    "adopt_calendar": (N_("Adopter un calendrier"), N_("Calendrier adopté")),
    "abandon_calendar": (N_("Abandonner un calendrier proposé"), N_("Calendrier proposé abandonné")),
    "move_milestone": (N_("Déplacer une échéance"), N_("Échéance déplacée")),
    "set_envelope": (N_("Fixer une enveloppe"), N_("Enveloppe fixée")),
    "create_session": (N_("Créer une séance"), N_("Séance créée")),
    "invite": (N_("Inviter une personne"), N_("Personne invitée")),
    "invite_again": (N_("Inviter de nouveau"), N_("Personne invitée de nouveau")),
    "grant_role": (N_("Donner un rôle"), N_("Rôle donné")),
    "end_role": (N_("Retirer un rôle"), N_("Rôle retiré")),
    "describe_member": (N_("Décrire un instructeur"), N_("Capacité et compétences d'un instructeur enregistrées")),
    "publish_grid": (N_("Publier une grille"), N_("Nouvelle version d'une grille commune publiée")),
    "save_grid": (N_("Enregistrer la grille"), N_("Nouvelle version de la grille enregistrée")),
    "record_training": (N_("Enregistrer une formation"), N_("Formation enregistrée")),
    "deactivate": (N_("Fermer un compte"), N_("Compte fermé")),
    "open_committee": (N_("Ouvrir un comité local"), N_("Comité local ouvert")),
    "declare_interest": (N_("Déclarer un intérêt"), N_("Intérêt déclaré")),
    "withdraw_interest": (N_("Retirer un intérêt"), N_("Intérêt retiré")),
    "add_expert": (N_("Ajouter un expert"), N_("Expert ajouté à l'annuaire")),
    "update_expert": (N_("Modifier un expert"), N_("Fiche d'un expert modifiée")),
    "retire_expert": (N_("Retirer un expert"), N_("Expert retiré de l'annuaire")),
    "bring_back_expert": (N_("Remettre un expert"), N_("Expert remis dans l'annuaire")),
    "ask_reset": (N_("Demander un nouveau mot de passe"), N_("Nouveau mot de passe demandé")),
    "use_reset": (N_("Choisir un nouveau mot de passe"), N_("Nouveau mot de passe choisi")),
    "use_invitation": (N_("Accepter l'invitation"), N_("Invitation acceptée")),
    "change_password": (N_("Changer de mot de passe"), N_("Mot de passe changé")),
    "set_profile": (N_("Modifier mon profil"), N_("Profil enregistré")),
    "create_webhook": (N_("Ajouter un webhook"), N_("Webhook ajouté")),
    "stop_webhook": (N_("Arrêter un webhook"), N_("Webhook arrêté")),
    "renew_webhook_secret": (N_("Renouveler le secret d'un webhook"), N_("Secret d'un webhook renouvelé")),
    "clear_address": (N_("Écrire de nouveau à une adresse"), N_("Adresse refusée de nouveau permise")),
    "set_reminders": (N_("Choisir ses rappels"), N_("Préférences de rappel enregistrées")),
    "add_absence": (N_("Noter une absence"), N_("Absence notée")),
    "remove_absence": (N_("Supprimer une absence"), N_("Absence supprimée")),
    "change_reminder_rule": (N_("Modifier une règle de rappel"), N_("Règle de rappel modifiée")),
    "reset_agenda": (N_("Renouveler mon lien d'agenda"), N_("Lien d'agenda renouvelé")),
    "change_session": (N_("Modifier une séance"), N_("Séance modifiée")),
    "cancel_session": (N_("Annuler une séance"), N_("Séance annulée")),
    "create_token": (N_("Créer un jeton"), N_("Jeton créé")),
    "revoke_token": (N_("Révoquer un jeton"), N_("Jeton révoqué")),
}
"""Each act: what a button says, and what is said once it is done (timeline, confirmation)."""

FIELDS: Mapping[str, str] = {
    **REQUIRED,
    **CRITERION_LABELS,
    "recommendation": N_("recommandation"),
    "body": N_("motifs"),
}
"""What the names of missing fields are called where a refusal lists them."""


def _label(table: Mapping[str, str], name: str) -> str:
    return str(gettext(table[name])) if name in table else name


def state_label(state: str) -> str:
    """The state in the reader's language; an unknown name stays as it is."""
    return _label(STATES, state)


def role_label(role: str) -> str:
    """The role in the reader's language; an unknown name stays as it is."""
    return _label(ROLES, role)


def field_label(name: str) -> str:
    """The label of a field that a refusal names, or the translation of a label given as text."""
    return str(gettext(FIELDS.get(name, name)))


def act_label(act: str) -> str:
    """What to write on the button or title of an act."""
    return str(gettext(ACTS[act][0])) if act in ACTS else act


def done_label(act: str) -> str:
    """What to say of an act once it is done."""
    return str(gettext(ACTS[act][1])) if act in ACTS else act


def verdict_label(verdict: str) -> str:
    """What a control found on an item of its realisation grid."""
    return _label(VERDICT_LABELS, verdict)


def pairs(options: Mapping[str, str] | None) -> list[tuple[str, str]] | None:
    """The options of a schema's field (value → message id) as a form shows them, translated."""
    return [(value, gettext(label)) for value, label in options.items()] if options else None
