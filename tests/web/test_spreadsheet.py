"""Tables as spreadsheets: what is in them, and what a spreadsheet program takes it for."""

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

from web.spreadsheet import Euros, Rate, Sheet, as_xlsx

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read(data: bytes) -> dict[str, list[list[Any]]]:
    """The sheets of a workbook by name: texts, numbers as floats, None where a cell is empty or a formula."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:

        def tree(part: str) -> ElementTree.Element:
            return ElementTree.fromstring(archive.read(f"xl/{part}.xml"))  # noqa: S314 - of our own making

        return {
            str(sheet.get("name")): [
                [_value(cell) for cell in row] for row in tree(f"worksheets/sheet{place}").iter(f"{MAIN}row")
            ]
            for place, sheet in enumerate(tree("workbook").iter(f"{MAIN}sheet"), start=1)
        }


def _value(cell: ElementTree.Element) -> str | float | None:
    text = cell.find(f"{MAIN}is/{MAIN}t")
    if text is not None:
        return text.text
    number = cell.find(f"{MAIN}v")
    return None if number is None or cell.find(f"{MAIN}f") is not None else float(str(number.text))


def test_a_text_is_never_a_formula_nor_an_address() -> None:
    texts = ["=HYPERLINK(1)", "{=1+1}", "+33 1", "-2", "@SUM(A1)", "https://exemple.example", "internal:A1", "0042"]
    data = as_xlsx([Sheet("Essai", {"Texte": 10}, [(text,) for text in texts])])
    assert read(data) == {"Essai": [["Texte"], *([text] for text in texts)]}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet


def test_sums_dates_and_rates_are_numbers_that_show_what_they_are() -> None:
    noon = datetime(2027, 7, 1, 10, 0, tzinfo=UTC)
    row = (Euros(1_250_50), Rate(0.125), date(2027, 7, 1), noon, 3, None)
    data = as_xlsx([Sheet("Essai", dict.fromkeys("abcdef", 10), [row])])
    day = (date(2027, 7, 1) - date(1899, 12, 30)).days
    assert read(data)["Essai"][1][:5] == [1250.5, 0.125, day, day + 0.5, 3], "an instant is noon in Paris"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        styles, sheet = archive.read("xl/styles.xml").decode(), archive.read("xl/worksheets/sheet1.xml").decode()
    for form in ("€", "dd/mm/yyyy hh:mm"):
        assert form in styles
    for said in ('state="frozen"', 'orientation="landscape"', 'paperSize="9"', "<cols>"):
        assert said in sheet
