"""Plays a living campaign through the real use cases: the same seed and last day give the same one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from states.machine import Reason
from states.words import N_
from workflow import db, journal
from workflow.clock import local_day
from workflow.demo import draws, steps_deposit, steps_funding, steps_instruction
from workflow.demo.cast import PASSWORD, assemble
from workflow.demo.stage import Life, Stage, load
from workflow.demo.steps_review import reviews
from workflow.demo.story import Story, World
from workflow.demo.writing import write_all
from workflow.demo.year import call_sessions, fill_envelopes, open_year
from workflow.errors import DomainError
from workflow.models import Commune, ControlItem, Dossier, Institution, Mission, Objective, Outbox, Route
from workflow.reference import PTCS
from workflow.rules import load_rules
from workflow.use_cases import control, grids, reference
from workflow.use_cases.routes import delete_route

STEPS: Mapping[str, Callable[[Story], None]] = {
    **steps_deposit.STEPS,
    **steps_instruction.STEPS,
    **steps_funding.STEPS,
}
_SET_UP = 20
"""How many working days before its opening a campaign is set up."""
_LAST_MESSAGES = timedelta(days=2)


class NotEmpty(DomainError):
    """The database already holds people: the demonstration never mixes with real dossiers."""

    code = "not_empty"

    def __init__(self) -> None:
        super().__init__(
            Reason(
                "not_empty",
                N_("La base contient déjà des comptes : la démonstration ne s'y mêle pas."),
                N_("Choisissez une base vide, ou gardez celle-ci telle qu'elle est."),
            )
        )


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the demonstration, to be shown: what it is, and how to sign in."""

    role: str
    email: str
    password: str = PASSWORD


ACCOUNTS = (
    Account(N_("Porteur"), "tresoriere.de.l.association.les.exemples@demo.binome.example"),
    Account(N_("Animatrice d'instance"), "animatrice.sante@demo.binome.example"),
    Account(N_("Instructrice du binôme (CAF)"), "instructrice.caf.sante@demo.binome.example"),
    Account(N_("Instructeur du binôme (ARS)"), "instructeur.ars.sante@demo.binome.example"),
    Account(N_("Financeur (CAF)"), "representante.de.la.caf@demo.binome.example"),
    Account(N_("Évaluatrice"), "evaluatrice.sante@demo.binome.example"),
    Account(N_("Contrôleuse"), "controleuse@demo.binome.example"),
    Account(N_("Comité technique transversal"), "comite.transversal@demo.binome.example"),
    Account(N_("Administratrice"), "administratrice@demo.binome.example"),
)
"""One account for each role, each with something to do."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was played: dossiers by state, acts, and the end of the journal."""

    dossiers: Mapping[str, int]
    acts: int
    head: tuple[int, str]


