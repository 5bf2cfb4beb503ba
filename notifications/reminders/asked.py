"""Who has something to do, and by when: what a rule says of a dossier's situation. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from notifications.reminders.situation import Situation, Span
from states.dossier import (
    ANIMATOR,
    BINOME,
    CARRIER,
    CONTROLLER,
    EVALUATOR,
    EXPERT,
    FUNDER,
    TRANSVERSAL,
)
from workflow.clock import local_day
from workflow.reminder_rules import CONSULTATION_DUE, DOSSIER_DUE, FINDINGS_DUE, OTHER_MEMBER, VISIT_DUE, RuleLike


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is due: on the dossier, or of one of its consultations or funders.

    `since`: when it became due on that day.
    """

    consultation_id: int | None
    funder_id: int | None
    due_on: date
    version: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody to be told, as what: a person, or an expert at an address; and since when they know."""

    role: str
    since: datetime
    person_id: int | None = None
    address: str | None = None

    @property
    def who(self) -> tuple[int | None, str | None]:
        """The recipient."""
        return self.person_id, self.address


def subjects(rule: RuleLike, dossier: Situation, at: datetime | None) -> list[Subject]:
    """What is due by a rule on a dossier; of consultations and lines those open at an instant, or all of them."""
    if rule.due == CONSULTATION_DUE:
        return [
            Subject(asking.id, None, asking.due_on, asking.version, asking.first)
            for asking in dossier.consultations
            if at is None or asking.last is None or at < asking.last
        ]
    if rule.due == VISIT_DUE:
        return _visit(dossier, at)
    if rule.due == FINDINGS_DUE:
        control = dossier.control
        due_on = control.reply_due_on if control else None
        return [Subject(None, None, due_on, control.version, dossier.state_since)] if control and due_on else []
    funders = (
        [funder for funder, decided in sorted(dossier.lines.items()) if at is None or decided is None or at < decided]
        if rule.asked == FUNDER
        else [None]
    )
    found = ((funder, _due(rule, dossier, funder)) for funder in funders)
    return [
        Subject(None, funder, on, version, max(dossier.state_since, moved_at or dossier.state_since))
        for funder, due in found
        if due
        for on, version, moved_at in [due]
    ]


def _visit(dossier: Situation, at: datetime | None) -> list[Subject]:
    """The day for which a control was announced, which stays; over once the findings are sent."""
    control = dossier.control
    if control is None or control.visit_on is None:
        return []
    over = at is not None and control.found_at is not None and control.found_at <= at
    return [] if over else [Subject(None, None, control.visit_on, 1, dossier.state_since)]


def _due(rule: RuleLike, dossier: Situation, funder_id: int | None) -> tuple[date, int, datetime | None] | None:
    """The day, its version, and when it moved; of one with a day for each funder that one's, else the latest."""
    if rule.due == DOSSIER_DUE:
        return (dossier.due_on, dossier.due_version, dossier.due_since) if dossier.due_on else None
    days = dossier.milestones.get(rule.due, ())
    own = [day for day in days if funder_id is not None and day.funder_id == funder_id]
    fitting = own or [day for day in days if day.funder_id is None] or ([] if funder_id is not None else list(days))
    latest = max(fitting, key=lambda day: day.on, default=None)
    return (latest.on, latest.version, latest.moved_at) if latest else None


def asked(rule: RuleLike, dossier: Situation, subject: Subject, at: datetime) -> list[Told]:
    """Who has to do it at an instant; nobody where it is done, or can be done no more."""
    possible = _STILL_TO_DO.get((rule.state, rule.asked))
    if possible is not None and not possible(dossier, subject, at):
        return []
    if rule.asked == EXPERT:
        return [
            Told(EXPERT, asking.first, address=asking.address)
            for asking in dossier.consultations
            if asking.id == subject.consultation_id and (asking.last is None or at < asking.last)
        ]
    if rule.asked == BINOME:
        return [_told(BINOME, span, subject) for span in _undone(dossier, at)]
    role = TRANSVERSAL if rule.asked == ANIMATOR and dossier.instance_id is None else rule.asked
    return [_told(role, span, subject) for span in _holders(role, dossier, subject, at)]


