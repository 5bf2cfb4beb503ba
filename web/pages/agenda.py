"""The calendars that phones and mail programs follow: a person's own and each instance's; and the link to them."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, flash, make_response, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from notifications.feeds import Entry, feed
from web.context import current_actor, now, see, session, today, write
from web.security import access
from web.words import state_label
from workflow import links
from workflow.access import Actor, load_actor
from workflow.clock import PARIS
from workflow.errors import NotFound
from workflow.queries import agenda as query
from workflow.settings import settings
from workflow.turns import TURNS
from workflow.use_cases import agenda

pages = Blueprint("agenda", __name__)


@pages.get("/agenda/<token>.ics")
@access("public")
def person(token: str) -> Response:
    """What awaits the person, their sessions and milestones."""
    actor = _who(token)
    with force_locale(actor.locale):
        entries = [
            *_tasks(actor),
            *_sessions(query.sessions(session(), actor, today())),
            *_milestones(actor),
        ]
        return _answer(_("Binôme – mon agenda"), actor, entries)


@pages.get("/agenda/<token>/instance/<int:instance_id>.ics")
@access("public")
def instance(token: str, instance_id: int) -> Response:
    """An instance's sessions, milestones and due days, for whoever holds a role in it at this moment."""
    actor = _who(token)
    found, meetings, dossiers = query.instance(session(), actor, instance_id, today())
    with force_locale(actor.locale):
        due = [
            Entry(
                _uid("due", row.id),
                row.due_version,
                row.state_since,
                row.due_on,
                f"{_(TURNS[row.state].task)} – {row.number}",
                f"{row.title}\n{state_label(row.state)}",
                url=_url(f"/dossiers/{row.id}"),
            )
            for row in dossiers
        ]
        entries = [*due, *_sessions(meetings), *_milestones(actor)]
        return _answer(_("Binôme – %(instance)s", instance=found.label), actor, entries)


def _who(token: str) -> Actor:
    """The person behind a link, with the roles that they hold now. Raises NotFound."""
    link = links.follow(session(), agenda.PURPOSE, token, now())
    actor = load_actor(session(), link.person_id or 0)
    if actor is None:
        raise NotFound("link")
    return actor


def _tasks(actor: Actor) -> Iterator[Entry]:
    for task, row in query.tasks(session(), actor, today()):
        if task.due_on:
            yield Entry(
                _uid(task.kind, task.dossier_id),
                row.due_version,
                row.state_since,
                task.due_on,
                f"{_(task.task)} – {task.number or task.title}",
                f"{task.title}\n{task.carrier}",
                url=_url(f"/dossiers/{task.dossier_id}"),
            )


def _sessions(rows: Iterable[query.Row]) -> Iterator[Entry]:
    for row in rows:
        start = datetime.combine(row.on, row.starts_at, PARIS) if row.starts_at else row.on
        yield Entry(
            _uid("session", row.id),
            row.sequence,
            row.cancelled_at or row.created_at,
            start,
            row.label,
            row.instance or "",
            row.place,
            cancelled=row.cancelled_at is not None,
        )


def _milestones(actor: Actor) -> Iterator[Entry]:
    for row in query.milestones(session(), actor, today()):
        yield Entry(
            _uid("milestone", row.id),
            row.version,
            row.created_at,
            row.on,
            f"{row.label} – {row.campaign}",
            url=_url(f"/calendrier/{row.campaign_id}"),
        )


def _url(path: str) -> str:
    return settings().base_url.rstrip("/") + path


def _uid(kind: str, number: int) -> str:
    """The name of an entry for ever, whoever's calendar it stands in."""
    return f"{kind}-{number}@{urlsplit(settings().base_url).hostname}"


def _answer(name: str, actor: Actor, entries: Iterable[Entry]) -> Response:
    body = feed(name, actor.locale, entries)
    response = make_response(body)
    response.headers.update(
        {
            "Content-Type": "text/calendar; charset=utf-8",
            "Content-Disposition": 'inline; filename="binome.ics"',
            "Cache-Control": "private, no-cache",
            "X-Robots-Tag": "noindex, nofollow",
            "Referrer-Policy": "no-referrer",
        }
    )
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    return response.make_conditional(request)


@pages.get("/compte/agenda")
@access("signed_in")
def show() -> str:
    """One's own links, and how to use them."""
    actor = current_actor()
    link = agenda.live_link(session(), actor.person_id or 0)
    address = _url(f"/agenda/{links.token(link.id, agenda.PURPOSE)}") if link else None
    return render_template(
        "auth/agenda.html", address=address, instances=query.instances(session(), actor) if link else []
    )


@pages.post("/compte/agenda")
@access("signed_in")
def reset() -> Response:
    """Make a new link; the one before works no more."""
    with write() as unit:
        agenda.reset_link(unit, current_actor(), now())
    flash(_("Votre lien d'agenda est prêt. L'ancien, s'il y en avait un, ne fonctionne plus."), "success")
    return see("agenda.show")
