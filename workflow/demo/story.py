"""One dossier of the demonstration: what it proposes, the life planned for it, and what it has come to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from states.dossier import TERMINAL
from workflow.access import Actor
from workflow.acts import Case
from workflow.clock import local_day
from workflow.demo.cast import Carrier, Cast, Team
from workflow.demo.stage import Life, Stage
from workflow.demo.year import Purse
from workflow.routing import Rule

PHASES = (
    "deposit",
    "late",
    "instruction",
    "tabling",
    "decision",
    "appeal",
    "follow_up",
    "report",
    "missing",
    "evaluation",
    "control",
)
"""The parts of a life, in order; a step that comes back to an earlier part is played in the later one."""

_STARTS = {
    "open": "deposit",
    "derogate": "late",
    "ask": "instruction",
    "assign": "instruction",
    "assign_alike": "instruction",
    "reroute": "instruction",
    "refer": "instruction",
    "inadmissible": "instruction",
    "withdraw": "instruction",
    "table": "tabling",
    "defer": "decision",
    "decide": "decision",
    "refuse": "decision",
    "uphold": "appeal",
    "agree": "follow_up",
    "report": "report",
    "miss": "missing",
    "evaluate": "evaluation",
    "take": "control",
    "close": "control",
}
_REVIVES = {"uphold", "uphold_admissible"}


@dataclass
class World:
    """What every story draws on."""

    cast: Cast
    plans: Mapping[str, Any]
    objectives: Mapping[str, int]
    communes: Mapping[str, int]
    funders: Mapping[str, int]
    rules: Sequence[Rule]
    home: str
    control_items: Sequence[int]
    """The realisation grid of the controls."""
    campaigns: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Id and year of each campaign that is open, by its name."""
    criteria: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """By which each instance judges."""
    purses: dict[Purse, int] = field(default_factory=dict)
    """What is left in each envelope."""


@dataclass
class Line:
    """A funding request as far as it has come, in cents."""

    id: int
    funder: str
    asked: int
    proposed: int = 0
    granted: int = 0
    paid: int = 0
    decided: bool = False
    agreed: bool = False


@dataclass
class Story:
    """A dossier on the stage."""

    stage: Stage
    world: World
    pace: str
    steps: list[str]
    carrier: Carrier
    form: Mapping[str, Any]
    requests: Mapping[str, int]
    objective: str
    dossier_id: int = 0
    state: str = ""
    team: Team | None = None
    lines: list[Line] = field(default_factory=list)
    binome: list[Actor] = field(default_factory=list)
    opinions: dict[int, dict[str, Any]] = field(default_factory=dict)
    joint_id: int = 0
    consultation: tuple[int, str] = (0, "")
    controllers: tuple[Actor, Actor] | None = None
    mission_id: int = 0
    refused: int = 0
    not_before: datetime | None = None
    upcoming: datetime | None = None
    """When the next step is planned; None where none is."""

    @property
    def campaign(self) -> str:
        """The name of the dossier's campaign."""
        return str(self.world.plans["windows"][self.pace]["campaign"])

    @property
    def campaign_id(self) -> int:
        """The dossier's campaign, once it is open."""
        return self.world.campaigns[self.campaign][0]

    @property
    def led(self) -> Team:
        """The team of the lead instance."""
        if self.team is None:
            raise LookupError("no instance leads this dossier")
        return self.team

    def act(self, actor: Actor, name: str, subject_id: int | None = None, **raw: Any) -> Case:
        """Somebody does something to the dossier, now."""
        case = self.stage.act(actor, name, self.dossier_id, subject_id, **raw)
        self.state = case.dossier.state
        return case

    def due(self, least: int, most: int) -> str:
        """A day by which an answer comes: some days after the next step, so that it comes in time."""
        last = max(self.stage.today, local_day(self.upcoming)) if self.upcoming else self.stage.today
        return (last + timedelta(days=self.stage.rng.randint(least, most))).isoformat()

    def play(self, steps: Mapping[str, Callable[["Story"], None]]) -> Life:
        """The dossier's life, step by step; it ends early where it came to an end otherwise than planned."""
        windows = self.world.plans["windows"][self.pace]
        for phase, names in _parts(self.steps):
            first, last = windows[phase]
            start = max(self.stage.at(first), self.stage.now) if self.dossier_id else self.stage.at(first)
            instants = self.stage.instants(start, self.stage.at(last, 18), len(names))
            for rank, name in enumerate(names):
                yield self._not_too_soon(instants[rank])
                if self.state in TERMINAL and name not in _REVIVES:
                    return
                self.not_before = None
                self.upcoming = instants[rank + 1] if rank + 1 < len(names) else None
                steps[name](self)

    def _not_too_soon(self, at: datetime) -> datetime:
        """`at`, or later: people need a moment after the act before, and an expert until their last day."""
        earliest = self.stage.soon if self.dossier_id else at
        return max(at, earliest, self.not_before or at)


def _parts(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The steps of a life, part by part."""
    parts: list[tuple[str, list[str]]] = []
    for name in names:
        before = PHASES.index(parts[-1][0]) if parts else 0
        phase = PHASES[max(before, PHASES.index(_STARTS.get(name, PHASES[0])))]
        if not parts or parts[-1][0] != phase:
            parts.append((phase, []))
        parts[-1][1].append(name)
    return parts
