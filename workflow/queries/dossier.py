"""All that a dossier's page shows to one reader: who acts next, the file, the money, the opinions, what happened.

One statement finds the dossier, one reads all its parts; what the reader may not read is never asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from states.dossier import ANIMATOR, BINOME, CARRIER, CONTROLLER, FUNDER, TRANSVERSAL
from states.words import N_
from workflow.access import INSTRUCTOR, SEES, Actor, knows_of_mission, roles_on, sees, visible
from workflow.errors import NotFound
from workflow.findings import mark
from workflow.ledger import Totals, totals
from workflow.models import Consultation, Document, Dossier
from workflow.models.instruction import THIRD
from workflow.opinions import Content
from workflow.queries.bundle import Bundle, Row
from workflow.queries.parts import PARTS
from workflow.queries.progress import MINE, STEPS, Progress, progress
from workflow.queries.progress import next_step as next_of_member
from workflow.queries.timeline import Entry, path, timeline
from workflow.turns import turn_of

SETTLED = frozenset({"follow_up", "evaluated", "under_control", "controlled", "closed", "cancelled", "refused"})
"""States in which every funder has decided: from then on the carrier reads what each decided."""

FOUND = ("findings_sent", "concluded")
"""States of a control in which its carrier reads what was found."""
NOTHING_FOUND = {"realisation": "", "spending": "", "refused_cents": 0, "signed_by_id": None, "signed_at": None}
"""What a carrier reads before that in the place of what is being written."""


@cache
def _bundle(names: frozenset[str]) -> Bundle:
    return Bundle({name: part for name, (_, part) in PARTS.items() if name in names})


def _may(opens: str | None, roles: frozenset[str]) -> bool:
    return opens is None or (opens in roles if opens not in SEES else sees(opens, roles))


@dataclass(frozen=True, slots=True)
class Line:
    """One funder's line as the reader may see it: sums in cents, `decision` None while it is not theirs to know."""

    id: int
    funder_id: int
    funder: str
    asked: int
    proposed: int | None
    decision: str | None
    granted: int | None
    paid: int
    motive: str
    decided_at: datetime | None
    agreement: Row | None
    payments: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """An individual opinion; `amounts` are cents by request line, `scores` go from 0 to 4 by criterion."""

    author: str
    own: bool
    content: Row
    amounts: Mapping[int, int]
    scores: Mapping[int, int]


@dataclass(frozen=True)
class File:
    """A dossier as one reader sees it. A part that they may not read is empty."""

    dossier: Dossier
    roles: frozenset[str]
    reading: frozenset[str]
    """The roles that they read it in: whoever carries a dossier reads it as its carrier."""
    parts: Mapping[str, Sequence[Row]]
    lines: tuple[Line, ...]
    opinions: tuple[Written, ...]
    entries: tuple[Entry, ...]
    path: tuple[str, ...]

    def all(self, part: str) -> Sequence[Row]:
        """The rows of a part."""
        return self.parts.get(part, ())

    def one(self, part: str) -> Row | None:
        """The one row of a part (the last), None where there is none."""
        rows = self.all(part)
        return rows[-1] if rows else None

    def sees(self, part: str) -> bool:
        """Whether the reader may read this part of the dossier (a name of `access.SEES`)."""
        return sees(part, self.reading)

    @cached_property
    def _versions(self) -> Mapping[int, Sequence[Row]]:
        found: dict[int, list[Row]] = {}
        for row in self.all("documents"):
            found[row.id] = found.get(row.replaces_id, [])
            found[row.id].append(row)
        return found

    def versions(self, document_id: int) -> Sequence[Row]:
        """All versions of the document that this is one of, oldest first; none where the reader may not read it."""
        return self._versions.get(document_id, ())

    @property
    def documents(self) -> Sequence[Sequence[Row]]:
        """Each document as its versions, oldest first."""
        return [versions for first, versions in self._versions.items() if versions[0].id == first]

    @property
    def grid_begun(self) -> bool:
        """Whether an item of the realisation grid of the control is answered."""
        return any(item.verdict for item in self.all("grid"))

    @property
    def anything_found(self) -> bool:
        """Whether the control noted anything yet: in its grid, its ledger or in words."""
        mission = self.one("mission")
        return self.grid_begun or bool(self.all("ledger") or (mission and (mission.realisation or mission.spending)))

    @property
    def findings_mark(self) -> str:
        """What `sign_findings` takes as seen: the mark of what this file shows of the control."""
        answers = [(row.id, row.verdict, row.observation, row.evidence) for row in self.all("grid") if row.verdict]
        return mark(self.one("mission"), answers, [(row.id, row.version) for row in self.all("ledger")])

    @property
    def ledger(self) -> Totals | None:
        """The sums of the spending ledger of the control; None where it has no line."""
        lines = self.all("ledger")
        return totals(lines) if lines else None

    @property
    def final_report(self) -> Row | None:
        """The final report, also where it was established as never sent."""
        return next((report for report in self.all("reports") if report.kind == "final"), None)


