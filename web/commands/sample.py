"""`binome sample`: how many units to control, which, and what is concluded from them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask_babel import gettext as _
from sqlalchemy import or_, select

from web import errors
from web.commands import sample_words
from web.commands.output import answer, as_json, fail, opened, read_file, watching
from workflow import access, clock
from workflow.models import Campaign, Dossier, Person, SampleUnit
from workflow.sampling import bounds, conclusion, file, record, sizes
from workflow.sampling.errors import BadSampling, call
from workflow.sampling.projection import Item
from workflow.sampling.select import ALLOCATIONS, METHODS, Request
from workflow.use_cases import control
from workflow.use_cases.passwords import normalised

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_confidence = click.option("--confidence", type=float, help="Confidence, between 0 and 1.")
_tolerable = click.option(
    "--materiality", "--tolerable-rate", "tolerable", type=float, help="Tolerable rate of error, between 0 and 1."
)
_book_value = click.option("--book-value", type=float, help="Book value of the whole population.")


@click.group()
def sample() -> None:
    """Size, draw, check and evaluate samples for control."""


@contextmanager
def _usage() -> Iterator[None]:
    """Where options are refused, why is told with their names and the exit status is 2."""
    try:
        yield
    except BadSampling as error:
        (reason,) = error.reasons
        params = dict(reason.params)
        if "option" in params:
            params["option"] = f"--{str(params['option']).replace('_', '-')}"
        told = errors.explain(replace(reason, params=params))
        click.echo(f"{told['message']} {told['remedy']}", err=True)
        raise SystemExit(2) from error


# How many


@sample.command()
@click.option("--method", required=True, type=click.Choice(list(sizes.METHODS)))
@_confidence
@_tolerable
@click.option("--expected", type=int, help="Errors expected in the sample.")
@click.option("--expected-rate", type=float, help="Expected rate of error, between 0 and 1.")
@click.option("--population", type=int, help="Units in the population.")
@_book_value
@click.option("--sd", type=float, help="Standard deviation of the errors of single units, in money.")
@click.option("--sd-rate", type=float, help="Standard deviation of the error rates of single units.")
@click.option(
    "--stratum",
    "strata",
    multiple=True,
    metavar="N:SD",
    help="Units (mus-stratified: book value) and standard deviation of a stratum.",
)
@click.option("--unit-share", type=float, help="Least share of the units (non-statistical; 0.05 by default).")
@click.option("--value-share", type=float, help="Least share of the book value (non-statistical; 0.10 by default).")
@as_json
def size(method: str, tolerable: float | None, strata: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """How many units to examine, with the inputs used; always in JSON.

    binomial, hypergeometric (with --population) and poisson: --confidence, --materiality, and --expected or
    --expected-rate. srs: --population, --book-value, --sd, --confidence, --tolerable-rate, --expected-rate. stratified:
    the same with one --stratum for each instead of --population and --sd. mus-standard: --book-value, --sd-rate,
    --confidence, --tolerable-rate, --expected-rate. mus-stratified: the same with one --stratum BOOK_VALUE:SD_RATE for
    each instead of --book-value and --sd-rate. mus-conservative: as mus-standard, without --sd-rate. non-statistical:
    --population. Sources: EGESIF_16-0014-01 of the European Commission, ISA 530.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if tolerable is not None:
        attributes = method in bounds.UPPER
        given["materiality" if attributes else "tolerable_rate"] = tolerable
    if strata:
        given["strata"] = [_stratum(method, text) for text in strata]
    with _usage():
        found = call(sizes.METHODS[method], given)
    data = {
        "n": found.n,
        **({"strata": list(found.strata)} if strata else {}),
        "inputs": {"method": method} | {name: value for name, value in found.inputs.items() if value is not None},
        "source": found.source,
    }
    answer(data, "", as_json=True)


def _stratum(method: str, text: str) -> tuple[float, float]:
    size, _colon, sd = text.partition(":")
    try:
        return float(size) if method == "mus-stratified" else int(size), float(sd)
    except ValueError as error:
        raise click.BadParameter("N:SD", param_hint="--stratum") from error


# Which


@sample.command()
@click.option("--campaign", help="Label or year of the campaign whose sample is drawn and sealed.")
@click.option("--size", type=click.IntRange(min=1), help="How many dossiers, with --campaign.")
@click.option("--by", help="Address of the controller who draws, with --campaign.")
@click.option("--seed", default="", help="The seed; one is made and recorded where none is given. rfc3797: the key.")
@click.option("--population", type=_FILE, help="CSV file to draw from, instead of --campaign.")
@click.option("--method", type=click.Choice(list(METHODS)), help="How to draw from the file.")
@click.option("--n", type=int, help="How many units to draw at random from the file.")
@click.option("--stratum", help="Column of the strata (stratified).")
@click.option("--value", help="Column of the book values (mus; Neyman's allocation).")
@click.option("--allocation", type=click.Choice(ALLOCATIONS), help="Shares of the strata; proportional by default.")
@click.option("--minimum", type=int, help="Least units of each stratum; 1 by default.")
@click.option("--forced", type=_FILE, help="CSV file of units that are examined anyway, apart from the draw.")
@click.option("--reserve", type=int, help="How many units stand by, in order (in each stratum).")
@as_json
def draw(**options: Any) -> None:
    """Draw a sample: of a campaign, which seals it in the database, or of a file.

    With --campaign, --size and --by the campaign's sample is drawn and sealed: it can be neither changed nor drawn
    again. With --population, --method and --n the units of a file are drawn; --json writes the public record, from
    which alone `binome sample verify` replays the draw.

    The file is CSV in UTF-8 with a header, cells separated by commas or semicolons, decimals by point or comma. The
    identifier is in the column `id`, or the first one.
    """
    given = {name: value for name, value in options.items() if value is not None}
    with _usage():
        if not {"campaign", "population"} & set(given):
            raise BadSampling("missing", option="campaign | --population")
        call(_draw_campaign if "campaign" in given else _draw_file, given)


