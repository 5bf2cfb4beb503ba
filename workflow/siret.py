"""The number of an establishment, as France gives it."""

LA_POSTE = "356000000"
"""La Poste numbers most of its establishments without the usual check digit."""


def is_siret(text: str) -> bool:
    """Whether `text` is fourteen digits that pass the check: Luhn's, or La Poste's own (a sum that 5 divides)."""
    if not (text.isascii() and text.isdigit() and len(text) == 14):
        return False
    digits = [int(digit) for digit in text]
    if text.startswith(LA_POSTE) and sum(digits) % 5 == 0:
        return True
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[::2])
    return (doubled + sum(digits[1::2])) % 10 == 0
