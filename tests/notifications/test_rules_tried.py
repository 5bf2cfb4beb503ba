"""What a rule would have sent over a campaign, and which reminders a milestone would move."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import event, select

from notifications.reminders.preview import last_campaign, preview
from tests.factories import DATES, NOW, Walk
from tests.notifications.lives import seal
from tests.notifications.test_reminders import on
from tests.notifications.ticking import by_day, morning, tick
from workflow.models import Milestone, ReminderRule
from workflow.reminder_changes import Change, changed_reminders

LATER = datetime(2029, 1, 8, 9, tzinfo=UTC)
DUE = DATES["opinion_deadline"]


def stored(walk: Walk, code: str) -> ReminderRule:
    """A rule of the territory."""
    with walk.database.read() as session:
        return session.scalars(select(ReminderRule).where(ReminderRule.code == code)).one()


def tried(walk: Walk, rule: ReminderRule) -> list[tuple[date, str, str, int]]:
    """What a rule would have sent."""
    with walk.database.read() as session:
        found = last_campaign(session)
        assert found
        assert found.id == walk.world.campaign_id
        lines = preview(session, rule, found.id, LATER)
    assert {line.dossier_id for line in lines} <= {walk.dossier_id}
    return [(line.day, line.recipient, line.role, line.rung) for line in lines]


def test_a_rule_tried_says_what_it_really_sent(walk: Walk) -> None:
    walk.assigned()
    tick(walk.database, walk.now)
    sent = by_day(walk.database, on(-16), 14)
    walk.now = morning(on(-2))
    seal(walk, "instructor 1", "favourable")
    sent += by_day(walk.database, on(-2), 8)
    walk.now = morning(on(4))
    seal(walk, "instructor 2", "favourable")
    walk.act("instructor 1", "issue_opinion")
    sent += by_day(walk.database, on(4), 20)
    would = tried(walk, stored(walk, "opinion"))
    assert [(day, rung) for day, _, _, rung in would] == [(one.day, one.rung) for one in sent if one.rule == "opinion"]
    assert would[-1] == (on(3), "Rôle instructor 1", "other_member", 3)


def test_another_rule_is_tried_without_being_kept(walk: Walk) -> None:
    due = date(2026, 11, 20)
    walk.submitted().act("animator", "request_completion", pieces=["Devis"], due_on=due.isoformat())
    rule = ReminderRule(
        code="completion",
        instance_id=walk.world.instance_id,
        label="Compléments",
        state="incomplete",
        due="dossier",
        asked="carrier",
        offsets=[-3],
        escalation=[{"offset": 2, "to": "transversal"}],
        active=True,
    )
    assert tried(walk, rule) == [
        (on(-3, due), "Rôle carrier", "carrier", -3),
        (on(2, due), "Rôle transversal", "transversal", 2),
    ]
    rule.active = False
    assert tried(walk, rule) == []
    rule.active, rule.instance_id = True, walk.world.instance_id + 1
    assert tried(walk, rule) == []


def test_the_territory_is_tried_without_the_instances_that_have_their_own(walk: Walk) -> None:
    walk.assigned()
    rule = stored(walk, "opinion")
    assert tried(walk, rule)
    with walk.database.write() as session:
        session.add(
            ReminderRule(
                code="opinion",
                instance_id=walk.world.instance_id,
                label="Avis",
                state="assigned",
                due="dossier",
                asked="binome",
                offsets=[-1],
                escalation=[],
            )
        )
    assert tried(walk, rule) == []


def test_a_life_tried_by_every_rule(walk: Walk) -> None:
    walk.funded()
    assert {rung for *_, rung in tried(walk, stored(walk, "report"))} == {-15, -7, -1, 1, 5, 10}
    walk.now = morning(DATES["final_report"])
    walk.act("carrier", "submit_final_report", narrative="Fait", beneficiaries=38, spent_cents=9_500_00)
    report, evaluation = tried(walk, stored(walk, "report")), tried(walk, stored(walk, "evaluation"))
    assert {rung for *_, rung in report} == {-15, -7, -1}
    assert (on(-15, DATES["control_draw"]), "Rôle evaluator", "evaluator", -15) in evaluation


def test_statements_do_not_grow_with_dossiers(walk: Walk) -> None:
    counts = []
    seen: list[str] = []
    event.listen(walk.database.reader, "before_cursor_execute", lambda _c, _cur, words, *_: seen.append(words))
    rule = stored(walk, "draft")
    for _ in range(2):
        Walk(walk.database, walk.world).draft()
        with walk.database.read() as session:
            seen.clear()
            lines = preview(session, rule, walk.world.campaign_id, LATER)
            counts.append((len(lines), len(seen)))
    (few, first), (more, second) = counts
    assert (more, second) == (2 * few, first)


# Milestones that move


def test_a_milestone_that_would_move_shows_which_reminders_move_for_whom(walk: Walk) -> None:
    walk.assigned()
    Walk(walk.database, walk.world).assigned()
    tick(walk.database, morning(on(-1)))
    later = DUE + timedelta(days=7)
    with walk.database.read() as session:
        changes = changed_reminders(session, walk.world.campaign_id, {("opinion_deadline", None): later})
        others = changed_reminders(session, walk.world.campaign_id, {("technical_committee", None): later})
        same = changed_reminders(session, walk.world.campaign_id, {("opinion_deadline", None): DUE})
    told = [(1, "binome"), (3, "other_member"), (5, "binome"), (5, "animator"), (10, "transversal")]
    assert changes == [Change("Avis à rendre", role, rung, 2, on(rung), on(rung, later)) for rung, role in told]
    assert others == same == []


def test_a_funders_own_day_moves_its_own_reminders(walk: Walk) -> None:
    walk.tabled()
    common = DATES["funder_decision"]
    with walk.database.write() as session:
        session.add(
            Milestone(
                campaign_id=walk.world.campaign_id,
                code="funder_decision",
                label="CAF",
                position=9,
                funder_id=walk.world.funders["CAF"],
                on=common,
            )
        )
    tick(walk.database, NOW)
    later = common + timedelta(days=7)
    with walk.database.read() as session:
        place = ("funder_decision", walk.world.funders["CAF"])
        changes = changed_reminders(session, walk.world.campaign_id, {place: later})
        gone = changed_reminders(session, walk.world.campaign_id, {place: None, ("funder_decision", None): None})
    assert {change.rung for change in changes} == {-15, -7, -1, 1, 5, 10}
    assert {change.dossiers for change in changes} == {1}
    assert {change.after for change in gone} == {None}
