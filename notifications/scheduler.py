"""The scheduler process: reminds, lets consultations expire and delivers, as long as it leads."""

import signal
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from notifications import channels, reminders
from notifications.errors import describe
from notifications.expiry import expire
from notifications.leader import Leader, leader_of
from notifications.outbox import Clock, deliver
from workflow import clock
from workflow.clock import local_day
from workflow.db import Database
from workflow.settings import Settings

log = structlog.get_logger(__name__)

STOPPING = (signal.SIGTERM, signal.SIGINT)


def remind(database: Database, _settings: Settings, now: Clock, _stop: Event) -> Counter[str]:
    """Write the reminders that are due. Writers wait for nothing where there is none."""
    at = now()
    with database.read() as session:
        if not reminders.find(session, local_day(at), at):
            return Counter()
    with database.write() as session:
        return Counter(reminded=reminders.due(session, local_day(at), at))


def let_expire(database: Database, _settings: Settings, now: Clock, _stop: Event) -> Counter[str]:
    """Let overdue consultations expire."""
    return expire(database, now())


def send(database: Database, settings: Settings, now: Clock, stop: Event) -> Counter[str]:
    """Deliver what is due, where the installation has a way out."""
    channel = channels.chosen(settings)
    return deliver(database, channel, settings, now, stop) if channel else Counter()


Job = Callable[[Database, Settings, Clock, Event], Counter[str]]

JOBS: Mapping[Job, timedelta] = {
    remind: timedelta(minutes=15),
    let_expire: timedelta(minutes=15),
    send: timedelta(seconds=5),
}
"""What is done, in this order, and how often. No job has a clock time: none falls into the hour that comes twice or
not at all when the clocks change, and what was missed is found at the next turn."""


def tick(database: Database, settings: Settings, now: datetime) -> Counter[str]:
    """Do everything once, as of `now`; return what was done: reminded, expired, sent, dropped, retried, failed.

    Raises what a job raises. It needs no lead: whatever runs beside it, nothing is done twice.
    """
    stop = Event()
    return sum((job(database, settings, lambda: now, stop) for job in JOBS), Counter())


def run(database: Database, settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; call it from the main thread.

    What is being delivered is finished first. Raises ValueError for an SMTP address that cannot be read.
    """
    if channels.chosen(settings) is None:
        log.warning("no way out is set: messages wait", setting="BINOME_SMTP_URL")
    # Blocked before any thread starts, so that the signal waits for sigwait whenever it comes.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    stop, leader = Event(), leader_of(database)
    scheduler = BackgroundScheduler(
        timezone=clock.PARIS,
        executors={"default": {"type": "threadpool", "max_workers": 1}},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    turns = Turns(database, settings, leader, stop)
    for job, every in JOBS.items():
        scheduler.add_job(
            turns.take,
            "interval",
            args=(job,),
            id=job.__name__,
            seconds=every.total_seconds(),
            next_run_time=clock.now(),
        )
    scheduler.start()
    log.info("started")
    try:
        signal.sigwait(STOPPING)
    finally:
        log.info("stopping")
        stop.set()
        scheduler.shutdown(wait=True)
        leader.release()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    log.info("stopped")


class Turns:
    """The jobs' turns in the process: only while it leads, one at a time, and a failure ends no later turn."""

    def __init__(self, database: Database, settings: Settings, leader: Leader, stop: Event) -> None:
        self._database, self._settings, self._leader, self._stop = database, settings, leader, stop
        self._leads: bool | None = None

    def take(self, job: Job) -> None:
        """Do `job` once if this process leads."""
        try:
            if self._stop.is_set() or not self._lead():
                return
            done = job(self._database, self._settings, clock.now, self._stop)
            if done:
                log.info("done", job=job.__name__, **done)
        except Exception as error:
            log.error("failed", job=job.__name__, error=describe(error))

    def _lead(self) -> bool:
        leads = self._leader.held()
        if leads != self._leads:
            log.info("leading" if leads else "standing by")
        self._leads = leads
        return leads
