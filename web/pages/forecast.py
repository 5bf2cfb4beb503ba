"""The forecast: which opinions will be in by the committee, what would help, and how right it was before."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, render_template
from sqlalchemy import select

from states.words import N_
from web.context import current_actor, now, session, today
from web.security import access
from workflow.calendars import forecast as model
from workflow.errors import NotFound
from workflow.models import Campaign, Dossier, Instance
from workflow.queries import agenda
from workflow.queries import forecast as query

pages = Blueprint("forecast", __name__)

HELP: Mapping[str, str] = {
    "assign_now": N_("Affecter aujourd'hui un binôme à tous les dossiers qui en attendent un"),
    "relieve": N_("Confier à quelqu'un d'autre la moitié des dossiers de l'instructeur le plus chargé"),
    "one_more": N_("Un instructeur de plus dans l'instance « %(instance)s », la plus chargée par personne"),
    "move_committee": N_("Reculer les comités de cinq jours ouvrés"),
}
AT_RISK = 0.5
"""A dossier is at risk when its chance to be in time is below this."""
LISTED = 15


@pages.get("/calendrier/<int:campaign_id>/prevision")
@access("animator", "transversal", "administrator")
def show(campaign_id: int) -> str:
    """The forecast of a campaign, for the instances that the reader follows."""
    campaign = session().get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("campaign")
    instances: Mapping[int, Instance] = {row.id: row for row in agenda.instances(session(), current_actor())}
    found = query.predict(session(), campaign_id, list(instances), now())
    past = query.past_campaign(session(), campaign_id)
    checked = query.check(session(), past, now()) if past is not None else []
    return render_template(
        "calendars/forecast.html",
        campaign=campaign,
        found=found,
        instances=instances,
        committees=query.committees(session(), campaign_id, list(instances), today()),
        risky=_risky(found.chances) if found else [],
        alternatives=HELP,
        past=session().get(Campaign, past) if past is not None else None,
        checked=checked,
        checked_at=_days(checked, tried=True),
        unchecked_at=_days(checked, tried=False),
        held=sum(row.held for row in checked),
        missed_by=sum(abs(row.middle - row.came) for row in checked) / len(checked) if checked else None,
        naive_by=sum(1 - row.came for row in checked) / len(checked) if checked else None,
        usual_by=sum(abs(row.usual - row.came) for row in checked if row.usual is not None) / len(checked)
        if checked and checked[0].usual is not None
        else None,
        fewest=model.FEWEST,
    )


def _days(checked: Sequence[query.Checked], *, tried: bool) -> str:
    """The days before the committee at which a past campaign could, or could not, be forecast: « 30, 20 »."""
    known = {row.before for row in checked}
    return ", ".join(str(day) for day in query.BEFORE if (day in known) is tried)


def _risky(chances: Mapping[int, float]) -> list[tuple[Dossier, float]]:
    """The dossiers least likely to be in time, with their chance."""
    worst = sorted((chance, number) for number, chance in chances.items() if chance < AT_RISK)[:LISTED]
    rows = {
        row.id: row for row in session().scalars(select(Dossier).where(Dossier.id.in_([number for _, number in worst])))
    }
    return [(rows[number], chance) for chance, number in worst]
