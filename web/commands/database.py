"""`binome db`: create the database, check its schema."""

import tempfile
from pathlib import Path

import click

from web.commands.output import answer, as_json
from workflow import db
from workflow.settings import settings


@click.group()
def database() -> None:
    """Create and check the database."""


@database.command()
def upgrade() -> None:
    """Bring the database to the newest schema."""
    db.migrate(settings().url())


@database.command()
@as_json
def check(as_json: bool) -> None:
    """Compare the models with what the migrations make (in a scratch database); exit status 1 where they differ."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'check.sqlite'}"
        db.migrate(url)
        differences = [str(difference) for difference in db.drift(url)]
    answer(differences, "\n".join(differences) or "Models and migrations agree.", as_json)
    if differences:
        raise SystemExit(1)