def find(session: Session, actor: Actor, dossier_id: int) -> tuple[Dossier, frozenset[str]]:
    """The dossier and what `actor` is to it. Raises NotFound where they may not know of it.

    Somebody of an instance that is only told of it reads it like an instructor.
    """
    dossier = session.scalar(
        select(Dossier)
        .where(Dossier.id == dossier_id, visible(actor))
        .options(
            *(
                joinedload(relation)
                for relation in (
                    Dossier.organisation,
                    Dossier.campaign,
                    Dossier.instance,
                    Dossier.objective,
                    Dossier.commune,
                )
            )
        )
    )
    if dossier is None:
        raise NotFound("dossier")
    return dossier, roles_on(session, actor, dossier) or frozenset({INSTRUCTOR})


def load(session: Session, actor: Actor, dossier_id: int) -> File:
    """The dossier's file for `actor`, in two statements besides those of their roles. Raises NotFound."""
    dossier, roles = find(session, actor, dossier_id)
    reading = frozenset({CARRIER}) if CARRIER in roles else roles
    names = frozenset(name for name, (opens, _) in PARTS.items() if _may(opens, reading))
    parts = _bundle(names).read(
        session, dossier_id=dossier.id, reader=actor.person_id, early=int(bool(reading & {BINOME, ANIMATOR}))
    )
    if "mission" in parts:
        parts["mission"] = [mission for mission in parts["mission"] if knows_of_mission(reading, mission.state)]
        found = any(mission.state in FOUND for mission in parts["mission"])
        if CARRIER in reading and not found:
            parts["grid"] = parts["ledger"] = []
            parts["mission"] = [mission._replace(**NOTHING_FOUND) for mission in parts["mission"]]
    return File(
        dossier=dossier,
        roles=roles,
        reading=reading,
        parts=parts,
        lines=_lines(dossier, reading, parts),
        opinions=_opinions(actor, parts),
        entries=tuple(timeline(parts["entries"], reading)),
        path=tuple(path(parts["entries"])),
    )


def _lines(dossier: Dossier, reading: Iterable[str], parts: Mapping[str, Sequence[Row]]) -> tuple[Line, ...]:
    decided = dossier.state in SETTLED or reading != {CARRIER}
    proposed = sees("proposed", reading)
    agreements = {agreement.request_id: agreement for agreement in parts.get("agreements", ())}
    return tuple(
        Line(
            id=row.id,
            funder_id=row.funder_id,
            funder=row.funder,
            asked=row.asked_cents,
            proposed=row.proposed_cents if proposed else None,
            decision=row.decision if decided else None,
            granted=row.granted_cents if decided else None,
            paid=row.paid_cents,
            motive=row.motive if decided else "",
            decided_at=row.decided_at if decided else None,
            agreement=agreements.get(row.id),
            payments=tuple(payment for payment in parts.get("payments", ()) if payment.request_id == row.id),
        )
        for row in parts["lines"]
    )


def _opinions(actor: Actor, parts: Mapping[str, Sequence[Row]]) -> tuple[Written, ...]:
    amounts: dict[int, dict[int, int]] = {}
    for row in parts.get("opinion_amounts", ()):
        amounts.setdefault(row.opinion_id, {})[row.request_id] = row.proposed_cents
    scores: dict[int, dict[int, int]] = {}
    for row in parts.get("opinion_scores", ()):
        scores.setdefault(row.opinion_id, {})[row.criterion_id] = row.score
    return tuple(
        Written(row.name, row.author_id == actor.person_id, row, amounts.get(row.id, {}), scores.get(row.id, {}))
        for row in parts.get("opinions", ())
    )


