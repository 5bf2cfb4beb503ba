"""The command line, `binome`. Exit status: 0 done, 1 refused or not found (reason on standard error), 2 wrong usage."""

from typing import Any

import click
from flask import Flask
from flask_babel import gettext
from sqlalchemy.exc import OperationalError, ProgrammingError

from web import errors, languages
from web.commands.calendar import calendar
from web.commands.database import database
from web.commands.demo import demo
from web.commands.journal import journal
from web.commands.pair import pair
from web.commands.remind import remind
from web.commands.route import route
from web.commands.sample import sample
from web.commands.serving import scheduler, serve
from web.commands.states import states
from web.commands.user import user
from workflow.errors import DomainError
from workflow.settings import MissingKey, settings


class Refusing(click.Group):
    """A group whose commands may raise refusals of the domain: told on standard error, exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with pages' words at hand."""
        words = Flask("web")
        languages.init(words, settings().locale)
        with words.app_context():
            try:
                return super().invoke(ctx)
            except (OperationalError, ProgrammingError):
                click.echo(gettext("La base de données n'est pas prête : lancez « binome db upgrade »."), err=True)
                ctx.exit(1)
            except MissingKey:
                click.echo(gettext("Donnez une clé secrète dans BINOME_SECRET_KEY (hors démonstration)."), err=True)
                ctx.exit(1)
            except DomainError as error:
                for reason in map(errors.explain, error.reasons):
                    click.echo(f"{reason['message']} {reason['remedy']}", err=True)
                for field, messages in errors.messages(getattr(error, "fields", {})).items():
                    click.echo(f"  {field} : {' '.join(map(str, messages))}", err=True)
                ctx.exit(1)


@click.group(cls=Refusing)
def main() -> None:
    """Binôme: the shared instruction of local social-cohesion actions."""


for command in (serve, scheduler, remind, demo, states, route, calendar, pair, journal, user, sample):
    main.add_command(command)
main.add_command(database, "db")


if __name__ == "__main__":
    main()
