"""Texts as searches compare them."""

import unicodedata


def plain(text: str) -> str:
    """`text` without accents, in lower case."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()
