"""A control on a phone without network: its service worker, the page that stands in, whose session it is."""

from pathlib import Path

from flask import Blueprint, current_app, jsonify, render_template
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from web.context import signed_in
from web.security import access

pages = Blueprint("offline", __name__)


@pages.get("/travailleur.js")
@access("public")
def worker() -> Response:
    """The service worker: at the root, since it may serve what stands below it alone; asked for anew each time."""
    script = Path(current_app.static_folder or "", "worker.js").read_bytes()
    return Response(script, mimetype="text/javascript", headers={"Cache-Control": "no-cache"})


@pages.get("/hors-connexion")
@access("public")
def show() -> str:
    """What is shown without network for every page that was not taken along."""
    return render_template("offline/show.html")


@pages.get("/hors-connexion/session")
@access("public")
def whose() -> Response:
    """Whose session this is, and a fresh token against forgery to send with what was kept."""
    actor = signed_in()
    return jsonify(person=actor.person_id if actor else None, csrf_token=generate_csrf())
