"""Who is reminded of what, when: by the rules, in working days, only of what is still to do, and never twice."""

from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select, update

from notifications.compose import Dropped, compose
from tests.factories import DATES, NOW, Walk
from tests.notifications.lives import answer_as_expert, consult, seal, unrouted
from tests.notifications.ticking import DAY, Sent, by_day, fates, morning, tick
from workflow.calendars.working_days import add_working_days
from workflow.models import (
    BinomeMember,
    Dossier,
    Milestone,
    Outbox,
    Person,
    PlannedReminder,
    Reminder,
    RoleGrant,
)
from workflow.settings import Settings
from workflow.use_cases import campaign, intake

DUE = DATES["opinion_deadline"]
PAIR = ("instructor.1", "instructor.2")


def on(rung: int, due: date = DUE) -> date:
    """The working day of a rung."""
    return add_working_days(due, rung)


def kept(walk: Walk, row: object) -> None:
    """Write a row."""
    with walk.database.write() as session:
        session.add(row)


def move(walk: Walk, day: date, at: datetime, code: str = "opinion_deadline") -> None:
    """An administrator moves a milestone."""
    with walk.database.write() as session:
        number = session.scalar(
            select(Milestone.id).where(Milestone.campaign_id == walk.world.campaign_id, Milestone.code == code)
        )
        actor = walk.world.actor(session, "administrator")
        raw = {"dates": {str(number): day.isoformat()}}
        campaign.set_milestone_dates(session, actor, walk.world.campaign_id, raw, at)


# The rules that come with the product


def test_an_opinion_is_recalled_to_both_and_told_to_others_when_it_stays_undone(walk: Walk) -> None:
    walk.assigned()
    assert by_day(walk.database, NOW.date(), 150) == [
        *(Sent(on(rung), who, "opinion", rung) for rung in (-15, -7, -1, 1) for who in PAIR),
        *(Sent(on(3), who, "opinion", 3) for who in PAIR),
        *(Sent(on(5), who, "opinion", 5) for who in (*PAIR, "animator")),
        Sent(on(10), "transversal", "opinion", 10),
    ]
    with walk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(PlannedReminder)) == 0


def test_a_completion_is_recalled_to_the_carrier_and_what_is_due_today_comes_alone(walk: Walk) -> None:
    due = date(2026, 11, 20)
    walk.submitted().act("animator", "request_completion", pieces=["Devis"], due_on=due.isoformat())
    assert by_day(walk.database, NOW.date(), 30) == [
        *(Sent(on(rung, due), "carrier", "completion", rung) for rung in (-7, -1, 0, 1, 5)),
        Sent(on(5, due), "animator", "completion", 5),
    ]
    with walk.database.read() as session:
        kinds = session.execute(
            select(Outbox.kind, Reminder.rung).join(Reminder, Reminder.outbox_id == Outbox.id)
        ).all()
    assert {(kind, rung) for kind, rung in kinds if kind == "reminder_urgent"} == {("reminder_urgent", 0)}


def test_a_draft_is_recalled_until_the_call_closes(walk: Walk) -> None:
    walk.draft()
    due = DATES["deposit_deadline"]
    days = by_day(walk.database, NOW.date(), 70)
    assert days == [Sent(on(rung, due), "carrier", "draft", rung) for rung in (-15, -7, -1, 0)]


def test_after_the_call_has_closed_a_draft_is_recalled_no_more(walk: Walk) -> None:
    walk.draft()
    due = DATES["deposit_deadline"]
    assert by_day(walk.database, due + DAY, 10) == []
    assert fates(walk.database) == []


def test_who_may_deposit_late_is_recalled_by_the_day_of_the_derogation(walk: Walk) -> None:
    walk.draft()
    until = DATES["deposit_deadline"] + 14 * DAY
    with walk.database.write() as session:
        raw = {
            "organisation_id": walk.world.organisation_id,
            "campaign_id": walk.world.campaign_id,
            "until": until.isoformat(),
            "reason": "Maladie",
        }
        actor = walk.world.actor(session, "animator")
        intake.allow_late_deposit(session, actor, raw, morning(DATES["deposit_deadline"] - DAY))
    Walk(walk.database, walk.world).draft()
    days = by_day(walk.database, DATES["deposit_deadline"], 25)
    assert [found.rung for found in days if found.day > on(-7, until)] == [-1, -1, 0, 0]
    assert days[-1].day == on(0, until)


