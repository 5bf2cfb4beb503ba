"""What a controller sees: the draw and its public record, the missions, what can be closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from states.dossier import CONTROLLER
from states.machine import Reason
from states.words import N_
from workflow.access import Actor, involvements, visible
from workflow.errors import Forbidden, NotFound
from workflow.models import Campaign, ControlItem, Dossier, Instance, Mission, Organisation, Person, Sample, SampleUnit
from workflow.queries import dossier as files
from workflow.queries.dossier import File

PAGE = 50
RECORD_SHOWN = 400
"""How many drawn dossiers a page lists; the record itself holds them all."""

Row = Any
"""A named tuple of the columns of a select."""


_OWN = Reason(
    "controller_independent",
    N_("Vous portez ce dossier : vous ne pouvez pas le contrôler."),
    N_("Un contrôleur qui n'a pas pris part au dossier doit s'en charger."),
)


# --- the draw ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """The public record of a draw: how it was made, and every dossier it was made from, by rank.

    `units` have number, rank, ticket, drawn; and for pages dossier_id, title, carrier, state.
    """

    id: int
    plan_id: int | None
    campaign: str
    campaign_id: int
    seed: str
    size: int
    population_size: int
    population_hash: str
    drawn_at: datetime
    drawn_by: str
    sealed_at: datetime
    units: Sequence[Row]


def sample_of(session: Session, campaign_id: int) -> int | None:
    """The campaign's sealed sample; of several, the last."""
    return session.scalar(
        select(Sample.id)
        .where(Sample.campaign_id == campaign_id, Sample.purpose == "control", Sample.sealed_at.is_not(None))
        .order_by(Sample.id.desc())
        .limit(1)
    )


def record(session: Session, sample_id: int, *, drawn_only: bool = False) -> Record:
    """The record of a sealed draw, in two statements. Raises NotFound."""
    sample = session.execute(
        select(
            Sample.id,
            Sample.plan_id,
            Campaign.label.label("campaign"),
            Sample.campaign_id,
            Sample.seed,
            Sample.size,
            Sample.population_size,
            Sample.population_hash,
            Sample.drawn_at,
            Person.name.label("drawn_by"),
            Sample.sealed_at,
        )
        .join(Campaign, Campaign.id == Sample.campaign_id)
        .join(Person, Person.id == Sample.drawn_by_id)
        .where(Sample.id == sample_id, Sample.sealed_at.is_not(None))
    ).first()
    if sample is None:
        raise NotFound("sample")
    units = (
        select(
            Dossier.number,
            SampleUnit.rank,
            SampleUnit.ticket,
            SampleUnit.drawn,
            SampleUnit.dossier_id,
            Dossier.title,
            Organisation.name.label("carrier"),
            Dossier.state,
        )
        .join(Dossier, Dossier.id == SampleUnit.dossier_id)
        .join(Dossier.organisation)
        .where(SampleUnit.sample_id == sample_id)
        .order_by(SampleUnit.rank)
    )
    if drawn_only:
        units = units.where(SampleUnit.drawn).limit(RECORD_SHOWN)
    return Record(**sample._mapping, units=session.execute(units).all())


# --- missions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """What a mission awaits (French message id), by which act of whom; `on_mission` where the act is the mission's."""

    label: str
    act: str | None = None
    on_mission: bool = False


def task_of(
    state: str, dossier_state: str, *, heard: bool, mine: bool = True, paired: bool = True, signed: str = ""
) -> Task:
    """What a mission awaits next, of its reader.

    `heard` says that the carrier answered or let the delay pass; `mine` that the reader is one of its controllers,
    `paired` that it has two; `signed` is OWN or OTHER where the reader or their colleague stands by the findings.
    """
    if dossier_state == "follow_up":
        return Task(N_("Attend l'évaluation de l'action"))
    if dossier_state == "cancelled":
        return Task(N_("Action annulée : plus rien à contrôler"))
    if dossier_state == "evaluated":
        return Task(N_("Prendre en charge le contrôle"), "select_for_control")
    if dossier_state == "under_control":
        if state == "concluded":
            return Task(N_("Conclure le contrôle"), "conclude_control")
        if state == "findings_sent" and not heard:
            return Task(N_("Attend la réponse du porteur"))
        if not paired:
            return _WAITS_FOR_SECOND if mine else Task(N_("Rejoindre le contrôle"), "join_control", on_mission=True)
        return _PAIRED[state, "" if state == "drawn" else signed]
    if dossier_state == "controlled":
        return Task(N_("Clore le dossier"), "close")
    return Task(N_("Terminé"))