def _draw_campaign(*, campaign: str, size: int, by: str, seed: str, as_json: bool) -> None:
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


def _draw_file(
    *,
    population: Path,
    method: str,
    n: int,
    seed: str,
    as_json: bool,
    stratum: str | None = None,
    value: str | None = None,
    allocation: str = "proportional",
    minimum: int = 1,
    forced: Path | None = None,
    reserve: int = 0,
) -> None:
    request = Request(
        method,
        n,
        seed or secrets.token_hex(16),
        allocation=allocation,
        minimum=minimum,
        forced=read_file(file.identifiers, forced) if forced else (),
        reserve=reserve,
    )
    with watching(_("Tirage"), population, 4) as along:
        units = read_file(lambda path: file.population(path, value, stratum, along), population)
        made = record.make(units, request, along=along)
    answer(made, sample_words.record(made), as_json)


@sample.command()
@click.argument("path", metavar="FILE", type=_FILE)
@as_json
def verify(path: Path, as_json: bool) -> None:
    """Replay the draw whose public record is FILE, from it alone; exit status 1 and the place where it differs."""
    found = read_file(record.read, path)
    place = record.verify(found)
    if place is None:
        text = _(
            "Le tirage se rejoue à l'identique : %(n)s unité(s) parmi %(size)s, graine %(seed)s.",
            n=len(found["units"]),
            size=found["population_size"],
            seed=found["seed"],
        )
    else:
        text = _(
            "Le procès-verbal a été modifié, ou n'est pas celui d'un vrai tirage : voir « %(place)s ».", place=place
        )
    answer({"sound": place is None, "place": place}, text, as_json)
    if place is not None:
        raise SystemExit(1)


# What is concluded


@sample.command()
@click.option("--method", required=True, type=click.Choice(list(conclusion.METHODS)))
@click.option("--sample", type=_FILE, help="CSV file of the units examined.")
@click.option("--errors", type=int, help="Units in error, where there is no file (attributes).")
@click.option("--n", type=int, help="Units examined, where there is no file; mus-conservative: the size planned.")
@_confidence
@_tolerable
@click.option("--population", type=int, help="Units in the whole population.")
@_book_value
@click.option("--strata", type=_FILE, help="CSV file of the strata: columns stratum, population (units), value.")
@click.option("--interval", type=float, help="Interval of the draw (mus-conservative).")
@as_json
def evaluate(method: str, sample: Path | None, tolerable: float | None, as_json: bool, **options: Any) -> None:
    """What the errors found say of the population: estimate, precision, upper limit, conclusion; always in JSON.

    The file of --sample is CSV as for `draw`, with the columns `id`, `value` (book value), `error` in money (or
    `audited`: what was found right, the rest being the error), and where there are any `stratum` and `exhaustive` (yes
    for what was not drawn at random: above the interval, or forced; its errors count as they are).

    binomial, hypergeometric (with --population) and poisson: a file, whose units in error are counted, or --errors and
    --n; all figures are rates. stringer, mus-standard and mus-conservative: --book-value. srs (mean per unit) and
    ratio: --population and --book-value; `advised` says which of both the guidance prefers. With --strata (srs, ratio,
    mus-standard) these are read there. The conclusion needs --materiality (or --tolerable-rate): not material, material
    or inconclusive, and then `more_units` that would settle it. Sources: EGESIF_16-0014-01, ISA 530, Stringer (1963).
    """
    items = _items(sample) if sample else None
    if options["strata"]:
        options["strata"] = read_file(file.strata, options["strata"])
    with _usage():
        found = conclusion.evaluate(method, items, tolerable, **options)
    inputs = {"method": method, "materiality": tolerable, **found.projection.inputs}
    data = {
        "estimate": found.projection.estimate,
        "precision": found.projection.precision,
        "upper_limit": found.projection.upper_limit,
        "tolerable": found.tolerable,
        "conclusion": found.conclusion,
        "more_units": found.more_units,
        "advised": found.projection.advised,
        "inputs": {name: value for name, value in inputs.items() if value is not None},
        "source": found.projection.source,
    }
    answer(data, "", as_json=True)


def _items(path: Path) -> list[Item]:
    with watching(_("Lecture de l'échantillon"), path, 2) as along:
        return read_file(lambda file_path: file.sample(file_path, along), path)
