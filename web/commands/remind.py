"""`binome remind`: one tick as of an instant, and what it sent or would send."""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from notifications import scheduler
from notifications.compose import Dropped, compose
from notifications.reminders.content import standing
from web import logs
from web.commands.output import answer, as_json, opened, table
from workflow.clock import PARIS
from workflow.db import Database, rehearsed
from workflow.models import Outbox, Person
from workflow.settings import Settings, settings


class Instant(click.ParamType[datetime]):
    """An instant as ISO 8601 has it; without a zone it is one of Paris."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it; a wrong one is wrong usage."""
        try:
            read = datetime.fromisoformat(value)
            return (read if read.tzinfo else read.replace(tzinfo=PARIS)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no instant such as 2027-02-17T09:30.", param, ctx)


@click.command()
@click.option("--at", required=True, type=Instant(), help="The instant, such as 2027-02-17T09:30 (of Paris).")
@click.option("--dry-run", is_flag=True, help="Send nothing and keep nothing.")
@as_json
def remind(at: datetime, dry_run: bool, as_json: bool) -> None:
    """Do one tick as of an instant: list what it sent, or would send."""
    logs.configure(demo=settings().demo)
    with opened() as database:
        messages = _would_send(database, settings(), at) if dry_run else _send(database, settings(), at)
    count = len(messages)
    said = (
        ngettext("%(num)s message partirait.", "%(num)s messages partiraient.", count)
        if dry_run
        else ngettext("%(num)s message est parti.", "%(num)s messages sont partis.", count)
    )
    headers = [_("Destinataire"), _("Message"), _("Règle"), _("Dossier"), _("Jours ouvrés"), _("Échéance")]
    rows = [[message["recipient"], message["kind"], *cells] for message in messages for cells in _cells(message)]
    answer(
        {"at": at.isoformat(), "sent": messages}, "\n".join([said, *([table(headers, rows)] if rows else [])]), as_json
    )


def _cells(message: dict[str, Any]) -> Sequence[list[str]]:
    """What a message recalls, a line for each; one that recalls nothing has an empty one."""
    lines = [[row["rule"], str(row["dossier"]), f"{row['rung']:+d}", row["due_on"]] for row in message["reminders"]]
    return lines or [["", "", "", ""]]


def _send(database: Database, settings: Settings, at: datetime) -> list[dict[str, Any]]:
    _do(scheduler.WRITING, database, settings, at)
    with database.read() as session:
        due = {row.id: row for row in _due(session, at)}
    _do((scheduler.send,), database, settings, at)
    with database.read() as session:
        sent = set(session.scalars(select(Outbox.id).where(Outbox.id >= min(due, default=0), Outbox.sent_at == at)))
        return [_message(session, row, at) for row in due.values() if row.id in sent]


def _would_send(database: Database, settings: Settings, at: datetime) -> list[dict[str, Any]]:
    with rehearsed(database) as rehearsal:
        _do(scheduler.WRITING, rehearsal, settings, at)
        with rehearsal.read() as session:
            due = _due(session, at)
            composed = compose(session, settings, [row.id for row in due], at)
            return [
                _message(session, row, at)
                for row, message in zip(due, composed, strict=True)
                if not isinstance(message, Dropped)
            ]


def _do(steps: tuple[scheduler.Step, ...], database: Database, settings: Settings, at: datetime) -> None:
    _done, failure = scheduler.take(steps, database, settings, lambda: at, Event())
    if failure:
        raise failure


def _due(session: Session, at: datetime) -> Sequence[Any]:
    """The mails that would leave at an instant."""
    recipient = func.coalesce(Person.email, Outbox.address).label("recipient")
    return session.execute(
        select(Outbox.id, Outbox.kind, recipient)
        .outerjoin(Person, Person.id == Outbox.person_id)
        .where(
            Outbox.webhook_id.is_(None),
            Outbox.state == "pending",
            Outbox.next_at <= at,
            or_(Outbox.leased_until.is_(None), Outbox.leased_until <= at),
        )
        .order_by(Outbox.next_at, Outbox.id)
    ).all()


def _message(session: Session, row: Any, at: datetime) -> dict[str, Any]:
    return {
        "recipient": row.recipient,
        "kind": row.kind,
        "reminders": [
            {
                "rule": found.code,
                "dossier": found.number or found.dossier_id,
                "rung": found.rung,
                "due_on": found.due_on.isoformat(),
            }
            for found in standing(session, row.id, at)
        ],
    }
