"""`binome user`: accounts, for whoever runs the server (the first administrator comes from here)."""

from datetime import UTC
from typing import Any

import click
from flask_babel import gettext as _
from sqlalchemy import select

from web.commands.output import answer, as_json, opened, table
from workflow import clock, links
from workflow.access import SYSTEM_ACTOR
from workflow.errors import NotFound
from workflow.models import Person, RoleGrant
from workflow.models.people import HELD_IN
from workflow.settings import settings
from workflow.use_cases import people
from workflow.use_cases.passwords import normalised


@click.group()
def user() -> None:
    """Create and list accounts."""


@user.command()
@click.argument("email")
@click.argument("name")
@click.option("--role", type=click.Choice([role for role, scope in HELD_IN.items() if scope is None]), multiple=True)
@as_json
def create(email: str, name: str, role: tuple[str, ...], as_json: bool) -> None:
    """Create an account and write its invitation link (it is mailed too). Scoped roles are given in the pages."""
    raw = {"email": email, "name": name, "roles": [{"role": one} for one in role]}
    with opened() as database, database.write() as session:
        invited = people.invite(session, SYSTEM_ACTOR, raw, clock.now())
        link = f"{settings().base_url}/invitation/{links.token(invited.link.id, 'invitation')}"
        data = {"id": invited.person.id, "email": invited.person.email, "invitation": link}
    answer(data, _("Compte créé. Lien d'invitation, à usage unique : %(link)s", link=link), as_json)


@user.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List accounts with their roles."""
    with opened() as database, database.read() as session:
        roles: dict[int, list[str]] = {}
        for person_id, role in session.execute(
            select(RoleGrant.person_id, RoleGrant.role).where(RoleGrant.ended_at.is_(None)).distinct()
        ):
            roles.setdefault(person_id, []).append(role)
        persons = session.scalars(select(Person).order_by(Person.email)).all()
    data: list[dict[str, Any]] = [
        {
            "id": person.id,
            "email": person.email,
            "name": person.name,
            "active": person.active,
            "roles": sorted(roles.get(person.id, [])),
            "created_at": person.created_at.astimezone(UTC).isoformat(),
        }
        for person in persons
    ]
    rows = [[str(d["id"]), d["email"], d["name"], ", ".join(d["roles"])] for d in data]
    answer(data, table(["id", "email", "name", "roles"], rows), as_json)


@user.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Close an account: its sessions, links and tokens die; what the person did stays."""
    with opened() as database, database.write() as session:
        person = session.scalar(select(Person).where(Person.email == normalised(email)))
        if person is None:
            raise NotFound("person")
        people.deactivate(session, SYSTEM_ACTOR, person.id, clock.now())
    click.echo(_("Compte fermé."))
