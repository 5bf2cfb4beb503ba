"""One calendar for all funders, or why there is none. Pure."""

from workflow.calendars.conflict import explain
from workflow.calendars.preferences import nearest
from workflow.calendars.problem import Conflict, Problem, Solution
from workflow.calendars.system import system


def harmonise(problem: Problem) -> Solution | Conflict:
    """The dates that respect every constraint of `problem`, or constraints of it that cannot hold together.

    The dates miss the funders' preferences by as few working days as can be, and are each the earliest that this
    leaves.
    """
    whole = system(problem, list(problem.constraints))
    least, greatest = whole.least(), whole.greatest()
    if least is None or greatest is None:
        return explain(problem)
    table, cost = nearest(problem, whole, least, greatest)
    return Solution({place: whole.frame.date_at(table, place) for place in problem.places}, cost)
