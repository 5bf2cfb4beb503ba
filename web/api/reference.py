"""The API's reference data, and who asks."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema

from states.words import N_
from web.api import door, outputs
from web.api.parts import listing
from web.api.sections import Section
from web.context import session
from workflow.queries import api as query

section = Section("reference", N_("Données de référence : ce dont le territoire est convenu une fois pour toutes."))


@section.route("/me")
@section.doc(summary=N_("Vous : vos rôles, et les droits de ce jeton"))
@section.response(200, outputs.Me)
def me() -> dict[str, Any]:
    """The person whose token this is, and what it may do."""
    actor = door.actor()
    return {
        "person_id": actor.person_id,
        "name": actor.name,
        "grants": actor.grants,
        "scopes": sorted(door.bearer().scopes),
    }


def _route(row: Any) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in ("id", "position", "objective_id", "objective", "level", "commune_id")},
        "lead_id": row.lead_id,
        "associate_ids": sorted(instance.id for instance in row.associates),
        "basis": row.basis,
    }


_LISTS: Mapping[str, tuple[type[Schema], str, Callable[[Any], Any]]] = {
    "objectives": (outputs.Objective, N_("Les objectifs, de l'orientation à l'opérationnel"), lambda row: row),
    "themes": (outputs.Theme, N_("Les thèmes"), lambda row: row),
    "instances": (outputs.Instance, N_("Les instances thématiques"), lambda row: row),
    "institutions": (outputs.Institution, N_("Les partenaires, dont les financeurs"), lambda row: row),
    "communes": (outputs.Commune, N_("Les communes"), lambda row: row),
    "campaigns": (outputs.Campaign, N_("Les campagnes et leurs échéances"), lambda row: row),
    "routes": (outputs.Route, N_("Les règles qui orientent les dossiers"), _route),
}


def _listing(name: str) -> Callable[[], dict[str, Any]]:
    schema, summary, shown = _LISTS[name]

    @section.doc(summary=summary)
    @section.response(200, listing(schema))
    def view() -> dict[str, Any]:
        return {"items": [shown(row) for row in query.reference(session(), name)]}

    return view  # type: ignore[no-any-return]


for _name in _LISTS:
    section.add_url_rule(f"/{_name}", _name, _listing(_name))
