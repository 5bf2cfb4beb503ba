"""A harmonised calendar in words: what its constraints say, why they cannot hold together, what would lift it."""

from collections.abc import Callable, Mapping

from flask_babel import gettext as _
from flask_babel import ngettext

from web import formats
from workflow.calendars.problem import Closure, Conflict, Constraint, Fixed, Funder, Milestone, Problem, Relaxation

Naming = Callable[[Funder], str]
"""How a funder is called."""


class Words:
    """The words for one problem; `funder_name` says how its funders are called."""

    def __init__(self, problem: Problem, funder_name: Naming = str) -> None:
        self._labels: Mapping[str, str] = {row.id: row.label or row.id for row in problem.milestones}
        self._funder_name = funder_name

    def milestone(self, code: str) -> str:
        """A milestone's label."""
        return self._labels[code]

    def conflict(self, conflict: Conflict) -> str:
        """« CAF : dépôt au plus tard le 10 janvier 2012 ; … ; il manque 6 jours ouvrés »."""
        missing = ngettext("il manque %(num)s jour ouvré", "il manque %(num)s jours ouvrés", conflict.missing)
        return " ; ".join([*map(self.constraint, conflict.constraints), str(missing)])

    def constraint(self, row: Constraint) -> str:
        """What a constraint says, after the funder whose it is."""
        said = self._said(row)
        return said if row.funder is None else f"{self._funder_name(row.funder)} : {said}"

    def _said(self, row: Constraint) -> str:
        match row.source:
            case Closure(start, end):
                return str(_("fermeture du %(first)s au %(last)s", first=formats.day(start), last=formats.day(end)))
            case Fixed(milestone, fixed):
                return str(_("« %(step)s » fixé au %(day)s", step=self.milestone(milestone), day=formats.day(fixed)))
            case Milestone() as step:
                return self._gap(step, row)
            case window:
                name, first, last = (
                    self.milestone(window.milestone),
                    *map(formats.day, (window.earliest, window.latest)),
                )
                if row.bound == "earliest":
                    return str(_("« %(step)s » au plus tôt le %(day)s", step=name, day=first))
                return str(_("« %(step)s » au plus tard le %(day)s", step=name, day=last))

    def _gap(self, step: Milestone, row: Constraint) -> str:
        names = {"step": self.milestone(step.id), "before": self.milestone(step.after or "")}
        if row.bound == "max_gap":
            return str(
                ngettext(
                    "« %(step)s » au plus %(num)s jour ouvré après « %(before)s »",
                    "« %(step)s » au plus %(num)s jours ouvrés après « %(before)s »",
                    step.max_gap or 0,
                    **names,
                )
            )
        if not step.min_gap:
            return str(_("« %(step)s » pas avant « %(before)s »", **names))
        return str(
            ngettext(
                "« %(step)s » au moins %(num)s jour ouvré après « %(before)s »",
                "« %(step)s » au moins %(num)s jours ouvrés après « %(before)s »",
                step.min_gap,
                **names,
            )
        )

    def relaxation(self, move: Relaxation) -> str:
        """What the move of one bound would do."""
        row = move.constraint
        funder = "" if row.funder is None else self._funder_name(row.funder)
        names = {"funder": funder, "step": self.milestone(row.milestone or ""), "day": formats.day(move.to)}
        if move.to is None:
            return str(_("%(funder)s : pour « %(step)s », aucun déplacement de cette seule borne n'y suffit.", **names))
        if row.bound == "earliest":
            return str(_("%(funder)s : accepter « %(step)s » dès le %(day)s suffirait.", **names))
        return str(_("%(funder)s : accepter « %(step)s » jusqu'au %(day)s suffirait.", **names))
