"""How often intervals that are to hold four times in five held what came, over past campaigns of the demo."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from statistics import mean

from sqlalchemy import select

from tests.benchmarks.measure import Result
from tests.benchmarks.places import Places
from workflow.clock import PARIS
from workflow.demo import play
from workflow.models import Campaign
from workflow.queries.forecast import check

DOSSIERS, SEEDS = 120, (1, 2, 3, 4)
UNTIL = date(2027, 3, 1)


def measure(places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """One line: the part of the intervals that held, and mean distances from what came, in points."""
    found = []
    for seed in SEEDS:
        say(f"the forecast on the demo of seed {seed}")
        with places.fresh("SQLite") as database:
            play(database, dossiers=DOSSIERS, seed=seed, until=UNTIL)
            with database.read() as session:
                for campaign_id in session.scalars(select(Campaign.id).order_by(Campaign.first)).all():
                    rows = check(session, campaign_id, datetime.combine(UNTIL, time(8), PARIS))
                    found += [row for row in rows if row.usual is not None]
    held = mean(row.held for row in found)
    figures = {
        "instances and days": str(len(found)),
        "off by": _points(abs(row.middle - row.came) for row in found),
        "all in time": _points(1 - row.came for row in found),
        "as the year before": _points(abs((row.usual or 0) - row.came) for row in found),
    }
    yield Result("forecast", "80 % intervals that held what came", "SQLite", figures, held, ">= 0.8", held >= 0.8)


def _points(distances: Iterator[float]) -> str:
    return f"{100 * mean(distances):.0f} points"