def test_a_dossier_that_waits_is_recalled_to_the_animator_then_told_to_the_transversal_committee(walk: Walk) -> None:
    walk.submitted()
    due = DATES["completeness_deadline"]
    assert by_day(walk.database, NOW.date(), 100) == [
        *(Sent(on(rung, due), "animator", "admissibility", rung) for rung in (-7, -1, 1)),
        *(Sent(on(5, due), who, "admissibility", 5) for who in ("animator", "transversal")),
    ]


def test_each_funder_is_recalled_its_own_line_by_its_own_day(walk: Walk) -> None:
    walk.tabled()
    common, own = DATES["funder_decision"], DATES["funder_decision"] + 7 * DAY
    funder = walk.world.funders["CAF"]
    kept(
        walk,
        Milestone(
            campaign_id=walk.world.campaign_id,
            code="funder_decision",
            label="CAF",
            position=9,
            funder_id=funder,
            on=own,
        ),
    )
    sent = by_day(walk.database, on(-7, common), 4)
    assert sent[1:] == [Sent(on(-7, common), "funder.état", "decision", -7)]
    line = walk.lines()["État"]
    walk.now = morning(on(-5, common))
    walk.act("funder État", "decide_request", request_id=line, amount_cents=1_000_00)
    sent = by_day(walk.database, on(-7, own), 40)
    assert [found for found in sent if found.who == "funder.état"] == []
    assert [(found.who, found.rung) for found in sent] == [
        *(("funder.caf", rung) for rung in (-7, -1, 1, 5)),
        ("animator", 5),
        ("transversal", 10),
    ]


def test_a_final_report_is_recalled_to_the_carrier_then_its_evaluation_to_the_evaluator(walk: Walk) -> None:
    walk.funded()
    due = DATES["final_report"]
    assert by_day(walk.database, due - 12 * DAY, 6)[1:] == [Sent(on(-7, due), "carrier", "report", -7)]
    walk.now = morning(due - 5 * DAY)
    walk.act("carrier", "submit_final_report", narrative="Fait", beneficiaries=38, spent_cents=9_500_00)
    drawn = DATES["control_draw"]
    assert by_day(walk.database, due - 5 * DAY, 60)[:3] == [
        Sent(on(rung, drawn), "evaluator", "evaluation", rung) for rung in (-15, -7, -1)
    ]


def test_an_evaluation_moves_with_the_day_of_the_draw(walk: Walk) -> None:
    walk.funded()
    walk.now = morning(DATES["final_report"])
    walk.act("carrier", "submit_final_report", narrative="Fait", beneficiaries=38, spent_cents=9_500_00)
    later = DATES["control_draw"] + 14 * DAY
    move(walk, later, walk.now, code="control_draw")
    sent = by_day(walk.database, on(-15, later), 3)
    assert sent == [Sent(on(-15, later), "evaluator", "evaluation", -15)]


def test_findings_are_recalled_to_the_carrier_until_the_reply(walk: Walk) -> None:
    walk.drawn()
    walk.now = morning(date(2028, 6, 1))
    walk.taken()
    mission, due = walk.mission_id(), date(2028, 6, 30)
    walk.act("controller", "announce", mission, visit_on="2028-06-15")
    walk.found(due.isoformat(), realisation="Faite", spending="Justifiée")
    assert by_day(walk.database, date(2028, 6, 2), 26) == [Sent(on(-7, due), "carrier", "findings", -7)]
    walk.now = morning(date(2028, 6, 28))
    walk.act("carrier", "reply", mission, answer="Merci")
    assert by_day(walk.database, date(2028, 6, 28), 5) == []


