"""The file of a calendar to harmonise: read as it stands, and what is wrong in it named by line and field."""

from pathlib import Path

import pytest

from workflow.calendars.file import BadCalendar, read
from workflow.calendars.problem import Closure, Fixed
from workflow.reference import PTCS

FILE = """\
[campaign]
first = 2012-01-02
last = 2012-12-28

[[milestone]]
id = "deposit"

[[milestone]]
id = "decision"
after = "deposit"
min_gap = 5
per_funder = true

[[funder_window]]
funder = "CAF"
milestone = "decision"
earliest = 2012-03-01
latest = 2012-03-30

[[closure]]
first = 2012-03-05
last = 2012-03-06

[[fixed]]
milestone = "decision"
funder = "CAF"
date = 2012-03-08

[something.else]
first = "whatever"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "calendar.toml"


def test_a_file_is_read(file: Path) -> None:
    file.write_text(FILE, encoding="utf-8")
    problem = read(file)
    assert [(row.id, row.after, row.min_gap, row.per_funder) for row in problem.milestones] == [
        ("deposit", None, None, False),
        ("decision", "deposit", 5, True),
    ]
    assert [window.funder for window in problem.windows] == ["CAF"]
    assert problem.closures == (Closure(problem.closures[0].first, problem.closures[0].last),)
    assert [(fixed.funder, str(fixed.day)) for fixed in problem.fixed if isinstance(fixed, Fixed)] == [
        ("CAF", "2012-03-08")
    ]


def test_the_reference_data_are_such_a_file() -> None:
    assert len(read(PTCS).milestones) == 12


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("first = 2012-01-02", "first = 2012-13-02", 2, "first"),
        ("first = 2012-01-02", 'first = "demain"', 2, "first"),
        ("first = 2012-01-02", "", 1, "first"),
        ("first = 2012-01-02", "first = 2013-01-02", 3, "last"),
        ("first = 2012-01-02\nlast = 2012-12-28", "first = 2012-01-07\nlast = 2012-01-08", 3, "last"),
        ("first = 2012-01-02", "first = 1012-01-02", 2, "first"),
        ("[campaign]", "[call]", 1, "campaign"),
        ('id = "decision"', 'id = "deposit"', 9, "id"),
        ('id = "decision"', "id = 3", 9, "id"),
        ('id = "decision"', "", 8, "id"),
        ('after = "deposit"', 'after = "nowhere"', 10, "after"),
        ("min_gap = 5", "min_gap = -1", 11, "min_gap"),
        ("min_gap = 5", "min_gap = 2.5", 11, "min_gap"),
        ("min_gap = 5", "min_gap = true", 11, "min_gap"),
        ("per_funder = true", 'per_funder = "yes"', 12, "per_funder"),
        ('funder = "CAF"\nmilestone = "decision"\nearliest', 'milestone = "decision"\nearliest', 14, "funder"),
        ('milestone = "decision"\nearliest', 'milestone = "nowhere"\nearliest', 16, "milestone"),
        ("latest = 2012-03-30", "latest = 2012-02-28", 18, "latest"),
        ("latest = 2012-03-30", "latest = 2012-03-30T10:00:00", 18, "latest"),
        ("last = 2012-03-06", "last = 2012-03-04", 22, "last"),
        ('funder = "CAF"\ndate', 'funder = "Nobody"\ndate', 26, "funder"),
        ("date = 2012-03-08", "date = ", 27, "date"),
        ("date = 2012-03-08", "", 24, "date"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_field(file: Path, old: str, new: str, line: int, field: str) -> None:
    assert FILE.count(old) == 1
    file.write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(BadCalendar) as caught:
        read(file)
    params = caught.value.reasons[0].params
    assert (params["line"], params["field"]) == (line, field)


def test_what_is_no_text_is_told_by_its_line(file: Path) -> None:
    file.write_bytes(b"[campaign]\nfirst = \xff")
    with pytest.raises(BadCalendar) as caught:
        read(file)
    assert caught.value.reasons[0].params["line"] == 2