@dataclass(frozen=True, slots=True)
class Download:
    """A document as it is sent: its name, media type and the SHA-256 under which its bytes lie."""

    filename: str
    media_type: str
    sha256: str


def document(session: Session, actor: Actor, dossier_id: int, document_id: int) -> Download:
    """A document of the dossier. Raises NotFound where there is none that `actor` may read."""
    dossier, roles = find(session, actor, dossier_id)
    found = session.get(Document, document_id)
    if found is None or found.dossier_id != dossier.id or not sees("documents", roles):
        raise NotFound("document")
    return Download(found.filename, found.media_type, found.sha256)


def answer_file(session: Session, actor: Actor, dossier_id: int, consultation_id: int) -> Download:
    """The file that came with an expert's answer. Raises NotFound where there is none that `actor` may read."""
    dossier, roles = find(session, actor, dossier_id)
    found = session.get(Consultation, consultation_id)
    if found is None or found.dossier_id != dossier.id or not sees("consultations", roles):
        raise NotFound("consultation")
    if found.file_name is None or found.file_type is None or found.file_sha256 is None:
        raise NotFound("document")
    return Download(found.file_name, found.file_type, found.file_sha256)


# --- whose turn it is ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NextStep:
    """Who must act (a role), what they must do (French message id), by when; `mine` where it is the reader."""

    role: str
    task: str
    due_on: date | None
    mine: bool


def next_step(file: File, actor: Actor) -> NextStep | None:
    """The next step of the dossier as the reader may know it; None where its life is over."""
    dossier = file.dossier
    turn = turn_of(dossier.state, final_report_settled=file.final_report is not None)
    if turn is None:
        return None
    step = NextStep(turn.role, turn.task, dossier.due_on, turn.role in file.roles)
    if dossier.state == "submitted" and dossier.instance_id is None:
        return replace(
            step,
            role=TRANSVERSAL,
            task=N_("Choisir l'instance qui instruira le dossier"),
            mine=TRANSVERSAL in file.roles,
        )
    if dossier.state == "expert_consulted" and file.reading == {CARRIER}:
        inside = turn_of("assigned")
        return NextStep(inside.role, inside.task, None, mine=False) if inside else None
    if turn.role == BINOME and BINOME in file.reading:
        name = next_of_member(progress_of(file, actor.person_id), actor.person_id)
        return replace(step, task=STEPS[name], mine=name in MINE)
    if turn.role == FUNDER and FUNDER in file.reading:
        pending = any(line.decision == "pending" and line.funder_id in actor.funders for line in file.lines)
        return replace(step, mine=pending)
    if dossier.state == "under_control":
        return _of_the_control(step, file, actor)
    return step


def progress_of(file: File, person_id: int | None) -> Progress:
    """How far the binôme of a dossier is, as `person_id` may know it."""
    joint = file.one("joint")
    return progress(
        file.dossier.state,
        person_id,
        [
            Content(
                opinion.content.author_id,
                opinion.content.verdict,
                opinion.amounts,
                opinion.scores,
                opinion.content.sealed_at is not None,
            )
            for opinion in file.opinions
        ],
        third_id=next((seat.person_id for seat in file.all("binome") if seat.seat == THIRD), None),
        joint=joint is not None,
        signatures=(row.person_id for row in file.all("signatures")),
        arbitrated=joint is not None and joint.basis == "arbitrated",
        report_settled=file.final_report is not None,
    )


def _of_the_control(step: NextStep, file: File, actor: Actor) -> NextStep:
    mission = file.one("mission")
    if mission is None:
        return step
    if mission.state == "findings_sent" and mission.replied_at is None:
        return NextStep(
            CARRIER, N_("Répondre aux constats du contrôle"), mission.reply_due_on, mine=CARRIER in file.roles
        )
    own = mission.controller_id is None or actor.person_id in (mission.controller_id, mission.second_id)
    return replace(step, mine=CONTROLLER in file.roles and own)
