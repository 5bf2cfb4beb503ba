"""What a view asks for: its database session, who is acting, when; and what every template is given."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Flask, current_app, g, has_request_context, redirect, request, url_for
from flask_babel import get_locale, gettext
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from states.machine import Reason
from states.words import N_
from web import formats, words
from web.services import services
from workflow import clock, control_grid
from workflow.access import Actor
from workflow.errors import Forbidden


def session() -> Session:
    """The request's one session to read with, opened when first asked for."""
    if "session" not in g:
        g.reading = ExitStack()
        g.session = g.reading.enter_context(services().database.read())
    found: Session = g.session
    return found


@contextmanager
def write() -> Iterator[Session]:
    """A unit of work, committed when the block ends. What was read before is let go: read again after it."""
    close_session()
    with services().database.write() as unit:
        yield unit


def close_session(_error: BaseException | None = None) -> None:
    """Close the reading session if there is one."""
    reading: ExitStack | None = g.pop("reading", None)
    g.pop("session", None)
    if reading is not None:
        reading.close()


def now() -> datetime:
    """The instant of the request: the same all through it."""
    if "now" not in g:
        g.now = clock.now()
    instant: datetime = g.now
    return instant


def today() -> date:
    """The Paris day of the request."""
    return clock.local_day(now())


def signed_in() -> Actor | None:
    """The signed-in person, loaded once in a request; None for a visitor."""
    if not has_request_context():
        return None
    user = g.get("_login_user") if g.get("on_its_own") else current_user
    actor: Actor | None = user.actor if user is not None and user.is_authenticated else None
    return actor


def ask_no_more() -> None:
    """From here on the request does without the database: it answers that something broke."""
    g.on_its_own = True


def current_actor() -> Actor:
    """The signed-in person. Raises Forbidden for a visitor."""
    actor = signed_in()
    if actor is None:
        raise Forbidden(Reason("account", N_("Il faut un compte pour cette page."), N_("Connectez-vous.")))
    return actor


def is_local(target: str | None) -> bool:
    """Whether an address to go to next stays in this application."""
    return bool(
        target
        and target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and not any(c.isspace() or ord(c) < 32 or c == "\\" for c in target)
    )


def see(endpoint: str, **values: Any) -> Response:
    """Redirect to a page after a POST (303)."""
    return redirect(url_for(endpoint, **values), 303)


def dossier_url(dossier_id: int) -> str:
    """The address of a dossier's page."""
    return _url("dossiers.show", dossier_id=dossier_id) or "/"


def _url(endpoint: str, **values: Any) -> str | None:
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the navigation."""

    label: str
    url: str
    active: bool
    count: int = 0


NAV: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # label, endpoint, roles that see it (none: everybody)
    (N_("Accueil"), "home.index", ()),
    (N_("Mes dossiers"), "carrier.index", ("carrier",)),
    (N_("Mon instance"), "animator.board", ("animator",)),
    (N_("Instruction"), "instructor.index", ("instructor",)),
    (N_("Enveloppes"), "funder.index", ("funder",)),
    (N_("Évaluations"), "evaluator.index", ("evaluator",)),
    (N_("Contrôles"), "controller.index", ("controller",)),
    (N_("Comité transversal"), "transversal.queue", ("transversal",)),
    (N_("Mi-parcours"), "midterm.index", ("transversal", "administrator")),
    (N_("Calendrier"), "calendars.index", ()),
    (N_("Recherche"), "dossiers.search", ()),
    (N_("Administration"), "admin.index", ("administrator",)),
)


def nav(actor: Actor | None) -> list[Item]:
    """The navigation of a person: the pages that their roles open and that exist."""
    if actor is None:
        return []
    here = request.endpoint or ""
    items = []
    for label, endpoint, roles in NAV:
        url = _url(endpoint)
        if url and (not roles or actor.roles & set(roles)):
            active = here == endpoint or here.partition(".")[0] == endpoint.partition(".")[0] != "dossiers"
            items.append(Item(gettext(label), url, active))
    return items


def _template_context() -> dict[str, Any]:
    actor = signed_in()
    return {
        "locale": str(get_locale() or "fr"),
        "person": actor,
        "person_roles": sorted({words.role_label(role) for role in actor.roles}) if actor else [],
        "nav": nav(actor) if has_request_context() else [],
        "home_url": _url("home.index") or "/",
        "account_url": _url("auth.account"),
        "signout_url": _url("auth.sign_out"),
        "search_url": _url("dossiers.search"),
        "today": today(),
        "layout": "layout/base.html" if actor else "layout/public.html",
    }


def init(app: Flask) -> None:
    """Give the templates of `app` their filters, globals and context, and close sessions after each request."""
    app.teardown_appcontext(close_session)
    app.context_processor(_template_context)
    app.jinja_env.filters.update(
        euros=formats.euros,
        decimal=formats.decimal,
        day=formats.day,
        moment=formats.moment,
        translated=words.pairs,
    )
    app.jinja_env.globals.update(
        state_label=words.state_label,
        role_label=words.role_label,
        act_label=words.act_label,
        done_label=words.done_label,
        verdict_label=words.verdict_label,
        item_seen=control_grid.seen,
        dossier_url=dossier_url,
    )
