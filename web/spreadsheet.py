"""Tables as spreadsheets (.xlsx) that open, sort and print as they are."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import xlsxwriter
from flask import Response

from workflow.clock import PARIS

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
A4 = 9


class Euros(NamedTuple):
    """A sum, which is shown in euros."""

    cents: float


class Rate(NamedTuple):
    """A part of a whole, from 0 to 1, which is shown in percent."""

    part: float


FORMATS: Mapping[type, str] = {
    Euros: '#,##0.00\\ "€"',
    Rate: "0.00%",
    date: "dd/mm/yyyy",
    datetime: "dd/mm/yyyy hh:mm",
}
"""How each kind of cell is shown; a program writes it in its reader's own way. All others are shown as they are."""


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name (at most 31 characters), its columns each with a width in characters, its rows.

    A cell is a text, a number, a date, an instant, Euros, Rate, or None where it is empty.
    """

    name: str
    columns: Mapping[str, int]
    rows: Iterable[Sequence[Any]]


def as_xlsx(sheets: Iterable[Sheet]) -> bytes:
    """A workbook of these sheets. A text is never taken for a formula or an address, whatever it begins with."""
    file = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        plain = book.add_format({"text_wrap": True, "valign": "top"})
        shown = {kind: book.add_format({"num_format": form, "valign": "top"}) for kind, form in FORMATS.items()}
        for one in sheets:
            sheet = book.add_worksheet(one.name)
            sheet.freeze_panes(1, 0)
            sheet.set_landscape()
            sheet.set_paper(A4)
            sheet.fit_to_pages(1, 0)
            sheet.repeat_rows(0)
            sheet.set_footer("&L&F – &A&R&P / &N")
            for place, width in enumerate(one.columns.values()):
                sheet.set_column(place, place, width)
            sheet.write_row(0, 0, one.columns, head)
            for line, row in enumerate(one.rows, start=1):
                for place, cell in enumerate(row):
                    sheet.write(line, place, _plain(cell), shown.get(type(cell), plain))
    return file.getvalue()


def _plain(cell: Any) -> Any:
    match cell:
        case Euros(cents):
            return round(cents) / 100
        case Rate(part):
            return part
        case datetime():
            # A spreadsheet knows no time zone.
            return cell.astimezone(PARIS).replace(tzinfo=None)
    return cell


def sent_xlsx(sheets: Iterable[Sheet], filename: str) -> Response:
    """A workbook as a file to be saved."""
    answer = Response(as_xlsx(sheets), content_type=MEDIA_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
