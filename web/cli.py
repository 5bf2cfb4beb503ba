"""The command line, `binome`. Exit status: 0 done, 1 refused or not found (reason on standard error), 2 wrong usage."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import click
from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from web import errors, languages, logs
from workflow import db
from workflow.errors import DomainError
from workflow.settings import settings

as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
"""The option that every command that answers something takes."""


def answer(data: Any, text: str, as_json: bool) -> None:
    """Write what a command found: `data` as JSON, or `text` for people."""
    click.echo(json.dumps(data, ensure_ascii=False, default=str) if as_json else text)


class Refusing(click.Group):
    """A group whose commands may raise refusals of the domain: told on standard error, exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with pages' words at hand."""
        words = Flask("web")
        languages.init(words, settings().locale)
        with words.app_context():
            try:
                return super().invoke(ctx)
            except DomainError as error:
                for reason in map(errors.explain, error.reasons):
                    click.echo(f"{reason['message']} {reason['remedy']}", err=True)
                ctx.exit(1)


@click.group(cls=Refusing)
def main() -> None:
    """Binôme: the shared instruction of local social-cohesion actions."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--demo", is_flag=True, help="Serve the demo: generated key, mailbox instead of mail.")
def serve(host: str, port: int, workers: int, demo: bool) -> None:
    """Serve the pages and the API."""
    if demo:
        os.environ["BINOME_DEMO"] = "1"  # read by the workers too, which are processes of their own
        settings.cache_clear()
    logs.configure(demo=settings().demo)
    settings().key()
    db.migrate(settings().url())
    Granian(
        "web.app:create_app",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=8,
        websockets=False,
    ).serve()


@main.group()
def database() -> None:
    """Create and check the database."""


main.add_command(database, "db")


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


if __name__ == "__main__":
    main()
