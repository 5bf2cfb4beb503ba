"""A dossier's desk: what those who instruct it see while they do, and what comes next for each.

The two individual opinions are hidden from each other until both are sealed: the desk holds what the dossier's file
(`workflow.queries.dossier`) lets through.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from states.words import N_
from workflow.access import Actor
from workflow.grids import apart, mark
from workflow.queries import dossier as files
from workflow.queries.dossier import File, Written

Row = Any
"""A named tuple of the columns of a select."""


# --- what comes next -----------------------------------------------------------------------------------------------

STEPS: Mapping[str, str] = {
    "write": N_("Écrire votre avis"),
    "finish": N_("Terminer et sceller votre avis"),
    "wait_colleague": N_("Attendre l'avis de votre binôme : le vôtre est scellé"),
    "reconcile": N_("Rapprocher les deux avis : écrire un avis commun"),
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
    agree: bool = False
    joint: bool = False
    signatures: frozenset[int] = frozenset()
    arbitrated: bool = False
    report_settled: bool = False


def next_step(progress: Progress, person_id: int | None) -> str:
    """The name (of STEPS) of what comes next for the member `person_id`."""
    if progress.state == "incomplete":
        return "wait_carrier"
    if progress.state == "follow_up" and progress.report_settled:
        return "evaluate"
    if progress.state not in ("assigned", "expert_consulted"):
        return "nothing"
    if not progress.own_sealed:
        return "finish" if progress.own_begun else "write"
    if not progress.both_sealed:
        return "wait_colleague"
    if progress.agree or progress.arbitrated or len(progress.signatures) >= 2:
        return "issue" if progress.state == "assigned" else "wait_experts"
    if not progress.joint:
        return "reconcile"
    return "wait_signature" if person_id in progress.signatures else "sign"


# --- the desk ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """A dossier as those who instruct it see it while they do."""

    file: File
    progress: Progress
    step: str
    colleague: Row | None
    """The other seat of the binôme."""
    own: Written | None
    opinions: tuple[Written, ...]
    """Both individual opinions once both are sealed; until then none."""
    differing: frozenset[Any]
    """Where the two differ: « verdict », the ids of request lines, and « criterion-id » for scores too far apart."""
    joint_amounts: Mapping[int, int]

    @property
    def mine(self) -> bool:
        """Whether the next step waits for the reader."""
        return self.step in MINE

    def mark(self, written: Written) -> float | None:
        """The weighted mean of an opinion's scores, from 0 to 4."""
        return mark({row.id: row.weight for row in self.file.all("criteria")}, written.scores)

    @property
    def answered(self) -> int:
        """How many experts have answered or declined, or need not any more."""
        return sum(row.state != "asked" for row in self.file.all("consultations"))


def desk(session: Session, actor: Actor, dossier_id: int) -> Desk:
    """The desk of a dossier for whoever may read it. Raises NotFound."""
    file = files.load(session, actor, dossier_id)
    seats = file.all("binome")
    own = next((opinion for opinion in file.opinions if opinion.own), None)
    sealed = tuple(opinion for opinion in file.opinions if opinion.content.sealed_at is not None)
    both = sealed if len(sealed) == 2 else ()
    joint = file.one("joint")
    differing = _differing(*both) if both else frozenset()
    progress = Progress(
        file.dossier.state,
        own_begun=own is not None,
        own_sealed=own in sealed,
        both_sealed=bool(both),
        agree=bool(both) and not differing,
        joint=joint is not None,
        signatures=frozenset(row.person_id for row in file.all("signatures")),
        arbitrated=joint is not None and joint.basis == "arbitrated",
        report_settled=file.final_report is not None,
    )
    return Desk(
        file,
        progress,
        next_step(progress, actor.person_id),
        next((row for row in seats if row.person_id != actor.person_id), None),
        own,
        both,
        differing,
        {row.request_id: row.proposed_cents for row in file.all("joint_amounts")},
    )


def _differing(one: Written, other: Written) -> frozenset[Any]:
    lines = {line for line in {*one.amounts, *other.amounts} if one.amounts.get(line) != other.amounts.get(line)}
    criteria = {f"criterion-{one}" for one in apart(one.scores, other.scores)}
    return frozenset(lines | criteria | ({"verdict"} if one.content.verdict != other.content.verdict else set()))
