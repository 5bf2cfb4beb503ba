"""How far the binôme of a dossier is, and what comes next for each of its members."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from states.words import N_
from workflow.opinions import Content, agreeing

STEPS: Mapping[str, str] = {
    "write": N_("Écrire et sceller votre avis"),
    "finish": N_("Terminer et sceller votre avis"),
    "wait_colleague": N_("Attendre l'avis de votre binôme : le vôtre est scellé"),
    "wait_third": N_("Attendre l'avis du troisième instructeur"),
    "reconcile": N_("Rapprocher les avis : écrire un avis commun"),
    "sign": N_("Relire et signer l'avis commun"),
    "wait_signature": N_("Attendre la signature de votre binôme sur l'avis commun"),
    "wait_experts": N_("Attendre la réponse des experts"),
    "issue": N_("Rendre l'avis"),
    "wait_carrier": N_("Attendre les compléments du porteur"),
    "evaluate": N_("Évaluer l'action"),
    "nothing": N_("Rien à faire pour vous"),
}
"""What a member of a binôme has to do next, in words."""
MINE = frozenset({"write", "finish", "reconcile", "sign", "issue", "evaluate"})
"""Steps that wait for the member themself."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the binôme of a dossier is, as one member stands in it."""

    state: str
    own_begun: bool = False
    own_sealed: bool = False
    both_sealed: bool = False
    """Whether two opinions are sealed, so that they may be compared."""
    third_awaited: bool = False
    """Whether a third instructor was named and has not sealed an opinion."""
    agree: bool = False
    """Whether two of the sealed opinions agree."""
    joint: bool = False
    signatures: frozenset[int] = frozenset()
    arbitrated: bool = False
    report_settled: bool = False


def progress(
    state: str,
    person_id: int | None,
    opinions: Iterable[Content],
    *,
    third_id: int | None,
    joint: bool,
    signatures: Iterable[int],
    arbitrated: bool,
    report_settled: bool,
) -> Progress:
    """The progress of a dossier in `state` as `person_id` may know it, from the `opinions` that they may read."""
    known = list(opinions)
    sealed = {opinion.author_id for opinion in known if opinion.sealed}
    return Progress(
        state,
        own_begun=any(opinion.author_id == person_id for opinion in known),
        own_sealed=person_id in sealed,
        both_sealed=len(sealed) >= 2,
        third_awaited=third_id is not None and third_id not in sealed,
        agree=agreeing(known) is not None,
        joint=joint,
        signatures=frozenset(signatures),
        arbitrated=arbitrated,
        report_settled=report_settled,
    )


def next_step(found: Progress, person_id: int | None) -> str:
    """The name (of STEPS) of what comes next for the member `person_id`."""
    if found.state == "incomplete":
        return "wait_carrier"
    if found.state == "follow_up" and found.report_settled:
        return "evaluate"
    if found.state not in ("assigned", "expert_consulted"):
        return "nothing"
    if not found.own_sealed:
        return "finish" if found.own_begun else "write"
    if not found.both_sealed:
        return "wait_colleague"
    if found.agree or found.arbitrated or len(found.signatures) >= 2:
        return "issue" if found.state == "assigned" else "wait_experts"
    if found.third_awaited:
        return "wait_third"
    if not found.joint:
        return "reconcile"
    return "wait_signature" if person_id in found.signatures else "sign"
