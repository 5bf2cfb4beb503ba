"""Lists in the address bar: the filters, the order (sort, « -due » when turned round), the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request, url_for

LAST = 10**6
"""No list has more pages: a greater number is a page that is not there."""


def number(name: str) -> int | None:
    """A whole number of the address bar; None where there is none."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def page() -> int:
    """The page asked for, from 1."""
    return min(max(1, number("page") or 1), LAST)


def kept(*names: str) -> dict[str, str]:
    """The parameters of the address bar among `names` that hold something."""
    return {name: value for name in names if (value := request.args.get(name, ""))}


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of a list, and the addresses of the others, as `ui.sortable_th` reads them."""

    key: str
    desc: bool
    parameters: Mapping[str, Any]

    @classmethod
    def asked(cls, keys: Iterable[str], default: str, parameters: Mapping[str, Any]) -> "Sort":
        """The order that the address bar asks for, one of `keys`."""
        text = request.args.get("sort", default)
        desc, key = text.startswith("-"), text.removeprefix("-")
        return cls(key, desc, parameters) if key in keys else cls(default, False, parameters)

    @property
    def word(self) -> str:
        """How the address bar says it."""
        return ("-" if self.desc else "") + self.key

    def url(self, key: str) -> str:
        """The list by `key`; turned round where it is so already."""
        turned = "-" if key == self.key and not self.desc else ""
        return url_for(request.endpoint or "", **self.parameters, sort=turned + key)


def pagination(here: int, pages: int, total: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What `ui.pagination` reads, for a list at `parameters`."""

    def url(number: int) -> str | None:
        known = 1 <= number <= pages
        return url_for(request.endpoint or "", **parameters, page=number) if known else None

    return {"number": here, "pages": pages, "total": total, "prev_url": url(here - 1), "next_url": url(here + 1)}
