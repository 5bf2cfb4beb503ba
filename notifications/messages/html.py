"""The same text as a page, for mail programs that show one: paragraphs, lists, quotations, and links to press."""

import re
from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup, escape

_URL = re.compile(r"https?://\S+")
_ALONE = re.compile(r"^https?://\S+$")
_LABELLED = re.compile(r"^(?P<label>[^\n]{1,60}?) ?:\n(?P<url>https?://\S+)$")

_PAGE = Markup(
    '<!doctype html><html lang="{locale}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{subject}</title></head>'
    '<body style="margin:0;background:#f2f5f4;color:#14282b;font:16px/1.5 Arial,sans-serif">'
    '<div style="max-width:36em;margin:0 auto;padding:24px 16px">'
    '<p style="margin:0 0 16px;color:#0e5e5a;font-size:20px;font-weight:bold">Binôme</p>'
    '<div style="background:#fff;border:1px solid #cfd9d8;border-radius:6px;padding:8px 20px">{body}</div>'
    '<div style="padding:12px 4px;color:#46595c;font-size:13px">{foot}</div></div></body></html>'
)
_BUTTON = Markup(
    '<p style="margin:16px 0"><a href="{url}" style="display:inline-block;background:#0e5e5a;color:#fff;'
    'text-decoration:none;font-weight:bold;padding:10px 18px;border-radius:6px">{label}</a></p>'
)
_QUOTE = Markup('<blockquote style="margin:12px 0;padding-left:12px;border-left:3px solid #6b7f80">{}</blockquote>')
_LINK = Markup('<a href="{url}" style="color:#0e5e5a">{url}</a>')


def page(subject: str, text: str, locale: str) -> str:
    """`text`, as `render` writes it, as a whole page in `locale`. Whatever people typed into it is shown, not run."""
    body, _, foot = text.partition("\n-- \n")
    return str(_PAGE.format(locale=locale, subject=subject, body=_blocks(body), foot=_blocks(foot)))


def _blocks(text: str) -> Markup:
    return Markup("").join(_block(block) for block in re.split(r"\n{2,}", text.strip()) if block)


def _block(block: str) -> Markup:
    if labelled := _LABELLED.match(block):
        return _BUTTON.format(url=labelled["url"], label=labelled["label"])
    if _ALONE.match(block):
        return _BUTTON.format(url=block, label=block)
    return Markup("").join(_parts(block.split("\n")))


def _parts(lines: list[str]) -> Iterator[Markup]:
    """Lines that begin alike belong together: « > » quotes, « - » with what is indented under it lists."""
    for kind, group in groupby(lines, key=_kind):
        own = list(group)
        if kind == ">":
            quoted = _lines([line.removeprefix(">").strip() for line in own])
            yield _QUOTE.format(quoted)
        elif kind == "-":
            items = re.split(r"\n- ", "\n" + "\n".join(own))[1:]
            listed = Markup("").join(
                Markup('<li style="margin:8px 0">{}</li>').format(_lines([part.strip() for part in item.split("\n")]))
                for item in items
            )
            yield Markup('<ul style="padding-left:20px">{}</ul>').format(listed)
        else:
            yield Markup('<p style="margin:12px 0">{}</p>').format(_lines(own))


def _kind(line: str) -> str:
    return ">" if line.startswith(">") else "-" if line.startswith(("- ", "  ")) else ""


def _lines(lines: list[str]) -> Markup:
    return Markup("<br>").join(_linked(line) for line in lines)


def _linked(line: str) -> Markup:
    """A line with its addresses as links."""
    parts, end = [], 0
    for found in _URL.finditer(line):
        parts += [escape(line[end : found.start()]), _LINK.format(url=found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(line[end:])])
