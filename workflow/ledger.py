"""What the lines of a control's spending ledger say together. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

WHOLE = 100_00
"""An allocation key is in hundredths of a percent: this one charges a voucher wholly to the action."""


def allocated(amount_cents: int, share: int) -> int:
    """What of a voucher is charged to the action by its key, rounded to the cent, half a cent upwards."""
    return (amount_cents * share + WHOLE // 2) // WHOLE


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a ledger, in cents."""

    declared: int
    allocated: int
    accepted: int
    refused: int

    @property
    def error_rate(self) -> float | None:
        """The refused part of what was charged, from 0 to 1; None where nothing was."""
        return self.refused / self.allocated if self.allocated else None


def totals(lines: Iterable[Any]) -> Totals:
    """The sums of lines that have amount_cents, accepted_cents, refused_cents."""
    rows = list(lines)
    accepted, refused = sum(row.accepted_cents for row in rows), sum(row.refused_cents for row in rows)
    return Totals(sum(row.amount_cents for row in rows), accepted + refused, accepted, refused)