def play(
    database: db.Database,
    *,
    dossiers: int,
    seed: int,
    until: date,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Play `dossiers` dossiers of the campaigns up to the day before `until`, on a migrated database without people.

    `progress` hears how many days are played, of how many. Raises NotEmpty.
    """
    plans, people = load("plans"), load("people")
    stage = Stage(database, seed, until, min(row["call_opens"] for row in plans["calendar"].values()) - _SET_UP)
    with database.write() as session:
        if not db.is_empty(session):
            raise NotEmpty
        reference.load(session, PTCS, stage.now)
        cast = assemble(session, people, stage.now, dossiers)
        world = World(
            cast=cast,
            plans=plans,
            objectives={row.code: row.id for row in session.scalars(select(Objective))},
            communes={row.label: row.id for row in session.scalars(select(Commune))},
            funders=_funders(session),
            rules=load_rules(session),
            home=people["home"],
            control_items=list(session.scalars(select(ControlItem.id).order_by(ControlItem.id))),
            criteria={
                team.instance_id: [
                    row.id
                    for row in grids.save_grid(
                        session, team.animator, team.instance_id, {"criteria": grids.proposed()}, stage.now
                    ).criteria
                ]
                for team in cast.teams.values()
            },
        )
    stories = write_all(stage, world, dossiers)
    for name in plans["calendar"]:
        stage.add(_year(stage, world, stories, name))
    for story in stories:
        stage.add(story.play(STEPS))
    stage.add(reviews(stage, world, stories))
    _run(stage, progress)
    return _finish(stage)


def _funders(session: Session) -> dict[str, int]:
    rows = session.execute(select(Institution.funder_code, Institution.id).where(Institution.funder_code.is_not(None)))
    return {str(code): number for code, number in rows}


def _run(stage: Stage, progress: Callable[[int, int], None] | None) -> None:
    first, told = local_day(stage.now), -1
    total = (stage.until - first).days

    def tick(now: datetime) -> None:
        nonlocal told
        done = (local_day(now) - first).days
        if progress and done > told:
            progress(done, total)
            told = done

    stage.run(tick)
    if progress:
        progress(total, total)


def _open(stage: Stage, world: World, stories: list[Story], name: str) -> None:
    """Open a campaign: its calendar, its sessions, and envelopes to the measure of what will be asked."""
    world.campaigns[name] = open_year(stage, world.cast, world.plans, name)
    campaign_id = world.campaigns[name][0]
    call_sessions(stage, world.cast, world.plans, name, campaign_id)
    asked = [
        (funder, story.objective[0], cents)
        for story in stories
        if story.campaign == name
        for funder, cents in story.requests.items()
    ]
    orientations = {code: number for code, number in world.objectives.items() if len(code) == 1}
    world.purses |= fill_envelopes(stage, world.cast, world.plans, campaign_id, asked, orientations, world.funders)


def _year(stage: Stage, world: World, stories: list[Story], name: str) -> Life:
    """A campaign: its opening, then what else it is there to show."""
    yield stage.at(world.plans["calendar"][name]["call_opens"] - _SET_UP)
    _open(stage, world, stories, name)
    if name in world.plans["fates"]:
        yield stage.at(world.plans["calendar"][name]["control_draw"], 10)
        _draw(stage, world, [story for story in stories if story.campaign == name], name)
        if name == "previous":
            yield from draws.prepare(stage, world.cast, world.campaigns[name][0])
    else:
        _lose_rules(stage, world)


def _lose_rules(stage: Stage, world: World) -> None:
    """End the rules of some objectives, so that something waits for the transversal committee."""
    codes = {plan["objective"] for plan in world.plans["plan"] if "objective" in plan}
    for code in sorted(codes):
        with stage.database.write() as session:
            rules = select(Route.id).where(Route.objective_id == world.objectives[code]).order_by(Route.position)
            for route_id in session.scalars(rules).all():
                delete_route(session, world.cast.administrator, route_id, stage.now)


def _draw(stage: Stage, world: World, stories: list[Story], name: str) -> None:
    """Draw the control sample of a campaign's `stories`, and give each evaluated dossier what becomes of it."""
    campaign_id = world.campaigns[name][0]
    settings, fates = world.plans["draw"], world.plans["fates"][name]
    population = sum(story.state in control.POPULATION for story in stories)
    if not population:
        return
    size = min(max(int(population * settings["share"]), settings["least"]), (population + 1) // 2)
    raw = {"campaign_id": campaign_id, "size": size, "seed": f"{stage.today.isoformat()} {stage.rng.random():.9f}"}
    with stage.database.write() as session:
        sample = control.draw(session, world.cast.controllers[0], raw, stage.now)
        ranks = {unit.dossier_id: unit.rank for unit in sample.units}
        missions = {
            row.dossier_id: row.id for row in session.scalars(select(Mission).where(Mission.sample_id == sample.id))
        }
    evaluated = sorted((s for s in stories if s.state == "evaluated"), key=lambda story: ranks[story.dossier_id])
    for kind, chosen in (
        ("drawn", [story for story in evaluated if story.dossier_id in missions]),
        ("spared", [story for story in evaluated if story.dossier_id not in missions]),
    ):
        for place, story in enumerate(chosen):
            story.mission_id = missions.get(story.dossier_id, 0)
            story.steps = fates[kind][place % len(fates[kind])].split()
            stage.add(story.play(STEPS))


def _finish(stage: Stage) -> Summary:
    """Count old messages as sent: only what was told in the last days is still to be delivered."""
    with stage.database.write() as session:
        session.execute(
            update(Outbox)
            .where(Outbox.created_at < stage.end - _LAST_MESSAGES)
            .values(state="sent", sent_at=Outbox.created_at, attempts=1)
        )
        rows = session.execute(select(Dossier.state, func.count()).group_by(Dossier.state).order_by(Dossier.state))
        return Summary({row[0]: row[1] for row in rows}, stage.acts, journal.head(session))
