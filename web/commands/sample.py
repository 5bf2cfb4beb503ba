"""`binome sample`: the draw of a campaign's control sample."""

import click
from flask_babel import gettext as _
from sqlalchemy import or_, select

from web.commands.output import answer, as_json, fail, opened
from workflow import access, clock
from workflow.models import Campaign, Dossier, Person, SampleUnit
from workflow.use_cases import control
from workflow.use_cases.passwords import normalised


@click.group()
def sample() -> None:
    """Draw samples for control."""


@sample.command()
@click.option("--campaign", required=True, help="Label or year of the campaign.")
@click.option("--size", required=True, type=click.IntRange(min=1), help="How many dossiers.")
@click.option("--seed", default="", help="The seed; one is made and recorded where none is given.")
@click.option("--by", required=True, help="Address of the controller who draws.")
@as_json
def draw(campaign: str, size: int, seed: str, by: str, as_json: bool) -> None:
    """Draw the campaign's sample and seal it: it can be neither changed nor drawn again."""
    with opened() as database, database.write() as session:
        year = int(campaign) if campaign.isascii() and campaign.isdigit() and len(campaign) < 5 else None
        chosen = session.scalar(select(Campaign.id).where(or_(Campaign.label == campaign, Campaign.year == year)))
        person = session.scalar(select(Person.id).where(Person.email == normalised(by)))
        actor = access.load_actor(session, person) if person else None
        if chosen is None:
            fail(_("La campagne « %(label)s » n'existe pas.", label=campaign))
        if actor is None:
            fail(_("Aucun compte actif n'a l'adresse %(email)s.", email=by))
        else:
            drawn = control.draw(session, actor, {"campaign_id": chosen, "size": size, "seed": seed}, clock.now())
            units = session.execute(
                select(SampleUnit.rank, Dossier.number, SampleUnit.ticket)
                .join(Dossier, Dossier.id == SampleUnit.dossier_id)
                .where(SampleUnit.sample_id == drawn.id, SampleUnit.drawn)
                .order_by(SampleUnit.rank)
            ).all()
    data = {
        "seed": drawn.seed,
        "size": drawn.size,
        "population_size": drawn.population_size,
        "population_hash": drawn.population_hash,
        "units": [{"rank": unit.rank, "number": unit.number, "ticket": unit.ticket} for unit in units],
    }
    lines = [_("Tirage scellé, graine %(seed)s :", seed=drawn.seed), *(f"{u.rank:>4}  {u.number}" for u in units)]
    answer(data, "\n".join(lines), as_json)
