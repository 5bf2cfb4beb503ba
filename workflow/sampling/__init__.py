"""Sampling for control: pure functions, replayable by anyone."""
