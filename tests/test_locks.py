"""What is installed and served is exactly what was chosen, and no file names the place it came from."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VENDOR = ROOT / "web" / "static" / "vendor"
RUNTIME, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"


def pins(lock: str) -> dict[str, str]:
    """Each part of a lock file with its version and all its hashes."""
    text = (ROOT / lock).read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==((?:.*\\\n)*.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT])
def test_each_part_is_pinned_by_hash_and_names_no_index(lock: str) -> None:
    assert "flask" in pins(lock)
    assert [name for name, pin in pins(lock).items() if "--hash=sha256:" not in pin] == []
    assert not re.search(r"https?:|index-url|find-links", (ROOT / lock).read_text())


def test_tests_run_with_the_parts_that_are_served() -> None:
    assert pins(RUNTIME).items() <= pins(DEVELOPMENT).items()


def test_vendored_files_are_the_listed_ones() -> None:
    listed = dict(reversed(line.split("  ")) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    held = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.iterdir()
        if file.name != "SHA256SUMS"
    }
    assert held == listed
