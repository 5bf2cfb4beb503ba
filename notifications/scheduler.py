"""The scheduler process: one job, the tick. Any number of processes may run it; none leads.

Each step of a tick takes what is due in small units of work, under locks that others skip and unique keys that they
run into: what one process began and never committed is simply still due for the next one.
"""

import signal
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.orm import Session

from notifications import beacon, channels, draws, webhooks
from notifications.errors import describe
from notifications.expiry import expire
from notifications.outbox import CALLS, Clock, deliver
from notifications.reminders import digest, fire, plan
from workflow import clock
from workflow.clock import local_day
from workflow.db import Database
from workflow.settings import Settings

log = structlog.get_logger(__name__)

STOPPING = (signal.SIGTERM, signal.SIGINT)

EVERY = timedelta(seconds=5)
"""Between two ticks. None is bound to an hour, so that none falls into the one that comes twice or not at all when the
clocks change; what was missed is found at the next one."""


def _all(
    database: Database, stop: Event, waits: Callable[[Session], bool], take: Callable[[Session], Counter[str]]
) -> Counter[str]:
    """Take batches while something waits. Where nothing does, one indexed look is all it costs, and no writer waits."""
    done: Counter[str] = Counter()
    while not stop.is_set():
        with database.read() as session:
            if not waits(session):
                break
        with database.write() as session:
            batch = take(session)
        if not +batch:  # what is left is in other hands
            break
        done += batch
    return done


def let_expire(database: Database, _settings: Settings, now: Clock, _stop: Event) -> Counter[str]:
    """Let overdue consultations expire."""
    return expire(database, now())


def plan_rungs(database: Database, _settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Plan what changed anew."""
    return _all(database, stop, plan.waiting, lambda session: Counter(planned=plan.plan(session, now())))


def fire_rungs(database: Database, _settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Turn the rungs whose day has come into reminders."""

    def take(session: Session) -> Counter[str]:
        rungs, reminded = fire.fire(session, now())
        return Counter(rungs=rungs, reminded=reminded)

    return _all(database, stop, lambda session: fire.waiting(session, local_day(now())), take)


def write_digests(database: Database, _settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Put what waits for somebody into a message."""

    def take(session: Session) -> Counter[str]:
        return Counter(reached=digest.persons(session, now()) + digest.experts(session, now()))

    return _all(database, stop, lambda session: digest.waiting(session, now()), take)


def remind_draws(database: Database, _settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Remind those whose part of a draw is due."""
    return _all(
        database,
        stop,
        lambda session: draws.waiting(session, now()),
        lambda session: Counter(reminded=draws.remind(session, now())),
    )


def read_beacon(database: Database, settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Fetch the public rounds that draws wait for."""
    return beacon.read(database, settings.beacon, now(), stop)


def send(database: Database, settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Deliver what is due, where the installation has a way out."""
    channel = channels.chosen(settings)
    return deliver(database, channel, settings, now, stop) if channel else Counter()


def queue_calls(database: Database, _settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Put what webhooks are to be told of into the outbox."""
    return _all(database, stop, webhooks.waiting, lambda session: Counter(passed=webhooks.queue(session, now())))


def call(database: Database, settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Make the calls that are due."""
    return deliver(database, webhooks.WebhookChannel(), settings, now, stop, webhooks.compose, CALLS)


Step = Callable[[Database, Settings, Clock, Event], Counter[str]]

WRITING: tuple[Step, ...] = (let_expire, plan_rungs, fire_rungs, remind_draws, write_digests)
"""What a tick writes, in this order: a turn that ends today is not reminded of today."""
STEPS: tuple[Step, ...] = (*WRITING, queue_calls, send, call, read_beacon)


def take(
    steps: tuple[Step, ...], database: Database, settings: Settings, now: Clock, stop: Event
) -> tuple[Counter[str], Exception | None]:
    """Do `steps`; return what was done, and the first failure: it keeps no later step from its turn."""
    done: Counter[str] = Counter()
    failure = None
    for step in steps:
        if stop.is_set():
            break
        try:
            done += step(database, settings, now, stop)
        except Exception as error:
            log.error("failed", step=step.__name__, error=describe(error))
            failure = failure or error
    return +done, failure


def tick(database: Database, settings: Settings, now: datetime) -> Counter[str]:
    """Do everything once, as of `now`; return how much was done, step by step.

    Raises what a step raised, once the others are done.
    """
    done, failure = take(STEPS, database, settings, lambda: now, Event())
    if failure:
        raise failure
    return done


def run(database: Database, settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; call it from the main thread.

    What is being delivered is finished first. Raises ValueError for an SMTP address that cannot be read.
    """
    if channels.chosen(settings) is None:
        log.warning("no way out is set: messages wait", setting="BINOME_SMTP_URL")
    # Blocked before any thread starts, so that the signal waits for sigwait whenever it comes.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    stop = Event()
    scheduler = BackgroundScheduler(
        timezone=clock.PARIS,
        executors={"default": {"type": "threadpool", "max_workers": 1}},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(
        turn, "interval", args=(database, settings, stop), seconds=EVERY.total_seconds(), next_run_time=clock.now()
    )
    scheduler.start()
    log.info("started")
    try:
        signal.sigwait(STOPPING)
    finally:
        log.info("stopping")
        stop.set()
        scheduler.shutdown(wait=True)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    log.info("stopped")


def turn(database: Database, settings: Settings, stop: Event) -> None:
    """One tick of the process: whatever fails is logged, and tried again at the next one."""
    done, _ = take(STEPS, database, settings, clock.now, stop)
    if done:
        log.info("done", **done)
