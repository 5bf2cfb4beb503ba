"""The pages, one blueprint per journey. A new one is imported and named here."""

from flask import Blueprint

from web.pages import (
    acts,
    admin,
    agenda,
    animator,
    auth,
    calendars,
    carrier,
    controller,
    dossiers,
    evaluator,
    expert,
    forecast,
    funder,
    health,
    home,
    instructor,
    reminders,
    sessions,
    tracking,
    transversal,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    health.pages,
    auth.pages,
    agenda.pages,
    calendars.pages,
    forecast.pages,
    acts.pages,
    dossiers.pages,
    home.pages,
    tracking.pages,
    carrier.pages,
    animator.pages,
    transversal.pages,
    instructor.pages,
    reminders.pages,
    sessions.pages,
    expert.pages,
    funder.pages,
    evaluator.pages,
    controller.pages,
    admin.pages,
)
