"""`binome journal`: check the chain, note its head."""

import re

import click
from flask_babel import gettext as _

from states.words import N_
from web.commands.output import answer, as_json, opened
from workflow import journal as chain

_KINDS = {
    "changed": N_("entrée %(seq)s modifiée"),
    "removed": N_("entrée %(seq)s supprimée"),
    "reordered": N_("entrée %(seq)s déplacée"),
    "truncated": N_("entrée %(seq)s coupée de la fin"),
}
_HEAD = re.compile(r"(\d+):([0-9a-f]{64})")


@click.group()
def journal() -> None:
    """Check the append-only journal."""


@journal.command()
@as_json
def head(as_json: bool) -> None:
    """Write the last entry's number and hash: keep it elsewhere, and give it to `verify` later."""
    with opened() as database, database.read() as session:
        seq, digest = chain.head(session)
    answer({"seq": seq, "hash": digest}, f"{seq}:{digest}", as_json)


@journal.command()
@click.option("--head", "expected", help="A head noted earlier (NUMBER:HASH): shows a journal cut at its end.")
@as_json
def verify(expected: str | None, as_json: bool) -> None:
    """Read the whole chain; exit status 1 where an entry was changed, removed, moved or cut off, and say which."""
    given = _HEAD.fullmatch(expected) if expected else None
    if expected and not given:
        raise click.BadParameter("NUMBER:HASH", param_hint="--head")
    with opened() as database, database.read() as session:
        flaws = list(chain.verify(session, (int(given[1]), given[2]) if given else None))
        seq, digest = chain.head(session)
    data = {
        "sound": not flaws,
        "entries": seq,
        "head": {"seq": seq, "hash": digest},
        "flaws": [{"seq": flaw.seq, "kind": flaw.kind} for flaw in flaws],
    }
    words = [_(_KINDS[flaw.kind]) % {"seq": flaw.seq} for flaw in flaws]
    answer(
        data,
        "\n".join(words) or _("Journal intact : %(n)s entrées, tête %(head)s.", n=seq, head=f"{seq}:{digest}"),
        as_json,
    )
    if flaws:
        raise SystemExit(1)
