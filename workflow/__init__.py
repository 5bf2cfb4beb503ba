"""The persisted domain: models, use cases and the one writer of states. No web framework."""
