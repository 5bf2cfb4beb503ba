"""The pages, one blueprint per journey. A new one is imported and named here."""

from flask import Blueprint

from web.pages import acts, auth, dossiers, health, home, tracking

BLUEPRINTS: tuple[Blueprint, ...] = (
    health.pages,
    auth.pages,
    acts.pages,
    dossiers.pages,
    home.pages,
    tracking.pages,
)
