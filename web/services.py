"""What an application holds besides Flask's own: settings, database, and the access of endpoints without a view."""

from dataclasses import dataclass, field

from flask import current_app

from workflow.db import Database
from workflow.settings import Settings


@dataclass(frozen=True)
class Services:
    """The parts that requests use. One per application, under `app.extensions["binome"]`."""

    settings: Settings
    database: Database
    accesses: dict[str, tuple[str, ...]] = field(default_factory=dict)


def services() -> Services:
    """The running application's parts."""
    found: Services = current_app.extensions["binome"]
    return found
