"""`binome demo`: a campaign played by role-named people through the real use cases."""

from datetime import datetime

import click
from flask_babel import gettext as _

from web.commands.output import opened
from workflow import clock, db
from workflow.db import Database
from workflow.demo import ACCOUNTS, play
from workflow.demo.draws import PHRASE
from workflow.settings import settings

DOSSIERS = 120
SEED = 2027


@click.command()
@click.option("--dossiers", type=click.IntRange(min=1), default=DOSSIERS, show_default=True, help="How many.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="The same seed gives the same campaign.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day up to which it is played (default: today).")
def demo(dossiers: int, seed: int, until: datetime | None) -> None:
    """Play a campaign into an empty database, up to a day."""
    db.migrate(settings().url())
    with opened() as database:
        play_with_progress(database, dossiers, seed, until)
    _accounts()


def play_with_progress(
    database: Database, dossiers: int = DOSSIERS, seed: int = SEED, until: datetime | None = None
) -> None:
    """Play the demo, with a bar that shows how far it is."""
    day = until.date() if until else clock.local_day(clock.now())
    with click.progressbar(length=1000, label=_("Campagne de démonstration"), show_eta=True) as bar:
        shown = 0

        def progress(done: int, total: int) -> None:
            nonlocal shown
            reached = 1000 * done // max(total, 1)
            bar.update(reached - shown)
            shown = reached

        play(database, dossiers=dossiers, seed=seed, until=day, progress=progress)


def welcome(address: str) -> None:
    """Say where the demo is served and who may sign in."""
    click.echo()
    click.secho(f"  Binôme : {address}", bold=True)
    _accounts()
    click.echo()


def _accounts() -> None:
    width = max(len(account.role) for account in ACCOUNTS)
    for account in ACCOUNTS:
        click.echo(f"  {account.role:<{width}}  {account.email}  {account.password}")
    click.echo(
        "  " + _("Phrase secrète de ceux qui se sont engagés dans le tirage en cours : %(phrase)s", phrase=PHRASE)
    )
