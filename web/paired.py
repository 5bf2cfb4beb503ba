"""Why binômes cannot be formed, in words: which rules cannot hold together, and what would lift that."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import ngettext

from workflow.pairing.problem import Cause, Constraint, Lift, Problem

_SHOWN = 6
"""So many names are said; the others are counted."""

_COUNTED = ("cover", "capacity", "institution")
"""Rules that the points asked and available stand for."""


class Words:
    """The words for one problem. `names` says how to call people, dossiers and institutions, where not by their ids."""

    def __init__(self, problem: Problem, names: Mapping[str, str] | None = None) -> None:
        self._names = names or {}
        self._people = {row.id: row for row in problem.instructors}
        self._dossiers = {row.id: row for row in problem.dossiers}
        self._most = problem.max_per_institution

    def cause(self, cause: Cause) -> str:
        """« 14 points d'effort demandés à l'institution X, 9 disponibles (dossiers d1, d2) », or rule by rule."""
        if not cause.minimal:
            return str(_("Aucune solution, et le temps n'a pas suffi pour isoler la cause : donnez-en davantage."))
        by_points = cause.asked is not None and cause.available is not None and cause.asked > cause.available
        told = [row for row in cause.constraints if not by_points or row.kind not in _COUNTED]
        parts = [self._points(cause), *map(self.constraint, told)] if by_points else [*map(self.constraint, told)]
        return " ; ".join(parts)

    def _points(self, cause: Cause) -> str:
        people = [row.instructor or "" for row in cause.constraints if row.kind == "capacity"]
        dossiers = [row.dossier or "" for row in cause.constraints if row.kind == "cover"]
        institutions = {self._people[name].institution for name in people}
        whole = sum(row.institution in institutions for row in self._people.values()) == len(people)
        whom = (
            _("à l'institution %(name)s", name=self._called(next(iter(institutions))))
            if whole and len(institutions) == 1
            else _("à %(names)s", names=self._listed(people))
        )
        return str(
            _(
                "%(asked)s points d'effort demandés %(whom)s, %(available)s disponibles (dossiers %(dossiers)s)",
                asked=number(cause.asked or 0),
                whom=whom,
                available=number(cause.available or 0),
                dossiers=self._listed(dossiers),
            )
        )

    def constraint(self, row: Constraint) -> str:
        """What a hard rule says."""
        dossier, person = self._called(row.dossier or ""), self._called(row.instructor or "")
        match row.kind:
            case "cover":
                size = self._dossiers[row.dossier or ""].size
                text = ngettext(
                    "%(dossier)s demande %(num)s instructeur",
                    "%(dossier)s demande %(num)s instructeurs",
                    size,
                    dossier=dossier,
                )
            case "institution":
                text = _("au plus %(most)s par institution pour %(dossier)s", most=self._most, dossier=dossier)
            case "conflict":
                text = _("%(person)s a un conflit d'intérêts sur %(dossier)s", person=person, dossier=dossier)
            case "pinned":
                text = _("%(person)s est imposé sur %(dossier)s", person=person, dossier=dossier)
            case "banned_pair":
                text = _(
                    "%(person)s et %(other)s ne siègent pas ensemble",
                    person=person,
                    other=self._called(row.other or ""),
                )
            case "capacity":
                points = number(self._people[row.instructor or ""].capacity)
                text = _("%(person)s dispose de %(points)s points d'effort", person=person, points=points)
            case _:
                points = number(self._people[row.instructor or ""].min_load)
                text = _("%(person)s doit en prendre au moins %(points)s", person=person, points=points)
        return str(text)

    def lift(self, lift: Lift) -> str:
        """What would make it possible."""
        if lift.to is not None:
            person = self._called(lift.constraint.instructor or "")
            return str(_("porter %(person)s à %(points)s points d'effort", person=person, points=number(lift.to)))
        return str(_("renoncer à : %(rule)s", rule=self.constraint(lift.constraint)))

    def _called(self, name: str) -> str:
        return self._names.get(name, name)

    def _listed(self, names: Sequence[str]) -> str:
        called = [self._called(name) for name in names]
        shown = ", ".join(called[:_SHOWN])
        if len(names) <= _SHOWN:
            return shown
        rest = len(names) - _SHOWN
        return str(ngettext("%(names)s et %(num)s autre", "%(names)s et %(num)s autres", rest, names=shown))


def number(value: float) -> str:
    """A number of points, without needless decimals."""
    return f"{value:g}".replace(".", ",")
