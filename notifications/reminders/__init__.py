"""Reminders: rungs are planned from due days, fire on their day for whoever still has something to do, and go in one
digest for each person and working day. Every step is a small unit of work that another process may take over."""

from notifications.reminders.digest import DIGEST, URGENT

KINDS = (DIGEST, URGENT)
"""The kinds of message that reminders go in."""
