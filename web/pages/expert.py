"""The page that an expert opens by the mailed link, without an account: the question, the action, the answer."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from web import errors, forms, words
from web.context import now, see, session, write
from web.documents import PREVIEWED, preview_page, sent_file, shown_file
from web.pages.admin_common import labels
from web.security import access
from workflow import links
from workflow.access import Actor
from workflow.errors import DomainError, Invalid, NotFound, Refused, Stale
from workflow.files import ACCEPTED
from workflow.models import Document
from workflow.queries import consultation as consultations
from workflow.use_cases import ACTS, perform
from workflow.use_cases.experts import STANCE_LABELS, Colleague, ExpertAnswer

pages = Blueprint("expert", __name__)

ACTS_OF_EXPERTS = ("answer", "propose_colleague", "decline", "note")


@pages.after_request
def _private(response: Response) -> Response:
    """A link that is a key belongs in no cache and no search engine."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _dead() -> Response:
    return make_response(render_template("expert/dead_link.html"), 404)


def _question(token: str) -> consultations.Question:
    link = links.follow(session(), "expert", token, now())
    return consultations.question(session(), link.consultation_id or 0)


@pages.get("/expert/merci")
@access("public")
def thanks() -> Response:
    """What is said once the answer is sent, or a colleague proposed."""
    return make_response(render_template("expert/thanks.html", act=request.args.get("act")))


@pages.get("/expert/<token>")
@access("public")
def show(token: str) -> Response:
    """The question, or what to do where the link opens nothing."""
    try:
        return _page(_question(token), token)
    except NotFound:
        return _dead()


@pages.get("/expert/<token>/documents/<int:document_id>")
@access("public")
def document(token: str, document_id: int) -> Response:
    """A document that was chosen for the expert, to be saved."""
    return sent_file(_document(token, document_id))


@pages.get("/expert/<token>/documents/<int:document_id>/contenu")
@access("public")
def content(token: str, document_id: int) -> Response:
    """A document that was chosen for the expert, to stand in its page."""
    return shown_file(_document(token, document_id))


@pages.get("/expert/<token>/documents/<int:document_id>/apercu")
@access("public")
def preview(token: str, document_id: int) -> Response:
    """The page of a document that was chosen for the expert."""
    found = _document(token, document_id)
    content_url = url_for("expert.content", token=token, document_id=document_id)
    return preview_page("expert/document.html", found.media_type, content_url, token=token, document=found)


def _document(token: str, document_id: int) -> Document:
    return consultations.shown_document(session(), _question(token).id, document_id)


@pages.post("/expert/<token>")
@access("public")
def answer(token: str) -> Response:
    """Answer, propose a colleague or decline; what stands against it is said and what was typed kept."""
    act = request.form.get("act", "")
    try:
        question = _question(token)
    except NotFound:
        return _dead()
    if act not in ACTS_OF_EXPERTS:
        return _page(question, token)
    raw = {name: value for name, value in forms.sent().items() if name in ACTS[act].form().fields}
    actor = Actor(None, question.expert, consultation_id=question.id)
    try:
        with write() as unit:
            perform(unit, actor, act, question.dossier_id, now=now(), raw=raw, subject_id=question.id)
    except (Invalid, Refused, Stale) as error:
        return _page(question, token, act, error)
    except NotFound:
        return _dead()
    return see("expert.thanks", act=act)


def _page(
    question: consultations.Question, token: str, act: str | None = None, error: DomainError | None = None
) -> Response:
    problems: Mapping[str, Any] = errors.messages(error.fields) if isinstance(error, Invalid) else {}
    page = render_template(
        "expert/show.html",
        question=question,
        previewed=PREVIEWED,
        token=token,
        act=act,
        problems=problems,
        labels=labels(ExpertAnswer()) | labels(Colleague()) | ({"reason": _("Motif")} if act == "decline" else {}),
        accepted=",".join(ACCEPTED),
        stances=words.pairs(STANCE_LABELS),
        reasons=[errors.explain(reason) for reason in error.reasons] if isinstance(error, Refused) else [],
        typed=forms.typed() if error else {},
    )
    return make_response(page, error.status if error else 200)
