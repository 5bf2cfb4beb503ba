"""Who may come in: declared access of every route, sign-in sessions, forgery checks, headers."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from web import context
from workflow.access import Actor, load_actor

PUBLIC = "public"
SIGNED_IN = "signed_in"
TOKEN = "token"  # noqa: S105 - the name of a kind of access
API_PREFIX = "/api/"

View = TypeVar("View", bound=Callable[..., Any] | type)

csrf = CSRFProtect()
BY_LINK = frozenset({"reminders.unsubscribe"})
"""Endpoints to which mail programs post on a person's behalf (RFC 8058)."""


class Undeclared(RuntimeError):
    """A route that does not say who may use it."""


def access(*who: str) -> Callable[[View], View]:
    """Declare who may use a view: « public », « signed_in », « token » (the API's own check), or roles in any scope.

    The finer right, on this dossier, is decided by the domain.
    """
    if not who:
        raise Undeclared("access() needs at least one name")

    def declare(view: View) -> View:
        view.access = who  # type: ignore[union-attr]
        return view

    return declare


def declare(app: Flask, endpoint: str, *who: str) -> None:
    """Declare the access of an endpoint whose view is not ours (static files, generated documentation)."""
    app.extensions["binome"].accesses[endpoint] = who


def access_of(app: Flask, endpoint: str) -> tuple[str, ...]:
    """Who may use an endpoint. Raises Undeclared."""
    view: Any = app.view_functions[endpoint]
    declared = app.extensions["binome"].accesses.get(endpoint)
    found: tuple[str, ...] | None = (
        declared or getattr(view, "access", None) or getattr(getattr(view, "view_class", None), "access", None)
    )
    if not found:
        raise Undeclared(endpoint)
    return found


def _check_access() -> Response | None:
    """Stop whoever may not use this endpoint: visitors are led to the sign-in page, others refused."""
    if request.endpoint is None:
        return None
    who = access_of(current_app, request.endpoint)
    if who in ((PUBLIC,), (TOKEN,)):
        return None
    if not current_user.is_authenticated:
        return _to_sign_in()
    if who != (SIGNED_IN,):
        context.current_actor().require(*who)
    return None


def _to_sign_in() -> Response:
    safe = request.method in ("GET", "HEAD")
    target = request.full_path.rstrip("?") if safe else None
    return redirect(url_for("auth.sign_in", next=target if target != "/" else None), 302 if safe else 303)


def _check_forgery() -> None:
    """Refuse a form that was not sent from our own pages.

    The API and the links in `BY_LINK` know no cookies, so nothing there can be forged: whoever holds the link may act.
    """
    if not request.path.startswith(API_PREFIX) and request.endpoint not in BY_LINK:
        csrf.protect()


# --- sessions ---------------------------------------------------------------------------------------------------


class User(UserMixin):
    """A signed-in person. The identifier dies with the credentials it was given for."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def get_id(self) -> str:
        """What the cookie carries."""
        return f"{self.actor.person_id}:{self.actor.credentials_version}"


def load_user(identifier: str) -> User | None:
    """The person whom a cookie names, unless their password changed or their account was closed since."""
    person_id, _, version = identifier.partition(":")
    if not all(part.isascii() and part.isdecimal() and len(part) < 18 for part in (person_id, version)):
        return None
    actor = load_actor(context.session(), int(person_id))
    return User(actor) if actor and actor.credentials_version == int(version) else None


def start_session(person_id: int, credentials_version: int) -> bool:
    """Sign a person in under a new session; of the old one only the language is kept. False if they cannot be."""
    lang = session.get("lang")
    session.clear()
    g.pop("csrf_token", None)
    user = load_user(f"{person_id}:{credentials_version}")
    if user is None:
        return False
    if lang:
        session["lang"] = lang
    session.permanent = True
    return bool(login_user(user))


def remote_address() -> str:
    """The network address that attempts are counted by."""
    return request.remote_addr or "unknown"


# --- headers ----------------------------------------------------------------------------------------------------

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
A_YEAR = 365 * 24 * 3600


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={A_YEAR}; includeSubDomains"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@cache
def _fingerprint(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else ""


def _name_version(endpoint: str, values: dict[str, Any]) -> None:
    """Static addresses carry a fingerprint, so that browsers may keep the files for a year."""
    if endpoint == "static" and current_app.static_folder:
        values["v"] = _fingerprint(Path(current_app.static_folder, values["filename"]))


def init(app: Flask) -> None:
    """Guard every route of `app`."""
    settings = app.extensions["binome"].settings
    secure = urlsplit(settings.base_url).scheme == "https"
    app.config.update(
        SECRET_KEY=settings.key(),
        SESSION_COOKIE_NAME="__Host-binome" if secure else "binome",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=12 * 3600,
        SEND_FILE_MAX_AGE_DEFAULT=A_YEAR,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    manager = LoginManager()
    manager.init_app(app, add_context_processor=False)
    manager.session_protection = "basic"
    manager.user_loader(load_user)
    csrf.init_app(app)
    declare(app, "static", PUBLIC)
    app.before_request(_check_access)
    app.before_request(_check_forgery)
    app.after_request(_add_headers)
    app.url_defaults(_name_version)