def test_an_announced_control_is_recalled_to_both_controllers_and_the_carrier(walk: Walk) -> None:
    walk.drawn()
    walk.now = morning(date(2028, 6, 1))
    walk.taken()
    mission, visit = walk.mission_id(), date(2028, 6, 20)
    walk.act("controller", "announce", mission, visit_on=visit.isoformat())
    people = (("controller", "visit"), ("controller.2", "visit"), ("carrier", "visited"))
    first = by_day(walk.database, date(2028, 6, 2), 12)
    assert sorted(first) == sorted(Sent(on(-7, visit), who, rule, -7) for who, rule in people)
    walk.now = morning(date(2028, 6, 15))
    walk.found("2028-07-17", realisation="Faite", spending="Justifiée")
    seen = by_day(walk.database, date(2028, 6, 15), 6)
    assert [one for one in seen if one.rule != "control"] == [], "what is found needs no visit any more"


def test_a_dossier_without_instance_is_recalled_to_the_transversal_committee(walk: Walk) -> None:
    unrouted(walk.database, walk.world)
    due = DATES["completeness_deadline"]
    assert tick(walk.database, morning(on(-7, due))) == [Sent(on(-7, due), "transversal", "admissibility", -7)]


def test_an_expert_is_recalled_at_the_address(walk: Walk) -> None:
    walk.assigned()
    walk.now = morning(date(2027, 1, 4))
    asked = consult(walk, days=15)
    due = date(2027, 1, 19)
    assert by_day(walk.database, date(2027, 1, 4), 12) == [Sent(on(-7, due), "expert", "consultation", -7)]
    answer_as_expert(walk, asked, "answer", stance="favourable", answer="Oui")
    sent = by_day(walk.database, date(2027, 1, 16), 10)
    assert [found for found in sent if found.who == "expert"] == []


# Only what is still to do


def test_who_sealed_waits_for_the_other_and_both_must_issue(walk: Walk) -> None:
    walk.assigned()
    seal(walk, "instructor 1", "favourable")
    assert tick(walk.database, morning(on(-7))) == [Sent(on(-7), PAIR[1], "opinion", -7)]
    seal(walk, "instructor 2", "favourable")
    assert tick(walk.database, morning(on(-1))) == [Sent(on(-1), who, "opinion", -1) for who in PAIR]
    walk.act("instructor 2", "issue_opinion")
    assert tick(walk.database, morning(on(1))) == []


def test_the_other_member_is_told_of_who_stays_behind(walk: Walk) -> None:
    walk.assigned()
    seal(walk, "instructor 1", "favourable")
    assert by_day(walk.database, on(1), 3) == [
        Sent(on(1), PAIR[1], "opinion", 1),
        Sent(on(3), PAIR[0], "opinion", 3),
    ]


def test_nothing_is_recalled_that_was_only_just_asked(walk: Walk) -> None:
    due = NOW.date() + 3 * DAY
    walk.submitted().act("animator", "request_completion", pieces=["Devis"], due_on=due.isoformat())
    assert [found.rung for found in by_day(walk.database, NOW.date(), 4)] == [-1, 0]


def test_a_person_replaced_between_planning_and_sending_hears_nothing_and_the_next_what_comes_after(walk: Walk) -> None:
    walk.assigned()
    tick(walk.database, morning(on(-15)))
    night = morning(on(-7), hour=0)
    assert tick(walk.database, night) == []
    assert fates(walk.database)[-2:] == [(who, "waiting", "") for who in PAIR]
    people = walk.world.people
    walk.now = night + timedelta(hours=1)
    walk.act("animator", "replace_member", leaver_id=people["instructor 1"], newcomer_id=people["instructor 3"])
    assert tick(walk.database, morning(on(-7))) == [Sent(on(-7), PAIR[1], "opinion", -7)]
    assert fates(walk.database)[2] == (PAIR[0], "dropped", "done")
    assert [found for found in by_day(walk.database, on(-6), 8) if found.who != PAIR[1]] == [
        Sent(on(-1), "instructor.3", "opinion", -1)
    ]


def test_nobody_is_hurried_while_an_expert_is_asked(walk: Walk) -> None:
    walk.assigned()
    tick(walk.database, morning(on(-15)))
    walk.now = morning(DUE - 12 * DAY)
    asked = consult(walk, days=20)
    sent = by_day(walk.database, DUE - 12 * DAY, 8)
    assert [found for found in sent if found.rule == "opinion"] == []
    walk.now = morning(DUE - 4 * DAY)
    answer_as_expert(walk, asked, "answer", stance="favourable", answer="Oui")
    assert [found.rung for found in by_day(walk.database, DUE - 3 * DAY, 4)] == [-1, -1]


