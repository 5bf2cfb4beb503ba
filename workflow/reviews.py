"""What a review holds, in the terms of its text. Pure."""

from typing import Any

from workflow.control_grid import seen

SUMMARY = ("strengths", "weaknesses", "recommendation", "reason")
"""The parts of what a review comes to, as they are shown and compared."""


def mark_of(review: Any) -> str:
    """A mark of a review's whole text: what somebody signs."""
    scores = sorted((one.criterion_id, one.level, one.justification) for one in review.scores if one.level is not None)
    parts = [part for score in scores for part in score]
    return seen(*parts, *(getattr(review, name) for name in SUMMARY))
