"""SIRET numbers: fourteen digits and their check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.siret import is_siret


@pytest.mark.parametrize(
    "text",
    [
        "73282932000074",
        "35600000000048",  # La Poste, head office
        "35600000000010",  # La Poste: the digits' sum is 15
    ],
)
def test_true_numbers(text: str) -> None:
    assert is_siret(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7328293200007",
        "732829320000744",
        "73282932000075",
        "7328293200007a",
        "732 829 320 00074",
        "٧٣٢٨٢٩٣٢٠٠٠٠٧٤",
        "35600000000011",
    ],
)
def test_false_numbers(text: str) -> None:
    assert not is_siret(text)


@given(st.integers(0, 10**13 - 1), st.integers(0, 13), st.integers(1, 9))
def test_one_check_digit_and_any_one_changed_digit_shows(number: int, place: int, shift: int) -> None:
    """Luhn: each thirteen digits take exactly one last digit, and no single typing error passes."""
    stem = f"{number:013d}"
    good = [f"{stem}{last}" for last in range(10) if is_siret(f"{stem}{last}")]
    if stem.startswith("356000000"):
        return
    assert len(good) == 1
    digits = list(good[0])
    digits[place] = str((int(digits[place]) + shift) % 10)
    changed = "".join(digits)
    assert not is_siret(changed) or changed.startswith("356000000")
