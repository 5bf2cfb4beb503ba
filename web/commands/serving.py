"""`binome serve` and `binome scheduler`: the two processes of an installation."""

import os
import subprocess
import sys

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from notifications import scheduler as jobs
from web import logs
from web.commands import demo as demonstration
from web.commands.output import opened
from workflow import clock, db
from workflow.settings import settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--demo", is_flag=True, help="Serve the demo: its campaign, its mailbox, the scheduler beside.")
def serve(host: str, port: int, workers: int, demo: bool) -> None:
    """Serve the pages and the API."""
    if demo:
        os.environ["BINOME_DEMO"] = "1"  # read by the workers and the scheduler too: processes of their own
        os.environ.setdefault("BINOME_BASE_URL", f"http://{host}:{port}")
        settings.cache_clear()
    logs.configure(demo=settings().demo)
    settings().key()
    db.migrate(settings().url())
    beside = _demonstrate(host, port) if demo else None
    try:
        Granian(
            "web.app:create_app",
            factory=True,
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=8,
            websockets=False,
            log_level=LogLevels.warning if demo else LogLevels.info,
        ).serve()
    finally:
        if beside:
            beside.terminate()
            beside.wait(timeout=10)


def _demonstrate(host: str, port: int) -> "subprocess.Popen[bytes]":
    """Play the demo's campaign where the database is empty, start the scheduler, and say where to go."""
    with opened() as database:
        with database.read() as session:
            empty = db.is_empty(session)
        if empty:
            demonstration.play_with_progress(database)
    demonstration.welcome(f"http://{host}:{port}")
    return subprocess.Popen([sys.executable, "-m", "web.cli", "scheduler"])


@click.command()
@click.option("--once", is_flag=True, help="Do everything that is due now, then end.")
def scheduler(once: bool) -> None:
    """Plan and send reminders, let consultations expire, deliver messages. Several processes may share the work."""
    logs.configure(demo=settings().demo)
    with opened() as database:
        if once:
            done = jobs.tick(database, settings(), clock.now())
            click.echo(", ".join(f"{name}: {number}" for name, number in sorted(done.items())) or "0")
        else:
            jobs.run(database, settings())