def test_who_has_no_role_or_account_any_more_is_not_written_to(walk: Walk) -> None:
    walk.assigned()
    tick(walk.database, morning(on(-15)))
    assert tick(walk.database, morning(on(-7), hour=0)) == []
    with walk.database.write() as session:
        session.execute(update(Person).where(Person.id == walk.world.people["instructor 1"]).values(active=False))
    assert tick(walk.database, morning(on(-7))) == [Sent(on(-7), PAIR[1], "opinion", -7)]
    assert fates(walk.database)[2] == (PAIR[0], "dropped", "account_closed")
    walk.act("instructor 2", "request_completion", pieces=["Devis"], due_on="2027-03-31")
    with walk.database.write() as session:
        session.execute(update(RoleGrant).where(RoleGrant.role == "carrier").values(ended_at=NOW))
    assert tick(walk.database, morning(date(2027, 3, 31))) == []


def test_a_digest_that_waited_is_looked_at_again_as_it_goes(walk: Walk, settings: Settings) -> None:
    walk.assigned()
    tick(walk.database, morning(on(-7)))
    with walk.database.read() as session:
        first, second = session.scalars(select(Outbox.id).where(Outbox.kind == "digest").order_by(Outbox.id))

    def fate(outbox_id: int) -> str:
        with walk.database.read() as session:
            mail = next(compose(session, settings, [outbox_id], morning(on(-6))))
        return mail.why if isinstance(mail, Dropped) else "goes"

    assert [fate(first), fate(second)] == ["goes", "goes"]
    seal(walk, "instructor 1", "favourable")
    assert [fate(first), fate(second)] == ["done meanwhile, or due on another day", "goes"]
    with walk.database.write() as session:
        session.execute(update(BinomeMember).where(BinomeMember.dossier_id == walk.dossier_id).values(left_at=NOW))
    assert fate(second).startswith("done meanwhile")


# Days that move


def test_a_due_day_that_moved_is_recalled_anew(walk: Walk) -> None:
    walk.assigned()
    assert [found.rung for found in by_day(walk.database, on(-15), 15)] == [-15, -15, -7, -7]
    later = DUE + 10 * DAY
    move(walk, later, morning(DUE - 4 * DAY))
    assert [(found.day, found.rung) for found in by_day(walk.database, DUE - 4 * DAY, 17)] == sorted(
        2 * [(on(rung, later), rung) for rung in (-7, -1, 1)]
    )


def test_a_day_that_moves_away_and_back_is_not_recalled_again(walk: Walk) -> None:
    walk.assigned()
    before = by_day(walk.database, on(-15), 15)
    move(walk, DUE + 10 * DAY, morning(on(-6)))
    assert tick(walk.database, morning(on(-6))) == []
    move(walk, DUE, morning(on(-6), hour=11))
    after = by_day(walk.database, on(-6), 20)
    assert {found.rung for found in before} == {-15, -7}
    assert {found.rung for found in after} == {-1, 1, 3, 5}
    with walk.database.read() as session:
        versions = set(session.scalars(select(Reminder.due_version)))
    assert len(versions) == 2, "the day came back under another version"


def test_what_fell_after_the_move_while_no_tick_ran_is_made_up_for(walk: Walk) -> None:
    walk.assigned()
    tick(walk.database, morning(on(-15)))
    later = DUE + 10 * DAY
    move(walk, later, morning(on(-8)))
    assert [found.rung for found in tick(walk.database, morning(on(-5, later)))] == [-7, -7]


def test_what_waits_for_a_day_that_moved_is_dropped(walk: Walk) -> None:
    walk.assigned()
    tick(walk.database, morning(on(-7), hour=0))
    move(walk, DUE + 10 * DAY, morning(on(-7), hour=1))
    assert tick(walk.database, morning(on(-7))) == []
    assert fates(walk.database)[:2] == [(who, "dropped", "moved") for who in PAIR]


def test_a_campaign_without_days_recalls_nothing(walk: Walk) -> None:
    walk.assigned()
    with walk.database.write() as session:
        session.execute(update(Dossier).values(due_on=None, reminders_planned=False))
        session.execute(delete(Milestone))
    assert by_day(walk.database, on(-15), 10) == []
