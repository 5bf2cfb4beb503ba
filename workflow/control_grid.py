"""What is answered to an item of the realisation grid of controls. Pure."""

import hashlib

COMPLIANT = "compliant"
VERDICTS = (COMPLIANT, "minor_gap", "major_gap", "unverifiable")


def seen(*parts: str | int | None) -> str:
    """A mark of an answer as it was shown: it tells whether whoever sends it back, or somebody else, changed it."""
    shown = "\0".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]
