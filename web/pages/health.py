"""For those who watch over the service."""

from flask import Blueprint, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from web.context import session
from web.security import access

pages = Blueprint("health", __name__)


@pages.get("/sante")
@access("public")
def show() -> tuple[Response, int]:
    """200 where the database answers, else 503."""
    try:
        session().execute(text("SELECT 1"))
    except SQLAlchemyError:
        return jsonify(status="down", database="down"), 503
    return jsonify(status="ok", database="ok"), 200
