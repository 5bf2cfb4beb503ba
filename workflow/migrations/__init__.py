"""The schema's history, run by `workflow.db.migrate`."""