OWN, OTHER = "own", "other"
_WAITS_FOR_SECOND = Task(N_("Attend qu'un second contrôleur le rejoigne"))
_PAIRED: Mapping[tuple[str, str], Task] = {
    ("drawn", ""): Task(N_("Annoncer le contrôle au porteur"), "announce", on_mission=True),
    ("announced", ""): Task(N_("Contrôler, puis confirmer les constats"), "sign_findings", on_mission=True),
    ("announced", OWN): Task(N_("Attend que votre collègue envoie les constats")),
    ("announced", OTHER): Task(N_("Envoyer les constats au porteur"), "send_findings", on_mission=True),
    ("findings_sent", ""): Task(N_("Confirmer les constats, le porteur entendu"), "sign_findings", on_mission=True),
    ("findings_sent", OWN): Task(N_("Attend que votre collègue conclue")),
    ("findings_sent", OTHER): Task(N_("Conclure le contrôle"), "conclude_control"),
}
"""What a mission of two awaits, by its state and who stands by its findings."""


def _signed(signer: int | None, reader: int | None) -> str:
    return "" if signer is None else OWN if signer == reader else OTHER


@dataclass(frozen=True, slots=True)
class Errand:
    """One mission in the controller's list. `involved` names how the reader took part in the dossier; `open` that they
    are one of its two controllers, or can be."""

    id: int
    dossier_id: int
    number: str
    title: str
    carrier: str
    instance: str | None
    state: str
    dossier_state: str
    controller: str | None
    mine: bool
    open: bool
    due_on: date | None
    task: Task
    involved: tuple[str, ...]
    outcome: str | None


@dataclass(frozen=True)
class Errands:
    """The missions of a campaign: the reader's own and those that lack a controller, by state; and the others'."""

    mine: Mapping[str, Sequence[Errand]]
    others: Sequence[Errand]

    @property
    def to_do(self) -> int:
        """How many the reader can bring on now."""
        return sum(bool(row.task.act) and not row.involved for rows in self.mine.values() for row in rows)


def errands(session: Session, actor: Actor, campaign_id: int, today: date) -> Errands:
    """The missions of a campaign, in one statement."""
    traces = {name: trace.label(name) for name, trace in involvements(actor.person_id).items()}
    second = aliased(Person)
    rows = session.execute(
        select(
            Mission.id,
            Mission.dossier_id,
            Dossier.number,
            Dossier.title,
            Organisation.name.label("carrier"),
            Instance.label.label("instance"),
            Mission.state,
            Dossier.state.label("dossier_state"),
            Person.name.label("controller"),
            second.name.label("second"),
            Mission.controller_id,
            Mission.second_id,
            Mission.signed_by_id,
            Mission.visit_on,
            Mission.reply_due_on,
            Mission.replied_at,
            Mission.outcome,
            Dossier.due_on,
            *traces.values(),
        )
        .join(Sample, Sample.id == Mission.sample_id)
        .join(Dossier, Dossier.id == Mission.dossier_id)
        .join(Dossier.organisation)
        .outerjoin(Dossier.instance)
        .outerjoin(Mission.controller)
        .outerjoin(second, second.id == Mission.second_id)
        .where(Sample.campaign_id == campaign_id)
        .order_by(Dossier.due_on, Dossier.number)
    )
    mine: dict[str, list[Errand]] = {}
    others = []
    for row in rows:
        errand = _errand(row, actor, today, tuple(name for name in traces if getattr(row, name)))
        if errand.open:
            mine.setdefault(_group(errand), []).append(errand)
        else:
            others.append(errand)
    return Errands({name: _by_due_day(mine[name]) for name in GROUPS if name in mine}, _by_due_day(others))


def _by_due_day(rows: Sequence[Errand]) -> Sequence[Errand]:
    return sorted(rows, key=lambda row: row.due_on or date.max)


GROUPS = ("drawn", "announced", "findings_sent", "concluded", "waiting", "over")
"""The missions' states, and besides those that still wait for the evaluation and those that are over."""


def _group(errand: Errand) -> str:
    if errand.dossier_state == "follow_up":
        return "waiting"
    return errand.state if errand.dossier_state in ("evaluated", "under_control", "controlled") else "over"


