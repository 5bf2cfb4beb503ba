"""Notifications: what is written, when it is recalled, and how it goes out."""
