"""The same text as a page, for mail programs that show one: paragraphs, lists, quotations, and links to press."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from markupsafe import escape

_URL = re.compile(r"https?://[^\s<]+")
_ALONE = re.compile(r"^https?://\S+$")
_LABELLED = re.compile(r"^(?P<label>[^\n]{1,60}?) ?:\n(?P<url>https?://\S+)$")

_PAGE = (
    '<!doctype html><html lang="{locale}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{subject}</title></head>'
    '<body style="margin:0;background:#f2f5f4;color:#14282b;font:16px/1.5 Arial,sans-serif">'
    '<div style="max-width:36em;margin:0 auto;padding:24px 16px">'
    '<p style="margin:0 0 16px;color:#0e5e5a;font-size:20px;font-weight:bold">Binôme</p>'
    '<div style="background:#fff;border:1px solid #cfd9d8;border-radius:6px;padding:8px 20px">{body}</div>'
    '<div style="padding:12px 4px;color:#46595c;font-size:13px">{foot}</div></div></body></html>'
)
_BUTTON = (
    '<p style="margin:16px 0"><a href="{url}" style="display:inline-block;background:#0e5e5a;color:#fff;'
    'text-decoration:none;font-weight:bold;padding:10px 18px;border-radius:6px">{label}</a></p>'
)
_QUOTE = '<blockquote style="margin:12px 0;padding-left:12px;border-left:3px solid #6b7f80">{}</blockquote>'
_ITEM = '<li style="margin:8px 0">{}</li>'
_LIST = '<ul style="padding-left:20px">{}</ul>'
_PARAGRAPH = '<p style="margin:12px 0">{}</p>'
_LINK = r'<a href="\g<0>" style="color:#0e5e5a">\g<0></a>'


def page(subject: str, text: str, locale: str) -> str:
    """`text`, as `render` writes it, as a whole page in `locale`. Whatever people typed into it is shown, not run: all
    is escaped here, before anything else looks at it."""
    body, _, foot = str(escape(text)).partition("\n-- \n")
    return _PAGE.format(locale=locale, subject=escape(subject), body=_blocks(body), foot=_blocks(foot))


def _blocks(text: str) -> str:
    return "".join(_block(block) for block in re.split(r"\n{2,}", text.strip()) if block)


def _block(block: str) -> str:
    if labelled := _LABELLED.match(block):
        return _BUTTON.format(url=labelled["url"], label=labelled["label"])
    if _ALONE.match(block):
        return _BUTTON.format(url=block, label=block)
    return "".join(_parts(block.split("\n")))


def _parts(lines: list[str]) -> Iterator[str]:
    """Lines that begin alike belong together: « > » quotes, « - » with what is indented under it lists."""
    for kind, group in groupby(lines, key=_kind):
        own = list(group)
        if kind == _QUOTED:
            yield _QUOTE.format(_lines(line.removeprefix(_QUOTED) for line in own))
        elif kind == "-":
            items = re.split(r"\n- ", "\n" + "\n".join(own))[1:]
            yield _LIST.format("".join(_ITEM.format(_lines(item.split("\n"))) for item in items))
        else:
            yield _PARAGRAPH.format(_lines(own))


_QUOTED = str(escape(">"))


def _kind(line: str) -> str:
    return _QUOTED if line.startswith(_QUOTED) else "-" if line.startswith(("- ", "  ")) else ""


def _lines(lines: Iterable[str]) -> str:
    """Lines, with their addresses as links."""
    return _URL.sub(_LINK, "<br>".join(line.strip() for line in lines))