def also_told(to: str, dossier: Situation, subject: Subject, late: Sequence[Told], at: datetime) -> list[Told]:
    """Who else is told that the `late` ones have not done it: `to` is of `reminder_rules.ESCALATED`."""
    if to == OTHER_MEMBER:
        return [
            _told(OTHER_MEMBER, span, subject)
            for span in dossier.members
            if span.holds(at) and any(one.person_id != span.person_id for one in late)
        ]
    return [_told(to, span, subject) for span in _holders(to, dossier, subject, at)]


def told_by(
    rule: RuleLike,
    dossier: Situation,
    subject: Subject,
    rung: int,
    on_day: date,
    undone: Sequence[Told],
    late: Sequence[Told],
    at: datetime,
) -> list[Told]:
    """Whom a rung tells on its day, each once: the `undone` who are asked, then who is told of the `late` ones.

    Who learned of it only that day, or later, is not told.
    """
    told = list(undone) if rung in rule.offsets else []
    for step in rule.escalation:
        if step["offset"] == rung and late:
            told += also_told(step["to"], dossier, subject, late, at)
    first: dict[tuple[int | None, str | None], Told] = {}
    for one in told:
        first.setdefault(one.who, one)
    return [one for one in first.values() if local_day(one.since) < on_day]


def _told(role: str, span: Span, subject: Subject) -> Told:
    return Told(role, max(span.first, subject.since), span.person_id)


def _holders(role: str, dossier: Situation, subject: Subject, at: datetime) -> list[Span]:
    scopes = {
        CARRIER: dossier.organisation_id,
        ANIMATOR: dossier.instance_id,
        EVALUATOR: dossier.instance_id,
        FUNDER: subject.funder_id,
    }
    spans = dossier.holders(role, scopes.get(role), at)
    control = dossier.control
    if role != CONTROLLER or control is None or control.controller_id is None:
        return spans
    return [span for span in spans if span.person_id in (control.controller_id, control.second_id)]


def _undone(dossier: Situation, at: datetime) -> list[Span]:
    """Members without a sealed opinion; once both sealed theirs, the two have to issue the joint one."""
    members = [span for span in dossier.members if span.holds(at)]
    sealed = {span.person_id for span in dossier.sealed if span.holds(at)}
    return [span for span in members if span.person_id not in sealed] or members


def _call_is_open(dossier: Situation, subject: Subject, at: datetime) -> bool:
    return local_day(at) <= max(subject.due_on, dossier.late_until or subject.due_on)


def _reported(dossier: Situation, at: datetime) -> bool:
    return dossier.final_report_at is not None and dossier.final_report_at <= at


def _undecided(dossier: Situation, subject: Subject, at: datetime) -> bool:
    if subject.funder_id not in dossier.lines:
        return False
    decided_at = dossier.lines[subject.funder_id]
    return decided_at is None or at < decided_at


def _unheard(dossier: Situation, _subject: Subject, at: datetime) -> bool:
    control = dossier.control
    return control is not None and all(done is None or at < done for done in (control.replied_at, control.concluded_at))


_STILL_TO_DO: Mapping[tuple[str, str], Callable[[Situation, Subject, datetime], bool]] = {
    ("draft", CARRIER): _call_is_open,
    ("funding_decision", FUNDER): _undecided,
    ("follow_up", CARRIER): lambda dossier, _subject, at: not _reported(dossier, at),
    ("follow_up", EVALUATOR): lambda dossier, _subject, at: _reported(dossier, at),
    ("under_control", CARRIER): _unheard,
}
"""Where the state alone does not say that it still waits."""
