"""The first page: what awaits the person who comes in; for a visitor, where to go."""

from collections.abc import Mapping

from flask import Blueprint, render_template, url_for

from web.context import dossier_url, now, session, signed_in, today
from web.dossier_page import act_url
from web.security import access
from workflow.queries import home as query
from workflow.queries import sampling_plans as plans
from workflow.queries.home import Task
from workflow.sampling_plans import OVERSEERS

pages = Blueprint("home", __name__)

_PAGES: Mapping[str, str] = dict.fromkeys(("name_reviewers", "rename_reviewers", "review"), "midterm.review")
"""The page of a task that has one of its own, by kind."""


@pages.get("/")
@access("public")
def index() -> str:
    """What awaits the signed-in person over all their roles, and what happened lately; a welcome for a visitor."""
    actor = signed_in()
    if actor is None:
        return render_template("home/welcome.html")
    awaiting = query.awaiting(session(), actor, today())
    late = [task for task in awaiting.tasks if task.due_on and task.due_on < today()]
    return render_template(
        "home/index.html",
        awaiting=awaiting,
        late=len(late),
        kinds=[(query.KINDS[name], count) for name, count in awaiting.counts.items()],
        act_url=_act_url,
        ceremonies=plans.awaited_of(session(), actor.person_id, now()) if actor.roles & set(OVERSEERS) else (),
        news=query.news(session(), actor),
    )


def _act_url(task: Task) -> str:
    """Straight to the act where one form does it, else to the task's own page or the dossier."""
    if task.kind in _PAGES:
        return url_for(_PAGES[task.kind], dossier_id=task.dossier_id)
    return act_url(task.dossier_id, task.act) if task.act else dossier_url(task.dossier_id)