def _errand(row: Row, actor: Actor, today: date, involved: tuple[str, ...]) -> Errand:
    heard = row.replied_at is not None or (row.reply_due_on is not None and row.reply_due_on < today)
    due = {"announced": row.visit_on, "findings_sent": None if heard else row.reply_due_on}.get(row.state)
    mine, paired = actor.person_id in (row.controller_id, row.second_id), row.second_id is not None
    signed = _signed(row.signed_by_id, actor.person_id)
    task = task_of(row.state, row.dossier_state, heard=heard, mine=mine, paired=paired, signed=signed)
    return Errand(
        row.id,
        row.dossier_id,
        row.number,
        row.title,
        row.carrier,
        row.instance,
        row.state,
        row.dossier_state,
        " – ".join(name for name in (row.controller, row.second) if name) or None,
        mine,
        mine or not paired,
        (due or row.due_on) if row.dossier_state in ("evaluated", "under_control", "controlled") else None,
        task,
        involved,
        row.outcome,
    )


@dataclass(frozen=True)
class Inquiry:
    """A mission with its dossier's file, what it awaits, and what keeps the reader from it (names of involvements)."""

    mission: Mission
    file: File
    task: Task
    involved: tuple[str, ...]


def inquiry(session: Session, actor: Actor, mission_id: int, today: date) -> Inquiry:
    """A mission for its controller. Raises NotFound, or Forbidden where they hold another role there."""
    mission = session.get(Mission, mission_id)
    if mission is None:
        raise NotFound("control")
    file = files.load(session, actor, mission.dossier_id)
    if CONTROLLER not in file.reading:
        raise Forbidden(_OWN)
    traces = involvements(actor.person_id)
    row = session.execute(
        select(*(trace.label(name) for name, trace in traces.items())).where(Dossier.id == mission.dossier_id)
    ).one()
    heard = mission.replied_at is not None or (mission.reply_due_on is not None and mission.reply_due_on < today)
    task = task_of(
        mission.state,
        file.dossier.state,
        heard=heard,
        mine=actor.person_id in (mission.controller_id, mission.second_id),
        paired=mission.second_id is not None,
        signed=_signed(mission.signed_by_id, actor.person_id),
    )
    return Inquiry(mission, file, task, tuple(name for name in traces if row._mapping[name]))


def file_of(session: Session, actor: Actor, mission_id: int) -> File:
    """The file of a mission's dossier as the reader may see it. Raises NotFound."""
    dossier_id = session.scalar(select(Mission.dossier_id).where(Mission.id == mission_id))
    if dossier_id is None:
        raise NotFound("control")
    return files.load(session, actor, dossier_id)


def items_of(session: Session, mission_id: int) -> Sequence[Row]:
    """What is verified in a control: label and help of each item of its grid."""
    return session.execute(
        select(ControlItem.label, ControlItem.help)
        .join(Mission, Mission.grid_id == ControlItem.grid_id)
        .where(Mission.id == mission_id)
        .order_by(ControlItem.position)
    ).all()


# --- closing -------------------------------------------------------------------------------------------------------

_WAITING = (
    select(SampleUnit.dossier_id)
    .join(Mission, Mission.dossier_id == SampleUnit.dossier_id)
    .where(SampleUnit.dossier_id == Dossier.id, SampleUnit.drawn, Mission.state != "concluded")
    .exists()
)


@dataclass(frozen=True)
class Closable:
    """One page of the dossiers that can be closed, and how many there are."""

    rows: Sequence[Row]
    total: int
    number: int
    pages: int


def closable(session: Session, campaign_id: int, page: int) -> Closable:
    """The evaluated dossiers that no control awaits and the controlled ones, once the draw is sealed."""
    ready = (
        Dossier.campaign_id == campaign_id,
        or_(Dossier.state == "controlled", and_(Dossier.state == "evaluated", ~_WAITING)),
        select(Sample.id)
        .where(Sample.campaign_id == campaign_id, Sample.purpose == "control", Sample.sealed_at.is_not(None))
        .exists(),
    )
    total = session.scalar(select(func.count()).select_from(Dossier).where(*ready)) or 0
    pages = max(1, -(-total // PAGE))
    number = min(max(1, page), pages)
    rows = session.execute(
        select(
            Dossier.id,
            Dossier.number,
            Dossier.title,
            Dossier.state,
            Dossier.version,
            Organisation.name.label("carrier"),
        )
        .join(Dossier.organisation)
        .where(*ready)
        .order_by(Dossier.number)
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    ).all()
    return Closable(rows, total, number, pages)


def named(session: Session, actor: Actor, ids: Sequence[int]) -> Mapping[int, str]:
    """The numbers of those dossiers among `ids` that the reader may see, by id."""
    rows = session.execute(
        select(Dossier.id, Dossier.number)
        .where(Dossier.id.in_(ids), Dossier.number.is_not(None), visible(actor))
        .order_by(Dossier.number)
    )
    return {row.id: str(row.number) for row in rows}
