"""Coming in and going out: sign-in, forgotten password, the links that work once, and one's own account."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, session
from flask_babel import gettext as _
from flask_login import logout_user
from werkzeug.wrappers import Response

from states.words import N_
from web import context, errors, forms
from web.context import current_actor, is_local, now, see, signed_in, write
from web.security import access, remote_address, start_session
from web.services import services
from workflow import links
from workflow.errors import Invalid, NotFound
from workflow.queries.account import account as read_account
from workflow.use_cases import passwords, profile, tokens

pages = Blueprint("auth", __name__)


def _home() -> str:
    target = request.values.get("next")
    return target if target and is_local(target) else "/"


# --- sign-in ----------------------------------------------------------------------------------------------------


@pages.get("/connexion")
@access("public")
def sign_in() -> Response:
    """The sign-in form; who is signed in already goes on."""
    if signed_in() is not None:
        return redirect(_home())
    return make_response(render_template("auth/sign_in.html", email="", next=request.args.get("next"), reasons=[]))


@pages.post("/connexion")
@access("public")
def open_session() -> Response:
    """Sign in, or say why not: 401, and 429 after too many attempts."""
    email = request.form.get("email", "")
    context.close_session()
    answer = passwords.sign_in(services().database, email, request.form.get("password", ""), remote_address(), now())
    is_in = answer.person_id is not None and start_session(answer.person_id, answer.credentials_version or 0)
    if is_in:
        return redirect(_home(), 303)
    refusal = answer.refusal or passwords.WRONG.refusal
    page = render_template(
        "auth/sign_in.html",
        email=email,
        next=request.form.get("next"),
        reasons=[errors.explain(refusal)] if refusal else [],
    )
    response = make_response(page, 429 if answer.retry_at else 401)
    if answer.retry_at:
        response.headers["Retry-After"] = str(max(1, int((answer.retry_at - now()).total_seconds())))
    return response


@pages.post("/deconnexion")
@access("public")
def sign_out() -> Response:
    """End the session; only the language is remembered."""
    lang = session.get("lang")
    logout_user()
    session.clear()
    if lang:
        session["lang"] = lang
    flash(_("Vous êtes déconnecté."), "info")
    return see("auth.sign_in")


# --- passwords --------------------------------------------------------------------------------------------------


@pages.route("/mot-de-passe-oublie", methods=("GET", "POST"))
@access("public")
def forgotten() -> str:
    """Ask for a reset link. The answer is the same whether the address has an account or not."""
    if request.method == "POST":
        with write() as unit:
            passwords.ask_reset(unit, request.form.get("email", ""), now())
    return render_template("auth/forgotten.html", asked=request.method == "POST")


_LINKS: Mapping[str, tuple[Any, str, str]] = {
    # purpose of a link: what it does, title of its page, what is said once it is done
    "invitation": (passwords.accept, N_("Bienvenue dans Binôme"), N_("Votre mot de passe est choisi. Bienvenue !")),
    "reset": (passwords.reset, N_("Choisir un nouveau mot de passe"), N_("Votre mot de passe est changé.")),
}


@pages.route("/invitation/<token>", methods=("GET", "POST"))
@access("public")
def accept(token: str) -> Response:
    """Choose a first password through an invitation."""
    return _choose("invitation", token)


@pages.route("/mot-de-passe/<token>", methods=("GET", "POST"))
@access("public")
def reset(token: str) -> Response:
    """Choose a new password through a mailed link."""
    return _choose("reset", token)


def _choose(purpose: str, token: str) -> Response:
    """Reading the page does not use the link up: mail filters read it too."""
    use, title, done = _LINKS[purpose]
    problems: dict[str, Any] = {}
    try:
        if request.method == "POST":
            password = _repeated()
            with write() as unit:
                person = use(unit, token, password, now())
            start_session(person.id, person.credentials_version)
            flash(_(done), "success")
            return redirect("/", 303)
        links.follow(context.session(), purpose, token, now())
    except Invalid as error:
        problems = errors.messages(error.fields)
    except NotFound:
        return make_response(render_template("auth/dead_link.html", purpose=purpose), 404)
    page = render_template("auth/choose.html", title=_(title), purpose=purpose, errors=problems)
    return make_response(page, 422 if problems else 200)


def _repeated() -> str:
    """The password typed twice. Raises Invalid where the two differ."""
    password = request.form.get("password", "")
    if request.form.get("again", "") != password:
        raise Invalid({"again": [N_("Les deux mots de passe sont différents.")]})
    return password


# --- one's own account ------------------------------------------------------------------------------------------


@pages.get("/compte")
@access("signed_in")
def account() -> Response:
    """One's own account: name, language, roles, password, tokens."""
    return _account()


def _account(
    part: str = "", problems: Mapping[str, Any] | None = None, typed: Mapping[str, Any] | None = None, secret: str = ""
) -> Response:
    found = read_account(context.session(), _own_id(), now())
    page = render_template(
        "auth/account.html",
        account=found,
        part=part,
        problems=problems or {},
        errors=problems,
        typed=typed or {},
        secret=secret,
        profile_form=profile.ProfileForm(),
        token_form=tokens.TokenForm(),
        scopes=tokens.SCOPES,
    )
    return make_response(page, 422 if problems else 200)


def _own_id() -> int:
    return current_actor().person_id or 0


@pages.post("/compte/profil")
@access("signed_in")
def set_profile() -> Response:
    """Change one's name and language."""
    raw = forms.typed()
    try:
        with write() as unit:
            person = profile.set_profile(unit, current_actor(), raw, now())
    except Invalid as error:
        return _account("profile", errors.messages(error.fields), raw)
    session["lang"] = person.locale
    flash(_("Votre profil est enregistré."), "success")
    return see("auth.account")


@pages.post("/compte/mot-de-passe")
@access("signed_in")
def change_password() -> Response:
    """Change one's password; every other session ends."""
    try:
        password = _repeated()
        with write() as unit:
            person = passwords.change_password(unit, current_actor(), request.form.get("current", ""), password, now())
    except Invalid as error:
        return _account("password", errors.messages(error.fields))
    start_session(person.id, person.credentials_version)
    flash(_("Votre mot de passe est changé. Vos autres sessions sont fermées."), "success")
    return see("auth.account")


@pages.post("/compte/jetons")
@access("signed_in")
def create_token() -> Response:
    """Make a token of the API, shown in this answer and never again."""
    raw = forms.sent(tokens.TokenForm())
    try:
        with write() as unit:
            _row, secret = tokens.create_token(unit, current_actor(), raw, now())
    except Invalid as error:
        return _account("token", errors.messages(error.fields), raw)
    return _account(secret=secret)


@pages.post("/compte/jetons/<int:token_id>/revoquer")
@access("signed_in")
def revoke_token(token_id: int) -> Response:
    """Revoke one of one's tokens."""
    with write() as unit:
        tokens.revoke_token(unit, current_actor(), token_id, now())
    flash(_("Le jeton est révoqué."), "success")
    return see("auth.account")
