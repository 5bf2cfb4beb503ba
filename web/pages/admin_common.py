"""What the administrator's pages share: an act that is shown again with what stands against it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from sqlalchemy.orm import Session

from web import errors
from web.context import write
from workflow.errors import Invalid, Refused
from workflow.forms import Form


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands against an act: `problems` by field, or the `reasons` of a refusal; nothing where it was done."""

    status: int = 200
    problems: Mapping[str, Any] = field(default_factory=dict)
    reasons: Sequence[Mapping[str, str]] = ()

    @property
    def done(self) -> bool:
        """Whether the act was done."""
        return self.status == 200

    def under(self, part: str) -> "Outcome":
        """The same, its fields being those of one form among several of a page."""
        return Outcome(self.status, {part: self.problems} if self.problems else {}, self.reasons)


NOTHING_ASKED = Outcome()


def attempt(act: Callable[[Session], object]) -> Outcome:
    """Do `act` in a unit of work; what the domain refuses is told, what nobody may do or find still raises."""
    try:
        with write() as unit:
            act(unit)
    except Invalid as error:
        return Outcome(error.status, errors.messages(error.fields))
    except Refused as error:
        return Outcome(error.status, reasons=[errors.explain(reason) for reason in error.reasons])
    return NOTHING_ASKED


def labels(form: Form, prefix: str = "") -> dict[str, str]:
    """The labels of a form's fields, as the summary of errors names them; `prefix` where its names begin with one."""
    return {prefix + name: gettext(field.metadata.get("label", "")) for name, field in form.fields.items()}
